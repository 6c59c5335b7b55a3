/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-histogram.h"

#define STEPS 8 /* buckets a power of two */
#define STEP_BITS 3

static guint
bucket_of (guint64 us)
{
  guint power, bucket;

  if (us < STEPS)
    return (guint)us;
  power = 63u - (guint)__builtin_clzll (us);
  bucket = (power - STEP_BITS + 1) * STEPS + (guint)((us >> (power - STEP_BITS)) & (STEPS - 1));
  return MIN (bucket, COLLET_HISTOGRAM_BUCKETS - 1);
}

/* The largest value that belongs there. */
static gint64
end_of_bucket (guint bucket)
{
  guint power, step;

  if (bucket < STEPS)
    return bucket;
  power = bucket / STEPS + STEP_BITS - 1;
  step = bucket % STEPS;
  return (gint64)(((guint64)(STEPS + step + 1) << (power - STEP_BITS)) - 1);
}

void
collet_histogram_add (ColletHistogram *self, gboolean is_error, gint64 run_us)
{
  guint64 us = (guint64)run_us, max;

  __atomic_fetch_add (&self->calls, 1, __ATOMIC_RELAXED);
  if (is_error)
    __atomic_fetch_add (&self->errors, 1, __ATOMIC_RELAXED);
  if (run_us < 0)
    return;
  __atomic_fetch_add (&self->buckets[bucket_of (us)], 1, __ATOMIC_RELAXED);
  max = __atomic_load_n (&self->max_us, __ATOMIC_RELAXED);
  while (us > max &&
         !__atomic_compare_exchange_n (&self->max_us, &max, us, TRUE, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
    ;
}

void
collet_histogram_copy (const ColletHistogram *from, ColletHistogram *to)
{
  to->errors = __atomic_load_n (&from->errors, __ATOMIC_RELAXED);
  to->calls = __atomic_load_n (&from->calls, __ATOMIC_RELAXED);
  to->max_us = __atomic_load_n (&from->max_us, __ATOMIC_RELAXED);
  for (guint i = 0; i < COLLET_HISTOGRAM_BUCKETS; i++)
    to->buckets[i] = __atomic_load_n (&from->buckets[i], __ATOMIC_RELAXED);
}

void
collet_histogram_take (ColletHistogram *from, ColletHistogram *to)
{
  collet_histogram_copy (from, to);
  to->max_us = __atomic_exchange_n (&from->max_us, 0, __ATOMIC_RELAXED);
}

void
collet_histogram_subtract (ColletHistogram *now, const ColletHistogram *before)
{
  now->calls -= before->calls;
  now->errors -= before->errors;
  for (guint i = 0; i < COLLET_HISTOGRAM_BUCKETS; i++)
    now->buckets[i] -= before->buckets[i];
}

void
collet_histogram_merge (ColletHistogram *self, const ColletHistogram *other)
{
  self->calls += other->calls;
  self->errors += other->errors;
  self->max_us = MAX (self->max_us, other->max_us);
  for (guint i = 0; i < COLLET_HISTOGRAM_BUCKETS; i++)
    self->buckets[i] += other->buckets[i];
}

gint64
collet_histogram_get_quantile (const ColletHistogram *self, double quantile)
{
  guint64 total = 0, wanted, seen = 0;

  for (guint i = 0; i < COLLET_HISTOGRAM_BUCKETS; i++)
    total += self->buckets[i];
  if (total == 0)
    return 0;
  wanted = (guint64)((double)total * CLAMP (quantile, 0, 1) + 0.999999);
  wanted = CLAMP (wanted, 1, total);
  for (guint i = 0; i < COLLET_HISTOGRAM_BUCKETS; i++)
    {
      seen += self->buckets[i];
      if (seen >= wanted)
        {
          gint64 end = end_of_bucket (i);

          return self->max_us > 0 ? MIN (end, (gint64)self->max_us) : end;
        }
    }
  g_assert_not_reached ();
}
