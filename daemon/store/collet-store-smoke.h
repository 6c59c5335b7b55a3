/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-store-smoke.h: smoke tests that an administrator has set.
 */
#pragma once

#include "collet-store.h"

G_BEGIN_DECLS

/* `tests`: JSON array; NULL: none any more. */
void collet_store_set_smoke_tests_async (ColletStore *self, const char *module, const char *tests, gint64 uid,
                                         const char *reason, GAsyncReadyCallback callback,
                                         gpointer user_data);
gboolean collet_store_set_smoke_tests_finish (ColletStore *self, GAsyncResult *result, GError **error);

G_END_DECLS
