/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-follower.h"

#include <glib/gi18n.h>

#include "collet-bus.h"
#include "collet-error.h"

/* The daemon's own limit answers first; ours is for a daemon that hangs. */
#define GRACE_MS 5000
/* Whoever is quicker has no news: to watch takes several questions of the bus. */
#define NEWS_DELAY_MS 100

typedef struct
{
  GDBusConnection *connection;
  const char *path;
  ColletFollowerFunc func;
  gpointer user_data;
  GCancellable *cancellable; /* of the news */
  gboolean is_watching;      /* or about to */
  gboolean is_asking;        /* on_proxy is to come */
  ColletDbusReload *reload;  /* NULL: nobody watches yet */
  GVariant *result;
  GError *error;
  gboolean ended;
} Follower;

static void
tell (ColletDbusReload *reload, Follower *self)
{
  const char *phase = collet_dbus_reload_get_phase (reload);
  ColletFollowerNews news = { collet_dbus_reload_get_progress (reload), phase != NULL ? phase : "" };

  if (!self->ended)
    self->func (&news, self->user_data);
}

static void
on_properties_changed (GDBusProxy *proxy, GVariant *changed, const char *const *invalidated,
                       gpointer user_data)
{
  tell (COLLET_DBUS_RELOAD (proxy), user_data);
}

/* That there are no news is no error: the answer tells of the end. */
static void
on_proxy (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  ColletDbusReload *reload = collet_dbus_reload_proxy_new_finish (result, &error);
  Follower *self = user_data;

  self->is_asking = FALSE;
  if (reload == NULL)
    return;
  self->reload = reload;
  g_signal_connect (reload, "g-properties-changed", G_CALLBACK (on_properties_changed), self);
  tell (reload, self);
}

static gboolean
on_news_due (gpointer user_data)
{
  Follower *self = user_data;

  self->is_watching = self->is_asking = TRUE;
  collet_dbus_reload_proxy_new (self->connection, G_DBUS_PROXY_FLAGS_DO_NOT_AUTO_START, COLLET_BUS_NAME,
                                self->path, self->cancellable, on_proxy, self);
  return G_SOURCE_REMOVE;
}

/* If the daemon goes away meanwhile, the bus answers for it. */
static void
on_waited (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Follower *self = user_data;
  g_autoptr (GVariant) reply =
      g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &self->error);

  if (reply != NULL && g_variant_is_of_type (reply, G_VARIANT_TYPE ("(a{sv})")))
    self->result = g_variant_get_child_value (reply, 0);
  else if (reply != NULL)
    self->error = g_error_new_literal (COLLET_ERROR, COLLET_ERROR_NOT_SUPPORTED,
                                       _ ("The daemon gave the result in a form that is not known"));
  self->ended = TRUE;
}

static GError *
convert (GError *error)
{
  GError *ours = collet_client_convert_error (error);

  if (!g_error_matches (ours, COLLET_CLIENT_ERROR, COLLET_CLIENT_ERROR_NOT_REACHABLE))
    return ours;
  g_error_free (ours);
  return g_error_new_literal (
      COLLET_CLIENT_ERROR, COLLET_CLIENT_ERROR_NOT_REACHABLE,
      _ ("The daemon went away before the reload ended. Look at \"colletctl history\" "
         "when it is back"));
}

static void
run (Follower *self)
{
  guint news = self->func != NULL ? g_timeout_add (NEWS_DELAY_MS, on_news_due, self) : 0;

  while (!self->ended)
    g_main_context_iteration (NULL, TRUE);
  if (!self->is_watching && news != 0)
    g_source_remove (news);
  g_cancellable_cancel (self->cancellable);
  while (self->is_asking)
    g_main_context_iteration (NULL, TRUE);
  if (self->reload != NULL)
    g_signal_handlers_disconnect_by_func (self->reload, on_properties_changed, self);
}

GVariant *
collet_follower_run (ColletClient *client, const char *path, guint timeout_ms, ColletFollowerFunc func,
                     gpointer user_data, GCancellable *cancellable, GError **error)
{
  g_autoptr (GCancellable) news = g_cancellable_new ();
  Follower self = { .connection = collet_client_get_connection (client),
                    .path = path,
                    .func = func,
                    .user_data = user_data,
                    .cancellable = news };
  int limit = timeout_ms == 0 ? G_MAXINT : (int)MIN (timeout_ms + GRACE_MS, G_MAXINT);

  g_dbus_connection_call (self.connection, COLLET_BUS_NAME, path, "org.collet.Collet1.Reload", "Wait",
                          g_variant_new ("(u)", timeout_ms), NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, limit,
                          cancellable, on_waited, &self);
  run (&self);
  g_clear_object (&self.reload);
  if (self.error != NULL)
    g_propagate_error (error, convert (self.error));
  return self.result;
}
