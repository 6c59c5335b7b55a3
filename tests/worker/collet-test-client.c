/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-test-client.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define PATIENCE_MS 10000

char *
module_path (const char *variable, const char *name)
{
  const char *folder = g_getenv (variable);

  g_assert_nonnull (folder);
  return g_build_filename (folder, name, NULL);
}

static void
make_pair (int fds[2])
{
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), ==, 0);
}

void
server_start (Server *server)
{
  server_start_full (server, NULL, NULL);
}

void
server_start_full (Server *server, GSpawnChildSetupFunc child_setup, const char *option)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_autoptr (GError) error = NULL;
  int fds[2];

  make_pair (fds);
  g_subprocess_launcher_take_fd (launcher, fds[1], 3);
  g_subprocess_launcher_setenv (launcher, "HOME", "/secret", TRUE);
  g_subprocess_launcher_set_child_setup (launcher, child_setup, NULL, NULL);
  server->process =
      g_subprocess_launcher_spawn (launcher, &error, g_getenv ("COLLET_WORKER"), "--fork-server", "3",
                                   "--readable", g_getenv ("COLLET_TEST_MODULES_DIR"), "--readable",
                                   g_getenv ("COLLET_KIT_DIR"), "--readable", g_getenv ("COLLET_NOSY_DIR"),
                                   "--readable", g_getenv ("COLLET_EXAMPLES_DIR"), option, NULL);
  g_assert_no_error (error);
  server->fd = fds[0];
  server->next_id = 1;
  server->refused = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

void
server_stop (Server *server)
{
  g_autoptr (GError) error = NULL;

  close (server->fd);
  g_assert_true (g_subprocess_wait_check (server->process, NULL, &error));
  g_assert_no_error (error);
  g_clear_object (&server->process);
  g_clear_pointer (&server->refused, g_hash_table_unref);
}

struct collet_limits
default_limits (void)
{
  return (struct collet_limits){
    .address_space = 256u << 20, .open_files = 64, .threads = 16, .cpu_seconds = 20, .deadline_ms = 10000
  };
}

Received *
receive (int fd)
{
  Received *received = g_new0 (Received, 1);
  struct pollfd wait = { .fd = fd, .events = POLLIN };
  int result;

  if (poll (&wait, 1, PATIENCE_MS) != 1)
    g_error ("nothing came within %d ms", PATIENCE_MS);
  result = collet_wire_receive (fd, received->buffer, sizeof received->buffer, &received->frame);
  if (result == 0 || result == -ECONNRESET)
    {
      g_free (received);
      return NULL;
    }
  g_assert_cmpint (result, ==, 1);
  return received;
}

void
received_free (Received *received)
{
  collet_frame_clear (&received->frame);
  g_free (received);
}

Received *
expect (int fd, guint16 type)
{
  Received *received = receive (fd);

  if (received == NULL)
    g_error ("the channel closed before a frame of type %u", type);
  if (received->frame.header.type != type)
    g_error ("a frame of type %u instead of %u: %.200s", received->frame.header.type, type,
             received->frame.payload);
  return received;
}

guint64
worker_request (Server *server, Worker *worker, const char *path, const struct collet_limits *limits,
                guint executors, gboolean network)
{
  struct collet_spawn_request request = { .limits = *limits,
                                          .executors = executors,
                                          .network = (guint32)network };
  struct collet_frame_header header = { .type = COLLET_FRAME_SPAWN, .id = server->next_id++ };
  struct iovec parts[] = { { &request, sizeof request }, { (void *)path, strlen (path) + 1 } };
  int call[2], control[2];

  make_pair (call);
  make_pair (control);
  g_assert_cmpint (collet_wire_send (server->fd, &header, parts, 2, (int[]){ call[1], control[1] }, 2), ==,
                   0);
  close (call[1]);
  close (control[1]);
  worker->id = header.id;
  worker->call_fd = call[0];
  worker->control_fd = control[0];
  return header.id;
}

void
worker_spawn (Server *server, Worker *worker, const char *path, const struct collet_limits *limits,
              guint executors, gboolean network)
{
  g_autoptr (Received) answer = NULL;
  struct collet_exit child;

  worker_request (server, worker, path, limits, executors, network);
  answer = expect (server->fd, COLLET_FRAME_SPAWNED);
  g_assert_cmpuint (answer->frame.header.id, ==, worker->id);
  g_assert_cmpuint (answer->frame.header.size, ==, sizeof child);
  memcpy (&child, answer->frame.payload, sizeof child);
  worker->pid = child.pid;
  worker->pidfd = collet_frame_steal_fd (&answer->frame, 0);
  g_assert_cmpint (worker->pidfd, >=, 0);
}

void
worker_start (Server *server, Worker *worker, const char *path, guint executors)
{
  struct collet_limits limits = default_limits ();
  g_autoptr (Received) ready = NULL;

  worker_spawn (server, worker, path, &limits, executors, FALSE);
  ready = expect (worker->control_fd, COLLET_FRAME_READY);
}

void
worker_expect_broken (Worker *worker, struct collet_failure *failure)
{
  g_autoptr (Received) broken = expect (worker->control_fd, COLLET_FRAME_BROKEN);

  g_assert_true (collet_failure_decode (failure, broken->frame.payload, broken->frame.header.size));
}

static void
take_refusals (Server *server, guint64 id, const Received *confined)
{
  struct collet_refused refused;

  g_assert_cmpuint (confined->frame.header.id, ==, id);
  g_assert_cmpuint (confined->frame.header.size, >, 0);
  g_assert_cmpuint (confined->frame.header.size % sizeof refused, ==, 0);
  for (gsize at = 0; at < confined->frame.header.size; at += sizeof refused)
    {
      guint64 former;

      memcpy (&refused, confined->frame.payload + at, sizeof refused);
      g_assert_cmpuint (refused.times, >, 0);
      former = GPOINTER_TO_SIZE (g_hash_table_lookup (server->refused, refused.name));
      g_hash_table_insert (server->refused, g_strdup (refused.name),
                           GSIZE_TO_POINTER (former + refused.times));
    }
}

static int
take_exit (Server *server, guint64 id, pid_t pid)
{
  g_autoptr (Received) answer = receive (server->fd);
  struct collet_exit child;

  while (answer != NULL && answer->frame.header.type == COLLET_FRAME_CONFINED)
    {
      take_refusals (server, id, answer);
      received_free (answer);
      answer = receive (server->fd);
    }
  if (answer == NULL)
    g_error ("the channel closed before the end of a process");
  g_assert_cmpuint (answer->frame.header.type, ==, COLLET_FRAME_EXITED);
  g_assert_cmpuint (answer->frame.header.id, ==, id);
  g_assert_cmpuint (answer->frame.header.size, ==, sizeof child);
  memcpy (&child, answer->frame.payload, sizeof child);
  if (pid != 0)
    g_assert_cmpint (child.pid, ==, pid);
  return child.status;
}

int
worker_end (Server *server, Worker *worker)
{
  int status = take_exit (server, worker->id, worker->pid);
  struct pollfd gone = { .fd = worker->pidfd, .events = POLLIN };

  g_assert_cmpint (poll (&gone, 1, PATIENCE_MS), ==, 1); /* the pidfd is this process's */
  close (worker->pidfd);
  close (worker->call_fd);
  close (worker->control_fd);
  return status;
}

void
worker_stop (Server *server, Worker *worker)
{
  g_autoptr (Received) answer = worker_ask (worker, COLLET_FRAME_SHUTDOWN, 0, 0, NULL, 0);

  g_assert_cmpint (answer->frame.header.status, ==, COLLET_OK);
  g_assert_cmpint (worker_end (server, worker), ==, 0);
}

void
worker_send_call_full (Worker *worker, guint64 id, const char *tool, const char *arguments,
                       gint64 deadline_us, gboolean wants_progress, guint log_level)
{
  struct collet_call_request request = { .deadline_us = deadline_us,
                                         .tool_size = (guint32)strlen (tool),
                                         .arguments_size = (guint32)strlen (arguments),
                                         .trace_size = 5,
                                         .wants_progress = (guint16)wants_progress,
                                         .log_level = (guint16)log_level };
  struct collet_frame_header header = { .type = COLLET_FRAME_CALL, .id = id };
  struct iovec parts[] = { { &request, sizeof request },
                           { (void *)tool, strlen (tool) },
                           { (void *)arguments, strlen (arguments) },
                           { (void *)"trace", 5 } };

  g_assert_cmpint (collet_wire_send (worker->call_fd, &header, parts, 4, NULL, 0), ==, 0);
}

void
worker_send_call (Worker *worker, guint64 id, const char *tool, const char *arguments)
{
  worker_send_call_full (worker, id, tool, arguments, INT64_MAX, FALSE, COLLET_LOG_NONE);
}

char *
worker_call (Worker *worker, guint64 id, const char *tool, const char *arguments, int *status)
{
  g_autoptr (Received) result = NULL;

  worker_send_call (worker, id, tool, arguments);
  result = expect (worker->call_fd, COLLET_FRAME_RESULT);
  g_assert_cmpuint (result->frame.header.id, ==, id);
  if (status != NULL)
    *status = result->frame.header.status;
  return g_strndup (result->frame.payload, result->frame.header.size);
}

Received *
worker_ask (Worker *worker, guint16 type, int status, guint32 detail, const void *payload, gsize size)
{
  struct collet_frame_header header = { .type = type, .id = 99, .status = status, .detail = detail };
  struct iovec part = { (void *)payload, size };
  Received *answer;

  g_assert_cmpint (collet_wire_send (worker->control_fd, &header, &part, 1, NULL, 0), ==, 0);
  answer = expect (worker->control_fd, COLLET_FRAME_ANSWER);
  g_assert_cmpuint (answer->frame.header.id, ==, 99);
  return answer;
}

int
probe_start (Server *server, const char *const *paths, const struct collet_limits *limits, gboolean read_only,
             guint64 *id)
{
  struct collet_probe_request request = { .limits = *limits, .read_only = read_only };
  struct collet_frame_header header = { .type = COLLET_FRAME_PROBE, .id = server->next_id++ };
  g_autoptr (GString) list = g_string_new (NULL);
  g_autoptr (Received) answer = NULL;
  struct iovec parts[2];
  int fds[2];

  for (; paths[request.count] != NULL; request.count++)
    g_string_append_len (list, paths[request.count], (gssize)strlen (paths[request.count]) + 1);
  parts[0] = (struct iovec){ &request, sizeof request };
  parts[1] = (struct iovec){ list->str, list->len };
  make_pair (fds);
  g_assert_cmpint (collet_wire_send (server->fd, &header, parts, 2, &fds[1], 1), ==, 0);
  close (fds[1]);
  answer = expect (server->fd, COLLET_FRAME_SPAWNED);
  g_assert_cmpuint (answer->frame.header.id, ==, header.id);
  *id = header.id;
  return fds[0];
}

int
probe_end (Server *server, guint64 id)
{
  return take_exit (server, id, 0);
}
