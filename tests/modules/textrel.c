/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Linked with -z notext: an address in .text is relocated at load time, so the
 * code must be writable for a moment. */
#include "tiny.h"

__asm__(".pushsection .text\n.balign 8\n.quad collet_module\n.popsection");

TINY_MANIFEST ("", "");
COLLET_MODULE (.call = tiny_call);
