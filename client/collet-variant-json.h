/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-variant-json.h: what the bus gives, as JSON of one style: every name in
 * snake_case ("SemanticVersion" and "semantic-version" become
 * "semantic_version"), dictionaries as objects with sorted members, numbers as
 * they are.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Appends the value on one line. */
void collet_variant_json_append (GString *out, GVariant *value);
/* Quoted and escaped. */
void collet_variant_json_append_string (GString *out, const char *text);
char *collet_variant_json_dup_name (const char *name);

G_END_DECLS
