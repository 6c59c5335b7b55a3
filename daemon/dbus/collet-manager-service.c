/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Methods that take modules, or the daemon, out of service and back.
 */
#include "collet-manager-methods.h"

#include "collet-bus-request.h"
#include "collet-bus-rows.h"
#include "collet-error.h"
#include "collet-manager-object.h"

static void
drain_module (gpointer object, ColletBusCall *call)
{
  ColletReloadRequest *request = collet_reload_request_new (COLLET_RELOAD_DRAIN, call->uid);
  const char *module;
  g_autoptr (GVariant) options = NULL;

  g_variant_get (call->parameters, "(&su@a{sv})", &module, &request->drain_timeout_ms, &options);
  request->module = g_strdup (module);
  collet_manager_object_submit (object, call, request, options);
}

static void
resume_module (gpointer object, ColletBusCall *call)
{
  const char *module;
  g_autoptr (GVariant) options = NULL;

  g_variant_get (call->parameters, "(&s@a{sv})", &module, &options);
  /* Nobody's module: a client learns whether it may, and the history learns nothing. */
  if (*module == '\0')
    {
      collet_bus_call_fail (call, g_error_new_literal (COLLET_ERROR, COLLET_ERROR_MODULE_NOT_LOADED,
                                                       "No module has an empty name; give one."));
      return;
    }

  ColletReloadRequest *request = collet_reload_request_new (COLLET_RELOAD_RESUME, call->uid);
  request->module = g_strdup (module);
  collet_manager_object_submit (object, call, request, options);
}

static void
initiate_shutdown (gpointer object, ColletBusCall *call)
{
  ColletReloadRequest *request = collet_reload_request_new (COLLET_RELOAD_SHUTDOWN, call->uid);
  g_autoptr (GVariant) options = NULL;

  g_variant_get (call->parameters, "(u@a{sv})", &request->drain_timeout_ms, &options);
  collet_manager_object_submit (object, call, request, options);
}

static GVariant *
row_of_draining (const ColletDrainRow *row)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  collet_bus_row_add (&builder, "module", row->module);
  collet_bus_row_add (&builder, "version", row->version->sha256);
  collet_bus_row_add (&builder, "semantic-version", row->version->semver);
  collet_bus_row_add (&builder, "state", row->state);
  g_variant_builder_add (&builder, "{sv}", "generation", g_variant_new_uint64 (row->generation));
  g_variant_builder_add (&builder, "{sv}", "in-flight", g_variant_new_uint64 (row->in_flight));
  g_variant_builder_add (&builder, "{sv}", "oldest-call-ms", g_variant_new_int64 (row->oldest_call_ms));
  g_variant_builder_add (&builder, "{sv}", "deadline", g_variant_new_int64 (row->deadline_at));
  return g_variant_builder_end (&builder);
}

static void
get_drain_status (gpointer object, ColletBusCall *call)
{
  ColletReloader *reloader = collet_manager_object_get_reloader (object);
  const char *module;
  GVariantBuilder rows;

  g_variant_get (call->parameters, "(&s)", &module);
  if (*module != '\0' &&
      collet_registry_find_module (collet_manager_object_get_registry (object), module) == NULL)
    {
      collet_bus_call_fail (call, g_error_new (COLLET_ERROR, COLLET_ERROR_MODULE_NOT_LOADED,
                                               "Module \"%s\" is not loaded; load it first.", module));
      return;
    }
  g_autoptr (GPtrArray) draining = collet_reloader_list_draining (reloader, *module != '\0' ? module : NULL);
  g_variant_builder_init (&rows, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < draining->len; i++)
    g_variant_builder_add_value (&rows, row_of_draining (draining->pdata[i]));
  collet_bus_call_return (call, g_variant_new ("(aa{sv})", &rows));
}

const ColletBusMethod collet_manager_service_methods[] = {
  { "DrainModule", drain_module },
  { "ResumeModule", resume_module },
  { "GetDrainStatus", get_drain_status },
  { "InitiateShutdown", initiate_shutdown },
  { NULL, NULL },
};
