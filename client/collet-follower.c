/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-follower.h"

#include "collet-bus.h"
#include "collet-error.h"

/* The daemon's own limit answers first; ours is for a daemon that hangs. */
#define GRACE_MS 5000

typedef struct
{
  ColletFollowerFunc func;
  gpointer user_data;
  GVariant *result;
  GError *error;
  gboolean ended;
} Follower;

static void
tell (ColletDbusReload *reload, Follower *self)
{
  const char *phase = collet_dbus_reload_get_phase (reload);
  ColletFollowerNews news = { collet_dbus_reload_get_progress (reload), phase != NULL ? phase : "" };

  if (self->func != NULL && !self->ended)
    self->func (&news, self->user_data);
}

static void
on_properties_changed (GDBusProxy *proxy, GVariant *changed, const char *const *invalidated,
                       gpointer user_data)
{
  tell (COLLET_DBUS_RELOAD (proxy), user_data);
}

static void
on_waited (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Follower *self = user_data;
  g_autoptr (GVariant) reply = g_dbus_proxy_call_finish (G_DBUS_PROXY (source), result, &self->error);

  if (reply != NULL && g_variant_is_of_type (reply, G_VARIANT_TYPE ("(a{sv})")))
    self->result = g_variant_get_child_value (reply, 0);
  else if (reply != NULL)
    self->error = g_error_new_literal (COLLET_ERROR, COLLET_ERROR_NOT_SUPPORTED,
                                       "The daemon gave the result in a form that is not known");
  self->ended = TRUE;
}

/* The daemon that knew the reload is gone: its answer will not come. */
static void
on_owner_changed (GObject *object, GParamSpec *pspec, gpointer user_data)
{
  g_autofree char *owner = g_dbus_proxy_get_name_owner (G_DBUS_PROXY (object));

  if (owner == NULL)
    g_cancellable_cancel (user_data);
}

static void
on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  g_cancellable_cancel (user_data);
}

static GError *
convert (GError *error, ColletDbusReload *reload, GCancellable *asked)
{
  g_autofree char *owner = g_dbus_proxy_get_name_owner (G_DBUS_PROXY (reload));

  if (g_cancellable_is_cancelled (asked) || owner != NULL ||
      !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return collet_client_convert_error (error);
  g_error_free (error);
  return g_error_new_literal (COLLET_CLIENT_ERROR, COLLET_CLIENT_ERROR_NOT_REACHABLE,
                              "The daemon went away before the reload ended. Look at \"colletctl history\" "
                              "when it is back");
}

GVariant *
collet_follower_run (ColletClient *client, const char *path, guint timeout_ms, ColletFollowerFunc func,
                     gpointer user_data, GCancellable *cancellable, GError **error)
{
  Follower self = { .func = func, .user_data = user_data };
  g_autoptr (GCancellable) stop = g_cancellable_new ();
  g_autoptr (ColletDbusReload) reload =
      collet_dbus_reload_proxy_new_sync (collet_client_get_connection (client),
                                         G_DBUS_PROXY_FLAGS_DO_NOT_AUTO_START, COLLET_BUS_NAME, path, NULL,
                                         &self.error);
  if (reload == NULL)
    {
      g_propagate_error (error, collet_client_convert_error (self.error));
      return NULL;
    }

  gulong changed =
      g_signal_connect (reload, "g-properties-changed", G_CALLBACK (on_properties_changed), &self);
  gulong owner = g_signal_connect (reload, "notify::g-name-owner", G_CALLBACK (on_owner_changed), stop);
  gulong cancelled =
      cancellable != NULL ? g_cancellable_connect (cancellable, G_CALLBACK (on_cancelled), stop, NULL) : 0;
  int limit = timeout_ms == 0 ? G_MAXINT : (int)MIN (timeout_ms + GRACE_MS, G_MAXINT);

  tell (reload, &self);
  g_dbus_proxy_call (G_DBUS_PROXY (reload), "Wait", g_variant_new ("(u)", timeout_ms),
                     G_DBUS_CALL_FLAGS_NO_AUTO_START, limit, stop, on_waited, &self);
  while (!self.ended)
    g_main_context_iteration (NULL, TRUE);

  g_cancellable_disconnect (cancellable, cancelled);
  g_signal_handler_disconnect (reload, owner);
  g_signal_handler_disconnect (reload, changed);
  if (self.error != NULL)
    g_propagate_error (error, convert (self.error, reload, cancellable));
  return self.result;
}
