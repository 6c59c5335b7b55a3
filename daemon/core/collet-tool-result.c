/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-tool-result.h"

#include "collet-error.h"

#include <string.h>

typedef struct
{
  const char *type;
  const char *strings[2]; /* members that must be strings */
} BlockType;

static const BlockType block_types[] = {
  { "text", { "text" } },
  { "image", { "data", "mimeType" } },
  { "audio", { "data", "mimeType" } },
  { "resource_link", { "uri", "name" } },
};

static gboolean
is_string (const ColletJson *json, ColletJsonNode node, const char *name)
{
  ColletJsonNode member = collet_json_member (json, node, name);

  return member != 0 && collet_json_get_type (json, member) == COLLET_JSON_STRING;
}

static gboolean
is_resource (const ColletJson *json, ColletJsonNode block)
{
  ColletJsonNode resource = collet_json_member (json, block, "resource");

  return resource != 0 && is_string (json, resource, "uri") &&
         (is_string (json, resource, "text") || is_string (json, resource, "blob"));
}

static gboolean
is_block (const ColletJson *json, ColletJsonNode block)
{
  ColletJsonNode type = collet_json_member (json, block, "type");

  if (type == 0)
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (block_types); i++)
    if (collet_json_string_is (json, type, block_types[i].type))
      return is_string (json, block, block_types[i].strings[0]) &&
             (!block_types[i].strings[1] || is_string (json, block, block_types[i].strings[1]));
  return collet_json_string_is (json, type, "resource") && is_resource (json, block);
}

static gboolean
check_content (const ColletJson *json, GError **error)
{
  ColletJsonNode content = collet_json_member (json, 0, "content");
  guint index = 0;

  if (content == 0 || collet_json_get_type (json, content) != COLLET_JSON_ARRAY)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_RESULT,
                   "The tool's result has no array \"content\". Its module has a fault; tell its author.");
      return FALSE;
    }
  for (ColletJsonNode block = collet_json_first (json, content); block;
       block = collet_json_next (json, block))
    {
      if (!is_block (json, block))
        {
          g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_RESULT,
                       "The tool's result has at /content/%u no block of a known type with all it needs. Its "
                       "module has a fault; tell its author.",
                       index);
          return FALSE;
        }
      index++;
    }
  return TRUE;
}

static gboolean
check_structured (const ColletJson *json, const ColletJsonSchema *schema, GError **error)
{
  ColletJsonNode structured = collet_json_member (json, 0, "structuredContent");
  g_autoptr (GError) mismatch = NULL;

  if (structured == 0)
    {
      if (!schema)
        return TRUE;
      g_set_error (
          error, COLLET_ERROR, COLLET_ERROR_INVALID_RESULT,
          "The tool promises an outputSchema, but its result has no structuredContent. Its module has "
          "a fault; tell its author.");
      return FALSE;
    }
  if (collet_json_get_type (json, structured) != COLLET_JSON_OBJECT)
    {
      g_set_error (
          error, COLLET_ERROR, COLLET_ERROR_INVALID_RESULT,
          "The structuredContent of the tool's result is no object. Its module has a fault; tell its "
          "author.");
      return FALSE;
    }
  if (schema &&
      !collet_json_schema_validate (schema, json, structured, COLLET_ERROR_INVALID_RESULT, &mismatch))
    {
      g_set_error (
          error, COLLET_ERROR, COLLET_ERROR_INVALID_RESULT,
          "The tool's structuredContent does not match its outputSchema: %s. Its module has a fault; "
          "tell its author.",
          mismatch->message);
      return FALSE;
    }
  return TRUE;
}

gboolean
collet_tool_result_check (const ColletJson *json, const ColletJsonSchema *schema, gboolean *is_error,
                          GError **error)
{
  ColletJsonNode flag;

  *is_error = FALSE;
  if (collet_json_get_type (json, 0) != COLLET_JSON_OBJECT)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_RESULT,
                   "The tool's result is no JSON object. Its module has a fault; tell its author.");
      return FALSE;
    }
  flag = collet_json_member (json, 0, "isError");
  if (flag != 0)
    {
      ColletJsonType type = collet_json_get_type (json, flag);

      if (type != COLLET_JSON_TRUE && type != COLLET_JSON_FALSE)
        {
          g_set_error (
              error, COLLET_ERROR, COLLET_ERROR_INVALID_RESULT,
              "The isError of the tool's result is neither true nor false. Its module has a fault; tell "
              "its author.");
          return FALSE;
        }
      *is_error = type == COLLET_JSON_TRUE;
    }
  return check_content (json, error) && check_structured (json, *is_error ? NULL : schema, error);
}

static void
append_member (GString *out, const ColletJson *json, ColletJsonNode node)
{
  g_autofree char *name = collet_json_dup_name (json, node);
  gsize size;
  const char *raw = collet_json_get_raw (json, node, &size);

  collet_json_append_string (out, name, -1);
  g_string_append_c (out, ':');
  g_string_append_len (out, raw, (gssize)size);
}

void
collet_tool_result_append_members (GString *out, const ColletJson *json)
{
  gsize size;
  const char *raw = collet_json_get_raw (json, 0, &size);
  gboolean is_first = TRUE;

  if (collet_json_member (json, 0, "_meta") == 0 && collet_json_member (json, 0, "resultType") == 0)
    {
      g_string_append_len (out, raw + 1, (gssize)size - 2);
      return;
    }
  for (ColletJsonNode node = collet_json_first (json, 0); node; node = collet_json_next (json, node))
    {
      if (collet_json_name_is (json, node, "_meta") || collet_json_name_is (json, node, "resultType"))
        continue;
      if (!is_first)
        g_string_append_c (out, ',');
      is_first = FALSE;
      append_member (out, json, node);
    }
}

void
collet_tool_result_append_meta (GString *out, const ColletJson *json)
{
  ColletJsonNode meta = collet_json_member (json, 0, "_meta");

  if (meta == 0)
    return;
  for (ColletJsonNode node = collet_json_first (json, meta); node; node = collet_json_next (json, node))
    {
      g_autofree char *name = collet_json_dup_name (json, node);

      if (g_str_has_prefix (name ? name : "", "org.collet/") ||
          g_str_has_prefix (name ? name : "", "io.modelcontextprotocol/"))
        continue;
      g_string_append_c (out, ',');
      append_member (out, json, node);
    }
}

static const ColletJsonSchema *
find_schema (const ColletCall *call)
{
  const ColletManifestTool *tool =
      call->checked != NULL ? collet_manifest_find_tool (call->checked, call->tool) : NULL;

  return tool != NULL ? tool->output_schema : NULL;
}

ColletJson *
collet_tool_result_parse (const ColletCall *call, const ColletCallResult *result, gboolean *is_error,
                          GError **error)
{
  g_autoptr (GError) fault = NULL;
  g_autoptr (ColletJson) json = NULL;

  if (result->is_asking)
    {
      g_set_error_literal (
          error, COLLET_ERROR, COLLET_ERROR_NOT_SUPPORTED,
          "The tool asks whoever called it for input. Only MCP clients can be asked: call it by "
          "one that can answer.");
      return NULL;
    }
  json = collet_json_parse_borrowed (result->json, result->json_size, &fault);

  if (!json)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_RESULT,
                   "The tool's result is no JSON: %s Its module has a fault; tell its author.",
                   fault->message);
      return NULL;
    }
  if (!collet_tool_result_check (json, find_schema (call), is_error, error))
    return NULL;
  return g_steal_pointer (&json);
}

/* Before `end`. */
static const char *
write_number (char *end, guint64 number)
{
  *--end = '\0';
  do
    *--end = (char)('0' + number % 10);
  while ((number /= 10) > 0);
  return end;
}

void
collet_tool_result_append_answered (GString *out, const ColletCallResult *result)
{
  char generation[24];

  if (!result->version)
    return;
  /* In every answer: what printf() does with a format costs more than all of this. */
  g_string_append (out, "\"org.collet/version\":\"");
  g_string_append (out, result->version->semver ? result->version->semver : "");
  g_string_append (out, "\",\"org.collet/sha256\":\"");
  g_string_append (out, result->version->sha256);
  g_string_append (out, "\",\"org.collet/generation\":");
  g_string_append (out, write_number (generation + sizeof generation, result->generation));
  if (result->version->signer != NULL)
    {
      g_string_append (out, ",\"org.collet/signer\":");
      collet_json_append_string (out, result->version->signer, -1);
    }
}
