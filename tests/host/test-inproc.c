/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Generations inside this process. */
#include "collet-module.h"

#include <string.h>

#include "collet-error.h"
#include "collet-slot.h"
#include "collet-test-calls.h"

typedef struct
{
  ColletHost *host;
  ColletSlot *slot;
  ColletHostConfig config;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  collet_host_config_init (&fixture->config);
  fixture->config.grace_ms = 100;
  fixture->config.step_timeout_ms = 300;
  fixture->slot = collet_slot_new ("m", 100);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  collet_slot_unref (fixture->slot);
  g_clear_object (&fixture->host);
}

static ColletGeneration *
make (Fixture *fixture, const char *folder, const char *file, const char *members)
{
  g_autofree char *name = g_strconcat (file, ".so", NULL);
  g_autofree char *path = g_build_filename (g_getenv (folder), name, NULL);

  if (fixture->host == NULL)
    fixture->host = collet_host_new (NULL, &fixture->config);
  return collet_host_create (fixture->host, COLLET_HOST_IN_PROCESS,
                             test_spec_new (1, "m", "1.0.0", members, path));
}

static ColletGeneration *
publish (Fixture *fixture, const char *folder, const char *file, const char *members)
{
  ColletGeneration *generation = make (fixture, folder, file, members);

  g_assert_null (collet_slot_publish (fixture->slot, generation));
  return generation;
}

static ColletRetirement
retire (Fixture *fixture, ColletGeneration *generation, guint deadline_ms)
{
  g_autoptr (ColletGeneration) former = collet_slot_publish (fixture->slot, NULL);
  ColletRetirement report = test_retire (generation, deadline_ms);

  g_object_unref (generation);
  return report;
}

static TestCall *
run (Fixture *fixture, const char *tool, const char *arguments, guint deadline_ms)
{
  return test_call_run (collet_slot_as_target (fixture->slot), tool, arguments, deadline_ms);
}

static void
test_calls (Fixture *fixture, gconstpointer data)
{
  ColletGeneration *generation =
      publish (fixture, "COLLET_TEST_MODULES_DIR", "echo-1.0.0", "\"concurrent\":true,");
  ColletRetirement report;

  for (guint i = 0; i < 100; i++)
    {
      g_autofree char *arguments = g_strdup_printf ("{\"i\":%u}", i);
      g_autoptr (TestCall) call = run (fixture, "echo", arguments, 5000);

      g_assert_no_error (call->error);
      g_assert_nonnull (strstr (call->json, arguments));
      g_assert_cmpuint (call->generation, ==, 1);
    }
  report = retire (fixture, generation, 1000);
  g_assert_false (report.killed);
  g_assert_true (report.unloaded);
}

/* *here: by this thread, where that is allowed. */
static TestCall *
run_here (Fixture *fixture, const char *tool, guint deadline_ms, gboolean *here)
{
  TestCall *call = test_call_new (tool, "{\"by\":1}", deadline_ms);

  call->call.may_run_here = TRUE;
  call->call.wants_progress = TRUE;
  collet_call_target_dispatch (collet_slot_as_target (fixture->slot), &call->call);
  test_call_wait (call);
  *here = call->answered_by == g_thread_self ();
  return call;
}

static gboolean
is_answered_here (Fixture *fixture, const char *tool)
{
  gboolean here;
  g_autoptr (TestCall) call = run_here (fixture, tool, 5000, &here);

  g_assert_no_error (call->error);
  return here;
}

static ColletGeneration *
publish_quick (Fixture *fixture, const char *file, const char *members)
{
  g_autofree char *all = g_strconcat ("\"quick\":true,", members, NULL);
  ColletGeneration *generation = publish (fixture, "COLLET_TEST_MODULES_DIR", file, all);

  g_assert_true (test_start (generation, NULL));
  g_assert_cmpint (collet_generation_get_promise (generation), ==, COLLET_PROMISE_KEPT);
  return generation;
}

static void
expect_broken (const char *why)
{
  g_autofree char *pattern = g_strconcat ("*says in its manifest that it is quick, but*", why, "*", NULL);

  g_test_expect_message (NULL, G_LOG_LEVEL_WARNING, pattern);
}

/* Everything goes on, in threads of its own. */
static void
assert_broken (Fixture *fixture, ColletGeneration *generation)
{
  g_assert_cmpint (collet_generation_get_promise (generation), ==, COLLET_PROMISE_BROKEN);
  retire (fixture, generation, 5000);
  g_test_assert_expected_messages ();
}

static void
test_quick_calls (Fixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = publish_quick (fixture, "counter-1.0.0", "\"state\":{\"format\":1},");
  g_autoptr (GAsyncResult) exported = NULL;
  g_autoptr (TestCall) after = NULL;
  g_autoptr (GBytes) state = NULL;
  guint calls = 200, here = 0;
  g_autofree char *expected = NULL;
  ColletGenerationStats stats;

  /* Not while a thread of the pool is leaving a job. */
  for (; here < 100; calls++)
    here += is_answered_here (fixture, "count");
  for (guint i = 0; i < 100; i++)
    test_call_free (run (fixture, "count", "{\"by\":1}", 5000)); /* by the pool */
  /* The state is exported between calls, never during one. */
  collet_generation_export_state_async (generation, NULL, test_store_result, &exported);
  for (guint i = 0; i < 100; i++)
    is_answered_here (fixture, "count");
  state = collet_generation_export_state_finish (generation, test_wait_result (&exported), NULL);
  g_assert_nonnull (state);
  after = run (fixture, "count_get", "{}", 5000);
  expected = g_strdup_printf ("{\"count\":%u}", calls);
  g_assert_nonnull (strstr (after->json, expected));
  collet_generation_get_stats (generation, &stats);
  g_assert_cmpuint (stats.calls, ==, calls + 1);
  g_assert_cmpuint (stats.errors, ==, 0);
  retire (fixture, generation, 1000);
}

static void
test_no_promise (Fixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = publish (fixture, "COLLET_TEST_MODULES_DIR", "echo-1.0.0", "");

  g_assert_cmpint (collet_generation_get_promise (generation), ==, COLLET_PROMISE_NONE);
  g_assert_true (test_start (generation, NULL));
  g_assert_false (is_answered_here (fixture, "echo"));
  retire (fixture, generation, 1000);
}

/* A few slow calls are forgiven: the processor may have been taken away. */
static void
test_slow (Fixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = publish_quick (fixture, "echo-not-quick", "");
  guint calls = 0, here = 0;

  expect_broken ("took more than 1 ms");
  for (; collet_generation_get_promise (generation) == COLLET_PROMISE_KEPT; calls++)
    here += is_answered_here (fixture, "echo");
  g_assert_cmpuint (calls, >=, COLLET_QUICK_STRIKES);
  /* But the first, perhaps, while a thread of the pool is leaving `init`. */
  g_assert_cmpuint (here, >=, calls - 1);
  g_assert_false (is_answered_here (fixture, "echo"));
  assert_broken (fixture, generation);
}

static void
test_very_slow (Fixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = publish_quick (fixture, "echo-hangs", "");

  expect_broken ("half a second");
  is_answered_here (fixture, "echo");
  assert_broken (fixture, generation);
}

static void
test_progress (Fixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = publish_quick (fixture, "echo-talks", "");
  gboolean here;
  g_autoptr (TestCall) call = NULL;

  expect_broken ("reported progress");
  call = run_here (fixture, "echo", 5000, &here);
  g_assert_cmpint (g_atomic_int_get (&call->n_progress), ==, 1);
  g_assert_false (is_answered_here (fixture, "echo"));
  assert_broken (fixture, generation);
}

static void
test_questions (Fixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = publish_quick (fixture, "asker-quick", "");

  expect_broken ("asked its client");
  is_answered_here (fixture, "ask");
  g_assert_false (is_answered_here (fixture, "ask"));
  assert_broken (fixture, generation);
}

/* Its time is over on the thread of who asked: the answer is the one that is due. */
static void
test_time_out (Fixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = publish_quick (fixture, "echo-until-told", "");

  expect_broken ("told to stop");
  /* Its time may be over before it begins. */
  while (collet_generation_get_promise (generation) == COLLET_PROMISE_KEPT)
    {
      gboolean here;
      g_autoptr (TestCall) call = run_here (fixture, "echo", 50, &here);

      g_assert_true (call->is_cancelled ||
                     g_error_matches (call->error, COLLET_ERROR, COLLET_ERROR_CALL_TIMEOUT));
    }
  assert_broken (fixture, generation);
}

static gpointer
run_hanging_call (gpointer data)
{
  g_autoptr (TestCall) call = test_call_new ("echo", "{}", 0);

  call->call.may_run_here = TRUE;
  collet_call_target_dispatch (collet_slot_as_target (((Fixture *)data)->slot), &call->call);
  while (g_atomic_int_get (&call->n_done) == 0)
    g_usleep (1000);
  return NULL;
}

static gboolean
is_called (gpointer data)
{
  ColletGenerationStats stats;

  collet_generation_get_stats (data, &stats);
  return stats.in_flight > 0;
}

/* A call that hangs takes one thread of those who ask, not all. */
static void
test_hanging (Fixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = publish_quick (fixture, "echo-hangs", "\"concurrent\":true,");
  GThread *thread = g_thread_new ("asker", run_hanging_call, fixture);

  test_wait_until (is_called, generation);
  test_wait_ms (600);
  expect_broken ("has not come back");
  g_assert_false (is_answered_here (fixture, "echo"));
  g_thread_join (thread);
  assert_broken (fixture, generation);
}

static void
test_start_failure (Fixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = publish (fixture, "COLLET_TEST_MODULES_DIR", "fail-init", "");
  g_autoptr (GError) error = NULL;
  g_autoptr (TestCall) call = run (fixture, "t", "{}", 5000);

  g_assert_error (call->error, COLLET_ERROR, COLLET_ERROR_WORKER_UNAVAILABLE);
  g_assert_false (test_start (generation, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_VALIDATION_FAILED);
  retire (fixture, generation, 0);
}

static void
test_resident_module_is_reported (Fixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = publish (fixture, "COLLET_TEST_MODULES_DIR", "nodelete", "");
  g_autoptr (TestCall) call = run (fixture, "nodelete", "{}", 5000);
  ColletRetirement report = retire (fixture, generation, 0);

  g_assert_no_error (call->error);
  g_assert_false (report.killed);
  g_assert_false (report.unloaded);
}

static void
test_time_and_cancellation (Fixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = publish (fixture, "COLLET_EXAMPLES_DIR", "countdown", "");
  g_autoptr (TestCall) running = test_call_new ("countdown", "{\"from\":100,\"interval_ms\":20}", 10000);
  g_autoptr (TestCall) late = test_call_new ("countdown", "{\"from\":1}", 40);
  g_autoptr (TestCall) behind = test_call_new ("countdown", "{\"from\":1}", 10000);
  ColletCallTarget *target = collet_slot_as_target (fixture->slot);

  running->call.wants_progress = TRUE;
  collet_call_target_dispatch (target, &running->call);
  collet_call_target_dispatch (target, &late->call);
  collet_call_target_dispatch (target, &behind->call);
  test_call_wait (late);
  g_assert_error (late->error, COLLET_ERROR, COLLET_ERROR_CALL_TIMEOUT);
  collet_call_target_cancel (target, &behind->call);
  test_call_wait (behind);
  g_assert_error (behind->error, COLLET_ERROR, COLLET_ERROR_CALL_CANCELLED);
  collet_call_target_cancel (target, &running->call);
  test_call_wait (running);
  g_assert_true (running->is_cancelled);
  g_assert_cmpint (running->n_progress, >, 0);
  retire (fixture, generation, 1000);
}

static void
test_steps (Fixture *fixture, gconstpointer data)
{
  ColletGeneration *generation =
      publish (fixture, "COLLET_TEST_MODULES_DIR", "counter-1.0.0", "\"state\":{\"format\":1},");
  g_autoptr (TestCall) call = run (fixture, "count", "{\"by\":9}", 5000);
  g_autoptr (GAsyncResult) exported = NULL, imported = NULL;
  g_autoptr (TestCall) after = NULL;
  g_autoptr (GBytes) state = NULL;
  g_autoptr (GError) error = NULL;

  collet_generation_export_state_async (generation, NULL, test_store_result, &exported);
  state = collet_generation_export_state_finish (generation, test_wait_result (&exported), &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_bytes_get_size (state), ==, 8);
  g_clear_pointer (&call, test_call_free);
  call = run (fixture, "count", "{\"by\":100}", 5000);
  collet_generation_import_state_async (generation, state, NULL, test_store_result, &imported);
  g_assert_true (collet_generation_import_state_finish (generation, test_wait_result (&imported), &error));
  after = run (fixture, "count_get", "{}", 5000);
  g_assert_nonnull (strstr (after->json, "{\"count\":9}"));
  retire (fixture, generation, 1000);
}

/* What hangs stays from here on. */
static void
test_abandoned_step (Fixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = publish (fixture, "COLLET_TEST_MODULES_DIR", "hang-self-test", "");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  ColletRetirement report;

  g_assert_true (test_start (generation, NULL));
  collet_generation_self_test_async (generation, cancellable, test_store_result, &result);
  g_cancellable_cancel (cancellable);
  g_assert_false (collet_generation_self_test_finish (generation, test_wait_result (&result), &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_CANCELLED);
  report = retire (fixture, generation, 0);
  g_assert_true (report.killed);
  g_assert_false (report.unloaded);
}

static void
test_stuck_call_leaves_a_zombie (Fixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = publish (fixture, "COLLET_TEST_MODULES_DIR", "hang-call", "");
  g_autoptr (TestCall) late = run (fixture, "t", "{}", 50);
  g_autoptr (TestCall) behind = test_call_new ("t", "{}", 0);
  ColletRetirement report;

  g_assert_error (late->error, COLLET_ERROR, COLLET_ERROR_CALL_TIMEOUT);
  collet_call_target_dispatch (collet_slot_as_target (fixture->slot), &behind->call);
  report = retire (fixture, generation, 50);
  g_assert_error (behind->error, COLLET_ERROR, COLLET_ERROR_DRAIN_TIMEOUT);
  g_assert_true (report.killed);
  g_assert_false (report.unloaded);
  g_assert_cmpuint (report.calls_ended, ==, 1);
}

#define ADD(name, func) g_test_add ("/host/in-process/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("quick-calls-change-no-thread", test_quick_calls);
  ADD ("no-promise-no-guests", test_no_promise);
  ADD ("slow-calls-break-the-promise", test_slow);
  ADD ("so-does-one-that-is-very-slow", test_very_slow);
  ADD ("so-does-progress", test_progress);
  ADD ("so-does-a-question", test_questions);
  ADD ("so-does-one-that-lasts-until-told", test_time_out);
  ADD ("one-that-hangs-takes-one-thread", test_hanging);
  ADD ("answers-calls-and-unloads", test_calls);
  ADD ("names-why-it-cannot-start", test_start_failure);
  ADD ("says-that-code-stays-in-memory", test_resident_module_is_reported);
  ADD ("honours-time-and-cancellation", test_time_and_cancellation);
  ADD ("hands-state-on", test_steps);
  ADD ("lets-a-cancelled-step-be", test_abandoned_step);
  ADD ("never-unloads-running-code", test_stuck_call_leaves_a_zombie);
  return g_test_run ();
}
