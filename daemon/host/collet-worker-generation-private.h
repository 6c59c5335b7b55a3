/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-worker-generation-private.h: the object, and the life of its process
 * (collet-worker-life.c). All on the main thread, except where it says so.
 */
#pragma once

#include "collet-generation-private.h"
#include "collet-restart-policy.h"
#include "collet-worker-calls.h"
#include "collet-worker-generation.h"
#include "collet-worker-requests.h"

G_BEGIN_DECLS

/* Where its process is. What others see is ColletGenerationState. */
typedef enum
{
  COLLET_WORKER_NONE,      /* not started */
  COLLET_WORKER_SPAWNING,  /* asked for */
  COLLET_WORKER_LOADING,   /* there; it has not said READY */
  COLLET_WORKER_RESTORING, /* READY; it imports the snapshot */
  COLLET_WORKER_RUNNING,   /* takes calls */
  COLLET_WORKER_BACK_OFF,  /* died; the next one is started soon */
  COLLET_WORKER_BROKEN,    /* died too often */
  COLLET_WORKER_OVER,      /* retired */
} ColletWorkerPhase;

/* The present process. */
typedef struct
{
  ColletLink *link; /* NULL: none */
  gboolean has_ended;
  gboolean has_status;
  int status;      /* as from waitpid */
  guint lost;      /* calls that it had when it ended */
  GError *failure; /* why it is being given up before it took calls; or NULL */
} ColletWorkerProcess;

struct _ColletWorkerGeneration
{
  ColletGeneration parent_instance;
  ColletHostParts *parts;
  ColletWorkerCalls *calls;
  ColletWorkerRequests *requests;
  ColletRestartPolicy policy;

  ColletWorkerPhase phase;
  ColletWorkerProcess process;
  GSource *timer; /* of the phase, or of the death or stop */
  GCancellable *spawning;
  GPtrArray *start_tasks;
  GTask *stop_task;
  gboolean was_ready; /* ever */
  gboolean killed;
};

/* One more start; the task may be NULL. */
void collet_worker_life_start (ColletWorkerGeneration *self);
void collet_worker_life_end_start_tasks (ColletWorkerGeneration *self, const GError *error);
/* Gives the starting process up; `error` is what the start failed with. Takes it. */
void collet_worker_life_abort_start (ColletWorkerGeneration *self, GError *error);
/* Runs `func` after that time, instead of what the timer was for. */
void collet_worker_life_set_timer (ColletWorkerGeneration *self, gint64 delay_us, GSourceFunc func);
void collet_worker_life_drop_timer (ColletWorkerGeneration *self);
void collet_worker_life_finish_stop (ColletWorkerGeneration *self);

extern const ColletLinkHandler collet_worker_life_handler;

G_END_DECLS
