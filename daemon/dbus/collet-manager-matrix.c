/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Methods that tell what runs where.
 */
#include "collet-manager-methods.h"

#include "collet-bus-rows.h"
#include "collet-cluster-report.h"
#include "collet-error.h"
#include "collet-manager-object.h"

/* A question that waits for the cluster's keys. */
typedef struct
{
  ColletManagerObject *manager;
  ColletBusCall *call;
} Question;

static void
ask (gpointer object, ColletBusCall *call, ColletClusterRead read)
{
  Question *question = g_new0 (Question, 1);

  question->manager = g_object_ref (object);
  question->call = call;
  collet_cluster_agent_read (collet_manager_object_get_cluster (object), read, question);
}

static void
question_free (Question *question)
{
  g_object_unref (question->manager);
  g_free (question);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Question, question_free)

/* ---- consistency ---- */

static GVariant *
pack_names (GPtrArray *names)
{
  return g_variant_new_strv ((const char *const *)names->pdata, (gssize)names->len);
}

static void
on_check (const ColletClusterView *view, const GError *error, gpointer user_data)
{
  g_autoptr (Question) question = user_data;
  const char *module;
  GError *reason = NULL;
  g_autoptr (ColletConsistency) all = NULL;
  GVariantBuilder detail;

  if (view == NULL)
    {
      collet_bus_call_fail (question->call, g_error_copy (error));
      return;
    }
  g_variant_get (question->call->parameters, "(&s)", &module);
  all = collet_cluster_check (view, *module != '\0' ? module : NULL, &reason);
  if (all == NULL)
    {
      collet_bus_call_fail (question->call, reason);
      return;
    }
  g_variant_builder_init (&detail, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&detail, "{sv}", "verdict", g_variant_new_string (all->verdict));
  g_variant_builder_add (&detail, "{sv}", "differing", pack_names (all->differing));
  g_variant_builder_add (&detail, "{sv}", "unreachable", pack_names (all->unreachable));
  g_variant_builder_add (&detail, "{sv}", "serial",
                         g_variant_new_uint64 (collet_cluster_objects_flush (
                             collet_manager_object_get_cluster_objects (question->manager))));
  collet_bus_call_return (question->call,
                          g_variant_new ("(ba{sv})", g_str_equal (all->verdict, "consistent"), &detail));
}

static void
check_consistency (gpointer object, ColletBusCall *call)
{
  ask (object, call, on_check);
}

/* ---- versions ---- */

static GVariant *
pack_version (const ColletClusterView *view, const char *module, const char *node)
{
  const ColletDesired *desired = collet_cluster_view_get_desired (view, module);
  ColletCell cell = collet_cluster_get_cell (view, module, node);
  GVariantBuilder row;

  g_variant_builder_init (&row, G_VARIANT_TYPE_VARDICT);
  collet_bus_row_add (&row, "node", node);
  collet_bus_row_add (&row, "version", cell.sha256);
  collet_bus_row_add (&row, "semantic-version", cell.version);
  collet_bus_row_add (&row, "state", collet_cell_state_name (cell.state));
  g_variant_builder_add (&row, "{sv}", "epoch", g_variant_new_uint64 ((guint64)cell.epoch));
  g_variant_builder_add (&row, "{sv}", "desired",
                         g_variant_new_boolean (desired != NULL &&
                                                g_strcmp0 (desired->sha256, cell.sha256) == 0));
  collet_bus_row_add (&row, "error", cell.error);
  collet_bus_row_add (&row, "message", cell.message);
  return g_variant_builder_end (&row);
}

static void
on_versions (const ColletClusterView *view, const GError *error, gpointer user_data)
{
  g_autoptr (Question) question = user_data;
  g_autoptr (GPtrArray) roster = NULL;
  const char *module;
  GVariantBuilder rows;

  g_variant_get (question->call->parameters, "(&s)", &module);
  if (view == NULL || collet_cluster_view_get_desired (view, module) == NULL)
    {
      collet_bus_call_fail (question->call,
                            view == NULL
                                ? g_error_copy (error)
                                : g_error_new (COLLET_ERROR, COLLET_ERROR_NOT_FOUND,
                                               "No version of \"%s\" was agreed in the cluster. Load "
                                               "it, or see the names of \"colletctl list\".",
                                               module));
      return;
    }
  roster = collet_cluster_view_list (view, COLLET_KEY_NODE);
  g_variant_builder_init (&rows, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < roster->len; i++)
    g_variant_builder_add_value (&rows, pack_version (view, module, roster->pdata[i]));
  collet_bus_call_return (question->call, g_variant_new ("(aa{sv})", &rows));
}

static void
get_cluster_versions (gpointer object, ColletBusCall *call)
{
  ask (object, call, on_versions);
}

/* ---- the matrix ---- */

static guint32
index_of (GPtrArray *versions, const char *sha256)
{
  guint index;

  if (sha256 == NULL)
    return 0;
  if (!g_ptr_array_find_with_equal_func (versions, sha256, g_str_equal, &index))
    {
      index = versions->len;
      g_ptr_array_add (versions, (gpointer)sha256);
    }
  return index;
}

static void
pack_row (const ColletClusterView *view, const char *module, GPtrArray *roster, GPtrArray *versions,
          GVariantBuilder *rows)
{
  const ColletDesired *desired = collet_cluster_view_get_desired (view, module);
  GVariantBuilder cells;

  g_variant_builder_init (&cells, G_VARIANT_TYPE ("a(uy)"));
  for (guint i = 0; i < roster->len; i++)
    {
      ColletCell cell = collet_cluster_get_cell (view, module, roster->pdata[i]);

      g_variant_builder_add (&cells, "(uy)", index_of (versions, cell.sha256), (guchar)cell.state);
    }
  g_variant_builder_add (rows, "(suta(uy))", module, index_of (versions, desired->sha256),
                         (guint64)desired->epoch, &cells);
}

/* In a minority: what was seen last. */
static void
on_matrix (const ColletClusterView *fresh, const GError *error, gpointer user_data)
{
  g_autoptr (Question) question = user_data;
  ColletManagerObject *object = question->manager;
  const ColletClusterView *view =
      fresh != NULL ? fresh : collet_cluster_agent_get_view (collet_manager_object_get_cluster (object));
  g_autoptr (GPtrArray) roster = collet_cluster_view_list (view, COLLET_KEY_NODE);
  g_autoptr (GPtrArray) modules = collet_cluster_view_list (view, COLLET_KEY_DESIRED);
  g_autoptr (GPtrArray) versions = g_ptr_array_new ();
  guint64 serial = collet_cluster_objects_flush (collet_manager_object_get_cluster_objects (object));
  GVariantBuilder rows;

  g_ptr_array_add (versions, (gpointer) "");
  g_variant_builder_init (&rows, G_VARIANT_TYPE ("a(suta(uy))"));
  for (guint i = 0; i < modules->len; i++)
    pack_row (view, modules->pdata[i], roster, versions, &rows);
  collet_bus_call_return (question->call, g_variant_new ("(t@as@asa(suta(uy)))", serial, pack_names (roster),
                                                         pack_names (versions), &rows));
}

static void
get_matrix (gpointer object, ColletBusCall *call)
{
  ask (object, call, on_matrix);
}

static void
on_nodes (const ColletClusterView *fresh, const GError *error, gpointer user_data)
{
  g_autoptr (Question) question = user_data;
  g_autoptr (GPtrArray) nodes =
      collet_cluster_objects_list_nodes (collet_manager_object_get_cluster_objects (question->manager));
  GVariantBuilder rows;

  g_variant_builder_init (&rows, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < nodes->len; i++)
    collet_bus_rows_add_properties (&rows, nodes->pdata[i]);
  collet_bus_call_return (question->call, g_variant_new ("(aa{sv})", &rows));
}

/* Asked for first, so that the daemon has looked at its cluster since it started. */
static void
list_nodes (gpointer object, ColletBusCall *call)
{
  ask (object, call, on_nodes);
}

const ColletBusMethod collet_manager_matrix_methods[] = {
  { "CheckConsistency", check_consistency },
  { "GetClusterVersions", get_cluster_versions },
  { "GetMatrix", get_matrix },
  { "ListNodes", list_nodes },
  { NULL, NULL },
};
