/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Methods that change what the nodes of a cluster have agreed on. This node
 * prepares the version first, so that what is put before the others is known to
 * work here; the Reload that this makes waits for what they decide.
 */
#include "collet-manager-methods.h"

#include "collet-bus-request.h"
#include "collet-bus.h"
#include "collet-error.h"
#include "collet-manager-object.h"
#include "collet-prepared.h"
#include "collet-reload-terms.h"
#include "collet-version.h"

typedef struct
{
  ColletManagerObject *manager;
  ColletBusCall *call;
  char *strategy;
  char *reverts;
  gboolean require_live;
  gint64 timeout_ms;
  ColletRollout *rollout;
  ColletReload *reload;
  gulong finished; /* while it is given up, because of: */
  GError *error;
  /* of a rollback, until the history is known */
  GVariant *options;
} Proposal;

static void
proposal_free (Proposal *self)
{
  g_object_unref (self->manager);
  g_clear_object (&self->reload);
  g_clear_pointer (&self->options, g_variant_unref);
  g_free (self->strategy);
  g_free (self->reverts);
  collet_rollout_free (self->rollout);
  g_free (self);
}

/* error is taken. */
static void
refuse (Proposal *self, GError *error)
{
  collet_bus_call_fail (self->call, error);
  proposal_free (self);
}

static void
on_given_up (ColletReload *reload, gpointer data)
{
  Proposal *self = data;

  g_clear_signal_handler (&self->finished, reload);
  refuse (self, g_steal_pointer (&self->error));
}

/* What this node has prepared is given up; who is told of that can ask again at once. */
static void
give_up (Proposal *self, GError *error)
{
  if (!collet_reload_is_prepared (self->reload))
    {
      refuse (self, error);
      return;
    }
  self->error = error;
  self->finished = g_signal_connect (self->reload, "finished", G_CALLBACK (on_given_up), self);
  collet_reload_decide (self->reload, -1, NULL, g_error_copy (error));
}

/* ---- options ---- */

static gboolean
read_require (Proposal *self, GVariant *options, GError **error)
{
  const char *require = "roster";

  g_variant_lookup (options, "require", "&s", &require);
  self->require_live = g_str_equal (require, "live");
  if (self->require_live || g_str_equal (require, "roster"))
    return TRUE;
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
               "\"require\" is \"%s\"; it can be \"roster\" or \"live\".", require);
  return FALSE;
}

static void
read_rollout (Proposal *self, GVariant *options)
{
  g_auto (GStrv) waves = NULL;
  guint32 bake_s = 0;
  guint64 min_calls = 0;

  if (!g_str_equal (self->strategy, "rolling"))
    return;
  self->rollout = g_new0 (ColletRollout, 1);
  self->rollout->waves = g_ptr_array_new_with_free_func ((GDestroyNotify)g_strfreev);
  g_variant_lookup (options, "waves", "^as", &waves);
  for (guint i = 0; waves != NULL && waves[i] != NULL; i++)
    g_ptr_array_add (self->rollout->waves, g_strsplit (waves[i], ",", 0));
  g_variant_lookup (options, "bake-s", "u", &bake_s);
  g_variant_lookup (options, "min-calls", "t", &min_calls);
  g_variant_lookup (options, "max-error-rate", "d", &self->rollout->max_error_rate);
  g_variant_lookup (options, "auto-revert", "b", &self->rollout->auto_revert);
  self->rollout->bake_s = bake_s;
  self->rollout->min_calls = (gint64)MIN (min_calls, (guint64)G_MAXINT32);
}

static gboolean
check_strategy (const char *strategy, gboolean may_be_local, GError **error)
{
  if (g_str_equal (strategy, "sync_all") || g_str_equal (strategy, "quorum") ||
      g_str_equal (strategy, "rolling") || (may_be_local && g_str_equal (strategy, "local")))
    return TRUE;
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
               "The strategy is \"%.64s\"; it can be \"sync_all\", \"quorum\", \"rolling\"%s.", strategy,
               may_be_local ? " or \"local\"" : "");
  return FALSE;
}

static Proposal *
proposal_new (gpointer object, ColletBusCall *call, const char *strategy, GVariant *options, GError **error)
{
  Proposal *self = g_new0 (Proposal, 1);
  guint32 timeout_ms = 0;

  self->manager = g_object_ref (object);
  self->call = call;
  self->strategy = g_strdup (strategy);
  g_variant_lookup (options, "timeout-ms", "u", &timeout_ms);
  self->timeout_ms = timeout_ms;
  read_rollout (self, options);
  if (read_require (self, options, error))
    return self;
  proposal_free (self);
  return NULL;
}

/* ---- put before the others ---- */

static void
on_begun (const char *txid, const GError *error, gpointer data)
{
  Proposal *self = data;
  g_autofree char *path = NULL;

  /* Unless it may have begun: then the cluster decides, and this waits for it. */
  if (error != NULL && txid == NULL)
    give_up (self, g_error_copy (error));
  else if (error != NULL)
    refuse (self, g_error_copy (error));
  if (error != NULL)
    return;
  path = collet_bus_dup_path (COLLET_BUS_RELOADS, txid);
  collet_bus_call_return (self->call, g_variant_new ("(o)", path));
  proposal_free (self);
}

/* What runs here may still be put before the others: to take a rolling reload back
 * that has not come to this node, or to make an override everyone's version. */
static gboolean
is_agreed (Proposal *self, const ColletReloadItem *item)
{
  const ColletClusterView *view =
      collet_cluster_agent_get_view (collet_manager_object_get_cluster (self->manager));
  const ColletDesired *desired = collet_cluster_view_get_desired (view, item->module);

  return item->from != NULL && g_str_equal (item->from->sha256, item->to->sha256) &&
         (desired == NULL || g_str_equal (desired->sha256, item->to->sha256));
}

static void
refuse_agreed (Proposal *self, const ColletReloadItem *item)
{
  GError *error =
      g_error_new (COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                   "That version of %s is the one that was agreed on already. To bring nodes to it that "
                   "differ, sync.",
                   item->module);

  give_up (self, error);
}

static void
on_prepared (GObject *object, GAsyncResult *result, gpointer data)
{
  Proposal *self = data;
  GError *error = NULL;
  const ColletReloadItem *item;
  const ColletReloadRequest *request;
  ColletClusterRequest proposal = { 0 };
  g_autofree char *terms = NULL;

  self->reload = collet_reloader_prepare_finish (COLLET_RELOADER (object), result, &error);
  if (self->reload == NULL)
    {
      refuse (self, error);
      return;
    }
  item = collet_reload_get_items (self->reload)->pdata[0];
  if (is_agreed (self, item))
    {
      refuse_agreed (self, item);
      return;
    }
  request = collet_reload_get_request (self->reload);
  proposal.txid = collet_reload_get_id (self->reload);
  proposal.module = item->module;
  proposal.sha256 = item->to->sha256;
  proposal.version = item->to->semver;
  proposal.kind = collet_reload_kind_to_string (request->kind);
  proposal.strategy = self->strategy;
  proposal.reason = request->reason;
  proposal.reverts = self->reverts;
  proposal.options = terms = collet_reload_terms_write (request);
  proposal.timeout_ms = self->timeout_ms;
  proposal.uid = self->call->uid;
  proposal.require_live = self->require_live;
  proposal.rollout = self->rollout;
  proposal.clear_overrides = TRUE; /* they last until the cluster agrees anew */
  collet_cluster_agent_begin (collet_manager_object_get_cluster (self->manager), &proposal, on_begun, self);
}

/* request is taken. */
static void
prepare (Proposal *self, ColletReloadRequest *request, GVariant *options)
{
  GError *error = NULL;

  if (!collet_bus_request_apply (request, options, &error))
    {
      collet_reload_request_free (request);
      refuse (self, error);
      return;
    }
  request->timeout_ms = 0; /* it is the cluster's to decide how long */
  request->is_prepare = TRUE;
  request->strategy = g_strdup (self->strategy);
  request->decided_by = g_strdup ("the cluster");
  collet_reloader_prepare_async (collet_manager_object_get_reloader (self->manager), request, on_prepared,
                                 self);
}

/* ---- reload ---- */

/* A path loads the module too where there is none yet. */
static ColletReloadRequest *
new_request (gint64 uid, const char *module, GVariant *options)
{
  ColletReloadRequest *request = collet_bus_request_new_hot_reload (uid, module, options);

  if (g_path_is_absolute (module))
    request->kind = COLLET_RELOAD_LOAD;
  return request;
}

static void
cluster_reload (gpointer object, ColletBusCall *call)
{
  const char *module;
  const char *strategy;
  g_autoptr (GVariant) options = NULL;
  GError *error = NULL;
  Proposal *self = NULL;

  g_variant_get (call->parameters, "(&s&s@a{sv})", &module, &strategy, &options);
  if (check_strategy (strategy, TRUE, &error) && !g_str_equal (strategy, "local"))
    self = proposal_new (object, call, strategy, options, &error);
  if (error != NULL)
    collet_bus_call_fail (call, error);
  else if (self == NULL)
    collet_manager_object_submit (object, call, new_request (call->uid, module, options), options);
  else
    prepare (self, new_request (call->uid, module, options), options);
}

/* ---- rollback ---- */

static void
on_history (const ColletClusterView *view, const GError *error, gpointer data)
{
  Proposal *self = data;
  GError *reason = error != NULL ? g_error_copy (error) : NULL;
  const char *module;
  const char *version;
  const ColletHistory *target = NULL;
  ColletReloadRequest *request;

  g_variant_get (self->call->parameters, "(&s&s@a{sv})", &module, &version, NULL);
  if (view != NULL)
    target = collet_cluster_rollback_target (view, module, version, &reason);
  if (target == NULL)
    {
      refuse (self, reason);
      return;
    }
  request = collet_reload_request_new (COLLET_RELOAD_ROLLBACK, self->call->uid);
  request->module = g_strdup (module);
  request->version = g_strdup (target->sha256);
  request->state_choice = COLLET_STATE_AUTO;
  self->reverts = g_strdup (collet_cluster_view_get_desired (view, module)->txid);
  request->reverts = g_strdup (self->reverts);
  prepare (self, request, self->options);
}

static void
cluster_rollback (gpointer object, ColletBusCall *call)
{
  const char *module;
  const char *version;
  const char *strategy = "sync_all";
  g_autoptr (GVariant) options = NULL;
  GError *error = NULL;
  Proposal *self = NULL;

  g_variant_get (call->parameters, "(&s&s@a{sv})", &module, &version, &options);
  g_variant_lookup (options, "strategy", "&s", &strategy);
  if (*version != '\0' && !collet_version_is_selector (version))
    g_set_error (&error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                 "\"%.64s\" is no version. Give a SHA-256 or a prefix of at least 6 digits.", version);
  else if (check_strategy (strategy, FALSE, &error))
    self = proposal_new (object, call, strategy, options, &error);
  if (self == NULL)
    {
      collet_bus_call_fail (call, error);
      return;
    }
  self->options = g_steal_pointer (&options);
  collet_cluster_agent_read (collet_manager_object_get_cluster (object), on_history, self);
}

/* ---- a store that went back ---- */

static void
adopt_store (gpointer object, ColletBusCall *call)
{
  ColletClusterAgent *cluster = collet_manager_object_get_cluster (object);
  g_autoptr (GVariant) options = NULL;
  g_autofree char *problem = NULL;
  const char *reason = NULL;

  g_variant_get (call->parameters, "(@a{sv})", &options);
  g_variant_lookup (options, "reason", "&s", &reason);
  collet_cluster_agent_get_state (cluster, &problem);
  if (collet_cluster_agent_adopt_store (cluster))
    {
      g_autofree char *note = g_strdup_printf ("Accepted: %s", problem);

      g_message ("The cluster store was adopted by user %" G_GINT64_FORMAT ".", call->uid);
      collet_reloader_record (collet_manager_object_get_reloader (object), COLLET_RELOAD_ADOPT_STORE,
                              call->uid, reason, note);
      collet_bus_call_return (call, NULL);
    }
  else
    collet_bus_call_fail (call, g_error_new (COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                                             "The cluster store has not gone back; nothing is frozen."));
}

const ColletBusMethod collet_manager_cluster_methods[] = {
  { "ClusterReload", cluster_reload },
  { "ClusterRollback", cluster_rollback },
  { "AdoptStore", adopt_store },
  { NULL, NULL },
};
