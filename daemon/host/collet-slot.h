/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-slot.h: a module's place: the published generation and the gate before
 * it. Implements ColletCallTarget. A call takes {generation, lease} under one
 * lock, so a generation seen to have no leases after it was replaced can never
 * get one again.
 *
 * While the gate is closed (quiesced) calls wait in order, bounded in number
 * (Overloaded past that), and go to whatever is published when it opens; each
 * still honours its own deadline and cancellation. `done` is never called within
 * cancel().
 */
#pragma once

#include "collet-generation.h"

G_BEGIN_DECLS

typedef struct _ColletSlot ColletSlot; /* counted, thread-safe */

ColletSlot *collet_slot_new (const char *module, guint max_waiting);
ColletSlot *collet_slot_ref (ColletSlot *slot);
void collet_slot_unref (ColletSlot *slot);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletSlot, collet_slot_unref)
ColletCallTarget *collet_slot_as_target (ColletSlot *slot); /* borrowed */

/* Main thread: */

/* New reference or NULL. */
ColletGeneration *collet_slot_dup_published (ColletSlot *slot);
/* One step for callers: from now on calls go to `next` (NULL: none, calls get
 * ModuleNotLoaded). Opens the gate. Returns the former one, or NULL. */
ColletGeneration *collet_slot_publish (ColletSlot *slot, ColletGeneration *next) G_GNUC_WARN_UNUSED_RESULT;
/* Closes the gate, as soon as nobody else has it closed; completes when the
 * published generation has no lease left, and holds the gate until resume or
 * publish. DrainTimeout after deadline_ms (0: never; the gate is then open
 * again). */
void collet_slot_quiesce_async (ColletSlot *slot, guint deadline_ms, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data);
gboolean collet_slot_quiesce_finish (ColletSlot *slot, GAsyncResult *result, GError **error);
/* Opens the gate again without a change; then it is the next one's turn. */
void collet_slot_resume (ColletSlot *slot);
/* Some calls go to `candidate` instead of what is published, as long as it has
 * their tool: those whose caller or client (with or without its version) is in
 * `callers` (may be NULL), and those of `percent` of the other callers, chosen by a
 * hash, so that a caller stays on one side; calls without a caller count one by
 * one. NULL: no more, nor after the next publish. */
void collet_slot_set_canary (ColletSlot *slot, ColletGeneration *candidate, guint percent,
                             const char *const *callers);
/* A generation that was replaced has been retired. Until then who asks for its
 * version gets it as long as it has calls. */
void collet_slot_forget_leaving (ColletSlot *slot, ColletGeneration *former);
/* From now on calls get `error` (copied), those that wait as well; those that run
 * go on. NULL: they are taken again. It outlives what is published. */
void collet_slot_refuse (ColletSlot *slot, const GError *error);
/* Microseconds for which calls could not go on the last time: while the gate was
 * closed, or, through an open one, for the exchange at a publish. 0: never. */
gint64 collet_slot_get_pause_us (ColletSlot *slot);
guint collet_slot_get_waiting (ColletSlot *slot);

G_END_DECLS
