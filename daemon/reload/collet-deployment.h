/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-deployment.h: what runs of one module on this node: its slot, the
 * published generation, and those that are still draining. Main thread.
 */
#pragma once

#include "collet-host.h"
#include "collet-slot.h"

G_BEGIN_DECLS

#define COLLET_TYPE_DEPLOYMENT (collet_deployment_get_type ())
G_DECLARE_FINAL_TYPE (ColletDeployment, collet_deployment, COLLET, DEPLOYMENT, GObject)

ColletDeployment *collet_deployment_new (const char *module);
const char *collet_deployment_get_module (ColletDeployment *self);
ColletSlot *collet_deployment_get_slot (ColletDeployment *self);
/* Borrowed; NULL: nothing published. */
ColletGeneration *collet_deployment_get_published (ColletDeployment *self);
ColletHostKind collet_deployment_get_host_kind (ColletDeployment *self);
/* Generations that hold a process or code: published and draining. */
guint collet_deployment_get_live (ColletDeployment *self);

/* Of a prepared version; borrowed, or NULL. */
ColletGeneration *collet_deployment_get_candidate (ColletDeployment *self);
void collet_deployment_set_candidate (ColletDeployment *self, ColletGeneration *candidate);

/* Id of the reload that changes it now, or NULL. */
const char *collet_deployment_get_reload (ColletDeployment *self);
void collet_deployment_set_reload (ColletDeployment *self, const char *id);

/* Versions (SHA-256) that were retired, but whose code is in this process still. */
const char *const *collet_deployment_get_resident (ColletDeployment *self);
/* How many these are, of all modules, since the daemon started. Thread-safe. */
guint collet_deployment_count_resident (void);

/* How often its workers died, over all generations since the daemon started. */
guint64 collet_deployment_get_crashes (ColletDeployment *self);

/* When the state was last made durable, microseconds since 1970; 0: never. */
gint64 collet_deployment_get_state_saved_at (ColletDeployment *self);
void collet_deployment_set_state_saved_at (ColletDeployment *self, gint64 at);

/* When it last went on with a state that had been saved before, after a crash; 0:
 * not since it was published. *age_us: how old that state was, what is lost at
 * most; -1: it had never been saved. */
gint64 collet_deployment_get_state_restored_at (ColletDeployment *self, gint64 *age_us);
void collet_deployment_set_state_restored (ColletDeployment *self, gint64 at, gint64 age_us);

/* Publishes `next` (NULL: nothing) in one step. Returns the former one, for
 * retire, or NULL. */
ColletGeneration *collet_deployment_publish (ColletDeployment *self, ColletGeneration *next,
                                             ColletHostKind kind) G_GNUC_WARN_UNUSED_RESULT;

/* Drains and ends a former generation; counted as live until then. */
void collet_deployment_retire_async (ColletDeployment *self, ColletGeneration *former, guint deadline_ms,
                                     GAsyncReadyCallback callback, gpointer user_data);
ColletRetirement collet_deployment_retire_finish (ColletDeployment *self, GAsyncResult *result);

/* Out of service, by hand: while it is not NONE new calls get ModuleDrained, also
 * after a reload. */
typedef enum
{
  COLLET_DRAIN_NONE,
  COLLET_DRAIN_UNDER_WAY, /* calls are waited for */
  COLLET_DRAIN_DONE,
} ColletDrainState;

void collet_deployment_set_drain (ColletDeployment *self, ColletDrainState state, gint64 deadline_at);
ColletDrainState collet_deployment_get_drain (ColletDeployment *self);
/* Of COLLET_DRAIN_UNDER_WAY, microseconds since 1970; 0: none. */
gint64 collet_deployment_get_drain_deadline (ColletDeployment *self);

/* Those that were replaced and still finish their calls. */
typedef struct
{
  ColletGeneration *generation; /* referenced */
  gint64 deadline_at;           /* microseconds since 1970; 0: none */
} ColletLeaving;
const GArray *collet_deployment_get_leaving (ColletDeployment *self); /* ColletLeaving */

/* In a trial window: the former generation, ready to be published again (NULL:
 * none is kept), until when. NULL and 0: the window is over. */
void collet_deployment_set_trial (ColletDeployment *self, ColletGeneration *warm, gint64 ends_at);
gint64 collet_deployment_get_trial_ends_at (ColletDeployment *self);
/* What is kept, if it is that version in that host, and fit to serve: the caller's
 * from now on. NULL: there is none. */
ColletGeneration *
collet_deployment_take_warm (ColletDeployment *self, const ColletVersion *version, ColletHostKind kind);
gboolean collet_deployment_has_warm (ColletDeployment *self, const ColletVersion *version);

/* Signal "crashed" (ColletGeneration *, const GError *, gboolean will_restart): the
 * published one's process ended by itself. Signal "changed" (): published, candidate, draining or a worker's
 * state. */

G_END_DECLS
