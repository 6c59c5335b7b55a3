/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-mcp-headers.h: the headers in which a modern request repeats what its
 * body says, for those on the way. They must agree.
 */
#pragma once

#include "collet-json.h"

G_BEGIN_DECLS

/* The value of a header: trimmed, and decoded if it is =?base64?...?=. NULL: the
 * encoding is broken. */
char *collet_mcp_header_decode (const char *value);

typedef const char *(*ColletMcpHeaderLookup) (gpointer user_data, const char *name);

/* Mcp-Param-* for each property of the inputSchema that is marked with
 * x-mcp-header, at any depth of properties. `tool`: the Tool object's text.
 * FALSE: *message (owned) says which header is missing or disagrees. */
gboolean collet_mcp_headers_match_arguments (const char *tool, gsize tool_size, const ColletJson *json,
                                             ColletJsonNode arguments, ColletMcpHeaderLookup lookup,
                                             gpointer user_data, char **message);

G_END_DECLS
