/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-cluster-agent-private.h: shared by the files of the agent.
 */
#pragma once

#include "collet-cluster-agent.h"
#include "collet-cluster-txns.h"

G_BEGIN_DECLS

typedef enum
{
  PROMISE_NONE,
  PROMISE_RUNNING,
  PROMISE_READY,
  PROMISE_BROKEN,
} PromiseState;

/* A version that is, or is to be, prepared. */
typedef struct
{
  ColletClusterAgent *agent;
  char *module;
  char *token; /* the transaction's id, or what else it is for */
  char *sha256;
  PromiseState state;
  char *error; /* BROKEN */
  char *message;
  guint attempts;
  gint64 retry_at;
  gboolean is_told; /* that it lags */
} Promise;

/* A module on this node. */
typedef struct
{
  ColletClusterAgent *agent;
  char *module;
  gboolean is_due;     /* something that it depends on has changed */
  gboolean is_stepped; /* in this step */
  gboolean is_rolling; /* what other nodes have applied matters */
  gint64 wake_at;      /* or it wants to be looked at then; G_MAXINT64: it does not */
  gboolean is_busy;    /* preparing or committing; see collet_agent_set_busy */
  Promise *applying;   /* being committed, or NULL */
  gint64 epoch;        /* newest that was applied here or has failed; 0: see the view */
  gint64 applying_epoch;
  gint64 failed_epoch; /* that is not tried again, and why */
  char *failed_error;
  char *failed_message;
  gint64 deaths; /* in trying to apply the version of deaths_epoch */
  gint64 deaths_epoch;
  gboolean is_past_counted; /* what became of the process before this one */
  gint64 baked_since;       /* of the present wave; 0: not all have applied */
  guint baked_wave;
  gint64 counted_at;
} Local;

/* A transaction, on this node's clock. */
typedef struct
{
  gint64 first_seen;
  gint64 ready_since; /* its votes suffice; 0: not yet */
  gint64 decided_since;
} Seen;

/* Something that was sent: not again before its answer, nor soon after it. */
typedef struct
{
  ColletClusterAgent *agent;
  char *what;
  Local *local; /* whose step wants to know of the answer, or NULL */
  gboolean is_in_flight;
  gint64 not_before;
} Sent;

struct _ColletClusterAgent
{
  char *cluster;
  char *node;
  char *prefix;
  ColletNodeRecord record;
  gboolean is_alone;
  gboolean is_founder;
  ColletCoordination *coordination;
  ColletClusterApplier *applier;
  ColletClusterClock *clock;
  ColletClusterListener listener;
  ColletClusterWatcher watcher;
  ColletClusterView *view;
  GHashTable *promises; /* "module token" to Promise */
  GHashTable *locals;   /* module to Local */
  Local *stepped;       /* whose step runs, or NULL */
  GHashTable *seen;     /* txid to Seen */
  GHashTable *sent;     /* what to Sent */
  GPtrArray *unsent;    /* what goes to the store at the end of this step, */
  GPtrArray *batches;   /* and what has gone, together, without an answer yet */
  GPtrArray *waiting;   /* requests of others, see collet-cluster-request.c */
  GPtrArray *recent;    /* ColletKeyValue: what the watch told while a look was on its way */
  GArray *lookers;      /* who waits for the look that is under way, */
  GArray *next_lookers; /* and who for one that begins after it */
  gboolean is_looking;
  guint n_audits; /* of this look */
  gint64 audited; /* revision at which the view was known to be whole; 0: it is not */
  GArray *told;   /* lookers that are just being told, or NULL: emptied when it is freed */
  guint watch;
  guint n_busy; /* modules */
  gboolean is_synced;
  gboolean has_session;
  gboolean is_announced; /* as live, in this session: a key of the last one goes with that */
  gboolean is_changed;   /* the listener is to be told */
  gboolean is_due;       /* a step runs in a moment */
  gboolean is_whole;     /* and looks at all modules */
  char *frozen;          /* why, or NULL */
  char *store_id;        /* as remembered */
  gint64 store_revision;
  gint64 asked_revision; /* store_revision when the last look began */
  gint64 remembered_at;
  gint64 remembered_revision; /* 0: none by this process */
  gint64 converge_at;         /* look at everything again */
  gint64 next_wake;           /* the earliest that is wanted, as of the last step or the one that runs */
};

/* ---- agent ---- */

gint64 collet_agent_now (ColletClusterAgent *self);
/* The step, or that of the module alone, wants to be run again then. */
void collet_agent_want (ColletClusterAgent *self, gint64 at);
/* Runs a step soon. */
void collet_agent_kick (ColletClusterAgent *self);
/* FALSE: it was sent and is not to be sent again yet. */
gboolean collet_agent_may_send (ColletClusterAgent *self, const char *what);
/* The same, with what else this step has to say (collet-cluster-batch.c); txn writes
 * keys that nothing else in the step does. */
void collet_agent_send_soon (ColletClusterAgent *self, const char *what, ColletTxn *txn);
void collet_agent_send_batches (ColletClusterAgent *self);
void collet_agent_batches_init (ColletClusterAgent *self);
void collet_agent_batches_clear (ColletClusterAgent *self);
/* What is noted of a thing that is sent, and of its answer (Sent). */
Sent *collet_agent_note_sent (ColletClusterAgent *self, const char *what);
void collet_agent_on_answer (const ColletTxnReply *reply, const GError *error, gpointer user_data);
/* Sends txn (taken); its answer is only that: the watch tells what became of it. */
void collet_agent_send (ColletClusterAgent *self, const char *what, ColletTxn *txn);

/* ---- look: what the store has ---- */

typedef void (*ColletAgentLooked) (const GError *error, gpointer user_data);

GArray *collet_agent_lookers_new (void);
/* done: the view is at least as new as this call, or why it is not known to be. */
void collet_agent_look (ColletClusterAgent *self, ColletAgentLooked done, gpointer user_data);
/* Looks, and at all modules then. */
void collet_agent_converge (ColletClusterAgent *self);
/* The same, and all keys are read again. */
void collet_agent_reload (ColletClusterAgent *self);

/* ---- steps: what has to be done, from the view ----
 *
 * A module is looked at when something has changed that it depends on: its own keys,
 * what runs here, an answer, its time; and all of them after each range. */

void collet_agent_step (ColletClusterAgent *self);
Promise *collet_agent_get_promise (ColletClusterAgent *self, const char *module, const char *token,
                                   const char *sha256);
Local *collet_agent_get_local (ColletClusterAgent *self, const char *module);
void collet_agent_set_busy (Local *local, gboolean is_busy);
/* Starts what a promise needs; the module must not be busy. */
void collet_agent_prepare (ColletClusterAgent *self, Promise *promise, const ColletSpec *spec);
void collet_agent_drop_promise (ColletClusterAgent *self, Promise *promise);
void collet_agent_step_module (ColletClusterAgent *self, const char *module);
void collet_agent_step_rollout (ColletClusterAgent *self, const char *module);

/* ---- what is said of this node ---- */

/* Newest epoch that this node has dealt with; the view may lag behind. */
gint64 collet_agent_get_epoch (ColletClusterAgent *self, const char *module);
void collet_agent_say (ColletClusterAgent *self, const char *module, const ColletApplied *applied);
void collet_agent_say_running (ColletClusterAgent *self, const char *module, gint64 epoch, const char *state,
                               const char *error, const char *message);

/* ---- what cannot be applied ---- */

/* An agreed version is not tried again: the next one will be. */
void collet_agent_fail (Local *local, gint64 epoch, const char *error, const char *message);
/* TRUE: that version is not to be tried, and everyone has been told. */
gboolean collet_agent_has_failed (Local *local, gint64 epoch);
/* If this daemon, or the version's process, ended in applying it: the promise is
 * broken, and it counts. One time too often, and it has failed. */
void collet_agent_count_deaths (Local *local, Promise *promise, const ColletTarget *target);
/* FALSE: not yet. What a version did is written down before it is tried again, and
 * then nothing else is, so that it is known which one it was. */
gboolean collet_agent_may_try (const Local *local, gint64 epoch);

/* ---- the roster ---- */

void collet_agent_step_presence (ColletClusterAgent *self);
gboolean collet_agent_is_removed (ColletClusterAgent *self); /* another node took it off */
gboolean collet_agent_is_sole (ColletClusterAgent *self);

/* ---- requests ---- */

/* RELOAD_IN_PROGRESS: its compares did not hold. */
void collet_agent_write (ColletClusterAgent *self, const ColletTxn *txn, ColletApplierDone done,
                         gpointer user_data);

void collet_agent_requests_free (ColletClusterAgent *self);

G_END_DECLS
