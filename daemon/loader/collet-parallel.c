/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-parallel.h"

#define MAX_THREADS 4
#define WORTH_A_THREAD 8 /* indices */

struct _ColletParallel
{
  guint n;
  int next; /* atomic */
  ColletParallelFunc func;
  gpointer user_data;
};

gboolean
collet_parallel_next (ColletParallel *parallel, guint *index)
{
  *index = (guint)g_atomic_int_add (&parallel->next, 1);
  return *index < parallel->n;
}

static gpointer
run (gpointer data)
{
  ColletParallel *parallel = data;

  parallel->func (parallel, parallel->user_data);
  return NULL;
}

void
collet_parallel_run (guint n, ColletParallelFunc func, gpointer user_data)
{
  ColletParallel parallel = { n, 0, func, user_data };
  GThread *threads[MAX_THREADS];
  guint wanted = MIN (MIN (g_get_num_processors (), MAX_THREADS), n / WORTH_A_THREAD);
  guint n_threads = 0;

  /* Without another thread, which may be refused, it only takes longer. */
  while (n_threads + 1 < wanted)
    {
      GThread *thread = g_thread_try_new ("parallel", run, &parallel, NULL);
      if (thread == NULL)
        break;
      threads[n_threads++] = thread;
    }
  run (&parallel);
  for (guint i = 0; i < n_threads; i++)
    g_thread_join (threads[i]);
}
