/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-exports.h"

#include "collet-bus.h"
#include "collet-module-object.h"
#include "collet-reload-object.h"
#include "collet-tool-object.h"

/* Counters change with every call; the bus hears of them at this pace. */
#define REFRESH_MS 1000

struct _ColletExports
{
  GObject parent_instance;
  GDBusObjectManagerServer *server;
  ColletBouncer *bouncer;
  ColletReloader *reloader;
  ColletRegistry *registry;
  GPtrArray *modules; /* skeletons, as the models have them */
  GPtrArray *tools;
  GPtrArray *reloads;
  guint refresh;
};

G_DEFINE_FINAL_TYPE (ColletExports, collet_exports, G_TYPE_OBJECT)

static void
collet_exports_dispose (GObject *object)
{
  ColletExports *self = COLLET_EXPORTS (object);

  g_clear_handle_id (&self->refresh, g_source_remove);
  g_clear_pointer (&self->modules, g_ptr_array_unref);
  g_clear_pointer (&self->tools, g_ptr_array_unref);
  g_clear_pointer (&self->reloads, g_ptr_array_unref);
  g_clear_object (&self->server);
  g_clear_object (&self->bouncer);
  g_clear_object (&self->reloader);
  g_clear_object (&self->registry);
  G_OBJECT_CLASS (collet_exports_parent_class)->dispose (object);
}

static void
collet_exports_class_init (ColletExportsClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = collet_exports_dispose;
}

static void
collet_exports_init (ColletExports *self)
{
  self->server = g_dbus_object_manager_server_new (COLLET_BUS_ROOT);
  self->modules = g_ptr_array_new_with_free_func (g_object_unref);
  self->tools = g_ptr_array_new_with_free_func (g_object_unref);
  self->reloads = g_ptr_array_new_with_free_func (g_object_unref);
}

static void export(ColletExports *self, const char *folder, const char *name,
                   GDBusInterfaceSkeleton *skeleton)
{
  g_autofree char *path = collet_bus_dup_path (folder, name);
  g_autoptr (GDBusObjectSkeleton) object = g_dbus_object_skeleton_new (path);

  g_dbus_object_skeleton_add_interface (object, skeleton);
  g_dbus_object_manager_server_export (self->server, object);
}

static void
unexport (ColletExports *self, GDBusInterfaceSkeleton *skeleton)
{
  GDBusObject *object = g_dbus_interface_get_object (G_DBUS_INTERFACE (skeleton));

  if (object != NULL)
    {
      g_autofree char *path = g_strdup (g_dbus_object_get_object_path (object));

      g_dbus_object_manager_server_unexport (self->server, path);
    }
}

static void
remove_range (ColletExports *self, GPtrArray *skeletons, guint position, guint removed)
{
  for (guint i = 0; i < removed; i++)
    unexport (self, skeletons->pdata[position + i]);
  if (removed > 0)
    g_ptr_array_remove_range (skeletons, position, removed);
}

static void
on_modules_changed (GListModel *model, guint position, guint removed, guint added, gpointer data)
{
  ColletExports *self = data;

  remove_range (self, self->modules, position, removed);
  for (guint i = 0; i < added; i++)
    {
      g_autoptr (ColletModule) module = g_list_model_get_item (model, position + i);
      ColletModuleObject *object = collet_module_object_new (module, self->registry, self->reloader);

      g_ptr_array_insert (self->modules, position + i, object);
      export(self, COLLET_BUS_MODULES, collet_module_get_name (module), G_DBUS_INTERFACE_SKELETON (object));
    }
}

/* A changed tool is another one in the model, but the same object on the bus. */
static void
on_tools_changed (GListModel *model, guint position, guint removed, guint added, gpointer data)
{
  ColletExports *self = data;

  if (removed == 1 && added == 1)
    {
      g_autoptr (ColletTool) tool = g_list_model_get_item (model, position);

      collet_tool_object_set_tool (self->tools->pdata[position], tool);
      return;
    }
  remove_range (self, self->tools, position, removed);
  for (guint i = 0; i < added; i++)
    {
      g_autoptr (ColletTool) tool = g_list_model_get_item (model, position + i);
      ColletToolObject *object = collet_tool_object_new (tool, self->registry);

      g_ptr_array_insert (self->tools, position + i, object);
      export(self, COLLET_BUS_TOOLS, collet_tool_get_name (tool), G_DBUS_INTERFACE_SKELETON (object));
    }
}

static void
on_reloads_changed (GListModel *model, guint position, guint removed, guint added, gpointer data)
{
  ColletExports *self = data;

  remove_range (self, self->reloads, position, removed);
  for (guint i = 0; i < added; i++)
    {
      g_autoptr (ColletReload) reload = g_list_model_get_item (model, position + i);
      ColletReloadObject *object = collet_reload_object_new (reload, self->bouncer);

      g_ptr_array_insert (self->reloads, position + i, object);
      export(self, COLLET_BUS_RELOADS, collet_reload_get_id (reload), G_DBUS_INTERFACE_SKELETON (object));
    }
}

static gboolean
on_refresh (gpointer data)
{
  ColletExports *self = data;

  for (guint i = 0; i < self->modules->len; i++)
    collet_module_object_refresh (self->modules->pdata[i]);
  return G_SOURCE_CONTINUE;
}

static void
follow (ColletExports *self, GListModel *model,
        void (*on_changed) (GListModel *, guint, guint, guint, gpointer))
{
  g_signal_connect_object (model, "items-changed", G_CALLBACK (on_changed), self, 0);
  on_changed (model, 0, 0, g_list_model_get_n_items (model), self);
}

ColletExports *
collet_exports_new (ColletBouncer *bouncer, ColletReloader *reloader, ColletRegistry *registry)
{
  ColletExports *self = g_object_new (COLLET_TYPE_EXPORTS, NULL);

  self->bouncer = g_object_ref (bouncer);
  self->reloader = g_object_ref (reloader);
  self->registry = g_object_ref (registry);
  follow (self, collet_registry_get_modules (registry), on_modules_changed);
  follow (self, collet_registry_get_tools (registry), on_tools_changed);
  follow (self, collet_reloader_get_reloads (reloader), on_reloads_changed);
  self->refresh = g_timeout_add (REFRESH_MS, on_refresh, self);
  return self;
}

void
collet_exports_set_connection (ColletExports *self, GDBusConnection *connection)
{
  g_dbus_object_manager_server_set_connection (self->server, connection);
}

static gpointer
find (ColletExports *self, const char *folder, const char *name, const char *interface)
{
  g_autofree char *path = collet_bus_dup_path (folder, name);
  g_autoptr (GDBusObject) object =
      g_dbus_object_manager_get_object (G_DBUS_OBJECT_MANAGER (self->server), path);

  if (object == NULL)
    return NULL;

  g_autoptr (GDBusInterface) found = g_dbus_object_get_interface (object, interface);
  return found; /* the object keeps it */
}

ColletDbusModule *
collet_exports_find_module (ColletExports *self, const char *name)
{
  ColletModuleObject *object = find (self, COLLET_BUS_MODULES, name, "org.collet.Collet1.Module");

  if (object != NULL)
    collet_module_object_refresh (object);
  return COLLET_DBUS_MODULE (object);
}

ColletDbusTool *
collet_exports_find_tool (ColletExports *self, const char *name)
{
  return find (self, COLLET_BUS_TOOLS, name, "org.collet.Collet1.Tool");
}

GVariant *
collet_exports_get_row (gpointer skeleton)
{
  return g_dbus_interface_skeleton_get_properties (skeleton);
}
