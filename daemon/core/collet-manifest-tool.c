/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-manifest-private.h"

#include <string.h>

#include "collet-error.h"

#define MAX_NAME 128
#define MAX_TITLE 256
#define MAX_DESCRIPTION 16384
#define MAX_ICONS 16

void
collet_manifest_tool_free (ColletManifestTool *tool)
{
  if (tool == NULL)
    return;
  g_free (tool->name);
  g_free (tool->json);
  g_clear_pointer (&tool->input_schema, collet_json_schema_unref);
  g_clear_pointer (&tool->output_schema, collet_json_schema_unref);
  collet_former_form_free (tool->former);
  g_free (tool);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletManifestTool, collet_manifest_tool_free)

gboolean
collet_manifest_is_tool_name (const char *name)
{
  static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
  gsize length = strlen (name);

  return length >= 1 && length <= MAX_NAME && strspn (name, allowed) == length;
}

/* The root says "type": "object", as MCP has it. */
static gboolean
read_schema (ColletManifestReader *reader, ColletJsonNode node, ColletJsonSchema **schema)
{
  const ColletJson *json = reader->json;
  g_autofree char *pointer = NULL;
  ColletJsonNode type;

  if (node == 0)
    return TRUE;
  if (collet_json_get_type (json, node) != COLLET_JSON_OBJECT)
    return collet_manifest_refuse (json, node, reader->error, "a JSON Schema, an object");
  type = collet_json_member (json, node, "type");
  if (type == 0)
    return collet_manifest_refuse_plain (json, node, reader->error,
                                         "lacks \"type\", which must be \"object\"");
  if (!collet_json_string_is (json, type, "object"))
    return collet_manifest_refuse (json, type, reader->error, "\"object\"");
  *schema = collet_json_schema_new (json, node, reader->error);
  if (*schema != NULL)
    return TRUE;
  pointer = collet_json_dup_pointer (json, 0, node);
  g_prefix_error (reader->error, "%s: not a valid JSON Schema: ", pointer);
  return FALSE;
}

static gboolean
read_annotations (ColletManifestReader *outer, ColletJsonNode node, ColletManifestTool *tool)
{
  ColletManifestReader reader;
  g_autofree char *title = NULL;
  gboolean ignored;

  if (node == 0)
    return TRUE;
  return collet_manifest_reader_init (&reader, outer->json, node, outer->error) &&
         collet_manifest_reader_take_string (&reader, "title", MAX_TITLE, &title) &&
         collet_manifest_reader_take_boolean (&reader, "readOnlyHint", &tool->read_only) &&
         collet_manifest_reader_take_boolean (&reader, "destructiveHint", &ignored) &&
         collet_manifest_reader_take_boolean (&reader, "idempotentHint", &ignored) &&
         collet_manifest_reader_take_boolean (&reader, "openWorldHint", &ignored) &&
         collet_manifest_reader_finish (&reader);
}

/* "48x48" or "any" */
static gboolean
is_icon_size (const char *text)
{
  const char *times = strchr (text, 'x');
  const char *halves[2] = { text, times != NULL ? times + 1 : "" };
  gsize sizes[2] = { times != NULL ? (gsize)(times - text) : 0, strlen (halves[1]) };

  if (strcmp (text, "any") == 0)
    return TRUE;
  for (guint i = 0; i < 2; i++)
    if (sizes[i] < 1 || sizes[i] > 5 || *halves[i] == '0' || strspn (halves[i], "0123456789") != sizes[i])
      return FALSE;
  return TRUE;
}

static gboolean
read_icon_sizes (ColletManifestReader *reader, ColletJsonNode node)
{
  const ColletJson *json = reader->json;

  if (node == 0)
    return TRUE;
  if (collet_json_get_type (json, node) != COLLET_JSON_ARRAY ||
      collet_json_get_length (json, node) > MAX_ICONS)
    return collet_manifest_refuse (json, node, reader->error, "an array of at most %d sizes", MAX_ICONS);
  for (ColletJsonNode item = collet_json_first (json, node); item != 0; item = collet_json_next (json, item))
    {
      g_autofree char *size = collet_json_dup_string (json, item);
      if (size == NULL || !is_icon_size (size))
        return collet_manifest_refuse (json, item, reader->error, "a size such as \"48x48\", or \"any\"");
    }
  return TRUE;
}

static gboolean
read_icon (ColletManifestReader *outer, ColletJsonNode node)
{
  const ColletJson *json = outer->json;
  ColletManifestReader reader;
  g_autofree char *src = NULL;
  g_autofree char *type = NULL;
  ColletJsonNode theme;

  if (!collet_manifest_reader_init (&reader, json, node, outer->error) ||
      !collet_manifest_reader_take_string (&reader, "src", COLLET_MANIFEST_MAX_SIZE, &src) ||
      !collet_manifest_reader_require (&reader, "src", src))
    return FALSE;
  if (!g_str_has_prefix (src, "https:") && !g_str_has_prefix (src, "data:"))
    return collet_manifest_refuse (json, reader.taken[0], outer->error, "an https: or data: URI");
  theme = collet_manifest_reader_take (&reader, "theme");
  if (theme != 0 && !collet_json_string_is (json, theme, "light") &&
      !collet_json_string_is (json, theme, "dark"))
    return collet_manifest_refuse (json, theme, outer->error, "\"light\" or \"dark\"");
  return collet_manifest_reader_take_string (&reader, "mimeType", MAX_NAME, &type) &&
         read_icon_sizes (&reader, collet_manifest_reader_take (&reader, "sizes")) &&
         collet_manifest_reader_finish (&reader);
}

static gboolean
read_icons (ColletManifestReader *reader, ColletJsonNode node)
{
  const ColletJson *json = reader->json;

  if (node == 0)
    return TRUE;
  if (collet_json_get_type (json, node) != COLLET_JSON_ARRAY ||
      collet_json_get_length (json, node) > MAX_ICONS)
    return collet_manifest_refuse (json, node, reader->error, "an array of at most %d icons", MAX_ICONS);
  for (ColletJsonNode item = collet_json_first (json, node); item != 0; item = collet_json_next (json, item))
    if (!read_icon (reader, item))
      return FALSE;
  return TRUE;
}

static void
append_member (GString *out, const ColletJson *json, ColletJsonNode node, const char *name)
{
  if (node == 0)
    return;
  g_string_append_printf (out, "%s\"%s\":", out->len > 1 ? "," : "", name);
  collet_json_append_canonical (out, json, node);
}

/* What clients see: what MCP knows of it, sorted, so that the same manifest gives
 * the same bytes however it is laid out. */
static char *
render (const ColletJson *json, ColletJsonNode node)
{
  static const char *const names[] = { "annotations", "description",  "icons", "inputSchema",
                                       "name",        "outputSchema", "title" };
  GString *out = g_string_new ("{");

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      ColletJsonNode member = collet_json_member (json, node, names[i]);
      append_member (out, json, member, names[i]);
      if (member == 0 && strcmp (names[i], "inputSchema") == 0)
        g_string_append_printf (out, "%s\"inputSchema\":{\"type\":\"object\"}", out->len > 1 ? "," : "");
    }
  g_string_append_c (out, '}');
  return g_string_free (out, FALSE);
}

static ColletJsonSchema *
any_object (GError **error)
{
  g_autoptr (ColletJson) json = collet_json_parse ("{\"type\":\"object\"}", -1, error);

  return json != NULL ? collet_json_schema_new (json, 0, error) : NULL;
}

static gboolean
read_former (ColletManifestReader *reader, ColletJsonNode node, ColletJsonNode schema,
             ColletManifestTool *tool)
{
  if (node != 0)
    tool->former = collet_former_form_read (reader->json, node, tool->name, schema, reader->error);
  return node == 0 || tool->former != NULL;
}

static gboolean
read_tool (ColletManifestReader *reader, ColletManifestTool *tool)
{
  ColletJsonNode schema = collet_manifest_reader_take (reader, "inputSchema");
  g_autofree char *title = NULL;
  g_autofree char *description = NULL;

  if (!collet_manifest_reader_take_string (reader, "name", COLLET_MANIFEST_MAX_SIZE, &tool->name) ||
      !collet_manifest_reader_require (reader, "name", tool->name))
    return FALSE;
  if (!collet_manifest_is_tool_name (tool->name))
    return collet_manifest_refuse (reader->json, collet_json_member (reader->json, reader->object, "name"),
                                   reader->error, "1 to %d letters, digits, '_', '-' and '.'", MAX_NAME);
  if (!collet_manifest_reader_take_string (reader, "title", MAX_TITLE, &title) ||
      !collet_manifest_reader_take_string (reader, "description", MAX_DESCRIPTION, &description) ||
      !read_schema (reader, schema, &tool->input_schema) ||
      !read_schema (reader, collet_manifest_reader_take (reader, "outputSchema"), &tool->output_schema) ||
      !read_annotations (reader, collet_manifest_reader_take (reader, "annotations"), tool) ||
      !read_icons (reader, collet_manifest_reader_take (reader, "icons")) ||
      !read_former (reader, collet_manifest_reader_take (reader, "former"), schema, tool))
    return FALSE;
  if (tool->input_schema == NULL)
    tool->input_schema = any_object (reader->error);
  return tool->input_schema != NULL && collet_manifest_reader_finish (reader);
}

ColletManifestTool *
collet_manifest_tool_parse (const ColletJson *json, ColletJsonNode node, GError **error)
{
  g_autoptr (ColletManifestTool) tool = g_new0 (ColletManifestTool, 1);
  ColletManifestReader reader;

  if (!collet_manifest_reader_init (&reader, json, node, error) || !read_tool (&reader, tool))
    return NULL;
  tool->json = render (json, node);
  return g_steal_pointer (&tool);
}
