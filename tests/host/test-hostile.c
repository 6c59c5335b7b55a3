/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Workers that were taken over by their module: whatever they send, each call is
 * answered once and the daemon goes on. */
#include <string.h>

#include "collet-error.h"
#include "collet-slot.h"
#include "collet-test-calls.h"

typedef struct
{
  const char *part;
  const char *words; /* of what the call is told; NULL: it is answered */
} Case;

static const Case cases[] = {
  { "early-result", "a call that it does not have" },
  { "two-readies", "nothing asked for" },
  { "unasked-answer", "nothing asked for" },
  { "garbage", "a frame that is none" },
  { "forged-id", "a call that it does not have" },
  { "twice", NULL },
  { "wrong-channel", "does not belong on its call channel" },
  { "closes", "" },
};

typedef struct
{
  ColletSpawn *spawn;
  ColletHost *host;
  ColletSlot *slot;
  ColletGeneration *generation;
} Stage;

static void
stage_set_up (Stage *stage, const char *part)
{
  g_autofree char *path = g_strconcat ("/", part, NULL);
  g_autoptr (GError) error = NULL;
  ColletHostConfig config;

  stage->spawn = collet_spawn_new (g_getenv ("COLLET_FAKE_WORKER"), (const char *[]){ NULL }, TRUE, &error);
  g_assert_no_error (error);
  collet_host_config_init (&config);
  config.grace_ms = 100;
  config.step_timeout_ms = 300;
  stage->host = collet_host_new (stage->spawn, &config);
  stage->generation =
      collet_host_create (stage->host, COLLET_HOST_WORKER, test_spec_new (1, "m", "1.0.0", "", path));
  stage->slot = collet_slot_new ("m", 10);
  g_assert_null (collet_slot_publish (stage->slot, stage->generation));
}

static void
stage_tear_down (Stage *stage)
{
  g_autoptr (ColletGeneration) former = collet_slot_publish (stage->slot, NULL);

  test_retire (stage->generation, 1000);
  g_clear_object (&former);
  g_object_unref (stage->generation);
  collet_slot_unref (stage->slot);
  g_object_unref (stage->host);
  g_assert_finalize_object (stage->spawn);
}

static gboolean
has_crashed (gpointer data)
{
  ColletGenerationStats stats;

  collet_generation_get_stats (data, &stats);
  return stats.crashes > 0;
}

static void
test_lie (gconstpointer data)
{
  const Case *this = data;
  Stage stage;
  g_autoptr (TestCall) call = NULL;

  stage_set_up (&stage, this->part);
  call = test_call_run (collet_slot_as_target (stage.slot), "t", "{}", 400);
  g_test_message ("%s", call->error != NULL ? call->error->message : call->json);
  if (this->words == NULL)
    g_assert_no_error (call->error);
  else if (!g_error_matches (call->error, COLLET_ERROR, COLLET_ERROR_CALL_TIMEOUT))
    {
      /* The second if it never got as far as taking the call. */
      g_assert_true (g_error_matches (call->error, COLLET_ERROR, COLLET_ERROR_WORKER_CRASHED) ||
                     g_error_matches (call->error, COLLET_ERROR, COLLET_ERROR_WORKER_UNAVAILABLE));
      g_assert_nonnull (strstr (call->error->message, this->words));
    }
  test_wait_until (has_crashed, stage.generation);
  g_assert_cmpint (call->n_done, ==, 1);
  stage_tear_down (&stage);
}

/* News without end hold up neither the other calls nor the deadline. */
static void
test_flood (void)
{
  Stage stage;
  g_autoptr (TestCall) call = NULL;

  stage_set_up (&stage, "flood");
  call = test_call_new ("t", "{}", 200);
  call->call.wants_progress = TRUE;
  collet_call_target_dispatch (collet_slot_as_target (stage.slot), &call->call);
  test_call_wait (call);
  g_assert_error (call->error, COLLET_ERROR, COLLET_ERROR_CALL_TIMEOUT);
  g_assert_cmpint (call->n_progress, >, 100);
  test_wait_until (has_crashed, stage.generation); /* it did not come back */
  stage_tear_down (&stage);
}

/* An answer that comes after its call was given up is no lie, and the worker
 * that gave it within the grace goes on. */
static void
test_late_result (void)
{
  Stage stage;
  ColletGenerationStats stats;
  g_autoptr (TestCall) late = NULL, next = NULL;

  stage_set_up (&stage, "late-result");
  late = test_call_run (collet_slot_as_target (stage.slot), "t", "{}", 250);
  g_assert_error (late->error, COLLET_ERROR, COLLET_ERROR_CALL_TIMEOUT);
  next = test_call_run (collet_slot_as_target (stage.slot), "t", "{}", 5000);
  g_assert_no_error (next->error);
  collet_generation_get_stats (stage.generation, &stats);
  g_assert_cmpuint (stats.crashes, ==, 0);
  stage_tear_down (&stage);
}

static void
test_deaf_to_shutdown (void)
{
  Stage stage;
  ColletRetirement report;
  g_autoptr (TestCall) call = NULL;
  g_autoptr (ColletGeneration) former = NULL;

  stage_set_up (&stage, "deaf-control");
  call = test_call_run (collet_slot_as_target (stage.slot), "t", "{}", 5000);
  g_assert_no_error (call->error);
  former = collet_slot_publish (stage.slot, NULL);
  report = test_retire (stage.generation, 5000);
  g_assert_true (report.killed);
  g_assert_cmpuint (report.calls_ended, ==, 0);
  g_clear_object (&former);
  g_object_unref (stage.generation);
  collet_slot_unref (stage.slot);
  g_object_unref (stage.host);
  g_assert_finalize_object (stage.spawn);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/host/hostile-worker/is-ended-for-", cases[i].part, NULL);

      g_test_add_data_func (path, &cases[i], test_lie);
    }
  g_test_add_func ("/host/hostile-worker/cannot-flood", test_flood);
  g_test_add_func ("/host/hostile-worker/may-answer-late", test_late_result);
  g_test_add_func ("/host/hostile-worker/is-killed-if-it-does-not-stop", test_deaf_to_shutdown);
  return g_test_run ();
}
