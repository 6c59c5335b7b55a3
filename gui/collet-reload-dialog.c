/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-reload-dialog.h"

#include <glib/gi18n.h>

#include "collet-error.h"
#include "collet-reload-options.h"
#include "collet-rows.h"
#include "collet-status.h"
#include "collet-text.h"
#include "collet-window-private.h"

struct _ColletReloadDialog
{
  AdwWindow parent_instance;
  ColletWindow *window;
  char *module;  /* to be replaced; NULL: whichever the file is */
  char *checked; /* the path that the answer is about */
  ColletItem *facts;
  gboolean is_valid, is_new, is_waiting; /* is_waiting: until there is a daemon to ask */
  GCancellable *cancellable;
  GtkWidget *path, *run, *check, *choose, *cancel, *problems, *facts_group;
  GtkWidget *differences, *checks;
  ColletReloadOptions *options;
  ColletStatus *status;
  GPtrArray *rows; /* of the expanders: Row */
};

typedef struct
{
  AdwExpanderRow *parent;
  GtkWidget *row;
} Row;

G_DEFINE_FINAL_TYPE (ColletReloadDialog, collet_reload_dialog, ADW_TYPE_WINDOW)

static void
say (ColletReloadDialog *self, ColletStatusKind kind, const char *text)
{
  gtk_widget_set_visible (GTK_WIDGET (self->status), text != NULL);
  if (text != NULL)
    collet_status_set (self->status, kind, text);
}

static void
add_row (ColletReloadDialog *self, GtkWidget *parent, GtkWidget *row)
{
  Row *added = g_new (Row, 1);

  *added = (Row){ ADW_EXPANDER_ROW (parent), row };
  adw_expander_row_add_row (added->parent, row);
  g_ptr_array_add (self->rows, added);
}

static void
forget (ColletReloadDialog *self)
{
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  self->cancellable = g_cancellable_new ();
  for (guint i = 0; i < self->rows->len; i++)
    {
      Row *row = self->rows->pdata[i];
      adw_expander_row_remove (row->parent, row->row);
    }
  g_ptr_array_set_size (self->rows, 0);
  collet_group_clear (ADW_PREFERENCES_GROUP (self->problems));
  g_clear_object (&self->facts);
  g_clear_pointer (&self->checked, g_free);
  self->is_valid = FALSE;
  gtk_widget_set_visible (self->problems, FALSE);
  gtk_widget_set_visible (self->facts_group, FALSE);
  gtk_widget_set_visible (GTK_WIDGET (self->options), FALSE);
  say (self, COLLET_STATUS_NEUTRAL, NULL);
}

/* The button says why it does nothing. */
static void
update_run (ColletReloadDialog *self)
{
  const char *why = self->facts == NULL ? _ ("Nothing was checked yet")
                    : !self->is_valid   ? _ ("The checks did not pass")
                                        : collet_reload_options_get_problem (self->options);

  gtk_widget_set_sensitive (self->run, why == NULL);
  gtk_widget_set_tooltip_text (self->run, why);
  collet_button_set_label (self->run, self->is_new || self->facts == NULL ? _ ("_Load") : _ ("_Reload"));
}

/* ---- what the checks said ---- */

static void
show_problem (ColletReloadDialog *self, const char *title, const char *what, const char *remedy)
{
  g_autofree char *text = collet_text_dup_advice (what, remedy);

  collet_group_add (ADW_PREFERENCES_GROUP (self->problems), collet_row_new_problem (title, text));
  gtk_widget_set_visible (self->problems, TRUE);
}

/* Whether all that is in the way is that the change is breaking, which may be meant: there is a
 * switch for that, and what breaks is listed. */
static gboolean
is_breaking_alone (ColletReloadDialog *self, GVariant *checks)
{
  gboolean is_alone = g_str_equal (collet_item_get_string (self->facts, "verdict"), "breaking");

  for (gsize i = 0; is_alone && i < g_variant_n_children (checks); i++)
    {
      g_autoptr (GVariant) value = g_variant_get_child_value (checks, i);
      g_autoptr (ColletItem) check = collet_item_new ("", value);

      is_alone = !g_str_equal (collet_item_get_string (check, "outcome"), "failed") ||
                 g_str_equal (collet_item_get_string (check, "check"), "compatibility");
    }
  return is_alone;
}

static void
show_checks (ColletReloadDialog *self, GVariant *checks)
{
  guint n = (guint)g_variant_n_children (checks), n_passed = 0, n_skipped = 0;

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GVariant) value = g_variant_get_child_value (checks, i);
      g_autoptr (ColletItem) check = collet_item_new ("", value);
      const char *outcome = collet_item_get_string (check, "outcome"),
                 *name = collet_item_get_string (check, "check");
      const char *evidence = collet_item_get_string (check, "evidence");
      GtkWidget *row = collet_row_new (name, evidence);

      adw_action_row_set_subtitle_lines (ADW_ACTION_ROW (row), 0);
      collet_row_add_status (row, collet_text_status_of (COLLET_WORD_OUTCOME, outcome),
                             collet_text_of (COLLET_WORD_OUTCOME, outcome));
      add_row (self, self->checks, row);
      n_passed += g_str_equal (outcome, "passed");
      n_skipped += g_str_equal (outcome, "skipped");
      if ((g_str_equal (outcome, "failed") && !(self->is_valid && g_str_equal (name, "compatibility"))) ||
          g_str_equal (outcome, "warning"))
        show_problem (self, name, evidence, collet_item_get_string (check, "remedy"));
    }
  adw_preferences_group_set_title (ADW_PREFERENCES_GROUP (self->problems),
                                   self->is_valid ? _ ("Warnings") : _ ("Why It Is Refused"));
  g_autofree char *text = g_strdup_printf (_ ("%u of %u passed, %u skipped"), n_passed, n, n_skipped);
  adw_expander_row_set_subtitle (ADW_EXPANDER_ROW (self->checks), text);
}

static void
show_differences (ColletReloadDialog *self)
{
  g_auto (GStrv) lines = collet_item_dup_strv (self->facts, "differences");
  const char *verdict = collet_item_get_string (self->facts, "verdict");

  for (guint i = 0; lines[i] != NULL; i++)
    {
      GtkWidget *row = collet_row_new (lines[i], NULL);
      adw_action_row_set_title_lines (ADW_ACTION_ROW (row), 0);
      add_row (self, self->differences, row);
    }
  guint n = g_strv_length (lines);
  g_autofree char *text = g_strdup_printf (
      ngettext ("%s; %u difference", "%s; %u differences", n),
      *verdict != '\0' ? collet_text_of (COLLET_WORD_COMPATIBILITY, verdict) : _ ("Not compared"), n);
  adw_expander_row_set_subtitle (ADW_EXPANDER_ROW (self->differences), text);
  adw_expander_row_set_expanded (ADW_EXPANDER_ROW (self->differences), g_str_equal (verdict, "breaking"));
  gtk_widget_set_sensitive (self->differences, n > 0);
}

static ColletItem *
find_running (ColletReloadDialog *self)
{
  ColletItemList *modules = collet_service_get_list (self->window->service, COLLET_LIST_MODULES);

  return collet_item_list_lookup (modules, collet_item_get_string (self->facts, "name"));
}

static void
show_facts (ColletReloadDialog *self)
{
  ColletItem *running = find_running (self);
  const char *name = collet_item_get_string (self->facts, "name");
  g_autofree char *new_version =
      collet_text_dup_full_version (collet_item_get_string (self->facts, "version"),
                                    collet_item_get_string (self->facts, "sha256"));
  g_autofree char *old_version =
      running != NULL ? collet_text_dup_full_version (collet_item_get_string (running, "SemanticVersion"),
                                                      collet_item_get_string (running, "Version"))
                      : NULL;
  g_autofree char *change = old_version != NULL ? collet_text_dup_change (old_version, new_version)
                                                : g_strdup_printf (_ ("new, %s"), new_version);
  g_autofree char *text = g_strdup_printf ("%s: %s", name, change);

  self->is_new = running == NULL;
  adw_preferences_group_set_description (ADW_PREFERENCES_GROUP (self->facts_group), text);
  gtk_widget_set_visible (self->facts_group, TRUE);
  gtk_widget_set_visible (GTK_WIDGET (self->options), self->is_valid);
  collet_reload_options_setup (self->options, self->window->service);
  collet_reload_options_set_facts (self->options, self->facts, running);
}

static void
show_error (ColletReloadDialog *self, const GError *error)
{
  g_autofree char *text = collet_text_dup_error_advice (error);

  say (self, COLLET_STATUS_BROKEN, _ ("It could not be checked"));
  adw_preferences_group_set_title (ADW_PREFERENCES_GROUP (self->problems), _ ("What Happened"));
  show_problem (self, collet_error_name_of (error), text, "");
}

static void
on_validated (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = collet_service_call_finish (result, "(ba{sv}aa{sv})", &error);
  g_autoptr (GVariant) facts = NULL;
  g_autoptr (GVariant) checks = NULL;
  ColletReloadDialog *self = user_data;
  gboolean is_valid;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  gtk_widget_set_sensitive (self->check, TRUE);
  if (reply == NULL)
    {
      show_error (self, error);
      return;
    }
  g_variant_get (reply, "(b@a{sv}@aa{sv})", &is_valid, &facts, &checks);
  self->facts = collet_item_new ("", facts);
  gboolean is_breaking = !is_valid && is_breaking_alone (self, checks);
  self->is_valid = is_valid || is_breaking;
  const char *name = collet_item_get_string (self->facts, "name");
  if (self->is_valid && self->module != NULL && !g_str_equal (name, self->module))
    {
      self->is_valid = FALSE;
      g_autofree char *text =
          g_strdup_printf (_ ("The file is a module “%s”, not “%s”."), name, self->module);
      show_problem (self, _ ("Another module"), text,
                    _ ("Choose another file, or load it from the Overview."));
    }
  show_checks (self, checks);
  show_differences (self);
  show_facts (self);
  if (self->is_valid && is_breaking)
    say (self, COLLET_STATUS_ATTENTION, _ ("It breaks callers; that has to be accepted below"));
  else
    say (self, self->is_valid ? COLLET_STATUS_OK : COLLET_STATUS_BROKEN,
         self->is_valid ? _ ("It can be loaded") : _ ("It is refused; nothing was changed"));
  update_run (self);
}

static void
on_check (ColletReloadDialog *self)
{
  g_autofree char *path = g_strstrip (g_strdup (gtk_editable_get_text (GTK_EDITABLE (self->path))));

  forget (self);
  update_run (self);
  if (*path == '\0')
    return;
  if (collet_service_get_state (self->window->service) == COLLET_SERVICE_CONNECTING)
    {
      self->is_waiting = TRUE;
      say (self, COLLET_STATUS_BUSY, _ ("Connecting"));
      return;
    }
  self->checked = g_steal_pointer (&path);
  say (self, COLLET_STATUS_BUSY, _ ("Checking: it is loaded for trial in a process of its own"));
  gtk_widget_set_sensitive (self->check, FALSE);
  collet_service_call (self->window->service, "ValidateModule",
                       g_variant_new ("(sa{sv})", self->checked, NULL), 0, self->cancellable, on_validated,
                       self);
}

/* A file may have been given before there was an answer of a daemon. */
static void
on_state_changed (ColletReloadDialog *self)
{
  if (!self->is_waiting || collet_service_get_state (self->window->service) == COLLET_SERVICE_CONNECTING)
    return;
  self->is_waiting = FALSE;
  on_check (self);
}

static void
on_path_changed (ColletReloadDialog *self)
{
  const char *path = gtk_editable_get_text (GTK_EDITABLE (self->path));

  if (self->checked != NULL && g_strcmp0 (path, self->checked) != 0)
    {
      forget (self);
      gtk_widget_set_sensitive (self->check, TRUE);
      update_run (self);
    }
}

/* ---- choosing ---- */

static void
on_chosen (GtkNativeDialog *chooser, int response, gpointer user_data)
{
  ColletReloadDialog *self = user_data;
  g_autoptr (GFile) file =
      response == GTK_RESPONSE_ACCEPT ? gtk_file_chooser_get_file (GTK_FILE_CHOOSER (chooser)) : NULL;

  if (file != NULL && g_file_peek_path (file) != NULL)
    {
      gtk_editable_set_text (GTK_EDITABLE (self->path), g_file_peek_path (file));
      on_check (self);
    }
  g_object_unref (chooser);
}

static void
on_choose (ColletReloadDialog *self)
{
  GtkFileChooserNative *chooser =
      gtk_file_chooser_native_new (_ ("Choose a Module"), GTK_WINDOW (self), GTK_FILE_CHOOSER_ACTION_OPEN,
                                   _ ("_Choose"), _ ("_Cancel"));
  g_autoptr (GtkFileFilter) filter = gtk_file_filter_new ();

  gtk_file_filter_set_name (filter, _ ("Shared objects"));
  gtk_file_filter_add_suffix (filter, "so");
  gtk_file_chooser_add_filter (GTK_FILE_CHOOSER (chooser), filter);
  g_signal_connect_object (chooser, "response", G_CALLBACK (on_chosen), self, 0);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (chooser));
}

/* ---- running ---- */

static void
on_started (GObject *source, GAsyncResult *result, gpointer user_data)
{
  ColletReloadDialog *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_task_propagate_pointer (G_TASK (result), &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  update_run (self);
  if (reply == NULL)
    {
      collet_group_clear (ADW_PREFERENCES_GROUP (self->problems));
      show_error (self, error);
      say (self, COLLET_STATUS_BROKEN,
           g_error_matches (error, COLLET_ERROR, COLLET_ERROR_NOT_AUTHORIZED)
               ? _ ("Not authorised; nothing changed")
               : _ ("It was not done"));
      collet_window_toast_refusal (self->window, collet_item_get_string (self->facts, "name"), error);
      return;
    }

  const char *path = NULL;
  g_autoptr (GVariant) first = g_variant_n_children (reply) > 0 ? g_variant_get_child_value (reply, 0) : NULL;
  if (first != NULL && g_variant_is_of_type (first, G_VARIANT_TYPE_OBJECT_PATH))
    path = g_variant_get_string (first, NULL);
  ColletWindow *window = self->window;
  if (path != NULL)
    collet_window_follow (window, path);
  gtk_window_destroy (GTK_WINDOW (self));
}

static void
on_run (ColletReloadDialog *self)
{
  GVariant *arguments;
  const char *method =
      collet_reload_options_make_call (self->options, collet_item_get_string (self->facts, "name"),
                                       self->checked, &arguments);

  gtk_widget_set_sensitive (self->run, FALSE);
  say (self, COLLET_STATUS_BUSY, _ ("Asking the daemon"));
  collet_service_call (self->window->service, method, arguments, 0, self->cancellable, on_started, self);
}

/* ---- life ---- */

static void
collet_reload_dialog_dispose (GObject *object)
{
  ColletReloadDialog *self = COLLET_RELOAD_DIALOG (object);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->facts);
  g_clear_pointer (&self->rows, g_ptr_array_unref);
  g_clear_pointer (&self->module, g_free);
  g_clear_pointer (&self->checked, g_free);
  G_OBJECT_CLASS (collet_reload_dialog_parent_class)->dispose (object);
}

static void
collet_reload_dialog_class_init (ColletReloadDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = collet_reload_dialog_dispose;
  g_type_ensure (COLLET_TYPE_STATUS);
  g_type_ensure (COLLET_TYPE_RELOAD_OPTIONS);
  gtk_widget_class_set_template_from_resource (widget_class, "/org/collet/Collet/collet-reload-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, ColletReloadDialog, path);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadDialog, run);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadDialog, check);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadDialog, choose);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadDialog, cancel);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadDialog, status);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadDialog, problems);
  gtk_widget_class_bind_template_child_full (widget_class, "facts", FALSE,
                                             G_STRUCT_OFFSET (ColletReloadDialog, facts_group));
  gtk_widget_class_bind_template_child (widget_class, ColletReloadDialog, differences);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadDialog, checks);
  gtk_widget_class_bind_template_child (widget_class, ColletReloadDialog, options);
  gtk_widget_class_bind_template_callback (widget_class, on_run);
  gtk_widget_class_bind_template_callback (widget_class, on_check);
  gtk_widget_class_bind_template_callback (widget_class, on_choose);
  gtk_widget_class_bind_template_callback (widget_class, on_path_changed);
  gtk_widget_class_bind_template_callback (widget_class, update_run);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
}

static void
collet_reload_dialog_init (ColletReloadDialog *self)
{
  self->cancellable = g_cancellable_new ();
  self->rows = g_ptr_array_new_with_free_func (g_free);
  gtk_widget_init_template (GTK_WIDGET (self));
  collet_widget_name_parts (GTK_WIDGET (self));
}

GtkWidget *
collet_reload_dialog_new (ColletWindow *window, const char *module, const char *path)
{
  ColletReloadDialog *self =
      g_object_new (COLLET_TYPE_RELOAD_DIALOG, "transient-for", window, "destroy-with-parent", TRUE, NULL);

  self->window = window;
  self->module = g_strdup (module);
  g_signal_connect_object (window->service, "state-changed", G_CALLBACK (on_state_changed), self,
                           G_CONNECT_SWAPPED);
  if (module != NULL)
    {
      g_autofree char *title = g_strdup_printf (_ ("Reload %s"), module);
      gtk_window_set_title (GTK_WINDOW (self), title);
    }
  update_run (self);
  if (path != NULL)
    {
      gtk_editable_set_text (GTK_EDITABLE (self->path), path);
      on_check (self);
    }
  return GTK_WIDGET (self);
}
