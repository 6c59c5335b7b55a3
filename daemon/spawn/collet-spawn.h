/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-spawn.h: client of the fork server (collet-worker --fork-server). It is
 * started once, started again if it dies, and ends with the daemon. Main thread.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#include "collet-privileges.h"

struct collet_limits; /* wire/collet-wire.h */

#define COLLET_TYPE_SPAWN (collet_spawn_get_type ())
G_DECLARE_FINAL_TYPE (ColletSpawn, collet_spawn, COLLET, SPAWN, GObject)

/* `program`: path of collet-worker. `readable`: folders that workers may read
 * and execute from (the artifact store). SpawnFailed if the program cannot be
 * run. ConfinementUnavailable (unless allow_unconfined) is told to whoever asks
 * for a worker or a probe. */
ColletSpawn *collet_spawn_new (const char *program, const char *const *readable, gboolean allow_unconfined,
                               GError **error);
/* Workers and probes run as `user`. */
ColletSpawn *collet_spawn_new_as (const char *program, const char *const *readable,
                                  const ColletWorkerUser *user, gboolean allow_unconfined, GError **error);

/* A worker process; fds are the caller's. On any error there is none. */
typedef struct
{
  pid_t pid;
  int pidfd;
  int call_fd;    /* non-blocking */
  int control_fd; /* non-blocking */
} ColletSpawned;

void collet_spawn_worker_async (ColletSpawn *self, const char *artifact, const struct collet_limits *limits,
                                guint executors, gboolean network, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data);
gboolean
collet_spawn_worker_finish (ColletSpawn *self, GAsyncResult *result, ColletSpawned *spawned, GError **error);
void collet_spawn_kill (ColletSpawn *self, pid_t pid);

/* What the child said of one artifact: the two reports of runtime/collet-probe.h.
 * NULL: it did not get that far. */
typedef struct
{
  GBytes *read; /* before anything of the artifact ran */
  GBytes *run;
  GPtrArray *refusals; /* ColletRefusal: what it tried; NULL: nothing */
} ColletProbed;

/* Trial load of several artifacts in one confined child; several such children
 * may be at work at a time. The result holds one ColletProbed a path, in order.
 * The child dying in the middle leaves `run` NULL for the artifact at fault and
 * those after it, and `read` too for those that it had not read by then; *died_at
 * and *wait_status say where and of what (else *died_at is -1). Past
 * limits->deadline_ms the child is killed (SIGKILL, as seen in *wait_status) and
 * counts as dead where it was. Brief reports leave out the checks that passed.
 * Errors are for faults of the fork server itself. */
void collet_spawn_probe_async (ColletSpawn *self, const char *const *paths,
                               const struct collet_limits *limits, gboolean brief, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data);
GPtrArray *collet_spawn_probe_finish (ColletSpawn *self, GAsyncResult *result, int *died_at, int *wait_status,
                                      GError **error);

/* Signals, on the main thread: "lost" (): the fork server ended, and this process
 * has no longer the right to start one whose workers run as another user;
 * "exited" (int pid, int wait_status); before it, any
 * number of times, "refused" (int pid, const char *system_call, guint64 times): the
 * worker's confinement refused it that often more. */

G_END_DECLS
