/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-form.h: a form for the arguments of a tool, made from their JSON Schema.
 * What a form cannot ask for piece by piece is asked for as JSON. The daemon
 * checks the arguments; the form only makes what can be made of the input.
 */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

#define COLLET_TYPE_FORM (collet_form_get_type ())
G_DECLARE_FINAL_TYPE (ColletForm, collet_form, COLLET, FORM, AdwBin)

GtkWidget *collet_form_new (void);
/* Keeps what was typed in, of fields that are still there. */
void collet_form_set_schema (ColletForm *self, const char *schema);
/* A JSON object; NULL: InvalidArgument, and the field is marked. */
char *collet_form_dup_arguments (ColletForm *self, GError **error);
/* Of the property; NULL if it has no field. For tests. */
GtkWidget *collet_form_get_field (ColletForm *self, const char *name);

G_END_DECLS
