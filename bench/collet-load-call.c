/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-load-call.h"

#include <string.h>

#define LEGACY_VERSION "2025-11-25"
#define MODERN_VERSION "2026-07-28"
#define CLIENT_INFO "{\"name\":\"collet-load\",\"version\":\"1\"}"

const char *
load_tool_name (const LoadDialect *dialect, LoadTool tool)
{
  switch (tool)
    {
    case LOAD_TOOL_ADD:
      return "add";
    case LOAD_TOOL_MEMORY_ADD:
      return "memory_add";
    case LOAD_TOOL_MEMORY_GET:
      return "memory_get";
    case LOAD_TOOL_GIVEN:
    default:
      return dialect->given_tool;
    }
}

char *
load_dialect_head (const LoadDialect *dialect, const char *session)
{
  GString *head = g_string_new (NULL);

  g_string_append_printf (head,
                          "POST %s HTTP/1.1\r\n"
                          "Host: %s:%u\r\n"
                          "Content-Type: application/json\r\n"
                          "Accept: application/json, text/event-stream\r\n",
                          dialect->url->path, dialect->url->host, dialect->url->port);
  if (dialect->era == LOAD_ERA_MODERN)
    g_string_append (head, "MCP-Protocol-Version: " MODERN_VERSION "\r\n");
  if (session != NULL)
    g_string_append_printf (head, "MCP-Protocol-Version: " LEGACY_VERSION "\r\nMcp-Session-Id: %s\r\n",
                            session);
  return g_string_free (head, FALSE);
}

static void
append_body (GString *out, const char *body, int size)
{
  g_string_append_printf (out, "Content-Length: %d\r\n\r\n", size);
  g_string_append_len (out, body, size);
}

static void
write_arguments (const LoadCall *call, const LoadDialect *dialect, char *text, gsize size)
{
  switch (call->tool)
    {
    case LOAD_TOOL_ADD:
      g_snprintf (text, size, "{\"a\":%" G_GINT64_FORMAT ",\"b\":%" G_GINT64_FORMAT "}", call->a,
                  call->value - call->a);
      break;
    case LOAD_TOOL_MEMORY_ADD:
      g_snprintf (text, size, "{\"value\":%" G_GINT64_FORMAT "}", call->value);
      break;
    case LOAD_TOOL_MEMORY_GET:
      g_strlcpy (text, "{}", size);
      break;
    case LOAD_TOOL_GIVEN:
    default:
      g_strlcpy (text, dialect->given_arguments, size);
      break;
    }
}

void
load_call_write (const LoadCall *call, const LoadDialect *dialect, const char *head, GString *out)
{
  static const char meta[] = ",\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"" MODERN_VERSION "\","
                             "\"io.modelcontextprotocol/clientCapabilities\":{},"
                             "\"io.modelcontextprotocol/clientInfo\":" CLIENT_INFO "}";
  const char *tool = load_tool_name (dialect, call->tool);
  char arguments[4096], body[5120];
  int size;

  write_arguments (call, dialect, arguments, sizeof arguments);
  size = g_snprintf (body, sizeof body,
                     "{\"jsonrpc\":\"2.0\",\"id\":\"%s\",\"method\":\"tools/call\","
                     "\"params\":{\"name\":\"%s\",\"arguments\":%s%s}}",
                     call->id, tool, arguments, dialect->era == LOAD_ERA_MODERN ? meta : "");
  g_string_assign (out, head);
  if (dialect->era == LOAD_ERA_MODERN)
    g_string_append_printf (out, "Mcp-Method: tools/call\r\nMcp-Name: %s\r\n", tool);
  append_body (out, body, size);
}

void
load_initialize_write (const LoadDialect *dialect, GString *out)
{
  static const char body[] =
      "{\"jsonrpc\":\"2.0\",\"id\":\"initialize\",\"method\":\"initialize\",\"params\":{"
      "\"protocolVersion\":\"" LEGACY_VERSION "\",\"capabilities\":{},"
      "\"clientInfo\":" CLIENT_INFO "}}";
  g_autofree char *head = load_dialect_head (dialect, NULL);

  g_string_assign (out, head);
  append_body (out, body, (int)strlen (body));
}

void
load_initialized_write (const char *head, GString *out)
{
  static const char body[] = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}";

  g_string_assign (out, head);
  append_body (out, body, (int)strlen (body));
}

/* The daemon's own name of the error, if the reply has one. */
static void
name_rpc_error (BenchSlice error, LoadVerdict *verdict)
{
  BenchSlice code = bench_json_member (error, "code");
  BenchSlice reason = bench_json_string (bench_json_member (bench_json_member (error, "data"), "reason"));

  g_snprintf (verdict->outcome, sizeof verdict->outcome, "json-rpc%.*s%s%.*s", (int)MIN (code.size, 8),
              code.at != NULL ? code.at : "", reason.at != NULL ? "-" : "", (int)MIN (reason.size, 40),
              reason.at != NULL ? reason.at : "");
  verdict->text = bench_json_string (bench_json_member (error, "message"));
}

static void
judge_result (const LoadCall *call, BenchSlice result, LoadVerdict *verdict)
{
  BenchSlice structured = bench_json_member (result, "structuredContent");
  BenchSlice meta = bench_json_member (result, "_meta");
  BenchSlice first = bench_json_first (bench_json_member (result, "content"));

  verdict->sha256 = bench_json_string (bench_json_member (meta, "org.collet/sha256"));
  verdict->version = bench_json_string (bench_json_member (meta, "org.collet/version"));
  if (!bench_json_get_int64 (bench_json_member (meta, "org.collet/generation"), &verdict->generation))
    verdict->generation = 0;
  if (bench_slice_equals (bench_json_member (result, "isError"), "true"))
    {
      g_strlcpy (verdict->outcome, "is-error", sizeof verdict->outcome);
      verdict->text = bench_json_string (bench_json_member (first, "text"));
      return;
    }
  if (call->tool == LOAD_TOOL_GIVEN)
    return;
  verdict->has_result =
      bench_json_get_int64 (bench_json_member (structured, call->tool == LOAD_TOOL_ADD ? "result" : "memory"),
                            &verdict->result);
  if (verdict->has_result && (call->tool != LOAD_TOOL_ADD || verdict->result == call->value))
    return;
  g_strlcpy (verdict->outcome, "wrong-value", sizeof verdict->outcome);
  verdict->text = structured.at != NULL ? structured : result;
}

void
load_call_judge (const LoadCall *call, const LoadResponse *response, LoadVerdict *verdict)
{
  BenchSlice root = bench_json_root (response->body.at != NULL ? response->body.at : "", response->body.size);
  BenchSlice result = bench_json_member (root, "result");
  BenchSlice error = bench_json_member (root, "error");

  *verdict = (LoadVerdict){ .outcome = "ok", .text = response->body };
  verdict->is_answer = bench_slice_equals (bench_json_string (bench_json_member (root, "id")), call->id);
  if (error.at != NULL && result.at == NULL)
    name_rpc_error (error, verdict);
  else if (response->status != 200)
    g_snprintf (verdict->outcome, sizeof verdict->outcome, "http-%u", response->status);
  else if (root.at == NULL)
    g_strlcpy (verdict->outcome, "not-json", sizeof verdict->outcome);
  else if (!verdict->is_answer)
    g_strlcpy (verdict->outcome, "wrong-id", sizeof verdict->outcome);
  else if (result.at == NULL || error.at != NULL)
    g_strlcpy (verdict->outcome, "no-result", sizeof verdict->outcome);
  else
    judge_result (call, result, verdict);
}
