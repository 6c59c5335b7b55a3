/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-mcp-request.h: the envelope of one JSON-RPC message, as slices of the
 * body. Pure.
 */
#pragma once

#include "collet-json.h"

G_BEGIN_DECLS

typedef enum
{
  COLLET_MCP_REQUEST,
  COLLET_MCP_NOTIFICATION,
  COLLET_MCP_RESPONSE, /* of the client, to a request of ours */
} ColletMcpKind;

typedef struct
{
  const ColletJson *json; /* borrowed */
  ColletJsonNode root;    /* the message */
  ColletJsonNode method;
  ColletJsonNode params; /* an object, or 0 */
  ColletJsonNode meta;   /* params._meta, an object, or 0 */
  ColletMcpKind kind;
  const char *id; /* as it stands in the text; "null" if there is none */
  gsize id_size;
} ColletMcpRequest;

/* FALSE: it is no JSON-RPC 2.0 message; *reason (static) says why. `request->id`
 * is set all the same, to what an error can be addressed to. */
gboolean collet_mcp_request_read (ColletMcpRequest *request, const ColletJson *json, ColletJsonNode node,
                                  const char **reason);

gboolean collet_mcp_request_is (const ColletMcpRequest *request, const char *method);
ColletJsonNode collet_mcp_request_param (const ColletMcpRequest *request, const char *name);

/* What a progress token, an id or the like looks like: string or whole number. */
gboolean collet_mcp_is_token (const ColletJson *json, ColletJsonNode node);

G_END_DECLS
