/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tiny.h"

static int
self_test (void *instance, struct collet_context *context)
{
  (void)instance;
  return collet_fail (context, "the self-test of this module always fails");
}

TINY_MANIFEST ("", "");
COLLET_MODULE (.call = tiny_call, .self_test = self_test);
