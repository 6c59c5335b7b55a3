/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-queue.h"

#include "collet-error.h"

#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* pthread's locks rather than GLib's, so that a thread checker sees them. */
struct _ColletQueue
{
  pthread_mutex_t lock;
  pthread_cond_t changed;
  GQueue requests;
  GQueue answers;
  GPtrArray *calls;    /* NULL: none wait */
  gint64 calls_due_us; /* of the oldest; monotonic */
  guint calls_taken;   /* by the thread, not yet written */
  guint64 dropped;
  ColletSessionBatch *sessions;
  int fd;
  gboolean is_closed;
};

ColletQueue *
collet_queue_new (GError **error)
{
  int fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);

  if (fd < 0)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_STORE_FAILED, "No event descriptor: %s.",
                   g_strerror (errno));
      return NULL;
    }

  ColletQueue *self = g_new0 (ColletQueue, 1);
  pthread_condattr_t attributes;

  pthread_condattr_init (&attributes);
  pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
  pthread_cond_init (&self->changed, &attributes);
  pthread_condattr_destroy (&attributes);
  pthread_mutex_init (&self->lock, NULL);
  g_queue_init (&self->requests);
  g_queue_init (&self->answers);
  self->sessions = collet_session_batch_new ();
  self->fd = fd;
  return self;
}

void
collet_queue_free (ColletQueue *self)
{
  if (self == NULL)
    return;
  g_assert (g_queue_is_empty (&self->requests) && g_queue_is_empty (&self->answers));
  g_clear_pointer (&self->calls, g_ptr_array_unref);
  collet_session_batch_free (self->sessions);
  pthread_cond_destroy (&self->changed);
  pthread_mutex_destroy (&self->lock);
  close (self->fd);
  g_free (self);
}

gboolean
collet_queue_push (ColletQueue *self, ColletRequest *request)
{
  pthread_mutex_lock (&self->lock);
  gboolean is_open = !self->is_closed;
  if (is_open)
    {
      g_queue_push_tail (&self->requests, request);
      pthread_cond_signal (&self->changed);
    }
  pthread_mutex_unlock (&self->lock);
  return is_open;
}

void
collet_queue_close (ColletQueue *self)
{
  pthread_mutex_lock (&self->lock);
  self->is_closed = TRUE;
  pthread_cond_signal (&self->changed);
  pthread_mutex_unlock (&self->lock);
}

static void
start_calls (ColletQueue *self)
{
  self->calls = g_ptr_array_new_full (1024, (GDestroyNotify)collet_call_row_free);
  self->calls_due_us = g_get_monotonic_time () + COLLET_QUEUE_CALLS_DELAY_MS * 1000;
}

void
collet_queue_add_call (ColletQueue *self, ColletCallRow *row)
{
  pthread_mutex_lock (&self->lock);
  guint waiting = (self->calls != NULL ? self->calls->len : 0) + self->calls_taken;

  if (self->is_closed || waiting >= COLLET_QUEUE_CALLS_MAX)
    {
      self->dropped++;
      pthread_mutex_unlock (&self->lock);
      collet_call_row_free (row);
      return;
    }
  if (self->calls == NULL)
    start_calls (self);
  g_ptr_array_add (self->calls, row);
  /* The first makes the thread look at the clock, the batch makes it write. */
  if (self->calls->len == 1 || self->calls->len == COLLET_QUEUE_CALLS_BATCH)
    pthread_cond_signal (&self->changed);
  pthread_mutex_unlock (&self->lock);
}

guint64
collet_queue_get_dropped (ColletQueue *self)
{
  pthread_mutex_lock (&self->lock);
  guint64 dropped = self->dropped;
  pthread_mutex_unlock (&self->lock);
  return dropped;
}

void
collet_queue_add_session (ColletQueue *self, ColletSessionRow *row)
{
  pthread_mutex_lock (&self->lock);
  gboolean is_first = collet_session_batch_is_empty (self->sessions);

  if (self->is_closed)
    collet_session_row_free (row);
  else if (collet_session_batch_add (self->sessions, row, g_get_monotonic_time ()) && is_first)
    pthread_cond_signal (&self->changed);
  pthread_mutex_unlock (&self->lock);
}

/* ---- store thread ---- */

static gboolean
are_calls_due (ColletQueue *self)
{
  if (self->calls == NULL)
    return FALSE;
  return self->is_closed || self->calls->len >= COLLET_QUEUE_CALLS_BATCH ||
         g_get_monotonic_time () >= self->calls_due_us;
}

static gboolean
are_sessions_due (ColletQueue *self)
{
  if (collet_session_batch_is_empty (self->sessions))
    return FALSE;
  return self->is_closed || g_get_monotonic_time () >= collet_session_batch_get_due (self->sessions);
}

static gboolean
has_work (ColletQueue *self)
{
  return self->is_closed || !g_queue_is_empty (&self->requests) || are_calls_due (self) ||
         are_sessions_due (self);
}

static void
wait_for_work (ColletQueue *self)
{
  gint64 due_us = collet_session_batch_get_due (self->sessions);

  if (self->calls != NULL)
    due_us = MIN (due_us, self->calls_due_us);
  if (due_us == G_MAXINT64)
    {
      pthread_cond_wait (&self->changed, &self->lock);
      return;
    }
  struct timespec due = { .tv_sec = due_us / G_USEC_PER_SEC, .tv_nsec = due_us % G_USEC_PER_SEC * 1000 };
  pthread_cond_timedwait (&self->changed, &self->lock, &due);
}

static GPtrArray *
steal_calls (ColletQueue *self)
{
  if (self->calls != NULL)
    self->calls_taken += self->calls->len;
  return g_steal_pointer (&self->calls);
}

gboolean
collet_queue_take (ColletQueue *self, gboolean wait, GQueue *requests, GPtrArray **calls)
{
  pthread_mutex_lock (&self->lock);
  while (wait && !has_work (self))
    wait_for_work (self);
  for (guint i = 0; i < COLLET_QUEUE_GROUP_MAX && !g_queue_is_empty (&self->requests); i++)
    g_queue_push_tail (requests, g_queue_pop_head (&self->requests));
  if (calls != NULL)
    *calls = are_calls_due (self) ? steal_calls (self) : NULL;
  gboolean goes_on = !self->is_closed || !g_queue_is_empty (&self->requests) || self->calls != NULL ||
                     !collet_session_batch_is_empty (self->sessions);
  pthread_mutex_unlock (&self->lock);
  return goes_on;
}

GPtrArray *
collet_queue_take_calls (ColletQueue *self)
{
  pthread_mutex_lock (&self->lock);
  GPtrArray *calls = steal_calls (self);
  pthread_mutex_unlock (&self->lock);
  return calls;
}

void
collet_queue_settle_calls (ColletQueue *self, guint n, gboolean is_lost)
{
  pthread_mutex_lock (&self->lock);
  g_assert (self->calls_taken >= n);
  self->calls_taken -= n;
  if (is_lost)
    self->dropped += n;
  pthread_mutex_unlock (&self->lock);
}

GPtrArray *
collet_queue_take_sessions (ColletQueue *self, guint *dropped)
{
  pthread_mutex_lock (&self->lock);
  GPtrArray *rows = are_sessions_due (self) ? collet_session_batch_take (self->sessions, dropped) : NULL;
  pthread_mutex_unlock (&self->lock);
  return rows;
}

void
collet_queue_return_sessions (ColletQueue *self, GPtrArray *rows)
{
  pthread_mutex_lock (&self->lock);
  if (!self->is_closed)
    collet_session_batch_return (self->sessions, rows, g_get_monotonic_time ());
  pthread_mutex_unlock (&self->lock);
  g_ptr_array_set_size (rows, 0);
}

void
collet_queue_answer (ColletQueue *self, GQueue *requests)
{
  const guint64 one = 1;

  if (g_queue_is_empty (requests))
    return;
  pthread_mutex_lock (&self->lock);
  while (!g_queue_is_empty (requests))
    g_queue_push_tail (&self->answers, g_queue_pop_head (requests));
  pthread_mutex_unlock (&self->lock);
  /* Fails only when it is full, and then it is readable already. */
  if (write (self->fd, &one, sizeof one) < 0 && errno != EAGAIN)
    g_warning ("The store cannot wake the main thread: %s", g_strerror (errno));
}

/* ---- main thread ---- */

int
collet_queue_get_fd (ColletQueue *self)
{
  return self->fd;
}

void
collet_queue_take_answers (ColletQueue *self, GQueue *requests)
{
  guint64 count;

  if (read (self->fd, &count, sizeof count) < 0 && errno != EAGAIN)
    g_warning ("The store's event descriptor: %s", g_strerror (errno));
  pthread_mutex_lock (&self->lock);
  while (!g_queue_is_empty (&self->answers))
    g_queue_push_tail (requests, g_queue_pop_head (&self->answers));
  pthread_mutex_unlock (&self->lock);
}
