/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-follower.h: stays with one Reload object until it has ended.
 */
#pragma once

#include "collet-client.h"

G_BEGIN_DECLS

/* What moves while a reload runs. */
typedef struct
{
  double progress;   /* 0 to 1 */
  const char *phase; /* as Reload.Phase */
} ColletFollowerNews;

typedef void (*ColletFollowerFunc) (const ColletFollowerNews *news, gpointer user_data);

/* Runs the default main context. `func` (may be NULL) is called at each change,
 * and first when the reload has not ended after a moment. timeout_ms 0: for ever. The result of Reload.Wait()
 * (a{sv}); NULL: the error that the reload ended with; Timeout (the reload goes on); Cancelled, if
 * `cancellable` was; NotReachable. */
GVariant *collet_follower_run (ColletClient *client, const char *path, guint timeout_ms,
                               ColletFollowerFunc func, gpointer user_data, GCancellable *cancellable,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
