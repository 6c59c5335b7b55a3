/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-table.h: what pages that are one list have in common: a search, the
 * table, and why there is none to see.
 */
#pragma once

#include "collet-columns.h"
#include "collet-page.h"

G_BEGIN_DECLS

#define COLLET_TYPE_TABLE (collet_table_get_type ())
G_DECLARE_FINAL_TYPE (ColletTable, collet_table, COLLET, TABLE, AdwBin)

typedef struct
{
  const char *search;                                       /* what is searched, translated */
  const char *empty_icon, *empty_title, *empty_description; /* translated */
  const ColletColumn *columns;
  guint n_columns;
  /* text is folded and not empty */
  gboolean (*matches) (gpointer item, const char *text);
  /* A row was chosen; may be NULL. user_data as given to setup. */
  void (*activate) (gpointer item, gpointer user_data);
} ColletTableSetup;

/* Once. setup's columns are copied, its texts are static. */
void collet_table_setup (ColletTable *self, const ColletTableSetup *setup, ColletService *service,
                         GListModel *model, gpointer user_data);
/* Below the search. */
void collet_table_add_control (ColletTable *self, GtkWidget *control);
GtkWidget *collet_table_get_search (ColletTable *self);
gpointer collet_table_get_selected (ColletTable *self);
/* For rows that are asked for by a method; error: NULL if they are there. */
void collet_table_set_asking (ColletTable *self);
void collet_table_set_answered (ColletTable *self, const GError *error);

/* Whether any of the item's values, named by the list, holds the text. */
gboolean collet_table_has_text (ColletItem *item, const char *text, const char *first_name,
                                ...) G_GNUC_NULL_TERMINATED;

G_END_DECLS
