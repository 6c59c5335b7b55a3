/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <pthread.h>

#include "collet-ledger.h"

static void
test_early (void)
{
  g_autofree struct collet_ledger *ledger = g_new (struct collet_ledger, 1);

  collet_ledger_init (ledger);
  collet_ledger_cancel (ledger, 7); /* before it came */
  g_assert_true (collet_ledger_begin (ledger, 0, 6));
  g_assert_false (atomic_load (&ledger->slots[0].cancelled));
  collet_ledger_cancel (ledger, 6);
  g_assert_true (atomic_load (&ledger->slots[0].cancelled));
  collet_ledger_end (ledger, 0);
  g_assert_true (collet_ledger_begin (ledger, 0, 7));
  g_assert_true (atomic_load (&ledger->slots[0].cancelled));
  collet_ledger_end (ledger, 0);
  g_assert_true (collet_ledger_begin (ledger, 0, 7)); /* it is used up */
  g_assert_false (atomic_load (&ledger->slots[0].cancelled));
}

static void
test_bounded (void)
{
  g_autofree struct collet_ledger *ledger = g_new (struct collet_ledger, 1);

  collet_ledger_init (ledger);
  for (guint64 id = 1; id <= 3 * COLLET_LEDGER_EARLY; id++)
    collet_ledger_cancel (ledger, id);
  /* The newest are kept. */
  for (guint64 id = 3 * COLLET_LEDGER_EARLY; id > 2 * COLLET_LEDGER_EARLY; id--)
    {
      g_assert_true (collet_ledger_begin (ledger, 0, id));
      g_assert_true (atomic_load (&ledger->slots[0].cancelled));
      collet_ledger_end (ledger, 0);
    }
  g_assert_true (collet_ledger_begin (ledger, 0, 1));
  g_assert_false (atomic_load (&ledger->slots[0].cancelled));
}

static void
test_close (void)
{
  g_autofree struct collet_ledger *ledger = g_new (struct collet_ledger, 1);

  collet_ledger_init (ledger);
  g_assert_true (collet_ledger_begin (ledger, 3, 1));
  g_assert_cmpuint (collet_ledger_close (ledger, 10), ==, 1);
  g_assert_false (collet_ledger_begin (ledger, 0, 2));
  collet_ledger_end (ledger, 3);
  g_assert_cmpuint (collet_ledger_close (ledger, 10000), ==, 0);
}

typedef struct
{
  struct collet_ledger *ledger;
  guint slot;
  guint n_run;
} Executor;

static void *
run_calls (void *data)
{
  Executor *executor = data;

  while (collet_ledger_begin (executor->ledger, executor->slot, executor->slot + 8 * executor->n_run))
    {
      atomic_load (&executor->ledger->slots[executor->slot].cancelled);
      collet_ledger_end (executor->ledger, executor->slot);
      executor->n_run++;
    }
  return NULL;
}

/* Nothing runs once it is closed, and nobody waits for ever. */
static void
test_threads (void)
{
  g_autofree struct collet_ledger *ledger = g_new (struct collet_ledger, 1);
  Executor executors[4];
  pthread_t threads[4];

  collet_ledger_init (ledger);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    {
      executors[i] = (Executor){ ledger, i, 0 };
      g_assert_cmpint (pthread_create (&threads[i], NULL, run_calls, &executors[i]), ==, 0);
    }
  for (guint64 id = 0; id < 20000; id++)
    collet_ledger_cancel (ledger, id);
  g_assert_cmpuint (collet_ledger_close (ledger, 10000), ==, 0);
  g_assert_cmpuint (collet_ledger_count_running (ledger), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    pthread_join (threads[i], NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/worker/ledger/cancelled-before-it-came", test_early);
  g_test_add_func ("/worker/ledger/early-cancellations-are-bounded", test_bounded);
  g_test_add_func ("/worker/ledger/closed-runs-nothing", test_close);
  g_test_add_func ("/worker/ledger/threads-agree", test_threads);
  return g_test_run ();
}
