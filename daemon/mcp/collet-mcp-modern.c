/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-mcp-server-private.h"

#include "collet-mcp-headers.h"

#include <string.h>

#define MODERN_VERSION "2026-07-28"
#define META_VERSION "io.modelcontextprotocol/protocolVersion"
#define META_CAPABILITIES "io.modelcontextprotocol/clientCapabilities"

static ColletJsonNode
get_meta (const ColletMcpRequest *request, const char *name)
{
  return request->meta ? collet_json_member (request->json, request->meta, name) : 0;
}

static const char *
header_of (ColletExchange *exchange, const char *name)
{
  return exchange->class_->get_header (exchange, name);
}

gboolean
collet_mcp_modern_claims (const ColletMcpRequest *request, ColletExchange *exchange)
{
  const char *version;

  if (get_meta (request, META_VERSION) != 0)
    return TRUE;
  /* Without a claim it is legacy, unless a header says that the claim was
   * forgotten. An initialize is legacy whatever the header says. */
  version = header_of (exchange, "MCP-Protocol-Version");
  return version && strcmp (version, MODERN_VERSION) == 0 && !collet_mcp_request_is (request, "initialize");
}

static gboolean
fail_header (const ColletMcpTurn *turn, const char *message)
{
  collet_mcp_turn_fail (turn, 400, COLLET_MCP_HEADER_MISMATCH, message, NULL);
  return FALSE;
}

static gboolean
fail_meta (const ColletMcpTurn *turn, const char *name, const char *what)
{
  g_autofree char *message = g_strdup_printf ("params._meta[\"%s\"] %s.", name, what);

  collet_mcp_turn_fail (turn, 400, COLLET_MCP_INVALID_PARAMS, message, NULL);
  return FALSE;
}

static gboolean
check_version (const ColletMcpTurn *turn, const char *header)
{
  const ColletMcpRequest *request = &turn->request;
  ColletJsonNode node = get_meta (request, META_VERSION);
  g_autofree char *claimed = node ? collet_json_dup_string (request->json, node) : NULL;
  g_autoptr (GString) data = NULL;

  if (!claimed)
    return fail_meta (turn, META_VERSION, node ? "must be a string" : "is missing");
  if (header && strcmp (header, claimed) != 0)
    return fail_header (turn, "The header MCP-Protocol-Version and params._meta name different versions.");
  if (strcmp (claimed, MODERN_VERSION) == 0)
    return TRUE;
  data = g_string_new ("{\"supported\":[\"" MODERN_VERSION "\"],\"requested\":");
  collet_json_append_string (data, claimed, -1);
  g_string_append_c (data, '}');
  collet_mcp_turn_fail (turn, 400, COLLET_MCP_UNSUPPORTED_VERSION,
                        "This version of the protocol is not supported here. Use " MODERN_VERSION
                        ", or initialize for a version before it.",
                        data->str);
  return FALSE;
}

/* Headers repeat the body for those on the way, and nobody is on the way to a unix
 * socket: there they may be left out, but must not contradict. */
static gboolean
is_local (const ColletMcpTurn *turn)
{
  return turn->reply.exchange->class_->get_peer_uid (turn->reply.exchange) >= 0;
}

static gboolean
check_name (const ColletMcpTurn *turn)
{
  ColletJsonNode node = collet_mcp_request_param (&turn->request, "name");
  const char *header = collet_mcp_turn_get_header (turn, "Mcp-Name");
  g_autofree char *decoded = header ? collet_mcp_header_decode (header) : NULL;

  if (!header)
    return node == 0 || is_local (turn) || fail_header (turn, "The header Mcp-Name is missing.");
  if (!decoded)
    return fail_header (turn, "The header Mcp-Name is not encoded as it should be.");
  if (node != 0 && collet_json_string_is (turn->request.json, node, decoded))
    return TRUE;
  return fail_header (turn, "The header Mcp-Name and params.name disagree.");
}

/* Whether a request is a proper modern one; FALSE: answered. The first that is
 * wrong is reported: version, envelope, headers. */
static gboolean
check (const ColletMcpTurn *turn)
{
  const ColletMcpRequest *request = &turn->request;
  const char *version = collet_mcp_turn_get_header (turn, "MCP-Protocol-Version");
  const char *method = collet_mcp_turn_get_header (turn, "Mcp-Method");
  g_autofree char *decoded = method ? collet_mcp_header_decode (method) : NULL;
  ColletJsonNode capabilities = get_meta (request, META_CAPABILITIES);

  if (!check_version (turn, version))
    return FALSE;
  if (method && (!decoded || !collet_mcp_request_is (request, decoded)))
    return fail_header (turn, "The header Mcp-Method and the method of the body disagree.");
  if (capabilities == 0 || collet_json_get_type (request->json, capabilities) != COLLET_JSON_OBJECT)
    return fail_meta (turn, META_CAPABILITIES, capabilities ? "must be an object" : "is missing");
  if (!version && !is_local (turn))
    return fail_header (turn, "The header MCP-Protocol-Version is missing.");
  if (!method && !is_local (turn))
    return fail_header (turn, "The header Mcp-Method is missing.");
  return !collet_mcp_request_is (request, "tools/call") || check_name (turn);
}

static void
discover (ColletMcpTurn *turn)
{
  const ColletMcpServer *server = turn->server;
  GString *result = g_string_new ("{\"supportedVersions\":[\"" MODERN_VERSION
                                  "\"],\"capabilities\":{\"tools\":{\"listChanged\":true},\"logging\":{}}");

  if (server->instructions)
    {
      g_string_append (result, ",\"instructions\":");
      collet_json_append_string (result, server->instructions, -1);
    }
  g_string_append_printf (result, ",\"ttlMs\":%u,\"cacheScope\":\"%s\"", turn->settings->limits.list_ttl_ms,
                          collet_mcp_access_is_open (turn->settings->access) ? "public" : "private");
  collet_mcp_turn_answer (turn, result);
}

static const char *
look_up (gpointer turn, const char *name)
{
  return collet_mcp_turn_get_header (turn, name);
}

gboolean
collet_mcp_modern_check_arguments (const ColletMcpTurn *turn, const ColletToolEntry *entry)
{
  ColletJsonNode arguments = collet_mcp_request_param (&turn->request, "arguments");
  g_autofree char *message = NULL;

  return is_local (turn) ||
         collet_mcp_headers_match_arguments (entry->json, entry->json_size, turn->request.json, arguments,
                                             look_up, (gpointer)turn, &message) ||
         fail_header (turn, message);
}

/* The stream's first frame tells what of the wish is granted. */
static void
listen_for (ColletMcpTurn *turn)
{
  const ColletMcpRequest *request = &turn->request;
  ColletExchange *exchange = turn->reply.exchange;
  ColletJsonNode filter = collet_mcp_request_param (request, "notifications");
  ColletJsonNode tools = filter ? collet_json_member (request->json, filter, "toolsListChanged") : 0;
  gboolean wants_tools = tools != 0 && collet_json_get_type (request->json, tools) == COLLET_JSON_TRUE;
  g_autoptr (GString) first = NULL;
  g_autoptr (GString) last = NULL;
  g_autofree char *meta = NULL;

  if (filter == 0 || collet_json_get_type (request->json, filter) != COLLET_JSON_OBJECT)
    {
      collet_mcp_turn_fail (turn, 200, COLLET_MCP_INVALID_PARAMS,
                            "params.notifications must be an object, such as {\"toolsListChanged\":true}.",
                            NULL);
      return;
    }
  first = g_string_new (
      "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\",\"params\":{"
      "\"notifications\":{");
  g_string_append (first, wants_tools ? "\"toolsListChanged\":true" : "");
  g_string_append_printf (first, "},\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":%.*s}}}",
                          (int)request->id_size, request->id);
  meta = g_strdup_printf ("\"io.modelcontextprotocol/subscriptionId\":%.*s,", (int)request->id_size,
                          request->id);
  last = collet_tool_result_new (turn->server, request, g_string_new ("{"), meta);

  collet_mcp_reply_start_stream (&turn->reply);
  collet_mcp_exchange_send_event (exchange, first->str, first->len);
  collet_mcp_streams_add_modern (turn->server->streams, exchange, request->id, request->id_size, wants_tools,
                                 collet_mcp_server_get_mark (turn->server), last);
}

typedef struct
{
  const char *name;
  void (*handle) (ColletMcpTurn *turn);
} Method;

static const Method methods[] = {
  { "tools/call", collet_mcp_call_start },
  { "tools/list", collet_mcp_list_tools },
  { "server/discover", discover },
  { "subscriptions/listen", listen_for },
};

void
collet_mcp_modern_handle (ColletMcpTurn *turn)
{
  turn->is_modern = TRUE;
  if (turn->request.kind != COLLET_MCP_REQUEST)
    {
      collet_mcp_reply_nothing (&turn->reply, 202);
      return;
    }
  if (!check (turn) || !collet_mcp_turn_check_scope (turn))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    if (collet_mcp_request_is (&turn->request, methods[i].name))
      {
        methods[i].handle (turn);
        return;
      }
  collet_mcp_turn_fail (turn, 404, COLLET_MCP_METHOD_NOT_FOUND, "This server does not offer that method.",
                        NULL);
}
