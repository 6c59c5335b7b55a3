/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tiny.h"

#include <stdlib.h>

static int
self_test (void *instance, struct collet_context *context)
{
  (void)instance;
  (void)context;
  abort ();
}

TINY_MANIFEST ("", "");
COLLET_MODULE (.call = tiny_call, .self_test = self_test);
