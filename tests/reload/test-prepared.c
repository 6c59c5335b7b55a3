/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Two phases as the daemon's own parts use them: several modules at once, decided
 * on by somebody else than who asked.
 */
#include "collet-prepared.h"

#include <string.h>
#include <unistd.h>

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

/* Takes the request. */
static ColletReload *
prepare (Fixture *f, ColletReloadRequest *request, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  request->is_prepare = TRUE;
  collet_reloader_prepare_async (f->node->reloader, request, test_store_result, &result);
  test_wait_result (&result);
  return collet_reloader_prepare_finish (f->node->reloader, result, error);
}

static ColletReload *
prepare_load (Fixture *f, const char *source)
{
  g_autoptr (GError) error = NULL;
  ColletReload *reload = prepare (f, test_node_request (COLLET_RELOAD_LOAD, NULL, source), &error);

  g_assert_no_error (error);
  g_assert_true (collet_reload_is_prepared (reload));
  g_assert_cmpstr (collet_reload_get_phase (reload), ==, "prepared");
  return reload;
}

static guint
count_rows (Fixture *f, const char *table)
{
  g_autofree char *sql = g_strdup_printf ("SELECT count(*) FROM %s", table);
  g_autofree char *text = fixture_query (f->node->folder, sql);

  return (guint)g_ascii_strtoull (text, NULL, 10);
}

/* What is loaded for the first time can be prepared as well. */
static void
test_first_load (Fixture *f, gconstpointer data)
{
  g_autoptr (ColletReload) reload = prepare_load (f, "echo-1.0.0");

  g_assert_null (test_node_version (f->node, "echo"));
  g_assert_cmpint (collet_reload_get_expires_at (reload), ==, 0); /* it waits for ever */
  g_assert_cmpuint (count_rows (f, "reload"), ==, 1);             /* known to a restart */
  g_assert_cmpuint (count_rows (f, "reload_commit"), ==, 0);
  collet_reload_commit (reload, 1000, NULL);
  test_node_wait (reload);
  g_assert_no_error (collet_reload_get_error (reload));
  g_assert_cmpstr (test_node_version (f->node, "echo"), ==, "1.0.0");
}

/* All of them run; one word for all. */
static void
test_group (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  test_node_load (f->node, "counter-1.0.0");
  test_node_count (f->node, 5);
  g_autoptr (ColletReload) reload =
      prepare (f, test_node_batch ("echo-1.0.0", "counter-4.0.0", "text-tools", NULL), &error);
  g_assert_no_error (error);
  GPtrArray *items = collet_reload_get_items (reload);
  for (guint i = 0; i < items->len; i++)
    {
      const ColletReloadItem *item = items->pdata[i];

      g_assert_cmpint (collet_generation_get_state (item->next), ==, COLLET_GENERATION_READY);
      g_assert_true (collet_deployment_get_candidate (item->deployment) == item->next);
    }
  g_assert_cmpint (test_node_count (f->node, 1), ==, 6);
  collet_reload_commit (reload, 1000, NULL);
  test_node_wait (reload);
  g_assert_no_error (collet_reload_get_error (reload));
  g_assert_cmpstr (test_node_version (f->node, "counter"), ==, "4.0.0");
  g_assert_cmpstr (test_node_version (f->node, "echo"), ==, "1.0.0");
  g_assert_cmpstr (test_node_version (f->node, "text-tools"), !=, NULL);
  g_assert_cmpint (test_node_count (f->node, 1), ==, 7);
  g_assert_null (
      collet_deployment_get_candidate (collet_reloader_find_deployment (f->node->reloader, "counter")));
}

static void
test_group_given_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_autoptr (ColletReload) reload =
      prepare (f, test_node_batch ("echo-1.0.0", "counter-4.0.0", NULL), &error);
  g_assert_no_error (error);
  collet_reload_abandon (reload, -1, "the others said no");
  test_node_wait (reload);
  g_assert_error (collet_reload_get_error (reload), COLLET_ERROR, COLLET_ERROR_CANCELLED);
  g_assert_nonnull (strstr (collet_reload_get_error (reload)->message, "the others said no"));
  g_assert_null (test_node_version (f->node, "echo"));
  g_assert_null (test_node_version (f->node, "counter"));
  g_assert_cmpstr (test_node_run (f->node, test_node_request (COLLET_RELOAD_LOAD, NULL, "counter-1.0.0")), ==,
                   NULL);
}

/* One that crashes takes the others with it. */
static void
test_group_crash (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_autoptr (ColletReload) reload = prepare (f, test_node_batch ("echo-1.0.0", "text-tools", NULL), &error);
  g_assert_no_error (error);
  const ColletReloadItem *item = collet_reload_get_items (reload)->pdata[0];
  kill (collet_generation_get_pid (item->next), SIGKILL);
  test_node_wait (reload);
  g_assert_error (collet_reload_get_error (reload), COLLET_ERROR, COLLET_ERROR_WORKER_CRASHED);
  g_assert_nonnull (strstr (collet_reload_get_error (reload)->message, "\"echo\""));
  g_assert_null (test_node_version (f->node, "text-tools"));
}

static void
test_decided_elsewhere (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  ColletReloadRequest *request = test_node_request (COLLET_RELOAD_LOAD, NULL, "echo-1.0.0");

  request->decided_by = g_strdup ("the agreement of three nodes");
  g_autoptr (ColletReload) reload = prepare (f, request, &error);
  g_assert_no_error (error);
  for (gint64 uid = 0; uid <= 1000; uid += 1000)
    {
      g_assert_false (collet_reload_check_decider (reload, uid, &error));
      g_assert_error (error, COLLET_ERROR, COLLET_ERROR_NOT_AUTHORIZED);
      g_assert_nonnull (strstr (error->message, "three nodes"));
      g_clear_error (&error);
    }
  /* Nor does anybody join it. */
  request = test_node_request (COLLET_RELOAD_LOAD, NULL, "echo-1.0.0");
  g_assert_null (prepare (f, request, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_RELOAD_IN_PROGRESS);
  collet_reload_commit (reload, -1, "agreed");
  test_node_wait (reload);
  g_assert_no_error (collet_reload_get_error (reload));
}

/* While what was started ends. */
static void
test_being_given_up (Fixture *f, gconstpointer data)
{
  g_autoptr (ColletReload) reload = prepare_load (f, "echo-1.0.0");
  const ColletReloadItem *item = collet_reload_get_items (reload)->pdata[0];
  g_autofree char *version = g_strdup (item->to->sha256);
  g_autoptr (GError) error = NULL;

  g_assert_true (collet_reloader_find_prepared (f->node->reloader, "echo", version, NULL) == reload);
  collet_reload_abandon (reload, 1000, NULL);
  g_assert_false (collet_reload_is_finished (reload));
  g_assert_null (collet_reloader_find_prepared (f->node->reloader, "echo", version, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_NOT_PREPARED);
  g_assert_nonnull (strstr (error->message, "given up"));
  test_node_wait (reload);
  g_clear_error (&error);
  g_assert_null (collet_reloader_find_prepared (f->node->reloader, "echo", version, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_NOT_PREPARED);
}

static void
test_owner (Fixture *f, gconstpointer data)
{
  g_autoptr (ColletReload) reload = prepare_load (f, "echo-1.0.0"); /* of uid 1000 */
  g_autoptr (GError) error = NULL;
  ColletReloadRequest *other = test_node_request (COLLET_RELOAD_LOAD, NULL, "echo-1.0.0");

  g_assert_true (collet_reload_check_decider (reload, 1000, NULL));
  g_assert_true (collet_reload_check_decider (reload, 0, NULL));
  g_assert_true (collet_reload_check_decider (reload, getuid (), NULL));
  g_assert_false (collet_reload_check_decider (reload, 4242, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_NOT_AUTHORIZED);
  g_assert_nonnull (strstr (error->message, "uid 1000"));
  g_clear_error (&error);
  other->uid = 4242;
  g_assert_null (prepare (f, other, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_RELOAD_IN_PROGRESS);
  collet_reload_abandon (reload, 1000, NULL);
  test_node_wait (reload);
}

/* Somebody took the name of its tool meanwhile: found at the commit. */
static void
test_name_taken (Fixture *f, gconstpointer data)
{
  g_autoptr (ColletReload) reload = prepare_load (f, "clash");

  test_node_load (f->node, "echo-1.0.0");
  collet_reload_commit (reload, 1000, NULL);
  test_node_wait (reload);
  g_assert_error (collet_reload_get_error (reload), COLLET_ERROR, COLLET_ERROR_NAME_CLASH);
  g_autofree char *answer = test_node_call (f->node, "echo", "{\"x\":1}");
  g_assert_nonnull (strstr (answer, "\"x\":1"));
}

static void
test_end_of_the_daemon (Fixture *f, gconstpointer data)
{
  g_autoptr (ColletReload) reload = prepare_load (f, "echo-1.0.0");

  test_node_stop (f->node);
  g_assert_cmpint (collet_reload_get_state (reload), ==, COLLET_RELOAD_INTERRUPTED);
  test_node_start (f->node);
  g_assert_null (test_node_version (f->node, "echo"));
  g_autofree char *story = test_node_story (f->node);
  g_assert_cmpstr (story, ==, "load interrupted Interrupted");
}

static void
test_bytes_are_kept (Fixture *f, gconstpointer data)
{
  g_autoptr (ColletReload) reload = prepare_load (f, "echo-1.0.0");
  const ColletReloadItem *item = collet_reload_get_items (reload)->pdata[0];
  g_autofree char *path = g_strdup (item->path);

  /* A refused request has the store tidied. */
  g_assert_cmpstr (test_node_run (f->node, test_node_request (COLLET_RELOAD_LOAD, NULL, "crash-init")), !=,
                   NULL);
  test_wait_ms (50);
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
  collet_reload_abandon (reload, 1000, NULL);
  test_node_wait (reload);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, test) g_test_add ("/reload/prepared/" path, Fixture, NULL, set_up, test, tear_down)
  ADD ("first-load-waits-for-word-as-well", test_first_load);
  ADD ("group-runs-and-is-committed-as-one", test_group);
  ADD ("group-is-given-up-as-one", test_group_given_up);
  ADD ("group-is-given-up-if-one-crashes", test_group_crash);
  ADD ("decided-elsewhere-is-nobody-else-s", test_decided_elsewhere);
  ADD ("being-given-up-is-not-committed", test_being_given_up);
  ADD ("owner-and-root-decide-and-no-other", test_owner);
  ADD ("name-taken-meanwhile-is-found-at-the-commit", test_name_taken);
  ADD ("end-of-the-daemon-interrupts-it", test_end_of_the_daemon);
  ADD ("bytes-are-kept-as-long-as-it-is", test_bytes_are_kept);
#undef ADD
  return g_test_run ();
}
