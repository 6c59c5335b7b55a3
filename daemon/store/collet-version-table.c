/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-version-table.h"

/* used_at reads the module's history backwards up to the version's last reload. */
#define COLUMNS                                                                                              \
  "a.module, a.sha256, a.size, a.added_at, "                                                                 \
  "max (a.added_at, coalesce ((SELECT c.at FROM reload_item AS i JOIN reload_commit AS c "                   \
  "ON c.reload = i.reload WHERE i.module = a.module AND a.sha256 IN (i.from_sha256, i.to_sha256) "           \
  "ORDER BY i.reload DESC LIMIT 1), 0)) AS used_at, a.is_pinned, a.pin_reason, "                             \
  "EXISTS (SELECT 1 FROM snapshot AS s WHERE s.module = a.module AND s.sha256 = a.sha256), "                 \
  "EXISTS (SELECT 1 FROM module AS m WHERE a.sha256 IN (m.sha256, m.previous_sha256))"

GPtrArray *
collet_version_table_read (ColletDatabase *db, const char *module, GError **error)
{
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_version_row_free);
  g_autoptr (GError) reason = NULL;
  ColletStatement *statement =
      collet_statement_begin (db, "SELECT " COLUMNS " FROM artifact AS a WHERE ?1 IS NULL OR a.module = ?1 "
                                  "ORDER BY a.added_at DESC, a.sha256");

  collet_statement_add_text (statement, module);
  while (collet_statement_next (statement, &reason))
    {
      ColletVersionRow *row = collet_version_row_new ();

      row->module = collet_statement_dup_text (statement, 0);
      row->sha256 = collet_statement_dup_text (statement, 1);
      row->size = (guint64)collet_statement_get_int (statement, 2);
      row->added_at = collet_statement_get_int (statement, 3);
      row->used_at = collet_statement_get_int (statement, 4);
      row->is_pinned = collet_statement_get_int (statement, 5) != 0;
      row->pin_reason = collet_statement_dup_text (statement, 6);
      row->has_snapshot = collet_statement_get_int (statement, 7) != 0;
      row->is_needed = collet_statement_get_int (statement, 8) != 0;
      g_ptr_array_add (rows, row);
    }
  if (reason == NULL)
    return g_steal_pointer (&rows);
  g_propagate_error (error, g_steal_pointer (&reason));
  return NULL;
}

gboolean
collet_version_table_pin (ColletDatabase *db, const char *sha256, gboolean is_pinned, gint64 uid,
                          const char *reason, GError **error)
{
  ColletStatement *statement = collet_statement_begin (
      db, "UPDATE artifact SET is_pinned = ?2, pinned_at = iif (?2, ?3, NULL), "
          "pinned_by = iif (?2, ?4, NULL), pin_reason = iif (?2, ?5, NULL) WHERE sha256 = ?1");

  collet_statement_add_text (statement, sha256);
  collet_statement_add_int (statement, is_pinned);
  collet_statement_add_int (statement, g_get_real_time ());
  collet_statement_add_int (statement, uid);
  collet_statement_add_text (statement, reason);
  return collet_statement_run (statement, error);
}

/* *size: what went; -1: it stayed. */
static gboolean
remove_one (ColletDatabase *db, const char *sha256, gint64 *size, GError **error)
{
  g_autoptr (GError) reason = NULL;
  ColletStatement *statement = collet_statement_begin (
      db, "DELETE FROM artifact WHERE sha256 = ?1 AND is_pinned = 0 "
          "AND NOT EXISTS (SELECT 1 FROM module WHERE ?1 IN (module.sha256, previous_sha256)) "
          "RETURNING size");

  *size = -1;
  collet_statement_add_text (statement, sha256);
  while (collet_statement_next (statement, &reason))
    *size = collet_statement_get_int (statement, 0);
  if (reason == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&reason));
  return FALSE;
}

static gboolean
record (ColletDatabase *db, gint64 before, guint n, gint64 bytes, GError **error)
{
  ColletStatement *statement =
      collet_statement_begin (db, "INSERT INTO retention (before_at, at, finished_at, removed_versions, "
                                  "removed_bytes) VALUES (?, ?2, ?2, ?, ?)");

  collet_statement_add_int (statement, before);
  collet_statement_add_int (statement, g_get_real_time ());
  collet_statement_add_int (statement, n);
  collet_statement_add_int (statement, bytes);
  return collet_statement_run (statement, error);
}

GPtrArray *
collet_version_table_remove (ColletDatabase *db, GPtrArray *versions, gint64 before, GError **error)
{
  g_autoptr (GPtrArray) removed = g_ptr_array_new_with_free_func (g_free);
  gint64 bytes = 0;

  for (guint i = 0; i < versions->len; i++)
    {
      gint64 size;

      if (!remove_one (db, versions->pdata[i], &size, error))
        return NULL;
      if (size < 0)
        continue;
      g_ptr_array_add (removed, g_strdup (versions->pdata[i]));
      bytes += size;
    }
  if (removed->len > 0 && !record (db, before, removed->len, bytes, error))
    return NULL;
  return g_steal_pointer (&removed);
}
