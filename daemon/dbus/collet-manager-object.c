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
  ColletWatches *watches;
  ColletClusterAgent *cluster;
  ColletClusterGate *gate;
  ColletClusterObjects *cluster_objects;
  GStrv warnings; /* without the cluster's */
  void (*add_counts) (gpointer user_data, GVariantBuilder *counts);
  gpointer counts_data;
  guint refresh;
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

  g_clear_handle_id (&self->refresh, g_source_remove);
  g_clear_object (&self->watches);
  g_clear_pointer (&self->warnings, g_strfreev);
  g_clear_pointer (&self->cluster_objects, collet_cluster_objects_free);
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
on_tool_updated (ColletReloader *reloader, const char *name, const char *version, guint64 sequence,
                 gpointer data)
{
  ColletDbusManager *manager = data;

  collet_dbus_manager_set_update_sequence (manager, sequence);
  collet_dbus_manager_emit_tool_updated (manager, name, version, sequence);
}

/* ---- counts ---- */

typedef struct
{
  guint64 calls, errors, crashes, in_flight, workers;
} Sums;

static void
add_module (ColletManagerObject *self, const char *name, Sums *sums)
{
  ColletDeployment *deployment = collet_reloader_find_deployment (self->reloader, name);
  ColletGeneration *published = collet_deployment_get_published (deployment);
  ColletGenerationStats stats = { 0 };
  guint64 calls;
  guint64 errors;

  collet_registry_count_calls (self->registry, name, &calls, &errors);
  if (published != NULL)
    collet_generation_get_stats (published, &stats);
  sums->calls += calls;
  sums->errors += errors;
  sums->crashes += collet_deployment_get_crashes (deployment);
  sums->in_flight += stats.in_flight + collet_slot_get_waiting (collet_deployment_get_slot (deployment));
  sums->workers += published != NULL && collet_generation_get_pid (published) > 0;
}

static guint
count_running (GListModel *reloads)
{
  guint running = 0;

  for (guint i = 0; i < g_list_model_get_n_items (reloads); i++)
    {
      g_autoptr (ColletReload) reload = g_list_model_get_item (reloads, i);

      running += !collet_reload_is_finished (reload);
    }
  return running;
}

static gboolean
on_refresh (gpointer data)
{
  ColletManagerObject *self = data;
  GListModel *modules = collet_registry_get_modules (self->registry);
  GVariantBuilder counts;
  Sums sums = { 0 };

  for (guint i = 0; i < g_list_model_get_n_items (modules); i++)
    {
      g_autoptr (ColletModule) module = g_list_model_get_item (modules, i);

      add_module (self, collet_module_get_name (module), &sums);
    }
  g_variant_builder_init (&counts, G_VARIANT_TYPE ("a{st}"));
  g_variant_builder_add (&counts, "{st}", "modules", (guint64)g_list_model_get_n_items (modules));
  g_variant_builder_add (&counts, "{st}", "tools",
                         (guint64)g_list_model_get_n_items (collet_registry_get_tools (self->registry)));
  g_variant_builder_add (&counts, "{st}", "workers", sums.workers);
  g_variant_builder_add (&counts, "{st}", "calls", sums.calls);
  g_variant_builder_add (&counts, "{st}", "errors", sums.errors);
  g_variant_builder_add (&counts, "{st}", "crashes", sums.crashes);
  g_variant_builder_add (&counts, "{st}", "in-flight", sums.in_flight);
  g_variant_builder_add (&counts, "{st}", "reloads", collet_reloader_get_started (self->reloader));
  g_variant_builder_add (&counts, "{st}", "running-reloads",
                         (guint64)count_running (collet_reloader_get_reloads (self->reloader)));
  if (self->add_counts != NULL)
    self->add_counts (self->counts_data, &counts);
  collet_dbus_manager_set_counts (COLLET_DBUS_MANAGER (self), g_variant_builder_end (&counts));
  return G_SOURCE_CONTINUE;
}

static void
on_tools_changed (ColletRegistry *registry, guint64 serial, gpointer data)
{
  ColletDbusManager *manager = data;

  on_refresh (data); /* who asks what there is now asks after this signal */
  collet_dbus_manager_set_tools_serial (manager, serial);
  collet_dbus_manager_emit_tools_changed (manager, serial);
}

ColletManagerObject *
collet_manager_object_new (ColletBouncer *bouncer, ColletReloader *reloader, ColletRegistry *registry,
                           ColletExports *exports, ColletToolDirectory *directory,
                           const ColletManagerFacts *facts)
{
  static const ColletBusMethod *const tables[] = {
    /* clang-format off */ /* one a line */
    collet_manager_reload_methods,
    collet_manager_prepare_methods, collet_manager_smoke_methods,
    collet_manager_service_methods,
    collet_manager_trial_methods,
    collet_manager_module_methods,
    collet_manager_tool_methods,
    collet_manager_subscription_methods,
    collet_manager_version_methods,
    collet_manager_watch_methods,
    collet_manager_history_methods,
    collet_manager_cluster_methods, collet_manager_rollout_methods, collet_manager_sync_methods,
    collet_manager_override_methods,
    collet_manager_matrix_methods,
    collet_manager_member_methods,
    NULL,
    /* clang-format on */
  };
  ColletManagerObject *self = g_object_new (COLLET_TYPE_MANAGER_OBJECT, NULL);
  ColletDbusManager *manager = COLLET_DBUS_MANAGER (self);

  self->reloader = g_object_ref (reloader);
  self->registry = g_object_ref (registry);
  self->exports = g_object_ref (exports);
  self->directory = directory;
  self->watches = g_object_ref (facts->watches);
  collet_bus_guard_attach (G_DBUS_INTERFACE_SKELETON (self), bouncer, tables);

  collet_dbus_manager_set_version (manager, COLLET_VERSION);
  self->warnings = g_strdupv ((GStrv)facts->warnings);
  self->gate = facts->gate;
  collet_manager_object_set_cluster (self, facts->cluster, facts->cluster_name);
  collet_dbus_manager_set_state (manager, "running");
  collet_dbus_manager_set_data_folder (manager, facts->data_folder);
  collet_dbus_manager_set_worker_user (manager, facts->worker_user);
  collet_dbus_manager_set_mcp_addresses (manager, facts->mcp_addresses);
  collet_dbus_manager_set_module_path (manager, facts->module_path);
  collet_dbus_manager_set_started_at (manager, g_get_real_time ());
  collet_dbus_manager_set_pid (manager, getpid ());
  self->add_counts = facts->add_counts;
  self->counts_data = facts->user_data;
  on_refresh (self);
  self->refresh = g_timeout_add_seconds (1, on_refresh, self);
  collet_dbus_manager_set_update_sequence (manager, collet_reloader_get_update_sequence (reloader));
  g_signal_connect_object (reloader, "tool-updated", G_CALLBACK (on_tool_updated), self, 0);
  g_signal_connect_object (facts->watches, "report", G_CALLBACK (collet_manager_watch_report), self, 0);
  g_signal_connect_object (registry, "tools-changed", G_CALLBACK (on_tools_changed), self, 0);
  return self;
}

void
collet_manager_object_set_cluster (ColletManagerObject *self, ColletClusterAgent *cluster,
                                   const char *cluster_name)
{
  ColletDbusManager *manager = COLLET_DBUS_MANAGER (self);

  g_clear_pointer (&self->cluster_objects, collet_cluster_objects_free);
  self->cluster = cluster;
  if (cluster == NULL)
    return;
  self->cluster_objects =
      collet_cluster_objects_new (cluster, manager, self->exports, (const char *const *)self->warnings);
  collet_dbus_manager_set_node_name (manager, collet_cluster_agent_get_node (cluster));
  collet_dbus_manager_set_cluster_name (manager, cluster_name);
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

ColletClusterAgent *
collet_manager_object_get_cluster (ColletManagerObject *self)
{
  return self->cluster;
}

ColletClusterGate *
collet_manager_object_get_gate (ColletManagerObject *self)
{
  return self->gate;
}

ColletClusterObjects *
collet_manager_object_get_cluster_objects (ColletManagerObject *self)
{
  return self->cluster_objects;
}

ColletToolDirectory *
collet_manager_object_get_directory (ColletManagerObject *self)
{
  return self->directory;
}

ColletWatches *
collet_manager_object_get_watches (ColletManagerObject *self)
{
  return self->watches;
}
