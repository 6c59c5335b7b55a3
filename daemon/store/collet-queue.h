/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-queue.h: what stands between the store's thread and the others:
 * requests in, answers out, recorded calls, states of sessions. Private to store/. Any thread; never
 * waits for the disk.
 */
#pragma once

#include "collet-request.h"
#include "collet-session-batch.h"

G_BEGIN_DECLS

#define COLLET_QUEUE_CALLS_DELAY_MS 100 /* rows are kept back so long */
#define COLLET_QUEUE_CALLS_BATCH 10000  /* or until there are so many */
#define COLLET_QUEUE_CALLS_MAX 200000   /* waiting; dropped past it */
#define COLLET_QUEUE_GROUP_MAX 128      /* requests taken at once */

typedef struct _ColletQueue ColletQueue;

ColletQueue *collet_queue_new (GError **error);
void collet_queue_free (ColletQueue *self);

/* FALSE once it is closed. */
gboolean collet_queue_push (ColletQueue *self, ColletRequest *request) G_GNUC_WARN_UNUSED_RESULT;
/* No more requests or calls; take goes on until nothing is left. */
void collet_queue_close (ColletQueue *self);
/* Takes the row. */
void collet_queue_add_call (ColletQueue *self, ColletCallRow *row);
guint64 collet_queue_get_dropped (ColletQueue *self);

/* Takes the row: the newest state of a session; without a revision: it is gone. */
void collet_queue_add_session (ColletQueue *self, ColletSessionRow *row);

/* Store thread. Waits until there is something to do; moves at most a group of
 * requests to `requests` and, if they are due, all calls to *calls (else NULL;
 * calls NULL: leaves them). With wait FALSE it returns at once. FALSE: closed, and
 * nothing is left behind. */
gboolean collet_queue_take (ColletQueue *self, gboolean wait, GQueue *requests, GPtrArray **calls);
GPtrArray *collet_queue_take_calls (ColletQueue *self); /* or NULL */
/* n calls that were taken are written, or lost. */
void collet_queue_settle_calls (ColletQueue *self, guint n, gboolean is_lost);
/* Store thread: some of the sessions that are due, or NULL. *dropped counts those
 * that did not fit since the last time. */
GPtrArray *collet_queue_take_sessions (ColletQueue *self, guint *dropped);
/* They could not be written: they wait again, for longer, unless there is a newer
 * state or the queue is closed. Empties `rows`. */
void collet_queue_return_sessions (ColletQueue *self, GPtrArray *rows);
/* Hands performed requests back; empties `requests`. */
void collet_queue_answer (ColletQueue *self, GQueue *requests);

/* Main thread: readable when there are answers. */
int collet_queue_get_fd (ColletQueue *self);
void collet_queue_take_answers (ColletQueue *self, GQueue *requests);

G_END_DECLS
