/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-database.h"

#include "collet-error-remedy.h"
#include "collet-error.h"

#include <errno.h>

#define BUSY_TIMEOUT_MS 2000 /* somebody with sqlite3 in a transaction */

struct _ColletDatabase
{
  sqlite3 *handle;
  char *path;
  GThread *owner;
  GHashTable *statements; /* char * → ColletStatement */
  gboolean is_relaxed;    /* synchronous=NORMAL */
};

struct _ColletStatement
{
  ColletDatabase *db;
  sqlite3_stmt *stmt; /* NULL: it could not be prepared; begin tries again */
  char *sql;
  int n_values;
  int failure; /* result of prepare or bind that run or next reports */
  gboolean is_active;
};

static void
statement_free (ColletStatement *self)
{
  sqlite3_finalize (self->stmt);
  g_free (self->sql);
  g_free (self);
}

static void
assert_owner (ColletDatabase *self)
{
  g_assert (self->owner == g_thread_self ());
}

/* ---- errors ---- */

static ColletError
code_of (int result, int system_errno)
{
  /* An I/O error is as good as what the system said of it. */
  if (system_errno == ENOSPC || system_errno == EDQUOT)
    return COLLET_ERROR_DISK_FULL;

  switch (result & 0xff)
    {
    case SQLITE_FULL:
      return COLLET_ERROR_DISK_FULL;
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return COLLET_ERROR_STORE_READ_ONLY;
    case SQLITE_CANTOPEN:
      return system_errno == EACCES || system_errno == EPERM || system_errno == EROFS
                 ? COLLET_ERROR_STORE_READ_ONLY
                 : COLLET_ERROR_STORE_FAILED;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return COLLET_ERROR_DATABASE_BUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return COLLET_ERROR_DATABASE_CORRUPT;
    default:
      return COLLET_ERROR_STORE_FAILED;
    }
}

gboolean
collet_database_fail (ColletDatabase *self, const char *doing, GError **error)
{
  int result = sqlite3_extended_errcode (self->handle);
  /* The errno of an earlier call stays in the handle: it counts for errors that
   * come from the system alone. */
  int kind = result & 0xff;
  int system_errno =
      kind == SQLITE_IOERR || kind == SQLITE_CANTOPEN ? sqlite3_system_errno (self->handle) : 0;
  ColletError code = code_of (result, system_errno);

  g_set_error (error, COLLET_ERROR, (int)code, "%s: %s (%d%s%s) at %s. %s", self->path,
               sqlite3_errmsg (self->handle), result, system_errno != 0 ? ", " : "",
               system_errno != 0 ? g_strerror (system_errno) : "", doing, collet_error_remedy (code));
  return FALSE;
}

/* ---- the handle ---- */

/* Nobody asks SQLite how much memory it has; to keep count costs it a lock for
 * each allocation. Only before it is used the first time. */
static void
stop_counting_memory (void)
{
  static gsize is_done = 0;

  if (!g_once_init_enter (&is_done))
    return;
  if (sqlite3_config (SQLITE_CONFIG_MEMSTATUS, 0) != SQLITE_OK)
    g_debug ("SQLite was in use before; it goes on counting its memory");
  g_once_init_leave (&is_done, 1);
}

ColletDatabase *
collet_database_new (const char *path, GError **error)
{
  stop_counting_memory ();

  g_autoptr (ColletDatabase) self = g_new0 (ColletDatabase, 1);

  self->path = g_strdup (path);
  self->owner = g_thread_self ();
  self->statements = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify)statement_free);
  int result = sqlite3_open_v2 (path, &self->handle,
                                SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                                    SQLITE_OPEN_EXRESCODE,
                                NULL);
  if (self->handle == NULL)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_STORE_FAILED, "%s: SQLite has no memory.", path);
      return NULL;
    }
  if (result != SQLITE_OK)
    {
      collet_database_fail (self, "open", error);
      return NULL;
    }
  /* SQLite opens what it may not write for reading alone. */
  if (sqlite3_db_readonly (self->handle, "main") == 1)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_STORE_READ_ONLY, "%s cannot be written. %s", path,
                   collet_error_remedy (COLLET_ERROR_STORE_READ_ONLY));
      return NULL;
    }
  sqlite3_busy_timeout (self->handle, BUSY_TIMEOUT_MS);
  return g_steal_pointer (&self);
}

void
collet_database_free (ColletDatabase *self)
{
  if (self == NULL)
    return;
  assert_owner (self);
  g_hash_table_unref (self->statements);
  if (self->handle != NULL && sqlite3_close (self->handle) != SQLITE_OK)
    g_warning ("%s: %s at close", self->path, sqlite3_errmsg (self->handle));
  g_free (self->path);
  g_free (self);
}

static gboolean
use_wal (ColletDatabase *self, GError **error)
{
  ColletStatement *statement = collet_statement_begin (self, "PRAGMA journal_mode = WAL");
  g_autofree char *mode = NULL;
  g_autoptr (GError) reason = NULL;

  if (collet_statement_next (statement, &reason))
    {
      mode = collet_statement_dup_text (statement, 0);
      collet_statement_end (statement);
    }
  if (reason != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&reason));
      return FALSE;
    }
  if (g_strcmp0 (mode, "wal") == 0)
    return TRUE;
  g_set_error (
      error, COLLET_ERROR, COLLET_ERROR_STORE_FAILED,
      "%s: the journal mode is %s and cannot become WAL. Put the data folder on a local file system.",
      self->path, mode != NULL ? mode : "unknown");
  return FALSE;
}

gboolean
collet_database_configure (ColletDatabase *self, GError **error)
{
  assert_owner (self);
  sqlite3_db_config (self->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  sqlite3_db_config (self->handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
  sqlite3_db_config (self->handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
  return use_wal (self, error) && collet_database_execute (self,
                                                           "PRAGMA synchronous = FULL;"
                                                           "PRAGMA foreign_keys = ON;"
                                                           "PRAGMA recursive_triggers = ON;"
                                                           "PRAGMA cell_size_check = ON;"
                                                           "PRAGMA temp_store = MEMORY;"
                                                           "PRAGMA cache_size = -2048;"
                                                           "PRAGMA journal_size_limit = 67108864",
                                                           error);
}

const char *
collet_database_get_path (ColletDatabase *self)
{
  return self->path;
}

sqlite3 *
collet_database_get_handle (ColletDatabase *self)
{
  assert_owner (self);
  return self->handle;
}

gboolean
collet_database_execute (ColletDatabase *self, const char *sql, GError **error)
{
  assert_owner (self);
  if (sqlite3_exec (self->handle, sql, NULL, NULL, NULL) == SQLITE_OK)
    return TRUE;
  return collet_database_fail (self, sql, error);
}

gboolean
collet_database_begin (ColletDatabase *self, ColletTransactionKind kind, GError **error)
{
  gboolean relaxed = kind == COLLET_TRANSACTION_WRITE_RELAXED;

  /* Not at the end of a relaxed transaction: if it fails, it is here that nothing
   * must be promised. */
  if (kind != COLLET_TRANSACTION_READ && relaxed != self->is_relaxed)
    {
      if (!collet_database_execute (
              self, relaxed ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL", error))
        return FALSE;
      self->is_relaxed = relaxed;
    }
  return collet_statement_run (
      collet_statement_begin (self, kind == COLLET_TRANSACTION_READ ? "BEGIN" : "BEGIN IMMEDIATE"), error);
}

gboolean
collet_database_commit (ColletDatabase *self, GError **error)
{
  if (collet_statement_run (collet_statement_begin (self, "COMMIT"), error))
    return TRUE;
  collet_database_rollback (self);
  return FALSE;
}

void
collet_database_rollback (ColletDatabase *self)
{
  /* SQLite has done it by itself after some errors. */
  if (!collet_database_is_in_transaction (self))
    return;
  if (sqlite3_exec (self->handle, "ROLLBACK", NULL, NULL, NULL) != SQLITE_OK)
    g_warning ("%s: %s at rollback", self->path, sqlite3_errmsg (self->handle));
}

gboolean
collet_database_is_in_transaction (ColletDatabase *self)
{
  assert_owner (self);
  return !sqlite3_get_autocommit (self->handle);
}

gboolean
collet_database_read_int (ColletDatabase *self, const char *sql, gint64 *value, GError **error)
{
  ColletStatement *statement = collet_statement_begin (self, sql);
  g_autoptr (GError) reason = NULL;

  *value = 0;
  if (collet_statement_next (statement, &reason))
    {
      *value = collet_statement_get_int (statement, 0);
      collet_statement_end (statement);
    }
  if (reason == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&reason));
  return FALSE;
}

int
collet_database_get_changes (ColletDatabase *self)
{
  assert_owner (self);
  return sqlite3_changes (self->handle);
}

gint64
collet_database_get_last_number (ColletDatabase *self)
{
  assert_owner (self);
  return sqlite3_last_insert_rowid (self->handle);
}

/* ---- statements ---- */

ColletStatement *
collet_statement_begin (ColletDatabase *db, const char *sql)
{
  assert_owner (db);

  ColletStatement *self = g_hash_table_lookup (db->statements, sql);
  if (self == NULL)
    {
      self = g_new0 (ColletStatement, 1);
      self->db = db;
      self->sql = g_strdup (sql);
      g_hash_table_insert (db->statements, self->sql, self);
    }
  g_assert (!self->is_active);
  self->is_active = TRUE;
  self->n_values = 0;
  self->failure = SQLITE_OK;
  if (self->stmt == NULL)
    self->failure = sqlite3_prepare_v3 (db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &self->stmt, NULL);
  return self;
}

static void
note (ColletStatement *self, int result)
{
  if (self->failure == SQLITE_OK)
    self->failure = result;
}

void
collet_statement_add_text (ColletStatement *self, const char *value)
{
  self->n_values++;
  if (self->failure == SQLITE_OK)
    note (self, sqlite3_bind_text (self->stmt, self->n_values, value, -1, SQLITE_STATIC));
}

void
collet_statement_add_int (ColletStatement *self, gint64 value)
{
  self->n_values++;
  if (self->failure == SQLITE_OK)
    note (self, sqlite3_bind_int64 (self->stmt, self->n_values, value));
}

void
collet_statement_add_null (ColletStatement *self)
{
  self->n_values++;
  if (self->failure == SQLITE_OK)
    note (self, sqlite3_bind_null (self->stmt, self->n_values));
}

void
collet_statement_add_bytes (ColletStatement *self, GBytes *value)
{
  gsize size;
  const void *data = g_bytes_get_data (value, &size);

  self->n_values++;
  /* No bytes are an empty blob, not null. */
  if (self->failure == SQLITE_OK)
    note (self,
          sqlite3_bind_blob64 (self->stmt, self->n_values, data != NULL ? data : "", size, SQLITE_STATIC));
}

void
collet_statement_end (ColletStatement *self)
{
  self->is_active = FALSE;
  if (self->stmt == NULL)
    return;
  sqlite3_reset (self->stmt);
  sqlite3_clear_bindings (self->stmt);
}

gboolean
collet_statement_next (ColletStatement *self, GError **error)
{
  assert_owner (self->db);
  g_assert (self->is_active);
  g_assert (self->stmt == NULL || sqlite3_bind_parameter_count (self->stmt) == self->n_values);

  int result = self->failure == SQLITE_OK ? sqlite3_step (self->stmt) : self->failure;
  if (result == SQLITE_ROW)
    return TRUE;
  if (result != SQLITE_DONE)
    collet_database_fail (self->db, self->sql, error);
  collet_statement_end (self);
  return FALSE;
}

gboolean
collet_statement_run (ColletStatement *self, GError **error)
{
  g_autoptr (GError) reason = NULL;

  while (collet_statement_next (self, &reason))
    ;
  if (reason == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&reason));
  return FALSE;
}

char *
collet_statement_dup_text (ColletStatement *self, int column)
{
  return g_strdup ((const char *)sqlite3_column_text (self->stmt, column));
}

gint64
collet_statement_get_int (ColletStatement *self, int column)
{
  return sqlite3_column_int64 (self->stmt, column);
}

gboolean
collet_statement_is_null (ColletStatement *self, int column)
{
  return sqlite3_column_type (self->stmt, column) == SQLITE_NULL;
}

GBytes *
collet_statement_dup_bytes (ColletStatement *self, int column)
{
  const void *data = sqlite3_column_blob (self->stmt, column);
  return g_bytes_new (data, (gsize)sqlite3_column_bytes (self->stmt, column));
}
