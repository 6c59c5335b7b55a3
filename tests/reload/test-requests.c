/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Who may change what, and that a refusal or a failure leaves what ran.
 */
#include <string.h>

#include "collet-error.h"
#include "collet-registration.h"
#include "collet-test-node.h"
#include "store-fixture.h"

typedef struct
{
  TestNode *node;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->node = test_node_new ();
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  test_node_free (f->node);
}

static ColletReloadRequest *
load_of (const char *source)
{
  return test_node_request (COLLET_RELOAD_LOAD, NULL, source);
}

/* ---- join or be refused ---- */

static void
test_same_joins (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  test_node_hold (f->node);
  g_autoptr (ColletReload) first = test_node_submit (f->node, load_of ("echo-1.0.0"), &error);
  g_autoptr (ColletReload) second = test_node_submit (f->node, load_of ("echo-1.0.0"), &error);
  g_assert_no_error (error);
  g_assert_true (first == second);
  test_node_release (f->node);
  test_node_wait (first);
  g_assert_cmpint (collet_reload_get_state (first), ==, COLLET_RELOAD_SUCCEEDED);
  g_autofree char *story = test_node_story (f->node);
  g_assert_cmpstr (story, ==, "load succeeded");
}

static void
test_other_is_refused (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  test_node_hold (f->node);
  g_autoptr (ColletReload) first = test_node_submit (f->node, load_of ("echo-1.0.0"), NULL);
  g_assert_null (test_node_submit (f->node, load_of ("echo-2.0.0"), &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_RELOAD_IN_PROGRESS);
  g_assert_nonnull (strstr (error->message, collet_reload_get_id (first))); /* who holds it */
  /* A batch with one module in it that is held. */
  g_assert_cmpstr (test_node_run (f->node, test_node_batch ("counter-1.0.0", "echo-2.0.0", NULL)), ==,
                   "ReloadInProgress");
  test_node_release (f->node);
  test_node_wait (first);
  g_assert_cmpstr (test_node_version (f->node, "echo"), ==, "1.0.0");
  g_assert_cmpstr (test_node_run (f->node, load_of ("echo-2.0.0")), ==, NULL);
  g_autofree char *story = test_node_story (f->node);
  g_assert_cmpstr (
      story, ==,
      "load succeeded, load failed ReloadInProgress, load failed ReloadInProgress, load succeeded");
}

static void
test_clash_at_commit (Fixture *f, gconstpointer data)
{
  test_node_hold (f->node);
  g_autoptr (ColletReload) first = test_node_submit (f->node, load_of ("echo-1.0.0"), NULL);
  test_node_wait_phase (first, "commit");
  g_autoptr (ColletReload) second = test_node_submit (f->node, load_of ("clash"), NULL);
  g_assert_nonnull (second); /* nobody has the name yet */
  test_node_wait_phase (second, "commit");
  test_node_release (f->node);
  test_node_wait (first);
  test_node_wait (second);
  g_assert_no_error (collet_reload_get_error (first));
  g_assert_error (collet_reload_get_error (second), COLLET_ERROR, COLLET_ERROR_NAME_CLASH);
  g_assert_null (test_node_version (f->node, "clash"));
  g_autofree char *answer = test_node_call (f->node, "echo", "{\"x\":1}");
  g_assert_nonnull (strstr (answer, "\"x\":1"));
  g_autofree char *committed = test_node_committed (f->node, "clash");
  g_assert_cmpstr (committed, ==, "");
}

static void
test_expect_version (Fixture *f, gconstpointer data)
{
  ColletReloadRequest *request = load_of ("echo-1.0.0");

  request->expect_version = g_strdup ("0123456789ab");
  g_assert_cmpstr (test_node_run (f->node, request), ==, "VersionMismatch"); /* nothing runs */
  test_node_load (f->node, "echo-1.0.0");
  request = load_of ("echo-2.0.0");
  request->expect_version = g_strdup ("0123456789ab");
  g_assert_cmpstr (test_node_run (f->node, request), ==, "VersionMismatch");
  g_assert_cmpstr (test_node_version (f->node, "echo"), ==, "1.0.0");
  request = load_of ("echo-2.0.0");
  request->expect_version = g_strndup (
      collet_module_get_facts (collet_registry_find_module (f->node->registry, "echo"))->version->sha256, 8);
  g_assert_cmpstr (test_node_run (f->node, request), ==, NULL);
}

static void
dawdle (ColletDeployment *deployment, gpointer data)
{
  g_usleep (200000);
}

/* Calls wait for the exchange alone, not for those who are told of it. */
static void
test_pause_is_the_exchange (Fixture *f, gconstpointer data)
{
  test_node_load (f->node, "echo-1.0.0");
  g_signal_connect (collet_reloader_find_deployment (f->node->reloader, "echo"), "changed",
                    G_CALLBACK (dawdle), NULL);
  g_autoptr (ColletReload) reload = test_node_submit (f->node, load_of ("echo-2.0.0"), NULL);
  test_node_wait (reload);
  g_assert_no_error (collet_reload_get_error (reload));
  g_assert_cmpint (collet_reload_get_pause_us (reload), >=, 0);
  g_assert_cmpint (collet_reload_get_pause_us (reload), <, 200000);
}

/* Refused in the review, and failed after it. */
static void
test_refused_leaves_no_slot (Fixture *f, gconstpointer data)
{
  ColletReloadRequest *request = load_of ("echo-1.0.0");

  request->expect_version = g_strdup ("0123456789ab");
  g_assert_cmpstr (test_node_run (f->node, request), ==, "VersionMismatch");
  g_assert_null (collet_reloader_find_deployment (f->node->reloader, "echo"));
  g_assert_null (fixture_sql (f->node->folder, "CREATE TRIGGER broken BEFORE INSERT ON reload_commit "
                                               "BEGIN SELECT RAISE (ABORT, 'the disk is broken'); END"));
  g_assert_cmpstr (test_node_run (f->node, load_of ("echo-1.0.0")), ==, "StoreFailed");
  g_assert_null (collet_reloader_find_deployment (f->node->reloader, "echo"));
  g_assert_null (fixture_sql (f->node->folder, "DROP TRIGGER broken"));
  test_node_load (f->node, "echo-1.0.0");
  g_assert_cmpstr (test_node_run (f->node, load_of ("clash")), ==, "NameClash");
  g_assert_null (collet_reloader_find_deployment (f->node->reloader, "clash"));
  g_assert_nonnull (collet_reloader_find_deployment (f->node->reloader, "echo"));
}

/* ---- a batch ---- */

static void
test_batch_failing_item (Fixture *f, gconstpointer data)
{
  test_node_load (f->node, "echo-1.0.0");
  test_node_load (f->node, "counter-1.0.0");
  test_node_count (f->node, 5);
  ColletReloadRequest *request = test_node_batch ("echo-2.0.0", "counter-fail-import", "text-tools", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (test_node_try (f->node, request, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_STATE_MIGRATION_FAILED);
  g_assert_nonnull (strstr (error->message, "counter")); /* which of them */
  g_assert_cmpstr (test_node_version (f->node, "echo"), ==, "1.0.0");
  g_assert_cmpstr (test_node_version (f->node, "counter"), ==, "1.0.0");
  g_assert_null (test_node_version (f->node, "text-tools"));
  g_assert_cmpint (test_node_count (f->node, 1), ==, 6);
  g_assert_cmpuint (collet_deployment_get_live (collet_reloader_find_deployment (f->node->reloader, "echo")),
                    ==, 1);
}

/* Nothing of it happens before its commit, so it is journalled with that. */
static void
test_batch_is_one_step (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ColletReload) reload =
      test_node_submit (f->node, test_node_batch ("echo-1.0.0", "text-tools", NULL), &error);

  g_assert_no_error (error);
  /* Who asked hears of it when it is committed. */
  g_assert_cmpint (collet_reload_get_state (reload), !=, COLLET_RELOAD_RUNNING);
  g_autofree char *committed = test_node_committed (f->node, "text-tools");
  g_assert_cmpstr (committed, !=, "");
  test_node_wait (reload);
  g_autofree char *story = test_node_story (f->node);
  g_assert_cmpstr (story, ==, "load succeeded");
  g_autoptr (GPtrArray) history = test_node_history (f->node, "text-tools");
  g_assert_cmpuint (((const ColletHistoryEntry *)history->pdata[0])->items->len, ==, 2);
}

static void
test_batch_clash_at_commit (Fixture *f, gconstpointer data)
{
  GListModel *reloads = collet_reloader_get_reloads (f->node->reloader);
  g_autoptr (GAsyncResult) answer = NULL;
  g_autoptr (GError) error = NULL;

  test_node_hold (f->node);
  g_autoptr (ColletReload) first = test_node_submit (f->node, load_of ("echo-1.0.0"), NULL);
  test_node_wait_phase (first, "commit");
  collet_reloader_submit_async (f->node->reloader, test_node_batch ("clash", "text-tools", NULL),
                                fixture_on_answer, &answer);
  while (g_list_model_get_n_items (reloads) < 2)
    g_main_context_iteration (NULL, TRUE);
  test_node_release (f->node);
  fixture_wait (&answer);
  g_autoptr (ColletReload) second = collet_reloader_submit_finish (f->node->reloader, answer, &error);
  g_assert_no_error (error);
  test_node_wait (second);
  g_assert_error (collet_reload_get_error (second), COLLET_ERROR, COLLET_ERROR_NAME_CLASH);
  g_assert_null (test_node_version (f->node, "text-tools"));
  g_autofree char *story = test_node_story (f->node);
  g_assert_cmpstr (story, ==, "load succeeded, load failed NameClash");
}

static void
test_batch_cannot_be_stored (Fixture *f, gconstpointer data)
{
  g_assert_null (fixture_sql (f->node->folder, "CREATE TRIGGER broken BEFORE INSERT ON tool "
                                               "BEGIN SELECT RAISE (ABORT, 'the disk is broken'); END"));
  g_assert_cmpstr (test_node_run (f->node, test_node_batch ("echo-1.0.0", "text-tools", NULL)), ==,
                   "StoreFailed");
  g_assert_null (test_node_version (f->node, "echo"));
  g_assert_null (fixture_sql (f->node->folder, "DROP TRIGGER broken"));
  g_assert_cmpstr (test_node_run (f->node, test_node_batch ("echo-1.0.0", "text-tools", NULL)), ==, NULL);
  g_autofree char *story = test_node_story (f->node);
  g_assert_cmpstr (story, ==, "load failed StoreFailed, load succeeded");
}

/* ---- limits ---- */

static void
test_not_purged (Fixture *f, gconstpointer data)
{
  ColletReloadRequest *request = load_of ("echo-1.0.0");
  g_autoptr (GError) error = NULL;

  f->node->reloader->config.max_live = 2;
  test_node_load (f->node, "echo-hang-call");
  g_autoptr (ColletToolList) list = collet_tool_directory_ref_list (f->node->directory);
  const ColletToolEntry *entry = collet_tool_list_find (list, "echo", -1);
  g_autoptr (TestCall) call = test_call_new (entry->module_tool, "{}", 0);
  collet_call_target_dispatch (entry->target, &call->call);
  test_wait_ms (50);

  request->allow_breaking = TRUE;
  request->drain_timeout_ms = 600;
  g_autoptr (ColletReload) draining = test_node_submit (f->node, request, &error);
  g_assert_no_error (error);
  test_node_wait_phase (draining, "drain");
  g_assert_cmpstr (test_node_run (f->node, load_of ("echo-2.0.0")), ==, "NotPurged");
  g_assert_cmpstr (test_node_version (f->node, "echo"), ==, "1.0.0");
  test_node_wait (draining); /* the deadline ends the call, by name */
  test_call_wait (call);
  g_assert_error (call->error, COLLET_ERROR, COLLET_ERROR_DRAIN_TIMEOUT);
  g_assert_cmpstr (test_node_run (f->node, load_of ("echo-2.0.0")), ==, NULL);
}

/* ---- cancel, timeout ---- */

static void
test_cancel (Fixture *f, gconstpointer data)
{
  test_node_load (f->node, "counter-1.0.0");
  test_node_count (f->node, 3);
  test_node_hold (f->node);
  g_autoptr (ColletReload) reload = test_node_submit (f->node, load_of ("counter-2.0.0"), NULL);
  test_node_wait_phase (reload, "commit");
  g_assert_true (collet_reload_cancel (reload, NULL));
  test_node_release (f->node);
  test_node_wait (reload);
  g_assert_cmpint (collet_reload_get_state (reload), ==, COLLET_RELOAD_CANCELLED);
  g_assert_cmpint (test_node_count (f->node, 1), ==, 4); /* and calls go on */
  g_assert_cmpstr (test_node_run (f->node, load_of ("counter-2.0.0")), ==, NULL);
  g_autofree char *story = test_node_story (f->node);
  g_assert_cmpstr (story, ==, "load succeeded, load cancelled Cancelled, load succeeded");
}

static void
test_timeout (Fixture *f, gconstpointer data)
{
  ColletReloadRequest *request = load_of ("counter-2.0.0");

  test_node_load (f->node, "counter-1.0.0");
  test_node_hold (f->node);
  request->timeout_ms = 50;
  g_autoptr (ColletReload) reload = test_node_submit (f->node, request, NULL);
  test_wait_ms (200);
  test_node_release (f->node);
  test_node_wait (reload);
  g_assert_error (collet_reload_get_error (reload), COLLET_ERROR, COLLET_ERROR_TIMEOUT);
  g_assert_cmpstr (test_node_version (f->node, "counter"), ==, "1.0.0");
}

/* Somebody holds the database for longer than the request may take: once the
 * commit is under way, its outcome is the database's alone. */
static void
test_late_timeout (Fixture *f, gconstpointer data)
{
  ColletReloadRequest *request = load_of ("counter-2.0.0");
  g_autofree char *path = g_build_filename (f->node->folder, "collet.db", NULL);
  g_autoptr (GError) error = NULL;
  sqlite3 *other = NULL;

  test_node_load (f->node, "counter-1.0.0");
  test_node_hold (f->node);
  request->timeout_ms = 700;
  g_autoptr (ColletReload) reload = test_node_submit (f->node, request, NULL);
  test_node_wait_phase (reload, "commit");
  test_wait_ms (50);
  g_assert_cmpint (sqlite3_open (path, &other), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (other, "BEGIN IMMEDIATE", NULL, NULL, NULL), ==, SQLITE_OK);
  test_node_release (f->node);
  g_assert_false (collet_reload_cancel (reload, &error)); /* it is with the database */
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT);
  test_wait_ms (800);
  sqlite3_close (other);
  test_node_wait (reload);
  g_assert_no_error (collet_reload_get_error (reload));
  g_assert_cmpstr (test_node_version (f->node, "counter"), ==, "2.0.0");
}

/* ---- the disk ---- */

static void
test_commit_fails (Fixture *f, gconstpointer data)
{
  test_node_load (f->node, "counter-1.0.0");
  test_node_count (f->node, 3);
  g_assert_null (fixture_sql (f->node->folder, "CREATE TRIGGER broken BEFORE INSERT ON reload_commit "
                                               "BEGIN SELECT RAISE (ABORT, 'the disk is broken'); END"));
  g_assert_cmpstr (test_node_run (f->node, load_of ("counter-2.0.0")), ==, "StoreFailed");
  g_assert_cmpstr (test_node_version (f->node, "counter"), ==, "1.0.0");
  g_assert_cmpint (test_node_count (f->node, 1), ==, 4);
  g_autofree char *committed = test_node_committed (f->node, "counter");
  g_assert_cmpstr (committed, ==, "1.0.0");
  g_assert_null (fixture_sql (f->node->folder, "DROP TRIGGER broken"));
  g_assert_cmpstr (test_node_run (f->node, load_of ("counter-2.0.0")), ==, NULL);
  g_assert_cmpint (test_node_count (f->node, 1), ==, 5);
}

static void
test_begin_fails (Fixture *f, gconstpointer data)
{
  g_assert_null (fixture_sql (f->node->folder, "CREATE TRIGGER broken BEFORE INSERT ON reload "
                                               "BEGIN SELECT RAISE (ABORT, 'the disk is broken'); END"));
  g_assert_cmpstr (test_node_run (f->node, load_of ("echo-1.0.0")), ==, "StoreFailed");
  g_assert_null (fixture_sql (f->node->folder, "DROP TRIGGER broken"));
  g_assert_cmpstr (test_node_run (f->node, load_of ("echo-1.0.0")), ==, NULL); /* it is not held */
}

/* ---- registrations ---- */

static void
test_registration_in_a_reload (Fixture *f, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  gboolean changed = FALSE;

  test_node_load (f->node, "echo-1.0.0");
  test_node_hold (f->node);
  g_autoptr (ColletReload) reload = test_node_submit (f->node, load_of ("echo-2.0.0"), NULL);
  test_node_wait_phase (reload, "commit");
  collet_reloader_register_tool_async (f->node->reloader, "parrot", "echo", "echo", NULL, test_store_result,
                                       &result);
  test_node_release (f->node);
  test_wait_result (&result);
  g_assert_true (collet_reloader_registration_finish (f->node->reloader, result, &changed, &error));
  g_assert_true (changed);
  g_clear_object (&result);
  test_node_wait (reload);
  g_assert_no_error (collet_reload_get_error (reload));
  g_assert_cmpstr (test_node_version (f->node, "echo"), ==, "2.0.0");
  for (int turn = 0; turn < 2; turn++)
    {
      g_autofree char *parrot = test_node_call (f->node, "parrot", "{\"x\":1}");
      g_autofree char *rows =
          fixture_query (f->node->folder, "SELECT count(*) FROM tool JOIN artifact ON version = sha256 "
                                          "WHERE semantic_version = '2.0.0' AND name IN ('parrot', 'echo')");

      g_assert_nonnull (strstr (parrot, "\"x\":1"));
      g_assert_cmpstr (rows, ==, "2");
      if (turn == 0)
        {
          test_node_stop (f->node);
          test_node_start (f->node);
        }
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, test) g_test_add ("/reload/" path, Fixture, NULL, set_up, test, tear_down)
  ADD ("request/same-joins", test_same_joins);
  ADD ("request/other-is-told-who-holds-the-module", test_other_is_refused);
  ADD ("request/name-taken-meanwhile-is-found-at-the-commit", test_clash_at_commit);
  ADD ("request/expected-version-must-run", test_expect_version);
  ADD ("request/too-many-live-generations-are-refused", test_not_purged);
  ADD ("request/pause-is-the-exchange-alone", test_pause_is_the_exchange);
  ADD ("request/refused-or-failed-load-leaves-no-slot", test_refused_leaves_no_slot);
  ADD ("batch/failing-item-undoes-all-and-leaves-what-ran", test_batch_failing_item);
  ADD ("batch/that-starts-nothing-is-journalled-with-its-commit", test_batch_is_one_step);
  ADD ("batch/name-taken-meanwhile-fails-it-and-is-in-the-history", test_batch_clash_at_commit);
  ADD ("batch/failing-commit-is-in-the-history-and-leaves-the-modules-free", test_batch_cannot_be_stored);
  ADD ("cancel/before-the-commit-undoes", test_cancel);
  ADD ("timeout/before-the-commit-undoes", test_timeout);
  ADD ("timeout/during-the-commit-is-too-late", test_late_timeout);
  ADD ("disk/failing-commit-leaves-the-old-version", test_commit_fails);
  ADD ("disk/failing-journal-leaves-the-module-free", test_begin_fails);
  ADD ("registration/during-a-reload-keeps-both-changes", test_registration_in_a_reload);
#undef ADD
  return g_test_run ();
}
