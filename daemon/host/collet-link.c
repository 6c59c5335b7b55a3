/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-link.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "collet-wire.h"

/* Frames of one worker in a row, before the others have their turn. */
#define BATCH 64
/* Frames that may wait for the control channel: more than a generation's calls
 * can be cancelled at a time is not needed. */
#define MAX_CONTROL 8192

typedef struct
{
  struct collet_frame_header header;
  GBytes *payload;
} Control;

struct _ColletLink
{
  gint ref_count;
  ColletIo *io;
  const ColletLinkHandler *handler;
  gpointer user_data;
  ColletSpawned process; /* its fds stay open as long as the link */

  /* I/O thread */
  ColletIoWatch call, control, death;
  GQueue controls;

  pthread_mutex_t lock;
  char *reason; /* locked */
};

static void
control_free (gpointer data)
{
  Control *control = data;

  g_clear_pointer (&control->payload, g_bytes_unref);
  g_free (control);
}

ColletLink *
collet_link_ref (ColletLink *link)
{
  g_atomic_int_inc (&link->ref_count);
  return link;
}

void
collet_link_unref (ColletLink *link)
{
  if (!g_atomic_int_dec_and_test (&link->ref_count))
    return;
  g_queue_clear_full (&link->controls, control_free);
  close (link->process.call_fd);
  close (link->process.control_fd);
  close (link->process.pidfd);
  pthread_mutex_destroy (&link->lock);
  g_free (link->reason);
  g_free (link);
}

static void
unref_later (gpointer data)
{
  collet_link_unref (data);
}

pid_t
collet_link_get_pid (ColletLink *link)
{
  return link->process.pid;
}

void
collet_link_kill (ColletLink *link, const char *reason)
{
  pthread_mutex_lock (&link->lock);
  if (link->reason == NULL)
    link->reason = g_strdup (reason);
  pthread_mutex_unlock (&link->lock);
  /* It may be gone already. */
  if (syscall (SYS_pidfd_send_signal, link->process.pidfd, SIGKILL, NULL, 0) < 0 && errno == EPERM)
    link->handler->kill (link->user_data, link);
}

char *
collet_link_dup_reason (ColletLink *link)
{
  char *reason;

  pthread_mutex_lock (&link->lock);
  reason = g_strdup (link->reason);
  pthread_mutex_unlock (&link->lock);
  return reason;
}

/* Receiving */

/* FALSE: nothing more will come on this channel. */
static gboolean
receive (ColletLink *link, ColletIoWatch *watch, guint limit,
         void (*take) (gpointer user_data, ColletLink *link, const struct collet_frame *frame))
{
  gsize size;
  char *buffer = collet_io_get_buffer (link->io, &size);

  for (guint i = 0; i < limit && watch->fd >= 0; i++)
    {
      struct collet_frame frame;
      int result = collet_wire_receive (watch->fd, buffer, size, &frame);

      if (result == -EAGAIN)
        return TRUE;
      if (result <= 0)
        {
          if (result < 0 && result != -ECONNRESET)
            collet_link_kill (link, "it sent a frame that is none");
          return FALSE;
        }
      take (link->user_data, link, &frame);
      collet_frame_clear (&frame);
    }
  return TRUE;
}

/* A worker without channels is of no use. If it is on its way out already, this
 * changes nothing about what it died of. */
static void
close_channel (ColletLink *link, ColletIoWatch *watch)
{
  collet_io_remove (link->io, watch);
  collet_link_kill (link, NULL);
}

static void
on_call (gpointer user_data, guint32 events)
{
  ColletLink *link = user_data;

  if (events & EPOLLOUT)
    {
      collet_io_modify (link->io, &link->call, EPOLLIN);
      link->handler->has_room (link->user_data, link);
    }
  if ((events & ~EPOLLOUT) && !receive (link, &link->call, BATCH, link->handler->call_frame))
    close_channel (link, &link->call);
}

void
collet_link_want_room (ColletLink *link)
{
  collet_io_modify (link->io, &link->call, EPOLLIN | EPOLLOUT);
}

static void
flush_controls (ColletLink *link)
{
  while (!g_queue_is_empty (&link->controls) && link->control.fd >= 0)
    {
      Control *control = g_queue_peek_head (&link->controls);
      gsize size = 0;
      const void *bytes = control->payload != NULL ? g_bytes_get_data (control->payload, &size) : NULL;
      struct iovec part = { (void *)bytes, size };
      int result = collet_wire_send (link->control.fd, &control->header, &part, 1, NULL, 0);

      if (result == -EAGAIN)
        {
          collet_io_modify (link->io, &link->control, EPOLLIN | EPOLLOUT);
          return;
        }
      if (result < 0 && result != -EPIPE && result != -ECONNRESET)
        {
          g_autofree char *reason =
              g_strdup_printf ("it could not be told something: %s", g_strerror (-result));

          collet_link_kill (link, reason);
        }
      control_free (g_queue_pop_head (&link->controls));
    }
  collet_io_modify (link->io, &link->control, EPOLLIN);
}

static void
on_control (gpointer user_data, guint32 events)
{
  ColletLink *link = user_data;

  if (events & EPOLLOUT)
    flush_controls (link);
  if ((events & ~EPOLLOUT) && !receive (link, &link->control, BATCH, link->handler->control_frame))
    close_channel (link, &link->control);
}

static void
on_death (gpointer user_data, guint32 events)
{
  ColletLink *link = user_data;

  /* Answers that it gave before it died count. What a dead process sent is
   * finite. */
  if (link->call.fd >= 0)
    receive (link, &link->call, G_MAXUINT, link->handler->call_frame);
  if (link->control.fd >= 0)
    receive (link, &link->control, G_MAXUINT, link->handler->control_frame);
  collet_io_remove (link->io, &link->call);
  collet_io_remove (link->io, &link->control);
  collet_io_remove (link->io, &link->death);
  link->handler->ended (link->user_data, link);
  /* Events fetched together with this one may still point to the watches. */
  collet_io_post (link->io, unref_later, link);
}

/* Life */

static void
abandon (gpointer data)
{
  g_autoptr (ColletLink) link = data;

  if (link->death.fd >= 0)
    on_death (link, 0);
}

void
collet_link_abandon (ColletLink *link)
{
  collet_link_kill (link, NULL);
  collet_io_post (link->io, abandon, collet_link_ref (link));
}

static void
attach (gpointer data)
{
  ColletLink *link = data;

  if (collet_io_add (link->io, &link->call, EPOLLIN) && collet_io_add (link->io, &link->control, EPOLLIN) &&
      collet_io_add (link->io, &link->death, EPOLLIN))
    return;
  collet_link_kill (link, "its channels could not be watched: the system has no room for more");
  on_death (link, 0);
}

ColletLink *
collet_link_new (ColletIo *io, const ColletSpawned *spawned, const ColletLinkHandler *handler,
                 gpointer user_data)
{
  ColletLink *link = g_new0 (ColletLink, 1);

  link->ref_count = 2; /* one for the I/O thread, until the process has ended */
  link->io = io;
  link->handler = handler;
  link->user_data = user_data;
  link->process = *spawned;
  link->call = (ColletIoWatch){ spawned->call_fd, on_call, link };
  link->control = (ColletIoWatch){ spawned->control_fd, on_control, link };
  link->death = (ColletIoWatch){ spawned->pidfd, on_death, link };
  g_queue_init (&link->controls);
  pthread_mutex_init (&link->lock, NULL);
  collet_io_post (io, attach, link);
  return link;
}

int
collet_link_send_call (ColletLink *link, const struct collet_frame_header *header, const struct iovec *parts,
                       guint n_parts)
{
  return collet_wire_send (link->process.call_fd, header, parts, n_parts, NULL, 0);
}

typedef struct
{
  ColletLink *link;
  Control *control;
} Send;

static void
enqueue_control (gpointer data)
{
  g_autofree Send *send = data;
  g_autoptr (ColletLink) link = send->link;

  if (link->control.fd < 0)
    {
      control_free (send->control);
      return;
    }
  g_queue_push_tail (&link->controls, send->control);
  if (link->controls.length > MAX_CONTROL)
    collet_link_kill (link, "it does not read its control channel");
  if (link->controls.length == 1)
    flush_controls (link);
}

void
collet_link_send_control (ColletLink *link, guint16 type, guint64 id, int status, guint32 detail,
                          GBytes *payload)
{
  Send *send = g_new (Send, 1);

  send->link = collet_link_ref (link);
  send->control = g_new0 (Control, 1);
  send->control->header =
      (struct collet_frame_header){ .type = type, .id = id, .status = status, .detail = detail };
  send->control->payload = payload != NULL ? g_bytes_ref (payload) : NULL;
  collet_io_post (link->io, enqueue_control, send);
}
