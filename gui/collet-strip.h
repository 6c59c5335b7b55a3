/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-strip.h: a row of the matrix as one drawing, for more nodes than there
 * can be columns. What is in line is a thin bar, what is not is a tall one.
 */
#pragma once

#include <gtk/gtk.h>

#include "collet-matrix.h"
#include "collet-status.h"

G_BEGIN_DECLS

#define COLLET_TYPE_STRIP (collet_strip_get_type ())
G_DECLARE_FINAL_TYPE (ColletStrip, collet_strip, COLLET, STRIP, GtkWidget)

GtkWidget *collet_strip_new (void);
void collet_strip_set_row (ColletStrip *self, ColletMatrix *matrix, ColletMatrixRow *row);

/* How a cell looks, and its word. */
ColletStatusKind collet_cell_get_status (ColletCell cell);
const char *collet_cell_get_word (ColletCell cell);
/* "48 of 50 nodes in line; node-17, node-31 differ" */
char *collet_strip_dup_summary (ColletMatrix *matrix, ColletMatrixRow *row);

G_END_DECLS
