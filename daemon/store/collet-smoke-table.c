/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-smoke-table.h"

gboolean
collet_smoke_table_read (ColletDatabase *db, GHashTable *tests, GError **error)
{
  g_autoptr (GError) reason = NULL;
  ColletStatement *statement = collet_statement_begin (db, "SELECT module, tests FROM smoke_test");

  while (collet_statement_next (statement, &reason))
    {
      char *module = collet_statement_dup_text (statement, 0);

      g_hash_table_insert (tests, module, collet_statement_dup_text (statement, 1));
    }
  if (reason == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&reason));
  return FALSE;
}

gboolean
collet_smoke_table_set (ColletDatabase *db, const char *module, const char *tests, gint64 uid,
                        const char *reason, GError **error)
{
  ColletStatement *statement;

  if (tests == NULL)
    {
      statement = collet_statement_begin (db, "DELETE FROM smoke_test WHERE module = ?");
      collet_statement_add_text (statement, module);
      return collet_statement_run (statement, error);
    }
  statement = collet_statement_begin (
      db, "INSERT OR REPLACE INTO smoke_test (module, tests, uid, reason, set_at) VALUES (?, ?, ?, ?, ?)");
  collet_statement_add_text (statement, module);
  collet_statement_add_text (statement, tests);
  collet_statement_add_int (statement, uid);
  collet_statement_add_text (statement, reason);
  collet_statement_add_int (statement, g_get_real_time ());
  return collet_statement_run (statement, error);
}
