/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-shadow.h: asks a prepared version what clients have asked the one that
 * serves, and compares. Main thread.
 */
#pragma once

#include "collet-reloader.h"

G_BEGIN_DECLS

typedef struct
{
  char *tool;
  char *arguments; /* JSON */
  char *old;       /* JSON: the recorded answer, redacted */
  char *new;       /* JSON: likewise, or {"error":{"name","message"}} */
} ColletShadowDifference;

void collet_shadow_difference_free (ColletShadowDifference *difference);

/* `selector` as for collet_reloader_find_prepared; tool: or NULL for all; limit:
 * the newest so many calls. The calls are made one after the other; only tools
 * that say readOnlyHint in both versions are called.
 * finish: ColletShadowDifference. NotPrepared, PrepareExpired, VersionMismatch,
 * NotFound (no such call was recorded), NotSupported (nothing is recorded here). */
void collet_reloader_shadow_async (ColletReloader *self, const char *module, const char *selector,
                                   const char *tool, guint limit, GAsyncReadyCallback callback,
                                   gpointer user_data);
GPtrArray *collet_reloader_shadow_finish (ColletReloader *self, GAsyncResult *result, GError **error);

G_END_DECLS
