/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-cluster-agent-private.h"

#include "collet-error.h"
#include "collet-failpoint.h"

#define BUSY_US (3 * (gint64)G_USEC_PER_SEC) /* so long is waited for a module that another reload has */
#define BUSY_RETRY_US (200 * (gint64)1000)
#define FORGET_US (10 * 60 * (gint64)G_USEC_PER_SEC) /* a decided transaction can be looked at so long */

/* ---- promises ---- */

Promise *
collet_agent_get_promise (ColletClusterAgent *self, const char *module, const char *token, const char *sha256)
{
  g_autofree char *name = g_strdup_printf ("%s %s", module, token);
  Promise *promise = g_hash_table_lookup (self->promises, name);

  if (promise != NULL)
    return promise;
  promise = g_new0 (Promise, 1);
  promise->agent = self;
  promise->module = g_strdup (module);
  promise->token = g_strdup (token);
  promise->sha256 = g_strdup (sha256);
  g_hash_table_insert (self->promises, g_steal_pointer (&name), promise);
  return promise;
}

void
collet_agent_drop_promise (ColletClusterAgent *self, Promise *promise)
{
  g_autofree char *name = g_strdup_printf ("%s %s", promise->module, promise->token);

  if (promise->state == PROMISE_READY)
    self->applier->class_->abort (self->applier, promise->token, promise->module);
  g_hash_table_remove (self->promises, name);
}

Local *
collet_agent_get_local (ColletClusterAgent *self, const char *module)
{
  Local *local = g_hash_table_lookup (self->locals, module);

  if (local != NULL)
    return local;
  local = g_new0 (Local, 1);
  local->agent = self;
  local->module = g_strdup (module);
  local->is_due = TRUE;
  local->wake_at = G_MAXINT64;
  g_hash_table_insert (self->locals, local->module, local);
  return local;
}

void
collet_agent_set_busy (Local *local, gboolean is_busy)
{
  g_return_if_fail (local->is_busy != is_busy);
  local->is_busy = is_busy;
  local->is_due = TRUE;
  if (is_busy)
    local->agent->n_busy++;
  else
    local->agent->n_busy--;
}

static void
on_prepared (const GError *error, gpointer user_data)
{
  Promise *promise = user_data;
  ColletClusterAgent *self = promise->agent;

  collet_agent_set_busy (collet_agent_get_local (self, promise->module), FALSE);
  promise->state = error == NULL ? PROMISE_READY : PROMISE_BROKEN;
  if (error != NULL)
    {
      g_free (promise->error);
      g_free (promise->message);
      promise->error = g_strdup (collet_error_name_of (error));
      promise->message = g_strdup (error->message);
      promise->attempts++;
    }
  collet_failpoint ("cluster-prepared");
  collet_agent_kick (self);
}

static void
add_holder (const char *a, const char *b, gconstpointer record, gpointer user_data)
{
  g_strv_builder_add (user_data, b);
}

void
collet_agent_prepare (ColletClusterAgent *self, Promise *promise, const ColletSpec *spec)
{
  Local *local = collet_agent_get_local (self, promise->module);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) nodes = NULL;

  collet_cluster_view_foreach (self->view, COLLET_KEY_BLOB, promise->sha256, add_holder, builder);
  nodes = g_strv_builder_end (builder);
  local->is_past_counted = TRUE;
  collet_agent_set_busy (local, TRUE);
  promise->state = PROMISE_RUNNING;
  self->applier->class_->prepare (self->applier, promise->token, promise->module, promise->sha256, spec,
                                  (const char *const *)nodes, on_prepared, promise);
}

/* FALSE: nothing is open for it any more. */
static gboolean
is_needed (ColletClusterAgent *self, const Promise *promise, const Local *local)
{
  const ColletDesired *desired = collet_cluster_view_get_desired (self->view, promise->module);
  const char *lock = collet_cluster_view_get_lock (self->view, promise->module);
  ColletTarget target;
  gboolean is_due = desired != NULL && g_str_equal (desired->txid, promise->token);

  if (promise->state == PROMISE_RUNNING || local->applying == promise ||
      g_strcmp0 (lock, promise->token) == 0)
    return TRUE;
  return (is_due || lock == NULL) &&
         collet_cluster_get_target (self->view, promise->module, self->node, &target) &&
         g_str_equal (target.sha256, promise->sha256);
}

static void
drop_promises (ColletClusterAgent *self)
{
  g_autoptr (GPtrArray) old = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->promises);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Promise *promise = value;
      const Local *local = collet_agent_get_local (self, promise->module);

      if (local->is_stepped && !is_needed (self, promise, local))
        g_ptr_array_add (old, promise);
    }
  for (guint i = 0; i < old->len; i++)
    collet_agent_drop_promise (self, old->pdata[i]);
}

/* ---- open transactions ---- */

static Seen *
get_seen (ColletClusterAgent *self, const char *txid)
{
  Seen *seen = g_hash_table_lookup (self->seen, txid);

  if (seen == NULL)
    {
      seen = g_new0 (Seen, 1);
      seen->first_seen = collet_agent_now (self);
      g_hash_table_insert (self->seen, g_strdup (txid), seen);
    }
  return seen;
}

/* Another reload of this node has the module: mostly one that was asked for at the
 * same moment and is about to be refused for this one. */
static gboolean
waits_for_module (ColletClusterAgent *self, Promise *promise, const Seen *seen)
{
  gint64 now = collet_agent_now (self);

  if (promise->state != PROMISE_BROKEN || now > seen->first_seen + BUSY_US ||
      g_strcmp0 (promise->error, collet_error_name (COLLET_ERROR_RELOAD_IN_PROGRESS)) != 0)
    return FALSE;
  promise->state = PROMISE_NONE;
  promise->retry_at = now + BUSY_RETRY_US;
  return TRUE;
}

/* promise NULL: what is asked for is what runs here. */
static void
send_vote (ColletClusterAgent *self, const ColletSpec *spec, const Promise *promise)
{
  const ColletVote vote = {
    .is_yes = promise == NULL || promise->state == PROMISE_READY,
    .error = promise != NULL ? promise->error : NULL,
    .message = promise != NULL ? promise->message : NULL,
  };
  g_autofree char *what = g_strdup_printf ("vote %s", spec->txid);
  ColletTxn *txn;

  if (!collet_agent_may_send (self, what))
    return;
  txn = collet_cluster_txn_vote (self->cluster, spec, self->node, &vote);
  if (vote.is_yes && self->has_session)
    {
      g_autofree char *blob = collet_cluster_key (self->cluster, COLLET_KEY_BLOB, spec->sha256, self->node);

      collet_txn_put_leased (txn, blob, "");
    }
  collet_failpoint ("cluster-before-vote");
  collet_agent_send (self, what, txn);
}

/* Who was asked has it prepared all the same. */
static gboolean
runs_already (ColletClusterAgent *self, const ColletSpec *spec)
{
  const char *version = NULL;

  return !g_str_equal (spec->coordinator, self->node) &&
         g_strcmp0 (self->applier->class_->get_running (self->applier, spec->module, &version),
                    spec->sha256) == 0;
}

static void
step_vote (ColletClusterAgent *self, const ColletSpec *spec, const Seen *seen)
{
  Promise *promise;

  if (self->frozen != NULL || collet_cluster_rank (spec, self->node) < 0 ||
      collet_cluster_view_get_vote (self->view, spec->txid, self->node) != NULL)
    return;
  promise = collet_agent_get_promise (self, spec->module, spec->txid, spec->sha256);
  if (promise->state == PROMISE_NONE && collet_agent_get_local (self, spec->module)->is_busy)
    return;
  if (waits_for_module (self, promise, seen) || collet_agent_now (self) < promise->retry_at)
    {
      collet_agent_want (self, promise->retry_at);
      return;
    }
  if (promise->state == PROMISE_NONE && runs_already (self, spec))
    send_vote (self, spec, NULL);
  else if (promise->state == PROMISE_NONE)
    collet_agent_prepare (self, promise, spec);
  else if (promise->state == PROMISE_READY || promise->state == PROMISE_BROKEN)
    send_vote (self, spec, promise);
}

/* Everyone decides alike, so any node may; those further behind wait a little so
 * that not all write at once. */
static void
step_decide (ColletClusterAgent *self, const ColletSpec *spec, Seen *seen)
{
  int place = collet_cluster_rank (spec, self->node);
  guint rank = place >= 0 ? (guint)place : g_strv_length (spec->participants);
  gint64 stagger = rank * (gint64)COLLET_CLUSTER_STAGGER_US;
  gint64 deadline = seen->first_seen + spec->timeout_ms * 1000 + stagger;
  gint64 now = collet_agent_now (self);
  g_autofree char *what = g_strdup_printf ("decide %s", spec->txid);
  ColletDecision decision = { .by = self->node };
  ColletTallyVerdict verdict =
      collet_cluster_tally (self->view, spec, now >= deadline, &decision.error, &decision.message);
  g_autofree char *error = decision.error;
  g_autofree char *message = decision.message;
  gint64 turn;

  if (verdict == COLLET_TALLY_WAIT)
    {
      seen->ready_since = 0;
      collet_agent_want (self, deadline);
      return;
    }
  if (seen->ready_since == 0)
    seen->ready_since = now;
  turn = seen->ready_since +
         (g_str_equal (spec->coordinator, self->node) ? 0 : stagger + COLLET_CLUSTER_STAGGER_US);
  if (now < turn)
    {
      collet_agent_want (self, turn);
      return;
    }
  if (!collet_agent_may_send (self, what))
    return;
  decision.is_commit = verdict == COLLET_TALLY_COMMIT;
  collet_failpoint ("cluster-before-decision");
  collet_agent_send (self, what, collet_cluster_txn_decide (self->cluster, spec, &decision));
}

static void
step_lock (const char *module, const char *unused, gconstpointer record, gpointer user_data)
{
  ColletClusterAgent *self = user_data;
  const ColletSpec *spec = collet_cluster_view_get_spec (self->view, record);
  Seen *seen;

  if (spec == NULL || !g_str_equal (spec->module, module))
    return;
  seen = get_seen (self, spec->txid);
  step_vote (self, spec, seen);
  step_decide (self, spec, seen);
}

/* ---- decided ones ---- */

static void
step_spec (const char *txid, const char *unused, gconstpointer record, gpointer user_data)
{
  ColletClusterAgent *self = user_data;
  const ColletSpec *spec = record;
  Seen *seen = get_seen (self, txid);
  g_autofree char *what = NULL;

  if (collet_cluster_view_get_decision (self->view, txid) == NULL ||
      g_strcmp0 (collet_cluster_view_get_lock (self->view, spec->module), txid) == 0)
    return;
  if (seen->decided_since == 0)
    seen->decided_since = collet_agent_now (self);
  if (collet_agent_now (self) < seen->decided_since + FORGET_US)
    return;
  what = g_strdup_printf ("forget %s", txid);
  if (collet_agent_may_send (self, what))
    collet_agent_send (self, what, collet_cluster_txn_forget (self->cluster, spec));
}

static gboolean
is_forgotten (gpointer txid, gpointer value, gpointer user_data)
{
  ColletClusterAgent *self = user_data;

  return collet_cluster_view_get_spec (self->view, txid) == NULL;
}

/* ---- this node ---- */

static void
set_due (const char *module, const char *node, gconstpointer record, gpointer user_data)
{
  ColletClusterAgent *self = user_data;

  if (node == NULL || g_str_equal (node, self->node))
    collet_agent_get_local (self, module)->is_due = TRUE;
}

static void
set_all_due (ColletClusterAgent *self)
{
  g_auto (GStrv) running = self->applier->class_->list (self->applier);

  collet_cluster_view_foreach (self->view, COLLET_KEY_DESIRED, NULL, set_due, self);
  collet_cluster_view_foreach (self->view, COLLET_KEY_OVERRIDE, NULL, set_due, self);
  for (guint i = 0; running != NULL && running[i] != NULL; i++)
    set_due (running[i], NULL, NULL, self);
}

static void
step_modules (ColletClusterAgent *self)
{
  gint64 now = collet_agent_now (self);
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->locals);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Local *local = value;

      local->is_stepped = local->is_due || now >= local->wake_at;
      if (self->frozen != NULL)
        continue;
      if (local->is_stepped)
        {
          local->is_due = FALSE;
          local->wake_at = G_MAXINT64;
          self->stepped = local;
          collet_agent_step_module (self, local->module);
          collet_agent_step_rollout (self, local->module);
          self->stepped = NULL;
        }
      collet_agent_want (self, local->wake_at);
    }
}

void
collet_agent_step (ColletClusterAgent *self)
{
  gboolean is_whole = self->is_whole;

  collet_agent_step_presence (self);
  if (!collet_cluster_agent_is_member (self))
    return;
  self->is_whole = FALSE;
  if (is_whole)
    set_all_due (self);
  step_modules (self);
  collet_cluster_view_foreach (self->view, COLLET_KEY_LOCK, NULL, step_lock, self);
  drop_promises (self);
  if (!is_whole)
    return;
  collet_cluster_view_foreach (self->view, COLLET_KEY_SPEC, NULL, step_spec, self);
  g_hash_table_foreach_remove (self->seen, is_forgotten, self);
}
