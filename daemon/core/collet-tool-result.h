/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-tool-result.h: what a module answered, checked before a client sees it.
 * Pure.
 */
#pragma once

#include "collet-tool-list.h"

G_BEGIN_DECLS

/* COLLET_ERROR_INVALID_RESULT: no JSON, not the shape of a CallToolResult, or,
 * unless it is an error itself, not what `schema` (or NULL) promises. *is_error:
 * its isError. */
gboolean collet_tool_result_check (const ColletJson *json, const ColletJsonSchema *schema, gboolean *is_error,
                                   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The outputSchema of what answered. After a reload that may be newer than the
 * list that the call was looked up in: *newer (unref) keeps it. What cannot be
 * found is not checked (NULL), since the schema of another version may not fail a
 * good answer. */
const ColletJsonSchema *
collet_tool_result_find_schema (const ColletToolEntry *entry, const ColletVersion *answered,
                                ColletToolDirectory *directory, ColletToolList **newer);

/* Parses the module's answer and checks it by that schema. The text is borrowed. */
ColletJson *collet_tool_result_parse (const ColletToolEntry *entry, const ColletCallResult *result,
                                      ColletToolDirectory *directory, gboolean *is_error,
                                      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Appends the members of the result object but `resultType` and `_meta`, which
 * are ours to say, without braces. */
void collet_tool_result_append_members (GString *out, const ColletJson *json);

/* "org.collet/version":...,"org.collet/sha256":...,"org.collet/generation":...
 * and, if it was signed, "org.collet/signer":..., of what answered; nothing if that
 * is not known. */
void collet_tool_result_append_answered (GString *out, const ColletCallResult *result);

/* The module's own `_meta` members, each with a comma before it; nothing if
 * there are none. Names of our own prefixes are left out. */
void collet_tool_result_append_meta (GString *out, const ColletJson *json);

G_END_DECLS
