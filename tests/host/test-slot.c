/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The slot and the leases, with generations that do what the test says. */
#include <pthread.h>
#include <string.h>

#include "collet-error.h"
#include "collet-fake-generation.h"
#include "collet-slot.h"
#include "collet-test-calls.h"

typedef struct
{
  ColletSlot *slot;
  ColletCallTarget *target;
  FakeGeneration *first, *second;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->slot = collet_slot_new ("m", 4);
  fixture->target = collet_slot_as_target (fixture->slot);
  fixture->first = fake_generation_new (1);
  fixture->second = fake_generation_new (2);
  g_assert_null (collet_slot_publish (fixture->slot, COLLET_GENERATION (fixture->first)));
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ColletGeneration) former = collet_slot_publish (fixture->slot, NULL);

  collet_slot_unref (fixture->slot);
  g_clear_object (&former);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_finalize_object (fixture->first);
  g_assert_finalize_object (fixture->second);
}

static TestCall *
send (Fixture *fixture, const char *arguments, guint deadline_ms)
{
  TestCall *call = test_call_new ("t", arguments, deadline_ms);

  collet_call_target_dispatch (fixture->target, &call->call);
  return call;
}

static void
publish (Fixture *fixture, FakeGeneration *next)
{
  g_autoptr (ColletGeneration) former = collet_slot_publish (fixture->slot, COLLET_GENERATION (next));
}

static GAsyncResult *
quiesce (Fixture *fixture, guint deadline_ms, GError **error)
{
  GAsyncResult *result = NULL;

  collet_slot_quiesce_async (fixture->slot, deadline_ms, NULL, test_store_result, &result);
  collet_slot_quiesce_finish (fixture->slot, test_wait_result (&result), error);
  return result;
}

static void
test_calls_go_to_published (Fixture *fixture, gconstpointer data)
{
  g_autoptr (TestCall) old = send (fixture, "a", 0);
  g_autoptr (TestCall) new = NULL;

  publish (fixture, fixture->second);
  new = send (fixture, "b", 0);
  g_assert_true (fake_generation_answer_one (fixture->second));
  g_assert_true (fake_generation_answer_one (fixture->first));
  g_assert_cmpuint (old->generation, ==, 1);
  g_assert_cmpuint (new->generation, ==, 2);
}

static void
test_nothing_published (Fixture *fixture, gconstpointer data)
{
  g_autoptr (TestCall) call = NULL;

  publish (fixture, NULL);
  call = send (fixture, "a", 0);
  g_assert_cmpint (call->n_done, ==, 1);
  g_assert_error (call->error, COLLET_ERROR, COLLET_ERROR_MODULE_NOT_LOADED);
}

static void
test_quiesce_holds_calls_in_order (Fixture *fixture, gconstpointer data)
{
  g_autoptr (TestCall) running = send (fixture, "r", 0);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  TestCall *waiting[4];
  g_autoptr (TestCall) refused = NULL;

  collet_slot_quiesce_async (fixture->slot, 5000, NULL, test_store_result, &result);
  for (guint i = 0; i < 4; i++)
    waiting[i] = send (fixture, (const char *[]){ "a", "b", "c", "d" }[i], 0);
  g_assert_cmpuint (collet_slot_get_waiting (fixture->slot), ==, 4);
  refused = send (fixture, "e", 0);
  g_assert_error (refused->error, COLLET_ERROR, COLLET_ERROR_OVERLOADED);
  test_wait_ms (20);
  g_assert_null (result);
  g_assert_cmpuint (fake_generation_get_held (fixture->first), ==, 1);

  fake_generation_answer_one (fixture->first);
  g_assert_true (collet_slot_quiesce_finish (fixture->slot, test_wait_result (&result), &error));
  test_wait_ms (10);
  publish (fixture, fixture->second);
  g_assert_cmpuint (fake_generation_get_held (fixture->second), ==, 4);
  g_assert_cmpstr (fake_generation_get_seen (fixture->second), ==, "abcd");
  g_assert_cmpint (collet_slot_get_pause_us (fixture->slot), >=, 10000);
  g_assert_cmpint (collet_slot_get_pause_us (fixture->slot), <, 1000000);
  for (guint i = 0; i < 4; i++)
    {
      fake_generation_answer_one (fixture->second);
      g_assert_cmpuint (waiting[i]->generation, ==, 2);
      test_call_free (waiting[i]);
    }
}

/* A call that comes while those that waited are being passed on. */
static void
test_newcomers_do_not_overtake (Fixture *fixture, gconstpointer data)
{
  g_autoptr (TestCall) newcomer = test_call_new ("t", "n", 0);
  g_autoptr (TestCall) first = test_call_new ("t", "a", 0);
  g_autoptr (TestCall) second = NULL;
  g_autoptr (GAsyncResult) result = quiesce (fixture, 0, NULL);

  first->next_target = fixture->target;
  first->next = &newcomer->call;
  collet_call_target_dispatch (fixture->target, &first->call);
  second = send (fixture, "b", 0);
  fake_generation_set_prompt (fixture->second, TRUE);
  publish (fixture, fixture->second);
  g_assert_cmpint (newcomer->n_done, ==, 1);
  g_assert_cmpstr (fake_generation_get_seen (fixture->second), ==, "abn");
}

static void
test_quiesce_timeout_opens_again (Fixture *fixture, gconstpointer data)
{
  g_autoptr (TestCall) running = send (fixture, "r", 0);
  g_autoptr (TestCall) waiting = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  collet_slot_quiesce_async (fixture->slot, 50, NULL, test_store_result, &result);
  waiting = send (fixture, "a", 0);
  g_assert_false (collet_slot_quiesce_finish (fixture->slot, test_wait_result (&result), &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_DRAIN_TIMEOUT);
  g_assert_cmpuint (fake_generation_get_held (fixture->first), ==, 2);
  while (fake_generation_answer_one (fixture->first))
    ;
  g_assert_no_error (waiting->error);
}

static void
test_quiesce_cancelled (Fixture *fixture, gconstpointer data)
{
  g_autoptr (TestCall) running = send (fixture, "r", 0);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (TestCall) after = NULL;

  collet_slot_quiesce_async (fixture->slot, 0, cancellable, test_store_result, &result);
  g_cancellable_cancel (cancellable);
  g_assert_false (collet_slot_quiesce_finish (fixture->slot, test_wait_result (&result), &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_CANCELLED);
  after = send (fixture, "a", 0);
  g_assert_cmpuint (fake_generation_get_held (fixture->first), ==, 2);
  while (fake_generation_answer_one (fixture->first))
    ;
}

static void
test_waiting_calls_have_their_time (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (TestCall) late = NULL, cancelled = NULL, patient = NULL;

  result = quiesce (fixture, 1000, &error);
  g_assert_no_error (error);
  patient = send (fixture, "p", 5000);
  late = send (fixture, "l", 30);
  cancelled = send (fixture, "c", 0);
  collet_call_target_cancel (fixture->target, &cancelled->call);
  g_assert_cmpint (cancelled->n_done, ==, 0); /* never within cancel */
  test_call_wait (cancelled);
  g_assert_error (cancelled->error, COLLET_ERROR, COLLET_ERROR_CALL_CANCELLED);
  test_call_wait (late);
  g_assert_error (late->error, COLLET_ERROR, COLLET_ERROR_CALL_TIMEOUT);
  g_assert_cmpuint (collet_slot_get_waiting (fixture->slot), ==, 1);
  collet_slot_resume (fixture->slot);
  g_assert_true (fake_generation_answer_one (fixture->first));
  g_assert_no_error (patient->error);
  g_assert_false (fake_generation_answer_one (fixture->first));
}

static void
test_cancel_reaches_generation (Fixture *fixture, gconstpointer data)
{
  g_autoptr (TestCall) call = send (fixture, "a", 0);

  collet_call_target_cancel (fixture->target, &call->call);
  g_assert_cmpuint (fake_generation_get_cancelled (fixture->first), ==, 1);
  g_assert_true (fake_generation_answer_one (fixture->first));
}

static void
test_quiesces_take_turns (Fixture *fixture, gconstpointer data)
{
  g_autoptr (TestCall) running = send (fixture, "r", 0);
  g_autoptr (GAsyncResult) first = NULL, second = NULL, late = NULL;
  g_autoptr (GError) error = NULL;

  collet_slot_quiesce_async (fixture->slot, 0, NULL, test_store_result, &first);
  collet_slot_quiesce_async (fixture->slot, 0, NULL, test_store_result, &second);
  late = quiesce (fixture, 20, &error);
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_DRAIN_TIMEOUT);
  g_assert_true (fake_generation_answer_one (fixture->first));
  g_assert_true (collet_slot_quiesce_finish (fixture->slot, test_wait_result (&first), NULL));
  test_wait_ms (10);
  g_assert_null (second);

  /* The gate opens in between: who waited goes on, and is waited for. */
  g_autoptr (TestCall) waiting = send (fixture, "w", 0);
  collet_slot_resume (fixture->slot);
  g_assert_cmpuint (fake_generation_get_held (fixture->first), ==, 1);
  test_wait_ms (10);
  g_assert_null (second);
  g_autoptr (TestCall) later = send (fixture, "l", 0);
  g_assert_cmpuint (collet_slot_get_waiting (fixture->slot), ==, 1);
  g_assert_true (fake_generation_answer_one (fixture->first));
  g_assert_true (collet_slot_quiesce_finish (fixture->slot, test_wait_result (&second), NULL));
  collet_slot_resume (fixture->slot);
  g_assert_true (fake_generation_answer_one (fixture->first));
  g_assert_cmpint (later->n_done, ==, 1);
}

static void
test_refused_calls_do_not_wait (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) reason = g_error_new_literal (COLLET_ERROR, COLLET_ERROR_MODULE_DRAINED, "Later.");
  g_autoptr (TestCall) running = send (fixture, "r", 0);
  g_autoptr (TestCall) waiting = NULL, refused = NULL, again = NULL;
  g_autoptr (GAsyncResult) result = NULL;

  collet_slot_quiesce_async (fixture->slot, 0, NULL, test_store_result, &result);
  waiting = send (fixture, "w", 0);
  collet_slot_refuse (fixture->slot, reason);
  refused = send (fixture, "a", 0);
  g_assert_error (refused->error, COLLET_ERROR, COLLET_ERROR_MODULE_DRAINED);
  g_assert_cmpint (waiting->n_done, ==, 0);
  g_assert_true (fake_generation_answer_one (fixture->first));
  g_assert_cmpint (running->n_done, ==, 1);
  g_assert_true (collet_slot_quiesce_finish (fixture->slot, test_wait_result (&result), NULL));
  collet_slot_resume (fixture->slot);
  g_assert_error (waiting->error, COLLET_ERROR, COLLET_ERROR_MODULE_DRAINED);

  publish (fixture, fixture->second);
  collet_slot_refuse (fixture->slot, NULL);
  again = send (fixture, "b", 0);
  g_assert_true (fake_generation_answer_one (fixture->second));
  g_assert_no_error (again->error);
}

static void
test_retire_waits_for_leases (Fixture *fixture, gconstpointer data)
{
  g_autoptr (TestCall) running = send (fixture, "r", 0);
  g_autoptr (GAsyncResult) result = NULL;
  ColletRetirement report;

  publish (fixture, fixture->second);
  collet_generation_retire_async (COLLET_GENERATION (fixture->first), 0, NULL, test_store_result, &result);
  test_wait_ms (30);
  g_assert_null (result);
  g_assert_true (fake_generation_answer_one (fixture->first));
  report = collet_generation_retire_finish (COLLET_GENERATION (fixture->first), test_wait_result (&result));
  g_assert_false (report.killed);
  g_assert_cmpint (report.drain_us, >=, 30000);
}

static void
test_retire_deadline (Fixture *fixture, gconstpointer data)
{
  g_autoptr (TestCall) running = send (fixture, "r", 0);
  ColletRetirement report;

  publish (fixture, fixture->second);
  report = test_retire (COLLET_GENERATION (fixture->first), 30);
  g_assert_true (report.killed);
  g_assert_cmpuint (report.calls_ended, ==, 1);
  g_assert_error (running->error, COLLET_ERROR, COLLET_ERROR_DRAIN_TIMEOUT);
}

/* Threads */

#define N_THREADS 8
#define N_CALLS 20000

typedef struct
{
  ColletSlot *slot;
  gint *running; /* threads */
  guint answered, wrong;
} Caller;

static gpointer
call_often (gpointer data)
{
  Caller *caller = data;
  ColletCallTarget *target = collet_slot_as_target (caller->slot);

  for (guint i = 0; i < N_CALLS; i++)
    {
      TestCall *call = test_call_new ("t", "x", i % 16 == 0 ? 5000 : 0);

      collet_call_target_dispatch (target, &call->call);
      while (g_atomic_int_get (&call->n_done) == 0)
        g_usleep (20);
      caller->answered += call->n_done == 1 && call->error == NULL;
      caller->wrong += call->generation != 1 && call->generation != 2;
      test_call_free (call);
    }
  g_atomic_int_add (caller->running, -1);
  return NULL;
}

/* Gate closed, opened and the generation replaced as fast as it goes, while eight
 * threads call: every call is answered once, and each quiesce sees an idle
 * generation. */
static void
test_no_call_is_lost (void)
{
  g_autoptr (ColletSlot) slot = collet_slot_new ("m", 100);
  FakeGeneration *generations[2] = { fake_generation_new (1), fake_generation_new (2) };
  Caller callers[N_THREADS];
  GThread *threads[N_THREADS];
  gint running = N_THREADS;
  guint n = 0;

  for (guint i = 0; i < 2; i++)
    fake_generation_set_prompt (generations[i], TRUE);
  g_assert_null (collet_slot_publish (slot, COLLET_GENERATION (generations[0])));
  for (guint i = 0; i < N_THREADS; i++)
    {
      callers[i] = (Caller){ slot, &running, 0, 0 };
      threads[i] = g_thread_new ("caller", call_often, &callers[i]);
    }
  while (g_atomic_int_get (&running) > 0)
    {
      g_autoptr (GAsyncResult) result = NULL;
      g_autoptr (ColletGeneration) former = NULL;
      ColletGenerationStats stats;

      if (++n % 2 == 0)
        {
          collet_slot_quiesce_async (slot, 0, NULL, test_store_result, &result);
          g_assert_true (collet_slot_quiesce_finish (slot, test_wait_result (&result), NULL));
          former = collet_slot_dup_published (slot);
          collet_generation_get_stats (former, &stats);
          g_assert_cmpuint (stats.in_flight, ==, 0);
          g_clear_object (&former);
        }
      former = collet_slot_publish (slot, COLLET_GENERATION (generations[n % 2]));
      g_main_context_iteration (NULL, FALSE);
    }
  for (guint i = 0; i < N_THREADS; i++)
    {
      g_thread_join (threads[i]);
      g_assert_cmpuint (callers[i].answered, ==, N_CALLS);
      g_assert_cmpuint (callers[i].wrong, ==, 0);
    }
  g_test_message ("%u publications", n);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_clear_object (&generations[n % 2]);
  g_object_unref (collet_slot_publish (slot, NULL));
  collet_slot_forget_leaving (slot, COLLET_GENERATION (generations[(n + 1) % 2]));
  g_assert_finalize_object (generations[(n + 1) % 2]);
}

#define ADD(name, func) g_test_add ("/host/slot/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("sends-calls-to-what-is-published", test_calls_go_to_published);
  ADD ("says-that-nothing-is-loaded", test_nothing_published);
  ADD ("holds-calls-in-order", test_quiesce_holds_calls_in_order);
  ADD ("lets-none-overtake-those-who-waited", test_newcomers_do_not_overtake);
  ADD ("opens-again-after-the-deadline", test_quiesce_timeout_opens_again);
  ADD ("opens-again-when-cancelled", test_quiesce_cancelled);
  ADD ("ends-waiting-calls-in-time", test_waiting_calls_have_their_time);
  ADD ("passes-cancellation-on", test_cancel_reaches_generation);
  ADD ("is-quiesced-by-one-at-a-time", test_quiesces_take_turns);
  ADD ("refuses-calls-when-told-to", test_refused_calls_do_not_wait);
  ADD ("retires-without-leases", test_retire_waits_for_leases);
  ADD ("retires-at-the-deadline", test_retire_deadline);
  g_test_add_func ("/host/slot/loses-no-call", test_no_call_is_lost);
  return g_test_run ();
}
