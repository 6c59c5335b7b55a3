/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-fork-server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "collet-cgroup.h"
#include "collet-children.h"
#include "collet-confinement.h"
#include "collet-probe-child.h"
#include "collet-process.h"
#include "collet-refusals.h"
#include "collet-wire.h"
#include "collet-worker.h"

#define DEFAULT_DEADLINE_MS 30000

struct server
{
  int fd;
  int signal_fd;
  pid_t pid;
  struct collet_confinement *confinement;
  struct collet_cgroup *cgroup; /* NULL: children have none of their own */
  struct collet_children children;
  struct collet_refusals_watch refusals;
  bool has_news; /* of them, to be told */
  char buffer[COLLET_WIRE_BUFFER];
};

static struct server server;

static int64_t
now_us (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void
refuse (uint64_t id, const struct collet_failure *failure)
{
  char payload[COLLET_FAILURE_MAX];
  size_t size = collet_failure_encode (failure, payload);

  (void)collet_wire_send_simple (server.fd, COLLET_FRAME_REFUSED, id, 0, payload, size);
}

/* The child exists: hands over its pid and a pidfd. Not reaped before this, so
 * the pid cannot be another's. */
static void
announce (const struct collet_child *child)
{
  const struct collet_frame_header header = { .type = COLLET_FRAME_SPAWNED, .id = child->id };
  struct collet_exit payload = { .pid = child->pid };
  struct iovec part = { &payload, sizeof payload };
  int pidfd = pidfd_open (child->pid, 0);

  collet_children_add (&server.children, child);
  if (pidfd < 0 || collet_wire_send (server.fd, &header, &part, 1, &pidfd, 1) < 0)
    kill (child->pid, SIGKILL); /* nobody could end it; EXITED tells */
  if (pidfd >= 0)
    close (pidfd);
}

static bool
prepare (struct collet_failure *failure)
{
  if (collet_children_is_full (&server.children))
    return collet_failure_set (failure, "SpawnFailed", "Unload modules that are not used.",
                               "There are %u worker processes, the most that one daemon may have.",
                               server.children.n);
  return collet_confinement_prepare (server.confinement, failure);
}

static pid_t
fork_into_group (uint64_t id, const struct collet_limits *limits)
{
  int group_fd = collet_cgroup_make (server.cgroup, id, limits);
  pid_t pid = fork ();
  int error = errno;

  if (pid == 0 && group_fd >= 0 && !collet_cgroup_enter (group_fd))
    fprintf (stderr, "collet-worker: a worker is not in its control group: %s\n", strerror (errno));
  if (pid < 0)
    collet_cgroup_remove (server.cgroup, id);
  if (group_fd >= 0)
    close (group_fd);
  errno = error;
  return pid;
}

/* What a child is given: fds 3, 4, ... */
struct inheritance
{
  int fds[COLLET_WIRE_MAX_FDS + 2];
  unsigned n;
};

/* Returns its number in the child; -1: none was given. */
static int
inherit (struct inheritance *inheritance, int fd)
{
  if (fd < 0)
    return -1;
  inheritance->fds[inheritance->n++] = fd;
  return 2 + (int)inheritance->n;
}

/* Forks; 0 in the child, whose first fds are those of the frame; -1, and the
 * request was refused. */
static pid_t
make_child (const struct collet_frame *frame, const char *name, bool network,
            const struct collet_limits *limits, struct collet_gate *gate)
{
  const uint64_t id = frame->header.id;
  struct inheritance inheritance = { .n = 0 };
  struct collet_failure failure;
  pid_t pid;

  if (!prepare (&failure))
    {
      refuse (id, &failure);
      return -1;
    }
  for (unsigned i = 0; i < frame->n_fds; i++)
    inherit (&inheritance, frame->fds[i]);
  gate->ruleset_fd = inherit (&inheritance, collet_confinement_get_ruleset (server.confinement, network));
  gate->post_fd = inherit (&inheritance, server.refusals.child_post_fd);

  pid = fork_into_group (id, limits);
  if (pid == 0)
    collet_process_begin_child (server.pid, name, inheritance.fds, inheritance.n);
  else if (pid < 0)
    {
      collet_failure_set (&failure, "SpawnFailed", "", "No process can be started: %s.", strerror (errno));
      refuse (id, &failure);
    }
  return pid;
}

static void
refuse_malformed (uint64_t id)
{
  struct collet_failure failure;

  collet_failure_set (&failure, "SpawnFailed", "", "The daemon sent a request that cannot be read.");
  refuse (id, &failure);
}

static void
on_spawn (struct collet_frame *frame)
{
  const size_t fixed = sizeof (struct collet_spawn_request);
  struct collet_spawn_request request;
  const char *path = frame->payload + fixed;
  struct collet_child child = { .id = frame->header.id, .deadline_us = INT64_MAX };
  struct collet_gate gate;

  if (frame->n_fds != 2 || frame->header.size <= fixed || frame->payload[frame->header.size - 1] != '\0' ||
      path[0] != '/')
    {
      refuse_malformed (frame->header.id);
      return;
    }
  memcpy (&request, frame->payload, fixed);
  child.pid = make_child (frame, "collet-module", request.network != 0, &request.limits, &gate);
  if (child.pid == 0)
    collet_worker_run (server.confinement, &gate, &request, path);
  if (child.pid < 0)
    return;
  child.refusals = collet_refusals_new (false);
  announce (&child);
}

static unsigned
count_strings (const char *text, size_t size)
{
  unsigned n = 0;

  for (size_t i = 0; i < size; i++)
    n += text[i] == '\0';
  return n;
}

static void
on_probe (struct collet_frame *frame)
{
  const size_t fixed = sizeof (struct collet_probe_request);
  struct collet_probe_request request;
  const char *paths = frame->payload + fixed;
  struct collet_child child = { .id = frame->header.id };
  struct collet_gate gate;
  uint32_t deadline_ms;

  if (frame->n_fds != 1 || frame->header.size <= fixed || frame->payload[frame->header.size - 1] != '\0')
    {
      refuse_malformed (frame->header.id);
      return;
    }
  memcpy (&request, frame->payload, fixed);
  if (request.count != count_strings (paths, frame->header.size - fixed))
    {
      refuse_malformed (frame->header.id);
      return;
    }
  deadline_ms = request.limits.deadline_ms > 0 ? request.limits.deadline_ms : DEFAULT_DEADLINE_MS;
  child.refusals = collet_refusals_new (true);
  child.pid = make_child (frame, "collet-probe", false, &request.limits, &gate);
  if (child.pid == 0)
    collet_probe_child_run (server.confinement, &gate, &request, paths,
                            child.refusals != NULL ? child.refusals->artifact : NULL);
  child.deadline_us = now_us () + (int64_t)deadline_ms * 1000;
  if (child.pid > 0)
    announce (&child);
  else
    collet_refusals_free (child.refusals, &server.refusals);
}

static void
on_kill (const struct collet_frame *frame)
{
  struct collet_exit target;

  if (frame->header.size != sizeof target)
    return;
  memcpy (&target, frame->payload, sizeof target);
  if (collet_children_find (&server.children, target.pid) != NULL)
    kill (target.pid, SIGKILL);
}

/* False: the daemon is gone. */
static bool
on_readable (void)
{
  struct collet_frame frame;
  int received = collet_wire_receive (server.fd, server.buffer, sizeof server.buffer, &frame);

  if (received == -EAGAIN)
    return true;
  if (received != 1)
    return false;
  if (frame.header.type == COLLET_FRAME_SPAWN)
    on_spawn (&frame);
  else if (frame.header.type == COLLET_FRAME_PROBE)
    on_probe (&frame);
  else if (frame.header.type == COLLET_FRAME_KILL)
    on_kill (&frame);
  else
    refuse_malformed (frame.header.id);
  collet_frame_clear (&frame);
  return true;
}

static bool
has_room (void)
{
  struct pollfd room = { .fd = server.fd, .events = POLLOUT };

  return poll (&room, 1, 0) == 1 && (room.revents & POLLOUT);
}

static void
tell_refusals (const struct collet_child *child)
{
  static struct collet_refused list[COLLET_REFUSALS_MAX];
  const unsigned n = child->refusals != NULL ? collet_refusals_take (child->refusals, list) : 0;

  if (n > 0)
    (void)collet_wire_send_simple (server.fd, COLLET_FRAME_CONFINED, child->id, 0, list, n * sizeof *list);
}

static void
tell_news (void)
{
  server.has_news = false;
  for (unsigned i = 0; i < server.children.n; i++)
    {
      const struct collet_child *child = &server.children.entries[i];

      if (child->refusals == NULL || !child->refusals->has_news)
        continue;
      if (has_room ())
        tell_refusals (child);
      else
        server.has_news = true;
    }
}

/* Reports one child that ended; false if there is none, or no room to say so: then
 * it stays unreaped until there is. */
static bool
report_exit (void)
{
  struct collet_child child;
  struct collet_exit payload;
  int status;
  pid_t pid = has_room () ? waitpid (-1, &status, WNOHANG) : 0;

  if (pid <= 0)
    return false;
  if (collet_children_remove (&server.children, pid, &child))
    {
      collet_cgroup_remove (server.cgroup, child.id);
      tell_refusals (&child); /* there is room for both */
      collet_refusals_free (child.refusals, &server.refusals);
      payload = (struct collet_exit){ .pid = pid, .status = status };
      (void)collet_wire_send_simple (server.fd, COLLET_FRAME_EXITED, child.id, 0, &payload, sizeof payload);
    }
  return true;
}

static int
timeout_ms (int64_t deadline_us)
{
  int64_t left;

  if (deadline_us == INT64_MAX)
    return -1;
  left = (deadline_us - now_us () + 999) / 1000;
  return left < 0 ? 0 : left > 60000 ? 60000 : (int)left;
}

/* Until the daemon is gone. While the channel is full nothing is taken from it, as
 * an answer that finds no room would be lost. */
static void
serve (void)
{
  bool has_unreported = false, waits_for_room = false;

  for (;;)
    {
      struct pollfd fds[] = { { server.fd, waits_for_room ? POLLOUT : POLLIN, 0 },
                              { server.signal_fd, POLLIN, 0 },
                              { server.refusals.epoll_fd, POLLIN, 0 } };
      int64_t next = collet_children_enforce (&server.children, now_us ());
      struct signalfd_siginfo info;

      if (poll (fds, 3, timeout_ms (next)) < 0 && errno != EINTR)
        return;
      if (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL))
        return;
      if (fds[1].revents & POLLIN)
        has_unreported = read (server.signal_fd, &info, sizeof info) > 0 || has_unreported;

      if (fds[2].revents & POLLIN)
        server.has_news =
            collet_refusals_serve (&server.refusals, &server.children, server.buffer) || server.has_news;

      waits_for_room = (has_unreported || server.has_news || (fds[0].revents & POLLIN)) && !has_room ();
      if (waits_for_room)
        continue;
      if (server.has_news)
        tell_news ();
      while (has_unreported && report_exit ())
        ;
      waits_for_room = has_unreported = has_unreported && !has_room ();
      if (!waits_for_room && (fds[0].revents & POLLIN) && !on_readable ())
        return;
    }
}

int
collet_fork_server_run (int fd, const char *const *readable, unsigned n_readable,
                        const struct collet_user *user, bool allow_unconfined)
{
  struct collet_failure failure;
  sigset_t child_signal;

  server.fd = fd;
  server.pid = getpid ();
  if (fcntl (fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl (fd, F_SETFL, O_NONBLOCK) < 0)
    {
      fprintf (stderr, "collet-worker: fd %d: %s\n", fd, strerror (errno));
      return 2;
    }
  collet_process_settle ();
  sigemptyset (&child_signal);
  sigaddset (&child_signal, SIGCHLD);
  sigprocmask (SIG_BLOCK, &child_signal, NULL);
  server.signal_fd = signalfd (-1, &child_signal, SFD_CLOEXEC | SFD_NONBLOCK);
  server.confinement = collet_confinement_new (readable, n_readable, user, allow_unconfined);
  if (!collet_user_prepare (user))
    fprintf (stderr, "collet-worker: Workers cannot run as user %u: %s.\n", user->uid, strerror (errno));
  if (server.signal_fd < 0 || server.confinement == NULL)
    return 1;
  if (!collet_refusals_open (&server.refusals))
    fprintf (stderr, "collet-worker: What modules are refused will not be told: %s\n", strerror (errno));
  server.cgroup = collet_cgroup_new (collet_cgroup_find (), getppid ());
  /* What is missing is told to whoever asks for a child. */
  (void)collet_confinement_prepare (server.confinement, &failure);

  serve ();
  collet_children_end (&server.children);
  collet_cgroup_free (server.cgroup);
  collet_confinement_free (server.confinement);
  return 0;
}
