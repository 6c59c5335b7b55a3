/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-sparkline.h: a few numbers as a line without axes; what it says is in
 * its accessible label as well.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define COLLET_TYPE_SPARKLINE (collet_sparkline_get_type ())
G_DECLARE_FINAL_TYPE (ColletSparkline, collet_sparkline, COLLET, SPARKLINE, GtkWidget)

GtkWidget *collet_sparkline_new (void);
/* The oldest first; copied. label: what a screen reader says. */
void collet_sparkline_set (ColletSparkline *self, const double *values, guint n_values, const char *label);

G_END_DECLS
