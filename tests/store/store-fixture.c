/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store-fixture.h"

#include "collet-error.h"

#include <glib/gstdio.h>
#include <string.h>

static char sha256_texts[26][65];

/* Before there are threads. */
static void __attribute__ ((constructor)) make_sha256_texts (void)
{
  for (char letter = 'a'; letter <= 'z'; letter++)
    {
      for (guint i = 0; i < 64; i += 2)
        g_snprintf (sha256_texts[letter - 'a'] + i, 3, "%02x", letter);
    }
}

const char *
fixture_sha256 (char letter)
{
  return sha256_texts[letter - 'a'];
}

char *
fixture_folder_new (void)
{
  g_autoptr (GError) error = NULL;
  char *folder = g_dir_make_tmp ("collet-store-XXXXXX", &error);

  g_assert_no_error (error);
  return folder;
}

void
fixture_folder_free (char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      g_unlink (path);
    }
  g_rmdir (folder);
  g_free (folder);
}

ColletStore *
fixture_open (const char *folder, ColletStoreImage **image)
{
  g_autoptr (ColletStoreImage) unused = NULL;
  g_autoptr (GError) error = NULL;
  ColletStore *store = collet_store_open (folder, image != NULL ? image : &unused, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (store);
  return store;
}

void
fixture_close (ColletStore *store)
{
  collet_store_close (store);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_finalize_object (store);
}

/* ---- rows ---- */

static char *
dup_sha256 (char letter)
{
  return letter != 0 ? g_strdup (fixture_sha256 (letter)) : NULL;
}

static char *
dup_semver (char letter)
{
  return letter != 0 ? g_strdup_printf ("%d.0.0", letter - 'a' + 1) : NULL;
}

ColletReloadRow *
fixture_reload (const char *id, const char *module, char from, char to)
{
  ColletReloadRow *row = collet_reload_row_new ();
  ColletReloadItemRow *item = collet_reload_item_row_new ();

  row->id = g_strdup (id);
  row->kind = g_strdup (from == 0 ? "load" : "hot-reload");
  row->strategy = g_strdup ("local");
  row->uid = 1000;
  row->reason = g_strdup ("because it's new");
  row->options = g_strdup ("{\"host\":\"worker\"}");
  row->started_at = g_get_real_time ();
  item->module = g_strdup (module);
  item->from_sha256 = dup_sha256 (from);
  item->to_sha256 = dup_sha256 (to);
  item->from_version = dup_semver (from);
  item->to_version = dup_semver (to);
  g_ptr_array_add (row->items, item);
  return row;
}

ColletReloadEnd *
fixture_end (const char *id, const char *state)
{
  ColletReloadEnd *end = collet_reload_end_new ();

  end->reload = g_strdup (id);
  end->state = g_strdup (state);
  end->phase = g_strdup ("done");
  if (!g_str_equal (state, "succeeded"))
    {
      end->error = g_strdup ("ValidationFailed");
      end->message = g_strdup ("It did not load.");
    }
  end->at = g_get_real_time ();
  end->pause_us = 42;
  end->duration_us = 12345;
  end->detail = g_strdup ("{\"items\":[{\"module\":\"calculator\",\"pause_us\":7}]}");
  return end;
}

ColletToolRow *
fixture_tool (const char *name, const char *module, char version)
{
  ColletToolRow *row = collet_tool_row_new ();

  row->name = g_strdup (name);
  row->module = g_strdup (module);
  row->module_tool = g_strdup (name);
  row->version = dup_sha256 (version);
  row->registered_at = 1000000;
  return row;
}

ColletSnapshotRow *
fixture_snapshot (const char *module, char version, const char *state, const char *reload)
{
  ColletSnapshotRow *row = collet_snapshot_row_new ();

  row->module = g_strdup (module);
  row->sha256 = dup_sha256 (version);
  row->format = 3;
  row->state = g_bytes_new (state, strlen (state));
  row->cause = g_strdup ("reload");
  row->reload = g_strdup (reload);
  row->taken_at = g_get_real_time ();
  return row;
}

static ColletArtifactRow *
artifact (const char *module, char version)
{
  ColletArtifactRow *row = collet_artifact_row_new ();
  g_autofree char *semver = dup_semver (version);

  row->module = g_strdup (module);
  row->manifest = g_strdup ("{\"name\":\"calculator\"}");
  row->version =
      collet_version_new (fixture_sha256 (version), "00112233445566778899aabbccddeeff",
                          fixture_sha256 (version), version % 2 == 0 ? "abcdef" : NULL, semver, 4711);
  return row;
}

ColletCommit *
fixture_commit (const char *reload, const char *module, char version, guint64 generation, const char *state)
{
  ColletCommit *commit = collet_commit_new ();
  ColletModuleRow *row = collet_module_row_new ();

  commit->reload = g_strdup (reload);
  row->module = g_strdup (module);
  row->sha256 = dup_sha256 (version);
  row->generation = generation;
  row->host = g_strdup ("worker");
  g_ptr_array_add (commit->modules, row);
  if (version == 0)
    {
      g_ptr_array_add (commit->removed_tools, g_strdup (module));
      return commit;
    }
  g_ptr_array_add (commit->artifacts, artifact (module, version));
  g_ptr_array_add (commit->tools, fixture_tool (module, module, version));
  if (state != NULL)
    g_ptr_array_add (commit->snapshots, fixture_snapshot (module, version, state, reload));
  return commit;
}

/* ---- requests ---- */

void
fixture_on_answer (GObject *object, GAsyncResult *result, gpointer where)
{
  *(GAsyncResult **)where = g_object_ref (result);
}

void
fixture_wait (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
}

static gboolean
tell (gboolean ok, GError *error, const char **name)
{
  g_assert_true (ok == (error == NULL));
  if (name != NULL)
    *name = error != NULL ? collet_error_name_of (error) : NULL;
  else
    g_assert_no_error (error);
  g_clear_error (&error);
  return ok;
}

gboolean
fixture_begin (ColletStore *store, ColletReloadRow *row, const char **name)
{
  g_autoptr (GAsyncResult) result = NULL;
  GError *error = NULL;

  collet_store_begin_async (store, row, fixture_on_answer, &result);
  fixture_wait (&result);
  gboolean ok = collet_store_begin_finish (store, result, &error);
  return tell (ok, error, name);
}

gboolean
fixture_do_commit (ColletStore *store, ColletCommit *commit, GPtrArray **updates, const char **name)
{
  g_autoptr (GAsyncResult) result = NULL;
  GError *error = NULL;

  collet_store_commit_async (store, commit, fixture_on_answer, &result);
  fixture_wait (&result);
  gboolean ok = collet_store_commit_finish (store, result, &error);
  if (ok && updates != NULL)
    *updates = g_ptr_array_ref (collet_store_get_updates (store, result));
  return tell (ok, error, name);
}

gboolean
fixture_do_end (ColletStore *store, ColletReloadEnd *end, const char **name)
{
  g_autoptr (GAsyncResult) result = NULL;
  GError *error = NULL;

  collet_store_end_async (store, end, fixture_on_answer, &result);
  fixture_wait (&result);
  gboolean ok = collet_store_end_finish (store, result, &error);
  return tell (ok, error, name);
}

gboolean
fixture_save (ColletStore *store, ColletSnapshotRow *row, const char **name)
{
  g_autoptr (GAsyncResult) result = NULL;
  GPtrArray *rows = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_snapshot_row_free);
  GError *error = NULL;

  g_ptr_array_add (rows, row);
  collet_store_save_snapshots_async (store, rows, fixture_on_answer, &result);
  fixture_wait (&result);
  gboolean ok = collet_store_save_snapshots_finish (store, result, &error);
  return tell (ok, error, name);
}

void
fixture_reload_module (ColletStore *store, const char *id, const char *module, char from, char to,
                       guint64 generation, const char *state)
{
  fixture_begin (store, fixture_reload (id, module, from, to), NULL);
  fixture_do_commit (store, fixture_commit (id, module, to, generation, state), NULL, NULL);
  fixture_do_end (store, fixture_end (id, "succeeded"), NULL);
}

/* ---- another connection ---- */

static sqlite3 *
open_other (const char *folder)
{
  g_autofree char *path = g_build_filename (folder, "collet.db", NULL);
  sqlite3 *handle = NULL;

  g_assert_cmpint (sqlite3_open (path, &handle), ==, SQLITE_OK);
  sqlite3_busy_timeout (handle, 5000);
  sqlite3_exec (handle, "PRAGMA foreign_keys = ON", NULL, NULL, NULL);
  return handle;
}

char *
fixture_sql (const char *folder, const char *sql)
{
  sqlite3 *handle = open_other (folder);
  char *message = NULL;
  char *copy = NULL;

  if (sqlite3_exec (handle, sql, NULL, NULL, &message) != SQLITE_OK)
    copy = g_strdup (message);
  sqlite3_free (message);
  sqlite3_close (handle);
  return copy;
}

char *
fixture_query (const char *folder, const char *sql)
{
  sqlite3 *handle = open_other (folder);
  sqlite3_stmt *stmt = NULL;
  char *text = NULL;

  g_assert_cmpint (sqlite3_prepare_v2 (handle, sql, -1, &stmt, NULL), ==, SQLITE_OK);
  if (sqlite3_step (stmt) == SQLITE_ROW)
    text = g_strdup ((const char *)sqlite3_column_text (stmt, 0));
  sqlite3_finalize (stmt);
  sqlite3_close (handle);
  return text != NULL ? text : g_strdup ("");
}
