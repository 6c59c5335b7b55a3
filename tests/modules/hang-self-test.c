/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tiny.h"

#include <unistd.h>

static int
self_test (void *instance, struct collet_context *context)
{
  (void)instance;
  (void)context;
  for (;;)
    pause ();
  return COLLET_FAILED;
}

TINY_MANIFEST ("", "");
COLLET_MODULE (.call = tiny_call, .self_test = self_test);
