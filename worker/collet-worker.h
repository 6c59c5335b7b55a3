/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-worker.h: one generation of one module, in a process of its own. The
 * main thread serves the control channel; executors serve the call channel.
 */
#ifndef COLLET_WORKER_H
#define COLLET_WORKER_H

#include <stdatomic.h>
#include <stdint.h>

#include "collet-baton.h"
#include "collet-confinement.h"
#include "collet-ledger.h"
#include "collet-runtime.h"
#include "collet-wire.h"

struct collet_worker
{
  int call_fd;
  int control_fd;
  struct collet_runtime *runtime;
  struct collet_ledger ledger;
  struct collet_baton baton;
  atomic_bool stopping;
};

/* In the child, with the call channel as fd 3 and the control channel as 4.
 * `path` is the artifact's. */
_Noreturn void collet_worker_run (const struct collet_confinement *confinement,
                                  const struct collet_gate *gate, const struct collet_spawn_request *request,
                                  const char *path);

#endif /* COLLET_WORKER_H */
