/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-bus-tool-call.h"

#include "collet-call-form.h"
#include "collet-error.h"
#include "collet-log-level.h"
#include "collet-tool-result.h"
#include "collet-trace.h"

#define DEFAULT_TIMEOUT_MS 60000

typedef struct
{
  ColletCall base;
  ColletBusCall *call;
  ColletToolDirectory *directory;
  ColletCallRecorder *recorder; /* or NULL */
  ColletToolList *list;         /* keeps the entry; or */
  ColletToolEntry *owned;       /* does */
  const ColletToolEntry *entry;
  ColletJson *arguments;
  GError *error;
  char *answer;
  char *caller;
  char trace[COLLET_TRACE_SIZE];
} ToolCall;

static void
tool_call_free (ToolCall *self)
{
  g_clear_pointer (&self->arguments, collet_json_free);
  g_clear_pointer (&self->list, collet_tool_list_unref);
  g_clear_pointer (&self->owned, collet_tool_entry_free);
  g_clear_error (&self->error);
  collet_call_form_clear (&self->base);
  g_free (self->answer);
  g_free (self->caller);
  g_free (self);
}

/* Main thread. */
static gboolean
answer (gpointer data)
{
  ToolCall *self = data;

  if (self->error != NULL)
    collet_bus_call_fail (self->call, g_steal_pointer (&self->error));
  else
    collet_bus_call_return (self->call, g_variant_new ("(s)", self->answer));
  tool_call_free (self);
  return G_SOURCE_REMOVE;
}

static char *
make_answer (ToolCall *self, const ColletCallResult *result, gboolean *is_error, GError **error)
{
  g_autoptr (ColletJson) json = NULL;

  if (result->error != NULL)
    {
      g_propagate_error (error, g_error_copy (result->error));
      return NULL;
    }
  json = collet_tool_result_parse (&self->base, result, is_error, error);
  if (json == NULL)
    return NULL;

  if (self->base.renewed == NULL) /* else a canary's, say */
    collet_call_recorder_add (self->recorder, self->entry, self->base.arguments, self->base.arguments_size,
                              result->json, result->json_size);
  GString *out = g_string_sized_new (result->json_size + 256);
  g_string_append_c (out, '{');
  collet_tool_result_append_members (out, json);
  g_string_append (out, ",\"_meta\":{");
  collet_tool_result_append_answered (out, result);
  if (result->version != NULL)
    collet_call_form_append (out, &self->base);
  collet_tool_result_append_meta (out, json);
  g_string_append (out, "}}");
  return g_string_free (out, FALSE);
}

/* Any thread. */
static void
on_done (ColletCall *base, const ColletCallResult *result)
{
  ToolCall *self = (ToolCall *)base;

  gboolean is_error = FALSE;

  self->answer = make_answer (self, result, &is_error, &self->error);
  if (result->is_bad != NULL)
    *result->is_bad = is_error || self->error != NULL;
  if (self->entry->counter != NULL)
    collet_tool_counter_add (self->entry->counter, is_error || self->error != NULL);
  if (self->entry->counter != NULL && self->base.former != NULL)
    collet_tool_counter_add_former (self->entry->counter);
  g_idle_add_full (G_PRIORITY_DEFAULT, answer, self, NULL);
}

static const ColletCallClass call_class = { .done = on_done };

/* Sends it. */
static void
start (ToolCall *self, const char *arguments, GVariant *options)
{
  guint32 timeout_ms = 0;

  self->arguments = collet_json_parse (*arguments != '\0' ? arguments : "{}", -1, &self->error);
  if (self->arguments == NULL || !collet_call_form_check (&self->base, self->entry, g_get_real_time (),
                                                          self->arguments, 0, &self->error))
    {
      answer (self);
      return;
    }

  g_variant_lookup (options, "timeout-ms", "u", &timeout_ms);
  if (timeout_ms == 0)
    timeout_ms = self->entry->call_timeout_ms > 0 ? self->entry->call_timeout_ms : DEFAULT_TIMEOUT_MS;
  self->base.class_ = &call_class;
  self->base.deadline_us = g_get_monotonic_time () + (gint64)timeout_ms * 1000;
  self->caller = g_strdup_printf ("uid:%" G_GINT64_FORMAT, self->call->uid);
  self->base.caller = self->caller;
  self->base.log_level = COLLET_NO_LOG_LEVEL;
  collet_trace_make (self->trace);
  self->base.trace = self->trace;
  collet_call_target_dispatch (self->entry->target, &self->base);
}

static ToolCall *
tool_call_new (ColletToolDirectory *directory, ColletBusCall *call)
{
  ToolCall *self = g_new0 (ToolCall, 1);

  self->call = call;
  self->directory = directory;
  return self;
}

void
collet_bus_tool_call_start (ColletToolDirectory *directory, ColletCallRecorder *recorder, ColletBusCall *call,
                            const char *tool, const char *arguments, GVariant *options)
{
  ToolCall *self = tool_call_new (directory, call);

  self->recorder = recorder;

  self->list = collet_tool_directory_ref_list (directory);
  self->entry = collet_tool_list_find (self->list, tool, -1);
  if (self->entry == NULL)
    self->entry = collet_tool_list_find_former (self->list, tool, g_get_real_time ());
  if (self->entry != NULL)
    {
      start (self, arguments, options);
      return;
    }
  self->error = g_error_new (COLLET_ERROR, COLLET_ERROR_TOOL_NOT_FOUND,
                             "There is no tool \"%s\". List the tools to see those there are.", tool);
  answer (self);
}

void
collet_bus_tool_call_start_entry (ColletToolDirectory *directory, ColletBusCall *call, ColletToolEntry *entry,
                                  const char *arguments, GVariant *options)
{
  ToolCall *self = tool_call_new (directory, call);

  self->owned = entry;
  self->entry = entry;
  self->base.is_trial = TRUE;
  start (self, arguments, options);
}
