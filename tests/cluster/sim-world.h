/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * sim-world.h: some nodes, a store and the time between them, in one process and
 * by one seed: messages are late, answers get lost, sessions end wrongly, nodes
 * die between any two steps.
 */
#pragma once

#include "collet-cluster-agent.h"
#include "memory-rows.h"

#define SIM_MAX_NODES 5

typedef struct _SimWorld SimWorld;
typedef struct _SimNode SimNode;
typedef void (*SimFunc) (gpointer data);

typedef struct
{
  double lose_reply;   /* of an answer of the store */
  double lose_request; /* before it was carried out */
  double watch_gap;    /* a watch says that it missed something */
  double watch_loss;   /* or it does not */
  double bad_prepare;  /* a version is refused, this time */
  double bad_commit;   /* cannot be applied, for good */
  double lose_session; /* at a look */
  double crash;        /* at any step of a node */
  gint64 max_delay_us;
} SimFaults;

/* What a node runs; outlives it. */
typedef struct
{
  char *sha256;
  char *token; /* that brought it */
} SimDisk;

struct _SimNode
{
  SimWorld *world;
  char *name;
  guint incarnation; /* 0: down for the first time */
  gboolean is_up;
  double rate; /* of its clock */
  gint64 offset;
  GHashTable *disk;      /* module to SimDisk */
  GHashTable *cut_short; /* SHA-256 of what was prepared when it died last */
  /* of this incarnation */
  ColletClusterAgent *agent;
  ColletClusterApplier applier;
  ColletClusterClock clock;
  guint wake; /* number of the newest alarm */
  char *session;
  ColletSessionEvent session_event;
  gpointer session_data;
  GHashTable *promised; /* "module token" to sha256 */
  GPtrArray *watches;   /* SimWatch */
};

struct _SimWorld
{
  GRand *rand;
  gint64 now;
  GSequence *events;
  MemoryRows *store;
  GPtrArray *log; /* ColletKeyValue: every change of a key */
  SimNode *nodes[SIM_MAX_NODES];
  guint n_nodes;
  SimFaults faults;
  guint last_session;
  guint crashes;
  guint lost;
  GHashTable *bad;    /* sha256 that nobody can prepare */
  const char *deadly; /* sha256 whose application ends this node: */
  const SimNode *victim;
};

SimWorld *sim_world_new (guint seed, guint n_nodes, const SimFaults *faults);
void sim_world_free (SimWorld *world);
gboolean sim_chance (SimWorld *world, double probability);
guint sim_choose (SimWorld *world, guint n);

/* func is called later, if node (NULL: none) still lives then; free_func frees
 * data afterwards in any case. */
void sim_later (SimWorld *world, SimNode *node, gint64 delay_us, SimFunc func, gpointer data,
                GDestroyNotify free_func);
/* For no node; `func` takes `data` over. If it never comes to that, `drop_func` does. */
void sim_hand_on (SimWorld *world, gint64 delay_us, SimFunc func, gpointer data, GDestroyNotify drop_func);
gint64 sim_delay (SimWorld *world);
/* Until then, or until nothing is left to do. */
void sim_run_until (SimWorld *world, gint64 at);
/* Carries it out now; the log and the watches see it. */
ColletTxnReply *sim_store_run (SimWorld *world, const ColletTxn *txn);

void sim_node_start (SimNode *node);
void sim_node_crash (SimNode *node);
/* Names of the nodes are on the roster before they start. */
void sim_register (SimWorld *world, SimNode *node);

ColletCoordination *sim_coordination_new (SimNode *node);
void sim_node_end_watches (SimNode *node);
void sim_node_init_applier (SimNode *node);
void sim_node_init_clock (SimNode *node);

/* Every version has a letter. Static. */
const char *sim_sha256 (char letter);
