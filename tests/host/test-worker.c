/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Worker generations with the real collet-worker and real modules: calls, crashes, time. */
#include "collet-module.h"

#include <signal.h>
#include <string.h>

#include "collet-error.h"
#include "collet-worker-fixture.h"

/* Calls */

static void
test_round_trip (WorkerFixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = worker_fixture_publish (fixture, 7, "echo-1.0.0", "");
  g_autoptr (TestCall) call = worker_fixture_run (fixture, "echo", "{\"x\":[1,2.50]}", 5000);
  ColletGenerationStats stats;

  g_assert_no_error (call->error);
  g_assert_nonnull (strstr (call->json, "{\"x\":[1,2.50]}"));
  g_assert_cmpuint (call->generation, ==, 7);
  g_assert_cmpint (call->run_us, >, 0);
  test_wait_until (test_has_no_leases, generation);
  collet_generation_get_stats (generation, &stats);
  g_assert_cmpuint (stats.calls, ==, 1);
  g_assert_cmpuint (stats.errors, ==, 0);
  worker_fixture_retire (fixture, generation);
}

static void
test_starts_at_first_call (WorkerFixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = worker_fixture_make (fixture, 1, "echo-1.0.0", "");
  g_autoptr (TestCall) call = NULL;

  g_assert_null (collet_slot_publish (fixture->slot, generation));
  g_assert_cmpint (collet_generation_get_state (generation), ==, COLLET_GENERATION_COLD);
  call = worker_fixture_run (fixture, "echo", "{}", 5000);
  g_assert_no_error (call->error);
  g_assert_cmpint (collet_generation_get_state (generation), ==, COLLET_GENERATION_READY);
  g_assert_cmpint (collet_generation_get_pid (generation), >, 0);
  worker_fixture_retire (fixture, generation);
}

static void
test_large_payloads (WorkerFixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = worker_fixture_publish (fixture, 1, "echo-1.0.0", "");
  g_autofree char *text = g_strnfill (1000000, 'a');
  g_autofree char *arguments = g_strdup_printf ("{\"x\":\"%s\"}", text);
  g_autoptr (TestCall) call = worker_fixture_run (fixture, "echo", arguments, 5000);

  g_assert_no_error (call->error);
  g_assert_nonnull (strstr (call->json, arguments));
  worker_fixture_retire (fixture, generation);
}

static void
test_start_failures_are_named (WorkerFixture *fixture, gconstpointer data)
{
  static const struct
  {
    const char *file;
    int code;
  } faults[] = {
    { "abi-major", COLLET_ERROR_ABI_MISMATCH },
    { "no-symbol", COLLET_ERROR_INVALID_MODULE },
    { "fail-init", COLLET_ERROR_VALIDATION_FAILED },
    { "crash-init", COLLET_ERROR_VALIDATION_FAILED },
    { "crash-constructor", COLLET_ERROR_VALIDATION_FAILED },
    { "exit-constructor", COLLET_ERROR_VALIDATION_FAILED },
  };

  for (guint i = 0; i < G_N_ELEMENTS (faults); i++)
    {
      g_autoptr (ColletGeneration) generation = worker_fixture_make (fixture, i, faults[i].file, "");
      g_autoptr (GError) error = NULL;

      g_assert_false (test_start (generation, &error));
      g_test_message ("%s: %s", faults[i].file, error->message);
      g_assert_error (error, COLLET_ERROR, faults[i].code);
      g_assert_cmpint (collet_generation_get_state (generation), ==, COLLET_GENERATION_COLD);
      test_retire (generation, 0);
    }
}

static void
test_start_timeout (WorkerFixture *fixture, gconstpointer data)
{
  g_autoptr (ColletGeneration) generation = NULL;
  g_autoptr (GError) error = NULL;

  fixture->config.start_timeout_ms = 200;
  generation = worker_fixture_make (fixture, 1, "hang-constructor", "");
  g_assert_false (test_start (generation, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_TIMEOUT);
  g_assert_cmpint (collet_generation_get_pid (generation), ==, 0);
  test_retire (generation, 0);
}

static const char stateful[] = "\"state\":{\"format\":1},";

/* Crash and restart */

typedef struct
{
  guint n;
  gboolean will_restart;
  char *message;
} Crashes;

static void
on_crashed (ColletGeneration *generation, const GError *error, gboolean will_restart, Crashes *crashes)
{
  crashes->n++;
  crashes->will_restart = will_restart;
  g_free (crashes->message);
  crashes->message = g_strdup (error->message);
}

static void
test_crash_fails_calls_by_name (WorkerFixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = worker_fixture_publish (fixture, 1, "crash-call", "");
  Crashes crashes = { 0 };
  g_autoptr (TestCall) call = NULL;

  g_signal_connect (generation, "crashed", G_CALLBACK (on_crashed), &crashes);
  call = worker_fixture_run (fixture, "crash-call", "{}", 5000);
  g_test_message ("%s", call->error->message);
  g_assert_error (call->error, COLLET_ERROR, COLLET_ERROR_WORKER_CRASHED);
  g_assert_nonnull (strstr (call->error->message, "SIGSEGV"));
  g_assert_nonnull (strstr (call->error->message, "m 1.0.0"));
  g_assert_nonnull (strstr (call->error->message, "1 call"));
  g_assert_cmpuint (crashes.n, ==, 1);
  g_assert_true (crashes.will_restart);
  g_free (crashes.message);
  g_signal_handlers_disconnect_by_data (generation, &crashes);
  worker_fixture_retire (fixture, generation);
}

static gboolean
has_worker (gpointer data)
{
  return collet_generation_get_state (data) == COLLET_GENERATION_READY;
}

static gboolean
has_no_worker (gpointer data)
{
  return collet_generation_get_pid (data) == 0;
}

static void
test_restart_imports_snapshot (WorkerFixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = worker_fixture_publish (fixture, 1, "counter-1.0.0", stateful);
  gint64 count = 41;
  g_autoptr (GBytes) snapshot = g_bytes_new (&count, sizeof count);
  g_autoptr (TestCall) first = worker_fixture_run (fixture, "count", "{\"by\":5}", 5000);
  g_autoptr (TestCall) second = NULL;

  g_assert_nonnull (strstr (first->json, "{\"count\":5}"));
  collet_generation_set_snapshot (generation, snapshot);
  kill (collet_generation_get_pid (generation), SIGKILL);
  test_wait_until (has_no_worker, generation);
  g_assert_cmpint (collet_generation_get_state (generation), ==, COLLET_GENERATION_RESTARTING);
  second = worker_fixture_run (fixture, "count", "{}", 5000); /* waits for the new worker */
  g_assert_no_error (second->error);
  g_assert_nonnull (strstr (second->json, "{\"count\":42}"));
  worker_fixture_retire (fixture, generation);
}

static void
test_restart_intensity (WorkerFixture *fixture, gconstpointer data)
{
  Crashes crashes = { 0 };
  ColletGeneration *generation;
  g_autoptr (TestCall) late = NULL;

  fixture->config.restart_burst = 3;
  generation = worker_fixture_publish (fixture, 1, "crash-call", "");
  g_signal_connect (generation, "crashed", G_CALLBACK (on_crashed), &crashes);
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (TestCall) call = worker_fixture_run (fixture, "crash-call", "{}", 5000);

      g_assert_error (call->error, COLLET_ERROR, COLLET_ERROR_WORKER_CRASHED);
    }
  late = worker_fixture_run (fixture, "crash-call", "{}", 5000);
  g_test_message ("%s", late->error->message);
  g_assert_error (late->error, COLLET_ERROR, COLLET_ERROR_WORKER_UNAVAILABLE);
  g_assert_cmpint (collet_generation_get_state (generation), ==, COLLET_GENERATION_BROKEN);
  g_assert_cmpuint (crashes.n, ==, 3);
  g_assert_false (crashes.will_restart);

  /* Until somebody starts it again. */
  g_assert_true (test_start (generation, NULL));
  g_assert_cmpint (collet_generation_get_state (generation), ==, COLLET_GENERATION_READY);
  g_free (crashes.message);
  g_signal_handlers_disconnect_by_data (generation, &crashes);
  worker_fixture_retire (fixture, generation);
}

static gboolean
has_begun (gpointer data)
{
  return g_atomic_int_get (&((TestCall *)data)->n_progress) > 0;
}

static void
test_queued_calls_survive_crash (WorkerFixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = worker_fixture_publish (fixture, 1, "countdown", "");
  TestCall *calls[200];
  guint crashed = 0, answered = 0;

  /* More than a worker is sent at a time. */
  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    {
      calls[i] =
          test_call_new ("countdown", i == 0 ? "{\"from\":1,\"interval_ms\":5000}" : "{\"from\":0}", 10000);
      calls[i]->call.wants_progress = i == 0;
      worker_fixture_dispatch (fixture, calls[i]);
    }
  test_wait_until (has_begun, calls[0]);
  kill (collet_generation_get_pid (generation), SIGKILL);
  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    {
      test_call_wait (calls[i]);
      crashed += g_error_matches (calls[i]->error, COLLET_ERROR, COLLET_ERROR_WORKER_CRASHED);
      answered += calls[i]->error == NULL;
      g_assert_cmpint (calls[i]->n_done, ==, 1);
      test_call_free (calls[i]);
    }
  g_assert_cmpuint (crashed + answered, ==, G_N_ELEMENTS (calls));
  g_assert_cmpuint (crashed, >, 0);
  g_assert_cmpuint (answered, >, 100);
  worker_fixture_retire (fixture, generation);
}

/* The whole family goes; each call is told within the second, not after the
 * patience with a fork server that says nothing. */
static void
test_fork_server_dies (WorkerFixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = worker_fixture_publish (fixture, 1, "countdown", "");
  g_autoptr (TestCall) call = test_call_new ("countdown", "{\"from\":100,\"interval_ms\":100}", 20000);
  g_autoptr (TestCall) after = NULL;
  g_autofree char *path = g_strdup_printf ("/proc/%d/stat", (int)collet_generation_get_pid (generation));
  g_autofree char *text = NULL;
  gint64 began;

  worker_fixture_dispatch (fixture, call);
  test_wait_ms (20);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_test_expect_message (NULL, G_LOG_LEVEL_WARNING, "*fork server ended*");
  began = g_get_monotonic_time ();
  kill ((pid_t)g_ascii_strtoll (strrchr (text, ')') + 4, NULL, 10), SIGKILL);
  test_call_wait (call);
  g_assert_error (call->error, COLLET_ERROR, COLLET_ERROR_WORKER_CRASHED);
  g_assert_cmpint (g_get_monotonic_time () - began, <, G_USEC_PER_SEC);
  after = worker_fixture_run (fixture, "countdown", "{\"from\":0}", 10000);
  g_assert_no_error (after->error);
  g_test_assert_expected_messages ();
  worker_fixture_retire (fixture, generation);
}

/* Time */

static void
test_timeout_of_stuck_call (WorkerFixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = worker_fixture_publish (fixture, 1, "hang-call", "");
  pid_t pid = collet_generation_get_pid (generation);
  g_autoptr (TestCall) stuck = test_call_new ("hang-call", "{}", 100);
  g_autoptr (TestCall) behind = test_call_new ("hang-call", "{}", 10000);
  gint64 began = g_get_monotonic_time ();
  Crashes crashes = { 0 };

  g_signal_connect (generation, "crashed", G_CALLBACK (on_crashed), &crashes);
  worker_fixture_dispatch (fixture, stuck);
  worker_fixture_dispatch (fixture, behind);
  test_call_wait (stuck);
  g_assert_error (stuck->error, COLLET_ERROR, COLLET_ERROR_CALL_TIMEOUT);
  g_assert_cmpint (g_get_monotonic_time () - began, <, 180000);
  /* The worker is ended after the grace, as it does not come back. */
  test_call_wait (behind);
  g_test_message ("%s", behind->error->message);
  g_assert_error (behind->error, COLLET_ERROR, COLLET_ERROR_WORKER_CRASHED);
  g_assert_nonnull (strstr (behind->error->message, "did not come back"));
  g_assert_cmpuint (crashes.n, ==, 1);
  test_wait_until (has_worker, generation);
  g_assert_cmpint (collet_generation_get_pid (generation), !=, pid);
  g_free (crashes.message);
  g_signal_handlers_disconnect_by_data (generation, &crashes);
  worker_fixture_retire (fixture, generation);
}

/* A call that may run for long is not punished for those that wait behind it. */
static void
test_long_call_is_no_stuck_one (WorkerFixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = worker_fixture_publish (fixture, 1, "countdown", "");
  g_autoptr (TestCall) running = test_call_new ("countdown", "{\"from\":8,\"interval_ms\":100}", 10000);
  g_autoptr (TestCall) behind = test_call_new ("countdown", "{\"from\":1}", 50);

  worker_fixture_dispatch (fixture, running);
  worker_fixture_dispatch (fixture, behind);
  test_call_wait (behind);
  g_assert_error (behind->error, COLLET_ERROR, COLLET_ERROR_CALL_TIMEOUT);
  test_call_wait (running);
  g_assert_no_error (running->error);
  g_assert_nonnull (strstr (running->json, "content"));
  test_wait_until (test_has_no_leases, generation);
  worker_fixture_retire (fixture, generation);
}

static void
test_cancel_running (WorkerFixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = worker_fixture_publish (fixture, 1, "countdown", "");
  g_autoptr (TestCall) call = test_call_new ("countdown", "{\"from\":50,\"interval_ms\":100}", 20000);
  g_autoptr (TestCall) behind = test_call_new ("countdown", "{\"from\":50,\"interval_ms\":100}", 20000);

  call->call.wants_progress = TRUE;
  worker_fixture_dispatch (fixture, call);
  worker_fixture_dispatch (fixture, behind);
  test_wait_ms (50);
  collet_call_target_cancel (collet_slot_as_target (fixture->slot), &behind->call);
  collet_call_target_cancel (collet_slot_as_target (fixture->slot), &call->call);
  test_call_wait (call);
  g_assert_no_error (call->error);
  g_assert_true (call->is_cancelled);
  g_assert_cmpint (call->n_progress, >, 0);
  test_call_wait (behind);
  g_assert_true (behind->is_cancelled);
  worker_fixture_retire (fixture, generation);
}

static void
test_cancel_deaf (WorkerFixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = worker_fixture_publish (fixture, 1, "hang-call", "");
  pid_t pid = collet_generation_get_pid (generation);
  g_autoptr (TestCall) call = test_call_new ("hang-call", "{}", 0);

  worker_fixture_dispatch (fixture, call);
  test_wait_ms (20);
  collet_call_target_cancel (collet_slot_as_target (fixture->slot), &call->call);
  test_call_wait (call);
  g_assert_error (call->error, COLLET_ERROR, COLLET_ERROR_CALL_CANCELLED);
  test_wait_until (test_has_no_leases, generation);
  test_wait_until (has_worker, generation);
  g_assert_cmpint (collet_generation_get_pid (generation), !=, pid);
  worker_fixture_retire (fixture, generation);
}

static void
test_cancel_and_timeout_before_start (WorkerFixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = worker_fixture_make (fixture, 1, "hang-constructor", "");
  g_autoptr (TestCall) late = test_call_new ("t", "{}", 50);
  g_autoptr (TestCall) cancelled = test_call_new ("t", "{}", 0);

  g_assert_null (collet_slot_publish (fixture->slot, generation));
  worker_fixture_dispatch (fixture, late);
  worker_fixture_dispatch (fixture, cancelled);
  collet_call_target_cancel (collet_slot_as_target (fixture->slot), &cancelled->call);
  g_assert_cmpint (g_atomic_int_get (&cancelled->n_done), >=, 0);
  test_call_wait (cancelled);
  g_assert_error (cancelled->error, COLLET_ERROR, COLLET_ERROR_CALL_CANCELLED);
  test_call_wait (late);
  g_assert_error (late->error, COLLET_ERROR, COLLET_ERROR_CALL_TIMEOUT);
  worker_fixture_retire (fixture, generation);
}

static void
test_overload (WorkerFixture *fixture, gconstpointer data)
{
  ColletGeneration *generation;
  TestCall *calls[6];
  guint overloaded = 0;

  fixture->config.max_in_flight = 4;
  generation = worker_fixture_publish (fixture, 1, "hang-call", "");
  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    {
      calls[i] = test_call_new ("hang-call", "{}", 200);
      worker_fixture_dispatch (fixture, calls[i]);
    }
  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    {
      test_call_wait (calls[i]);
      overloaded += g_error_matches (calls[i]->error, COLLET_ERROR, COLLET_ERROR_OVERLOADED);
      test_call_free (calls[i]);
    }
  g_assert_cmpuint (overloaded, ==, 2);
  worker_fixture_retire (fixture, generation);
}

#define ADD(name, func)                                                                                      \
  g_test_add ("/host/worker/" name, WorkerFixture, NULL, worker_fixture_set_up, func,                        \
              worker_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("answers-a-call", test_round_trip);
  ADD ("starts-at-the-first-call", test_starts_at_first_call);
  ADD ("passes-large-payloads", test_large_payloads);
  ADD ("names-why-it-cannot-start", test_start_failures_are_named);
  ADD ("ends-a-start-that-hangs", test_start_timeout);
  ADD ("fails-calls-of-a-crash-by-name", test_crash_fails_calls_by_name);
  ADD ("restarts-with-the-snapshot", test_restart_imports_snapshot);
  ADD ("stops-restarting-what-keeps-crashing", test_restart_intensity);
  ADD ("keeps-unsent-calls-through-a-crash", test_queued_calls_survive_crash);
  ADD ("outlives-the-fork-server", test_fork_server_dies);
  ADD ("ends-a-worker-that-does-not-come-back", test_timeout_of_stuck_call);
  ADD ("does-not-blame-a-long-call", test_long_call_is_no_stuck_one);
  ADD ("cancels-running-and-sent-calls", test_cancel_running);
  ADD ("ends-a-call-that-is-deaf-to-cancellation", test_cancel_deaf);
  ADD ("honours-time-and-cancellation-before-the-start", test_cancel_and_timeout_before_start);
  ADD ("refuses-past-its-limit", test_overload);
  return g_test_run ();
}
