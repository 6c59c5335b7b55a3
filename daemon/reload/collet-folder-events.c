/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What inotify says of a folder, as three words: this file, all of it, gone.
 */
#include "collet-watch-private.h"

#include <errno.h>
#include <glib-unix.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "collet-error.h"

#define RETURN_MS 500 /* how often a folder that is gone is looked for */
#define FILE_EVENTS (IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE)
#define FOLDER_EVENTS (IN_DELETE_SELF | IN_MOVE_SELF)
#define GONE_EVENTS (FOLDER_EVENTS | IN_IGNORED | IN_UNMOUNT)

struct _ColletFolderEvents
{
  char *folder;
  ColletFolderFunc func;
  gpointer user_data;
  int fd;
  int watch; /* -1: the folder is gone */
  guint source;
  guint returning;
};

static gboolean
begin_watch (ColletFolderEvents *self)
{
  self->watch = inotify_add_watch (self->fd, self->folder, FILE_EVENTS | FOLDER_EVENTS | IN_ONLYDIR);
  return self->watch >= 0;
}

static gboolean
on_return (gpointer data)
{
  ColletFolderEvents *self = data;

  if (!begin_watch (self))
    return G_SOURCE_CONTINUE;
  self->returning = 0;
  self->func (NULL, TRUE, self->user_data);
  return G_SOURCE_REMOVE;
}

static void
lose (ColletFolderEvents *self)
{
  if (self->watch < 0)
    return;
  inotify_rm_watch (self->fd, self->watch); /* a folder that was moved is another one */
  self->watch = -1;
  self->returning = g_timeout_add (RETURN_MS, on_return, self);
  self->func (NULL, FALSE, self->user_data);
}

static void
handle (ColletFolderEvents *self, const struct inotify_event *event)
{
  if (event->mask & IN_Q_OVERFLOW)
    {
      if (self->watch >= 0)
        self->func (NULL, TRUE, self->user_data);
    }
  else if (event->wd != self->watch)
    return; /* of a watch that is over */
  else if (event->mask & GONE_EVENTS)
    lose (self);
  else if ((event->mask & FILE_EVENTS) != 0 && (event->mask & IN_ISDIR) == 0 && event->len > 0)
    self->func (event->name, TRUE, self->user_data);
}

static gboolean
on_readable (int fd, GIOCondition condition, gpointer data)
{
  ColletFolderEvents *self = data;
  union
  {
    struct inotify_event event;
    char bytes[16384];
  } buffer;
  gssize n = read (fd, buffer.bytes, sizeof buffer.bytes);

  for (gssize at = 0; at < n;)
    {
      const struct inotify_event *event = (const void *)(buffer.bytes + at);

      at += (gssize)(sizeof *event + event->len);
      handle (self, event);
    }
  return G_SOURCE_CONTINUE;
}

static void
set_error (GError **error, const char *folder, int errsv)
{
  ColletError code = errsv == ENOENT    ? COLLET_ERROR_NOT_FOUND
                     : errsv == ENOTDIR ? COLLET_ERROR_INVALID_ARGUMENT
                     : errsv == EACCES  ? COLLET_ERROR_NOT_AUTHORIZED
                                        : COLLET_ERROR_STORE_FAILED;

  g_set_error (error, COLLET_ERROR, code, "%s cannot be watched: %s. %s", folder, g_strerror (errsv),
               errsv == ENOSPC ? "Raise fs.inotify.max_user_watches."
                               : "Give an existing folder that the daemon may read.");
}

ColletFolderEvents *
collet_folder_events_new (const char *folder, ColletFolderFunc func, gpointer user_data, GError **error)
{
  ColletFolderEvents *self = g_new0 (ColletFolderEvents, 1);

  self->folder = g_strdup (folder);
  self->func = func;
  self->user_data = user_data;
  self->fd = inotify_init1 (IN_CLOEXEC | IN_NONBLOCK);
  self->watch = -1;
  if (self->fd < 0 || !begin_watch (self))
    {
      set_error (error, folder, errno);
      collet_folder_events_free (self);
      return NULL;
    }
  self->source = g_unix_fd_add (self->fd, G_IO_IN, on_readable, self);
  return self;
}

void
collet_folder_events_free (ColletFolderEvents *self)
{
  g_clear_handle_id (&self->source, g_source_remove);
  g_clear_handle_id (&self->returning, g_source_remove);
  if (self->fd >= 0)
    close (self->fd);
  g_free (self->folder);
  g_free (self);
}
