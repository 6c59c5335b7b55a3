/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-shadow.h"

#include "collet-call-recorder.h"
#include "collet-error.h"
#include "collet-prepared.h"
#include "collet-reloader-private.h"
#include "collet-trial-call.h"

#define MAX_CALL_MS 10000

typedef struct
{
  char *module;
  char *selector;
  GPtrArray *calls;       /* ColletRecordedCall */
  GPtrArray *differences; /* ColletShadowDifference */
  guint index;
} Shadow;

void
collet_shadow_difference_free (ColletShadowDifference *difference)
{
  g_free (difference->tool);
  g_free (difference->arguments);
  g_free (difference->old);
  g_free (difference->new);
  g_free (difference);
}

static void
shadow_free (Shadow *self)
{
  g_free (self->module);
  g_free (self->selector);
  g_clear_pointer (&self->calls, g_ptr_array_unref);
  g_clear_pointer (&self->differences, g_ptr_array_unref);
  g_free (self);
}

static const ColletRecordedCall *
get_call (const Shadow *self)
{
  return self->calls->pdata[self->index];
}

/* Takes `answer`. */
static void
add_difference (Shadow *self, char *answer)
{
  const ColletRecordedCall *call = get_call (self);
  ColletShadowDifference *difference = g_new0 (ColletShadowDifference, 1);

  difference->tool = g_strdup (call->tool);
  difference->arguments = g_strdup (call->arguments);
  difference->old = g_strdup (call->answer);
  difference->new = answer;
  g_ptr_array_add (self->differences, difference);
}

static char *
dup_error (const GError *error)
{
  GString *out = g_string_new ("{\"error\":{\"name\":");

  collet_json_append_string (out, collet_error_name_of (error), -1);
  g_string_append (out, ",\"message\":");
  collet_json_append_string (out, error->message, -1);
  g_string_append (out, "}}");
  return g_string_free (out, FALSE);
}

static gboolean
is_equal (const char *a, const char *b)
{
  g_autoptr (ColletJson) one = collet_json_parse (a, -1, NULL);
  g_autoptr (ColletJson) other = collet_json_parse (b, -1, NULL);

  return one != NULL && other != NULL && collet_json_equal (one, 0, other, 0);
}

static void call_next (GTask *task);

static void
on_answered (GObject *object, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  ColletReloader *reloader = g_task_get_source_object (task);
  Shadow *self = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (ColletJson) json = collet_trial_call_finish (result, &error);
  g_autofree char *answer =
      json != NULL ? collet_call_recorder_dup_answer (reloader->config.recorder, json) : dup_error (error);

  if (!is_equal (answer, get_call (self)->answer))
    add_difference (self, g_steal_pointer (&answer));
  self->index++;
  call_next (task);
}

/* The end is in the history of the reload that it was made for. */
static void
note (ColletReload *reload, const Shadow *self)
{
  GPtrArray *items = collet_reload_get_items (reload);

  for (guint i = 0; i < items->len; i++)
    {
      ColletReloadItem *item = items->pdata[i];

      if (!g_str_equal (item->module, self->module))
        continue;
      item->shadow_calls = self->calls->len;
      item->shadow_differences = self->differences->len;
    }
}

/* Takes the task. */
static void
call_next (GTask *task)
{
  ColletReloader *reloader = g_task_get_source_object (task);
  Shadow *self = g_task_get_task_data (task);
  GError *error = NULL;
  ColletReload *reload = collet_reloader_find_prepared (reloader, self->module, self->selector, &error);
  ColletToolEntry *entry = NULL;

  if (reload == NULL)
    {
      g_task_return_error (task, error);
      g_object_unref (task);
      return;
    }
  if (self->index == self->calls->len)
    {
      note (reload, self);
      g_task_return_pointer (task, g_steal_pointer (&self->differences), (GDestroyNotify)g_ptr_array_unref);
      g_object_unref (task);
      return;
    }

  const ColletRecordedCall *call = get_call (self);
  entry = collet_reloader_dup_prepared_tool (reloader, self->module, self->selector, call->tool, &error);
  if (entry != NULL && !entry->tool->read_only)
    {
      g_clear_pointer (&entry, collet_tool_entry_free);
      error = g_error_new (COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                           "The prepared version does not say readOnlyHint of \"%s\", so it was not called.",
                           call->tool);
    }
  if (entry == NULL && g_error_matches (error, COLLET_ERROR, COLLET_ERROR_NOT_PREPARED))
    {
      g_task_return_error (task, error);
      g_object_unref (task);
      return;
    }
  if (entry == NULL)
    {
      add_difference (self, dup_error (error));
      g_clear_error (&error);
      self->index++;
      call_next (task);
      return;
    }
  collet_trial_call_async (entry, call->arguments,
                           entry->call_timeout_ms > 0 ? MIN (entry->call_timeout_ms, MAX_CALL_MS)
                                                      : MAX_CALL_MS,
                           on_answered, task);
}

static GError *
look_for_calls (ColletReloader *reloader, Shadow *self, const char *tool, guint limit)
{
  ColletCallRecorder *recorder = reloader->config.recorder;

  if (recorder == NULL)
    return g_error_new_literal (COLLET_ERROR, COLLET_ERROR_NOT_SUPPORTED,
                                "This daemon does not record calls. Switch it on with shadow.calls in its "
                                "configuration.");
  self->calls = collet_call_recorder_list (recorder, self->module, tool, limit);
  if (self->calls->len > 0)
    return NULL;
  return g_error_new (
      COLLET_ERROR, COLLET_ERROR_NOT_FOUND,
      "No call of a read-only tool of module \"%s\" was recorded since the daemon started. Let it "
      "be used for a while.",
      self->module);
}

void
collet_reloader_shadow_async (ColletReloader *reloader, const char *module, const char *selector,
                              const char *tool, guint limit, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (reloader, NULL, callback, user_data);
  Shadow *self = g_new0 (Shadow, 1);
  GError *error = NULL;

  self->module = g_strdup (module);
  self->selector = g_strdup (selector);
  self->differences = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_shadow_difference_free);
  g_task_set_task_data (task, self, (GDestroyNotify)shadow_free);
  if (collet_reloader_find_prepared (reloader, module, selector, &error) != NULL)
    error = look_for_calls (reloader, self, tool, limit);
  if (error == NULL)
    {
      call_next (task);
      return;
    }
  g_task_return_error (task, error);
  g_object_unref (task);
}

GPtrArray *
collet_reloader_shadow_finish (ColletReloader *reloader, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
