/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tiny.h"

static int
init (struct collet_context *context, void **instance)
{
  (void)instance;
  return collet_fail (context, "the init of this module always fails");
}

TINY_MANIFEST ("", "");
COLLET_MODULE (.init = init, .call = tiny_call);
