/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-cluster-report.h: what people ask of a cluster, from one view. Pure.
 */
#pragma once

#include "collet-cluster-view.h"

G_BEGIN_DECLS

/* As GetMatrix() has them. */
typedef enum
{
  COLLET_CELL_NOT_LOADED,
  COLLET_CELL_IN_LINE,
  COLLET_CELL_LAGGING,
  COLLET_CELL_FAILED,
  COLLET_CELL_OVERRIDE,
  COLLET_CELL_PREPARING,
  COLLET_CELL_UNKNOWN,
} ColletCellState;

typedef struct
{
  const char *sha256;  /* NULL: none, or not known */
  const char *version; /* or NULL */
  gint64 epoch;
  ColletCellState state;
  const char *error;   /* or NULL */
  const char *message; /* or NULL */
} ColletCell;

/* Borrowed from the view. */
ColletCell collet_cluster_get_cell (const ColletClusterView *view, const char *module, const char *node);
const char *collet_cell_state_name (ColletCellState state); /* "in-line" */

typedef struct
{
  const char *verdict;    /* "consistent" | "inconsistent" | "rolling" | "unknown" */
  GPtrArray *differing;   /* names of nodes, borrowed from the view */
  GPtrArray *unreachable; /* the same */
} ColletConsistency;

/* module NULL: all. TRUE: consistent. NotFound: nothing was agreed on that module. */
ColletConsistency *collet_cluster_check (const ColletClusterView *view, const char *module, GError **error);
void collet_consistency_free (ColletConsistency *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletConsistency, collet_consistency_free)

typedef struct
{
  char *node;
  const char *phase; /* "prepare" | "commit" | "done" */
  const char *state; /* "waiting" | "prepared" | "refused" | "applied" | "lagging" | "failed" | "down" |
                        "undone" */
  const char *error; /* borrowed from the view, or NULL */
  const char *message;
} ColletOutcomeRow;

typedef struct
{
  gboolean is_known; /* the cluster has, or had, such a transaction */
  gboolean is_decided;
  gboolean is_committed;
  gboolean is_settled; /* every live participant has applied it, or failed */
  const char *error;   /* of an abort; borrowed */
  const char *message;
  guint applied;
  GPtrArray *rows; /* ColletOutcomeRow */
} ColletOutcome;

ColletOutcome *collet_cluster_get_outcome (const ColletClusterView *view, const char *txid);
void collet_outcome_free (ColletOutcome *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletOutcome, collet_outcome_free)

/* note (or NULL), and how far the waves of a rolling reload are, if they are not over. */
char *collet_cluster_dup_note (const ColletClusterView *view, const char *module, const char *txid,
                               const char *note);

G_END_DECLS
