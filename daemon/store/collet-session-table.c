/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-session-table.h"

static gboolean
write_row (ColletDatabase *db, const ColletSessionRow *row, GError **error)
{
  ColletStatement *statement;

  if (row->revision == NULL)
    {
      statement = collet_statement_begin (db, "DELETE FROM session WHERE id = ?");
      collet_statement_add_text (statement, row->id);
      return collet_statement_run (statement, error);
    }
  statement = collet_statement_begin (
      db, "INSERT OR REPLACE INTO session (id, revision, client, log_level, seen, used_at, questions) "
          "VALUES (?, ?, ?, ?, ?, ?, ?)");
  collet_statement_add_text (statement, row->id);
  collet_statement_add_text (statement, row->revision);
  collet_statement_add_text (statement, row->client);
  collet_statement_add_int (statement, row->log_level);
  collet_statement_add_int (statement, (gint64)row->seen);
  collet_statement_add_int (statement, row->used_at);
  collet_statement_add_int (statement, row->questions);
  return collet_statement_run (statement, error);
}

static gboolean
write_all (ColletDatabase *db, GPtrArray *rows, GError **error)
{
  for (guint i = 0; i < rows->len; i++)
    {
      if (!write_row (db, rows->pdata[i], error))
        return FALSE;
    }
  return TRUE;
}

gboolean
collet_session_table_write (ColletDatabase *db, GPtrArray *rows, GError **error)
{
  if (!collet_database_begin (db, COLLET_TRANSACTION_WRITE_RELAXED, error))
    return FALSE;
  if (write_all (db, rows, error) && collet_database_commit (db, error))
    return TRUE;
  collet_database_rollback (db);
  return FALSE;
}

gboolean
collet_session_table_read (ColletDatabase *db, GPtrArray *rows, GError **error)
{
  g_autoptr (GError) reason = NULL;
  ColletStatement *statement = collet_statement_begin (
      db,
      "SELECT id, revision, client, log_level, seen, used_at, questions FROM session ORDER BY used_at, id");

  while (collet_statement_next (statement, &reason))
    {
      ColletSessionRow *row = collet_session_row_new ();

      row->id = collet_statement_dup_text (statement, 0);
      row->revision = collet_statement_dup_text (statement, 1);
      row->client = collet_statement_dup_text (statement, 2);
      row->log_level = (int)collet_statement_get_int (statement, 3);
      row->seen = (guint64)collet_statement_get_int (statement, 4);
      row->used_at = collet_statement_get_int (statement, 5);
      row->questions = (guint)collet_statement_get_int (statement, 6);
      g_ptr_array_add (rows, row);
    }
  if (reason == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&reason));
  return FALSE;
}
