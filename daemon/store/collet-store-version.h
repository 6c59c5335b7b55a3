/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-store-version.h: the stored versions: looked at, kept, removed; see
 * collet-store.h for threads and errors.
 */
#pragma once

#include "collet-retention.h"
#include "collet-store.h"

G_BEGIN_DECLS

/* ColletVersionRow of a module (NULL: of all), the newest first. */
void collet_store_versions_async (ColletStore *self, const char *module, GAsyncReadyCallback callback,
                                  gpointer user_data);
GPtrArray *collet_store_versions_finish (ColletStore *self, GAsyncResult *result, GError **error);
/* reason: or NULL. */
void collet_store_pin_version_async (ColletStore *self, const char *sha256, gboolean is_pinned, gint64 uid,
                                     const char *reason, GAsyncReadyCallback callback, gpointer user_data);
gboolean collet_store_pin_version_finish (ColletStore *self, GAsyncResult *result, GError **error);
/* Takes `versions` (char *: sha256). What serves, is gone back to or is pinned stays.
 * The states that are saved in its format go with a version. `before` is for the
 * record. finish: char *, those that are gone. */
void collet_store_remove_versions_async (ColletStore *self, GPtrArray *versions, gint64 before,
                                         GAsyncReadyCallback callback, gpointer user_data);
GPtrArray *collet_store_remove_versions_finish (ColletStore *self, GAsyncResult *result, GError **error);

G_END_DECLS
