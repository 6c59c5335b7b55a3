/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sim-world.h"

typedef struct
{
  gint64 at;
  guint order;
  SimNode *node; /* or NULL */
  guint incarnation;
  SimFunc func;
  gpointer data;
  GDestroyNotify free_func; /* always */
  GDestroyNotify drop_func; /* if it never came to that */
} Event;

const char *
sim_sha256 (char letter)
{
  static char texts[26][65];
  char *text = texts[letter - 'a'];

  for (guint i = 0; i < 64; i++)
    text[i] = "0123456789abcdef"[(letter - 'a' + (i == 0 ? 0 : 1)) % 16];
  return text;
}

gboolean
sim_chance (SimWorld *world, double probability)
{
  return g_rand_double (world->rand) < probability;
}

guint
sim_choose (SimWorld *world, guint n)
{
  return (guint)g_rand_int_range (world->rand, 0, (gint32)n);
}

gint64
sim_delay (SimWorld *world)
{
  /* Mostly short, sometimes long. */
  gint64 max = sim_chance (world, 0.1) ? world->faults.max_delay_us : world->faults.max_delay_us / 20;

  return 1 + (gint64)(g_rand_double (world->rand) * (double)max);
}

/* ---- events ---- */

static void
event_free (gpointer data)
{
  Event *event = data;

  if (event->free_func != NULL)
    event->free_func (event->data);
  if (event->drop_func != NULL)
    event->drop_func (event->data);
  g_free (event);
}

static void
free_event (gpointer data, gpointer unused)
{
  event_free (data);
}

static int
compare_events (gconstpointer a, gconstpointer b, gpointer data)
{
  const Event *left = a, *right = b;

  if (left->at != right->at)
    return left->at < right->at ? -1 : 1;
  return left->order < right->order ? -1 : 1;
}

static Event *
add_event (SimWorld *world, SimNode *node, gint64 delay_us, SimFunc func, gpointer data)
{
  static guint order;
  Event *event = g_new0 (Event, 1);

  event->at = world->now + MAX (delay_us, 0);
  event->order = order++;
  event->node = node;
  event->incarnation = node != NULL ? node->incarnation : 0;
  event->func = func;
  event->data = data;
  g_sequence_insert_sorted (world->events, event, compare_events, NULL);
  return event;
}

void
sim_later (SimWorld *world, SimNode *node, gint64 delay_us, SimFunc func, gpointer data,
           GDestroyNotify free_func)
{
  Event *event = add_event (world, node, delay_us, func, data);

  event->free_func = free_func;
}

void
sim_hand_on (SimWorld *world, gint64 delay_us, SimFunc func, gpointer data, GDestroyNotify drop_func)
{
  Event *event = add_event (world, NULL, delay_us, func, data);

  event->drop_func = drop_func;
}

static gboolean
is_meant (const Event *event)
{
  return event->node == NULL || (event->node->is_up && event->node->incarnation == event->incarnation);
}

static void
on_restart (gpointer data)
{
  SimNode *node = data;

  if (!node->is_up)
    sim_node_start (node);
}

void
sim_run_until (SimWorld *world, gint64 at)
{
  guint steps = 0;

  while (g_sequence_get_length (world->events) > 0)
    {
      GSequenceIter *first = g_sequence_get_begin_iter (world->events);
      Event *event = g_sequence_get (first);

      if (event->at > at)
        break;
      world->now = event->at;
      g_sequence_remove (first);
      if (is_meant (event))
        {
          SimNode *node = event->node;

          event->drop_func = NULL; /* it is the function's now */
          event->func (event->data);
          if (node != NULL && node->is_up && sim_chance (world, world->faults.crash))
            {
              sim_node_crash (node);
              sim_later (world, NULL, sim_delay (world) * 20, on_restart, node, NULL);
            }
        }
      event_free (event);
      if (++steps > 2000000)
        g_error ("the simulation goes on for ever");
    }
  world->now = MAX (world->now, at);
}

/* ---- the world ---- */

SimWorld *
sim_world_new (guint seed, guint n_nodes, const SimFaults *faults)
{
  SimWorld *world = g_new0 (SimWorld, 1);

  world->rand = g_rand_new_with_seed (seed);
  world->now = 1000000;
  world->events = g_sequence_new (NULL);
  world->store = memory_rows_new ();
  world->log = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_key_value_free);
  world->faults = *faults;
  world->n_nodes = n_nodes;
  world->bad = g_hash_table_new (g_str_hash, g_str_equal);
  for (guint i = 0; i < n_nodes; i++)
    {
      SimNode *node = g_new0 (SimNode, 1);

      node->world = world;
      node->name = g_strdup_printf ("n%u", i + 1);
      node->rate = 0.9 + 0.2 * g_rand_double (world->rand);
      node->offset = (gint64)(g_rand_double (world->rand) * 1e9);
      node->disk = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
      node->cut_short = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
      world->nodes[i] = node;
      sim_register (world, node);
    }
  return world;
}

void
sim_world_free (SimWorld *world)
{
  for (guint i = 0; i < world->n_nodes; i++)
    {
      SimNode *node = world->nodes[i];
      GHashTableIter iter;
      gpointer value;

      if (node->is_up)
        sim_node_crash (node);
      g_hash_table_iter_init (&iter, node->disk);
      while (g_hash_table_iter_next (&iter, NULL, &value))
        {
          g_free (((SimDisk *)value)->sha256);
          g_free (((SimDisk *)value)->token);
          g_free (value);
        }
      g_hash_table_unref (node->disk);
      g_hash_table_unref (node->cut_short);
      g_free (node->name);
      g_free (node);
    }
  g_sequence_foreach (world->events, free_event, NULL);
  g_sequence_free (world->events);
  g_ptr_array_unref (world->log);
  memory_rows_free (world->store);
  g_hash_table_unref (world->bad);
  g_rand_free (world->rand);
  g_free (world);
}

void
sim_register (SimWorld *world, SimNode *node)
{
  g_autoptr (ColletTxn) txn = collet_txn_new ();
  g_autofree char *key = collet_cluster_key ("sim", COLLET_KEY_NODE, node->name, NULL);

  collet_txn_put (txn, key, "{\"url\":\"https://sim\"}");
  collet_txn_reply_free (sim_store_run (world, txn));
}

/* ---- a node's life ---- */

void
sim_node_start (SimNode *node)
{
  const ColletClusterConfig config = {
    .cluster = "sim", .node = node->name, .daemon_version = "0", .url = ""
  };

  g_assert_false (node->is_up);
  node->is_up = TRUE;
  node->incarnation++;
  node->promised = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  node->watches = g_ptr_array_new ();
  sim_node_init_applier (node);
  sim_node_init_clock (node);
  node->agent =
      collet_cluster_agent_new (&config, sim_coordination_new (node), &node->applier, &node->clock, NULL);
}

static void
on_session_expired (gpointer data)
{
  SimWorld *world = ((gpointer *)data)[0];
  g_autoptr (ColletTxn) txn = collet_txn_new ();

  collet_txn_end_session (txn, ((gpointer *)data)[1]);
  collet_txn_reply_free (sim_store_run (world, txn));
}

static void
free_pair (gpointer data)
{
  g_free (((gpointer *)data)[1]);
  g_free (data);
}

/* As kill -9: what it has in memory is gone, and its session ends some time later. */
void
sim_node_crash (SimNode *node)
{
  GHashTableIter iter;
  gpointer sha256;

  g_assert_true (node->is_up);
  node->is_up = FALSE;
  node->world->crashes++;
  g_clear_pointer (&node->agent, collet_cluster_agent_free);
  sim_node_end_watches (node);
  g_hash_table_remove_all (node->cut_short);
  g_hash_table_iter_init (&iter, node->promised);
  while (g_hash_table_iter_next (&iter, NULL, &sha256))
    g_hash_table_add (node->cut_short, g_strdup (sha256));
  g_clear_pointer (&node->promised, g_hash_table_unref);
  if (node->session != NULL)
    {
      gpointer *pair = g_new (gpointer, 2);

      pair[0] = node->world;
      pair[1] = g_steal_pointer (&node->session);
      sim_later (node->world, NULL, 5 * G_USEC_PER_SEC, on_session_expired, pair, free_pair);
    }
}
