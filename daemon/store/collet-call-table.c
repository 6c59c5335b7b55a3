/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-call-table.h"

#define MAX_REMEMBERED 4096
#define MANY_TARGETS 10000

typedef struct
{
  char *tool;
  char *sha256; /* "": nothing ran it */
  guint64 generation;
  gint64 number;
} Target;

struct _ColletCallTable
{
  ColletDatabase *db;
  GHashTable *targets; /* Target, a set */
};

static guint
target_hash (gconstpointer data)
{
  const Target *target = data;
  return g_str_hash (target->tool) ^ g_str_hash (target->sha256) ^ (guint)target->generation;
}

static gboolean
target_equal (gconstpointer a, gconstpointer b)
{
  const Target *left = a;
  const Target *right = b;
  return left->generation == right->generation && g_str_equal (left->tool, right->tool) &&
         g_str_equal (left->sha256, right->sha256);
}

static void
target_free (Target *target)
{
  g_free (target->tool);
  g_free (target->sha256);
  g_free (target);
}

ColletCallTable *
collet_call_table_new (ColletDatabase *db, GError **error)
{
  gint64 count;

  if (!collet_database_read_int (db, "SELECT count (*) FROM call_target", &count, error))
    return NULL;
  if (count > MANY_TARGETS &&
      !collet_database_execute (
          db, "DELETE FROM call_target WHERE number NOT IN (SELECT target FROM call_record)", error))
    return NULL;

  ColletCallTable *self = g_new0 (ColletCallTable, 1);
  self->db = db;
  self->targets = g_hash_table_new_full (target_hash, target_equal, (GDestroyNotify)target_free, NULL);
  return self;
}

void
collet_call_table_free (ColletCallTable *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->targets);
  g_free (self);
}

static gboolean
write_target (ColletCallTable *self, const Target *target, gint64 *number, GError **error)
{
  /* The update changes nothing; it makes RETURNING give the number of a row that
   * is there already. */
  ColletStatement *statement =
      collet_statement_begin (self->db, "INSERT INTO call_target (tool, sha256, generation) VALUES (?, ?, ?) "
                                        "ON CONFLICT (tool, sha256, generation) DO UPDATE SET tool = tool "
                                        "RETURNING number");
  g_autoptr (GError) reason = NULL;

  collet_statement_add_text (statement, target->tool);
  collet_statement_add_text (statement, target->sha256);
  collet_statement_add_int (statement, (gint64)target->generation);
  while (collet_statement_next (statement, &reason))
    *number = collet_statement_get_int (statement, 0);
  if (reason == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&reason));
  return FALSE;
}

static gboolean
find_target (ColletCallTable *self, const ColletCallRow *row, gint64 *number, GError **error)
{
  Target key = { .tool = row->tool != NULL ? row->tool : (char *)"",
                 .sha256 = row->sha256 != NULL ? row->sha256 : (char *)"",
                 .generation = row->generation };
  const Target *known = g_hash_table_lookup (self->targets, &key);

  if (known != NULL)
    {
      *number = known->number;
      return TRUE;
    }
  if (!write_target (self, &key, number, error))
    return FALSE;

  if (g_hash_table_size (self->targets) >= MAX_REMEMBERED)
    g_hash_table_remove_all (self->targets);
  Target *target = g_new (Target, 1);
  *target = (Target){ g_strdup (key.tool), g_strdup (key.sha256), key.generation, *number };
  g_hash_table_add (self->targets, target);
  return TRUE;
}

static gboolean
write_call (ColletCallTable *self, const ColletCallRow *row, GError **error)
{
  gint64 target = 0;

  if (!find_target (self, row, &target, error))
    return FALSE;

  ColletStatement *statement =
      collet_statement_begin (self->db,
                              "INSERT INTO call_record (at, target, request_id, client, duration_us, "
                              "trace, outcome) VALUES (?, ?, ?, ?, ?, ?, ?)");
  collet_statement_add_int (statement, row->at);
  collet_statement_add_int (statement, target);
  collet_statement_add_text (statement, row->request_id);
  collet_statement_add_text (statement, row->client);
  collet_statement_add_int (statement, row->duration_us);
  collet_statement_add_text (statement, row->trace);
  collet_statement_add_text (statement, row->outcome);
  return collet_statement_run (statement, error);
}

static gboolean
write_all (ColletCallTable *self, GPtrArray *rows, guint first, guint n, GError **error)
{
  for (guint i = first; i < first + n; i++)
    {
      if (!write_call (self, rows->pdata[i], error))
        return FALSE;
    }

  ColletStatement *statement = collet_statement_begin (self->db, "DELETE FROM call_record WHERE number <= ?");
  collet_statement_add_int (statement, collet_database_get_last_number (self->db) - COLLET_CALLS_KEPT);
  return collet_statement_run (statement, error);
}

gboolean
collet_call_table_write (ColletCallTable *self, GPtrArray *rows, guint first, guint n, GError **error)
{
  g_return_val_if_fail (first + n <= rows->len, FALSE);

  if (!collet_database_begin (self->db, COLLET_TRANSACTION_WRITE_RELAXED, error))
    return FALSE;
  if (write_all (self, rows, first, n, error) && collet_database_commit (self->db, error))
    return TRUE;
  collet_database_rollback (self->db);
  g_hash_table_remove_all (self->targets); /* their rows are gone */
  return FALSE;
}
