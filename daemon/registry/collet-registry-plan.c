/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The rules of names: who may serve a tool under which name, and what a new
 * version of a module does to its tools.
 */
#include "collet-registry.h"

#include "collet-error.h"

static void
free_facts (gpointer facts)
{
  if (facts != NULL) /* apply takes them out one by one */
    collet_module_facts_free (facts);
}

static ColletRegistryPlan *
new_plan (GPtrArray *facts)
{
  ColletRegistryPlan *plan = g_new0 (ColletRegistryPlan, 1);

  plan->facts = facts != NULL ? facts : g_ptr_array_new ();
  g_ptr_array_set_free_func (plan->facts, free_facts);
  plan->tools = g_ptr_array_new_with_free_func (g_object_unref);
  plan->removed = g_ptr_array_new_with_free_func (g_free);
  return plan;
}

void
collet_registry_plan_free (ColletRegistryPlan *plan)
{
  g_ptr_array_unref (plan->facts);
  g_ptr_array_unref (plan->tools);
  g_ptr_array_unref (plan->removed);
  g_free (plan);
}

static gboolean
refuse_clash (GError **error, const char *tool, const char *module, const char *owner)
{
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_NAME_CLASH,
               "Tool \"%s\" of module \"%s\" is already served by module \"%s\". "
               "Rename it in the manifest, or unload \"%s\" first.",
               tool, module, owner, owner);
  return FALSE;
}

/* `taken`: names that an earlier module of the same plan adds. */
static gboolean
plan_declared_tool (ColletRegistry *self, ColletRegistryPlan *plan, GHashTable *taken,
                    const ColletModuleFacts *module, const ColletManifestTool *tool, gint64 now,
                    GError **error)
{
  ColletTool *existing = collet_registry_find_tool (self, tool->name);
  const char *rival = g_hash_table_lookup (taken, tool->name);

  if (rival != NULL)
    return refuse_clash (error, tool->name, module->name, rival);
  if (existing != NULL && !g_str_equal (collet_tool_get_facts (existing)->module, module->name))
    return refuse_clash (error, tool->name, module->name, collet_tool_get_facts (existing)->module);

  g_hash_table_insert (taken, tool->name, module->name);
  if (existing != NULL)
    return TRUE; /* plan_existing_tools brings it to the new version */

  ColletToolFacts *facts = g_new0 (ColletToolFacts, 1);
  facts->name = g_strdup (tool->name);
  facts->module = g_strdup (module->name);
  facts->module_tool = g_strdup (tool->name);
  facts->version = g_strdup (module->version->sha256);
  facts->registered_at = now;
  g_ptr_array_add (plan->tools, collet_tool_new (facts));
  return TRUE;
}

/* The names that the module has now: to the new version, or gone with the tool. */
static void
plan_existing_tools (ColletRegistry *self, ColletRegistryPlan *plan, const ColletModuleFacts *module)
{
  g_autoptr (GPtrArray) names = collet_registry_list_tools (self, module->name);

  for (guint i = 0; i < names->len; i++)
    {
      const ColletToolFacts *facts =
          collet_tool_get_facts (collet_registry_find_tool (self, names->pdata[i]));

      if (module->manifest == NULL ||
          collet_manifest_find_tool (module->manifest, facts->module_tool) == NULL)
        {
          g_ptr_array_add (plan->removed, g_strdup (facts->name));
          continue;
        }
      ColletToolFacts *changed = collet_tool_facts_copy (facts);
      g_free (changed->version);
      changed->version = g_strdup (module->version->sha256);
      g_ptr_array_add (plan->tools, collet_tool_new (changed));
    }
}

ColletRegistryPlan *
collet_registry_plan (ColletRegistry *self, GPtrArray *facts, gint64 now, GError **error)
{
  g_autoptr (ColletRegistryPlan) plan = new_plan (facts);
  g_autoptr (GHashTable) taken = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < plan->facts->len; i++)
    {
      const ColletModuleFacts *module = plan->facts->pdata[i];

      plan_existing_tools (self, plan, module);
      if (module->manifest == NULL)
        continue;
      for (guint j = 0; j < module->manifest->tools->len; j++)
        if (!plan_declared_tool (self, plan, taken, module, module->manifest->tools->pdata[j], now, error))
          return NULL;
    }
  return g_steal_pointer (&plan);
}

static gboolean
is_tool_name (const char *name)
{
  gsize length = strlen (name);

  if (length == 0 || length > 128)
    return FALSE;
  for (const char *c = name; *c != '\0'; c++)
    if (!g_ascii_isalnum (*c) && strchr ("_.-", *c) == NULL)
      return FALSE;
  return TRUE;
}

static gboolean
may_register (ColletTool *existing, const char *name, const char *module, GError **error)
{
  if (existing == NULL)
    return TRUE;

  const ColletToolFacts *facts = collet_tool_get_facts (existing);
  if (g_str_equal (facts->module, module) && !facts->is_explicit)
    return TRUE;
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_ALREADY_REGISTERED,
               "Tool \"%s\" is already registered for \"%s\" of module \"%s\". "
               "Unregister it first, or choose another name.",
               name, facts->module_tool, facts->module);
  return FALSE;
}

ColletRegistryPlan *
collet_registry_plan_register (ColletRegistry *self, const char *name, const char *module, const char *tool,
                               const char *metadata, gint64 now, GError **error)
{
  ColletModule *served = collet_registry_find_module (self, module);
  ColletTool *existing = collet_registry_find_tool (self, name);

  if (!is_tool_name (name))
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                   "\"%s\" is no tool name; use 1 to 128 of letters, digits, '_', '-' and '.'.", name);
      return NULL;
    }
  if (served == NULL)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_MODULE_NOT_LOADED,
                   "Module \"%s\" is not loaded; load it before registering its tools.", module);
      return NULL;
    }
  const ColletModuleFacts *facts = collet_module_get_facts (served);
  if (collet_manifest_find_tool (facts->manifest, tool) == NULL)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_NOT_FOUND,
                   "Module \"%s\" %s has no tool \"%s\"; see its manifest for those it has.", module,
                   facts->version->semver, tool);
      return NULL;
    }
  if (metadata != NULL && !collet_tool_check_metadata (metadata, error))
    return NULL;
  if (!may_register (existing, name, module, error))
    return NULL;

  ColletToolFacts *registered = g_new0 (ColletToolFacts, 1);
  registered->name = g_strdup (name);
  registered->module = g_strdup (module);
  registered->module_tool = g_strdup (tool);
  registered->metadata = g_strdup (metadata);
  registered->version = g_strdup (facts->version->sha256);
  registered->is_explicit = TRUE;
  registered->registered_at = now;
  if (existing != NULL)
    {
      registered->updated_at = collet_tool_get_facts (existing)->updated_at;
      registered->sequence = collet_tool_get_facts (existing)->sequence;
    }

  ColletRegistryPlan *plan = new_plan (NULL);
  g_ptr_array_add (plan->tools, collet_tool_new (registered));
  return plan;
}

static ColletTool *
find_registered (ColletRegistry *self, const char *name, GError **error)
{
  ColletTool *tool = collet_registry_find_tool (self, name);

  if (tool == NULL)
    g_set_error (error, COLLET_ERROR, COLLET_ERROR_NOT_FOUND,
                 "There is no tool \"%s\". List the tools to see those there are.", name);
  return tool;
}

ColletRegistryPlan *
collet_registry_plan_unregister (ColletRegistry *self, const char *name, GError **error)
{
  ColletTool *tool = find_registered (self, name, error);

  if (tool == NULL)
    return NULL;

  const ColletToolFacts *facts = collet_tool_get_facts (tool);
  ColletModule *module = collet_registry_find_module (self, facts->module);
  ColletRegistryPlan *plan = new_plan (NULL);

  if (facts->is_explicit && module != NULL &&
      collet_manifest_find_tool (collet_module_get_facts (module)->manifest, name) != NULL)
    {
      ColletToolFacts *declared = collet_tool_facts_copy (facts);

      declared->is_explicit = FALSE;
      g_clear_pointer (&declared->metadata, g_free);
      g_free (declared->module_tool);
      declared->module_tool = g_strdup (name);
      g_ptr_array_add (plan->tools, collet_tool_new (declared));
    }
  else
    {
      g_ptr_array_add (plan->removed, g_strdup (name));
    }
  return plan;
}

ColletRegistryPlan *
collet_registry_plan_version (ColletRegistry *self, const char *name, const char *version, gboolean *changed,
                              GError **error)
{
  ColletTool *tool = find_registered (self, name, error);

  if (tool == NULL)
    return NULL;

  const ColletToolFacts *facts = collet_tool_get_facts (tool);
  ColletModule *module = collet_registry_find_module (self, facts->module);
  const ColletVersion *published = module != NULL ? collet_module_get_facts (module)->version : NULL;

  if (published == NULL || !collet_version_matches (published, version))
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_VERSION_MISMATCH,
                   "Version \"%s\" is not the one that tool \"%s\" runs (%s). Publish that version first.",
                   version, name, published != NULL ? published->sha256 : "its module is not loaded");
      return NULL;
    }

  ColletRegistryPlan *plan = new_plan (NULL);
  *changed = !g_str_equal (facts->version, published->sha256);
  if (*changed)
    {
      ColletToolFacts *recorded = collet_tool_facts_copy (facts);

      g_free (recorded->version);
      recorded->version = g_strdup (published->sha256);
      g_ptr_array_add (plan->tools, collet_tool_new (recorded));
    }
  return plan;
}

void
collet_registry_plan_number (ColletRegistryPlan *plan, const GPtrArray *updates)
{
  guint i = 0;

  for (guint j = 0; updates != NULL && j < updates->len; j++)
    {
      const ColletUpdateRow *update = updates->pdata[j];

      if (update->version == NULL)
        continue; /* it goes */
      while (i < plan->tools->len &&
             !g_str_equal (collet_tool_get_name (plan->tools->pdata[i]), update->tool))
        i++; /* not news */
      g_return_if_fail (i < plan->tools->len);
      collet_tool_set_update (plan->tools->pdata[i], update->sequence, update->at);
    }
}
