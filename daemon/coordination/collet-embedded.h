/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-embedded.h: coordination within one process, over rows of its own
 * database: a cluster of one, with nothing else to run. Sessions end with the
 * process; what the last one left is removed at the start.
 */
#pragma once

#include "collet-coordination.h"

G_BEGIN_DECLS

#define COLLET_EMBEDDED_LOG 4096 /* changes kept for watches that begin in the past */

/* What handles on the same rows share. Holds rows borrowed; a handle holds the
 * hub. */
typedef struct _ColletEmbeddedHub ColletEmbeddedHub;

ColletEmbeddedHub *collet_embedded_hub_new (ColletRowStore *rows);
void collet_embedded_hub_unref (ColletEmbeddedHub *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletEmbeddedHub, collet_embedded_hub_unref)

ColletCoordination *collet_embedded_new (ColletEmbeddedHub *hub);

G_END_DECLS
