/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-cluster-view.h: the keys of a cluster as they stood at one revision, read.
 * Everything that is borrowed is valid until the view changes.
 */
#pragma once

#include "collet-cluster-record.h"
#include "collet-txn.h"

G_BEGIN_DECLS

typedef struct _ColletClusterView ColletClusterView;

ColletClusterView *collet_cluster_view_new (const char *cluster);
void collet_cluster_view_free (ColletClusterView *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletClusterView, collet_cluster_view_free)

/* Told of each key that has changed, or gone; the view may not be changed from it. */
typedef void (*ColletClusterViewChanged) (ColletKeyKind kind, const char *a, const char *b,
                                          gpointer user_data);
void collet_cluster_view_set_changed (ColletClusterView *self, ColletClusterViewChanged changed,
                                      gpointer user_data);

/* Another store, where the same revision of a key may be another value. */
void collet_cluster_view_clear (ColletClusterView *self);
/* All of it, as a range gave it (ColletKeyValue); what has its revision already stays. */
void collet_cluster_view_load (ColletClusterView *self, GPtrArray *rows, gint64 revision);
/* One change; one that is older than what was loaded is nothing. */
void collet_cluster_view_apply (ColletClusterView *self, const ColletKeyValue *change);

/* What is in the view against the store, without reading all of it: begin, then ask
 * at one revision what was put since the view was whole (as loaded, or as audited
 * last) and how many keys there are. Changes are applied meanwhile. FALSE: it is not
 * whole, as far as it was told, and nothing was changed. */
void collet_cluster_view_begin_audit (ColletClusterView *self);
gboolean collet_cluster_view_end_audit (ColletClusterView *self, GPtrArray *changed, gint64 count,
                                        gint64 revision) G_GNUC_WARN_UNUSED_RESULT;

const char *collet_cluster_view_get_cluster (const ColletClusterView *self);
gint64 collet_cluster_view_get_revision (const ColletClusterView *self);

/* NULL: there is none, or it is no such record. b as in collet_cluster_key. */
gconstpointer
collet_cluster_view_get (const ColletClusterView *self, ColletKeyKind kind, const char *a, const char *b);
/* 0: there is none. */
gint64 collet_cluster_view_get_mod_rev (const ColletClusterView *self, ColletKeyKind kind, const char *a,
                                        const char *b);

const char *collet_cluster_view_get_lock (const ColletClusterView *self, const char *module);
const ColletDesired *collet_cluster_view_get_desired (const ColletClusterView *self, const char *module);
const ColletSpec *collet_cluster_view_get_spec (const ColletClusterView *self, const char *txid);
const ColletVote *
collet_cluster_view_get_vote (const ColletClusterView *self, const char *txid, const char *node);
const ColletDecision *collet_cluster_view_get_decision (const ColletClusterView *self, const char *txid);
const ColletApplied *
collet_cluster_view_get_applied (const ColletClusterView *self, const char *module, const char *node);
const ColletOverride *
collet_cluster_view_get_override (const ColletClusterView *self, const char *module, const char *node);
gboolean collet_cluster_view_is_live (const ColletClusterView *self, const char *node);

typedef void (*ColletClusterViewFunc) (const char *a, const char *b, gconstpointer record,
                                       gpointer user_data);
/* In the order of the keys; a NULL: all of the kind. */
void collet_cluster_view_foreach (const ColletClusterView *self, ColletKeyKind kind, const char *a,
                                  ColletClusterViewFunc func, gpointer user_data);
/* First names of a kind, sorted and borrowed: modules of DESIRED, nodes of NODE. */
GPtrArray *collet_cluster_view_list (const ColletClusterView *self, ColletKeyKind kind);

G_END_DECLS
