/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-generation-private.h: leases and answers; for host/ alone.
 *
 * A lease stands for a call that may be running in the generation's code. The
 * slot takes it under its lock while the generation is published, or while it has
 * another; whoever ends
 * the call for good releases it, after `done` has returned. So no leases after
 * replacement means: nothing runs, every asker has its answer, and that stays so.
 *
 * A generation with a lease is alive: who waits for the leases holds a reference
 * until they are gone, and a started generation lives until it is retired.
 */
#pragma once

#include "collet-generation.h"

G_BEGIN_DECLS

void collet_generation_take_lease (ColletGeneration *self);
/* One more, as long as there is one: what was replaced and has none left gets none
 * again. FALSE: there is none. */
gboolean collet_generation_join_lease (ColletGeneration *self) G_GNUC_WARN_UNUSED_RESULT;
/* Do not touch `self` afterwards. */
void collet_generation_release_lease (ColletGeneration *self);
guint collet_generation_get_leases (ColletGeneration *self);

/* Any thread, with a lease. */
void collet_generation_dispatch (ColletGeneration *self, ColletCall *call);
void collet_generation_cancel (ColletGeneration *self, ColletCall *call);

/* Counts and calls `done`. The lease stays. `error` is copied by nobody. */
void collet_generation_answer (ColletGeneration *self, ColletCall *call, ColletCallResult *result);
void collet_generation_answer_error (ColletGeneration *self, ColletCall *call, const GError *error);
/* Both, for a call that never got anywhere. */
void collet_generation_refuse (ColletGeneration *self, ColletCall *call, const GError *error);

/* Main thread. `func` runs once, on the main thread, when there are no leases;
 * never before this returned. */
typedef void (*ColletIdleFunc) (gpointer user_data);
guint collet_generation_add_idle_waiter (ColletGeneration *self, ColletIdleFunc func, gpointer user_data);
void collet_generation_remove_idle_waiter (ColletGeneration *self, guint id);

/* Main thread: an illegal step is a bug. */
void collet_generation_set_state (ColletGeneration *self, ColletGenerationState state);
void collet_generation_set_pid (ColletGeneration *self, pid_t pid);
void collet_generation_count_crash (ColletGeneration *self, const GError *error, gboolean will_restart);
void collet_generation_add_refusal (ColletGeneration *self, const char *system_call, guint64 times);
/* "calculator 1.1.0" */
const char *collet_generation_get_title (ColletGeneration *self);

/* What of the call's input is for this generation: questions of another version
 * have answers that mean nothing here. Borrowed from the call. */
ColletCallInput collet_generation_choose_input (ColletGeneration *self, const ColletCall *call);
/* Calls that were given DrainTimeout so far. */
guint collet_generation_get_calls_ended (ColletGeneration *self);

G_END_DECLS
