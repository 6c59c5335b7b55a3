/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-reloads-page.h"

#include <glib/gi18n.h>

#include "collet-columns.h"
#include "collet-history-file.h"
#include "collet-rows.h"
#include "collet-state-bin.h"
#include "collet-status.h"
#include "collet-text.h"
#include "collet-window.h"

#define PAGE_ROWS 200

enum
{
  WHICH_ALL,
  WHICH_RUNNING,
  WHICH_FAILED,
  WHICH_ROLLBACKS
};

struct _ColletReloadsPage
{
  ColletPage parent_instance;
  GtkWidget *search, *which, *when, *more;
  ColletStateBin *state;
  GtkColumnView *view;
  ColletItemList *rows; /* by start, the newest first: history and what runs */
  GtkFilter *filter;
  GListModel *shown;
  gint64 oldest; /* what was read so far */
  guint n_exported;
};

G_DEFINE_FINAL_TYPE (ColletReloadsPage, collet_reloads_page, COLLET_TYPE_PAGE)

/* ---- columns ---- */

static void
bind_state (GtkWidget *cell, gpointer item, gpointer self)
{
  const char *state = collet_item_get_string (item, "State"), *phase = collet_item_get_string (item, "Phase");
  gboolean is_running = g_str_equal (state, "running");

  collet_status_set (COLLET_STATUS (cell), collet_text_status_of (COLLET_WORD_RELOAD_STATE, state),
                     is_running ? collet_text_of (COLLET_WORD_PHASE, phase)
                                : collet_text_of (COLLET_WORD_RELOAD_STATE, state));
  const char *message = collet_item_get_string (item, "ErrorMessage");
  collet_cell_set_tip (cell, message);
}

static void
bind_title (GtkWidget *cell, gpointer item, gpointer self)
{
  g_autofree char *title = collet_text_dup_reload_title (item);

  gtk_label_set_label (GTK_LABEL (cell), title);
}

static char *
dup_versions (ColletItem *reload)
{
  g_autoptr (GPtrArray) items = collet_item_dup_rows (reload, "Items");

  if (items->len != 1)
    return items->len == 0 ? g_strdup ("")
                           : g_strdup_printf (ngettext ("%u module", "%u modules", items->len), items->len);
  const char *from = collet_item_get_string (items->pdata[0], "from-version");
  const char *to = collet_item_get_string (items->pdata[0], "to-version");
  /* Builds of one version are told apart by their hashes. */
  gboolean is_same = g_str_equal (from, to) && *from != '\0';
  g_autofree char *old = is_same ? collet_text_dup_version (collet_item_get_string (items->pdata[0], "from"))
                                 : g_strdup (*from != '\0' ? from : "–");
  g_autofree char *new = is_same ? collet_text_dup_version (collet_item_get_string (items->pdata[0], "to"))
                                 : g_strdup (*to != '\0' ? to : "–");
  return collet_text_dup_change (old, new);
}

static void
bind_versions (GtkWidget *cell, gpointer item, gpointer self)
{
  g_autofree char *text = dup_versions (item);

  gtk_label_set_label (GTK_LABEL (cell), text);
}

static void
bind_started (GtkWidget *cell, gpointer item, gpointer self)
{
  collet_cell_set_time (cell, collet_item_get_int (item, "StartedAt"));
}

static void
bind_duration (GtkWidget *cell, gpointer item, gpointer self)
{
  gint64 duration = collet_item_get_int (item, "DurationUs");
  g_autofree char *text = duration > 0 ? collet_text_dup_duration (duration) : g_strdup ("");

  gtk_label_set_label (GTK_LABEL (cell), text);
}

static void
bind_who (GtkWidget *cell, gpointer item, gpointer self)
{
  g_autofree char *text = collet_text_dup_initiator (collet_item_get_int (item, "Initiator"));

  gtk_label_set_label (GTK_LABEL (cell), text);
}

static void
bind_reason (GtkWidget *cell, gpointer item, gpointer self)
{
  const char *reason = collet_item_get_string (item, "Reason"),
             *reverts = collet_item_get_string (item, "Reverts");
  g_autofree char *text = *reason == '\0' && *reverts != '\0' ? g_strdup_printf (_ ("Takes back %s"), reverts)
                                                              : g_strdup (reason);

  gtk_label_set_label (GTK_LABEL (cell), text);
  collet_cell_set_tip (cell, text);
}

static char *
describe (gpointer item, gpointer self)
{
  g_autofree char *title = collet_text_dup_reload_title (item);
  g_autofree char *versions = dup_versions (item);
  g_autofree char *time = collet_text_dup_time (collet_item_get_int (item, "StartedAt"));
  const char *state = collet_item_get_string (item, "State");

  /* Translators: what was done, from → to, how it ended, when */
  return g_strdup_printf (_ ("%s, %s, %s, %s"), title, versions,
                          collet_text_of (COLLET_WORD_RELOAD_STATE, state), time);
}

static int
compare_title (gconstpointer a, gconstpointer b, gpointer self)
{
  g_autofree char *left = collet_text_dup_reload_title ((gpointer)a);
  g_autofree char *right = collet_text_dup_reload_title ((gpointer)b);

  return g_utf8_collate (left, right);
}

static int
compare_versions (gconstpointer a, gconstpointer b, gpointer self)
{
  g_autofree char *left = dup_versions ((gpointer)a);
  g_autofree char *right = dup_versions ((gpointer)b);

  return collet_columns_compare_text (left, right);
}

/* ---- filter ---- */

static gboolean
has_text (ColletItem *item, const char *text)
{
  g_autofree char *modules = collet_text_dup_modules (item);
  g_autofree char *who = collet_text_dup_initiator (collet_item_get_int (item, "Initiator"));
  g_autofree char *title = collet_text_dup_reload_title (item);
  g_autofree char *all =
      g_strjoin ("\n", modules, title, who, collet_item_get_string (item, "Reason"),
                 collet_item_get_string (item, "Id"), collet_item_get_string (item, "ErrorName"), NULL);
  g_autofree char *folded = g_utf8_casefold (all, -1);
  g_autofree char *needle = g_utf8_casefold (text, -1);

  return strstr (folded, needle) != NULL;
}

static gboolean
matches (gpointer item, gpointer user_data)
{
  static const gint64 spans[] = { 0, 3600, 86400, 7 * 86400 };
  ColletReloadsPage *self = user_data;
  const char *text = gtk_editable_get_text (GTK_EDITABLE (self->search));
  const char *state = collet_item_get_string (item, "State");
  guint which = gtk_drop_down_get_selected (GTK_DROP_DOWN (self->which));
  guint when = gtk_drop_down_get_selected (GTK_DROP_DOWN (self->when));

  if (which == WHICH_RUNNING && !g_str_equal (state, "running"))
    return FALSE;
  if (which == WHICH_FAILED && (g_str_equal (state, "running") || g_str_equal (state, "succeeded")))
    return FALSE;
  if (which == WHICH_ROLLBACKS && !g_str_equal (collet_item_get_string (item, "Kind"), "rollback") &&
      *collet_item_get_string (item, "Reverts") == '\0')
    return FALSE;
  if (when > 0 && when < G_N_ELEMENTS (spans) &&
      collet_item_get_int (item, "StartedAt") < g_get_real_time () - spans[when] * (gint64)G_USEC_PER_SEC)
    return FALSE;
  return *text == '\0' || has_text (item, text);
}

static void
on_filter_changed (ColletReloadsPage *self)
{
  if (self->filter != NULL)
    gtk_filter_changed (self->filter, GTK_FILTER_CHANGE_DIFFERENT);
}

/* ---- rows ---- */

static void
put (ColletReloadsPage *self, ColletItem *reload)
{
  gint64 started = collet_item_get_int (reload, "StartedAt");
  g_autofree char *key = g_strdup_printf ("%020" G_GINT64_FORMAT "-%s", G_MAXINT64 - started,
                                          collet_item_get_string (reload, "Id"));
  g_autoptr (GVariant) values = collet_item_ref_values (reload);

  collet_item_list_put (self->rows, key, values);
}

static void
on_history (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) rows = collet_service_call_finish_rows (result, &error);
  ColletReloadsPage *self = user_data;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (rows == NULL)
    {
      collet_state_bin_set_error (self->state, error);
      return;
    }
  for (guint i = 0; i < rows->len; i++)
    {
      gint64 started = collet_item_get_int (rows->pdata[i], "StartedAt");

      put (self, rows->pdata[i]);
      self->oldest = self->oldest == 0 ? started : MIN (self->oldest, started);
    }
  collet_item_list_flush (self->rows);
  gtk_widget_set_visible (self->more, rows->len == PAGE_ROWS);
  collet_state_bin_set_read (self->state);
}

static void
ask (ColletReloadsPage *self, gint64 before)
{
  ColletService *service = collet_page_get_service (COLLET_PAGE (self));
  GVariantBuilder options;

  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  if (before > 0)
    g_variant_builder_add (&options, "{sv}", "before", g_variant_new_int64 (before));
  collet_state_bin_set_asking (self->state);
  collet_service_call (service, "GetReloadHistory", g_variant_new ("(sua{sv})", "", PAGE_ROWS, &options), 0,
                       collet_page_get_cancellable (COLLET_PAGE (self)), on_history, self);
}

static void
on_more (ColletReloadsPage *self)
{
  ask (self, self->oldest);
}

static void
on_reload_changed (ColletReloadsPage *self, GParamSpec *pspec, ColletItem *reload)
{
  put (self, reload);
}

static void
on_objects_changed (ColletReloadsPage *self, guint position, guint removed, guint added, GListModel *objects)
{
  for (guint i = position; i < position + added; i++)
    {
      g_autoptr (ColletItem) reload = g_list_model_get_item (objects, i);

      put (self, reload);
      g_signal_handlers_disconnect_by_func (reload, on_reload_changed, self);
      g_signal_connect_object (reload, "notify::revision", G_CALLBACK (on_reload_changed), self,
                               G_CONNECT_SWAPPED);
    }
}

static void
on_activate (GtkColumnView *view, guint position, gpointer user_data)
{
  ColletItem *reload = collet_columns_get_item (view, position);

  if (reload != NULL)
    gtk_widget_activate_action (GTK_WIDGET (view), "win.open-reload", "s",
                                collet_item_get_string (reload, "Id"));
}

/* ---- export ---- */

static void
on_written (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (ColletReloadsPage) self = user_data;
  g_autoptr (GError) error = NULL;
  ColletWindow *window = collet_window_of (self);

  if (g_file_replace_contents_finish (G_FILE (source), result, NULL, &error))
    {
      /* What is listed, which need not be all there was. */
      g_autofree char *text =
          g_strdup_printf (ngettext ("%u reload was exported", "%u reloads were exported", self->n_exported),
                           self->n_exported);
      if (window != NULL)
        collet_window_toast (window, text, NULL, NULL, NULL);
    }
  else if (window != NULL)
    collet_window_toast_error (window, _ ("The history could not be exported"), error);
}

static void
on_chosen (GtkNativeDialog *chooser, int response, gpointer user_data)
{
  ColletReloadsPage *self = user_data;
  g_autoptr (GFile) file =
      response == GTK_RESPONSE_ACCEPT ? gtk_file_chooser_get_file (GTK_FILE_CHOOSER (chooser)) : NULL;

  if (file != NULL)
    {
      gboolean is_csv = g_object_get_data (G_OBJECT (chooser), "collet-csv") != NULL;
      char *text =
          is_csv ? collet_history_file_dup_csv (self->shown) : collet_history_file_dup_json (self->shown);
      self->n_exported = g_list_model_get_n_items (self->shown);
      g_autoptr (GBytes) bytes = g_bytes_new_take (text, strlen (text));

      g_file_replace_contents_bytes_async (file, bytes, NULL, FALSE, G_FILE_CREATE_NONE, NULL, on_written,
                                           g_object_ref (self));
    }
  g_object_unref (chooser);
}

static void
export_rows (GtkWidget *widget, const char *action, GVariant *parameter)
{
  gboolean is_csv = g_str_equal (g_variant_get_string (parameter, NULL), "csv");
  GtkFileChooserNative *chooser =
      gtk_file_chooser_native_new (_ ("Export History"), GTK_WINDOW (gtk_widget_get_root (widget)),
                                   GTK_FILE_CHOOSER_ACTION_SAVE, _ ("_Export"), _ ("_Cancel"));

  gtk_file_chooser_set_current_name (GTK_FILE_CHOOSER (chooser),
                                     is_csv ? "collet-history.csv" : "collet-history.json");
  if (is_csv)
    g_object_set_data (G_OBJECT (chooser), "collet-csv", chooser);
  g_signal_connect_object (chooser, "response", G_CALLBACK (on_chosen), widget, 0);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (chooser));
}

/* ---- the page ---- */

static void
collet_reloads_page_set_service (ColletPage *page, ColletService *service)
{
  ColletReloadsPage *self = COLLET_RELOADS_PAGE (page);
  GListModel *objects = G_LIST_MODEL (collet_service_get_list (service, COLLET_LIST_RELOADS));
  const ColletColumn columns[] = {
    { N_ ("What"), collet_cell_new_name, bind_title, compare_title, TRUE, describe, NULL },
    { N_ ("State"), collet_status_new, bind_state, NULL, FALSE, NULL, "State" },
    { N_ ("Versions"), collet_cell_new_text, bind_versions, compare_versions, FALSE, NULL, NULL },
    { N_ ("Started"), collet_cell_new_text, bind_started, NULL, FALSE, NULL, "StartedAt" },
    { N_ ("Duration"), collet_cell_new_number, bind_duration, NULL, FALSE, NULL, "DurationUs" },
    { N_ ("By"), collet_cell_new_text, bind_who, NULL, FALSE, NULL, "Initiator" },
    { N_ ("Reason"), collet_cell_new_text, bind_reason, NULL, TRUE, NULL, "Reason" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (columns); i++)
    collet_columns_append (self->view, &columns[i], self);
  self->filter = GTK_FILTER (gtk_custom_filter_new (matches, self, NULL));
  self->shown = G_LIST_MODEL (
      gtk_filter_list_model_new (g_object_ref (G_LIST_MODEL (self->rows)), g_object_ref (self->filter)));
  collet_columns_set_model (self->view, self->shown);
  collet_state_bin_watch (self->state, service, G_LIST_MODEL (self->rows), self->shown);
  g_signal_connect_object (objects, "items-changed", G_CALLBACK (on_objects_changed), self,
                           G_CONNECT_SWAPPED);
  on_objects_changed (self, 0, 0, g_list_model_get_n_items (objects), objects);
}

static void
collet_reloads_page_refresh (ColletPage *page)
{
  ask (COLLET_RELOADS_PAGE (page), 0);
}

static GtkWidget *
collet_reloads_page_get_search (ColletPage *page)
{
  return COLLET_RELOADS_PAGE (page)->search;
}

static void
collet_reloads_page_dispose (GObject *object)
{
  ColletReloadsPage *self = COLLET_RELOADS_PAGE (object);

  g_clear_object (&self->filter);
  g_clear_object (&self->shown);
  g_clear_object (&self->rows);
  G_OBJECT_CLASS (collet_reloads_page_parent_class)->dispose (object);
}

static void
collet_reloads_page_class_init (ColletReloadsPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  ColletPageClass *page_class = COLLET_PAGE_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = collet_reloads_page_dispose;
  page_class->set_service = collet_reloads_page_set_service;
  page_class->refresh = collet_reloads_page_refresh;
  page_class->get_search = collet_reloads_page_get_search;
  g_type_ensure (COLLET_TYPE_STATE_BIN);
  gtk_widget_class_set_template_from_resource (widget_class, "/org/collet/Collet/collet-reloads-page.ui");
  gtk_widget_class_bind_template_child (widget_class, ColletReloadsPage, search);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadsPage, which);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadsPage, when);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadsPage, more);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadsPage, state);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadsPage, view);
  gtk_widget_class_bind_template_callback (widget_class, on_filter_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_activate);
  gtk_widget_class_bind_template_callback (widget_class, on_more);
  gtk_widget_class_install_action (widget_class, "reloads.export", "s", export_rows);
}

static void
collet_reloads_page_init (ColletReloadsPage *self)
{
  self->rows = collet_item_list_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
  collet_widget_name_parts (GTK_WIDGET (self));
}
