/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Guests of a pool, and what their module promised. */
#include <glib.h>

#include "collet-inproc-pool.h"
#include "collet-quick-promise.h"

#include <unistd.h>

#define N_GUESTS 4
#define N_ROUNDS 2000
#define N_ALONE 100

typedef struct
{
  ColletInprocPool *pool;
  atomic_uint inside, shared, alone, were_alone, entered, pushed;
  guint limit;
  guint plain; /* of what runs alone, which needs no lock */
} Room;

static void
visit (gpointer data, struct collet_scratch *scratch)
{
  Room *room = data;

  g_assert_cmpuint (atomic_fetch_add (&room->inside, 1), <, room->limit);
  g_assert_cmpuint (atomic_load (&room->alone), ==, 0);
  if (room->limit == 1)
    room->plain++;
  atomic_fetch_sub (&room->inside, 1);
  atomic_fetch_add (&room->shared, 1); /* last: then the room may go */
}

static void
visit_alone (gpointer data, struct collet_scratch *scratch)
{
  Room *room = data;

  atomic_fetch_add (&room->alone, 1);
  g_assert_cmpuint (atomic_load (&room->inside), ==, 0);
  room->plain++;
  atomic_fetch_sub (&room->alone, 1);
  atomic_fetch_add (&room->were_alone, 1);
}

static void *
be_a_guest (void *data)
{
  Room *room = data;

  for (guint i = 0; i < N_ROUNDS; i++)
    if (collet_inproc_pool_enter (room->pool))
      {
        visit (room, NULL);
        collet_inproc_pool_leave (room->pool);
        atomic_fetch_add (&room->entered, 1);
      }
    else
      {
        collet_inproc_pool_push (room->pool, visit, room, FALSE);
        atomic_fetch_add (&room->pushed, 1);
      }
  return NULL;
}

static void
fill (guint n_threads)
{
  Room room = { .limit = n_threads };
  pthread_t guests[N_GUESTS];

  room.pool = collet_inproc_pool_new (n_threads);
  /* Nothing runs yet. Below, the jobs that guests push may keep all guests out. */
  g_assert_true (collet_inproc_pool_enter (room.pool));
  visit (&room, NULL);
  collet_inproc_pool_leave (room.pool);
  for (guint i = 0; i < N_GUESTS; i++)
    g_assert_cmpint (pthread_create (&guests[i], NULL, be_a_guest, &room), ==, 0);
  for (guint i = 0; i < N_ALONE; i++)
    {
      collet_inproc_pool_push (room.pool, visit_alone, &room, TRUE);
      usleep (100);
    }
  for (guint i = 0; i < N_GUESTS; i++)
    pthread_join (guests[i], NULL);
  while (atomic_load (&room.shared) < 1 + N_GUESTS * N_ROUNDS || atomic_load (&room.were_alone) < N_ALONE)
    usleep (1000);
  g_assert_cmpuint (room.entered + room.pushed, ==, N_GUESTS * N_ROUNDS);
  collet_inproc_pool_close (room.pool);
}

static void
test_one_at_a_time (void)
{
  fill (1);
}

static void
test_several (void)
{
  fill (3);
}

/* The last one out frees it, be it a guest. */
static void
test_closed (void)
{
  ColletInprocPool *pool = collet_inproc_pool_new (1);

  g_assert_true (collet_inproc_pool_enter (pool));
  collet_inproc_pool_close (pool);
  g_assert_false (collet_inproc_pool_enter (pool));
  usleep (10000);
  collet_inproc_pool_leave (pool);
}

/* It took so much of the processor. */
static gint64
compute (gint64 us)
{
  gint64 began = g_get_monotonic_time ();

  while (g_get_monotonic_time () < began + us)
    ;
  return began;
}

static const char *
call (ColletQuickPromise *promise, gint64 us, gboolean sleeps)
{
  gint64 began = g_get_monotonic_time ();

  collet_quick_promise_begin (promise, began);
  if (sleeps)
    g_usleep ((gulong)us);
  else
    compute (us);
  return collet_quick_promise_end (promise, began, g_get_monotonic_time ());
}

static guint
count_until_broken (gboolean sleeps)
{
  guint before = collet_quick_promise_count_broken ();
  ColletQuickPromise promise;
  guint calls = 1;

  collet_quick_promise_init (&promise, TRUE);
  while (call (&promise, 10000, sleeps) == NULL)
    calls++;
  g_assert_cmpint (collet_quick_promise_get_state (&promise), ==, COLLET_PROMISE_BROKEN);
  g_assert_cmpuint (collet_quick_promise_count_broken (), ==, before + 1);
  /* Once is enough. */
  g_assert_false (collet_quick_promise_break (&promise));
  g_assert_null (call (&promise, 10000, sleeps));
  collet_quick_promise_clear (&promise);
  return calls;
}

static void
test_broken (void)
{
  /* More if the processor was taken away during one. */
  g_assert_cmpuint (count_until_broken (TRUE), >=, COLLET_QUICK_STRIKES);
  g_assert_cmpuint (count_until_broken (FALSE), >=, COLLET_QUICK_STRIKES);
}

static void
test_forgiven (void)
{
  ColletQuickPromise promise;

  collet_quick_promise_init (&promise, TRUE);
  for (guint i = 0; i < 10; i++)
    {
      g_assert_null (call (&promise, 2000, TRUE));
      /* Of a clock of its own: none of these is slow. */
      for (guint j = 0; j < COLLET_QUICK_WINDOW; j++)
        {
          collet_quick_promise_begin (&promise, 1);
          g_assert_null (collet_quick_promise_end (&promise, 1, 1));
        }
    }
  g_assert_cmpint (collet_quick_promise_get_state (&promise), ==, COLLET_PROMISE_KEPT);
  collet_quick_promise_clear (&promise);
}

static void
test_not_made (void)
{
  ColletQuickPromise promise;

  collet_quick_promise_init (&promise, FALSE);
  for (guint i = 0; i < 2 * COLLET_QUICK_STRIKES; i++)
    g_assert_null (call (&promise, 2000, TRUE));
  g_assert_false (collet_quick_promise_break (&promise));
  g_assert_cmpint (collet_quick_promise_get_state (&promise), ==, COLLET_PROMISE_NONE);
  collet_quick_promise_clear (&promise);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/host/pool/guests-run-one-at-a-time-where-jobs-do", test_one_at_a_time);
  g_test_add_func ("/host/pool/never-runs-more-than-its-threads", test_several);
  g_test_add_func ("/host/pool/outlives-its-last-guest", test_closed);
  g_test_add_func ("/host/promise/is-broken-by-calls-that-compute-or-wait", test_broken);
  g_test_add_func ("/host/promise/forgives-a-slow-call-in-a-thousand", test_forgiven);
  g_test_add_func ("/host/promise/that-was-not-made-is-not-broken", test_not_made);
  return g_test_run ();
}
