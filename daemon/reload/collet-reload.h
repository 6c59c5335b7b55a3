/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-reload.h: one recorded change of one or more modules, while it runs and
 * a while after; it outlives whoever asked for it. Main thread.
 *
 *   RUNNING ──> COMMITTED ──> SUCCEEDED      the old generation drains
 *      │            │            between COMMITTED and SUCCEEDED
 *      ├──> FAILED  ├── after the commit point nothing may fail
 *      │            └──> FAILED         taken back in its trial window, by another reload
 *      ├──> CANCELLED
 *      └──> INTERRUPTED             the daemon stopped while it was prepared
 */
#pragma once

#include "collet-deployment.h"
#include "collet-reload-request.h"
#include "collet-smoke-test.h"

G_BEGIN_DECLS

typedef enum
{
  COLLET_RELOAD_RUNNING,
  COLLET_RELOAD_COMMITTED,
  COLLET_RELOAD_SUCCEEDED,
  COLLET_RELOAD_FAILED,
  COLLET_RELOAD_CANCELLED,
  COLLET_RELOAD_INTERRUPTED,
} ColletReloadState;

const char *collet_reload_state_to_string (ColletReloadState state);

typedef struct
{
  const ColletSmokeTest *test; /* of the manifest, the request or set_tests */
  const char *origin;          /* "in its manifest", ... */
  guint number;                /* there, from 1 */
} ColletSmokeCase;

/* One module's part of a reload. */
typedef struct
{
  char *module;
  ColletVersion *from;      /* NULL: was not loaded */
  ColletVersion *to;        /* NULL: is unloaded */
  ColletManifest *manifest; /* of `to` */
  char *path;               /* of `to` in the artifact store */
  const char *verdict;      /* identical | behaviour-only | compatible | breaking | NULL */
  GStrv differences;        /* of the schemas, or NULL */
  gboolean is_breaking;
  ColletDeployment *deployment;
  ColletGeneration *old;
  ColletGeneration *next;
  ColletSlot *trial; /* where `next` takes calls on trial before it is published, or NULL */
  ColletHostKind kind;
  gboolean is_quiesced;
  GBytes *fallback;   /* snapshot of `to`, if its state cannot be carried */
  gint64 fallback_at; /* when it was taken, microseconds since 1970 */
  gboolean falls_back;
  const char *way_back; /* of the state: migrate | snapshot; NULL: not known */
  GBytes *copy;         /* of the state, for the rehearsal */
  GBytes *before;       /* exported state, in from's format */
  GBytes *pristine;     /* of `next`, before its calls on trial, if it starts empty */
  GBytes *after;        /* translated, in to's format */
  gint64 pause_us;
  ColletRetirement retirement;  /* of `old` */
  ColletGenerationStats served; /* by `old`, when it was replaced */
  GArray *smoke_cases;          /* ColletSmokeCase, or NULL */
  GPtrArray *set_tests;         /* ColletSmokeTest that are set here, or NULL */
  guint smoke_passed;
  guint shadow_calls, shadow_differences; /* of the last shadow check */
} ColletReloadItem;

ColletReloadItem *collet_reload_item_new (const char *module);
void collet_reload_item_free (ColletReloadItem *item);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletReloadItem, collet_reload_item_free)

#define COLLET_TYPE_RELOAD (collet_reload_get_type ())
G_DECLARE_FINAL_TYPE (ColletReload, collet_reload, COLLET, RELOAD, GObject)

/* Takes both. */
ColletReload *collet_reload_new (ColletReloadRequest *request, GPtrArray *items);

const char *collet_reload_get_id (ColletReload *self); /* 16 hex digits */
const ColletReloadRequest *collet_reload_get_request (ColletReload *self);
GPtrArray *collet_reload_get_items (ColletReload *self); /* ColletReloadItem */
ColletReloadState collet_reload_get_state (ColletReload *self);
const char *collet_reload_get_phase (ColletReload *self);
double collet_reload_get_progress (ColletReload *self); /* 0..1, only grows, 1 at the end */
const GError *collet_reload_get_error (ColletReload *self);
/* When its trial window ends, microseconds since 1970; 0: it is in none. */
gint64 collet_reload_get_trial_ends_at (ColletReload *self);
void collet_reload_set_trial_ends_at (ColletReload *self, gint64 at);
/* What is worth knowing of how it went, beside an error; NULL: nothing. */
const char *collet_reload_get_note (ColletReload *self);
void collet_reload_set_note (ColletReload *self, const char *note);
gint64 collet_reload_get_started_at (ColletReload *self);  /* microseconds since 1970 */
gint64 collet_reload_get_finished_at (ColletReload *self); /* 0: not yet */
gint64 collet_reload_get_duration_us (ColletReload *self);
gint64 collet_reload_get_pause_us (ColletReload *self);  /* longest of its items; -1: none */
gboolean collet_reload_is_finished (ColletReload *self); /* and announced */
/* Does this do what the request asks for, on its conditions? Then it joins. */
gboolean collet_reload_is_same (ColletReload *self, const ColletReloadRequest *request, GPtrArray *items);

/* For the reloader: takes back what it published, all of it or nothing. */
ColletReloadRequest *collet_reload_request_new_revert (ColletReload *self, gint64 uid);

/* Before the commit point: undone, ends as CANCELLED. From then on, also while
 * the database writes: InvalidArgument saying that it is too late and how to go
 * back. */
gboolean collet_reload_cancel (ColletReload *self, GError **error);
GCancellable *collet_reload_get_cancellable (ColletReload *self);

/* ---- the second phase (see collet-prepared.h) ---- */

/* It is started and proven, and waits for word in the phase "prepared". */
gboolean collet_reload_is_prepared (ColletReload *self);
/* It was, and is to be committed: that is under way, or over. */
gboolean collet_reload_is_decided (ColletReload *self);
/* When it is given up, microseconds since 1970; 0: not prepared, or never. */
gint64 collet_reload_get_expires_at (ColletReload *self);
/* Who gave the word, and why (or NULL); -1: nobody did. */
gint64 collet_reload_get_decider (ColletReload *self, const char **reason);

/* For the transaction: */

/* Called once, when it stops being prepared: with NULL to go on to the commit, or
 * with why it is given up (taken). */
typedef void (*ColletReloadDecided) (gpointer user_data, GError *error);
void
collet_reload_park (ColletReload *self, gint64 expires_at, ColletReloadDecided decided, gpointer user_data);
/* Gives the word. */
void collet_reload_decide (ColletReload *self, gint64 uid, const char *reason, GError *error);
void collet_reload_enter_phase (ColletReload *self, const char *phase, double progress);
/* From here on it is with the database whether it is committed; it cannot be
 * cancelled any more, but it can fail. */
void collet_reload_begin_commit (ColletReload *self);
gboolean collet_reload_is_committing (ColletReload *self);
void collet_reload_set_committed (ColletReload *self);
/* How it ended; takes `error`, NULL: SUCCEEDED. Nobody is told before that is in
 * the history: */
void collet_reload_conclude (ColletReload *self, GError *error);
void collet_reload_announce (ColletReload *self);

/* Signals: "changed" (): state, phase, progress. "finished" (): after the last
 * "changed". */

G_END_DECLS
