/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-mcp-server-private.h"

#include "collet-error.h"

#include <string.h>

void
collet_mcp_turn_init (ColletMcpTurn *turn, ColletMcpServer *server, ColletExchange *exchange)
{
  static const ColletMcpToken nothing = { .name = "", .sha256 = "" };

  *turn = (ColletMcpTurn){ .server = server,
                           .settings = collet_mcp_server_get_settings (server),
                           .reply.exchange = exchange,
                           .request = { .id = "null", .id_size = 4 } };
  /* The head passed; a token that was withdrawn since may do nothing. */
  if (!collet_mcp_exchange_find_token (exchange, turn->settings->access, &turn->token))
    turn->token = &nothing;
}

gboolean
collet_mcp_exchange_find_token (ColletExchange *exchange, const ColletMcpAccess *access,
                                const ColletMcpToken **token)
{
  *token = NULL;
  /* Who reached the unix socket was looked at there. */
  return exchange->class_->get_peer_uid (exchange) >= 0 ||
         collet_mcp_access_find (access, exchange->class_->get_header (exchange, "Authorization"), token);
}

void
collet_mcp_exchange_describe_client (ColletExchange *exchange, const ColletMcpToken *token, char *text,
                                     gsize size)
{
  gint64 uid = exchange->class_->get_peer_uid (exchange);

  if (token)
    g_snprintf (text, size, "token %s", token->name);
  else if (uid >= 0)
    g_snprintf (text, size, "user %" G_GINT64_FORMAT, uid);
  else
    g_strlcpy (text, exchange->class_->get_peer_address (exchange), size);
}

static gboolean
refuse (const ColletMcpTurn *turn, const char *what)
{
  g_autofree char *message =
      g_strdup_printf ("The token \"%s\" does not let you %s. Have its scope widened, or use another.",
                       turn->token->name, what);

  collet_mcp_turn_fail (turn, 403, COLLET_MCP_INTERNAL_ERROR, message, "{\"reason\":\"NotAuthorized\"}");
  return FALSE;
}

gboolean
collet_mcp_turn_check_scope (const ColletMcpTurn *turn)
{
  const ColletMcpRequest *request = &turn->request;
  g_autofree char *tool = NULL;

  if (!turn->token)
    return TRUE;
  if (collet_mcp_request_is (request, "tools/list") ||
      collet_mcp_request_is (request, "subscriptions/listen"))
    return collet_mcp_token_may (turn->token, COLLET_MCP_MAY_LIST) || refuse (turn, "list tools");
  if (!collet_mcp_request_is (request, "tools/call"))
    return TRUE;
  if (!collet_mcp_token_may (turn->token, COLLET_MCP_MAY_CALL))
    return refuse (turn, "call tools");
  if (!turn->token->tools)
    return TRUE;
  tool = collet_json_dup_string (request->json, collet_mcp_request_param (request, "name"));
  return collet_mcp_token_may_use (turn->token, tool ? tool : "") || refuse (turn, "call this tool");
}
