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

/* Parses the module's answer to `call` and checks it by the outputSchema of what ran
 * it, which is what its arguments were checked by. The text is borrowed. */
ColletJson *collet_tool_result_parse (const ColletCall *call, const ColletCallResult *result,
                                      gboolean *is_error, GError **error) G_GNUC_WARN_UNUSED_RESULT;

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
