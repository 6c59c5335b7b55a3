/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The end of this node's own version, answered when the agreed one was seen to run,
 * in a fresh reading of the keys.
 */
#include "collet-manager-methods.h"

#include "collet-cluster-report.h"
#include "collet-error.h"
#include "collet-manager-object.h"

#define LOOK_MS 50          /* between two looks */
#define APPLY_US 30000000LL /* for the agreed version to run */

typedef struct
{
  ColletManagerObject *manager;
  ColletBusCall *call;
  gint64 deadline; /* monotonic; 0: nothing was done yet */
} Clearing;

static void
clearing_free (Clearing *self)
{
  g_object_unref (self->manager);
  g_free (self);
}

/* error is taken. */
static void
refuse (Clearing *self, GError *error)
{
  collet_bus_call_fail (self->call, error);
  clearing_free (self);
}

static void on_override_view (const ColletClusterView *view, const GError *error, gpointer user_data);

static gboolean
on_look (gpointer data)
{
  Clearing *self = data;
  ColletClusterAgent *cluster = collet_manager_object_get_cluster (self->manager);

  if (cluster != NULL)
    collet_cluster_agent_read (cluster, on_override_view, self);
  else
    refuse (self, g_error_new (COLLET_ERROR, COLLET_ERROR_SHUTTING_DOWN, "The daemon ends."));
  return G_SOURCE_REMOVE;
}

/* FALSE: the time is over. */
static gboolean
look_again (Clearing *self)
{
  if (g_get_monotonic_time () >= self->deadline)
    return FALSE;
  g_timeout_add (LOOK_MS, on_look, self);
  return TRUE;
}

static void
on_cleared (const GError *error, gpointer user_data)
{
  Clearing *self = user_data;
  g_autoptr (GVariant) options = NULL;
  const char *module;
  const char *reason = NULL;

  if (error != NULL)
    {
      refuse (self, g_error_copy (error));
      return;
    }
  g_variant_get (self->call->parameters, "(&s@a{sv})", &module, &options);
  g_variant_lookup (options, "reason", "&s", &reason);
  g_message ("The override of %s is cleared by user %" G_GINT64_FORMAT "%s%s", module, self->call->uid,
             reason != NULL ? ": " : "", reason != NULL ? reason : "");
  self->deadline = g_get_monotonic_time () + APPLY_US;
  on_look (self);
}

/* The first time there has to be an override, from then on the agreed version. */
static void
on_override_view (const ColletClusterView *view, const GError *error, gpointer user_data)
{
  Clearing *self = user_data;
  ColletClusterAgent *cluster = collet_manager_object_get_cluster (self->manager);
  const char *node = cluster != NULL ? collet_cluster_agent_get_node (cluster) : NULL;
  const char *module;
  const ColletApplied *applied;

  g_variant_get (self->call->parameters, "(&s@a{sv})", &module, NULL);
  if (view == NULL || cluster == NULL)
    {
      refuse (self, error != NULL
                        ? g_error_copy (error)
                        : g_error_new (COLLET_ERROR, COLLET_ERROR_SHUTTING_DOWN, "The daemon ends."));
      return;
    }
  applied = collet_cluster_view_get_applied (view, module, node);
  if (self->deadline == 0 && collet_cluster_view_get_override (view, module, node) == NULL)
    refuse (self, g_error_new (COLLET_ERROR, COLLET_ERROR_NOT_FOUND,
                               "Node \"%s\" has no version of %s of its own.", node, module));
  else if (self->deadline == 0)
    collet_cluster_agent_set_override (cluster, module, NULL, NULL, NULL, on_cleared, self);
  else if (collet_cluster_get_cell (view, module, node).state == COLLET_CELL_IN_LINE ||
           collet_cluster_view_get_desired (view, module) == NULL)
    {
      collet_bus_call_return (self->call, NULL);
      clearing_free (self);
    }
  else if (!look_again (self))
    refuse (self, g_error_new (COLLET_ERROR, COLLET_ERROR_TIMEOUT,
                               "The override of %s is gone, but the agreed version does not run yet%s%s.",
                               module, applied != NULL && applied->message != NULL ? ": " : "",
                               applied != NULL && applied->message != NULL ? applied->message : ""));
}

static void
clear_override (gpointer object, ColletBusCall *call)
{
  Clearing *self = g_new0 (Clearing, 1);

  self->manager = g_object_ref (object);
  self->call = call;
  on_look (self);
}

const ColletBusMethod collet_manager_override_methods[] = {
  { "ClearOverride", clear_override },
  { NULL, NULL },
};
