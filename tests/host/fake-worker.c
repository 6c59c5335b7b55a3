/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A fork server whose workers lie: what a module that took over its process could
 * do. The path's last part says how. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collet-wire.h"

static char buffer[COLLET_WIRE_BUFFER];

static const char json[] = "{\"content\":[]}";

static void
result (int fd, uint64_t id)
{
  collet_wire_send_simple (fd, COLLET_FRAME_RESULT, id, 0, json, sizeof json - 1);
}

/* The id of the next call. */
static uint64_t
next_call (int fd)
{
  struct collet_frame frame;
  uint64_t id;

  if (collet_wire_receive (fd, buffer, sizeof buffer, &frame) != 1)
    _exit (0);
  id = frame.header.id;
  collet_frame_clear (&frame);
  return id;
}

static void
wait_for_shutdown (int fd)
{
  struct collet_frame frame;

  while (collet_wire_receive (fd, buffer, sizeof buffer, &frame) == 1)
    {
      bool is_last = frame.header.type == COLLET_FRAME_SHUTDOWN;

      collet_wire_send_simple (fd, COLLET_FRAME_ANSWER, frame.header.id, 0, NULL, 0);
      collet_frame_clear (&frame);
      if (is_last)
        _exit (0);
    }
}

static void
flood (int fd, uint64_t id)
{
  for (;;)
    if (collet_wire_send_simple (fd, COLLET_FRAME_PROGRESS, id, 0, "{\"progress\":1}", 14) < 0)
      _exit (0);
}

static void
play (const char *path, int call, int control)
{
  /* The frame is overwritten by the next one. */
  const char *part = strdup (strrchr (path, '/') + 1);
  uint64_t id;

  if (strcmp (part, "early-result") == 0)
    result (call, 4294967297u);
  collet_wire_send_simple (control, COLLET_FRAME_READY, 0, 0, NULL, 0);
  if (strcmp (part, "two-readies") == 0)
    collet_wire_send_simple (control, COLLET_FRAME_READY, 0, 0, NULL, 0);
  if (strcmp (part, "unasked-answer") == 0)
    collet_wire_send_simple (control, COLLET_FRAME_ANSWER, 77, 0, NULL, 0);
  id = next_call (call);
  if (strcmp (part, "garbage") == 0)
    send (call, "hello", 5, 0);
  else if (strcmp (part, "forged-id") == 0)
    result (call, id + (1ull << 32));
  else if (strcmp (part, "twice") == 0)
    {
      result (call, id);
      result (call, id);
    }
  else if (strcmp (part, "wrong-channel") == 0)
    collet_wire_send_simple (call, COLLET_FRAME_ANSWER, id, 0, NULL, 0);
  else if (strcmp (part, "closes") == 0)
    shutdown (call, SHUT_RDWR);
  else if (strcmp (part, "flood") == 0)
    flood (call, id);
  else if (strcmp (part, "late-result") == 0)
    {
      usleep (300000);
      result (call, id);
      result (call, next_call (call));
    }
  else if (strcmp (part, "deaf-control") == 0)
    {
      result (call, id);
      pause ();
    }
  wait_for_shutdown (control);
}

static void
on_spawn (int server, struct collet_frame *frame)
{
  const char *path = frame->payload + sizeof (struct collet_spawn_request);
  const struct collet_frame_header header = { .type = COLLET_FRAME_SPAWNED, .id = frame->header.id };
  struct collet_exit child = { 0 };
  struct iovec part = { &child, sizeof child };
  int pidfd;

  child.pid = fork ();
  if (child.pid == 0)
    {
      close (server);
      play (path, frame->fds[0], frame->fds[1]);
      _exit (0);
    }
  pidfd = pidfd_open (child.pid, 0);
  collet_wire_send (server, &header, &part, 1, &pidfd, 1);
  close (pidfd);
  waitpid (child.pid, &child.status, 0); /* one worker at a time is enough here */
  collet_wire_send_simple (server, COLLET_FRAME_EXITED, header.id, 0, &child, sizeof child);
}

int
main (void)
{
  struct collet_frame frame;

  signal (SIGPIPE, SIG_IGN);
  while (collet_wire_receive (3, buffer, sizeof buffer, &frame) == 1)
    {
      if (frame.header.type == COLLET_FRAME_SPAWN)
        on_spawn (3, &frame);
      collet_frame_clear (&frame);
    }
  return 0;
}
