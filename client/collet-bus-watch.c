/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-bus-watch.h"

#include "collet-bus.h"

#define RETRY_MS 2000
/* For a bus's answer to who has a name, which it knows itself. */
#define OWNER_MS 200

typedef struct
{
  ColletBusWatch *watch;
  ColletClientBus bus;
  GDBusConnection *connection;
  GCancellable *cancellable;
  gulong closed;
  guint name_watch;
  guint retry;
  gboolean is_certain; /* whether there is an answer, either way */
  char *owner;         /* of the daemon's name; NULL: none */
} Bus;

struct _ColletBusWatch
{
  ColletClientBus wanted;
  ColletBusWatchFunc func;
  gpointer user_data;
  Bus buses[2]; /* the first is preferred */
  guint n_buses;
  Bus *told; /* NULL: nothing, or that there is none */
  gboolean has_told;
};

static void connect_bus (Bus *self);

static void
tell (ColletBusWatch *self, Bus *bus)
{
  self->told = bus;
  self->has_told = TRUE;
  self->func (bus != NULL ? bus->connection : NULL, bus != NULL ? bus->bus : self->wanted, self->user_data);
}

static void
decide (ColletBusWatch *self)
{
  Bus *best = NULL;

  for (guint i = 0; i < self->n_buses && best == NULL; i++)
    {
      if (!self->buses[i].is_certain)
        return;
      if (self->buses[i].owner != NULL)
        best = &self->buses[i];
    }
  if (!self->has_told || best != self->told)
    tell (self, best);
}

static void
set_owner (Bus *self, const char *owner)
{
  gboolean is_told = self->watch->told == self;

  self->is_certain = TRUE;
  if (g_strcmp0 (owner, self->owner) == 0)
    {
      decide (self->watch);
      return;
    }
  g_free (self->owner);
  self->owner = g_strdup (owner);
  if (is_told && owner != NULL)
    tell (self->watch, NULL);
  decide (self->watch);
}

static void
on_appeared (GDBusConnection *connection, const char *name, const char *owner, gpointer user_data)
{
  set_owner (user_data, owner);
}

static void
on_vanished (GDBusConnection *connection, const char *name, gpointer user_data)
{
  set_owner (user_data, NULL);
}

static void
disconnect_bus (Bus *self)
{
  g_clear_handle_id (&self->name_watch, g_bus_unwatch_name);
  g_clear_handle_id (&self->retry, g_source_remove);
  g_clear_signal_handler (&self->closed, self->connection);
  g_clear_object (&self->connection);
}

static gboolean
on_retry (gpointer user_data)
{
  Bus *self = user_data;

  self->retry = 0;
  connect_bus (self);
  return G_SOURCE_REMOVE;
}

static void
lose (Bus *self)
{
  disconnect_bus (self);
  self->retry = g_timeout_add (RETRY_MS, on_retry, self);
  set_owner (self, NULL);
}

static void
on_closed (GDBusConnection *connection, gboolean remote_vanished, GError *error, gpointer user_data)
{
  lose (user_data);
}

static void
take_connection (Bus *self, GDBusConnection *connection)
{
  g_dbus_connection_set_exit_on_close (connection, FALSE);
  self->connection = connection;
  self->closed = g_signal_connect (self->connection, "closed", G_CALLBACK (on_closed), self);
  self->name_watch =
      g_bus_watch_name_on_connection (self->connection, COLLET_BUS_NAME, G_BUS_NAME_WATCHER_FLAGS_NONE,
                                      on_appeared, on_vanished, self, NULL);
}

static void
on_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusConnection) connection = g_bus_get_finish (result, &error);
  Bus *self = user_data;

  /* If it was cancelled there is no `self` any more. */
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (connection == NULL || g_dbus_connection_is_closed (connection))
    {
      lose (self);
      return;
    }
  take_connection (self, g_steal_pointer (&connection));
}

/* Who is there already is told at once: what is asked of it is under way while the
 * program still makes its window. */
static void
ask_owner (Bus *self)
{
  const char *owner;
  g_autoptr (GVariant) reply =
      g_dbus_connection_call_sync (self->connection, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                   "org.freedesktop.DBus", "GetNameOwner",
                                   g_variant_new ("(s)", COLLET_BUS_NAME), G_VARIANT_TYPE ("(s)"),
                                   G_DBUS_CALL_FLAGS_NONE, OWNER_MS, self->cancellable, NULL);

  if (reply == NULL)
    return; /* the watch tells it */
  g_variant_get (reply, "(&s)", &owner);
  set_owner (self, owner);
}

static void
connect_bus (Bus *self)
{
  g_bus_get (self->bus == COLLET_CLIENT_BUS_SYSTEM ? G_BUS_TYPE_SYSTEM : G_BUS_TYPE_SESSION,
             self->cancellable, on_connected, self);
}

static Bus *
add_bus (ColletBusWatch *self, ColletClientBus bus)
{
  Bus *added = &self->buses[self->n_buses++];

  added->watch = self;
  added->bus = bus;
  added->cancellable = g_cancellable_new ();
  return added;
}

ColletBusWatch *
collet_bus_watch_new (ColletClientBus bus, GDBusConnection *session, ColletBusWatchFunc func,
                      gpointer user_data)
{
  ColletBusWatch *self = g_new0 (ColletBusWatch, 1);

  self->wanted = bus;
  self->func = func;
  self->user_data = user_data;
  if (bus != COLLET_CLIENT_BUS_SYSTEM)
    add_bus (self, COLLET_CLIENT_BUS_SESSION);
  if (bus != COLLET_CLIENT_BUS_SESSION)
    add_bus (self, COLLET_CLIENT_BUS_SYSTEM);
  for (guint i = 0; i < self->n_buses; i++)
    if (self->buses[i].bus == COLLET_CLIENT_BUS_SESSION && session != NULL)
      {
        take_connection (&self->buses[i], g_object_ref (session));
        ask_owner (&self->buses[i]);
      }
    else
      connect_bus (&self->buses[i]);
  return self;
}

void
collet_bus_watch_free (ColletBusWatch *self)
{
  for (guint i = 0; i < self->n_buses; i++)
    {
      Bus *bus = &self->buses[i];

      g_cancellable_cancel (bus->cancellable);
      g_object_unref (bus->cancellable);
      disconnect_bus (bus);
      g_free (bus->owner);
    }
  g_free (self);
}
