/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is asked of the cluster through this node.
 */
#include "collet-cluster-agent-private.h"

#include "collet-error.h"
#include "collet-failpoint.h"

#define MAX_TRIES 3 /* somebody else may change the same module in between */

typedef struct
{
  ColletClusterAgent *agent;
  guint tries;
  ColletSpec *spec; /* as it was sent */
  /* one of these */
  ColletClusterBegun begun;
  ColletClusterRead read;
  ColletApplierDone done;
  gpointer user_data;
  /* begin: a copy of the request */
  ColletClusterRequest request;
  char *texts[9];
  ColletRollout *rollout;
} Waiting;

static Waiting *
waiting_new (ColletClusterAgent *agent, gpointer user_data)
{
  Waiting *self = g_new0 (Waiting, 1);

  self->agent = agent;
  self->user_data = user_data;
  g_ptr_array_add (agent->waiting, self);
  return self;
}

static void
waiting_free (Waiting *self)
{
  g_clear_pointer (&self->spec, collet_spec_free);
  for (guint i = 0; i < G_N_ELEMENTS (self->texts); i++)
    g_free (self->texts[i]);
  collet_rollout_free (self->rollout);
  g_free (self);
}

void
collet_agent_requests_free (ColletClusterAgent *self)
{
  g_ptr_array_set_free_func (self->waiting, (GDestroyNotify)waiting_free);
  g_ptr_array_unref (self->waiting);
}

static void
tell (Waiting *self, const char *txid, const GError *error)
{
  if (self->begun != NULL)
    self->begun (txid, error, self->user_data);
  else if (self->read != NULL)
    self->read (error == NULL ? self->agent->view : NULL, error, self->user_data);
  else if (self->done != NULL)
    self->done (error, self->user_data);
}

/* Last: the callback may free the agent. */
static void
answer (Waiting *self, const char *txid, const GError *error)
{
  g_ptr_array_remove_fast (self->agent->waiting, self);
  tell (self, txid, error);
  waiting_free (self);
}

/* Answers of the store still come for them, and find nobody waiting. */
void
collet_cluster_agent_cancel (ColletClusterAgent *self, const GError *error)
{
  for (guint i = self->waiting->len; i > 0; i--)
    {
      Waiting *waiting = self->waiting->pdata[i - 1];

      tell (waiting, NULL, error);
      waiting->begun = NULL;
      waiting->read = NULL;
      waiting->done = NULL;
    }
}

/* ---- read ---- */

static void
on_read (const GError *error, gpointer user_data)
{
  answer (user_data, NULL, error);
}

void
collet_cluster_agent_read (ColletClusterAgent *self, ColletClusterRead read, gpointer user_data)
{
  Waiting *waiting = waiting_new (self, user_data);

  waiting->read = read;
  collet_agent_look (self, on_read, waiting);
}

/* ---- begin ---- */

static void on_begin_view (const GError *error, gpointer user_data);

static void
on_begun (const ColletTxnReply *reply, const GError *error, gpointer user_data)
{
  Waiting *self = user_data;

  if (error != NULL)
    answer (self,
            g_error_matches (error, COLLET_ERROR, COLLET_ERROR_QUORUM_NOT_REACHED) ? self->spec->txid : NULL,
            error);
  else if (collet_cluster_txn_began (self->agent->cluster, self->spec, reply))
    {
      collet_failpoint ("cluster-begun");
      answer (self, self->spec->txid, NULL);
    }
  else
    collet_agent_look (self->agent, on_begin_view, self); /* somebody was faster: who, or may it be now? */
}

static void
send_begin (Waiting *self)
{
  ColletClusterAgent *agent = self->agent;
  g_autoptr (ColletTxn) txn = collet_cluster_txn_begin (agent->cluster, self->spec);

  if (agent->has_session)
    {
      g_autofree char *blob =
          collet_cluster_key (agent->cluster, COLLET_KEY_BLOB, self->spec->sha256, agent->node);

      collet_txn_put_leased (txn, blob, "");
    }
  collet_coordination_txn (agent->coordination, txn, on_begun, self);
}

static void
on_begin_view (const GError *error, gpointer user_data)
{
  Waiting *self = user_data;
  ColletClusterAgent *agent = self->agent;
  g_autofree char *txid = self->request.txid != NULL
                              ? g_strdup (self->request.txid)
                              : g_strdup_printf ("%08x%08x", g_random_int (), g_random_int ());
  g_autoptr (GError) reason = NULL;

  if (error != NULL)
    {
      answer (self, NULL, error);
      return;
    }
  if (agent->frozen != NULL)
    {
      g_set_error (&reason, COLLET_ERROR, COLLET_ERROR_QUORUM_NOT_REACHED, "%s", agent->frozen);
      answer (self, NULL, reason);
      return;
    }
  if (collet_cluster_view_get (agent->view, COLLET_KEY_NODE, agent->node, NULL) == NULL)
    {
      g_set_error (&reason, COLLET_ERROR, COLLET_ERROR_NODE_FAILED,
                   "Node \"%s\" is not on the roster of cluster \"%s\". Ask a node that is, or join.",
                   agent->node, agent->cluster);
      answer (self, NULL, reason);
      return;
    }
  g_clear_pointer (&self->spec, collet_spec_free);
  self->spec = collet_cluster_plan (agent->view, &self->request, agent->node, txid,
                                    agent->clock->class_->real_time (agent->clock), &reason);
  if (self->spec != NULL && ++self->tries > MAX_TRIES)
    g_set_error (&reason, COLLET_ERROR, COLLET_ERROR_RELOAD_IN_PROGRESS,
                 "%s is changed by others at this moment. Try again.", self->request.module);
  if (reason != NULL)
    answer (self, NULL, reason);
  else
    send_begin (self);
}

static void
copy_request (Waiting *self, const ColletClusterRequest *request)
{
  const char **texts[] = { &self->request.module,  &self->request.sha256,   &self->request.version,
                           &self->request.kind,    &self->request.strategy, &self->request.reason,
                           &self->request.reverts, &self->request.options,  &self->request.txid };

  self->request = *request;
  G_STATIC_ASSERT (G_N_ELEMENTS (texts) == G_N_ELEMENTS (self->texts));
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    *texts[i] = self->texts[i] = g_strdup (*texts[i]);
  self->request.rollout = self->rollout = collet_rollout_copy (request->rollout);
}

void
collet_cluster_agent_begin (ColletClusterAgent *self, const ColletClusterRequest *request,
                            ColletClusterBegun begun, gpointer user_data)
{
  Waiting *waiting = waiting_new (self, user_data);

  waiting->begun = begun;
  copy_request (waiting, request);
  collet_agent_look (self, on_begin_view, waiting);
}

/* ---- what needs no agreement ---- */

static void
on_done (const ColletTxnReply *reply, const GError *error, gpointer user_data)
{
  Waiting *self = user_data;
  g_autoptr (GError) reason = NULL;

  if (reply != NULL && !reply->succeeded)
    g_set_error (&reason, COLLET_ERROR, COLLET_ERROR_RELOAD_IN_PROGRESS,
                 "Another node changed it at the same moment. Look, and try again.");
  collet_agent_kick (self->agent);
  answer (self, NULL, error != NULL ? error : reason);
}

void
collet_agent_write (ColletClusterAgent *self, const ColletTxn *txn, ColletApplierDone done,
                    gpointer user_data)
{
  Waiting *waiting = waiting_new (self, user_data);

  waiting->done = done;
  collet_coordination_txn (self->coordination, txn, on_done, waiting);
}

void
collet_cluster_agent_set_override (ColletClusterAgent *self, const char *module, const char *sha256,
                                   const char *version, const char *reason, ColletApplierDone done,
                                   gpointer user_data)
{
  const ColletOverride override = {
    .sha256 = (char *)sha256,
    .version = (char *)version,
    .reason = (char *)reason,
  };
  g_autoptr (ColletTxn) txn =
      collet_cluster_txn_override (self->cluster, module, self->node, sha256 != NULL ? &override : NULL);

  collet_agent_write (self, txn, done, user_data);
}

static void
change_rollout (ColletRollout *rollout, const char *action, const char *reason)
{
  const char *state = "running";

  if (g_str_equal (action, "finish"))
    rollout->wave = MAX (rollout->waves->len, 1) - 1;
  else if (g_str_equal (action, "advance") && rollout->wave + 1 < rollout->waves->len)
    rollout->wave++;
  else if (g_str_equal (action, "advance"))
    state = "done";
  else if (g_str_equal (action, "pause"))
    state = "paused";
  g_free (rollout->state);
  g_free (rollout->message);
  rollout->state = g_strdup (state);
  rollout->message = g_strdup (reason);
}

static void
on_steered (const ColletTxnReply *reply, const GError *error, gpointer user_data)
{
  Waiting *self = user_data;
  g_autoptr (GError) reason = NULL;

  if (reply != NULL && !reply->succeeded)
    g_set_error (&reason, COLLET_ERROR, COLLET_ERROR_RELOAD_IN_PROGRESS,
                 "Another node changed it at the same moment. Look, and try again.");
  collet_agent_kick (self->agent);
  answer (self, self->texts[3], error != NULL ? error : reason);
}

static void
on_steer_view (const GError *error, gpointer user_data)
{
  Waiting *self = user_data;
  const ColletClusterView *view = self->agent->view;
  const char *module = self->texts[0];
  const ColletDesired *desired;
  g_autoptr (ColletRollout) rollout = NULL;
  g_autoptr (ColletTxn) txn = NULL;

  if (error != NULL)
    {
      answer (self, NULL, error);
      return;
    }
  desired = collet_cluster_view_get_desired (view, module);
  if (desired == NULL || desired->rollout == NULL || g_strcmp0 (desired->rollout->state, "done") == 0)
    {
      g_autoptr (GError) reason =
          g_error_new (COLLET_ERROR, COLLET_ERROR_NOT_FOUND,
                       "There is no canary and no rolling reload of %s under way.", module);

      answer (self, NULL, reason);
      return;
    }
  rollout = collet_rollout_copy (desired->rollout);
  change_rollout (rollout, self->texts[1], self->texts[2]);
  self->texts[3] = g_strdup (desired->txid);
  txn = collet_cluster_txn_rollout (view, module, rollout);
  collet_coordination_txn (self->agent->coordination, txn, on_steered, self);
}

void
collet_cluster_agent_steer_rollout (ColletClusterAgent *self, const char *module, const char *action,
                                    const char *reason, ColletClusterBegun done, gpointer user_data)
{
  Waiting *waiting = waiting_new (self, user_data);

  waiting->begun = done;
  waiting->texts[0] = g_strdup (module);
  waiting->texts[1] = g_strdup (action);
  waiting->texts[2] = g_strdup (reason);
  collet_agent_look (self, on_steer_view, waiting);
}
