/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-exports.h"

#include "collet-bus.h"
#include "collet-module-object.h"
#include "collet-reload-object.h"
#include "collet-tool-object.h"

/* Counters change with every call; the bus hears of them at this pace. */
#define REFRESH_MS 1000
/* Objects a turn of the main loop; each costs about 0.2 ms. */
#define SLICE 16
/* More than a slice at once come this much later: who waits for the reload that
 * brought them is answered first, and does not queue behind their signals. */
#define BATCH_DELAY_MS 20
/* Before the answers of the database, and so before the end of a reload. */
#define FEW_PRIORITY (G_PRIORITY_HIGH - 10)

struct _ColletExports
{
  GObject parent_instance;
  GDBusObjectManagerServer *server;
  ColletBouncer *bouncer;
  ColletReloader *reloader;
  ColletRegistry *registry;
  GPtrArray *modules; /* skeletons, as the models have them; NULL: pending */
  GPtrArray *tools;
  GPtrArray *reloads;
  guint n_pending;
  guint slice; /* the source that exports what is pending */
  guint refresh;
};

G_DEFINE_FINAL_TYPE (ColletExports, collet_exports, G_TYPE_OBJECT)

static void
collet_exports_dispose (GObject *object)
{
  ColletExports *self = COLLET_EXPORTS (object);

  g_clear_handle_id (&self->refresh, g_source_remove);
  g_clear_handle_id (&self->slice, g_source_remove);
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
unref_skeleton (gpointer skeleton)
{
  if (skeleton != NULL)
    g_object_unref (skeleton);
}

static void
collet_exports_init (ColletExports *self)
{
  self->server = g_dbus_object_manager_server_new (COLLET_BUS_ROOT);
  self->modules = g_ptr_array_new_with_free_func (unref_skeleton);
  self->tools = g_ptr_array_new_with_free_func (unref_skeleton);
  self->reloads = g_ptr_array_new_with_free_func (unref_skeleton);
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

/* ---- models to objects ---- */

static GDBusInterfaceSkeleton *
make_module (ColletExports *self, gpointer item)
{
  ColletModuleObject *object = collet_module_object_new (item, self->registry, self->reloader);

  export(self, COLLET_BUS_MODULES, collet_module_get_name (item), G_DBUS_INTERFACE_SKELETON (object));
  return G_DBUS_INTERFACE_SKELETON (object);
}

static GDBusInterfaceSkeleton *
make_tool (ColletExports *self, gpointer item)
{
  ColletToolObject *object = collet_tool_object_new (item, self->registry);

  export(self, COLLET_BUS_TOOLS, collet_tool_get_name (item), G_DBUS_INTERFACE_SKELETON (object));
  return G_DBUS_INTERFACE_SKELETON (object);
}

static GDBusInterfaceSkeleton *
make_reload (ColletExports *self, gpointer item)
{
  ColletReloadObject *object = collet_reload_object_new (item, self->bouncer);

  export(self, COLLET_BUS_RELOADS, collet_reload_get_id (item), G_DBUS_INTERFACE_SKELETON (object));
  return G_DBUS_INTERFACE_SKELETON (object);
}

/* Exports up to `budget` objects of a model that are not yet. */
static guint
export_some (ColletExports *self, GListModel *model, GPtrArray *skeletons,
             GDBusInterfaceSkeleton *(*make) (ColletExports *, gpointer), guint budget)
{
  for (guint i = 0; i < skeletons->len && budget > 0 && self->n_pending > 0; i++)
    {
      if (skeletons->pdata[i] != NULL)
        continue;

      g_autoptr (GObject) item = g_list_model_get_item (model, i);
      skeletons->pdata[i] = make (self, item);
      self->n_pending--;
      budget--;
    }
  return budget;
}

static void
export_slice (ColletExports *self, guint budget)
{
  budget =
      export_some (self, collet_registry_get_modules (self->registry), self->modules, make_module, budget);
  export_some (self, collet_registry_get_tools (self->registry), self->tools, make_tool, budget);
}

static gboolean
on_slice (gpointer data)
{
  ColletExports *self = data;

  export_slice (self, SLICE);
  if (self->n_pending > 0)
    return G_SOURCE_CONTINUE;
  self->slice = 0;
  return G_SOURCE_REMOVE;
}

static gboolean
on_batch (gpointer data)
{
  ColletExports *self = data;

  self->slice = g_idle_add_full (G_PRIORITY_LOW, on_slice, self, NULL);
  return G_SOURCE_REMOVE;
}

/* All that one change brought is known here. */
static gboolean
on_pending (gpointer data)
{
  ColletExports *self = data;

  if (self->n_pending <= SLICE)
    return on_slice (self);
  self->slice = g_timeout_add_full (G_PRIORITY_LOW, BATCH_DELAY_MS, on_batch, self, NULL);
  return G_SOURCE_REMOVE;
}

/* A few objects are there before anybody hears of their reload's end; a batch of
 * hundreds comes in slices, so that nobody waits for them. */
static void
export_soon (ColletExports *self)
{
  if (self->slice == 0 && self->n_pending > 0)
    self->slice = g_idle_add_full (FEW_PRIORITY, on_pending, self, NULL);
}

static void
splice (ColletExports *self, GPtrArray *skeletons, guint position, guint removed, guint added)
{
  for (guint i = 0; i < removed; i++)
    {
      gpointer skeleton = g_ptr_array_steal_index (skeletons, position);

      if (skeleton == NULL)
        {
          self->n_pending--;
          continue;
        }
      unexport (self, skeleton);
      g_object_unref (skeleton);
    }
  for (guint i = 0; i < added; i++)
    g_ptr_array_insert (skeletons, position, NULL);
  self->n_pending += added;
}

static void
on_modules_changed (GListModel *model, guint position, guint removed, guint added, gpointer data)
{
  ColletExports *self = data;

  splice (self, self->modules, position, removed, added);
  export_soon (self);
}

/* A changed tool is another one in the model, but the same object on the bus. */
static void
on_tools_changed (GListModel *model, guint position, guint removed, guint added, gpointer data)
{
  ColletExports *self = data;

  if (removed == 1 && added == 1)
    {
      g_autoptr (ColletTool) tool = g_list_model_get_item (model, position);

      if (self->tools->pdata[position] != NULL)
        collet_tool_object_set_tool (self->tools->pdata[position], tool);
      return;
    }
  splice (self, self->tools, position, removed, added);
  export_soon (self);
}

/* A caller is given the path of its reload at once, so that is never pending. */
static void
on_reloads_changed (GListModel *model, guint position, guint removed, guint added, gpointer data)
{
  ColletExports *self = data;

  splice (self, self->reloads, position, removed, added);
  export_some (self, model, self->reloads, make_reload, added);
}

static gboolean
on_refresh (gpointer data)
{
  ColletExports *self = data;

  for (guint i = 0; i < self->modules->len; i++)
    if (self->modules->pdata[i] != NULL)
      collet_module_object_refresh (self->modules->pdata[i]);
  for (guint i = 0; i < self->tools->len; i++)
    if (self->tools->pdata[i] != NULL)
      collet_tool_object_refresh (self->tools->pdata[i]);
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
  export_slice (self, G_MAXUINT); /* nobody is told yet, so it costs little */
  g_dbus_object_manager_server_set_connection (self->server, connection);
}

void
collet_exports_add (ColletExports *self, const char *folder, const char *name,
                    GDBusInterfaceSkeleton *skeleton)
{
  export(self, folder, name, skeleton);
}

void
collet_exports_remove (ColletExports *self, GDBusInterfaceSkeleton *skeleton)
{
  unexport (self, skeleton);
}

void
collet_exports_update_nodes (ColletExports *self, const ColletClusterView *view, GHashTable *touched)
{
  for (guint i = 0; i < self->reloads->len; i++)
    if (self->reloads->pdata[i] != NULL)
      collet_reload_object_update_nodes (self->reloads->pdata[i], view, touched);
}

static gpointer
find (ColletExports *self, const char *folder, const char *name, const char *interface)
{
  if (self->n_pending > 0)
    export_slice (self, G_MAXUINT); /* who asks by name gets an answer */

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
  ColletToolObject *object = find (self, COLLET_BUS_TOOLS, name, "org.collet.Collet1.Tool");

  if (object != NULL)
    collet_tool_object_refresh (object);
  return COLLET_DBUS_TOOL (object);
}
