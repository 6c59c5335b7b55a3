/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-database.h: an SQLite handle that belongs to the thread that opened it
 * (asserted), with its statements kept prepared. Private to store/.
 *
 * Errors are ours (DiskFull, StoreReadOnly, DatabaseBusy, DatabaseCorrupt,
 * StoreFailed) and say which file, what SQLite says, and what to do.
 */
#pragma once

#include <glib.h>
#include <sqlite3.h>

G_BEGIN_DECLS

typedef struct _ColletDatabase ColletDatabase;
typedef struct _ColletStatement ColletStatement;

typedef enum
{
  COLLET_TRANSACTION_READ,
  COLLET_TRANSACTION_WRITE,         /* durable when it is committed */
  COLLET_TRANSACTION_WRITE_RELAXED, /* survives the process, but a loss of power only with the next durable
                                       one */
} ColletTransactionKind;

/* Opens or makes the file; no pragma is set, nothing is read. */
ColletDatabase *collet_database_new (const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void collet_database_free (ColletDatabase *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletDatabase, collet_database_free)

/* WAL, synchronous=FULL, foreign keys, no surprises. */
gboolean collet_database_configure (ColletDatabase *self, GError **error) G_GNUC_WARN_UNUSED_RESULT;

const char *collet_database_get_path (ColletDatabase *self);
sqlite3 *collet_database_get_handle (ColletDatabase *self);
/* Fills `error` from the handle's last failure; `doing` as in "commit". Always
 * FALSE. */
gboolean collet_database_fail (ColletDatabase *self, const char *doing, GError **error);

/* Statements without values or rows, not kept: pragmas, BEGIN, ... */
gboolean
collet_database_execute (ColletDatabase *self, const char *sql, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean collet_database_begin (ColletDatabase *self, ColletTransactionKind kind,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean
collet_database_commit (ColletDatabase *self, GError **error) G_GNUC_WARN_UNUSED_RESULT; /* or rolled back */
void collet_database_rollback (ColletDatabase *self);
gboolean collet_database_is_in_transaction (ColletDatabase *self);
/* First column of the first row of a query without values; 0 if there is none. */
gboolean collet_database_read_int (ColletDatabase *self, const char *sql, gint64 *value, GError **error);
/* Rows changed by the last statement. */
int collet_database_get_changes (ColletDatabase *self);
gint64 collet_database_get_last_number (ColletDatabase *self);

/* ---- statements ----
 * begin, add the values in order, then run, or next until FALSE. `sql` is a
 * literal. A failure before is reported by run and next. */
ColletStatement *collet_statement_begin (ColletDatabase *db, const char *sql);
void collet_statement_add_text (ColletStatement *self, const char *value); /* NULL: null; until run or end */
void collet_statement_add_int (ColletStatement *self, gint64 value);
void collet_statement_add_null (ColletStatement *self);
void collet_statement_add_bytes (ColletStatement *self, GBytes *value); /* borrowed until run or end */
gboolean collet_statement_run (ColletStatement *self, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* TRUE: there is a row. FALSE: the end, or an error. */
gboolean collet_statement_next (ColletStatement *self, GError **error);
/* Before the last row was read. */
void collet_statement_end (ColletStatement *self);

char *collet_statement_dup_text (ColletStatement *self, int column); /* NULL for null */
gint64 collet_statement_get_int (ColletStatement *self, int column); /* 0 for null */
gboolean collet_statement_is_null (ColletStatement *self, int column);
GBytes *collet_statement_dup_bytes (ColletStatement *self, int column);

G_END_DECLS
