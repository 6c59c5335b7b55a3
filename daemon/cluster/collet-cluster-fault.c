/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What this node says of itself, and when it gives a version up.
 */
#include "collet-cluster-agent-private.h"

#include "collet-error.h"
#include "collet-failpoint.h"

#define MAX_DEATHS 3

gint64
collet_agent_get_epoch (ColletClusterAgent *self, const char *module)
{
  const ColletApplied *applied = collet_cluster_view_get_applied (self->view, module, self->node);

  return MAX (applied != NULL ? applied->epoch : 0, collet_agent_get_local (self, module)->epoch);
}

/* ---- what is said ---- */

static gboolean
is_said (const ColletApplied *known, const ColletApplied *applied)
{
  return known != NULL && known->epoch == applied->epoch && known->calls == applied->calls &&
         known->errors == applied->errors && known->deaths == applied->deaths &&
         known->deaths_epoch == applied->deaths_epoch && g_strcmp0 (known->sha256, applied->sha256) == 0 &&
         g_strcmp0 (known->state, applied->state) == 0 && g_strcmp0 (known->message, applied->message) == 0;
}

void
collet_agent_say (ColletClusterAgent *self, const char *module, const ColletApplied *applied)
{
  const ColletApplied *known = collet_cluster_view_get_applied (self->view, module, self->node);
  g_autofree char *what = NULL;

  if (is_said (known, applied))
    return;
  what = g_strdup_printf ("applied %s %" G_GINT64_FORMAT " %s %s %" G_GINT64_FORMAT " %" G_GINT64_FORMAT,
                          module, applied->epoch, applied->state,
                          applied->sha256 != NULL ? applied->sha256 : "", applied->calls, applied->deaths);
  if (!collet_agent_may_send (self, what))
    return;
  collet_failpoint ("cluster-before-applied");
  collet_agent_send_soon (self, what, collet_cluster_txn_applied (self->view, module, self->node, applied));
}

void
collet_agent_say_running (ColletClusterAgent *self, const char *module, gint64 epoch, const char *state,
                          const char *error, const char *message)
{
  const Local *local = collet_agent_get_local (self, module);
  const char *version = NULL;
  ColletApplied applied = {
    .epoch = epoch,
    .state = (char *)state,
    .error = (char *)error,
    .message = (char *)message,
  };

  applied.sha256 = (char *)self->applier->class_->get_running (self->applier, module, &version);
  applied.version = (char *)version;
  if (local->deaths > 0 && !g_str_equal (state, "applied"))
    {
      applied.deaths = local->deaths;
      applied.deaths_epoch = local->deaths_epoch;
    }
  collet_agent_say (self, module, &applied);
}

/* ---- failed ---- */

void
collet_agent_fail (Local *local, gint64 epoch, const char *error, const char *message)
{
  local->epoch = MAX (collet_agent_get_epoch (local->agent, local->module), epoch);
  local->failed_epoch = epoch;
  g_free (local->failed_error);
  g_free (local->failed_message);
  local->failed_error = g_strdup (error);
  local->failed_message = g_strdup (message);
  collet_agent_has_failed (local, epoch);
}

gboolean
collet_agent_has_failed (Local *local, gint64 epoch)
{
  if (epoch == 0 || local->failed_epoch != epoch)
    return FALSE;
  collet_agent_say_running (local->agent, local->module, epoch, "failed", local->failed_error,
                            local->failed_message);
  return TRUE;
}

/* ---- deaths ---- */

/* Those that were counted stand in the store, where everyone sees them and the next
 * process of this daemon finds them. */
static void
recall_deaths (Local *local, gint64 epoch)
{
  const ColletApplied *known =
      collet_cluster_view_get_applied (local->agent->view, local->module, local->agent->node);

  if (local->deaths_epoch == epoch)
    return;
  local->deaths_epoch = epoch;
  local->deaths = known != NULL && known->deaths_epoch == epoch ? known->deaths : 0;
}

static void
add_death (Local *local, const ColletTarget *target, const char *error, const char *message)
{
  g_autofree char *text = NULL;

  if (++local->deaths < MAX_DEATHS)
    return;
  text = g_strdup_printf (
      "Version %.12s was given up after %" G_GINT64_FORMAT
      " attempts: %s It goes on with what it runs until the "
      "next version; \"colletctl cluster sync %s --target desired\" has it try this one again.",
      target->sha256, local->deaths, message, local->module);
  g_warning ("%s: %s", local->module, text);
  collet_agent_fail (local, target->epoch, error, text);
}

static gboolean
is_death (const char *error)
{
  return g_strcmp0 (error, collet_error_name (COLLET_ERROR_WORKER_CRASHED)) == 0 ||
         g_strcmp0 (error, collet_error_name (COLLET_ERROR_PROBE_CRASHED)) == 0;
}

void
collet_agent_count_deaths (Local *local, Promise *promise, const ColletTarget *target)
{
  static const char ended[] = "The daemon ended while it applied it.";
  ColletClusterApplier *applier = local->agent->applier;

  recall_deaths (local, target->epoch);
  if (promise->state == PROMISE_BROKEN && is_death (promise->error))
    add_death (local, target, promise->error, promise->message);
  if (local->is_past_counted || promise->state != PROMISE_NONE)
    return;
  local->is_past_counted = TRUE;
  if (!applier->class_->was_cut_short (applier, local->module, target->sha256))
    return;
  g_free (promise->error);
  g_free (promise->message);
  promise->error = g_strdup (collet_error_name (COLLET_ERROR_INTERRUPTED));
  promise->message = g_strdup (ended);
  promise->state = PROMISE_BROKEN;
  add_death (local, target, promise->error, ended);
}

gboolean
collet_agent_may_try (const Local *local, gint64 epoch)
{
  const ColletApplied *known =
      collet_cluster_view_get_applied (local->agent->view, local->module, local->agent->node);

  if (local->deaths == 0 || local->deaths_epoch != epoch)
    return TRUE;
  return local->agent->n_busy == 0 && known != NULL && known->deaths_epoch == epoch &&
         known->deaths >= local->deaths;
}
