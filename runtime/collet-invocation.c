/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-invocation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "collet-utf8.h"
#include "collet-wire.h"

/* Longer log lines and progress messages are cut, so that an event is always one
 * small frame. */
#define EVENT_TEXT_MAX 4096
#define LOGGER_MAX 128
#define EVENT_MAX COLLET_WIRE_INLINE

static const char *const level_names[] = { "debug", "info",     "notice", "warning",
                                           "error", "critical", "alert",  "emergency" };

static struct collet_scratch *
scratch_of (struct collet_call *call)
{
  return (struct collet_scratch *)call;
}

struct collet_scratch *
collet_scratch_new (void)
{
  struct collet_scratch *scratch = calloc (1, sizeof *scratch);

  if (scratch == NULL)
    return NULL;
  pthread_mutex_init (&scratch->lock, NULL);
  collet_buffer_init (&scratch->input, (size_t)COLLET_WIRE_MAX + 2);
  collet_buffer_init (&scratch->event, EVENT_MAX);
  collet_buffer_init (&scratch->returned, COLLET_WIRE_MAX);
  collet_answer_init (&scratch->answer);
  return scratch;
}

void
collet_scratch_free (struct collet_scratch *scratch)
{
  if (scratch == NULL)
    return;
  collet_buffer_clear (&scratch->input);
  collet_buffer_clear (&scratch->event);
  collet_buffer_clear (&scratch->returned);
  collet_answer_clear (&scratch->answer);
  collet_arena_clear (&scratch->strings);
  pthread_mutex_destroy (&scratch->lock);
  free (scratch);
}

static void
copy_trace (struct collet_scratch *scratch, const struct collet_request *request)
{
  const size_t size = request->trace_size <= COLLET_TRACE_MAX ? request->trace_size : 0;

  if (size > 0)
    memcpy (scratch->trace, request->trace, size);
  scratch->trace[size] = '\0';
}

bool
collet_invocation_begin (struct collet_scratch *scratch, const struct collet_request *request,
                         const struct collet_sink *sink)
{
  const bool has_arguments = request->arguments_size > 0;

  scratch->call.ops = &collet_invocation_ops;
  scratch->request = request;
  scratch->sink = sink;
  scratch->last_progress = -INFINITY;
  copy_trace (scratch, request);
  collet_arena_reset (&scratch->strings);
  collet_answer_reset (&scratch->answer);
  collet_buffer_reset (&scratch->input);
  collet_buffer_append (&scratch->input, request->tool, request->tool_size);
  collet_buffer_append (&scratch->input, "", 1);
  collet_buffer_append (&scratch->input, has_arguments ? request->arguments : "{}",
                        has_arguments ? request->arguments_size : 2);
  collet_buffer_reset (&scratch->returned);
  if (request->replies_size > 0 || request->state_size > 0)
    {
      collet_buffer_append (&scratch->returned, request->replies, request->replies_size);
      collet_buffer_append (&scratch->returned, "", 1);
      collet_buffer_append (&scratch->returned, request->state, request->state_size);
    }
  scratch->replies_size = request->replies_size;
  scratch->state_size = request->state_size;
  if (scratch->input.overflowed || scratch->returned.overflowed)
    return false;
  scratch->arguments = scratch->input.bytes + request->tool_size + 1;
  scratch->arguments_size = scratch->input.size - request->tool_size - 1;
  return true;
}

static int64_t
now_us (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static bool
is_set (const atomic_bool *flag)
{
  return flag != NULL && atomic_load_explicit (flag, memory_order_relaxed);
}

bool
collet_invocation_is_over (const struct collet_scratch *scratch)
{
  const struct collet_request *request = scratch->request;

  return is_set (request->cancelled) || is_set (request->stopping) ||
         (request->deadline_us != INT64_MAX && now_us () >= request->deadline_us);
}

static bool
op_is_cancelled (struct collet_call *call)
{
  return collet_invocation_is_over (scratch_of (call));
}

static int64_t
op_remaining_ms (struct collet_call *call)
{
  int64_t deadline_us = scratch_of (call)->request->deadline_us;
  int64_t left;

  if (deadline_us == INT64_MAX)
    return INT64_MAX;
  left = deadline_us - now_us ();
  return left > 0 ? (left + 999) / 1000 : 0;
}

static const char *
op_arguments (struct collet_call *call, size_t *size)
{
  struct collet_scratch *scratch = scratch_of (call);

  if (size != NULL)
    *size = scratch->arguments_size;
  return scratch->arguments;
}

static bool
find (struct collet_call *call, const char *name, struct collet_slice *value)
{
  struct collet_scratch *scratch = scratch_of (call);

  return collet_arguments_find (scratch->arguments, scratch->arguments_size, name, value);
}

static bool
op_get_boolean (struct collet_call *call, const char *name, bool *value)
{
  struct collet_slice slice;

  return find (call, name, &slice) && collet_slice_get_boolean (&slice, value);
}

static bool
op_get_integer (struct collet_call *call, const char *name, int64_t *value)
{
  struct collet_slice slice;

  return find (call, name, &slice) && collet_slice_get_integer (&slice, value);
}

static bool
op_get_number (struct collet_call *call, const char *name, double *value)
{
  struct collet_slice slice;

  return find (call, name, &slice) && collet_slice_get_number (&slice, value);
}

bool
collet_invocation_give (struct collet_scratch *scratch, const struct collet_slice *slice, bool unescape,
                        const char **value, size_t *size)
{
  size_t length = slice->size;
  char *text;

  pthread_mutex_lock (&scratch->lock);
  text = collet_arena_take (&scratch->strings, slice->size + 1);
  pthread_mutex_unlock (&scratch->lock);
  if (text == NULL)
    return false;
  if (unescape)
    length = collet_slice_unescape (slice, text);
  else
    {
      memcpy (text, slice->text, slice->size);
      text[slice->size] = '\0';
    }
  *value = text;
  if (size != NULL)
    *size = length;
  return true;
}

static bool
op_get_string (struct collet_call *call, const char *name, const char **value, size_t *size)
{
  struct collet_slice slice;

  return find (call, name, &slice) && collet_slice_is_string (&slice) &&
         collet_invocation_give (scratch_of (call), &slice, true, value, size);
}

/* The raw text is not NUL-terminated in place: a copy is. */
static bool
op_get_json (struct collet_call *call, const char *name, const char **value, size_t *size)
{
  struct collet_slice slice;

  return find (call, name, &slice) && collet_invocation_give (scratch_of (call), &slice, false, value, size);
}

static struct collet_answer *
lock_answer (struct collet_call *call)
{
  pthread_mutex_lock (&scratch_of (call)->lock);
  return &scratch_of (call)->answer;
}

static void
unlock (struct collet_call *call)
{
  pthread_mutex_unlock (&scratch_of (call)->lock);
}

static void
op_add_text (struct collet_call *call, const char *text, size_t size)
{
  collet_answer_add_text (lock_answer (call), text, size);
  unlock (call);
}

static void
op_add_image (struct collet_call *call, const void *data, size_t size, const char *mime_type)
{
  collet_answer_add_media (lock_answer (call), "image", data, size, mime_type);
  unlock (call);
}

static void
op_add_audio (struct collet_call *call, const void *data, size_t size, const char *mime_type)
{
  collet_answer_add_media (lock_answer (call), "audio", data, size, mime_type);
  unlock (call);
}

static void
op_add_resource_link (struct collet_call *call, const char *uri, const char *name, const char *title,
                      const char *description, const char *mime_type)
{
  collet_answer_add_link (lock_answer (call), uri, name, title, description, mime_type);
  unlock (call);
}

static void
op_add_resource_text (struct collet_call *call, const char *uri, const char *mime_type, const char *text,
                      size_t size)
{
  collet_answer_add_resource_text (lock_answer (call), uri, mime_type, text, size);
  unlock (call);
}

static void
op_add_resource_blob (struct collet_call *call, const char *uri, const char *mime_type, const void *data,
                      size_t size)
{
  collet_answer_add_resource_blob (lock_answer (call), uri, mime_type, data, size);
  unlock (call);
}

static void
op_set_structured (struct collet_call *call, const char *json, size_t size)
{
  collet_answer_set_structured (lock_answer (call), json, size);
  unlock (call);
}

static void
op_set_error (struct collet_call *call, const char *message)
{
  struct collet_answer *answer = lock_answer (call);

  answer->is_error = true;
  if (message != NULL)
    collet_answer_add_text (answer, message, strlen (message));
  unlock (call);
}

static void
append_cut (struct collet_buffer *event, const char *text, size_t limit)
{
  size_t size = strnlen (text, limit + 1);

  collet_buffer_append_string (event, text, collet_utf8_prefix (text, size, limit));
}

static void
op_progress (struct collet_call *call, double progress, double total, const char *message)
{
  struct collet_scratch *scratch = scratch_of (call);
  struct collet_buffer *event = &scratch->event;

  if (!scratch->request->wants_progress || scratch->sink == NULL || scratch->sink->progress == NULL)
    return;
  pthread_mutex_lock (&scratch->lock);
  if (isfinite (progress) && progress > scratch->last_progress)
    {
      scratch->last_progress = progress;
      collet_buffer_reset (event);
      collet_buffer_append_text (event, "{\"progress\":");
      collet_buffer_append_number (event, progress);
      if (isfinite (total) && total > 0)
        {
          collet_buffer_append_text (event, ",\"total\":");
          collet_buffer_append_number (event, total);
        }
      if (message != NULL)
        {
          collet_buffer_append_text (event, ",\"message\":");
          append_cut (event, message, EVENT_TEXT_MAX);
        }
      collet_buffer_append_text (event, "}");
      if (!event->overflowed)
        scratch->sink->progress (scratch->sink->user_data, event->bytes, event->size);
    }
  pthread_mutex_unlock (&scratch->lock);
}

void
collet_invocation_format_log (struct collet_buffer *event, enum collet_level level, const char *logger,
                              const char *text)
{
  collet_buffer_reset (event);
  collet_buffer_append_text (event, "{\"level\":\"");
  collet_buffer_append_text (event, level_names[level]);
  collet_buffer_append_text (event, "\"");
  if (logger != NULL)
    {
      collet_buffer_append_text (event, ",\"logger\":");
      append_cut (event, logger, LOGGER_MAX);
    }
  collet_buffer_append_text (event, ",\"data\":");
  append_cut (event, text != NULL ? text : "", EVENT_TEXT_MAX);
  collet_buffer_append_text (event, "}");
}

static void
op_log (struct collet_call *call, enum collet_level level, const char *logger, const char *text)
{
  struct collet_scratch *scratch = scratch_of (call);

  if ((unsigned)level > COLLET_LEVEL_EMERGENCY || (int)level < scratch->request->log_level)
    return;
  if (scratch->sink == NULL || scratch->sink->log == NULL)
    return;
  pthread_mutex_lock (&scratch->lock);
  collet_invocation_format_log (&scratch->event, level, logger, text);
  if (!scratch->event.overflowed)
    scratch->sink->log (scratch->sink->user_data, level, scratch->event.bytes, scratch->event.size);
  pthread_mutex_unlock (&scratch->lock);
}

static const char *
op_trace (struct collet_call *call)
{
  const struct collet_scratch *scratch = scratch_of (call);

  return scratch->trace[0] != '\0' ? scratch->trace : NULL;
}

const struct collet_call_ops collet_invocation_ops = {
  .struct_size = sizeof (struct collet_call_ops),
  .arguments = op_arguments,
  .get_boolean = op_get_boolean,
  .get_integer = op_get_integer,
  .get_number = op_get_number,
  .get_string = op_get_string,
  .get_json = op_get_json,
  .add_text = op_add_text,
  .add_image = op_add_image,
  .add_audio = op_add_audio,
  .add_resource_link = op_add_resource_link,
  .add_resource_text = op_add_resource_text,
  .add_resource_blob = op_add_resource_blob,
  .set_structured = op_set_structured,
  .set_error = op_set_error,
  .progress = op_progress,
  .log = op_log,
  .is_cancelled = op_is_cancelled,
  .remaining_ms = op_remaining_ms,
  .can_ask = collet_question_can_ask,
  .ask = collet_question_ask,
  .get_reply = collet_question_get_reply,
  .get_reply_string = collet_question_get_reply_string,
  .get_reply_json = collet_question_get_reply_json,
  .set_state = collet_question_set_state,
  .get_state = collet_question_get_state,
  .trace = op_trace,
};
