/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-mcp-answer.c: how a tools/call ends: what the module gave is checked, made
 * the answer of the era, counted, and sent. */
#include "collet-mcp-call-private.h"

#include "collet-call-form.h"
#include "collet-error.h"
#include "collet-tool-result.h"

#include <string.h>

GString *
collet_mcp_call_begin_answer (const ColletMcpCall *call, gsize size)
{
  GString *text = g_string_sized_new (size + call->id_size + 512);

  g_string_append (text, "{\"jsonrpc\":\"2.0\",\"id\":");
  g_string_append_len (text, call->id, (gssize)call->id_size);
  g_string_append (text, ",\"result\":{");
  return text;
}

void
collet_mcp_call_end_answer (const ColletMcpCall *call, GString *text, const ColletCallResult *result,
                            const ColletJson *json, const char *result_type)
{
  gboolean is_modern = !call->session;

  g_string_append (text, ",\"_meta\":{");
  collet_tool_result_append_answered (text, result);
  if (result->version)
    collet_call_form_append (text, &call->base);
  if (is_modern)
    {
      g_string_append_printf (text, "%s\"io.modelcontextprotocol/serverInfo\":", result->version ? "," : "");
      collet_mcp_append_server_info (text, call->server);
    }
  if (json && (is_modern || result->version))
    collet_tool_result_append_meta (text, json);
  g_string_append_c (text, '}');
  if (is_modern)
    g_string_append_printf (text, ",\"resultType\":\"%s\"", result_type);
  g_string_append (text, "}}");
}

static GString *
splice (ColletMcpCall *call, const ColletCallResult *result, const ColletJson *json)
{
  GString *text = collet_mcp_call_begin_answer (call, result->json_size);

  collet_tool_result_append_members (text, json);
  collet_mcp_call_end_answer (call, text, result, json, "complete");
  return text;
}

/* *outcome is static. */
static GString *
build_answer (ColletMcpCall *call, const ColletCallResult *result, const char **outcome)
{
  g_autoptr (GError) error = result->error ? g_error_copy (result->error) : NULL;
  g_autoptr (ColletJson) json = NULL;
  gboolean is_error = FALSE;

  if (!error && result->is_cancelled)
    error = g_error_new (COLLET_ERROR, COLLET_ERROR_CALL_CANCELLED, "The call was cancelled.");
  if (!error)
    json = collet_tool_result_parse (&call->base, result, &is_error, &error);
  if (json)
    {
      *outcome = is_error ? "error" : "ok";
      /* A version is compared with what is published, so only that is remembered. */
      if (!call->pinned && !call->base.renewed)
        collet_call_recorder_add (call->server->config.recorder, call->entry, call->base.arguments,
                                  call->base.arguments_size, result->json, result->json_size);
      return splice (call, result, json);
    }
  *outcome = collet_error_name_of (error);
  return collet_mcp_error_new_for (call->id, call->id_size, call->trace, error);
}

static void
count (ColletMcpCall *call, const ColletCallResult *result, const char *outcome)
{
  const ColletMcpConfig *config = &call->server->config;
  const char *sha256 = result->version ? result->version->sha256 : NULL;
  gint64 duration_us = g_get_monotonic_time () - call->start_us;
  ColletMcpCallRecord record = { .request_id = call->id,
                                 .request_id_size = call->id_size,
                                 .client = call->session ? collet_mcp_session_get_id (call->session) : NULL,
                                 .tool = call->entry->name,
                                 .sha256 = sha256,
                                 .generation = result->generation,
                                 .duration_us = duration_us,
                                 .trace = call->trace,
                                 .outcome = outcome };

  collet_mcp_metrics_count_call (call->server->metrics, call->entry->name, sha256,
                                 strcmp (outcome, "ok") != 0, duration_us);
  if (call->entry->counter)
    collet_tool_counter_add (call->entry->counter, strcmp (outcome, "ok") != 0);
  if (call->entry->counter && call->base.former)
    collet_tool_counter_add_former (call->entry->counter);
  if (config->record)
    config->record (config->user_data, &record);
}

/* A legacy client that cancelled is not answered: it knows the request no more. */
static void
deliver_nothing (ColletMcpCall *call)
{
  if (call->reply.batch)
    {
      collet_mcp_reply_nothing (&call->reply, 202);
      return;
    }
  collet_mcp_call_start_stream (call);
  collet_mcp_call_end_stream (call);
}

static void
deliver (ColletMcpCall *call, guint status, GString *json)
{
  if (g_atomic_int_get (&call->is_withdrawn))
    {
      deliver_nothing (call);
      g_string_free (json, TRUE);
      return;
    }
  if (!call->is_streaming)
    {
      collet_mcp_reply_json (&call->reply, status, json);
      return;
    }
  collet_mcp_call_send_event (call, json);
  collet_mcp_call_end_stream (call);
  g_string_free (json, TRUE);
}

void
collet_mcp_call_finish (ColletMcpCall *call, const ColletCallResult *result, const char *outcome,
                        guint status, GString *json)
{
  ColletMcpServer *server = call->server;
  ColletExchange *exchange = call->reply.exchange;

  if (call->session)
    collet_mcp_session_remove_call (call->session, &call->link);
  collet_mcp_ask_end (call);
  /* Counted before it is answered: who has the answer finds it in the count. */
  count (call, result, outcome);
  deliver (call, status, json);
  collet_mcp_call_unref (call);
  exchange->class_->unref (exchange);
  g_atomic_int_add (&server->calls, -1);
}

void
collet_mcp_call_finish_error (ColletMcpCall *call, const ColletCallResult *result, const GError *error)
{
  collet_mcp_call_finish (call, result, collet_error_name_of (error), 200,
                          collet_mcp_error_new_for (call->id, call->id_size, call->trace, error));
}
void
collet_mcp_call_answer (ColletMcpCall *call, const ColletCallResult *result)
{
  const char *outcome = "ok";
  GString *json = build_answer (call, result, &outcome);

  if (result->is_bad)
    *result->is_bad = strcmp (outcome, "ok") != 0;
  collet_mcp_call_finish (call, result, outcome, 200, json);
}
