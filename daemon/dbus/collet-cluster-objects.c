/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-cluster-objects.h"

#include "collet-bus.h"
#include "collet-cluster-report.h"

#include <string.h>

#define PACE_MS 100 /* at most ten signals a second */

typedef struct
{
  guint64 modules, in_line, lagging, failed, overrides;
} Counts;

typedef struct
{
  ColletDbusNode *object;
  Counts counts;
  gboolean is_recounted;
} Node;

typedef struct
{
  char *sha256; /* or NULL */
  gint64 epoch;
  ColletCellState state;
} Cell;

struct _ColletClusterObjects
{
  ColletClusterAgent *cluster;
  ColletDbusManager *manager;
  ColletExports *exports;
  GHashTable *nodes; /* name to Node */
  GHashTable *cells; /* "module\nnode" (node empty: agreed) to Cell, as they were told */
  /* What has changed since: */
  GHashTable *dirty;   /* names as in cells; "module\n": all of it, "\nnode": all on that node */
  GHashTable *touched; /* ids and modules of transactions; "": all */
  gboolean is_roster_dirty;
  guint64 serial;
  guint pace;     /* until it is over */
  GStrv warnings; /* of the daemon, without the cluster's */
};

static char *
name_cell (const char *module, const char *node)
{
  return g_strconcat (module, "\n", node, NULL);
}

static void
cell_free (gpointer data)
{
  g_free (((Cell *)data)->sha256);
  g_free (data);
}

/* ---- nodes ---- */

static void
node_free (gpointer data)
{
  g_object_unref (((Node *)data)->object);
  g_free (data);
}

static void
count (Counts *counts, const Cell *cell, guint64 by)
{
  counts->modules += cell->sha256 != NULL ? by : 0;
  counts->in_line += cell->state == COLLET_CELL_IN_LINE ? by : 0;
  counts->lagging += cell->state == COLLET_CELL_LAGGING ? by : 0;
  counts->failed += cell->state == COLLET_CELL_FAILED ? by : 0;
  counts->overrides += cell->state == COLLET_CELL_OVERRIDE ? by : 0;
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

static gboolean
is_of_node (gpointer name, gpointer cell, gpointer node)
{
  return g_str_equal (strchr (name, '\n') + 1, node);
}

static void
update_roster (ColletClusterObjects *self)
{
  g_autoptr (GPtrArray) roster = list_names (self);
  GHashTableIter iter;
  gpointer name, value;

  for (guint i = 0; i < roster->len; i++)
    {
      Node *node = g_hash_table_lookup (self->nodes, roster->pdata[i]);
      gboolean is_new = node == NULL;

      if (is_new)
        {
          node = g_new0 (Node, 1);
          node->object = collet_dbus_node_skeleton_new ();
          collet_dbus_node_set_counts (node->object, pack_counts (&node->counts));
          g_hash_table_insert (self->nodes, g_strdup (roster->pdata[i]), node);
          g_hash_table_add (self->dirty, name_cell ("", roster->pdata[i]));
        }
      update_node (self, roster->pdata[i], node->object);
      if (is_new)
        collet_exports_add (self->exports, COLLET_BUS_NODES, roster->pdata[i],
                            G_DBUS_INTERFACE_SKELETON (node->object));
    }
  g_hash_table_iter_init (&iter, self->nodes);
  while (g_hash_table_iter_next (&iter, &name, &value))
    {
      if (g_ptr_array_find_with_equal_func (roster, name, g_str_equal, NULL))
        continue;
      g_hash_table_foreach_remove (self->cells, is_of_node, name);
      collet_exports_remove (self->exports, G_DBUS_INTERFACE_SKELETON (((Node *)value)->object));
      g_hash_table_iter_remove (&iter);
    }
}

/* Of this node it is always looked at: whether it reaches the others is no key. */
static void
update_nodes (ColletClusterObjects *self)
{
  const char *own = collet_cluster_agent_get_node (self->cluster);
  const Node *node = g_hash_table_lookup (self->nodes, own);
  g_autofree char *message = NULL;
  gboolean is_removed = g_str_equal (collet_cluster_agent_get_state (self->cluster, &message), "removed");

  if (self->is_roster_dirty || (node == NULL && is_removed))
    update_roster (self);
  else if (node != NULL)
    update_node (self, own, node->object);
  self->is_roster_dirty = FALSE;
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
  collet_cluster_objects_flush (self);
  g_hash_table_iter_init (&iter, self->nodes);
  while (g_hash_table_iter_next (&iter, NULL, &node))
    g_ptr_array_add (nodes, ((Node *)node)->object);
  g_ptr_array_sort (nodes, compare_nodes);
  return nodes;
}

/* ---- the matrix ---- */

typedef struct
{
  const ColletClusterView *view;
  GVariantBuilder rows;
  guint n;
} Deltas;

static void
note_cell (ColletClusterObjects *self, const char *module, const char *node, const ColletCell *cell,
           Deltas *deltas)
{
  const char *sha256 = cell->sha256 != NULL ? cell->sha256 : "";
  g_autofree char *name = name_cell (module, node);
  Cell *known = g_hash_table_lookup (self->cells, name);
  Node *counted = g_hash_table_lookup (self->nodes, node);

  if (known != NULL && g_strcmp0 (known->sha256, cell->sha256) == 0 && known->epoch == cell->epoch &&
      known->state == cell->state)
    return;
  if (known != NULL && counted != NULL)
    count (&counted->counts, known, (guint64)-1);
  known = g_new0 (Cell, 1);
  *known = (Cell){ g_strdup (cell->sha256), cell->epoch, cell->state };
  g_hash_table_replace (self->cells, g_steal_pointer (&name), known);
  if (counted != NULL)
    {
      count (&counted->counts, known, 1);
      counted->is_recounted = TRUE;
    }
  g_variant_builder_add (&deltas->rows, "(sssty)", module, node, sha256, (guint64)cell->epoch,
                         (guchar)cell->state);
  deltas->n++;
}

static void
note_on_node (ColletClusterObjects *self, const char *module, const char *node, Deltas *deltas)
{
  ColletCell cell = collet_cluster_get_cell (deltas->view, module, node);

  note_cell (self, module, node, &cell, deltas);
}

static void
note_module (ColletClusterObjects *self, const char *module, const ColletDesired *desired, Deltas *deltas)
{
  const ColletCell agreed = { .sha256 = desired->sha256, .epoch = desired->epoch };
  GHashTableIter iter;
  gpointer node;

  note_cell (self, module, "", &agreed, deltas);
  g_hash_table_iter_init (&iter, self->nodes);
  while (g_hash_table_iter_next (&iter, &node, NULL))
    note_on_node (self, module, node, deltas);
}

/* name: as in dirty. What nobody agreed on, or who is on no roster, has no cells. */
static void
note_dirty (ColletClusterObjects *self, const char *name, Deltas *deltas)
{
  const char *node = strchr (name, '\n') + 1;
  g_autofree char *module = g_strndup (name, (gsize)(node - name) - 1);
  const ColletDesired *desired =
      *module != '\0' ? collet_cluster_view_get_desired (deltas->view, module) : NULL;
  g_autoptr (GPtrArray) modules = NULL;

  if (*node != '\0' && !g_hash_table_contains (self->nodes, node))
    return;
  if (desired != NULL && *node == '\0')
    note_module (self, module, desired, deltas);
  else if (desired != NULL)
    note_on_node (self, module, node, deltas);
  if (*module != '\0')
    return;
  modules = collet_cluster_view_list (deltas->view, COLLET_KEY_DESIRED);
  for (guint i = 0; i < modules->len; i++)
    note_on_node (self, modules->pdata[i], node, deltas);
}

static void
tell_counts (ColletClusterObjects *self)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->nodes);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Node *node = value;

      if (node->is_recounted)
        collet_dbus_node_set_counts (node->object, pack_counts (&node->counts));
      node->is_recounted = FALSE;
    }
}

/* A module that is agreed on stays, so nothing ever leaves but with its node. */
guint64
collet_cluster_objects_flush (ColletClusterObjects *self)
{
  Deltas deltas = { .view = collet_cluster_agent_get_view (self->cluster) };
  GHashTableIter iter;
  gpointer name;

  if (self->is_roster_dirty)
    update_nodes (self);
  g_variant_builder_init (&deltas.rows, G_VARIANT_TYPE ("a(sssty)"));
  g_hash_table_iter_init (&iter, self->dirty);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    note_dirty (self, name, &deltas);
  g_hash_table_remove_all (self->dirty);
  tell_counts (self);
  if (deltas.n > 0)
    collet_dbus_manager_emit_matrix_changed (self->manager, ++self->serial,
                                             g_variant_builder_end (&deltas.rows));
  else
    g_variant_builder_clear (&deltas.rows);
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
  gboolean is_all = g_hash_table_contains (self->touched, "");

  self->pace = 0;
  update_state (self);
  update_nodes (self);
  collet_exports_update_nodes (self->exports, collet_cluster_agent_get_view (self->cluster),
                               is_all ? NULL : self->touched);
  g_hash_table_remove_all (self->touched);
  collet_cluster_objects_flush (self);
  return G_SOURCE_REMOVE;
}

static void
on_key (ColletKeyKind kind, const char *a, const char *b, gpointer data)
{
  ColletClusterObjects *self = data;
  const ColletSpec *spec;

  g_hash_table_add (self->touched, g_strdup (a));
  switch ((guint)kind)
    {
    case COLLET_KEY_NODE:
    case COLLET_KEY_LIVE:
      self->is_roster_dirty = TRUE;
      g_hash_table_add (self->dirty, name_cell ("", a));
      g_hash_table_add (self->touched, g_strdup ("")); /* who is up is part of each */
      break;
    case COLLET_KEY_DESIRED:
    case COLLET_KEY_LOCK:
      g_hash_table_add (self->dirty, name_cell (a, ""));
      break;
    case COLLET_KEY_SPEC:
      spec = collet_cluster_view_get_spec (collet_cluster_agent_get_view (self->cluster), a);
      if (spec != NULL)
        g_hash_table_add (self->dirty, name_cell (spec->module, ""));
      break;
    case COLLET_KEY_APPLIED:
    case COLLET_KEY_OVERRIDE:
      g_hash_table_add (self->dirty, name_cell (a, b));
      break;
    default:
      break;
    }
}

static void
on_changed (gpointer data)
{
  ColletClusterObjects *self = data;

  if (self->pace == 0)
    self->pace = g_timeout_add (PACE_MS, on_pace_over, self);
}

/* What was there before it was listened to. */
static void
note_all (ColletClusterObjects *self)
{
  g_autoptr (GPtrArray) modules =
      collet_cluster_view_list (collet_cluster_agent_get_view (self->cluster), COLLET_KEY_DESIRED);

  for (guint i = 0; i < modules->len; i++)
    g_hash_table_add (self->dirty, name_cell (modules->pdata[i], ""));
}

ColletClusterObjects *
collet_cluster_objects_new (ColletClusterAgent *cluster, ColletDbusManager *manager, ColletExports *exports,
                            const char *const *warnings)
{
  ColletClusterObjects *self = g_new0 (ColletClusterObjects, 1);
  const ColletClusterWatcher watcher = { on_key, on_changed, self };

  self->cluster = cluster;
  self->manager = manager;
  self->exports = exports;
  self->nodes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, node_free);
  self->cells = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, cell_free);
  self->dirty = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->touched = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->is_roster_dirty = TRUE;
  g_hash_table_add (self->touched, g_strdup (""));
  note_all (self);
  self->warnings = g_strdupv ((GStrv)warnings);
  update_state (self);
  collet_cluster_agent_set_watcher (cluster, &watcher);
  on_changed (self);
  return self;
}

void
collet_cluster_objects_free (ColletClusterObjects *self)
{
  GHashTableIter iter;
  gpointer node;

  g_clear_handle_id (&self->pace, g_source_remove);
  collet_cluster_agent_set_watcher (self->cluster, NULL);
  g_hash_table_iter_init (&iter, self->nodes);
  while (g_hash_table_iter_next (&iter, NULL, &node))
    collet_exports_remove (self->exports, G_DBUS_INTERFACE_SKELETON (((Node *)node)->object));
  g_strfreev (self->warnings);
  g_hash_table_unref (self->nodes);
  g_hash_table_unref (self->cells);
  g_hash_table_unref (self->dirty);
  g_hash_table_unref (self->touched);
  g_free (self);
}
