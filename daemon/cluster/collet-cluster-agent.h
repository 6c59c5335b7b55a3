/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-cluster-agent.h: one node's part in its cluster. It looks at the keys,
 * does what the rules say that this node has to do next, and looks again; nothing
 * but the keys has to be remembered for that, so that it can be killed at any
 * moment and any node can finish what another began.
 */
#pragma once

#include "collet-cluster-applier.h"
#include "collet-cluster-rules.h"
#include "collet-coordination.h"

G_BEGIN_DECLS

#define COLLET_CLUSTER_TTL_S 10
#define COLLET_CLUSTER_CONVERGE_S 30
#define COLLET_CLUSTER_STAGGER_US 50000 /* a rank */

typedef struct
{
  const char *cluster;
  const char *node;
  const char *daemon_version;
  const char *url;         /* for peers; "" on a node of its own */
  const char *fingerprint; /* of the certificate; "" likewise */
  gboolean is_alone;       /* the only node there can be */
  gboolean is_founder;     /* puts itself on a roster that is empty; is_alone does too */
  const char *store_id;    /* remembered from last time, or NULL */
  gint64 store_revision;   /* the same */
} ColletClusterConfig;

typedef struct
{
  /* The view, or the state of this node, changed. */
  void (*changed) (gpointer user_data);
  /* To be remembered: the store as it was seen last. At most once in 30 s. */
  void (*remember) (const char *store_id, gint64 revision, gpointer user_data);
  gpointer user_data;
} ColletClusterListener;

typedef struct _ColletClusterAgent ColletClusterAgent;

/* Takes coordination; applier and clock are borrowed. */
ColletClusterAgent *collet_cluster_agent_new (const ColletClusterConfig *config,
                                              ColletCoordination *coordination, ColletClusterApplier *applier,
                                              ColletClusterClock *clock,
                                              const ColletClusterListener *listener);
void collet_cluster_agent_free (ColletClusterAgent *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletClusterAgent, collet_cluster_agent_free)

/* Borrowed; empty until is_synced. */
const ColletClusterView *collet_cluster_agent_get_view (ColletClusterAgent *self);
const char *collet_cluster_agent_get_node (ColletClusterAgent *self);
gboolean collet_cluster_agent_is_synced (ColletClusterAgent *self);
/* On the roster, as it was seen last. While it is the only one there, what it loads
 * is what is agreed. */
gboolean collet_cluster_agent_is_member (ColletClusterAgent *self);
/* "alone" | "joined" | "minority" | "frozen" | "removed" (by another node);
 * *message: what is wrong, g_free. */
const char *collet_cluster_agent_get_state (ColletClusterAgent *self, char **message);

/* Somebody else is told as well: of each key, and when something has changed. */
typedef struct
{
  ColletClusterViewChanged key;
  void (*changed) (gpointer user_data);
  gpointer user_data;
} ColletClusterWatcher;
/* NULL: nobody. */
void collet_cluster_agent_set_watcher (ColletClusterAgent *self, const ColletClusterWatcher *watcher);
/* What runs here of a module may have changed: look again within 20 ms. */
void collet_cluster_agent_poke (ColletClusterAgent *self, const char *module);

/* txid: the transaction, follow it in the view; NULL with an error. With an error
 * and a txid whether it has begun is not known. */
typedef void (*ColletClusterBegun) (const char *txid, const GError *error, gpointer user_data);
void collet_cluster_agent_begin (ColletClusterAgent *self, const ColletClusterRequest *request,
                                 ColletClusterBegun begun, gpointer user_data);

/* The keys as they are now, in one transaction: borrowed. QuorumNotReached in a
 * minority. */
typedef void (*ColletClusterRead) (const ColletClusterView *view, const GError *error, gpointer user_data);
void collet_cluster_agent_read (ColletClusterAgent *self, ColletClusterRead read, gpointer user_data);

/* Puts a node on the roster. NameInUse: there is one of that name with another
 * certificate; NodeFailed: this node is not on it, or it is full. */
void collet_cluster_agent_admit (ColletClusterAgent *self, const char *node, const char *url,
                                 const char *fingerprint, ColletApplierDone done, gpointer user_data);
/* Takes a node off the roster, or this one. NotFound. */
void collet_cluster_agent_remove (ColletClusterAgent *self, const char *node, ColletApplierDone done,
                                  gpointer user_data);
/* Whoever waits for an answer gets this error instead; before freeing. */
void collet_cluster_agent_cancel (ColletClusterAgent *self, const GError *error);

/* This node's own version, recorded as such before it is applied. sha256 NULL: back
 * to the agreed one. */
void collet_cluster_agent_set_override (ColletClusterAgent *self, const char *module, const char *sha256,
                                        const char *version, const char *reason, ColletApplierDone done,
                                        gpointer user_data);
/* "advance" | "finish" | "pause" | "resume". Tells the transaction that is rolled
 * out. NotFound: there is none. */
void collet_cluster_agent_steer_rollout (ColletClusterAgent *self, const char *module, const char *action,
                                         const char *reason, ColletClusterBegun done, gpointer user_data);
/* A store that went back is taken as it is. FALSE: nothing was frozen. */
gboolean collet_cluster_agent_adopt_store (ColletClusterAgent *self);

G_END_DECLS
