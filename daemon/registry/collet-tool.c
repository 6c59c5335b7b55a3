/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-tool.h"

#include "collet-error.h"

struct _ColletTool
{
  GObject parent_instance;
  ColletToolFacts *facts;
  ColletToolCounter *counter;
};

G_DEFINE_FINAL_TYPE (ColletTool, collet_tool, G_TYPE_OBJECT)

void
collet_tool_facts_free (ColletToolFacts *facts)
{
  g_free (facts->name);
  g_free (facts->module);
  g_free (facts->module_tool);
  g_free (facts->metadata);
  g_free (facts->version);
  g_free (facts);
}

ColletToolFacts *
collet_tool_facts_copy (const ColletToolFacts *facts)
{
  ColletToolFacts *copy = g_memdup2 (facts, sizeof *facts);

  copy->name = g_strdup (facts->name);
  copy->module = g_strdup (facts->module);
  copy->module_tool = g_strdup (facts->module_tool);
  copy->metadata = g_strdup (facts->metadata);
  copy->version = g_strdup (facts->version);
  return copy;
}

static void
collet_tool_finalize (GObject *object)
{
  ColletTool *self = COLLET_TOOL (object);

  collet_tool_facts_free (self->facts);
  collet_tool_counter_unref (self->counter);
  G_OBJECT_CLASS (collet_tool_parent_class)->finalize (object);
}

static void
collet_tool_class_init (ColletToolClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = collet_tool_finalize;
}

static void
collet_tool_init (ColletTool *self)
{
  self->counter = collet_tool_counter_new ();
}

ColletTool *
collet_tool_new (ColletToolFacts *facts)
{
  ColletTool *self = g_object_new (COLLET_TYPE_TOOL, NULL);

  self->facts = facts;
  return self;
}

const ColletToolFacts *
collet_tool_get_facts (ColletTool *self)
{
  return self->facts;
}

const char *
collet_tool_get_name (ColletTool *self)
{
  return self->facts->name;
}

void
collet_tool_set_update (ColletTool *self, guint64 sequence, gint64 at)
{
  self->facts->sequence = sequence;
  self->facts->updated_at = at;
}

ColletToolCounter *
collet_tool_get_counter (ColletTool *self)
{
  return self->counter;
}

void
collet_tool_succeed (ColletTool *self, ColletTool *former)
{
  ColletToolCounter *counter = collet_tool_counter_ref (former->counter);

  collet_tool_counter_unref (self->counter);
  self->counter = counter;
}

/* A member of the module's Tool object, or what the registration says instead. */
static gboolean
append_overridden (GString *out, const ColletToolFacts *facts, const ColletJson *metadata, const char *member)
{
  if (g_str_equal (member, "name"))
    {
      collet_json_append_string (out, facts->name, -1);
      return TRUE;
    }
  if (metadata == NULL)
    return FALSE;

  ColletJsonNode node = collet_json_member (metadata, 0, member);
  if (node == 0)
    return FALSE;
  collet_json_append_canonical (out, metadata, node);
  return TRUE;
}

static void
append_member (GString *out, const char *member)
{
  if (out->len > 1)
    g_string_append_c (out, ',');
  collet_json_append_string (out, member, -1);
  g_string_append_c (out, ':');
}

/* The module's Tool object with the registration's name, title and description
 * in place of its own. */
static void
append_registered (GString *out, const ColletToolFacts *facts, const ColletManifestTool *tool)
{
  static const char *const overridable[] = { "annotations", "description", "title" };
  g_autoptr (ColletJson) own = collet_json_parse_borrowed (tool->json, strlen (tool->json), NULL);
  g_autoptr (ColletJson) metadata = NULL;

  g_assert (own != NULL);
  if (facts->metadata != NULL)
    metadata = collet_json_parse (facts->metadata, -1, NULL);

  g_string_append_c (out, '{');
  for (ColletJsonNode node = collet_json_first (own, 0); node != 0; node = collet_json_next (own, node))
    {
      g_autofree char *member = collet_json_dup_name (own, node);

      append_member (out, member);
      if (!append_overridden (out, facts, metadata, member))
        collet_json_append_canonical (out, own, node);
    }
  for (gsize i = 0; metadata != NULL && i < G_N_ELEMENTS (overridable); i++)
    {
      ColletJsonNode node = collet_json_member (metadata, 0, overridable[i]);

      if (node == 0 || collet_json_member (own, 0, overridable[i]) != 0)
        continue;
      append_member (out, overridable[i]);
      collet_json_append_canonical (out, metadata, node);
    }
  g_string_append_c (out, '}');
}

static char *
make_json (const ColletToolFacts *facts, const ColletManifestTool *tool, const ColletVersion *version,
           gsize *size)
{
  GString *out = g_string_sized_new (strlen (tool->json) + 256);

  if (facts->metadata == NULL && g_str_equal (facts->name, tool->name))
    g_string_append (out, tool->json);
  else
    append_registered (out, facts, tool);

  g_assert (out->str[out->len - 1] == '}');
  g_string_truncate (out, out->len - 1);
  g_string_append (out, ",\"_meta\":{\"org.collet/module\":");
  collet_json_append_string (out, facts->module, -1);
  g_string_append (out, ",\"org.collet/sha256\":");
  collet_json_append_string (out, version->sha256, -1);
  if (version->signer != NULL)
    {
      g_string_append (out, ",\"org.collet/signer\":");
      collet_json_append_string (out, version->signer, -1);
    }
  g_string_append (out, ",\"org.collet/version\":");
  collet_json_append_string (out, version->semver, -1);
  g_string_append (out, "}}");
  *size = out->len;
  return g_string_free (out, FALSE);
}

ColletToolEntry *
collet_tool_make_entry (ColletTool *self, ColletVersion *version, guint64 generation,
                        ColletManifest *manifest, ColletCallTarget *target)
{
  const ColletToolFacts *facts = self->facts;
  const ColletManifestTool *tool = collet_manifest_find_tool (manifest, facts->module_tool);

  g_return_val_if_fail (tool != NULL, NULL);

  ColletToolEntry *entry = g_new0 (ColletToolEntry, 1);
  entry->name = g_strdup (facts->name);
  entry->module_tool = g_strdup (facts->module_tool);
  entry->module = g_strdup (facts->module);
  entry->version = collet_version_ref (version);
  entry->generation = generation;
  entry->manifest = collet_manifest_ref (manifest);
  entry->tool = tool;
  entry->target = collet_call_target_ref (target);
  entry->counter = collet_tool_counter_ref (self->counter);
  entry->call_timeout_ms = manifest->call_timeout_ms;
  entry->json = make_json (facts, tool, version, &entry->json_size);
  return entry;
}

gboolean
collet_tool_check_metadata (const char *metadata, GError **error)
{
  g_autoptr (ColletJson) json = collet_json_parse (metadata, -1, error);

  if (json == NULL)
    return FALSE;
  if (collet_json_get_type (json, 0) != COLLET_JSON_OBJECT)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                   "Metadata of a tool is %s; give a JSON object with \"title\" or \"description\".",
                   collet_json_type_name (collet_json_get_type (json, 0)));
      return FALSE;
    }
  for (ColletJsonNode node = collet_json_first (json, 0); node != 0; node = collet_json_next (json, node))
    {
      gboolean is_text =
          collet_json_name_is (json, node, "title") || collet_json_name_is (json, node, "description");
      gboolean is_annotations = collet_json_name_is (json, node, "annotations");
      ColletJsonType type = collet_json_get_type (json, node);

      if ((is_text && type == COLLET_JSON_STRING) || (is_annotations && type == COLLET_JSON_OBJECT))
        continue;

      g_autofree char *name = collet_json_dup_name (json, node);
      g_set_error (
          error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
          "Metadata of a tool has \"%s\" (%s); it can have \"title\" and \"description\" (strings) and "
          "\"annotations\" (an object).",
          name, collet_json_type_name (type));
      return FALSE;
    }
  return TRUE;
}
