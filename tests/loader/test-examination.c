/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The way of a batch through the loader, without processes.
 */
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collet-error.h"
#include "collet-loader.h"
#include "collet-trust.h"
#include "collet-wire.h"
#include "fake-spawn.h"

typedef struct
{
  char *base;
  ColletSpawn *spawn;
  ColletLoader *loader;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->base = g_dir_make_tmp ("collet-loader-XXXXXX", &error);
  g_assert_no_error (error);
  g_autofree char *folder = g_build_filename (f->base, "artifacts", NULL);
  f->spawn = fake_spawn_new ();
  f->loader = collet_loader_new (folder, f->spawn, &error);
  g_assert_no_error (error);
}

static void
empty (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);

  for (const char *name = g_dir_read_name (dir); name != NULL; name = g_dir_read_name (dir))
    {
      g_autofree char *child = g_build_filename (path, name, NULL);
      if (g_file_test (child, G_FILE_TEST_IS_DIR))
        empty (child);
      else
        g_unlink (child);
    }
  g_rmdir (path);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_object_unref (f->loader);
  g_object_unref (f->spawn);
  empty (f->base);
  g_free (f->base);
}

static guint
count_stored (Fixture *f)
{
  g_autoptr (GDir) dir = g_dir_open (collet_loader_get_folder (f->loader), 0, NULL);
  g_autofree char *tmp = g_build_filename (collet_loader_get_folder (f->loader), "tmp", NULL);
  g_autoptr (GDir) left = g_dir_open (tmp, 0, NULL);
  guint n = 0;

  g_assert_null (g_dir_read_name (left));
  for (const char *name = g_dir_read_name (dir); name != NULL; name = g_dir_read_name (dir))
    n += g_str_has_suffix (name, ".so") ? 1 : 0;
  return n;
}

/* A file for each word; "missing" has none. */
static GStrv
write_sources (Fixture *f, const char *kinds)
{
  g_auto (GStrv) words = g_strsplit (kinds, " ", -1);
  guint n = g_strv_length (words);
  GStrv paths = g_new0 (char *, n + 1);

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *name = g_strdup_printf ("%u.so", i);
      paths[i] = g_build_filename (f->base, name, NULL);
      g_unlink (paths[i]);
      if (!g_str_equal (words[i], "missing"))
        g_assert_true (g_file_set_contents (paths[i], words[i], -1, NULL));
    }
  return paths;
}

static void
on_ready (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **)user_data = g_object_ref (result);
}

static GAsyncResult *
wait_for (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return *result;
}

static GPtrArray *
examine (Fixture *f, const char *kinds, GError **error)
{
  g_auto (GStrv) paths = write_sources (f, kinds);
  g_autoptr (GAsyncResult) result = NULL;

  collet_loader_examine_async (f->loader, (const char *const *)paths, NULL, on_ready, &result);
  return collet_loader_examine_finish (f->loader, wait_for (&result), error);
}

/* There must be one. */
static const ColletCheck *
find_check (const ColletCandidate *candidate, const char *name)
{
  for (guint i = 0; i < candidate->checks->len; i++)
    {
      const ColletCheck *check = g_ptr_array_index (candidate->checks, i);
      if (g_str_equal (check->name, name))
        return check;
    }
  g_error ("%s has no check \"%s\"", candidate->source, name);
}

/* One code a candidate; -1: proven. */
static void
assert_verdicts (GPtrArray *candidates, const int *codes, guint n)
{
  g_assert_nonnull (candidates);
  g_assert_cmpuint (candidates->len, ==, n);
  for (guint i = 0; i < n; i++)
    {
      const ColletCandidate *candidate = g_ptr_array_index (candidates, i);
      g_test_message ("%u: %s", i, candidate->error != NULL ? candidate->error->message : "proven");
      if (codes[i] < 0)
        {
          g_assert_no_error (candidate->error);
          g_assert_nonnull (candidate->path);
          g_assert_nonnull (candidate->manifest);
          g_assert_true (g_file_test (candidate->path, G_FILE_TEST_EXISTS));
        }
      else
        {
          g_assert_error (candidate->error, COLLET_ERROR, codes[i]);
          g_assert_null (candidate->path);
        }
    }
}

#define ASSERT_VERDICTS(candidates, ...)                                                                     \
  G_STMT_START                                                                                               \
  {                                                                                                          \
    const int codes_[] = { __VA_ARGS__ };                                                                    \
    assert_verdicts (candidates, codes_, G_N_ELEMENTS (codes_));                                             \
  }                                                                                                          \
  G_STMT_END

static void
test_proven_is_stored (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) candidates = examine (f, "one", NULL);

  ASSERT_VERDICTS (candidates, -1);
  const ColletCandidate *candidate = g_ptr_array_index (candidates, 0);
  g_assert_cmpstr (candidate->manifest->name, ==, "one");
  g_assert_cmpstr (candidate->version->semver, ==, "1.0.0");
  g_assert_cmpstr (candidate->version->build_id, ==, "0a1b");
  g_assert_cmpuint (candidate->version->size, ==, 3);
  for (guint i = 0; i < candidate->checks->len; i++)
    g_assert_cmpint (((ColletCheck *)candidate->checks->pdata[i])->outcome, ==, COLLET_CHECK_PASSED);
  g_assert_nonnull (find_check (candidate, "artifact"));
  g_assert_nonnull (find_check (candidate, "machine"));
  g_assert_nonnull (find_check (candidate, "schemas"));
  g_assert_nonnull (find_check (candidate, "trust"));
  g_assert_nonnull (find_check (candidate, "state"));
  g_assert_cmpuint (count_stored (f), ==, 1);
}

static void
test_each_fault_has_its_name (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) candidates =
      examine (f, "missing noise no-manifest crash-read crash-run exit-run liar fail stateful", NULL);

  ASSERT_VERDICTS (candidates, COLLET_ERROR_ARTIFACT_NOT_FOUND, COLLET_ERROR_INVALID_MODULE,
                   COLLET_ERROR_INVALID_MANIFEST, COLLET_ERROR_PROBE_CRASHED, COLLET_ERROR_PROBE_CRASHED,
                   COLLET_ERROR_PROBE_CRASHED, COLLET_ERROR_INVALID_MODULE, COLLET_ERROR_VALIDATION_FAILED,
                   COLLET_ERROR_VALIDATION_FAILED);
  g_assert_cmpuint (count_stored (f), ==, 0);

  /* What was read of the one that crashed later is kept. */
  const ColletCandidate *crashed = g_ptr_array_index (candidates, 4);
  g_assert_nonnull (strstr (crashed->error->message, "Segmentation fault"));
  g_assert_cmpstr (crashed->manifest->name, ==, "crash-run");
  g_assert_cmpint (find_check (crashed, "machine")->outcome, ==, COLLET_CHECK_PASSED);
  g_assert_cmpint (find_check (crashed, "trial")->outcome, ==, COLLET_CHECK_FAILED);
  g_assert_nonnull (find_check (crashed, "trial")->remedy);
  g_assert_cmpint (find_check (crashed, "state")->outcome, ==, COLLET_CHECK_SKIPPED);
  const ColletCandidate *ended = g_ptr_array_index (candidates, 5);
  g_assert_nonnull (strstr (ended->error->message, "exit status 3"));
}

static void
test_one_crash_leaves_the_others_proven (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) candidates = examine (f, "a b c crash-run d e f", NULL);

  ASSERT_VERDICTS (candidates, -1, -1, -1, COLLET_ERROR_PROBE_CRASHED, -1, -1, -1);
  g_assert_cmpuint (count_stored (f), ==, 6);
  g_assert_cmpuint (fake_spawn_get_children (f->spawn), ==, 3);
}

/* Who reads badly is known at once, and nobody has run yet. */
static void
test_crash_while_reading_loses_nobody (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) candidates = examine (f, "a b crash-read c", NULL);

  ASSERT_VERDICTS (candidates, -1, -1, COLLET_ERROR_PROBE_CRASHED, -1);
  g_assert_cmpuint (fake_spawn_get_children (f->spawn), ==, 2);
}

/* Dying of what a neighbour left behind is not one's own fault. */
static void
test_nobody_answers_for_a_neighbour (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) candidates = examine (f, "a poison b c", NULL);

  ASSERT_VERDICTS (candidates, -1, -1, -1, -1);
  g_assert_cmpuint (fake_spawn_get_children (f->spawn), ==, 2);
}

static void
test_failing_beside_others_is_tried_alone (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) candidates = examine (f, "a greedy b fail c", NULL);

  ASSERT_VERDICTS (candidates, -1, -1, -1, COLLET_ERROR_VALIDATION_FAILED, -1);
  g_assert_cmpuint (fake_spawn_get_children (f->spawn), ==, 4);
}

static void
test_hang_is_a_timeout (Fixture *f, gconstpointer data)
{
  struct collet_limits limits;

  collet_loader_get_probe_limits (f->loader, &limits);
  limits.deadline_ms = 50;
  collet_loader_set_probe_limits (f->loader, &limits);
  g_autoptr (GPtrArray) candidates = examine (f, "a hang-run b", NULL);
  ASSERT_VERDICTS (candidates, -1, COLLET_ERROR_PROBE_TIMEOUT, -1);
}

static void
test_same_bytes_are_tried_once (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) candidates = examine (f, "a a crash-run a crash-run", NULL);

  ASSERT_VERDICTS (candidates, -1, -1, COLLET_ERROR_PROBE_CRASHED, -1, COLLET_ERROR_PROBE_CRASHED);
  g_assert_cmpuint (count_stored (f), ==, 1);
}

static void
test_refused_again_keeps_what_was_proven (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) first = examine (f, "a b", NULL);
  g_autoptr (GPtrArray) second = examine (f, "a crash-run", NULL);

  ASSERT_VERDICTS (second, -1, COLLET_ERROR_PROBE_CRASHED);
  g_assert_cmpuint (count_stored (f), ==, 2);
}

static void
test_fork_server_fault_concerns_all (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (examine (f, "a refuse-all b", &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_SPAWN_FAILED);
  g_assert_cmpuint (count_stored (f), ==, 0);
}

static void
test_nothing_is_a_batch_too (Fixture *f, gconstpointer data)
{
  const char *none[] = { NULL };
  g_autoptr (GAsyncResult) result = NULL;

  collet_loader_examine_async (f->loader, none, NULL, on_ready, &result);
  g_autoptr (GPtrArray) candidates = collet_loader_examine_finish (f->loader, wait_for (&result), NULL);
  g_assert_cmpuint (candidates->len, ==, 0);
  g_autoptr (GPtrArray) missing = examine (f, "missing missing", NULL);
  ASSERT_VERDICTS (missing, COLLET_ERROR_ARTIFACT_NOT_FOUND, COLLET_ERROR_ARTIFACT_NOT_FOUND);
  g_assert_cmpuint (fake_spawn_get_children (f->spawn), ==, 0);
}

static void
test_cancelled_leaves_nothing (Fixture *f, gconstpointer data)
{
  g_auto (GStrv) paths = write_sources (f, "a b");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  collet_loader_examine_async (f->loader, (const char *const *)paths, cancellable, on_ready, &result);
  g_cancellable_cancel (cancellable);
  g_assert_null (collet_loader_examine_finish (f->loader, wait_for (&result), &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_CANCELLED);
  g_assert_cmpuint (count_stored (f), ==, 0);
}

static void
test_bytes_from_an_fd (Fixture *f, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  int fds[2];

  g_assert_cmpint (pipe (fds), ==, 0);
  g_assert_cmpint (write (fds[1], "one", 3), ==, 3);
  g_close (fds[1], NULL);
  collet_loader_examine_fd_async (f->loader, fds[0], "bytes of uid 1000", NULL, on_ready, &result);
  g_autoptr (ColletCandidate) candidate =
      collet_loader_examine_fd_finish (f->loader, wait_for (&result), &error);
  g_assert_no_error (error);
  g_assert_no_error (candidate->error);
  g_assert_cmpstr (candidate->source, ==, "bytes of uid 1000");
  g_clear_object (&result);
  /* The fd was taken. */
  g_assert_cmpint (read (fds[0], fds, 1), ==, -1);
}

static void
test_validation_leaves_no_trace (Fixture *f, gconstpointer data)
{
  g_auto (GStrv) paths = write_sources (f, "one crash-run");

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GAsyncResult) result = NULL;
      collet_loader_validate_async (f->loader, paths[i], NULL, on_ready, &result);
      g_autoptr (ColletCandidate) candidate =
          collet_loader_validate_finish (f->loader, wait_for (&result), NULL);
      g_assert_nonnull (candidate->version);
      g_assert_null (candidate->path);
      g_assert_cmpint (candidate->error == NULL, ==, i == 0);
      g_assert_cmpuint (count_stored (f), ==, 0);
    }
}

static void
test_open_file_is_warned_of (Fixture *f, gconstpointer data)
{
  g_auto (GStrv) paths = write_sources (f, "one");
  g_autoptr (GAsyncResult) result = NULL;
  const ColletTrustPolicy policy = { .level = COLLET_TRUST_ANY };

  collet_loader_set_trust (f->loader, &policy);
  g_assert_cmpint (chmod (paths[0], 0666), ==, 0);
  collet_loader_validate_async (f->loader, paths[0], NULL, on_ready, &result);
  g_autoptr (ColletCandidate) candidate = collet_loader_validate_finish (f->loader, wait_for (&result), NULL);
  g_assert_no_error (candidate->error);
  g_assert_cmpint (find_check (candidate, "trust")->outcome, ==, COLLET_CHECK_WARNING);
  g_assert_nonnull (strstr (find_check (candidate, "trust")->evidence, "0666"));
}

static void
test_untrusted_is_never_tried (Fixture *f, gconstpointer data)
{
  g_auto (GStrv) paths = write_sources (f, "one");
  g_autoptr (GAsyncResult) result = NULL;

  g_assert_cmpint (chmod (paths[0], 0666), ==, 0);
  collet_loader_validate_async (f->loader, paths[0], NULL, on_ready, &result);
  g_autoptr (ColletCandidate) candidate = collet_loader_validate_finish (f->loader, wait_for (&result), NULL);
  g_assert_error (candidate->error, COLLET_ERROR, COLLET_ERROR_NOT_TRUSTED);
  g_assert_cmpint (find_check (candidate, "trust")->outcome, ==, COLLET_CHECK_FAILED);
  g_assert_nonnull (find_check (candidate, "trust")->remedy);
  g_assert_cmpint (find_check (candidate, "elf-format")->outcome, ==, COLLET_CHECK_SKIPPED);
  g_assert_cmpint (find_check (candidate, "trial")->outcome, ==, COLLET_CHECK_SKIPPED);
  g_assert_cmpuint (fake_spawn_get_children (f->spawn), ==, 0);
}

static void
test_verify_names_the_damage (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) candidates = examine (f, "one", NULL);
  const ColletCandidate *candidate = g_ptr_array_index (candidates, 0);
  g_autofree char *nothing = g_strnfill (64, '0');
  g_autoptr (ColletVersion) other = collet_version_new (nothing, candidate->version->md5, NULL, NULL, "1", 1);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (GAsyncResult) result = NULL;
      collet_loader_verify_async (f->loader, i == 2 ? other : candidate->version, TRUE, NULL, on_ready,
                                  &result);
      g_autofree char *path = collet_loader_verify_finish (f->loader, wait_for (&result), &error);
      if (i == 0)
        {
          g_assert_cmpstr (path, ==, candidate->path);
          g_assert_cmpint (chmod (path, 0600), ==, 0);
          g_assert_true (g_file_set_contents_full (path, "two", 3, G_FILE_SET_CONTENTS_NONE, 0444, NULL));
        }
      else if (i == 1)
        g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INTEGRITY_FAILED);
      else
        g_assert_error (error, COLLET_ERROR, COLLET_ERROR_ARTIFACT_NOT_FOUND);
      g_clear_error (&error);
    }
}

/* Several batches under way, the same bytes in each. */
static void
test_batches_do_not_disturb_each_other (Fixture *f, gconstpointer data)
{
  enum
  {
    N = 8
  };
  GAsyncResult *results[N] = { NULL };
  g_auto (GStrv) paths = write_sources (f, "a b crash-run c");

  for (guint i = 0; i < N; i++)
    collet_loader_examine_async (f->loader, (const char *const *)paths, NULL, on_ready, &results[i]);
  for (guint i = 0; i < N; i++)
    {
      g_autoptr (GPtrArray) candidates =
          collet_loader_examine_finish (f->loader, wait_for (&results[i]), NULL);
      ASSERT_VERDICTS (candidates, -1, -1, COLLET_ERROR_PROBE_CRASHED, -1);
      g_object_unref (results[i]);
    }
  g_assert_cmpuint (count_stored (f), ==, 3);
}

#define TEST(name, func) g_test_add ("/loader/examination/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  TEST ("proven-is-stored", test_proven_is_stored);
  TEST ("each-fault-has-its-name", test_each_fault_has_its_name);
  TEST ("one-crash-leaves-the-others-proven", test_one_crash_leaves_the_others_proven);
  TEST ("crash-while-reading-loses-nobody", test_crash_while_reading_loses_nobody);
  TEST ("nobody-answers-for-a-neighbour", test_nobody_answers_for_a_neighbour);
  TEST ("failing-beside-others-is-tried-alone", test_failing_beside_others_is_tried_alone);
  TEST ("hang-is-a-timeout", test_hang_is_a_timeout);
  TEST ("same-bytes-are-tried-once", test_same_bytes_are_tried_once);
  TEST ("refused-again-keeps-what-was-proven", test_refused_again_keeps_what_was_proven);
  TEST ("fork-server-fault-concerns-all", test_fork_server_fault_concerns_all);
  TEST ("nothing-is-a-batch-too", test_nothing_is_a_batch_too);
  TEST ("cancelled-leaves-nothing", test_cancelled_leaves_nothing);
  TEST ("bytes-from-an-fd", test_bytes_from_an_fd);
  TEST ("validation-leaves-no-trace", test_validation_leaves_no_trace);
  TEST ("open-file-is-warned-of", test_open_file_is_warned_of);
  TEST ("untrusted-is-never-tried", test_untrusted_is_never_tried);
  TEST ("verify-names-the-damage", test_verify_names_the_damage);
  TEST ("batches-do-not-disturb-each-other", test_batches_do_not_disturb_each_other);
  return g_test_run ();
}
