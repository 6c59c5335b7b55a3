/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-mcp-housekeeper.h"

#include <pthread.h>
#include <time.h>

/* Between two times that clients are told: when modules are reloaded one after the
 * other, each client lists the tools again some times a second, not at each. */
#define CALM_US (100 * 1000)

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

/* With the lock: until something is to be done. */
static void
wait_locked (ColletMcpHousekeeper *keeper, gint64 idle_us, gint64 calm_us)
{
  while (!keeper->is_ending)
    {
      gint64 until_us = keeper->is_changed ? MIN (idle_us, calm_us) : idle_us;
      struct timespec until = { .tv_sec = until_us / G_USEC_PER_SEC,
                                .tv_nsec = until_us % G_USEC_PER_SEC * 1000 };

      if (g_get_monotonic_time () >= until_us)
        return;
      pthread_cond_timedwait (&keeper->condition, &keeper->lock, &until);
    }
}

static gpointer
run (gpointer data)
{
  ColletMcpHousekeeper *keeper = data;
  gint64 idle_us = g_get_monotonic_time () + (gint64)keeper->period_ms * 1000;
  gint64 calm_us = 0;

  pthread_mutex_lock (&keeper->lock);
  for (;;)
    {
      gboolean is_changed;
      gint64 now;

      wait_locked (keeper, idle_us, calm_us);
      if (keeper->is_ending)
        break;
      now = g_get_monotonic_time ();
      is_changed = keeper->is_changed && now >= calm_us;
      if (is_changed)
        keeper->is_changed = FALSE;
      pthread_mutex_unlock (&keeper->lock);
      if (is_changed)
        {
          keeper->on_change (keeper->user_data);
          calm_us = now + CALM_US;
        }
      if (now >= idle_us)
        {
          keeper->on_idle (keeper->user_data);
          idle_us = now + (gint64)keeper->period_ms * 1000;
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
