/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * ColletWorkerCalls: deadlines, cancellation, and workers that do not come back.
 *
 * A call that is over for its asker stays in the table until the worker answers
 * it. Workers take calls in the order in which they were sent, so those that run
 * are the first ones of the sent list, as many as the worker has executors. When
 * all of these were told to end, and for the grace period nothing was answered,
 * none of them will come back: the worker is ended. A call behind one that runs
 * for long with every right is thus never held against the worker. I/O thread. */
#include "collet-module.h"
#include "collet-wire.h"

#include "collet-worker-calls-private.h"

#include "collet-error.h"

/* What one look at the table found to do once the lock is released. */
typedef struct
{
  ColletCall *call; /* to be answered; NULL: nothing to answer */
  gboolean is_late; /* CallTimeout, else CallCancelled */
  gboolean was_sent;
  gboolean keeps_lease;
  guint64 notify; /* id to be told to the worker; 0: none */
} Duty;

typedef struct
{
  GArray *duties;
  gint64 now;
  gint64 next; /* when to look again */
  gint64 grace_us;
} Look;

/* Locked. */
static void
look_at_queued (ColletWorkerCalls *calls, Look *look)
{
  ColletCallEntry *entry = collet_call_table_first (&calls->table, COLLET_CALL_QUEUED);

  while (entry != NULL)
    {
      ColletCallEntry *next = collet_call_table_next (&calls->table, entry);

      if (entry->cancelled || entry->deadline_us <= look->now)
        {
          Duty duty = { .call = entry->call, .is_late = !entry->cancelled };

          g_array_append_val (look->duties, duty);
          collet_call_table_remove (&calls->table, entry);
        }
      else
        look->next = MIN (look->next, entry->deadline_us);
      entry = next;
    }
}

/* Locked. A sent call is told to end when it is cancelled and when its time is
 * over. Its asker is answered when its time is over, or when the grace after the
 * cancellation is. */
static void
look_at_sent_call (ColletWorkerCalls *calls, ColletCallEntry *entry, Look *look)
{
  gboolean is_late = entry->deadline_us <= look->now;
  Duty duty = { .is_late = is_late, .was_sent = TRUE, .keeps_lease = TRUE };

  if (entry->call == NULL)
    return;
  if (entry->told_us == 0 && (entry->cancelled || is_late))
    {
      entry->told_us = look->now;
      duty.notify = collet_call_table_get_id (&calls->table, entry);
    }
  if (is_late || (entry->told_us != 0 && look->now >= entry->told_us + look->grace_us))
    duty.call = g_steal_pointer (&entry->call);
  if (duty.call != NULL || duty.notify != 0)
    g_array_append_val (look->duties, duty);
  if (duty.call == NULL && entry->deadline_us != G_MAXINT64)
    look->next = MIN (look->next, entry->deadline_us);
  if (duty.call == NULL && entry->told_us != 0)
    look->next = MIN (look->next, entry->told_us + look->grace_us);
}

/* Locked. TRUE: it will not come back. */
static gboolean
is_stuck (ColletWorkerCalls *calls, Look *look)
{
  ColletCallEntry *entry = collet_call_table_first (&calls->table, COLLET_CALL_SENT);
  gint64 since = calls->last_answer_us;
  guint n = 0;

  for (; entry != NULL && n < calls->limits.executors; n++)
    {
      if (entry->told_us == 0)
        return FALSE;
      since = MAX (since, entry->told_us);
      entry = collet_call_table_next (&calls->table, entry);
    }
  if (n < calls->limits.executors)
    return FALSE;
  if (look->now >= since + look->grace_us)
    return TRUE;
  look->next = MIN (look->next, since + look->grace_us);
  return FALSE;
}

static void
answer (ColletWorkerCalls *calls, const Duty *duty)
{
  const char *title = collet_generation_get_title (calls->generation);
  g_autoptr (GError) error = NULL;

  if (duty->is_late)
    error = g_error_new (COLLET_ERROR, COLLET_ERROR_CALL_TIMEOUT,
                         duty->was_sent ? "The call's time was over before %s answered it."
                                        : "The call's time was over before a worker of %s could take it.",
                         title);
  else
    error = g_error_new (COLLET_ERROR, COLLET_ERROR_CALL_CANCELLED,
                         duty->was_sent ? "The call was cancelled; %s did not say what became of it."
                                        : "The call was cancelled before %s began it.",
                         title);
  collet_generation_answer_error (calls->generation, duty->call, error);
}

static void
do_duties (ColletWorkerCalls *calls, Look *look, ColletLink *link)
{
  for (guint i = 0; i < look->duties->len; i++)
    {
      const Duty *duty = &g_array_index (look->duties, Duty, i);

      if (duty->notify != 0 && link != NULL)
        collet_link_send_control (link, COLLET_FRAME_CANCEL, duty->notify, 0, 0, NULL);
      if (duty->call != NULL)
        answer (calls, duty);
      if (!duty->keeps_lease)
        collet_generation_release_lease (calls->generation);
    }
}

void
collet_worker_calls_check_time (gpointer user_data, gint64 now)
{
  ColletWorkerCalls *calls = user_data;
  Look look = { NULL, now, G_MAXINT64, (gint64)calls->limits.grace_ms * 1000 };
  g_autoptr (GArray) duties = g_array_new (FALSE, FALSE, sizeof (Duty));
  g_autoptr (ColletLink) link = NULL;
  gboolean stuck;

  look.duties = duties;
  pthread_mutex_lock (&calls->lock);
  look_at_queued (calls, &look);
  for (ColletCallEntry *entry = collet_call_table_first (&calls->table, COLLET_CALL_SENT); entry != NULL;
       entry = collet_call_table_next (&calls->table, entry))
    look_at_sent_call (calls, entry, &look);
  stuck = is_stuck (calls, &look);
  if (calls->link != NULL)
    link = collet_link_ref (calls->link);
  pthread_mutex_unlock (&calls->lock);

  if (stuck && link != NULL)
    {
      g_autofree char *reason =
          g_strdup_printf ("it did not come back from a call %u ms after it was told to end it",
                           calls->limits.grace_ms);

      collet_link_kill (link, reason);
    }
  do_duties (calls, &look, link);
  if (look.next != G_MAXINT64)
    collet_io_advance_timer (calls->io, &calls->timer, look.next);
  collet_worker_calls_flush (calls);
}

/* Life */

static void
attach_timer (gpointer data)
{
  ColletWorkerCalls *calls = data;

  collet_io_add_timer (calls->io, &calls->timer);
}

ColletWorkerCalls *
collet_worker_calls_new (ColletIo *io, ColletGeneration *generation, const ColletWorkerLimits *limits,
                         void (*start) (gpointer user_data), gpointer user_data)
{
  ColletWorkerCalls *calls = g_new0 (ColletWorkerCalls, 1);

  calls->io = io;
  calls->generation = generation;
  calls->limits = *limits;
  calls->start = start;
  calls->user_data = user_data;
  calls->timer = (ColletIoTimer){ G_MAXINT64, 0, collet_worker_calls_check_time, calls };
  pthread_mutex_init (&calls->lock, NULL);
  collet_call_table_init (&calls->table, limits->max_in_flight);
  collet_io_post (io, attach_timer, calls);
  return calls;
}

/* On the I/O thread, so that the timer cannot be running. */
static void
dispose (gpointer data)
{
  ColletWorkerCalls *calls = data;

  collet_io_remove_timer (calls->io, &calls->timer);
  g_assert (calls->link == NULL);
  collet_call_table_clear (&calls->table);
  g_clear_error (&calls->refusal);
  pthread_mutex_destroy (&calls->lock);
  g_free (calls);
}

void
collet_worker_calls_free (ColletWorkerCalls *calls)
{
  collet_io_post (calls->io, dispose, calls);
}
