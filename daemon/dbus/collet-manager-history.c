/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Methods that tell what happened.
 */
#include "collet-manager-methods.h"

#include "collet-bus-rows.h"
#include "collet-bus.h"
#include "collet-cluster-report.h"
#include "collet-error.h"
#include "collet-manager-object.h"
#include "collet-reload-object.h"

static void
on_history (GObject *object, GAsyncResult *result, gpointer data)
{
  ColletBusCall *call = data;
  GError *error = NULL;
  g_autoptr (GPtrArray) entries = collet_reloader_history_finish (COLLET_RELOADER (object), result, &error);
  GVariantBuilder rows;

  if (entries == NULL)
    {
      collet_bus_call_fail (call, error);
      return;
    }
  g_variant_builder_init (&rows, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < entries->len; i++)
    g_variant_builder_add_value (&rows, collet_bus_row_of_history (entries->pdata[i]));
  collet_bus_call_return (call, g_variant_new ("(aa{sv})", &rows));
}

static void
get_reload_history (gpointer object, ColletBusCall *call)
{
  ColletHistoryQuery query = { 0 };
  g_autoptr (GVariant) options = NULL;

  g_variant_get (call->parameters, "(&su@a{sv})", &query.module, &query.limit, &options);
  if (*query.module == '\0')
    query.module = NULL;
  g_variant_lookup (options, "state", "&s", &query.state);
  g_variant_lookup (options, "before", "x", &query.before);
  g_variant_lookup (options, "after", "x", &query.after);
  collet_reloader_history_async (collet_manager_object_get_reloader (object), &query, on_history, call);
}

/* What the history does not know yet of one that runs. */
static GVariant *
row_of_one (ColletReloader *reloader, const ColletClusterView *view, const ColletHistoryEntry *entry)
{
  GVariant *nodes = collet_reload_object_pack_nodes (view, entry->id);
  ColletReload *reload = collet_reloader_find_reload (reloader, entry->id);
  g_autoptr (GVariant) past = g_variant_ref_sink (collet_bus_row_of_history (entry));
  gboolean is_running = reload != NULL && !collet_reload_is_finished (reload);
  const char *module = entry->items->len == 1 ? ((ColletHistoryItem *)entry->items->pdata[0])->module : "";
  g_autofree char *note = collet_cluster_dup_note (view, module, entry->id, entry->note);
  GVariantDict row;

  g_variant_dict_init (&row, past);
  if (is_running)
    {
      g_variant_dict_insert (&row, "Phase", "s", collet_reload_get_phase (reload));
      g_variant_dict_insert (&row, "DurationUs", "x", collet_reload_get_duration_us (reload));
    }
  if (nodes != NULL)
    g_variant_dict_insert_value (&row, "Nodes", nodes);
  g_variant_dict_insert (&row, "Note", "s", note != NULL ? note : "");
  g_variant_dict_insert (&row, "ExpiresAt", "x", is_running ? collet_reload_get_expires_at (reload) : 0);
  return g_variant_dict_end (&row);
}

void
collet_manager_find_entry (ColletReloader *reloader, const char *wanted, GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_autofree char *id =
      g_str_has_prefix (wanted, "/") ? collet_bus_dup_name (COLLET_BUS_RELOADS, wanted) : NULL;

  collet_reloader_find_entry_async (reloader, id != NULL ? id : wanted, callback, user_data);
}

/* One that the cluster knows, and this node's history does not: the bytes never came
 * here, or it is not of those that take part. NULL: there is none. */
static GVariant *
row_of_others (const ColletClusterView *view, const char *id)
{
  const ColletSpec *spec = collet_cluster_view_get_spec (view, id);
  const ColletDecision *decision = collet_cluster_view_get_decision (view, id);
  g_autofree char *note = NULL;
  GVariantDict row;

  if (spec == NULL)
    return NULL;
  note = collet_cluster_dup_note (view, spec->module, id, NULL);
  g_variant_dict_init (&row, NULL);
  g_variant_dict_insert (&row, "Id", "s", id);
  g_variant_dict_insert (&row, "Kind", "s", spec->kind);
  g_variant_dict_insert (&row, "Strategy", "s", spec->strategy);
  g_variant_dict_insert (&row, "State", "s",
                         decision == NULL      ? "running"
                         : decision->is_commit ? "committed"
                                               : "failed");
  g_variant_dict_insert (&row, "Phase", "s", decision == NULL ? "prepare" : "done");
  g_variant_dict_insert (&row, "Reason", "s", spec->reason != NULL ? spec->reason : "");
  g_variant_dict_insert (&row, "Note", "s", note != NULL ? note : "");
  g_variant_dict_insert (&row, "Initiator", "x", spec->uid);
  g_variant_dict_insert (&row, "StartedAt", "x", spec->started_at);
  if (decision != NULL && !decision->is_commit)
    {
      g_variant_dict_insert (&row, "ErrorName", "s", decision->error != NULL ? decision->error : "");
      g_variant_dict_insert (&row, "ErrorMessage", "s", decision->message != NULL ? decision->message : "");
    }
  g_variant_dict_insert_value (&row, "Nodes", collet_reload_object_pack_nodes (view, id));
  return g_variant_dict_end (&row);
}

/* Whose reload is looked for, until the history is read. */
typedef struct
{
  ColletManagerObject *manager;
  ColletBusCall *call;
} Search;

static void
search_free (Search *self)
{
  g_object_unref (self->manager);
  g_free (self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Search, search_free)

static void
on_entry (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (Search) self = data;
  ColletClusterAgent *cluster = collet_manager_object_get_cluster (self->manager);
  const ColletClusterView *view;
  GVariant *row;
  g_autoptr (GError) error = NULL;
  g_autoptr (ColletHistoryEntry) entry =
      collet_reloader_find_entry_finish (COLLET_RELOADER (object), result, &error);
  const char *wanted;

  if (cluster == NULL) /* the bus has been left meanwhile */
    {
      collet_bus_call_fail (self->call, g_error_new (COLLET_ERROR, COLLET_ERROR_SHUTTING_DOWN,
                                                     "The daemon ends. Ask again when it is back."));
      return;
    }
  view = collet_cluster_agent_get_view (cluster);
  g_variant_get (self->call->parameters, "(&s)", &wanted);
  row = entry != NULL ? row_of_one (COLLET_RELOADER (object), view, entry) : row_of_others (view, wanted);
  if (row == NULL)
    collet_bus_call_fail (self->call, g_steal_pointer (&error));
  else
    collet_bus_call_return (self->call, g_variant_new ("(@a{sv})", row));
}

static void
get_reload (gpointer object, ColletBusCall *call)
{
  Search *self = g_new (Search, 1);
  const char *wanted;

  *self = (Search){ g_object_ref (object), call };
  g_variant_get (call->parameters, "(&s)", &wanted);
  collet_manager_find_entry (collet_manager_object_get_reloader (object), wanted, on_entry, self);
}

const ColletBusMethod collet_manager_history_methods[] = {
  { "GetReloadHistory", get_reload_history },
  { "GetReload", get_reload },
  { NULL, NULL },
};
