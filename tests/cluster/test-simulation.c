/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The whole protocol, by thousands of schedules. Each seed is one: the same seed
 * gives the same. COLLET_TEST_SEEDS=FROM-TO runs others.
 */
#include "sim-world.h"

#include "collet-cluster-report.h"

#include <string.h>

#define SECOND ((gint64)G_USEC_PER_SEC)

/* ---- what must hold, read from everything that was ever written ---- */

typedef struct
{
  guint seed;
  ColletClusterView *view; /* as it was at each revision */
  GHashTable *decided;     /* txid to "commit" or "abort" */
  GHashTable *epochs;      /* "module node" to the epoch that it said last */
  guint commits;
  guint aborts;
} History;

#define expect(history, condition, what)                                                                     \
  G_STMT_START                                                                                               \
  {                                                                                                          \
    if (!(condition))                                                                                        \
      g_error ("seed %u: %s", (history)->seed, what);                                                        \
  }                                                                                                          \
  G_STMT_END

static void
check_just (History *self, const ColletSpec *spec)
{
  guint yes = 0;
  guint n = g_strv_length (spec->participants);

  for (guint i = 0; i < n; i++)
    {
      const ColletVote *vote = collet_cluster_view_get_vote (self->view, spec->txid, spec->participants[i]);

      yes += vote != NULL && vote->is_yes;
    }
  if (g_str_equal (spec->strategy, "quorum"))
    expect (self, yes * 2 > n, "just: a commit without a majority");
  else
    expect (self, yes == n, "just: a commit without all");
}

/* `before` is what the change replaced; the view is as before this revision. */
static void
check_decision (History *self, const char *txid, const ColletKeyValue *change)
{
  const ColletSpec *spec = collet_cluster_view_get_spec (self->view, txid);
  gboolean is_commit = strstr (change->value, "\"commit\":true") != NULL;

  expect (self, !g_hash_table_contains (self->decided, txid), "once: decided twice");
  expect (self, spec != NULL, "decided without a spec");
  expect (self, g_strcmp0 (collet_cluster_view_get_lock (self->view, spec->module), txid) == 0,
          "decided without its lock");
  g_hash_table_insert (self->decided, g_strdup (txid), GINT_TO_POINTER (is_commit));
  if (!is_commit)
    {
      self->aborts++;
      return;
    }
  self->commits++;
  check_just (self, spec);
}

static void
check_desired (History *self, const char *module, const ColletKeyValue *change)
{
  const ColletDesired *before = collet_cluster_view_get_desired (self->view, module);
  ColletDesired *after = collet_cluster_record_read (COLLET_KEY_DESIRED, change->value);

  expect (self, change->value != NULL && after != NULL, "the agreed version is not readable");
  if (before != NULL && before->epoch == after->epoch)
    {
      expect (self, g_str_equal (before->sha256, after->sha256) && g_str_equal (before->txid, after->txid),
              "serial: another version under the same epoch");
      expect (self, after->rollout != NULL, "the agreed version was written again");
    }
  else
    {
      expect (self, after->epoch == (before != NULL ? before->epoch : 0) + 1,
              "serial: an epoch was left out");
      expect (self, g_strcmp0 (collet_cluster_view_get_lock (self->view, module), after->txid) == 0,
              "agreed without its lock");
    }
  collet_desired_free (after);
}

static void
check_applied (History *self, const char *module, const char *node, const ColletKeyValue *change)
{
  ColletApplied *applied = collet_cluster_record_read (COLLET_KEY_APPLIED, change->value);
  g_autofree char *name = g_strdup_printf ("%s %s", module, node);
  gint64 before = (gint64)GPOINTER_TO_SIZE (g_hash_table_lookup (self->epochs, name));

  if (g_getenv ("COLLET_TEST_TRACE") != NULL)
    g_printerr ("%" G_GINT64_FORMAT " %s %s\n", change->mod_rev, name, change->value);
  expect (self, applied != NULL, "applied is not readable");
  expect (self, applied->epoch >= before, "monotonic: a node went back to an earlier epoch");
  g_hash_table_replace (self->epochs, g_strdup (name), GSIZE_TO_POINTER ((gsize)applied->epoch));
  collet_applied_free (applied);
}

static void
check_change (History *self, const ColletKeyValue *change)
{
  ColletKeyKind kind;
  g_autofree char *a = NULL;
  g_autofree char *b = NULL;

  expect (self, collet_cluster_key_parse ("sim", change->key, &kind, &a, &b), "a key that is none");
  if (kind == COLLET_KEY_DESIRED)
    check_desired (self, a, change);
  if (change->value == NULL)
    return;
  if (kind == COLLET_KEY_DECISION)
    check_decision (self, a, change);
  else if (kind == COLLET_KEY_APPLIED)
    check_applied (self, a, b, change);
  else if (kind == COLLET_KEY_VOTE)
    {
      expect (self, collet_cluster_view_get_vote (self->view, a, b) == NULL, "a vote was changed");
      expect (self, !g_hash_table_contains (self->decided, a), "a vote after the decision");
    }
  else if (kind == COLLET_KEY_LOCK)
    {
      expect (self, collet_cluster_view_get_lock (self->view, a) == NULL, "a lock was taken from another");
      expect (self, !g_hash_table_contains (self->decided, change->value), "lockok: locked, but decided");
    }
}

static void
check_history (SimWorld *world, guint seed, guint *commits, guint *aborts)
{
  History self = {
    .seed = seed,
    .view = collet_cluster_view_new ("sim"),
    .decided = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL),
    .epochs = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL),
  };
  guint from = 0;

  while (from < world->log->len)
    {
      gint64 revision = ((ColletKeyValue *)world->log->pdata[from])->mod_rev;
      guint to = from;

      for (; to < world->log->len && ((ColletKeyValue *)world->log->pdata[to])->mod_rev == revision; to++)
        check_change (&self, world->log->pdata[to]);
      for (; from < to; from++)
        collet_cluster_view_apply (self.view, world->log->pdata[from]);
    }
  *commits += self.commits;
  *aborts += self.aborts;
  g_hash_table_unref (self.decided);
  g_hash_table_unref (self.epochs);
  collet_cluster_view_free (self.view);
}

/* ---- schedules ---- */

typedef struct
{
  guint commits;
  guint aborts;
  guint crashes;
  guint lost;
} Totals;

static void
on_begun (const char *txid, const GError *error, gpointer user_data)
{
}

static SimNode *
choose_up (SimWorld *world)
{
  for (guint i = 0; i < 20; i++)
    {
      SimNode *node = world->nodes[sim_choose (world, world->n_nodes)];

      if (node->is_up)
        return node;
    }
  return NULL;
}

static void
ask_something (SimWorld *world)
{
  const char *const modules[] = { "echo", "counter" };
  const char *const strategies[] = { "sync_all", "sync_all", "quorum", "quorum", "rolling" };
  SimNode *node = choose_up (world);
  const char *strategy = strategies[sim_choose (world, G_N_ELEMENTS (strategies))];
  gboolean is_rolling = g_str_equal (strategy, "rolling");
  g_auto (GStrv) canary = g_strsplit ("n1", ",", 0);
  g_auto (GStrv) half = g_strsplit ("60%", ",", 0);
  g_autoptr (GPtrArray) waves = g_ptr_array_new ();
  ColletRollout rollout = {
    .waves = waves, .bake_s = 2, .max_error_rate = 0.2, .min_calls = 10, .auto_revert = TRUE
  };
  const ColletClusterRequest request = {
    .module = modules[sim_choose (world, 2)],
    .sha256 = sim_sha256 ((char)('a' + sim_choose (world, 6))),
    .kind = is_rolling || sim_chance (world, 0.7) ? "hot-reload" : "rollback",
    .strategy = strategy,
    .require_live = sim_chance (world, 0.3),
    .clear_overrides = sim_chance (world, 0.2),
    .timeout_ms = 1000 + sim_choose (world, 5000),
    .rollout = is_rolling ? &rollout : NULL,
  };

  if (node == NULL)
    return;
  g_ptr_array_add (waves, canary);
  g_ptr_array_add (waves, half);
  if (sim_chance (world, 0.1))
    collet_cluster_agent_set_override (node->agent, request.module,
                                       sim_chance (world, 0.5) ? request.sha256 : NULL, NULL, "test", NULL,
                                       NULL);
  else
    collet_cluster_agent_begin (node->agent, &request, on_begun, NULL);
}

static void
disturb (SimWorld *world)
{
  SimNode *node = world->nodes[sim_choose (world, world->n_nodes)];

  if (node->is_up && sim_chance (world, 0.5))
    sim_node_crash (node);
  else if (!node->is_up)
    sim_node_start (node);
}

/* The storm is over: everyone is up and nothing gets lost. */
static void
calm (SimWorld *world)
{
  const SimFaults none = { .max_delay_us = world->faults.max_delay_us };

  world->faults = none;
  for (guint i = 0; i < world->n_nodes; i++)
    {
      if (!world->nodes[i]->is_up)
        sim_node_start (world->nodes[i]);
    }
}

/* Eventually: decided, lock freed, applied by all but those that cannot. */
static void
expect_settled (SimWorld *world, guint seed)
{
  const ColletClusterView *view = collet_cluster_agent_get_view (world->nodes[0]->agent);
  g_autoptr (GPtrArray) modules = collet_cluster_view_list (view, COLLET_KEY_DESIRED);
  g_autoptr (GPtrArray) locks = collet_cluster_view_list (view, COLLET_KEY_LOCK);
  g_autoptr (ColletConsistency) all = collet_cluster_check (view, NULL, NULL);

  if (locks->len > 0)
    g_error ("seed %u: %s is locked for ever", seed, (char *)locks->pdata[0]);
  if (g_str_equal (all->verdict, "rolling") || g_str_equal (all->verdict, "unknown"))
    {
      for (guint i = 0; i < modules->len; i++)
        {
          const ColletDesired *desired = collet_cluster_view_get_desired (view, modules->pdata[i]);

          /* A wave with a node that cannot apply it pauses, if there is nothing to
           * go back to. */
          if (desired->rollout != NULL && !g_str_equal (desired->rollout->state, "done") &&
              desired->base_sha256 != NULL && !g_str_equal (desired->rollout->state, "paused"))
            g_error ("seed %u: %s rolls for ever", seed, (char *)modules->pdata[i]);
        }
    }
  for (guint i = 0; i < modules->len; i++)
    {
      for (guint k = 0; k < world->n_nodes; k++)
        {
          SimNode *node = world->nodes[k];
          const ColletDesired *desired = collet_cluster_view_get_desired (view, modules->pdata[i]);
          const SimDisk *disk = g_hash_table_lookup (node->disk, modules->pdata[i]);
          ColletCell cell = collet_cluster_get_cell (view, modules->pdata[i], node->name);
          ColletTarget target;

          if (cell.state == COLLET_CELL_FAILED ||
              !collet_cluster_get_target (view, modules->pdata[i], node->name, &target))
            continue;
          if (disk == NULL || !g_str_equal (disk->sha256, target.sha256))
            g_error ("seed %u: %s runs %.6s of %s, not %.6s (epoch %" G_GINT64_FORMAT ", %s)", seed,
                     node->name, disk != NULL ? disk->sha256 : "nothing", (char *)modules->pdata[i],
                     target.sha256, desired->epoch, collet_cell_state_name (cell.state));
          if (cell.state != COLLET_CELL_IN_LINE && cell.state != COLLET_CELL_OVERRIDE)
            g_error ("seed %u: %s of %s is %s", seed, node->name, (char *)modules->pdata[i],
                     collet_cell_state_name (cell.state));
        }
    }
}

static void
run_schedule (guint seed, Totals *totals)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed ^ 0x5eed);
  const SimFaults faults = {
    .lose_reply = seed % 3 == 0 ? 0.15 : 0.02,
    .lose_request = seed % 3 == 1 ? 0.1 : 0.01,
    .watch_gap = 0.02,
    .watch_loss = seed % 8 == 0 ? 0.05 : 0,
    .bad_prepare = seed % 5 == 0 ? 0.1 : 0.01,
    .bad_commit = seed % 7 == 0 ? 0.05 : 0,
    .lose_session = seed % 4 == 0 ? 0.2 : 0.01,
    .crash = seed % 2 == 0 ? 0.004 : 0.0005,
    .max_delay_us = seed % 6 == 0 ? 2 * SECOND : SECOND / 5,
  };
  SimWorld *world = sim_world_new (seed, 3 + 2 * (seed % 2), &faults);

  for (guint i = 0; i < world->n_nodes; i++)
    sim_node_start (world->nodes[i]);
  sim_run_until (world, world->now + SECOND);
  for (guint i = 0; i < 12; i++)
    {
      ask_something (world);
      if (sim_chance (world, 0.3))
        ask_something (world);
      if (sim_chance (world, 0.4))
        disturb (world);
      sim_run_until (world, world->now + sim_choose (world, 3000000));
    }
  calm (world);
  sim_run_until (world, world->now + 240 * SECOND);
  check_history (world, seed, &totals->commits, &totals->aborts);
  expect_settled (world, seed);
  totals->crashes += world->crashes;
  totals->lost += world->lost;
  sim_world_free (world);
}

static void
test_schedules (void)
{
  const char *range = g_getenv ("COLLET_TEST_SEEDS");
  g_auto (GStrv) parts = g_strsplit (range != NULL ? range : "1-1000", "-", 2);
  guint from = (guint)g_ascii_strtoull (parts[0], NULL, 10);
  guint to = parts[1] != NULL ? (guint)g_ascii_strtoull (parts[1], NULL, 10) : from;
  Totals totals = { 0 };

  for (guint seed = from; seed <= to; seed++)
    run_schedule (seed, &totals);
  g_test_message ("%u commits, %u aborts, %u crashes, %u messages lost", totals.commits, totals.aborts,
                  totals.crashes, totals.lost);
  if (range != NULL)
    return;
  /* They did meet all of it. */
  g_assert_cmpuint (totals.commits, >, 3000);
  g_assert_cmpuint (totals.aborts, >, 1000);
  g_assert_cmpuint (totals.crashes, >, 2000);
  g_assert_cmpuint (totals.lost, >, 5000);
}

static void
say_nothing (const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
  if (g_getenv ("COLLET_TEST_SEEDS") != NULL)
    g_test_message ("%s", message);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* What goes wrong there is warned of, as it should be. */
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
  g_log_set_handler (NULL, G_LOG_LEVEL_WARNING | G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_DEBUG, say_nothing, NULL);
  g_test_add_func ("/cluster/simulation/invariants-hold-and-all-is-settled", test_schedules);
  return g_test_run ();
}
