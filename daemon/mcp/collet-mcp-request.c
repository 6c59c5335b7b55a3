/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-mcp-request.h"

gboolean
collet_mcp_is_token (const ColletJson *json, ColletJsonNode node)
{
  gint64 number;

  return node != 0 && (collet_json_get_type (json, node) == COLLET_JSON_STRING ||
                       collet_json_get_int64 (json, node, &number));
}

static gboolean
is_object (const ColletJson *json, ColletJsonNode node)
{
  return collet_json_get_type (json, node) == COLLET_JSON_OBJECT;
}

static gboolean
read_params (ColletMcpRequest *request, const ColletJson *json, ColletJsonNode node, const char **reason)
{
  ColletJsonNode params = collet_json_member (json, node, "params");
  ColletJsonNode meta;

  if (params == 0)
    return TRUE;
  if (!is_object (json, params))
    {
      *reason = "params must be an object.";
      return FALSE;
    }
  request->params = params;
  meta = collet_json_member (json, params, "_meta");
  if (meta != 0 && !is_object (json, meta))
    {
      *reason = "params._meta must be an object.";
      return FALSE;
    }
  request->meta = meta;
  return TRUE;
}

gboolean
collet_mcp_request_read (ColletMcpRequest *request, const ColletJson *json, ColletJsonNode node,
                         const char **reason)
{
  ColletJsonNode id;

  *request = (ColletMcpRequest){ .json = json, .root = node, .id = "null", .id_size = 4 };
  if (!is_object (json, node))
    {
      *reason = "A JSON-RPC message must be an object.";
      return FALSE;
    }
  id = collet_json_member (json, node, "id");
  if (collet_mcp_is_token (json, id))
    request->id = collet_json_get_raw (json, id, &request->id_size);
  if (!collet_json_string_is (json, collet_json_member (json, node, "jsonrpc"), "2.0"))
    {
      *reason = "The member \"jsonrpc\" must be \"2.0\".";
      return FALSE;
    }
  if (id != 0 && !collet_mcp_is_token (json, id))
    {
      *reason = "The id must be a string or a whole number.";
      return FALSE;
    }
  request->method = collet_json_member (json, node, "method");
  if (request->method == 0)
    {
      request->kind = COLLET_MCP_RESPONSE;
      if (collet_json_member (json, node, "result") != 0 || collet_json_member (json, node, "error") != 0)
        return TRUE;
      *reason = "The member \"method\" is missing.";
      return FALSE;
    }
  if (collet_json_get_type (json, request->method) != COLLET_JSON_STRING)
    {
      *reason = "The member \"method\" must be a string.";
      return FALSE;
    }
  request->kind = id != 0 ? COLLET_MCP_REQUEST : COLLET_MCP_NOTIFICATION;
  return read_params (request, json, node, reason);
}

gboolean
collet_mcp_request_is (const ColletMcpRequest *request, const char *method)
{
  return collet_json_string_is (request->json, request->method, method);
}

ColletJsonNode
collet_mcp_request_param (const ColletMcpRequest *request, const char *name)
{
  return request->params ? collet_json_member (request->json, request->params, name) : 0;
}
