/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-cluster-txns.h: the transactions of the protocol. Each can be sent again:
 * its compares fail once it was carried out, and what is read then says by whom.
 */
#pragma once

#include "collet-cluster-view.h"

G_BEGIN_DECLS

#define COLLET_CLUSTER_HISTORY 64 /* epochs kept, a module */

/* Takes the module's lock. Else: reads lock and spec. */
ColletTxn *collet_cluster_txn_begin (const char *cluster, const ColletSpec *spec);
/* Whether a reply to it means that it stands: at once, or by an earlier try. */
gboolean collet_cluster_txn_began (const char *cluster, const ColletSpec *spec, const ColletTxnReply *reply);

/* A vote is given once, as long as the lock is that transaction's. */
ColletTxn *
collet_cluster_txn_vote (const char *cluster, const ColletSpec *spec, const char *me, const ColletVote *vote);
/* Decides, and frees the lock: with a commit, the new agreed version. */
ColletTxn *
collet_cluster_txn_decide (const char *cluster, const ColletSpec *spec, const ColletDecision *decision);
/* What a node runs now, in place of what it said before. */
ColletTxn *collet_cluster_txn_applied (const ColletClusterView *view, const char *module, const char *me,
                                       const ColletApplied *applied);
/* It runs `override` since a change that was made on this node alone. One step, and
 * only if what it said last is what the view has: an override that was ended
 * meanwhile does not come back. */
ColletTxn *collet_cluster_txn_depart (const ColletClusterView *view, const char *module, const char *me,
                                      const ColletOverride *override, gint64 epoch);
/* override NULL: it ends. */
ColletTxn *collet_cluster_txn_override (const char *cluster, const char *module, const char *me,
                                        const ColletOverride *override);
/* The roll-out as it is to be from now on; only if nothing else has changed. */
ColletTxn *
collet_cluster_txn_rollout (const ColletClusterView *view, const char *module, const ColletRollout *rollout);
/* A node of its own: what it loaded is what is agreed. */
ColletTxn *collet_cluster_txn_adopt (const ColletClusterView *view, const char *module, const char *me,
                                     const char *txid, const char *sha256, const char *version);
/* A decided transaction leaves. */
ColletTxn *collet_cluster_txn_forget (const char *cluster, const ColletSpec *spec);

G_END_DECLS
