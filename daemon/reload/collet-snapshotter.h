/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-snapshotter.h: saves the states of modules whose manifest asks for it at
 * intervals, so that a crash costs no more than that. Main thread.
 */
#pragma once

#include "collet-reloader.h"

G_BEGIN_DECLS

typedef struct _ColletSnapshotter ColletSnapshotter;

/* Does not reference `reloader`, which owns it. */
ColletSnapshotter *collet_snapshotter_new (ColletReloader *reloader);
void collet_snapshotter_free (ColletSnapshotter *self);

G_END_DECLS
