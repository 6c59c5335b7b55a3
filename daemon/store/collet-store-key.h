/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-store-key.h: the keys that are trusted no more, for whoever asks the
 * database; see collet-store.h for threads and errors.
 */
#pragma once

#include "collet-store.h"

G_BEGIN_DECLS

/* In place of those that were there. `ids`: a set of char *, copied. */
void collet_store_set_revoked_keys_async (ColletStore *self, GHashTable *ids, GAsyncReadyCallback callback,
                                          gpointer user_data);
gboolean collet_store_set_revoked_keys_finish (ColletStore *self, GAsyncResult *result, GError **error);

G_END_DECLS
