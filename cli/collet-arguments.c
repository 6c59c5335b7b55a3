/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-arguments.h"

#include <glib/gi18n.h>
#include <json-glib/json-glib.h>
#include <string.h>

#include "collet-error.h"
#include "collet-variant-json.h"

/* The schema of one property; NULL: it says nothing about it. Owned by parser. */
static JsonObject *
find_property (JsonParser *parser, const char *name)
{
  JsonNode *root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return NULL;

  JsonNode *properties = json_object_get_member (json_node_get_object (root), "properties");
  if (properties == NULL || !JSON_NODE_HOLDS_OBJECT (properties))
    return NULL;
  JsonNode *property = json_object_get_member (json_node_get_object (properties), name);
  return property != NULL && JSON_NODE_HOLDS_OBJECT (property) ? json_node_get_object (property) : NULL;
}

static gboolean
is_text (JsonParser *parser, const char *name)
{
  JsonObject *property = find_property (parser, name);
  JsonNode *type = property != NULL ? json_object_get_member (property, "type") : NULL;

  return type != NULL && JSON_NODE_HOLDS_VALUE (type) &&
         g_strcmp0 (json_node_get_string (type), "string") == 0;
}

/* json-glib takes more than JSON; what it takes wrongly is left to the daemon,
 * which reads strictly. Only what cannot be meant as text passes here. */
static gboolean
is_json (const char *value)
{
  static const char *const words[] = { "true", "false", "null", NULL };

  if (g_strv_contains (words, value))
    return TRUE;
  if (*value == '{' || *value == '[' || *value == '"')
    {
      g_autoptr (JsonParser) parser = json_parser_new_immutable ();
      return json_parser_load_from_data (parser, value, -1, NULL);
    }
  return g_regex_match_simple ("^-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][-+]?[0-9]+)?$", value,
                               G_REGEX_DOLLAR_ENDONLY, 0);
}

static gboolean
append_word (GString *out, JsonParser *schema, GHashTable *seen, const char *word, GError **error)
{
  const char *equals = strchr (word, '=');

  if (equals == NULL || equals == word)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                   _ ("\"%s\" is no argument: give one JSON object, or name=value words"), word);
      return FALSE;
    }
  g_autofree char *name = g_strndup (word, (gsize)(equals - word));
  if (!g_hash_table_add (seen, g_strdup (name)))
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                   _ ("The argument \"%s\" is given twice"), name);
      return FALSE;
    }

  g_string_append (out, out->len > 1 ? "," : "");
  collet_variant_json_append_string (out, name);
  g_string_append_c (out, ':');
  if (!is_text (schema, name) && is_json (equals + 1))
    g_string_append (out, equals + 1);
  else
    collet_variant_json_append_string (out, equals + 1);
  return TRUE;
}

char *
collet_arguments_dup_json (char **words, const char *schema, GError **error)
{
  g_autoptr (GString) out = g_string_new ("{");
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();

  /* Without a schema that can be read it is only less certain what is text. */
  json_parser_load_from_data (parser, schema, -1, NULL);
  for (guint i = 0; words[i] != NULL; i++)
    {
      if (!append_word (out, parser, seen, words[i], error))
        return NULL;
    }
  g_string_append_c (out, '}');
  return g_string_free (g_steal_pointer (&out), FALSE);
}
