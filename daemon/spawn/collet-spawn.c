/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collet-error.h"
#include "collet-failure.h"
#include "collet-fork-client.h"
#include "collet-probe-reader.h"
#include "collet-wire.h"

/* A fork takes a millisecond; a server that takes so long hangs. */
#define ANSWER_MS 20000
#define MAX_RESTART_DELAY_MS 5000
#define STABLE_US (10 * G_USEC_PER_SEC)

struct _ColletSpawn
{
  GObject parent_instance;
  char **argv;
  gboolean has_user;        /* workers have another one than this process */
  ColletForkClient *server; /* NULL: it is being started again */
  gint64 started_us;
  guint restart_delay_ms;
  GSource *restart;
  guint64 last_id;
  GHashTable *pending; /* id -> Pending */
};

G_DEFINE_FINAL_TYPE (ColletSpawn, collet_spawn, G_TYPE_OBJECT)

enum
{
  SIGNAL_EXITED,
  SIGNAL_REFUSED,
  SIGNAL_LOST,
  N_SIGNALS
};
static guint signals[N_SIGNALS];

/* A child: asked for, then alive until EXITED. */
typedef struct
{
  ColletSpawn *self;
  guint64 id;
  GTask *task; /* of a worker: until it is there; of a probe: until it has ended */
  GSource *timeout;
  GSource *cancelled;
  pid_t pid;
  gboolean handed_over;      /* a worker, to who asked for it */
  int call_fd, control_fd;   /* of a worker, until it is there; else -1 */
  ColletProbeReader *reader; /* of a probe */
} Pending;

static void
drop_source (GSource **source)
{
  if (*source == NULL)
    return;
  g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static void
pending_free (gpointer data)
{
  Pending *pending = data;

  drop_source (&pending->timeout);
  drop_source (&pending->cancelled);
  if (pending->call_fd >= 0)
    close (pending->call_fd);
  if (pending->control_fd >= 0)
    close (pending->control_fd);
  g_clear_pointer (&pending->reader, collet_probe_reader_free);
  g_assert (pending->task == NULL);
  g_free (pending);
}

static void
pending_fail (Pending *pending, GError *error)
{
  g_autoptr (GTask) task = g_steal_pointer (&pending->task);

  drop_source (&pending->timeout);
  drop_source (&pending->cancelled);
  if (task != NULL)
    g_task_return_error (task, error);
  else
    g_error_free (error);
}

void
collet_spawn_kill (ColletSpawn *self, pid_t pid)
{
  struct collet_exit target = { .pid = pid };
  g_autoptr (GBytes) payload = g_bytes_new (&target, sizeof target);

  if (self->server != NULL)
    collet_fork_client_send (self->server, COLLET_FRAME_KILL, 0, payload, NULL, 0);
}

/* What the fork server says */

typedef struct
{
  GPtrArray *reports;
  int died_at;
  int status;
} ProbeResult;

static void
probe_result_free (gpointer data)
{
  ProbeResult *result = data;

  g_ptr_array_unref (result->reports);
  g_free (result);
}

static void
on_spawned (ColletSpawn *self, Pending *pending, struct collet_frame *frame)
{
  struct collet_exit child;
  ColletSpawned *spawned;
  g_autoptr (GTask) task = NULL;

  if (frame->header.size != sizeof child || frame->n_fds != 1 || pending->pid != 0)
    return;
  memcpy (&child, frame->payload, sizeof child);
  pending->pid = child.pid;
  if (pending->task == NULL)
    collet_spawn_kill (self, child.pid); /* nobody wants it any more */
  if (pending->task == NULL || pending->reader != NULL)
    return;

  task = g_steal_pointer (&pending->task);
  drop_source (&pending->timeout);
  drop_source (&pending->cancelled);
  spawned = g_new (ColletSpawned, 1);
  *spawned =
      (ColletSpawned){ child.pid, collet_frame_steal_fd (frame, 0), pending->call_fd, pending->control_fd };
  pending->call_fd = pending->control_fd = -1;
  pending->handed_over = TRUE;
  g_task_return_pointer (task, spawned, g_free);
}

static void
on_exited (ColletSpawn *self, Pending *pending, const struct collet_frame *frame)
{
  struct collet_exit child;
  ProbeResult *result;
  g_autoptr (GTask) task = g_steal_pointer (&pending->task);
  gboolean handed_over = pending->handed_over;

  memcpy (&child, frame->payload, MIN (sizeof child, frame->header.size));
  if (task != NULL && pending->reader != NULL)
    {
      result = g_new0 (ProbeResult, 1);
      result->reports = collet_probe_reader_finish (pending->reader, &result->died_at);
      result->status = child.status;
      g_hash_table_remove (self->pending, &pending->id);
      g_task_return_pointer (task, result, probe_result_free);
      return;
    }
  g_hash_table_remove (self->pending, &pending->id);
  if (task != NULL)
    g_task_return_new_error (task, COLLET_ERROR, COLLET_ERROR_SPAWN_FAILED,
                             "The worker process ended before it could be handed over.");
  else if (handed_over)
    g_signal_emit (self, signals[SIGNAL_EXITED], 0, (int)child.pid, (int)child.status);
}

static void
on_refused (ColletSpawn *self, Pending *pending, const struct collet_frame *frame)
{
  struct collet_failure failure;
  ColletError code = COLLET_ERROR_SPAWN_FAILED;

  collet_failure_decode (&failure, frame->payload, frame->header.size);
  collet_error_from_name (failure.name, &code);
  pending_fail (pending, g_error_new (COLLET_ERROR, (int)code, "%s%s%s", failure.message,
                                      failure.remedy[0] != '\0' ? " " : "", failure.remedy));
  g_hash_table_remove (self->pending, &pending->id);
}

/* What the confinement refused the child. */
static void
on_confined (ColletSpawn *self, Pending *pending, const struct collet_frame *frame)
{
  const gsize n = frame->header.size / sizeof (struct collet_refused);
  const gboolean is_probe = pending->reader != NULL;
  const pid_t pid = pending->pid;

  for (gsize i = 0; i < n; i++)
    {
      struct collet_refused refused;

      memcpy (&refused, frame->payload + i * sizeof refused, sizeof refused);
      refused.name[sizeof refused.name - 1] = '\0';
      if (is_probe)
        collet_probe_reader_add_refusal (pending->reader, refused.artifact, refused.name, refused.times);
      else
        g_signal_emit (self, signals[SIGNAL_REFUSED], 0, (int)pid, refused.name, refused.times);
    }
}

static void
on_frame (gpointer user_data, struct collet_frame *frame)
{
  g_autoptr (ColletSpawn) self = g_object_ref (user_data);
  Pending *pending = g_hash_table_lookup (self->pending, &frame->header.id);

  if (pending == NULL)
    return;
  if (frame->header.type == COLLET_FRAME_SPAWNED)
    on_spawned (self, pending, frame);
  else if (frame->header.type == COLLET_FRAME_EXITED && frame->header.size == sizeof (struct collet_exit))
    on_exited (self, pending, frame);
  else if (frame->header.type == COLLET_FRAME_REFUSED)
    on_refused (self, pending, frame);
  else if (frame->header.type == COLLET_FRAME_CONFINED)
    on_confined (self, pending, frame);
}

/* The fork server's life */

static gboolean on_restart (gpointer user_data);

static void
schedule_restart (ColletSpawn *self)
{
  gboolean was_stable = g_get_monotonic_time () - self->started_us > STABLE_US;

  self->restart_delay_ms = was_stable ? 10 : MIN (MAX (self->restart_delay_ms * 2, 10), MAX_RESTART_DELAY_MS);
  self->restart = g_timeout_source_new (self->restart_delay_ms);
  g_source_set_callback (self->restart, on_restart, self, NULL);
  g_source_attach (self->restart, g_main_context_get_thread_default ());
}

/* A worker that was handed over dies with the fork server, by the same signal. */
static gboolean
fail_pending (gpointer key, gpointer value, gpointer user_data)
{
  Pending *pending = value;

  if (pending->handed_over)
    g_signal_emit (pending->self, signals[SIGNAL_EXITED], 0, (int)pending->pid, SIGKILL);
  pending_fail (pending,
                g_error_new_literal (COLLET_ERROR, COLLET_ERROR_SPAWN_FAILED,
                                     "The fork server ended, and is being started again. Try again."));
  return TRUE;
}

static void
on_gone (gpointer user_data)
{
  g_autoptr (ColletSpawn) self = g_object_ref (user_data);
  g_autoptr (GHashTable) pending = NULL;

  g_warning ("The fork server ended; it is started again");
  g_clear_pointer (&self->server, collet_fork_client_free);
  if (self->has_user && !collet_privileges_suffice ())
    g_signal_emit (self, signals[SIGNAL_LOST], 0);
  else
    schedule_restart (self);
  /* A callback may ask for the next one already. */
  pending = g_steal_pointer (&self->pending);
  self->pending = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, pending_free);
  g_hash_table_foreach_remove (pending, fail_pending, NULL);
}

static const ColletForkClientHandler handler = { on_frame, on_gone };

static gboolean
start_server (ColletSpawn *self, GError **error)
{
  self->started_us = g_get_monotonic_time ();
  self->server = collet_fork_client_new ((const char *const *)self->argv, &handler, self, error);
  return self->server != NULL;
}

static gboolean
on_restart (gpointer user_data)
{
  ColletSpawn *self = user_data;
  g_autoptr (GError) error = NULL;

  drop_source (&self->restart);
  if (!start_server (self, &error))
    {
      g_warning ("%s", error->message);
      schedule_restart (self);
    }
  return G_SOURCE_REMOVE;
}

/* Requests */

static gboolean
on_timeout (gpointer user_data)
{
  Pending *pending = user_data;
  g_autoptr (ColletSpawn) self = g_object_ref (pending->self);

  g_warning ("The fork server does not answer; it is ended");
  drop_source (&pending->timeout);
  on_gone (self);
  return G_SOURCE_REMOVE;
}

static gboolean
on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  Pending *pending = user_data;

  if (pending->pid != 0)
    collet_spawn_kill (pending->self, pending->pid);
  pending_fail (pending, g_error_new_literal (COLLET_ERROR, COLLET_ERROR_CANCELLED,
                                              "The start of the process was cancelled."));
  return G_SOURCE_REMOVE;
}

static Pending *
pending_new (ColletSpawn *self, GTask *task, guint timeout_ms)
{
  GCancellable *cancellable = g_task_get_cancellable (task);
  Pending *pending = g_new0 (Pending, 1);

  g_task_set_check_cancellable (task, FALSE);
  pending->self = self;
  pending->id = ++self->last_id;
  pending->task = task;
  pending->call_fd = pending->control_fd = -1;
  pending->timeout = g_timeout_source_new (timeout_ms);
  g_source_set_callback (pending->timeout, on_timeout, pending, NULL);
  g_source_attach (pending->timeout, g_task_get_context (task));
  if (cancellable != NULL)
    {
      pending->cancelled = g_cancellable_source_new (cancellable);
      g_source_set_callback (pending->cancelled, G_SOURCE_FUNC (on_cancelled), pending, NULL);
      g_source_attach (pending->cancelled, g_task_get_context (task));
    }
  g_hash_table_insert (self->pending, &pending->id, pending);
  return pending;
}

/* fds[0] ours, fds[1] the child's. */
static gboolean
make_channel (int fds[2])
{
  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
    return FALSE;
  fcntl (fds[0], F_SETFL, fcntl (fds[0], F_GETFL) | O_NONBLOCK);
  return TRUE;
}

static void
return_no_channel (GTask *task)
{
  g_task_return_new_error (task, COLLET_ERROR, COLLET_ERROR_SPAWN_FAILED,
                           "No channel to a new process could be made: %s. Raise the limit of open files.",
                           g_strerror (errno));
  g_object_unref (task);
}

static gboolean
check_server (ColletSpawn *self, GTask *task)
{
  if (self->server != NULL)
    return TRUE;
  g_task_return_new_error (task, COLLET_ERROR, COLLET_ERROR_SPAWN_FAILED,
                           "The fork server ended, and is being started again. Try again.");
  g_object_unref (task);
  return FALSE;
}

void
collet_spawn_worker_async (ColletSpawn *self, const char *artifact, const struct collet_limits *limits,
                           guint executors, gboolean network, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  struct collet_spawn_request request = { .limits = *limits,
                                          .executors = executors,
                                          .network = network ? 1 : 0 };
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (GBytes) payload = NULL;
  int call[2], control[2];
  Pending *pending;

  g_task_set_source_tag (task, collet_spawn_worker_async);
  if (!check_server (self, task))
    return;
  if (!make_channel (call))
    {
      return_no_channel (task);
      return;
    }
  if (!make_channel (control))
    {
      close (call[0]);
      close (call[1]);
      return_no_channel (task);
      return;
    }
  g_byte_array_append (bytes, (const guint8 *)&request, sizeof request);
  g_byte_array_append (bytes, (const guint8 *)artifact, (guint)strlen (artifact) + 1);
  payload = g_byte_array_free_to_bytes (g_steal_pointer (&bytes));

  pending = pending_new (self, task, ANSWER_MS);
  pending->call_fd = call[0];
  pending->control_fd = control[0];
  collet_fork_client_send (self->server, COLLET_FRAME_SPAWN, pending->id, payload,
                           (int[]){ call[1], control[1] }, 2);
}

gboolean
collet_spawn_worker_finish (ColletSpawn *self, GAsyncResult *result, ColletSpawned *spawned, GError **error)
{
  g_autofree ColletSpawned *found = NULL;

  g_return_val_if_fail (g_async_result_is_tagged (result, collet_spawn_worker_async), FALSE);
  found = g_task_propagate_pointer (G_TASK (result), error);
  if (found != NULL)
    *spawned = *found;
  return found != NULL;
}

void
collet_spawn_probe_async (ColletSpawn *self, const char *const *paths, const struct collet_limits *limits,
                          gboolean brief, GCancellable *cancellable, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  struct collet_probe_request request = { .limits = *limits,
                                          .count = g_strv_length ((GStrv)paths),
                                          .brief = brief ? 1 : 0 };
  guint deadline_ms = limits->deadline_ms > 0 ? limits->deadline_ms : 30000;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (GBytes) payload = NULL;
  Pending *pending;
  int fds[2];

  g_task_set_source_tag (task, collet_spawn_probe_async);
  if (!check_server (self, task))
    return;
  if (!make_channel (fds))
    {
      return_no_channel (task);
      return;
    }
  g_byte_array_append (bytes, (const guint8 *)&request, sizeof request);
  for (guint i = 0; paths[i] != NULL; i++)
    g_byte_array_append (bytes, (const guint8 *)paths[i], (guint)strlen (paths[i]) + 1);
  payload = g_byte_array_free_to_bytes (g_steal_pointer (&bytes));

  pending = pending_new (self, task, deadline_ms + ANSWER_MS);
  pending->reader = collet_probe_reader_new (fds[0], request.count);
  collet_fork_client_send (self->server, COLLET_FRAME_PROBE, pending->id, payload, &fds[1], 1);
}

GPtrArray *
collet_spawn_probe_finish (ColletSpawn *self, GAsyncResult *result, int *died_at, int *wait_status,
                           GError **error)
{
  ProbeResult *found;
  GPtrArray *reports;

  g_return_val_if_fail (g_async_result_is_tagged (result, collet_spawn_probe_async), NULL);
  found = g_task_propagate_pointer (G_TASK (result), error);
  if (found == NULL)
    return NULL;
  *died_at = found->died_at;
  *wait_status = found->status;
  reports = g_ptr_array_ref (found->reports);
  probe_result_free (found);
  return reports;
}

/* Object */

ColletSpawn *
collet_spawn_new (const char *program, const char *const *readable, gboolean allow_unconfined, GError **error)
{
  const ColletWorkerUser none = { NULL, 0, 0 };

  return collet_spawn_new_as (program, readable, &none, allow_unconfined, error);
}

ColletSpawn *
collet_spawn_new_as (const char *program, const char *const *readable, const ColletWorkerUser *user,
                     gboolean allow_unconfined, GError **error)
{
  g_autoptr (ColletSpawn) self = g_object_new (COLLET_TYPE_SPAWN, NULL);
  g_autoptr (GStrvBuilder) argv = g_strv_builder_new ();

  g_strv_builder_add_many (argv, program, "--fork-server", "3", NULL);
  for (guint i = 0; readable[i] != NULL; i++)
    g_strv_builder_add_many (argv, "--readable", readable[i], NULL);
  self->has_user = user->uid != 0;
  if (self->has_user)
    {
      g_autofree char *text = g_strdup_printf ("%u:%u", user->uid, user->gid);

      g_strv_builder_add_many (argv, "--user", text, NULL);
    }
  if (allow_unconfined)
    g_strv_builder_add (argv, "--allow-unconfined");
  self->argv = g_strv_builder_end (argv);
  return start_server (self, error) ? g_steal_pointer (&self) : NULL;
}

static void
collet_spawn_finalize (GObject *object)
{
  ColletSpawn *self = COLLET_SPAWN (object);

  drop_source (&self->restart);
  g_clear_pointer (&self->server, collet_fork_client_free);
  g_clear_pointer (&self->pending, g_hash_table_unref); /* a task holds a reference to us: none is left */
  g_strfreev (self->argv);
  G_OBJECT_CLASS (collet_spawn_parent_class)->finalize (object);
}

static void
collet_spawn_class_init (ColletSpawnClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = collet_spawn_finalize;
  signals[SIGNAL_EXITED] = g_signal_new ("exited", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                         NULL, NULL, G_TYPE_NONE, 2, G_TYPE_INT, G_TYPE_INT);
  signals[SIGNAL_LOST] = g_signal_new ("lost", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                       NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_REFUSED] =
      g_signal_new ("refused", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,
                    3, G_TYPE_INT, G_TYPE_STRING, G_TYPE_UINT64);
}

static void
collet_spawn_init (ColletSpawn *self)
{
  self->pending = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, pending_free);
}
