/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What becomes of a module's state.
 */
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
  test_node_load (f->node, "counter-1.0.0");
  g_assert_cmpint (test_node_count (f->node, 7), ==, 7);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  test_node_free (f->node);
}

static ColletReloadRequest *
reload_to (const char *source, ColletStateChoice choice)
{
  ColletReloadRequest *request = test_node_request (COLLET_RELOAD_HOT_RELOAD, "counter", source);

  request->state_choice = choice;
  request->allow_breaking = TRUE;
  return request;
}

static ColletReloadRequest *
rollback (ColletStateChoice choice)
{
  ColletReloadRequest *request = test_node_request (COLLET_RELOAD_ROLLBACK, "counter", NULL);

  request->state_choice = choice;
  return request;
}

static void
assert_works (Fixture *f, ColletReloadRequest *request, const char *version, gint64 count)
{
  g_autoptr (GError) error = NULL;

  test_node_try (f->node, request, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (test_node_version (f->node, "counter"), ==, version);
  g_assert_cmpint (test_node_count (f->node, 0), ==, count);
}

/* Did the newest reload say that it went back to a snapshot? */
static gboolean
says_snapshot (Fixture *f)
{
  g_autofree char *detail =
      fixture_query (f->node->folder, "SELECT detail FROM reload_end ORDER BY reload DESC LIMIT 1");

  return strstr (detail, "\"state\":\"snapshot\"") != NULL;
}

static void
test_up_and_down (Fixture *f, gconstpointer data)
{
  assert_works (f, reload_to ("counter-4.0.0", COLLET_STATE_MIGRATE), "4.0.0", 7);
  test_node_count (f->node, 3);
  assert_works (f, rollback (COLLET_STATE_AUTO), "1.0.0", 10); /* DOWN is preferred */
  g_assert_false (says_snapshot (f));
}

static void
test_up_not_offered (Fixture *f, gconstpointer data)
{
  g_assert_cmpstr (test_node_run (f->node, reload_to ("counter-3.0.0", COLLET_STATE_MIGRATE)), ==,
                   "StateMigrationFailed");
  g_assert_cmpstr (test_node_version (f->node, "counter"), ==, "1.0.0");
  g_assert_cmpint (test_node_count (f->node, 1), ==, 8);
}

static void
test_down_not_offered (Fixture *f, gconstpointer data)
{
  assert_works (f, reload_to ("counter-3.0.0", COLLET_STATE_DISCARD), "3.0.0", 0);
  test_node_count (f->node, 2);
  g_assert_cmpstr (test_node_run (f->node, rollback (COLLET_STATE_MIGRATE)), ==, "StateMigrationFailed");
  g_assert_cmpint (test_node_count (f->node, 0), ==, 2);
  assert_works (f, rollback (COLLET_STATE_AUTO), "1.0.0", 7);
  g_assert_true (says_snapshot (f));
}

/* The version that one wants to leave is the one that cannot export. */
static void
test_leave_broken (Fixture *f, gconstpointer source)
{
  assert_works (f, reload_to (source, COLLET_STATE_MIGRATE), "9.0.0", 7);
  test_node_count (f->node, 1);
  g_assert_cmpstr (test_node_run (f->node, rollback (COLLET_STATE_MIGRATE)), ==, "StateMigrationFailed");
  assert_works (f, rollback (COLLET_STATE_AUTO), "1.0.0", 7);
  g_assert_true (says_snapshot (f));
}

static void
test_snapshot (Fixture *f, gconstpointer data)
{
  assert_works (f, reload_to ("counter-2.0.0", COLLET_STATE_MIGRATE), "2.0.0", 7);
  test_node_count (f->node, 5);
  assert_works (f, rollback (COLLET_STATE_SNAPSHOT), "1.0.0", 7);
  assert_works (f, rollback (COLLET_STATE_DISCARD), "2.0.0", 0);
}

static void
test_from_stateless (Fixture *f, gconstpointer data)
{
  g_assert_cmpstr (test_node_run (f->node, reload_to ("counter-5.0.0", COLLET_STATE_MIGRATE)), ==,
                   "StateMigrationFailed"); /* it would be lost */
  g_assert_cmpstr (test_node_run (f->node, reload_to ("counter-5.0.0", COLLET_STATE_DISCARD)), ==, NULL);
  assert_works (f, rollback (COLLET_STATE_AUTO), "1.0.0", 7);
  g_assert_true (says_snapshot (f));
}

static ColletReloadRequest *
reload_given (const char *source, const char *state, gsize size)
{
  ColletReloadRequest *request = reload_to (source, COLLET_STATE_GIVEN);

  request->state = g_bytes_new (state, size);
  return request;
}

static void
test_given (Fixture *f, gconstpointer data)
{
  const gint64 forty_two = 42;

  assert_works (f, reload_given ("counter-4.0.0", (const char *)&forty_two, sizeof forty_two), "4.0.0", 42);
  g_assert_cmpstr (test_node_run (f->node, reload_given ("counter-3.0.0", "no number", 9)), ==,
                   "StateMigrationFailed");
  g_assert_cmpint (test_node_count (f->node, 1), ==, 43);
}

/* The caller brings the state because the module cannot. */
static void
test_given_for_broken (Fixture *f, gconstpointer data)
{
  const gint64 forty_two = 42;

  assert_works (f, reload_to ("counter-fail-export", COLLET_STATE_MIGRATE), "9.0.0", 7);
  test_node_count (f->node, 1);
  assert_works (f, reload_given ("counter-2.0.0", (const char *)&forty_two, sizeof forty_two), "2.0.0", 42);
}

static void
test_unload_keeps_versions (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpstr (test_node_run (f->node, test_node_request (COLLET_RELOAD_UNLOAD, "counter", NULL)), ==,
                   NULL);
  g_assert_null (test_node_version (f->node, "counter"));
  g_autofree char *answer = test_node_call (f->node, "count", "{}");
  g_assert_cmpstr (answer, ==, "ToolNotFound");
  g_assert_cmpuint (g_hash_table_size (f->node->reloader->artifacts), ==, 1);
  g_autofree char *kept =
      fixture_query (f->node->folder, "SELECT count(*) FROM snapshot WHERE module = 'counter'");
  g_assert_cmpstr (kept, ==, "1");
  g_assert_cmpstr (test_node_run (f->node, rollback (COLLET_STATE_AUTO)), ==, "ModuleNotLoaded");
  g_assert_cmpstr (test_node_run (f->node, test_node_request (COLLET_RELOAD_UNLOAD, "counter", NULL)), ==,
                   "ModuleNotLoaded");
  test_node_load (f->node, "counter-2.0.0");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, test, data) g_test_add ("/reload/" path, Fixture, data, set_up, test, tear_down)
  ADD ("state/goes-up-and-down", test_up_and_down, NULL);
  ADD ("state/no-way-up-is-refused", test_up_not_offered, NULL);
  ADD ("state/given-is-migrated", test_given, NULL);
  ADD ("state/given-rescues-a-version-that-cannot-export", test_given_for_broken, NULL);
  ADD ("rollback/no-way-down-falls-back-and-says-so", test_down_not_offered, NULL);
  ADD ("rollback/leaves-a-version-that-cannot-export", test_leave_broken, "counter-fail-export");
  ADD ("rollback/leaves-a-version-that-crashes-in-export", test_leave_broken, "counter-crash-export");
  ADD ("rollback/to-the-snapshot-or-to-nothing", test_snapshot, NULL);
  ADD ("rollback/from-a-version-without-state", test_from_stateless, NULL);
  ADD ("unload/keeps-versions-and-state", test_unload_keeps_versions, NULL);
#undef ADD
  return g_test_run ();
}
