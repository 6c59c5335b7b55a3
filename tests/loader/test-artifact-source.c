/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "artifact-fixture.h"
#include "collet-error.h"

static void
assert_refused (ArtifactFixture *f, const char *path, ColletError code)
{
  ColletArtifactIntake intake;

  artifact_fixture_take (f, path, &intake);
  g_assert_error (intake.error, COLLET_ERROR, (int)code);
  g_assert_nonnull (strstr (intake.error->message, path));
  g_assert_null (intake.path);
  artifact_fixture_drop (f, &intake, FALSE);
  artifact_fixture_assert_stored (f, 0);
}

static void
test_refuses_what_is_no_file (ArtifactFixture *f, gconstpointer data)
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
test_follows_symbolic_links (ArtifactFixture *f, gconstpointer data)
{
  g_autofree char *path = artifact_fixture_write (f, "abc-1.0.so", "abc", 3);
  g_autofree char *link = g_build_filename (f->base, "abc.so", NULL);
  ColletArtifactIntake intake;

  g_assert_cmpint (symlink (path, link), ==, 0);
  artifact_fixture_take (f, link, &intake);
  g_assert_no_error (intake.error);
  g_assert_cmpstr (intake.facts.digest.sha256, ==, ABC_SHA256);
  artifact_fixture_drop (f, &intake, FALSE);
}

static void
test_refuses_too_large (ArtifactFixture *f, gconstpointer data)
{
  g_autofree char *path = artifact_fixture_write (f, "huge.so", "", 0);

  g_assert_cmpint (truncate (path, COLLET_ARTIFACT_MAX + 1), ==, 0);
  assert_refused (f, path, COLLET_ERROR_ARTIFACT_TOO_LARGE);
}

/* A file whose size is a lie, as those of the kernel are. */
static void
test_refuses_a_file_that_grows (ArtifactFixture *f, gconstpointer data)
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
test_refuses_a_file_being_written (ArtifactFixture *f, gconstpointer data)
{
  g_autofree char *bytes = g_malloc0 (8 * 1024 * 1024);
  g_autofree char *path = artifact_fixture_write (f, "moving.so", bytes, 8 * 1024 * 1024);
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
test_survives_replacement (ArtifactFixture *f, gconstpointer data)
{
  g_autofree char *path = artifact_fixture_write (f, "flip.so", "x", 1);
  Writer writer = { path, 0 };
  GThread *thread = g_thread_new ("writer", replace_soon, &writer);

  for (guint i = 0; i < 20; i++)
    {
      ColletArtifactIntake intake;
      artifact_fixture_take (f, path, &intake);
      if (intake.error != NULL)
        g_assert_error (intake.error, COLLET_ERROR, COLLET_ERROR_ARTIFACT_CHANGED);
      artifact_fixture_drop (f, &intake, FALSE);
    }
  g_atomic_int_set (&writer.stop, 1);
  g_thread_join (thread);
  artifact_fixture_assert_stored (f, 0);
}

static void
take_fd (ArtifactFixture *f, int fd, ColletArtifactIntake *intake)
{
  memset (intake, 0, sizeof *intake);
  intake->source = (ColletArtifactSource){ .path = NULL, .name = "the bytes", .fd = fd };
  collet_artifact_store_take (f->store, intake, 1, FALSE);
}

static void
test_takes_bytes_from_a_memfd (ArtifactFixture *f, gconstpointer data)
{
  ColletArtifactIntake intake;
  int fd = memfd_create ("abc", MFD_CLOEXEC);

  /* The offset is at the end, as after writing. */
  g_assert_cmpint (write (fd, "abc", 3), ==, 3);
  take_fd (f, fd, &intake);
  g_assert_no_error (intake.error);
  g_assert_cmpstr (intake.facts.digest.sha256, ==, ABC_SHA256);
  artifact_fixture_drop (f, &intake, FALSE);
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
test_takes_bytes_from_a_pipe (ArtifactFixture *f, gconstpointer data)
{
  ColletArtifactIntake intake;
  int fds[2];

  g_assert_cmpint (pipe2 (fds, O_CLOEXEC), ==, 0);
  GThread *thread = g_thread_new ("feeder", feed, GINT_TO_POINTER (fds[1]));
  take_fd (f, fds[0], &intake);
  g_thread_join (thread);
  g_assert_no_error (intake.error);
  g_assert_cmpstr (intake.facts.digest.sha256, ==, ABC_SHA256);
  artifact_fixture_drop (f, &intake, FALSE);
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
test_bounds_an_endless_pipe (ArtifactFixture *f, gconstpointer data)
{
  ColletArtifactIntake intake;
  int fds[2];

  g_assert_cmpint (pipe2 (fds, O_CLOEXEC), ==, 0);
  /* Few turns, each of which takes long on a busy machine: the size comes before the time. */
  fcntl (fds[1], F_SETPIPE_SZ, 1 << 20);
  GThread *thread = g_thread_new ("flood", flood, GINT_TO_POINTER (fds[1]));
  take_fd (f, fds[0], &intake);
  g_close (fds[0], NULL);
  g_thread_join (thread);
  g_assert_error (intake.error, COLLET_ERROR, COLLET_ERROR_ARTIFACT_TOO_LARGE);
  artifact_fixture_drop (f, &intake, FALSE);
  artifact_fixture_assert_stored (f, 0);
}

#define TEST(name, func)                                                                                     \
  g_test_add ("/loader/artifact-source/" name, ArtifactFixture, NULL, artifact_fixture_set_up, func,         \
              artifact_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  signal (SIGPIPE, SIG_IGN);
  TEST ("refuses-what-is-no-file", test_refuses_what_is_no_file);
  TEST ("follows-symbolic-links", test_follows_symbolic_links);
  TEST ("refuses-too-large", test_refuses_too_large);
  TEST ("refuses-a-file-that-grows", test_refuses_a_file_that_grows);
  TEST ("refuses-a-file-being-written", test_refuses_a_file_being_written);
  TEST ("survives-replacement", test_survives_replacement);
  TEST ("takes-bytes-from-a-memfd", test_takes_bytes_from_a_memfd);
  TEST ("takes-bytes-from-a-pipe", test_takes_bytes_from_a_pipe);
  TEST ("bounds-an-endless-pipe", test_bounds_an_endless_pipe);
  return g_test_run ();
}
