/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-mcp-result.h: what a module answered, checked before a client sees it.
 * Pure.
 */
#pragma once

#include "collet-json-schema.h"

G_BEGIN_DECLS

/* COLLET_ERROR_INVALID_RESULT: no JSON, not the shape of a CallToolResult, or,
 * unless it is an error itself, not what `schema` (or NULL) promises. *is_error:
 * its isError. */
gboolean collet_mcp_result_check (const ColletJson *json, const ColletJsonSchema *schema, gboolean *is_error,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Appends the members of the result object but `resultType` and `_meta`, which
 * are ours to say, without braces. */
void collet_mcp_result_append_members (GString *out, const ColletJson *json);

/* The module's own `_meta` members, each with a comma before it; nothing if
 * there are none. Names of our own prefixes are left out. */
void collet_mcp_result_append_meta (GString *out, const ColletJson *json);

G_END_DECLS
