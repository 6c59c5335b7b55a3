/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-tool-call.h: what stands on both sides of a call, whoever asks: the
 * arguments before it, the module's answer after it.
 */
#pragma once

#include "collet-tool-list.h"

G_BEGIN_DECLS

/* The node must be an object that fits the tool's inputSchema; node 0 of a NULL
 * `json` stands for {}. InvalidArguments. */
gboolean collet_tool_call_check_arguments (const ColletToolEntry *entry, const ColletJson *json,
                                           ColletJsonNode node, GError **error);

/* The module's answer: strict JSON of the shape of MCP's CallToolResult, its
 * structuredContent fitting the outputSchema. *is_error: what isError says.
 * InvalidResult. */
gboolean collet_tool_call_check_result (const ColletToolEntry *entry, const char *text, gsize size,
                                        gboolean *is_error, GError **error);

/* Appends the checked answer with what answered: {...,"_meta":{
 * "org.collet/generation":3,"org.collet/module":...,"org.collet/sha256":...,
 * "org.collet/version":...}}; `more` (JSON members, or NULL) goes into _meta as
 * well, `members` (likewise) beside it. */
void collet_tool_call_append_result (GString *out, const ColletToolEntry *entry,
                                     const ColletCallResult *result, const char *more, const char *members);

G_END_DECLS
