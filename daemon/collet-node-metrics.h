/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-node-metrics.h: what this node runs and how its changes went, as Prometheus
 * text. Main thread.
 */
#pragma once

#include "collet-reloader.h"

G_BEGIN_DECLS

typedef struct _ColletNodeMetrics ColletNodeMetrics;

/* Counts from now on. */
ColletNodeMetrics *collet_node_metrics_new (ColletReloader *reloader);
void collet_node_metrics_free (ColletNodeMetrics *self);
void collet_node_metrics_append (ColletNodeMetrics *self, GString *out);

G_END_DECLS
