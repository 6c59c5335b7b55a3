/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-reload-object.h"

#include "collet-bus-guard.h"
#include "collet-bus-rows.h"
#include "collet-cluster-report.h"
#include "collet-error.h"
#include "collet-prepared.h"

#define FEW_ITEMS 16

struct _ColletReloadObject
{
  ColletDbusReloadSkeleton parent_instance;
  ColletReload *reload;
  GPtrArray *waiters; /* Waiter */
  guint telling;      /* source that tells everybody of the end */
  GVariant *items;    /* as they are at the end, once somebody has asked; or NULL */
  char *note;         /* with what the cluster says, or NULL: the reload's own */
};

enum
{
  PROP_0,
  PROP_ITEMS,
};

G_DEFINE_FINAL_TYPE (ColletReloadObject, collet_reload_object, COLLET_DBUS_TYPE_RELOAD_SKELETON)

/* One Wait() that is not answered yet. */
typedef struct
{
  ColletReloadObject *self;
  ColletBusCall *call;
  guint timeout;
} Waiter;

static GDBusInterfaceVTable vtable;

static GDBusInterfaceVTable *
get_vtable (GDBusInterfaceSkeleton *skeleton)
{
  return &vtable;
}

static void
collet_reload_object_dispose (GObject *object)
{
  ColletReloadObject *self = COLLET_RELOAD_OBJECT (object);

  g_clear_handle_id (&self->telling, g_source_remove);
  g_clear_object (&self->reload);
  g_clear_pointer (&self->waiters, g_ptr_array_unref);
  g_clear_pointer (&self->items, g_variant_unref);
  g_clear_pointer (&self->note, g_free);
  G_OBJECT_CLASS (collet_reload_object_parent_class)->dispose (object);
}

/* Made when somebody asks: a batch has hundreds of rows, of which mostly nobody
 * sees but those at the end. */
static GVariant *
ensure_items (ColletReloadObject *self)
{
  GVariant *rows;

  if (self->items != NULL)
    return g_variant_ref (self->items);
  rows = g_variant_ref_sink (collet_bus_row_of_reload_items (self->reload));
  if (collet_reload_is_finished (self->reload))
    self->items = g_variant_ref (rows);
  return rows;
}

static void
collet_reload_object_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_ITEMS)
    g_value_take_variant (value, ensure_items (COLLET_RELOAD_OBJECT (object)));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
collet_reload_object_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
collet_reload_object_class_init (ColletReloadObjectClass *klass)
{
  GDBusInterfaceSkeletonClass *skeleton_class = G_DBUS_INTERFACE_SKELETON_CLASS (klass);

  vtable = collet_bus_guard_vtable (skeleton_class->get_vtable (NULL));
  skeleton_class->get_vtable = get_vtable;
  G_OBJECT_CLASS (klass)->dispose = collet_reload_object_dispose;
  G_OBJECT_CLASS (klass)->get_property = collet_reload_object_get_property;
  G_OBJECT_CLASS (klass)->set_property = collet_reload_object_set_property;
  g_object_class_override_property (G_OBJECT_CLASS (klass), PROP_ITEMS, "items");
}

static void
collet_reload_object_init (ColletReloadObject *self)
{
  self->waiters = g_ptr_array_new ();
}

static void
answer (ColletReloadObject *self, ColletBusCall *call)
{
  const GError *error = collet_reload_get_error (self->reload);

  if (error != NULL)
    {
      collet_bus_call_fail (call, g_error_copy (error));
      return;
    }
  g_autoptr (GVariant) properties = collet_bus_row_dup_properties (self);
  collet_bus_call_return (call, g_variant_new ("(@a{sv})", properties));
}

static gboolean
on_wait_timeout (gpointer data)
{
  g_autofree Waiter *waiter = data;
  ColletReload *reload = waiter->self->reload;

  g_ptr_array_remove (waiter->self->waiters, waiter);
  collet_bus_call_fail (waiter->call,
                        g_error_new (COLLET_ERROR, COLLET_ERROR_TIMEOUT,
                                     "Reload %s is still in phase \"%s\"; it goes on. Wait again.",
                                     collet_reload_get_id (reload), collet_reload_get_phase (reload)));
  return G_SOURCE_REMOVE;
}

static void
wait_for_end (gpointer object, ColletBusCall *call)
{
  ColletReloadObject *self = object;
  guint32 timeout_ms;

  if (collet_reload_is_finished (self->reload))
    {
      answer (self, call);
      return;
    }

  Waiter *waiter = g_new0 (Waiter, 1);
  g_variant_get (call->parameters, "(u)", &timeout_ms);
  waiter->self = self;
  waiter->call = call;
  if (timeout_ms > 0)
    waiter->timeout = g_timeout_add (timeout_ms, on_wait_timeout, waiter);
  g_ptr_array_add (self->waiters, waiter);
}

static void
cancel (gpointer object, ColletBusCall *call)
{
  ColletReloadObject *self = object;
  GError *error = NULL;

  if (collet_reload_is_prepared (self->reload))
    {
      if (collet_reload_check_decider (self->reload, call->uid, &error))
        collet_reload_abandon (self->reload, call->uid, NULL);
    }
  else
    collet_reload_cancel (self->reload, &error);
  if (error == NULL)
    collet_bus_call_return (call, NULL);
  else
    collet_bus_call_fail (call, error);
}

static const ColletBusMethod methods[] = {
  { "Wait", wait_for_end },
  { "Cancel", cancel },
  { NULL, NULL },
};

/* Between the commit point and its end a reload is still running, for whoever
 * watches it; its phase says that it drains. */
static const char *
describe_state (ColletReloadState state)
{
  return collet_reload_state_to_string (state == COLLET_RELOAD_COMMITTED ? COLLET_RELOAD_RUNNING : state);
}

/* "": it can be. */
static const char *
why_not_cancellable (ColletReload *reload)
{
  if (collet_reload_is_finished (reload))
    return "It has ended.";
  if (collet_reload_is_committing (reload))
    return "It is being committed; roll the module back instead.";
  if (collet_reload_get_state (reload) != COLLET_RELOAD_RUNNING)
    return "It is committed; roll the module back instead.";
  if (collet_reload_is_prepared (reload) && collet_reload_get_request (reload)->decided_by != NULL)
    return "It is prepared, and others decide what becomes of it.";
  return "";
}

static void
tell_note (ColletReloadObject *self)
{
  const char *note = self->note != NULL ? self->note : collet_reload_get_note (self->reload);

  collet_dbus_reload_set_note (COLLET_DBUS_RELOAD (self), note != NULL ? note : "");
}

static void
on_changed (ColletReload *reload, gpointer data)
{
  ColletDbusReload *bus = data;
  const GError *error = collet_reload_is_finished (reload) ? collet_reload_get_error (reload) : NULL;
  const char *why_not = why_not_cancellable (reload);

  collet_dbus_reload_set_state (bus, describe_state (collet_reload_get_state (reload)));
  collet_dbus_reload_set_phase (bus, collet_reload_get_phase (reload));
  collet_dbus_reload_set_progress (bus, collet_reload_get_progress (reload));
  collet_dbus_reload_set_error_name (bus, error != NULL ? collet_error_name_of (error) : "");
  collet_dbus_reload_set_error_message (bus, error != NULL ? error->message : "");
  tell_note (data);
  collet_dbus_reload_set_trial_ends_at (bus, collet_reload_get_trial_ends_at (reload));
  collet_dbus_reload_set_finished_at (bus, collet_reload_get_finished_at (reload));
  collet_dbus_reload_set_pause_us (bus, collet_reload_get_pause_us (reload));
  collet_dbus_reload_set_expires_at (bus, collet_reload_get_expires_at (reload));
  collet_dbus_reload_set_cancellable (bus, *why_not == '\0');
  collet_dbus_reload_set_not_cancellable_reason (bus, why_not);
  if (collet_reload_is_finished (reload))
    collet_dbus_reload_set_duration_us (bus, collet_reload_get_duration_us (reload));
}

static void
answer_waiters (ColletReloadObject *self)
{
  for (guint i = 0; i < self->waiters->len; i++)
    {
      g_autofree Waiter *waiter = self->waiters->pdata[i];

      g_clear_handle_id (&waiter->timeout, g_source_remove);
      answer (self, waiter->call);
    }
  g_ptr_array_set_size (self->waiters, 0);
}

/* The skeleton tells of the properties that it keeps. */
static void
tell_items (ColletReloadObject *self)
{
  GDBusInterfaceSkeleton *skeleton = G_DBUS_INTERFACE_SKELETON (self);
  g_autolist (GDBusConnection) connections = g_dbus_interface_skeleton_get_connections (skeleton);
  g_autoptr (GVariant) rows = ensure_items (self);
  GVariantDict changed;

  g_variant_dict_init (&changed, NULL);
  g_variant_dict_insert_value (&changed, "Items", rows);
  g_autoptr (GVariant) news =
      g_variant_ref_sink (g_variant_new ("(s@a{sv}as)", g_dbus_interface_skeleton_get_info (skeleton)->name,
                                         g_variant_dict_end (&changed), NULL));
  for (GList *link = connections; link != NULL; link = link->next)
    g_dbus_connection_emit_signal (link->data, NULL, g_dbus_interface_skeleton_get_object_path (skeleton),
                                   "org.freedesktop.DBus.Properties", "PropertiesChanged", news, NULL);
}

static void
tell_everybody (ColletReloadObject *self)
{
  const GError *error = collet_reload_get_error (self->reload);

  tell_items (self);
  g_dbus_interface_skeleton_flush (G_DBUS_INTERFACE_SKELETON (self));
  collet_dbus_reload_emit_finished (COLLET_DBUS_RELOAD (self), error == NULL,
                                    error != NULL ? collet_error_name_of (error) : "",
                                    error != NULL ? error->message : "");
}

static gboolean
on_telling (gpointer data)
{
  ColletReloadObject *self = data;

  self->telling = 0;
  tell_everybody (self);
  return G_SOURCE_REMOVE;
}

/* Who asked is answered before everybody is told; of a large batch, whose news
 * take a while to write, also who has asked by now. */
static void
on_finished (ColletReload *reload, gpointer data)
{
  ColletReloadObject *self = data;

  answer_waiters (self);
  if (collet_reload_get_items (reload)->len <= FEW_ITEMS)
    tell_everybody (self);
  else
    self->telling = g_idle_add_full (G_PRIORITY_DEFAULT, on_telling, self, NULL);
}

static GStrv
list_modules (ColletReload *reload)
{
  GPtrArray *items = collet_reload_get_items (reload);
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();

  for (guint i = 0; i < items->len; i++)
    g_strv_builder_add (names, ((ColletReloadItem *)items->pdata[i])->module);
  return g_strv_builder_end (names);
}

ColletReloadObject *
collet_reload_object_new (ColletReload *reload, ColletBouncer *bouncer)
{
  static const ColletBusMethod *const tables[] = { methods, NULL };
  ColletReloadObject *self = g_object_new (COLLET_TYPE_RELOAD_OBJECT, NULL);
  ColletDbusReload *bus = COLLET_DBUS_RELOAD (self);
  const ColletReloadRequest *request = collet_reload_get_request (reload);
  g_auto (GStrv) modules = list_modules (reload);

  self->reload = g_object_ref (reload);
  collet_bus_guard_attach (G_DBUS_INTERFACE_SKELETON (self), bouncer, tables);
  collet_dbus_reload_set_id (bus, collet_reload_get_id (reload));
  collet_dbus_reload_set_kind (bus, collet_reload_kind_to_string (request->kind));
  collet_dbus_reload_set_strategy (bus, request->strategy != NULL ? request->strategy : "local");
  collet_dbus_reload_set_modules (bus, (const char *const *)modules);
  collet_dbus_reload_set_nodes (bus, g_variant_new_array (G_VARIANT_TYPE_VARDICT, NULL, 0));
  collet_dbus_reload_set_initiator (bus, request->uid);
  collet_dbus_reload_set_reason (bus, request->reason != NULL ? request->reason : "");
  collet_dbus_reload_set_reverts (bus, request->reverts != NULL ? request->reverts : "");
  collet_dbus_reload_set_started_at (bus, collet_reload_get_started_at (reload));
  g_signal_connect_object (reload, "changed", G_CALLBACK (on_changed), self, 0);
  g_signal_connect_object (reload, "finished", G_CALLBACK (on_finished), self, 0);
  on_changed (reload, self);
  return self;
}

/* ---- nodes ---- */

static void
add_text (GVariantBuilder *row, const char *name, const char *text)
{
  g_variant_builder_add (row, "{sv}", name, g_variant_new_string (text != NULL ? text : ""));
}

GVariant *
collet_reload_object_pack_nodes (const ColletClusterView *view, const char *id)
{
  g_autoptr (ColletOutcome) outcome = NULL;
  GVariantBuilder rows;

  if (collet_cluster_view_get_spec (view, id) == NULL)
    return NULL;
  outcome = collet_cluster_get_outcome (view, id);
  g_variant_builder_init (&rows, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < outcome->rows->len; i++)
    {
      const ColletOutcomeRow *row = outcome->rows->pdata[i];

      g_variant_builder_open (&rows, G_VARIANT_TYPE_VARDICT);
      add_text (&rows, "node", row->node);
      add_text (&rows, "phase", row->phase);
      add_text (&rows, "state", row->state);
      add_text (&rows, "error-name", row->error);
      add_text (&rows, "error-message", row->message);
      g_variant_builder_close (&rows);
    }
  return g_variant_builder_end (&rows);
}

void
collet_reload_object_update_nodes (ColletReloadObject *self, const ColletClusterView *view,
                                   GHashTable *touched)
{
  const char *id = collet_reload_get_id (self->reload);
  GPtrArray *items = collet_reload_get_items (self->reload);
  const char *module = items->len == 1 ? ((ColletReloadItem *)items->pdata[0])->module : NULL;
  GVariant *rows;

  if (module == NULL ||
      (touched != NULL && !g_hash_table_contains (touched, id) && !g_hash_table_contains (touched, module)))
    return; /* the cluster reloads one at a time */
  rows = collet_reload_object_pack_nodes (view, id);
  if (rows != NULL)
    collet_dbus_reload_set_nodes (COLLET_DBUS_RELOAD (self), rows);
  g_free (self->note);
  self->note = collet_cluster_dup_note (view, module, id, collet_reload_get_note (self->reload));
  tell_note (self);
}
