/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-txn.h: one transaction on coordination keys: if all compares hold, the
 * first list of operations is done, else the second, at one revision and in one
 * step. The rules of etcd's transactions, so that any store of rows behaves the
 * same.
 *
 * Keys are printable ASCII. Values are UTF-8 text. A store counts revisions: each
 * transaction that changes something gets the next one.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define COLLET_TXN_MAX_OPS 128 /* a list, as etcd's default */
#define COLLET_TXN_MAX_KEY 1024
#define COLLET_TXN_MAX_VALUE (256 * 1024)

typedef struct
{
  char *key;
  char *value;       /* NULL in a change: the key was removed */
  gint64 create_rev; /* revision at which it came to be */
  gint64 mod_rev;    /* revision of its last change */
  char *session;     /* that it ends with, or NULL */
} ColletKeyValue;

ColletKeyValue *collet_key_value_new (const char *key, const char *value, gint64 create_rev, gint64 mod_rev,
                                      const char *session);
ColletKeyValue *collet_key_value_copy (const ColletKeyValue *row);
void collet_key_value_free (ColletKeyValue *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletKeyValue, collet_key_value_free)

typedef struct
{
  char *key;
  gint64 mod_rev; /* 0: absent; -1: compare the value */
  char *value;
} ColletCompare;

typedef enum
{
  COLLET_OP_PUT,
  COLLET_OP_DELETE,
  COLLET_OP_DELETE_PREFIX,
  COLLET_OP_GET,
  COLLET_OP_RANGE,
  COLLET_OP_COUNT,
  COLLET_OP_END_SESSION, /* key: the session, or "" for all; stores of rows only */
} ColletOpKind;

typedef struct
{
  ColletOpKind kind;
  char *key; /* or prefix */
  char *value;
  gboolean is_leased; /* ends with the session of who puts it */
  gint64 since;       /* RANGE: those whose last change has that revision or a later one */
} ColletOp;

typedef struct
{
  GPtrArray *compares; /* ColletCompare */
  GPtrArray *then_ops; /* ColletOp */
  GPtrArray *else_ops; /* ColletOp: reads only */
  char *session;       /* that leased keys are bound to; set by who carries it out */
} ColletTxn;

ColletTxn *collet_txn_new (void);
ColletTxn *collet_txn_copy (const ColletTxn *txn);
void collet_txn_free (ColletTxn *txn);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletTxn, collet_txn_free)

void collet_txn_if_absent (ColletTxn *txn, const char *key);
void collet_txn_if_revision (ColletTxn *txn, const char *key, gint64 mod_rev); /* 0: absent */
void collet_txn_if_value (ColletTxn *txn, const char *key, const char *value);
void collet_txn_put (ColletTxn *txn, const char *key, const char *value);
void collet_txn_put_leased (ColletTxn *txn, const char *key, const char *value);
void collet_txn_delete (ColletTxn *txn, const char *key);
void collet_txn_delete_prefix (ColletTxn *txn, const char *prefix);
void collet_txn_end_session (ColletTxn *txn, const char *session); /* NULL: all */
/* Rows for the reply, in the order of these calls. */
void collet_txn_get (ColletTxn *txn, const char *key);
void collet_txn_range (ColletTxn *txn, const char *prefix);
/* Of those that begin with prefix what was put at that revision or later: none that
 * is older, and none that was removed. */
void collet_txn_range_since (ColletTxn *txn, const char *prefix, gint64 revision);
/* How many begin with prefix, for the reply; once in a transaction. */
void collet_txn_count (ColletTxn *txn, const char *prefix);
void collet_txn_else_get (ColletTxn *txn, const char *key);
void collet_txn_else_range (ColletTxn *txn, const char *prefix);

/* All that `other` compares and does, as well; whether that is not too much. */
void collet_txn_add (ColletTxn *txn, const ColletTxn *other);
gboolean collet_txn_has_room (const ColletTxn *txn, const ColletTxn *other);

/* Sizes, no key written twice, a session for what is leased. InvalidArgument says
 * which. */
gboolean collet_txn_check (const ColletTxn *txn, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The first key after all that begin with prefix. */
char *collet_txn_prefix_end (const char *prefix) G_GNUC_WARN_UNUSED_RESULT;

typedef struct
{
  gboolean succeeded; /* the compares held */
  gint64 revision;    /* of the store, after it */
  char *store_id;     /* of the store: another one is another history */
  GPtrArray *rows;    /* ColletKeyValue, what was read; a range is sorted by key */
  gint64 count;       /* what was counted */
  GPtrArray *changes; /* ColletKeyValue; filled by stores of rows only */
} ColletTxnReply;

ColletTxnReply *collet_txn_reply_new (void);
void collet_txn_reply_free (ColletTxnReply *reply);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletTxnReply, collet_txn_reply_free)
/* A row that was read, by its key, or NULL. Borrowed. */
const ColletKeyValue *collet_txn_reply_find (const ColletTxnReply *reply, const char *key);

/* ---- stores of rows ---- */

typedef struct
{
  /* *found NULL: there is none. */
  gboolean (*get) (gpointer rows, const char *key, ColletKeyValue **found, GError **error);
  /* Appends what begins with prefix, sorted. session: "" any, else of that one;
   * NULL: of any session at all. */
  gboolean (*range) (gpointer rows, const char *prefix, const char *session, GPtrArray *into, GError **error);
  gboolean (*put) (gpointer rows, const ColletKeyValue *row, GError **error);
  gboolean (*remove) (gpointer rows, const char *key, GError **error);
} ColletTxnRowsClass;

/* Carries txn out on rows that stand at `revision`. Fills all of reply but
 * store_id. FALSE: the store failed, and what was done has to be taken back. */
gboolean collet_txn_evaluate (const ColletTxn *txn, const ColletTxnRowsClass *class_, gpointer rows,
                              gint64 revision, ColletTxnReply *reply,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
