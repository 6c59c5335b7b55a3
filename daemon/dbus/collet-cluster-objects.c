/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-cluster-objects.h"

#include "collet-bus.h"
#include "collet-cluster-report.h"

#define PACE_MS 100 /* at most ten signals a second */

struct _ColletClusterObjects
{
  ColletClusterAgent *cluster;
  ColletDbusManager *manager;
  ColletExports *exports;
  GHashTable *nodes; /* name to ColletDbusNode */
  GHashTable *cells; /* "module\nnode" (node empty: agreed) to its last text */
  guint64 serial;
  guint pace;     /* until it is over */
  GStrv warnings; /* of the daemon, without the cluster's */
};

/* ---- nodes ---- */

typedef struct
{
  guint64 modules, in_line, lagging, failed, overrides;
} Counts;

static void
count (const ColletClusterView *view, const char *node, Counts *counts)
{
  g_autoptr (GPtrArray) modules = collet_cluster_view_list (view, COLLET_KEY_DESIRED);

  for (guint i = 0; i < modules->len; i++)
    {
      ColletCell cell = collet_cluster_get_cell (view, modules->pdata[i], node);

      counts->modules += cell.sha256 != NULL;
      counts->in_line += cell.state == COLLET_CELL_IN_LINE;
      counts->lagging += cell.state == COLLET_CELL_LAGGING;
      counts->failed += cell.state == COLLET_CELL_FAILED;
      counts->overrides += cell.state == COLLET_CELL_OVERRIDE;
    }
}

static GVariant *
pack_counts (const Counts *counts)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{st}"));
  g_variant_builder_add (&builder, "{st}", "modules", counts->modules);
  g_variant_builder_add (&builder, "{st}", "in-line", counts->in_line);
  g_variant_builder_add (&builder, "{st}", "lagging", counts->lagging);
  g_variant_builder_add (&builder, "{st}", "failed", counts->failed);
  g_variant_builder_add (&builder, "{st}", "overrides", counts->overrides);
  return g_variant_builder_end (&builder);
}

static const char *
judge_self (ColletClusterObjects *self, char **message)
{
  const char *state = collet_cluster_agent_get_state (self->cluster, message);

  return g_str_equal (state, "joined") || g_str_equal (state, "alone") ? "live" : state;
}

static void
update_node (ColletClusterObjects *self, const char *name, ColletDbusNode *node)
{
  const ColletClusterView *view = collet_cluster_agent_get_view (self->cluster);
  const ColletNodeRecord *record = collet_cluster_view_get (view, COLLET_KEY_NODE, name, NULL);
  const ColletNodeRecord *live = collet_cluster_view_get (view, COLLET_KEY_LIVE, name, NULL);
  gboolean is_self = g_str_equal (name, collet_cluster_agent_get_node (self->cluster));
  g_autofree char *problem = NULL;
  const char *state = is_self ? judge_self (self, &problem) : live != NULL ? "live" : "down";
  gboolean is_news = g_strcmp0 (collet_dbus_node_get_state (node), state) != 0;
  gboolean was_live = g_strcmp0 (collet_dbus_node_get_state (node), "live") == 0;
  Counts counts = { 0 };

  count (view, name, &counts);
  collet_dbus_node_set_name (node, name);
  collet_dbus_node_set_url (node, record != NULL && record->url != NULL ? record->url : "");
  collet_dbus_node_set_fingerprint (node,
                                    record != NULL && record->fingerprint != NULL ? record->fingerprint : "");
  collet_dbus_node_set_self (node, is_self);
  collet_dbus_node_set_state (node, state);
  collet_dbus_node_set_message (node, problem != NULL               ? problem
                                      : g_str_equal (state, "down") ? "It gives no sign of life. Start its "
                                                                      "daemon, or remove it from the cluster."
                                                                    : "");
  if (live != NULL)
    collet_dbus_node_set_daemon_version (node, live->version != NULL ? live->version : "");
  if (is_news && (live != NULL || was_live)) /* not all the time: that would be a signal each time */
    collet_dbus_node_set_last_seen (node, g_get_real_time ());
  collet_dbus_node_set_counts (node, pack_counts (&counts));
}

/* The roster; and this node where another one took it off, as it has to be told. */
static GPtrArray *
list_names (ColletClusterObjects *self)
{
  GPtrArray *names =
      collet_cluster_view_list (collet_cluster_agent_get_view (self->cluster), COLLET_KEY_NODE);
  g_autofree char *message = NULL;

  if (g_str_equal (collet_cluster_agent_get_state (self->cluster, &message), "removed"))
    g_ptr_array_add (names, (gpointer)collet_cluster_agent_get_node (self->cluster));
  return names;
}

static void
update_nodes (ColletClusterObjects *self)
{
  g_autoptr (GPtrArray) roster = list_names (self);
  GHashTableIter iter;
  gpointer name, node;

  for (guint i = 0; i < roster->len; i++)
    {
      gboolean is_new;

      node = g_hash_table_lookup (self->nodes, roster->pdata[i]);
      is_new = node == NULL;
      if (is_new)
        {
          node = collet_dbus_node_skeleton_new ();
          g_hash_table_insert (self->nodes, g_strdup (roster->pdata[i]), node);
        }
      update_node (self, roster->pdata[i], node);
      if (is_new)
        collet_exports_add (self->exports, COLLET_BUS_NODES, roster->pdata[i], node);
    }
  g_hash_table_iter_init (&iter, self->nodes);
  while (g_hash_table_iter_next (&iter, &name, &node))
    {
      if (g_ptr_array_find_with_equal_func (roster, name, g_str_equal, NULL))
        continue;
      collet_exports_remove (self->exports, node);
      g_hash_table_iter_remove (&iter);
    }
}

static int
compare_nodes (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (collet_dbus_node_get_name (*(ColletDbusNode *const *)a),
                    collet_dbus_node_get_name (*(ColletDbusNode *const *)b));
}

GPtrArray *
collet_cluster_objects_list_nodes (ColletClusterObjects *self)
{
  GPtrArray *nodes = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer node;

  update_nodes (self);
  g_hash_table_iter_init (&iter, self->nodes);
  while (g_hash_table_iter_next (&iter, NULL, &node))
    g_ptr_array_add (nodes, node);
  g_ptr_array_sort (nodes, compare_nodes);
  return nodes;
}

/* ---- the matrix ---- */

static void
note_cell (ColletClusterObjects *self, const char *module, const char *node, const ColletCell *cell,
           GVariantBuilder *deltas, guint *n)
{
  g_autofree char *name = g_strdup_printf ("%s\n%s", module, node);
  const char *sha256 = cell->sha256 != NULL ? cell->sha256 : "";
  g_autofree char *text = g_strdup_printf ("%s %" G_GINT64_FORMAT " %d", sha256, cell->epoch, cell->state);

  if (g_strcmp0 (g_hash_table_lookup (self->cells, name), text) == 0)
    return;
  g_hash_table_replace (self->cells, g_steal_pointer (&name), g_steal_pointer (&text));
  g_variant_builder_add (deltas, "(sssty)", module, node, sha256, (guint64)cell->epoch, (guchar)cell->state);
  (*n)++;
}

/* A module that is agreed on stays, so nothing ever leaves but with its node. */
guint64
collet_cluster_objects_flush (ColletClusterObjects *self)
{
  const ColletClusterView *view = collet_cluster_agent_get_view (self->cluster);
  g_autoptr (GPtrArray) roster = collet_cluster_view_list (view, COLLET_KEY_NODE);
  g_autoptr (GPtrArray) modules = collet_cluster_view_list (view, COLLET_KEY_DESIRED);
  GVariantBuilder deltas;
  guint n = 0;

  g_variant_builder_init (&deltas, G_VARIANT_TYPE ("a(sssty)"));
  for (guint i = 0; i < modules->len; i++)
    {
      const ColletDesired *desired = collet_cluster_view_get_desired (view, modules->pdata[i]);
      const ColletCell agreed = { .sha256 = desired->sha256, .epoch = desired->epoch };

      note_cell (self, modules->pdata[i], "", &agreed, &deltas, &n);
      for (guint k = 0; k < roster->len; k++)
        {
          ColletCell cell = collet_cluster_get_cell (view, modules->pdata[i], roster->pdata[k]);

          note_cell (self, modules->pdata[i], roster->pdata[k], &cell, &deltas, &n);
        }
    }
  if (n > 0)
    collet_dbus_manager_emit_matrix_changed (self->manager, ++self->serial, g_variant_builder_end (&deltas));
  else
    g_variant_builder_clear (&deltas);
  return self->serial;
}

/* ---- this node ---- */

static void
update_state (ColletClusterObjects *self)
{
  g_autofree char *problem = NULL;
  const char *state = collet_cluster_agent_get_state (self->cluster, &problem);
  g_autoptr (GStrvBuilder) warnings = g_strv_builder_new ();

  if (self->warnings != NULL)
    g_strv_builder_addv (warnings, (const char **)self->warnings);
  if (problem != NULL)
    g_strv_builder_add (warnings, problem);
  g_auto (GStrv) all = g_strv_builder_end (warnings);
  collet_dbus_manager_set_warnings (self->manager, (const char *const *)all);
  collet_dbus_manager_set_cluster_state (self->manager, state);
}

/* ---- pace ---- */

static gboolean
on_pace_over (gpointer data)
{
  ColletClusterObjects *self = data;

  self->pace = 0;
  update_state (self);
  update_nodes (self);
  collet_exports_update_nodes (self->exports, collet_cluster_agent_get_view (self->cluster));
  collet_cluster_objects_flush (self);
  return G_SOURCE_REMOVE;
}

static void
on_changed (gpointer data)
{
  ColletClusterObjects *self = data;

  if (self->pace == 0)
    self->pace = g_timeout_add (PACE_MS, on_pace_over, self);
}

ColletClusterObjects *
collet_cluster_objects_new (ColletClusterAgent *cluster, ColletDbusManager *manager, ColletExports *exports,
                            const char *const *warnings)
{
  ColletClusterObjects *self = g_new0 (ColletClusterObjects, 1);

  self->cluster = cluster;
  self->manager = manager;
  self->exports = exports;
  self->nodes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
  self->cells = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->warnings = g_strdupv ((GStrv)warnings);
  update_state (self);
  collet_cluster_agent_set_watcher (cluster, on_changed, self);
  on_changed (self);
  return self;
}

void
collet_cluster_objects_free (ColletClusterObjects *self)
{
  GHashTableIter iter;
  gpointer node;

  g_clear_handle_id (&self->pace, g_source_remove);
  collet_cluster_agent_set_watcher (self->cluster, NULL, NULL);
  g_hash_table_iter_init (&iter, self->nodes);
  while (g_hash_table_iter_next (&iter, NULL, &node))
    collet_exports_remove (self->exports, node);
  g_strfreev (self->warnings);
  g_hash_table_unref (self->nodes);
  g_hash_table_unref (self->cells);
  g_free (self);
}
