/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-table.h: aligned columns. On a terminal the last column is cut to what
 * fits; elsewhere nothing is.
 */
#pragma once

#include "collet-style.h"

G_BEGIN_DECLS

typedef struct _ColletTable ColletTable;

/* Headings, NULL at the end; one that begins with '>' is of a column aligned to
 * the right. */
ColletTable *collet_table_new (const char *first, ...) G_GNUC_NULL_TERMINATED;
void collet_table_free (ColletTable *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletTable, collet_table_free)

/* Adds the next cell, from left to right, row by row. Takes the text; NULL is
 * "-". Control characters in it become spaces. */
void collet_table_add (ColletTable *self, char *text, ColletPaint paint);
void collet_table_add_copy (ColletTable *self, const char *text);
void collet_table_add_state (ColletTable *self, const char *state);

/* To standard output; nothing for a table without rows. */
void collet_table_print (ColletTable *self);

/* Columns that the text takes on a terminal. */
guint collet_table_measure (const char *text);

G_END_DECLS
