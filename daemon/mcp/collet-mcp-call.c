/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-mcp-call-private.h"

#include "collet-call-form.h"
#include "collet-error.h"
#include "collet-tool-result.h"

#include <string.h>

#define CALL_OF(base_) ((ColletMcpCall *)((char *)(base_)-G_STRUCT_OFFSET (ColletMcpCall, base)))

static void on_done (ColletCall *base, const ColletCallResult *result);
static void on_progress (ColletCall *base, const char *json, gsize size);
static void on_log (ColletCall *base, int level, const char *json, gsize size);

static const ColletCallClass call_class = { .done = on_done, .progress = on_progress, .log = on_log };

ColletMcpCall *
collet_mcp_call_ref (ColletMcpCall *call)
{
  g_atomic_ref_count_inc (&call->ref_count);
  return call;
}

void
collet_mcp_call_unref (gpointer data)
{
  ColletMcpCall *call = data;

  if (!g_atomic_ref_count_dec (&call->ref_count))
    return;
  pthread_mutex_destroy (&call->lock);
  if (call->session)
    collet_mcp_session_unref (call->session);
  collet_tool_list_unref (call->list);
  collet_tool_entry_free (call->pinned);
  collet_mcp_sealed_clear (&call->sealed);
  collet_mcp_ask_free (call);
  collet_call_form_clear (&call->base);
  g_free (call->client);
  g_free (call->purpose);
  g_free (call);
}

static void
cancel (ColletMcpCall *call)
{
  pthread_mutex_lock (&call->lock);
  call->is_cancelled = TRUE;
  if (!call->is_done)
    collet_call_target_cancel (call->entry->target, &call->base);
  pthread_mutex_unlock (&call->lock);
  collet_mcp_ask_abandon (call, COLLET_ERROR_CALL_CANCELLED, "The call was cancelled.");
}

/* In the legacy era a lost connection cancels nothing; but who does not come back
 * cannot be asked. */
static void
on_closed (gpointer self)
{
  ColletMcpCall *call = self;

  if (!call->session)
    cancel (call);
  else
    collet_mcp_ask_lose (call);
}

static void
init_lock (pthread_mutex_t *lock)
{
  pthread_mutexattr_t attributes;

  pthread_mutexattr_init (&attributes);
  pthread_mutexattr_settype (&attributes, PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_init (lock, &attributes);
  pthread_mutexattr_destroy (&attributes);
}

/* Events on the call's own stream, which begins with the first of them: a call
 * that reports nothing is answered with plain JSON. */

void
collet_mcp_call_start_stream (ColletMcpCall *call)
{
  if (call->is_streaming)
    return;
  call->is_streaming = TRUE;
  collet_mcp_reply_start_stream (&call->reply);
  if (call->session)
    call->replay =
        collet_mcp_replay_new (call->server->replays, collet_mcp_session_get_id (call->session), call->id,
                               call->id_size, call->reply.exchange,
                               collet_mcp_session_get_revision (call->session) >= COLLET_MCP_2025_11_25);
}

gboolean
collet_mcp_call_send_event (ColletMcpCall *call, const GString *message)
{
  if (call->replay)
    return collet_mcp_replay_send (call->replay, message->str, message->len);
  return collet_mcp_exchange_send_event (call->reply.exchange, message->str, message->len);
}

void
collet_mcp_call_end_stream (ColletMcpCall *call)
{
  ColletExchange *exchange = call->reply.exchange;

  if (call->replay)
    collet_mcp_replay_end (g_steal_pointer (&call->replay));
  else
    exchange->class_->end (exchange);
}

gboolean
collet_mcp_call_send (ColletMcpCall *call, GString *message)
{
  gboolean is_heard;

  collet_mcp_call_start_stream (call);
  is_heard = collet_mcp_call_send_event (call, message);
  g_string_free (message, TRUE);
  return is_heard;
}
/* `members`: a JSON object of the module's host, or NULL if it is none. */
static ColletJson *
parse_params (const char *json, gsize size)
{
  g_autoptr (ColletJson) params = collet_json_parse_borrowed (json, size, NULL);

  if (!params || collet_json_get_type (params, 0) != COLLET_JSON_OBJECT ||
      collet_json_get_length (params, 0) == 0)
    return NULL;
  return g_steal_pointer (&params);
}

static void
on_progress (ColletCall *base, const char *json, gsize size)
{
  ColletMcpCall *call = CALL_OF (base);
  g_autoptr (ColletJson) params = NULL;
  GString *message;

  if (!call->token || !(params = parse_params (json, size)))
    return;
  message = g_string_new (
      "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":");
  g_string_append_len (message, call->token, (gssize)call->token_size);
  g_string_append_c (message, ',');
  collet_tool_result_append_members (message, params);
  g_string_append (message, "}}");
  collet_mcp_call_send (call, message);
}

static void
on_log (ColletCall *base, int level, const char *json, gsize size)
{
  ColletMcpCall *call = CALL_OF (base);
  g_autoptr (ColletJson) params = NULL;
  GString *message;

  if (call->reply.batch || level < base->log_level || base->log_level == COLLET_MCP_LOG_NONE ||
      !(params = parse_params (json, size)))
    return;
  message = g_string_new ("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":");
  g_string_append_len (message, json, (gssize)size);
  g_string_append_c (message, '}');
  collet_mcp_call_send (call, message);
}

static void
on_done (ColletCall *base, const ColletCallResult *result)
{
  ColletMcpCall *call = CALL_OF (base);

  pthread_mutex_lock (&call->lock);
  call->is_done = TRUE;
  pthread_mutex_unlock (&call->lock);
  if (!result->is_asking || result->error)
    collet_mcp_call_answer (call, result);
  else if (call->session)
    collet_mcp_ask_start (call, result);
  else
    collet_mcp_input_answer (call, result);
}

/* The request. */

static void
fail_with (ColletMcpTurn *turn, const GError *error)
{
  collet_mcp_reply_json (&turn->reply, 200,
                         collet_mcp_error_new_for (turn->request.id, turn->request.id_size, NULL, error));
}

/* Wrong arguments: for the model to read. */
static void
answer_wrong_arguments (ColletMcpTurn *turn, const char *tool, const GError *error)
{
  g_autofree char *text =
      g_strdup_printf ("The arguments of %s are not what it accepts. %s.", tool, error->message);
  GString *result = g_string_new ("{\"content\":[{\"type\":\"text\",\"text\":");

  collet_json_append_string (result, text, -1);
  g_string_append (result, "}],\"isError\":true");
  collet_mcp_turn_answer (turn, result);
}

static const ColletToolEntry *
find_tool (ColletMcpTurn *turn, const ColletToolList *list)
{
  ColletJsonNode node = collet_mcp_request_param (&turn->request, "name");
  g_autofree char *name = node ? collet_json_dup_string (turn->request.json, node) : NULL;
  const ColletToolEntry *entry = name ? collet_tool_list_find (list, name, -1) : NULL;
  g_autofree char *message = NULL;

  if (!entry && name)
    entry = collet_tool_list_find_former (list, name, g_get_real_time ());

  if (entry)
    return entry;
  message = name ? g_strdup_printf ("Unknown tool: %.128s. List the tools again.", name)
                 : g_strdup ("params.name must be the name of a tool.");
  collet_mcp_turn_fail (turn, 200, COLLET_MCP_INVALID_PARAMS, message,
                        name ? "{\"reason\":\"ToolNotFound\"}" : NULL);
  return NULL;
}

/* Finds the arguments and checks them. FALSE: answered. */
static gboolean
read_arguments (ColletMcpTurn *turn, const ColletToolEntry *entry, ColletCall *base)
{
  const ColletJson *json = turn->request.json;
  ColletJsonNode node = collet_mcp_request_param (&turn->request, "arguments");
  g_autoptr (GError) error = NULL;

  if (node == 0)
    json = turn->server->no_arguments;
  if (collet_json_get_type (json, node) != COLLET_JSON_OBJECT)
    {
      collet_mcp_turn_fail (turn, 200, COLLET_MCP_INVALID_PARAMS, "params.arguments must be an object.",
                            NULL);
      return FALSE;
    }
  if (collet_call_form_check (base, entry, entry->grace ? g_get_real_time () : 0, json, node, &error))
    return TRUE;
  collet_mcp_metrics_count_call (turn->server->metrics, entry->name, entry->version->sha256, TRUE, 0);
  answer_wrong_arguments (turn, entry->name, error);
  return FALSE;
}

/* What the client wants to hear while it runs. */
static void
read_wishes (const ColletMcpTurn *turn, ColletMcpCall *call)
{
  const ColletMcpRequest *request = &turn->request;
  ColletJsonNode token =
      request->meta ? collet_json_member (request->json, request->meta, "progressToken") : 0;
  ColletJsonNode level;

  call->base.log_level = COLLET_MCP_LOG_NONE;
  if (turn->reply.batch)
    return;
  if (collet_mcp_is_token (request->json, token))
    {
      call->token = collet_json_get_raw (request->json, token, &call->token_size);
      call->base.wants_progress = TRUE;
    }
  if (turn->session)
    {
      call->base.log_level = collet_mcp_session_get_log_level (turn->session);
      return;
    }
  level = request->meta
              ? collet_json_member (request->json, request->meta, "io.modelcontextprotocol/logLevel")
              : 0;
  if (collet_mcp_level_from_json (request->json, level) >= 0)
    call->base.log_level = collet_mcp_level_from_json (request->json, level);
}

/* FALSE: there are too many calls already; answered. */
static gboolean
admit (ColletMcpTurn *turn, ColletMcpCall *call)
{
  ColletMcpServer *server = turn->server;
  const ColletMcpLimits *limits = &turn->settings->limits;
  g_autoptr (GError) error = NULL;

  if ((guint)g_atomic_int_add (&server->calls, 1) >= limits->max_calls)
    g_set_error (&error, COLLET_ERROR, COLLET_ERROR_OVERLOADED,
                 "%u calls are running already, as many as this server allows. Try again later.",
                 limits->max_calls);
  else if (turn->session &&
           !collet_mcp_session_add_call (turn->session, &call->link, limits->max_calls_per_session))
    g_set_error (
        &error, COLLET_ERROR, COLLET_ERROR_OVERLOADED,
        "%u calls of this session are running already, as many as are allowed. Wait for some of them.",
        limits->max_calls_per_session);
  if (!error)
    return TRUE;
  g_atomic_int_add (&server->calls, -1);
  fail_with (turn, error);
  return FALSE;
}

/* "name/version", as it introduces itself with each request. */
static void
read_client (const ColletMcpTurn *turn, ColletMcpCall *call)
{
  const ColletMcpRequest *request = &turn->request;
  ColletJsonNode info =
      request->meta ? collet_json_member (request->json, request->meta, "io.modelcontextprotocol/clientInfo")
                    : 0;
  ColletJsonNode node = info ? collet_json_member (request->json, info, "name") : 0;
  g_autofree char *name = node ? collet_json_dup_string (request->json, node) : NULL;

  node = name ? collet_json_member (request->json, info, "version") : 0;
  g_autofree char *version = node ? collet_json_dup_string (request->json, node) : NULL;
  if (name)
    call->client = g_strdup_printf ("%.200s/%.50s", name, version ? version : "");
  call->base.client = call->client;
}

/* The correlation id: from the request's _meta, else from its header, where the
 * client sends one, else ours. */
static void
read_trace (const ColletMcpTurn *turn, ColletMcpCall *call)
{
  const ColletMcpRequest *request = &turn->request;
  ColletJsonNode node = request->meta ? collet_json_member (request->json, request->meta, "traceparent") : 0;
  const char *header = collet_mcp_turn_get_header (turn, "Traceparent");
  const char *raw = NULL;
  gsize size = 0;

  if (node && collet_json_get_type (request->json, node) == COLLET_JSON_STRING)
    raw = collet_json_get_raw (request->json, node, &size);
  if (!(size > 2 && collet_trace_from_parent (raw + 1, size - 2, call->trace)) &&
      !(header && collet_trace_from_parent (header, strlen (header), call->trace)))
    collet_trace_make (call->trace);
  call->base.trace = call->trace;
}

/* `base`: what the arguments gave. */
static ColletMcpCall *
call_new (ColletMcpTurn *turn, ColletToolList *list, const ColletToolEntry *entry, const ColletCall *base)
{
  ColletMcpCall *call = g_new0 (ColletMcpCall, 1);

  g_atomic_ref_count_init (&call->ref_count);
  init_lock (&call->lock);
  call->tie.closed = on_closed;
  call->server = turn->server;
  call->reply = turn->reply;
  call->list = collet_tool_list_ref (list);
  call->entry = entry;
  call->link.data = call;
  call->id = turn->request.id;
  call->id_size = turn->request.id_size;
  call->start_us = g_get_monotonic_time ();
  call->base = *base;
  call->base.class_ = &call_class;
  call->timeout_ms = entry->call_timeout_ms ? entry->call_timeout_ms : turn->settings->limits.call_timeout_ms;
  call->base.deadline_us = call->start_us + (gint64)call->timeout_ms * 1000;
  call->base.input = &call->input;
  call->base.may_run_here = TRUE;
  if (turn->session)
    {
      call->session = collet_mcp_session_ref (turn->session);
      call->base.caller = collet_mcp_session_get_id (turn->session);
      call->base.client = collet_mcp_session_get_client (turn->session);
      call->input.questions = turn->reply.batch ? 0 : collet_mcp_session_get_questions (turn->session);
    }
  else
    read_client (turn, call);
  read_wishes (turn, call);
  read_trace (turn, call);
  return call;
}

void
collet_mcp_call_start (ColletMcpTurn *turn)
{
  g_autoptr (ColletToolList) list = collet_tool_directory_ref_list (turn->server->config.directory);
  ColletExchange *exchange = turn->reply.exchange;
  const ColletToolEntry *entry = find_tool (turn, list);
  ColletToolEntry *pinned = NULL;
  ColletCall base = { 0 };
  ColletMcpCall *call;

  if (!entry || !collet_mcp_pin_read (turn, entry, &pinned))
    return;
  entry = pinned ? pinned : entry;
  if ((turn->is_modern && !collet_mcp_modern_check_arguments (turn, entry)) ||
      !read_arguments (turn, entry, &base))
    {
      collet_tool_entry_free (pinned);
      return;
    }
  call = call_new (turn, list, entry, &base);
  call->pinned = pinned;
  call->base.version = pinned ? pinned->version->sha256 : NULL;
  if ((turn->is_modern && !collet_mcp_input_read (turn, call)) || !admit (turn, call))
    {
      collet_mcp_call_unref (call);
      return;
    }
  exchange->class_->ref (exchange);
  if (!turn->reply.batch)
    {
      exchange->handler_data = collet_mcp_call_ref (call);
      exchange->handler_data_free = collet_mcp_call_unref;
    }
  collet_call_target_dispatch (entry->target, &call->base);
}

/* Cancelling. */

typedef struct
{
  const char *id;
  gsize size;
} Id;

static gpointer
keep_matching (gpointer data, gpointer user_data)
{
  ColletMcpCall *call = data;
  const Id *id = user_data;

  if (id->id && (call->id_size != id->size || memcmp (call->id, id->id, id->size) != 0))
    return NULL;
  return collet_mcp_call_ref (call);
}

void
collet_mcp_call_cancel (ColletMcpSession *session, const char *id, gsize id_size)
{
  Id wanted = { id, id_size };
  g_autoptr (GPtrArray) calls = collet_mcp_session_collect_calls (session, keep_matching, &wanted);

  for (guint i = 0; i < calls->len; i++)
    {
      ColletMcpCall *call = calls->pdata[i];

      pthread_mutex_lock (&call->lock);
      g_atomic_int_set (&call->is_withdrawn, id != NULL);
      pthread_mutex_unlock (&call->lock);
      cancel (call);
      collet_mcp_call_unref (calls->pdata[i]);
    }
}
