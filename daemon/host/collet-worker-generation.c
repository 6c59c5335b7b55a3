/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-module.h"
#include "collet-wire.h"

#include "collet-worker-generation-private.h"

#include "collet-error.h"
#include "collet-source.h"

G_DEFINE_FINAL_TYPE (ColletWorkerGeneration, collet_worker_generation, COLLET_TYPE_GENERATION)

static const char *
title_of (ColletWorkerGeneration *self)
{
  return collet_generation_get_title (COLLET_GENERATION (self));
}

/* Start */

static gboolean
on_start_cancelled (GCancellable *cancellable, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  ColletWorkerGeneration *self = g_task_get_source_object (task);
  guint index;

  g_object_ref (task);
  if (!g_ptr_array_find (self->start_tasks, task, &index))
    return G_SOURCE_REMOVE;
  g_ptr_array_remove_index (self->start_tasks, index);
  g_task_return_new_error (task, COLLET_ERROR, COLLET_ERROR_CANCELLED, "The start of %s was cancelled.",
                           title_of (self));
  g_object_unref (task);
  /* Somebody else may wait for the same worker. */
  if (self->start_tasks->len == 0 && !self->was_ready && collet_worker_calls_rest (self->calls) &&
      (self->phase == COLLET_WORKER_SPAWNING || self->phase == COLLET_WORKER_LOADING))
    collet_worker_life_abort_start (self, g_error_new (COLLET_ERROR, COLLET_ERROR_CANCELLED,
                                                       "The start of %s was cancelled.", title_of (self)));
  return G_SOURCE_REMOVE;
}

static void
watch_start (ColletWorkerGeneration *self, GTask *task)
{
  GCancellable *cancellable = g_task_get_cancellable (task);
  GSource *source;

  g_ptr_array_add (self->start_tasks, task);
  g_task_set_check_cancellable (task, FALSE);
  if (cancellable == NULL)
    return;
  source = g_cancellable_source_new (cancellable);
  g_source_set_callback (source, G_SOURCE_FUNC (on_start_cancelled), task, NULL);
  g_source_attach (source, g_task_get_context (task));
  /* Destroyed with the task. */
  g_task_set_task_data (task, source, (GDestroyNotify)collet_source_destroy);
}

static void
collet_worker_generation_start_async (ColletGeneration *generation, GCancellable *cancellable,
                                      GAsyncReadyCallback callback, gpointer user_data)
{
  ColletWorkerGeneration *self = COLLET_WORKER_GENERATION (generation);
  GTask *task = g_task_new (self, cancellable, callback, user_data);

  switch (self->phase)
    {
    case COLLET_WORKER_RUNNING:
      g_task_return_boolean (task, TRUE);
      g_object_unref (task);
      return;
    case COLLET_WORKER_OVER:
      g_task_return_new_error (task, COLLET_ERROR, COLLET_ERROR_WORKER_UNAVAILABLE, "%s was retired.",
                               title_of (self));
      g_object_unref (task);
      return;
    case COLLET_WORKER_BROKEN:
      collet_restart_policy_reset (&self->policy);
      collet_worker_calls_accept (self->calls);
      G_GNUC_FALLTHROUGH;
    case COLLET_WORKER_NONE:
      watch_start (self, task);
      collet_worker_life_start (self);
      return;
    case COLLET_WORKER_SPAWNING:
    case COLLET_WORKER_LOADING:
    case COLLET_WORKER_RESTORING:
    case COLLET_WORKER_BACK_OFF:
      watch_start (self, task);
      return;
    }
}

static gboolean
collet_worker_generation_start_finish (ColletGeneration *generation, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* A call waits for a worker that was not started. */
static void
on_call_waits (gpointer data)
{
  ColletWorkerGeneration *self = data;

  if (self->phase == COLLET_WORKER_NONE && !self->parts->closed)
    collet_worker_life_start (self);
}

static void
ask_for_start (gpointer user_data)
{
  ColletWorkerGeneration *self = user_data;

  collet_mailbox_post (self->parts->mailbox, on_call_waits, g_object_ref (self), g_object_unref);
}

/* Steps */

static void
on_step_late (gpointer user_data, const char *reason)
{
  ColletWorkerGeneration *self = user_data;

  if (self->process.link != NULL)
    collet_link_kill (self->process.link, reason);
}

static void
collet_worker_generation_request_async (ColletGeneration *generation, guint16 frame_type, int status,
                                        guint32 detail, GBytes *payload, GCancellable *cancellable,
                                        GAsyncReadyCallback callback, gpointer user_data)
{
  ColletWorkerGeneration *self = COLLET_WORKER_GENERATION (generation);
  GTask *task = g_task_new (self, cancellable, callback, user_data);

  if (self->phase == COLLET_WORKER_NONE || self->phase == COLLET_WORKER_BROKEN ||
      self->phase == COLLET_WORKER_OVER)
    {
      g_task_return_new_error (task, COLLET_ERROR, COLLET_ERROR_WORKER_UNAVAILABLE,
                               "It has no worker that runs.");
      g_object_unref (task);
    }
  else
    collet_worker_requests_add (self->requests, frame_type, status, detail, payload, task);
}

static GBytes *
collet_worker_generation_request_finish (ColletGeneration *generation, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* End */

void
collet_worker_life_finish_stop (ColletWorkerGeneration *self)
{
  g_autoptr (GTask) task = g_steal_pointer (&self->stop_task);
  g_autoptr (GError) refusal =
      g_error_new (COLLET_ERROR, COLLET_ERROR_WORKER_UNAVAILABLE, "%s was retired.", title_of (self));

  self->phase = COLLET_WORKER_OVER;
  collet_worker_life_drop_timer (self);
  collet_worker_calls_refuse (self->calls, refusal);
  collet_worker_requests_fail (self->requests, TRUE, refusal);
  collet_worker_life_end_start_tasks (self, refusal);
  g_task_return_boolean (task, TRUE);
  collet_host_parts_remove_live (self->parts, COLLET_GENERATION (self));
}

static gboolean
on_stop_timeout (gpointer user_data)
{
  ColletWorkerGeneration *self = user_data;

  collet_worker_life_drop_timer (self);
  self->killed = TRUE;
  collet_link_kill (self->process.link, "it did not stop in time");
  return G_SOURCE_REMOVE;
}

static void
collet_worker_generation_stop_async (ColletGeneration *generation, GCancellable *cancellable,
                                     GAsyncReadyCallback callback, gpointer user_data)
{
  ColletWorkerGeneration *self = COLLET_WORKER_GENERATION (generation);

  g_return_if_fail (self->stop_task == NULL);

  self->stop_task = g_task_new (self, NULL, callback, user_data);
  if (self->phase == COLLET_WORKER_SPAWNING || self->phase == COLLET_WORKER_LOADING ||
      self->phase == COLLET_WORKER_RESTORING)
    collet_worker_life_abort_start (self, g_error_new (COLLET_ERROR, COLLET_ERROR_WORKER_UNAVAILABLE,
                                                       "%s is being retired.", title_of (self)));
  else if (self->phase != COLLET_WORKER_RUNNING)
    collet_worker_life_finish_stop (self);
  else if (collet_worker_requests_is_abandoned (self->requests))
    {
      self->killed = TRUE;
      collet_link_kill (self->process.link, "it was still at a step that was cancelled");
    }
  else if (!self->killed && !self->process.has_ended)
    {
      collet_link_send_control (self->process.link, COLLET_FRAME_SHUTDOWN, 0, 0, 0, NULL);
      collet_worker_life_set_timer (self, (gint64)self->parts->config.step_timeout_ms * 1000,
                                    on_stop_timeout);
    }
}

static gboolean
collet_worker_generation_stop_finish (ColletGeneration *generation, GAsyncResult *result, gboolean *killed,
                                      gboolean *unloaded)
{
  *killed = COLLET_WORKER_GENERATION (generation)->killed;
  *unloaded = TRUE;
  return g_task_propagate_boolean (G_TASK (result), NULL);
}

static void
collet_worker_generation_kill (ColletGeneration *generation)
{
  ColletWorkerGeneration *self = COLLET_WORKER_GENERATION (generation);
  g_autoptr (GError) error =
      g_error_new (COLLET_ERROR, COLLET_ERROR_DRAIN_TIMEOUT,
                   "The call did not end before %s, which was replaced, had to go; it was ended.",
                   title_of (self));

  self->killed = TRUE;
  collet_worker_calls_refuse (self->calls, error);
  if (self->process.link != NULL)
    collet_link_kill (self->process.link, "calls were left when it had to go");
}

void
collet_worker_generation_abandon (ColletGeneration *generation)
{
  ColletWorkerGeneration *self = COLLET_WORKER_GENERATION (generation);
  g_autoptr (GError) error =
      g_error_new_literal (COLLET_ERROR, COLLET_ERROR_SHUTTING_DOWN, "The daemon ends.");

  collet_worker_life_drop_timer (self);
  collet_worker_calls_refuse (self->calls, error);
  if (self->spawning != NULL)
    g_cancellable_cancel (self->spawning);
  if (self->process.link != NULL)
    collet_link_abandon (self->process.link);
}

/* Calls */

static void
collet_worker_generation_dispatch (ColletGeneration *generation, ColletCall *call)
{
  collet_worker_calls_dispatch (((ColletWorkerGeneration *)generation)->calls, call);
}

static void
collet_worker_generation_cancel (ColletGeneration *generation, ColletCall *call)
{
  collet_worker_calls_cancel (((ColletWorkerGeneration *)generation)->calls, call);
}

static gint64
collet_worker_generation_get_oldest_call (ColletGeneration *generation)
{
  return collet_worker_calls_get_oldest (((ColletWorkerGeneration *)generation)->calls);
}

/* Object */

static void
collet_worker_generation_finalize (GObject *object)
{
  ColletWorkerGeneration *self = COLLET_WORKER_GENERATION (object);

  g_assert (self->process.link == NULL && self->stop_task == NULL && self->start_tasks->len == 0);
  collet_worker_life_drop_timer (self);
  collet_worker_calls_free (self->calls);
  collet_worker_requests_free (self->requests);
  collet_restart_policy_clear (&self->policy);
  g_clear_error (&self->process.failure);
  g_ptr_array_unref (self->start_tasks);
  collet_host_parts_unref (self->parts);
  G_OBJECT_CLASS (collet_worker_generation_parent_class)->finalize (object);
}

static void
collet_worker_generation_class_init (ColletWorkerGenerationClass *klass)
{
  ColletGenerationClass *generation_class = COLLET_GENERATION_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = collet_worker_generation_finalize;
  generation_class->start_async = collet_worker_generation_start_async;
  generation_class->start_finish = collet_worker_generation_start_finish;
  generation_class->request_async = collet_worker_generation_request_async;
  generation_class->request_finish = collet_worker_generation_request_finish;
  generation_class->stop_async = collet_worker_generation_stop_async;
  generation_class->stop_finish = collet_worker_generation_stop_finish;
  generation_class->kill = collet_worker_generation_kill;
  generation_class->get_oldest_call = collet_worker_generation_get_oldest_call;
  generation_class->dispatch = collet_worker_generation_dispatch;
  generation_class->cancel = collet_worker_generation_cancel;
}

static void
collet_worker_generation_init (ColletWorkerGeneration *self)
{
  self->start_tasks = g_ptr_array_new ();
}

ColletGeneration *
collet_worker_generation_new (ColletHostParts *parts, ColletGenerationSpec *spec)
{
  ColletWorkerGeneration *self = g_object_new (COLLET_TYPE_WORKER_GENERATION, "spec", spec, NULL);
  const ColletHostConfig *config = &parts->config;
  ColletWorkerLimits limits = {
    .executors = spec->manifest->concurrent ? config->executors : 1,
    .max_in_flight = config->max_in_flight,
    .grace_ms = config->grace_ms,
  };

  self->parts = collet_host_parts_ref (parts);
  self->calls = collet_worker_calls_new (parts->io, COLLET_GENERATION (self), &limits, ask_for_start, self);
  self->requests = collet_worker_requests_new (title_of (self), config->step_timeout_ms, on_step_late, self);
  collet_restart_policy_init (&self->policy, config->restart_burst, config->restart_window_s);
  return COLLET_GENERATION (self);
}
