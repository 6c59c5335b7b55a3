/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-stdio-message.h"

#include "collet-json.h"

#include <string.h>

#define META_VERSION "io.modelcontextprotocol/protocolVersion"
#define NO_SESSION (-32001)
#define INTERNAL_ERROR (-32603)

void
collet_stdio_message_free (ColletStdioMessage *message)
{
  g_free (message->id);
  g_free (message->method);
  g_free (message->cancelled);
  g_free (message->revision);
  g_free (message);
}

static char *
dup_raw (const ColletJson *json, ColletJsonNode node)
{
  gsize size;
  const char *raw = node != 0 ? collet_json_get_raw (json, node, &size) : NULL;

  return raw != NULL ? g_strndup (raw, size) : NULL;
}

static void
read_params (ColletStdioMessage *message, const ColletJson *json, ColletJsonNode params)
{
  ColletJsonNode meta = collet_json_member (json, params, "_meta");
  ColletJsonNode version;

  message->is_modern = meta != 0 && (version = collet_json_member (json, meta, META_VERSION)) != 0;
  if (message->is_modern)
    message->revision = collet_json_dup_string (json, version);
  if (collet_stdio_message_is (message, "notifications/cancelled"))
    message->cancelled = dup_raw (json, collet_json_member (json, params, "requestId"));
}

static void
read_answer (ColletStdioMessage *message, const ColletJson *json)
{
  ColletJsonNode result = collet_json_member (json, 0, "result");
  ColletJsonNode error = collet_json_member (json, 0, "error");
  ColletJsonNode node = result != 0 ? collet_json_member (json, result, "protocolVersion") : 0;
  gint64 code = 0;

  if (result != 0 || error != 0)
    message->kind = COLLET_STDIO_RESPONSE;
  if (node != 0)
    message->revision = collet_json_dup_string (json, node);
  node = error != 0 ? collet_json_member (json, error, "code") : 0;
  message->is_unknown_session = node != 0 && collet_json_get_int64 (json, node, &code) && code == NO_SESSION;
}

ColletStdioMessage *
collet_stdio_message_read (const char *text, gsize size)
{
  ColletStdioMessage *message = g_new0 (ColletStdioMessage, 1);
  g_autoptr (ColletJson) json = collet_json_parse_borrowed (text, size, NULL);
  ColletJsonNode method, params;

  if (json == NULL || collet_json_get_type (json, 0) != COLLET_JSON_OBJECT)
    return message;
  message->id = dup_raw (json, collet_json_member (json, 0, "id"));
  method = collet_json_member (json, 0, "method");
  if (method == 0)
    {
      read_answer (message, json);
      return message;
    }
  message->method = collet_json_dup_string (json, method);
  if (message->method == NULL)
    return message;
  message->kind = message->id != NULL ? COLLET_STDIO_REQUEST : COLLET_STDIO_NOTIFICATION;
  params = collet_json_member (json, 0, "params");
  if (params != 0)
    read_params (message, json, params);
  return message;
}

gboolean
collet_stdio_message_is (const ColletStdioMessage *message, const char *method)
{
  return g_strcmp0 (message->method, method) == 0;
}

gboolean
collet_stdio_message_is_repeatable (const ColletStdioMessage *message)
{
  static const char *const repeatable[] = {
    "initialize", "ping", "server/discover", "tools/list", "logging/setLevel", "subscriptions/listen", NULL
  };

  /* Of a response the daemon takes the first; what is INVALID may be a batch. */
  if (message->kind != COLLET_STDIO_REQUEST)
    return message->kind != COLLET_STDIO_INVALID;
  return message->method != NULL && g_strv_contains (repeatable, message->method);
}

char *
collet_stdio_error_new (const char *id, const char *reason, const char *text)
{
  GString *line = g_string_new ("{\"jsonrpc\":\"2.0\",\"id\":");

  g_string_append_printf (line, "%s,\"error\":{\"code\":%d,\"message\":", id != NULL ? id : "null",
                          INTERNAL_ERROR);
  collet_json_append_string (line, text, -1);
  g_string_append_printf (line, ",\"data\":{\"reason\":\"%s\"}}}", reason);
  return g_string_free (line, FALSE);
}
