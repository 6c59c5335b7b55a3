/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Methods of those who want to be told.
 */
#include "collet-manager-methods.h"

#include "collet-bus-rows.h"
#include "collet-error.h"
#include "collet-manager-object.h"
#include "collet-subscriber.h"

#define DEFAULT_UPDATES 1000
#define MAX_UPDATES 10000

/* The name under which the caller is kept. NULL: the call has failed, and is
 * answered. */
static char *
dup_subscriber (ColletBusCall *call, guint options_index)
{
  g_autoptr (GVariant) options = g_variant_get_child_value (call->parameters, options_index);
  const char *given = NULL;
  GError *error = NULL;

  g_variant_lookup (options, "subscriber", "&s", &given);
  char *subscriber = collet_subscriber_dup_name (given, call->uid, &error);
  if (subscriber == NULL)
    collet_bus_call_fail (call, error);
  return subscriber;
}

static const char *
get_tool_name (ColletBusCall *call)
{
  const char *name;

  g_variant_get_child (call->parameters, 0, "&s", &name);
  return name;
}

/* ---- subscribing ---- */

static void
on_subscribed (GObject *object, GAsyncResult *result, gpointer data)
{
  ColletBusCall *call = data;
  GError *error = NULL;
  guint64 sequence;

  if (!collet_reloader_subscribe_finish (COLLET_RELOADER (object), result, &sequence, &error))
    {
      collet_bus_call_fail (call, error);
      return;
    }

  g_autofree char *subscriber = dup_subscriber (call, 1);
  collet_bus_call_return (call, g_variant_new ("(st)", subscriber, sequence));
}

static void
subscribe (gpointer object, ColletBusCall *call)
{
  g_autofree char *subscriber = dup_subscriber (call, 1);

  if (subscriber != NULL)
    collet_reloader_subscribe_async (collet_manager_object_get_reloader (object), subscriber, call->uid,
                                     get_tool_name (call), on_subscribed, call);
}

static void
on_unsubscribed (GObject *object, GAsyncResult *result, gpointer data)
{
  GError *error = NULL;
  gboolean existed;

  if (collet_reloader_unsubscribe_finish (COLLET_RELOADER (object), result, &existed, &error))
    collet_bus_call_return (data, g_variant_new ("(b)", existed));
  else
    collet_bus_call_fail (data, error);
}

static void
unsubscribe (gpointer object, ColletBusCall *call)
{
  g_autofree char *subscriber = dup_subscriber (call, 1);

  if (subscriber != NULL)
    collet_reloader_unsubscribe_async (collet_manager_object_get_reloader (object), subscriber, call->uid,
                                       get_tool_name (call), on_unsubscribed, call);
}

/* ---- looking ---- */

static void
on_checked (GObject *object, GAsyncResult *result, gpointer data)
{
  GError *error = NULL;
  g_autoptr (ColletToolCheck) check =
      collet_reloader_check_tool_finish (COLLET_RELOADER (object), result, &error);

  if (check == NULL)
    collet_bus_call_fail (data, error);
  else
    collet_bus_call_return (data, g_variant_new ("(bs)", check->is_updated,
                                                 check->version != NULL ? check->version : ""));
}

static void
check_tool_updated (gpointer object, ColletBusCall *call)
{
  g_autofree char *subscriber = dup_subscriber (call, 1);

  if (subscriber != NULL)
    collet_reloader_check_tool_async (collet_manager_object_get_reloader (object), subscriber, call->uid,
                                      get_tool_name (call), on_checked, call);
}

static GVariant *
row_of_update (const ColletUpdateRow *update)
{
  GVariantBuilder row;

  g_variant_builder_init (&row, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&row, "{sv}", "sequence", g_variant_new_uint64 (update->sequence));
  collet_bus_row_add (&row, "tool", update->tool);
  collet_bus_row_add (&row, "module", update->module);
  collet_bus_row_add (&row, "version", update->version);
  collet_bus_row_add (&row, "previous-version", update->previous_version);
  collet_bus_row_add (&row, "reload", update->reload);
  g_variant_builder_add (&row, "{sv}", "at", g_variant_new_int64 (update->at));
  return g_variant_builder_end (&row);
}

static void
on_updates (GObject *object, GAsyncResult *result, gpointer data)
{
  GError *error = NULL;
  g_autoptr (ColletUpdateList) list =
      collet_reloader_updates_finish (COLLET_RELOADER (object), result, &error);
  GVariantBuilder rows;

  if (list == NULL)
    {
      collet_bus_call_fail (data, error);
      return;
    }
  g_variant_builder_init (&rows, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < list->updates->len; i++)
    g_variant_builder_add_value (&rows, row_of_update (list->updates->pdata[i]));
  collet_bus_call_return (data, g_variant_new ("(aa{sv}t)", &rows, list->next));
}

static void
get_updates_since (gpointer object, ColletBusCall *call)
{
  g_autofree char *subscriber = dup_subscriber (call, 1);
  g_autoptr (GVariant) options = NULL;
  guint32 limit = 0;
  guint64 sequence;

  if (subscriber == NULL)
    return;
  g_variant_get (call->parameters, "(t@a{sv})", &sequence, &options);
  g_variant_lookup (options, "limit", "u", &limit);
  collet_reloader_updates_async (collet_manager_object_get_reloader (object), subscriber, call->uid, sequence,
                                 limit == 0 ? DEFAULT_UPDATES : MIN (limit, MAX_UPDATES), on_updates, call);
}

/* ---- all of them ---- */

static GVariant *
row_of_subscription (const ColletSubscriptionRow *subscription)
{
  GVariantBuilder row;

  g_variant_builder_init (&row, G_VARIANT_TYPE_VARDICT);
  collet_bus_row_add (&row, "subscriber", subscription->subscriber);
  collet_bus_row_add (&row, "tool", subscription->tool);
  g_variant_builder_add (&row, "{sv}", "uid", g_variant_new_int64 (subscription->uid));
  g_variant_builder_add (&row, "{sv}", "since", g_variant_new_int64 (subscription->since_at));
  g_variant_builder_add (&row, "{sv}", "sequence", g_variant_new_uint64 (subscription->sequence));
  g_variant_builder_add (&row, "{sv}", "pending", g_variant_new_uint64 (subscription->pending));
  return g_variant_builder_end (&row);
}

static void
on_listed (GObject *object, GAsyncResult *result, gpointer data)
{
  GError *error = NULL;
  g_autoptr (GPtrArray) subscriptions =
      collet_reloader_subscriptions_finish (COLLET_RELOADER (object), result, &error);
  GVariantBuilder rows;

  if (subscriptions == NULL)
    {
      collet_bus_call_fail (data, error);
      return;
    }
  g_variant_builder_init (&rows, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < subscriptions->len; i++)
    g_variant_builder_add_value (&rows, row_of_subscription (subscriptions->pdata[i]));
  collet_bus_call_return (data, g_variant_new ("(aa{sv})", &rows));
}

static void
list_subscriptions (gpointer object, ColletBusCall *call)
{
  g_autoptr (GVariant) options = g_variant_get_child_value (call->parameters, 0);
  const char *subscriber = NULL;

  g_variant_lookup (options, "subscriber", "&s", &subscriber);
  collet_reloader_subscriptions_async (collet_manager_object_get_reloader (object), subscriber, on_listed,
                                       call);
}

const ColletBusMethod collet_manager_subscription_methods[] = {
  { "SubscribeToToolUpdates", subscribe },     { "UnsubscribeFromToolUpdates", unsubscribe },
  { "CheckToolUpdated", check_tool_updated },  { "GetUpdatesSince", get_updates_since },
  { "ListSubscriptions", list_subscriptions }, { NULL, NULL },
};
