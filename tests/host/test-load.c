/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Calls from many threads while real workers are replaced under them. */
#include <stdio.h>
#include <string.h>

#include "collet-error.h"
#include "collet-slot.h"
#include "collet-test-calls.h"

#define N_THREADS 16
#define N_CALLS 10000

static struct
{
  ColletSpawn *spawn;
  ColletHost *host;
  ColletSlot *slot;
  guint64 number;
  gint announced; /* atomic: highest number that may be published */
  gint current;   /* atomic: lowest number that may be */
  gint running;   /* threads */
  gint retiring;
} stage;

static void
stage_set_up (void)
{
  const char *readable[] = { g_getenv ("COLLET_TEST_MODULES_DIR"), NULL };
  g_autoptr (GError) error = NULL;
  ColletHostConfig config;

  memset (&stage, 0, sizeof stage);
  stage.spawn = collet_spawn_new (g_getenv ("COLLET_WORKER"), readable, TRUE, &error);
  g_assert_no_error (error);
  collet_host_config_init (&config);
  config.limits.address_space = 0;
  stage.host = collet_host_new (stage.spawn, &config);
  stage.slot = collet_slot_new ("echo", 1000);
}

static void
on_retired (GObject *object, GAsyncResult *result, gpointer user_data)
{
  ColletRetirement report = collet_generation_retire_finish (COLLET_GENERATION (object), result);

  g_assert_false (report.killed);
  stage.retiring--;
}

static gboolean
are_few_retiring (gpointer data)
{
  return stage.retiring < 3;
}

static gboolean
is_none_retiring (gpointer data)
{
  return stage.retiring == 0;
}

/* The next generation, started or cold; the former one retires meanwhile. */
static void
replace (gboolean start, gboolean quiesces)
{
  g_autofree char *path = g_build_filename (g_getenv ("COLLET_TEST_MODULES_DIR"),
                                            stage.number % 2 == 0 ? "echo-1.0.0.so" : "echo-2.0.0.so", NULL);
  g_autoptr (ColletGeneration) next = NULL;
  g_autoptr (ColletGeneration) former = NULL;
  g_autoptr (GAsyncResult) result = NULL;

  stage.number++;
  next = collet_host_create (stage.host, COLLET_HOST_WORKER,
                             test_spec_new (stage.number, "echo", "1.0.0", "\"concurrent\":true,", path));
  if (start)
    g_assert_true (test_start (next, NULL));
  if (quiesces)
    {
      collet_slot_quiesce_async (stage.slot, 0, NULL, test_store_result, &result);
      g_assert_true (collet_slot_quiesce_finish (stage.slot, test_wait_result (&result), NULL));
    }
  g_atomic_int_set (&stage.announced, (gint)stage.number);
  former = collet_slot_publish (stage.slot, next);
  g_atomic_int_set (&stage.current, (gint)stage.number);
  if (former == NULL)
    return;
  stage.retiring++;
  collet_generation_retire_async (former, 10000, NULL, on_retired, NULL);
  test_wait_until (are_few_retiring, NULL);
}

static void
stage_tear_down (void)
{
  g_autoptr (ColletGeneration) last = collet_slot_publish (stage.slot, NULL);

  g_assert_false (test_retire (last, 10000).killed);
  test_wait_until (is_none_retiring, NULL);
  g_clear_object (&last);
  collet_slot_unref (stage.slot);
  g_object_unref (stage.host);
  g_assert_finalize_object (stage.spawn);
}

typedef struct
{
  guint answered, strange;
} Caller;

static gpointer
call_often (gpointer data)
{
  Caller *caller = data;
  guint n_calls = g_test_slow () ? N_CALLS : N_CALLS / 4;

  for (guint i = 0; i < n_calls; i++)
    {
      g_autofree char *arguments = g_strdup_printf ("{\"i\":%u}", i);
      TestCall *call = test_call_new ("echo", arguments, 20000);
      guint64 lowest = (guint64)g_atomic_int_get (&stage.current);
      guint64 highest;

      collet_call_target_dispatch (collet_slot_as_target (stage.slot), &call->call);
      while (g_atomic_int_get (&call->n_done) == 0)
        g_usleep (50);
      highest = (guint64)g_atomic_int_get (&stage.announced);
      if (call->error != NULL)
        g_printerr ("# %s\n", call->error->message);
      caller->answered += call->error == NULL && strstr (call->json, arguments) != NULL && call->n_done == 1;
      caller->strange += call->generation < lowest || call->generation > highest;
      test_call_free (call);
    }
  g_atomic_int_add (&stage.running, -1);
  return NULL;
}

static void
test_replaced_under_load (void)
{
  Caller callers[N_THREADS] = { 0 };
  GThread *threads[N_THREADS];
  guint n_calls = g_test_slow () ? N_CALLS : N_CALLS / 4;

  stage_set_up ();
  replace (FALSE, FALSE);
  stage.running = N_THREADS;
  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("caller", call_often, &callers[i]);
  while (g_atomic_int_get (&stage.running) > 0)
    replace (stage.number % 3 != 0, stage.number % 4 == 0);
  for (guint i = 0; i < N_THREADS; i++)
    {
      g_thread_join (threads[i]);
      g_assert_cmpuint (callers[i].answered, ==, n_calls);
      g_assert_cmpuint (callers[i].strange, ==, 0);
    }
  g_test_message ("%u calls, %u generations", n_calls * N_THREADS, (guint)stage.number);
  stage_tear_down ();
}

static gsize
resident_kb (void)
{
  g_autofree char *text = NULL;
  gsize pages = 0;

  g_file_get_contents ("/proc/self/statm", &text, NULL, NULL);
  sscanf (text, "%*u %zu", &pages);
  return pages * 4;
}

static void
call_once (void)
{
  g_autoptr (TestCall) call = test_call_run (collet_slot_as_target (stage.slot), "echo", "{}", 5000);

  g_assert_no_error (call->error);
}

static void
test_cycles_leave_nothing (void)
{
  guint cycles = g_test_slow () ? 2000 : 300;
  guint fds = 0, threads = 0;
  gsize resident = 0;

  stage_set_up ();
  for (guint i = 0; i < cycles; i++)
    {
      if (i == cycles / 4)
        {
          test_wait_until (is_none_retiring, NULL);
          test_wait_ms (50);
          fds = test_count_fds ();
          threads = test_count_threads ();
          resident = resident_kb ();
        }
      replace (i % 2 == 0, FALSE);
      call_once ();
    }
  test_wait_until (is_none_retiring, NULL);
  test_wait_ms (50);
  g_test_message ("fds %u -> %u, threads %u -> %u, resident %zu -> %zu KB", fds, test_count_fds (), threads,
                  test_count_threads (), resident, resident_kb ());
  g_assert_cmpuint (test_count_fds (), ==, fds);
  g_assert_cmpuint (test_count_threads (), ==, threads);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  g_assert_cmpuint (resident_kb (), <, resident + 1024);
#endif
  stage_tear_down ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/host/load/no-call-is-lost-while-workers-are-replaced", test_replaced_under_load);
  g_test_add_func ("/host/load/cycles-leave-nothing-behind", test_cycles_leave_nothing);
  return g_test_run ();
}
