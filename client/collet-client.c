/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-client.h"

#include <gio/gunixfdlist.h>
#include <glib/gi18n.h>

#include "collet-bus.h"
#include "collet-error.h"

#define MANAGER_INTERFACE "org.collet.Collet1.Manager"
#define QUESTION_TIMEOUT_MS 10000 /* of the bus itself */

struct _ColletClient
{
  ColletClientBus bus;
  GDBusConnection *connection;
};

G_DEFINE_QUARK (collet - client - error - quark, collet_client_error)

static GDBusConnection *
connect_to (ColletClientBus bus, GError **error)
{
  GBusType type = bus == COLLET_CLIENT_BUS_SESSION ? G_BUS_TYPE_SESSION : G_BUS_TYPE_SYSTEM;
  GDBusConnection *connection = g_bus_get_sync (type, NULL, error);

  /* To lose the bus is an error of the call that notices, not the end of us. */
  if (connection != NULL)
    g_dbus_connection_set_exit_on_close (connection, FALSE);
  return connection;
}

static gboolean
ask_bus (GDBusConnection *connection, const char *method)
{
  gboolean yes = FALSE;
  g_autoptr (GVariant) reply =
      g_dbus_connection_call_sync (connection, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                   "org.freedesktop.DBus", method, g_variant_new ("(s)", COLLET_BUS_NAME),
                                   G_VARIANT_TYPE ("(b)"), G_DBUS_CALL_FLAGS_NONE, QUESTION_TIMEOUT_MS, NULL,
                                   NULL);

  if (reply != NULL)
    g_variant_get (reply, "(b)", &yes);
  return yes;
}

static gboolean
can_start (GDBusConnection *connection)
{
  g_autoptr (GVariant) reply =
      g_dbus_connection_call_sync (connection, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                   "org.freedesktop.DBus", "ListActivatableNames", NULL,
                                   G_VARIANT_TYPE ("(as)"), G_DBUS_CALL_FLAGS_NONE, QUESTION_TIMEOUT_MS, NULL,
                                   NULL);
  if (reply == NULL)
    return FALSE;

  g_autofree const char **names = NULL;
  g_variant_get (reply, "(^a&s)", &names);
  return g_strv_contains (names, COLLET_BUS_NAME);
}

static gboolean
has_daemon (GDBusConnection *connection)
{
  return ask_bus (connection, "NameHasOwner") || can_start (connection);
}

static const char *
bus_name (ColletClientBus bus)
{
  return bus == COLLET_CLIENT_BUS_SESSION ? _ ("session") : _ ("system");
}

static ColletClient *
client_new_on (ColletClientBus bus, GError **error)
{
  g_autoptr (GError) reason = NULL;
  g_autoptr (GDBusConnection) connection = connect_to (bus, &reason);

  if (connection == NULL)
    {
      g_set_error (error, COLLET_CLIENT_ERROR, COLLET_CLIENT_ERROR_NOT_REACHABLE,
                   _ ("There is no %s bus: %s"), bus_name (bus), reason->message);
      return NULL;
    }
  if (!has_daemon (connection))
    {
      g_set_error (error, COLLET_CLIENT_ERROR, COLLET_CLIENT_ERROR_NOT_REACHABLE,
                   _ ("There is no Collet daemon on the %s bus. Start it with \"%s\""), bus_name (bus),
                   bus == COLLET_CLIENT_BUS_SESSION ? "colletd --session" : "systemctl start colletd");
      return NULL;
    }

  ColletClient *self = g_new0 (ColletClient, 1);
  self->bus = bus;
  self->connection = g_steal_pointer (&connection);
  return self;
}

ColletClient *
collet_client_new (ColletClientBus bus, GError **error)
{
  /* Registers the names of errors, before any can come. */
  (void)COLLET_ERROR;
  if (bus != COLLET_CLIENT_BUS_ANY)
    return client_new_on (bus, error);

  ColletClient *self = client_new_on (COLLET_CLIENT_BUS_SESSION, NULL);
  if (self == NULL)
    self = client_new_on (COLLET_CLIENT_BUS_SYSTEM, NULL);
  if (self == NULL)
    g_set_error (error, COLLET_CLIENT_ERROR, COLLET_CLIENT_ERROR_NOT_REACHABLE,
                 _ ("There is no Collet daemon on the session bus or the system bus. Start one with "
                    "\"colletd --session\" or \"systemctl start colletd\""));
  return self;
}

void
collet_client_free (ColletClient *self)
{
  g_object_unref (self->connection);
  g_free (self);
}

ColletClientBus
collet_client_get_bus (ColletClient *self)
{
  return self->bus;
}

GDBusConnection *
collet_client_get_connection (ColletClient *self)
{
  return self->connection;
}

static gboolean
is_gone (const GError *error)
{
  return g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN) ||
         g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER) ||
         g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_DISCONNECTED) ||
         g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY) ||
         g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_NO_SERVER) ||
         g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_SPAWN_CHILD_EXITED) ||
         g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_SPAWN_FAILED) ||
         g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
}

GError *
collet_client_convert_error (GError *error)
{
  if (!is_gone (error))
    return collet_error_convert (error);

  g_dbus_error_strip_remote_error (error);
  GError *ours = g_error_new (COLLET_CLIENT_ERROR, COLLET_CLIENT_ERROR_NOT_REACHABLE,
                              _ ("The daemon went away: %s"), error->message);
  g_error_free (error);
  return ours;
}

static GVariant *
call (ColletClient *self, const char *interface, const char *method, GVariant *arguments, int timeout_ms,
      GUnixFDList *fds, GUnixFDList **reply_fds, GError **error)
{
  g_autoptr (GError) reason = NULL;
  GDBusCallFlags flags = self->bus == COLLET_CLIENT_BUS_SYSTEM
                             ? G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION
                             : G_DBUS_CALL_FLAGS_NONE;
  GVariant *reply =
      g_dbus_connection_call_with_unix_fd_list_sync (self->connection, COLLET_BUS_NAME, COLLET_BUS_ROOT,
                                                     interface, method, arguments, NULL, flags, timeout_ms,
                                                     fds, reply_fds, NULL, &reason);

  if (reply == NULL)
    g_propagate_error (error, collet_client_convert_error (g_steal_pointer (&reason)));
  return reply;
}

GVariant *
collet_client_call (ColletClient *self, const char *method, GVariant *arguments, int timeout_ms,
                    GError **error)
{
  return call (self, MANAGER_INTERFACE, method, arguments, timeout_ms, NULL, NULL, error);
}

GVariant *
collet_client_call_with_fds (ColletClient *self, const char *method, GVariant *arguments, int timeout_ms,
                             GUnixFDList *fds, GUnixFDList **reply_fds, GError **error)
{
  return call (self, MANAGER_INTERFACE, method, arguments, timeout_ms, fds, reply_fds, error);
}

GVariant *
collet_client_get_properties (ColletClient *self, GError **error)
{
  g_autoptr (GVariant) reply =
      call (self, "org.freedesktop.DBus.Properties", "GetAll", g_variant_new ("(s)", MANAGER_INTERFACE),
            QUESTION_TIMEOUT_MS, NULL, NULL, error);

  if (reply == NULL)
    return NULL;
  if (!g_variant_is_of_type (reply, G_VARIANT_TYPE ("(a{sv})")))
    {
      g_set_error_literal (error, COLLET_ERROR, COLLET_ERROR_NOT_SUPPORTED,
                           "The daemon gave its properties in a form that is not known");
      return NULL;
    }
  return g_variant_get_child_value (reply, 0);
}
