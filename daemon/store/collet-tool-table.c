/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-tool-table.h"

/* What is common to the rows of one change. */
typedef struct
{
  ColletDatabase *db;
  const char *reload;
  gint64 at;
  GPtrArray *updates;
} Change;

/* What is known of a tool; zero: nothing. */
typedef struct
{
  gboolean is_known;
  char *module;
  char *version;
  gint64 sequence;
  gint64 first_sequence;
  gint64 updated_at;
} Known;

static void
known_clear (Known *known)
{
  g_free (known->module);
  g_free (known->version);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Known, known_clear)

static gboolean
look_up (Change *change, const char *name, Known *known, GError **error)
{
  g_autoptr (GError) reason = NULL;
  ColletStatement *statement =
      collet_statement_begin (change->db, "SELECT module, version, sequence, first_sequence, updated_at "
                                          "FROM tool WHERE name = ?");

  collet_statement_add_text (statement, name);
  if (collet_statement_next (statement, &reason))
    {
      known->is_known = TRUE;
      known->module = collet_statement_dup_text (statement, 0);
      known->version = collet_statement_dup_text (statement, 1);
      known->sequence = collet_statement_get_int (statement, 2);
      known->first_sequence = collet_statement_get_int (statement, 3);
      known->updated_at = collet_statement_get_int (statement, 4);
      collet_statement_end (statement);
    }
  if (reason == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&reason));
  return FALSE;
}

/* One tool_update; the trigger writes the subscribers' events. */
static gboolean
announce (Change *change, const char *tool, const char *module, const char *version, const char *previous,
          GError **error)
{
  ColletStatement *statement =
      collet_statement_begin (change->db, "INSERT INTO tool_update (tool, module, version, previous_version, "
                                          "reload, at) VALUES (?, ?, ?, ?, ?, ?)");

  collet_statement_add_text (statement, tool);
  collet_statement_add_text (statement, module);
  collet_statement_add_text (statement, version);
  collet_statement_add_text (statement, previous);
  collet_statement_add_text (statement, change->reload);
  collet_statement_add_int (statement, change->at);
  if (!collet_statement_run (statement, error))
    return FALSE;

  ColletUpdateRow *row = collet_update_row_new ();
  row->sequence = (guint64)collet_database_get_last_number (change->db);
  row->tool = g_strdup (tool);
  row->module = g_strdup (module);
  row->version = g_strdup (version);
  row->previous_version = g_strdup (previous);
  row->reload = g_strdup (change->reload);
  row->at = change->at;
  g_ptr_array_add (change->updates, row);
  return TRUE;
}

static gboolean
write_tool (Change *change, const ColletToolRow *row, const Known *known, GError **error)
{
  ColletStatement *statement = collet_statement_begin (
      change->db,
      "INSERT INTO tool (name, module, module_tool, metadata, version, is_explicit, registered_at, "
      "updated_at, first_sequence, sequence) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
      "ON CONFLICT (name) DO UPDATE SET module = excluded.module, "
      "module_tool = excluded.module_tool, metadata = excluded.metadata, "
      "version = excluded.version, is_explicit = excluded.is_explicit, "
      "registered_at = excluded.registered_at, updated_at = excluded.updated_at, "
      "first_sequence = excluded.first_sequence, sequence = excluded.sequence");

  collet_statement_add_text (statement, row->name);
  collet_statement_add_text (statement, row->module);
  collet_statement_add_text (statement, row->module_tool);
  collet_statement_add_text (statement, row->metadata);
  collet_statement_add_text (statement, row->version);
  collet_statement_add_int (statement, row->is_explicit);
  collet_statement_add_int (statement, row->registered_at);
  collet_statement_add_int (statement, known->updated_at);
  collet_statement_add_int (statement, known->first_sequence);
  collet_statement_add_int (statement, known->sequence);
  return collet_statement_run (statement, error);
}

static gboolean
change_one (Change *change, const ColletToolRow *row, GError **error)
{
  g_auto (Known) known = { 0 };

  if (!look_up (change, row->name, &known, error))
    return FALSE;
  if (!known.is_known || g_strcmp0 (known.version, row->version) != 0)
    {
      if (!announce (change, row->name, row->module, row->version, known.version, error))
        return FALSE;
      known.sequence = collet_database_get_last_number (change->db);
      known.updated_at = change->at;
      if (!known.is_known)
        known.first_sequence = known.sequence;
    }
  return write_tool (change, row, &known, error);
}

static gboolean
remove_one (Change *change, const char *name, GError **error)
{
  g_auto (Known) known = { 0 };

  if (!look_up (change, name, &known, error))
    return FALSE;
  if (!known.is_known)
    return TRUE;
  if (!announce (change, name, known.module, NULL, known.version, error))
    return FALSE;

  ColletStatement *statement = collet_statement_begin (change->db, "DELETE FROM tool WHERE name = ?");
  collet_statement_add_text (statement, name);
  return collet_statement_run (statement, error);
}

gboolean
collet_tool_table_change (ColletDatabase *db, GPtrArray *tools, GPtrArray *removed_tools, const char *reload,
                          gint64 at, GPtrArray *updates, GError **error)
{
  Change change = { db, reload, at, updates };

  for (guint i = 0; removed_tools != NULL && i < removed_tools->len; i++)
    {
      if (!remove_one (&change, removed_tools->pdata[i], error))
        return FALSE;
    }
  for (guint i = 0; tools != NULL && i < tools->len; i++)
    {
      if (!change_one (&change, tools->pdata[i], error))
        return FALSE;
    }
  return TRUE;
}

gboolean
collet_tool_table_read (ColletDatabase *db, GPtrArray *rows, GError **error)
{
  g_autoptr (GError) reason = NULL;
  ColletStatement *statement =
      collet_statement_begin (db, "SELECT name, module, module_tool, metadata, version, is_explicit, "
                                  "registered_at, updated_at, sequence FROM tool ORDER BY name");

  while (collet_statement_next (statement, &reason))
    {
      ColletToolRow *row = collet_tool_row_new ();

      row->name = collet_statement_dup_text (statement, 0);
      row->module = collet_statement_dup_text (statement, 1);
      row->module_tool = collet_statement_dup_text (statement, 2);
      row->metadata = collet_statement_dup_text (statement, 3);
      row->version = collet_statement_dup_text (statement, 4);
      row->is_explicit = collet_statement_get_int (statement, 5) != 0;
      row->registered_at = collet_statement_get_int (statement, 6);
      row->updated_at = collet_statement_get_int (statement, 7);
      row->sequence = (guint64)collet_statement_get_int (statement, 8);
      g_ptr_array_add (rows, row);
    }
  if (reason == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&reason));
  return FALSE;
}
