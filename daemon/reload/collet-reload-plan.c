/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a reload does to the registry.
 */
#include "collet-reloader-private.h"

/* Of a module that did not come back at the start, its way back stays. */
static const char *
previous_of_lost (ColletReloader *self, const ColletReloadItem *item)
{
  const char *lost = g_hash_table_lookup (self->lost, item->module);

  if (lost == NULL || *lost == '\0' || (item->to != NULL && g_str_equal (lost, item->to->sha256)))
    return NULL;
  return lost;
}

static const char *
previous_of_item (ColletReloader *self, const ColletReloadItem *item)
{
  ColletModule *module = collet_registry_find_module (self->registry, item->module);

  if (item->from == NULL)
    return previous_of_lost (self, item);
  if (item->to == NULL || !g_str_equal (item->from->sha256, item->to->sha256))
    return item->from->sha256;
  return module != NULL ? collet_module_get_facts (module)->previous : NULL;
}

/* After a breaking change the version that it replaces is one in whose form calls
 * are accepted for a time; those before it stay for theirs. */
static void
set_grace (ColletReloader *self, const ColletReloadRequest *request, const ColletReloadItem *item,
           ColletModuleFacts *facts)
{
  ColletModule *module = collet_registry_find_module (self->registry, item->module);
  const ColletGrace *grace = module != NULL ? collet_module_get_facts (module)->grace : NULL;
  guint length_ms = request->has_grace ? request->grace_ms : self->config.grace_ms;
  gint64 now = g_get_real_time ();
  ColletFormerVersion *former = NULL;

  facts->had_grace = grace != NULL;
  if (item->to == NULL)
    return;
  if (item->is_breaking && item->from != NULL && length_ms > 0)
    former = collet_former_version_new (item->from, collet_generation_get_spec (item->old)->manifest,
                                        now + (gint64)length_ms * 1000);
  facts->grace = collet_grace_renew (grace, former, item->to->sha256, now);
}

/* The very one of what will run: calls that were checked by it need no second look.
 * A generation that was kept ready has its own. */
static ColletManifest *
manifest_of_item (const ColletReloadItem *item)
{
  if (item->next != NULL)
    return collet_manifest_ref (collet_generation_get_spec (item->next)->manifest);
  return item->manifest != NULL ? collet_manifest_ref (item->manifest) : NULL;
}

static ColletModuleFacts *
facts_of_item (ColletReloader *self, const ColletReloadRequest *request, const ColletReloadItem *item)
{
  ColletModuleFacts *facts = g_new0 (ColletModuleFacts, 1);

  facts->name = g_strdup (item->module);
  facts->version = item->to != NULL ? collet_version_ref (item->to) : NULL;
  facts->manifest = manifest_of_item (item);
  set_grace (self, request, item, facts);
  facts->target =
      collet_call_target_ref (collet_slot_as_target (collet_deployment_get_slot (item->deployment)));
  facts->previous = g_strdup (previous_of_item (self, item));
  facts->host = g_strdup (item->kind == COLLET_HOST_IN_PROCESS ? "in-process" : "worker");
  facts->loaded_at = g_get_real_time ();
  return facts;
}

ColletRegistryPlan *
collet_reloader_plan_items (ColletReloader *self, const ColletReloadRequest *request, GPtrArray *items,
                            GError **error)
{
  GPtrArray *facts = g_ptr_array_new ();

  for (guint i = 0; i < items->len; i++)
    g_ptr_array_add (facts, facts_of_item (self, request, items->pdata[i]));
  return collet_registry_plan (self->registry, facts, g_get_real_time (), error);
}

ColletRegistryPlan *
collet_reloader_plan (ColletReloader *self, ColletReload *reload, GError **error)
{
  return collet_reloader_plan_items (self, collet_reload_get_request (reload),
                                     collet_reload_get_items (reload), error);
}
