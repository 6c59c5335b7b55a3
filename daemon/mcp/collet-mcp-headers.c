/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-mcp-headers.h"

#include <string.h>

#define ENCODED_PREFIX "=?base64?"
#define ENCODED_SUFFIX "?="
#define MARK "x-mcp-header"

char *
collet_mcp_header_decode (const char *value)
{
  g_autofree char *text = g_strstrip (g_strdup (value));
  g_autofree char *again = NULL;
  g_autofree guchar *bytes = NULL;
  gsize size;

  if (!g_str_has_prefix (text, ENCODED_PREFIX) || !g_str_has_suffix (text, ENCODED_SUFFIX) ||
      strlen (text) < strlen (ENCODED_PREFIX) + strlen (ENCODED_SUFFIX))
    return g_steal_pointer (&text);
  text[strlen (text) - strlen (ENCODED_SUFFIX)] = '\0';
  bytes = g_base64_decode (text + strlen (ENCODED_PREFIX), &size);
  again = g_base64_encode (bytes, size);
  if (strcmp (again, text + strlen (ENCODED_PREFIX)) != 0 ||
      !g_utf8_validate ((const char *)bytes, (gssize)size, NULL))
    return NULL;
  return g_strndup ((const char *)bytes, size);
}

/* A value as a header spells it; NULL: it does not stand in a header. */
static char *
spell (const ColletJson *json, ColletJsonNode node)
{
  gsize size;
  const char *raw;

  switch (collet_json_get_type (json, node))
    {
    case COLLET_JSON_STRING:
      return collet_json_dup_string (json, node);
    case COLLET_JSON_TRUE:
    case COLLET_JSON_FALSE:
    case COLLET_JSON_NUMBER:
      raw = collet_json_get_raw (json, node, &size);
      return g_strndup (raw, size);
    case COLLET_JSON_NULL:
    case COLLET_JSON_ARRAY:
    case COLLET_JSON_OBJECT:
    default:
      return NULL;
    }
}

static gboolean
agrees (const char *decoded, const ColletJson *json, ColletJsonNode node, const char *spelt)
{
  double number;
  char *end;

  if (strcmp (decoded, spelt) == 0)
    return TRUE;
  if (!collet_json_get_double (json, node, &number) || decoded[0] == '\0' ||
      strspn (decoded, "-0123456789.") != strlen (decoded))
    return FALSE;
  return g_ascii_strtod (decoded, &end) == number && *end == '\0';
}

/* What all of a walk shares. */
typedef struct
{
  const ColletJson *schema, *json;
  ColletMcpHeaderLookup lookup;
  gpointer user_data;
  char **message;
} Walk;

static gboolean
match_one (const Walk *walk, ColletJsonNode mark, ColletJsonNode value)
{
  g_autofree char *suffix = collet_json_dup_string (walk->schema, mark);
  g_autofree char *spelt = value ? spell (walk->json, value) : NULL;
  g_autofree char *name = g_strconcat ("Mcp-Param-", suffix, NULL);
  g_autofree char *decoded = NULL;
  const char *header;

  if (!suffix || !spelt)
    return TRUE;
  header = walk->lookup (walk->user_data, name);
  decoded = header ? collet_mcp_header_decode (header) : NULL;
  if (decoded && agrees (decoded, walk->json, value, spelt))
    return TRUE;
  *walk->message = g_strdup_printf (!header    ? "The header %s is missing; the body has a value for it."
                                    : !decoded ? "The header %s is not encoded as it should be."
                                               : "The header %s and the body disagree.",
                                    name);
  return FALSE;
}

/* The scanner bounds the depth. */
static gboolean
match_properties (const Walk *walk, ColletJsonNode schema, ColletJsonNode value)
{
  ColletJsonNode properties = collet_json_member (walk->schema, schema, "properties");

  if (properties == 0)
    return TRUE;
  for (ColletJsonNode property = collet_json_first (walk->schema, properties); property;
       property = collet_json_next (walk->schema, property))
    {
      ColletJsonNode mark = collet_json_member (walk->schema, property, MARK);
      g_autofree char *name = collet_json_dup_name (walk->schema, property);
      ColletJsonNode member = name ? collet_json_member (walk->json, value, name) : 0;

      if (member == 0)
        continue;
      if (mark != 0 && !match_one (walk, mark, member))
        return FALSE;
      if (!match_properties (walk, property, member))
        return FALSE;
    }
  return TRUE;
}

gboolean
collet_mcp_headers_match_arguments (const char *tool, gsize tool_size, const ColletJson *json,
                                    ColletJsonNode arguments, ColletMcpHeaderLookup lookup,
                                    gpointer user_data, char **message)
{
  g_autoptr (ColletJson) schema = NULL;
  Walk walk = { .json = json, .lookup = lookup, .user_data = user_data, .message = message };
  ColletJsonNode input;

  /* Few tools have any: a search in the text is cheaper than keeping account. */
  if (arguments == 0 || !memmem (tool, tool_size, "\"" MARK "\"", strlen ("\"" MARK "\"")))
    return TRUE;
  schema = collet_json_parse_borrowed (tool, tool_size, NULL);
  input = schema ? collet_json_member (schema, 0, "inputSchema") : 0;
  if (input == 0)
    return TRUE;
  walk.schema = schema;
  return match_properties (&walk, input, arguments);
}
