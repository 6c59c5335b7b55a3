/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Methods that ask for a reload: each makes a request and answers with the
 * Reload object.
 */
#include "collet-manager-methods.h"

#include "collet-bus-request.h"
#include "collet-bus.h"
#include "collet-error.h"
#include "collet-manager-object.h"

#define MAX_BATCH 4096

static void
on_submitted (GObject *object, GAsyncResult *result, gpointer data)
{
  GError *error = NULL;
  g_autoptr (ColletReload) reload = collet_reloader_submit_finish (COLLET_RELOADER (object), result, &error);

  if (reload == NULL)
    {
      collet_bus_call_fail (data, error);
      return;
    }

  g_autofree char *path = collet_bus_dup_path (COLLET_BUS_RELOADS, collet_reload_get_id (reload));
  collet_bus_call_return (data, g_variant_new ("(o)", path));
}

void
collet_manager_object_submit (ColletManagerObject *self, ColletBusCall *call, ColletReloadRequest *request,
                              GVariant *options)
{
  GError *error = NULL;

  if (!collet_bus_request_apply (request, options, &error))
    {
      collet_reload_request_free (request);
      collet_bus_call_fail (call, error);
      return;
    }
  collet_reloader_submit_async (collet_manager_object_get_reloader (self), request, on_submitted, call);
}

static GStrv
one_source (const char *source)
{
  const char *sources[] = { source, NULL };

  return g_strdupv ((GStrv)sources);
}

static void
safe_load (gpointer object, ColletBusCall *call)
{
  ColletReloadRequest *request = collet_reload_request_new (COLLET_RELOAD_LOAD, call->uid);
  const char *module;
  g_autoptr (GVariant) options = NULL;

  g_variant_get (call->parameters, "(&s@a{sv})", &module, &options);
  request->sources = one_source (module);
  collet_manager_object_submit (object, call, request, options);
}

static void
safe_load_batch (gpointer object, ColletBusCall *call)
{
  ColletReloadRequest *request = collet_reload_request_new (COLLET_RELOAD_LOAD, call->uid);
  g_autoptr (GVariant) options = NULL;

  g_variant_get (call->parameters, "(^as@a{sv})", &request->sources, &options);
  guint length = g_strv_length (request->sources);
  if (length == 0 || length > MAX_BATCH)
    {
      collet_reload_request_free (request);
      collet_bus_call_fail (call,
                            g_error_new (COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                                         "%u modules were given; a batch has 1 to %d.", length, MAX_BATCH));
      return;
    }
  collet_manager_object_submit (object, call, request, options);
}

static void
hot_reload (gpointer object, ColletBusCall *call)
{
  const char *module;
  g_autoptr (GVariant) options = NULL;

  g_variant_get (call->parameters, "(&s@a{sv})", &module, &options);
  collet_manager_object_submit (object, call, collet_bus_request_new_hot_reload (call->uid, module, options),
                                options);
}

static void
rollback_module (gpointer object, ColletBusCall *call)
{
  ColletReloadRequest *request = collet_reload_request_new (COLLET_RELOAD_ROLLBACK, call->uid);
  const char *module;
  const char *version;
  g_autoptr (GVariant) options = NULL;

  g_variant_get (call->parameters, "(&s&s@a{sv})", &module, &version, &options);
  request->module = g_strdup (module);
  request->version = *version != '\0' ? g_strdup (version) : NULL;
  request->state_choice = COLLET_STATE_AUTO;
  collet_manager_object_submit (object, call, request, options);
}

static void
unload_module (gpointer object, ColletBusCall *call)
{
  ColletReloadRequest *request = collet_reload_request_new (COLLET_RELOAD_UNLOAD, call->uid);
  const char *module;
  g_autoptr (GVariant) options = NULL;

  g_variant_get (call->parameters, "(&s@a{sv})", &module, &options);
  request->module = g_strdup (module);
  collet_manager_object_submit (object, call, request, options);
}

const ColletBusMethod collet_manager_reload_methods[] = {
  { "SafeLoad", safe_load },         { "SafeLoadBatch", safe_load_batch },
  { "HotReload", hot_reload },       { "RollbackModule", rollback_module },
  { "UnloadModule", unload_module }, { NULL, NULL },
};
