/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-seen-store.h: which store a cluster had, and up to which revision this
 * node has seen it: in a file, so that one that went back is noticed after a
 * restart, too.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _ColletSeenStore ColletSeenStore;

ColletSeenStore *collet_seen_store_new (const char *folder);
void collet_seen_store_free (ColletSeenStore *self);

/* Its id, g_free; NULL: nothing is known. Blocking, a few bytes. */
char *collet_seen_store_read (ColletSeenStore *self, gint64 *revision);
/* Does not block; a write that fails is warned of. */
void collet_seen_store_write (ColletSeenStore *self, const char *store_id, gint64 revision);
/* It is another cluster's. */
void collet_seen_store_forget (ColletSeenStore *self);

G_END_DECLS
