/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-worker-calls.h: the calls of a worker generation, between the threads
 * that dispatch them and the I/O thread, which alone ends them (a call that is
 * refused at once is the exception). So nobody needs to hold a lock during a
 * callback, and nothing of a call is read after it was handed to the table.
 *
 * A call keeps its lease until the worker has answered it or is gone, also if
 * its asker was given CallTimeout or CallCancelled long before.
 */
#pragma once

#include "collet-generation-private.h"
#include "collet-link.h"

G_BEGIN_DECLS

/* Sent calls a worker may have at once, beyond those that it runs: enough to
 * keep it busy, few enough to lose when it dies. The rest waits here. */
#define COLLET_WORKER_WINDOW 64

typedef struct
{
  guint executors;     /* threads of the worker that run calls */
  guint max_in_flight; /* Overloaded past it */
  guint grace_ms;      /* from telling a call to end to not waiting for it */
} ColletWorkerLimits;

typedef struct _ColletWorkerCalls ColletWorkerCalls;

/* `start` is called, on any thread and with a lease held, when a call waits for
 * a worker that nobody started. */
ColletWorkerCalls *collet_worker_calls_new (ColletIo *io, ColletGeneration *generation,
                                            const ColletWorkerLimits *limits,
                                            void (*start) (gpointer user_data), gpointer user_data);
/* Main thread; no leases, no link. */
void collet_worker_calls_free (ColletWorkerCalls *calls);

/* Any thread. */
void collet_worker_calls_dispatch (ColletWorkerCalls *calls, ColletCall *call);
void collet_worker_calls_cancel (ColletWorkerCalls *calls, ColletCall *call);
/* TRUE: no call waits, and the next one will ask for a start again. */
gboolean collet_worker_calls_rest (ColletWorkerCalls *calls);

/* When the oldest call came, monotonic; 0: there is none. */
gint64 collet_worker_calls_get_oldest (ColletWorkerCalls *calls);

/* Main thread; they take effect in order, on the I/O thread. The generation must
 * have a link, or a lease, or a reference kept until they have: */

/* Calls go to this worker from now on. */
void collet_worker_calls_open (ColletWorkerCalls *calls, ColletLink *link);
/* Ends the calls that were sent to that worker, which is gone. */
void collet_worker_calls_fail_sent (ColletWorkerCalls *calls, ColletLink *link, const GError *error);
/* Ends all, and those that come later at once; until accept(). */
void collet_worker_calls_refuse (ColletWorkerCalls *calls, const GError *error);
void collet_worker_calls_accept (ColletWorkerCalls *calls);

/* I/O thread. */
void
collet_worker_calls_take_frame (ColletWorkerCalls *calls, ColletLink *link, const struct collet_frame *frame);
void collet_worker_calls_flush (ColletWorkerCalls *calls);
/* No more calls go to this link. Returns how many were sent and not answered. */
guint collet_worker_calls_close (ColletWorkerCalls *calls, ColletLink *link);

G_END_DECLS
