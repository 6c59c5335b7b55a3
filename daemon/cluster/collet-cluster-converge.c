/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A module on this node: towards what is agreed, and what is said about it.
 */
#include "collet-cluster-agent-private.h"

#include "collet-error.h"
#include "collet-failpoint.h"

#define RETRY_MIN_US ((gint64)G_USEC_PER_SEC)
#define RETRY_MAX_US (60 * (gint64)G_USEC_PER_SEC)
#define MAX_PROMISES 3
#define COUNT_US (2 * (gint64)G_USEC_PER_SEC)

static const char *
get_running (ColletClusterAgent *self, const char *module, const char **version)
{
  *version = NULL;
  return self->applier->class_->get_running (self->applier, module, version);
}

/* ---- applying ---- */

/* It was agreed without this node, or this node has forgotten its promise: it says
 * so and tries again, later and later. */
static void
lag (ColletClusterAgent *self, Promise *promise)
{
  gint64 wait = MIN (RETRY_MIN_US << MIN (promise->attempts, 6), RETRY_MAX_US);

  promise->state = PROMISE_NONE;
  promise->retry_at = collet_agent_now (self) + wait;
  promise->is_told = TRUE;
  collet_agent_want (self, promise->retry_at);
}

/* An override is this node's own wish, so it is tried again. */
static void
fail_commit (ColletClusterAgent *self, Promise *promise, gint64 epoch, const GError *error)
{
  g_warning ("%s %.12s could not be applied: %s", promise->module, promise->sha256, error->message);
  if (epoch > 0)
    {
      collet_agent_fail (collet_agent_get_local (self, promise->module), epoch, collet_error_name_of (error),
                         error->message);
      promise->state = PROMISE_NONE;
      collet_agent_drop_promise (self, promise);
      return;
    }
  g_free (promise->error);
  g_free (promise->message);
  promise->error = g_strdup (collet_error_name_of (error));
  promise->message = g_strdup (error->message);
  promise->attempts++;
  lag (self, promise);
}

static void
on_committed (const GError *error, gpointer user_data)
{
  Promise *promise = user_data;
  ColletClusterAgent *self = promise->agent;
  Local *local = collet_agent_get_local (self, promise->module);

  collet_failpoint ("cluster-committed");
  collet_agent_set_busy (local, FALSE);
  local->applying = NULL;
  /* What was prepared has gone, as with its process: once more, from the bytes. */
  if (g_error_matches (error, COLLET_ERROR, COLLET_ERROR_NOT_PREPARED) && ++promise->attempts < MAX_PROMISES)
    {
      promise->state = PROMISE_NONE;
      collet_agent_kick (self);
      return;
    }
  local->epoch = MAX (collet_agent_get_epoch (self, promise->module), local->applying_epoch);
  self->is_changed = TRUE;
  collet_agent_kick (self);
  if (error != NULL)
    {
      fail_commit (self, promise, local->applying_epoch, error);
      return;
    }
  collet_agent_say_running (self, promise->module, local->epoch, "applied", NULL, NULL);
  promise->state = PROMISE_NONE;
  collet_agent_drop_promise (self, promise);
}

static void
apply (ColletClusterAgent *self, Local *local, const char *token, const ColletTarget *target)
{
  Promise *promise = collet_agent_get_promise (self, local->module, token, target->sha256);

  if (target->epoch > 0)
    collet_agent_count_deaths (local, promise, target);
  if (promise->state == PROMISE_BROKEN)
    lag (self, promise);
  if (collet_agent_has_failed (local, target->epoch))
    return;
  if (promise->is_told)
    collet_agent_say_running (self, local->module, collet_agent_get_epoch (self, local->module), "lagging",
                              promise->error, promise->message);
  if (local->is_busy)
    return;
  if (promise->state == PROMISE_READY)
    {
      collet_agent_set_busy (local, TRUE);
      local->applying = promise;
      local->applying_epoch = target->epoch;
      collet_failpoint ("cluster-before-commit");
      self->applier->class_->commit (self->applier, promise->token, promise->module, on_committed, promise);
      return;
    }
  if (promise->state == PROMISE_NONE && !collet_agent_may_try (local, target->epoch))
    {
      local->is_due = TRUE; /* after whatever is under way */
      return;
    }
  if (promise->state == PROMISE_NONE && collet_agent_now (self) >= promise->retry_at)
    collet_agent_prepare (self, promise, collet_cluster_view_get_spec (self->view, token));
  else if (promise->state == PROMISE_NONE)
    collet_agent_want (self, promise->retry_at);
}

/* ---- what came by another way ---- */

typedef struct
{
  const char *sha256;
  gint64 epoch;
} Search;

static void
look_for (const char *a, const char *b, gconstpointer record, gpointer user_data)
{
  const ColletHistory *history = record;
  Search *search = user_data;

  if (g_str_equal (history->sha256, search->sha256))
    search->epoch = MAX (search->epoch, history->epoch);
}

/* Something runs that nobody agreed on. */
static void
note_local_change (ColletClusterAgent *self, const char *module, const char *sha256, const char *version)
{
  g_autofree char *what = g_strdup_printf ("local %s %s", module, sha256);
  g_autofree char *txid = NULL;
  const ColletOverride override = {
    .sha256 = (char *)sha256,
    .version = (char *)version,
    .reason = (char *)"loaded on this node",
  };

  if (collet_cluster_view_get_lock (self->view, module) != NULL || !collet_agent_may_send (self, what))
    return;
  if (!collet_agent_is_sole (self))
    {
      collet_agent_send_soon (self, what,
                              collet_cluster_txn_depart (self->view, module, self->node, &override,
                                                         collet_agent_get_epoch (self, module)));
      return;
    }
  txid = g_strdup_printf ("%08x%08x", g_random_int (), g_random_int ());
  collet_agent_send_soon (self, what,
                          collet_cluster_txn_adopt (self->view, module, self->node, txid, sha256, version));
}

static void
step_settled (ColletClusterAgent *self, const char *module, const ColletTarget *target)
{
  const ColletApplied *applied = collet_cluster_view_get_applied (self->view, module, self->node);
  const char *version = NULL;
  const char *running = get_running (self, module, &version);
  Search search = { .sha256 = running };

  if (running == NULL || (applied != NULL && g_strcmp0 (applied->sha256, running) == 0) ||
      (target != NULL && g_str_equal (target->sha256, running)))
    return;
  collet_cluster_view_foreach (self->view, COLLET_KEY_HISTORY, module, look_for, &search);
  /* An agreed version that was applied here, but not said before the end came. */
  if (search.epoch > collet_agent_get_epoch (self, module))
    return;
  note_local_change (self, module, running, version);
}

/* ---- a module ---- */

static void
count_calls (ColletClusterAgent *self, Local *local, const ColletDesired *desired)
{
  gint64 now = collet_agent_now (self);
  const char *version = NULL;
  ColletApplied applied = { .epoch = desired->epoch, .state = (char *)"applied" };

  if (desired->rollout == NULL || g_strcmp0 (desired->rollout->state, "running") != 0)
    return;
  collet_agent_want (self, local->counted_at + COUNT_US);
  if (now < local->counted_at + COUNT_US)
    return;
  local->counted_at = now;
  applied.sha256 = (char *)get_running (self, local->module, &version);
  applied.version = (char *)version;
  self->applier->class_->get_counts (self->applier, local->module, &applied.calls, &applied.errors);
  collet_agent_say (self, local->module, &applied);
}

/* What runs here was put before the others by this node, which has it prepared. */
static gboolean
has_ready (ColletClusterAgent *self, const char *module, const char *txid)
{
  g_autofree char *name = g_strdup_printf ("%s %s", module, txid);
  const Promise *promise = g_hash_table_lookup (self->promises, name);

  return promise != NULL && promise->state == PROMISE_READY;
}

/* Towards an agreed version: only a higher epoch is applied. */
static void
step_agreed (ColletClusterAgent *self, Local *local, const ColletDesired *desired, const ColletTarget *target)
{
  const char *version = NULL;
  const char *running = get_running (self, local->module, &version);
  gint64 epoch = collet_agent_get_epoch (self, local->module);
  g_autofree char *base = g_strdup_printf ("base %" G_GINT64_FORMAT, target->epoch);
  const ColletApplied *applied = collet_cluster_view_get_applied (self->view, local->module, self->node);
  gboolean runs_it = g_strcmp0 (running, target->sha256) == 0;

  if (local->applying != NULL || collet_agent_has_failed (local, target->epoch))
    return;
  if (target->epoch > epoch &&
      (!runs_it || (target->epoch == desired->epoch && has_ready (self, local->module, desired->txid))))
    {
      apply (self, local, target->epoch == desired->epoch ? desired->txid : base, target);
      return;
    }
  if (target->epoch > epoch)
    local->epoch = epoch = target->epoch; /* the same bytes under a new epoch, or applied before the end */
  if (applied != NULL && applied->epoch == epoch && g_str_equal (applied->state, "failed"))
    return;
  if (runs_it && (applied == NULL || applied->epoch < epoch || g_strcmp0 (applied->sha256, running) != 0 ||
                  g_str_equal (applied->state, "lagging")))
    collet_agent_say_running (self, local->module, epoch, "applied", NULL, NULL);
  else if (runs_it && target->epoch == desired->epoch)
    count_calls (self, local, desired);
  if (runs_it || local->is_busy)
    return;
  /* What everyone knows to run here is no longer meant to: its override ended. */
  if (applied != NULL && g_strcmp0 (applied->sha256, running) == 0)
    apply (self, local, desired->txid, target);
  else
    step_settled (self, local->module, target);
}

static void
step_override (ColletClusterAgent *self, Local *local, const ColletTarget *target)
{
  const char *version = NULL;
  const char *running = get_running (self, local->module, &version);
  const ColletApplied *applied = collet_cluster_view_get_applied (self->view, local->module, self->node);
  g_autofree char *token = g_strdup_printf ("override %s", target->sha256);

  if (local->applying != NULL)
    return;
  /* It ran here already, and was followed by another one on this node. */
  if (!local->is_busy && running != NULL && applied != NULL && !g_str_equal (running, target->sha256) &&
      g_strcmp0 (applied->sha256, target->sha256) == 0)
    note_local_change (self, local->module, running, version);
  else if (g_strcmp0 (running, target->sha256) != 0)
    apply (self, local, token, target);
  else
    collet_agent_say_running (self, local->module, collet_agent_get_epoch (self, local->module), "applied",
                              NULL, NULL);
}

void
collet_agent_step_module (ColletClusterAgent *self, const char *module)
{
  Local *local = collet_agent_get_local (self, module);
  ColletTarget target;

  if (!collet_cluster_get_target (self->view, module, self->node, &target))
    {
      if (!local->is_busy)
        step_settled (self, module, NULL);
      return;
    }
  if (target.epoch == 0)
    step_override (self, local, &target);
  else
    step_agreed (self, local, collet_cluster_view_get_desired (self->view, module), &target);
}

/* ---- waves ---- */

static void
send_rollout (ColletClusterAgent *self, const char *module, const ColletRollout *rollout, const char *why)
{
  g_autofree char *what = g_strdup_printf ("rollout %s %u %s", module, rollout->wave, why);

  if (collet_agent_may_send (self, what))
    collet_agent_send (self, what, collet_cluster_txn_rollout (self->view, module, rollout));
}

static void
on_reverting (const char *txid, const GError *error, gpointer user_data)
{
  if (error != NULL)
    g_message ("A roll-out is not taken back by this node: %s", error->message);
}

/* As an ordinary transaction with the old version. */
static void
revert (ColletClusterAgent *self, const char *module, const ColletDesired *desired, const char *message)
{
  g_autofree char *what = g_strdup_printf ("revert %s %s", module, desired->txid);
  const ColletClusterRequest request = {
    .module = module,
    .sha256 = desired->base_sha256,
    .kind = "rollback",
    .strategy = "sync_all",
    .reason = message,
    .reverts = desired->txid,
    .require_live = TRUE,
    .uid = -1,
  };

  if (desired->base_sha256 == NULL || collet_cluster_view_get_lock (self->view, module) != NULL ||
      !collet_agent_may_send (self, what))
    return;
  /* Not again soon, whatever becomes of it. */
  collet_agent_send (self, what, collet_txn_new ());
  collet_cluster_agent_begin (self, &request, on_reverting, NULL);
}

/* The first live node steers; if it does not, the next one does a little later. */
static gint64
get_turn (ColletClusterAgent *self)
{
  g_autoptr (GPtrArray) roster = collet_cluster_view_list (self->view, COLLET_KEY_NODE);
  guint rank = 0;

  for (guint i = 0; i < roster->len && !g_str_equal (roster->pdata[i], self->node); i++)
    rank += collet_cluster_view_is_live (self->view, roster->pdata[i]) ? 1 : 0;
  return rank * (gint64)COLLET_CLUSTER_STAGGER_US;
}

void
collet_agent_step_rollout (ColletClusterAgent *self, const char *module)
{
  const ColletDesired *desired = collet_cluster_view_get_desired (self->view, module);
  Local *local = collet_agent_get_local (self, module);
  g_autoptr (ColletRollout) next = NULL;
  g_autofree char *message = NULL;
  ColletRolloutVerdict verdict;
  gint64 now = collet_agent_now (self);
  gint64 baked_at;

  local->is_rolling = desired != NULL && desired->rollout != NULL;
  if (desired == NULL || desired->rollout == NULL || g_strcmp0 (desired->rollout->state, "running") != 0)
    {
      local->baked_since = 0;
      return;
    }
  if (local->baked_wave != desired->rollout->wave || !collet_cluster_is_wave_applied (self->view, module))
    local->baked_since = 0;
  else if (local->baked_since == 0)
    local->baked_since = now;
  local->baked_wave = desired->rollout->wave;
  baked_at = local->baked_since + desired->rollout->bake_s * G_USEC_PER_SEC + get_turn (self);
  verdict =
      collet_cluster_judge_wave (self->view, module, local->baked_since > 0 && now >= baked_at, &message);
  collet_agent_want (self, local->baked_since > 0 && now < baked_at ? baked_at : now + COUNT_US);
  if (verdict == COLLET_ROLLOUT_WAIT)
    return;
  if (verdict == COLLET_ROLLOUT_REVERT)
    {
      revert (self, module, desired, message);
      return;
    }
  next = collet_rollout_copy (desired->rollout);
  g_free (next->message);
  next->message = g_strdup (message);
  if (verdict == COLLET_ROLLOUT_PAUSE)
    {
      g_free (next->state);
      next->state = g_strdup ("paused");
    }
  else if (next->wave + 1 < next->waves->len)
    {
      next->wave++;
    }
  else
    {
      g_free (next->state);
      next->state = g_strdup ("done");
    }
  send_rollout (self, module, next, next->state);
}
