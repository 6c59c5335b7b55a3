/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tiny.h"

/* Well-formed, but not what the outputSchema promises. */
static int
call_tool (void *instance, const char *tool, struct collet_call *call)
{
  (void)instance;
  (void)tool;
  collet_set_structured (call, "{\"answer\":\"forty-two\"}");
  return COLLET_OK;
}

TINY_MANIFEST ("", "\"outputSchema\":{\"type\":\"object\",\"properties\":{\"answer\":{\"type\":\"integer\"}},"
                   "\"required\":[\"answer\"]},");
COLLET_MODULE (.call = call_tool);
