/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-service-private.h"

#include "collet-error.h"

G_DEFINE_FINAL_TYPE (ColletService, collet_service, G_TYPE_OBJECT)

static void
collet_service_dispose (GObject *object)
{
  ColletService *self = COLLET_SERVICE (object);

  collet_service_read_end (self);
  g_clear_pointer (&self->watch, collet_bus_watch_free);
  g_clear_object (&self->connection);
  G_OBJECT_CLASS (collet_service_parent_class)->dispose (object);
}

static void
collet_service_finalize (GObject *object)
{
  ColletService *self = COLLET_SERVICE (object);

  g_clear_error (&self->error);
  g_object_unref (self->daemon);
  g_object_unref (self->matrix);
  for (guint i = 0; i < COLLET_N_LISTS; i++)
    g_object_unref (self->lists[i]);
  G_OBJECT_CLASS (collet_service_parent_class)->finalize (object);
}

static void
collet_service_class_init (ColletServiceClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = collet_service_dispose;
  object_class->finalize = collet_service_finalize;
  g_signal_new ("state-changed", COLLET_TYPE_SERVICE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  g_signal_new ("tool-updated", COLLET_TYPE_SERVICE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 3,
                G_TYPE_STRING, G_TYPE_STRING, G_TYPE_UINT64);
  g_signal_new ("reload-finished", COLLET_TYPE_SERVICE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,
                4, G_TYPE_STRING, G_TYPE_BOOLEAN, G_TYPE_STRING, G_TYPE_STRING);
  g_signal_new ("watch-report", COLLET_TYPE_SERVICE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 3,
                G_TYPE_STRING, G_TYPE_STRING, G_TYPE_VARIANT);
  g_signal_new ("reload-added", COLLET_TYPE_SERVICE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                G_TYPE_STRING);
}

static void
collet_service_init (ColletService *self)
{
  self->daemon = collet_item_new ("", NULL);
  self->matrix = collet_matrix_new ();
  for (guint i = 0; i < COLLET_N_LISTS; i++)
    self->lists[i] = collet_item_list_new ();
}

void
collet_service_set_state (ColletService *self, ColletServiceState state, GError *error)
{
  g_clear_error (&self->error);
  self->error = error;
  self->state = state;
  if (state == COLLET_SERVICE_READY)
    self->stale_since = 0;
  else if (self->has_data && self->stale_since == 0)
    self->stale_since = g_get_real_time ();
  g_signal_emit_by_name (self, "state-changed");
}

static void
on_watched (GDBusConnection *connection, ColletClientBus bus, gpointer user_data)
{
  ColletService *self = user_data;

  collet_service_read_end (self);
  g_set_object (&self->connection, connection);
  self->bus = bus;
  if (connection == NULL)
    {
      collet_service_set_state (self, COLLET_SERVICE_DOWN, NULL);
      return;
    }
  collet_service_set_state (self, COLLET_SERVICE_CONNECTING, NULL);
  collet_service_read_begin (self);
}

ColletService *
collet_service_new (ColletClientBus bus, GDBusConnection *session)
{
  ColletService *self = g_object_new (COLLET_TYPE_SERVICE, NULL);

  /* Registers the names of errors, before any can come. */
  (void)COLLET_ERROR;
  self->bus = bus;
  self->watch = collet_bus_watch_new (bus, session, on_watched, self);
  return self;
}

static void
forget (ColletService *self)
{
  GVariantBuilder empty;

  g_variant_builder_init (&empty, G_VARIANT_TYPE ("(tasasa(suta(uy)))"));
  g_variant_builder_add (&empty, "t", (guint64)0);
  g_variant_builder_add (&empty, "as", NULL);
  g_variant_builder_add (&empty, "as", NULL);
  g_variant_builder_add (&empty, "a(suta(uy))", NULL);
  g_autoptr (GVariant) matrix = g_variant_ref_sink (g_variant_builder_end (&empty));
  collet_matrix_load (self->matrix, matrix, NULL);
  for (guint i = 0; i < COLLET_N_LISTS; i++)
    {
      collet_item_list_begin_replace (self->lists[i]);
      collet_item_list_end_replace (self->lists[i]);
    }
  self->has_data = FALSE;
  self->stale_since = 0;
}

void
collet_service_set_bus (ColletService *self, ColletClientBus bus)
{
  collet_service_read_end (self);
  g_clear_pointer (&self->watch, collet_bus_watch_free);
  g_clear_object (&self->connection);
  forget (self);
  self->bus = bus;
  collet_service_set_state (self, COLLET_SERVICE_CONNECTING, NULL);
  self->watch = collet_bus_watch_new (bus, NULL, on_watched, self);
}

ColletServiceState
collet_service_get_state (ColletService *self)
{
  return self->state;
}

const GError *
collet_service_get_error (ColletService *self)
{
  return self->error;
}

gint64
collet_service_get_stale_since (ColletService *self)
{
  return self->stale_since;
}

gboolean
collet_service_has_data (ColletService *self)
{
  return self->has_data;
}

ColletClientBus
collet_service_get_bus (ColletService *self)
{
  return self->bus;
}

ColletItem *
collet_service_get_daemon (ColletService *self)
{
  return self->daemon;
}

ColletItemList *
collet_service_get_list (ColletService *self, ColletServiceList list)
{
  g_return_val_if_fail (list < COLLET_N_LISTS, NULL);
  return self->lists[list];
}

ColletMatrix *
collet_service_get_matrix (ColletService *self)
{
  return self->matrix;
}

void
collet_service_refresh (ColletService *self)
{
  if (self->connection != NULL)
    collet_service_read_all (self);
}

gboolean
collet_service_has_peers (ColletService *self)
{
  return *collet_item_get_string (self->daemon, "ClusterName") != '\0' &&
         collet_matrix_get_n_nodes (self->matrix) > 1;
}
