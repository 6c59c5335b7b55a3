/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a person finds, and may not do, with sqlite3 beside a running daemon.
 */
#include "store-fixture.h"

#include <string.h>

typedef struct
{
  char *folder;
  ColletStore *store;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->folder = fixture_folder_new ();
  fixture->store = fixture_open (fixture->folder, NULL);
  fixture_reload_module (fixture->store, "0001", "calculator", 0, 'a', 1, "state");
  fixture_reload_module (fixture->store, "0002", "calculator", 'a', 'b', 2, "state");
  fixture_begin (fixture->store, fixture_reload ("0003", "calculator", 'b', 'c'), NULL);
  fixture_do_end (fixture->store, fixture_end ("0003", "failed"), NULL);
  fixture_begin (fixture->store, fixture_reload ("0004", "calculator", 'b', 'c'), NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  fixture_close (fixture->store);
  fixture_folder_free (fixture->folder);
}

static void
test_append_only (Fixture *fixture, gconstpointer data)
{
  static const char *const refused[] = {
    "UPDATE reload SET reason = 'other'",
    "DELETE FROM reload",
    "INSERT OR REPLACE INTO reload SELECT * FROM reload",
    "UPDATE OR REPLACE reload SET id = '0001'",
    "UPDATE reload_item SET to_version = '9'",
    "DELETE FROM reload_item",
    "INSERT OR REPLACE INTO reload_item SELECT * FROM reload_item",
    "UPDATE reload_commit SET at = 1",
    "DELETE FROM reload_commit",
    "INSERT OR REPLACE INTO reload_commit SELECT * FROM reload_commit",
    "UPDATE reload_end SET state = 'succeeded'",
    "DELETE FROM reload_end",
    "INSERT OR REPLACE INTO reload_end SELECT * FROM reload_end",
    "UPDATE tool_update SET version = NULL",
    "DELETE FROM tool_update",
    "INSERT OR REPLACE INTO tool_update SELECT * FROM tool_update",
  };
  g_autofree char *before =
      fixture_query (fixture->folder, "SELECT group_concat (reload || state) FROM reload_history");

  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      g_autofree char *message = fixture_sql (fixture->folder, refused[i]);

      if (message == NULL)
        g_error ("%s was done", refused[i]);
      g_test_message ("%s: %s", refused[i], message);
    }
  g_autofree char *after =
      fixture_query (fixture->folder, "SELECT group_concat (reload || state) FROM reload_history");
  g_assert_cmpstr (after, ==, before);
  g_assert_cmpstr (after, ==, "0004running,0003failed,0002succeeded,0001succeeded");
}

static void
test_prune (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  guint64 removed = 0;

  collet_store_prune_async (fixture->store, G_MAXINT64, 2, fixture_on_answer, &result);
  fixture_wait (&result);
  g_assert_true (collet_store_prune_finish (fixture->store, result, &removed, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (removed, ==, 3); /* two reloads, one update */
  g_autofree char *left = fixture_query (
      fixture->folder,
      "SELECT (SELECT group_concat (id) FROM reload) || ' ' || (SELECT count (*) FROM reload_item) "
      "|| (SELECT count (*) FROM reload_end) || (SELECT count (*) FROM reload_commit) || ' ' || "
      "(SELECT group_concat (sequence) FROM tool_update)");
  g_assert_cmpstr (left, ==, "0003,0004 210 2");
  g_autofree char *record = fixture_query (
      fixture->folder,
      "SELECT removed_reloads || ' ' || removed_updates || ' ' || (finished_at >= at) FROM retention");
  g_assert_cmpstr (record, ==, "2 1 1");

  /* The door is shut again, and the record stays. */
  static const char *const refused[] = { "DELETE FROM reload", "DELETE FROM retention",
                                         "UPDATE retention SET finished_at = NULL" };
  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      g_autofree char *message = fixture_sql (fixture->folder, refused[i]);
      g_assert_nonnull (message);
    }
}

static void
test_running_is_kept (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  guint64 removed = 0;

  collet_store_prune_async (fixture->store, G_MAXINT64, 0, fixture_on_answer, &result);
  fixture_wait (&result);
  g_assert_true (collet_store_prune_finish (fixture->store, result, &removed, NULL));
  g_assert_cmpuint (removed, ==, 4); /* three reloads, one update */
  g_assert_true (fixture_do_end (fixture->store, fixture_end ("0004", "failed"), NULL));
}

/* ---- the program that people use ---- */

static char *
run_sqlite3 (Fixture *fixture, const char *sql)
{
  g_autofree char *path = g_build_filename (fixture->folder, "collet.db", NULL);
  const char *const argv[] = { "sqlite3", "-line", path, sql, NULL };
  g_autofree char *complaint = NULL;
  g_autoptr (GError) error = NULL;
  char *output = NULL;
  int status;

  g_spawn_sync (NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &output, &complaint, &status,
                &error);
  g_assert_no_error (error);
  if (!g_spawn_check_wait_status (status, &error))
    g_error ("%s: %s", sql, complaint);
  return output;
}

static void
expect_text (const char *output, const char *text)
{
  if (strstr (output, text) == NULL)
    g_error ("no \"%s\" in:\n%s", text, output);
}

static void
test_views (Fixture *fixture, gconstpointer data)
{
  g_autofree char *program = g_find_program_in_path ("sqlite3");

  if (program == NULL)
    {
      g_test_skip ("there is no sqlite3 program");
      return;
    }
  g_assert_null (
      fixture_sql (fixture->folder, "INSERT INTO subscription VALUES ('uid:5', '*', 5, 0, 1000000)"));
  fixture_do_commit (fixture->store, fixture_commit (NULL, "calculator", 'c', 3, NULL), NULL, NULL);

  g_autofree char *history = run_sqlite3 (fixture, "SELECT * FROM reload_history WHERE reload = '0002'");
  expect_text (history, "kind = hot-reload");
  expect_text (history, "from_version = 1.0.0");
  expect_text (history, "to_version = 2.0.0");
  expect_text (history, "state = succeeded");
  expect_text (history, "pause_us = 7"); /* the module's, not the reload's */
  expect_text (history, "duration_ms = 12.345");
  expect_text (history, "initiator = uid:1000");
  g_autofree char *today =
      fixture_query (fixture->folder, "SELECT 'started = ' || strftime ('%Y-%m-%dT%H:')");
  expect_text (history, today);

  g_autofree char *modules = run_sqlite3 (fixture, "SELECT * FROM module_status");
  expect_text (modules, "state = loaded");
  expect_text (modules, "version = 3.0.0");
  expect_text (modules, "tools = 1");
  g_autofree char *tools = run_sqlite3 (fixture, "SELECT * FROM tool_versions");
  expect_text (tools, "registered = 1970-01-01T00:00:01.000Z");
  expect_text (tools, "updates = 3");
  g_autofree char *updates = run_sqlite3 (fixture, "SELECT * FROM update_history WHERE sequence = 2");
  expect_text (updates, "change = changed");
  expect_text (updates, "to_version = 2.0.0");
  g_autofree char *subscriptions = run_sqlite3 (fixture, "SELECT * FROM subscription_status");
  expect_text (subscriptions, "pending = 1");
  expect_text (subscriptions, "since = 1970-01-01T00:00:01.000Z");
  g_autofree char *checked =
      fixture_sql (fixture->folder, "INSERT INTO tool_check VALUES ('uid:5', 'calculator', "
                                    "NULL, 3, 2000000)");
  g_assert_null (checked);
  g_autofree char *seen = run_sqlite3 (fixture, "SELECT * FROM subscription_status");
  expect_text (seen, "pending = 0");
  expect_text (seen, "last_check = 1970-01-01T00:00:02.000Z");
}

/* Whatever docs/database.md shows works. */
static void
test_documented (Fixture *fixture, gconstpointer data)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  guint n = 0;

  g_file_get_contents (g_getenv ("COLLET_TEST_DOCUMENT"), &text, NULL, &error);
  g_assert_no_error (error);
  g_auto (GStrv) parts = g_strsplit (text, "```sql\n", -1);
  for (guint i = 1; parts[i] != NULL; i++, n++)
    {
      *strstr (parts[i], "```") = '\0';
      g_autofree char *message = fixture_sql (fixture->folder, parts[i]);
      if (message != NULL)
        g_error ("%s: %s", parts[i], message);
    }
  g_assert_cmpuint (n, >=, 8);
}

/* The text of all queries, one after the other. */
static char *
extract_queries (const char *text)
{
  g_auto (GStrv) parts = g_strsplit (text, "```sql\n", -1);
  GString *queries = g_string_new (NULL);

  for (guint i = 1; parts[i] != NULL; i++)
    {
      *strstr (parts[i], "```") = '\0';
      g_string_append (queries, parts[i]);
    }
  return g_string_free (queries, FALSE);
}

/* Each table and view of the schema is in the document, and in one of its queries. */
static void
test_document_complete (Fixture *fixture, gconstpointer data)
{
  g_autofree char *text = NULL;
  g_autofree char *names =
      fixture_query (fixture->folder, "SELECT group_concat (name, ' ') FROM sqlite_schema WHERE "
                                      "type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'");
  g_auto (GStrv) list = g_strsplit (names, " ", -1);

  g_assert_true (g_file_get_contents (g_getenv ("COLLET_TEST_DOCUMENT"), &text, NULL, NULL));
  g_assert_cmpuint (g_strv_length (list), >, 15);
  g_autofree char *queries = extract_queries (text);
  for (guint i = 0; list[i] != NULL; i++)
    {
      g_autofree char *mark = g_strdup_printf ("`%s`", list[i]);

      g_autofree char *word = g_strdup_printf ("\\b%s\\b", list[i]);

      if (strstr (text, mark) == NULL)
        g_error ("%s is not documented", list[i]);
      if (!g_regex_match_simple (word, queries, 0, 0))
        g_error ("%s is in no example query", list[i]);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function) g_test_add ("/store/history/" path, Fixture, NULL, set_up, function, tear_down)
  ADD ("cannot-be-changed-or-removed-by-hand", test_append_only);
  ADD ("retention-removes-whole-reloads-and-records-it", test_prune);
  ADD ("retention-keeps-what-runs", test_running_is_kept);
  ADD ("is-readable-with-sqlite3-beside-the-daemon", test_views);
  ADD ("documented-queries-work", test_documented);
  ADD ("every-table-and-view-is-documented", test_document_complete);
  return g_test_run ();
}
