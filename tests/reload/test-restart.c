/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The end and the next beginning.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "collet-error.h"
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

static void
test_saves_state (Fixture *f, gconstpointer data)
{
  test_node_load (f->node, "counter-1.0.0");
  test_node_load (f->node, "echo-1.0.0");
  test_node_load (f->node, "echo-2.0.0");
  test_node_count (f->node, 7);
  test_node_stop (f->node);
  test_node_start (f->node);
  g_assert_cmpuint (f->node->failed, ==, 0);
  g_assert_cmpint (test_node_count (f->node, 1), ==, 8);
  g_assert_cmpstr (test_node_version (f->node, "echo"), ==, "2.0.0");
  g_assert_cmpstr (test_node_run (f->node, test_node_request (COLLET_RELOAD_ROLLBACK, "echo", NULL)), ==,
                   NULL);
  g_assert_cmpstr (test_node_version (f->node, "echo"), ==, "1.0.0"); /* the way back is known too */
}

static void
test_refuses (Fixture *f, gconstpointer data)
{
  g_autoptr (GAsyncResult) early = NULL;
  g_autoptr (GAsyncResult) late = NULL;
  g_autoptr (GAsyncResult) end = NULL;
  g_autoptr (GError) error = NULL;

  test_node_load (f->node, "echo-1.0.0");
  collet_reloader_submit_async (f->node->reloader, test_node_request (COLLET_RELOAD_LOAD, NULL, "echo-2.0.0"),
                                test_store_result, &early); /* still being examined */
  collet_reloader_shutdown_async (f->node->reloader, 1000, test_store_result, &end);
  collet_reloader_submit_async (f->node->reloader, test_node_request (COLLET_RELOAD_LOAD, NULL, "clash"),
                                test_store_result, &late);
  test_wait_result (&early);
  test_wait_result (&late);
  test_wait_result (&end);
  g_assert_null (collet_reloader_submit_finish (f->node->reloader, early, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_SHUTTING_DOWN);
  g_clear_error (&error);
  g_assert_null (collet_reloader_submit_finish (f->node->reloader, late, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_SHUTTING_DOWN);
  g_autofree char *committed = test_node_committed (f->node, "echo");
  g_assert_cmpstr (committed, ==, "1.0.0");
  f->node->reloader->is_closing = FALSE; /* for the fixture, which ends it again */
}

static void
test_undoes (Fixture *f, gconstpointer data)
{
  g_autoptr (GAsyncResult) end = NULL;

  test_node_load (f->node, "counter-1.0.0");
  test_node_count (f->node, 7);
  test_node_hold (f->node);
  g_autoptr (ColletReload) reload =
      test_node_submit (f->node, test_node_request (COLLET_RELOAD_LOAD, NULL, "counter-2.0.0"), NULL);
  test_node_wait_phase (reload, "commit");
  collet_reloader_shutdown_async (f->node->reloader, 1000, test_store_result, &end);
  test_node_release (f->node);
  test_wait_result (&end);
  test_node_wait (reload);
  g_assert_cmpint (collet_reload_get_state (reload), ==, COLLET_RELOAD_CANCELLED);
  g_clear_object (&reload);
  g_clear_object (&end);
  f->node->reloader->is_closing = FALSE;
  test_node_stop (f->node);
  test_node_start (f->node);
  g_assert_cmpstr (test_node_version (f->node, "counter"), ==, "1.0.0");
  g_assert_cmpint (test_node_count (f->node, 0), ==, 7);
}

/* As a kill leaves it. */
static void
leave_open (Fixture *f, const char *id, gboolean is_committed)
{
  ColletStore *store = fixture_open (f->node->folder, NULL);
  ColletCommit *commit = collet_commit_new ();

  fixture_begin (store, fixture_reload (id, "echo", 'a', 'b'), NULL);
  commit->reload = g_strdup (id);
  if (is_committed)
    fixture_do_commit (store, commit, NULL, NULL);
  else
    collet_commit_free (commit);
  fixture_close (store);
}

static void
test_resolves (Fixture *f, gconstpointer data)
{
  test_node_load (f->node, "echo-1.0.0");
  test_node_stop (f->node);
  leave_open (f, "0000000000000001", FALSE);
  leave_open (f, "0000000000000002", TRUE);
  for (int turn = 0; turn < 2; turn++)
    {
      test_node_start (f->node);
      g_autofree char *story = test_node_story (f->node);
      g_assert_cmpstr (story, ==, "load succeeded, hot-reload interrupted Interrupted, hot-reload succeeded");
      g_assert_cmpstr (test_node_version (f->node, "echo"), ==, "1.0.0");
      test_node_stop (f->node); /* and only once */
    }
  test_node_start (f->node);
}

static void
damage (Fixture *f, const char *module)
{
  g_autofree char *sql = g_strdup_printf ("SELECT sha256 FROM module WHERE name = '%s'", module);
  g_autofree char *sha256 = fixture_query (f->node->folder, sql);
  g_autofree char *file = g_strconcat (sha256, ".so", NULL);
  g_autofree char *path = g_build_filename (f->node->folder, "artifacts", file, NULL);
  g_autoptr (GError) error = NULL;

  g_chmod (path, 0600);
  g_assert_true (g_file_set_contents (path, "damaged", -1, &error));
}

static void
test_damaged (Fixture *f, gconstpointer data)
{
  test_node_load (f->node, "echo-1.0.0");
  test_node_load (f->node, "counter-1.0.0");
  test_node_count (f->node, 7);
  test_node_stop (f->node);
  damage (f, "counter");
  g_test_expect_message (NULL, G_LOG_LEVEL_WARNING, "Module counter could not be brought back*");
  test_node_start (f->node);
  g_test_assert_expected_messages ();
  g_assert_cmpuint (f->node->failed, ==, 1);
  g_autofree char *answer = test_node_call (f->node, "echo", "{\"x\":1}");
  g_assert_nonnull (strstr (answer, "\"x\":1"));
  g_assert_null (test_node_version (f->node, "counter"));
  test_node_load (f->node, "counter-1.0.0"); /* the way out */
  test_node_count (f->node, 1);
  test_node_stop (f->node);
  test_node_start (f->node);
  g_assert_cmpuint (f->node->failed, ==, 0);
}

static void
lose (Fixture *f, const char *module)
{
  g_autofree char *warning = g_strdup_printf ("Module %s could not be brought back*", module);

  test_node_stop (f->node);
  damage (f, module);
  g_test_expect_message (NULL, G_LOG_LEVEL_WARNING, warning);
  test_node_start (f->node);
  g_test_assert_expected_messages ();
  g_assert_cmpuint (f->node->failed, ==, 1);
  g_assert_null (test_node_version (f->node, module));
}

static ColletReloadRequest *
rollback_of (const char *module)
{
  return test_node_request (COLLET_RELOAD_ROLLBACK, module, NULL);
}

static void
test_damaged_goes_back (Fixture *f, gconstpointer data)
{
  test_node_load (f->node, "counter-1.0.0");
  test_node_count (f->node, 7);
  test_node_load (f->node, "counter-2.0.0");
  test_node_count (f->node, 1);
  lose (f, "counter");
  g_assert_cmpstr (test_node_run (f->node, rollback_of ("counter")), ==, NULL);
  g_assert_cmpstr (test_node_version (f->node, "counter"), ==, "1.0.0");
  g_assert_cmpint (test_node_count (f->node, 1), ==, 8); /* its own last state */
  g_assert_cmpstr (test_node_run (f->node, rollback_of ("counter")), ==, "RollbackFailed");
  test_node_load (f->node, "counter-2.0.0"); /* and forward again, with good bytes */
  test_node_stop (f->node);
  test_node_start (f->node);
  g_assert_cmpuint (f->node->failed, ==, 0);
  g_assert_cmpstr (test_node_version (f->node, "counter"), ==, "2.0.0");
}

static void
test_damaged_keeps_way_back (Fixture *f, gconstpointer data)
{
  test_node_load (f->node, "echo-1.0.0");
  test_node_load (f->node, "echo-2.0.0");
  lose (f, "echo");
  g_assert_cmpstr (test_node_run (f->node,
                                  test_node_request (COLLET_RELOAD_HOT_RELOAD, "echo", "echo-2.0.0")),
                   ==, "ModuleNotLoaded");
  test_node_load (f->node, "echo-2.0.0");
  g_assert_cmpstr (test_node_run (f->node, rollback_of ("echo")), ==, NULL);
  g_assert_cmpstr (test_node_version (f->node, "echo"), ==, "1.0.0");
}

static void
test_damaged_can_be_unloaded (Fixture *f, gconstpointer data)
{
  test_node_load (f->node, "echo-1.0.0");
  lose (f, "echo");
  g_assert_cmpstr (test_node_run (f->node, rollback_of ("echo")), ==, "RollbackFailed"); /* to what? */
  g_assert_cmpstr (test_node_run (f->node, test_node_request (COLLET_RELOAD_UNLOAD, "echo", NULL)), ==, NULL);
  g_assert_cmpstr (test_node_run (f->node, rollback_of ("echo")), ==, "ModuleNotLoaded");
  test_node_stop (f->node);
  test_node_start (f->node);
  g_assert_cmpuint (f->node->failed, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, test) g_test_add ("/reload/" path, Fixture, NULL, set_up, test, tear_down)
  ADD ("restart/restores-versions-and-saved-state", test_saves_state);
  ADD ("shutdown/refuses-what-is-not-under-way", test_refuses);
  ADD ("shutdown/undoes-what-is-not-committed", test_undoes);
  ADD ("recovery/open-is-interrupted-and-committed-succeeded", test_resolves);
  ADD ("recovery/damaged-artifact-does-not-stop-the-others", test_damaged);
  ADD ("recovery/damaged-version-can-be-rolled-back", test_damaged_goes_back);
  ADD ("recovery/damaged-version-loaded-again-keeps-its-way-back", test_damaged_keeps_way_back);
  ADD ("recovery/damaged-version-can-be-unloaded", test_damaged_can_be_unloaded);
#undef ADD
  return g_test_run ();
}
