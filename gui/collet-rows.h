/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-rows.h: rows of the pages about one thing. All texts are text, never
 * markup.
 */
#pragma once

#include <adwaita.h>

#include "collet-status.h"

G_BEGIN_DECLS

/* A title and what there is to say below it; subtitle may be NULL. */
GtkWidget *collet_row_new (const char *title, const char *subtitle);
void collet_row_set (GtkWidget *row, const char *title, const char *subtitle);
/* What it is called, and what it is, to be selected and copied. */
GtkWidget *collet_fact_new (const char *name);
void collet_fact_set (GtkWidget *row, const char *value);
/* The status at its end. */
GtkWidget *collet_row_add_status (GtkWidget *row, ColletStatusKind kind, const char *word);
/* At its end; named by label for people who do not see it. target: consumed if floating. */
GtkWidget *collet_row_add_button (GtkWidget *row, const char *label, const char *action, GVariant *target);
/* An error's name, and what was found and what to do about it, which can be copied. */
GtkWidget *collet_row_new_problem (const char *name, const char *text);
/* label: with a mnemonic, without which it is the name for people who do not see it. */
void collet_widget_set_name (GtkWidget *widget, const char *label);
/* What the toolkit does not name, it and all below it: buttons with a mnemonic, rows that expand. */
void collet_widget_name_parts (GtkWidget *widget);
void collet_button_set_label (GtkWidget *button, const char *label);
/* The row itself leads there. */
void collet_row_set_action (GtkWidget *row, const char *action, GVariant *target);

/* Rows of a group that change as a whole. */
void collet_group_add (AdwPreferencesGroup *group, GtkWidget *row);
void collet_group_clear (AdwPreferencesGroup *group);

G_END_DECLS
