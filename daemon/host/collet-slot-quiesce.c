/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Who closes a slot's gate: one at a time, in order. Whoever has it holds it until
 * resume or publish; then it is the next one's turn. Main thread.
 */
#include "collet-slot-private.h"

#include "collet-error.h"
#include "collet-source.h"

struct _ColletQuiesce
{
  ColletSlot *slot; /* referenced */
  GTask *task;      /* NULL: granted */
  ColletGeneration *generation;
  guint waiter; /* for its leases; 0: none */
  guint deadline_ms;
  GSource *deadline;
  GSource *cancelled;
};

static void take_turn (ColletSlot *slot);

/* Takes `error`; NULL: granted. */
static void
answer (ColletQuiesce *quiesce, GError *error)
{
  g_autoptr (GTask) task = g_steal_pointer (&quiesce->task);

  if (quiesce->waiter != 0)
    collet_generation_remove_idle_waiter (quiesce->generation, quiesce->waiter);
  quiesce->waiter = 0;
  g_clear_object (&quiesce->generation);
  collet_source_drop (&quiesce->deadline);
  collet_source_drop (&quiesce->cancelled);
  if (task == NULL)
    g_clear_error (&error);
  else if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

static void
quiesce_free (ColletQuiesce *quiesce)
{
  g_assert (quiesce->task == NULL);
  collet_slot_unref (quiesce->slot);
  g_free (quiesce);
}

/* It had its turn, or gives its place up. Takes `error`. */
static void
leave (ColletQuiesce *quiesce, GError *error)
{
  g_autoptr (ColletSlot) slot = collet_slot_ref (quiesce->slot);
  gboolean has_turn = slot->turn == quiesce;

  if (has_turn)
    slot->turn = NULL;
  else
    g_queue_remove (&slot->next_turns, quiesce);
  if (has_turn)
    collet_slot_open_gate (slot);
  answer (quiesce, error);
  quiesce_free (quiesce);
  if (has_turn)
    take_turn (slot);
}

static void
on_no_leases (gpointer user_data)
{
  ColletQuiesce *quiesce = user_data;

  quiesce->waiter = 0;
  answer (quiesce, NULL);
}

/* "2 calls of calculator 1.0.0 still ran after 500 ms, the oldest for 812 ms" */
static GError *
make_late_error (ColletQuiesce *quiesce)
{
  guint left;
  gint64 age_ms;

  if (quiesce->generation == NULL)
    return g_error_new (COLLET_ERROR, COLLET_ERROR_DRAIN_TIMEOUT,
                        "%s was still being saved or reloaded after %u ms. Nothing was changed; try again.",
                        quiesce->slot->module, quiesce->deadline_ms);
  left = collet_generation_get_leases (quiesce->generation);
  age_ms = collet_generation_get_oldest_call_ms (quiesce->generation);
  return g_error_new (COLLET_ERROR, COLLET_ERROR_DRAIN_TIMEOUT,
                      "%u %s of %s still ran after %u ms, the oldest for %" G_GINT64_FORMAT
                      " ms. Calls go on as before; try again with more time, or when there is less to do.",
                      left, left == 1 ? "call" : "calls", collet_generation_get_title (quiesce->generation),
                      quiesce->deadline_ms, age_ms);
}

static gboolean
on_deadline (gpointer user_data)
{
  leave (user_data, make_late_error (user_data));
  return G_SOURCE_REMOVE;
}

static gboolean
on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  ColletQuiesce *quiesce = user_data;

  leave (quiesce, g_error_new (COLLET_ERROR, COLLET_ERROR_CANCELLED,
                               "The wait for the calls of %s was cancelled.", quiesce->slot->module));
  return G_SOURCE_REMOVE;
}

static void
attach (GSource **place, GSource *source, GSourceFunc func, ColletQuiesce *quiesce)
{
  *place = source;
  g_source_set_callback (source, func, quiesce, NULL);
  g_source_attach (source, quiesce->slot->context);
}

/* With the gate closed the leases only get fewer. */
static void
close_gate (ColletQuiesce *quiesce)
{
  ColletSlot *slot = quiesce->slot;

  pthread_mutex_lock (&slot->lock);
  if (!slot->closed)
    slot->closed_at = g_get_monotonic_time ();
  slot->closed = TRUE;
  if (slot->published != NULL)
    quiesce->generation = g_object_ref (slot->published);
  pthread_mutex_unlock (&slot->lock);

  if (quiesce->generation == NULL || collet_generation_get_leases (quiesce->generation) == 0)
    answer (quiesce, NULL);
  else
    quiesce->waiter = collet_generation_add_idle_waiter (quiesce->generation, on_no_leases, quiesce);
}

static void
take_turn (ColletSlot *slot)
{
  if (slot->turn != NULL || g_queue_is_empty (&slot->next_turns))
    return;
  slot->turn = g_queue_pop_head (&slot->next_turns);
  close_gate (slot->turn);
}

void
collet_slot_quiesce_async (ColletSlot *slot, guint deadline_ms, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer user_data)
{
  ColletQuiesce *quiesce = g_new0 (ColletQuiesce, 1);

  quiesce->slot = collet_slot_ref (slot);
  quiesce->deadline_ms = deadline_ms;
  quiesce->task = g_task_new (NULL, NULL, callback, user_data);
  g_task_set_source_tag (quiesce->task, collet_slot_quiesce_async);
  if (deadline_ms > 0)
    attach (&quiesce->deadline, g_timeout_source_new (deadline_ms), on_deadline, quiesce);
  if (cancellable != NULL)
    attach (&quiesce->cancelled, g_cancellable_source_new (cancellable), G_SOURCE_FUNC (on_cancelled),
            quiesce);
  g_queue_push_tail (&slot->next_turns, quiesce);
  take_turn (slot);
}

gboolean
collet_slot_quiesce_finish (ColletSlot *slot, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, collet_slot_quiesce_async), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
collet_slot_resume (ColletSlot *slot)
{
  if (slot->turn == NULL)
    collet_slot_open_gate (slot);
  else
    leave (slot->turn, g_error_new (COLLET_ERROR, COLLET_ERROR_CANCELLED,
                                    "Calls of %s went on before those that ran had ended.", slot->module));
}
