/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-cluster-member.h: which cluster this node is in, and the node in it: a
 * cluster of one in the database, or one of many through etcd. What runs, and its
 * history, stays when that changes.
 */
#pragma once

#include "collet-cluster-gate.h"
#include "collet-cluster-node.h"
#include "collet-options.h"

G_BEGIN_DECLS

typedef struct _ColletClusterMember ColletClusterMember;

/* Goes on in the cluster that it was in. Objects are referenced, options outlive
 * it. InvalidArgument, NotTrusted, AddressInUse. */
ColletClusterMember *collet_cluster_member_new (const ColletOptions *options, ColletStore *store,
                                                ColletLoader *loader, ColletReloader *reloader,
                                                GError **error);
/* Before the reloader ends: nothing is agreed or applied any more. */
void collet_cluster_member_free (ColletClusterMember *self);

/* Told when the agent is another one; the old one lives until this returns. */
void collet_cluster_member_set_watcher (ColletClusterMember *self, void (*changed) (gpointer user_data),
                                        gpointer user_data);
/* Borrowed until it changes. */
ColletClusterAgent *collet_cluster_member_get_agent (ColletClusterMember *self);
/* "": a node of its own. */
const char *collet_cluster_member_get_cluster (ColletClusterMember *self);
ColletClusterGate *collet_cluster_member_get_gate (ColletClusterMember *self);

G_END_DECLS
