/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-bus-service.h"

#include "collet-bus.h"
#include "collet-error.h"

/* org.freedesktop.DBus.RequestName */
#define NAME_DO_NOT_QUEUE 4
#define NAME_PRIMARY_OWNER 1

struct _ColletBusService
{
  GObject parent_instance;
  GDBusConnection *connection;
  ColletExports *exports;
  ColletManagerObject *manager;
};

G_DEFINE_FINAL_TYPE (ColletBusService, collet_bus_service, G_TYPE_OBJECT)

static void
collet_bus_service_dispose (GObject *object)
{
  ColletBusService *self = COLLET_BUS_SERVICE (object);

  if (self->manager != NULL)
    {
      collet_manager_object_set_cluster (self->manager, NULL, "");
      g_dbus_interface_skeleton_unexport (G_DBUS_INTERFACE_SKELETON (self->manager));
    }
  g_clear_object (&self->manager);
  g_clear_object (&self->exports);
  g_clear_object (&self->connection);
  G_OBJECT_CLASS (collet_bus_service_parent_class)->dispose (object);
}

static void
collet_bus_service_class_init (ColletBusServiceClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = collet_bus_service_dispose;
}

static void
collet_bus_service_init (ColletBusService *self)
{
}

static gboolean
request_name (GDBusConnection *connection, GError **error)
{
  guint32 answer;
  g_autoptr (GVariant) reply =
      g_dbus_connection_call_sync (connection, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                   "org.freedesktop.DBus", "RequestName",
                                   g_variant_new ("(su)", COLLET_BUS_NAME, NAME_DO_NOT_QUEUE),
                                   G_VARIANT_TYPE ("(u)"), G_DBUS_CALL_FLAGS_NONE, -1, NULL, error);

  if (reply == NULL)
    return FALSE;
  g_variant_get (reply, "(u)", &answer);
  if (answer == NAME_PRIMARY_OWNER)
    return TRUE;
  g_set_error (
      error, COLLET_ERROR, COLLET_ERROR_NAME_IN_USE,
      "The name %s is taken: another colletd serves this bus. Stop it, or start this one on another bus.",
      COLLET_BUS_NAME);
  return FALSE;
}

ColletBusService *
collet_bus_service_new (GDBusConnection *connection, gboolean is_system, ColletReloader *reloader,
                        ColletRegistry *registry, ColletToolDirectory *directory,
                        const ColletManagerFacts *facts, GError **error)
{
  g_autoptr (ColletBusService) self = g_object_new (COLLET_TYPE_BUS_SERVICE, NULL);
  g_autoptr (ColletBouncer) bouncer = collet_bouncer_new (is_system);

  self->connection = g_object_ref (connection);
  self->exports = collet_exports_new (bouncer, reloader, registry);
  self->manager = collet_manager_object_new (bouncer, reloader, registry, self->exports, directory, facts);
  if (!g_dbus_interface_skeleton_export (G_DBUS_INTERFACE_SKELETON (self->manager), connection,
                                         COLLET_BUS_ROOT, error))
    return NULL;
  collet_exports_set_connection (self->exports, connection);
  if (!request_name (connection, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
collet_bus_service_set_stopping (ColletBusService *self)
{
  collet_dbus_manager_set_state (COLLET_DBUS_MANAGER (self->manager), "stopping");
  g_dbus_interface_skeleton_flush (G_DBUS_INTERFACE_SKELETON (self->manager));
}

void
collet_bus_service_set_cluster (ColletBusService *self, ColletClusterAgent *cluster, const char *cluster_name)
{
  collet_manager_object_set_cluster (self->manager, cluster, cluster_name);
}

void
collet_bus_service_flush (ColletBusService *self)
{
  g_dbus_connection_flush_sync (self->connection, NULL, NULL);
}
