/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-examination.h: one batch on its way: taken into the store, then made
 * durable while it is tried, then judged.
 */
#pragma once

#include "collet-artifact-store.h"
#include "collet-loader.h"
#include "collet-trial.h"
#include "collet-trust.h"

G_BEGIN_DECLS

/* What examinations of one loader have in common. */
typedef struct
{
  ColletArtifactStore *store;
  ColletSpawn *spawn;
  ColletTrustPolicy trust;
  struct collet_limits limits;
} ColletExaminer;

/* `sources` is copied; its fds are taken. is_trial: nothing stays in the store,
 * and no candidate has a path. */
void collet_examination_run_async (const ColletExaminer *examiner, const ColletArtifactSource *sources,
                                   guint n_sources, gboolean is_trial, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data);
/* One ColletCandidate a source, in order; NULL: DiskFull, StoreReadOnly,
 * StoreFailed, SpawnFailed, Cancelled, which concern all of them. */
GPtrArray *collet_examination_run_finish (GAsyncResult *result, GError **error);

G_END_DECLS
