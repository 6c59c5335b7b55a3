/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Methods that ask for a reload: each makes a request and answers with the
 * Reload object.
 */
#include "collet-manager-methods.h"

#include <fcntl.h>

#include "collet-bus-request.h"
#include "collet-bus.h"
#include "collet-error.h"
#include "collet-manager-object.h"

#define MAX_BATCH 4096
#define MAX_PATH 4096 /* bytes, as for any path */

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
collet_manager_submit (ColletReloader *reloader, ColletBusCall *call, ColletReloadRequest *request,
                       GVariant *options)
{
  GError *error = NULL;

  if (!collet_bus_request_apply (request, options, &error))
    {
      collet_reload_request_free (request);
      collet_bus_call_fail (call, error);
      return;
    }
  collet_reloader_submit_async (reloader, request, on_submitted, call);
}

void
collet_manager_object_submit (ColletManagerObject *self, ColletBusCall *call, ColletReloadRequest *request,
                              GVariant *options)
{
  collet_manager_submit (collet_manager_object_get_reloader (self), call, request, options);
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

/* Where each of the group comes from: "artifacts" says it of those it names. */
static void
fill_group (ColletReloadRequest *request, const char *const *modules, GVariant *artifacts)
{
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();
  g_autoptr (GStrvBuilder) sources = g_strv_builder_new ();

  for (guint i = 0; modules[i] != NULL; i++)
    {
      const char *source = modules[i];

      if (artifacts != NULL)
        g_variant_lookup (artifacts, modules[i], "&s", &source);
      g_strv_builder_add (names, g_path_is_absolute (modules[i]) ? "" : modules[i]);
      g_strv_builder_add (sources, source);
    }
  request->names = g_strv_builder_end (names);
  request->sources = g_strv_builder_end (sources);
}

/* A name that is not in the group would be forgotten silently. */
static gboolean
check_artifacts (GVariant *artifacts, const char *const *modules, GError **error)
{
  const char *name;
  const char *source;
  GVariantIter iter;

  if (artifacts == NULL)
    return TRUE;
  g_variant_iter_init (&iter, artifacts);
  while (g_variant_iter_next (&iter, "{&s&s}", &name, &source))
    if (strlen (source) > MAX_PATH)
      {
        g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                     "The artifact for \"%.128s\" has a path of more than %d bytes. Give a shorter one.",
                     name, MAX_PATH);
        return FALSE;
      }
    else if (g_path_is_absolute (name) || !g_strv_contains (modules, name))
      {
        g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                     "\"artifacts\" has one for \"%.128s\", which is no name in the group. Add it there.",
                     name);
        return FALSE;
      }
  return TRUE;
}

static void
reload_modules (gpointer object, ColletBusCall *call)
{
  g_autoptr (ColletReloadRequest) request = collet_reload_request_new (COLLET_RELOAD_HOT_RELOAD, call->uid);
  g_autofree const char **modules = NULL;
  g_autoptr (GVariant) options = NULL;
  GError *error = NULL;

  g_variant_get (call->parameters, "(^a&s@a{sv})", &modules, &options);
  g_autoptr (GVariant) artifacts = g_variant_lookup_value (options, "artifacts", G_VARIANT_TYPE ("a{ss}"));
  guint length = g_strv_length ((GStrv)modules);
  if (length == 0 || length > MAX_BATCH)
    g_set_error (&error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                 "%u modules were given; a group has 1 to %d.", length, MAX_BATCH);
  if (error != NULL || !check_artifacts (artifacts, modules, &error))
    {
      collet_bus_call_fail (call, error);
      return;
    }
  fill_group (request, modules, artifacts);
  collet_manager_object_submit (object, call, g_steal_pointer (&request), options);
}

static void
atomic_swap (gpointer object, ColletBusCall *call)
{
  g_autoptr (ColletReloadRequest) request = collet_reload_request_new (COLLET_RELOAD_SWAP, call->uid);
  g_autoptr (GVariant) options = NULL;
  gint32 handle;
  GError *error = NULL;

  g_variant_get (call->parameters, "(ssh@a{sv})", &request->module, &request->filename, &handle, &options);
  request->fd = collet_bus_call_dup_fd (call, handle, &error);
  if (request->fd < 0)
    {
      collet_bus_call_fail (call, error);
      return;
    }

  int flags = fcntl (request->fd, F_GETFL);
  if (flags < 0 || (flags & O_ACCMODE) == O_WRONLY || (flags & O_PATH) != 0)
    collet_bus_call_fail (call,
                          g_error_new (COLLET_ERROR, COLLET_ERROR_SWAP_FAILED,
                                       "The descriptor for module \"%s\" is not open for reading. Open it "
                                       "so, or send the other end of the pipe.",
                                       request->module));
  else
    collet_manager_object_submit (object, call, g_steal_pointer (&request), options);
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
  { "SafeLoad", safe_load },           { "SafeLoadBatch", safe_load_batch },
  { "HotReload", hot_reload },         { "AtomicSwap", atomic_swap },
  { "ReloadModules", reload_modules }, { "RollbackModule", rollback_module },
  { "UnloadModule", unload_module },   { NULL, NULL },
};
