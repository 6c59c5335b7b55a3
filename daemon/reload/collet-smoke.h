/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-smoke.h: smoke tests of a module that an administrator has set, beside
 * those in its own manifest. Main thread.
 */
#pragma once

#include "collet-reloader.h"

G_BEGIN_DECLS

/* JSON array, or NULL: none are set. Borrowed. */
const char *collet_reloader_get_smoke_tests (ColletReloader *self, const char *module);
/* `tests`: see collet-smoke-test.h; an empty array removes them. InvalidJson,
 * InvalidArgument. */
void collet_reloader_set_smoke_tests_async (ColletReloader *self, const char *module, const char *tests,
                                            gint64 uid, const char *reason, GAsyncReadyCallback callback,
                                            gpointer user_data);
gboolean collet_reloader_set_smoke_tests_finish (ColletReloader *self, GAsyncResult *result, GError **error);

G_END_DECLS
