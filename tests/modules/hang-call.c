/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tiny.h"

#include <unistd.h>

static int
call_tool (void *instance, const char *tool, struct collet_call *call)
{
  (void)instance;
  (void)tool;
  (void)call;
  /* Deaf to cancellation and to its deadline. */
  for (;;)
    pause ();
  return COLLET_FAILED;
}

TINY_MANIFEST ("", "");
COLLET_MODULE (.call = call_tool);
