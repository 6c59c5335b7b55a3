/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-inproc-generation.h: a generation inside the daemon, for trusted modules
 * that need the last microseconds. The same runtime, leases and answers as in a
 * worker; but a crash is the daemon's, and nothing can be ended from outside: a
 * module that does not return stays in memory, and its retirement says so.
 */
#pragma once

#include "collet-host-private.h"

G_BEGIN_DECLS

#define COLLET_TYPE_INPROC_GENERATION (collet_inproc_generation_get_type ())
G_DECLARE_FINAL_TYPE (ColletInprocGeneration, collet_inproc_generation, COLLET, INPROC_GENERATION,
                      ColletGeneration)

/* Takes `spec`. */
ColletGeneration *collet_inproc_generation_new (ColletHostParts *parts, ColletGenerationSpec *spec);

G_END_DECLS
