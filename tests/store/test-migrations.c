/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-error.h"
#include "collet-migrations.h"
#include "store-fixture.h"

#include <string.h>

static ColletDatabase *
open_database (const char *folder)
{
  g_autofree char *path = g_build_filename (folder, "collet.db", NULL);
  g_autoptr (GError) error = NULL;
  ColletDatabase *db = collet_database_new (path, &error);

  g_assert_no_error (error);
  return db;
}

/* As the store does. */
static gboolean
migrate (ColletDatabase *db, GPtrArray *migrations, GError **error)
{
  return collet_migrations_check (db, migrations, error) && collet_database_configure (db, error) &&
         collet_migrations_apply (db, migrations, error);
}

static void
add (GPtrArray *migrations, const char *sql)
{
  ColletMigration *migration = g_new0 (ColletMigration, 1);

  migration->version = (int)migrations->len + 1;
  migration->name = g_strdup_printf ("%04d-test.sql", migration->version);
  migration->sql = g_strdup (sql);
  g_ptr_array_add (migrations, migration);
}

static char *
identity (const char *folder)
{
  return fixture_query (folder, "SELECT (SELECT user_version FROM pragma_user_version) || ' ' || "
                                "(SELECT group_concat (name) FROM sqlite_schema)");
}

static void
test_new (void)
{
  g_autoptr (GPtrArray) migrations = collet_migrations_load ();
  g_autoptr (GError) error = NULL;
  char *folder = fixture_folder_new ();
  ColletDatabase *db = open_database (folder);

  g_assert_true (migrate (db, migrations, &error));
  g_assert_no_error (error);
  collet_database_free (db);

  g_autofree char *facts = fixture_query (
      folder, "SELECT (SELECT application_id FROM pragma_application_id) || ' ' || "
              "(SELECT user_version FROM pragma_user_version) || ' ' || (SELECT journal_mode FROM "
              "pragma_journal_mode)"
              " || ' ' || (SELECT count (*) FROM pragma_table_list WHERE schema = 'main' AND type = 'table' "
              "AND name NOT LIKE 'sqlite_%' AND NOT strict)");
  g_autofree char *expected = g_strdup_printf ("%d %u wal 0", COLLET_APPLICATION_ID, migrations->len);
  g_assert_cmpstr (facts, ==, expected);
  fixture_folder_free (folder);
}

static void
test_again (void)
{
  g_autoptr (GPtrArray) migrations = collet_migrations_load ();
  g_autoptr (GError) error = NULL;
  char *folder = fixture_folder_new ();

  for (int i = 0; i < 2; i++)
    {
      ColletDatabase *db = open_database (folder);

      g_assert_true (migrate (db, migrations, &error));
      g_assert_no_error (error);
      collet_database_free (db);
    }
  fixture_folder_free (folder);
}

/* A file of version 1 as it was written then, with rows. */
static void
test_from_first (void)
{
  g_autoptr (GPtrArray) migrations = collet_migrations_load ();
  g_autoptr (GPtrArray) first = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;
  char *folder = fixture_folder_new ();
  ColletDatabase *db = open_database (folder);

  g_ptr_array_add (first, migrations->pdata[0]);
  g_assert_true (migrate (db, first, &error));
  collet_database_free (db);
  g_assert_null (fixture_sql (folder, "INSERT INTO module VALUES ('m', NULL, NULL, 7, 'worker', 0, 1)"));
  g_assert_null (fixture_sql (folder, "INSERT INTO reload (id, kind, strategy, uid, options, started_at) "
                                      "VALUES ('0001', 'load', 'local', 0, '{}', 1)"));
  g_assert_null (fixture_sql (folder,
                              "INSERT INTO artifact (sha256, module, md5, code_digest, size, manifest, "
                              "added_at) VALUES (printf ('%064d', 1), 'm', printf ('%032d', 1), '', 1, "
                              "'{}', 1)"));
  g_assert_null (fixture_sql (folder, "INSERT INTO session (id, revision, client, log_level, seen, used_at) "
                                      "VALUES ('a', '2025-11-25', 'c/1', 255, 0, 1)"));
  g_assert_null (fixture_sql (folder, "INSERT INTO subscription (subscriber, tool, uid, sequence, since_at) "
                                      "VALUES ('ci', 'a', 7, 0, 20), ('ci', '*', 7, 0, 10)"));
  db = open_database (folder);
  g_assert_true (migrate (db, migrations, &error));
  g_assert_no_error (error);
  collet_database_free (db);
  g_autofree char *reload = fixture_query (folder, "SELECT id FROM reload");
  g_assert_cmpstr (reload, ==, "0001");
  g_autofree char *state =
      fixture_query (folder, "SELECT revision || ' ' || length (store_id) || ' ' || "
                             "(SELECT count (*) FROM coordination) FROM coordination_state");
  g_assert_cmpstr (state, ==, "1 16 0");
  g_autofree char *trust =
      fixture_query (folder, "SELECT trust || ' ' || (signer IS NULL) || ' ' || (SELECT state FROM "
                             "version_status) FROM artifact");
  g_assert_cmpstr (trust, ==, "owned 1 retained");
  g_autofree char *session = fixture_query (folder, "SELECT id || ' ' || questions FROM session");
  g_assert_cmpstr (session, ==, "a 0");
  g_autofree char *losses = fixture_query (folder, "SELECT count (*) FROM state_history");
  g_assert_cmpstr (losses, ==, "0");
  g_autofree char *module = fixture_query (folder, "SELECT module || state || generation || "
                                                   "coalesce (drained, '') FROM module_status");
  g_assert_cmpstr (module, ==, "munloaded7");
  g_autofree char *names =
      fixture_query (folder, "SELECT group_concat (name || ' ' || uid || ' ' || since_at) FROM subscriber");
  g_assert_cmpstr (names, ==, "ci 7 10");
  g_assert_null (fixture_sql (folder, "INSERT INTO smoke_test (module, tests, uid, set_at) VALUES ('m', "
                                      "'[{\"tool\":\"t\",\"arguments\":{},\"result\":{\"x\":1}}]', 7, 1)"));
  g_autofree char *smoke =
      fixture_query (folder, "SELECT module || tool || arguments || result || set_by FROM smoke_tests");
  g_assert_cmpstr (smoke, ==, "mt{}{\"x\":1}uid:7");
  g_autofree char *kept =
      fixture_query (folder, "SELECT pinned || coalesce (pin_reason, '-') || has_state || "
                             "(SELECT count (*) FROM retention_history) FROM version_status");
  g_assert_cmpstr (kept, ==, "0-00");
  fixture_folder_free (folder);
}

/* What was flagged by the text of its signer still is, by the id in it. */
static void
test_revoked_before_ids (void)
{
  g_autoptr (GPtrArray) migrations = collet_migrations_load ();
  g_autoptr (GPtrArray) former = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;
  char *folder = fixture_folder_new ();
  ColletDatabase *db = open_database (folder);

  for (guint i = 0; i < 14; i++)
    g_ptr_array_add (former, migrations->pdata[i]);
  g_assert_true (migrate (db, former, &error));
  collet_database_free (db);
  g_assert_null (fixture_sql (folder, "INSERT INTO revoked_key VALUES ('0123456789ABCDEF', 1)"));
  for (guint i = 0; i < 3; i++)
    {
      const char *const signers[] = { "'ada (old) (0123456789ABCDEF)'", "'bob (FEDCBA9876543210)'", "NULL" };
      g_autofree char *sql = g_strdup_printf (
          "INSERT INTO artifact (sha256, module, md5, code_digest, semantic_version, size, manifest, signer, "
          "added_at) VALUES (printf ('%%064d', %u), 'm', printf ('%%032d', %u), '', '%u', 1, '{}', %s, %u)",
          i, i, i, signers[i], i);

      g_assert_null (fixture_sql (folder, sql));
    }
  db = open_database (folder);
  g_assert_true (migrate (db, migrations, &error));
  g_assert_no_error (error);
  collet_database_free (db);
  g_autofree char *flags = fixture_query (
      folder, "SELECT group_concat (version || is_revoked || coalesce (key_id, '-')) FROM version_status");
  g_assert_cmpstr (flags, ==, "20-,10FEDCBA9876543210,010123456789ABCDEF");
  fixture_folder_free (folder);
}

static void
expect_failure (const char *second, const char *complaint)
{
  g_autoptr (GPtrArray) migrations = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_migration_free);
  g_autoptr (GError) error = NULL;
  char *folder = fixture_folder_new ();
  ColletDatabase *db = open_database (folder);

  add (migrations, "PRAGMA application_id = 1131181105; PRAGMA user_version = 1; CREATE TABLE one (x);");
  g_assert_true (migrate (db, migrations, &error));
  g_autofree char *before = identity (folder);
  add (migrations, second);
  g_assert_false (migrate (db, migrations, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_STORE_FAILED);
  if (strstr (error->message, complaint) == NULL)
    g_error ("no \"%s\" in: %s", complaint, error->message);
  g_autofree char *after = identity (folder);
  g_assert_cmpstr (before, ==, "1 one");
  g_assert_cmpstr (after, ==, before);

  /* The handle goes on. */
  g_assert_false (collet_database_is_in_transaction (db));
  g_ptr_array_set_size (migrations, 1);
  add (migrations, "CREATE TABLE two (x); ALTER TABLE one ADD COLUMN y; PRAGMA user_version = 2;");
  g_clear_error (&error);
  g_assert_true (migrate (db, migrations, &error));
  collet_database_free (db);
  g_autofree char *done = identity (folder);
  g_assert_cmpstr (done, ==, "2 one,two");
  fixture_folder_free (folder);
}

static void
test_failed (void)
{
  expect_failure ("CREATE TABLE two (x); ALTER TABLE one ADD COLUMN y; PRAGMA user_version = 2; nonsense;",
                  "nonsense");
  expect_failure ("CREATE TABLE two (x); PRAGMA user_version = 2; INSERT INTO one VALUES (1, 2);",
                  "0002-test.sql");
  expect_failure ("CREATE TABLE two (x);", "schema version 1 behind instead of 2");
  expect_failure ("CREATE TABLE two (x); PRAGMA user_version = 3;", "schema version 3 behind");
  expect_failure ("CREATE TABLE two (x); PRAGMA user_version = 2; ROLLBACK;", "ends the transaction");
}

static void
expect_refused (const char *sql, int code)
{
  g_autoptr (GPtrArray) migrations = collet_migrations_load ();
  g_autoptr (GError) error = NULL;
  char *folder = fixture_folder_new ();
  g_autofree char *path = g_build_filename (folder, "collet.db", NULL);
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  gsize before_size, after_size;

  g_assert_null (fixture_sql (folder, sql));
  g_assert_true (g_file_get_contents (path, &before, &before_size, NULL));
  ColletDatabase *db = open_database (folder);
  g_assert_false (migrate (db, migrations, &error));
  g_assert_error (error, COLLET_ERROR, code);
  g_assert_nonnull (strstr (error->message, path));
  collet_database_free (db);
  g_assert_true (g_file_get_contents (path, &after, &after_size, NULL));
  g_assert_cmpmem (before, before_size, after, after_size);
  fixture_folder_free (folder);
}

static void
test_refused (void)
{
  expect_refused ("PRAGMA application_id = 1131181105; PRAGMA user_version = 1000; CREATE TABLE t (x);",
                  COLLET_ERROR_DATABASE_NEWER);
  expect_refused ("PRAGMA application_id = 7; CREATE TABLE t (x);", COLLET_ERROR_STORE_FAILED);
  expect_refused ("CREATE TABLE t (x);", COLLET_ERROR_STORE_FAILED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/store/migration/makes-a-database-with-its-identity", test_new);
  g_test_add_func ("/store/migration/a-second-time-changes-nothing", test_again);
  g_test_add_func ("/store/migration/from-version-1-keeps-the-rows", test_from_first);
  g_test_add_func ("/store/migration/what-was-revoked-stays-so-by-its-key-id", test_revoked_before_ids);
  g_test_add_func ("/store/migration/a-failed-one-changes-nothing", test_failed);
  g_test_add_func ("/store/migration/newer-and-foreign-files-stay-untouched", test_refused);
  return g_test_run ();
}
