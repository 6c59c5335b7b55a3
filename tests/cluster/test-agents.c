/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Ten agents that agree through three real members of etcd; only what they load is
 * simulated.
 */
#include "collet-cluster-agent.h"
#include "collet-cluster-report.h"
#include "collet-etcd.h"
#include "conformance.h"
#include "etcd-kit.h"

#define N 10
#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

typedef struct
{
  ColletClusterApplier base;
  ColletClusterClock *clock;
  ColletClusterAgent *agent;
  char *name;
  char *prepared;
  char *running;
} Node;

typedef struct
{
  Node *node;
  ColletApplierDone done;
  gpointer user_data;
} Later;

static gboolean
on_later (gpointer data)
{
  g_autofree Later *later = data;

  if (later->node->agent != NULL) /* nobody is told after its end */
    later->done (NULL, later->user_data);
  return G_SOURCE_REMOVE;
}

static void
call_later (Node *node, ColletApplierDone done, gpointer user_data)
{
  Later *later = g_new0 (Later, 1);

  later->node = node;
  later->done = done;
  later->user_data = user_data;
  g_idle_add (on_later, later);
}

static void
prepare (ColletClusterApplier *base, const char *token, const char *module, const char *sha256,
         const ColletSpec *spec, const char *const *nodes, ColletApplierDone done, gpointer user_data)
{
  Node *node = (Node *)base;

  g_free (node->prepared);
  node->prepared = g_strdup (sha256);
  call_later (node, done, user_data);
}

static void
commit (ColletClusterApplier *base, const char *token, const char *module, ColletApplierDone done,
        gpointer user_data)
{
  Node *node = (Node *)base;

  g_free (node->running);
  node->running = g_steal_pointer (&node->prepared);
  call_later (node, done, user_data);
}

static void
give_up (ColletClusterApplier *base, const char *token, const char *module)
{
  g_clear_pointer (&((Node *)base)->prepared, g_free);
}

static const char *
get_running (ColletClusterApplier *base, const char *module, const char **version)
{
  *version = NULL;
  return ((Node *)base)->running;
}

static void
get_counts (ColletClusterApplier *base, const char *module, gint64 *calls, gint64 *errors)
{
  *calls = *errors = 0;
}

static gboolean
was_cut_short (ColletClusterApplier *applier, const char *module, const char *sha256)
{
  return FALSE;
}

static GStrv
list (ColletClusterApplier *base)
{
  return g_new0 (char *, 1);
}

static void
start (Node *node, EtcdKit *kit, guint number)
{
  static const ColletClusterApplierClass class_ = {
    .prepare = prepare,
    .commit = commit,
    .abort = give_up,
    .get_running = get_running,
    .get_counts = get_counts,
    .was_cut_short = was_cut_short,
    .list = list,
  };
  const ColletEtcdConfig etcd = { .endpoints = (const char *const *)kit->endpoints, .give_up_ms = 15000 };
  ColletClusterConfig config = { .cluster = "test", .daemon_version = "0" };

  node->base.class_ = &class_;
  node->name = g_strdup_printf ("n%u", number);
  node->clock = collet_cluster_clock_new ();
  config.node = node->name;
  node->agent =
      collet_cluster_agent_new (&config, collet_etcd_new (&etcd, NULL), &node->base, node->clock, NULL);
}

static void
register_all (EtcdKit *kit)
{
  const ColletEtcdConfig etcd = { .endpoints = (const char *const *)kit->endpoints };
  g_autoptr (ColletCoordination) handle = collet_etcd_new (&etcd, NULL);

  for (guint i = 0; i < N; i++)
    {
      g_autofree char *name = g_strdup_printf ("n%u", i);
      g_autofree char *key = collet_cluster_key ("test", COLLET_KEY_NODE, name, NULL);

      conformance_put (handle, key, "{}");
    }
}

static guint
count_running (Node *nodes, const char *sha256)
{
  guint n = 0;

  for (guint i = 0; i < N; i++)
    n += g_strcmp0 (nodes[i].running, sha256) == 0;
  return n;
}

static guint
count_live (Node *node)
{
  g_autoptr (GPtrArray) live =
      collet_cluster_view_list (collet_cluster_agent_get_view (node->agent), COLLET_KEY_LIVE);

  return live->len;
}

static gboolean
on_patience_over (gpointer data)
{
  g_error ("it does not come to an end");
  return G_SOURCE_REMOVE;
}

#define wait_for(condition)                                                                                  \
  G_STMT_START                                                                                               \
  {                                                                                                          \
    guint patience_ = g_timeout_add_seconds (60, on_patience_over, NULL);                                    \
    while (!(condition))                                                                                     \
      g_main_context_iteration (NULL, TRUE);                                                                 \
    g_source_remove (patience_);                                                                             \
  }                                                                                                          \
  G_STMT_END

static void
on_begun (const char *txid, const GError *error, gpointer user_data)
{
  g_assert_no_error (error);
}

static void
propose (Node *node, const char *sha256, const char *strategy)
{
  const ColletClusterRequest request = {
    .module = "echo", .sha256 = sha256, .kind = "hot-reload", .strategy = strategy
  };

  collet_cluster_agent_begin (node->agent, &request, on_begun, NULL);
}

static void
test_agents (void)
{
  EtcdKit *kit = etcd_kit_new (3, "http", NULL);
  Node nodes[N] = { 0 };

  register_all (kit);
  for (guint i = 0; i < N; i++)
    start (&nodes[i], kit, i);
  wait_for (count_live (&nodes[0]) == N && count_live (&nodes[N - 1]) == N);

  gint64 began = g_get_monotonic_time ();
  propose (&nodes[3], A, "sync_all");
  wait_for (count_running (nodes, A) == N);
  g_test_message ("sync_all on %d nodes: applied everywhere after %.1f ms", N,
                  (double)(g_get_monotonic_time () - began) / 1000);

  /* The leader of etcd dies in the middle. */
  propose (&nodes[7], B, "quorum");
  etcd_kit_kill (kit, etcd_kit_find_leader (kit));
  wait_for (count_running (nodes, B) == N);

  /* So does the coordinator, right after it has begun. */
  propose (&nodes[0], A, "quorum");
  wait_for (collet_cluster_view_get_lock (collet_cluster_agent_get_view (nodes[1].agent), "echo") != NULL ||
            count_running (nodes, A) > 0);
  g_clear_pointer (&nodes[0].agent, collet_cluster_agent_free);
  wait_for (count_running (nodes, A) >= N - 1);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  for (guint i = 0; i < N; i++)
    {
      g_clear_pointer (&nodes[i].agent, collet_cluster_agent_free);
      collet_cluster_clock_free (nodes[i].clock);
      g_free (nodes[i].name);
      g_free (nodes[i].prepared);
      g_free (nodes[i].running);
    }
  etcd_kit_free (kit);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  if (!etcd_kit_is_available ())
    {
      g_print ("1..0 # SKIP there is no etcd (Debian package etcd-server)\n");
      return 0;
    }
  g_test_add_func ("/cluster/agents/agree-through-etcd-whoever-dies", test_agents);
  return g_test_run ();
}
