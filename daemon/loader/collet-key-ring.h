/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-key-ring.h: the keys of a folder at one moment. NAME.pub is trusted;
 * NAME.revoked (the same file, renamed) is no more.
 */
#pragma once

#include "collet-key.h"

G_BEGIN_DECLS

typedef struct
{
  ColletKey key;
  char *name; /* of the file, without its suffix */
  gboolean is_revoked;
} ColletRingKey;

typedef struct _ColletKeyRing ColletKeyRing;

/* A folder that is not there has no keys; so has NULL. Blocking. NotTrusted:
 * others than root and our user may write them, or one cannot be read: then
 * nothing can be trusted. */
ColletKeyRing *collet_key_ring_read (const char *folder, GError **error);
void collet_key_ring_free (ColletKeyRing *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletKeyRing, collet_key_ring_free)

gboolean collet_key_ring_is_empty (const ColletKeyRing *self);
/* NULL: unknown. Revoked goes before trusted. Borrowed. */
const ColletRingKey *collet_key_ring_find (const ColletKeyRing *self, const guint8 id[COLLET_KEY_ID_SIZE]);
/* Ids, as colletctl shows them, of the keys that are trusted no more (a set of char *). */
GHashTable *collet_key_ring_list_revoked (const ColletKeyRing *self);

G_END_DECLS
