/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * asker.c: asks one question, and tells what it was answered and what it kept. */
#include "tiny.h"

#include <stdio.h>

static int
call (void *instance, const char *tool, struct collet_call *call)
{
  static const char nothing[] = "none";
  const char *reply = "null";
  const void *state = nothing;
  size_t size = sizeof nothing - 1;
  char text[1024];

  (void)instance;
  (void)tool;
  if (collet_get_reply (call, "q") == COLLET_REPLY_NONE)
    {
      collet_set_state (call, "of " VERSION, strlen ("of " VERSION));
      return collet_ask (call, COLLET_QUESTION_FORM, "q",
                         "{\"message\":\"of " VERSION "\",\"requestedSchema\":{\"type\":\"object\","
                         "\"properties\":{\"a\":{\"type\":\"string\"}}}}");
    }
  collet_get_reply_json (call, "q", "content", &reply, NULL);
  collet_get_state (call, &state, &size);
  snprintf (text, sizeof text, "{\"by\":\"" VERSION "\",\"reply\":%s,\"state\":\"%.*s\"}", reply, (int)size,
            (const char *)state);
  collet_set_structured (call, text);
  return COLLET_OK;
}

#ifdef QUICK
TINY_MANIFEST ("\"concurrent\":true,\"quick\":true,", "");
#else
TINY_MANIFEST ("\"concurrent\":true,", "");
#endif
COLLET_MODULE (.call = call);
