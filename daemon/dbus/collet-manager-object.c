/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-manager-object.h"

#include <unistd.h>

#include "collet-manager-methods.h"

struct _ColletManagerObject
{
  ColletDbusManagerSkeleton parent_instance;
  ColletReloader *reloader;
  ColletRegistry *registry;
  ColletExports *exports;
  ColletToolDirectory *directory;
};

G_DEFINE_FINAL_TYPE (ColletManagerObject, collet_manager_object, COLLET_DBUS_TYPE_MANAGER_SKELETON)

static GDBusInterfaceVTable vtable;

static GDBusInterfaceVTable *
get_vtable (GDBusInterfaceSkeleton *skeleton)
{
  return &vtable;
}

static void
collet_manager_object_dispose (GObject *object)
{
  ColletManagerObject *self = COLLET_MANAGER_OBJECT (object);

  g_clear_object (&self->reloader);
  g_clear_object (&self->registry);
  g_clear_object (&self->exports);
  G_OBJECT_CLASS (collet_manager_object_parent_class)->dispose (object);
}

static void
collet_manager_object_class_init (ColletManagerObjectClass *klass)
{
  GDBusInterfaceSkeletonClass *skeleton_class = G_DBUS_INTERFACE_SKELETON_CLASS (klass);

  vtable = collet_bus_guard_vtable (skeleton_class->get_vtable (NULL));
  skeleton_class->get_vtable = get_vtable;
  G_OBJECT_CLASS (klass)->dispose = collet_manager_object_dispose;
}

static void
collet_manager_object_init (ColletManagerObject *self)
{
}

static void
on_tools_changed (ColletRegistry *registry, guint64 serial, gpointer data)
{
  ColletDbusManager *manager = data;

  collet_dbus_manager_set_tools_serial (manager, serial);
  collet_dbus_manager_emit_tools_changed (manager, serial);
}

static void
on_tool_updated (ColletReloader *reloader, const char *name, const char *version, guint64 sequence,
                 gpointer data)
{
  ColletDbusManager *manager = data;

  collet_dbus_manager_set_update_sequence (manager, sequence);
  collet_dbus_manager_emit_tool_updated (manager, name, version, sequence);
}

ColletManagerObject *
collet_manager_object_new (ColletBouncer *bouncer, ColletReloader *reloader, ColletRegistry *registry,
                           ColletExports *exports, ColletToolDirectory *directory,
                           const ColletManagerFacts *facts)
{
  static const ColletBusMethod *const tables[] = {
    collet_manager_reload_methods,
    collet_manager_module_methods,
    collet_manager_tool_methods,
    collet_manager_history_methods,
    NULL,
  };
  ColletManagerObject *self = g_object_new (COLLET_TYPE_MANAGER_OBJECT, NULL);
  ColletDbusManager *manager = COLLET_DBUS_MANAGER (self);

  self->reloader = g_object_ref (reloader);
  self->registry = g_object_ref (registry);
  self->exports = g_object_ref (exports);
  self->directory = directory;
  collet_bus_guard_attach (G_DBUS_INTERFACE_SKELETON (self), bouncer, tables);

  collet_dbus_manager_set_version (manager, COLLET_VERSION);
  collet_dbus_manager_set_node_name (manager, facts->node_name);
  collet_dbus_manager_set_cluster_name (manager, "");
  collet_dbus_manager_set_cluster_state (manager, "alone");
  collet_dbus_manager_set_state (manager, "running");
  collet_dbus_manager_set_data_folder (manager, facts->data_folder);
  collet_dbus_manager_set_mcp_addresses (manager, facts->mcp_addresses);
  collet_dbus_manager_set_module_path (manager, facts->module_path);
  collet_dbus_manager_set_warnings (manager, facts->warnings);
  collet_dbus_manager_set_started_at (manager, g_get_real_time ());
  collet_dbus_manager_set_pid (manager, getpid ());
  collet_dbus_manager_set_counts (manager, g_variant_new ("a{st}", NULL));
  collet_dbus_manager_set_update_sequence (manager, collet_reloader_get_update_sequence (reloader));
  g_signal_connect_object (reloader, "tool-updated", G_CALLBACK (on_tool_updated), self, 0);
  g_signal_connect_object (registry, "tools-changed", G_CALLBACK (on_tools_changed), self, 0);
  return self;
}

ColletReloader *
collet_manager_object_get_reloader (ColletManagerObject *self)
{
  return self->reloader;
}

ColletRegistry *
collet_manager_object_get_registry (ColletManagerObject *self)
{
  return self->registry;
}

ColletExports *
collet_manager_object_get_exports (ColletManagerObject *self)
{
  return self->exports;
}

ColletToolDirectory *
collet_manager_object_get_directory (ColletManagerObject *self)
{
  return self->directory;
}
