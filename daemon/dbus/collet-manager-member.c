/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Methods by which this node comes into a cluster and out of it, and lets others in.
 */
#include "collet-manager-methods.h"

#include "collet-manager-object.h"

#define EXPIRY_S 600

/* Of a method that answers nothing. */
static void
on_done (const GError *error, gpointer user_data)
{
  ColletBusCall *call = user_data;

  if (error != NULL)
    collet_bus_call_fail (call, g_error_copy (error));
  else
    collet_bus_call_return (call, NULL);
}

static void
init_cluster (gpointer object, ColletBusCall *call)
{
  ColletClusterGate *gate = collet_manager_object_get_gate (object);
  const char *cluster;
  g_autoptr (GVariant) options = NULL;
  g_autofree const char **endpoints = NULL;
  const char *const none[] = { NULL };

  g_variant_get (call->parameters, "(&s@a{sv})", &cluster, &options);
  g_variant_lookup (options, "endpoints", "^a&s", &endpoints);
  gate->class_->found (gate, cluster, endpoints != NULL ? (const char *const *)endpoints : none, on_done,
                       call);
}

static void
create_join_token (gpointer object, ColletBusCall *call)
{
  ColletClusterGate *gate = collet_manager_object_get_gate (object);
  g_autoptr (GVariant) options = NULL;
  guint32 expiry_s = EXPIRY_S;
  gint64 expires_at = 0;
  GError *error = NULL;

  g_variant_get (call->parameters, "(@a{sv})", &options);
  g_variant_lookup (options, "expiry-s", "u", &expiry_s);
  g_autofree char *token = gate->class_->create_token (gate, expiry_s, &expires_at, &error);
  if (token == NULL)
    collet_bus_call_fail (call, error);
  else
    collet_bus_call_return (call, g_variant_new ("(sx)", token, expires_at));
}

typedef struct
{
  ColletManagerObject *manager;
  ColletBusCall *call;
} Joining;

static void
on_joined (const GError *error, gpointer user_data)
{
  g_autofree Joining *joining = user_data;
  g_autoptr (ColletManagerObject) manager = joining->manager;

  if (error != NULL)
    collet_bus_call_fail (joining->call, g_error_copy (error));
  else
    collet_bus_call_return (joining->call, g_variant_new ("(s)", collet_dbus_manager_get_cluster_name (
                                                                     COLLET_DBUS_MANAGER (manager))));
}

static void
join_cluster (gpointer object, ColletBusCall *call)
{
  ColletClusterGate *gate = collet_manager_object_get_gate (object);
  Joining *joining = g_new0 (Joining, 1);
  const char *url;
  const char *token;
  const char *node = NULL;
  g_autoptr (GVariant) options = NULL;

  g_variant_get (call->parameters, "(&s&s@a{sv})", &url, &token, &options);
  g_variant_lookup (options, "node", "&s", &node);
  joining->manager = g_object_ref (object);
  joining->call = call;
  gate->class_->join (gate, url, token, node, on_joined, joining);
}

static void
leave_cluster (gpointer object, ColletBusCall *call)
{
  ColletClusterGate *gate = collet_manager_object_get_gate (object);
  g_autoptr (GVariant) options = NULL;
  gboolean force = FALSE;

  g_variant_get (call->parameters, "(@a{sv})", &options);
  g_variant_lookup (options, "force", "b", &force);
  gate->class_->leave (gate, force, on_done, call);
}

static void
remove_node (gpointer object, ColletBusCall *call)
{
  ColletClusterGate *gate = collet_manager_object_get_gate (object);
  const char *node;

  g_variant_get (call->parameters, "(&sa{sv})", &node, NULL);
  gate->class_->remove (gate, node, on_done, call);
}

const ColletBusMethod collet_manager_member_methods[] = {
  { "InitCluster", init_cluster }, { "CreateJoinToken", create_join_token },
  { "JoinCluster", join_cluster }, { "LeaveCluster", leave_cluster },
  { "RemoveNode", remove_node },   { NULL, NULL },
};
