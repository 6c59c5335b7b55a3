/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-session-batch.h: the newest state of each session that waits to be
 * written. Not thread-safe: under its owner's lock. Private to store/. Times are
 * monotonic microseconds.
 */
#pragma once

#include "collet-rows.h"

G_BEGIN_DECLS

#define COLLET_SESSIONS_DELAY_MS 100
#define COLLET_SESSIONS_RETRY_MS 5000 /* after a failure */
#define COLLET_SESSIONS_SLICE 1000    /* rows taken at once */
#define COLLET_SESSIONS_MAX 65536     /* waiting */

typedef struct _ColletSessionBatch ColletSessionBatch;

ColletSessionBatch *collet_session_batch_new (void);
void collet_session_batch_free (ColletSessionBatch *self);

/* Takes the row; it replaces what waits under the same id. FALSE: dropped. */
gboolean collet_session_batch_add (ColletSessionBatch *self, ColletSessionRow *row, gint64 now);
gboolean collet_session_batch_is_empty (ColletSessionBatch *self);
/* When the oldest is to be written; G_MAXINT64: nothing waits. */
gint64 collet_session_batch_get_due (ColletSessionBatch *self);
/* At most a slice; what is left stays due. *dropped: since the last time. */
GPtrArray *collet_session_batch_take (ColletSessionBatch *self, guint *dropped);
/* Takes those back that have no newer state; all wait for a while. */
void collet_session_batch_return (ColletSessionBatch *self, GPtrArray *rows, gint64 now);

G_END_DECLS
