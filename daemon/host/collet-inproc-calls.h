/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-inproc-calls.h: the calls of an in-process generation. A call runs on a
 * thread of the pool, or on the one that dispatches it, as a guest of the pool, if
 * the module promises to be quick; its asker is answered by that thread, or by the
 * I/O thread if its time is over first. Then the code still runs, with arguments
 * that are a copy of its own, and what it says no longer reaches anybody: nothing
 * can end it from outside.
 */
#pragma once

#include "collet-generation-private.h"
#include "collet-inproc-pool.h"
#include "collet-io.h"

struct collet_runtime;

G_BEGIN_DECLS

typedef struct _ColletInprocCalls ColletInprocCalls; /* counted: a call that never returns keeps it */

/* `start` as of ColletWorkerCalls. */
ColletInprocCalls *collet_inproc_calls_new (ColletIo *io, ColletGeneration *generation, guint max_in_flight,
                                            guint grace_ms, void (*start) (gpointer user_data),
                                            gpointer user_data);
/* Main thread; no leases. The generation is not touched any more. */
void collet_inproc_calls_close (ColletInprocCalls *calls);

/* Any thread. */
void collet_inproc_calls_dispatch (ColletInprocCalls *calls, ColletCall *call);
void collet_inproc_calls_cancel (ColletInprocCalls *calls, ColletCall *call);
/* When the oldest call came, monotonic; 0: there is none. */
gint64 collet_inproc_calls_get_oldest (ColletInprocCalls *calls);
ColletPromiseState collet_inproc_calls_get_promise (ColletInprocCalls *calls);

/* Main thread: */

/* Calls run there from now on; those that wait, first. */
void
collet_inproc_calls_open (ColletInprocCalls *calls, ColletInprocPool *pool, struct collet_runtime *runtime);
/* Ends all. `stays`: and those that come later; what runs is told to stop. */
void collet_inproc_calls_refuse (ColletInprocCalls *calls, const GError *error, gboolean stays);
/* How many calls are inside the module's code. */
guint collet_inproc_calls_count_running (ColletInprocCalls *calls);

G_END_DECLS
