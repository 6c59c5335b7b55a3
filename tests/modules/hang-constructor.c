/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tiny.h"

#include <unistd.h>

__attribute__ ((constructor)) static void
construct (void)
{
  for (;;)
    pause ();
}

TINY_MANIFEST ("", "");
COLLET_MODULE (.call = tiny_call);
