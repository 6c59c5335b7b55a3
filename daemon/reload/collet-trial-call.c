/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-trial-call.h"

#include "collet-error.h"
#include "collet-tool-result.h"

typedef struct
{
  ColletCall base;
  GTask *task; /* until it is answered */
  ColletToolEntry *entry;
  ColletJson *arguments;
} TrialCall;

static void
trial_call_free (TrialCall *self)
{
  collet_tool_entry_free (self->entry);
  g_clear_pointer (&self->arguments, collet_json_free);
  g_free (self);
}

/* Any thread; the task answers on the main one. */
static void
on_done (ColletCall *base, const ColletCallResult *result)
{
  TrialCall *self = (TrialCall *)base;
  g_autoptr (GTask) task = g_steal_pointer (&self->task);
  g_autoptr (ColletJson) json = NULL;
  gboolean is_error;
  GError *error = NULL;

  if (result->error != NULL)
    {
      g_task_return_error (task, g_error_copy (result->error));
      return;
    }
  json = collet_json_parse (result->json, (gssize)result->json_size, &error);
  if (json == NULL)
    {
      g_prefix_error (&error, "The answer is no JSON: ");
      error->code = COLLET_ERROR_INVALID_RESULT;
    }
  else if (collet_tool_result_check (json, self->entry->tool->output_schema, &is_error, &error))
    {
      g_task_return_pointer (task, g_steal_pointer (&json), (GDestroyNotify)collet_json_free);
      return;
    }
  g_task_return_error (task, error);
}

static const ColletCallClass call_class = { .done = on_done };

void
collet_trial_call_async (ColletToolEntry *entry, const char *arguments, guint timeout_ms,
                         GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  TrialCall *self = g_new0 (TrialCall, 1);
  GError *error = NULL;

  self->entry = entry;
  g_task_set_task_data (task, self, (GDestroyNotify)trial_call_free);
  self->arguments = collet_json_parse (arguments, -1, &error);
  if (self->arguments == NULL || !collet_json_schema_validate (entry->tool->input_schema, self->arguments, 0,
                                                               COLLET_ERROR_INVALID_ARGUMENTS, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  self->base.class_ = &call_class;
  self->base.tool = entry->module_tool;
  self->base.arguments = collet_json_get_raw (self->arguments, 0, &self->base.arguments_size);
  self->base.deadline_us = g_get_monotonic_time () + (gint64)timeout_ms * 1000;
  self->base.log_level = 255;
  self->base.is_trial = TRUE;
  self->task = g_object_ref (task);
  collet_call_target_dispatch (entry->target, &self->base);
}

ColletJson *
collet_trial_call_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
