/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * kit.c: a module with one tool for each thing that the host offers. */
#include "collet-module.h"

#include <stdio.h>
#include <stdlib.h>

static int
call_get (struct collet_call *call)
{
  bool flag = false;
  int64_t whole = -1;
  double number = -1;
  const char *text = "unset", *raw = "unset";
  size_t size = 0, raw_size = 0;
  char line[512];
  bool has_flag = collet_get_boolean (call, "flag", &flag);
  bool has_whole = collet_get_integer (call, "whole", &whole);
  bool has_number = collet_get_number (call, "number", &number);
  bool has_text = collet_get_string (call, "t\xc3\xa4xt", &text, &size);
  bool has_raw = collet_get_json (call, "raw", &raw, &raw_size);

  snprintf (line, sizeof line, "%d:%d %d:%lld %d:%.3f %d:%s:%zu %d:%s:%zu", has_flag, flag, has_whole,
            (long long)whole, has_number, number, has_text, text, size, has_raw, raw, raw_size);
  collet_add_text (call, line);
  return COLLET_OK;
}

static int
call_content (struct collet_call *call)
{
  collet_add_text (call, "quote \" back \\ line\n bell \a bad \xff\xc3 euro \xe2\x82\xac");
  collet_add_text_sized (call, "a\0b", 3);
  collet_add_image (call, "\x00\x01\x02\x03", 4, "image/png");
  collet_add_audio (call, "\xff\xfe", 2, NULL);
  collet_add_resource_link (call, "file:///a", "a", NULL, "an \"a\"", NULL);
  collet_add_resource_text (call, "file:///b", "text/plain", "b\tb");
  collet_add_resource_blob (call, "file:///c", NULL, "c", 1);
  collet_set_structured (call, "{\"n\":1}");
  collet_set_structured (call, "{\"n\":2}");
  return COLLET_OK;
}

static int
call_events (struct collet_call *call)
{
  collet_progress (call, 1, 4, "one");
  collet_progress (call, 1, 4, "does not grow");
  collet_progress (call, 2.5, 0, NULL);
  collet_progress (call, 0.0 / 0.0, 4, "not a number");
  call->ops->log (call, (enum collet_level)0, "k\"it", "debug");
  call->ops->log (call, (enum collet_level)3, "k\"it", "warning");
  call->ops->log (call, (enum collet_level)99, NULL, "no level");
  return COLLET_OK;
}

static int
call_large (struct collet_call *call)
{
  int64_t size = 0;
  char *text;

  collet_get_integer (call, "size", &size);
  text = malloc ((size_t)size);
  memset (text, 'x', (size_t)size);
  collet_add_text_sized (call, text, (size_t)size);
  free (text);
  return COLLET_OK;
}

/* As many questions, bytes of each and bytes of state as the arguments say. */
static int
call_ask (struct collet_call *call)
{
  int64_t questions = 0, size = 0, state_size = 0;
  char *text;

  collet_get_integer (call, "questions", &questions);
  collet_get_integer (call, "size", &size);
  collet_get_integer (call, "state", &state_size);
  text = malloc ((size_t)(size + state_size + 32));
  memset (text, 'x', (size_t)(size + state_size));
  collet_set_state (call, text, (size_t)state_size);
  for (int64_t i = 0; i < questions; i++)
    {
      char key[32];

      snprintf (key, sizeof key, "q%d", (int)i);
      if (size > 0)
        {
          memset (text, 'x', (size_t)size + 8);
          memcpy (text, "{\"m\":\"", 6);
          memcpy (text + 6 + size, "\"}", 3);
          collet_ask (call, COLLET_QUESTION_FORM, key, text);
        }
      else
        call->ops->ask (call, COLLET_QUESTION_ROOTS, key, NULL, 0);
    }
  free (text);
  return COLLET_INPUT_REQUIRED;
}

static int
call_replies (struct collet_call *call)
{
  const char *text = "unset", *raw = "unset";
  const void *state = "unset";
  size_t size = 5, text_size = 0;
  char line[512];
  bool has_text = collet_get_reply_string (call, "a", "content/t\xc3\xa4xt", &text, &text_size);
  bool has_raw = collet_get_reply_json (call, "a", "", &raw, NULL);
  bool has_state = collet_get_state (call, &state, &size);

  snprintf (line, sizeof line, "%d%d%d%d %d%d%d%d %d:%s:%zu %d:%s %d:%.*s", collet_can_ask (call, 0),
            collet_can_ask (call, 1), collet_can_ask (call, 2),
            collet_can_ask (call, (enum collet_question)40), collet_get_reply (call, "a"),
            collet_get_reply (call, "b"), collet_get_reply (call, "c"), collet_get_reply (call, "d"),
            has_text, text, text_size, has_raw, raw, has_state, (int)size, (const char *)state);
  collet_add_text (call, line);
  return COLLET_OK;
}

static int
call (void *instance, const char *tool, struct collet_call *call)
{
  size_t size;

  if (strcmp (tool, "get") == 0)
    return call_get (call);
  if (strcmp (tool, "content") == 0)
    return call_content (call);
  if (strcmp (tool, "events") == 0)
    return call_events (call);
  if (strcmp (tool, "large") == 0)
    return call_large (call);
  if (strcmp (tool, "ask") == 0)
    return call_ask (call);
  if (strcmp (tool, "replies") == 0)
    return call_replies (call);
  if (strcmp (tool, "structured") == 0)
    collet_set_structured (call, "{\"s\":\"\\\"\"}");
  if (strcmp (tool, "error") == 0)
    return collet_call_fail (call, "no such file");
  if (strcmp (tool, "soft-error") == 0)
    call->ops->set_error (call, "said OK");
  if (strcmp (tool, "silent") == 0)
    return 77;
  if (strcmp (tool, "arguments") == 0)
    collet_add_text (call, collet_arguments (call, &size));
  if (strcmp (tool, "spin") == 0)
    {
      while (!collet_is_cancelled (call))
        ;
      return COLLET_CANCELLED;
    }
  if (strcmp (tool, "time") == 0)
    {
      char line[32];

      snprintf (line, sizeof line, "%lld", (long long)collet_remaining_ms (call));
      collet_add_text (call, line);
    }
  return COLLET_OK;
}

static int
init (struct collet_context *context, void **instance)
{
  collet_log (context, (enum collet_level)1, "starting");
  *instance = calloc (1, 8);
  return COLLET_OK;
}

static void
fini (void *instance)
{
  free (instance);
}

static int
export_state (void *instance, struct collet_context *context)
{
  collet_write (context, instance, 4);
  collet_write (context, (char *)instance + 4, 4);
  return COLLET_OK;
}

static int
import_state (void *instance, struct collet_context *context, const void *bytes, size_t size)
{
#ifdef OTHER
  if (size == 9)
    return collet_fail (context, "9 bytes");
#endif
  if (size != 8)
    return collet_fail (context, "not 8 bytes");
  memcpy (instance, bytes, 8);
  return COLLET_OK;
}

static int
code_change (struct collet_context *context, enum collet_direction direction, uint32_t format,
             const void *bytes, size_t size)
{
  char block[4096] = { 0 };

  if (format == 9) /* more than any state may have */
    for (int i = 0; i < 17000; i++)
      collet_write (context, block, sizeof block);
  if (format == 8)
    return COLLET_FAILED;
  collet_write (context, direction == COLLET_UP ? "up:" : "down:", direction == COLLET_UP ? 3 : 5);
  collet_write (context, bytes, size);
  return COLLET_OK;
}

COLLET_MANIFEST ("{\"name\":\"kit\",\"version\":\"1.0.0\",\"tools\":[]}");
COLLET_MODULE (.init = init, .fini = fini, .call = call, .export_state = export_state,
               .import_state = import_state, .code_change = code_change);
