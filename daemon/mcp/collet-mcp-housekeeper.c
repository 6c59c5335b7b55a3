/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-mcp-housekeeper.h"

#include <pthread.h>
#include <time.h>

struct _ColletMcpHousekeeper
{
  guint period_ms;
  void (*on_change) (gpointer user_data);
  void (*on_idle) (gpointer user_data);
  gpointer user_data;
  GThread *thread;
  pthread_mutex_t lock; /* the flags */
  pthread_cond_t condition;
  gboolean is_changed, is_ending;
};

/* With the lock. FALSE: the period is over. */
static gboolean
wait_locked (ColletMcpHousekeeper *keeper, gint64 until_us)
{
  struct timespec until = { .tv_sec = until_us / G_USEC_PER_SEC,
                            .tv_nsec = until_us % G_USEC_PER_SEC * 1000 };

  while (!keeper->is_changed && !keeper->is_ending)
    if (pthread_cond_timedwait (&keeper->condition, &keeper->lock, &until) != 0)
      return FALSE;
  return TRUE;
}

static gpointer
run (gpointer data)
{
  ColletMcpHousekeeper *keeper = data;
  gint64 next_us = g_get_monotonic_time () + (gint64)keeper->period_ms * 1000;

  pthread_mutex_lock (&keeper->lock);
  while (!keeper->is_ending)
    {
      gboolean is_due = !wait_locked (keeper, next_us);
      gboolean is_changed = keeper->is_changed;

      keeper->is_changed = FALSE;
      pthread_mutex_unlock (&keeper->lock);
      if (is_changed)
        keeper->on_change (keeper->user_data);
      if (is_due)
        {
          keeper->on_idle (keeper->user_data);
          next_us = g_get_monotonic_time () + (gint64)keeper->period_ms * 1000;
        }
      pthread_mutex_lock (&keeper->lock);
    }
  pthread_mutex_unlock (&keeper->lock);
  return NULL;
}

ColletMcpHousekeeper *
collet_mcp_housekeeper_new (guint period_ms, void (*on_change) (gpointer user_data),
                            void (*on_idle) (gpointer user_data), gpointer user_data)
{
  ColletMcpHousekeeper *keeper = g_new0 (ColletMcpHousekeeper, 1);
  pthread_condattr_t attributes;

  keeper->period_ms = period_ms;
  keeper->on_change = on_change;
  keeper->on_idle = on_idle;
  keeper->user_data = user_data;
  pthread_condattr_init (&attributes);
  pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
  pthread_cond_init (&keeper->condition, &attributes);
  pthread_condattr_destroy (&attributes);
  pthread_mutex_init (&keeper->lock, NULL);
  keeper->thread = g_thread_new ("mcp-housekeeper", run, keeper);
  return keeper;
}

void
collet_mcp_housekeeper_wake (ColletMcpHousekeeper *keeper)
{
  pthread_mutex_lock (&keeper->lock);
  keeper->is_changed = TRUE;
  pthread_cond_signal (&keeper->condition);
  pthread_mutex_unlock (&keeper->lock);
}

void
collet_mcp_housekeeper_free (ColletMcpHousekeeper *keeper)
{
  pthread_mutex_lock (&keeper->lock);
  keeper->is_ending = TRUE;
  pthread_cond_signal (&keeper->condition);
  pthread_mutex_unlock (&keeper->lock);
  g_thread_join (keeper->thread);
  pthread_cond_destroy (&keeper->condition);
  pthread_mutex_destroy (&keeper->lock);
  g_free (keeper);
}
