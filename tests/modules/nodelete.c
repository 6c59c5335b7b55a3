/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Linked with -z nodelete: dlclose does not unload it. */
#include "tiny.h"

TINY_MANIFEST ("", "");
COLLET_MODULE (.call = tiny_call);
