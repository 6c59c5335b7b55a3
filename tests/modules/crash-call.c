/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tiny.h"

#include <signal.h>

static int
call_tool (void *instance, const char *tool, struct collet_call *call)
{
  (void)instance;
  (void)tool;
  (void)call;
  /* Also where a sanitizer would catch it. */
  signal (SIGSEGV, SIG_DFL);
  raise (SIGSEGV);
  return COLLET_OK;
}

TINY_MANIFEST ("", "");
COLLET_MODULE (.call = call_tool);
