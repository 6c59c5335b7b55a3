/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * bare-relay: hands each request as one frame to a worker process, which parses
 * and answers it, over a SEQPACKET socket pair, and resumes the connection when
 * the answer comes. What HTTP plus one process hop costs on this machine: the
 * yardstick for Collet's calls.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "collet-bare-server.h"

#define MAX_FRAME (64 * 1024)

/* A frame is the request's address, given back by the worker untouched, and the
 * text. */
typedef struct
{
  BareRequest *request;
} FrameHead;

static int
send_frame (int fd, BareRequest *request, const char *text, gsize size)
{
  FrameHead head = { request };
  struct iovec parts[] = { { &head, sizeof head }, { (char *)text, size } };
  struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
  ssize_t n;

  do
    n = sendmsg (fd, &message, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : 0;
}

static void
run_worker (int fd)
{
  static char buffer[MAX_FRAME];
  ssize_t n;

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  while ((n = recv (fd, buffer, sizeof buffer, 0)) >= (ssize_t)sizeof (FrameHead))
    {
      FrameHead head;
      gsize size = 0;
      char *reply;

      memcpy (&head, buffer, sizeof head);
      reply = bare_answer (buffer + sizeof head, (gsize)n - sizeof head, &size);
      if (send_frame (fd, head.request, reply != NULL ? reply : "", size) != 0)
        break;
      free (reply);
    }
  _exit (0);
}

static gpointer
read_replies (gpointer data)
{
  int fd = GPOINTER_TO_INT (data);
  static char buffer[MAX_FRAME];
  ssize_t n;

  while ((n = recv (fd, buffer, sizeof buffer, 0)) >= (ssize_t)sizeof (FrameHead))
    {
      gsize size = (gsize)n - sizeof (FrameHead);
      FrameHead head;

      memcpy (&head, buffer, sizeof head);
      head.request->reply_size = size;
      head.request->reply = malloc (size + 1);
      memcpy (head.request->reply, buffer + sizeof head, size);
      MHD_resume_connection (head.request->connection);
    }
  return NULL;
}

static gboolean
relay (BareRequest *request, gpointer user_data)
{
  int fd = GPOINTER_TO_INT (user_data);

  if (request->body->len > MAX_FRAME / 2)
    return FALSE;
  MHD_suspend_connection (request->connection);
  if (send_frame (fd, request, request->body->str, request->body->len) == 0)
    return TRUE;
  MHD_resume_connection (request->connection);
  return FALSE;
}

int
main (int argc, char **argv)
{
  int port = 0, threads = 1;
  int fds[2];
  GThread *reader;
  pid_t worker;
  int status;

  if (!bare_options_parse (&argc, &argv, "A bare relay to a worker, to measure beside Collet.", &port,
                           &threads))
    return 2;
  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0 || (worker = fork ()) < 0)
    {
      perror ("bare-relay");
      return 1;
    }
  if (worker == 0)
    {
      close (fds[0]);
      run_worker (fds[1]);
    }
  close (fds[1]);
  reader = g_thread_new ("replies", read_replies, GINT_TO_POINTER (fds[0]));
  status = bare_server_run ((guint)port, (guint)threads, relay, GINT_TO_POINTER (fds[0]));
  shutdown (fds[0], SHUT_RDWR);
  g_thread_join (reader);
  return status;
}
