/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The steps of a reload that a generation takes part in, with their errors. */
#include "collet-module.h"
#include "collet-wire.h"

#include "collet-generation-private.h"

#include "collet-error.h"

void
collet_generation_start_async (ColletGeneration *self, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data)
{
  COLLET_GENERATION_GET_CLASS (self)->start_async (self, cancellable, callback, user_data);
}

gboolean
collet_generation_start_finish (ColletGeneration *self, GAsyncResult *result, GError **error)
{
  return COLLET_GENERATION_GET_CLASS (self)->start_finish (self, result, error);
}

/* What a failed step means. A step that was cancelled or took too long stays
 * that; everything else is the step's own error with the reason nested. */
typedef struct
{
  ColletError code;
  const char *phrase; /* "<title> could not <phrase>: <reason>" */
} Step;

static const Step export_step = { COLLET_ERROR_STATE_MIGRATION_FAILED, "export its state" };
static const Step import_step = { COLLET_ERROR_STATE_MIGRATION_FAILED, "import the state" };
static const Step up_step = { COLLET_ERROR_STATE_MIGRATION_FAILED, "convert the state to its format" };
static const Step down_step = { COLLET_ERROR_STATE_MIGRATION_FAILED,
                                "convert its state back to the older format" };
static const Step test_step = { COLLET_ERROR_SELF_TEST_FAILED, "pass its self-test" };

static GError *
step_error (ColletGeneration *self, const Step *step, GError *cause)
{
  g_autoptr (GError) owned = cause;

  if (g_error_matches (cause, COLLET_ERROR, COLLET_ERROR_TIMEOUT) ||
      g_error_matches (cause, COLLET_ERROR, COLLET_ERROR_CANCELLED))
    return g_steal_pointer (&owned);
  return g_error_new (COLLET_ERROR, (int)step->code, "%s could not %s: %s",
                      collet_generation_get_title (self), step->phrase, cause->message);
}

static void
on_step_done (GObject *object, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  ColletGeneration *self = COLLET_GENERATION (object);
  GError *error = NULL;
  GBytes *bytes = COLLET_GENERATION_GET_CLASS (self)->request_finish (self, result, &error);

  if (bytes != NULL)
    g_task_return_pointer (task, bytes, (GDestroyNotify)g_bytes_unref);
  else
    g_task_return_error (task, step_error (self, g_task_get_task_data (task), error));
}

static void
run_step (ColletGeneration *self, const Step *step, guint16 frame_type, int status, guint32 detail,
          GBytes *payload, GTask *task)
{
  /* Whoever runs the step says so itself, with an error of ours. */
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, (gpointer)step, NULL);
  COLLET_GENERATION_GET_CLASS (self)->request_async (self, frame_type, status, detail, payload,
                                                     g_task_get_cancellable (task), on_step_done, task);
}

/* Only a stateful module has a state. */
static gboolean
check_stateful (ColletGeneration *self, const Step *step, GTask *task)
{
  if (collet_generation_get_spec (self)->manifest->stateful)
    return TRUE;
  g_task_return_new_error (task, COLLET_ERROR, (int)step->code,
                           "%s could not %s: its manifest says it has none.",
                           collet_generation_get_title (self), step->phrase);
  g_object_unref (task);
  return FALSE;
}

void
collet_generation_self_test_async (ColletGeneration *self, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);

  g_task_set_source_tag (task, collet_generation_self_test_async);
  run_step (self, &test_step, COLLET_FRAME_SELF_TEST, 0, 0, NULL, task);
}

gboolean
collet_generation_self_test_finish (ColletGeneration *self, GAsyncResult *result, GError **error)
{
  g_autoptr (GBytes) bytes = NULL;

  g_return_val_if_fail (g_async_result_is_tagged (result, collet_generation_self_test_async), FALSE);
  bytes = g_task_propagate_pointer (G_TASK (result), error);
  return bytes != NULL;
}

void
collet_generation_export_state_async (ColletGeneration *self, GCancellable *cancellable,
                                      GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);

  g_task_set_source_tag (task, collet_generation_export_state_async);
  if (check_stateful (self, &export_step, task))
    run_step (self, &export_step, COLLET_FRAME_EXPORT_STATE, 0, 0, NULL, task);
}

GBytes *
collet_generation_export_state_finish (ColletGeneration *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, collet_generation_export_state_async), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
collet_generation_import_state_async (ColletGeneration *self, GBytes *state, GCancellable *cancellable,
                                      GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);

  g_task_set_source_tag (task, collet_generation_import_state_async);
  if (check_stateful (self, &import_step, task))
    run_step (self, &import_step, COLLET_FRAME_IMPORT_STATE, 0, 0, state, task);
}

gboolean
collet_generation_import_state_finish (ColletGeneration *self, GAsyncResult *result, GError **error)
{
  g_autoptr (GBytes) bytes = NULL;

  g_return_val_if_fail (g_async_result_is_tagged (result, collet_generation_import_state_async), FALSE);
  bytes = g_task_propagate_pointer (G_TASK (result), error);
  return bytes != NULL;
}

void
collet_generation_code_change_async (ColletGeneration *self, int direction, guint32 format, GBytes *state,
                                     GCancellable *cancellable, GAsyncReadyCallback callback,
                                     gpointer user_data)
{
  const Step *step = direction == COLLET_UP ? &up_step : &down_step;
  GTask *task = g_task_new (self, cancellable, callback, user_data);

  g_task_set_source_tag (task, collet_generation_code_change_async);
  if (check_stateful (self, step, task))
    run_step (self, step, COLLET_FRAME_CODE_CHANGE, direction, format, state, task);
}

GBytes *
collet_generation_code_change_finish (ColletGeneration *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, collet_generation_code_change_async), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}
