/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collet-artifact-store.h"
#include "collet-error.h"

/* SHA-256 and MD5 of "abc", from their specifications. */
#define ABC_SHA256 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define ABC_MD5 "900150983cd24fb0d6963f7d28e17f72"

typedef struct
{
  char *base;
  char *folder;
  ColletArtifactStore *store;
} Fixture;

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);

  for (const char *name = dir != NULL ? g_dir_read_name (dir) : NULL; name != NULL;
       name = g_dir_read_name (dir))
    {
      g_autofree char *child = g_build_filename (path, name, NULL);
      if (g_file_test (child, G_FILE_TEST_IS_DIR) && !g_file_test (child, G_FILE_TEST_IS_SYMLINK))
        remove_tree (child);
      else
        g_unlink (child);
    }
  g_rmdir (path);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->base = g_dir_make_tmp ("collet-store-XXXXXX", &error);
  g_assert_no_error (error);
  f->folder = g_build_filename (f->base, "artifacts", NULL);
  f->store = collet_artifact_store_open (f->folder, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  collet_artifact_store_unref (f->store);
  remove_tree (f->base);
  g_free (f->folder);
  g_free (f->base);
}

static guint
count_entries (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  guint n = 0;

  g_assert_nonnull (dir);
  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

/* tmp/ itself is the one entry that stays. */
static void
assert_stored (Fixture *f, guint n)
{
  g_autofree char *tmp = g_build_filename (f->folder, "tmp", NULL);

  g_assert_cmpuint (count_entries (tmp), ==, 0);
  g_assert_cmpuint (count_entries (f->folder), ==, n + 1);
}

static char *
write_source (Fixture *f, const char *name, const char *bytes, gssize size)
{
  char *path = g_build_filename (f->base, name, NULL);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, bytes, size, &error);
  g_assert_no_error (error);
  return path;
}

static void
take_path (Fixture *f, const char *path, ColletArtifactIntake *intake)
{
  memset (intake, 0, sizeof *intake);
  intake->source = (ColletArtifactSource){ .path = path, .name = path, .fd = -1 };
  collet_artifact_store_take (f->store, intake, 1, FALSE);
}

static void
drop (Fixture *f, ColletArtifactIntake *intake, gboolean keep)
{
  collet_artifact_store_release (f->store, intake, keep);
  collet_artifact_intake_clear (intake);
}

static void
test_names_by_hash (Fixture *f, gconstpointer data)
{
  g_autofree char *path = write_source (f, "abc.so", "abc", 3);
  g_autofree char *wanted = g_build_filename (f->folder, ABC_SHA256 ".so", NULL);
  g_autoptr (GError) error = NULL;
  ColletArtifactIntake intake;
  struct stat stored, source;

  take_path (f, path, &intake);
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
  drop (f, &intake, TRUE);
  assert_stored (f, 1);
}

static void
test_large_artifact_is_the_same (Fixture *f, gconstpointer data)
{
  gsize size = 3 * 1024 * 1024 + 17;
  g_autofree char *bytes = g_malloc (size);
  g_autofree char *copied = NULL;
  gsize copied_size;
  ColletArtifactIntake intake;

  for (gsize i = 0; i < size; i++)
    bytes[i] = (char)(i * 31 + (i >> 11));
  g_autofree char *path = write_source (f, "large.so", bytes, (gssize)size);
  g_autofree char *sha256 = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (guint8 *)bytes, size);
  g_autofree char *md5 = g_compute_checksum_for_data (G_CHECKSUM_MD5, (guint8 *)bytes, size);

  take_path (f, path, &intake);
  g_assert_no_error (intake.error);
  g_assert_cmpstr (intake.facts.digest.sha256, ==, sha256);
  g_assert_cmpstr (intake.facts.digest.md5, ==, md5);
  g_assert_true (g_file_get_contents (intake.path, &copied, &copied_size, NULL));
  g_assert_cmpmem (copied, copied_size, bytes, size);
  drop (f, &intake, FALSE);
  assert_stored (f, 0);
}

static void
test_refused_leaves_nothing (Fixture *f, gconstpointer data)
{
  g_autofree char *path = write_source (f, "abc.so", "abc", 3);
  ColletArtifactIntake intake;

  take_path (f, path, &intake);
  g_assert_no_error (intake.error);
  drop (f, &intake, FALSE);
  assert_stored (f, 0);
}

static void
test_refused_keeps_what_was_there (Fixture *f, gconstpointer data)
{
  g_autofree char *path = write_source (f, "abc.so", "abc", 3);
  ColletArtifactIntake first, second;
  struct stat before, after;

  take_path (f, path, &first);
  drop (f, &first, TRUE);
  g_autofree char *stored = collet_artifact_store_dup_path (f->store, ABC_SHA256);
  g_assert_cmpint (stat (stored, &before), ==, 0);
  take_path (f, path, &second);
  drop (f, &second, FALSE);
  g_assert_cmpint (stat (stored, &after), ==, 0);
  g_assert_cmpuint (before.st_ino, ==, after.st_ino);
  assert_stored (f, 1);
}

/* Two examinations of the same bytes at a time; one refuses them. */
static void
test_one_verdict_does_not_undo_another (Fixture *f, gconstpointer data)
{
  g_autofree char *path = write_source (f, "abc.so", "abc", 3);
  ColletArtifactIntake first, second;

  take_path (f, path, &first);
  take_path (f, path, &second);
  drop (f, &second, TRUE);
  assert_stored (f, 1);
  drop (f, &first, FALSE);
  assert_stored (f, 1);
}

static void
test_damaged_copy_is_replaced (Fixture *f, gconstpointer data)
{
  g_autofree char *path = write_source (f, "abc.so", "abc", 3);
  g_autofree char *stored = collet_artifact_store_dup_path (f->store, ABC_SHA256);
  g_autoptr (GError) error = NULL;
  ColletArtifactIntake intake;

  g_assert_true (g_file_set_contents (stored, "abX", 3, NULL));
  g_assert_false (collet_artifact_store_verify (f->store, ABC_SHA256, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INTEGRITY_FAILED);
  g_clear_error (&error);
  take_path (f, path, &intake);
  g_assert_no_error (intake.error);
  drop (f, &intake, TRUE);
  g_assert_true (collet_artifact_store_verify (f->store, ABC_SHA256, &error));
  g_assert_no_error (error);
  assert_stored (f, 1);
}

static void
test_missing_is_named (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (collet_artifact_store_verify (f->store, ABC_SHA256, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_ARTIFACT_NOT_FOUND);
}

static void
assert_refused (Fixture *f, const char *path, ColletError code)
{
  ColletArtifactIntake intake;

  take_path (f, path, &intake);
  g_assert_error (intake.error, COLLET_ERROR, (int)code);
  g_assert_nonnull (strstr (intake.error->message, path));
  g_assert_null (intake.path);
  drop (f, &intake, FALSE);
  assert_stored (f, 0);
}

static void
test_refuses_what_is_no_file (Fixture *f, gconstpointer data)
{
  g_autofree char *fifo = g_build_filename (f->base, "fifo", NULL);
  g_autofree char *loop = g_build_filename (f->base, "loop", NULL);
  g_autofree char *gone = g_build_filename (f->base, "gone.so", NULL);
  g_autofree char *below = g_build_filename (f->base, "fifo", "x.so", NULL);

  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  g_assert_cmpint (symlink ("loop", loop), ==, 0);
  assert_refused (f, f->base, COLLET_ERROR_INVALID_MODULE);
  assert_refused (f, "/dev/zero", COLLET_ERROR_INVALID_MODULE);
  assert_refused (f, fifo, COLLET_ERROR_INVALID_MODULE);
  assert_refused (f, loop, COLLET_ERROR_ARTIFACT_NOT_FOUND);
  assert_refused (f, gone, COLLET_ERROR_ARTIFACT_NOT_FOUND);
  assert_refused (f, below, COLLET_ERROR_ARTIFACT_NOT_FOUND);
}

static void
test_follows_symbolic_links (Fixture *f, gconstpointer data)
{
  g_autofree char *path = write_source (f, "abc-1.0.so", "abc", 3);
  g_autofree char *link = g_build_filename (f->base, "abc.so", NULL);
  ColletArtifactIntake intake;

  g_assert_cmpint (symlink (path, link), ==, 0);
  take_path (f, link, &intake);
  g_assert_no_error (intake.error);
  g_assert_cmpstr (intake.facts.digest.sha256, ==, ABC_SHA256);
  drop (f, &intake, FALSE);
}

static void
test_refuses_too_large (Fixture *f, gconstpointer data)
{
  g_autofree char *path = write_source (f, "huge.so", "", 0);

  g_assert_cmpint (truncate (path, COLLET_ARTIFACT_MAX + 1), ==, 0);
  assert_refused (f, path, COLLET_ERROR_ARTIFACT_TOO_LARGE);
}

/* A file whose size is a lie, as those of the kernel are. */
static void
test_refuses_a_file_that_grows (Fixture *f, gconstpointer data)
{
  assert_refused (f, "/proc/self/maps", COLLET_ERROR_ARTIFACT_CHANGED);
}

typedef struct
{
  const char *path;
  int stop;
} Writer;

static gpointer
keep_writing (gpointer data)
{
  Writer *writer = data;
  int fd = g_open (writer->path, O_WRONLY, 0);

  for (guint i = 0; g_atomic_int_get (&writer->stop) == 0; i++)
    {
      char c = (char)i;
      g_assert_cmpint (pwrite (fd, &c, 1, i % 4096), ==, 1);
    }
  g_close (fd, NULL);
  return NULL;
}

static void
test_refuses_a_file_being_written (Fixture *f, gconstpointer data)
{
  g_autofree char *bytes = g_malloc0 (8 * 1024 * 1024);
  g_autofree char *path = write_source (f, "moving.so", bytes, 8 * 1024 * 1024);
  Writer writer = { path, 0 };
  GThread *thread = g_thread_new ("writer", keep_writing, &writer);

  g_usleep (20000);
  assert_refused (f, path, COLLET_ERROR_ARTIFACT_CHANGED);
  g_atomic_int_set (&writer.stop, 1);
  g_thread_join (thread);
}

static gpointer
replace_soon (gpointer data)
{
  Writer *writer = data;
  g_autofree char *other = g_strconcat (writer->path, ".new", NULL);

  while (g_atomic_int_get (&writer->stop) == 0)
    {
      g_assert_true (g_file_set_contents_full (other, "x", 1, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
      g_assert_cmpint (g_rename (other, writer->path), ==, 0);
      g_assert_cmpint (truncate (writer->path, 32 * 1024 * 1024), ==, 0);
    }
  return NULL;
}

/* Whatever moment it hits, the answer is the bytes of one file or a named error. */
static void
test_survives_replacement (Fixture *f, gconstpointer data)
{
  g_autofree char *path = write_source (f, "flip.so", "x", 1);
  Writer writer = { path, 0 };
  GThread *thread = g_thread_new ("writer", replace_soon, &writer);

  for (guint i = 0; i < 20; i++)
    {
      ColletArtifactIntake intake;
      take_path (f, path, &intake);
      if (intake.error != NULL)
        g_assert_error (intake.error, COLLET_ERROR, COLLET_ERROR_ARTIFACT_CHANGED);
      drop (f, &intake, FALSE);
    }
  g_atomic_int_set (&writer.stop, 1);
  g_thread_join (thread);
  assert_stored (f, 0);
}

static void
take_fd (Fixture *f, int fd, ColletArtifactIntake *intake)
{
  memset (intake, 0, sizeof *intake);
  intake->source = (ColletArtifactSource){ .path = NULL, .name = "the bytes", .fd = fd };
  collet_artifact_store_take (f->store, intake, 1, FALSE);
}

static void
test_takes_bytes_from_a_memfd (Fixture *f, gconstpointer data)
{
  ColletArtifactIntake intake;
  int fd = memfd_create ("abc", MFD_CLOEXEC);

  /* The offset is at the end, as after writing. */
  g_assert_cmpint (write (fd, "abc", 3), ==, 3);
  take_fd (f, fd, &intake);
  g_assert_no_error (intake.error);
  g_assert_cmpstr (intake.facts.digest.sha256, ==, ABC_SHA256);
  drop (f, &intake, FALSE);
  g_close (fd, NULL);
}

static gpointer
feed (gpointer data)
{
  int fd = GPOINTER_TO_INT (data);

  for (const char *p = "abc"; *p != '\0'; p++)
    {
      g_assert_cmpint (write (fd, p, 1), ==, 1);
      g_usleep (2000);
    }
  g_close (fd, NULL);
  return NULL;
}

static void
test_takes_bytes_from_a_pipe (Fixture *f, gconstpointer data)
{
  ColletArtifactIntake intake;
  int fds[2];

  g_assert_cmpint (pipe2 (fds, O_CLOEXEC), ==, 0);
  GThread *thread = g_thread_new ("feeder", feed, GINT_TO_POINTER (fds[1]));
  take_fd (f, fds[0], &intake);
  g_thread_join (thread);
  g_assert_no_error (intake.error);
  g_assert_cmpstr (intake.facts.digest.sha256, ==, ABC_SHA256);
  drop (f, &intake, FALSE);
  g_close (fds[0], NULL);
}

static gpointer
flood (gpointer data)
{
  int fd = GPOINTER_TO_INT (data);
  g_autofree char *bytes = g_malloc0 (1 << 20);

  while (write (fd, bytes, 1 << 20) > 0)
    ;
  g_close (fd, NULL);
  return NULL;
}

static void
test_bounds_an_endless_pipe (Fixture *f, gconstpointer data)
{
  ColletArtifactIntake intake;
  int fds[2];

  g_assert_cmpint (pipe2 (fds, O_CLOEXEC), ==, 0);
  GThread *thread = g_thread_new ("flood", flood, GINT_TO_POINTER (fds[1]));
  take_fd (f, fds[0], &intake);
  g_close (fds[0], NULL);
  g_thread_join (thread);
  g_assert_error (intake.error, COLLET_ERROR, COLLET_ERROR_ARTIFACT_TOO_LARGE);
  drop (f, &intake, FALSE);
  assert_stored (f, 0);
}

static void
test_start_clears_what_was_left (Fixture *f, gconstpointer data)
{
  g_autofree char *left = g_build_filename (f->folder, "tmp", "0123.so", NULL);
  g_autofree char *path = write_source (f, "abc.so", "abc", 3);
  g_autoptr (GError) error = NULL;
  ColletArtifactIntake intake;

  take_path (f, path, &intake);
  drop (f, &intake, TRUE);
  g_assert_true (g_file_set_contents (left, "half", 4, NULL));
  collet_artifact_store_unref (f->store);
  f->store = collet_artifact_store_open (f->folder, &error);
  g_assert_no_error (error);
  assert_stored (f, 1);
}

static void
test_collect_keeps_what_is_wanted (Fixture *f, gconstpointer data)
{
  g_autofree char *abc = write_source (f, "abc.so", "abc", 3);
  g_autofree char *old = write_source (f, "old.so", "old", 3);
  g_autofree char *busy = write_source (f, "busy.so", "busy", 4);
  g_autofree char *other = g_build_filename (f->folder, "README", NULL);
  g_autoptr (GHashTable) keep = g_hash_table_new (g_str_hash, g_str_equal);
  ColletArtifactIntake intake;

  take_path (f, abc, &intake);
  drop (f, &intake, TRUE);
  take_path (f, old, &intake);
  drop (f, &intake, TRUE);
  take_path (f, busy, &intake);
  g_assert_true (g_file_set_contents (other, "not ours", -1, NULL));
  g_hash_table_add (keep, (gpointer)ABC_SHA256);
  g_assert_cmpuint (collet_artifact_store_collect (f->store, keep), ==, 1);
  g_assert_true (collet_artifact_store_verify (f->store, ABC_SHA256, NULL));
  g_assert_true (g_file_test (intake.path, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (other, G_FILE_TEST_EXISTS));
  drop (f, &intake, FALSE);
}

/* Hundreds at a time, the same bytes among them, leave each its own verdict, and
 * no fd behind. */
static void
test_batch_in_parallel (Fixture *f, gconstpointer data)
{
  enum
  {
    N = 300
  };
  g_autofree ColletArtifactIntake *intakes = g_new0 (ColletArtifactIntake, N);
  g_autoptr (GError) error = NULL;
  guint fds = count_entries ("/proc/self/fd");

  for (guint i = 0; i < N; i++)
    {
      g_autofree char *name = g_strdup_printf ("%u.so", i);
      g_autofree char *text = g_strdup_printf ("module %u", i / 2);
      char *path = i % 10 == 9 ? g_build_filename (f->base, "none", NULL) : write_source (f, name, text, -1);
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
  assert_stored (f, N / 2);
  for (guint i = 0; i < N; i++)
    {
      g_free ((char *)intakes[i].source.path);
      drop (f, &intakes[i], FALSE);
    }
  assert_stored (f, 0);
  g_assert_cmpuint (count_entries ("/proc/self/fd"), ==, fds);
}

static void
test_trial_stays_apart (Fixture *f, gconstpointer data)
{
  g_autofree char *path = write_source (f, "abc.so", "abc", 3);
  g_autofree char *tmp = g_build_filename (f->folder, "tmp/", NULL);
  ColletArtifactIntake intake = { .source = { .path = path, .name = path, .fd = -1 } };

  collet_artifact_store_take (f->store, &intake, 1, TRUE);
  g_assert_no_error (intake.error);
  g_assert_true (g_str_has_prefix (intake.path, tmp));
  g_assert_cmpuint (count_entries (f->folder), ==, 1);
  drop (f, &intake, TRUE);
  assert_stored (f, 0);
}

/* ---- kill -9 ---- */

/* Killed at either side of the rename, the next start finds nothing, or good
 * bytes under their name. */
static void
test_survives_a_kill (Fixture *f, gconstpointer data)
{
#ifdef COLLET_FAILPOINTS
  static const char *const points[] = { "artifact-before-rename", "artifact-after-rename" };
  g_autofree char *path = write_source (f, "abc.so", "abc", 3);

  for (guint i = 0; i < G_N_ELEMENTS (points); i++)
    {
      g_autoptr (GError) error = NULL;
      int status;
      pid_t child = fork ();

      if (child == 0)
        {
          ColletArtifactIntake intake;
          g_setenv ("COLLET_FAILPOINT", points[i], TRUE);
          take_path (f, path, &intake);
          _exit (0);
        }
      g_assert_cmpint (waitpid (child, &status, 0), ==, child);
      g_assert_true (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL);
      collet_artifact_store_unref (f->store);
      f->store = collet_artifact_store_open (f->folder, &error);
      g_assert_no_error (error);
      assert_stored (f, i);
      g_assert_cmpint (collet_artifact_store_verify (f->store, ABC_SHA256, NULL), ==, i == 1);
    }
#else
  g_test_skip ("built without failpoints");
#endif
}

/* ---- a file system that refuses ---- */

static gboolean
mount_small (Fixture *f, const char *options)
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
unmount_small (Fixture *f)
{
  g_autofree char *where = g_build_filename (f->base, "small", NULL);

  collet_artifact_store_unref (f->store);
  g_assert_cmpint (umount2 (where, MNT_DETACH), ==, 0);
  g_free (f->folder);
  f->folder = g_build_filename (f->base, "artifacts", NULL);
  f->store = collet_artifact_store_open (f->folder, NULL);
}

static void
test_full_disk_is_named (Fixture *f, gconstpointer data)
{
  g_autofree char *bytes = g_malloc0 (600 * 1024);
  g_autofree char *path = write_source (f, "big.so", bytes, 600 * 1024);
  ColletArtifactIntake intake;

  if (!mount_small (f, "size=512k"))
    return;
  take_path (f, path, &intake);
  g_assert_error (intake.error, COLLET_ERROR, COLLET_ERROR_DISK_FULL);
  g_assert_nonnull (strstr (intake.error->message, f->folder));
  g_assert_true (collet_artifact_error_is_store (intake.error));
  drop (f, &intake, FALSE);
  assert_stored (f, 0);
  unmount_small (f);
}

static void
test_read_only_store_is_named (Fixture *f, gconstpointer data)
{
  g_autofree char *path = write_source (f, "abc.so", "abc", 3);
  g_autofree char *where = g_build_filename (f->base, "small", NULL);
  g_autoptr (GError) error = NULL;
  ColletArtifactIntake intake;

  if (!mount_small (f, "size=512k"))
    return;
  g_assert_cmpint (mount (NULL, where, NULL, MS_REMOUNT | MS_RDONLY, NULL), ==, 0);
  take_path (f, path, &intake);
  g_assert_error (intake.error, COLLET_ERROR, COLLET_ERROR_STORE_READ_ONLY);
  drop (f, &intake, FALSE);
  assert_stored (f, 0);
  g_assert_null (collet_artifact_store_open (f->folder, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_STORE_READ_ONLY);
  unmount_small (f);
}

#define TEST(name, func) g_test_add ("/loader/artifact-store/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  signal (SIGPIPE, SIG_IGN);
  TEST ("names-by-hash", test_names_by_hash);
  TEST ("large-artifact-is-the-same", test_large_artifact_is_the_same);
  TEST ("refused-leaves-nothing", test_refused_leaves_nothing);
  TEST ("refused-keeps-what-was-there", test_refused_keeps_what_was_there);
  TEST ("one-verdict-does-not-undo-another", test_one_verdict_does_not_undo_another);
  TEST ("damaged-copy-is-replaced", test_damaged_copy_is_replaced);
  TEST ("missing-is-named", test_missing_is_named);
  TEST ("refuses-what-is-no-file", test_refuses_what_is_no_file);
  TEST ("follows-symbolic-links", test_follows_symbolic_links);
  TEST ("refuses-too-large", test_refuses_too_large);
  TEST ("refuses-a-file-that-grows", test_refuses_a_file_that_grows);
  TEST ("refuses-a-file-being-written", test_refuses_a_file_being_written);
  TEST ("survives-replacement", test_survives_replacement);
  TEST ("takes-bytes-from-a-memfd", test_takes_bytes_from_a_memfd);
  TEST ("takes-bytes-from-a-pipe", test_takes_bytes_from_a_pipe);
  TEST ("bounds-an-endless-pipe", test_bounds_an_endless_pipe);
  TEST ("start-clears-what-was-left", test_start_clears_what_was_left);
  TEST ("collect-keeps-what-is-wanted", test_collect_keeps_what_is_wanted);
  TEST ("batch-in-parallel", test_batch_in_parallel);
  TEST ("trial-stays-apart", test_trial_stays_apart);
  TEST ("survives-a-kill", test_survives_a_kill);
  TEST ("full-disk-is-named", test_full_disk_is_named);
  TEST ("read-only-store-is-named", test_read_only_store_is_named);
  return g_test_run ();
}
