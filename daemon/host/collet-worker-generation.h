/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-worker-generation.h: a generation in a process of its own. Made by
 * ColletHost.
 */
#pragma once

#include "collet-host-private.h"

G_BEGIN_DECLS

#define COLLET_TYPE_WORKER_GENERATION (collet_worker_generation_get_type ())
G_DECLARE_FINAL_TYPE (ColletWorkerGeneration, collet_worker_generation, COLLET, WORKER_GENERATION,
                      ColletGeneration)

ColletGeneration *collet_worker_generation_new (ColletHostParts *parts, ColletGenerationSpec *spec);

G_END_DECLS
