/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tiny.h"

#include <stdlib.h>

__attribute__ ((constructor)) static void
construct (void)
{
  abort ();
}

TINY_MANIFEST ("", "");
COLLET_MODULE (.call = tiny_call);
