/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-registry.h"

#include "collet-error.h"

struct _ColletRegistry
{
  GObject parent_instance;
  GListStore *modules; /* ColletModule, by name */
  GListStore *tools;   /* ColletTool, by name */
  GHashTable *modules_by_name;
  GHashTable *tools_by_name;
  GHashTable *names_by_module; /* module → set of tool names */
  GPtrArray *unlisted;         /* ColletModule: new, while a plan is applied */
  ColletSubscriptions *subscriptions;
  ColletToolDirectory *directory;
  guint64 serial;
};

G_DEFINE_FINAL_TYPE (ColletRegistry, collet_registry, G_TYPE_OBJECT)

static guint tools_changed_signal;

static void
collet_registry_finalize (GObject *object)
{
  ColletRegistry *self = COLLET_REGISTRY (object);

  g_hash_table_unref (self->modules_by_name);
  g_hash_table_unref (self->tools_by_name);
  g_hash_table_unref (self->names_by_module);
  g_ptr_array_unref (self->unlisted);
  collet_subscriptions_free (self->subscriptions);
  g_object_unref (self->modules);
  g_object_unref (self->tools);
  G_OBJECT_CLASS (collet_registry_parent_class)->finalize (object);
}

static void
collet_registry_class_init (ColletRegistryClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = collet_registry_finalize;
  /* guint64 serial */
  tools_changed_signal = g_signal_new ("tools-changed", COLLET_TYPE_REGISTRY, G_SIGNAL_RUN_LAST, 0, NULL,
                                       NULL, NULL, G_TYPE_NONE, 1, G_TYPE_UINT64);
}

static void
collet_registry_init (ColletRegistry *self)
{
  self->modules = g_list_store_new (COLLET_TYPE_MODULE);
  self->tools = g_list_store_new (COLLET_TYPE_TOOL);
  /* keys belong to the objects, which the list stores keep */
  self->modules_by_name = g_hash_table_new (g_str_hash, g_str_equal);
  self->tools_by_name = g_hash_table_new (g_str_hash, g_str_equal);
  self->names_by_module =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_hash_table_unref);
  self->unlisted = g_ptr_array_new_with_free_func (g_object_unref);
  self->subscriptions = collet_subscriptions_new ();
}

ColletRegistry *
collet_registry_new (ColletToolDirectory *directory)
{
  ColletRegistry *self = g_object_new (COLLET_TYPE_REGISTRY, NULL);

  self->directory = directory;
  return self;
}

GListModel *
collet_registry_get_modules (ColletRegistry *self)
{
  return G_LIST_MODEL (self->modules);
}

GListModel *
collet_registry_get_tools (ColletRegistry *self)
{
  return G_LIST_MODEL (self->tools);
}

ColletSubscriptions *
collet_registry_get_subscriptions (ColletRegistry *self)
{
  return self->subscriptions;
}

ColletModule *
collet_registry_find_module (ColletRegistry *self, const char *name)
{
  return g_hash_table_lookup (self->modules_by_name, name);
}

ColletTool *
collet_registry_find_tool (ColletRegistry *self, const char *name)
{
  return g_hash_table_lookup (self->tools_by_name, name);
}

static int
compare_modules (gconstpointer a, gconstpointer b, gpointer unused)
{
  return strcmp (collet_module_get_name ((ColletModule *)a), collet_module_get_name ((ColletModule *)b));
}

static int
compare_tools (gconstpointer a, gconstpointer b, gpointer unused)
{
  return strcmp (collet_tool_get_name ((ColletTool *)a), collet_tool_get_name ((ColletTool *)b));
}

/* Where `name` stands, or would stand. */
static guint
find_position (GListModel *model, gpointer wanted, GCompareDataFunc compare, gboolean *found)
{
  guint low = 0;
  guint high = g_list_model_get_n_items (model);

  *found = FALSE;
  while (low < high)
    {
      guint middle = low + (high - low) / 2;
      g_autoptr (GObject) item = g_list_model_get_item (model, middle);
      int order = compare (item, wanted, NULL);

      if (order == 0)
        {
          *found = TRUE;
          return middle;
        }
      if (order < 0)
        low = middle + 1;
      else
        high = middle;
    }
  return low;
}

/* The names under which a module's tools are served; sorted when asked for. */
static void
index_tool (ColletRegistry *self, ColletTool *tool)
{
  const ColletToolFacts *facts = collet_tool_get_facts (tool);
  GHashTable *names = g_hash_table_lookup (self->names_by_module, facts->module);

  if (names == NULL)
    {
      names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
      g_hash_table_insert (self->names_by_module, g_strdup (facts->module), names);
    }
  g_hash_table_add (names, g_strdup (facts->name));
}

static void
unindex_tool (ColletRegistry *self, ColletTool *tool)
{
  const ColletToolFacts *facts = collet_tool_get_facts (tool);
  GHashTable *names = g_hash_table_lookup (self->names_by_module, facts->module);

  g_hash_table_remove (names, facts->name);
  if (g_hash_table_size (names) == 0)
    g_hash_table_remove (self->names_by_module, facts->module);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *
collet_registry_list_tools (ColletRegistry *self, const char *module)
{
  GPtrArray *sorted = g_ptr_array_new_with_free_func (g_free);
  GHashTable *names = g_hash_table_lookup (self->names_by_module, module);
  GHashTableIter iter;
  const char *name;

  if (names == NULL)
    return sorted;
  g_hash_table_iter_init (&iter, names);
  while (g_hash_table_iter_next (&iter, (gpointer *)&name, NULL))
    g_ptr_array_add (sorted, g_strdup (name));
  g_ptr_array_sort (sorted, compare_names);
  return sorted;
}

guint64
collet_registry_count_former_calls (ColletRegistry *self, const char *module)
{
  GHashTable *names = g_hash_table_lookup (self->names_by_module, module);
  GHashTableIter iter;
  const char *name;
  guint64 calls = 0;

  if (names == NULL)
    return 0;
  g_hash_table_iter_init (&iter, names);
  while (g_hash_table_iter_next (&iter, (gpointer *)&name, NULL))
    calls +=
        collet_tool_counter_get_former (collet_tool_get_counter (collet_registry_find_tool (self, name)));
  return calls;
}

void
collet_registry_count_calls (ColletRegistry *self, const char *module, guint64 *calls, guint64 *errors)
{
  GHashTable *names = g_hash_table_lookup (self->names_by_module, module);
  GHashTableIter iter;
  const char *name;

  *calls = *errors = 0;
  if (names == NULL)
    return;
  g_hash_table_iter_init (&iter, names);
  while (g_hash_table_iter_next (&iter, (gpointer *)&name, NULL))
    {
      guint64 tool_calls;
      guint64 tool_errors;

      collet_tool_counter_get (collet_tool_get_counter (collet_registry_find_tool (self, name)), &tool_calls,
                               &tool_errors);
      *calls += tool_calls;
      *errors += tool_errors;
    }
}

static void
put_tool (ColletRegistry *self, ColletTool *tool)
{
  gboolean found;
  ColletTool *former = collet_registry_find_tool (self, collet_tool_get_name (tool));
  guint position = find_position (G_LIST_MODEL (self->tools), tool, compare_tools, &found);

  if (former != NULL)
    {
      unindex_tool (self, former);
      collet_tool_succeed (tool, former);
    }
  index_tool (self, tool);
  g_hash_table_replace (self->tools_by_name, (gpointer)collet_tool_get_name (tool), tool);
  g_list_store_splice (self->tools, position, found ? 1 : 0, (gpointer *)&tool, 1);
}

static void
remove_tool (ColletRegistry *self, const char *name)
{
  gboolean found;
  ColletTool *tool = collet_registry_find_tool (self, name);

  if (tool == NULL)
    return;
  guint position = find_position (G_LIST_MODEL (self->tools), tool, compare_tools, &found);
  unindex_tool (self, tool);
  g_hash_table_remove (self->tools_by_name, name);
  g_list_store_remove (self->tools, position);
}

static void
remove_module (ColletRegistry *self, const char *name)
{
  ColletModule *module = collet_registry_find_module (self, name);
  gboolean found;

  if (module == NULL)
    return;
  guint position = find_position (G_LIST_MODEL (self->modules), module, compare_modules, &found);
  g_hash_table_remove (self->modules_by_name, name);
  g_list_store_remove (self->modules, position);
}

/* Takes `facts`. A new one is found by name from now on, and listed, with the
 * tools that go with it, by list_module. */
static void
put_module (ColletRegistry *self, ColletModuleFacts *facts)
{
  ColletModule *module = collet_registry_find_module (self, facts->name);

  if (module != NULL)
    {
      g_hash_table_steal (self->modules_by_name, facts->name);
      collet_module_set_facts (module, facts);
    }
  else
    {
      module = collet_module_new (facts);
      g_ptr_array_add (self->unlisted, module);
    }
  g_hash_table_insert (self->modules_by_name, (gpointer)collet_module_get_name (module), module);
}

/* A registration without its module (not loaded, or its version lost the tool)
 * is kept but not served. */
static ColletToolEntry *
make_entry (ColletRegistry *self, ColletTool *tool)
{
  const ColletToolFacts *facts = collet_tool_get_facts (tool);
  ColletModule *module = collet_registry_find_module (self, facts->module);

  if (module == NULL)
    return NULL;
  const ColletModuleFacts *served = collet_module_get_facts (module);
  if (collet_manifest_find_tool (served->manifest, facts->module_tool) == NULL)
    return NULL;
  ColletToolEntry *entry =
      collet_tool_make_entry (tool, served->version, served->generation, served->manifest, served->target);
  entry->grace = served->grace != NULL ? collet_grace_ref (served->grace) : NULL;
  return entry;
}

/* The entry of a tool, as it is found by a name that it had before. */
static ColletToolEntry *
make_alias (ColletRegistry *self, const ColletModuleFacts *served, const ColletManifestTool *tool,
            const char *name)
{
  ColletTool *present = collet_registry_find_tool (self, tool->name);

  if (present == NULL || collet_registry_find_tool (self, name) != NULL ||
      !g_str_equal (collet_tool_get_facts (present)->module, served->name) ||
      !collet_grace_has_tool (served->grace, name, g_get_real_time ()))
    return NULL;
  ColletToolEntry *entry = make_entry (self, present);
  if (entry == NULL)
    return NULL;
  g_free (entry->name);
  entry->name = g_strdup (name);
  entry->former_tool = g_strdup (name);
  return entry;
}

static void
add_aliases (ColletRegistry *self, const ColletModuleFacts *served, GPtrArray *aliases)
{
  for (guint i = 0; i < served->manifest->tools->len; i++)
    {
      const ColletManifestTool *tool = served->manifest->tools->pdata[i];
      const char *const *names = tool->former != NULL ? collet_former_form_get_names (tool->former) : NULL;

      for (; names != NULL && *names != NULL; names++)
        {
          ColletToolEntry *entry = make_alias (self, served, tool, *names);

          if (entry != NULL)
            g_ptr_array_add (aliases, entry);
        }
    }
}

static GPtrArray *
make_aliases (ColletRegistry *self)
{
  GPtrArray *aliases = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_tool_entry_free);
  GHashTableIter iter;
  ColletModule *module;

  g_hash_table_iter_init (&iter, self->modules_by_name);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&module))
    if (collet_module_get_facts (module)->grace != NULL)
      add_aliases (self, collet_module_get_facts (module), aliases);
  return aliases;
}

static void
publish_list (ColletRegistry *self)
{
  guint length = g_list_model_get_n_items (G_LIST_MODEL (self->tools));
  GPtrArray *entries = g_ptr_array_new_full (length, (GDestroyNotify)collet_tool_entry_free);

  for (guint i = 0; i < length; i++)
    {
      g_autoptr (ColletTool) tool = g_list_model_get_item (G_LIST_MODEL (self->tools), i);
      ColletToolEntry *entry = make_entry (self, tool);

      if (entry != NULL)
        g_ptr_array_add (entries, entry);
    }
  if (collet_tool_directory_replace (self->directory,
                                     collet_tool_list_new (entries, make_aliases (self), ++self->serial)))
    g_signal_emit (self, tools_changed_signal, 0, self->serial);
}

static void
note_module_of_tool (ColletRegistry *self, GHashTable *touched, const char *name)
{
  ColletTool *tool = collet_registry_find_tool (self, name);

  if (tool != NULL)
    g_hash_table_add (touched, g_strdup (collet_tool_get_facts (tool)->module));
}

static void
list_module (gpointer data, gpointer registry)
{
  g_list_store_insert_sorted (((ColletRegistry *)registry)->modules, data, compare_modules, NULL);
}

static void
tell_modules (ColletRegistry *self, GHashTable *touched)
{
  GHashTableIter iter;
  const char *name;

  g_hash_table_iter_init (&iter, touched);
  while (g_hash_table_iter_next (&iter, (gpointer *)&name, NULL))
    {
      ColletModule *module = collet_registry_find_module (self, name);

      if (module != NULL && !g_ptr_array_find (self->unlisted, module, NULL))
        collet_module_emit_changed (module);
    }
  g_ptr_array_foreach (self->unlisted, list_module, self);
  g_ptr_array_set_size (self->unlisted, 0);
}

void
collet_registry_apply (ColletRegistry *self, ColletRegistryPlan *plan)
{
  g_autoptr (GHashTable) touched = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < plan->removed->len; i++)
    note_module_of_tool (self, touched, plan->removed->pdata[i]);
  for (guint i = 0; i < plan->tools->len; i++)
    g_hash_table_add (touched, g_strdup (collet_tool_get_facts (plan->tools->pdata[i])->module));
  for (guint i = 0; i < plan->facts->len; i++)
    {
      ColletModuleFacts *facts = plan->facts->pdata[i];

      g_hash_table_add (touched, g_strdup (facts->name));
      if (facts->version != NULL)
        put_module (self, g_steal_pointer (&plan->facts->pdata[i]));
      else
        remove_module (self, facts->name);
    }
  for (guint i = 0; i < plan->removed->len; i++)
    remove_tool (self, plan->removed->pdata[i]);
  for (guint i = 0; i < plan->tools->len; i++)
    put_tool (self, plan->tools->pdata[i]);
  collet_registry_plan_free (plan);
  tell_modules (self, touched);
  publish_list (self);
}

void
collet_registry_restore_tools (ColletRegistry *self, GPtrArray *facts)
{
  for (guint i = 0; i < facts->len; i++)
    {
      g_autoptr (ColletTool) tool = collet_tool_new (g_steal_pointer (&facts->pdata[i]));

      put_tool (self, tool);
    }
  g_ptr_array_unref (facts);
}
