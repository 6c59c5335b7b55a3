/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Calls of one version alone, with generations that do what the test says: version
 * 1.0.0 was published first; 2.0.0 and another build of 1.0.0 follow. */
#include <pthread.h>
#include <string.h>

#include "collet-error.h"
#include "collet-fake-generation.h"
#include "collet-generation-private.h"
#include "collet-slot.h"
#include "collet-test-calls.h"

typedef struct
{
  ColletSlot *slot;
  ColletCallTarget *target;
  FakeGeneration *first, *second, *twin;
} Fixture;

static void
publish (Fixture *fixture, FakeGeneration *next)
{
  g_autoptr (ColletGeneration) former = collet_slot_publish (fixture->slot, COLLET_GENERATION (next));
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->slot = collet_slot_new ("m", 4);
  fixture->target = collet_slot_as_target (fixture->slot);
  fixture->first = fake_generation_new (1);
  fixture->second = fake_generation_new_version (2, "2.0.0", "/m-2.so");
  fixture->twin = fake_generation_new_version (3, "1.0.0", "/m-3.so");
  publish (fixture, fixture->first);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  publish (fixture, NULL);
  collet_slot_unref (fixture->slot);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_finalize_object (fixture->first);
  g_assert_finalize_object (fixture->second);
  g_assert_finalize_object (fixture->twin);
}

static const ColletVersion *
version_of (FakeGeneration *generation)
{
  return collet_generation_get_spec (COLLET_GENERATION (generation))->version;
}

static TestCall *
send_to (Fixture *fixture, FakeGeneration *generation)
{
  TestCall *call = test_call_new ("t", "a", 0);

  call->call.version = version_of (generation)->sha256;
  collet_call_target_dispatch (fixture->target, &call->call);
  return call;
}

/* "": the wish is refused. */
static const char *
found_by (Fixture *fixture, const char *text)
{
  g_autoptr (ColletManifest) manifest = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (ColletVersion) version =
      collet_call_target_find_version (fixture->target, text, &manifest, &error);
  FakeGeneration *all[] = { fixture->first, fixture->second, fixture->twin };

  for (guint i = 0; version != NULL && i < G_N_ELEMENTS (all); i++)
    if (version == version_of (all[i]))
      {
        g_assert_cmpstr (manifest->version, ==, version->semver);
        return version_of (all[i])->sha256;
      }
  g_assert_null (version);
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_VERSION_MISMATCH);
  return "";
}

static void
test_names (Fixture *fixture, gconstpointer data)
{
  const ColletVersion *first = version_of (fixture->first);
  g_autofree char *digits = g_strndup (first->sha256, 6);
  g_autofree char *few = g_strndup (first->sha256, 5);

  g_assert_cmpstr (found_by (fixture, first->sha256), ==, first->sha256);
  g_assert_cmpstr (found_by (fixture, first->md5), ==, first->sha256);
  g_assert_cmpstr (found_by (fixture, digits), ==, first->sha256);
  g_assert_cmpstr (found_by (fixture, "1.0.0"), ==, first->sha256);
  g_assert_cmpstr (found_by (fixture, few), ==, "");
  g_assert_cmpstr (found_by (fixture, "2.0.0"), ==, "");
  g_assert_cmpstr (found_by (fixture, ""), ==, "");

  collet_slot_set_canary (fixture->slot, COLLET_GENERATION (fixture->twin), 0, NULL);
  g_assert_cmpstr (found_by (fixture, "1.0.0"), ==, ""); /* which of them? */
  g_assert_cmpstr (found_by (fixture, digits), ==, first->sha256);
}

static void
test_canary (Fixture *fixture, gconstpointer data)
{
  g_autoptr (TestCall) early = NULL, refused = NULL;

  refused = send_to (fixture, fixture->second);
  g_assert_error (refused->error, COLLET_ERROR, COLLET_ERROR_VERSION_MISMATCH);
  g_assert_nonnull (strstr (refused->error->message, "1.0.0 ("));
  collet_slot_set_canary (fixture->slot, COLLET_GENERATION (fixture->second), 0, NULL);
  early = send_to (fixture, fixture->second);
  g_assert_true (fake_generation_answer_one (fixture->second));
  g_assert_cmpuint (early->generation, ==, 2);
}

static void
test_leaving (Fixture *fixture, gconstpointer data)
{
  g_autoptr (TestCall) running = send_to (fixture, fixture->first);
  g_autoptr (TestCall) joined = NULL, late = NULL;
  g_autoptr (GAsyncResult) result = NULL;

  publish (fixture, fixture->second);
  /* Not retired yet, and found all the same: there is no moment between. */
  g_assert_cmpstr (found_by (fixture, "1.0.0"), ==, version_of (fixture->first)->sha256);
  collet_generation_retire_async (COLLET_GENERATION (fixture->first), 0, NULL, test_store_result, &result);
  g_assert_cmpstr (found_by (fixture, "1.0.0"), ==, version_of (fixture->first)->sha256);
  joined = send_to (fixture, fixture->first);
  g_assert_true (fake_generation_answer_one (fixture->first));
  test_wait_ms (20);
  g_assert_null (result); /* the one that joined is waited for as well */
  g_assert_true (fake_generation_answer_one (fixture->first));
  g_assert_cmpuint (joined->generation, ==, 1);

  /* Its end has begun, and nobody was told yet. */
  late = send_to (fixture, fixture->first);
  g_assert_error (late->error, COLLET_ERROR, COLLET_ERROR_VERSION_MISMATCH);
  g_assert_null (strstr (late->error->message, "1.0.0 ("));
  g_assert_cmpstr (found_by (fixture, "1.0.0"), ==, "");
  collet_generation_retire_finish (COLLET_GENERATION (fixture->first), test_wait_result (&result));
  collet_slot_forget_leaving (fixture->slot, COLLET_GENERATION (fixture->first));
}

/* Who waits for a reload that replaces the version asked for is told so. */
static void
test_gate (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TestCall) old = NULL, new = NULL;

  collet_slot_quiesce_async (fixture->slot, 0, NULL, test_store_result, &result);
  g_assert_true (collet_slot_quiesce_finish (fixture->slot, test_wait_result (&result), NULL));
  old = send_to (fixture, fixture->first);
  new = send_to (fixture, fixture->second);
  g_assert_cmpint (old->n_done, ==, 0);
  publish (fixture, fixture->second);
  g_assert_error (old->error, COLLET_ERROR, COLLET_ERROR_VERSION_MISMATCH);
  g_assert_true (fake_generation_answer_one (fixture->second));
  g_assert_cmpuint (new->generation, ==, 2);
}

static void
test_asked_by (Fixture *fixture, gconstpointer data)
{
  const ColletCallInput input = { .asked_by = version_of (fixture->second)->sha256 };
  FakeGeneration *answers[] = { fixture->first, fixture->second };

  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      g_autoptr (TestCall) call = test_call_new ("t", "a", 0);

      call->call.input = &input;
      if (answers[i] == fixture->second)
        collet_slot_set_canary (fixture->slot, COLLET_GENERATION (fixture->second), 0, NULL);
      collet_call_target_dispatch (fixture->target, &call->call);
      g_assert_true (fake_generation_answer_one (answers[i]));
    }
}

/* Threads that ask for what leaves, all the time: it gets away, and none of them
 * is lost or reaches what is gone. */

#define N_THREADS 4

typedef struct
{
  ColletSlot *slot;
  char sha256[65];
  guint refused;
} Caller;

static gpointer
call_until_gone (gpointer data)
{
  Caller *caller = data;

  while (caller->refused == 0)
    {
      g_autoptr (TestCall) call = test_call_new ("t", "a", 0);

      call->call.version = caller->sha256;
      collet_call_target_dispatch (collet_slot_as_target (caller->slot), &call->call);
      g_assert_cmpint (call->n_done, ==, 1);
      if (call->error == NULL)
        g_assert_cmpuint (call->generation, ==, 1);
      else
        {
          g_assert_error (call->error, COLLET_ERROR, COLLET_ERROR_VERSION_MISMATCH);
          caller->refused++;
        }
    }
  return NULL;
}

static void
test_threads (Fixture *fixture, gconstpointer data)
{
  for (guint round = 0; round < 50; round++)
    {
      g_autoptr (ColletSlot) slot = collet_slot_new ("m", 4);
      FakeGeneration *old = fake_generation_new (1);
      FakeGeneration *new = fake_generation_new_version (2, "2.0.0", "/m-2.so");
      Caller callers[N_THREADS];
      GThread *threads[N_THREADS];
      g_autoptr (ColletGeneration) former = NULL;

      fake_generation_set_prompt (old, TRUE);
      g_assert_null (collet_slot_publish (slot, COLLET_GENERATION (old)));
      for (guint i = 0; i < N_THREADS; i++)
        {
          callers[i] = (Caller){ .slot = slot };
          g_strlcpy (callers[i].sha256, version_of (old)->sha256, sizeof callers[i].sha256);
          threads[i] = g_thread_new ("caller", call_until_gone, &callers[i]);
        }
      g_usleep (200);
      former = collet_slot_publish (slot, COLLET_GENERATION (new));
      test_retire (former, 1000);
      collet_slot_forget_leaving (slot, former);
      g_clear_object (&former);
      for (guint i = 0; i < N_THREADS; i++)
        g_thread_join (threads[i]);
      while (g_main_context_iteration (NULL, FALSE))
        ;
      g_assert_finalize_object (old);
      former = collet_slot_publish (slot, NULL);
      collet_slot_forget_leaving (slot, former);
      g_clear_object (&former);
      g_assert_finalize_object (new);
    }
}

#define ADD(name, func) g_test_add ("/host/slot-versions/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("are-named-without-doubt", test_names);
  ADD ("of-a-canary-are-for-who-asks", test_canary);
  ADD ("that-leave-are-joined-while-they-have-calls", test_leaving);
  ADD ("are-looked-for-after-a-pause", test_gate);
  ADD ("that-asked-get-the-answers", test_asked_by);
  ADD ("leave-under-load", test_threads);
  return g_test_run ();
}
