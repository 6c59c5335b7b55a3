/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a simulated node loads with, and its clock.
 */
#include "sim-world.h"

#include "collet-error.h"

#include <string.h>

#define node_of(applier) ((SimNode *)((char *)(applier)-G_STRUCT_OFFSET (SimNode, applier)))

typedef struct
{
  SimNode *node;
  char *token;
  char *module;
  char *sha256;
  GError *error;
  ColletApplierDone done;
  gpointer user_data;
} Work;

static void
work_free (gpointer data)
{
  Work *work = data;

  g_free (work->token);
  g_free (work->module);
  g_free (work->sha256);
  g_clear_error (&work->error);
  g_free (work);
}

static Work *
work_new (ColletClusterApplier *applier, const char *token, const char *module, ColletApplierDone done,
          gpointer user_data)
{
  Work *work = g_new0 (Work, 1);

  work->node = node_of (applier);
  work->token = g_strdup (token);
  work->module = g_strdup (module);
  work->done = done;
  work->user_data = user_data;
  return work;
}

static char *
promise_name (const Work *work)
{
  return g_strdup_printf ("%s %s", work->module, work->token);
}

static void
on_prepared (gpointer data)
{
  Work *work = data;
  SimWorld *world = work->node->world;

  if (g_hash_table_contains (world->bad, work->sha256) || sim_chance (world, world->faults.bad_prepare))
    g_set_error (&work->error, COLLET_ERROR, COLLET_ERROR_VALIDATION_FAILED, "refused by %s",
                 work->node->name);
  else
    g_hash_table_replace (work->node->promised, promise_name (work), g_strdup (work->sha256));
  work->done (work->error, work->user_data);
}

static void
prepare (ColletClusterApplier *applier, const char *token, const char *module, const char *sha256,
         const ColletSpec *spec, const char *const *nodes, ColletApplierDone done, gpointer user_data)
{
  Work *work = work_new (applier, token, module, done, user_data);

  work->sha256 = g_strdup (sha256);
  sim_later (work->node->world, work->node, sim_delay (work->node->world), on_prepared, work, work_free);
}

static void
on_told (gpointer data)
{
  Work *work = data;

  work->done (work->error, work->user_data);
}

static void
on_back (gpointer data)
{
  if (!((SimNode *)data)->is_up)
    sim_node_start (data);
}

static void
on_killed (gpointer data)
{
  SimNode *node = data;

  if (node->is_up)
    sim_node_crash (node);
  sim_later (node->world, NULL, G_USEC_PER_SEC, on_back, node, NULL);
}

/* Between this and the answer the node can die: then it runs the new version and
 * nobody was told. */
static void
on_committed (gpointer data)
{
  Work *work = data;
  SimNode *node = work->node;
  g_autofree char *name = promise_name (work);
  const char *sha256 = g_hash_table_lookup (node->promised, name);
  SimDisk *disk = g_hash_table_lookup (node->disk, work->module);
  Work *told;

  /* Laggard gate: only what this incarnation has prepared itself. */
  g_assert_nonnull (sha256);
  if (node == node->world->victim && g_strcmp0 (sha256, node->world->deadly) == 0)
    {
      sim_later (node->world, NULL, 0, on_killed, node, NULL);
      return;
    }
  if (sim_chance (node->world, node->world->faults.bad_commit))
    {
      g_set_error (&work->error, COLLET_ERROR, COLLET_ERROR_STATE_MIGRATION_FAILED, "cannot be carried over");
    }
  else
    {
      if (disk == NULL)
        {
          disk = g_new0 (SimDisk, 1);
          g_hash_table_insert (node->disk, g_strdup (work->module), disk);
        }
      g_free (disk->sha256);
      g_free (disk->token);
      disk->sha256 = g_strdup (sha256);
      disk->token = g_strdup (work->token);
    }
  g_hash_table_remove (node->promised, name);
  told = g_memdup2 (work, sizeof *work);
  memset (work, 0, sizeof *work);
  sim_later (node->world, node, sim_delay (node->world), on_told, told, work_free);
}

static void
commit (ColletClusterApplier *applier, const char *token, const char *module, ColletApplierDone done,
        gpointer user_data)
{
  Work *work = work_new (applier, token, module, done, user_data);
  SimNode *node = work->node;
  const char *lock;
  g_autofree char *decision = collet_cluster_key ("sim", COLLET_KEY_DECISION, token, NULL);
  const ColletKeyValue *row = g_tree_lookup (node->world->store->rows, decision);

  /* Nobody runs what is not decided. ("base" and "override" are no transactions.) */
  lock = strchr (token, ' ');
  if (lock == NULL && row != NULL)
    g_assert_nonnull (strstr (row->value, "\"commit\":true"));
  else if (lock == NULL)
    {
      /* Forgotten long ago, or never decided? */
      g_autofree char *spec = collet_cluster_key ("sim", COLLET_KEY_SPEC, token, NULL);

      g_assert_null (g_tree_lookup (node->world->store->rows, spec));
    }
  /* If it dies before it is carried out, nothing happened. */
  sim_later (node->world, node, sim_delay (node->world), on_committed, work, work_free);
}

static void
give_up (ColletClusterApplier *applier, const char *token, const char *module)
{
  SimNode *node = node_of (applier);
  g_autofree char *name = g_strdup_printf ("%s %s", module, token);

  g_assert_true (g_hash_table_remove (node->promised, name));
}

static const char *
get_running (ColletClusterApplier *applier, const char *module, const char **version)
{
  const SimDisk *disk = g_hash_table_lookup (node_of (applier)->disk, module);

  *version = NULL;
  return disk != NULL ? disk->sha256 : NULL;
}

static void
get_counts (ColletClusterApplier *applier, const char *module, gint64 *calls, gint64 *errors)
{
  const SimDisk *disk = g_hash_table_lookup (node_of (applier)->disk, module);

  *calls = 100;
  /* Version z is a bad one. */
  *errors = disk != NULL && g_str_equal (disk->sha256, sim_sha256 ('z')) ? 50 : 0;
}

static GStrv
list (ColletClusterApplier *applier)
{
  return (GStrv)g_hash_table_get_keys_as_array (node_of (applier)->disk, NULL);
}

static gboolean
was_cut_short (ColletClusterApplier *applier, const char *module, const char *sha256)
{
  return g_hash_table_remove (node_of (applier)->cut_short, sha256);
}

static GStrv
dup_list (ColletClusterApplier *applier)
{
  g_autofree char **names = (char **)list (applier);

  return g_strdupv (names);
}

void
sim_node_init_applier (SimNode *node)
{
  static const ColletClusterApplierClass class_ = {
    .prepare = prepare,
    .commit = commit,
    .abort = give_up,
    .get_running = get_running,
    .get_counts = get_counts,
    .was_cut_short = was_cut_short,
    .list = dup_list,
  };

  node->applier.class_ = &class_;
}

/* ---- clock ---- */

#define node_of_clock(c) ((SimNode *)((char *)(c)-G_STRUCT_OFFSET (SimNode, clock)))

static gint64
now (ColletClusterClock *clock)
{
  const SimNode *node = node_of_clock (clock);

  return node->offset + (gint64)((double)node->world->now * node->rate);
}

/* Wrong by up to an hour. */
static gint64
real_time (ColletClusterClock *clock)
{
  const SimNode *node = node_of_clock (clock);

  return node->world->now + node->offset * 7 % (3600 * (gint64)G_USEC_PER_SEC);
}

typedef struct
{
  SimNode *node;
  guint wake;
} Alarm;

static void
on_alarm (gpointer data)
{
  Alarm *alarm = data;

  if (alarm->node->wake == alarm->wake)
    alarm->node->clock.fire (alarm->node->clock.user_data);
}

static void
wake (ColletClusterClock *clock, gint64 delay_us)
{
  SimNode *node = node_of_clock (clock);
  Alarm *alarm;

  node->wake++;
  if (delay_us < 0)
    return;
  alarm = g_new (Alarm, 1);
  alarm->node = node;
  alarm->wake = node->wake;
  sim_later (node->world, node, (gint64)((double)delay_us / node->rate) + 1, on_alarm, alarm, g_free);
}

void
sim_node_init_clock (SimNode *node)
{
  static const ColletClusterClockClass class_ = { .now = now, .real_time = real_time, .wake = wake };

  node->clock.class_ = &class_;
}
