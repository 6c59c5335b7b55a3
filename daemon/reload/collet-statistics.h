/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-statistics.h: what calls were like, by version and by time, from the
 * histograms that the generations keep. Main thread.
 */
#pragma once

#include "collet-histogram.h"
#include "collet-reloader.h"

G_BEGIN_DECLS

ColletStatistics *collet_statistics_new (void);
void collet_statistics_free (ColletStatistics *self);
/* Reads it from now on until it is retired. */
void collet_statistics_watch (ColletStatistics *self, ColletGeneration *generation);

/* Adds all that is kept of one tool of a version. */
void collet_statistics_sum (ColletStatistics *self, const ColletVersion *version, const char *tool,
                            ColletHistogram *sum);

/* One tool of one version in one step of time. */
typedef struct
{
  gint64 at; /* when the step began, microseconds since 1970 */
  char *module;
  char *tool; /* the module's own name */
  ColletVersion *version;
  ColletHistogram histogram;
} ColletStatisticsRow;

/* Rows since then, the oldest first; module, tool: NULL: of all. step_s: at least
 * COLLET_STATISTICS_STEP_S. */
#define COLLET_STATISTICS_STEP_S 10
GPtrArray *collet_statistics_query (ColletStatistics *self, const char *module, const char *tool,
                                    gint64 since, guint step_s);

G_END_DECLS
