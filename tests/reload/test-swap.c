/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A module from bytes, and back.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "collet-error.h"
#include "collet-test-node.h"
#include "collet-validation.h"
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

/* Takes the fd. */
static ColletReloadRequest *
swap_of (const char *module, int fd)
{
  ColletReloadRequest *request = test_node_request (COLLET_RELOAD_SWAP, module, NULL);

  g_assert_cmpint (fd, >=, 0);
  request->fd = fd;
  request->filename = g_strdup ("bytes.so");
  return request;
}

static int
open_module (const char *name)
{
  g_autofree char *path = test_node_module (name);

  return g_open (path, O_RDONLY | O_CLOEXEC, 0);
}

/* What runs, read-only. */
static int
open_running (Fixture *f, const char *module)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autofree char *filename = NULL;
  g_autoptr (GError) error = NULL;

  collet_reloader_open_artifact_async (f->node->reloader, module, NULL, test_store_result, &result);
  test_wait_result (&result);
  int fd = collet_reloader_open_artifact_finish (f->node->reloader, result, &filename, &error);
  g_assert_no_error (error);
  g_assert_nonnull (strstr (filename, module));
  return fd;
}

/* Takes the fd. */
static GBytes *
read_all (int fd)
{
  GByteArray *bytes = g_byte_array_new ();
  guint8 block[8192];
  gssize n;

  g_assert_cmpint (lseek (fd, 0, SEEK_SET), ==, 0);
  while ((n = read (fd, block, sizeof block)) > 0)
    g_byte_array_append (bytes, block, (guint)n);
  g_assert_cmpint (n, ==, 0);
  g_close (fd, NULL);
  return g_byte_array_free_to_bytes (bytes);
}

static void
test_round_trip (Fixture *f, gconstpointer data)
{
  g_autoptr (GBytes) one = read_all (open_module ("echo-1.0.0"));
  g_autoptr (GBytes) two = read_all (open_module ("echo-2.0.0"));

  test_node_load (f->node, "echo-1.0.0");
  int kept = open_running (f, "echo");
  g_assert_cmpstr (test_node_run (f->node, swap_of ("echo", open_module ("echo-2.0.0"))), ==, NULL);
  g_autoptr (GBytes) runs = read_all (open_running (f, "echo"));
  g_assert_true (g_bytes_equal (runs, two));
  g_assert_cmpstr (test_node_run (f->node, swap_of ("echo", kept)), ==, NULL);
  g_autoptr (GBytes) again = read_all (open_running (f, "echo"));
  g_assert_true (g_bytes_equal (again, one));
  g_assert_cmpstr (test_node_version (f->node, "echo"), ==, "1.0.0");
  g_autofree char *story = test_node_story (f->node);
  g_assert_cmpstr (story, ==, "load succeeded, swap succeeded, swap succeeded");
}

/* Its number may have been used again since. */
static gboolean
is_open (int fd, const char *name)
{
  g_autofree char *link = g_strdup_printf ("/proc/self/fd/%d", fd);
  g_autofree char *target = g_file_read_link (link, NULL);
  g_autofree char *path = test_node_module (name);

  return g_strcmp0 (target, path) == 0;
}

static void
test_fd_is_closed (Fixture *f, gconstpointer data)
{
  int fd = open_module ("counter-1.0.0");

  g_assert_true (is_open (fd, "counter-1.0.0"));
  test_node_load (f->node, "echo-1.0.0");
  g_assert_cmpstr (test_node_run (f->node, swap_of ("echo", fd)), ==, "InvalidArgument"); /* another module */
  g_assert_false (is_open (fd, "counter-1.0.0"));
  fd = open_module ("echo-2.0.0");
  g_autoptr (ColletReload) reload = test_node_submit (f->node, swap_of ("echo", fd), NULL);
  test_node_wait (reload);
  g_assert_false (is_open (fd, "echo-2.0.0")); /* long before the object goes */
}

static gboolean
is_broken (gpointer data)
{
  Fixture *f = data;
  g_autofree char *answer = test_node_call (f->node, "echo", "{}");

  return g_str_equal (answer, "WorkerUnavailable");
}

static void
test_rollback_failed (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  test_node_load (f->node, "echo-crash-call");
  test_wait_until (is_broken, f);
  g_assert_null (fixture_sql (f->node->folder, "CREATE TRIGGER broken BEFORE INSERT ON reload_commit "
                                               "BEGIN SELECT RAISE (ABORT, 'the disk is broken'); END"));
  g_assert_false (test_node_try (f->node, swap_of ("echo", open_module ("echo-1.0.0")), &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_ROLLBACK_FAILED);
  g_assert_nonnull (strstr (error->message, "the disk is broken")); /* both are told */
  g_assert_null (fixture_sql (f->node->folder, "DROP TRIGGER broken"));
  g_assert_cmpstr (test_node_run (f->node, swap_of ("echo", open_module ("echo-1.0.0"))), ==, NULL);
  g_autofree char *answer = test_node_call (f->node, "echo", "{\"x\":1}");
  g_assert_nonnull (strstr (answer, "\"x\":1"));
}

static void
test_commit_fails (Fixture *f, gconstpointer data)
{
  test_node_load (f->node, "echo-1.0.0");
  g_assert_null (fixture_sql (f->node->folder, "CREATE TRIGGER broken BEFORE INSERT ON reload_commit "
                                               "BEGIN SELECT RAISE (ABORT, 'the disk is broken'); END"));
  g_assert_cmpstr (test_node_run (f->node, swap_of ("echo", open_module ("echo-2.0.0"))), ==, "StoreFailed");
  g_assert_null (fixture_sql (f->node->folder, "DROP TRIGGER broken"));
  g_assert_cmpstr (test_node_version (f->node, "echo"), ==, "1.0.0");
  g_autofree char *answer = test_node_call (f->node, "echo", "{\"x\":1}");
  g_assert_nonnull (strstr (answer, "\"x\":1"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, test) g_test_add ("/reload/swap/" path, Fixture, NULL, set_up, test, tear_down)
  ADD ("round-trip-is-identical-to-the-byte", test_round_trip);
  ADD ("descriptor-is-closed-when-it-was-read", test_fd_is_closed);
  ADD ("failing-commit-leaves-the-old-version", test_commit_fails);
  ADD ("failing-while-the-old-version-is-broken-says-both", test_rollback_failed);
#undef ADD
  return g_test_run ();
}
