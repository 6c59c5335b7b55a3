/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-runtime.h"
#include "collet-wire.h"

#include "collet-inproc-generation.h"

#include "collet-error.h"
#include "collet-generation-private.h"
#include "collet-inproc-calls.h"
#include "collet-inproc-steps.h"
#include "collet-source.h"

typedef enum
{
  INPROC_NONE,
  INPROC_OPENING,
  INPROC_READY,
  INPROC_HUNG, /* a step did not come back */
  INPROC_OVER,
} InprocPhase;

struct _ColletInprocGeneration
{
  ColletGeneration parent_instance;
  ColletHostParts *parts;
  ColletInprocCalls *calls;
  ColletInprocPool *pool;         /* NULL: not started */
  struct collet_runtime *runtime; /* NULL: not loaded */
  InprocPhase phase;
  GPtrArray *start_tasks;
  GTask *stop_task;
  gboolean killed;
  gboolean unloaded;
};

G_DEFINE_FINAL_TYPE (ColletInprocGeneration, collet_inproc_generation, COLLET_TYPE_GENERATION)

/* A step that somebody waits for, or no longer. */
typedef struct
{
  ColletInprocGeneration *self;
  const char *name;
  guint timeout_ms;
  GTask *task; /* of a request */
  GSource *timeout;
  GSource *cancelled;
} Waiter;

static void
waiter_free (gpointer data)
{
  Waiter *waiter = data;

  collet_source_drop (&waiter->timeout);
  collet_source_drop (&waiter->cancelled);
  g_clear_object (&waiter->task);
  g_object_unref (waiter->self);
  g_free (waiter);
}

static const char *
title_of (ColletInprocGeneration *self)
{
  return collet_generation_get_title (COLLET_GENERATION (self));
}

static void
show_state (ColletInprocGeneration *self, ColletGenerationState state)
{
  if (collet_generation_get_state (COLLET_GENERATION (self)) < COLLET_GENERATION_RETIRING)
    collet_generation_set_state (COLLET_GENERATION (self), state);
}

static void
end_start_tasks (ColletInprocGeneration *self, const GError *error)
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

static void
finish_stop (ColletInprocGeneration *self, gboolean killed, gboolean unloaded)
{
  g_autoptr (GTask) task = g_steal_pointer (&self->stop_task);
  g_autoptr (GError) refusal =
      g_error_new (COLLET_ERROR, COLLET_ERROR_WORKER_UNAVAILABLE, "%s was retired.", title_of (self));

  self->phase = INPROC_OVER;
  self->killed = killed;
  self->unloaded = unloaded;
  collet_inproc_calls_refuse (self->calls, refusal, TRUE);
  end_start_tasks (self, refusal);
  g_task_return_boolean (task, TRUE);
  collet_host_parts_remove_live (self->parts, COLLET_GENERATION (self));
}

/* The daemon cannot end code of its own: nothing but the process's end does. */
static void
give_up (ColletInprocGeneration *self, const GError *error)
{
  self->phase = INPROC_HUNG;
  show_state (self, COLLET_GENERATION_BROKEN);
  collet_inproc_calls_refuse (self->calls, error, TRUE);
  end_start_tasks (self, error);
}

static gboolean
on_timeout (gpointer user_data)
{
  Waiter *waiter = user_data;
  ColletInprocGeneration *self = waiter->self;
  g_autoptr (GTask) task = g_steal_pointer (&waiter->task);
  g_autoptr (GError) error =
      g_error_new (COLLET_ERROR, COLLET_ERROR_TIMEOUT,
                   "%s of %s did not end within %u ms. It runs inside the daemon, where it cannot be ended; "
                   "it stays in memory until the daemon is restarted.",
                   waiter->name, title_of (self), waiter->timeout_ms);

  collet_source_drop (&waiter->timeout);
  collet_source_drop (&waiter->cancelled);
  if (self->stop_task != NULL)
    finish_stop (self, TRUE, FALSE);
  else if (self->phase == INPROC_OPENING || self->phase == INPROC_READY)
    give_up (self, error);
  if (task != NULL)
    g_task_return_error (task, g_steal_pointer (&error));
  return G_SOURCE_REMOVE;
}

/* The step goes on by itself. */
static gboolean
on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  Waiter *waiter = user_data;
  g_autoptr (GTask) task = g_steal_pointer (&waiter->task);

  collet_source_drop (&waiter->cancelled);
  g_task_return_new_error (task, COLLET_ERROR, COLLET_ERROR_CANCELLED, "%s of %s was cancelled.",
                           waiter->name, title_of (waiter->self));
  return G_SOURCE_REMOVE;
}

static void
watch_cancellable (Waiter *waiter)
{
  GCancellable *cancellable = waiter->task != NULL ? g_task_get_cancellable (waiter->task) : NULL;

  if (cancellable == NULL)
    return;
  g_task_set_check_cancellable (waiter->task, FALSE);
  waiter->cancelled = g_cancellable_source_new (cancellable);
  g_source_set_callback (waiter->cancelled, G_SOURCE_FUNC (on_cancelled), waiter, NULL);
  g_source_attach (waiter->cancelled, g_main_context_get_thread_default ());
}

static void
push (ColletInprocGeneration *self, const char *name, guint timeout_ms, const ColletInprocRequest *request,
      GTask *task, ColletInprocOutcomeFunc func)
{
  Waiter *waiter = g_new0 (Waiter, 1);

  waiter->self = g_object_ref (self);
  waiter->name = name;
  waiter->timeout_ms = timeout_ms;
  waiter->task = task;
  waiter->timeout = g_timeout_source_new (timeout_ms);
  g_source_set_callback (waiter->timeout, on_timeout, waiter, NULL);
  g_source_attach (waiter->timeout, g_main_context_get_thread_default ());
  watch_cancellable (waiter);
  collet_inproc_steps_push (self->pool, self->parts->mailbox, request, func, waiter, waiter_free);
}

/* End */

static void
on_closed (gpointer user_data, ColletInprocOutcome *outcome)
{
  Waiter *waiter = user_data;

  if (waiter->self->stop_task != NULL)
    finish_stop (waiter->self, FALSE, outcome->unloaded);
}

/* Runs when nothing else does, be it in a year. */
static void
push_close (ColletInprocGeneration *self, struct collet_runtime *runtime)
{
  ColletInprocRequest request = { .kind = COLLET_INPROC_CLOSE, .runtime = runtime };

  push (self, "fini", self->parts->config.step_timeout_ms, &request, NULL, on_closed);
  collet_inproc_pool_close (g_steal_pointer (&self->pool));
}

static void
collet_inproc_generation_stop_async (ColletGeneration *generation, GCancellable *cancellable,
                                     GAsyncReadyCallback callback, gpointer user_data)
{
  ColletInprocGeneration *self = COLLET_INPROC_GENERATION (generation);
  gboolean is_free = collet_inproc_calls_count_running (self->calls) == 0 && self->phase == INPROC_READY;

  g_return_if_fail (self->stop_task == NULL);

  self->stop_task = g_task_new (self, NULL, callback, user_data);
  if (self->runtime != NULL)
    push_close (self, g_steal_pointer (&self->runtime));
  if (!is_free)
    finish_stop (self, self->phase != INPROC_NONE, self->phase == INPROC_NONE);
}

static gboolean
collet_inproc_generation_stop_finish (ColletGeneration *generation, GAsyncResult *result, gboolean *killed,
                                      gboolean *unloaded)
{
  ColletInprocGeneration *self = COLLET_INPROC_GENERATION (generation);

  *killed = self->killed;
  *unloaded = self->unloaded;
  return g_task_propagate_boolean (G_TASK (result), NULL);
}

static void
collet_inproc_generation_kill (ColletGeneration *generation)
{
  ColletInprocGeneration *self = COLLET_INPROC_GENERATION (generation);
  g_autoptr (GError) error = g_error_new (
      COLLET_ERROR, COLLET_ERROR_DRAIN_TIMEOUT,
      "The call did not end before %s, which was replaced, had to go. It is not waited for any more; "
      "its code stays in memory while it runs.",
      title_of (self));

  collet_inproc_calls_refuse (self->calls, error, TRUE);
}

void
collet_inproc_generation_abandon (ColletGeneration *generation)
{
  ColletInprocGeneration *self = COLLET_INPROC_GENERATION (generation);
  g_autoptr (GError) error =
      g_error_new_literal (COLLET_ERROR, COLLET_ERROR_SHUTTING_DOWN, "The daemon ends.");

  collet_inproc_calls_refuse (self->calls, error, TRUE);
  end_start_tasks (self, error);
  self->phase = INPROC_OVER;
  if (self->runtime != NULL)
    push_close (self, g_steal_pointer (&self->runtime));
}

/* Start */

static void
on_opened (gpointer user_data, ColletInprocOutcome *outcome)
{
  Waiter *waiter = user_data;
  ColletInprocGeneration *self = waiter->self;
  g_autoptr (GError) refusal = NULL;

  if (self->phase != INPROC_OPENING)
    {
      /* Nobody waits for it any more. */
      if (outcome->runtime != NULL)
        push_close (self, outcome->runtime);
      else
        collet_inproc_pool_close (g_steal_pointer (&self->pool));
      return;
    }
  if (outcome->runtime != NULL)
    {
      self->runtime = outcome->runtime;
      self->phase = INPROC_READY;
      show_state (self, COLLET_GENERATION_READY);
      collet_inproc_calls_open (self->calls, self->pool, self->runtime);
      end_start_tasks (self, NULL);
      return;
    }
  self->phase = INPROC_NONE;
  collet_inproc_pool_close (g_steal_pointer (&self->pool));
  show_state (self, COLLET_GENERATION_COLD);
  refusal = g_error_new (COLLET_ERROR, COLLET_ERROR_WORKER_UNAVAILABLE, "%s could not start: %s",
                         title_of (self), outcome->error->message);
  collet_inproc_calls_refuse (self->calls, refusal, FALSE);
  end_start_tasks (self, outcome->error);
}

static void
start (ColletInprocGeneration *self)
{
  const ColletGenerationSpec *spec = collet_generation_get_spec (COLLET_GENERATION (self));
  const ColletHostConfig *config = &self->parts->config;
  ColletInprocRequest request = { .kind = COLLET_INPROC_OPEN,
                                  .path = spec->path,
                                  .payload = collet_generation_get_snapshot (COLLET_GENERATION (self)) };
  g_autoptr (GError) error = NULL;

  self->pool = collet_inproc_pool_new (spec->manifest->concurrent ? config->executors : 1);
  if (self->pool == NULL)
    {
      error = g_error_new (COLLET_ERROR, COLLET_ERROR_SPAWN_FAILED, "No thread for %s can be started.",
                           title_of (self));
      collet_inproc_calls_refuse (self->calls, error, FALSE);
      end_start_tasks (self, error);
      return;
    }
  collet_host_parts_add_live (self->parts, COLLET_GENERATION (self));
  self->phase = INPROC_OPENING;
  show_state (self, COLLET_GENERATION_STARTING);
  push (self, "init", config->start_timeout_ms, &request, NULL, on_opened);
}

static void
on_call_waits (gpointer data)
{
  ColletInprocGeneration *self = data;

  if (self->phase == INPROC_NONE && !self->parts->closed)
    start (self);
}

static void
ask_for_start (gpointer user_data)
{
  ColletInprocGeneration *self = user_data;

  collet_mailbox_post (self->parts->mailbox, on_call_waits, g_object_ref (self), g_object_unref);
}

static void
collet_inproc_generation_start_async (ColletGeneration *generation, GCancellable *cancellable,
                                      GAsyncReadyCallback callback, gpointer user_data)
{
  ColletInprocGeneration *self = COLLET_INPROC_GENERATION (generation);
  GTask *task = g_task_new (self, cancellable, callback, user_data);

  if (self->phase == INPROC_READY)
    g_task_return_boolean (task, TRUE);
  else if (self->phase == INPROC_HUNG || self->phase == INPROC_OVER)
    g_task_return_new_error (task, COLLET_ERROR, COLLET_ERROR_WORKER_UNAVAILABLE,
                             "%s hangs inside the daemon, or was retired.", title_of (self));
  else
    {
      g_ptr_array_add (self->start_tasks, task);
      if (self->phase == INPROC_NONE)
        start (self);
      return;
    }
  g_object_unref (task);
}

static gboolean
collet_inproc_generation_start_finish (ColletGeneration *generation, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* Steps */

static const char *
step_name (guint16 frame_type)
{
  return frame_type == COLLET_FRAME_EXPORT_STATE   ? "export_state"
         : frame_type == COLLET_FRAME_IMPORT_STATE ? "import_state"
         : frame_type == COLLET_FRAME_CODE_CHANGE  ? "code_change"
                                                   : "self_test";
}

static void
on_step_done (gpointer user_data, ColletInprocOutcome *outcome)
{
  Waiter *waiter = user_data;
  g_autoptr (GTask) task = g_steal_pointer (&waiter->task);

  collet_source_drop (&waiter->cancelled);
  if (task == NULL)
    return;
  if (outcome->bytes != NULL)
    g_task_return_pointer (task, g_bytes_ref (outcome->bytes), (GDestroyNotify)g_bytes_unref);
  else
    g_task_return_error (task, g_error_copy (outcome->error));
}

static void
collet_inproc_generation_request_async (ColletGeneration *generation, guint16 frame_type, int status,
                                        guint32 detail, GBytes *payload, GCancellable *cancellable,
                                        GAsyncReadyCallback callback, gpointer user_data)
{
  ColletInprocGeneration *self = COLLET_INPROC_GENERATION (generation);
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  ColletInprocRequest request = {
    .kind = COLLET_INPROC_STEP,
    .runtime = self->runtime,
    .frame_type = frame_type,
    .status = status,
    .detail = detail,
    .payload = payload,
  };

  if (self->phase == INPROC_READY)
    {
      push (self, step_name (frame_type), self->parts->config.step_timeout_ms, &request, task, on_step_done);
      return;
    }
  g_task_return_new_error (task, COLLET_ERROR, COLLET_ERROR_WORKER_UNAVAILABLE, "It is not running.");
  g_object_unref (task);
}

static GBytes *
collet_inproc_generation_request_finish (ColletGeneration *generation, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* Calls */

static void
collet_inproc_generation_dispatch (ColletGeneration *generation, ColletCall *call)
{
  collet_inproc_calls_dispatch (((ColletInprocGeneration *)generation)->calls, call);
}

static void
collet_inproc_generation_cancel (ColletGeneration *generation, ColletCall *call)
{
  collet_inproc_calls_cancel (((ColletInprocGeneration *)generation)->calls, call);
}

static gint64
collet_inproc_generation_get_oldest_call (ColletGeneration *generation)
{
  return collet_inproc_calls_get_oldest (((ColletInprocGeneration *)generation)->calls);
}

static ColletPromiseState
collet_inproc_generation_get_promise (ColletGeneration *generation)
{
  return collet_inproc_calls_get_promise (((ColletInprocGeneration *)generation)->calls);
}

/* Object */

static void
collet_inproc_generation_finalize (GObject *object)
{
  ColletInprocGeneration *self = COLLET_INPROC_GENERATION (object);

  g_assert (self->pool == NULL && self->stop_task == NULL && self->start_tasks->len == 0);
  collet_inproc_calls_close (self->calls);
  g_ptr_array_unref (self->start_tasks);
  collet_host_parts_unref (self->parts);
  G_OBJECT_CLASS (collet_inproc_generation_parent_class)->finalize (object);
}

static void
collet_inproc_generation_class_init (ColletInprocGenerationClass *klass)
{
  ColletGenerationClass *generation_class = COLLET_GENERATION_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = collet_inproc_generation_finalize;
  generation_class->start_async = collet_inproc_generation_start_async;
  generation_class->start_finish = collet_inproc_generation_start_finish;
  generation_class->request_async = collet_inproc_generation_request_async;
  generation_class->request_finish = collet_inproc_generation_request_finish;
  generation_class->stop_async = collet_inproc_generation_stop_async;
  generation_class->stop_finish = collet_inproc_generation_stop_finish;
  generation_class->kill = collet_inproc_generation_kill;
  generation_class->get_oldest_call = collet_inproc_generation_get_oldest_call;
  generation_class->get_promise = collet_inproc_generation_get_promise;
  generation_class->dispatch = collet_inproc_generation_dispatch;
  generation_class->cancel = collet_inproc_generation_cancel;
}

static void
collet_inproc_generation_init (ColletInprocGeneration *self)
{
  self->start_tasks = g_ptr_array_new ();
}

ColletGeneration *
collet_inproc_generation_new (ColletHostParts *parts, ColletGenerationSpec *spec)
{
  ColletInprocGeneration *self = g_object_new (COLLET_TYPE_INPROC_GENERATION, "spec", spec, NULL);

  self->parts = collet_host_parts_ref (parts);
  self->calls = collet_inproc_calls_new (parts->io, COLLET_GENERATION (self), parts->config.max_in_flight,
                                         parts->config.grace_ms, ask_for_start, self);
  return COLLET_GENERATION (self);
}
