/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A tool that only reads, if IS_READ_ONLY says so. Version 1 answers with its
 * arguments, a later one with its version; IS_CRASHING: not at all.
 */
#include "tiny.h"

#include <stdlib.h>

static int
call_tool (void *instance, const char *tool, struct collet_call *call)
{
  if (IS_CRASHING)
    abort ();
  if (VERSION[0] == '1')
    return tiny_call (instance, tool, call);
  collet_set_structured (call, "{\"version\":\"" VERSION "\"}");
  return COLLET_OK;
}

TINY_MANIFEST ("", "\"annotations\":{\"readOnlyHint\":" IS_READ_ONLY "},");
COLLET_MODULE (.call = call_tool);
