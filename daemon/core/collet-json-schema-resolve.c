/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where references lead: resources ($id), anchors and JSON pointers. Nothing is
 * ever fetched.
 */
#include "collet-json-schema-private.h"

#include <string.h>

#include "collet-error.h"

/* Base of a document without an $id, so that relative references have one. */
#define NO_BASE "json-schema:///"

void
collet_schema_resource_free (ColletSchemaResource *resource)
{
  g_free (resource->uri);
  g_hash_table_unref (resource->anchors);
  g_hash_table_unref (resource->dynamic_anchors);
  g_free (resource);
}

static ColletSchemaResource *
add_resource (ColletSchemaCompiler *compiler, char *uri, ColletJsonNode root)
{
  ColletSchemaResource *resource = g_new0 (ColletSchemaResource, 1);

  resource->uri = uri;
  resource->root = root;
  resource->anchors = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  resource->dynamic_anchors = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_ptr_array_add (compiler->schema->resources, resource);
  return resource;
}

static ColletSchemaResource *
find_resource (ColletSchemaCompiler *compiler, const char *uri)
{
  for (guint i = 0; i < compiler->schema->resources->len; i++)
    {
      ColletSchemaResource *resource = compiler->schema->resources->pdata[i];
      if (strcmp (resource->uri, uri) == 0)
        return resource;
    }
  return NULL;
}

/* Splits an absolute or relative reference into the URI that it names and its
 * fragment, decoded ("" if there is none). */
static gboolean
split_reference (const char *base, const char *reference, char **uri, char **fragment)
{
  g_autoptr (GUri) base_uri = g_uri_parse (base, G_URI_FLAGS_NONE, NULL);
  g_autoptr (GUri) resolved = g_uri_parse_relative (base_uri, reference, G_URI_FLAGS_NONE, NULL);

  if (resolved == NULL)
    return FALSE;
  *uri = g_uri_to_string_partial (resolved, G_URI_HIDE_FRAGMENT);
  *fragment = g_strdup (g_uri_get_fragment (resolved) != NULL ? g_uri_get_fragment (resolved) : "");
  return TRUE;
}

static gboolean
read_id (ColletSchemaCompiler *compiler, ColletJsonNode node, ColletSchemaResource **resource)
{
  const ColletJson *json = compiler->schema->json;
  ColletJsonNode member = collet_json_member (json, node, "$id");
  g_autofree char *id = NULL;
  g_autofree char *uri = NULL;
  g_autofree char *fragment = NULL;

  if (member == 0)
    return TRUE;
  id = collet_json_dup_string (json, member);
  if (id == NULL)
    return collet_schema_refuse (compiler, member, "must be a string");
  if (!split_reference ((*resource)->uri, id, &uri, &fragment))
    return collet_schema_refuse (compiler, member, "\"%s\" is not a URI reference", id);
  if (*fragment != '\0')
    return collet_schema_refuse (compiler, member, "\"%s\" has a fragment; use $anchor", id);
  if (node == 0)
    {
      g_free ((*resource)->uri);
      (*resource)->uri = g_steal_pointer (&uri);
      return TRUE;
    }
  if (find_resource (compiler, uri) != NULL)
    return collet_schema_refuse (compiler, member, "\"%s\" is given to two schemas", id);
  *resource = add_resource (compiler, g_steal_pointer (&uri), node);
  return TRUE;
}

static gboolean
read_anchor (ColletSchemaCompiler *compiler, ColletJsonNode node, ColletSchemaResource *resource,
             const char *keyword)
{
  static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
  static const char others[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789-.";
  const ColletJson *json = compiler->schema->json;
  ColletJsonNode member = collet_json_member (json, node, keyword);
  g_autofree char *name = NULL;

  if (member == 0)
    return TRUE;
  name = collet_json_dup_string (json, member);
  if (name == NULL || *name == '\0' || strchr (first, *name) == NULL || name[strspn (name, others)] != '\0')
    return collet_schema_refuse (compiler, member, "must be a name of letters, digits, '_', '-' and '.'");
  if (strcmp (keyword, "$dynamicAnchor") == 0)
    g_hash_table_insert (resource->dynamic_anchors, g_strdup (name), GUINT_TO_POINTER (node));
  if (!g_hash_table_insert (resource->anchors, g_strdup (name), GUINT_TO_POINTER (node)))
    return collet_schema_refuse (compiler, member, "the anchor \"%s\" is given to two schemas", name);
  return TRUE;
}

/* A place that waits to be looked at. */
typedef struct
{
  ColletJsonNode node;
  ColletSchemaResource *resource;
} Place;

static void
push_children (GArray *places, const ColletJson *json, ColletJsonNode member, ColletSchemaResource *resource)
{
  ColletKeywordShape shape = collet_schema_keyword_shape (json, member);
  ColletJsonType type = collet_json_get_type (json, member);

  if (shape == COLLET_KEYWORD_SCHEMA)
    {
      Place place = { member, resource };
      g_array_append_val (places, place);
    }
  else if ((shape == COLLET_KEYWORD_SCHEMA_ARRAY && type == COLLET_JSON_ARRAY) ||
           (shape == COLLET_KEYWORD_SCHEMA_MAP && type == COLLET_JSON_OBJECT))
    {
      for (ColletJsonNode child = collet_json_first (json, member); child != 0;
           child = collet_json_next (json, child))
        {
          Place place = { child, resource };
          g_array_append_val (places, place);
        }
    }
}

static gboolean
visit (ColletSchemaCompiler *compiler, Place place, GArray *places)
{
  const ColletJson *json = compiler->schema->json;

  if (collet_json_get_type (json, place.node) != COLLET_JSON_OBJECT)
    return TRUE; /* whether it may be there is seen when it is compiled */
  if (!read_id (compiler, place.node, &place.resource))
    return FALSE;
  if (!read_anchor (compiler, place.node, place.resource, "$anchor") ||
      !read_anchor (compiler, place.node, place.resource, "$dynamicAnchor"))
    return FALSE;
  g_hash_table_insert (compiler->bases, GUINT_TO_POINTER (place.node), place.resource);
  for (ColletJsonNode member = collet_json_first (json, place.node); member != 0;
       member = collet_json_next (json, member))
    push_children (places, json, member, place.resource);
  return TRUE;
}

gboolean
collet_schema_find_resources (ColletSchemaCompiler *compiler)
{
  g_autoptr (GArray) places = g_array_new (FALSE, FALSE, sizeof (Place));
  Place root = { 0, add_resource (compiler, g_strdup (NO_BASE), 0) };

  g_array_append_val (places, root);
  while (places->len > 0)
    {
      Place place = g_array_index (places, Place, places->len - 1);
      g_array_set_size (places, places->len - 1);
      if (!visit (compiler, place, places))
        return FALSE;
    }
  return TRUE;
}

/* "~1" and "~0" in place; FALSE for another '~'. */
static gboolean
unescape_token (char *token)
{
  char *to = token;

  for (const char *p = token; *p != '\0'; p++)
    {
      if (*p != '~')
        {
          *to++ = *p;
          continue;
        }
      p++;
      if (*p != '0' && *p != '1')
        return FALSE;
      *to++ = *p == '0' ? '~' : '/';
    }
  *to = '\0';
  return TRUE;
}

static ColletJsonNode
step_into (const ColletJson *json, ColletJsonNode node, const char *token)
{
  guint64 index;
  ColletJsonNode child;

  if (collet_json_get_type (json, node) == COLLET_JSON_OBJECT)
    return collet_json_member (json, node, token);
  if (collet_json_get_type (json, node) != COLLET_JSON_ARRAY)
    return 0;
  if (!g_ascii_string_to_unsigned (token, 10, 0, G_MAXUINT32, &index, NULL) ||
      (*token == '0' && token[1] != '\0'))
    return 0;
  child = collet_json_first (json, node);
  for (; child != 0 && index > 0; index--)
    child = collet_json_next (json, child);
  return child;
}

/* Follows a pointer, and what an $id on the way changes. */
static gboolean
follow_pointer (ColletSchemaCompiler *compiler, const char *pointer, ColletJsonNode *node,
                const ColletSchemaResource **resource)
{
  g_auto (GStrv) tokens = g_strsplit (pointer + 1, "/", -1);

  for (guint i = 0; tokens[i] != NULL; i++)
    {
      const ColletSchemaResource *inner;
      if (!unescape_token (tokens[i]))
        return FALSE;
      *node = step_into (compiler->schema->json, *node, tokens[i]);
      if (*node == 0)
        return FALSE;
      inner = g_hash_table_lookup (compiler->bases, GUINT_TO_POINTER (*node));
      if (inner != NULL)
        *resource = inner;
    }
  return TRUE;
}

gboolean
collet_schema_resolve (ColletSchemaCompiler *compiler, const ColletSchema *from, ColletJsonNode reference,
                       ColletJsonNode *target, const ColletSchemaResource **resource, char **fragment)
{
  g_autofree char *text = collet_json_dup_string (compiler->schema->json, reference);
  g_autofree char *uri = NULL;
  gpointer found;

  if (text == NULL)
    return collet_schema_refuse (compiler, reference, "must be a string");
  if (!split_reference (from->resource->uri, text, &uri, fragment))
    return collet_schema_refuse (compiler, reference, "\"%s\" is not a URI reference", text);
  *resource = find_resource (compiler, uri);
  if (*resource == NULL)
    return collet_schema_refuse (compiler, reference,
                                 "\"%s\" is outside of this document; put the schema into $defs", text);
  *target = (*resource)->root;
  if (**fragment == '\0')
    return TRUE;
  if (**fragment == '/')
    return follow_pointer (compiler, *fragment, target, resource) ||
           collet_schema_refuse (compiler, reference, "\"%s\" leads nowhere", text);
  if (!g_hash_table_lookup_extended ((*resource)->anchors, *fragment, NULL, &found))
    return collet_schema_refuse (compiler, reference, "\"%s\" names no anchor of this document", text);
  *target = GPOINTER_TO_UINT (found);
  return TRUE;
}
