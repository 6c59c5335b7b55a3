/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-subscription-table.h"

#include "collet-error.h"

/* A look that finds nothing new is written at most so often. */
#define CHECK_STEP_US (60 * G_USEC_PER_SEC)

#define NEWEST "SELECT seq FROM sqlite_sequence WHERE name = 'tool_update'"

/* First column of the first row. *is_found FALSE: there is none. Ends the statement. */
static gboolean
read_first (ColletStatement *statement, gint64 *value, gboolean *is_found, GError **error)
{
  g_autoptr (GError) reason = NULL;

  *value = 0;
  *is_found = collet_statement_next (statement, &reason);
  if (*is_found)
    {
      *value = collet_statement_get_int (statement, 0);
      collet_statement_end (statement);
    }
  if (reason == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&reason));
  return FALSE;
}

/* ---- names ---- */

static gboolean
find_owner (ColletDatabase *db, const char *name, gint64 uid, gboolean *is_known, GError **error)
{
  ColletStatement *statement = collet_statement_begin (db, "SELECT uid FROM subscriber WHERE name = ?");
  gint64 owner;

  collet_statement_add_text (statement, name);
  if (!read_first (statement, &owner, is_known, error))
    return FALSE;
  if (!*is_known || owner == uid || uid == 0)
    return TRUE;
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_NOT_AUTHORIZED,
               "The subscriber's name \"%s\" belongs to uid %" G_GINT64_FORMAT "; choose another name.", name,
               owner);
  return FALSE;
}

static gboolean
check_room (ColletDatabase *db, gint64 uid, GError **error)
{
  ColletStatement *statement = collet_statement_begin (db, "SELECT count (*) FROM subscriber WHERE uid = ?");
  gboolean is_found;
  gint64 own, all;

  collet_statement_add_int (statement, uid);
  if (!read_first (statement, &own, &is_found, error) ||
      !collet_database_read_int (db, "SELECT count (*) FROM subscriber", &all, error))
    return FALSE;
  if (own < COLLET_SUBSCRIBER_NAMES_OF_UID && all < COLLET_SUBSCRIBER_NAMES)
    return TRUE;
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_OVERLOADED,
               "There are %" G_GINT64_FORMAT " names of subscribers of uid %" G_GINT64_FORMAT
               " (at most %d) and %" G_GINT64_FORMAT " in all (at most %d). Unsubscribe those that are not "
               "needed any more.",
               own, uid, COLLET_SUBSCRIBER_NAMES_OF_UID, all, COLLET_SUBSCRIBER_NAMES);
  return FALSE;
}

static gboolean
ensure_name (ColletDatabase *db, const char *name, gint64 uid, GError **error)
{
  gboolean is_known;

  if (!find_owner (db, name, uid, &is_known, error))
    return FALSE;
  if (is_known)
    return TRUE;
  if (!check_room (db, uid, error))
    return FALSE;

  ColletStatement *statement =
      collet_statement_begin (db, "INSERT INTO subscriber (name, uid, since_at) VALUES (?, ?, ?)");
  collet_statement_add_text (statement, name);
  collet_statement_add_int (statement, uid);
  collet_statement_add_int (statement, g_get_real_time ());
  return collet_statement_run (statement, error);
}

/* ---- subscriptions ---- */

static gboolean
check_subscriptions (ColletDatabase *db, const char *subscriber, const char *tool, GError **error)
{
  ColletStatement *statement =
      collet_statement_begin (db, "SELECT count (*) FROM subscription WHERE subscriber = ? AND tool != ?");
  gboolean is_found;
  gint64 n;

  collet_statement_add_text (statement, subscriber);
  collet_statement_add_text (statement, tool);
  if (!read_first (statement, &n, &is_found, error))
    return FALSE;
  if (n < COLLET_SUBSCRIPTIONS_OF_NAME)
    return TRUE;
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_OVERLOADED,
               "\"%s\" has %" G_GINT64_FORMAT " subscriptions, the most there can be. Subscribe to \"*\" "
               "instead, or unsubscribe from some.",
               subscriber, n);
  return FALSE;
}

gboolean
collet_subscription_table_add (ColletDatabase *db, const char *subscriber, gint64 uid, const char *tool,
                               guint64 *sequence, GError **error)
{
  gint64 newest;

  if (!ensure_name (db, subscriber, uid, error) || !collet_database_read_int (db, NEWEST, &newest, error) ||
      !check_subscriptions (db, subscriber, tool, error))
    return FALSE;

  ColletStatement *statement =
      collet_statement_begin (db, "INSERT INTO subscription (subscriber, tool, uid, sequence, since_at) "
                                  "VALUES (?, ?, ?, ?, ?) ON CONFLICT (subscriber, tool) DO NOTHING");
  collet_statement_add_text (statement, subscriber);
  collet_statement_add_text (statement, tool);
  collet_statement_add_int (statement, uid);
  collet_statement_add_int (statement, newest);
  collet_statement_add_int (statement, g_get_real_time ());
  *sequence = (guint64)newest;
  return collet_statement_run (statement, error);
}

static gboolean
run_for (ColletDatabase *db, const char *sql, const char *subscriber, GError **error)
{
  ColletStatement *statement = collet_statement_begin (db, sql);

  collet_statement_add_text (statement, subscriber);
  return collet_statement_run (statement, error);
}

/* What no subscription of that name covers any more. */
static gboolean
forget (ColletDatabase *db, const char *subscriber, GError **error)
{
  static const char *const without_subscription[] = {
    "DELETE FROM tool_check WHERE subscriber = ?1 AND ?1 NOT GLOB 'uid:*' "
    "AND NOT EXISTS (SELECT 1 FROM subscription WHERE subscriber = ?1)",
    "DELETE FROM subscriber WHERE name = ?1 AND ?1 NOT GLOB 'uid:*' "
    "AND NOT EXISTS (SELECT 1 FROM subscription WHERE subscriber = ?1)",
  };

  if (!run_for (db,
                "DELETE FROM subscriber_event AS e WHERE e.subscriber = ? AND NOT EXISTS "
                "(SELECT 1 FROM subscription AS s, tool_update AS u WHERE s.subscriber = e.subscriber "
                "AND u.sequence = e.sequence AND s.tool IN (u.tool, '*'))",
                subscriber, error))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (without_subscription); i++)
    if (!run_for (db, without_subscription[i], subscriber, error))
      return FALSE;
  return TRUE;
}

gboolean
collet_subscription_table_remove (ColletDatabase *db, const char *subscriber, gint64 uid, const char *tool,
                                  gboolean *existed, GError **error)
{
  gboolean is_known;

  *existed = FALSE;
  if (!find_owner (db, subscriber, uid, &is_known, error))
    return FALSE;
  if (!is_known)
    return TRUE;

  ColletStatement *statement =
      collet_statement_begin (db, "DELETE FROM subscription WHERE subscriber = ? AND tool = ?");
  collet_statement_add_text (statement, subscriber);
  collet_statement_add_text (statement, tool);
  if (!collet_statement_run (statement, error))
    return FALSE;
  *existed = collet_database_get_changes (db) > 0;
  return !*existed || forget (db, subscriber, error);
}

/* ---- looks ---- */

typedef struct
{
  char *version;
  gint64 sequence; /* of the tool's newest update */
  gint64 known;    /* what the caller has seen or been told of */
  gint64 at;       /* of the last look; 0: none */
} Look;

static gboolean
read_look (ColletDatabase *db, const char *subscriber, const char *tool, Look *look, GError **error)
{
  g_autoptr (GError) reason = NULL;
  ColletStatement *statement = collet_statement_begin (
      db, "SELECT t.version, t.sequence, coalesce (k.sequence, "
          "(SELECT sequence FROM subscription WHERE subscriber = ?1 AND tool IN (t.name, '*') "
          "ORDER BY tool DESC LIMIT 1), t.first_sequence), coalesce (k.at, 0) "
          "FROM tool AS t LEFT JOIN tool_check AS k ON k.subscriber = ?1 AND k.tool = t.name "
          "WHERE t.name = ?2");

  collet_statement_add_text (statement, subscriber);
  collet_statement_add_text (statement, tool);
  if (collet_statement_next (statement, &reason))
    {
      look->version = collet_statement_dup_text (statement, 0);
      look->sequence = collet_statement_get_int (statement, 1);
      look->known = collet_statement_get_int (statement, 2);
      look->at = collet_statement_get_int (statement, 3);
      collet_statement_end (statement);
      return TRUE;
    }
  if (reason != NULL)
    g_propagate_error (error, g_steal_pointer (&reason));
  else
    g_set_error (error, COLLET_ERROR, COLLET_ERROR_NOT_FOUND,
                 "There is no tool \"%s\". List the tools to see those there are.", tool);
  return FALSE;
}

static gboolean
write_look (ColletDatabase *db, const char *subscriber, const char *tool, const Look *look, gint64 now,
            GError **error)
{
  ColletStatement *statement = collet_statement_begin (
      db, "INSERT INTO tool_check (subscriber, tool, version, sequence, at) VALUES (?, ?, ?, ?, ?) "
          "ON CONFLICT (subscriber, tool) DO UPDATE SET version = excluded.version, "
          "sequence = excluded.sequence, at = excluded.at");

  collet_statement_add_text (statement, subscriber);
  collet_statement_add_text (statement, tool);
  collet_statement_add_text (statement, look->version);
  collet_statement_add_int (statement, look->sequence);
  collet_statement_add_int (statement, now);
  return collet_statement_run (statement, error);
}

ColletToolCheck *
collet_subscription_table_check (ColletDatabase *db, const char *subscriber, gint64 uid, const char *tool,
                                 GError **error)
{
  g_autoptr (ColletToolCheck) check = g_new0 (ColletToolCheck, 1);
  gint64 now = g_get_real_time ();
  gboolean is_known;
  Look look = { 0 };

  if (!find_owner (db, subscriber, uid, &is_known, error) || !read_look (db, subscriber, tool, &look, error))
    return NULL;
  check->version = look.version;
  check->is_updated = look.sequence > look.known;
  if (look.at != 0 && !check->is_updated && now >= look.at && now - look.at < CHECK_STEP_US)
    return g_steal_pointer (&check); /* who asks all the time costs no write */
  if (!ensure_name (db, subscriber, uid, error) || !write_look (db, subscriber, tool, &look, now, error))
    return NULL;
  return g_steal_pointer (&check);
}

/* ---- what was missed ---- */

static ColletUpdateRow *
read_update (ColletStatement *statement)
{
  ColletUpdateRow *row = collet_update_row_new ();

  row->sequence = (guint64)collet_statement_get_int (statement, 0);
  row->tool = collet_statement_dup_text (statement, 1);
  row->module = collet_statement_dup_text (statement, 2);
  row->version = collet_statement_dup_text (statement, 3);
  row->previous_version = collet_statement_dup_text (statement, 4);
  row->reload = collet_statement_dup_text (statement, 5);
  row->at = collet_statement_get_int (statement, 6);
  return row;
}

ColletUpdateList *
collet_subscription_table_read_updates (ColletDatabase *db, const char *subscriber, gint64 uid,
                                        guint64 sequence, guint limit, GError **error)
{
  g_autoptr (ColletUpdateList) list = collet_update_list_new ();
  g_autoptr (GError) reason = NULL;
  gboolean is_known;
  gint64 newest;

  if (!find_owner (db, subscriber, uid, &is_known, error) ||
      !collet_database_read_int (db, NEWEST, &newest, error))
    return NULL;

  ColletStatement *statement = collet_statement_begin (
      db, "SELECT u.sequence, u.tool, u.module, u.version, u.previous_version, u.reload, u.at "
          "FROM subscriber_event AS e JOIN tool_update AS u ON u.sequence = e.sequence "
          "WHERE e.subscriber = ? AND e.sequence > ? ORDER BY e.sequence LIMIT ?");
  collet_statement_add_text (statement, subscriber);
  collet_statement_add_int (statement, (gint64)MIN (sequence, (guint64)G_MAXINT64));
  collet_statement_add_int (statement, limit);
  while (collet_statement_next (statement, &reason))
    g_ptr_array_add (list->updates, read_update (statement));
  if (reason != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&reason));
      return NULL;
    }
  list->next = list->updates->len == limit ? ((ColletUpdateRow *)list->updates->pdata[limit - 1])->sequence
                                           : (guint64)newest;
  return g_steal_pointer (&list);
}

/* ---- all of them ---- */

static gboolean
read_rows (ColletStatement *statement, GPtrArray *rows, GError **error)
{
  g_autoptr (GError) reason = NULL;

  while (collet_statement_next (statement, &reason))
    {
      ColletSubscriptionRow *row = collet_subscription_row_new ();

      row->subscriber = collet_statement_dup_text (statement, 0);
      row->tool = collet_statement_dup_text (statement, 1);
      row->uid = collet_statement_get_int (statement, 2);
      row->since_at = collet_statement_get_int (statement, 3);
      row->sequence = (guint64)collet_statement_get_int (statement, 4);
      row->pending = (guint64)collet_statement_get_int (statement, 5);
      g_ptr_array_add (rows, row);
    }
  if (reason == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&reason));
  return FALSE;
}

gboolean
collet_subscription_table_read (ColletDatabase *db, GPtrArray *rows, GError **error)
{
  return read_rows (collet_statement_begin (db, "SELECT subscriber, tool, uid, since_at, sequence, 0 "
                                                "FROM subscription ORDER BY subscriber, tool"),
                    rows, error);
}

/* Pending as in the view subscription_status. */
GPtrArray *
collet_subscription_table_list (ColletDatabase *db, const char *subscriber, GError **error)
{
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_subscription_row_free);
  ColletStatement *statement = collet_statement_begin (
      db, "SELECT s.subscriber, s.tool, s.uid, s.since_at, s.sequence, (SELECT count (*) "
          "FROM subscriber_event AS e JOIN tool_update AS u USING (sequence) "
          "WHERE e.subscriber = s.subscriber AND s.tool IN (u.tool, '*') AND e.sequence > s.sequence "
          "AND e.sequence > coalesce ((SELECT k.sequence FROM tool_check AS k "
          "WHERE k.subscriber = s.subscriber AND k.tool = u.tool), 0)) "
          "FROM subscription AS s WHERE ?1 IS NULL OR s.subscriber = ?1 ORDER BY s.subscriber, s.tool");

  collet_statement_add_text (statement, subscriber);
  return read_rows (statement, rows, error) ? g_steal_pointer (&rows) : NULL;
}
