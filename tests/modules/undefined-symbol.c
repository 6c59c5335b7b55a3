/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tiny.h"

extern int collet_test_defined_nowhere (void);

static int
call_tool (void *instance, const char *tool, struct collet_call *call)
{
  (void)instance;
  (void)tool;
  (void)call;
  return collet_test_defined_nowhere ();
}

TINY_MANIFEST ("", "");
COLLET_MODULE (.call = call_tool);
