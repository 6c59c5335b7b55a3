/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-coordination-table.h"

#include "collet-error.h"

#define COLUMNS "key, value, create_rev, mod_rev, session"

static ColletKeyValue *
read_row (ColletStatement *statement)
{
  g_autofree char *key = collet_statement_dup_text (statement, 0);
  g_autofree char *value = collet_statement_dup_text (statement, 1);
  g_autofree char *session = collet_statement_dup_text (statement, 4);

  return collet_key_value_new (key, value, collet_statement_get_int (statement, 2),
                               collet_statement_get_int (statement, 3), session);
}

static gboolean
read_all (ColletStatement *statement, GPtrArray *into, GError **error)
{
  g_autoptr (GError) reason = NULL;

  while (collet_statement_next (statement, &reason))
    g_ptr_array_add (into, read_row (statement));
  if (reason == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&reason));
  return FALSE;
}

static gboolean
get (gpointer db, const char *key, ColletKeyValue **found, GError **error)
{
  g_autoptr (GPtrArray) rows = g_ptr_array_new ();
  ColletStatement *statement =
      collet_statement_begin (db, "SELECT " COLUMNS " FROM coordination WHERE key = ?");

  collet_statement_add_text (statement, key);
  if (!read_all (statement, rows, error))
    return FALSE;
  *found = rows->len > 0 ? rows->pdata[0] : NULL;
  return TRUE;
}

static gboolean
range (gpointer db, const char *prefix, const char *session, GPtrArray *into, GError **error)
{
  ColletStatement *statement;

  if (session == NULL)
    return read_all (collet_statement_begin (db, "SELECT " COLUMNS " FROM coordination "
                                                 "WHERE session IS NOT NULL ORDER BY key"),
                     into, error);
  if (*session != '\0')
    {
      statement = collet_statement_begin (db, "SELECT " COLUMNS " FROM coordination WHERE session = ? "
                                              "ORDER BY key");
      collet_statement_add_text (statement, session);
      return read_all (statement, into, error);
    }

  g_autofree char *end = collet_txn_prefix_end (prefix);
  statement = collet_statement_begin (db, "SELECT " COLUMNS " FROM coordination WHERE key >= ? AND key < ? "
                                          "ORDER BY key");
  collet_statement_add_text (statement, prefix);
  collet_statement_add_text (statement, end);
  return read_all (statement, into, error);
}

static gboolean
put (gpointer db, const ColletKeyValue *row, GError **error)
{
  ColletStatement *statement =
      collet_statement_begin (db, "INSERT OR REPLACE INTO coordination (" COLUMNS ") VALUES (?, ?, ?, ?, ?)");

  collet_statement_add_text (statement, row->key);
  collet_statement_add_text (statement, row->value);
  collet_statement_add_int (statement, row->create_rev);
  collet_statement_add_int (statement, row->mod_rev);
  collet_statement_add_text (statement, row->session);
  return collet_statement_run (statement, error);
}

static gboolean
remove_row (gpointer db, const char *key, GError **error)
{
  ColletStatement *statement = collet_statement_begin (db, "DELETE FROM coordination WHERE key = ?");

  collet_statement_add_text (statement, key);
  return collet_statement_run (statement, error);
}

static gboolean
read_state (ColletDatabase *db, gint64 *revision, char **store_id, GError **error)
{
  g_autoptr (GError) reason = NULL;
  ColletStatement *statement =
      collet_statement_begin (db, "SELECT revision, store_id FROM coordination_state WHERE number = 1");

  if (collet_statement_next (statement, &reason))
    {
      *revision = collet_statement_get_int (statement, 0);
      *store_id = collet_statement_dup_text (statement, 1);
      collet_statement_end (statement);
      return TRUE;
    }
  if (reason != NULL)
    g_propagate_error (error, g_steal_pointer (&reason));
  else
    g_set_error (error, COLLET_ERROR, COLLET_ERROR_STORE_FAILED,
                 "%s has no row in coordination_state. Restore a backup.", collet_database_get_path (db));
  return FALSE;
}

static gboolean
write_revision (ColletDatabase *db, gint64 revision, GError **error)
{
  ColletStatement *statement =
      collet_statement_begin (db, "UPDATE coordination_state SET revision = ? WHERE number = 1");

  collet_statement_add_int (statement, revision);
  return collet_statement_run (statement, error);
}

ColletTxnReply *
collet_coordination_table_run (ColletDatabase *db, const ColletTxn *txn, GError **error)
{
  static const ColletTxnRowsClass class_ = { .get = get, .range = range, .put = put, .remove = remove_row };
  g_autoptr (ColletTxnReply) reply = collet_txn_reply_new ();
  gint64 revision = 0;

  if (!read_state (db, &revision, &reply->store_id, error) ||
      !collet_txn_evaluate (txn, &class_, db, revision, reply, error))
    return NULL;
  if (reply->revision != revision && !write_revision (db, reply->revision, error))
    return NULL;
  return g_steal_pointer (&reply);
}
