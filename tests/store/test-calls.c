/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-queue.h"
#include "store-fixture.h"

#include <string.h>

#define THREADS 4
#define CALLS 5000 /* a thread */

static ColletCallRow *
call (int n, const char *outcome)
{
  ColletCallRow *row = collet_call_row_new ();

  row->at = g_get_real_time ();
  row->request_id = g_strdup_printf ("\"%d\"", n);
  row->client = g_strdup ("session");
  row->tool = g_strdup (n % 2 == 0 ? "sum" : "product");
  row->sha256 = n % 3 == 0 ? NULL : g_strdup (fixture_sha256 ('a'));
  row->generation = 5;
  row->duration_us = n;
  row->outcome = g_strdup (outcome);
  return row;
}

static void
flush (ColletStore *store)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  collet_store_flush_calls_async (store, fixture_on_answer, &result);
  fixture_wait (&result);
  g_assert_true (collet_store_flush_calls_finish (store, result, &error));
  g_assert_no_error (error);
}

static gpointer
record_many (gpointer data)
{
  for (int i = 0; i < CALLS; i++)
    collet_store_record_call (data, call (i, i % 10 == 0 ? "CallTimeout" : "ok"));
  return NULL;
}

static void
test_threads (void)
{
  char *folder = fixture_folder_new ();
  ColletStore *store = fixture_open (folder, NULL);
  GThread *threads[THREADS];

  for (int i = 0; i < THREADS; i++)
    threads[i] = g_thread_new ("caller", record_many, store);
  /* Reloads go on meanwhile. */
  for (int i = 0; i < 20; i++)
    {
      g_autofree char *id = g_strdup_printf ("%04d", i);
      fixture_reload_module (store, id, "calculator", i == 0 ? 0 : 'a', 'a', (guint64)i + 1, "state");
    }
  for (int i = 0; i < THREADS; i++)
    g_thread_join (threads[i]);
  flush (store);

  g_autofree char *counts = fixture_query (
      folder,
      "SELECT count (*) || ' ' || count (DISTINCT request_id) || ' ' || (SELECT count (*) FROM call_target) "
      "FROM call_record");
  g_assert_cmpstr (counts, ==, "20000 5000 4");
  g_autofree char *summary =
      fixture_query (folder,
                     "SELECT calls || ' ' || ok || ' ' || failed || ' ' || coalesce (version, '-') FROM "
                     "call_summary WHERE tool = 'sum' AND sha256 IS NOT NULL");
  g_assert_cmpstr (summary, ==, "6664 5332 1332 1.0.0");
  g_assert_cmpuint (collet_store_get_dropped_calls (store), ==, 0);
  fixture_close (store);
  fixture_folder_free (folder);
}

static void
test_by_itself (void)
{
  char *folder = fixture_folder_new ();
  ColletStore *store = fixture_open (folder, NULL);
  g_autofree char *found = NULL;

  collet_store_record_call (store, call (1, "ok"));
  for (int i = 0; i < 100 && g_strcmp0 (found, "1") != 0; i++)
    {
      g_usleep (20000);
      g_free (found);
      found = fixture_query (folder, "SELECT count (*) FROM call_record");
    }
  g_assert_cmpstr (found, ==, "1");
  collet_store_record_call (store, call (2, "error"));
  fixture_close (store);
  g_autofree char *both = fixture_query (folder, "SELECT group_concat (outcome) FROM call_record");
  g_assert_cmpstr (both, ==, "ok,error");
  fixture_folder_free (folder);
}

/* The writer is away: rows wait, up to a limit, and no caller does. */
static void
test_bounded (void)
{
  g_autoptr (GError) error = NULL;
  ColletQueue *queue = collet_queue_new (&error);

  g_assert_no_error (error);
  for (int i = 0; i < COLLET_QUEUE_CALLS_MAX + 10; i++)
    collet_queue_add_call (queue, collet_call_row_new ());
  g_assert_cmpuint (collet_queue_get_dropped (queue), ==, 10);

  /* Taken but not written counts as waiting. */
  g_autoptr (GPtrArray) taken = collet_queue_take_calls (queue);
  g_assert_cmpuint (taken->len, ==, COLLET_QUEUE_CALLS_MAX);
  collet_queue_settle_calls (queue, COLLET_QUEUE_CALLS_MAX - 5, FALSE);
  for (int i = 0; i < COLLET_QUEUE_CALLS_MAX; i++)
    collet_queue_add_call (queue, collet_call_row_new ());
  g_assert_cmpuint (collet_queue_get_dropped (queue), ==, 15);
  collet_queue_settle_calls (queue, 5, TRUE);
  g_assert_cmpuint (collet_queue_get_dropped (queue), ==, 20);
  collet_queue_free (queue);
}

/* How much of a core 30,000 calls a second take. */
static void
test_cost (void)
{
  char *folder = fixture_folder_new ();
  ColletStore *store = fixture_open (folder, NULL);
  const int n = 150000;

  for (int i = 0; i < n; i++)
    collet_store_record_call (store, call (i, "ok"));
  gint64 begin = g_get_monotonic_time ();
  flush (store);
  gint64 took = g_get_monotonic_time () - begin;
  g_test_message ("%.2f us a row", (double)took / n);
  g_assert_cmpuint (collet_store_get_dropped_calls (store), ==, 0);
  fixture_close (store);
  fixture_folder_free (folder);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/store/call/every-one-from-any-thread-is-a-row", test_threads);
  g_test_add_func ("/store/call/is-written-by-itself-and-before-the-close", test_by_itself);
  g_test_add_func ("/store/call/waiting-rows-are-bounded-and-drops-counted", test_bounded);
  if (g_test_perf ())
    g_test_add_func ("/store/call/cost", test_cost);
  return g_test_run ();
}
