/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Worker generations with the real collet-worker and real modules: state, self-test, retirement. */
#include "collet-module.h"

#include <string.h>

#include "collet-error.h"
#include "collet-worker-fixture.h"

static const char stateful[] = "\"state\":{\"format\":1},";

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
test_state_is_handed_on (WorkerFixture *fixture, gconstpointer data)
{
  ColletGeneration *old = worker_fixture_publish (fixture, 1, "counter-1.0.0", stateful);
  ColletGeneration *new = worker_fixture_make (fixture, 2, "counter-4.0.0", "\"state\":{\"format\":2},");
  g_autoptr (TestCall) before = worker_fixture_run (fixture, "count", "{\"by\":1000}", 5000);
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
  worker_fixture_dispatch (fixture, waiting);
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
  after = worker_fixture_run (fixture, "count", "{\"by\":1}", 5000);
  g_assert_nonnull (strstr (after->json, "{\"count\":1002}"));
  test_retire (old, 1000);
  g_object_unref (old);
  worker_fixture_retire (fixture, new);
}

static void
test_failing_steps_give_reasons (WorkerFixture *fixture, gconstpointer data)
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
      ColletGeneration *generation =
          worker_fixture_make (fixture, i, faults[i].file, "\"state\":{\"format\":2},");
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
test_self_test (WorkerFixture *fixture, gconstpointer data)
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
      ColletGeneration *generation = worker_fixture_make (fixture, i, cases[i].file, "");
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

/* A step that nobody waits for any more does not hold the retirement up. */
static void
test_abandoned_step (WorkerFixture *fixture, gconstpointer data)
{
  ColletGeneration *generation;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  gint64 began;

  fixture->config.step_timeout_ms = 30000;
  generation = worker_fixture_make (fixture, 1, "hang-self-test", "");
  g_assert_true (test_start (generation, NULL));
  collet_generation_self_test_async (generation, cancellable, test_store_result, &result);
  test_wait_ms (20);
  g_cancellable_cancel (cancellable);
  g_assert_false (collet_generation_self_test_finish (generation, test_wait_result (&result), &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_CANCELLED);
  began = g_get_monotonic_time ();
  g_assert_true (test_retire (generation, 0).killed);
  g_assert_cmpint (g_get_monotonic_time () - began, <, G_USEC_PER_SEC);
  g_clear_object (&result);
  g_object_unref (generation);
}

/* Retirement */

static void
test_retire_waits_for_calls (WorkerFixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = worker_fixture_publish (fixture, 1, "countdown", "");
  g_autoptr (TestCall) call = test_call_new ("countdown", "{\"from\":3,\"interval_ms\":100}", 10000);
  g_autoptr (ColletGeneration) former = NULL;
  ColletRetirement report;

  worker_fixture_dispatch (fixture, call);
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
test_retire_ends_stuck_calls (WorkerFixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = worker_fixture_publish (fixture, 1, "hang-call", "");
  g_autoptr (TestCall) first = test_call_new ("hang-call", "{}", 0);
  g_autoptr (TestCall) second = test_call_new ("hang-call", "{}", 0);
  g_autoptr (ColletGeneration) former = NULL;
  ColletRetirement report;

  worker_fixture_dispatch (fixture, first);
  worker_fixture_dispatch (fixture, second);
  former = collet_slot_publish (fixture->slot, NULL);
  report = test_retire (generation, 100);
  g_assert_error (first->error, COLLET_ERROR, COLLET_ERROR_DRAIN_TIMEOUT);
  g_assert_error (second->error, COLLET_ERROR, COLLET_ERROR_DRAIN_TIMEOUT);
  g_assert_true (report.killed);
  g_assert_cmpuint (report.calls_ended, ==, 2);
  g_object_unref (generation);
}

static void
test_host_goes_with_calls (WorkerFixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = worker_fixture_publish (fixture, 1, "hang-call", "");
  g_autoptr (TestCall) call = test_call_new ("hang-call", "{}", 0);
  g_autoptr (ColletGeneration) former = NULL;

  worker_fixture_dispatch (fixture, call);
  former = collet_slot_publish (fixture->slot, NULL);
  g_clear_object (&fixture->host);
  g_assert_cmpint (call->n_done, ==, 1);
  g_assert_error (call->error, COLLET_ERROR, COLLET_ERROR_SHUTTING_DOWN);
  g_object_unref (generation);
}

#define ADD(name, func)                                                                                      \
  g_test_add ("/host/worker/" name, WorkerFixture, NULL, worker_fixture_set_up, func,                        \
              worker_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("hands-state-on", test_state_is_handed_on);
  ADD ("nests-the-reason-of-a-failed-step", test_failing_steps_give_reasons);
  ADD ("runs-the-self-test", test_self_test);
  ADD ("retires-after-its-calls", test_retire_waits_for_calls);
  ADD ("ends-stuck-calls-when-it-must-go", test_retire_ends_stuck_calls);
  ADD ("ends-everything-with-the-host", test_host_goes_with_calls);
  ADD ("does-not-wait-for-an-abandoned-step", test_abandoned_step);
  return g_test_run ();
}
