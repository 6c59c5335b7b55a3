/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Methods that tell of modules and artifacts.
 */
#include "collet-manager-methods.h"

#include <gio/gunixfdlist.h>
#include <unistd.h>

#include "collet-bus-rows.h"
#include "collet-error.h"
#include "collet-manager-object.h"
#include "collet-prepared.h"
#include "collet-smoke.h"
#include "collet-validation.h"

/* ---- what runs ---- */

/* Borrowed; NULL: the call has been answered with ModuleNotLoaded. */
static ColletModule *
find_module (ColletManagerObject *self, ColletBusCall *call, const char *name)
{
  ColletModule *module = collet_registry_find_module (collet_manager_object_get_registry (self), name);

  if (module == NULL)
    collet_bus_call_fail (call, g_error_new (COLLET_ERROR, COLLET_ERROR_MODULE_NOT_LOADED,
                                             "Module \"%s\" is not loaded; load it first.", name));
  return module;
}

static void
get_module_version (gpointer object, ColletBusCall *call)
{
  const char *name;

  g_variant_get (call->parameters, "(&s)", &name);
  ColletModule *module = find_module (object, call, name);
  if (module != NULL)
    collet_bus_call_return (call, g_variant_new ("(s)", collet_module_get_facts (module)->version->sha256));
}

static void
get_module_md5 (gpointer object, ColletBusCall *call)
{
  const char *name;

  g_variant_get (call->parameters, "(&s)", &name);
  ColletModule *module = find_module (object, call, name);
  if (module != NULL)
    collet_bus_call_return (call, g_variant_new ("(s)", collet_module_get_facts (module)->version->md5));
}

/* One at most, as long as a module has one candidate. */
static GVariant *
list_prepared (ColletReloader *reloader, const char *name)
{
  ColletDeployment *deployment = collet_reloader_find_deployment (reloader, name);
  ColletGeneration *candidate = deployment != NULL ? collet_deployment_get_candidate (deployment) : NULL;
  const char *version = candidate != NULL ? collet_generation_get_spec (candidate)->version->sha256 : NULL;

  if (version == NULL || collet_reloader_find_prepared (reloader, name, version, NULL) == NULL)
    return g_variant_new_strv (NULL, 0);
  return g_variant_new_strv (&version, 1);
}

typedef struct
{
  ColletManagerObject *self; /* referenced */
  ColletBusCall *call;
} InfoCall;

/* It may have gone while its file was read. */
static void
on_looked_on_disk (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autofree InfoCall *info_call = data;
  g_autoptr (ColletManagerObject) self = info_call->self;
  g_autofree char *on_disk = collet_reloader_look_on_disk_finish (COLLET_RELOADER (object), result);
  const char *name;
  GVariantDict info;

  g_variant_get (info_call->call->parameters, "(&s)", &name);
  ColletModule *module = find_module (self, info_call->call, name);
  if (module == NULL)
    return;

  ColletExports *exports = collet_manager_object_get_exports (self);
  g_autoptr (GVariant) row = collet_bus_row_dup_properties (collet_exports_find_module (exports, name));
  g_variant_dict_init (&info, row);
  g_variant_dict_insert (&info, "Manifest", "s", collet_module_get_facts (module)->manifest->json);
  const char *tests = collet_reloader_get_smoke_tests (collet_manager_object_get_reloader (self), name);
  g_variant_dict_insert (&info, "SmokeTests", "s", tests != NULL ? tests : "");
  g_variant_dict_insert_value (&info, "Prepared",
                               list_prepared (collet_manager_object_get_reloader (self), name));
  if (on_disk != NULL)
    g_variant_dict_insert (&info, "OnDisk", "s", on_disk);
  collet_bus_call_return (info_call->call, g_variant_new ("(@a{sv})", g_variant_dict_end (&info)));
}

static void
get_module_info (gpointer object, ColletBusCall *call)
{
  const char *name;

  g_variant_get (call->parameters, "(&s)", &name);
  if (find_module (object, call, name) == NULL)
    return;

  InfoCall *info_call = g_new (InfoCall, 1);
  *info_call = (InfoCall){ g_object_ref (object), call };
  collet_reloader_look_on_disk_async (collet_manager_object_get_reloader (object), name, on_looked_on_disk,
                                      info_call);
}

static void
list_modules (gpointer object, ColletBusCall *call)
{
  ColletManagerObject *self = object;
  GListModel *modules = collet_registry_get_modules (collet_manager_object_get_registry (self));
  ColletExports *exports = collet_manager_object_get_exports (self);
  g_autoptr (GVariant) options = g_variant_get_child_value (call->parameters, 0);
  const char *state = NULL;
  GVariantBuilder rows;

  g_variant_lookup (options, "state", "&s", &state);
  g_variant_builder_init (&rows, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < g_list_model_get_n_items (modules); i++)
    {
      g_autoptr (ColletModule) module = g_list_model_get_item (modules, i);
      ColletDbusModule *bus = collet_exports_find_module (exports, collet_module_get_name (module));

      if (state == NULL || g_str_equal (collet_dbus_module_get_state (bus), state))
        collet_bus_rows_add_properties (&rows, bus);
    }
  collet_bus_call_return (call, g_variant_new ("(aa{sv})", &rows));
}

/* ---- artifacts ---- */

static GVariant *
facts_of_validation (const ColletValidation *validation)
{
  const ColletVersion *version = validation->version;
  const ColletManifest *manifest = validation->manifest;
  GVariantBuilder facts;

  g_variant_builder_init (&facts, G_VARIANT_TYPE_VARDICT);
  collet_bus_row_add (&facts, "error-name",
                      validation->error != NULL ? collet_error_name_of (validation->error) : NULL);
  collet_bus_row_add (&facts, "error-message", validation->error != NULL ? validation->error->message : NULL);
  collet_bus_row_add (&facts, "sha256", version != NULL ? version->sha256 : NULL);
  collet_bus_row_add (&facts, "md5", version != NULL ? version->md5 : NULL);
  collet_bus_row_add (&facts, "code-digest", version != NULL ? version->code_digest : NULL);
  collet_bus_row_add (&facts, "build-id", version != NULL ? version->build_id : NULL);
  g_variant_builder_add (&facts, "{sv}", "size", g_variant_new_uint64 (version != NULL ? version->size : 0));
  collet_bus_row_add (&facts, "verdict", validation->verdict);
  g_variant_builder_add (&facts, "{sv}", "differences",
                         g_variant_new_strv ((const char *const *)validation->differences,
                                             validation->differences != NULL ? -1 : 0));
  collet_bus_row_add (&facts, "name", manifest != NULL ? manifest->name : NULL);
  collet_bus_row_add (&facts, "version", manifest != NULL ? manifest->version : NULL);
  g_variant_builder_add (&facts, "{sv}", "stateful",
                         g_variant_new_boolean (manifest != NULL && manifest->stateful));
  g_variant_builder_add (&facts, "{sv}", "state-format",
                         g_variant_new_uint32 (manifest != NULL ? manifest->state_format : 0));

  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();
  for (guint i = 0; manifest != NULL && i < manifest->tools->len; i++)
    g_strv_builder_add (names, ((ColletManifestTool *)manifest->tools->pdata[i])->name);
  g_auto (GStrv) tools = g_strv_builder_end (names);
  g_variant_builder_add (&facts, "{sv}", "tools", g_variant_new_strv ((const char *const *)tools, -1));
  return g_variant_builder_end (&facts);
}

static void
on_validated (GObject *object, GAsyncResult *result, gpointer data)
{
  GError *error = NULL;
  g_autoptr (ColletValidation) validation =
      collet_reloader_validate_finish (COLLET_RELOADER (object), result, &error);

  if (validation == NULL)
    collet_bus_call_fail (data, error);
  else
    collet_bus_call_return (data, g_variant_new ("(b@a{sv}@aa{sv})", validation->error == NULL,
                                                 facts_of_validation (validation),
                                                 collet_bus_rows_of_checks (validation->checks)));
}

static void
validate_module (gpointer object, ColletBusCall *call)
{
  const char *module;

  g_variant_get (call->parameters, "(&s@a{sv})", &module, NULL);
  collet_reloader_validate_async (collet_manager_object_get_reloader (object), module, on_validated, call);
}

static void
on_opened (GObject *object, GAsyncResult *result, gpointer data)
{
  GError *error = NULL;
  g_autofree char *filename = NULL;
  int fd = collet_reloader_open_artifact_finish (COLLET_RELOADER (object), result, &filename, &error);

  if (fd < 0)
    {
      collet_bus_call_fail (data, error);
      return;
    }

  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new_from_array (&fd, 1);
  collet_bus_call_return_fd (data, g_variant_new ("(hs)", 0, filename), fds);
}

static void
get_object_code (gpointer object, ColletBusCall *call)
{
  const char *module;
  const char *version = NULL;
  g_autoptr (GVariant) options = NULL;

  g_variant_get (call->parameters, "(&s@a{sv})", &module, &options);
  g_variant_lookup (options, "version", "&s", &version);
  collet_reloader_open_artifact_async (collet_manager_object_get_reloader (object), module, version,
                                       on_opened, call);
}

const ColletBusMethod collet_manager_module_methods[] = {
  { "ValidateModule", validate_module },
  { "GetObjectCode", get_object_code },
  { "GetModuleVersion", get_module_version },
  { "GetModuleMd5", get_module_md5 },
  { "GetModuleInfo", get_module_info },
  { "ListModules", list_modules },
  { NULL, NULL },
};
