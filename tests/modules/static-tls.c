/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tiny.h"

/* More than the loader keeps free for late initial-exec variables. */
static __thread __attribute__ ((tls_model ("initial-exec"))) volatile char buffer[4096];

static int
call_tool (void *instance, const char *tool, struct collet_call *call)
{
  buffer[sizeof buffer - 1]++;
  return tiny_call (instance, tool, call);
}

TINY_MANIFEST ("", "");
COLLET_MODULE (.call = call_tool);
