/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-matrix.h: which version of which module runs on which node, as a list of
 * rows. It is loaded in one piece and goes on by numbered changes; what does not
 * follow on what is known is refused, and the whole is due again.
 */
#pragma once

#include "collet-item-list.h"

G_BEGIN_DECLS

/* As on the bus. */
typedef enum
{
  COLLET_CELL_ABSENT,
  COLLET_CELL_IN_LINE,
  COLLET_CELL_LAGGING,
  COLLET_CELL_FAILED,
  COLLET_CELL_OVERRIDE,
  COLLET_CELL_PREPARING,
  COLLET_CELL_UNKNOWN,
  COLLET_N_CELLS
} ColletCell;

#define COLLET_TYPE_MATRIX_ROW (collet_matrix_row_get_type ())
G_DECLARE_FINAL_TYPE (ColletMatrixRow, collet_matrix_row, COLLET, MATRIX_ROW, GObject)

const char *collet_matrix_row_get_module (ColletMatrixRow *self);
/* What was agreed; empty if nothing was. */
const char *collet_matrix_row_get_version (ColletMatrixRow *self);
guint64 collet_matrix_row_get_epoch (ColletMatrixRow *self);
ColletCell collet_matrix_row_get_cell (ColletMatrixRow *self, guint node);
const char *collet_matrix_row_get_cell_version (ColletMatrixRow *self, guint node);
guint collet_matrix_row_count (ColletMatrixRow *self, ColletCell cell);
/* Nodes that are not in line, of all the nodes. */
guint collet_matrix_row_get_n_differing (ColletMatrixRow *self);

#define COLLET_TYPE_MATRIX (collet_matrix_get_type ())
G_DECLARE_FINAL_TYPE (ColletMatrix, collet_matrix, COLLET, MATRIX, GObject)

/* A GListModel of rows, sorted by module. Its property "revision" (uint) changes
 * when anything did, that of a row (uint) when the row did, both at the pace of
 * lists; signal "nodes-changed" comes at once. */
ColletMatrix *collet_matrix_new (void) G_GNUC_WARN_UNUSED_RESULT;

/* reply: of GetMatrix(). InvalidArgument if it does not fit together. */
gboolean collet_matrix_load (ColletMatrix *self, GVariant *reply, GError **error);
/* deltas: of MatrixChanged. FALSE: GetMatrix() is due, nothing was changed. */
gboolean collet_matrix_apply (ColletMatrix *self, guint64 serial, GVariant *deltas);
/* From the modules of a daemon that knows no matrix: itself is the only node. */
void collet_matrix_load_alone (ColletMatrix *self, const char *node, ColletItemList *modules);
/* The row says something else, though nothing in the matrix changed. */
void collet_matrix_touch (ColletMatrix *self, const char *module);
void collet_matrix_flush (ColletMatrix *self);

guint64 collet_matrix_get_serial (ColletMatrix *self);
guint collet_matrix_get_n_nodes (ColletMatrix *self);
const char *const *collet_matrix_get_nodes (ColletMatrix *self);
/* Borrowed, NULL if there is none. */
ColletMatrixRow *collet_matrix_lookup (ColletMatrix *self, const char *module);
/* Rows with a node that is not in line. */
guint collet_matrix_get_n_differing (ColletMatrix *self);

G_END_DECLS
