/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-image.h"

#include "collet-data-folder.h"
#include "collet-error.h"
#include "collet-module-table.h"
#include "collet-reload-table.h"
#include "collet-session-table.h"
#include "collet-smoke-table.h"
#include "collet-snapshot-table.h"
#include "collet-subscription-table.h"
#include "collet-tool-table.h"

/* What the daemon's decisions rest on; the bulk (snapshots, calls) is left out,
 * a damaged page there shows when it is read. */
static const char *const checks[] = {
  "PRAGMA quick_check (artifact)",     "PRAGMA quick_check (module)",
  "PRAGMA quick_check (tool)",         "PRAGMA quick_check (reload)",
  "PRAGMA quick_check (reload_item)",  "PRAGMA quick_check (reload_commit)",
  "PRAGMA quick_check (reload_end)",   "PRAGMA quick_check (tool_update)",
  "PRAGMA quick_check (subscription)", "PRAGMA quick_check (subscriber_event)",
  "PRAGMA quick_check (subscriber)",   "PRAGMA quick_check (smoke_test)",
};

static gboolean
check_table (ColletDatabase *db, const char *check, GError **error)
{
  g_autoptr (GError) reason = NULL;
  g_autofree char *found = NULL;
  ColletStatement *statement = collet_statement_begin (db, check);

  if (collet_statement_next (statement, &reason))
    {
      found = collet_statement_dup_text (statement, 0);
      collet_statement_end (statement);
    }
  if (reason != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&reason));
      return FALSE;
    }
  if (g_strcmp0 (found, "ok") == 0)
    return TRUE;
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_DATABASE_CORRUPT, "%s: %s finds: %s.",
               collet_database_get_path (db), check, found != NULL ? found : "nothing");
  return FALSE;
}

static gboolean
check_tables (ColletDatabase *db, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (checks); i++)
    {
      if (!check_table (db, checks[i], error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
read_counters (ColletDatabase *db, ColletStoreImage *image, GError **error)
{
  gint64 generation, sequence;

  if (!collet_database_read_int (db, "SELECT max (generation) FROM module", &generation, error) ||
      !collet_database_read_int (db, "SELECT seq FROM sqlite_sequence WHERE name = 'tool_update'", &sequence,
                                 error))
    return FALSE;
  image->next_generation = (guint64)generation + 1;
  image->update_sequence = (guint64)sequence;
  return collet_database_read_int (db, "SELECT max (started_at) FROM daemon_run", &image->previous_run_at,
                                   error);
}

/* Not worth a failure: on a full disk the daemon serves what it has. */
static void
record_start (ColletDatabase *db)
{
  g_autoptr (GError) error = NULL;
  ColletStatement *statement = collet_statement_begin (db, "INSERT INTO daemon_run (started_at) VALUES (?)");

  collet_statement_add_int (statement, g_get_real_time ());
  if (!collet_statement_run (statement, &error) ||
      !collet_statement_run (
          collet_statement_begin (
              db, "DELETE FROM daemon_run WHERE number <= (SELECT max (number) FROM daemon_run) - 1000"),
          &error))
    g_warning ("The start could not be recorded: %s", error->message);
}

static ColletStoreImage *
read_image (ColletDatabase *db, GError **error)
{
  g_autoptr (ColletStoreImage) image = collet_store_image_new ();

  if (!collet_module_table_read_artifacts (db, image->artifacts, error) ||
      !collet_module_table_read (db, image->modules, error) ||
      !collet_tool_table_read (db, image->tools, error) ||
      !collet_snapshot_table_read_active (db, image->snapshots, error) ||
      !collet_reload_table_read_open (db, image->open, image->committed, error) ||
      !collet_session_table_read (db, image->sessions, error) ||
      !collet_subscription_table_read (db, image->subscriptions, error) ||
      !collet_smoke_table_read (db, image->smoke_tests, error) || !read_counters (db, image, error))
    return NULL;
  return g_steal_pointer (&image);
}

static ColletDatabase *
open_once (const char *path, GPtrArray *migrations, ColletStoreImage **image, GError **error)
{
  g_autoptr (ColletDatabase) db = collet_database_new (path, error);

  if (db == NULL || !collet_migrations_check (db, migrations, error) ||
      !collet_database_configure (db, error) || !collet_migrations_apply (db, migrations, error) ||
      !check_tables (db, error))
    return NULL;
  *image = read_image (db, error);
  if (*image != NULL)
    record_start (db);
  return *image != NULL ? g_steal_pointer (&db) : NULL;
}

ColletDatabase *
collet_image_open (const char *folder, GPtrArray *migrations, ColletStoreImage **image, char **moved_to,
                   GError **error)
{
  g_autofree char *path = g_build_filename (folder, "collet.db", NULL);
  g_autoptr (GError) reason = NULL;
  ColletDatabase *db = open_once (path, migrations, image, &reason);

  if (db != NULL || !g_error_matches (reason, COLLET_ERROR, COLLET_ERROR_DATABASE_CORRUPT))
    {
      if (db == NULL)
        g_propagate_error (error, g_steal_pointer (&reason));
      return db;
    }
  *moved_to = collet_data_folder_move_aside (folder, error);
  return *moved_to != NULL ? open_once (path, migrations, image, error) : NULL;
}
