/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-tool-object.h"

struct _ColletToolObject
{
  ColletDbusToolSkeleton parent_instance;
  ColletRegistry *registry;
  ColletToolCounter *counter;
};

G_DEFINE_FINAL_TYPE (ColletToolObject, collet_tool_object, COLLET_DBUS_TYPE_TOOL_SKELETON)

static void
collet_tool_object_dispose (GObject *object)
{
  ColletToolObject *self = COLLET_TOOL_OBJECT (object);

  g_clear_object (&self->registry);
  g_clear_pointer (&self->counter, collet_tool_counter_unref);
  G_OBJECT_CLASS (collet_tool_object_parent_class)->dispose (object);
}

static void
collet_tool_object_class_init (ColletToolObjectClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = collet_tool_object_dispose;
}

static void
collet_tool_object_init (ColletToolObject *self)
{
}

/* A member of MCP's Tool object: a string as itself, anything else as JSON text. */
static char *
dup_member (const ColletJson *json, const char *name)
{
  ColletJsonNode node = collet_json_member (json, 0, name);
  gsize size;

  if (node == 0)
    return g_strdup ("");
  if (collet_json_get_type (json, node) == COLLET_JSON_STRING)
    return collet_json_dup_string (json, node);

  const char *raw = collet_json_get_raw (json, node, &size);
  return g_strndup (raw, size);
}

static void
set_served (ColletDbusTool *bus, const char *text)
{
  g_autoptr (ColletJson) json = collet_json_parse_borrowed (text, strlen (text), NULL);
  g_autofree char *title = dup_member (json, "title");
  g_autofree char *description = dup_member (json, "description");
  g_autofree char *input_schema = dup_member (json, "inputSchema");
  g_autofree char *output_schema = dup_member (json, "outputSchema");
  g_autofree char *annotations = dup_member (json, "annotations");

  collet_dbus_tool_set_title (bus, title);
  collet_dbus_tool_set_description (bus, description);
  collet_dbus_tool_set_input_schema (bus, input_schema);
  collet_dbus_tool_set_output_schema (bus, output_schema);
  collet_dbus_tool_set_annotations (bus, *annotations != '\0' ? annotations : "{}");
}

void
collet_tool_object_refresh (ColletToolObject *self)
{
  guint64 calls;
  guint64 errors;

  collet_tool_counter_get (self->counter, &calls, &errors);
  collet_dbus_tool_set_calls (COLLET_DBUS_TOOL (self), calls);
  collet_dbus_tool_set_errors (COLLET_DBUS_TOOL (self), errors);
  collet_dbus_tool_set_former_calls (COLLET_DBUS_TOOL (self), collet_tool_counter_get_former (self->counter));
  collet_dbus_tool_set_subscribers (
      COLLET_DBUS_TOOL (self),
      collet_subscriptions_count (collet_registry_get_subscriptions (self->registry),
                                  collet_dbus_tool_get_name (COLLET_DBUS_TOOL (self))));
}

void
collet_tool_object_set_tool (ColletToolObject *self, ColletTool *tool)
{
  ColletDbusTool *bus = COLLET_DBUS_TOOL (self);
  const ColletToolFacts *facts = collet_tool_get_facts (tool);
  ColletModule *module = collet_registry_find_module (self->registry, facts->module);

  collet_dbus_tool_set_name (bus, facts->name);
  collet_dbus_tool_set_module (bus, facts->module);
  collet_dbus_tool_set_module_tool (bus, facts->module_tool);
  collet_dbus_tool_set_version (bus, facts->version);
  collet_dbus_tool_set_explicit (bus, facts->is_explicit);
  collet_dbus_tool_set_registered_at (bus, facts->registered_at);
  collet_dbus_tool_set_updated_at (bus, facts->updated_at);
  collet_dbus_tool_set_sequence (bus, facts->sequence);
  if (module == NULL)
    return;

  const ColletModuleFacts *runs = collet_module_get_facts (module);
  collet_dbus_tool_set_semantic_version (bus, runs->version->semver);
  if (collet_manifest_find_tool (runs->manifest, facts->module_tool) == NULL)
    return;
  ColletToolEntry *entry =
      collet_tool_make_entry (tool, runs->version, runs->generation, runs->manifest, runs->target);
  set_served (bus, entry->json);
  collet_tool_entry_free (entry);
}

ColletToolObject *
collet_tool_object_new (ColletTool *tool, ColletRegistry *registry)
{
  ColletToolObject *self = g_object_new (COLLET_TYPE_TOOL_OBJECT, NULL);

  self->registry = g_object_ref (registry);
  self->counter = collet_tool_counter_ref (collet_tool_get_counter (tool));
  collet_tool_object_set_tool (self, tool);
  return self;
}
