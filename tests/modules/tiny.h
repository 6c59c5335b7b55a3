/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * tiny.h: what the test modules share. NAME, TOOL and VERSION come from the
 * build; a fault is built under a name of its own and as a version of `echo`.
 */
#pragma once

#include "collet-module.h"

/* `members` and `tool_members`: further JSON members, each with its comma. */
#define TINY_MANIFEST(members, tool_members)                                                                 \
  COLLET_MANIFEST ("{\"name\":\"" NAME "\",\"version\":\"" VERSION "\"," members "\"tools\":[{"              \
                   "\"name\":\"" TOOL "\",\"description\":\"Returns its arguments\"," tool_members           \
                   "\"inputSchema\":{\"type\":\"object\"}}]}")

/* Answers with its arguments. */
__attribute__ ((unused)) static int
tiny_call (void *instance, const char *tool, struct collet_call *call)
{
  size_t size;

  (void)instance;
  (void)tool;
  collet_set_structured (call, collet_arguments (call, &size));
  return COLLET_OK;
}
