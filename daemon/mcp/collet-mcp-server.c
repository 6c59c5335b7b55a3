/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-mcp-server-private.h"

#include "collet-error.h"
#include "collet-mcp-housekeeper.h"

#include <string.h>

#define PATH "/mcp"
#define TEXT "text/plain; charset=utf-8"
#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define HOUSEKEEPING_MS 5000
#define SAVE_USED_US (10 * 60 * G_USEC_PER_SEC)

/* What the turns have in common. */

const char *
collet_mcp_turn_get_header (const ColletMcpTurn *turn, const char *name)
{
  ColletExchange *exchange = turn->reply.exchange;

  return exchange->class_->get_header (exchange, name);
}

void
collet_mcp_append_server_info (GString *out, const ColletMcpServer *server)
{
  g_string_append (out, "{\"name\":\"collet\",\"title\":\"Collet\",\"version\":");
  collet_json_append_string (out, server->version, -1);
  g_string_append_c (out, '}');
}

GString *
collet_tool_result_new (const ColletMcpServer *server, const ColletMcpRequest *request, GString *result,
                        const char *meta)
{
  GString *json = g_string_sized_new (result->len + request->id_size + 256);

  g_string_append (json, "{\"jsonrpc\":\"2.0\",\"id\":");
  g_string_append_len (json, request->id, (gssize)request->id_size);
  g_string_append (json, ",\"result\":");
  g_string_append_len (json, result->str, (gssize)result->len);
  if (meta)
    {
      g_string_append_printf (
          json, "%s\"resultType\":\"complete\",\"_meta\":{%s\"io.modelcontextprotocol/serverInfo\":",
          result->len > 1 ? "," : "", meta);
      collet_mcp_append_server_info (json, server);
      g_string_append_c (json, '}');
    }
  g_string_append (json, "}}");
  g_string_free (result, TRUE);
  return json;
}

void
collet_mcp_turn_answer (const ColletMcpTurn *turn, GString *result)
{
  collet_mcp_reply_json (&turn->reply, 200,
                         collet_tool_result_new (turn->server, &turn->request, result,
                                                 turn->is_modern ? "" : NULL));
}

void
collet_mcp_turn_fail (const ColletMcpTurn *turn, guint status, int code, const char *message,
                      const char *data)
{
  collet_mcp_reply_json (&turn->reply, status,
                         collet_mcp_error_new (turn->request.id, turn->request.id_size, code, message, data));
}

guint64
collet_mcp_list_mark (const ColletToolList *list)
{
  g_autofree char *begin = g_strndup (collet_tool_list_get_digest (list), 16);

  return g_ascii_strtoull (begin, NULL, 16);
}

guint64
collet_mcp_server_get_mark (ColletMcpServer *server)
{
  g_autoptr (ColletToolList) list = collet_tool_directory_ref_list (server->config.directory);

  return collet_mcp_list_mark (list);
}

/* What can be refused from the head. */

static gboolean
accepts (const char *accept, const char *type, const char *range)
{
  return strstr (accept, type) || strstr (accept, range) || strstr (accept, "*/*");
}

static void
refuse (ColletExchange *exchange, guint status, const char *message)
{
  ColletMcpReply reply = { .exchange = exchange };

  collet_mcp_reply_json (&reply, status,
                         collet_mcp_error_new ("null", 4, COLLET_MCP_BAD_REQUEST, message, NULL));
}

static void
check_post (ColletExchange *exchange)
{
  const char *accept = exchange->class_->get_header (exchange, "Accept");
  const char *type = exchange->class_->get_header (exchange, "Content-Type");
  gsize length = type ? strcspn (type, "; \t") : 0;

  if (!accept || !accepts (accept, "application/json", "application/*") ||
      !accepts (accept, "text/event-stream", "text/*"))
    refuse (exchange, 406, "Accept must list both application/json and text/event-stream.");
  else if (length != strlen ("application/json") ||
           g_ascii_strncasecmp (type, "application/json", length) != 0)
    refuse (exchange, 415, "Content-Type must be application/json.");
}

/* Who asks, and how often. FALSE: answered. */
static gboolean
check_client (ColletMcpServer *server, ColletExchange *exchange, gboolean is_mcp)
{
  const ColletMcpSettings *settings = collet_mcp_server_get_settings (server);
  guint per_second = settings->limits.max_client_requests;
  const ColletMcpToken *token;
  char client[128];

  if (!collet_mcp_exchange_find_token (exchange, settings->access, &token))
    {
      collet_mcp_exchange_respond (exchange, 401, TEXT,
                                   "Send a token that this server knows as Authorization: Bearer.\n");
      return FALSE;
    }
  if (!is_mcp && !collet_mcp_token_may (token, COLLET_MCP_MAY_METRICS))
    {
      collet_mcp_exchange_respond (exchange, 403, TEXT, "This token does not let you read the metrics.\n");
      return FALSE;
    }
  if (per_second == 0)
    return TRUE;
  collet_mcp_exchange_describe_client (exchange, token, client, sizeof client);
  if (collet_mcp_rate_take (server->rate, client, per_second, g_get_monotonic_time ()))
    return TRUE;
  collet_mcp_exchange_respond (exchange, 429, TEXT, "Too many requests in a second. Send fewer.\n");
  return FALSE;
}

static void
begin (ColletExchange *exchange, gpointer user_data)
{
  ColletMcpServer *server = user_data;
  const ColletExchangeClass *class_ = exchange->class_;
  const char *path = class_->get_path (exchange);
  const char *method = class_->get_method (exchange);
  gboolean is_mcp = strcmp (path, PATH) == 0;

  if (strcmp (path, "/healthz") == 0 || (!is_mcp && strcmp (path, "/metrics") != 0))
    return;
  if (check_client (server, exchange, is_mcp) && is_mcp && strcmp (method, "POST") == 0)
    check_post (exchange);
}

/* Whole requests. */

static void
handle_post (ColletMcpServer *server, ColletExchange *exchange)
{
  ColletMcpTurn turn;
  g_autoptr (ColletJson) json = NULL;
  g_autoptr (GError) error = NULL;
  const char *reason = NULL;
  gsize size;
  const char *body = exchange->class_->get_body (exchange, &size);

  collet_mcp_turn_init (&turn, server, exchange);
  json = collet_json_parse_borrowed (body, size, &error);
  if (json && collet_json_get_depth (json) > turn.settings->limits.max_depth)
    g_set_error (&error, COLLET_ERROR, COLLET_ERROR_JSON_TOO_DEEP,
                 "The request is nested more than %u levels deep. Send a flatter one.",
                 turn.settings->limits.max_depth);
  if (error)
    {
      g_autofree char *data = g_strdup_printf ("{\"reason\":\"%s\"}", collet_error_name_of (error));
      g_autofree char *message = g_utf8_make_valid (error->message, -1);
      collet_mcp_turn_fail (&turn, 400, COLLET_MCP_PARSE_ERROR, message, data);
    }
  else if (collet_json_get_type (json, 0) == COLLET_JSON_ARRAY)
    collet_mcp_legacy_handle_batch (server, exchange, json);
  else if (!collet_mcp_request_read (&turn.request, json, 0, &reason))
    collet_mcp_turn_fail (&turn, 400, COLLET_MCP_INVALID_REQUEST, reason, NULL);
  else if (collet_mcp_modern_claims (&turn.request, exchange))
    collet_mcp_modern_handle (&turn);
  else
    collet_mcp_legacy_handle (&turn);
}

/* A text of metrics that the main thread has still to add to. */
typedef struct
{
  ColletMcpServer *server;
  ColletExchange *exchange;
  GString *text;
} Report;

static void
report_free (gpointer data)
{
  Report *report = data;

  report->exchange->class_->unref (report->exchange);
  g_string_free (report->text, TRUE);
  g_free (report);
}

static gboolean
finish_report (gpointer data)
{
  Report *report = data;
  const ColletMcpConfig *config = &report->server->config;

  config->append_metrics (config->user_data, report->text);
  collet_mcp_exchange_respond (report->exchange, 200, METRICS_TYPE, report->text->str);
  return G_SOURCE_REMOVE;
}

static void
respond_metrics (ColletMcpServer *server, ColletExchange *exchange)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (ColletToolList) list = collet_tool_directory_ref_list (server->config.directory);
  Report *report;

  collet_mcp_metrics_append_gauge (text, "collet_mcp_calls_in_flight", "Calls that run now.",
                                   (guint64)MAX (0, g_atomic_int_get (&server->calls)));
  collet_mcp_metrics_append_gauge (text, "collet_mcp_sessions", "Sessions of clients.",
                                   collet_mcp_sessions_get_length (server->sessions));
  collet_mcp_metrics_append_gauge (text, "collet_mcp_streams", "Clients that wait for news.",
                                   collet_mcp_streams_get_length (server->streams));
  collet_mcp_metrics_append_gauge (text, "collet_mcp_calls_asking", "Calls that wait for a client's answer.",
                                   collet_mcp_asks_get_length (server->asks));
  collet_mcp_metrics_append (server->metrics, text);
  collet_mcp_metrics_append_former (text, list);
  if (!server->config.append_metrics)
    {
      collet_mcp_exchange_respond (exchange, 200, METRICS_TYPE, text->str);
      return;
    }
  report = g_new (Report, 1);
  *report = (Report){ server, exchange->class_->ref (exchange), g_steal_pointer (&text) };
  g_main_context_invoke_full (NULL, G_PRIORITY_DEFAULT, finish_report, report, report_free);
}

static void
complete (ColletExchange *exchange, gpointer user_data)
{
  ColletMcpServer *server = user_data;
  const char *path = exchange->class_->get_path (exchange);
  const char *method = exchange->class_->get_method (exchange);
  gboolean is_get = strcmp (method, "GET") == 0;

  if (strcmp (path, PATH) == 0)
    {
      if (strcmp (method, "POST") == 0)
        handle_post (server, exchange);
      else if (is_get)
        collet_mcp_legacy_get (server, exchange);
      else if (strcmp (method, "DELETE") == 0)
        collet_mcp_legacy_delete (server, exchange);
      else
        collet_mcp_exchange_respond (exchange, 405, TEXT, "Use POST, GET or DELETE.\n");
    }
  else if (is_get && strcmp (path, "/metrics") == 0)
    respond_metrics (server, exchange);
  else if (is_get && strcmp (path, "/healthz") == 0)
    collet_mcp_exchange_respond (exchange, 200, "application/json", "{\"status\":\"ok\"}\n");
  else
    collet_mcp_exchange_respond (exchange, 404, TEXT, "There is nothing here. MCP is at " PATH ".\n");
}

static void
closed (ColletExchange *exchange, gpointer user_data)
{
  ColletMcpTie *tie = exchange->handler_data;

  if (tie)
    tie->closed (tie);
}

const ColletExchangeHandler *
collet_mcp_server_get_handler (void)
{
  static const ColletExchangeHandler handler = { .begin = begin, .complete = complete, .closed = closed };

  return &handler;
}

/* The server. */

static void
on_change (gpointer data)
{
  ColletMcpServer *server = data;

  collet_mcp_streams_tell (server->streams, collet_mcp_server_get_mark (server));
}

static void
on_idle (gpointer data)
{
  ColletMcpServer *server = data;
  g_autoptr (GPtrArray) idle = collet_mcp_sessions_list_idle (server->sessions);
  gint64 now_us = g_get_monotonic_time ();

  for (guint i = 0; i < idle->len; i++)
    collet_mcp_legacy_end_session (server, idle->pdata[i]);
  collet_mcp_sessions_save_used (server->sessions, SAVE_USED_US);
  collet_mcp_asks_check_time (server->asks, now_us);
  collet_mcp_replays_tidy (server->replays, now_us);
}

ColletMcpServer *
collet_mcp_server_new (const ColletMcpConfig *config)
{
  ColletMcpServer *server = g_new0 (ColletMcpServer, 1);
  const ColletMcpLimits *limits;

  g_return_val_if_fail (config->directory != NULL, NULL);
  server->config = *config;
  server->settings = collet_mcp_settings_new (&config->limits, config->access);
  limits = &server->settings->limits;
  server->rate = collet_mcp_rate_new ();
  server->replays = collet_mcp_replays_new ();
  server->version = g_strdup (config->version ? config->version : "0");
  server->instructions = g_strdup (config->instructions);
  server->no_arguments = collet_json_parse ("{}", 2, NULL);
  server->sessions = collet_mcp_sessions_new (limits->max_sessions,
                                              (gint64)limits->session_idle_s * G_USEC_PER_SEC, config->store);
  server->streams = collet_mcp_streams_new ();
  server->metrics = collet_mcp_metrics_new ();
  server->asks = collet_mcp_asks_new ();
  if (config->seal_key)
    memcpy (server->seal_key, config->seal_key, sizeof server->seal_key);
  else
    collet_mcp_seal_make_key (server->seal_key);
  server->keeper = collet_mcp_housekeeper_new (HOUSEKEEPING_MS, on_change, on_idle, server);
  return server;
}

void
collet_mcp_server_tools_changed (ColletMcpServer *server)
{
  collet_mcp_housekeeper_wake (server->keeper);
}

gboolean
collet_mcp_server_import_session (ColletMcpServer *server, const ColletSessionRecord *record)
{
  return collet_mcp_sessions_import (server->sessions, record);
}

void
collet_mcp_server_end_streams (ColletMcpServer *server)
{
  collet_mcp_streams_end_all (server->streams);
  collet_mcp_asks_end_all (server->asks);
}

void
collet_mcp_server_free (ColletMcpServer *server)
{
  collet_mcp_asks_end_all (server->asks);
  /* A call's last touch of the server is this count. */
  while (g_atomic_int_get (&server->calls) > 0)
    g_usleep (1000);
  collet_mcp_housekeeper_free (server->keeper);
  collet_mcp_streams_end_all (server->streams);
  collet_mcp_streams_free (server->streams);
  collet_mcp_sessions_free (server->sessions);
  collet_mcp_asks_free (server->asks);
  collet_mcp_metrics_free (server->metrics);
  collet_json_free (server->no_arguments);
  collet_mcp_rate_free (server->rate);
  collet_mcp_replays_free (server->replays);
  collet_mcp_settings_free (server->settings);
  g_slist_free_full (server->former_settings, collet_mcp_settings_free);
  g_free (server->instructions);
  g_free (server->version);
  g_free (server);
}

guint
collet_mcp_server_get_sessions (ColletMcpServer *server)
{
  return collet_mcp_sessions_get_length (server->sessions);
}
