/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The step in which a new version answers its smoke tests: one after the other,
 * before it has seen any state, so that what is expected can be known.
 */
#include "collet-transaction-private.h"

#include "collet-error.h"
#include "collet-failpoint.h"
#include "collet-smoke-test.h"
#include "collet-trial-call.h"

#define MAX_CALL_MS 10000

typedef struct
{
  ColletItemOperation *operation;
  guint index; /* of the test that runs */
} Run;

static GArray *
get_cases (const Run *run)
{
  return run->operation->item->smoke_cases;
}

/* Takes `error`. */
static void
finish (Run *run, GError *error)
{
  ColletItemOperation *operation = run->operation;

  g_free (run);
  if (!collet_reload_get_request (operation->transaction->reload)->is_prepare)
    collet_transaction_close_trial (operation->item);
  collet_transaction_release (operation, error);
}

static GError *
new_failure (const Run *run, const char *what)
{
  const ColletReloadItem *item = run->operation->item;
  const ColletSmokeCase *smoke_case = &g_array_index (get_cases (run), ColletSmokeCase, run->index);
  const ColletSmokeTest *test = smoke_case->test;
  g_autofree char *arguments = collet_smoke_test_dup_shown (test->arguments, strlen (test->arguments));

  return g_error_new (
      COLLET_ERROR, COLLET_ERROR_SMOKE_TEST_FAILED,
      "Version %s of module \"%s\", smoke test %u %s: \"%s\" with %s: %s. Correct the module, or "
      "the test; nothing was changed.",
      item->to->semver, item->module, smoke_case->number, smoke_case->origin, test->tool, arguments, what);
}

static void
on_reset (GObject *object, GAsyncResult *result, gpointer data)
{
  GError *error = NULL;

  collet_generation_import_state_finish (COLLET_GENERATION (object), result, &error);
  finish (data, error);
}

/* What comes to see it next sees nothing of the tests. */
static void
reset (Run *run)
{
  const ColletReloadItem *item = run->operation->item;

  if (item->pristine != NULL)
    collet_generation_import_state_async (item->next, item->pristine,
                                          collet_transaction_get_cancellable (run->operation->transaction),
                                          on_reset, run);
  else
    finish (run, NULL);
}

static void call_next (Run *run);

static void
on_answered (GObject *object, GAsyncResult *result, gpointer data)
{
  Run *run = data;
  const ColletSmokeCase *smoke_case = &g_array_index (get_cases (run), ColletSmokeCase, run->index);
  g_autoptr (GError) error = NULL;
  g_autoptr (ColletJson) answer = collet_trial_call_finish (result, &error);
  g_autofree char *expected =
      collet_smoke_test_dup_shown (smoke_case->test->result, strlen (smoke_case->test->result));
  g_autofree char *difference = error != NULL ? g_strdup_printf ("expected %s, got %s: %s", expected,
                                                                 collet_error_name_of (error), error->message)
                                              : collet_smoke_test_compare (smoke_case->test, answer);

  if (difference != NULL)
    {
      finish (run, new_failure (run, difference));
      return;
    }
  run->operation->item->smoke_passed++;
  run->index++;
  call_next (run);
}

static void
call_next (Run *run)
{
  ColletReloadItem *item = run->operation->item;
  g_autoptr (GError) error = NULL;

  if (run->index == get_cases (run)->len ||
      g_cancellable_is_cancelled (collet_transaction_get_cancellable (run->operation->transaction)))
    {
      reset (run);
      return;
    }

  const ColletSmokeTest *test = g_array_index (get_cases (run), ColletSmokeCase, run->index).test;
  ColletToolEntry *entry = collet_reload_item_dup_tool (item, test->tool, &error);
  guint timeout_ms = item->manifest->call_timeout_ms;
  if (entry == NULL)
    finish (run, new_failure (run, error->message));
  else
    collet_trial_call_async (entry, test->arguments,
                             timeout_ms > 0 ? MIN (timeout_ms, MAX_CALL_MS) : MAX_CALL_MS, on_answered, run);
}

static void
begin (Run *run)
{
  ColletReloadItem *item = run->operation->item;

  if (item->smoke_cases == NULL || item->smoke_cases->len == 0)
    {
      finish (run, NULL);
      return;
    }
  collet_failpoint ("reload-smoke-test");
  collet_transaction_open_trial (item);
  call_next (run);
}

static void
on_pristine (GObject *object, GAsyncResult *result, gpointer data)
{
  Run *run = data;
  GError *error = NULL;

  run->operation->item->pristine =
      collet_generation_export_state_finish (COLLET_GENERATION (object), result, &error);
  if (error != NULL)
    finish (run, error);
  else
    begin (run);
}

/* Calls on trial change the state of what they call. Where nothing is imported
 * at the commit, the state as it begins is that of before. */
static gboolean
starts_empty (ColletTransaction *self, const ColletReloadItem *item)
{
  return collet_reload_item_is_stateful (item) && !collet_transaction_carries (self, item) &&
         item->after == NULL && item->fallback == NULL;
}

void
collet_transaction_smoke_test (ColletTransaction *self, GPtrArray *items)
{
  for (guint i = 0; i < items->len; i++)
    {
      ColletReloadItem *item = items->pdata[i];

      if (!collet_transaction_has_trial (self->reload, item))
        continue;

      Run *run = g_new0 (Run, 1);
      run->operation = collet_transaction_hold (self, item);
      if (starts_empty (self, item))
        collet_generation_export_state_async (item->next, collet_transaction_get_cancellable (self),
                                              on_pristine, run);
      else
        begin (run);
    }
}
