/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tiny.h"

TINY_MANIFEST ("\"concurrent\":true,", "");
COLLET_MODULE (.call = tiny_call);
