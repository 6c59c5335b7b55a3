/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-runtime.h"

#include "collet-inproc-pool.h"

#include <pthread.h>

typedef struct
{
  ColletInprocJob run;
  gpointer data;
  gboolean exclusive;
} Job;

struct _ColletInprocPool
{
  pthread_mutex_t lock;
  pthread_cond_t changed;
  GQueue jobs;
  guint n_threads; /* and guests; the last one out frees it */
  guint max_running;
  guint n_running;
  gboolean is_exclusive; /* the one that runs */
  gboolean is_closed;
};

static void
pool_free (ColletInprocPool *pool)
{
  g_assert (g_queue_is_empty (&pool->jobs));
  pthread_cond_destroy (&pool->changed);
  pthread_mutex_destroy (&pool->lock);
  g_free (pool);
}

/* Locked. For who waits for a job that may run, or for the end. */
static void
wake_others (ColletInprocPool *pool)
{
  if (pool->is_closed || !g_queue_is_empty (&pool->jobs))
    pthread_cond_broadcast (&pool->changed);
}

/* Locked. The first job, if it may run now. */
static Job *
next_job (ColletInprocPool *pool)
{
  Job *job = g_queue_peek_head (&pool->jobs);

  if (job == NULL || pool->is_exclusive || pool->n_running >= (job->exclusive ? 1 : pool->max_running))
    return NULL;
  pool->n_running++;
  pool->is_exclusive = job->exclusive;
  return g_queue_pop_head (&pool->jobs);
}

static void *
run_jobs (void *user_data)
{
  ColletInprocPool *pool = user_data;
  struct collet_scratch *scratch = collet_scratch_new ();
  gboolean is_last;

  pthread_mutex_lock (&pool->lock);
  while (!pool->is_closed || !g_queue_is_empty (&pool->jobs))
    {
      g_autofree Job *job = next_job (pool);

      if (job == NULL)
        {
          pthread_cond_wait (&pool->changed, &pool->lock);
          continue;
        }
      pthread_mutex_unlock (&pool->lock);
      job->run (job->data, scratch);
      pthread_mutex_lock (&pool->lock);
      pool->n_running--;
      pool->is_exclusive = FALSE;
      wake_others (pool);
    }
  is_last = --pool->n_threads == 0;
  pthread_mutex_unlock (&pool->lock);

  collet_scratch_free (scratch);
  if (is_last)
    pool_free (pool);
  return NULL;
}

ColletInprocPool *
collet_inproc_pool_new (guint n_threads)
{
  ColletInprocPool *pool = g_new0 (ColletInprocPool, 1);

  pthread_mutex_init (&pool->lock, NULL);
  pthread_cond_init (&pool->changed, NULL);
  g_queue_init (&pool->jobs);
  pthread_mutex_lock (&pool->lock);
  for (guint i = 0; i < n_threads; i++)
    {
      pthread_t thread;

      if (pthread_create (&thread, NULL, run_jobs, pool) != 0)
        break;
      pthread_setname_np (thread, "collet-inproc");
      pthread_detach (thread);
      pool->n_threads++;
    }
  pool->max_running = pool->n_threads;
  pthread_mutex_unlock (&pool->lock);
  if (pool->max_running > 0)
    return pool;
  pool_free (pool);
  return NULL;
}

void
collet_inproc_pool_push (ColletInprocPool *pool, ColletInprocJob run, gpointer data, gboolean exclusive)
{
  Job *job = g_new (Job, 1);

  *job = (Job){ run, data, exclusive };
  pthread_mutex_lock (&pool->lock);
  g_queue_push_tail (&pool->jobs, job);
  pthread_cond_signal (&pool->changed);
  pthread_mutex_unlock (&pool->lock);
}

gboolean
collet_inproc_pool_enter (ColletInprocPool *pool)
{
  gboolean may_enter;

  pthread_mutex_lock (&pool->lock);
  may_enter = !pool->is_closed && !pool->is_exclusive && pool->n_running < pool->max_running &&
              g_queue_is_empty (&pool->jobs);
  if (may_enter)
    {
      pool->n_threads++;
      pool->n_running++;
    }
  pthread_mutex_unlock (&pool->lock);
  return may_enter;
}

void
collet_inproc_pool_leave (ColletInprocPool *pool)
{
  gboolean is_last;

  pthread_mutex_lock (&pool->lock);
  pool->n_running--;
  is_last = --pool->n_threads == 0;
  wake_others (pool);
  pthread_mutex_unlock (&pool->lock);
  if (is_last)
    pool_free (pool);
}

void
collet_inproc_pool_close (ColletInprocPool *pool)
{
  pthread_mutex_lock (&pool->lock);
  pool->is_closed = TRUE;
  pthread_cond_broadcast (&pool->changed);
  pthread_mutex_unlock (&pool->lock);
}
