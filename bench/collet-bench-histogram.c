/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-bench-histogram.h"

#include <math.h>

/* Below 2^6 a bucket is one nanosecond; above, each power of two has 64. */
static guint
bucket_of (guint64 value)
{
  guint shift;

  if (value >> BENCH_HISTOGRAM_SUB_BITS == 0)
    return (guint)value;
  if (value >> BENCH_HISTOGRAM_MAX_BITS != 0)
    return BENCH_HISTOGRAM_BUCKETS - 1;
  shift = 63 - (guint)__builtin_clzll (value) - BENCH_HISTOGRAM_SUB_BITS;
  return ((shift + 1) << BENCH_HISTOGRAM_SUB_BITS) +
         (guint)((value >> shift) & ((1u << BENCH_HISTOGRAM_SUB_BITS) - 1));
}

/* Largest value that falls into the bucket. */
static guint64
bucket_last (guint bucket)
{
  guint shift = bucket >> BENCH_HISTOGRAM_SUB_BITS;
  guint64 sub = bucket & ((1u << BENCH_HISTOGRAM_SUB_BITS) - 1);

  if (shift == 0)
    return sub;
  shift--;
  return (((sub + (1u << BENCH_HISTOGRAM_SUB_BITS)) + 1) << shift) - 1;
}

void
bench_histogram_record (BenchHistogram *histogram, gint64 nanoseconds)
{
  guint64 value = nanoseconds > 0 ? (guint64)nanoseconds : 0;

  histogram->counts[bucket_of (value)]++;
  histogram->total++;
  histogram->sum += (double)value;
  histogram->max = MAX (histogram->max, value);
}

guint64
bench_histogram_percentile (const BenchHistogram *histogram, double percent)
{
  guint64 rank = (guint64)ceil ((double)histogram->total * percent / 100.0);
  guint64 seen = 0;

  if (histogram->total == 0)
    return 0;
  rank = CLAMP (rank, 1, histogram->total);
  for (guint i = 0; i < BENCH_HISTOGRAM_BUCKETS; i++)
    {
      seen += histogram->counts[i];
      if (seen >= rank)
        return MIN (bucket_last (i), histogram->max);
    }
  return histogram->max;
}

double
bench_histogram_mean (const BenchHistogram *histogram)
{
  return histogram->total > 0 ? histogram->sum / (double)histogram->total : 0;
}
