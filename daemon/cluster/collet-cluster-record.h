/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-cluster-record.h: the values that nodes write for each other, as JSON
 * objects, and the keys they stand at. docs/cluster.md lists them.
 *
 * Readers give NULL for what is not such a record: what another node wrote is
 * foreign. Texts that may be absent are NULL here.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  COLLET_KEY_NODE,     /* node/<node>: the roster */
  COLLET_KEY_LIVE,     /* live/<node>, leased */
  COLLET_KEY_DESIRED,  /* desired/<module>: the source of truth */
  COLLET_KEY_HISTORY,  /* history/<module>/<epoch> */
  COLLET_KEY_LOCK,     /* lock/<module>: id of the transaction, as plain text */
  COLLET_KEY_SPEC,     /* tx/<txid>/spec */
  COLLET_KEY_VOTE,     /* tx/<txid>/vote/<node>, written once */
  COLLET_KEY_DECISION, /* tx/<txid>/decision, written once */
  COLLET_KEY_APPLIED,  /* applied/<module>/<node> */
  COLLET_KEY_OVERRIDE, /* override/<module>/<node> */
  COLLET_KEY_BLOB,     /* blob/<sha256>/<node>, leased: who has the bytes */
  COLLET_N_KEYS,
} ColletKeyKind;

#define COLLET_CLUSTER_MAX_NODES 1000

/* "/collet/v1/<cluster>/"; g_free. */
char *collet_cluster_prefix (const char *cluster);
/* b NULL: for a kind with one name. Names are escaped. g_free. */
char *collet_cluster_key (const char *cluster, ColletKeyKind kind, const char *a, const char *b);
/* All keys that begin with a kind's word, and a first name unless NULL:
 * ".../history/<module>/", ".../tx/<txid>/". */
char *collet_cluster_key_prefix (const char *cluster, ColletKeyKind kind, const char *a);
/* FALSE: it is none of ours. *b is NULL for a kind with one name. */
gboolean
collet_cluster_key_parse (const char *cluster, const char *key, ColletKeyKind *kind, char **a, char **b);

/* Wave by wave instead of everywhere at once. */
typedef struct
{
  GPtrArray *waves; /* GStrv: nodes; who is in none belongs to the last */
  guint wave;       /* nodes of this one and of earlier ones apply */
  gint64 bake_s;    /* time that a wave is observed */
  double max_error_rate;
  gint64 min_calls; /* fewer are no evidence */
  gboolean auto_revert;
  char *state; /* "running" | "paused" | "done" */
  char *message;
} ColletRollout;

typedef struct
{
  char *url;
  char *fingerprint;
  char *version; /* of the daemon; in LIVE */
} ColletNodeRecord;

typedef struct
{
  gint64 epoch;
  char *sha256;
  char *version; /* semantic, for people */
  char *txid;
  char *base_sha256;      /* what was agreed before, or NULL */
  ColletRollout *rollout; /* NULL: everywhere */
} ColletDesired;

typedef struct
{
  char *txid; /* 16 hexadecimal digits: the Reload's id on every node */
  char *module;
  char *sha256;
  char *version;
  char *kind;     /* as of a Reload */
  char *strategy; /* "sync_all" | "quorum" | "rolling" */
  GStrv participants;
  char *coordinator;
  gint64 base_epoch;
  gint64 base_rev; /* mod_rev of desired; 0: there was none */
  char *base_sha256;
  gint64 timeout_ms;
  gint64 uid;
  gint64 started_at; /* microseconds since 1970, for people */
  char *reason;
  char *reverts;
  char *options; /* JSON object, for the node that loads it */
  gboolean clear_overrides;
  ColletRollout *rollout;
} ColletSpec;

typedef struct
{
  gboolean is_yes;
  char *error; /* bare name */
  char *message;
} ColletVote;

typedef struct
{
  gboolean is_commit;
  char *error;
  char *message;
  char *by; /* node that decided */
} ColletDecision;

typedef struct
{
  gint64 epoch;
  char *sha256; /* what runs there; NULL: nothing */
  char *version;
  char *state; /* "applied" | "lagging" | "failed" */
  char *error;
  char *message;
  gint64 calls; /* since it was applied, during a rollout */
  gint64 errors;
  gint64 deaths;       /* in trying to apply the version of this epoch: */
  gint64 deaths_epoch; /* meaningless without deaths */
} ColletApplied;

typedef struct
{
  char *sha256;
  char *version;
  char *reason;
} ColletOverride;

typedef struct
{
  gint64 epoch;
  char *sha256;
  char *version;
  char *txid;
  char *kind;
  char *strategy;
  char *reverts;
  char *reason;
  gint64 uid;
  gint64 started_at;
} ColletHistory;

void collet_rollout_free (ColletRollout *self);
ColletRollout *collet_rollout_copy (const ColletRollout *self);
void collet_node_record_free (ColletNodeRecord *self);
void collet_desired_free (ColletDesired *self);
void collet_spec_free (ColletSpec *self);
void collet_vote_free (ColletVote *self);
void collet_decision_free (ColletDecision *self);
void collet_applied_free (ColletApplied *self);
void collet_override_free (ColletOverride *self);
void collet_history_free (ColletHistory *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletSpec, collet_spec_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletDesired, collet_desired_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletRollout, collet_rollout_free)

char *collet_node_record_write (const ColletNodeRecord *self);
char *collet_desired_write (const ColletDesired *self);
char *collet_spec_write (const ColletSpec *self);
char *collet_vote_write (const ColletVote *self);
char *collet_decision_write (const ColletDecision *self);
char *collet_applied_write (const ColletApplied *self);
char *collet_override_write (const ColletOverride *self);
char *collet_history_write (const ColletHistory *self);

/* A record of that kind, or NULL. LOCK: the text itself. BLOB: "". */
gpointer collet_cluster_record_read (ColletKeyKind kind, const char *value);
void collet_cluster_record_free (ColletKeyKind kind, gpointer record);

G_END_DECLS
