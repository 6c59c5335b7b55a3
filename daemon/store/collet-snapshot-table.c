/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-snapshot-table.h"

#include "collet-error.h"

#define COLUMNS "s.module, s.sha256, s.format, s.cause, s.reload, s.taken_at, s.state"

static gboolean
insert (ColletDatabase *db, const ColletSnapshotRow *row, GError **error)
{
  ColletStatement *statement =
      collet_statement_begin (db,
                              "INSERT INTO snapshot (module, sha256, format, cause, reload, taken_at, size, "
                              "state) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");

  collet_statement_add_text (statement, row->module);
  collet_statement_add_text (statement, row->sha256);
  collet_statement_add_int (statement, row->format);
  collet_statement_add_text (statement, row->cause);
  collet_statement_add_text (statement, row->reload);
  collet_statement_add_int (statement, row->taken_at);
  collet_statement_add_int (statement, (gint64)g_bytes_get_size (row->state));
  collet_statement_add_bytes (statement, row->state);
  return collet_statement_run (statement, error);
}

static gboolean
forget (ColletDatabase *db, const char *module, GError **error)
{
  ColletStatement *statement = collet_statement_begin (
      db, "DELETE FROM snapshot WHERE module = ?1 "
          "AND number NOT IN (SELECT number FROM snapshot WHERE module = ?1 ORDER BY number DESC LIMIT 5) "
          "AND number NOT IN (SELECT max (number) FROM snapshot WHERE module = ?1 GROUP BY sha256) "
          "AND NOT EXISTS (SELECT 1 FROM reload AS r WHERE r.id = snapshot.reload "
          "AND NOT EXISTS (SELECT 1 FROM reload_end AS e WHERE e.reload = r.number))");

  collet_statement_add_text (statement, module);
  return collet_statement_run (statement, error);
}

/* One taken at an interval is of use until the next one; it must not push out
 * what was saved before a reload. */
static gboolean
forget_interval (ColletDatabase *db, const ColletSnapshotRow *row, GError **error)
{
  ColletStatement *statement = collet_statement_begin (
      db, "DELETE FROM snapshot WHERE module = ?1 AND sha256 = ?2 AND cause = 'interval'");

  collet_statement_add_text (statement, row->module);
  collet_statement_add_text (statement, row->sha256);
  return collet_statement_run (statement, error);
}

gboolean
collet_snapshot_table_add (ColletDatabase *db, const ColletSnapshotRow *row, GError **error)
{
  gsize size = g_bytes_get_size (row->state);

  if (size > COLLET_SNAPSHOT_MAX_SIZE)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_MESSAGE_TOO_LARGE,
                   "The state of module %s has %" G_GSIZE_FORMAT " bytes; at most %d can be kept. "
                   "Let the module export less.",
                   row->module, size, COLLET_SNAPSHOT_MAX_SIZE);
      return FALSE;
    }
  return forget_interval (db, row, error) && insert (db, row, error) && forget (db, row->module, error);
}

gboolean
collet_snapshot_table_add_all (ColletDatabase *db, GPtrArray *rows, GError **error)
{
  for (guint i = 0; i < rows->len; i++)
    {
      if (!collet_snapshot_table_add (db, rows->pdata[i], error))
        return FALSE;
    }
  return TRUE;
}

static ColletSnapshotRow *
read_row (ColletStatement *statement)
{
  ColletSnapshotRow *row = collet_snapshot_row_new ();

  row->module = collet_statement_dup_text (statement, 0);
  row->sha256 = collet_statement_dup_text (statement, 1);
  row->format = (guint32)collet_statement_get_int (statement, 2);
  row->cause = collet_statement_dup_text (statement, 3);
  row->reload = collet_statement_dup_text (statement, 4);
  row->taken_at = collet_statement_get_int (statement, 5);
  row->state = collet_statement_dup_bytes (statement, 6);
  return row;
}

gboolean
collet_snapshot_table_find (ColletDatabase *db, const char *module, const char *sha256,
                            ColletSnapshotRow **row, GError **error)
{
  g_autoptr (GError) reason = NULL;
  ColletStatement *statement =
      collet_statement_begin (db, "SELECT " COLUMNS
                                  " FROM snapshot AS s WHERE s.number = (SELECT max (number) FROM snapshot "
                                  "WHERE module = ?1 AND (?2 IS NULL OR sha256 = ?2))");

  collet_statement_add_text (statement, module);
  collet_statement_add_text (statement, sha256);
  *row = NULL;
  if (collet_statement_next (statement, &reason))
    {
      *row = read_row (statement);
      collet_statement_end (statement);
    }
  if (reason == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&reason));
  return FALSE;
}

gboolean
collet_snapshot_table_read_active (ColletDatabase *db, GPtrArray *rows, GError **error)
{
  g_autoptr (GError) reason = NULL;
  ColletStatement *statement = collet_statement_begin (
      db, "SELECT " COLUMNS " FROM module AS m JOIN snapshot AS s ON s.number = "
          "(SELECT max (number) FROM snapshot WHERE module = m.name AND sha256 = m.sha256 "
          "AND number > m.snapshot_floor) ORDER BY m.name");

  while (collet_statement_next (statement, &reason))
    g_ptr_array_add (rows, read_row (statement));
  if (reason == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&reason));
  return FALSE;
}

gboolean
collet_snapshot_table_add_recovery (ColletDatabase *db, const ColletRecoveryRow *row, GError **error)
{
  ColletStatement *statement =
      collet_statement_begin (db,
                              "INSERT INTO state_recovery (module, sha256, generation, cause, saved_at, at) "
                              "VALUES (?, ?, ?, ?, nullif (?, 0), ?)");

  collet_statement_add_text (statement, row->module);
  collet_statement_add_text (statement, row->sha256);
  collet_statement_add_int (statement, (gint64)row->generation);
  collet_statement_add_text (statement, row->cause);
  collet_statement_add_int (statement, row->saved_at);
  collet_statement_add_int (statement, row->at);
  if (!collet_statement_run (statement, error))
    return FALSE;
  statement = collet_statement_begin (
      db, "DELETE FROM state_recovery WHERE number <= (SELECT max (number) FROM state_recovery) - 10000");
  return collet_statement_run (statement, error);
}
