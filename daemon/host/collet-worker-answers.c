/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * ColletWorkerCalls, from the worker back to the askers. I/O thread. */
#include "collet-module.h"
#include "collet-wire.h"

#include "collet-worker-calls-private.h"

#include "collet-call-log.h"
#include "collet-error.h"

static void
take_result (ColletWorkerCalls *calls, ColletLink *link, const struct collet_frame *frame)
{
  ColletCallResult result = { .json = frame->payload, .json_size = frame->header.size };
  ColletCall *call = NULL;
  ColletCallEntry *entry;
  gboolean is_known;

  pthread_mutex_lock (&calls->lock);
  entry = collet_call_table_find (&calls->table, frame->header.id);
  is_known = entry != NULL && entry->list == COLLET_CALL_SENT;
  if (is_known)
    {
      call = entry->call;
      calls->last_answer_us = g_get_monotonic_time ();
      result.run_us = calls->last_answer_us - entry->sent_us;
      collet_call_table_remove (&calls->table, entry);
    }
  pthread_mutex_unlock (&calls->lock);

  if (!is_known)
    {
      collet_link_kill (link, "it answered a call that it does not have");
      return;
    }
  result.is_cancelled = frame->header.status == COLLET_CANCELLED;
  result.is_asking = frame->header.status == COLLET_INPUT_REQUIRED;
  if (call != NULL)
    collet_generation_answer (calls->generation, call, &result);
  collet_generation_release_lease (calls->generation);
}

/* The call stays valid after the lock: only this thread ends it. */
static ColletCall *
find_call (ColletWorkerCalls *calls, guint64 id, gboolean *is_known)
{
  ColletCall *call = NULL;
  ColletCallEntry *entry;

  pthread_mutex_lock (&calls->lock);
  entry = collet_call_table_find (&calls->table, id);
  *is_known = entry != NULL && entry->list == COLLET_CALL_SENT;
  if (*is_known)
    call = entry->call;
  pthread_mutex_unlock (&calls->lock);
  return call;
}

/* For the log, and for the client if it asked for so much. */
static void
take_line (ColletWorkerCalls *calls, ColletCall *call, const struct collet_frame *frame)
{
  int level = frame->header.status;

  if (level > COLLET_LEVEL_EMERGENCY)
    return;
  collet_call_log_add_line (calls->generation, call, level, frame->payload, frame->header.size);
  if (call->class_->log != NULL && level >= call->log_level)
    call->class_->log (call, level, frame->payload, frame->header.size);
}

static void
take_event (ColletWorkerCalls *calls, ColletLink *link, const struct collet_frame *frame)
{
  gboolean is_log = frame->header.type == COLLET_FRAME_LOG;
  gboolean is_known;
  ColletCall *call;

  if (is_log && frame->header.id == 0)
    {
      collet_call_log_add_line (calls->generation, NULL, frame->header.status, frame->payload,
                                frame->header.size);
      return;
    }
  call = find_call (calls, frame->header.id, &is_known);
  if (!is_known)
    collet_link_kill (link, "it sent news of a call that it does not have");
  /* What was not asked for is dropped. */
  else if (call == NULL)
    return;
  else if (is_log)
    take_line (calls, call, frame);
  else if (call->class_->progress != NULL && call->wants_progress)
    call->class_->progress (call, frame->payload, frame->header.size);
}

void
collet_worker_calls_take_frame (ColletWorkerCalls *calls, ColletLink *link, const struct collet_frame *frame)
{
  if (frame->header.type == COLLET_FRAME_RESULT)
    {
      take_result (calls, link, frame);
      collet_worker_calls_flush (calls);
    }
  else if (frame->header.type == COLLET_FRAME_PROGRESS || frame->header.type == COLLET_FRAME_LOG)
    take_event (calls, link, frame);
  else
    collet_link_kill (link, "it sent a frame that does not belong on its call channel");
}

guint
collet_worker_calls_close (ColletWorkerCalls *calls, ColletLink *link)
{
  ColletLink *closed = NULL;
  guint sent = 0;

  pthread_mutex_lock (&calls->lock);
  if (calls->link == link)
    {
      closed = g_steal_pointer (&calls->link);
      for (ColletCallEntry *entry = collet_call_table_first (&calls->table, COLLET_CALL_SENT); entry != NULL;
           entry = collet_call_table_next (&calls->table, entry))
        sent += entry->call != NULL;
    }
  pthread_mutex_unlock (&calls->lock);
  g_clear_pointer (&closed, collet_link_unref);
  return sent;
}

/* Takes the first call of a list out of the table. FALSE: there is none. */
static gboolean
take_first (ColletWorkerCalls *calls, ColletCallList list, ColletCall **call)
{
  ColletCallEntry *entry;

  pthread_mutex_lock (&calls->lock);
  entry = collet_call_table_first (&calls->table, list);
  if (entry != NULL)
    {
      *call = entry->call;
      collet_call_table_remove (&calls->table, entry);
    }
  pthread_mutex_unlock (&calls->lock);
  return entry != NULL;
}

static void
fail_all (ColletWorkerCalls *calls, ColletCallList list, const GError *error)
{
  ColletCall *call;

  while (take_first (calls, list, &call))
    {
      if (call != NULL)
        collet_generation_answer_error (calls->generation, call, error);
      collet_generation_release_lease (calls->generation);
    }
}

/* Orders of the main thread */

typedef struct
{
  ColletWorkerCalls *calls;
  ColletLink *link;
  GError *error;
} Order;

static void
order_free (Order *order)
{
  g_clear_pointer (&order->link, collet_link_unref);
  g_clear_error (&order->error);
  g_free (order);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Order, order_free)

static void
post_order (ColletWorkerCalls *calls, ColletLink *link, const GError *error, void (*run) (gpointer data))
{
  Order *order = g_new0 (Order, 1);

  order->calls = calls;
  order->link = link != NULL ? collet_link_ref (link) : NULL;
  order->error = error != NULL ? g_error_copy (error) : NULL;
  collet_io_post (calls->io, run, order);
}

static void
run_open (gpointer data)
{
  g_autoptr (Order) order = data;
  ColletWorkerCalls *calls = order->calls;

  pthread_mutex_lock (&calls->lock);
  g_assert (calls->link == NULL);
  calls->link = g_steal_pointer (&order->link);
  calls->last_answer_us = g_get_monotonic_time ();
  calls->start_asked = FALSE;
  pthread_mutex_unlock (&calls->lock);
  collet_worker_calls_flush (calls);
}

void
collet_worker_calls_open (ColletWorkerCalls *calls, ColletLink *link)
{
  post_order (calls, link, NULL, run_open);
}

static void
run_fail_sent (gpointer data)
{
  g_autoptr (Order) order = data;

  /* It may have died between the order to open it and its execution. */
  collet_worker_calls_close (order->calls, order->link);
  fail_all (order->calls, COLLET_CALL_SENT, order->error);
}

void
collet_worker_calls_fail_sent (ColletWorkerCalls *calls, ColletLink *link, const GError *error)
{
  post_order (calls, link, error, run_fail_sent);
}

static void
run_refuse (gpointer data)
{
  g_autoptr (Order) order = data;
  ColletWorkerCalls *calls = order->calls;
  g_autoptr (GError) former = NULL;

  pthread_mutex_lock (&calls->lock);
  former = g_steal_pointer (&calls->refusal);
  calls->refusal = g_error_copy (order->error);
  calls->start_asked = FALSE;
  pthread_mutex_unlock (&calls->lock);
  fail_all (calls, COLLET_CALL_SENT, order->error);
  fail_all (calls, COLLET_CALL_QUEUED, order->error);
}

void
collet_worker_calls_refuse (ColletWorkerCalls *calls, const GError *error)
{
  post_order (calls, NULL, error, run_refuse);
}

static void
run_accept (gpointer data)
{
  g_autoptr (Order) order = data;
  g_autoptr (GError) former = NULL;

  pthread_mutex_lock (&order->calls->lock);
  former = g_steal_pointer (&order->calls->refusal);
  pthread_mutex_unlock (&order->calls->lock);
}

void
collet_worker_calls_accept (ColletWorkerCalls *calls)
{
  post_order (calls, NULL, NULL, run_accept);
}
