/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-module-page.h"

#include <glib/gi18n.h>

#include "collet-bus.h"
#include "collet-rows.h"
#include "collet-status.h"
#include "collet-strip.h"
#include "collet-text.h"
#include "collet-window.h"

#define HISTORY_ROWS 10

enum
{
  FACT_VERSION,
  FACT_STATE,
  FACT_HOST,
  FACT_GENERATION,
  FACT_LOADED,
  FACT_CALLS,
  FACT_IN_FLIGHT,
  FACT_CRASHES,
  FACT_STATE_SAVED,
  FACT_REQUIRES,
  FACT_SIGNER,
  FACT_LICENSE,
  FACT_MD5,
  FACT_CODE_DIGEST,
  FACT_BUILD_ID,
  N_FACTS
};

static const char *const fact_names[N_FACTS] = {
  N_ ("Version"),   N_ ("State"),     N_ ("Runs in"), N_ ("Generation"),  N_ ("Loaded"),
  N_ ("Calls"),     N_ ("In flight"), N_ ("Crashes"), N_ ("State saved"), N_ ("Needs"),
  N_ ("Signed by"), N_ ("Licence"),   N_ ("MD5"),     N_ ("Code digest"), N_ ("Build ID"),
};

struct _ColletModulePage
{
  ColletPage parent_instance;
  ColletStatus *status;
  GtkWidget *why, *reload, *rollback, *drain, *resume, *unload;
  AdwPreferencesGroup *running, *versions, *nodes, *tools, *facts, *history;
  GtkWidget *fact_rows[N_FACTS];
  ColletItem *item; /* NULL: it is not loaded */
  char *listed;     /* the version for which versions and tools were listed */
  char *reload_path;
};

G_DEFINE_FINAL_TYPE (ColletModulePage, collet_module_page, COLLET_TYPE_PAGE)

/* ---- what is asked for ---- */

static GtkWidget *
make_version_row (ColletModulePage *self, ColletItem *version)
{
  const char *module = collet_page_get_key (COLLET_PAGE (self));
  const char *sha256 = collet_item_get_string (version, "Version");
  g_autofree char *title =
      collet_text_dup_full_version (collet_item_get_string (version, "SemanticVersion"), sha256);
  g_autofree char *size = collet_text_dup_size (collet_item_get_int (version, "Size"));
  g_autofree char *added = collet_text_dup_time (collet_item_get_int (version, "AddedAt"));
  g_autofree char *text = collet_item_get_int (version, "AddedAt") > 0
                              ? g_strdup_printf (_ ("%s, added %s"), size, added)
                              : g_strdup (size);
  GtkWidget *row = collet_row_new (title, text);

  gtk_widget_set_tooltip_text (row, sha256);
  if (collet_item_get_bool (version, "Active"))
    collet_row_add_status (row, COLLET_STATUS_OK, _ ("Runs now"));
  else
    {
      g_autofree char *label = g_strdup_printf (_ ("Roll back to %s"), title);
      GtkWidget *button = collet_row_add_button (row, _ ("Roll Back"), "win.rollback",
                                                 g_variant_new ("(ss)", module, sha256));
      gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
    }
  return row;
}

static void
on_versions (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = collet_service_call_finish (result, "(aa{sv})", &error);
  ColletModulePage *self = user_data;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  collet_group_clear (self->versions);
  if (reply == NULL)
    {
      collet_group_add (self->versions, collet_row_new (_ ("They could not be listed"), error->message));
      return;
    }
  g_autoptr (GVariant) rows = g_variant_get_child_value (reply, 0);
  for (gsize i = 0; i < g_variant_n_children (rows); i++)
    {
      g_autoptr (GVariant) value = g_variant_get_child_value (rows, i);
      g_autoptr (ColletItem) version = collet_item_new ("", value);
      collet_group_add (self->versions, make_version_row (self, version));
    }
}

static void
on_history (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = collet_service_call_finish (result, "(aa{sv})", &error);
  ColletModulePage *self = user_data;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  collet_group_clear (self->history);
  if (reply == NULL)
    {
      collet_group_add (self->history, collet_row_new (_ ("It could not be read"), error->message));
      return;
    }
  g_autoptr (GVariant) rows = g_variant_get_child_value (reply, 0);
  for (gsize i = 0; i < g_variant_n_children (rows); i++)
    {
      g_autoptr (GVariant) value = g_variant_get_child_value (rows, i);
      g_autoptr (ColletItem) reload = collet_item_new ("", value);
      g_autofree char *title = collet_text_dup_reload_title (reload);
      g_autofree char *time = collet_text_dup_time (collet_item_get_int (reload, "StartedAt"));
      const char *state = collet_item_get_string (reload, "State");
      GtkWidget *row = collet_row_new (title, time);

      collet_row_add_status (row, collet_text_status_of (COLLET_WORD_RELOAD_STATE, state),
                             collet_text_of (COLLET_WORD_RELOAD_STATE, state));
      collet_row_set_action (row, "win.open-reload",
                             g_variant_new_string (collet_item_get_string (reload, "Id")));
      collet_group_add (self->history, row);
    }
}

static void
ask (ColletModulePage *self)
{
  ColletService *service = collet_page_get_service (COLLET_PAGE (self));
  GCancellable *cancellable = collet_page_get_cancellable (COLLET_PAGE (self));
  const char *key = collet_page_get_key (COLLET_PAGE (self));
  GVariant *none = g_variant_new_array (G_VARIANT_TYPE ("{sv}"), NULL, 0);

  collet_service_call (service, "ListVersions", g_variant_new ("(s)", key), 0, cancellable, on_versions,
                       self);
  collet_service_call (service, "GetReloadHistory", g_variant_new ("(su@a{sv})", key, HISTORY_ROWS, none), 0,
                       cancellable, on_history, self);
}

/* ---- what is kept up to date ---- */

static void
list_tools (ColletModulePage *self)
{
  ColletService *service = collet_page_get_service (COLLET_PAGE (self));
  ColletItemList *tools = collet_service_get_list (service, COLLET_LIST_TOOLS);
  g_auto (GStrv) names = collet_item_dup_strv (self->item, "Tools");

  collet_group_clear (self->tools);
  for (guint i = 0; names[i] != NULL; i++)
    {
      ColletItem *tool = collet_item_list_lookup (tools, names[i]);
      GtkWidget *row =
          collet_row_new (names[i], tool != NULL ? collet_item_get_string (tool, "Description") : NULL);

      adw_action_row_set_subtitle_lines (ADW_ACTION_ROW (row), 2);
      collet_row_set_action (row, "win.open-tool", g_variant_new_string (names[i]));
      collet_group_add (self->tools, row);
    }
}

static void
list_nodes (ColletModulePage *self)
{
  ColletMatrix *matrix = collet_service_get_matrix (collet_page_get_service (COLLET_PAGE (self)));
  ColletMatrixRow *line = collet_matrix_lookup (matrix, collet_page_get_key (COLLET_PAGE (self)));
  guint n = line != NULL ? collet_matrix_get_n_nodes (matrix) : 0;

  collet_group_clear (self->nodes);
  gtk_widget_set_visible (GTK_WIDGET (self->nodes), n > 1);
  if (n <= 1)
    return;
  g_autofree char *summary = collet_strip_dup_summary (matrix, line);
  adw_preferences_group_set_description (self->nodes, summary);
  /* What is in line is said in one sentence; the others one by one. */
  for (guint i = 0; i < n; i++)
    {
      ColletCell cell = collet_matrix_row_get_cell (line, i);
      if (cell == COLLET_CELL_IN_LINE && n > 8)
        continue;
      g_autofree char *version = collet_text_dup_version (collet_matrix_row_get_cell_version (line, i));
      GtkWidget *row = collet_row_new (collet_matrix_get_nodes (matrix)[i], version);
      collet_row_add_status (row, collet_cell_get_status (cell), collet_cell_get_word (cell));
      collet_group_add (self->nodes, row);
    }
}

static void
set_fact (ColletModulePage *self, guint fact, const char *value)
{
  collet_fact_set (self->fact_rows[fact], value);
}

static void
take_fact (ColletModulePage *self, guint fact, char *value)
{
  set_fact (self, fact, value);
  g_free (value);
}

static void
show_facts (ColletModulePage *self)
{
  ColletItem *item = self->item;
  gint64 errors = collet_item_get_int (item, "Errors"), calls = collet_item_get_int (item, "Calls");
  g_auto (GStrv) requires = collet_item_dup_strv (item, "Requires");

  take_fact (self, FACT_VERSION,
             collet_text_dup_full_version (collet_item_get_string (item, "SemanticVersion"),
                                           collet_item_get_string (item, "Version")));
  set_fact (self, FACT_STATE,
            collet_text_of (COLLET_WORD_MODULE_STATE, collet_item_get_string (item, "State")));
  set_fact (self, FACT_HOST,
            g_str_equal (collet_item_get_string (item, "Host"), "in-process") ? _ ("The daemon itself")
                                                                              : _ ("A confined process"));
  take_fact (self, FACT_GENERATION,
             g_strdup_printf ("%" G_GINT64_FORMAT, collet_item_get_int (item, "Generation")));
  take_fact (self, FACT_LOADED, collet_text_dup_time (collet_item_get_int (item, "LoadedAt")));
  take_fact (self, FACT_CALLS,
             errors > 0 ? g_strdup_printf (_ ("%d, %d of them with errors"), (int)calls, (int)errors)
                        : g_strdup_printf ("%" G_GINT64_FORMAT, calls));
  take_fact (self, FACT_IN_FLIGHT,
             g_strdup_printf ("%" G_GINT64_FORMAT, collet_item_get_int (item, "InFlight")));
  take_fact (self, FACT_CRASHES,
             g_strdup_printf ("%" G_GINT64_FORMAT, collet_item_get_int (item, "Crashes")));
  take_fact (self, FACT_STATE_SAVED,
             collet_item_get_bool (item, "Stateful")
                 ? collet_text_dup_time (collet_item_get_int (item, "StateSavedAt"))
                 : g_strdup (_ ("It has none")));
  take_fact (self, FACT_REQUIRES, g_strjoinv (", ", requires));
  set_fact (self, FACT_SIGNER,
            *collet_item_get_string (item, "Signer") != '\0' ? collet_item_get_string (item, "Signer")
                                                             : _ ("Nobody"));
  set_fact (self, FACT_LICENSE, collet_item_get_string (item, "License"));
  set_fact (self, FACT_MD5, collet_item_get_string (item, "Md5"));
  set_fact (self, FACT_CODE_DIGEST, collet_item_get_string (item, "CodeDigest"));
  set_fact (self, FACT_BUILD_ID, collet_item_get_string (item, "BuildId"));
}

static void
show_running (ColletModulePage *self)
{
  g_autofree char *id =
      collet_bus_dup_name (COLLET_BUS_RELOADS, collet_item_get_string (self->item, "Reload"));

  if (g_strcmp0 (id, self->reload_path) == 0)
    return;
  collet_group_clear (self->running);
  gtk_widget_set_visible (GTK_WIDGET (self->running), id != NULL);
  g_free (self->reload_path);
  self->reload_path = g_steal_pointer (&id);
  if (self->reload_path == NULL)
    return;
  GtkWidget *row = collet_row_new (_ ("Watch it"), self->reload_path);
  collet_row_set_action (row, "win.open-reload", g_variant_new_string (self->reload_path));
  collet_group_add (self->running, row);
}

/* Shown, with the reason in its tooltip if it does nothing. */
static void
set_button (ColletModulePage *self, GtkWidget *button, const char *why_not)
{
  ColletWindow *window = collet_window_of (self);
  const char *reason =
      window != NULL
          ? collet_window_get_reason (window, gtk_actionable_get_action_name (GTK_ACTIONABLE (button)))
          : NULL;

  gtk_widget_set_sensitive (button, why_not == NULL && reason == NULL);
  gtk_widget_set_tooltip_text (button, reason != NULL ? reason : why_not);
}

static void
show_buttons (ColletModulePage *self)
{
  const char *state = self->item != NULL ? collet_item_get_string (self->item, "State") : "";
  const char *previous = self->item != NULL ? collet_item_get_string (self->item, "PreviousVersion") : "";
  const char *gone = self->item == NULL ? _ ("It is not loaded on this node") : NULL;
  gboolean is_drained = g_str_equal (state, "drained");

  /* The children of the flow box, so that they leave no gap. */
  gtk_widget_set_visible (gtk_widget_get_parent (self->resume), is_drained);
  gtk_widget_set_visible (gtk_widget_get_parent (self->drain), !is_drained);
  set_button (self, self->reload, gone);
  set_button (self, self->rollback,
              gone != NULL        ? gone
              : *previous == '\0' ? _ ("There is no version before this one")
                                  : NULL);
  set_button (self, self->drain, gone);
  set_button (self, self->resume, NULL);
  set_button (self, self->unload, gone);
}

static void
update (ColletModulePage *self)
{
  ColletItem *item = self->item;
  const char *verdict = item != NULL ? collet_item_get_string (item, "Verdict") : "";
  const char *why = item != NULL ? collet_item_get_string (item, "VerdictMessage") : "";

  show_buttons (self);
  gtk_label_set_label (GTK_LABEL (self->why), why);
  gtk_widget_set_visible (self->why, *why != '\0');
  gtk_widget_set_visible (GTK_WIDGET (self->tools), item != NULL);
  gtk_widget_set_visible (GTK_WIDGET (self->facts), item != NULL);
  if (item == NULL)
    {
      gtk_widget_set_visible (GTK_WIDGET (self->running), FALSE);
      collet_status_set (self->status, COLLET_STATUS_ABSENT, _ ("Not loaded on this node"));
      return;
    }
  const char *state = collet_item_get_string (item, "State");
  ColletStatusKind kind = g_str_equal (verdict, "broken") ? COLLET_STATUS_BROKEN
                          : g_str_equal (verdict, "attention")
                              ? COLLET_STATUS_ATTENTION
                              : collet_text_status_of (COLLET_WORD_MODULE_STATE, state);
  g_autofree char *version = collet_text_dup_full_version (collet_item_get_string (item, "SemanticVersion"),
                                                           collet_item_get_string (item, "Version"));
  g_autofree char *text =
      g_strdup_printf ("%s, %s", version, collet_text_of (COLLET_WORD_MODULE_STATE, state));
  collet_status_set (self->status, kind, text);
  collet_page_set_title (COLLET_PAGE (self), collet_page_get_key (COLLET_PAGE (self)),
                         collet_item_get_string (item, "Description"));
  show_facts (self);
  show_running (self);
  if (g_strcmp0 (self->listed, collet_item_get_string (item, "Version")) != 0)
    {
      g_free (self->listed);
      self->listed = g_strdup (collet_item_get_string (item, "Version"));
      list_tools (self);
      ask (self);
    }
}

static void
set_item (ColletModulePage *self, ColletItem *item)
{
  if (self->item == item)
    return;
  if (self->item != NULL)
    g_signal_handlers_disconnect_by_func (self->item, update, self);
  g_set_object (&self->item, item);
  if (item != NULL)
    g_signal_connect_object (item, "notify::revision", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
}

static void
find_item (ColletModulePage *self)
{
  const char *key = collet_page_get_key (COLLET_PAGE (self));

  if (key == NULL)
    return;
  ColletItemList *modules =
      collet_service_get_list (collet_page_get_service (COLLET_PAGE (self)), COLLET_LIST_MODULES);
  set_item (self, collet_item_list_lookup (modules, key));
  update (self);
}

/* ---- the page ---- */

static void
set_string_target (GtkWidget *button, const char *key)
{
  gtk_actionable_set_action_target_value (GTK_ACTIONABLE (button), g_variant_new_string (key));
}

static void
collet_module_page_set_key (ColletPage *page, const char *key)
{
  ColletModulePage *self = COLLET_MODULE_PAGE (page);

  collet_page_set_title (page, key, "");
  set_string_target (self->reload, key);
  set_string_target (self->drain, key);
  set_string_target (self->resume, key);
  set_string_target (self->unload, key);
  gtk_actionable_set_action_target_value (GTK_ACTIONABLE (self->rollback), g_variant_new ("(ss)", key, ""));
  g_clear_pointer (&self->listed, g_free);
  collet_group_clear (self->versions);
  collet_group_clear (self->history);
  collet_group_clear (self->tools);
}

static void
collet_module_page_refresh (ColletPage *page)
{
  ColletModulePage *self = COLLET_MODULE_PAGE (page);

  if (collet_page_get_key (page) == NULL)
    return;
  find_item (self);
  list_nodes (self);
  ask (self);
}

static void
collet_module_page_set_service (ColletPage *page, ColletService *service)
{
  ColletMatrix *matrix = collet_service_get_matrix (service);

  g_signal_connect_object (collet_service_get_list (service, COLLET_LIST_MODULES), "items-changed",
                           G_CALLBACK (find_item), page, G_CONNECT_SWAPPED);
  g_signal_connect_object (service, "reload-finished", G_CALLBACK (collet_module_page_refresh), page,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (matrix, "notify::revision", G_CALLBACK (list_nodes), page, G_CONNECT_SWAPPED);
}

static void
collet_module_page_dispose (GObject *object)
{
  ColletModulePage *self = COLLET_MODULE_PAGE (object);

  set_item (self, NULL);
  g_clear_pointer (&self->listed, g_free);
  g_clear_pointer (&self->reload_path, g_free);
  G_OBJECT_CLASS (collet_module_page_parent_class)->dispose (object);
}

static void
collet_module_page_class_init (ColletModulePageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  ColletPageClass *page_class = COLLET_PAGE_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = collet_module_page_dispose;
  page_class->set_service = collet_module_page_set_service;
  page_class->set_key = collet_module_page_set_key;
  page_class->refresh = collet_module_page_refresh;
  g_type_ensure (COLLET_TYPE_STATUS);
  gtk_widget_class_set_template_from_resource (widget_class, "/org/collet/Collet/collet-module-page.ui");
  gtk_widget_class_bind_template_child (widget_class, ColletModulePage, status);
  gtk_widget_class_bind_template_child (widget_class, ColletModulePage, why);
  gtk_widget_class_bind_template_child (widget_class, ColletModulePage, reload);
  gtk_widget_class_bind_template_child (widget_class, ColletModulePage, rollback);
  gtk_widget_class_bind_template_child (widget_class, ColletModulePage, drain);
  gtk_widget_class_bind_template_child (widget_class, ColletModulePage, resume);
  gtk_widget_class_bind_template_child (widget_class, ColletModulePage, unload);
  gtk_widget_class_bind_template_child (widget_class, ColletModulePage, running);
  gtk_widget_class_bind_template_child (widget_class, ColletModulePage, versions);
  gtk_widget_class_bind_template_child (widget_class, ColletModulePage, nodes);
  gtk_widget_class_bind_template_child (widget_class, ColletModulePage, tools);
  gtk_widget_class_bind_template_child (widget_class, ColletModulePage, facts);
  gtk_widget_class_bind_template_child (widget_class, ColletModulePage, history);
}

static void
collet_module_page_init (ColletModulePage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  for (guint i = 0; i < N_FACTS; i++)
    {
      self->fact_rows[i] = collet_fact_new (_ (fact_names[i]));
      adw_preferences_group_add (self->facts, self->fact_rows[i]);
    }
}
