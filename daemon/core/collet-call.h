/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-call.h: one call of a tool, from whoever asks (MCP, D-Bus) to whatever
 * runs it (a worker, in-process). The asker embeds ColletCall in its own struct
 * and owns it; it must stay valid until `done` was called, which happens exactly
 * once for each dispatched call, from any thread, possibly before dispatch
 * returns. progress and log come from any thread, never after done, and never
 * two at a time for one call.
 */
#pragma once

#include "collet-manifest.h"
#include "collet-version.h"

G_BEGIN_DECLS

typedef struct _ColletCall ColletCall;

/* What a call has to go on with after it asked: see collet-input.h. */
typedef struct
{
  guint questions;      /* what the client can be asked: 1 << enum collet_question; 0: nothing */
  const char *asked_by; /* sha256 of the version that asked; NULL: whoever. The call goes to it while it
                           is live; another one gets neither replies nor state */
  const char *replies;  /* JSON object, checked; not NUL-terminated */
  gsize replies_size;   /* 0: none */
  const char *state;    /* of the module */
  gsize state_size;     /* 0: none */
} ColletCallInput;

/* Borrowed for the duration of the callback. */
typedef struct
{
  /* NULL: `json` is the module's answer {"content":[...],...}, not yet checked.
   * Otherwise the call did not complete (WorkerCrashed, CallTimeout,
   * CallCancelled, Overloaded, ...). */
  const GError *error;
  const char *json;
  gsize json_size;
  gboolean is_cancelled;  /* the module answered COLLET_CANCELLED */
  gboolean is_asking;     /* it answered COLLET_INPUT_REQUIRED: `json` is questions */
  ColletVersion *version; /* what answered; NULL if nothing ran it */
  guint64 generation;     /* likewise; 0 */
  gint64 run_us;          /* from sent to answered */
  gboolean *is_bad; /* set it if this was not answered well: it counts against the version; may be NULL */
} ColletCallResult;

typedef struct
{
  void (*done) (ColletCall *call, const ColletCallResult *result);
  /* JSON params as in wire/collet-wire.h; may be NULL. */
  void (*progress) (ColletCall *call, const char *json, gsize size);
  void (*log) (ColletCall *call, int level, const char *json, gsize size);
} ColletCallClass;

struct _ColletCall
{
  const ColletCallClass *class_;
  const char *tool;      /* the module's own name for it */
  const char *arguments; /* JSON object, checked; not NUL-terminated */
  gsize arguments_size;
  const char *trace;  /* correlation id, or NULL */
  const char *caller; /* who asks, the same at every call: a session, "uid:N"; or NULL */
  const char *client; /* the program that asks, "name/version"; or NULL */
  gint64 deadline_us; /* g_get_monotonic_time(); G_MAXINT64: none */
  gboolean wants_progress;
  gboolean may_run_here; /* on the thread that dispatches it, if it is quick */
  int log_level;         /* enum collet_level, or 255: none */
  const char *version;   /* sha256 of the only version that may run it, or NULL; VersionMismatch */
  gboolean is_trial;     /* not a caller's: a smoke test, a replay, a try of what is prepared; not counted */
  const ColletCallInput *input; /* or NULL */
  /* What the arguments were found to fit; NULL: they were not checked, and are not.
   * Borrowed; outlives the call. */
  const ColletManifest *checked;
  /* Of a call in the form of a version before (collet-call-form.h). As it came: */
  const char *given_tool, *given;
  gsize given_size;
  /* That version, semantic, owned; until when this is accepted, 0: just this once. */
  char *former;
  gint64 former_until;
  /* What `arguments`, `tool` and `checked` point to then, owned. */
  char *remade, *renamed;
  ColletManifest *renewed;
  /* The target's, zeroed by the asker: */
  gpointer target_data[4];
};

/* What calls go to: a module's slot. Implemented by host/. Thread-safe. */
typedef struct _ColletCallTarget ColletCallTarget;
typedef struct
{
  ColletCallTarget *(*ref) (ColletCallTarget *target);
  void (*unref) (ColletCallTarget *target);
  void (*dispatch) (ColletCallTarget *target, ColletCall *call);
  /* Asks for an early end; done still comes, with CallCancelled or a result.
   * The caller guarantees that done has not returned yet. */
  void (*cancel) (ColletCallTarget *target, ColletCall *call);
  /* The live version that `text` names: its semantic version, or what
   * collet_version_matches() takes. Live is what is published, what some callers
   * get before all do, and what was replaced and still has calls. New references.
   * NULL: VersionMismatch (none, or more than one), ModuleNotLoaded. */
  ColletVersion *(*find_version) (ColletCallTarget *target, const char *text, ColletManifest **manifest,
                                  GError **error);
} ColletCallTargetClass;

struct _ColletCallTarget
{
  const ColletCallTargetClass *class_;
};

static inline ColletCallTarget *
collet_call_target_ref (ColletCallTarget *target)
{
  return target->class_->ref (target);
}

static inline void
collet_call_target_unref (ColletCallTarget *target)
{
  target->class_->unref (target);
}

static inline void
collet_call_target_dispatch (ColletCallTarget *target, ColletCall *call)
{
  target->class_->dispatch (target, call);
}

static inline void
collet_call_target_cancel (ColletCallTarget *target, ColletCall *call)
{
  target->class_->cancel (target, call);
}

static inline ColletVersion *
collet_call_target_find_version (ColletCallTarget *target, const char *text, ColletManifest **manifest,
                                 GError **error)
{
  return target->class_->find_version (target, text, manifest, error);
}

G_END_DECLS
