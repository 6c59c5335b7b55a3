/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-versions.h: the retained versions of a module, for people.
 */
#pragma once

#include "collet-reloader.h"
#include "collet-retention.h"

G_BEGIN_DECLS

/* ColletVersionRow, the newest first. */
void collet_reloader_versions_async (ColletReloader *self, const char *module, GAsyncReadyCallback callback,
                                     gpointer user_data);
GPtrArray *collet_reloader_versions_finish (ColletReloader *self, GAsyncResult *result, GError **error);
/* Keeps a version for ever, or gives it back to the rules. `selector` as in
 * collet-version.h. NotFound, InvalidArgument. reason: or NULL. */
void collet_reloader_retain_async (ColletReloader *self, const char *module, const char *selector,
                                   gboolean retain, gint64 uid, const char *reason,
                                   GAsyncReadyCallback callback, gpointer user_data);
gboolean collet_reloader_retain_finish (ColletReloader *self, GAsyncResult *result, GError **error);

G_END_DECLS
