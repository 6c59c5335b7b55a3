/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-histogram.h: how long calls took, and how many went wrong: eight buckets
 * a power of two, so a quantile is right to an eighth. Counted from any thread
 * without a lock; read at any time, each number for itself.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define COLLET_HISTOGRAM_BUCKETS 280 /* the last one: 19 hours and more */

typedef struct
{
  guint64 calls;  /* all */
  guint64 errors; /* of these, not answered well */
  guint64 max_us; /* of those that completed */
  guint32 buckets[COLLET_HISTOGRAM_BUCKETS];
} ColletHistogram;

/* run_us < 0: it did not complete, its time says nothing. Any thread. */
void collet_histogram_add (ColletHistogram *self, gboolean is_error, gint64 run_us);
/* Copies `from`, as it is now, and lets its maximum begin anew. */
void collet_histogram_take (ColletHistogram *from, ColletHistogram *to);
/* Copies `from`, as it is now. */
void collet_histogram_copy (const ColletHistogram *from, ColletHistogram *to);
/* What `now` has beyond `before`; the maximum is that of `now`. */
void collet_histogram_subtract (ColletHistogram *now, const ColletHistogram *before);
void collet_histogram_merge (ColletHistogram *self, const ColletHistogram *other);
/* Of calls that completed, in microseconds: the upper end of the bucket, but not
 * above the maximum; 0: there is none. quantile: 0 to 1. */
gint64 collet_histogram_get_quantile (const ColletHistogram *self, double quantile);

G_END_DECLS
