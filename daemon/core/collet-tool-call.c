/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-tool-call.h"

#include "collet-error.h"

gboolean
collet_tool_call_check_arguments (const ColletToolEntry *entry, const ColletJson *json, ColletJsonNode node,
                                  GError **error)
{
  if (json != NULL)
    return collet_json_schema_validate (entry->tool->input_schema, json, node, COLLET_ERROR_INVALID_ARGUMENTS,
                                        error);

  g_autoptr (ColletJson) none = collet_json_parse_borrowed ("{}", 2, NULL);
  return collet_json_schema_validate (entry->tool->input_schema, none, 0, COLLET_ERROR_INVALID_ARGUMENTS,
                                      error);
}

static gboolean
refuse (GError **error, const ColletToolEntry *entry, const char *found)
{
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_RESULT,
               "Tool \"%s\" of module \"%s\" %s answered with %s. Its author has to correct it.", entry->name,
               entry->module, entry->version->semver, found);
  return FALSE;
}

static gboolean
check_block (const ColletToolEntry *entry, const ColletJson *json, ColletJsonNode block, GError **error)
{
  static const char *const types[] = { "text", "image", "audio", "resource_link", "resource" };
  ColletJsonNode type = collet_json_member (json, block, "type");

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    if (type != 0 && collet_json_string_is (json, type, types[i]))
      return TRUE;
  return refuse (error, entry, "a content block of no known type");
}

static gboolean
check_content (const ColletToolEntry *entry, const ColletJson *json, GError **error)
{
  ColletJsonNode content = collet_json_member (json, 0, "content");

  if (content == 0 || collet_json_get_type (json, content) != COLLET_JSON_ARRAY)
    return refuse (error, entry, "no content array");
  for (ColletJsonNode block = collet_json_first (json, content); block != 0;
       block = collet_json_next (json, block))
    if (!check_block (entry, json, block, error))
      return FALSE;
  return TRUE;
}

static gboolean
check_structured (const ColletToolEntry *entry, const ColletJson *json, gboolean is_error, GError **error)
{
  ColletJsonNode structured = collet_json_member (json, 0, "structuredContent");
  const ColletJsonSchema *schema = entry->tool->output_schema;
  g_autoptr (GError) mismatch = NULL;

  if (structured != 0 && collet_json_get_type (json, structured) != COLLET_JSON_OBJECT)
    return refuse (error, entry, "structured content that is no object");
  if (schema == NULL || is_error)
    return TRUE;
  if (structured == 0)
    return refuse (error, entry, "no structured content, though it has an outputSchema");
  if (collet_json_schema_validate (schema, json, structured, COLLET_ERROR_INVALID_RESULT, &mismatch))
    return TRUE;

  g_autofree char *found =
      g_strdup_printf ("structured content that its outputSchema does not allow (%s)", mismatch->message);
  return refuse (error, entry, found);
}

gboolean
collet_tool_call_check_result (const ColletToolEntry *entry, const char *text, gsize size, gboolean *is_error,
                               GError **error)
{
  g_autoptr (GError) malformed = NULL;
  g_autoptr (ColletJson) json = collet_json_parse_borrowed (text, size, &malformed);

  if (json == NULL)
    {
      g_autofree char *found = g_strdup_printf ("what is no JSON (%s)", malformed->message);
      return refuse (error, entry, found);
    }
  if (collet_json_get_type (json, 0) != COLLET_JSON_OBJECT)
    return refuse (error, entry, "what is no JSON object");

  ColletJsonNode flag = collet_json_member (json, 0, "isError");
  *is_error = flag != 0 && collet_json_get_type (json, flag) == COLLET_JSON_TRUE;
  if (collet_json_member (json, 0, "_meta") != 0)
    return refuse (error, entry, "a _meta of its own");
  return check_content (entry, json, error) && check_structured (entry, json, *is_error, error);
}

void
collet_tool_call_append_result (GString *out, const ColletToolEntry *entry, const ColletCallResult *result,
                                const char *more, const char *members)
{
  gsize size = result->json_size;

  /* a checked answer is an object with at least "content" */
  while (size > 0 && result->json[size - 1] != '}')
    size--;
  g_string_append_len (out, result->json, size - 1);
  g_string_append_printf (out,
                          ",\"_meta\":{\"org.collet/generation\":%" G_GUINT64_FORMAT
                          ",\"org.collet/module\":\"%s\"",
                          result->generation, entry->module);
  if (result->version != NULL)
    g_string_append_printf (out, ",\"org.collet/sha256\":\"%s\",\"org.collet/version\":\"%s\"",
                            result->version->sha256, result->version->semver);
  if (more != NULL)
    g_string_append_printf (out, ",%s", more);
  g_string_append_c (out, '}');
  if (members != NULL)
    g_string_append_printf (out, ",%s", members);
  g_string_append_c (out, '}');
}
