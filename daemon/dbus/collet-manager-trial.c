/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Methods about whether a new version is to stay: what its calls are like, and
 * word for it or against it.
 */
#include "collet-manager-methods.h"

#include "collet-bus-request.h"
#include "collet-bus-rows.h"
#include "collet-bus.h"
#include "collet-error.h"
#include "collet-manager-object.h"
#include "collet-prepared.h"
#include "collet-statistics.h"

#define HOUR_US ((gint64)3600 * G_USEC_PER_SEC)
#define DEFAULT_STEP_S 60

/* ---- confirm ---- */

static void
on_entry_to_confirm (GObject *object, GAsyncResult *result, gpointer data)
{
  ColletReloader *reloader = COLLET_RELOADER (object);
  ColletBusCall *call = data;
  GError *error = NULL;
  g_autoptr (ColletHistoryEntry) entry = collet_reloader_find_entry_finish (reloader, result, &error);
  g_autoptr (GVariant) options = g_variant_get_child_value (call->parameters, 1);
  const char *reason = NULL;

  g_variant_lookup (options, "reason", "&s", &reason);
  ColletReload *reload = entry != NULL ? collet_reloader_find_reload (reloader, entry->id) : NULL;
  if (entry != NULL && reload == NULL)
    g_set_error (&error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                 "Reload %s has ended long ago. There is nothing to confirm.", entry->id);
  if (reload == NULL || !collet_reloader_confirm (reloader, reload, call->uid, reason, &error))
    {
      collet_bus_call_fail (call, error);
      return;
    }

  g_autofree char *path = collet_bus_dup_path (COLLET_BUS_RELOADS, entry->id);
  collet_bus_call_return (call, g_variant_new ("(o)", path));
}

static void
confirm_reload (gpointer object, ColletBusCall *call)
{
  const char *wanted;

  g_variant_get_child (call->parameters, 0, "&s", &wanted);
  collet_manager_find_entry (collet_manager_object_get_reloader (object), wanted, on_entry_to_confirm, call);
}

/* ---- revert ---- */

static gboolean
has_module (const ColletHistoryEntry *entry, const char *module)
{
  for (guint i = 0; i < entry->items->len; i++)
    if (g_str_equal (((const ColletHistoryItem *)entry->items->pdata[i])->module, module))
      return TRUE;
  return FALSE;
}

/* Entries: the newest of each module that counts. */
static const ColletHistoryEntry *
find_newest (GPtrArray *entries, const char *module)
{
  for (guint i = 0; i < entries->len; i++)
    if (has_module (entries->pdata[i], module))
      return entries->pdata[i];
  return NULL;
}

static gboolean
may_be_reverted (GPtrArray *entries, const ColletHistoryEntry *entry, GError **error)
{
  for (guint i = 0; i < entry->items->len; i++)
    {
      const ColletHistoryItem *item = entry->items->pdata[i];
      const ColletHistoryEntry *newest = find_newest (entries, item->module);

      if (item->from_sha256 == NULL || (item->to_sha256 == NULL && entry->items->len > 1))
        {
          g_set_error (error, COLLET_ERROR, COLLET_ERROR_ROLLBACK_FAILED,
                       "Reload %s (%s) cannot be taken back: no version of module \"%s\" ran %s it. %s",
                       entry->id, entry->kind, item->module, item->from_sha256 == NULL ? "before" : "after",
                       entry->items->len > 1 ? "Roll the others back one by one."
                                             : "Unload the module instead.");
          return FALSE;
        }
      if (newest != NULL && g_str_equal (newest->id, entry->id))
        continue;
      g_set_error (
          error, COLLET_ERROR, COLLET_ERROR_VERSION_MISMATCH,
          "Reload %s is not what module \"%s\" runs by: %s%s. Roll the module back to a version instead.",
          entry->id, item->module, newest != NULL ? "the newest one is " : "none stands",
          newest != NULL ? newest->id : "");
      return FALSE;
    }
  if (entry->items->len > 0)
    return TRUE;
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_ROLLBACK_FAILED,
               "Reload %s (%s) changed no module. There is nothing to take back.", entry->id, entry->kind);
  return FALSE;
}

/* All of it or nothing. */
static ColletReloadRequest *
new_revert (const ColletHistoryEntry *entry, gint64 uid)
{
  ColletReloadRequest *request = collet_reload_request_new (COLLET_RELOAD_ROLLBACK, uid);
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();
  g_autoptr (GStrvBuilder) targets = g_strv_builder_new ();
  g_autoptr (GStrvBuilder) expected = g_strv_builder_new ();
  const ColletHistoryItem *first = entry->items->pdata[0];

  request->state_choice = COLLET_STATE_AUTO;
  request->reverts = g_strdup (entry->id);
  if (entry->items->len == 1)
    {
      request->module = g_strdup (first->module);
      request->version = g_strdup (first->from_sha256);
      request->expect_version = g_strdup (first->to_sha256);
      return request;
    }
  for (guint i = 0; i < entry->items->len; i++)
    {
      const ColletHistoryItem *item = entry->items->pdata[i];

      g_strv_builder_add (names, item->module);
      g_strv_builder_add (targets, item->from_sha256);
      g_strv_builder_add (expected, item->to_sha256);
    }
  request->names = g_strv_builder_end (names);
  request->targets = g_strv_builder_end (targets);
  request->expected = g_strv_builder_end (expected);
  return request;
}

/* What is to be taken back, until it is known what began after it. */
typedef struct
{
  ColletBusCall *call;
  ColletHistoryEntry *entry;
} Revert;

static void
revert_free (Revert *self)
{
  collet_history_entry_free (self->entry);
  g_free (self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Revert, revert_free)

static void
on_history_to_revert (GObject *object, GAsyncResult *result, gpointer data)
{
  ColletReloader *reloader = COLLET_RELOADER (object);
  g_autoptr (Revert) self = data;
  const ColletHistoryEntry *entry = self->entry;
  ColletBusCall *call = self->call;
  GError *error = NULL;
  g_autoptr (GPtrArray) entries = collet_reloader_history_finish (reloader, result, &error);
  g_autoptr (GVariant) options = g_variant_get_child_value (call->parameters, 1);

  if (entries == NULL || !may_be_reverted (entries, entry, &error))
    {
      collet_bus_call_fail (call, error);
      return;
    }

  ColletReload *reload = collet_reloader_find_reload (reloader, entry->id);
  if (reload != NULL && collet_reload_is_prepared (reload))
    {
      const char *reason = NULL;
      g_autofree char *path = collet_bus_dup_path (COLLET_BUS_RELOADS, entry->id);

      g_variant_lookup (options, "reason", "&s", &reason);
      collet_reload_abandon (reload, call->uid, reason);
      collet_bus_call_return (call, g_variant_new ("(o)", path));
      return;
    }

  collet_manager_submit (reloader, call, new_revert (entry, call->uid), options);
}

static void
on_entry_to_revert (GObject *object, GAsyncResult *result, gpointer data)
{
  ColletReloader *reloader = COLLET_RELOADER (object);
  GError *error = NULL;
  ColletHistoryEntry *entry = collet_reloader_find_entry_finish (reloader, result, &error);
  Revert *self;

  if (entry == NULL)
    {
      collet_bus_call_fail (data, error);
      return;
    }
  self = g_new (Revert, 1);
  *self = (Revert){ data, entry };
  collet_reloader_history_async (reloader,
                                 &(ColletHistoryQuery){ .newest_of = entry->id, .limit = G_MAXUINT },
                                 on_history_to_revert, self);
}

static void
revert_reload (gpointer object, ColletBusCall *call)
{
  const char *wanted;

  g_variant_get_child (call->parameters, 0, "&s", &wanted);
  collet_manager_find_entry (collet_manager_object_get_reloader (object), wanted, on_entry_to_revert, call);
}

/* ---- statistics ---- */

/* What clients call it; its own name if nobody can. */
static char *
dup_client_name (ColletRegistry *registry, const ColletStatisticsRow *row)
{
  GListModel *tools = collet_registry_get_tools (registry);

  for (guint i = 0; i < g_list_model_get_n_items (tools); i++)
    {
      g_autoptr (ColletTool) tool = g_list_model_get_item (tools, i);
      const ColletToolFacts *facts = collet_tool_get_facts (tool);

      if (g_str_equal (facts->module, row->module) && g_str_equal (facts->module_tool, row->tool))
        return g_strdup (facts->name);
    }
  return g_strdup (row->tool);
}

static GVariant *
row_of_statistics (const ColletStatisticsRow *row, const char *name)
{
  const ColletHistogram *histogram = &row->histogram;
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&builder, "{sv}", "at", g_variant_new_int64 (row->at));
  collet_bus_row_add (&builder, "tool", name);
  collet_bus_row_add (&builder, "version", row->version->sha256);
  collet_bus_row_add (&builder, "semantic-version", row->version->semver);
  g_variant_builder_add (&builder, "{sv}", "calls", g_variant_new_uint64 (histogram->calls));
  g_variant_builder_add (&builder, "{sv}", "errors", g_variant_new_uint64 (histogram->errors));
  g_variant_builder_add (&builder, "{sv}", "p50-us",
                         g_variant_new_int64 (collet_histogram_get_quantile (histogram, 0.50)));
  g_variant_builder_add (&builder, "{sv}", "p95-us",
                         g_variant_new_int64 (collet_histogram_get_quantile (histogram, 0.95)));
  g_variant_builder_add (&builder, "{sv}", "p99-us",
                         g_variant_new_int64 (collet_histogram_get_quantile (histogram, 0.99)));
  g_variant_builder_add (&builder, "{sv}", "max-us", g_variant_new_int64 ((gint64)histogram->max_us));
  return g_variant_builder_end (&builder);
}

static void
get_call_statistics (gpointer object, ColletBusCall *call)
{
  ColletRegistry *registry = collet_manager_object_get_registry (object);
  ColletStatistics *statistics = collet_reloader_get_statistics (collet_manager_object_get_reloader (object));
  g_autoptr (GVariant) options = NULL;
  const ColletToolFacts *facts = NULL;
  const char *name;
  gint64 since = g_get_real_time () - HOUR_US;
  guint32 step_s = DEFAULT_STEP_S;
  GVariantBuilder builder;

  g_variant_get (call->parameters, "(&s@a{sv})", &name, &options);
  g_variant_lookup (options, "since", "x", &since);
  g_variant_lookup (options, "step-s", "u", &step_s);
  if (*name != '\0')
    {
      ColletTool *tool = collet_registry_find_tool (registry, name);

      if (tool == NULL)
        {
          collet_bus_call_fail (call,
                                g_error_new (COLLET_ERROR, COLLET_ERROR_NOT_FOUND,
                                             "There is no tool \"%s\". List the tools to see those there "
                                             "are.",
                                             name));
          return;
        }
      facts = collet_tool_get_facts (tool);
    }
  g_autoptr (GPtrArray) rows =
      collet_statistics_query (statistics, facts != NULL ? facts->module : NULL,
                               facts != NULL ? facts->module_tool : NULL, since, MIN (step_s, 86400));
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < rows->len; i++)
    {
      g_autofree char *client_name =
          facts != NULL ? g_strdup (name) : dup_client_name (registry, rows->pdata[i]);

      g_variant_builder_add_value (&builder, row_of_statistics (rows->pdata[i], client_name));
    }
  collet_bus_call_return (call, g_variant_new ("(aa{sv})", &builder));
}

const ColletBusMethod collet_manager_trial_methods[] = {
  { "ConfirmReload", confirm_reload },
  { "RevertReload", revert_reload },
  { "GetCallStatistics", get_call_statistics },
  { NULL, NULL },
};
