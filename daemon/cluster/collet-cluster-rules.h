/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-cluster-rules.h: what nodes decide, from what they see. Pure: the same
 * view gives every node the same answer.
 */
#pragma once

#include "collet-cluster-view.h"

G_BEGIN_DECLS

#define COLLET_CLUSTER_TIMEOUT_MS 30000 /* for votes, if the request has none */

typedef struct
{
  const char *module;
  const char *sha256;
  const char *version; /* or NULL */
  const char *kind;
  const char *strategy; /* "sync_all" | "quorum" | "rolling" */
  const char *reason;   /* or NULL */
  const char *reverts;  /* or NULL */
  const char *options;  /* or NULL */
  const char *txid;     /* to begin under, 16 hexadecimal digits; NULL: a new one */
  gint64 timeout_ms;    /* 0: the default */
  gint64 uid;
  gboolean require_live;        /* who is down does not matter */
  gboolean clear_overrides;     /* everywhere, with the commit */
  const ColletRollout *rollout; /* rolling: its waves are names or percentages; else NULL */
} ColletClusterRequest;

/* What is put before everyone. now: microseconds since 1970. ReloadInProgress (by
 * whom, since when), NodeFailed (who is down), QuorumNotReached, InvalidArgument. */
ColletSpec *collet_cluster_plan (const ColletClusterView *view, const ColletClusterRequest *request,
                                 const char *me, const char *txid, gint64 now,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef enum
{
  COLLET_TALLY_WAIT,
  COLLET_TALLY_COMMIT,
  COLLET_TALLY_ABORT,
} ColletTallyVerdict;

/* is_expired: on the caller's clock. *error and *message are set for ABORT; g_free. */
ColletTallyVerdict collet_cluster_tally (const ColletClusterView *view, const ColletSpec *spec,
                                         gboolean is_expired, char **error, char **message);

/* Place of a node among the participants, or -1. */
int collet_cluster_rank (const ColletSpec *spec, const char *node);

/* What a node should run. FALSE: nothing is agreed for it. Borrowed. */
typedef struct
{
  const char *sha256;
  const char *version;
  gint64 epoch; /* 0: an override */
} ColletTarget;
gboolean collet_cluster_get_target (const ColletClusterView *view, const char *module, const char *node,
                                    ColletTarget *target);

/* What SyncVersions brings everywhere. is_desired: the agreed version; else the one
 * most nodes run; a tie goes to the one that was agreed last, one that was agreed
 * before one that never was, then the smallest hash. NotFound: nobody runs it. */
char *collet_cluster_sync_target (const ColletClusterView *view, const char *module, gboolean is_desired,
                                  char **version, GError **error);

/* What ClusterRollback goes to: version "" is the one agreed before. Its history,
 * borrowed; NotFound. */
const ColletHistory *collet_cluster_rollback_target (const ColletClusterView *view, const char *module,
                                                     const char *version, GError **error);

/* The waves with names of nodes: percentages ("25%": of all, earlier waves included)
 * are resolved, and who is left is the last. InvalidArgument. */
ColletRollout *collet_rollout_resolve (const ColletRollout *asked, GStrv participants, GError **error);
/* Number of a node's wave; who is in none is in the last. */
guint collet_rollout_wave_of (const ColletRollout *rollout, const char *node);

typedef enum
{
  COLLET_ROLLOUT_WAIT,
  COLLET_ROLLOUT_ADVANCE,
  COLLET_ROLLOUT_PAUSE,  /* the evidence is thin */
  COLLET_ROLLOUT_REVERT, /* too many errors */
} ColletRolloutVerdict;

/* Whether the present wave is good. is_baked: its time is over on the caller's
 * clock, since all of it had applied. *message for PAUSE and REVERT; g_free. */
ColletRolloutVerdict collet_cluster_judge_wave (const ColletClusterView *view, const char *module,
                                                gboolean is_baked, char **message);
/* All of the waves so far run it, or have failed. */
gboolean collet_cluster_is_wave_applied (const ColletClusterView *view, const char *module);

G_END_DECLS
