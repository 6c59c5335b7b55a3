/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tiny.h"

#ifdef NEEDS
#define REQUIRES "\"requires\":[\"" NEEDS "\"],"
#else
#define REQUIRES ""
#endif

TINY_MANIFEST ("\"concurrent\":true," REQUIRES, "");
COLLET_MODULE (.call = tiny_call);
