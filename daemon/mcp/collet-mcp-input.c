/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-mcp-input.c: tools that ask modern clients. The questions are the call's
 * result; the client calls again with inputResponses, and with a requestState that
 * holds what the tool wants to remember. No server needs to know that it asked. */
#include "collet-mcp-call-private.h"

#include "collet-error.h"

#include <string.h>

/* Who asks for what, as one line: a requestState is good for nothing else. */
static char *
make_purpose (ColletMcpTurn *turn, const ColletMcpCall *call)
{
  ColletExchange *exchange = turn->reply.exchange;
  const char *authorization = exchange->class_->get_header (exchange, "Authorization");
  gint64 uid = exchange->class_->get_peer_uid (exchange);
  ColletJsonNode node = collet_mcp_request_param (&turn->request, "arguments");
  g_autoptr (GString) arguments = g_string_new (NULL);
  g_autofree char *principal = NULL;
  g_autofree char *digest = NULL;

  if (node != 0)
    collet_json_append_canonical (arguments, turn->request.json, node);
  digest = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *)arguments->str, arguments->len);
  principal = g_compute_checksum_for_string (G_CHECKSUM_SHA256, authorization ? authorization : "", -1);
  return g_strdup_printf ("tools/call %s %s %s %" G_GINT64_FORMAT, call->entry->name, digest, principal, uid);
}

static gboolean
refuse (ColletMcpTurn *turn, const char *message)
{
  collet_mcp_turn_fail (turn, 200, COLLET_MCP_INVALID_PARAMS, message, NULL);
  return FALSE;
}

static gboolean
read_state (ColletMcpTurn *turn, ColletMcpCall *call, ColletJsonNode node)
{
  g_autofree char *text = collet_json_dup_string (turn->request.json, node);

  if (!text)
    return refuse (turn, "params.requestState must be a string.");
  if (!collet_mcp_unseal (call->server->seal_key, call->purpose, text, &call->sealed))
    return refuse (turn, "params.requestState was not made by this server for this call, or it was changed. "
                         "Call again without it.");
  if (call->sealed.expires_us < g_get_real_time ())
    return refuse (turn, "params.requestState is too old. Call again without it.");
  call->input.asked_by = call->sealed.asked_by;
  call->input.state = (const char *)call->sealed.state;
  call->input.state_size = call->sealed.state_size;
  return TRUE;
}

gboolean
collet_mcp_input_read (ColletMcpTurn *turn, ColletMcpCall *call)
{
  const ColletMcpRequest *request = &turn->request;
  ColletJsonNode capabilities =
      collet_json_member (request->json, request->meta, "io.modelcontextprotocol/clientCapabilities");
  ColletJsonNode replies = collet_mcp_request_param (request, "inputResponses");
  ColletJsonNode state = collet_mcp_request_param (request, "requestState");
  const char *reason = NULL;

  call->input.questions = collet_questions_from_capabilities (request->json, capabilities);
  /* Most clients cannot be asked anything: then nothing will need it. */
  if (call->input.questions == 0 && replies == 0 && state == 0)
    return TRUE;
  call->purpose = make_purpose (turn, call);
  if (replies != 0 && !collet_replies_check (request->json, replies, &reason))
    return refuse (turn, reason);
  if (replies != 0)
    call->input.replies = collet_json_get_raw (request->json, replies, &call->input.replies_size);
  return state == 0 || read_state (turn, call, state);
}

static void
answer_missing (ColletMcpCall *call, const ColletCallResult *result, guint missing)
{
  g_autoptr (GString) data = g_string_new ("{\"requiredCapabilities\":");

  collet_questions_append_capabilities (data, missing);
  g_string_append_c (data, '}');
  collet_mcp_call_finish (call, result, collet_error_name (COLLET_ERROR_NOT_SUPPORTED), 400,
                          collet_mcp_error_new (call->id, call->id_size, COLLET_MCP_MISSING_CAPABILITY,
                                                "This tool asks for what the client did not say it can do.",
                                                data->str));
}

static void
answer_questions (ColletMcpCall *call, const ColletCallResult *result, const ColletJson *json)
{
  GString *text = collet_mcp_call_begin_answer (call, result->json_size);
  g_auto (ColletMcpSealed)
      sealed = { .expires_us = g_get_real_time () +
                               collet_mcp_server_get_settings (call->server)->limits.input_timeout_ms *
                                   G_GINT64_CONSTANT (1000) };
  g_autofree char *state = NULL;
  gsize size;
  const char *raw = collet_json_get_raw (json, collet_questions_get_requests (json), &size);

  sealed.state = collet_questions_dup_state (json, &sealed.state_size);
  g_strlcpy (sealed.asked_by, result->version->sha256, sizeof sealed.asked_by);
  state = collet_mcp_seal (call->server->seal_key, call->purpose, &sealed);
  g_string_append (text, "\"inputRequests\":");
  g_string_append_len (text, raw, (gssize)size);
  if (state)
    g_string_append_printf (text, ",\"requestState\":\"%s\"", state);
  collet_mcp_call_end_answer (call, text, result, NULL, "input_required");
  collet_mcp_call_finish (call, result, "ok", 200, text);
}

void
collet_mcp_input_answer (ColletMcpCall *call, const ColletCallResult *result)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ColletJson) json = collet_json_parse_borrowed (result->json, result->json_size, &error);
  guint needed = 0;

  if (!json)
    {
      g_autofree char *fault = g_strdup (error->message);

      g_clear_error (&error);
      g_set_error (&error, COLLET_ERROR, COLLET_ERROR_INVALID_RESULT,
                   "The tool's questions are no JSON: %s Its module has a fault; tell its author.", fault);
    }
  if (!json || !collet_questions_check (json, &needed, &error))
    collet_mcp_call_finish_error (call, result, error);
  else if (needed & ~call->input.questions)
    answer_missing (call, result, needed & ~call->input.questions);
  else
    answer_questions (call, result, json);
}
