/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-slot-private.h: shared by the files that make up ColletSlot: calls on
 * their way (collet-slot.c), who closes the gate (collet-slot-quiesce.c), and calls
 * of one version alone (collet-slot-versions.c).
 */
#pragma once

#include <pthread.h>

#include "collet-generation-private.h"
#include "collet-slot.h"
#include "collet-waiting-calls.h"

typedef struct _ColletQuiesce ColletQuiesce;
typedef struct _ColletCanary ColletCanary;

struct _ColletSlot
{
  ColletCallTarget target;
  gint ref_count;
  char *module;
  guint max_waiting;
  GMainContext *context;
  ColletQuiesce *turn; /* who closed the gate, or waits for the leases; main thread */
  GQueue next_turns;   /* ColletQuiesce, in order; main thread */

  pthread_mutex_t lock; /* of what follows */
  ColletGeneration *published;
  GError *refusal;      /* NULL: calls are taken */
  ColletCanary *canary; /* NULL: there is none */
  GPtrArray *leaving;   /* ColletGeneration: replaced, not yet gone; the newest last */
  gboolean closed;
  gint64 closed_at, pause_us;
  ColletWaitingCalls waiting;
  ColletWaitingCalls withdrawn; /* cancelled while they waited */
  GSource *timer;               /* while somebody waits who may not wait for ever */
};

/* collet-canary.c. The slot's lock is held. */
ColletCanary *collet_canary_new (ColletGeneration *candidate, guint percent, const char *const *callers);
void collet_canary_free (ColletCanary *canary);
/* Where the call goes, if not to what is published; or NULL. Borrowed. */
ColletGeneration *collet_canary_choose (ColletCanary *canary, const ColletCall *call);

ColletGeneration *collet_canary_get_candidate (const ColletCanary *canary); /* borrowed */

/* collet-slot-versions.c. The slot's lock is held. */
/* What runs this version, with a lease; NULL: nothing that is live does. */
ColletGeneration *collet_slot_lease_version (ColletSlot *slot, const char *sha256);
/* In the step that publishes `next`, so that who asks for `former` misses no moment. */
void collet_slot_note_leaving (ColletSlot *slot, ColletGeneration *former, ColletGeneration *next);
GError *collet_slot_make_mismatch (ColletSlot *slot, const char *text);
/* The lock is not held: as ColletCallTargetClass has it. */
ColletVersion *
collet_slot_find_version (ColletSlot *slot, const char *text, ColletManifest **manifest, GError **error);

/* Main thread: those who wait go to what is published, then the gate is open. */
void collet_slot_open_gate (ColletSlot *slot);
