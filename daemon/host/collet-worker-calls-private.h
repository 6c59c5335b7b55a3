/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-worker-calls-private.h: shared by the three files that make up
 * ColletWorkerCalls: its way in (dispatch), its way back (answers), its time.
 */
#pragma once

#include <pthread.h>

#include "collet-call-table.h"
#include "collet-worker-calls.h"

struct _ColletWorkerCalls
{
  ColletIo *io;
  ColletGeneration *generation; /* the owner */
  ColletWorkerLimits limits;
  void (*start) (gpointer user_data);
  gpointer user_data;
  ColletIoTimer timer;

  pthread_mutex_t lock; /* of what follows */
  ColletCallTable table;
  ColletLink *link;      /* NULL: calls wait */
  gint64 last_answer_us; /* of this worker */
  gboolean start_asked;  /* since the last open or refuse */
  GError *refusal;       /* NULL: calls are taken */
};

/* target_data[1]: the call's id, 0 before it has one; target_data[2]: it was
 * cancelled before. */
#define COLLET_CALL_ID(call) ((guint64)GPOINTER_TO_SIZE ((call)->target_data[1]))
#define COLLET_CALL_SET_ID(call, id) ((call)->target_data[1] = GSIZE_TO_POINTER (id))
#define COLLET_CALL_CANCELLED_EARLY(call) ((call)->target_data[2])

void collet_worker_calls_check_time (gpointer user_data, gint64 now);
