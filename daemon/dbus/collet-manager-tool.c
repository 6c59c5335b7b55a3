/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Methods about tools.
 */
#include "collet-manager-methods.h"

#include "collet-bus-rows.h"
#include "collet-bus-tool-call.h"
#include "collet-bus.h"
#include "collet-error.h"
#include "collet-manager-object.h"
#include "collet-registration.h"

/* ---- reading ---- */

static GError *
no_such_tool (const char *name)
{
  return g_error_new (COLLET_ERROR, COLLET_ERROR_NOT_FOUND,
                      "There is no tool \"%s\". List the tools to see those there are.", name);
}

static void
get_tool (gpointer object, ColletBusCall *call)
{
  const char *name;

  g_variant_get (call->parameters, "(&s)", &name);
  ColletDbusTool *tool = collet_exports_find_tool (collet_manager_object_get_exports (object), name);
  if (tool == NULL)
    {
      collet_bus_call_fail (call, no_such_tool (name));
      return;
    }
  g_autoptr (GVariant) row = collet_bus_row_dup_properties (tool);
  collet_bus_call_return (call, g_variant_new ("(@a{sv})", row));
}

static void
list_tools (gpointer object, ColletBusCall *call)
{
  ColletManagerObject *self = object;
  GListModel *tools = collet_registry_get_tools (collet_manager_object_get_registry (self));
  g_autoptr (GVariant) options = g_variant_get_child_value (call->parameters, 0);
  const char *module = NULL;
  GVariantBuilder rows;

  g_variant_lookup (options, "module", "&s", &module);
  g_variant_builder_init (&rows, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < g_list_model_get_n_items (tools); i++)
    {
      g_autoptr (ColletTool) tool = g_list_model_get_item (tools, i);

      if (module != NULL && !g_str_equal (collet_tool_get_facts (tool)->module, module))
        continue;
      collet_bus_rows_add_properties (&rows,
                                      collet_exports_find_tool (collet_manager_object_get_exports (self),
                                                                collet_tool_get_name (tool)));
    }
  collet_bus_call_return (call, g_variant_new ("(aa{sv})", &rows));
}

/* ---- registration ---- */

static gboolean
finish_registration (GObject *object, GAsyncResult *result, ColletBusCall *call, gboolean *changed)
{
  GError *error = NULL;

  if (collet_reloader_registration_finish (COLLET_RELOADER (object), result, changed, &error))
    return TRUE;
  collet_bus_call_fail (call, error);
  return FALSE;
}

static void
on_registered (GObject *object, GAsyncResult *result, gpointer data)
{
  ColletBusCall *call = data;
  gboolean changed;
  const char *name;

  if (!finish_registration (object, result, call, &changed))
    return;
  g_variant_get_child (call->parameters, 0, "&s", &name);
  g_autofree char *path = collet_bus_dup_path (COLLET_BUS_TOOLS, name);
  collet_bus_call_return (call, g_variant_new ("(o)", path));
}

static void
append_text (GString *json, GVariant *metadata, const char *name)
{
  const char *text;

  if (!g_variant_lookup (metadata, name, "&s", &text))
    return;
  if (json->len > 1)
    g_string_append_c (json, ',');
  g_string_append_printf (json, "\"%s\":", name);
  collet_json_append_string (json, text, -1);
}

/* NULL: none given, or `error` is set. */
static char *
metadata_to_json (GVariant *metadata, GError **error)
{
  GString *json = g_string_new ("{");
  const char *annotations;

  append_text (json, metadata, "title");
  append_text (json, metadata, "description");
  if (g_variant_lookup (metadata, "annotations", "&s", &annotations))
    {
      g_autoptr (ColletJson) parsed = collet_json_parse_borrowed (annotations, strlen (annotations), error);

      if (parsed == NULL)
        {
          g_prefix_error (error, "\"annotations\": ");
          g_string_free (json, TRUE);
          return NULL;
        }
      g_string_append_printf (json, "%s\"annotations\":", json->len > 1 ? "," : "");
      collet_json_append_canonical (json, parsed, 0);
    }
  g_string_append_c (json, '}');
  return g_string_free (json, json->len == 2);
}

static void
register_tool (gpointer object, ColletBusCall *call)
{
  const char *name;
  const char *module;
  const char *tool;
  g_autoptr (GVariant) metadata = NULL;
  GError *error = NULL;

  g_variant_get (call->parameters, "(&s&s&s@a{sv})", &name, &module, &tool, &metadata);
  g_autofree char *json = metadata_to_json (metadata, &error);
  if (error != NULL)
    collet_bus_call_fail (call, error);
  else
    collet_reloader_register_tool_async (collet_manager_object_get_reloader (object), name, module, tool,
                                         json, on_registered, call);
}

static void
on_unregistered (GObject *object, GAsyncResult *result, gpointer data)
{
  gboolean changed;

  if (finish_registration (object, result, data, &changed))
    collet_bus_call_return (data, NULL);
}

static void
unregister_tool (gpointer object, ColletBusCall *call)
{
  const char *name;

  g_variant_get (call->parameters, "(&s)", &name);
  collet_reloader_unregister_tool_async (collet_manager_object_get_reloader (object), name, on_unregistered,
                                         call);
}

static void
on_updated (GObject *object, GAsyncResult *result, gpointer data)
{
  ColletBusCall *call = data;
  gboolean changed;
  guint64 sequence;

  if (!finish_registration (object, result, call, &changed))
    return;
  sequence = collet_reloader_registration_get_sequence (COLLET_RELOADER (object), result);
  collet_bus_call_return (call, g_variant_new ("(bt)", changed, sequence));
}

static void
update_tool_version (gpointer object, ColletBusCall *call)
{
  const char *name;
  const char *version;

  g_variant_get (call->parameters, "(&s&s)", &name, &version);
  collet_reloader_update_tool_async (collet_manager_object_get_reloader (object), name, version, on_updated,
                                     call);
}

static void
call_tool (gpointer object, ColletBusCall *call)
{
  const char *tool;
  const char *arguments;
  g_autoptr (GVariant) options = NULL;

  g_variant_get (call->parameters, "(&s&s@a{sv})", &tool, &arguments, &options);
  collet_bus_tool_call_start (collet_manager_object_get_directory (object),
                              collet_reloader_get_recorder (collet_manager_object_get_reloader (object)),
                              call, tool, arguments, options);
}

const ColletBusMethod collet_manager_tool_methods[] = {
  { "GetTool", get_tool },
  { "ListTools", list_tools },
  { "RegisterTool", register_tool },
  { "UnregisterTool", unregister_tool },
  { "UpdateToolVersion", update_tool_version },
  { "CallTool", call_tool },
  { NULL, NULL },
};
