/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-json-schema.h: JSON Schema 2020-12, compiled once, used by any thread.
 *
 * Assertions and applicators of the 2020-12 vocabularies, $ref/$defs/$anchor
 * within the document (a remote $ref is InvalidSchema); `format` and unknown
 * keywords are annotations. Patterns: see collet-json-pattern.h. Draft-07's
 * "definitions", "dependencies" and boolean schemas are accepted as well.
 */
#pragma once

#include "collet-json.h"

G_BEGIN_DECLS

typedef struct _ColletJsonSchema ColletJsonSchema;

/* COLLET_ERROR_INVALID_SCHEMA with the JSON pointer and the reason. The text is
 * copied. */
ColletJsonSchema *collet_json_schema_new (const ColletJson *json, ColletJsonNode node,
                                          GError **error) G_GNUC_WARN_UNUSED_RESULT;
ColletJsonSchema *collet_json_schema_ref (ColletJsonSchema *schema);
void collet_json_schema_unref (ColletJsonSchema *schema);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletJsonSchema, collet_json_schema_unref)

/* FALSE: `error` says, in one sentence for people, where (JSON pointer into the
 * instance), what was found and what is allowed:
 *   /a: is "two" (string), must be number
 * with code `code` (InvalidArguments or InvalidResult). */
gboolean collet_json_schema_validate (const ColletJsonSchema *schema, const ColletJson *json,
                                      ColletJsonNode node, int code, GError **error);

G_END_DECLS
