/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-window-private.h"

#include <glib/gi18n.h>

#include "collet-rows.h"
#include "collet-text.h"

G_DEFINE_FINAL_TYPE (ColletWindow, collet_window, ADW_TYPE_APPLICATION_WINDOW)

/* ---- toasts ---- */

static void
on_toast_gone (ColletWindow *self, AdwToast *toast)
{
  if (self->toast == toast)
    g_clear_weak_pointer (&self->toast);
}

/* The newest at once, in the place of what it makes old; what went wrong comes back after it. */
static void
show_toast (ColletWindow *self, AdwToast *toast, gboolean is_error)
{
  if (self->toast != NULL)
    adw_toast_dismiss (self->toast);
  if (!is_error)
    g_set_weak_pointer (&self->toast, toast);
  g_signal_connect_object (toast, "dismissed", G_CALLBACK (on_toast_gone), self, G_CONNECT_SWAPPED);
  adw_toast_set_priority (toast, ADW_TOAST_PRIORITY_HIGH);
  adw_toast_overlay_add_toast (self->toasts, toast);
}

void
collet_window_toast (ColletWindow *self, const char *text, const char *button, const char *action,
                     GVariant *target)
{
  g_autofree char *markup = g_markup_escape_text (text, -1);
  g_autoptr (GVariant) kept = target != NULL ? g_variant_ref_sink (target) : NULL;
  AdwToast *toast = adw_toast_new (markup);

  if (button != NULL)
    {
      adw_toast_set_button_label (toast, button);
      adw_toast_set_action_name (toast, action);
      adw_toast_set_action_target_value (toast, target);
      adw_toast_set_timeout (toast, 10);
    }
  show_toast (self, toast, g_strcmp0 (action, "win.details") == 0);
}

static void
on_details_response (AdwMessageDialog *dialog, const char *response, gpointer user_data)
{
  if (g_str_equal (response, "copy"))
    gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (dialog)), user_data);
}

static void
free_text (gpointer data, GClosure *closure)
{
  g_free (data);
}

static void
show_details (GtkWidget *widget, const char *action, GVariant *parameter)
{
  const char *heading, *body;

  g_variant_get (parameter, "(&s&s)", &heading, &body);
  GtkWidget *dialog = adw_message_dialog_new (GTK_WINDOW (widget), heading, body);
  adw_message_dialog_add_responses (ADW_MESSAGE_DIALOG (dialog), "copy", _ ("_Copy"), "close", _ ("_Close"),
                                    NULL);
  adw_message_dialog_set_default_response (ADW_MESSAGE_DIALOG (dialog), "close");
  adw_message_dialog_set_close_response (ADW_MESSAGE_DIALOG (dialog), "close");
  g_signal_connect_data (dialog, "response", G_CALLBACK (on_details_response), g_strdup (body), free_text, 0);
  gtk_window_present (GTK_WINDOW (dialog));
}

void
collet_window_toast_error (ColletWindow *self, const char *what, const GError *error)
{
  g_autofree char *body = collet_text_dup_error_advice (error);

  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    collet_window_toast (self, what, _ ("_Details"), "win.details", g_variant_new ("(ss)", what, body));
}

/* ---- what the daemon does not offer ---- */

void
collet_window_disable (ColletWindow *self, const char *action, const char *reason)
{
  g_hash_table_replace (self->reasons, g_strdup (action), g_strdup (reason));
  gtk_widget_action_set_enabled (GTK_WIDGET (self), action, FALSE);
  if (self->page != NULL)
    collet_page_refresh (self->page);
}

void
collet_window_enable (ColletWindow *self, const char *action)
{
  if (!g_hash_table_remove (self->reasons, action))
    return;
  gtk_widget_action_set_enabled (GTK_WIDGET (self), action, TRUE);
  if (self->page != NULL)
    collet_page_refresh (self->page);
}

const char *
collet_window_get_reason (ColletWindow *self, const char *action)
{
  return g_hash_table_lookup (self->reasons, action);
}

static void
enable_all (ColletWindow *self)
{
  GHashTableIter iter;
  gpointer action;

  /* It may be another daemon. */
  if (collet_service_get_state (self->service) != COLLET_SERVICE_DOWN)
    return;
  g_hash_table_iter_init (&iter, self->reasons);
  while (g_hash_table_iter_next (&iter, &action, NULL))
    gtk_widget_action_set_enabled (GTK_WIDGET (self), action, TRUE);
  g_hash_table_remove_all (self->reasons);
}

/* ---- life ---- */

ColletWindow *
collet_window_of (gpointer widget)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (widget));

  if (COLLET_IS_WINDOW (root))
    return COLLET_WINDOW (root);
  if (GTK_IS_WINDOW (root) && COLLET_IS_WINDOW (gtk_window_get_transient_for (GTK_WINDOW (root))))
    return COLLET_WINDOW (gtk_window_get_transient_for (GTK_WINDOW (root)));
  return NULL;
}

ColletService *
collet_window_get_service (ColletWindow *self)
{
  return self->service;
}

static void
collet_window_dispose (GObject *object)
{
  ColletWindow *self = COLLET_WINDOW (object);

  g_clear_handle_id (&self->age_timer, g_source_remove);
  g_clear_object (&self->service);
  g_clear_pointer (&self->way, g_ptr_array_unref);
  g_clear_pointer (&self->followed, g_hash_table_unref);
  g_clear_pointer (&self->reasons, g_hash_table_unref);
  g_clear_pointer (&self->last_change, g_free);
  g_clear_weak_pointer (&self->toast);
  G_OBJECT_CLASS (collet_window_parent_class)->dispose (object);
}

static void
collet_window_class_init (ColletWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = collet_window_dispose;
  g_type_ensure (COLLET_TYPE_STATUS);
  gtk_widget_class_set_template_from_resource (widget_class, "/org/collet/Collet/collet-window.ui");
  gtk_widget_class_bind_template_child (widget_class, ColletWindow, toasts);
  gtk_widget_class_bind_template_child (widget_class, ColletWindow, leaflet);
  gtk_widget_class_bind_template_child (widget_class, ColletWindow, sidebar);
  gtk_widget_class_bind_template_child (widget_class, ColletWindow, content);
  gtk_widget_class_bind_template_child (widget_class, ColletWindow, back);
  gtk_widget_class_bind_template_child (widget_class, ColletWindow, menu);
  gtk_widget_class_bind_template_child (widget_class, ColletWindow, places);
  gtk_widget_class_bind_template_child (widget_class, ColletWindow, daemon_status);
  gtk_widget_class_bind_template_child (widget_class, ColletWindow, title);
  gtk_widget_class_bind_template_child (widget_class, ColletWindow, bar);
  gtk_widget_class_bind_template_child (widget_class, ColletWindow, bar_label);
  gtk_widget_class_bind_template_child (widget_class, ColletWindow, bar_button);
  gtk_widget_class_bind_template_child (widget_class, ColletWindow, access_bar);
  gtk_widget_class_bind_template_child (widget_class, ColletWindow, pages);
  gtk_widget_class_bind_template_callback_full (widget_class, "on_place_activated",
                                                G_CALLBACK (collet_window_on_place_activated));
  gtk_widget_class_install_action (widget_class, "win.details", "(ss)", show_details);
  collet_window_pages_class_init (widget_class);
  collet_window_access_class_init (widget_class);
  collet_window_actions_class_init (widget_class);
  collet_window_artifact_class_init (widget_class);
}

static void
collet_window_init (ColletWindow *self)
{
  self->followed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->reasons = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  gtk_widget_init_template (GTK_WIDGET (self));
  collet_widget_name_parts (GTK_WIDGET (self));
}

static void
bind_size (ColletWindow *self, GSettings *settings)
{
  if (settings == NULL)
    return;
  g_settings_bind (settings, "window-width", self, "default-width", G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (settings, "window-height", self, "default-height", G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (settings, "window-maximized", self, "maximized", G_SETTINGS_BIND_DEFAULT);
}

ColletWindow *
collet_window_new (ColletApp *app)
{
  ColletWindow *self = g_object_new (COLLET_TYPE_WINDOW, "application", app, NULL);

  bind_size (self, collet_app_get_settings (app));
  self->service = g_object_ref (collet_app_get_service (app));
  collet_window_pages_init (self);
  collet_window_status_init (self);
  collet_window_access_init (self);
  collet_window_artifact_init (self);
  g_signal_connect_object (self->service, "state-changed", G_CALLBACK (enable_all), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->service, "reload-finished", G_CALLBACK (collet_window_on_reload_finished),
                           self, G_CONNECT_SWAPPED);
  return self;
}
