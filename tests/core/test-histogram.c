/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-histogram.h"

#include <pthread.h>

static void
test_quantiles (void)
{
  ColletHistogram histogram = { 0 };

  g_assert_cmpint (collet_histogram_get_quantile (&histogram, 0.95), ==, 0);
  for (gint64 us = 1; us <= 10000; us++)
    collet_histogram_add (&histogram, us % 10 == 0, us);
  collet_histogram_add (&histogram, TRUE, -1);
  g_assert_cmpuint (histogram.calls, ==, 10001);
  g_assert_cmpuint (histogram.errors, ==, 1001);
  for (guint percent = 1; percent <= 100; percent++)
    {
      gint64 found = collet_histogram_get_quantile (&histogram, percent / 100.0);

      g_assert_cmpint (found, >=, percent * 100);
      g_assert_cmpint (found, <=, percent * 100 + percent * 100 / 8 + 1);
    }
  g_assert_cmpint (collet_histogram_get_quantile (&histogram, 1), ==, 10000);
}

static void
test_any_value (void)
{
  for (guint bits = 0; bits < 63; bits++)
    for (int offset = -1; offset <= 1; offset++)
      {
        ColletHistogram histogram = { 0 };
        gint64 us = (gint64)((guint64)1 << bits) + offset;

        collet_histogram_add (&histogram, FALSE, us);
        g_assert_cmpint (collet_histogram_get_quantile (&histogram, 0.5), <=, us);
        if (bits < 36)
          g_assert_cmpint (collet_histogram_get_quantile (&histogram, 0.5), ==, us);
      }
}

static void
test_windows (void)
{
  static ColletHistogram running, before, now, sum;

  for (guint i = 0; i < 100; i++)
    collet_histogram_add (&running, FALSE, 1000);
  collet_histogram_take (&running, &before);
  for (guint i = 0; i < 50; i++)
    collet_histogram_add (&running, TRUE, 10);
  collet_histogram_take (&running, &now);
  collet_histogram_subtract (&now, &before);
  g_assert_cmpuint (now.calls, ==, 50);
  g_assert_cmpuint (now.errors, ==, 50);
  g_assert_cmpuint (now.max_us, ==, 10);
  g_assert_cmpint (collet_histogram_get_quantile (&now, 0.95), ==, 10);
  collet_histogram_merge (&sum, &before);
  collet_histogram_merge (&sum, &now);
  g_assert_cmpuint (sum.calls, ==, 150);
  g_assert_cmpuint (sum.max_us, ==, 1000);
  g_assert_cmpint (collet_histogram_get_quantile (&sum, 0.5), ==, 1000);
  g_assert_cmpint (collet_histogram_get_quantile (&sum, 0.3), ==, 10);
}

static void *
add_many (void *data)
{
  for (guint i = 0; i < 100000; i++)
    collet_histogram_add (data, i % 4 == 0, i % 1000);
  return NULL;
}

static void
test_threads (void)
{
  static ColletHistogram histogram;
  pthread_t threads[4];

  for (guint i = 0; i < 4; i++)
    g_assert_cmpint (pthread_create (&threads[i], NULL, add_many, &histogram), ==, 0);
  for (guint i = 0; i < 4; i++)
    pthread_join (threads[i], NULL);
  g_assert_cmpuint (histogram.calls, ==, 400000);
  g_assert_cmpuint (histogram.errors, ==, 100000);
  g_assert_cmpuint (histogram.max_us, ==, 999);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/histogram/quantiles-are-right-to-an-eighth", test_quantiles);
  g_test_add_func ("/core/histogram/takes-any-value", test_any_value);
  g_test_add_func ("/core/histogram/windows-are-differences", test_windows);
  g_test_add_func ("/core/histogram/counts-from-many-threads", test_threads);
  return g_test_run ();
}
