/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <pthread.h>
#include <string.h>

#include "collet-baton.h"

typedef struct
{
  struct collet_baton *baton;
  pthread_t thread;
} Other;

static void *
take (void *data)
{
  Other *other = data;

  collet_baton_take (other->baton);
  return NULL;
}

/* Another executor gets in line. */
static void
line_up (Other *other, struct collet_baton *baton)
{
  other->baton = baton;
  g_assert_cmpint (pthread_create (&other->thread, NULL, take, other), ==, 0);
}

static void
wait_until_asleep (struct collet_baton *baton)
{
  while (!atomic_load (&baton->is_asleep))
    g_usleep (100);
}

static gboolean
call (struct collet_baton *baton, const char *tool, gulong us)
{
  struct collet_turn turn = collet_baton_begin (baton, tool, strlen (tool));

  if (us > 0)
    g_usleep (us);
  return collet_baton_end (baton, &turn);
}

/* Who never ends its call does not hold up those behind it, whether the next in
 * line was watching or asleep. */
static void
test_taken_over (gconstpointer data)
{
  const gboolean is_asleep = GPOINTER_TO_INT (data);
  struct collet_baton baton;
  struct collet_turn turn;
  Other other;

  collet_baton_init (&baton);
  collet_baton_take (&baton);
  if (!is_asleep)
    turn = collet_baton_begin (&baton, "hang", 4);
  line_up (&other, &baton);
  if (is_asleep)
    {
      wait_until_asleep (&baton);
      turn = collet_baton_begin (&baton, "hang", 4);
    }
  pthread_join (other.thread, NULL);
  g_assert_false (collet_baton_end (&baton, &turn));
}

static void
test_passed_on (void)
{
  struct collet_baton baton;
  struct collet_turn turn;

  collet_baton_init (&baton);
  collet_baton_take (&baton);
  for (guint i = 0; i < 20; i++)
    g_assert_true (call (&baton, "long", 200)); /* back, as nobody took it */
  turn = collet_baton_begin (&baton, "long", 4);
  collet_baton_take (&baton); /* at once: this thread would wait for ever */
  g_assert_false (collet_baton_end (&baton, &turn));

  /* It is the tool that is known, not the module. */
  turn = collet_baton_begin (&baton, "short", 5);
  g_assert_true (collet_baton_end (&baton, &turn));
}

typedef struct
{
  struct collet_baton *baton;
  gint *holders, *left;
} Crowd;

static void *
run_calls (void *data)
{
  Crowd *crowd = data;
  gboolean has_it = FALSE;

  while (g_atomic_int_get (crowd->left) > 0)
    {
      struct collet_turn turn;
      gboolean is_long;

      if (!has_it)
        collet_baton_take (crowd->baton);
      g_assert_cmpint (g_atomic_int_add (crowd->holders, 1), ==, 0);
      is_long = g_atomic_int_add (crowd->left, -1) % 16 == 0;
      g_atomic_int_add (crowd->holders, -1);
      turn = collet_baton_begin (crowd->baton, is_long ? "long" : "short", is_long ? 4 : 5);
      if (is_long)
        g_usleep (100);
      has_it = collet_baton_end (crowd->baton, &turn);
    }
  /* For who is in line. */
  if (has_it)
    collet_baton_begin (crowd->baton, "last", 4);
  return NULL;
}

static void
test_threads (void)
{
  struct collet_baton baton;
  gint holders = 0, left = 20000;
  Crowd crowd = { &baton, &holders, &left };
  pthread_t threads[4];

  collet_baton_init (&baton);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_assert_cmpint (pthread_create (&threads[i], NULL, run_calls, &crowd), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    pthread_join (threads[i], NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/worker/baton/taken-from-a-call-that-lasts/watched", GINT_TO_POINTER (FALSE),
                        test_taken_over);
  g_test_add_data_func ("/worker/baton/taken-from-a-call-that-lasts/after-a-quiet-time",
                        GINT_TO_POINTER (TRUE), test_taken_over);
  g_test_add_func ("/worker/baton/passed-on-before-a-tool-known-to-take-long", test_passed_on);
  g_test_add_func ("/worker/baton/one-holder-at-a-time", test_threads);
  return g_test_run ();
}
