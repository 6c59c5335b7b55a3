/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A node that dies of a version that was agreed on.
 */
#include "sim-world.h"

#include "collet-cluster-report.h"

#define SECOND ((gint64)G_USEC_PER_SEC)

static void
on_begun (const char *txid, const GError *error, gpointer user_data)
{
  g_assert_no_error (error);
}

static void
agree_on (SimWorld *world, const char *module, char letter, const char *strategy)
{
  const ColletClusterRequest request = {
    .module = module,
    .sha256 = sim_sha256 (letter),
    .kind = "hot-reload",
    .strategy = strategy,
  };

  collet_cluster_agent_begin (world->nodes[0]->agent, &request, on_begun, NULL);
}

static SimWorld *
world_new (guint seed)
{
  const SimFaults faults = { .max_delay_us = SECOND / 20 };
  SimWorld *world = sim_world_new (seed, 3, &faults);

  for (guint i = 0; i < 3; i++)
    sim_node_start (world->nodes[i]);
  sim_run_until (world, world->now + 2 * SECOND);
  agree_on (world, "echo", 'a', "sync_all");
  agree_on (world, "counter", 'a', "sync_all");
  sim_run_until (world, world->now + 5 * SECOND);
  return world;
}

/* As seen by a node. */
static ColletCell
cell (SimWorld *world, guint seen_by, const char *module, guint node)
{
  return collet_cluster_get_cell (collet_cluster_agent_get_view (world->nodes[seen_by]->agent), module,
                                  world->nodes[node]->name);
}

static const char *
running (SimWorld *world, guint node, const char *module)
{
  return ((SimDisk *)g_hash_table_lookup (world->nodes[node]->disk, module))->sha256;
}

static void
test_three_times_and_no_more (void)
{
  for (guint seed = 1; seed <= 50; seed++)
    {
      SimWorld *world = world_new (seed);
      guint before = world->crashes;

      world->victim = world->nodes[1];
      world->deadly = sim_sha256 ('b');
      agree_on (world, "echo", 'b', "sync_all");
      agree_on (world, "counter", 'c', "sync_all");
      sim_run_until (world, world->now + 120 * SECOND);

      g_assert_cmpuint (world->crashes - before, ==, 3);
      g_assert_true (world->nodes[1]->is_up);
      for (guint seen_by = 0; seen_by < 3; seen_by++)
        {
          g_assert_cmpint (cell (world, seen_by, "echo", 1).state, ==, COLLET_CELL_FAILED);
          g_assert_cmpstr (cell (world, seen_by, "echo", 1).error, ==, "Interrupted");
          g_assert_nonnull (strstr (cell (world, seen_by, "echo", 1).message, "after 3 attempts"));
          g_assert_cmpint (cell (world, seen_by, "echo", 0).state, ==, COLLET_CELL_IN_LINE);
          /* What was under way beside it is not its fault. */
          g_assert_cmpint (cell (world, seen_by, "counter", 1).state, ==, COLLET_CELL_IN_LINE);
        }
      g_assert_cmpstr (running (world, 1, "echo"), ==, sim_sha256 ('a'));
      g_assert_cmpstr (running (world, 0, "echo"), ==, sim_sha256 ('b'));
      sim_world_free (world);
    }
}

static void
test_next_version_ends_it (void)
{
  SimWorld *world = world_new (7);

  world->victim = world->nodes[1];
  world->deadly = sim_sha256 ('b');
  agree_on (world, "echo", 'b', "sync_all");
  sim_run_until (world, world->now + 120 * SECOND);
  g_assert_cmpint (cell (world, 0, "echo", 1).state, ==, COLLET_CELL_FAILED);

  /* The same again, where the cause was removed meanwhile: what an administrator asks. */
  world->deadly = NULL;
  agree_on (world, "echo", 'b', "sync_all");
  sim_run_until (world, world->now + 30 * SECOND);
  g_assert_cmpint (cell (world, 0, "echo", 1).state, ==, COLLET_CELL_IN_LINE);
  g_assert_cmpint (cell (world, 0, "echo", 1).epoch, ==, 3);
  g_assert_cmpstr (running (world, 1, "echo"), ==, sim_sha256 ('b'));

  /* And a new one. */
  agree_on (world, "echo", 'c', "sync_all");
  sim_run_until (world, world->now + 30 * SECOND);
  g_assert_cmpstr (running (world, 1, "echo"), ==, sim_sha256 ('c'));
  sim_world_free (world);
}

static void
say_nothing (const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
  g_log_set_handler (NULL, G_LOG_LEVEL_WARNING | G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_DEBUG, say_nothing, NULL);
  g_test_add_func ("/cluster/deaths/three-times-and-no-more", test_three_times_and_no_more);
  g_test_add_func ("/cluster/deaths/the-next-version-ends-it", test_next_version_ends_it);
  return g_test_run ();
}
