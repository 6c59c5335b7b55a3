/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-mcp-error.h: codes and error objects.
 *
 * A call that did not complete (WorkerCrashed, CallTimeout, Overloaded,
 * InvalidResult, ...) is a JSON-RPC error -32603 with data {"reason": name}, in
 * both eras, HTTP 200: clients raise it as an exception with its message, and a
 * program can tell the cases apart; "retryAfterMs" beside it says when to call
 * again, where that helps (Overloaded, ModuleDrained, ShuttingDown). Wrong arguments are a result with
 * isError: the model that wrote them reads the sentence and can mend them.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define COLLET_MCP_PARSE_ERROR (-32700)
#define COLLET_MCP_INVALID_REQUEST (-32600)
#define COLLET_MCP_METHOD_NOT_FOUND (-32601)
#define COLLET_MCP_INVALID_PARAMS (-32602)
#define COLLET_MCP_INTERNAL_ERROR (-32603)
/* legacy only */
#define COLLET_MCP_BAD_REQUEST (-32000)
#define COLLET_MCP_NO_SESSION (-32001)
/* modern only */
#define COLLET_MCP_HEADER_MISMATCH (-32020)
#define COLLET_MCP_MISSING_CAPABILITY (-32021)
#define COLLET_MCP_UNSUPPORTED_VERSION (-32022)

/* {"jsonrpc":"2.0","id":<id>,"error":{"code":..,"message":..,"data":<data>}}.
 * `data`: JSON or NULL. */
GString *
collet_mcp_error_new (const char *id, gsize id_size, int code, const char *message, const char *data);
/* Of a call: -32603 with the reason's name. */
GString *collet_mcp_error_new_for (const char *id, gsize id_size, const char *trace, const GError *error);

G_END_DECLS
