/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "artifact-fixture.h"
#include "collet-error.h"

static void
test_names_by_hash (ArtifactFixture *f, gconstpointer data)
{
  g_autofree char *path = artifact_fixture_write (f, "abc.so", "abc", 3);
  g_autofree char *wanted = g_build_filename (f->folder, ABC_SHA256 ".so", NULL);
  g_autoptr (GError) error = NULL;
  ColletArtifactIntake intake;
  struct stat stored, source;

  artifact_fixture_take (f, path, &intake);
  g_assert_no_error (intake.error);
  g_assert_cmpstr (intake.facts.digest.sha256, ==, ABC_SHA256);
  g_assert_cmpstr (intake.facts.digest.md5, ==, ABC_MD5);
  g_assert_cmpuint (intake.facts.digest.size, ==, 3);
  g_assert_cmpstr (intake.path, ==, wanted);
  g_assert_true (collet_artifact_store_sync (f->store, &intake, 1, &error));
  g_assert_no_error (error);
  g_assert_cmpint (stat (wanted, &stored), ==, 0);
  g_assert_cmpint (stat (path, &source), ==, 0);
  g_assert_cmpuint (stored.st_mode & 07777, ==, 0444);
  g_assert_cmpuint (stored.st_nlink, ==, 1);
  g_assert_cmpuint (stored.st_ino, !=, source.st_ino);
  artifact_fixture_drop (f, &intake, TRUE);
  artifact_fixture_assert_stored (f, 1);
}

static void
test_large_artifact_is_the_same (ArtifactFixture *f, gconstpointer data)
{
  gsize size = 3 * 1024 * 1024 + 17;
  g_autofree char *bytes = g_malloc (size);
  g_autofree char *copied = NULL;
  gsize copied_size;
  ColletArtifactIntake intake;

  for (gsize i = 0; i < size; i++)
    bytes[i] = (char)(i * 31 + (i >> 11));
  g_autofree char *path = artifact_fixture_write (f, "large.so", bytes, (gssize)size);
  g_autofree char *sha256 = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (guint8 *)bytes, size);
  g_autofree char *md5 = g_compute_checksum_for_data (G_CHECKSUM_MD5, (guint8 *)bytes, size);

  artifact_fixture_take (f, path, &intake);
  g_assert_no_error (intake.error);
  g_assert_cmpstr (intake.facts.digest.sha256, ==, sha256);
  g_assert_cmpstr (intake.facts.digest.md5, ==, md5);
  g_assert_true (g_file_get_contents (intake.path, &copied, &copied_size, NULL));
  g_assert_cmpmem (copied, copied_size, bytes, size);
  artifact_fixture_drop (f, &intake, FALSE);
  artifact_fixture_assert_stored (f, 0);
}

static void
test_refused_leaves_nothing (ArtifactFixture *f, gconstpointer data)
{
  g_autofree char *path = artifact_fixture_write (f, "abc.so", "abc", 3);
  ColletArtifactIntake intake;

  artifact_fixture_take (f, path, &intake);
  g_assert_no_error (intake.error);
  artifact_fixture_drop (f, &intake, FALSE);
  artifact_fixture_assert_stored (f, 0);
}

static void
test_refused_keeps_what_was_there (ArtifactFixture *f, gconstpointer data)
{
  g_autofree char *path = artifact_fixture_write (f, "abc.so", "abc", 3);
  ColletArtifactIntake first, second;
  struct stat before, after;

  artifact_fixture_take (f, path, &first);
  artifact_fixture_drop (f, &first, TRUE);
  g_autofree char *stored = collet_artifact_store_dup_path (f->store, ABC_SHA256);
  g_assert_cmpint (stat (stored, &before), ==, 0);
  artifact_fixture_take (f, path, &second);
  artifact_fixture_drop (f, &second, FALSE);
  g_assert_cmpint (stat (stored, &after), ==, 0);
  g_assert_cmpuint (before.st_ino, ==, after.st_ino);
  artifact_fixture_assert_stored (f, 1);
}

/* Two examinations of the same bytes at a time; one refuses them. */
static void
test_one_verdict_does_not_undo_another (ArtifactFixture *f, gconstpointer data)
{
  g_autofree char *path = artifact_fixture_write (f, "abc.so", "abc", 3);
  ColletArtifactIntake first, second;

  artifact_fixture_take (f, path, &first);
  artifact_fixture_take (f, path, &second);
  artifact_fixture_drop (f, &second, TRUE);
  artifact_fixture_assert_stored (f, 1);
  artifact_fixture_drop (f, &first, FALSE);
  artifact_fixture_assert_stored (f, 1);
}

static void
test_damaged_copy_is_replaced (ArtifactFixture *f, gconstpointer data)
{
  g_autofree char *path = artifact_fixture_write (f, "abc.so", "abc", 3);
  g_autofree char *stored = collet_artifact_store_dup_path (f->store, ABC_SHA256);
  g_autoptr (GError) error = NULL;
  ColletArtifactIntake intake;

  g_assert_true (g_file_set_contents (stored, "abX", 3, NULL));
  g_assert_false (collet_artifact_store_verify (f->store, ABC_SHA256, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INTEGRITY_FAILED);
  g_clear_error (&error);
  artifact_fixture_take (f, path, &intake);
  g_assert_no_error (intake.error);
  artifact_fixture_drop (f, &intake, TRUE);
  g_assert_true (collet_artifact_store_verify (f->store, ABC_SHA256, &error));
  g_assert_no_error (error);
  artifact_fixture_assert_stored (f, 1);
}

static void
test_missing_is_named (ArtifactFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (collet_artifact_store_verify (f->store, ABC_SHA256, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_ARTIFACT_NOT_FOUND);
}

static void
test_start_clears_what_was_left (ArtifactFixture *f, gconstpointer data)
{
  g_autofree char *left = g_build_filename (f->folder, "tmp", "0123.so", NULL);
  g_autofree char *path = artifact_fixture_write (f, "abc.so", "abc", 3);
  g_autoptr (GError) error = NULL;
  ColletArtifactIntake intake;

  artifact_fixture_take (f, path, &intake);
  artifact_fixture_drop (f, &intake, TRUE);
  g_assert_true (g_file_set_contents (left, "half", 4, NULL));
  collet_artifact_store_unref (f->store);
  f->store = collet_artifact_store_open (f->folder, &error);
  g_assert_no_error (error);
  artifact_fixture_assert_stored (f, 1);
}

static void
test_collect_keeps_what_is_wanted (ArtifactFixture *f, gconstpointer data)
{
  g_autofree char *abc = artifact_fixture_write (f, "abc.so", "abc", 3);
  g_autofree char *old = artifact_fixture_write (f, "old.so", "old", 3);
  g_autofree char *busy = artifact_fixture_write (f, "busy.so", "busy", 4);
  g_autofree char *other = g_build_filename (f->folder, "README", NULL);
  g_autoptr (GHashTable) keep = g_hash_table_new (g_str_hash, g_str_equal);
  ColletArtifactIntake intake;

  artifact_fixture_take (f, abc, &intake);
  artifact_fixture_drop (f, &intake, TRUE);
  artifact_fixture_take (f, old, &intake);
  artifact_fixture_drop (f, &intake, TRUE);
  artifact_fixture_take (f, busy, &intake);
  g_assert_true (g_file_set_contents (other, "not ours", -1, NULL));
  g_hash_table_add (keep, (gpointer)ABC_SHA256);
  g_assert_cmpuint (collet_artifact_store_collect (f->store, keep), ==, 1);
  g_assert_true (collet_artifact_store_verify (f->store, ABC_SHA256, NULL));
  g_assert_true (g_file_test (intake.path, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (other, G_FILE_TEST_EXISTS));
  artifact_fixture_drop (f, &intake, FALSE);
}

/* Hundreds at a time, the same bytes among them, leave each its own verdict, and
 * no fd behind. */
static void
test_batch_in_parallel (ArtifactFixture *f, gconstpointer data)
{
  enum
  {
    N = 300
  };
  g_autofree ColletArtifactIntake *intakes = g_new0 (ColletArtifactIntake, N);
  g_autoptr (GError) error = NULL;
  guint fds = artifact_fixture_count_entries ("/proc/self/fd");

  for (guint i = 0; i < N; i++)
    {
      g_autofree char *name = g_strdup_printf ("%u.so", i);
      g_autofree char *text = g_strdup_printf ("module %u", i / 2);
      char *path =
          i % 10 == 9 ? g_build_filename (f->base, "none", NULL) : artifact_fixture_write (f, name, text, -1);
      intakes[i].source = (ColletArtifactSource){ .path = path, .name = path, .fd = -1 };
    }
  collet_artifact_store_take (f->store, intakes, N, FALSE);
  g_assert_true (collet_artifact_store_sync (f->store, intakes, N, &error));
  g_assert_no_error (error);
  for (guint i = 0; i < N; i++)
    {
      if (i % 10 == 9)
        g_assert_error (intakes[i].error, COLLET_ERROR, COLLET_ERROR_ARTIFACT_NOT_FOUND);
      else
        {
          g_autofree char *text = g_strdup_printf ("module %u", i / 2);
          g_autofree char *sha256 = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);
          g_assert_no_error (intakes[i].error);
          g_assert_cmpstr (intakes[i].facts.digest.sha256, ==, sha256);
        }
    }
  artifact_fixture_assert_stored (f, N / 2);
  for (guint i = 0; i < N; i++)
    {
      g_free ((char *)intakes[i].source.path);
      artifact_fixture_drop (f, &intakes[i], FALSE);
    }
  artifact_fixture_assert_stored (f, 0);
  g_assert_cmpuint (artifact_fixture_count_entries ("/proc/self/fd"), ==, fds);
}

static void
test_trial_stays_apart (ArtifactFixture *f, gconstpointer data)
{
  g_autofree char *path = artifact_fixture_write (f, "abc.so", "abc", 3);
  g_autofree char *tmp = g_build_filename (f->folder, "tmp/", NULL);
  ColletArtifactIntake intake = { .source = { .path = path, .name = path, .fd = -1 } };

  collet_artifact_store_take (f->store, &intake, 1, TRUE);
  g_assert_no_error (intake.error);
  g_assert_true (g_str_has_prefix (intake.path, tmp));
  g_assert_cmpuint (artifact_fixture_count_entries (f->folder), ==, 1);
  artifact_fixture_drop (f, &intake, TRUE);
  artifact_fixture_assert_stored (f, 0);
}

/* ---- kill -9 ---- */

/* Killed at either side of the rename, the next start finds nothing, or good
 * bytes under their name. */
static void
test_survives_a_kill (ArtifactFixture *f, gconstpointer data)
{
#ifdef COLLET_FAILPOINTS
  static const char *const points[] = { "artifact-before-rename", "artifact-after-rename" };
  g_autofree char *path = artifact_fixture_write (f, "abc.so", "abc", 3);

  for (guint i = 0; i < G_N_ELEMENTS (points); i++)
    {
      g_autoptr (GError) error = NULL;
      int status;
      pid_t child = fork ();

      if (child == 0)
        {
          ColletArtifactIntake intake;
          g_setenv ("COLLET_FAILPOINT", points[i], TRUE);
          artifact_fixture_take (f, path, &intake);
          _exit (0);
        }
      g_assert_cmpint (waitpid (child, &status, 0), ==, child);
      g_assert_true (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL);
      collet_artifact_store_unref (f->store);
      f->store = collet_artifact_store_open (f->folder, &error);
      g_assert_no_error (error);
      artifact_fixture_assert_stored (f, i);
      g_assert_cmpint (collet_artifact_store_verify (f->store, ABC_SHA256, NULL), ==, i == 1);
    }
#else
  g_test_skip ("built without failpoints");
#endif
}

/* ---- a file system that refuses ---- */

static gboolean
mount_small (ArtifactFixture *f, const char *options)
{
  g_autofree char *where = g_build_filename (f->base, "small", NULL);

  g_mkdir (where, 0700);
  if (mount ("tmpfs", where, "tmpfs", 0, options) != 0)
    {
      g_test_skip ("mounting needs privileges");
      return FALSE;
    }
  collet_artifact_store_unref (f->store);
  g_free (f->folder);
  f->folder = g_build_filename (where, "artifacts", NULL);
  f->store = collet_artifact_store_open (f->folder, NULL);
  g_assert_nonnull (f->store);
  return TRUE;
}

static void
unmount_small (ArtifactFixture *f)
{
  g_autofree char *where = g_build_filename (f->base, "small", NULL);

  collet_artifact_store_unref (f->store);
  g_assert_cmpint (umount2 (where, MNT_DETACH), ==, 0);
  g_free (f->folder);
  f->folder = g_build_filename (f->base, "artifacts", NULL);
  f->store = collet_artifact_store_open (f->folder, NULL);
}

static void
test_full_disk_is_named (ArtifactFixture *f, gconstpointer data)
{
  g_autofree char *bytes = g_malloc0 (600 * 1024);
  g_autofree char *path = artifact_fixture_write (f, "big.so", bytes, 600 * 1024);
  ColletArtifactIntake intake;

  if (!mount_small (f, "size=512k"))
    return;
  artifact_fixture_take (f, path, &intake);
  g_assert_error (intake.error, COLLET_ERROR, COLLET_ERROR_DISK_FULL);
  g_assert_nonnull (strstr (intake.error->message, f->folder));
  g_assert_true (collet_artifact_error_is_store (intake.error));
  artifact_fixture_drop (f, &intake, FALSE);
  artifact_fixture_assert_stored (f, 0);
  unmount_small (f);
}

static void
test_read_only_store_is_named (ArtifactFixture *f, gconstpointer data)
{
  g_autofree char *path = artifact_fixture_write (f, "abc.so", "abc", 3);
  g_autofree char *where = g_build_filename (f->base, "small", NULL);
  g_autoptr (GError) error = NULL;
  ColletArtifactIntake intake;

  if (!mount_small (f, "size=512k"))
    return;
  g_assert_cmpint (mount (NULL, where, NULL, MS_REMOUNT | MS_RDONLY, NULL), ==, 0);
  artifact_fixture_take (f, path, &intake);
  g_assert_error (intake.error, COLLET_ERROR, COLLET_ERROR_STORE_READ_ONLY);
  artifact_fixture_drop (f, &intake, FALSE);
  artifact_fixture_assert_stored (f, 0);
  g_assert_null (collet_artifact_store_open (f->folder, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_STORE_READ_ONLY);
  unmount_small (f);
}

#define TEST(name, func)                                                                                     \
  g_test_add ("/loader/artifact-store/" name, ArtifactFixture, NULL, artifact_fixture_set_up, func,          \
              artifact_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  TEST ("names-by-hash", test_names_by_hash);
  TEST ("large-artifact-is-the-same", test_large_artifact_is_the_same);
  TEST ("refused-leaves-nothing", test_refused_leaves_nothing);
  TEST ("refused-keeps-what-was-there", test_refused_keeps_what_was_there);
  TEST ("one-verdict-does-not-undo-another", test_one_verdict_does_not_undo_another);
  TEST ("damaged-copy-is-replaced", test_damaged_copy_is_replaced);
  TEST ("missing-is-named", test_missing_is_named);
  TEST ("start-clears-what-was-left", test_start_clears_what_was_left);
  TEST ("collect-keeps-what-is-wanted", test_collect_keeps_what_is_wanted);
  TEST ("batch-in-parallel", test_batch_in_parallel);
  TEST ("trial-stays-apart", test_trial_stays_apart);
  TEST ("survives-a-kill", test_survives_a_kill);
  TEST ("full-disk-is-named", test_full_disk_is_named);
  TEST ("read-only-store-is-named", test_read_only_store_is_named);
  return g_test_run ();
}
