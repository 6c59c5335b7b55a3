/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-test-calls.h: calls that remember what they were told, and modules'
 * specs, for the tests of host/.
 */
#pragma once

#include "collet-call.h"
#include "collet-generation.h"
#include "collet-host.h"

G_BEGIN_DECLS

typedef struct
{
  ColletCall call;
  char *tool, *arguments;
  gint n_done;     /* atomic */
  gint n_progress; /* atomic */
  gint n_log;      /* atomic */
  /* Of the answer; to be read once n_done is 1. */
  GError *error;
  char *json;
  gboolean is_cancelled;
  guint64 generation;
  gint64 run_us;
  GThread *answered_by;
  gboolean spoke_late;           /* progress or log after done */
  ColletCallTarget *next_target; /* if set, where `next` is dispatched from within done */
  ColletCall *next;
} TestCall;

/* deadline_ms: from now; 0: none. */
TestCall *test_call_new (const char *tool, const char *arguments, guint deadline_ms);
void test_call_free (TestCall *call);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestCall, test_call_free)

/* Runs the main loop until then; aborts after 20 s. */
void test_call_wait (TestCall *call);
void test_wait_until (gboolean (*condition) (gpointer data), gpointer data);
void test_wait_ms (guint milliseconds);
void test_store_result (GObject *object, GAsyncResult *result, gpointer user_data); /* GAsyncResult ** */
GAsyncResult *test_wait_result (GAsyncResult **result);

/* A call dispatched and answered. */
TestCall *
test_call_run (ColletCallTarget *target, const char *tool, const char *arguments, guint deadline_ms);

/* members: of the manifest, such as "\"concurrent\":true,". */
ColletGenerationSpec *test_spec_new (guint64 number, const char *module, const char *version,
                                     const char *members, const char *path);

/* Steps, waited for. */
gboolean test_start (ColletGeneration *generation, GError **error);
ColletRetirement test_retire (ColletGeneration *generation, guint deadline_ms);

guint test_count_fds (void);
guint test_count_threads (void);

G_END_DECLS
