/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-migrations.h"

#include "collet-error.h"
#include "collet-sql.h"

#include <gio/gio.h>

#define FOLDER "/org/collet/sql"

void
collet_migration_free (ColletMigration *migration)
{
  g_free (migration->name);
  g_free (migration->sql);
  g_free (migration);
}

static int
by_version (gconstpointer a, gconstpointer b)
{
  const ColletMigration *const *left = a;
  const ColletMigration *const *right = b;
  return (*left)->version - (*right)->version;
}

GPtrArray *
collet_migrations_load (void)
{
  GResource *resource = collet_sql_get_resource ();
  GPtrArray *migrations = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_migration_free);
  g_auto (GStrv) names = g_resource_enumerate_children (resource, FOLDER, 0, NULL);

  for (guint i = 0; names != NULL && names[i] != NULL; i++)
    {
      g_autofree char *path = g_strconcat (FOLDER "/", names[i], NULL);
      g_autoptr (GBytes) bytes = g_resource_lookup_data (resource, path, 0, NULL);
      ColletMigration *migration = g_new0 (ColletMigration, 1);

      migration->version = (int)g_ascii_strtoll (names[i], NULL, 10);
      migration->name = g_strdup (names[i]);
      migration->sql = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
      g_ptr_array_add (migrations, migration);
    }
  g_ptr_array_sort (migrations, by_version);
  for (guint i = 0; i < migrations->len; i++)
    g_assert (((ColletMigration *)migrations->pdata[i])->version == (int)i + 1);
  return migrations;
}

static gboolean
run_file (ColletDatabase *db, const ColletMigration *migration, GError **error)
{
  sqlite3 *handle = collet_database_get_handle (db);
  const char *rest = migration->sql;

  while (*rest != '\0')
    {
      sqlite3_stmt *stmt = NULL;
      int result = sqlite3_prepare_v2 (handle, rest, -1, &stmt, &rest);

      while (result == SQLITE_OK && stmt != NULL && sqlite3_step (stmt) == SQLITE_ROW)
        ;
      if (result == SQLITE_OK)
        result = sqlite3_reset (stmt);
      if (result != SQLITE_OK)
        collet_database_fail (db, migration->name, error); /* before finalize forgets it */
      sqlite3_finalize (stmt);
      if (result != SQLITE_OK)
        return FALSE;
      if (!collet_database_is_in_transaction (db))
        {
          g_set_error (error, COLLET_ERROR, COLLET_ERROR_STORE_FAILED,
                       "%s ends the transaction it is run in.", migration->name);
          return FALSE;
        }
    }
  return TRUE;
}

static gboolean
check_version (ColletDatabase *db, const ColletMigration *migration, GError **error)
{
  gint64 version;

  if (!collet_database_read_int (db, "PRAGMA user_version", &version, error))
    return FALSE;
  if (version == migration->version)
    return TRUE;
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_STORE_FAILED,
               "%s left schema version %" G_GINT64_FORMAT " behind instead of %d.", migration->name, version,
               migration->version);
  return FALSE;
}

static gboolean
apply_one (ColletDatabase *db, const ColletMigration *migration, GError **error)
{
  if (!collet_database_begin (db, COLLET_TRANSACTION_WRITE, error))
    return FALSE;
  if (run_file (db, migration, error) && check_version (db, migration, error))
    return collet_database_commit (db, error);
  collet_database_rollback (db);
  return FALSE;
}

/* An empty database has no identity yet. */
static gboolean
check_identity (ColletDatabase *db, gint64 version, GError **error)
{
  gint64 id, tables;

  if (!collet_database_read_int (db, "PRAGMA application_id", &id, error) ||
      !collet_database_read_int (db, "SELECT count (*) FROM sqlite_schema", &tables, error))
    return FALSE;
  if (id == COLLET_APPLICATION_ID || (id == 0 && version == 0 && tables == 0))
    return TRUE;
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_STORE_FAILED,
               "%s is a database of another application (application_id %" G_GINT64_FORMAT
               "). Move it away, or use another data folder.",
               collet_database_get_path (db), id);
  return FALSE;
}

gboolean
collet_migrations_check (ColletDatabase *db, GPtrArray *migrations, GError **error)
{
  gint64 version;

  if (!collet_database_read_int (db, "PRAGMA user_version", &version, error) ||
      !check_identity (db, version, error))
    return FALSE;
  if (version >= 0 && version <= migrations->len)
    return TRUE;
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_DATABASE_NEWER,
               "%s has schema version %" G_GINT64_FORMAT ", this program knows up to %u. "
               "Use the version of Collet that wrote it, or another data folder; nothing was changed.",
               collet_database_get_path (db), version, migrations->len);
  return FALSE;
}

gboolean
collet_migrations_apply (ColletDatabase *db, GPtrArray *migrations, GError **error)
{
  gint64 version;

  if (!collet_database_read_int (db, "PRAGMA user_version", &version, error))
    return FALSE;
  g_return_val_if_fail (version >= 0, FALSE);
  for (guint i = (guint)version; i < migrations->len; i++)
    {
      if (!apply_one (db, migrations->pdata[i], error))
        return FALSE;
    }
  return TRUE;
}
