/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The life of a worker generation's process: spawned, loaded, taking calls, dead,
 * started again. */
#include "collet-module.h"
#include "collet-wire.h"
#include "collet-failure.h"

#include "collet-worker-generation-private.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collet-error.h"
#include "collet-source.h"

/* How long the fork server has to say what a process that is gone died of. */
#define STATUS_WAIT_US (2 * G_USEC_PER_SEC)

static ColletGeneration *
as_generation (ColletWorkerGeneration *self)
{
  return COLLET_GENERATION (self);
}

static const char *
title_of (ColletWorkerGeneration *self)
{
  return collet_generation_get_title (as_generation (self));
}

/* Once it retires, the rest of its life is nobody's business. */
static void
show_state (ColletWorkerGeneration *self, ColletGenerationState state)
{
  if (collet_generation_get_state (as_generation (self)) < COLLET_GENERATION_RETIRING)
    collet_generation_set_state (as_generation (self), state);
}

void
collet_worker_life_drop_timer (ColletWorkerGeneration *self)
{
  collet_source_drop (&self->timer);
}

void
collet_worker_life_set_timer (ColletWorkerGeneration *self, gint64 delay_us, GSourceFunc func)
{
  collet_worker_life_drop_timer (self);
  self->timer = g_timeout_source_new ((guint)((delay_us + 999) / 1000));
  g_source_set_callback (self->timer, func, self, NULL);
  g_source_attach (self->timer, g_main_context_get_thread_default ());
}

void
collet_worker_life_end_start_tasks (ColletWorkerGeneration *self, const GError *error)
{
  g_autoptr (GPtrArray) tasks = g_steal_pointer (&self->start_tasks);

  self->start_tasks = g_ptr_array_new ();
  for (guint i = 0; i < tasks->len; i++)
    {
      g_autoptr (GTask) task = g_ptr_array_index (tasks, i);

      if (error != NULL)
        g_task_return_error (task, g_error_copy (error));
      else
        g_task_return_boolean (task, TRUE);
    }
}

/* Death and restart */

static gboolean
on_back_off_over (gpointer user_data)
{
  ColletWorkerGeneration *self = user_data;

  collet_worker_life_start (self);
  return G_SOURCE_REMOVE;
}

static void
give_up (ColletWorkerGeneration *self, const GError *error)
{
  g_autoptr (GError) refusal = g_error_new (
      COLLET_ERROR, COLLET_ERROR_WORKER_UNAVAILABLE,
      "The worker of %s ended %u times within %u s, the last time because: %s It is not started again. "
      "Load another version, or go back to an earlier one.",
      title_of (self), collet_restart_policy_get_deaths (&self->policy), self->parts->config.restart_window_s,
      error->message);

  self->phase = COLLET_WORKER_BROKEN;
  show_state (self, COLLET_GENERATION_BROKEN);
  collet_worker_calls_refuse (self->calls, refusal);
  collet_worker_requests_fail (self->requests, TRUE, refusal);
  collet_worker_life_end_start_tasks (self, refusal);
}

static void
start_again_or_not (ColletWorkerGeneration *self, const GError *error)
{
  gint64 delay_us = collet_restart_policy_count_death (&self->policy, g_get_monotonic_time ());

  if (delay_us < 0)
    give_up (self, error);
  else
    {
      self->phase = COLLET_WORKER_BACK_OFF;
      show_state (self, COLLET_GENERATION_RESTARTING);
      collet_worker_life_set_timer (self, delay_us, on_back_off_over);
    }
  collet_generation_count_crash (as_generation (self), error, delay_us >= 0);
}

/* Nobody needs it: it is being retired, or it was never used and none waits. */
static gboolean
may_rest (ColletWorkerGeneration *self)
{
  gboolean is_retiring = collet_generation_get_state (as_generation (self)) >= COLLET_GENERATION_RETIRING;

  return (is_retiring || !self->was_ready) && collet_worker_calls_rest (self->calls);
}

/* The process is gone and forgotten. */
static void
go_on_without (ColletWorkerGeneration *self, const GError *error)
{
  if (self->stop_task != NULL || self->parts->closed)
    {
      self->phase = COLLET_WORKER_OVER;
      collet_worker_life_end_start_tasks (self, error);
      collet_worker_requests_fail (self->requests, TRUE, error);
      if (self->stop_task != NULL)
        collet_worker_life_finish_stop (self);
      return;
    }
  if (!may_rest (self))
    {
      if (!self->was_ready)
        collet_worker_life_end_start_tasks (self, error);
      start_again_or_not (self, error);
      return;
    }
  self->phase = COLLET_WORKER_NONE;
  show_state (self, COLLET_GENERATION_COLD);
  collet_worker_life_end_start_tasks (self, error);
  collet_worker_requests_fail (self->requests, TRUE, error);
  if (self->was_ready)
    collet_generation_count_crash (as_generation (self), error, FALSE);
}

static char *
describe_death (const ColletWorkerProcess *process)
{
  const char *signal_name;

  if (!process->has_status)
    return g_strdup ("is gone; what it died of is not known,");
  if (WIFEXITED (process->status))
    return g_strdup_printf ("ended itself with exit status %d", WEXITSTATUS (process->status));
  signal_name = sigabbrev_np (WTERMSIG (process->status));
  if (signal_name == NULL)
    return g_strdup_printf ("died of signal %d", WTERMSIG (process->status));
  return g_strdup_printf ("died of SIG%s", signal_name);
}

static GError *
make_death_error (ColletWorkerGeneration *self)
{
  const ColletWorkerProcess *process = &self->process;
  g_autofree char *reason = collet_link_dup_reason (process->link);
  g_autofree char *what = reason != NULL ? g_strdup ("was ended") : describe_death (process);
  g_autofree char *calls = NULL;

  if (process->lost > 0)
    calls = g_strdup_printf (" while running %u %s", process->lost, process->lost == 1 ? "call" : "calls");
  return g_error_new (COLLET_ERROR, COLLET_ERROR_WORKER_CRASHED, "Worker %d of %s %s%s%s%s.",
                      (int)collet_link_get_pid (process->link), title_of (self), what,
                      calls != NULL ? calls : "", reason != NULL ? ": " : "", reason != NULL ? reason : "");
}

static GError *
make_start_error (const GError *death, GError *failure)
{
  if (failure != NULL)
    return failure;
  return g_error_new (COLLET_ERROR, COLLET_ERROR_VALIDATION_FAILED,
                      "%s It had not yet said that it is ready.", death->message);
}

static void
bury (ColletWorkerGeneration *self)
{
  g_autoptr (GError) death = make_death_error (self);
  gboolean was_running = self->phase == COLLET_WORKER_RUNNING;
  g_autoptr (GError) error = NULL;

  collet_worker_life_drop_timer (self);
  collet_host_parts_forget_exit (self->parts, collet_link_get_pid (self->process.link));
  collet_worker_calls_fail_sent (self->calls, self->process.link, death);
  collet_worker_requests_set_link (self->requests, NULL);
  if (was_running)
    error = g_error_copy (death);
  else
    error = make_start_error (death, g_steal_pointer (&self->process.failure));
  g_clear_error (&self->process.failure);
  g_clear_pointer (&self->process.link, collet_link_unref);
  self->process = (ColletWorkerProcess){ 0 };
  self->phase = COLLET_WORKER_NONE;
  collet_generation_set_pid (as_generation (self), 0);
  collet_worker_requests_fail (self->requests, FALSE, death);
  go_on_without (self, error);
}

static gboolean
on_status_unknown (gpointer user_data)
{
  bury (user_data);
  return G_SOURCE_REMOVE;
}

static void
on_exit_status (gpointer user_data, int status)
{
  ColletWorkerGeneration *self = user_data;

  self->process.has_status = TRUE;
  self->process.status = status;
  if (self->process.has_ended)
    bury (self);
}

static void
on_refused (gpointer user_data, const char *system_call, guint64 times)
{
  collet_generation_add_refusal (user_data, system_call, times);
}

static const ColletProcessHandler process_handler = { on_refused, on_exit_status };

/* Start */

static void
on_running (ColletWorkerGeneration *self)
{
  collet_worker_life_drop_timer (self);
  self->phase = COLLET_WORKER_RUNNING;
  self->was_ready = TRUE;
  show_state (self, COLLET_GENERATION_READY);
  collet_worker_calls_open (self->calls, self->process.link);
  collet_worker_requests_set_link (self->requests, self->process.link);
  collet_worker_life_end_start_tasks (self, NULL);
}

static void
on_restored (GObject *object, GAsyncResult *result, gpointer user_data)
{
  ColletWorkerGeneration *self = COLLET_WORKER_GENERATION (object);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) answer = g_task_propagate_pointer (G_TASK (result), &error);

  /* If the process died in between, its burial went on from there. */
  if (self->phase != COLLET_WORKER_RESTORING || self->process.failure != NULL || self->process.has_ended)
    return;
  if (answer != NULL)
    on_running (self);
  else
    collet_worker_life_abort_start (self, g_error_new (COLLET_ERROR, COLLET_ERROR_STATE_MIGRATION_FAILED,
                                                       "%s could not import its last state: %s",
                                                       title_of (self), error->message));
}

static void
on_ready (ColletWorkerGeneration *self)
{
  GBytes *snapshot = collet_generation_get_snapshot (as_generation (self));

  if (snapshot == NULL)
    {
      on_running (self);
      return;
    }
  collet_worker_life_drop_timer (self);
  self->phase = COLLET_WORKER_RESTORING;
  collet_worker_requests_add_first (self->requests, self->process.link, COLLET_FRAME_IMPORT_STATE, snapshot,
                                    g_task_new (self, NULL, on_restored, NULL));
}

void
collet_worker_life_abort_start (ColletWorkerGeneration *self, GError *error)
{
  if (self->process.failure == NULL)
    self->process.failure = error;
  else
    g_error_free (error);
  if (self->phase == COLLET_WORKER_SPAWNING)
    g_cancellable_cancel (self->spawning);
  else
    collet_link_kill (self->process.link, "it is not needed");
}

static gboolean
on_start_timeout (gpointer user_data)
{
  ColletWorkerGeneration *self = user_data;

  collet_worker_life_drop_timer (self);
  collet_worker_life_abort_start (self, g_error_new (COLLET_ERROR, COLLET_ERROR_TIMEOUT,
                                                     "%s did not start within %u ms; its worker was ended.",
                                                     title_of (self), self->parts->config.start_timeout_ms));
  return G_SOURCE_REMOVE;
}

static void
on_broken (ColletWorkerGeneration *self, GBytes *payload)
{
  struct collet_failure failure;
  ColletError code = COLLET_ERROR_VALIDATION_FAILED;
  gsize size;
  const char *bytes = g_bytes_get_data (payload, &size);

  collet_failure_decode (&failure, bytes != NULL ? bytes : "", size);
  collet_error_from_name (failure.name, &code);
  collet_worker_life_abort_start (self, g_error_new (COLLET_ERROR, (int)code, "%s%s%s", failure.message,
                                                     failure.remedy[0] != '\0' ? " " : "", failure.remedy));
}

/* The host is gone, and with it whoever would watch a worker. */
static void
drop_spawned (ColletWorkerGeneration *self, const ColletSpawned *spawned)
{
  g_autoptr (GError) error = g_error_new (COLLET_ERROR, COLLET_ERROR_SHUTTING_DOWN,
                                          "%s was not started: the daemon ends.", title_of (self));

  collet_spawn_kill (self->parts->spawn, spawned->pid);
  close (spawned->call_fd);
  close (spawned->control_fd);
  close (spawned->pidfd);
  g_clear_error (&self->process.failure);
  go_on_without (self, error);
}

static void
on_spawned (GObject *object, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (ColletWorkerGeneration) self = user_data;
  g_autoptr (GError) error = NULL;
  ColletSpawned spawned;

  g_clear_object (&self->spawning);
  if (!collet_spawn_worker_finish (COLLET_SPAWN (object), result, &spawned, &error))
    {
      g_autoptr (GError) failure = g_steal_pointer (&self->process.failure);

      collet_worker_life_drop_timer (self);
      self->process = (ColletWorkerProcess){ 0 };
      self->phase = COLLET_WORKER_NONE;
      go_on_without (self, failure != NULL ? failure : error);
      return;
    }
  if (self->parts->closed)
    {
      drop_spawned (self, &spawned);
      return;
    }
  self->process.link = collet_link_new (self->parts->io, &spawned, &collet_worker_life_handler, self);
  g_object_ref (self); /* the link's, until it has ended */
  self->phase = COLLET_WORKER_LOADING;
  collet_generation_set_pid (as_generation (self), spawned.pid);
  if (self->process.failure != NULL)
    collet_link_kill (self->process.link, "it is not needed");
  collet_host_parts_expect_exit (self->parts, spawned.pid, &process_handler, self);
}

void
collet_worker_life_start (ColletWorkerGeneration *self)
{
  const ColletGenerationSpec *spec = collet_generation_get_spec (as_generation (self));
  const ColletHostConfig *config = &self->parts->config;
  ColletGenerationState state = collet_generation_get_state (as_generation (self));
  struct collet_limits limits = {
    .address_space = config->limits.address_space,
    .open_files = config->limits.open_files,
    .threads = config->limits.threads,
  };

  collet_host_parts_add_live (self->parts, as_generation (self));
  if (state == COLLET_GENERATION_COLD || state == COLLET_GENERATION_BROKEN)
    show_state (self, COLLET_GENERATION_STARTING);
  self->phase = COLLET_WORKER_SPAWNING;
  self->spawning = g_cancellable_new ();
  collet_worker_life_set_timer (self, (gint64)config->start_timeout_ms * 1000, on_start_timeout);
  collet_spawn_worker_async (self->parts->spawn, spec->path, &limits,
                             spec->manifest->concurrent ? config->executors : 1,
                             collet_manifest_may_use_network (spec->manifest, config->network),
                             self->spawning, on_spawned, g_object_ref (self));
}

/* From the I/O thread */

typedef struct
{
  ColletWorkerGeneration *self;
  guint16 type;
  guint64 id;
  int status;
  GBytes *payload;
  guint lost;
} News;

static void
news_free (gpointer data)
{
  News *news = data;

  g_clear_pointer (&news->payload, g_bytes_unref);
  g_object_unref (news->self);
  g_free (news);
}

static void
on_control_news (gpointer data)
{
  News *news = data;
  ColletWorkerGeneration *self = news->self;

  if (self->process.link == NULL || self->process.failure != NULL)
    return;
  if (news->type == COLLET_FRAME_READY && self->phase == COLLET_WORKER_LOADING)
    on_ready (self);
  else if (news->type == COLLET_FRAME_BROKEN && self->phase == COLLET_WORKER_LOADING)
    on_broken (self, news->payload);
  else if (news->type == COLLET_FRAME_ANSWER && news->id == 0 && self->stop_task != NULL)
    return; /* to SHUTDOWN: it exits next */
  else if (news->type != COLLET_FRAME_ANSWER ||
           !collet_worker_requests_take_answer (self->requests, news->id, news->status, news->payload))
    collet_link_kill (self->process.link, "it sent a frame on its control channel that nothing asked for");
}

static void
on_link_control (gpointer user_data, ColletLink *link, const struct collet_frame *frame)
{
  ColletWorkerGeneration *self = user_data;
  News *news = g_new0 (News, 1);

  news->self = g_object_ref (self);
  news->type = frame->header.type;
  news->id = frame->header.id;
  news->status = frame->header.status;
  news->payload = g_bytes_new (frame->payload, frame->header.size);
  collet_mailbox_post (self->parts->mailbox, on_control_news, news, news_free);
}

static void
on_ended_news (gpointer data)
{
  News *news = data;
  ColletWorkerGeneration *self = news->self;

  g_object_unref (self); /* the link's */
  self->process.has_ended = TRUE;
  self->process.lost = news->lost;
  if (self->process.has_status || self->parts->closed)
    bury (self);
  else
    collet_worker_life_set_timer (self, STATUS_WAIT_US, on_status_unknown);
}

static void
on_link_ended (gpointer user_data, ColletLink *link)
{
  ColletWorkerGeneration *self = user_data;
  News *news = g_new0 (News, 1);

  news->self = g_object_ref (self);
  news->lost = collet_worker_calls_close (self->calls, link);
  collet_mailbox_post (self->parts->mailbox, on_ended_news, news, news_free);
}

static void
on_link_call (gpointer user_data, ColletLink *link, const struct collet_frame *frame)
{
  collet_worker_calls_take_frame (((ColletWorkerGeneration *)user_data)->calls, link, frame);
}

static void
on_link_room (gpointer user_data, ColletLink *link)
{
  collet_worker_calls_flush (((ColletWorkerGeneration *)user_data)->calls);
}

static void
on_kill_news (gpointer data)
{
  News *news = data;

  if (!news->self->parts->closed)
    collet_spawn_kill (news->self->parts->spawn, (pid_t)news->id);
}

static void
on_link_kill (gpointer user_data, ColletLink *link)
{
  ColletWorkerGeneration *self = user_data;
  News *news = g_new0 (News, 1);

  news->self = g_object_ref (self);
  news->id = (guint64)collet_link_get_pid (link);
  collet_mailbox_post (self->parts->mailbox, on_kill_news, news, news_free);
}

const ColletLinkHandler collet_worker_life_handler = { on_link_call, on_link_control, on_link_room,
                                                       on_link_ended, on_link_kill };
