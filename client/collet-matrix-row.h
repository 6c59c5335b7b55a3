/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-matrix-row.h: how the matrix makes and changes its rows.
 */
#pragma once

#include "collet-matrix.h"

G_BEGIN_DECLS

ColletMatrixRow *collet_matrix_row_new (const char *module, guint n_nodes) G_GNUC_WARN_UNUSED_RESULT;
/* Both: whether anything changed; nobody is told before announce. */
gboolean collet_matrix_row_set_agreed (ColletMatrixRow *self, const char *version, guint64 epoch);
gboolean collet_matrix_row_set_cell (ColletMatrixRow *self, guint node, const char *version, ColletCell cell);
void collet_matrix_row_announce (ColletMatrixRow *self);

G_END_DECLS
