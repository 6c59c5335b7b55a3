/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-window-private.h"

#include <glib/gi18n.h>

#include "collet-reload-dialog.h"

static void
begin (ColletWindow *self, const char *module, const char *path)
{
  GtkWidget *dialog = collet_reload_dialog_new (self, module, path);

  gtk_window_present (GTK_WINDOW (dialog));
}

void
collet_window_open_artifact (ColletWindow *self, GFile *file)
{
  const char *path = g_file_peek_path (file);

  if (path != NULL)
    begin (self, NULL, path);
  else
    collet_window_toast (self, _ ("Only files of this machine can be loaded"), NULL, NULL, NULL);
}

static void
load (GtkWidget *widget, const char *action, GVariant *parameter)
{
  begin (COLLET_WINDOW (widget), NULL, NULL);
}

static void
reload (GtkWidget *widget, const char *action, GVariant *parameter)
{
  begin (COLLET_WINDOW (widget), g_variant_get_string (parameter, NULL), NULL);
}

static gboolean
on_drop (GtkDropTarget *target, const GValue *value, double x, double y, gpointer user_data)
{
  GSList *files = G_VALUE_HOLDS (value, GDK_TYPE_FILE_LIST) ? g_value_get_boxed (value) : NULL;

  if (files == NULL)
    return FALSE;
  collet_window_open_artifact (user_data, files->data);
  if (files->next != NULL)
    collet_window_toast (user_data, _ ("One module at a time: only the first file is checked"), NULL, NULL,
                         NULL);
  return TRUE;
}

void
collet_window_artifact_init (ColletWindow *self)
{
  GtkDropTarget *target = gtk_drop_target_new (GDK_TYPE_FILE_LIST, GDK_ACTION_COPY);

  g_signal_connect (target, "drop", G_CALLBACK (on_drop), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (target));
}

void
collet_window_artifact_class_init (GtkWidgetClass *widget_class)
{
  gtk_widget_class_install_action (widget_class, "win.load", NULL, load);
  gtk_widget_class_install_action (widget_class, "win.reload", "s", reload);
}
