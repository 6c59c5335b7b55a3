/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Worker generations with the real collet-worker and real modules. */
#include "collet-module.h"

#include <signal.h>
#include <string.h>

#include "collet-error.h"
#include "collet-slot.h"
#include "collet-test-calls.h"

typedef struct
{
  ColletSpawn *spawn;
  ColletHost *host;
  ColletSlot *slot;
  ColletHostConfig config;
} Fixture;

static char *
module_path (const char *name)
{
  g_autofree char *file = g_strconcat (name, ".so", NULL);
  const char *folder = g_getenv ("COLLET_TEST_MODULES_DIR");
  char *path = g_build_filename (folder, file, NULL);

  if (g_file_test (path, G_FILE_TEST_EXISTS))
    return path;
  g_free (path);
  return g_build_filename (g_getenv ("COLLET_EXAMPLES_DIR"), file, NULL);
}

static void
fixture_set_up (Fixture *fixture, gconstpointer data)
{
  const char *readable[] = { g_getenv ("COLLET_TEST_MODULES_DIR"), g_getenv ("COLLET_EXAMPLES_DIR"), NULL };
  g_autoptr (GError) error = NULL;

  fixture->spawn = collet_spawn_new (g_getenv ("COLLET_WORKER"), readable, TRUE, &error);
  g_assert_no_error (error);
  collet_host_config_init (&fixture->config);
  fixture->config.limits.address_space = 0;
  fixture->config.grace_ms = 200;
  fixture->config.step_timeout_ms = 2000;
  fixture->slot = collet_slot_new ("m", 1000);
}

static void
ensure_host (Fixture *fixture)
{
  if (fixture->host == NULL)
    fixture->host = collet_host_new (fixture->spawn, &fixture->config);
}

static ColletGeneration *
make (Fixture *fixture, guint64 number, const char *file, const char *members)
{
  g_autofree char *path = module_path (file);

  ensure_host (fixture);
  return collet_host_create (fixture->host, COLLET_HOST_WORKER,
                             test_spec_new (number, "m", "1.0.0", members, path));
}

/* Published and, unless it is lazy, started. */
static ColletGeneration *
publish (Fixture *fixture, guint64 number, const char *file, const char *members)
{
  ColletGeneration *generation = make (fixture, number, file, members);
  g_autoptr (GError) error = NULL;

  test_start (generation, &error);
  g_assert_no_error (error);
  g_assert_null (collet_slot_publish (fixture->slot, generation));
  return generation;
}

static void
retire (Fixture *fixture, ColletGeneration *generation)
{
  g_autoptr (ColletGeneration) former = collet_slot_publish (fixture->slot, NULL);

  g_assert_true (former == NULL || former == generation);
  if (collet_generation_get_state (generation) < COLLET_GENERATION_RETIRING)
    test_retire (generation, 2000);
  g_object_unref (generation);
}

static void
fixture_tear_down (Fixture *fixture, gconstpointer data)
{
  g_clear_pointer (&fixture->slot, collet_slot_unref);
  g_clear_object (&fixture->host);
  g_assert_finalize_object (fixture->spawn);
}

static TestCall *
run (Fixture *fixture, const char *tool, const char *arguments, guint deadline_ms)
{
  return test_call_run (collet_slot_as_target (fixture->slot), tool, arguments, deadline_ms);
}

static void
dispatch (Fixture *fixture, TestCall *call)
{
  collet_call_target_dispatch (collet_slot_as_target (fixture->slot), &call->call);
}

static const char stateful[] = "\"state\":{\"format\":1},";

static gboolean
has_no_leases (gpointer data)
{
  ColletGenerationStats stats;

  collet_generation_get_stats (data, &stats);
  return stats.in_flight == 0;
}

/* Calls */

static void
test_round_trip (Fixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = publish (fixture, 7, "echo-1.0.0", "");
  g_autoptr (TestCall) call = run (fixture, "echo", "{\"x\":[1,2.50]}", 5000);
  ColletGenerationStats stats;

  g_assert_no_error (call->error);
  g_assert_nonnull (strstr (call->json, "{\"x\":[1,2.50]}"));
  g_assert_cmpuint (call->generation, ==, 7);
  g_assert_cmpint (call->run_us, >, 0);
  test_wait_until (has_no_leases, generation);
  collet_generation_get_stats (generation, &stats);
  g_assert_cmpuint (stats.calls, ==, 1);
  g_assert_cmpuint (stats.errors, ==, 0);
  retire (fixture, generation);
}

static void
test_starts_at_first_call (Fixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = make (fixture, 1, "echo-1.0.0", "");
  g_autoptr (TestCall) call = NULL;

  g_assert_null (collet_slot_publish (fixture->slot, generation));
  g_assert_cmpint (collet_generation_get_state (generation), ==, COLLET_GENERATION_COLD);
  call = run (fixture, "echo", "{}", 5000);
  g_assert_no_error (call->error);
  g_assert_cmpint (collet_generation_get_state (generation), ==, COLLET_GENERATION_READY);
  g_assert_cmpint (collet_generation_get_pid (generation), >, 0);
  retire (fixture, generation);
}

static void
test_large_payloads (Fixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = publish (fixture, 1, "echo-1.0.0", "");
  g_autofree char *text = g_strnfill (1000000, 'a');
  g_autofree char *arguments = g_strdup_printf ("{\"x\":\"%s\"}", text);
  g_autoptr (TestCall) call = run (fixture, "echo", arguments, 5000);

  g_assert_no_error (call->error);
  g_assert_nonnull (strstr (call->json, arguments));
  retire (fixture, generation);
}

static void
test_start_failures_are_named (Fixture *fixture, gconstpointer data)
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
      g_autoptr (ColletGeneration) generation = make (fixture, i, faults[i].file, "");
      g_autoptr (GError) error = NULL;

      g_assert_false (test_start (generation, &error));
      g_test_message ("%s: %s", faults[i].file, error->message);
      g_assert_error (error, COLLET_ERROR, faults[i].code);
      g_assert_cmpint (collet_generation_get_state (generation), ==, COLLET_GENERATION_COLD);
      test_retire (generation, 0);
    }
}

static void
test_start_timeout (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ColletGeneration) generation = NULL;
  g_autoptr (GError) error = NULL;

  fixture->config.start_timeout_ms = 200;
  generation = make (fixture, 1, "hang-constructor", "");
  g_assert_false (test_start (generation, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_TIMEOUT);
  g_assert_cmpint (collet_generation_get_pid (generation), ==, 0);
  test_retire (generation, 0);
}

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
test_crash_fails_calls_by_name (Fixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = publish (fixture, 1, "crash-call", "");
  Crashes crashes = { 0 };
  g_autoptr (TestCall) call = NULL;

  g_signal_connect (generation, "crashed", G_CALLBACK (on_crashed), &crashes);
  call = run (fixture, "crash-call", "{}", 5000);
  g_test_message ("%s", call->error->message);
  g_assert_error (call->error, COLLET_ERROR, COLLET_ERROR_WORKER_CRASHED);
  g_assert_nonnull (strstr (call->error->message, "SIGSEGV"));
  g_assert_nonnull (strstr (call->error->message, "m 1.0.0"));
  g_assert_nonnull (strstr (call->error->message, "1 call"));
  g_assert_cmpuint (crashes.n, ==, 1);
  g_assert_true (crashes.will_restart);
  g_free (crashes.message);
  g_signal_handlers_disconnect_by_data (generation, &crashes);
  retire (fixture, generation);
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
test_restart_imports_snapshot (Fixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = publish (fixture, 1, "counter-1.0.0", stateful);
  gint64 count = 41;
  g_autoptr (GBytes) snapshot = g_bytes_new (&count, sizeof count);
  g_autoptr (TestCall) first = run (fixture, "count", "{\"by\":5}", 5000);
  g_autoptr (TestCall) second = NULL;

  g_assert_nonnull (strstr (first->json, "{\"count\":5}"));
  collet_generation_set_snapshot (generation, snapshot);
  kill (collet_generation_get_pid (generation), SIGKILL);
  test_wait_until (has_no_worker, generation);
  g_assert_cmpint (collet_generation_get_state (generation), ==, COLLET_GENERATION_RESTARTING);
  second = run (fixture, "count", "{}", 5000); /* waits for the new worker */
  g_assert_no_error (second->error);
  g_assert_nonnull (strstr (second->json, "{\"count\":42}"));
  retire (fixture, generation);
}

static void
test_restart_intensity (Fixture *fixture, gconstpointer data)
{
  Crashes crashes = { 0 };
  ColletGeneration *generation;
  g_autoptr (TestCall) late = NULL;

  fixture->config.restart_burst = 3;
  generation = publish (fixture, 1, "crash-call", "");
  g_signal_connect (generation, "crashed", G_CALLBACK (on_crashed), &crashes);
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (TestCall) call = run (fixture, "crash-call", "{}", 5000);

      g_assert_error (call->error, COLLET_ERROR, COLLET_ERROR_WORKER_CRASHED);
    }
  late = run (fixture, "crash-call", "{}", 5000);
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
  retire (fixture, generation);
}

static void
test_queued_calls_survive_crash (Fixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = publish (fixture, 1, "countdown", "");
  TestCall *calls[200];
  guint crashed = 0, answered = 0;

  /* More than a worker is sent at a time. */
  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    {
      calls[i] =
          test_call_new ("countdown", i == 0 ? "{\"from\":1,\"interval_ms\":200}" : "{\"from\":0}", 10000);
      dispatch (fixture, calls[i]);
    }
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
  retire (fixture, generation);
}

/* The whole family goes; each call is told within the second, not after the
 * patience with a fork server that says nothing. */
static void
test_fork_server_dies (Fixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = publish (fixture, 1, "countdown", "");
  g_autoptr (TestCall) call = test_call_new ("countdown", "{\"from\":100,\"interval_ms\":100}", 20000);
  g_autoptr (TestCall) after = NULL;
  g_autofree char *path = g_strdup_printf ("/proc/%d/stat", (int)collet_generation_get_pid (generation));
  g_autofree char *text = NULL;
  gint64 began;

  dispatch (fixture, call);
  test_wait_ms (20);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_test_expect_message (NULL, G_LOG_LEVEL_WARNING, "*fork server ended*");
  began = g_get_monotonic_time ();
  kill ((pid_t)g_ascii_strtoll (strrchr (text, ')') + 4, NULL, 10), SIGKILL);
  test_call_wait (call);
  g_assert_error (call->error, COLLET_ERROR, COLLET_ERROR_WORKER_CRASHED);
  g_assert_cmpint (g_get_monotonic_time () - began, <, G_USEC_PER_SEC);
  after = run (fixture, "countdown", "{\"from\":0}", 10000);
  g_assert_no_error (after->error);
  g_test_assert_expected_messages ();
  retire (fixture, generation);
}

/* Time */

static void
test_timeout_of_stuck_call (Fixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = publish (fixture, 1, "hang-call", "");
  pid_t pid = collet_generation_get_pid (generation);
  g_autoptr (TestCall) stuck = test_call_new ("hang-call", "{}", 100);
  g_autoptr (TestCall) behind = test_call_new ("hang-call", "{}", 10000);
  gint64 began = g_get_monotonic_time ();
  Crashes crashes = { 0 };

  g_signal_connect (generation, "crashed", G_CALLBACK (on_crashed), &crashes);
  dispatch (fixture, stuck);
  dispatch (fixture, behind);
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
  retire (fixture, generation);
}

/* A call that may run for long is not punished for those that wait behind it. */
static void
test_long_call_is_no_stuck_one (Fixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = publish (fixture, 1, "countdown", "");
  g_autoptr (TestCall) running = test_call_new ("countdown", "{\"from\":8,\"interval_ms\":100}", 10000);
  g_autoptr (TestCall) behind = test_call_new ("countdown", "{\"from\":1}", 50);

  dispatch (fixture, running);
  dispatch (fixture, behind);
  test_call_wait (behind);
  g_assert_error (behind->error, COLLET_ERROR, COLLET_ERROR_CALL_TIMEOUT);
  test_call_wait (running);
  g_assert_no_error (running->error);
  g_assert_nonnull (strstr (running->json, "content"));
  test_wait_until (has_no_leases, generation);
  retire (fixture, generation);
}

static void
test_cancel_running (Fixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = publish (fixture, 1, "countdown", "");
  g_autoptr (TestCall) call = test_call_new ("countdown", "{\"from\":50,\"interval_ms\":100}", 20000);
  g_autoptr (TestCall) behind = test_call_new ("countdown", "{\"from\":50,\"interval_ms\":100}", 20000);

  call->call.wants_progress = TRUE;
  dispatch (fixture, call);
  dispatch (fixture, behind);
  test_wait_ms (50);
  collet_call_target_cancel (collet_slot_as_target (fixture->slot), &behind->call);
  collet_call_target_cancel (collet_slot_as_target (fixture->slot), &call->call);
  test_call_wait (call);
  g_assert_no_error (call->error);
  g_assert_true (call->is_cancelled);
  g_assert_cmpint (call->n_progress, >, 0);
  test_call_wait (behind);
  g_assert_true (behind->is_cancelled);
  retire (fixture, generation);
}

static void
test_cancel_deaf (Fixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = publish (fixture, 1, "hang-call", "");
  pid_t pid = collet_generation_get_pid (generation);
  g_autoptr (TestCall) call = test_call_new ("hang-call", "{}", 0);

  dispatch (fixture, call);
  test_wait_ms (20);
  collet_call_target_cancel (collet_slot_as_target (fixture->slot), &call->call);
  test_call_wait (call);
  g_assert_error (call->error, COLLET_ERROR, COLLET_ERROR_CALL_CANCELLED);
  test_wait_until (has_no_leases, generation);
  test_wait_until (has_worker, generation);
  g_assert_cmpint (collet_generation_get_pid (generation), !=, pid);
  retire (fixture, generation);
}

static void
test_cancel_and_timeout_before_start (Fixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = make (fixture, 1, "hang-constructor", "");
  g_autoptr (TestCall) late = test_call_new ("t", "{}", 50);
  g_autoptr (TestCall) cancelled = test_call_new ("t", "{}", 0);

  g_assert_null (collet_slot_publish (fixture->slot, generation));
  dispatch (fixture, late);
  dispatch (fixture, cancelled);
  collet_call_target_cancel (collet_slot_as_target (fixture->slot), &cancelled->call);
  g_assert_cmpint (g_atomic_int_get (&cancelled->n_done), >=, 0);
  test_call_wait (cancelled);
  g_assert_error (cancelled->error, COLLET_ERROR, COLLET_ERROR_CALL_CANCELLED);
  test_call_wait (late);
  g_assert_error (late->error, COLLET_ERROR, COLLET_ERROR_CALL_TIMEOUT);
  retire (fixture, generation);
}

static void
test_overload (Fixture *fixture, gconstpointer data)
{
  ColletGeneration *generation;
  TestCall *calls[6];
  guint overloaded = 0;

  fixture->config.max_in_flight = 4;
  generation = publish (fixture, 1, "hang-call", "");
  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    {
      calls[i] = test_call_new ("hang-call", "{}", 200);
      dispatch (fixture, calls[i]);
    }
  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    {
      test_call_wait (calls[i]);
      overloaded += g_error_matches (calls[i]->error, COLLET_ERROR, COLLET_ERROR_OVERLOADED);
      test_call_free (calls[i]);
    }
  g_assert_cmpuint (overloaded, ==, 2);
  retire (fixture, generation);
}

/* Steps */

static GBytes *
export_state (ColletGeneration *generation, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  collet_generation_export_state_async (generation, NULL, test_store_result, &result);
  return collet_generation_export_state_finish (generation, test_wait_result (&result), error);
}

static gboolean
import_state (ColletGeneration *generation, GBytes *state, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  collet_generation_import_state_async (generation, state, NULL, test_store_result, &result);
  return collet_generation_import_state_finish (generation, test_wait_result (&result), error);
}

static GBytes *
code_change (ColletGeneration *generation, int direction, guint32 format, GBytes *state, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  collet_generation_code_change_async (generation, direction, format, state, NULL, test_store_result,
                                       &result);
  return collet_generation_code_change_finish (generation, test_wait_result (&result), error);
}

static void
test_state_is_handed_on (Fixture *fixture, gconstpointer data)
{
  ColletGeneration *old = publish (fixture, 1, "counter-1.0.0", stateful);
  ColletGeneration *new = make (fixture, 2, "counter-4.0.0", "\"state\":{\"format\":2},");
  g_autoptr (TestCall) before = run (fixture, "count", "{\"by\":1000}", 5000);
  g_autoptr (TestCall) after = NULL;
  g_autoptr (GAsyncResult) quiesced = NULL;
  g_autoptr (GBytes) state = NULL, migrated = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (ColletGeneration) former = NULL;
  TestCall *waiting;

  g_assert_true (test_start (new, &error));
  collet_slot_quiesce_async (fixture->slot, 1000, NULL, test_store_result, &quiesced);
  g_assert_true (collet_slot_quiesce_finish (fixture->slot, test_wait_result (&quiesced), &error));
  waiting = test_call_new ("count", "{\"by\":1}", 5000);
  dispatch (fixture, waiting);
  g_assert_cmpuint (collet_slot_get_waiting (fixture->slot), ==, 1);

  state = export_state (old, &error);
  g_assert_no_error (error);
  migrated = code_change (new, COLLET_UP, 1, state, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (g_bytes_get_data (migrated, NULL), g_bytes_get_size (migrated), "1000", 4);
  g_assert_true (import_state (new, migrated, &error));
  former = collet_slot_publish (fixture->slot, new);
  g_assert_true (former == old);
  g_assert_cmpint (collet_slot_get_pause_us (fixture->slot), >, 0);

  test_call_wait (waiting);
  g_assert_cmpuint (waiting->generation, ==, 2);
  g_assert_nonnull (strstr (waiting->json, "{\"count\":1001}"));
  test_call_free (waiting);
  after = run (fixture, "count", "{\"by\":1}", 5000);
  g_assert_nonnull (strstr (after->json, "{\"count\":1002}"));
  test_retire (old, 1000);
  g_object_unref (old);
  retire (fixture, new);
}

static void
test_failing_steps_give_reasons (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const char *file, *words;
    int code;
  } faults[] = {
    { "counter-fail-code-change", "this version never migrates", COLLET_ERROR_STATE_MIGRATION_FAILED },
    { "counter-crash-code-change", "SIGABRT", COLLET_ERROR_STATE_MIGRATION_FAILED },
    { "counter-hang-code-change", "did not end within", COLLET_ERROR_TIMEOUT },
  };
  g_autoptr (GBytes) state = g_bytes_new ("12345678", 8);

  fixture->config.step_timeout_ms = 300;
  for (guint i = 0; i < G_N_ELEMENTS (faults); i++)
    {
      ColletGeneration *generation = make (fixture, i, faults[i].file, "\"state\":{\"format\":2},");
      g_autoptr (GError) error = NULL;

      g_assert_true (test_start (generation, NULL));
      g_assert_null (code_change (generation, COLLET_UP, 1, state, &error));
      g_test_message ("%s", error->message);
      g_assert_error (error, COLLET_ERROR, faults[i].code);
      g_assert_nonnull (strstr (error->message, faults[i].words));
      test_retire (generation, 1000);
      g_object_unref (generation);
    }
}

static void
test_self_test (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const char *file;
    int code;
  } cases[] = { { "echo-1.0.0", -1 },
                { "fail-self-test", COLLET_ERROR_SELF_TEST_FAILED },
                { "crash-self-test", COLLET_ERROR_SELF_TEST_FAILED },
                { "hang-self-test", COLLET_ERROR_TIMEOUT } };

  fixture->config.step_timeout_ms = 300;
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ColletGeneration *generation = make (fixture, i, cases[i].file, "");
      g_autoptr (GAsyncResult) result = NULL;
      g_autoptr (GError) error = NULL;

      g_assert_true (test_start (generation, NULL));
      collet_generation_self_test_async (generation, NULL, test_store_result, &result);
      if (collet_generation_self_test_finish (generation, test_wait_result (&result), &error))
        g_assert_cmpint (cases[i].code, ==, -1);
      else
        g_assert_error (error, COLLET_ERROR, cases[i].code);
      test_retire (generation, 1000);
      g_object_unref (generation);
    }
}

/* Retirement */

static void
test_retire_waits_for_calls (Fixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = publish (fixture, 1, "countdown", "");
  g_autoptr (TestCall) call = test_call_new ("countdown", "{\"from\":3,\"interval_ms\":100}", 10000);
  g_autoptr (ColletGeneration) former = NULL;
  ColletRetirement report;

  dispatch (fixture, call);
  former = collet_slot_publish (fixture->slot, NULL);
  report = test_retire (generation, 10000);
  g_assert_cmpint (call->n_done, ==, 1);
  g_assert_no_error (call->error);
  g_assert_false (report.killed);
  g_assert_cmpuint (report.calls_ended, ==, 0);
  g_assert_true (report.unloaded);
  g_assert_cmpint (report.drain_us, >, 200000);
  g_assert_cmpint (collet_generation_get_state (generation), ==, COLLET_GENERATION_RETIRED);
  g_object_unref (generation);
}

static void
test_retire_ends_stuck_calls (Fixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = publish (fixture, 1, "hang-call", "");
  g_autoptr (TestCall) first = test_call_new ("hang-call", "{}", 0);
  g_autoptr (TestCall) second = test_call_new ("hang-call", "{}", 0);
  g_autoptr (ColletGeneration) former = NULL;
  ColletRetirement report;

  dispatch (fixture, first);
  dispatch (fixture, second);
  former = collet_slot_publish (fixture->slot, NULL);
  report = test_retire (generation, 100);
  g_assert_error (first->error, COLLET_ERROR, COLLET_ERROR_DRAIN_TIMEOUT);
  g_assert_error (second->error, COLLET_ERROR, COLLET_ERROR_DRAIN_TIMEOUT);
  g_assert_true (report.killed);
  g_assert_cmpuint (report.calls_ended, ==, 2);
  g_object_unref (generation);
}

static void
test_host_goes_with_calls (Fixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = publish (fixture, 1, "hang-call", "");
  g_autoptr (TestCall) call = test_call_new ("hang-call", "{}", 0);
  g_autoptr (ColletGeneration) former = NULL;

  dispatch (fixture, call);
  former = collet_slot_publish (fixture->slot, NULL);
  g_clear_object (&fixture->host);
  g_assert_cmpint (call->n_done, ==, 1);
  g_assert_error (call->error, COLLET_ERROR, COLLET_ERROR_SHUTTING_DOWN);
  g_object_unref (generation);
}

#define ADD(name, func)                                                                                      \
  g_test_add ("/host/worker/" name, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

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
  ADD ("hands-state-on", test_state_is_handed_on);
  ADD ("nests-the-reason-of-a-failed-step", test_failing_steps_give_reasons);
  ADD ("runs-the-self-test", test_self_test);
  ADD ("retires-after-its-calls", test_retire_waits_for_calls);
  ADD ("ends-stuck-calls-when-it-must-go", test_retire_ends_stuck_calls);
  ADD ("ends-everything-with-the-host", test_host_goes_with_calls);
  return g_test_run ();
}
