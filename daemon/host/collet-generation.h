/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-generation.h: one activation of a version on this node, and what runs
 * it. Abstract; made by collet-worker-generation.h or collet-inproc-generation.h.
 *
 * A GObject of the main thread. Only leases, dispatch and cancel (used by
 * ColletSlot) are thread-safe; everything _async completes on the main thread.
 */
#pragma once

#include <gio/gio.h>

#include "collet-call.h"
#include "collet-histogram.h"
#include "collet-manifest.h"
#include "collet-quick-promise.h"

G_BEGIN_DECLS

/* Immutable facts of one generation. */
typedef struct
{
  char *module;
  guint64 number; /* the node's counter, only grows */
  ColletVersion *version;
  ColletManifest *manifest;
  char *path; /* of the artifact in the store, absolute */
} ColletGenerationSpec;

ColletGenerationSpec *collet_generation_spec_new (guint64 number, ColletVersion *version,
                                                  ColletManifest *manifest, const char *path);
void collet_generation_spec_free (ColletGenerationSpec *spec);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletGenerationSpec, collet_generation_spec_free)

typedef enum
{
  COLLET_GENERATION_COLD, /* not started; starts at its first call (stateless only) */
  COLLET_GENERATION_STARTING,
  COLLET_GENERATION_READY,
  COLLET_GENERATION_RESTARTING, /* crashed; calls wait */
  COLLET_GENERATION_BROKEN,     /* restarted too often; calls fail with WorkerUnavailable */
  COLLET_GENERATION_RETIRING,
  COLLET_GENERATION_RETIRED,
} ColletGenerationState;

typedef struct
{
  guint64 calls;   /* answered */
  guint64 errors;  /* of these: error results or not completed, by a fault of the version's */
  guint64 crashes; /* of the worker */
  guint64 in_flight;
} ColletGenerationStats;

/* What became of it: honest words for the history. */
typedef struct
{
  gboolean killed;   /* the deadline passed with calls left, or it did not stop */
  guint calls_ended; /* that were given DrainTimeout */
  gboolean unloaded; /* its code left memory */
  gint64 drain_us;
} ColletRetirement;

#define COLLET_TYPE_GENERATION (collet_generation_get_type ())
G_DECLARE_DERIVABLE_TYPE (ColletGeneration, collet_generation, COLLET, GENERATION, GObject)

struct _ColletGenerationClass
{
  GObjectClass parent_class;

  /* Main thread. */
  void (*start_async) (ColletGeneration *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                       gpointer user_data);
  gboolean (*start_finish) (ColletGeneration *self, GAsyncResult *result, GError **error);
  void (*request_async) (ColletGeneration *self, guint16 frame_type, int status, guint32 detail,
                         GBytes *payload, GCancellable *cancellable, GAsyncReadyCallback callback,
                         gpointer user_data);
  GBytes *(*request_finish) (ColletGeneration *self, GAsyncResult *result, GError **error);
  void (*stop_async) (ColletGeneration *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                      gpointer user_data);
  gboolean (*stop_finish) (ColletGeneration *self, GAsyncResult *result, gboolean *killed,
                           gboolean *unloaded);
  /* Ends the calls that are left with DrainTimeout. */
  void (*kill) (ColletGeneration *self);
  /* When the oldest of its calls came, monotonic; 0: none. May be NULL. */
  gint64 (*get_oldest_call) (ColletGeneration *self);
  /* May be NULL: a promise to be quick means nothing to what runs it. */
  ColletPromiseState (*get_promise) (ColletGeneration *self);

  /* Any thread; the caller holds a lease, released by the generation when the
   * call is done. */
  void (*dispatch) (ColletGeneration *self, ColletCall *call);
  void (*cancel) (ColletGeneration *self, ColletCall *call);
};

const ColletGenerationSpec *collet_generation_get_spec (ColletGeneration *self);
ColletGenerationState collet_generation_get_state (ColletGeneration *self);
void collet_generation_get_stats (ColletGeneration *self, ColletGenerationStats *stats);
/* What its calls of a tool (index in its manifest) were like so far; thread-safe.
 * NULL: there were none. Lives as long as the generation. */
ColletHistogram *collet_generation_get_histogram (ColletGeneration *self, guint tool);
/* Another activation of what runs: the same version is published again. */
void collet_generation_renumber (ColletGeneration *self, guint64 number);
pid_t collet_generation_get_pid (ColletGeneration *self); /* 0: none */
/* Age of the oldest of the calls that it has; 0: none. */
gint64 collet_generation_get_oldest_call_ms (ColletGeneration *self);
ColletPromiseState collet_generation_get_promise (ColletGeneration *self);

/* Starts it: worker confined, artifact loaded, ABI bound, init done. Errors:
 * SpawnFailed, AbiMismatch, InvalidModule, ValidationFailed (init failed or
 * crashed; the reason is nested), Timeout. */
void collet_generation_start_async (ColletGeneration *self, GCancellable *cancellable,
                                    GAsyncReadyCallback callback, gpointer user_data);
gboolean collet_generation_start_finish (ColletGeneration *self, GAsyncResult *result, GError **error);

/* SelfTestFailed with the module's reason; success if the module has none. */
void collet_generation_self_test_async (ColletGeneration *self, GCancellable *cancellable,
                                        GAsyncReadyCallback callback, gpointer user_data);
gboolean collet_generation_self_test_finish (ColletGeneration *self, GAsyncResult *result, GError **error);

/* State: only for a stateful manifest; StateMigrationFailed with the reason or
 * what the worker died of. export only while quiesced or before publication. */
void collet_generation_export_state_async (ColletGeneration *self, GCancellable *cancellable,
                                           GAsyncReadyCallback callback, gpointer user_data);
GBytes *collet_generation_export_state_finish (ColletGeneration *self, GAsyncResult *result, GError **error);
void collet_generation_import_state_async (ColletGeneration *self, GBytes *state, GCancellable *cancellable,
                                           GAsyncReadyCallback callback, gpointer user_data);
gboolean collet_generation_import_state_finish (ColletGeneration *self, GAsyncResult *result, GError **error);
/* direction: enum collet_direction. Pure: bytes in, bytes out. */
void collet_generation_code_change_async (ColletGeneration *self, int direction, guint32 format,
                                          GBytes *state, GCancellable *cancellable,
                                          GAsyncReadyCallback callback, gpointer user_data);
GBytes *collet_generation_code_change_finish (ColletGeneration *self, GAsyncResult *result, GError **error);

/* What its worker imports whenever it is started from now on, so also after a
 * crash: the last durable state, in this generation's format. NULL: start empty. */
void collet_generation_set_snapshot (ColletGeneration *self, GBytes *state);
GBytes *collet_generation_get_snapshot (ColletGeneration *self); /* borrowed, or NULL */

/* Waits for the leases to reach zero, at most deadline_ms (0: for ever), then
 * ends it: fini, or SIGKILL. Calls left at the deadline get DrainTimeout. Never
 * fails; the report says what happened. Cancelling brings the deadline forward. */
void collet_generation_retire_async (ColletGeneration *self, guint deadline_ms, GCancellable *cancellable,
                                     GAsyncReadyCallback callback, gpointer user_data);
ColletRetirement collet_generation_retire_finish (ColletGeneration *self, GAsyncResult *result);

/* What its confinement refused it so far: ColletRefusal, borrowed. */
const GPtrArray *collet_generation_get_refusals (ColletGeneration *self);

/* Signals, main thread: "crashed" (const GError *error, gboolean will_restart);
 * "refused" (): there is more in its refusals. */

G_END_DECLS
