/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-test-client.h: the daemon's side of the fork server and of workers, for
 * tests: everything blocks, and nothing waits longer than ten seconds.
 */
#pragma once

#include <gio/gio.h>

#include "collet-failure.h"
#include "collet-module.h"
#include "collet-wire.h"

typedef struct
{
  GSubprocess *process;
  int fd;
  guint64 next_id;
  GHashTable *refused; /* system call -> how often, as told until the last worker's end */
} Server;

typedef struct
{
  guint64 id; /* of the request */
  pid_t pid;
  int pidfd;
  int call_fd;
  int control_fd;
} Worker;

/* A frame and the buffer it points into. */
typedef struct
{
  struct collet_frame frame;
  char buffer[COLLET_WIRE_BUFFER];
} Received;

void server_start (Server *server);
/* `child_setup` and one more `option`; either may be NULL. */
void server_start_full (Server *server, GSpawnChildSetupFunc child_setup, const char *option);
/* Closes the channel; expects it to end with 0. */
void server_stop (Server *server);

struct collet_limits default_limits (void);

/* The next frame, NULL: closed. */
Received *receive (int fd);
void received_free (Received *received);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Received, received_free)
/* The next frame must be of this type. */
Received *expect (int fd, guint16 type);

char *module_path (const char *variable, const char *name);

/* Asks for a worker; returns the id. */
guint64 worker_request (Server *server, Worker *worker, const char *path, const struct collet_limits *limits,
                        guint executors, gboolean network);
/* The same, and takes SPAWNED; not yet READY. */
void worker_spawn (Server *server, Worker *worker, const char *path, const struct collet_limits *limits,
                   guint executors, gboolean network);
/* The same, READY. */
void worker_start (Server *server, Worker *worker, const char *path, guint executors);
/* BROKEN or REFUSED. */
void worker_expect_broken (Worker *worker, struct collet_failure *failure);
/* Takes EXITED of this worker; returns the wait status and closes the fds. */
int worker_end (Server *server, Worker *worker);
/* SHUTDOWN, its answer, exit 0. */
void worker_stop (Server *server, Worker *worker);

void worker_send_call (Worker *worker, guint64 id, const char *tool, const char *arguments);
/* Like send_call, with every field. */
void worker_send_call_full (Worker *worker, guint64 id, const char *tool, const char *arguments,
                            gint64 deadline_us, gboolean wants_progress, guint log_level);
/* Calls and returns the JSON of the result. */
char *worker_call (Worker *worker, guint64 id, const char *tool, const char *arguments, int *status);
/* A control request and its answer. */
Received *
worker_ask (Worker *worker, guint16 type, int status, guint32 detail, const void *payload, gsize size);

/* Sends PROBE; returns the report channel. */
int probe_start (Server *server, const char *const *paths, const struct collet_limits *limits,
                 gboolean read_only, guint64 *id);
/* Takes EXITED. */
int probe_end (Server *server, guint64 id);
