/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is particular to a group: each artifact is of the module that was named,
 * and dependencies come before what needs them.
 */
#include "collet-reloader-private.h"

#include "collet-dependency-order.h"
#include "collet-error.h"

static gboolean
check_name (ColletReloader *reloader, const char *name, const ColletReloadItem *item, GError **error)
{
  if (*name == '\0')
    return TRUE;
  if (!g_str_equal (name, item->module))
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                   "The artifact given for module \"%s\" is a version of \"%s\". Name the right one.", name,
                   item->module);
      return FALSE;
    }
  if (collet_registry_find_module (reloader->registry, name) != NULL)
    return TRUE;
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_MODULE_NOT_LOADED,
               "Module \"%s\" is not loaded; load it first, or give the path of its artifact.", name);
  return FALSE;
}

static gboolean
check_twice (GPtrArray *items, GError **error)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < items->len; i++)
    {
      const char *module = ((ColletReloadItem *)items->pdata[i])->module;

      if (g_hash_table_add (seen, (gpointer)module))
        continue;
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                   "Two of the artifacts are versions of module \"%s\"; give one of them.", module);
      return FALSE;
    }
  return TRUE;
}

static const char *const *
look_up (const char *name, gpointer data)
{
  ColletReloader *reloader = data;
  ColletModule *module = collet_registry_find_module (reloader->registry, name);

  return module != NULL ? (const char *const *)collet_module_get_facts (module)->manifest->requires_ : NULL;
}

gboolean
collet_reloader_order_group (ColletReloader *reloader, const ColletReloadRequest *request, GPtrArray *items,
                             GError **error)
{
  g_autofree ColletDependencyNode *nodes = g_new (ColletDependencyNode, items->len);
  g_autofree guint *order = g_new (guint, items->len);
  g_autofree gpointer *sorted = g_new (gpointer, items->len);

  for (guint i = 0; i < items->len; i++)
    {
      const ColletReloadItem *item = items->pdata[i];

      if (!check_name (reloader, request->names[i], item, error))
        return FALSE;
      nodes[i] = (ColletDependencyNode){ item->module, (const char *const *)item->manifest->requires_ };
    }
  if (!check_twice (items, error) ||
      !collet_dependency_order (nodes, items->len, look_up, reloader, order, error))
    return FALSE;

  for (guint i = 0; i < items->len; i++)
    sorted[i] = items->pdata[order[i]];
  memcpy (items->pdata, sorted, items->len * sizeof *sorted);
  return TRUE;
}
