/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-columns.h: columns of a table over items that have a "revision"; a cell
 * is bound again whenever its item changed.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

typedef struct
{
  const char *title; /* not translated yet */
  GtkWidget *(*make) (void);
  void (*bind) (GtkWidget *cell, gpointer item, gpointer user_data);
  GCompareDataFunc compare; /* of two items, where sort_by does not do */
  gboolean expand;
  /* What a screen reader says of the whole row; in one column of a table only. */
  char *(*describe) (gpointer item, gpointer user_data);
  const char *sort_by; /* the value of a ColletItem: numbers by size, texts as people do */
} ColletColumn;

/* 1.9 before 1.10. */
int collet_columns_compare_text (const char *a, const char *b);

/* user_data has to outlive the view's model. */
GtkColumnViewColumn *
collet_columns_append (GtkColumnView *view, const ColletColumn *column, gpointer user_data);
/* The model, sorted by the column that was chosen, with a selection. */
void collet_columns_set_model (GtkColumnView *view, GListModel *model);
/* Of a position that the view tells. */
gpointer collet_columns_get_item (GtkColumnView *view, guint position);
gpointer collet_columns_get_selected (GtkColumnView *view);

/* Cells. */
GtkWidget *collet_cell_new_text (void);
GtkWidget *collet_cell_new_number (void);
/* A tooltip, made when it is looked for. gtk_widget_set_tooltip_text() asks the display
 * server where the pointer is, and waits, each time: hundreds of times for a table.
 * NULL, "": none. */
void collet_cell_set_tip (GtkWidget *cell, const char *text);
/* The moment in µs; all of it in a tooltip. */
void collet_cell_set_time (GtkWidget *cell, gint64 time);
/* Of what the row is about. */
GtkWidget *collet_cell_new_name (void);

G_END_DECLS
