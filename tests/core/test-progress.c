/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-progress.h"

static void
assert_near (double value, double expected)
{
  g_assert_cmpfloat_with_epsilon (value, expected, 1e-9);
}

static void
test_weights (void)
{
  g_autoptr (ColletProgress) root = collet_progress_new ("reload");
  ColletProgress *step;

  collet_progress_add_step (root, "prepare", 70);
  collet_progress_add_step (root, "publish", 10);
  collet_progress_add_step (root, "drain", 20);
  assert_near (collet_progress_get_fraction (root), 0);
  g_assert_cmpstr (collet_progress_get_phase (root), ==, "");

  step = collet_progress_begin (root);
  g_assert_cmpstr (collet_progress_get_name (step), ==, "prepare");
  g_assert_cmpstr (collet_progress_get_phase (root), ==, "prepare");
  collet_progress_set_part (step, 1, 2);
  assert_near (collet_progress_get_fraction (root), 0.35);
  step = collet_progress_begin (root); /* the first is done now */
  assert_near (collet_progress_get_fraction (root), 0.7);
  collet_progress_finish (step);
  assert_near (collet_progress_get_fraction (root), 0.8);
  g_assert_cmpstr (collet_progress_get_phase (root), ==, "");
  step = collet_progress_begin (root);
  g_assert_null (collet_progress_begin (root));
  collet_progress_finish (step);
  g_assert_cmpfloat (collet_progress_get_fraction (root), <, 1);
  collet_progress_finish (root);
  assert_near (collet_progress_get_fraction (root), 1);
}

static void
test_nesting (void)
{
  g_autoptr (ColletProgress) root = collet_progress_new ("reload");
  ColletProgress *outer, *inner;

  collet_progress_add_step (root, "a", 1);
  collet_progress_add_step (root, "b", 1);
  outer = collet_progress_begin (root);
  collet_progress_add_step (outer, "x", 3);
  collet_progress_add_step (outer, "y", 1);
  inner = collet_progress_begin (outer);
  g_assert_cmpstr (collet_progress_get_phase (root), ==, "a/x");
  collet_progress_finish (inner);
  assert_near (collet_progress_get_fraction (root), 0.375);
  collet_progress_begin (outer);
  g_assert_cmpstr (collet_progress_get_phase (root), ==, "a/y");
  collet_progress_finish (outer);
  assert_near (collet_progress_get_fraction (root), 0.5);
}

static void
test_skipped_steps_count_as_done (void)
{
  g_autoptr (ColletProgress) root = collet_progress_new ("r");

  collet_progress_add_step (root, "a", 1);
  collet_progress_add_step (root, "b", 1);
  collet_progress_add_step (root, "c", 2);
  g_assert_nonnull (collet_progress_begin_named (root, "c"));
  assert_near (collet_progress_get_fraction (root), 0.5);
  g_assert_null (collet_progress_begin_named (root, "a"));
  g_assert_cmpstr (collet_progress_get_phase (root), ==, "c");
}

static void
test_part_only_grows (void)
{
  g_autoptr (ColletProgress) root = collet_progress_new ("r");

  collet_progress_set_part (root, 5, 10);
  collet_progress_set_part (root, 3, 10);
  collet_progress_set_part (root, 1, 0);
  assert_near (collet_progress_get_fraction (root), 0.5);
  collet_progress_set_part (root, 20, 10);
  g_assert_cmpfloat (collet_progress_get_fraction (root), <, 1);
  g_assert_false (collet_progress_is_finished (root));
}

typedef struct
{
  double last;
  guint n_calls;
} Watch;

static void
on_changed (ColletProgress *root, gpointer user_data)
{
  Watch *watch = user_data;
  double fraction = collet_progress_get_fraction (root);

  g_assert_cmpfloat (fraction, >=, watch->last);
  g_assert_true ((fraction == 1) == collet_progress_is_finished (root));
  watch->last = fraction;
  watch->n_calls++;
}

/* Whatever is called in whatever order. */
static void
test_never_goes_back (void)
{
  for (guint seed = 0; seed < 300; seed++)
    {
      g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
      g_autoptr (ColletProgress) root = collet_progress_new ("root");
      ColletProgress *at[8] = { root };
      Watch watch = { 0 };
      guint depth = 0;

      collet_progress_set_func (root, on_changed, &watch);
      for (guint i = 0; i < 100 && !collet_progress_is_finished (root); i++)
        {
          ColletProgress *next =
              collet_progress_is_finished (at[depth]) ? NULL : collet_progress_begin (at[depth]);
          if (next == NULL)
            {
              collet_progress_finish (at[depth]);
              depth -= depth > 0;
              continue;
            }
          if (depth + 1 < G_N_ELEMENTS (at) && g_rand_boolean (rand))
            {
              at[++depth] = next;
              for (guint n = g_rand_int_range (rand, 1, 4); n > 0; n--)
                collet_progress_add_step (next, "s", g_rand_int_range (rand, 1, 100));
            }
          else
            collet_progress_set_part (next, g_rand_int_range (rand, 0, 10), 9);
        }
      collet_progress_finish (root);
      g_assert_cmpfloat (watch.last, ==, 1);
      g_assert_cmpuint (watch.n_calls, >, 0);
    }
}

static void
test_finish_twice (void)
{
  g_autoptr (ColletProgress) root = collet_progress_new ("r");
  Watch watch = { 0 };

  collet_progress_add_step (root, "a", 1);
  collet_progress_set_func (root, on_changed, &watch);
  collet_progress_finish (root);
  collet_progress_finish (root);
  g_assert_cmpuint (watch.n_calls, ==, 1);
  g_assert_cmpstr (collet_progress_get_phase (root), ==, "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/progress/steps-have-weight", test_weights);
  g_test_add_func ("/core/progress/steps-nest", test_nesting);
  g_test_add_func ("/core/progress/skipped-steps-count-as-done", test_skipped_steps_count_as_done);
  g_test_add_func ("/core/progress/a-part-only-grows", test_part_only_grows);
  g_test_add_func ("/core/progress/never-goes-back-never-1-before-the-end", test_never_goes_back);
  g_test_add_func ("/core/progress/finish-is-idempotent", test_finish_twice);
  return g_test_run ();
}
