/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-activity.h"

#include <glib/gi18n.h>

#include "collet-bus.h"
#include "collet-text.h"

struct _ColletActivity
{
  GObject parent_instance;
  ColletService *service;
  ColletApp *app;
  GListStore *events;
  ColletServiceState state; /* that was told last */
  gboolean was_ready;
};

G_DEFINE_FINAL_TYPE (ColletActivity, collet_activity, G_TYPE_OBJECT)

static void
collet_activity_dispose (GObject *object)
{
  ColletActivity *self = COLLET_ACTIVITY (object);

  g_clear_object (&self->service);
  g_clear_object (&self->events);
  G_OBJECT_CLASS (collet_activity_parent_class)->dispose (object);
}

static void
collet_activity_class_init (ColletActivityClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = collet_activity_dispose;
}

static void
collet_activity_init (ColletActivity *self)
{
  self->events = g_list_store_new (COLLET_TYPE_ITEM);
}

static void
add (ColletActivity *self, ColletStatusKind status, const char *text, const char *page, const char *key)
{
  GVariantBuilder values;

  g_variant_builder_init (&values, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&values, "{sv}", "At", g_variant_new_int64 (g_get_real_time ()));
  g_variant_builder_add (&values, "{sv}", "Status", g_variant_new_int64 (status));
  g_variant_builder_add (&values, "{sv}", "Text", g_variant_new_string (text));
  g_variant_builder_add (&values, "{sv}", "Page", g_variant_new_string (page));
  g_variant_builder_add (&values, "{sv}", "Key", g_variant_new_string (key));
  g_autoptr (ColletItem) event = collet_item_new ("", g_variant_builder_end (&values));
  g_list_store_insert (self->events, 0, event);
  if (g_list_model_get_n_items (G_LIST_MODEL (self->events)) > COLLET_ACTIVITY_MAX)
    g_list_store_remove (self->events, COLLET_ACTIVITY_MAX);
}

/* Only while nobody looks at the window. page, key: where it leads, as in a row. */
static void
notify (ColletActivity *self, const char *setting, const char *id, const char *title, const char *body,
        const char *page, const char *key)
{
  GtkWindow *window =
      self->app != NULL ? gtk_application_get_active_window (GTK_APPLICATION (self->app)) : NULL;
  g_autoptr (GNotification) notification = NULL;

  if (self->app == NULL || !collet_app_get_setting (self->app, setting) ||
      (window != NULL && gtk_window_is_active (window)))
    return;
  notification = g_notification_new (title);
  g_notification_set_body (notification, body);
  g_notification_set_default_action_and_target (notification, "app.show", "(ss)", page, key);
  g_application_send_notification (G_APPLICATION (self->app), id, notification);
}

static void
on_tool_updated (ColletActivity *self, const char *name, const char *version, guint64 sequence)
{
  g_autofree char *shown = collet_text_dup_version (version);
  g_autofree char *text = *version != '\0' ? g_strdup_printf (_ ("Tool %s is now at version %s"), name, shown)
                                           : g_strdup_printf (_ ("Tool %s is gone"), name);
  g_autofree char *id = g_strdup_printf ("tool-%s", name);

  add (self, COLLET_STATUS_NEUTRAL, text, "tool", name);
  notify (self, "notify-updates", id, _ ("Tool Updated"), text, "tool", name);
}

static ColletItem *
find_reload (ColletActivity *self, const char *path, char **id)
{
  *id = collet_bus_dup_name (COLLET_BUS_RELOADS, path);
  return *id != NULL
             ? collet_item_list_lookup (collet_service_get_list (self->service, COLLET_LIST_RELOADS), *id)
             : NULL;
}

static void
on_reload_added (ColletActivity *self, const char *path)
{
  g_autofree char *id = NULL;
  ColletItem *reload = find_reload (self, path, &id);

  if (reload == NULL)
    return;
  g_autofree char *title = collet_text_dup_reload_title (reload);
  g_autofree char *text = g_strdup_printf (_ ("%s began"), title);
  add (self, COLLET_STATUS_BUSY, text, "reload", id);
}

static void
on_reload_finished (ColletActivity *self, const char *path, gboolean success, const char *name,
                    const char *message)
{
  g_autofree char *id = NULL;
  ColletItem *reload = find_reload (self, path, &id);

  if (reload == NULL)
    return;
  g_autofree char *title = collet_text_dup_reload_title (reload);
  g_autofree char *text = success ? g_strdup_printf (_ ("%s succeeded"), title)
                                  : g_strdup_printf (_ ("%s did not succeed: %s"), title, name);
  add (self, success ? COLLET_STATUS_OK : COLLET_STATUS_BROKEN, text, "reload", id);
  if (!success)
    notify (self, "notify-failures", id, text, message, "reload", id);
}

/* What became of a build in a watched folder. Of one that was let in, the reload says
 * the rest. */
static void
on_watch_report (ColletActivity *self, const char *folder, const char *file, GVariant *report)
{
  const char *state = "", *reload = "", *name = "", *message = "";
  g_autofree char *path = g_build_filename (folder, file, NULL);
  g_autofree char *text = NULL;

  g_variant_lookup (report, "state", "&s", &state);
  g_variant_lookup (report, "reload", "&s", &reload);
  g_variant_lookup (report, "error-name", "&s", &name);
  g_variant_lookup (report, "error-message", "&s", &message);
  if (g_str_equal (state, "loaded"))
    text = g_strdup_printf (_ ("%s was built, and runs"), path);
  else if (g_str_equal (state, "refused") || g_str_equal (state, "failed"))
    /* Translators: a file in a watched folder, then the error's name */
    text = g_strdup_printf (_ ("%s was built, and is not let in: %s"), path, name);
  else if (g_str_equal (state, "gone"))
    text = g_strdup_printf (_ ("The watched folder %s is gone; it is awaited"), folder);
  else if (g_str_equal (state, "back"))
    text = g_strdup_printf (_ ("The watched folder %s is back"), folder);
  else
    return; /* of a newer daemon */
  gboolean is_good = g_str_equal (state, "loaded") || g_str_equal (state, "back");
  const char *page = *reload != '\0' ? "reload" : "overview";
  add (self, is_good ? COLLET_STATUS_OK : COLLET_STATUS_BROKEN, text, page, reload);
  if (!is_good)
    notify (self, "notify-failures", path, text, message, page, reload);
}

static void
on_state_changed (ColletActivity *self)
{
  ColletServiceState state = collet_service_get_state (self->service);

  if (state == self->state)
    return;
  self->state = state;
  if (state == COLLET_SERVICE_READY)
    {
      add (self, COLLET_STATUS_OK, self->was_ready ? _ ("The daemon is back") : _ ("Connected to the daemon"),
           "overview", "");
      self->was_ready = TRUE;
    }
  else if (state == COLLET_SERVICE_DOWN && self->was_ready)
    {
      add (self, COLLET_STATUS_OFFLINE, _ ("The daemon went away"), "overview", "");
      notify (self, "notify-failures", "daemon", _ ("The Daemon Went Away"), _ ("It is awaited."), "overview",
              "");
    }
}

ColletActivity *
collet_activity_new (ColletService *service, ColletApp *app)
{
  ColletActivity *self = g_object_new (COLLET_TYPE_ACTIVITY, NULL);

  self->service = g_object_ref (service);
  self->app = app;
  g_signal_connect_object (service, "tool-updated", G_CALLBACK (on_tool_updated), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (service, "reload-added", G_CALLBACK (on_reload_added), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (service, "reload-finished", G_CALLBACK (on_reload_finished), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (service, "watch-report", G_CALLBACK (on_watch_report), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (service, "state-changed", G_CALLBACK (on_state_changed), self, G_CONNECT_SWAPPED);
  return self;
}

GListModel *
collet_activity_get_events (ColletActivity *self)
{
  return G_LIST_MODEL (self->events);
}
