/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Methods about the versions that are kept.
 */
#include "collet-manager-methods.h"

#include "collet-bus-rows.h"
#include "collet-error.h"
#include "collet-manager-object.h"
#include "collet-versions.h"

static void
add_flag (GVariantBuilder *row, const char *name, gboolean value)
{
  g_variant_builder_add (row, "{sv}", name, g_variant_new_boolean (value));
}

static GVariant *
row_of_version (const ColletVersion *version, const ColletVersionRow *kept, const ColletModuleFacts *runs,
                gboolean is_revoked)
{
  GVariantBuilder row;

  g_variant_builder_init (&row, G_VARIANT_TYPE_VARDICT);
  collet_bus_row_add (&row, "Version", version->sha256);
  collet_bus_row_add (&row, "SemanticVersion", version->semver);
  collet_bus_row_add (&row, "Md5", version->md5);
  collet_bus_row_add (&row, "CodeDigest", version->code_digest);
  collet_bus_row_add (&row, "BuildId", version->build_id);
  g_variant_builder_add (&row, "{sv}", "Size", g_variant_new_uint64 (version->size));
  collet_bus_row_add (&row, "Signer", version->signer);
  add_flag (&row, "SignerRevoked", is_revoked);
  collet_bus_row_add (&row, "Trust", collet_basis_to_string (version->basis));
  g_variant_builder_add (&row, "{sv}", "AddedAt", g_variant_new_int64 (kept->added_at));
  g_variant_builder_add (&row, "{sv}", "UsedAt", g_variant_new_int64 (kept->used_at));
  add_flag (&row, "Active", runs != NULL && g_str_equal (runs->version->sha256, version->sha256));
  add_flag (&row, "Previous", runs != NULL && g_strcmp0 (runs->previous, version->sha256) == 0);
  add_flag (&row, "Retained", kept->is_pinned);
  collet_bus_row_add (&row, "RetainReason", kept->pin_reason);
  add_flag (&row, "HasSnapshot", kept->has_snapshot);
  return g_variant_builder_end (&row);
}

static void
on_versions (GObject *object, GAsyncResult *result, gpointer data)
{
  ColletBusCall *call = data;
  ColletReloader *reloader = COLLET_RELOADER (object);
  GError *error = NULL;
  g_autoptr (GPtrArray) kept = collet_reloader_versions_finish (reloader, result, &error);
  const char *name;
  GVariantBuilder rows;
  guint n = 0;

  g_variant_get (call->parameters, "(&s)", &name);
  if (kept == NULL)
    {
      collet_bus_call_fail (call, error);
      return;
    }
  ColletModule *module = collet_registry_find_module (collet_reloader_get_registry (reloader), name);
  g_variant_builder_init (&rows, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < kept->len; i++)
    {
      const ColletVersionRow *row = kept->pdata[i];
      /* One that is on its way out is not offered any more. */
      const ColletVersion *version = collet_reloader_find_version (reloader, name, row->sha256, NULL);

      if (version == NULL)
        continue;
      g_variant_builder_add_value (
          &rows, row_of_version (version, row, module != NULL ? collet_module_get_facts (module) : NULL,
                                 collet_reloader_is_revoked (reloader, version)));
      n++;
    }
  if (n > 0)
    {
      collet_bus_call_return (call, g_variant_new ("(aa{sv})", &rows));
      return;
    }
  g_variant_builder_clear (&rows);
  collet_bus_call_fail (call, g_error_new (COLLET_ERROR, COLLET_ERROR_NOT_FOUND,
                                           "No version of a module \"%s\" is kept here.", name));
}

static void
list_versions (gpointer object, ColletBusCall *call)
{
  const char *name;

  g_variant_get (call->parameters, "(&s)", &name);
  collet_reloader_versions_async (collet_manager_object_get_reloader (object), name, on_versions, call);
}

static void
on_retained (GObject *object, GAsyncResult *result, gpointer data)
{
  GError *error = NULL;

  if (collet_reloader_retain_finish (COLLET_RELOADER (object), result, &error))
    collet_bus_call_return (data, NULL);
  else
    collet_bus_call_fail (data, error);
}

static void
retain_version (gpointer object, ColletBusCall *call)
{
  g_autoptr (GVariant) options = NULL;
  const char *module;
  const char *version;
  const char *reason = NULL;
  gboolean retain;

  g_variant_get (call->parameters, "(&s&sb@a{sv})", &module, &version, &retain, &options);
  g_variant_lookup (options, "reason", "&s", &reason);
  collet_reloader_retain_async (collet_manager_object_get_reloader (object), module, version, retain,
                                call->uid, reason, on_retained, call);
}

const ColletBusMethod collet_manager_version_methods[] = {
  { "ListVersions", list_versions },
  { "RetainVersion", retain_version },
  { NULL, NULL },
};
