/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tiny.h"

#include <stdlib.h>

static int
init (struct collet_context *context, void **instance)
{
  (void)instance;
  (void)context;
  abort ();
}

TINY_MANIFEST ("", "");
COLLET_MODULE (.init = init, .call = tiny_call);
