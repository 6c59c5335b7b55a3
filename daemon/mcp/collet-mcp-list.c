/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-mcp-server-private.h"

#include <string.h>

/* A cursor is the last name of the page before, so it stays good when the list
 * changes; encoded, so that nobody builds one. */
#define CURSOR_PREFIX "1:"
#define MAX_CURSOR 512

static char *
cursor_for (const char *name)
{
  g_autofree char *plain = g_strconcat (CURSOR_PREFIX, name, NULL);

  return g_base64_encode ((const guchar *)plain, strlen (plain));
}

static char *
name_from_cursor (const char *cursor)
{
  g_autofree char *again = NULL;
  g_autofree guchar *plain = NULL;
  g_autofree char *text = NULL;
  gsize size;

  if (strlen (cursor) > MAX_CURSOR)
    return NULL;
  plain = g_base64_decode (cursor, &size);
  again = g_base64_encode (plain, size);
  text = g_strndup ((const char *)plain, size);
  if (strcmp (again, cursor) != 0 || strlen (text) != size || !g_str_has_prefix (text, CURSOR_PREFIX))
    return NULL;
  return g_strdup (text + strlen (CURSOR_PREFIX));
}

/* FALSE: answered with an error. */
static gboolean
find_start (const ColletMcpTurn *turn, const ColletToolList *list, guint *start)
{
  ColletJsonNode node = collet_mcp_request_param (&turn->request, "cursor");
  g_autofree char *cursor = NULL;
  g_autofree char *name = NULL;

  *start = 0;
  if (node == 0)
    return TRUE;
  cursor = collet_json_dup_string (turn->request.json, node);
  name = cursor ? name_from_cursor (cursor) : NULL;
  if (!name)
    {
      collet_mcp_turn_fail (
          turn, 200, COLLET_MCP_INVALID_PARAMS,
          "The cursor is not one of this server's. List from the beginning, without a cursor.", NULL);
      return FALSE;
    }
  *start = collet_tool_list_after (list, name);
  return TRUE;
}

/* One page of what the token may use; gives where the next begins. */
static guint
append_page (GString *result, const ColletToolList *list, const ColletMcpToken *token, guint start,
             guint page_size)
{
  guint length = collet_tool_list_get_length (list);
  guint taken = 0;
  guint i;

  if (start == 0 && length <= page_size && (!token || !token->tools))
    {
      gsize size;
      const char *json = collet_tool_list_get_json (list, &size);

      g_string_append_len (result, json, (gssize)size);
      return length;
    }
  g_string_append_c (result, '[');
  for (i = start; i < length && taken < page_size; i++)
    {
      const ColletToolEntry *entry = collet_tool_list_get (list, i);

      if (!collet_mcp_token_may_use (token, entry->name))
        continue;
      if (taken++ > 0)
        g_string_append_c (result, ',');
      g_string_append_len (result, entry->json, (gssize)entry->json_size);
    }
  g_string_append_c (result, ']');
  return i;
}

void
collet_mcp_list_tools (ColletMcpTurn *turn)
{
  const ColletMcpLimits *limits = &turn->settings->limits;
  g_autoptr (ColletToolList) list = collet_tool_directory_ref_list (turn->server->config.directory);
  GString *result;
  guint length = collet_tool_list_get_length (list);
  guint start, end;

  if (!find_start (turn, list, &start))
    return;
  result = g_string_new ("{\"tools\":");
  end = append_page (result, list, turn->token, start, limits->page_size);
  if (end < length)
    {
      g_autofree char *cursor = cursor_for (collet_tool_list_get (list, end - 1)->name);
      g_string_append_printf (result, ",\"nextCursor\":\"%s\"", cursor);
    }
  if (turn->is_modern)
    g_string_append_printf (result, ",\"ttlMs\":%u,\"cacheScope\":\"%s\"", limits->list_ttl_ms,
                            collet_mcp_access_is_open (turn->settings->access) ? "public" : "private");
  if (turn->session)
    collet_mcp_session_set_seen (turn->session, collet_mcp_list_mark (list));
  collet_mcp_turn_answer (turn, result);
}
