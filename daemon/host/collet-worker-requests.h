/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-worker-requests.h: the steps that a worker was asked for on its control
 * channel. Main thread. Those made while there is no worker wait for the next
 * one; each has its time-out from the moment it was made.
 */
#pragma once

#include "collet-link.h"

G_BEGIN_DECLS

typedef struct _ColletWorkerRequests ColletWorkerRequests;

/* `late`: the step took too long; the worker is to be ended for `reason`. */
ColletWorkerRequests *collet_worker_requests_new (const char *title, guint timeout_ms,
                                                  void (*late) (gpointer user_data, const char *reason),
                                                  gpointer user_data);
void collet_worker_requests_free (ColletWorkerRequests *requests);

/* The task's result: GBytes, or FAILED with the module's reason, Timeout,
 * Cancelled, or what fail() was given. Takes the task. A `first` request is for
 * `link` alone, before all that wait. */
void collet_worker_requests_add (ColletWorkerRequests *requests, guint16 frame_type, int status,
                                 guint32 detail, GBytes *payload, GTask *task);
void collet_worker_requests_add_first (ColletWorkerRequests *requests, ColletLink *link, guint16 frame_type,
                                       GBytes *payload, GTask *task);
/* NULL: there is none for now. */
void collet_worker_requests_set_link (ColletWorkerRequests *requests, ColletLink *link);
/* FALSE: nothing like it was asked for. */
gboolean
collet_worker_requests_take_answer (ColletWorkerRequests *requests, guint64 id, int status, GBytes *payload);
/* The worker is at a step whose asker gave up: nobody knows when it ends. */
gboolean collet_worker_requests_is_abandoned (ColletWorkerRequests *requests);
/* Those that a worker has, or all. */
void collet_worker_requests_fail (ColletWorkerRequests *requests, gboolean all, const GError *error);

G_END_DECLS
