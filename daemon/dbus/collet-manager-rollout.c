/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Methods for what comes step by step: a canary on this node, or a rolling reload
 * of the cluster.
 */
#include "collet-manager-methods.h"

#include "collet-bus.h"
#include "collet-error.h"
#include "collet-manager-object.h"
#include "collet-prepared.h"

typedef struct
{
  ColletManagerObject *manager;
  ColletBusCall *call;
} Steering;

static void
on_steered (const char *txid, const GError *error, gpointer user_data)
{
  Steering *self = user_data;

  if (error != NULL)
    {
      collet_bus_call_fail (self->call, g_error_copy (error));
    }
  else
    {
      g_autofree char *path = collet_bus_dup_path (COLLET_BUS_RELOADS, txid);

      collet_bus_call_return (self->call, g_variant_new ("(o)", path));
    }
  g_object_unref (self->manager);
  g_free (self);
}

static void
steer (gpointer object, ColletBusCall *call, const char *module, const char *action, GVariant *options)
{
  Steering *self = g_new0 (Steering, 1);
  const char *reason = NULL;

  g_variant_lookup (options, "reason", "&s", &reason);
  self->manager = g_object_ref (object);
  self->call = call;
  collet_cluster_agent_steer_rollout (collet_manager_object_get_cluster (object), module, action, reason,
                                      on_steered, self);
}

static void
pause_rollout (gpointer object, ColletBusCall *call)
{
  const char *module;
  g_autoptr (GVariant) options = NULL;

  g_variant_get (call->parameters, "(&s@a{sv})", &module, &options);
  steer (object, call, module, "pause", options);
}

static void
resume_rollout (gpointer object, ColletBusCall *call)
{
  const char *module;
  g_autoptr (GVariant) options = NULL;

  g_variant_get (call->parameters, "(&s@a{sv})", &module, &options);
  steer (object, call, module, "resume", options);
}

/* ---- promote ---- */

static ColletReload *
find_canary (ColletReloader *reloader, const char *module)
{
  GListModel *reloads = collet_reloader_get_reloads (reloader);

  for (guint i = g_list_model_get_n_items (reloads); i-- > 0;)
    {
      g_autoptr (ColletReload) reload = g_list_model_get_item (reloads, i);
      GPtrArray *items = collet_reload_get_items (reload);

      if (collet_reload_is_prepared (reload) &&
          collet_reload_request_has_canary (collet_reload_get_request (reload)) &&
          g_str_equal (((ColletReloadItem *)items->pdata[0])->module, module))
        return reload; /* the list keeps it */
    }
  return NULL;
}

/* The cluster's is for who may change the cluster. */
static void
promote_wave (gpointer object, ColletBusCall *call)
{
  const char *module;
  gboolean is_all = FALSE;
  g_autoptr (GVariant) options = NULL;

  g_variant_get (call->parameters, "(&s@a{sv})", &module, &options);
  g_variant_lookup (options, "all", "b", &is_all);
  steer (object, call, module, is_all ? "finish" : "advance", options);
}

static void
promote_rollout (gpointer object, ColletBusCall *call)
{
  const char *module;
  const char *reason = NULL;
  g_autoptr (GVariant) options = NULL;

  g_variant_get (call->parameters, "(&s@a{sv})", &module, &options);
  g_variant_lookup (options, "reason", "&s", &reason);
  ColletReload *reload = find_canary (collet_manager_object_get_reloader (object), module);
  if (reload == NULL)
    {
      collet_bus_call_require (call, object, "org.collet.Collet1.cluster", promote_wave);
      return;
    }

  g_autofree char *path = collet_bus_dup_path (COLLET_BUS_RELOADS, collet_reload_get_id (reload));
  collet_reload_commit (reload, call->uid, reason);
  collet_bus_call_return (call, g_variant_new ("(o)", path));
}

const ColletBusMethod collet_manager_rollout_methods[] = {
  { "PromoteRollout", promote_rollout },
  { "PauseRollout", pause_rollout },
  { "ResumeRollout", resume_rollout },
  { NULL, NULL },
};
