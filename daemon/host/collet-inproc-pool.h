/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-inproc-pool.h: threads that run jobs in the order in which they came.
 * An exclusive job waits until nothing else runs, and keeps everything else out
 * while it does. A job that never returns keeps its thread, and the pool, for
 * ever.
 */
#pragma once

#include <glib.h>

struct collet_scratch;

G_BEGIN_DECLS

typedef struct _ColletInprocPool ColletInprocPool;
typedef void (*ColletInprocJob) (gpointer data, struct collet_scratch *scratch);

ColletInprocPool *collet_inproc_pool_new (guint n_threads); /* NULL: no threads left */
/* Any thread. */
void collet_inproc_pool_push (ColletInprocPool *pool, ColletInprocJob run, gpointer data, gboolean exclusive);
/* The caller may run a job itself, with its own scratch, and leaves when it is done. FALSE:
 * others run or wait; push it. */
gboolean collet_inproc_pool_enter (ColletInprocPool *pool) G_GNUC_WARN_UNUSED_RESULT;
void collet_inproc_pool_leave (ColletInprocPool *pool);
/* What was pushed before still runs; then the threads end. The pool is not the
 * caller's any more. */
void collet_inproc_pool_close (ColletInprocPool *pool);

G_END_DECLS
