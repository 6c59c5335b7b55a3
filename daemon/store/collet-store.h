/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-store.h: collet.db. One thread owns the handle; requests are queued to
 * it and answered on the main thread, in order. Requests that wait together are
 * committed together, each in a savepoint of its own; one that fails does not
 * harm the others. See schema/sql/ and docs/database.md.
 *
 * Every _async function takes the rows that it is given (also when the request
 * fails) and is for the thread that opened the store, with its main context
 * running. Times are microseconds since 1970 unless said otherwise.
 *
 * Errors: DiskFull, StoreReadOnly, DatabaseBusy, DatabaseCorrupt, DatabaseNewer,
 * StoreFailed (with SQLite's message).
 */
#pragma once

#include <gio/gio.h>

#include "collet-history-query.h"
#include "collet-txn.h"
#include "collet-subscription.h"
#include "collet-version.h"

G_BEGIN_DECLS

/* ---- rows, as plain data; all strings owned unless said otherwise ---- */

typedef struct
{
  ColletVersion *version;
  char *module;
  char *manifest; /* JSON */
} ColletArtifactRow;

/* A version in whose form calls of a module are accepted for a time. */
typedef struct
{
  char *sha256;
  gint64 until; /* microseconds since 1970 */
} ColletFormerRow;

/* What one module is after a commit. */
typedef struct
{
  char *module;
  char *sha256;          /* active; NULL: unloaded */
  char *previous_sha256; /* to roll back to, or NULL */
  guint64 generation;
  char *host;          /* "worker" | "in-process" */
  gint64 drained_at;   /* read only; 0: it serves. See ColletCommit */
  GPtrArray *former;   /* ColletFormerRow, the newest first; may be empty */
  gboolean had_former; /* write only: there may be some from before, which go */
} ColletModuleRow;

typedef struct
{
  char *name; /* what clients call */
  char *module;
  char *module_tool;
  char *metadata;       /* JSON object given to RegisterTool, or NULL */
  char *version;        /* sha256 recorded for it */
  gboolean is_explicit; /* RegisterTool, not the manifest */
  gint64 registered_at; /* microseconds since 1970 */
  gint64 updated_at;    /* these two are read only: a change writes its own */
  guint64 sequence;     /* of its newest tool_update */
} ColletToolRow;

typedef struct
{
  char *id;       /* of the reload: 16 hex digits, random */
  char *kind;     /* load | hot-reload | swap | rollback | sync | unload | drain |
                     resume | shutdown */
  char *strategy; /* local | sync_all | quorum | rolling */
  gint64 uid;     /* initiator; -1: the daemon itself */
  char *reason;   /* or NULL */
  char *reverts;  /* id of the reload that it takes back, or NULL */
  char *options;  /* JSON object; NULL: none */
  gint64 started_at;
  GPtrArray *items; /* ColletReloadItemRow */
} ColletReloadRow;

typedef struct
{
  char *module;
  char *from_sha256;               /* or NULL */
  char *to_sha256;                 /* or NULL */
  char *from_version, *to_version; /* semver, or NULL */
  char *to_signer;                 /* as in collet-version.h, or NULL */
} ColletReloadItemRow;

typedef struct
{
  char *module;
  char *sha256; /* whose format it is */
  guint32 format;
  GBytes *state;
  char *cause;  /* reload | drain | shutdown | interval */
  char *reload; /* id or NULL */
  gint64 taken_at;
} ColletSnapshotRow;

/* A module went on with a state that had been saved before. */
typedef struct
{
  char *module;
  char *sha256;
  guint64 generation;
  const char *cause; /* static: worker | daemon | drain, whose end it was */
  gint64 saved_at;   /* 0: never */
  gint64 at;
} ColletRecoveryRow;

/* One database transaction: the commit point (DESIGN 4.4). */
typedef struct
{
  char *reload;             /* id; NULL: no reload, the daemon brings up what it had */
  ColletReloadRow *begin;   /* of that reload, if nothing was journalled before; or NULL */
  GPtrArray *artifacts;     /* ColletArtifactRow: new ones; known ones do no harm */
  GPtrArray *modules;       /* ColletModuleRow: after the change */
  GPtrArray *snapshots;     /* ColletSnapshotRow: before (old format) and migrated */
  GPtrArray *tools;         /* ColletToolRow: added or changed; a tool that is new or
                               has another version makes one tool_update and its
                               subscribers' events; one that is the same, none */
  GPtrArray *removed_tools; /* char *: names; a tool_update without a version each */
  GPtrArray *drained;       /* char *: modules that take no calls from now on, */
  GPtrArray *resumed;       /* and those that do again */
} ColletCommit;

/* How it ended; appended, never changed. */
typedef struct
{
  char *reload;
  char *state;   /* succeeded | failed | cancelled | interrupted */
  char *phase;   /* reached */
  char *error;   /* name or NULL */
  char *message; /* or NULL */
  gint64 at;
  gint64 pause_us; /* -1: none */
  gint64 duration_us;
  char *detail; /* JSON object: per-item figures, retirement, ... */
} ColletReloadEnd;

typedef struct
{
  ColletReloadRow *reload;
  ColletReloadEnd *end; /* NULL: still open */
} ColletHistoryRow;

typedef struct
{
  gint64 at;
  char *request_id; /* JSON-RPC id, raw */
  char *client;     /* session id or name, or NULL */
  char *tool;
  char *sha256;
  guint64 generation;
  gint64 duration_us;
  char *trace;   /* correlation id, or NULL */
  char *outcome; /* ok | error | <error name> */
} ColletCallRow;

/* A session of an MCP client. */
typedef struct
{
  char *id;
  char *revision;  /* of the protocol */
  char *client;    /* name/version, or "" */
  guint questions; /* that it can be asked: 1 << enum collet_question */
  int log_level;   /* 0 to 255 */
  guint64 seen;    /* begin of the digest of the list that it knows */
  gint64 used_at;
} ColletSessionRow;

/* Everything needed at start. */
typedef struct
{
  GPtrArray *artifacts;     /* ColletArtifactRow of all retained versions */
  GPtrArray *modules;       /* ColletModuleRow */
  GPtrArray *tools;         /* ColletToolRow */
  GPtrArray *snapshots;     /* ColletSnapshotRow: the newest of each module's active version */
  GPtrArray *open;          /* ColletReloadRow: begun, neither committed nor ended */
  GPtrArray *committed;     /* ColletReloadRow: committed, not ended */
  GPtrArray *sessions;      /* ColletSessionRow, the longest unused first */
  GPtrArray *subscriptions; /* ColletSubscriptionRow, without pending */
  GHashTable *smoke_tests;  /* module → JSON text */
  guint64 next_generation;  /* above all that were committed */
  guint64 update_sequence;  /* of the newest tool_update; 0: none */
  gint64 previous_run_at;   /* when the daemon was started the last time; 0: never */
} ColletStoreImage;

/* Each row has new/free helpers in collet-rows.h. */

#define COLLET_TYPE_STORE (collet_store_get_type ())
G_DECLARE_FINAL_TYPE (ColletStore, collet_store, COLLET, STORE, GObject)

/* Opens or makes <folder>/collet.db, migrates it, reads the image. Blocking; at
 * start only. A corrupt file is moved aside (collet.db.corrupt-<time>) and
 * *moved_to says where. The daemon holds an exclusive lock file, so a second one
 * on the same folder gets DatabaseBusy naming the pid. */
/* After an error *image is not set; *moved_to may be. */
ColletStore *
collet_store_open (const char *folder, ColletStoreImage **image, char **moved_to, GError **error);
/* Does what is queued, then closes; blocking. The answers still come through the
 * main context. Later requests get ShuttingDown. */
void collet_store_close (ColletStore *self);

/* Journal: before anything of a reload happens. */
void collet_store_begin_async (ColletStore *self, ColletReloadRow *row, GAsyncReadyCallback callback,
                               gpointer user_data);
gboolean collet_store_begin_finish (ColletStore *self, GAsyncResult *result, GError **error);
/* The commit point. After TRUE it is durable (synchronous=FULL). */
void collet_store_commit_async (ColletStore *self, ColletCommit *commit, GAsyncReadyCallback callback,
                                gpointer user_data);
gboolean collet_store_commit_finish (ColletStore *self, GAsyncResult *result, GError **error);
/* What subscribers are to be told, in order, of a commit or a change of tools
 * that succeeded: ColletUpdateRow, maybe none. Borrowed from the result. */
GPtrArray *collet_store_get_updates (ColletStore *self, GAsyncResult *result);
/* That a committed reload succeeded need not survive a loss of power: the next
 * start adds it. It survives the process, and whoever reads after this sees it. */
void collet_store_end_async (ColletStore *self, ColletReloadEnd *end, GAsyncReadyCallback callback,
                             gpointer user_data);
gboolean collet_store_end_finish (ColletStore *self, GAsyncResult *result, GError **error);
/* begin and end in one: a reload refused before it began is history as well. */
void collet_store_record_refusal_async (ColletStore *self, ColletReloadRow *row, ColletReloadEnd *end,
                                        GAsyncReadyCallback callback, gpointer user_data);
gboolean collet_store_record_refusal_finish (ColletStore *self, GAsyncResult *result, GError **error);

/* Tools registered by hand: one transaction, with their events. tools and
 * removed as in ColletCommit; each may be NULL. */
void collet_store_change_tools_async (ColletStore *self, GPtrArray *tools, GPtrArray *removed,
                                      GAsyncReadyCallback callback, gpointer user_data);
gboolean collet_store_change_tools_finish (ColletStore *self, GAsyncResult *result, GError **error);

/* ---- subscribers; limits and names as in collet-subscription.h. NotAuthorized
 * for a name of another user. ---- */

/* "*": every tool. finish: *sequence is the newest update. */
void collet_store_subscribe_async (ColletStore *self, const char *subscriber, gint64 uid, const char *tool,
                                   GAsyncReadyCallback callback, gpointer user_data);
gboolean
collet_store_subscribe_finish (ColletStore *self, GAsyncResult *result, guint64 *sequence, GError **error);
void collet_store_unsubscribe_async (ColletStore *self, const char *subscriber, gint64 uid, const char *tool,
                                     GAsyncReadyCallback callback, gpointer user_data);
gboolean
collet_store_unsubscribe_finish (ColletStore *self, GAsyncResult *result, gboolean *existed, GError **error);
/* Remembers that the subscriber has seen the present version. NotFound. */
void collet_store_check_tool_async (ColletStore *self, const char *subscriber, gint64 uid, const char *tool,
                                    GAsyncReadyCallback callback, gpointer user_data);
ColletToolCheck *collet_store_check_tool_finish (ColletStore *self, GAsyncResult *result, GError **error);
/* At most `limit` of those after `sequence` that the subscriber is told of. */
void collet_store_updates_async (ColletStore *self, const char *subscriber, gint64 uid, guint64 sequence,
                                 guint limit, GAsyncReadyCallback callback, gpointer user_data);
ColletUpdateList *collet_store_updates_finish (ColletStore *self, GAsyncResult *result, GError **error);
/* ColletSubscriptionRow; subscriber NULL: all. */
void collet_store_subscriptions_async (ColletStore *self, const char *subscriber,
                                       GAsyncReadyCallback callback, gpointer user_data);
GPtrArray *collet_store_subscriptions_finish (ColletStore *self, GAsyncResult *result, GError **error);

void collet_store_save_snapshots_async (ColletStore *self, GPtrArray *snapshots, GAsyncReadyCallback callback,
                                        gpointer user_data);
gboolean collet_store_save_snapshots_finish (ColletStore *self, GAsyncResult *result, GError **error);
void collet_store_record_recovery_async (ColletStore *self, ColletRecoveryRow *row,
                                         GAsyncReadyCallback callback, gpointer user_data);
gboolean collet_store_record_recovery_finish (ColletStore *self, GAsyncResult *result, GError **error);
/* Newest snapshot of a module's version (sha256 NULL: of any), or NULL with no
 * error. */
void collet_store_get_snapshot_async (ColletStore *self, const char *module, const char *sha256,
                                      GAsyncReadyCallback callback, gpointer user_data);
ColletSnapshotRow *collet_store_get_snapshot_finish (ColletStore *self, GAsyncResult *result, GError **error);

/* Newest first. `query` is copied. */
void collet_store_history_async (ColletStore *self, const ColletHistoryQuery *query,
                                 GAsyncReadyCallback callback, gpointer user_data);
GPtrArray *
collet_store_history_finish (ColletStore *self, GAsyncResult *result, GError **error); /* ColletHistoryRow */

/* Retention: removes some of the reloads that ended and began before `before`, but
 * none of the newest `keep`, and some of the tool updates of that time that are no
 * tool's newest; the removal itself is recorded. *removed 0: there are no more.
 * `before` may be COLLET_PRUNE_BY_COUNT (collet-rows.h). */
void collet_store_prune_async (ColletStore *self, gint64 before, guint keep, GAsyncReadyCallback callback,
                               gpointer user_data);
gboolean
collet_store_prune_finish (ColletStore *self, GAsyncResult *result, guint64 *removed, GError **error);

/* Carries out a transaction on the keys that nodes agree through, durably. */
void collet_store_run_txn_async (ColletStore *self, ColletTxn *txn, GAsyncReadyCallback callback,
                                 gpointer user_data);
ColletTxnReply *collet_store_run_txn_finish (ColletStore *self, GAsyncResult *result, GError **error);

/* Thread-safe, never blocks: rows are kept back and written in batches (100 ms
 * or 10,000 rows); past 200,000 waiting rows the newest are dropped and counted.
 * Takes the row. */
void collet_store_record_call (ColletStore *self, ColletCallRow *row);
/* All recorded so far are written: readers see them. (A loss of power may take
 * the last ones; nothing else is as lightly kept.) */
void collet_store_flush_calls_async (ColletStore *self, GAsyncReadyCallback callback, gpointer user_data);
gboolean collet_store_flush_calls_finish (ColletStore *self, GAsyncResult *result, GError **error);
/* How many were dropped since the store was opened. Thread-safe. */
guint64 collet_store_get_dropped_calls (ColletStore *self);

/* ---- sessions ----
 * Thread-safe, never block: the newest state of each session waits, is written
 * within 100 ms or at the close, and is tried again if the disk refuses it. Past
 * 65,536 waiting sessions the newest ones are dropped, with a warning. */

/* Takes the row. */
void collet_store_save_session (ColletStore *self, ColletSessionRow *row);
void collet_store_remove_session (ColletStore *self, const char *id);
/* Those of an image's sessions that were last used before `before`: out of the
 * array and the database. How many. */
guint collet_store_drop_sessions (ColletStore *self, GPtrArray *sessions, gint64 before);

G_END_DECLS
