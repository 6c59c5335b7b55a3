/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-build.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collet-elf-extent.h"

/* Larger than any artifact that the loader takes; it says so when asked. */
#define MAX_HASHED (128 * 1024 * 1024)
#define BLOCK 65536

void
collet_build_free (ColletBuild *build)
{
  if (build == NULL)
    return;
  g_free (build->sha256);
  g_free (build);
}

static int
open_file (const char *path)
{
  struct stat info;
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

  if (fd >= 0 && (fstat (fd, &info) != 0 || !S_ISREG (info.st_mode)))
    {
      close (fd);
      return -1;
    }
  return fd;
}

/* A read lease is refused while the file is open for writing. Where there are no
 * leases (other owners' files, some file systems) nobody can tell. */
static gboolean
has_writer (int fd)
{
  if (fcntl (fd, F_SETLEASE, F_RDLCK) != 0)
    return errno == EAGAIN;
  fcntl (fd, F_SETLEASE, F_UNLCK);
  return FALSE;
}

/* NULL: could not be read. Of a whole file *is_whole is TRUE. */
static char *
hash (int fd, gboolean *is_whole)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autofree guint8 *block = g_malloc (BLOCK);
  guint64 size = 0;
  guint64 extent = 0;
  gboolean is_elf = FALSE;
  gssize n;

  while ((n = read (fd, block, BLOCK)) > 0 && size <= MAX_HASHED)
    {
      if (size == 0)
        is_elf = collet_elf_get_extent (block, (gsize)n, &extent);
      g_checksum_update (checksum, block, n);
      size += (guint64)n;
    }
  *is_whole = is_elf && extent <= size;
  return n < 0 ? NULL : g_strdup (g_checksum_get_string (checksum));
}

static void
examine (GTask *task, gpointer source, gpointer path, GCancellable *cancellable)
{
  ColletBuild *build = g_new0 (ColletBuild, 1);
  gboolean is_whole = FALSE;
  int fd = open_file (path);

  if (fd >= 0)
    {
      build->state = COLLET_BUILD_OPEN;
      if (!has_writer (fd))
        {
          build->sha256 = hash (fd, &is_whole);
          build->state = is_whole ? COLLET_BUILD_WHOLE : COLLET_BUILD_PARTIAL;
          if (has_writer (fd))
            build->state = COLLET_BUILD_OPEN;
        }
      close (fd);
    }
  g_task_return_pointer (task, build, (GDestroyNotify)collet_build_free);
}

void
collet_build_examine_async (gpointer source, const char *path, GAsyncReadyCallback callback,
                            gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (source, NULL, callback, user_data);

  g_task_set_task_data (task, g_strdup (path), g_free);
  g_task_run_in_thread (task, examine);
}

ColletBuild *
collet_build_examine_finish (GAsyncResult *result)
{
  return g_task_propagate_pointer (G_TASK (result), NULL);
}
