/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tiny.h"

/* Claims that its result is JSON. */
static int
call_tool (void *instance, const char *tool, struct collet_call *call)
{
  (void)instance;
  (void)tool;
  collet_set_structured (call, "{\"open\": [1, 2");
  return COLLET_OK;
}

TINY_MANIFEST ("", "");
COLLET_MODULE (.call = call_tool);
