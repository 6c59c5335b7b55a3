/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-trial.h: runs candidates in confined children until each has a result
 * of its own. All share one child; if it dies, the one it died at is tried again
 * at the head of a new one, and the rest follow it there. One that fails beside
 * others is tried again alone. So nobody answers for what a neighbour left behind.
 */
#pragma once

#include <gio/gio.h>

#include "collet-spawn.h"
#include "collet-wire.h"

G_BEGIN_DECLS

/* All deaths of one batch together may take this long; who was not tried by
 * then has timed out. */
#define COLLET_TRIAL_BATCH_TIMEOUT_US (60 * G_USEC_PER_SEC)

typedef struct
{
  char *path;
  GBytes *read;        /* report before it ran, or NULL */
  GBytes *run;         /* report of the run, or NULL */
  GPtrArray *refusals; /* ColletRefusal: what its confinement refused; NULL: nothing */
  gboolean died;
  gboolean timed_out;
  gboolean tried; /* FALSE with timed_out: the batch's time was used up */
  int wait_status;
} ColletTrial;

ColletTrial *collet_trial_new (const char *path);
void collet_trial_free (ColletTrial *self);

/* "was killed by signal 11 (Segmentation fault)". Free the result. */
char *collet_trial_dup_death (const ColletTrial *self);

/* `trials` (ColletTrial) is referenced and filled; the paths are distinct. limits
 * are those of one child; deadline_ms is for the first candidate, each further
 * one adds a share. Brief reports leave out the checks that passed. Errors: SpawnFailed and Cancelled, for
 * all of them. */
void collet_trial_run_async (ColletSpawn *spawn, GPtrArray *trials, const struct collet_limits *limits,
                             gboolean brief, GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data);
gboolean collet_trial_run_finish (GAsyncResult *result, GError **error);

G_END_DECLS
