/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-stats.h: what this process uses.
 */
#ifndef COLLET_STATS_H
#define COLLET_STATS_H

#include "collet-wire.h"

/* Before confinement: /proc cannot be opened after it. */
void collet_stats_open (void);
/* All zero if /proc is not there. Not from several threads at once. */
void collet_stats_read (struct collet_worker_stats *stats);

#endif /* COLLET_STATS_H */
