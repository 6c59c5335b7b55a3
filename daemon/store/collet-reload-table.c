/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-reload-table.h"

#include "collet-error.h"

#define DEFAULT_LIMIT 100

static gboolean
insert_item (ColletDatabase *db, gint64 number, const ColletReloadItemRow *item, GError **error)
{
  ColletStatement *statement =
      collet_statement_begin (db, "INSERT INTO reload_item (reload, module, from_sha256, to_sha256, "
                                  "from_version, to_version, to_signer) VALUES (?, ?, ?, ?, ?, ?, ?)");

  collet_statement_add_int (statement, number);
  collet_statement_add_text (statement, item->module);
  collet_statement_add_text (statement, item->from_sha256);
  collet_statement_add_text (statement, item->to_sha256);
  collet_statement_add_text (statement, item->from_version);
  collet_statement_add_text (statement, item->to_version);
  collet_statement_add_text (statement, item->to_signer);
  return collet_statement_run (statement, error);
}

gboolean
collet_reload_table_begin (ColletDatabase *db, const ColletReloadRow *row, GError **error)
{
  ColletStatement *statement =
      collet_statement_begin (db, "INSERT INTO reload (id, kind, strategy, uid, reason, reverts, options, "
                                  "started_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");

  collet_statement_add_text (statement, row->id);
  collet_statement_add_text (statement, row->kind);
  collet_statement_add_text (statement, row->strategy);
  collet_statement_add_int (statement, row->uid);
  collet_statement_add_text (statement, row->reason);
  collet_statement_add_text (statement, row->reverts);
  collet_statement_add_text (statement, row->options != NULL ? row->options : "{}");
  collet_statement_add_int (statement, row->started_at);
  if (!collet_statement_run (statement, error))
    return FALSE;

  gint64 number = collet_database_get_last_number (db);
  for (guint i = 0; i < row->items->len; i++)
    {
      if (!insert_item (db, number, row->items->pdata[i], error))
        return FALSE;
    }
  return TRUE;
}

/* INSERT ... SELECT from a reload that is not there changes nothing. */
static gboolean
run_for_reload (ColletDatabase *db, ColletStatement *statement, const char *id, GError **error)
{
  if (!collet_statement_run (statement, error))
    return FALSE;
  if (collet_database_get_changes (db) == 1)
    return TRUE;
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_STORE_FAILED, "Reload %s is not in the journal.",
               id != NULL ? id : "(none)");
  return FALSE;
}

gboolean
collet_reload_table_mark_committed (ColletDatabase *db, const char *id, gint64 at, GError **error)
{
  ColletStatement *statement = collet_statement_begin (
      db, "INSERT INTO reload_commit (reload, at) SELECT number, ? FROM reload WHERE id = ?");

  collet_statement_add_int (statement, at);
  collet_statement_add_text (statement, id);
  return run_for_reload (db, statement, id, error);
}

gboolean
collet_reload_table_end (ColletDatabase *db, const ColletReloadEnd *end, GError **error)
{
  ColletStatement *statement =
      collet_statement_begin (db,
                              "INSERT INTO reload_end (reload, state, phase, error, message, at, pause_us, "
                              "duration_us, detail) SELECT number, ?, ?, ?, ?, ?, ?, ?, ? FROM reload "
                              "WHERE id = ?");

  collet_statement_add_text (statement, end->state);
  collet_statement_add_text (statement, end->phase);
  collet_statement_add_text (statement, end->error);
  collet_statement_add_text (statement, end->message);
  collet_statement_add_int (statement, end->at);
  if (end->pause_us >= 0)
    collet_statement_add_int (statement, end->pause_us);
  else
    collet_statement_add_null (statement);
  collet_statement_add_int (statement, end->duration_us);
  collet_statement_add_text (statement, end->detail != NULL ? end->detail : "{}");
  collet_statement_add_text (statement, end->reload);
  return run_for_reload (db, statement, end->reload, error);
}

/* ---- reading ---- */

#define RELOAD_COLUMNS                                                                                       \
  "r.number, r.id, r.kind, r.strategy, r.uid, r.reason, r.reverts, r.options, r.started_at"
#define END_COLUMN 9
#define END_COLUMNS                                                                                          \
  "e.reload, e.state, e.phase, e.error, e.message, e.at, e.pause_us, e.duration_us, e.detail"

static ColletReloadRow *
read_reload (ColletStatement *statement)
{
  ColletReloadRow *row = collet_reload_row_new ();

  row->id = collet_statement_dup_text (statement, 1);
  row->kind = collet_statement_dup_text (statement, 2);
  row->strategy = collet_statement_dup_text (statement, 3);
  row->uid = collet_statement_get_int (statement, 4);
  row->reason = collet_statement_dup_text (statement, 5);
  row->reverts = collet_statement_dup_text (statement, 6);
  row->options = collet_statement_dup_text (statement, 7);
  row->started_at = collet_statement_get_int (statement, 8);
  return row;
}

static ColletReloadEnd *
read_end (ColletStatement *statement, const char *id)
{
  if (collet_statement_is_null (statement, END_COLUMN))
    return NULL;

  ColletReloadEnd *end = collet_reload_end_new ();
  end->reload = g_strdup (id);
  end->state = collet_statement_dup_text (statement, END_COLUMN + 1);
  end->phase = collet_statement_dup_text (statement, END_COLUMN + 2);
  end->error = collet_statement_dup_text (statement, END_COLUMN + 3);
  end->message = collet_statement_dup_text (statement, END_COLUMN + 4);
  end->at = collet_statement_get_int (statement, END_COLUMN + 5);
  if (!collet_statement_is_null (statement, END_COLUMN + 6))
    end->pause_us = collet_statement_get_int (statement, END_COLUMN + 6);
  end->duration_us = collet_statement_get_int (statement, END_COLUMN + 7);
  end->detail = collet_statement_dup_text (statement, END_COLUMN + 8);
  return end;
}

static gboolean
read_items (ColletDatabase *db, gint64 number, GPtrArray *items, GError **error)
{
  g_autoptr (GError) reason = NULL;
  ColletStatement *statement =
      collet_statement_begin (db,
                              "SELECT module, from_sha256, to_sha256, from_version, to_version, to_signer "
                              "FROM reload_item WHERE reload = ? ORDER BY module");

  collet_statement_add_int (statement, number);
  while (collet_statement_next (statement, &reason))
    {
      ColletReloadItemRow *item = collet_reload_item_row_new ();

      item->module = collet_statement_dup_text (statement, 0);
      item->from_sha256 = collet_statement_dup_text (statement, 1);
      item->to_sha256 = collet_statement_dup_text (statement, 2);
      item->from_version = collet_statement_dup_text (statement, 3);
      item->to_version = collet_statement_dup_text (statement, 4);
      item->to_signer = collet_statement_dup_text (statement, 5);
      g_ptr_array_add (items, item);
    }
  if (reason == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&reason));
  return FALSE;
}

/* The newest that changed, or may still change, which version of each module of
 * reload ?1 serves. */
#define NEWEST_OF                                                                                            \
  "SELECT (SELECT i.reload FROM reload_item AS i JOIN reload AS n ON n.number = i.reload "                   \
  "LEFT JOIN reload_end AS o ON o.reload = n.number WHERE i.module = m.module "                              \
  "AND coalesce (o.state, 'running') IN ('running', 'succeeded') AND n.kind NOT IN ('drain', 'resume') "     \
  "ORDER BY i.reload DESC LIMIT 1) "                                                                         \
  "FROM reload_item AS m WHERE m.reload = (SELECT number FROM reload WHERE id = ?1)"

/* Each begins where its index does: at ?1, and goes backwards. */
#define SELECT_HISTORY(from, where, number)                                                                  \
  "SELECT " RELOAD_COLUMNS ", " END_COLUMNS " FROM " from                                                    \
  " LEFT JOIN reload_end AS e ON e.reload = r.number "                                                       \
  "WHERE " where " AND (?2 IS NULL OR coalesce (e.state, 'running') = ?2) AND r.started_at < ?3 "            \
  "AND r.started_at >= ?4 ORDER BY " number " DESC LIMIT ?5"

GPtrArray *
collet_reload_table_read (ColletDatabase *db, const ColletHistoryQuery *query, GError **error)
{
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_history_row_free);
  g_autoptr (GError) reason = NULL;
  ColletStatement *statement = collet_statement_begin (
      db, query->module != NULL ? SELECT_HISTORY ("reload_item AS i JOIN reload AS r ON r.number = i.reload",
                                                  "i.module = ?1", "i.reload")
          : query->newest_of != NULL
              ? SELECT_HISTORY ("reload AS r", "r.number IN (" NEWEST_OF ")", "r.number")
          : query->id != NULL ? SELECT_HISTORY ("reload AS r", "r.id >= ?1 AND r.id < ?1 || '~'",
                                                "+r.number" /* not by that index */)
                              : SELECT_HISTORY ("reload AS r", "?1 IS NULL", "r.number"));

  collet_statement_add_text (statement, query->module != NULL      ? query->module
                                        : query->newest_of != NULL ? query->newest_of
                                                                   : query->id);
  collet_statement_add_text (statement, query->state);
  collet_statement_add_int (statement, query->before != 0 ? query->before : G_MAXINT64);
  collet_statement_add_int (statement, query->after);
  collet_statement_add_int (statement, query->limit != 0 ? query->limit : DEFAULT_LIMIT);
  while (collet_statement_next (statement, &reason))
    {
      ColletHistoryRow *row = collet_history_row_new ();

      g_ptr_array_add (rows, row);
      row->reload = read_reload (statement);
      row->end = read_end (statement, row->reload->id);
      if (!read_items (db, collet_statement_get_int (statement, 0), row->reload->items, &reason))
        {
          collet_statement_end (statement);
          break;
        }
    }
  if (reason == NULL)
    return g_steal_pointer (&rows);
  g_propagate_error (error, g_steal_pointer (&reason));
  return NULL;
}

gboolean
collet_reload_table_read_open (ColletDatabase *db, GPtrArray *open, GPtrArray *committed, GError **error)
{
  g_autoptr (GError) reason = NULL;
  ColletStatement *statement =
      collet_statement_begin (db,
                              "SELECT " RELOAD_COLUMNS ", c.reload FROM reload AS r "
                              "LEFT JOIN reload_commit AS c ON c.reload = r.number "
                              "WHERE NOT EXISTS (SELECT 1 FROM reload_end AS e WHERE e.reload = r.number) "
                              "ORDER BY r.number");

  while (collet_statement_next (statement, &reason))
    {
      ColletReloadRow *row = read_reload (statement);

      g_ptr_array_add (collet_statement_is_null (statement, 9) ? open : committed, row);
      if (!read_items (db, collet_statement_get_int (statement, 0), row->items, &reason))
        {
          collet_statement_end (statement);
          break;
        }
    }
  if (reason == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&reason));
  return FALSE;
}

/* ---- retention ---- */

/* So many rows a transaction: what others may have to wait for. */
#define PRUNE_SLICE 1000

#define OLD_RELOADS                                                                                          \
  "SELECT r.number FROM reload AS r WHERE r.started_at < ?1 "                                                \
  "AND r.number <= coalesce ((SELECT number FROM reload ORDER BY number DESC LIMIT 1 OFFSET ?2), 0) "        \
  "AND EXISTS (SELECT 1 FROM reload_end AS e WHERE e.reload = r.number) ORDER BY r.number LIMIT ?3"
#define OLD_UPDATES                                                                                          \
  "SELECT u.sequence FROM tool_update AS u WHERE u.at < ?1 AND u.sequence < (SELECT max (sequence) "         \
  "FROM tool_update WHERE tool = u.tool) ORDER BY u.sequence LIMIT ?2"
/* A look is worth something as long as there is the tool, or it is recent. */
#define OLD_CHECKS                                                                                           \
  "DELETE FROM tool_check WHERE at < ?1 AND NOT EXISTS (SELECT 1 FROM tool WHERE name = tool_check.tool)"
#define UNUSED_NAMES                                                                                         \
  "DELETE FROM subscriber WHERE since_at < ?1 "                                                              \
  "AND NOT EXISTS (SELECT 1 FROM subscription AS s WHERE s.subscriber = subscriber.name) "                   \
  "AND NOT EXISTS (SELECT 1 FROM tool_check AS k WHERE k.subscriber = subscriber.name)"

static ColletStatement *
begin_reloads (ColletDatabase *db, const char *sql, gint64 before, guint keep)
{
  ColletStatement *statement = collet_statement_begin (db, sql);

  collet_statement_add_int (statement, before);
  collet_statement_add_int (statement, keep);
  collet_statement_add_int (statement, PRUNE_SLICE);
  return statement;
}

static ColletStatement *
begin_updates (ColletDatabase *db, const char *sql, gint64 before)
{
  ColletStatement *statement = collet_statement_begin (db, sql);

  collet_statement_add_int (statement, before);
  collet_statement_add_int (statement, PRUNE_SLICE);
  return statement;
}

/* Takes the statement: has it a row? */
static gboolean
has_row (ColletStatement *statement, gboolean *found, GError **error)
{
  g_autoptr (GError) reason = NULL;

  *found = collet_statement_next (statement, &reason);
  if (*found)
    collet_statement_end (statement);
  if (reason == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&reason));
  return FALSE;
}

static gboolean
forget_looks (ColletDatabase *db, const char *sql, gint64 before, GError **error)
{
  ColletStatement *statement = collet_statement_begin (db, sql);

  collet_statement_add_int (statement, before);
  return collet_statement_run (statement, error);
}

/* While this row is not finished the triggers let its transaction delete. */
static gboolean
delete_old (ColletDatabase *db, gint64 before, guint keep, gint64 *reloads, gint64 *updates, GError **error)
{
  ColletStatement *statement =
      collet_statement_begin (db, "INSERT INTO retention (before_at, at) VALUES (?, ?)");

  collet_statement_add_int (statement, before);
  collet_statement_add_int (statement, g_get_real_time ());
  if (!collet_statement_run (statement, error))
    return FALSE;
  gint64 number = collet_database_get_last_number (db);

  if (!collet_statement_run (
          begin_reloads (db, "DELETE FROM reload WHERE number IN (" OLD_RELOADS ")", before, keep), error))
    return FALSE;
  *reloads = collet_database_get_changes (db);
  if (!collet_statement_run (
          begin_updates (db, "DELETE FROM tool_update WHERE sequence IN (" OLD_UPDATES ")", before), error))
    return FALSE;
  *updates = collet_database_get_changes (db);

  statement = collet_statement_begin (db, "UPDATE retention SET finished_at = ?, removed_reloads = ?, "
                                          "removed_updates = ? WHERE number = ?");
  collet_statement_add_int (statement, g_get_real_time ());
  collet_statement_add_int (statement, *reloads);
  collet_statement_add_int (statement, *updates);
  collet_statement_add_int (statement, number);
  return collet_statement_run (statement, error);
}

/* When the oldest of the newest `keep` reloads began; 0: there are not so many. */
static gboolean
find_begin (ColletDatabase *db, guint keep, gint64 *before, GError **error)
{
  g_autofree char *sql =
      g_strdup_printf ("SELECT started_at FROM reload ORDER BY number DESC LIMIT 1 OFFSET %" G_GINT64_FORMAT,
                       (gint64)keep - 1);

  return collet_database_read_int (db, sql, before, error);
}

gboolean
collet_reload_table_prune (ColletDatabase *db, gint64 before, guint keep, guint64 *removed, GError **error)
{
  gboolean has_reloads, has_updates;
  gint64 reloads = 0;
  gint64 updates = 0;

  *removed = 0;
  if (before == COLLET_PRUNE_BY_COUNT && !find_begin (db, keep, &before, error))
    return FALSE;
  if (!forget_looks (db, OLD_CHECKS, before, error) || !forget_looks (db, UNUSED_NAMES, before, error) ||
      !has_row (begin_reloads (db, OLD_RELOADS, before, keep), &has_reloads, error) ||
      !has_row (begin_updates (db, OLD_UPDATES, before), &has_updates, error))
    return FALSE;
  if (!has_reloads && !has_updates)
    return TRUE; /* nothing to record */
  if (!delete_old (db, before, keep, &reloads, &updates, error))
    return FALSE;
  *removed = (guint64)(reloads + updates);
  return TRUE;
}
