/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-reloader.h: takes requests, refuses what cannot be, runs the rest as
 * transactions, and brings a node back to a known state at start. Main thread.
 */
#pragma once

#include "collet-call-recorder.h"
#include "collet-check.h"
#include "collet-registry.h"
#include "collet-reload.h"

G_BEGIN_DECLS

/* Known to whoever composes the daemon; others need not see them. */
typedef struct _ColletStore ColletStore;
typedef struct _ColletLoader ColletLoader;
typedef struct _ColletStatistics ColletStatistics;

typedef struct
{
  guint max_live;               /* generations of a module at once; default 3 */
  guint drain_timeout_ms;       /* default 30000 */
  guint quiesce_timeout_ms;     /* default 10000 */
  guint keep_finished_s;        /* how long a finished reload stays an object; default 600 */
  guint max_finished;           /* and how many at most; default 256 */
  guint keep_versions;          /* of a module, with those that serve; default 10 */
  guint keep_version_days;      /* unused for longer they go anyway; 0: never */
  guint keep_history;           /* newest reloads that stay, however old; default 1000 */
  guint keep_history_days;      /* default 365; 0: for ever */
  guint max_history;            /* reloads, however young; default 0: any number */
  guint grace_ms;               /* calls in the form of what a breaking change replaced; default 600000 */
  GStrv module_path;            /* folders in which a name is looked up; may be NULL */
  ColletCallRecorder *recorder; /* outlives it; NULL: calls are not recorded */
} ColletReloaderConfig;

void collet_reloader_config_init (ColletReloaderConfig *config);

#define COLLET_TYPE_RELOADER (collet_reloader_get_type ())
G_DECLARE_FINAL_TYPE (ColletReloader, collet_reloader, COLLET, RELOADER, GObject)

/* References all; copies the config. */
ColletReloader *collet_reloader_new (ColletStore *store, ColletLoader *loader, ColletHost *host,
                                     ColletRegistry *registry, const ColletReloaderConfig *config);

/* Brings back what the database says: every module at its committed version,
 * with its last state; reloads that a crash cut short are resolved and recorded.
 * A module that cannot come back (its artifact is damaged or gone, its state is
 * refused) does not stop the others; `failed` counts them. Takes `image`, a
 * ColletStoreImage. */
void collet_reloader_recover_async (ColletReloader *self, gpointer image, GAsyncReadyCallback callback,
                                    gpointer user_data);
gboolean
collet_reloader_recover_finish (ColletReloader *self, GAsyncResult *result, guint *failed, GError **error);

/* Pre-flight (copy, hash, read, trial load, names, limits), then the journal;
 * answers with the running reload, or with the running one that does the same.
 * A refused request is history as well. Takes `request`. */
void collet_reloader_submit_async (ColletReloader *self, ColletReloadRequest *request,
                                   GAsyncReadyCallback callback, gpointer user_data);
ColletReload *collet_reloader_submit_finish (ColletReloader *self, GAsyncResult *result, GError **error);

/* Running and recently finished ones, oldest first. Borrowed. */
GListModel *collet_reloader_get_reloads (ColletReloader *self);
ColletReload *collet_reloader_find_reload (ColletReloader *self, const char *id);

/* Borrowed, or NULL: never loaded here since the start. */
ColletDeployment *collet_reloader_find_deployment (ColletReloader *self, const char *module);
/* A retained version of a module that `selector` names. NotFound (none), or
 * InvalidArgument (several). Borrowed. */
ColletVersion *
collet_reloader_find_version (ColletReloader *self, const char *module, const char *selector, GError **error);

/* The key that signed it is trusted no more: it can serve on, and not come back. */
gboolean collet_reloader_is_revoked (ColletReloader *self, const ColletVersion *version);

/* The cluster had that version prepared or applied here when the last process of
 * this daemon ended. */
gboolean collet_reloader_was_cut_short (ColletReloader *self, const char *sha256);

/* Something that was done without a reload goes into the history. */
void collet_reloader_record (ColletReloader *self, ColletReloadKind kind, gint64 uid, const char *reason,
                             const char *note);

/* Begins to close if that was not done, lets what runs end, at most timeout_ms (0:
 * the drain timeout), saves the state of every stateful module, then retires all
 * generations. Calls that are left are ended with them. */
void collet_reloader_shutdown_async (ColletReloader *self, guint timeout_ms, GAsyncReadyCallback callback,
                                     gpointer user_data);
gboolean collet_reloader_shutdown_finish (ColletReloader *self, GAsyncResult *result, GError **error);

/* From now on changes and calls get ShuttingDown; what runs goes on. */
void collet_reloader_begin_closing (ColletReloader *self);

/* Borrowed. */
ColletRegistry *collet_reloader_get_registry (ColletReloader *self);
/* Ends its trial window: the new version stays. InvalidArgument: it is in none. */
gboolean collet_reloader_confirm (ColletReloader *self, ColletReload *reload, gint64 uid, const char *reason,
                                  GError **error);

/* Borrowed. */
ColletStatistics *collet_reloader_get_statistics (ColletReloader *self);

/* What calls are recorded in; NULL: nothing. Borrowed. */
ColletCallRecorder *collet_reloader_get_recorder (ColletReloader *self);
/* Reloads that began since the daemon started. */
guint64 collet_reloader_get_started (ColletReloader *self);
/* Number of the newest update of a tool. */
guint64 collet_reloader_get_update_sequence (ColletReloader *self);

/* A DrainRow a generation that drains, or was drained, of one module (NULL: of
 * all). */
typedef struct
{
  ColletVersion *version;
  char *module;
  const char *state; /* draining | drained */
  guint64 generation;
  guint64 in_flight;
  gint64 oldest_call_ms;
  gint64 deadline_at; /* microseconds since 1970; 0: none */
} ColletDrainRow;
GPtrArray *collet_reloader_list_draining (ColletReloader *self, const char *module);

/* Signals: "shutdown-requested" (guint timeout_ms, 0: as configured): somebody
 * asked for the daemon's end, which is in the journal. "revocations-changed": see
 * collet_reloader_is_revoked(). "deployment-added" (ColletDeployment *);
 * "tool-updated" (const char *name, const char *version, guint64 sequence): durable, in order. */

G_END_DECLS
