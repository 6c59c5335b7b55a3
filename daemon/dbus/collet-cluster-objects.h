/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-cluster-objects.h: the nodes as objects on the bus, and the matrix as
 * signals.
 */
#pragma once

#include "collet-cluster-agent.h"
#include "collet-exports.h"

G_BEGIN_DECLS

typedef struct _ColletClusterObjects ColletClusterObjects;

/* cluster and manager outlive it. warnings: the daemon's own, or NULL. */
ColletClusterObjects *collet_cluster_objects_new (ColletClusterAgent *cluster, ColletDbusManager *manager,
                                                  ColletExports *exports, const char *const *warnings);
void collet_cluster_objects_free (ColletClusterObjects *self);

/* Number of the matrix as it is now; what changed until now has been signalled. */
guint64 collet_cluster_objects_flush (ColletClusterObjects *self);
/* ColletDbusNode, sorted by name. Borrowed objects; unref the array. */
GPtrArray *collet_cluster_objects_list_nodes (ColletClusterObjects *self);

G_END_DECLS
