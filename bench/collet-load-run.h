/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-load-run.h: drives N connections from one thread until time, number or
 * a signal ends it. A call that fails is counted and reported, never repeated; a
 * connection that broke is replaced by a new one for the calls that follow.
 */
#pragma once

#include <stdio.h>

#include "collet-load-tally.h"

G_BEGIN_DECLS

typedef struct
{
  LoadUrl url;
  LoadDialect dialect;
  gboolean is_verify; /* add and memory_add by turns, else the given tool */
  guint connections;
  double seconds;     /* 0: until a signal */
  double warm_up;     /* seconds at the start that are not timed */
  double interval;    /* seconds between progress lines; 0: on SIGUSR1 only */
  gboolean is_busy;   /* never sleeps: else a server pays for waking it, the more the slower it is */
  double rate;        /* calls a second over all connections; 0: as fast as they are answered */
  guint64 calls;      /* 0: not limited */
  int timeout_ms;     /* of one call */
  const char *run_id; /* first part of every request id */
  FILE *ledger;       /* or NULL */
} LoadOptions;

typedef struct _LoadRun LoadRun;

/* Opens all connections and, in the legacy era, a session on each. */
LoadRun *load_run_new (const LoadOptions *options, LoadTally *tally, GError **error);
void load_run_free (LoadRun *run);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LoadRun, load_run_free)

/* One call by itself, on the first connection; counted like all others. FALSE:
 * it failed or gave no number. */
gboolean load_run_call_once (LoadRun *run, LoadTool tool, gint64 *result);
/* Returns when all calls have ended; the seconds that were timed. */
double load_run_drive (LoadRun *run);

G_END_DECLS
