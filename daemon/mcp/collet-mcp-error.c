/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-mcp-error.h"

#include "collet-error-remedy.h"
#include "collet-json.h"

GString *
collet_mcp_error_new (const char *id, gsize id_size, int code, const char *message, const char *data)
{
  GString *json = g_string_sized_new (256);

  g_string_append (json, "{\"jsonrpc\":\"2.0\",\"id\":");
  g_string_append_len (json, id, (gssize)id_size);
  g_string_append_printf (json, ",\"error\":{\"code\":%d,\"message\":", code);
  collet_json_append_string (json, message, -1);
  if (data)
    g_string_append_printf (json, ",\"data\":%s", data);
  g_string_append (json, "}}");
  return json;
}

/* After which time it makes sense to call again; 0: it does not say. */
static guint
retry_after_ms (const GError *error)
{
  if (g_error_matches (error, COLLET_ERROR, COLLET_ERROR_OVERLOADED))
    return 1000;
  if (g_error_matches (error, COLLET_ERROR, COLLET_ERROR_MODULE_DRAINED) ||
      g_error_matches (error, COLLET_ERROR, COLLET_ERROR_SHUTTING_DOWN))
    return 5000;
  return 0;
}

GString *
collet_mcp_error_new_for (const char *id, gsize id_size, const char *trace, const GError *error)
{
  guint retry_ms = retry_after_ms (error);
  g_autofree char *retry = retry_ms > 0 ? g_strdup_printf (",\"retryAfterMs\":%u", retry_ms) : g_strdup ("");
  g_autofree char *traced = trace ? g_strdup_printf (",\"trace\":\"%s\"", trace) : g_strdup ("");
  g_autofree char *data =
      g_strdup_printf ("{\"reason\":\"%s\"%s%s}", collet_error_name_of (error), retry, traced);
  g_autoptr (GError) told = collet_error_add_remedy (g_error_copy (error)); /* as the bus says it */
  g_autofree char *message = g_utf8_make_valid (told->message, -1);

  return collet_mcp_error_new (id, id_size, COLLET_MCP_INTERNAL_ERROR, message, data);
}
