/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tiny.h"

#include <stdlib.h>

static int
call_tool (void *instance, const char *tool, struct collet_call *call)
{
  (void)instance;
  (void)tool;
  (void)call;
  /* Until a limit says no; 1 TiB, hardly touched, if there is none. */
  for (int i = 0; i < 65536; i++)
    {
      char *volatile block = malloc (16u << 20);

      if (block == NULL)
        return collet_call_fail (call, "out of memory");
      block[0] = 1;
    }
  return collet_call_fail (call, "nothing limits memory");
}

TINY_MANIFEST ("", "");
COLLET_MODULE (.call = call_tool);
