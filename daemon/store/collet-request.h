/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-request.h: one request to the store: made and answered on the main
 * thread, performed on the store's. Private to store/.
 */
#pragma once

#include <gio/gio.h>

#include "collet-database.h"
#include "collet-rows.h"

G_BEGIN_DECLS

typedef struct _ColletRequest ColletRequest;

typedef struct
{
  /* Store thread, within a transaction; may be called again after a rollback.
   * NULL: all calls recorded so far are written. */
  gboolean (*perform) (ColletDatabase *db, ColletRequest *request, GError **error);
  gboolean is_write;
  gboolean is_relaxed; /* a write that the next start makes up for, if power is lost before the next one */
  gboolean is_commit_point;
  gboolean has_answer; /* output is what finish returns, else a boolean */
  GDestroyNotify free_input;
  GDestroyNotify free_output; /* NULL-safe, or output is never NULL */
} ColletRequestClass;

struct _ColletRequest
{
  const ColletRequestClass *class_;
  gpointer input;
  gpointer output;
  GError *error;
  GTask *task; /* owns the request as its data; main thread only */
};

/* Input of the classes below. Each is taken. */
typedef struct
{
  ColletReloadRow *row; /* begin, refusal */
  ColletReloadEnd *end; /* end, refusal */
} ColletJournalInput;

typedef struct
{
  GPtrArray *tools;   /* or NULL */
  GPtrArray *removed; /* or NULL */
} ColletToolsInput;

typedef struct
{
  char *module; /* or NULL */
  char *sha256; /* or NULL */
  guint limit;
  gint64 before;
} ColletQueryInput;

/* Of who subscribes; the classes are in collet-subscriber-request.c. */
typedef struct
{
  char *subscriber; /* list: NULL for all */
  gint64 uid;
  char *tool;       /* or NULL */
  guint64 sequence; /* updates */
  guint limit;      /* updates */
} ColletSubscriberInput;

extern const ColletRequestClass collet_request_subscribe;     /* → guint64 * */
extern const ColletRequestClass collet_request_unsubscribe;   /* → gboolean * */
extern const ColletRequestClass collet_request_check;         /* → ColletToolCheck */
extern const ColletRequestClass collet_request_updates;       /* → ColletUpdateList */
extern const ColletRequestClass collet_request_subscriptions; /* → GPtrArray */

extern const ColletRequestClass collet_request_journal;  /* ColletJournalInput; begin, end or both */
extern const ColletRequestClass collet_request_success;  /* likewise; the end of a committed reload */
extern const ColletRequestClass collet_request_commit;   /* ColletCommit → updates */
extern const ColletRequestClass collet_request_tools;    /* ColletToolsInput → updates */
extern const ColletRequestClass collet_request_save;     /* GPtrArray of ColletSnapshotRow */
extern const ColletRequestClass collet_request_recovery; /* ColletRecoveryRow */
extern const ColletRequestClass collet_request_snapshot; /* ColletQueryInput → ColletSnapshotRow or NULL */
extern const ColletRequestClass collet_request_history;  /* ColletHistoryQuery → GPtrArray */
extern const ColletRequestClass collet_request_prune;    /* ColletQueryInput → guint64 * */
extern const ColletRequestClass collet_request_txn;      /* ColletTxn → ColletTxnReply */
extern const ColletRequestClass collet_request_flush;    /* no input */

/* Takes task and input; the task's data from now on. */
ColletRequest *collet_request_new (const ColletRequestClass *class_, GTask *task, gpointer input);
/* Before it is performed again. */
void collet_request_reset (ColletRequest *request);
/* Main thread: gives the answer to its task, which may free the request. */
void collet_request_complete (ColletRequest *request);

G_END_DECLS
