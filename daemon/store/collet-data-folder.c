/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-data-folder.h"

#include "collet-error-remedy.h"
#include "collet-error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define MAX_ATTEMPTS 1000 /* moved aside within one second */

static void
set_error (GError **error, const char *doing, const char *path, int reason)
{
  ColletError code = collet_error_of_errno (reason);

  g_set_error (error, COLLET_ERROR, (int)code, "%s: cannot %s: %s. %s", path, doing, g_strerror (reason),
               collet_error_remedy (code));
}

static void
set_busy (GError **error, const char *path, int fd)
{
  char holder[32] = "";
  ssize_t size = pread (fd, holder, sizeof holder - 1, 0);

  if (size > 0)
    holder[strcspn (holder, "\n")] = '\0';
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_DATABASE_BUSY, "%s is held by process %s. %s", path,
               size > 0 && *holder != '\0' ? holder : "(unknown)",
               collet_error_remedy (COLLET_ERROR_DATABASE_BUSY));
}

int
collet_data_folder_lock (const char *folder, GError **error)
{
  g_autofree char *path = g_build_filename (folder, "collet.lock", NULL);

  if (g_mkdir_with_parents (folder, 0700) != 0)
    {
      set_error (error, "make the data folder", folder, errno);
      return -1;
    }
  int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    {
      set_error (error, "open the lock file", path, errno);
      return -1;
    }
  if (flock (fd, LOCK_EX | LOCK_NB) != 0)
    {
      if (errno == EWOULDBLOCK)
        set_busy (error, path, fd);
      else
        set_error (error, "lock", path, errno);
      close (fd);
      return -1;
    }

  /* Only to name the holder: a full disk does not matter here. */
  g_autofree char *text = g_strdup_printf ("%d\n", (int)getpid ());
  if (ftruncate (fd, 0) != 0 || pwrite (fd, text, strlen (text), 0) < 0)
    g_debug ("%s: %s", path, g_strerror (errno));
  return fd;
}

static gboolean
rename_set (const char *from, const char *to, GError **error)
{
  static const char *const suffixes[] = { "-wal", "-shm", "" };

  /* The database last: killed in between, the next start finds it and goes on. */
  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      g_autofree char *source = g_strconcat (from, suffixes[i], NULL);
      g_autofree char *target = g_strconcat (to, suffixes[i], NULL);

      if (g_rename (source, target) != 0 && errno != ENOENT)
        {
          set_error (error, "move the damaged database aside", source, errno);
          return FALSE;
        }
    }
  return TRUE;
}

static void
sync_folder (const char *folder)
{
  int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (fd < 0)
    return;
  if (fsync (fd) != 0)
    g_warning ("%s: %s", folder, g_strerror (errno));
  close (fd);
}

char *
collet_data_folder_move_aside (const char *folder, GError **error)
{
  g_autofree char *from = g_build_filename (folder, "collet.db", NULL);
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *time = g_date_time_format (now, "%Y%m%dT%H%M%SZ");
  g_autofree char *to = g_strdup_printf ("%s.corrupt-%s", from, time);

  for (guint i = 1; g_file_test (to, G_FILE_TEST_EXISTS) && i < MAX_ATTEMPTS; i++)
    {
      g_free (to);
      to = g_strdup_printf ("%s.corrupt-%s.%u", from, time, i);
    }
  if (!rename_set (from, to, error))
    return NULL;
  sync_folder (folder);
  return g_steal_pointer (&to);
}
