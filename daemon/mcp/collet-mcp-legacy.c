/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-mcp-server-private.h"

#include "collet-call-input.h"
#include "collet-error.h"

#include <string.h>

#define MAX_BATCH 100
#define MAX_CLIENT 256 /* bytes of "name/version" that are kept */

static void
ping (ColletMcpTurn *turn)
{
  collet_mcp_turn_answer (turn, g_string_new ("{"));
}

static void
set_level (ColletMcpTurn *turn)
{
  int level =
      collet_mcp_level_from_json (turn->request.json, collet_mcp_request_param (&turn->request, "level"));

  if (level < 0)
    {
      collet_mcp_turn_fail (
          turn, 200, COLLET_MCP_INVALID_PARAMS,
          "params.level must be debug, info, notice, warning, error, critical, alert or emergency.", NULL);
      return;
    }
  collet_mcp_session_set_log_level (turn->session, level);
  collet_mcp_turn_answer (turn, g_string_new ("{"));
}

typedef struct
{
  const char *name;
  void (*handle) (ColletMcpTurn *turn);
} Method;

static const Method methods[] = {
  { "tools/call", collet_mcp_call_start },
  { "tools/list", collet_mcp_list_tools },
  { "ping", ping },
  { "logging/setLevel", set_level },
};

static void
take_notification (const ColletMcpTurn *turn)
{
  const ColletMcpRequest *request = &turn->request;
  ColletJsonNode id;
  const char *raw;
  gsize size;

  if (!collet_mcp_request_is (request, "notifications/cancelled"))
    return;
  id = collet_mcp_request_param (request, "requestId");
  if (!collet_mcp_is_token (request->json, id))
    return;
  raw = collet_json_get_raw (request->json, id, &size);
  collet_mcp_call_cancel (turn->session, raw, size);
}

/* A message of a session that is known. */
static void
handle (ColletMcpTurn *turn)
{
  if (turn->request.kind != COLLET_MCP_REQUEST)
    {
      if (turn->request.kind == COLLET_MCP_NOTIFICATION)
        take_notification (turn);
      else
        collet_mcp_ask_take_answer (turn);
      collet_mcp_reply_nothing (&turn->reply, 202);
      return;
    }
  if (!collet_mcp_turn_check_scope (turn))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    if (collet_mcp_request_is (&turn->request, methods[i].name))
      {
        methods[i].handle (turn);
        return;
      }
  collet_mcp_turn_fail (turn, 200, COLLET_MCP_METHOD_NOT_FOUND, "This server does not offer that method.",
                        NULL);
}

static char *
read_client (const ColletMcpRequest *request)
{
  ColletJsonNode info = collet_mcp_request_param (request, "clientInfo");
  g_autofree char *name =
      collet_json_dup_string (request->json, info ? collet_json_member (request->json, info, "name") : 0);
  g_autofree char *version =
      collet_json_dup_string (request->json, info ? collet_json_member (request->json, info, "version") : 0);
  g_autofree char *client = g_strdup_printf ("%s/%s", name ? name : "", version ? version : "");

  if (!name)
    return g_strdup ("");
  if (strlen (client) > MAX_CLIENT)
    client[MAX_CLIENT] = '\0';
  return g_utf8_make_valid (client, -1);
}

static void
initialize (ColletMcpTurn *turn)
{
  ColletMcpServer *server = turn->server;
  const ColletMcpRequest *request = &turn->request;
  ColletJsonNode version = collet_mcp_request_param (request, "protocolVersion");
  g_autofree char *wanted = version ? collet_json_dup_string (request->json, version) : NULL;
  g_autofree char *client = read_client (request);
  g_autoptr (ColletMcpSession) session = NULL;
  ColletMcpRevision revision = COLLET_MCP_LATEST;
  guint questions;
  GString *result;

  if (!wanted)
    {
      collet_mcp_turn_fail (turn, 200, COLLET_MCP_INVALID_PARAMS, "params.protocolVersion must be a string.",
                            NULL);
      return;
    }
  if (!collet_mcp_revision_from_name (wanted, &revision))
    revision = COLLET_MCP_LATEST;
  questions =
      collet_questions_from_capabilities (request->json, collet_mcp_request_param (request, "capabilities"));
  session = collet_mcp_sessions_add (server->sessions, revision, client, questions,
                                     collet_mcp_server_get_mark (server));
  if (!session)
    {
      collet_mcp_turn_fail (turn, 503, COLLET_MCP_BAD_REQUEST,
                            "There are as many sessions as this server allows. Try again later.",
                            "{\"reason\":\"Overloaded\"}");
      return;
    }
  result = g_string_new ("{\"protocolVersion\":\"");
  g_string_append_printf (
      result, "%s\",\"capabilities\":{\"tools\":{\"listChanged\":true},\"logging\":{}},\"serverInfo\":",
      collet_mcp_revision_name (revision));
  collet_mcp_append_server_info (result, server);
  if (server->instructions)
    {
      g_string_append (result, ",\"instructions\":");
      collet_json_append_string (result, server->instructions, -1);
    }
  result = collet_tool_result_new (server, request, result, NULL);
  collet_mcp_reply_json_with_session (&turn->reply, result, collet_mcp_session_get_id (session));
}

/* The session that the headers name. NULL: answered. */
static ColletMcpSession *
find_session (const ColletMcpTurn *turn)
{
  const char *id = collet_mcp_turn_get_header (turn, "Mcp-Session-Id");
  const char *version = collet_mcp_turn_get_header (turn, "MCP-Protocol-Version");
  guint per_second = turn->settings->limits.max_requests_per_second;
  g_autoptr (ColletMcpSession) session = id ? collet_mcp_sessions_find (turn->server->sessions, id) : NULL;
  ColletMcpRevision revision;

  if (!id)
    collet_mcp_turn_fail (turn, 400, COLLET_MCP_BAD_REQUEST,
                          "The header Mcp-Session-Id is missing. Send initialize first.", NULL);
  else if (!session)
    collet_mcp_turn_fail (turn, 404, COLLET_MCP_NO_SESSION,
                          "This session is not known, or it has ended. Send initialize for a new one.", NULL);
  else if (version && !collet_mcp_revision_from_name (version, &revision))
    collet_mcp_turn_fail (
        turn, 400, COLLET_MCP_BAD_REQUEST,
        "The header MCP-Protocol-Version names a version that is not supported. Send the one "
        "that initialize agreed on.",
        NULL);
  else if (per_second > 0 && !collet_mcp_session_take_turn (session, per_second))
    collet_mcp_turn_fail (turn, 429, COLLET_MCP_BAD_REQUEST, "Too many requests in a second. Send fewer.",
                          "{\"reason\":\"Overloaded\"}");
  else
    return g_steal_pointer (&session);
  return NULL;
}

void
collet_mcp_legacy_handle (ColletMcpTurn *turn)
{
  g_autoptr (ColletMcpSession) session = NULL;

  if (turn->request.kind == COLLET_MCP_REQUEST && collet_mcp_request_is (&turn->request, "initialize"))
    {
      initialize (turn);
      return;
    }
  session = find_session (turn);
  if (!session)
    return;
  turn->session = session;
  handle (turn);
}

/* Batches: revision 2025-03-26 alone. */

static void
handle_element (ColletMcpTurn *turn, const ColletJson *json, ColletJsonNode node)
{
  const char *reason = NULL;

  if (!collet_mcp_request_read (&turn->request, json, node, &reason))
    collet_mcp_turn_fail (turn, 400, COLLET_MCP_INVALID_REQUEST, reason, NULL);
  else if (turn->request.kind == COLLET_MCP_REQUEST && collet_mcp_request_is (&turn->request, "initialize"))
    collet_mcp_turn_fail (turn, 400, COLLET_MCP_INVALID_REQUEST, "initialize cannot be part of a batch.",
                          NULL);
  else
    handle (turn);
}

void
collet_mcp_legacy_handle_batch (ColletMcpServer *server, ColletExchange *exchange, const ColletJson *json)
{
  ColletMcpTurn turn;
  guint length = collet_json_get_length (json, 0);
  g_autoptr (ColletMcpSession) session = NULL;
  ColletMcpRevision revision = COLLET_MCP_LATEST;
  const char *version;
  gboolean is_claimed_legacy;

  collet_mcp_turn_init (&turn, server, exchange);
  version = collet_mcp_turn_get_header (&turn, "MCP-Protocol-Version");
  is_claimed_legacy = !version || collet_mcp_revision_from_name (version, &revision);
  if (!is_claimed_legacy || length == 0 || length > MAX_BATCH)
    {
      collet_mcp_turn_fail (
          &turn, 400, COLLET_MCP_INVALID_REQUEST,
          "A batch is accepted in protocol version 2025-03-26 alone, with 1 to 100 messages.", NULL);
      return;
    }
  session = find_session (&turn);
  if (!session)
    return;
  if (collet_mcp_session_get_revision (session) != COLLET_MCP_2025_03_26)
    {
      collet_mcp_turn_fail (&turn, 400, COLLET_MCP_INVALID_REQUEST,
                            "The version of the protocol that this session agreed on has no batches.", NULL);
      return;
    }
  turn.session = session;
  turn.reply.batch = collet_mcp_batch_new (exchange, length);
  for (ColletJsonNode node = collet_json_first (json, 0); node; node = collet_json_next (json, node))
    {
      handle_element (&turn, json, node);
      turn.reply.slot++;
    }
}

/* GET and DELETE. */

void
collet_mcp_legacy_get (ColletMcpServer *server, ColletExchange *exchange)
{
  static const char changed[] = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}";
  static const char hello[] = ": open\n\n";
  ColletMcpTurn turn;
  g_autoptr (ColletMcpSession) session = NULL;
  const char *accept, *last_event_id;

  collet_mcp_turn_init (&turn, server, exchange);
  accept = collet_mcp_turn_get_header (&turn, "Accept");
  if (!collet_mcp_token_may (turn.token, COLLET_MCP_MAY_LIST))
    {
      collet_mcp_turn_fail (&turn, 403, COLLET_MCP_BAD_REQUEST,
                            "This token does not let you list tools, so there is no news for it.",
                            "{\"reason\":\"NotAuthorized\"}");
      return;
    }
  if (!accept ||
      (!strstr (accept, "text/event-stream") && !strstr (accept, "*/*") && !strstr (accept, "text/*")))
    {
      collet_mcp_turn_fail (&turn, 406, COLLET_MCP_BAD_REQUEST, "Accept must list text/event-stream.", NULL);
      return;
    }
  session = find_session (&turn);
  if (!session)
    return;
  last_event_id = collet_mcp_turn_get_header (&turn, "Last-Event-ID");
  if (last_event_id && collet_mcp_replays_resume (server->replays, collet_mcp_session_get_id (session),
                                                  last_event_id, exchange))
    return;
  collet_mcp_reply_start_stream (&turn.reply);
  exchange->class_->send (exchange, hello, strlen (hello));
  collet_mcp_streams_add_legacy (server->streams, exchange, session);
  /* After it was added: a change is told here or by the streams, never by none. */
  if (collet_mcp_session_set_seen (session, collet_mcp_server_get_mark (server)))
    collet_mcp_exchange_send_event (exchange, changed, strlen (changed));
}

void
collet_mcp_legacy_end_session (ColletMcpServer *server, ColletMcpSession *session)
{
  ColletExchange *stream;

  collet_mcp_sessions_end (server->sessions, session);
  collet_mcp_call_cancel (session, NULL, 0);
  stream = collet_mcp_session_set_stream (session, NULL);
  if (!stream)
    return;
  stream->class_->end (stream);
  ((ColletMcpTie *)stream->handler_data)->closed (stream->handler_data);
  stream->class_->unref (stream);
}

void
collet_mcp_legacy_delete (ColletMcpServer *server, ColletExchange *exchange)
{
  ColletMcpTurn turn;
  g_autoptr (ColletMcpSession) session = NULL;

  collet_mcp_turn_init (&turn, server, exchange);
  session = find_session (&turn);
  if (!session)
    return;
  collet_mcp_legacy_end_session (server, session);
  collet_mcp_reply_nothing (&turn.reply, 200);
}
