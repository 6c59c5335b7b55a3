/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-cluster-report.h"

#include "collet-cluster-rules.h"
#include "collet-error.h"

/* ---- cells ---- */

const char *
collet_cell_state_name (ColletCellState state)
{
  static const char *const names[] = {
    [COLLET_CELL_NOT_LOADED] = "not-loaded", [COLLET_CELL_IN_LINE] = "in-line",
    [COLLET_CELL_LAGGING] = "lagging",       [COLLET_CELL_FAILED] = "failed",
    [COLLET_CELL_OVERRIDE] = "override",     [COLLET_CELL_PREPARING] = "preparing",
    [COLLET_CELL_UNKNOWN] = "unknown",
  };

  return names[state];
}

static gboolean
is_preparing (const ColletClusterView *view, const char *module, const char *node)
{
  const char *txid = collet_cluster_view_get_lock (view, module);
  const ColletSpec *spec = txid != NULL ? collet_cluster_view_get_spec (view, txid) : NULL;

  return spec != NULL && collet_cluster_rank (spec, node) >= 0;
}

static ColletCellState
judge_cell (const ColletClusterView *view, const char *module, const char *node, const ColletApplied *applied)
{
  ColletTarget target;
  gboolean has_target = collet_cluster_get_target (view, module, node, &target);

  if (!collet_cluster_view_is_live (view, node))
    return COLLET_CELL_UNKNOWN;
  if (is_preparing (view, module, node))
    return COLLET_CELL_PREPARING;
  if (has_target && target.epoch == 0)
    return COLLET_CELL_OVERRIDE;
  if (!has_target)
    return COLLET_CELL_NOT_LOADED;
  if (applied == NULL)
    return COLLET_CELL_LAGGING;
  if (g_str_equal (applied->state, "failed"))
    return COLLET_CELL_FAILED;
  return g_strcmp0 (applied->sha256, target.sha256) == 0 ? COLLET_CELL_IN_LINE : COLLET_CELL_LAGGING;
}

ColletCell
collet_cluster_get_cell (const ColletClusterView *view, const char *module, const char *node)
{
  const ColletApplied *applied = collet_cluster_view_get_applied (view, module, node);
  const ColletOverride *override = collet_cluster_view_get_override (view, module, node);
  ColletCell cell = { .state = judge_cell (view, module, node, applied) };

  if (applied != NULL)
    {
      cell.sha256 = applied->sha256;
      cell.version = applied->version;
      cell.epoch = applied->epoch;
      cell.error = applied->error;
      cell.message = applied->message;
    }
  if (override != NULL)
    {
      cell.sha256 = override->sha256;
      cell.version = override->version;
    }
  return cell;
}

/* ---- consistency ---- */

void
collet_consistency_free (ColletConsistency *self)
{
  g_ptr_array_unref (self->differing);
  g_ptr_array_unref (self->unreachable);
  g_free (self);
}

static void
add_once (GPtrArray *names, const char *name)
{
  if (!g_ptr_array_find_with_equal_func (names, name, g_str_equal, NULL))
    g_ptr_array_add (names, (gpointer)name);
}

static gboolean
is_rolling (const ColletClusterView *view, const char *module)
{
  const ColletDesired *desired = collet_cluster_view_get_desired (view, module);

  return collet_cluster_view_get_lock (view, module) != NULL ||
         (desired != NULL && desired->rollout != NULL && g_strcmp0 (desired->rollout->state, "done") != 0);
}

static gboolean
check_module (const ColletClusterView *view, const char *module, GPtrArray *roster, ColletConsistency *self)
{
  for (guint i = 0; i < roster->len; i++)
    {
      ColletCell cell = collet_cluster_get_cell (view, module, roster->pdata[i]);

      if (cell.state == COLLET_CELL_UNKNOWN)
        add_once (self->unreachable, roster->pdata[i]);
      else if (cell.state != COLLET_CELL_IN_LINE && cell.state != COLLET_CELL_PREPARING)
        add_once (self->differing, roster->pdata[i]);
    }
  return is_rolling (view, module);
}

ColletConsistency *
collet_cluster_check (const ColletClusterView *view, const char *module, GError **error)
{
  g_autoptr (GPtrArray) roster = collet_cluster_view_list (view, COLLET_KEY_NODE);
  g_autoptr (GPtrArray) modules = collet_cluster_view_list (view, COLLET_KEY_DESIRED);
  ColletConsistency *self;
  gboolean rolls = FALSE;

  if (module != NULL && collet_cluster_view_get_desired (view, module) == NULL &&
      collet_cluster_view_get_lock (view, module) == NULL)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_NOT_FOUND, "No version of %s was agreed in the cluster.",
                   module);
      return NULL;
    }
  self = g_new0 (ColletConsistency, 1);
  self->differing = g_ptr_array_new ();
  self->unreachable = g_ptr_array_new ();
  for (guint i = 0; i < roster->len; i++)
    {
      if (!collet_cluster_view_is_live (view, roster->pdata[i]))
        add_once (self->unreachable, roster->pdata[i]);
    }
  if (module != NULL)
    rolls = check_module (view, module, roster, self);
  for (guint i = 0; module == NULL && i < modules->len; i++)
    rolls = check_module (view, modules->pdata[i], roster, self) || rolls;
  self->verdict = rolls                        ? "rolling"
                  : self->differing->len > 0   ? "inconsistent"
                  : self->unreachable->len > 0 ? "unknown"
                                               : "consistent";
  return self;
}

/* ---- one transaction ---- */

static void
outcome_row_free (gpointer data)
{
  ColletOutcomeRow *row = data;

  g_free (row->node);
  g_free (row);
}

void
collet_outcome_free (ColletOutcome *self)
{
  g_ptr_array_unref (self->rows);
  g_free (self);
}

static void
fill_voting (const ColletClusterView *view, const ColletSpec *spec, ColletOutcome *self,
             ColletOutcomeRow *row)
{
  const ColletVote *vote = collet_cluster_view_get_vote (view, spec->txid, row->node);

  row->phase = self->is_decided ? "done" : "prepare";
  if (vote == NULL)
    row->state = self->is_decided                                ? "undone"
                 : collet_cluster_view_is_live (view, row->node) ? "waiting"
                                                                 : "down";
  else
    row->state = !vote->is_yes ? "refused" : self->is_decided ? "undone" : "prepared";
  if (vote != NULL && !vote->is_yes)
    {
      row->error = vote->error;
      row->message = vote->message;
    }
}

static void
fill_applying (const ColletClusterView *view, const ColletSpec *spec, ColletOutcome *self,
               ColletOutcomeRow *row)
{
  const ColletApplied *applied = collet_cluster_view_get_applied (view, spec->module, row->node);
  gboolean is_live = collet_cluster_view_is_live (view, row->node);
  gboolean is_there = applied != NULL && applied->epoch > spec->base_epoch;
  gboolean has_failed = is_there && g_str_equal (applied->state, "failed");

  row->phase = is_there ? "done" : "commit";
  row->state = has_failed ? "failed" : is_there ? "applied" : is_live ? "lagging" : "down";
  if (applied != NULL && (has_failed || !is_there))
    {
      row->error = applied->error;
      row->message = applied->message;
    }
  self->applied += is_there && !has_failed;
  if (!is_there && is_live && collet_cluster_view_get_override (view, spec->module, row->node) == NULL)
    self->is_settled = FALSE;
}

ColletOutcome *
collet_cluster_get_outcome (const ColletClusterView *view, const char *txid)
{
  const ColletSpec *spec = collet_cluster_view_get_spec (view, txid);
  const ColletDecision *decision = collet_cluster_view_get_decision (view, txid);
  ColletOutcome *self = g_new0 (ColletOutcome, 1);

  self->rows = g_ptr_array_new_with_free_func (outcome_row_free);
  self->is_known = spec != NULL;
  self->is_decided = decision != NULL;
  self->is_committed = decision != NULL && decision->is_commit;
  self->is_settled = decision != NULL;
  if (decision != NULL && !decision->is_commit)
    {
      self->error = decision->error;
      self->message = decision->message;
    }
  for (guint i = 0; spec != NULL && spec->participants[i] != NULL; i++)
    {
      ColletOutcomeRow *row = g_new0 (ColletOutcomeRow, 1);

      row->node = g_strdup (spec->participants[i]);
      if (self->is_committed)
        fill_applying (view, spec, self, row);
      else
        fill_voting (view, spec, self, row);
      g_ptr_array_add (self->rows, row);
    }
  return self;
}

char *
collet_cluster_dup_note (const ColletClusterView *view, const char *module, const char *txid,
                         const char *note)
{
  const ColletDesired *desired = collet_cluster_view_get_desired (view, module);
  const ColletRollout *rollout = desired != NULL ? desired->rollout : NULL;
  const char *before = note != NULL && *note != '\0' ? note : NULL;
  gboolean is_paused;

  if (rollout == NULL || g_strcmp0 (desired->txid, txid) != 0 || g_strcmp0 (rollout->state, "done") == 0)
    return g_strdup (before);
  is_paused = g_strcmp0 (rollout->state, "paused") == 0;
  return g_strdup_printf ("%s%sThe roll-out %s wave %u of %u%s%s.", before != NULL ? before : "",
                          before != NULL ? " " : "", is_paused ? "is paused in" : "is in", rollout->wave + 1,
                          rollout->waves->len, is_paused && rollout->message != NULL ? ": " : "",
                          is_paused && rollout->message != NULL ? rollout->message : "");
}
