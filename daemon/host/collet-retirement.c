/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The end of a generation: wait for its leases, then stop it; at the deadline,
 * end it with what still runs in it. */
#include "collet-generation-private.h"

#include "collet-source.h"

typedef struct
{
  ColletRetirement report;
  gint64 began_us;
  GSource *deadline;
  GSource *cancelled;
} Retirement;

static void
retirement_free (gpointer data)
{
  Retirement *retirement = data;

  collet_source_drop (&retirement->deadline);
  collet_source_drop (&retirement->cancelled);
  g_free (retirement);
}

static void
on_stopped (GObject *object, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Retirement *retirement = g_task_get_task_data (task);
  ColletGeneration *self = COLLET_GENERATION (object);
  gboolean killed = FALSE, unloaded = FALSE;

  COLLET_GENERATION_GET_CLASS (self)->stop_finish (self, result, &killed, &unloaded);
  retirement->report.killed |= killed;
  retirement->report.unloaded = unloaded;
  retirement->report.calls_ended = collet_generation_get_calls_ended (self);
  collet_generation_set_state (self, COLLET_GENERATION_RETIRED);
  g_task_return_boolean (task, TRUE);
}

static void
on_idle (gpointer user_data)
{
  GTask *task = user_data;
  Retirement *retirement = g_task_get_task_data (task);
  ColletGeneration *self = g_task_get_source_object (task);

  collet_source_drop (&retirement->deadline);
  collet_source_drop (&retirement->cancelled);
  retirement->report.drain_us = g_get_monotonic_time () - retirement->began_us;
  COLLET_GENERATION_GET_CLASS (self)->stop_async (self, NULL, on_stopped, task);
}

/* The calls that are left get DrainTimeout, which releases the last leases. */
static void
end_calls (GTask *task)
{
  Retirement *retirement = g_task_get_task_data (task);
  ColletGeneration *self = g_task_get_source_object (task);

  collet_source_drop (&retirement->deadline);
  collet_source_drop (&retirement->cancelled);
  if (collet_generation_get_leases (self) == 0)
    return;
  retirement->report.killed = TRUE;
  COLLET_GENERATION_GET_CLASS (self)->kill (self);
}

static gboolean
on_deadline (gpointer user_data)
{
  end_calls (user_data);
  return G_SOURCE_REMOVE;
}

static gboolean
on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  end_calls (user_data);
  return G_SOURCE_REMOVE;
}

void
collet_generation_retire_async (ColletGeneration *self, guint deadline_ms, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data)
{
  Retirement *retirement;
  GTask *task;

  g_return_if_fail (collet_generation_get_state (self) < COLLET_GENERATION_RETIRING);

  retirement = g_new0 (Retirement, 1);
  task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (task, collet_generation_retire_async);
  g_task_set_task_data (task, retirement, retirement_free);
  retirement->began_us = g_get_monotonic_time ();
  collet_generation_set_state (self, COLLET_GENERATION_RETIRING);
  if (deadline_ms > 0)
    {
      retirement->deadline = g_timeout_source_new (deadline_ms);
      g_source_set_callback (retirement->deadline, on_deadline, task, NULL);
      g_source_attach (retirement->deadline, g_task_get_context (task));
    }
  if (cancellable != NULL)
    {
      retirement->cancelled = g_cancellable_source_new (cancellable);
      g_source_set_callback (retirement->cancelled, G_SOURCE_FUNC (on_cancelled), task, NULL);
      g_source_attach (retirement->cancelled, g_task_get_context (task));
    }
  /* The task's reference is handed from here to on_stopped. */
  collet_generation_add_idle_waiter (self, on_idle, task);
}

ColletRetirement
collet_generation_retire_finish (ColletGeneration *self, GAsyncResult *result)
{
  Retirement *retirement = g_task_get_task_data (G_TASK (result));

  g_return_val_if_fail (g_async_result_is_tagged (result, collet_generation_retire_async),
                        (ColletRetirement){ 0 });
  g_task_propagate_boolean (G_TASK (result), NULL);
  return retirement->report;
}
