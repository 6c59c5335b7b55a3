/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-host.h: makes generations; owns the I/O thread that reads all workers.
 */
#pragma once

#include "collet-generation.h"
#include "collet-spawn.h"

G_BEGIN_DECLS

typedef enum
{
  COLLET_HOST_WORKER,
  COLLET_HOST_IN_PROCESS,
} ColletHostKind;

typedef struct
{
  struct
  {
    guint64 address_space; /* bytes; 0: not limited; default 4 GiB */
    guint open_files;
    guint threads;
  } limits;
  guint executors;        /* of a concurrent module's worker; default 8 */
  guint max_in_flight;    /* calls a generation takes at once; Overloaded past it; default 4096 */
  guint start_timeout_ms; /* default 10000 */
  guint step_timeout_ms;  /* export, import, code_change, self_test; default 30000 */
  guint restart_burst;    /* crashes within restart_window_s after which it is BROKEN; default 5 */
  guint restart_window_s; /* default 30 */
  guint grace_ms;         /* from telling a call to end to not waiting for it; default 2000 */
  /* Modules that get the network if their manifest asks for it; "*": any. Borrowed,
   * for as long as the host lives; default NULL: none. */
  const char *const *network;
} ColletHostConfig;

#define COLLET_TYPE_HOST (collet_host_get_type ())
G_DECLARE_FINAL_TYPE (ColletHost, collet_host, COLLET, HOST, GObject)

/* NULL only without threads or fds: SpawnFailed is then logged. `spawn` may be
 * NULL if there will be no worker generations. Its last reference ends what still
 * runs, at once; retire first. */
ColletHost *collet_host_new (ColletSpawn *spawn, const ColletHostConfig *config);
void collet_host_config_init (ColletHostConfig *config); /* defaults */

/* A cold generation (COLLET_GENERATION_COLD). Takes `spec`. */
ColletGeneration *collet_host_create (ColletHost *host, ColletHostKind kind, ColletGenerationSpec *spec);

G_END_DECLS
