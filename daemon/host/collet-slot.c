/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-slot.h"

#include <pthread.h>

#include "collet-error.h"
#include "collet-generation-private.h"
#include "collet-source.h"
#include "collet-waiting-calls.h"

typedef struct
{
  GTask *task;
  ColletGeneration *generation;
  guint waiter; /* for its leases; 0: none */
  guint deadline_ms;
  GSource *deadline;
  GSource *cancelled;
} Quiesce;

struct _ColletSlot
{
  ColletCallTarget target;
  gint ref_count;
  char *module;
  guint max_waiting;
  GMainContext *context;
  Quiesce quiesce; /* main thread */

  pthread_mutex_t lock; /* of what follows */
  ColletGeneration *published;
  gboolean closed;
  gint64 closed_at, pause_us;
  ColletWaitingCalls waiting;
  ColletWaitingCalls withdrawn; /* cancelled while they waited */
  GSource *timer;               /* while somebody waits who may not wait for ever */
};

/* target_data[0] says where a call is: nowhere yet (NULL), one of these, or the
 * generation that has it. target_data[3]: it was cancelled before it was seen. */
static const char is_waiting, is_over;
#define WAITING ((gpointer)&is_waiting)
#define OVER ((gpointer)&is_over)

static void
answer_error (ColletCall *call, const GError *error)
{
  ColletCallResult result = { .error = error };

  call->class_->done (call, &result);
}

static void
answer_cancelled (ColletCall *call)
{
  g_autoptr (GError) error = g_error_new_literal (COLLET_ERROR, COLLET_ERROR_CALL_CANCELLED,
                                                  "The call was cancelled before it began.");

  answer_error (call, error);
}

static void
answer_not_loaded (ColletSlot *slot, ColletCall *call)
{
  g_autoptr (GError) error =
      g_error_new (COLLET_ERROR, COLLET_ERROR_MODULE_NOT_LOADED,
                   "No version of %s is loaded. Load one, then call again.", slot->module);

  answer_error (call, error);
}

static void
answer_overloaded (ColletSlot *slot, ColletCall *call)
{
  g_autoptr (GError) error =
      g_error_new (COLLET_ERROR, COLLET_ERROR_OVERLOADED,
                   "%u calls of %s wait already for its reload. Call again in a moment.", slot->max_waiting,
                   slot->module);

  answer_error (call, error);
}

static void
answer_late (ColletSlot *slot, ColletCall *call)
{
  g_autoptr (GError) error =
      g_error_new (COLLET_ERROR, COLLET_ERROR_CALL_TIMEOUT,
                   "The call's time was over while it waited for the reload of %s; it did not begin.",
                   slot->module);

  answer_error (call, error);
}

/* Timer of those who wait. It holds a reference, and it exists only while
 * somebody waits, so it is gone soon after the gate opened. */

/* Main thread. */
static void
drop_timer (ColletSlot *slot)
{
  GSource *timer = NULL;

  pthread_mutex_lock (&slot->lock);
  if (slot->waiting.length == 0 && slot->withdrawn.length == 0)
    timer = g_steal_pointer (&slot->timer);
  pthread_mutex_unlock (&slot->lock);
  collet_source_drop (&timer);
}

static gboolean
on_timer (gpointer user_data)
{
  ColletSlot *slot = user_data;
  ColletWaitingCalls late = { 0 }, withdrawn;
  gint64 next;
  ColletCall *call;

  pthread_mutex_lock (&slot->lock);
  next = collet_waiting_calls_take_late (&slot->waiting, g_get_monotonic_time (), &late);
  for (call = late.first; call != NULL; call = call->target_data[2])
    call->target_data[0] = OVER;
  withdrawn = slot->withdrawn;
  slot->withdrawn = (ColletWaitingCalls){ 0 };
  if (slot->timer != NULL)
    g_source_set_ready_time (slot->timer, next == G_MAXINT64 ? -1 : next);
  pthread_mutex_unlock (&slot->lock);

  while ((call = collet_waiting_calls_pop (&late)) != NULL)
    answer_late (slot, call);
  while ((call = collet_waiting_calls_pop (&withdrawn)) != NULL)
    answer_cancelled (call);
  drop_timer (slot);
  return G_SOURCE_CONTINUE;
}

static gboolean
dispatch_timer (GSource *source, GSourceFunc callback, gpointer user_data)
{
  return callback (user_data);
}

static GSourceFuncs timer_funcs = { .dispatch = dispatch_timer };

/* Locked. */
static void
advance_timer (ColletSlot *slot, gint64 at)
{
  gint64 ready;

  if (at == G_MAXINT64)
    return;
  if (slot->timer == NULL)
    {
      slot->timer = g_source_new (&timer_funcs, sizeof (GSource));
      g_source_set_static_name (slot->timer, "collet-slot");
      g_source_set_callback (slot->timer, on_timer, collet_slot_ref (slot),
                             (GDestroyNotify)collet_slot_unref);
      g_source_set_ready_time (slot->timer, at);
      g_source_attach (slot->timer, slot->context);
      return;
    }
  ready = g_source_get_ready_time (slot->timer);
  if (ready < 0 || at < ready)
    g_source_set_ready_time (slot->timer, at);
}

/* Calls, on any thread */

/* Locked. NULL: none published. */
static ColletGeneration *
hand_over (ColletSlot *slot, ColletCall *call)
{
  ColletGeneration *generation = slot->published;

  if (generation != NULL)
    collet_generation_take_lease (generation);
  call->target_data[0] = generation != NULL ? (gpointer)generation : OVER;
  return generation;
}

static void
pass_on (ColletSlot *slot, ColletGeneration *generation, ColletCall *call)
{
  if (generation != NULL)
    collet_generation_dispatch (generation, call);
  else
    answer_not_loaded (slot, call);
}

/* Locked. FALSE: too many wait. */
static gboolean
enqueue (ColletSlot *slot, ColletCall *call)
{
  if (slot->waiting.length >= slot->max_waiting)
    {
      call->target_data[0] = OVER;
      return FALSE;
    }
  call->target_data[0] = WAITING;
  collet_waiting_calls_push (&slot->waiting, call);
  advance_timer (slot, call->deadline_us);
  return TRUE;
}

static void
slot_dispatch (ColletCallTarget *target, ColletCall *call)
{
  ColletSlot *slot = (ColletSlot *)target;
  ColletGeneration *generation = NULL;
  gboolean cancelled, waits = FALSE, overloaded = FALSE;

  pthread_mutex_lock (&slot->lock);
  cancelled = call->target_data[3] != NULL;
  if (cancelled)
    call->target_data[0] = OVER;
  else if (slot->closed)
    {
      waits = enqueue (slot, call);
      overloaded = !waits;
    }
  else
    generation = hand_over (slot, call);
  pthread_mutex_unlock (&slot->lock);

  /* A call that waits may be over by now. */
  if (waits)
    return;
  if (cancelled)
    answer_cancelled (call);
  else if (overloaded)
    answer_overloaded (slot, call);
  else
    pass_on (slot, generation, call);
}

static void
slot_cancel (ColletCallTarget *target, ColletCall *call)
{
  ColletSlot *slot = (ColletSlot *)target;
  gpointer where;

  pthread_mutex_lock (&slot->lock);
  where = call->target_data[0];
  if (where == NULL)
    call->target_data[3] = OVER;
  else if (where == WAITING)
    {
      /* Answered on the main thread: the asker may hold a lock of its own. */
      call->target_data[0] = OVER;
      collet_waiting_calls_remove (&slot->waiting, call);
      collet_waiting_calls_push (&slot->withdrawn, call);
      advance_timer (slot, 0);
    }
  pthread_mutex_unlock (&slot->lock);

  /* Its lease is released only after `done` has returned, so it is alive. */
  if (where != NULL && where != WAITING && where != OVER)
    collet_generation_cancel (COLLET_GENERATION (where), call);
}

/* The gate, on the main thread */

/* Newcomers queue behind those who wait until all of these are through, so that
 * none is overtaken; but not for ever, should they come faster than they go. */
static void
open_gate (ColletSlot *slot)
{
  guint budget = collet_slot_get_waiting (slot) + slot->max_waiting;
  ColletCall *call;

  do
    {
      ColletGeneration *generation = NULL;

      pthread_mutex_lock (&slot->lock);
      call = collet_waiting_calls_pop (&slot->waiting);
      if (call != NULL)
        generation = hand_over (slot, call);
      if (slot->closed && (call == NULL || budget-- == 0))
        {
          slot->closed = FALSE;
          slot->pause_us = MAX (g_get_monotonic_time () - slot->closed_at, 1);
        }
      pthread_mutex_unlock (&slot->lock);
      if (call != NULL)
        pass_on (slot, generation, call);
    }
  while (call != NULL);
  drop_timer (slot);
}

static void
end_quiesce (ColletSlot *slot, GError *error)
{
  g_autoptr (GTask) task = g_steal_pointer (&slot->quiesce.task);
  g_autoptr (ColletGeneration) generation = g_steal_pointer (&slot->quiesce.generation);

  if (task == NULL)
    {
      g_clear_error (&error);
      return;
    }
  if (slot->quiesce.waiter != 0)
    collet_generation_remove_idle_waiter (generation, slot->quiesce.waiter);
  slot->quiesce.waiter = 0;
  collet_source_drop (&slot->quiesce.deadline);
  collet_source_drop (&slot->quiesce.cancelled);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

static void
on_no_leases (gpointer user_data)
{
  ColletSlot *slot = user_data;

  slot->quiesce.waiter = 0;
  end_quiesce (slot, NULL);
}

static gboolean
on_deadline (gpointer user_data)
{
  g_autoptr (ColletSlot) slot = collet_slot_ref (user_data);
  guint left = collet_generation_get_leases (slot->quiesce.generation);
  GError *error =
      g_error_new (COLLET_ERROR, COLLET_ERROR_DRAIN_TIMEOUT,
                   "%u %s of %s still ran after %u ms. Calls go on as before; try again with more time, "
                   "or when there is less to do.",
                   left, left == 1 ? "call" : "calls", collet_generation_get_title (slot->quiesce.generation),
                   slot->quiesce.deadline_ms);

  open_gate (slot);
  end_quiesce (slot, error);
  return G_SOURCE_REMOVE;
}

static gboolean
on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  g_autoptr (ColletSlot) slot = collet_slot_ref (user_data);

  open_gate (slot);
  end_quiesce (slot, g_error_new (COLLET_ERROR, COLLET_ERROR_CANCELLED,
                                  "The wait for the calls of %s was cancelled.", slot->module));
  return G_SOURCE_REMOVE;
}

static void
attach (GSource **place, GSource *source, GSourceFunc func, ColletSlot *slot)
{
  *place = source;
  g_source_set_callback (source, func, collet_slot_ref (slot), (GDestroyNotify)collet_slot_unref);
  g_source_attach (source, slot->context);
}

void
collet_slot_quiesce_async (ColletSlot *slot, guint deadline_ms, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (NULL, NULL, callback, user_data);

  g_task_set_source_tag (task, collet_slot_quiesce_async);
  g_task_set_task_data (task, collet_slot_ref (slot), (GDestroyNotify)collet_slot_unref);
  if (slot->quiesce.task != NULL)
    {
      g_task_return_new_error (task, COLLET_ERROR, COLLET_ERROR_RELOAD_IN_PROGRESS,
                               "%s is being reloaded already. Wait for the end of that.", slot->module);
      g_object_unref (task);
      return;
    }

  pthread_mutex_lock (&slot->lock);
  if (!slot->closed)
    slot->closed_at = g_get_monotonic_time ();
  slot->closed = TRUE;
  if (slot->published != NULL)
    slot->quiesce.generation = g_object_ref (slot->published);
  pthread_mutex_unlock (&slot->lock);

  slot->quiesce.task = task;
  slot->quiesce.deadline_ms = deadline_ms;
  /* With the gate closed the leases only get fewer. */
  if (slot->quiesce.generation == NULL || collet_generation_get_leases (slot->quiesce.generation) == 0)
    {
      end_quiesce (slot, NULL);
      return;
    }
  slot->quiesce.waiter = collet_generation_add_idle_waiter (slot->quiesce.generation, on_no_leases, slot);
  if (deadline_ms > 0)
    attach (&slot->quiesce.deadline, g_timeout_source_new (deadline_ms), on_deadline, slot);
  if (cancellable != NULL)
    attach (&slot->quiesce.cancelled, g_cancellable_source_new (cancellable), G_SOURCE_FUNC (on_cancelled),
            slot);
}

gboolean
collet_slot_quiesce_finish (ColletSlot *slot, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, collet_slot_quiesce_async), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
end_quiesce_early (ColletSlot *slot)
{
  if (slot->quiesce.task != NULL)
    end_quiesce (slot, g_error_new (COLLET_ERROR, COLLET_ERROR_CANCELLED,
                                    "Calls of %s went on before those that ran had ended.", slot->module));
}

void
collet_slot_resume (ColletSlot *slot)
{
  open_gate (slot);
  end_quiesce_early (slot);
}

ColletGeneration *
collet_slot_publish (ColletSlot *slot, ColletGeneration *next)
{
  ColletGeneration *former;

  if (next != NULL)
    g_object_ref (next);
  pthread_mutex_lock (&slot->lock);
  former = slot->published;
  slot->published = next;
  pthread_mutex_unlock (&slot->lock);

  open_gate (slot);
  end_quiesce_early (slot);
  return former;
}

ColletGeneration *
collet_slot_dup_published (ColletSlot *slot)
{
  ColletGeneration *published;

  pthread_mutex_lock (&slot->lock);
  published = slot->published != NULL ? g_object_ref (slot->published) : NULL;
  pthread_mutex_unlock (&slot->lock);
  return published;
}

gint64
collet_slot_get_pause_us (ColletSlot *slot)
{
  gint64 pause_us;

  pthread_mutex_lock (&slot->lock);
  pause_us = slot->pause_us;
  pthread_mutex_unlock (&slot->lock);
  return pause_us;
}

guint
collet_slot_get_waiting (ColletSlot *slot)
{
  guint waiting;

  pthread_mutex_lock (&slot->lock);
  waiting = slot->waiting.length;
  pthread_mutex_unlock (&slot->lock);
  return waiting;
}

/* Life */

static ColletCallTarget *
slot_ref (ColletCallTarget *target)
{
  return (ColletCallTarget *)collet_slot_ref ((ColletSlot *)target);
}

static void
slot_unref (ColletCallTarget *target)
{
  collet_slot_unref ((ColletSlot *)target);
}

static const ColletCallTargetClass slot_class = { slot_ref, slot_unref, slot_dispatch, slot_cancel };

ColletSlot *
collet_slot_new (const char *module, guint max_waiting)
{
  ColletSlot *slot = g_new0 (ColletSlot, 1);

  slot->target.class_ = &slot_class;
  slot->ref_count = 1;
  slot->module = g_strdup (module);
  slot->max_waiting = max_waiting;
  slot->context = g_main_context_ref_thread_default ();
  pthread_mutex_init (&slot->lock, NULL);
  return slot;
}

ColletSlot *
collet_slot_ref (ColletSlot *slot)
{
  g_atomic_int_inc (&slot->ref_count);
  return slot;
}

void
collet_slot_unref (ColletSlot *slot)
{
  if (!g_atomic_int_dec_and_test (&slot->ref_count))
    return;
  /* Who waits holds a reference through the timer, or is the asker's bug. */
  g_assert (slot->waiting.length == 0 && slot->quiesce.task == NULL && slot->timer == NULL);
  g_clear_object (&slot->published);
  g_main_context_unref (slot->context);
  pthread_mutex_destroy (&slot->lock);
  g_free (slot->module);
  g_free (slot);
}

ColletCallTarget *
collet_slot_as_target (ColletSlot *slot)
{
  return &slot->target;
}
