/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-executor.h: a thread that takes calls from the call channel and answers
 * them. Ends the process when the daemon is gone.
 */
#ifndef COLLET_EXECUTOR_H
#define COLLET_EXECUTOR_H

#include "collet-worker.h"

/* Starts executors 0 to n-1. */
bool collet_executors_start (struct collet_worker *worker, unsigned n, struct collet_failure *failure);

#endif /* COLLET_EXECUTOR_H */
