/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-cluster-txns.h"

static char *
key (const char *cluster, ColletKeyKind kind, const char *a, const char *b)
{
  return collet_cluster_key (cluster, kind, a, b);
}

static void
put (ColletTxn *txn, const char *cluster, ColletKeyKind kind, const char *a, const char *b, char *value)
{
  g_autofree char *name = key (cluster, kind, a, b);
  g_autofree char *taken = value;

  collet_txn_put (txn, name, taken);
}

ColletTxn *
collet_cluster_txn_begin (const char *cluster, const ColletSpec *spec)
{
  ColletTxn *txn = collet_txn_new ();
  g_autofree char *lock = key (cluster, COLLET_KEY_LOCK, spec->module, NULL);
  g_autofree char *desired = key (cluster, COLLET_KEY_DESIRED, spec->module, NULL);
  g_autofree char *mine = key (cluster, COLLET_KEY_SPEC, spec->txid, NULL);

  collet_txn_if_absent (txn, lock);
  collet_txn_if_absent (txn, mine); /* not twice, also not after it was decided */
  collet_txn_if_revision (txn, desired, spec->base_rev);
  collet_txn_put (txn, lock, spec->txid);
  put (txn, cluster, COLLET_KEY_SPEC, spec->txid, NULL, collet_spec_write (spec));
  collet_txn_else_get (txn, lock);
  collet_txn_else_get (txn, mine);
  return txn;
}

gboolean
collet_cluster_txn_began (const char *cluster, const ColletSpec *spec, const ColletTxnReply *reply)
{
  g_autofree char *mine = key (cluster, COLLET_KEY_SPEC, spec->txid, NULL);

  return reply->succeeded || collet_txn_reply_find (reply, mine) != NULL;
}

ColletTxn *
collet_cluster_txn_vote (const char *cluster, const ColletSpec *spec, const char *me, const ColletVote *vote)
{
  ColletTxn *txn = collet_txn_new ();
  g_autofree char *lock = key (cluster, COLLET_KEY_LOCK, spec->module, NULL);
  g_autofree char *decision = key (cluster, COLLET_KEY_DECISION, spec->txid, NULL);
  g_autofree char *mine = key (cluster, COLLET_KEY_VOTE, spec->txid, me);
  g_autofree char *value = collet_vote_write (vote);

  collet_txn_if_value (txn, lock, spec->txid);
  collet_txn_if_absent (txn, decision);
  collet_txn_if_absent (txn, mine);
  collet_txn_put (txn, mine, value);
  return txn;
}

static void
add_commit (ColletTxn *txn, const char *cluster, const ColletSpec *spec)
{
  gint64 epoch = spec->base_epoch + 1;
  ColletDesired desired = {
    .epoch = epoch,
    .sha256 = spec->sha256,
    .version = spec->version,
    .txid = spec->txid,
    .base_sha256 = spec->base_sha256,
    .rollout = spec->rollout,
  };
  ColletHistory history = {
    .epoch = epoch,
    .sha256 = spec->sha256,
    .version = spec->version,
    .txid = spec->txid,
    .kind = spec->kind,
    .strategy = spec->strategy,
    .reverts = spec->reverts,
    .reason = spec->reason,
    .uid = spec->uid,
    .started_at = spec->started_at,
  };
  g_autofree char *number = g_strdup_printf ("%" G_GINT64_FORMAT, epoch);

  put (txn, cluster, COLLET_KEY_DESIRED, spec->module, NULL, collet_desired_write (&desired));
  put (txn, cluster, COLLET_KEY_HISTORY, spec->module, number, collet_history_write (&history));
  if (epoch > COLLET_CLUSTER_HISTORY)
    {
      g_autofree char *old = g_strdup_printf ("%" G_GINT64_FORMAT, epoch - COLLET_CLUSTER_HISTORY);
      g_autofree char *name = key (cluster, COLLET_KEY_HISTORY, spec->module, old);

      collet_txn_delete (txn, name);
    }
  if (spec->clear_overrides)
    {
      g_autofree char *prefix = collet_cluster_key_prefix (cluster, COLLET_KEY_OVERRIDE, spec->module);

      collet_txn_delete_prefix (txn, prefix);
    }
}

ColletTxn *
collet_cluster_txn_decide (const char *cluster, const ColletSpec *spec, const ColletDecision *decision)
{
  ColletTxn *txn = collet_txn_new ();
  g_autofree char *lock = key (cluster, COLLET_KEY_LOCK, spec->module, NULL);
  g_autofree char *mine = key (cluster, COLLET_KEY_DECISION, spec->txid, NULL);
  g_autofree char *value = collet_decision_write (decision);

  collet_txn_if_absent (txn, mine);
  collet_txn_if_value (txn, lock, spec->txid);
  collet_txn_put (txn, mine, value);
  if (decision->is_commit)
    add_commit (txn, cluster, spec);
  collet_txn_delete (txn, lock);
  return txn;
}

ColletTxn *
collet_cluster_txn_applied (const ColletClusterView *view, const char *module, const char *me,
                            const ColletApplied *applied)
{
  const char *cluster = collet_cluster_view_get_cluster (view);
  ColletTxn *txn = collet_txn_new ();
  g_autofree char *name = key (cluster, COLLET_KEY_APPLIED, module, me);
  g_autofree char *value = collet_applied_write (applied);

  /* An older one that was on its way for long must not come after a newer one. */
  collet_txn_if_revision (txn, name, collet_cluster_view_get_mod_rev (view, COLLET_KEY_APPLIED, module, me));
  collet_txn_put (txn, name, value);
  return txn;
}

ColletTxn *
collet_cluster_txn_depart (const ColletClusterView *view, const char *module, const char *me,
                           const ColletOverride *override, gint64 epoch)
{
  const ColletApplied applied = {
    .epoch = epoch,
    .sha256 = override->sha256,
    .version = override->version,
    .state = (char *)"applied",
  };
  ColletTxn *txn = collet_cluster_txn_applied (view, module, me, &applied);

  put (txn, collet_cluster_view_get_cluster (view), COLLET_KEY_OVERRIDE, module, me,
       collet_override_write (override));
  return txn;
}

ColletTxn *
collet_cluster_txn_override (const char *cluster, const char *module, const char *me,
                             const ColletOverride *override)
{
  ColletTxn *txn = collet_txn_new ();
  g_autofree char *name = key (cluster, COLLET_KEY_OVERRIDE, module, me);

  if (override == NULL)
    collet_txn_delete (txn, name);
  else
    put (txn, cluster, COLLET_KEY_OVERRIDE, module, me, collet_override_write (override));
  return txn;
}

ColletTxn *
collet_cluster_txn_rollout (const ColletClusterView *view, const char *module, const ColletRollout *rollout)
{
  const char *cluster = collet_cluster_view_get_cluster (view);
  const ColletDesired *desired = collet_cluster_view_get_desired (view, module);
  ColletDesired changed = *desired;
  ColletTxn *txn = collet_txn_new ();
  g_autofree char *name = key (cluster, COLLET_KEY_DESIRED, module, NULL);
  g_autofree char *lock = key (cluster, COLLET_KEY_LOCK, module, NULL);

  changed.rollout = (ColletRollout *)rollout;
  collet_txn_if_absent (txn, lock);
  collet_txn_if_revision (txn, name,
                          collet_cluster_view_get_mod_rev (view, COLLET_KEY_DESIRED, module, NULL));
  put (txn, cluster, COLLET_KEY_DESIRED, module, NULL, collet_desired_write (&changed));
  return txn;
}

ColletTxn *
collet_cluster_txn_adopt (const ColletClusterView *view, const char *module, const char *me, const char *txid,
                          const char *sha256, const char *version)
{
  const char *cluster = collet_cluster_view_get_cluster (view);
  const ColletDesired *desired = collet_cluster_view_get_desired (view, module);
  ColletTxn *txn = collet_txn_new ();
  g_autofree char *name = key (cluster, COLLET_KEY_DESIRED, module, NULL);
  g_autofree char *lock = key (cluster, COLLET_KEY_LOCK, module, NULL);
  const ColletSpec spec = {
    .txid = (char *)txid,
    .module = (char *)module,
    .sha256 = (char *)sha256,
    .version = (char *)version,
    .kind = (char *)"load",
    .strategy = (char *)"local",
    .base_epoch = desired != NULL ? desired->epoch : 0,
    .base_sha256 = desired != NULL ? desired->sha256 : NULL,
    .uid = -1,
  };
  const ColletApplied applied = {
    .epoch = spec.base_epoch + 1,
    .sha256 = spec.sha256,
    .version = spec.version,
    .state = (char *)"applied",
  };

  collet_txn_if_absent (txn, lock);
  collet_txn_if_revision (txn, name,
                          collet_cluster_view_get_mod_rev (view, COLLET_KEY_DESIRED, module, NULL));
  add_commit (txn, cluster, &spec);
  put (txn, cluster, COLLET_KEY_APPLIED, module, me, collet_applied_write (&applied));
  return txn;
}

ColletTxn *
collet_cluster_txn_forget (const char *cluster, const ColletSpec *spec)
{
  ColletTxn *txn = collet_txn_new ();
  g_autofree char *prefix = collet_cluster_key_prefix (cluster, COLLET_KEY_SPEC, spec->txid);

  collet_txn_delete_prefix (txn, prefix);
  return txn;
}
