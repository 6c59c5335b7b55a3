/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Methods about a version that is prepared and waits for word.
 */
#include "collet-manager-methods.h"

#include "collet-bus-request.h"
#include "collet-bus-rows.h"
#include "collet-bus-tool-call.h"
#include "collet-bus.h"
#include "collet-error.h"
#include "collet-manager-object.h"
#include "collet-prepared.h"
#include "collet-shadow.h"

#define DEFAULT_EXPIRY_MS 60000
#define MAX_EXPIRY_MS (24 * 3600 * 1000)

static void
answer_path (ColletBusCall *call, ColletReload *reload)
{
  g_autofree char *path = collet_bus_dup_path (COLLET_BUS_RELOADS, collet_reload_get_id (reload));

  collet_bus_call_return (call, g_variant_new ("(o)", path));
}

/* ---- bound to a connection ---- */

typedef struct
{
  ColletReload *reload;
  guint watch;
} Bond;

static void
bond_free (gpointer data, GClosure *closure)
{
  Bond *bond = data;

  g_clear_handle_id (&bond->watch, g_bus_unwatch_name);
  g_free (bond);
}

static void
on_caller_gone (GDBusConnection *connection, const char *name, gpointer data)
{
  Bond *bond = data;

  if (collet_reload_is_prepared (bond->reload))
    collet_reload_abandon (bond->reload, -1, "its caller's connection has closed");
}

static void
on_finished (ColletReload *reload, gpointer data)
{
  g_signal_handlers_disconnect_by_func (reload, on_finished, data);
}

/* Until the reload has ended. Whoever has gone already is noticed as well. */
static void
bind_to_caller (ColletReload *reload, ColletBusCall *call)
{
  Bond *bond = g_new0 (Bond, 1);

  bond->reload = reload;
  g_signal_connect_data (reload, "finished", G_CALLBACK (on_finished), bond, bond_free, 0);
  bond->watch =
      g_bus_watch_name_on_connection (g_dbus_method_invocation_get_connection (call->invocation),
                                      g_dbus_method_invocation_get_sender (call->invocation),
                                      G_BUS_NAME_WATCHER_FLAGS_NONE, NULL, on_caller_gone, bond, NULL);
}

/* ---- the first phase ---- */

static void
on_prepared (GObject *object, GAsyncResult *result, gpointer data)
{
  ColletBusCall *call = data;
  GError *error = NULL;
  g_autoptr (ColletReload) reload = collet_reloader_prepare_finish (COLLET_RELOADER (object), result, &error);

  if (reload == NULL)
    {
      collet_bus_call_fail (call, error);
      return;
    }

  g_autofree char *path = collet_bus_dup_path (COLLET_BUS_RELOADS, collet_reload_get_id (reload));
  const ColletReloadItem *item = collet_reload_get_items (reload)->pdata[0];
  g_autoptr (GVariant) options = g_variant_get_child_value (call->parameters, 1);
  gboolean is_bound = FALSE;

  g_variant_lookup (options, "bind", "b", &is_bound);
  if (is_bound && !collet_reload_is_finished (reload))
    bind_to_caller (reload, call);
  collet_bus_call_return (call, g_variant_new ("(os)", path, item->to->sha256));
}

static gboolean
apply_expiry (ColletReloadRequest *request, GVariant *options, GError **error)
{
  request->is_prepare = TRUE;
  request->expiry_ms = DEFAULT_EXPIRY_MS;
  g_variant_lookup (options, "expiry-ms", "u", &request->expiry_ms);
  if (request->expiry_ms > 0 && request->expiry_ms <= MAX_EXPIRY_MS)
    return TRUE;
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
               "\"expiry-ms\" is %u; it can be 1 to %d (a day).", request->expiry_ms, MAX_EXPIRY_MS);
  return FALSE;
}

static void
prepare_reload (gpointer object, ColletBusCall *call)
{
  const char *module;
  g_autoptr (GVariant) options = NULL;
  GError *error = NULL;

  g_variant_get (call->parameters, "(&s@a{sv})", &module, &options);
  g_autoptr (ColletReloadRequest) request = collet_bus_request_new_hot_reload (call->uid, module, options);
  if (!collet_bus_request_apply (request, options, &error) || !apply_expiry (request, options, &error))
    collet_bus_call_fail (call, error);
  else
    collet_reloader_prepare_async (collet_manager_object_get_reloader (object), g_steal_pointer (&request),
                                   on_prepared, call);
}

/* ---- the second ---- */

/* NULL: the call has been answered. */
static ColletReload *
ref_to_decide (ColletManagerObject *self, ColletBusCall *call, char **reason, char **expect_version)
{
  const char *module;
  const char *version;
  g_autoptr (GVariant) options = NULL;
  GError *error = NULL;

  g_variant_get (call->parameters, "(&s&s@a{sv})", &module, &version, &options);
  g_variant_lookup (options, "reason", "s", reason);
  g_variant_lookup (options, "expect-version", "s", expect_version);
  ColletReload *reload =
      collet_reloader_find_prepared (collet_manager_object_get_reloader (self), module, version, &error);
  if (reload != NULL && collet_reload_check_decider (reload, call->uid, &error))
    return g_object_ref (reload);
  collet_bus_call_fail (call, error);
  return NULL;
}

static GError *
check_expected (ColletReload *reload, const char *expect_version)
{
  const ColletReloadItem *item = collet_reload_get_items (reload)->pdata[0];

  if (expect_version == NULL || (item->from != NULL && collet_version_matches (item->from, expect_version)))
    return NULL;
  return g_error_new (COLLET_ERROR, COLLET_ERROR_VERSION_MISMATCH,
                      "Module \"%s\" runs %.12s, not the expected %s. Look at what changed, then ask again.",
                      item->module, item->from != NULL ? item->from->sha256 : "nothing", expect_version);
}

static void
commit_reload (gpointer object, ColletBusCall *call)
{
  g_autofree char *reason = NULL;
  g_autofree char *expect_version = NULL;
  g_autoptr (ColletReload) reload = ref_to_decide (object, call, &reason, &expect_version);

  if (reload == NULL)
    return;

  GError *error = check_expected (reload, expect_version);
  if (error != NULL)
    {
      collet_bus_call_fail (call, error);
      return;
    }
  if (collet_reload_is_prepared (reload))
    collet_reload_commit (reload, call->uid, reason);
  answer_path (call, reload); /* also who asks again while it is committed */
}

/* When the module is free again. */
static void
on_abandoned (ColletReload *reload, gpointer data)
{
  g_signal_handlers_disconnect_by_func (reload, on_abandoned, data);
  answer_path (data, reload);
}

static void
abort_reload (gpointer object, ColletBusCall *call)
{
  g_autofree char *reason = NULL;
  g_autofree char *unused = NULL;
  g_autoptr (ColletReload) reload = ref_to_decide (object, call, &reason, &unused);

  if (reload == NULL)
    return;
  if (!collet_reload_is_prepared (reload))
    {
      collet_bus_call_fail (call, g_error_new (COLLET_ERROR, COLLET_ERROR_NOT_PREPARED,
                                               "Reload %s is being committed already. Roll the module back "
                                               "instead.",
                                               collet_reload_get_id (reload)));
      return;
    }
  g_signal_connect (reload, "finished", G_CALLBACK (on_abandoned), call);
  collet_reload_abandon (reload, call->uid, reason);
}

static void
call_prepared (gpointer object, ColletBusCall *call)
{
  const char *module;
  const char *version;
  const char *tool;
  const char *arguments;
  g_autoptr (GVariant) options = NULL;
  GError *error = NULL;

  g_variant_get (call->parameters, "(&s&s&s&s@a{sv})", &module, &version, &tool, &arguments, &options);
  ColletToolEntry *entry = collet_reloader_dup_prepared_tool (collet_manager_object_get_reloader (object),
                                                              module, version, tool, &error);
  if (entry == NULL)
    collet_bus_call_fail (call, error);
  else
    collet_bus_tool_call_start_entry (collet_manager_object_get_directory (object), call, entry, arguments,
                                      options);
}

#define DEFAULT_LIMIT 100

static GVariant *
rows_of_differences (GPtrArray *differences)
{
  GVariantBuilder rows;

  g_variant_builder_init (&rows, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < differences->len; i++)
    {
      const ColletShadowDifference *difference = differences->pdata[i];
      GVariantBuilder row;

      g_variant_builder_init (&row, G_VARIANT_TYPE_VARDICT);
      collet_bus_row_add (&row, "tool", difference->tool);
      collet_bus_row_add (&row, "arguments", difference->arguments);
      collet_bus_row_add (&row, "old", difference->old);
      collet_bus_row_add (&row, "new", difference->new);
      g_variant_builder_add_value (&rows, g_variant_builder_end (&row));
    }
  return g_variant_builder_end (&rows);
}

static void
on_shadowed (GObject *object, GAsyncResult *result, gpointer data)
{
  GError *error = NULL;
  g_autoptr (GPtrArray) differences =
      collet_reloader_shadow_finish (COLLET_RELOADER (object), result, &error);

  if (differences == NULL)
    collet_bus_call_fail (data, error);
  else
    collet_bus_call_return (data, g_variant_new ("(b@aa{sv})", differences->len == 0,
                                                 rows_of_differences (differences)));
}

static void
shadow_check (gpointer object, ColletBusCall *call)
{
  const char *module;
  const char *version;
  const char *tool = NULL;
  guint32 limit = 0;
  g_autoptr (GVariant) options = NULL;

  g_variant_get (call->parameters, "(&s&s@a{sv})", &module, &version, &options);
  g_variant_lookup (options, "limit", "u", &limit);
  g_variant_lookup (options, "tool", "&s", &tool);
  collet_reloader_shadow_async (collet_manager_object_get_reloader (object), module, version, tool,
                                limit > 0 ? limit : DEFAULT_LIMIT, on_shadowed, call);
}

const ColletBusMethod collet_manager_prepare_methods[] = {
  { "ShadowCheck", shadow_check }, { "PrepareReload", prepare_reload }, { "CommitReload", commit_reload },
  { "AbortReload", abort_reload }, { "CallPrepared", call_prepared },   { NULL, NULL },
};
