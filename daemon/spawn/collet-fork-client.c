/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-fork-client.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "collet-error.h"
#include "collet-wire.h"

#define CHANNEL_FD 3

typedef struct
{
  struct collet_frame_header header;
  GBytes *payload;
  int fds[COLLET_WIRE_MAX_FDS];
  guint n_fds;
} Outgoing;

struct _ColletForkClient
{
  const ColletForkClientHandler *handler;
  gpointer user_data;
  GPid pid;
  int fd;
  GSource *reader;
  GSource *writer; /* while something waits */
  GQueue outgoing;
  char *buffer;
};

static void
outgoing_free (gpointer data)
{
  Outgoing *outgoing = data;

  for (guint i = 0; i < outgoing->n_fds; i++)
    close (outgoing->fds[i]);
  g_bytes_unref (outgoing->payload);
  g_free (outgoing);
}

static gboolean
on_readable (int fd, GIOCondition condition, gpointer user_data)
{
  ColletForkClient *server = user_data;
  struct collet_frame frame;
  int result = collet_wire_receive (fd, server->buffer, COLLET_WIRE_BUFFER, &frame);

  if (result == -EAGAIN)
    return G_SOURCE_CONTINUE;
  if (result == 1)
    {
      /* The handler may free the server; nothing of it is used after. */
      server->handler->frame (server->user_data, &frame);
      collet_frame_clear (&frame);
      return G_SOURCE_CONTINUE;
    }
  server->handler->gone (server->user_data);
  return G_SOURCE_REMOVE;
}

static gboolean flush (ColletForkClient *server);

static gboolean
on_writable (int fd, GIOCondition condition, gpointer user_data)
{
  ColletForkClient *server = user_data;

  if (!flush (server))
    return G_SOURCE_CONTINUE;
  g_clear_pointer (&server->writer, g_source_unref);
  return G_SOURCE_REMOVE;
}

/* TRUE: nothing waits any more. */
static gboolean
flush (ColletForkClient *server)
{
  while (!g_queue_is_empty (&server->outgoing))
    {
      Outgoing *outgoing = g_queue_peek_head (&server->outgoing);
      gsize size;
      const void *bytes = g_bytes_get_data (outgoing->payload, &size);
      struct iovec part = { (void *)bytes, size };
      int result = collet_wire_send (server->fd, &outgoing->header, &part, 1, outgoing->fds, outgoing->n_fds);

      if (result == -EAGAIN)
        return FALSE;
      /* If it is gone, the reader finds out. */
      if (result < 0 && result != -EPIPE && result != -ECONNRESET)
        g_warning ("The fork server could not be asked for a process: %s", g_strerror (-result));
      outgoing_free (g_queue_pop_head (&server->outgoing));
    }
  return TRUE;
}

void
collet_fork_client_send (ColletForkClient *server, guint16 type, guint64 id, GBytes *payload, const int *fds,
                         guint n_fds)
{
  Outgoing *outgoing = g_new0 (Outgoing, 1);

  outgoing->header = (struct collet_frame_header){ .type = type, .id = id };
  outgoing->payload = g_bytes_ref (payload);
  outgoing->n_fds = n_fds;
  for (guint i = 0; i < n_fds; i++)
    outgoing->fds[i] = fds[i];
  g_queue_push_tail (&server->outgoing, outgoing);
  if (server->writer != NULL || flush (server))
    return;
  server->writer = g_unix_fd_source_new (server->fd, G_IO_OUT);
  g_source_set_callback (server->writer, G_SOURCE_FUNC (on_writable), server, NULL);
  g_source_attach (server->writer, g_main_context_get_thread_default ());
}

/* Starts no thread, as a GSubprocess would: capabilities are given up after this,
 * and each thread has its own. */
static gboolean
start_process (const char *const *argv, int child_fd, GPid *pid, GError **error)
{
  const int target_fd = CHANNEL_FD;

  return g_spawn_async_with_pipes_and_fds (NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, -1, -1,
                                           -1, &child_fd, &target_fd, 1, pid, NULL, NULL, NULL, error);
}

static void
on_reaped (GPid pid, int status, gpointer user_data)
{
}

static void
end_process (GPid pid)
{
  g_autoptr (GSource) source = g_child_watch_source_new (pid);

  kill (pid, SIGKILL);
  g_source_set_callback (source, G_SOURCE_FUNC (on_reaped), NULL, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
}

ColletForkClient *
collet_fork_client_new (const char *const *argv, const ColletForkClientHandler *handler, gpointer user_data,
                        GError **error)
{
  g_autoptr (GError) cause = NULL;
  ColletForkClient *server;
  gboolean is_started;
  GPid pid;
  int fds[2];

  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_SPAWN_FAILED,
                   "The fork server's channel could not be made: %s.", g_strerror (errno));
      return NULL;
    }
  is_started = start_process (argv, fds[1], &pid, &cause);
  close (fds[1]);
  if (!is_started)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_SPAWN_FAILED,
                   "The fork server %s could not be started: %s. Is Collet installed completely?", argv[0],
                   cause->message);
      close (fds[0]);
      return NULL;
    }
  fcntl (fds[0], F_SETFL, fcntl (fds[0], F_GETFL) | O_NONBLOCK);

  server = g_new0 (ColletForkClient, 1);
  server->handler = handler;
  server->user_data = user_data;
  server->pid = pid;
  server->fd = fds[0];
  server->buffer = g_malloc (COLLET_WIRE_BUFFER);
  g_queue_init (&server->outgoing);
  server->reader = g_unix_fd_source_new (server->fd, G_IO_IN | G_IO_HUP | G_IO_ERR);
  g_source_set_callback (server->reader, G_SOURCE_FUNC (on_readable), server, NULL);
  g_source_attach (server->reader, g_main_context_get_thread_default ());
  return server;
}

void
collet_fork_client_free (ColletForkClient *server)
{
  g_source_destroy (server->reader);
  g_source_unref (server->reader);
  if (server->writer != NULL)
    {
      g_source_destroy (server->writer);
      g_source_unref (server->writer);
    }
  close (server->fd);
  end_process (server->pid);
  g_queue_clear_full (&server->outgoing, outgoing_free);
  g_free (server->buffer);
  g_free (server);
}
