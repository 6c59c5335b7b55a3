/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-cluster-node.h: this node in its cluster: the agent, what it agrees
 * through, and the reloader that keeps its promises.
 */
#pragma once

#include "collet-artifact-peers.h"
#include "collet-cluster-agent.h"
#include "collet-loader.h"
#include "collet-reloader.h"
#include "collet-store.h"

G_BEGIN_DECLS

typedef struct _ColletClusterNode ColletClusterNode;

/* A cluster of one, in the database. Names are copied, objects referenced. */
ColletClusterNode *collet_cluster_node_new_alone (ColletStore *store, ColletLoader *loader,
                                                  ColletReloader *reloader, const char *node_name);
/* In a cluster of many, as config says. Takes coordination. peers, borrowed: where
 * artifacts come from that are not here. */
ColletClusterNode *
collet_cluster_node_new_joined (const ColletClusterConfig *config, ColletCoordination *coordination,
                                ColletArtifactPeers *peers, ColletLoader *loader, ColletReloader *reloader,
                                const ColletClusterListener *listener);
/* Before the reloader ends: nothing is agreed or applied any more. */
void collet_cluster_node_free (ColletClusterNode *self);

/* Borrowed. */
ColletClusterAgent *collet_cluster_node_get_agent (ColletClusterNode *self);

G_END_DECLS
