/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-stdio-daemon.h"

#include <glib/gi18n.h>

#define NAME "org.collet.Collet1"
#define SYSTEM_SOCKET "/run/collet/mcp.sock"
#define NOT_AGAIN_US (3 * G_USEC_PER_SEC)
#define TIMEOUT_MS 25000

char *
collet_stdio_daemon_get_socket (GBusType bus)
{
  if (bus == G_BUS_TYPE_SYSTEM)
    return g_strdup (SYSTEM_SOCKET);
  return g_build_filename (g_get_user_runtime_dir (), "collet", "mcp.sock", NULL);
}

static void
on_started (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (object), result, &error);

  if (reply == NULL)
    {
      g_dbus_error_strip_remote_error (error);
      g_printerr (_ ("collet-stdio: the bus does not start colletd: %s\n"), error->message);
    }
}

static void
on_connected (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusConnection) connection = g_bus_get_finish (result, &error);

  if (connection == NULL)
    {
      g_printerr (_ ("collet-stdio: there is no bus to start colletd: %s\n"), error->message);
      return;
    }
  g_dbus_connection_set_exit_on_close (connection, FALSE);
  g_dbus_connection_call (connection, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                          "StartServiceByName", g_variant_new ("(su)", NAME, 0), NULL, G_DBUS_CALL_FLAGS_NONE,
                          TIMEOUT_MS, NULL, on_started, NULL);
}

void
collet_stdio_daemon_wake (GBusType bus)
{
  static gint64 last_us;
  gint64 now_us = g_get_monotonic_time ();

  if (bus == G_BUS_TYPE_NONE || (last_us != 0 && now_us - last_us < NOT_AGAIN_US))
    return;
  last_us = now_us;
  g_bus_get (bus, NULL, on_connected, NULL);
}
