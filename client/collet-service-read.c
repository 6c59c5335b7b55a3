/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-service-private.h"

#include "collet-bus.h"
#include "collet-error.h"

#define PROPERTIES "org.freedesktop.DBus.Properties"
#define OBJECT_MANAGER "org.freedesktop.DBus.ObjectManager"
/* After a gap, and after a change of the modules of a daemon without a matrix. */
#define MATRIX_DELAY_MS 100
#define MATRIX_RETRY_MS 3000 /* if there was no answer */

static const struct
{
  const char *folder, *interface;
} kinds[COLLET_N_LISTS] = {
  [COLLET_LIST_MODULES] = { COLLET_BUS_MODULES, "org.collet.Collet1.Module" },
  [COLLET_LIST_TOOLS] = { COLLET_BUS_TOOLS, "org.collet.Collet1.Tool" },
  [COLLET_LIST_RELOADS] = { COLLET_BUS_RELOADS, COLLET_RELOAD_INTERFACE },
  [COLLET_LIST_NODES] = { COLLET_BUS_NODES, "org.collet.Collet1.Node" },
};

static void read_matrix (ColletService *self);
static void load_alone (ColletService *self);
static gboolean on_matrix_delay (gpointer user_data);

/* The list of the object, and its name in it; NULL if it is none of ours. */
static ColletItemList *
find_list (ColletService *self, const char *path, const char *interface, char **name)
{
  for (guint i = 0; i < COLLET_N_LISTS; i++)
    if (g_str_equal (interface, kinds[i].interface))
      {
        *name = collet_bus_dup_name (kinds[i].folder, path);
        return *name != NULL ? self->lists[i] : NULL;
      }
  return NULL;
}

static void
put_object (ColletService *self, const char *path, GVariant *interfaces)
{
  GVariantIter iter;
  const char *interface;
  GVariant *values;

  g_variant_iter_init (&iter, interfaces);
  while (g_variant_iter_next (&iter, "{&s@a{sv}}", &interface, &values))
    {
      g_autofree char *name = NULL;
      ColletItemList *list = find_list (self, path, interface, &name);

      if (list != NULL)
        collet_item_list_put (list, name, values);
      g_variant_unref (values);
    }
}

/* A reading of ours that came to nothing. */
static void
fail (ColletService *self, GError *error)
{
  ColletServiceState state = COLLET_SERVICE_FAILED;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_error_free (error);
      return;
    }
  if (g_error_matches (error, COLLET_ERROR, COLLET_ERROR_NOT_AUTHORIZED))
    state = COLLET_SERVICE_UNAUTHORISED;
  else if (g_error_matches (error, COLLET_CLIENT_ERROR, COLLET_CLIENT_ERROR_OLDER))
    state = COLLET_SERVICE_OLDER;
  else if (g_error_matches (error, COLLET_CLIENT_ERROR, COLLET_CLIENT_ERROR_NOT_REACHABLE))
    state = COLLET_SERVICE_DOWN;
  if (state == COLLET_SERVICE_DOWN)
    g_clear_error (&error);
  self->has_failed = TRUE;
  collet_service_set_state (self, state, error);
}

/* The reply, or NULL after the failure was dealt with. If it was cancelled there
 * may be no service any more. */
static GVariant *
finish_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  GVariant *reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  if (reply == NULL && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    fail (user_data, collet_service_convert_error (g_steal_pointer (&error)));
  return reply;
}

static void
on_objects (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GVariant) reply = finish_read (source, result, user_data);
  g_autoptr (GVariant) objects = NULL;
  ColletService *self = user_data;
  GVariantIter iter;
  const char *path;
  GVariant *interfaces;

  if (reply == NULL)
    return;
  objects = g_variant_get_child_value (reply, 0);
  for (guint i = 0; i < COLLET_N_LISTS; i++)
    collet_item_list_begin_replace (self->lists[i]);
  g_variant_iter_init (&iter, objects);
  while (g_variant_iter_next (&iter, "{&o@a{sa{sv}}}", &path, &interfaces))
    {
      put_object (self, path, interfaces);
      g_variant_unref (interfaces);
    }
  for (guint i = 0; i < COLLET_N_LISTS; i++)
    collet_item_list_end_replace (self->lists[i]);
  self->has_data = TRUE;
  if (!self->has_matrix && !self->is_reading_matrix)
    load_alone (self);
  /* The answers come in any order; one that was refused is not made up for by another. */
  if (!self->has_failed)
    collet_service_set_state (self, COLLET_SERVICE_READY, NULL);
}

static void
on_properties (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GVariant) reply = finish_read (source, result, user_data);
  g_autoptr (GVariant) values = NULL;
  ColletService *self = user_data;

  if (reply == NULL)
    return;
  values = g_variant_get_child_value (reply, 0);
  collet_item_merge (self->daemon, values);
  collet_item_announce (self->daemon);
}

/* All at once. */
void
collet_service_read_all (ColletService *self)
{
  self->has_failed = FALSE;
  g_dbus_connection_call (self->connection, COLLET_BUS_NAME, COLLET_BUS_ROOT, PROPERTIES, "GetAll",
                          g_variant_new ("(s)", COLLET_MANAGER_INTERFACE), G_VARIANT_TYPE ("(a{sv})"),
                          G_DBUS_CALL_FLAGS_NO_AUTO_START, COLLET_READ_TIMEOUT_MS, self->cancellable,
                          on_properties, self);
  g_dbus_connection_call (self->connection, COLLET_BUS_NAME, COLLET_BUS_ROOT, OBJECT_MANAGER,
                          "GetManagedObjects", NULL, G_VARIANT_TYPE ("(a{oa{sa{sv}}})"),
                          G_DBUS_CALL_FLAGS_NO_AUTO_START, COLLET_READ_TIMEOUT_MS, self->cancellable,
                          on_objects, self);
  read_matrix (self);
}

/* ---- the matrix ---- */

static void
load_alone (ColletService *self)
{
  const char *node = collet_item_get_string (self->daemon, "NodeName");

  collet_matrix_load_alone (self->matrix, *node != '\0' ? node : "localhost",
                            self->lists[COLLET_LIST_MODULES]);
}

static void
take_matrix (ColletService *self)
{
  self->has_matrix = TRUE;
  if (!self->is_matrix_missed)
    return;
  self->is_matrix_missed = self->has_failed = FALSE;
  if (self->has_data)
    collet_service_set_state (self, COLLET_SERVICE_READY, NULL);
}

/* What a daemon without one does not know, or does not tell us, its modules tell as
 * well. But if it only did not answer, there may be more nodes than this one. */
static void
miss_matrix (ColletService *self, GError *error)
{
  if (!g_error_matches (error, COLLET_CLIENT_ERROR, COLLET_CLIENT_ERROR_NO_ANSWER))
    {
      g_error_free (error);
      self->has_matrix = FALSE;
      load_alone (self);
      return;
    }
  if (self->matrix_delay == 0)
    self->matrix_delay = g_timeout_add (MATRIX_RETRY_MS, on_matrix_delay, self);
  if (self->has_matrix && !self->is_matrix_missed)
    {
      g_error_free (error);
      return;
    }
  self->has_matrix = self->is_matrix_missed = TRUE;
  fail (self, error);
}

static void
on_matrix (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  ColletService *self = user_data;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  self->is_reading_matrix = FALSE;
  if (reply != NULL && collet_matrix_load (self->matrix, reply, &error))
    take_matrix (self);
  else
    miss_matrix (self, collet_service_convert_error (g_steal_pointer (&error)));
  if (self->matrix_is_due)
    read_matrix (self);
}

static void
read_matrix (ColletService *self)
{
  g_clear_handle_id (&self->matrix_delay, g_source_remove);
  self->matrix_is_due = self->is_reading_matrix;
  if (self->is_reading_matrix)
    return;
  self->is_reading_matrix = TRUE;
  g_dbus_connection_call (self->connection, COLLET_BUS_NAME, COLLET_BUS_ROOT, COLLET_MANAGER_INTERFACE,
                          "GetMatrix", NULL, NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, COLLET_READ_TIMEOUT_MS,
                          self->cancellable, on_matrix, self);
}

static gboolean
on_matrix_delay (gpointer user_data)
{
  ColletService *self = user_data;

  self->matrix_delay = 0;
  if (self->has_matrix)
    read_matrix (self);
  else
    load_alone (self);
  return G_SOURCE_REMOVE;
}

static void
schedule_matrix (ColletService *self)
{
  if (self->matrix_delay == 0)
    self->matrix_delay = g_timeout_add (MATRIX_DELAY_MS, on_matrix_delay, self);
}

/* ---- what the daemon tells ---- */

static void
on_properties_changed (ColletService *self, const char *path, GVariant *parameters)
{
  g_autoptr (GVariant) values = NULL;
  g_autofree char *name = NULL;
  const char *interface;

  if (!g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(sa{sv}as)")))
    return;
  g_variant_get (parameters, "(&s@a{sv}@as)", &interface, &values, NULL);
  if (g_str_equal (interface, COLLET_MANAGER_INTERFACE))
    {
      if (collet_item_merge (self->daemon, values))
        collet_item_announce (self->daemon);
      return;
    }
  ColletItemList *list = find_list (self, path, interface, &name);
  if (list == NULL)
    return;
  collet_item_list_update (list, name, values);
  /* Counters come every second; the matrix is about versions and states. */
  if (list != self->lists[COLLET_LIST_MODULES])
    return;
  if (g_variant_lookup (values, "Version", "s", NULL) || g_variant_lookup (values, "State", "s", NULL))
    schedule_matrix (self);
  /* Which need not change the matrix, where one comes with the other. */
  if (g_variant_lookup (values, "Verdict", "s", NULL))
    collet_matrix_touch (self->matrix, name);
}

static void
on_objects_changed (ColletService *self, const char *signal, GVariant *parameters)
{
  const char *path;

  if (g_str_equal (signal, "InterfacesAdded") &&
      g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(oa{sa{sv}})")))
    {
      g_autoptr (GVariant) interfaces = NULL;

      g_variant_get (parameters, "(&o@a{sa{sv}})", &path, &interfaces);
      put_object (self, path, interfaces);
      if (g_str_has_prefix (path, COLLET_BUS_RELOADS "/"))
        g_signal_emit_by_name (self, "reload-added", path);
      if (g_str_has_prefix (path, COLLET_BUS_MODULES "/"))
        schedule_matrix (self);
    }
  else if (g_str_equal (signal, "InterfacesRemoved") &&
           g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(oas)")))
    {
      g_autofree const char **interfaces = NULL;

      g_variant_get (parameters, "(&o^a&s)", &path, &interfaces);
      for (guint i = 0; interfaces[i] != NULL; i++)
        {
          g_autofree char *name = NULL;
          ColletItemList *list = find_list (self, path, interfaces[i], &name);

          if (list != NULL)
            collet_item_list_remove (list, name);
          if (list == self->lists[COLLET_LIST_MODULES])
            schedule_matrix (self);
        }
    }
}

static void
on_manager_signal (ColletService *self, const char *signal, GVariant *parameters)
{
  const char *name, *version;
  guint64 number;

  if (g_str_equal (signal, "ToolUpdated") && g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(sst)")))
    {
      g_variant_get (parameters, "(&s&st)", &name, &version, &number);
      g_signal_emit_by_name (self, "tool-updated", name, version, number);
    }
  else if (g_str_equal (signal, "WatchReport") &&
           g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(ssa{sv})")))
    {
      g_autoptr (GVariant) report = NULL;
      const char *folder, *file;

      g_variant_get (parameters, "(&s&s@a{sv})", &folder, &file, &report);
      g_signal_emit_by_name (self, "watch-report", folder, file, report);
    }
  else if (g_str_equal (signal, "MatrixChanged") &&
           g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(ta(sssty))")))
    {
      g_autoptr (GVariant) deltas = NULL;

      g_variant_get (parameters, "(t@a(sssty))", &number, &deltas);
      if (!collet_matrix_apply (self->matrix, number, deltas))
        schedule_matrix (self);
      self->has_matrix = TRUE;
    }
}

static void
on_finished (ColletService *self, const char *path, GVariant *parameters)
{
  const char *name, *message;
  gboolean success;

  if (!g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(bss)")))
    return;
  g_variant_get (parameters, "(b&s&s)", &success, &name, &message);
  collet_item_list_flush (self->lists[COLLET_LIST_RELOADS]);
  g_signal_emit_by_name (self, "reload-finished", path, success, name, message);
}

static void
on_signal (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
           const char *signal, GVariant *parameters, gpointer user_data)
{
  ColletService *self = user_data;

  if (!g_str_has_prefix (path, COLLET_BUS_ROOT))
    return;
  if (g_str_equal (interface, PROPERTIES))
    on_properties_changed (self, path, parameters);
  else if (g_str_equal (interface, OBJECT_MANAGER))
    on_objects_changed (self, signal, parameters);
  else if (g_str_equal (interface, COLLET_MANAGER_INTERFACE))
    on_manager_signal (self, signal, parameters);
  else if (g_str_equal (interface, COLLET_RELOAD_INTERFACE) && g_str_equal (signal, "Finished"))
    on_finished (self, path, parameters);
}

void
collet_service_read_begin (ColletService *self)
{
  self->cancellable = g_cancellable_new ();
  self->subscription =
      g_dbus_connection_signal_subscribe (self->connection, COLLET_BUS_NAME, NULL, NULL, NULL, NULL,
                                          G_DBUS_SIGNAL_FLAGS_NONE, on_signal, self, NULL);
  collet_service_read_all (self);
}

void
collet_service_read_end (ColletService *self)
{
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_handle_id (&self->matrix_delay, g_source_remove);
  self->is_reading_matrix = self->matrix_is_due = self->has_matrix = self->is_matrix_missed = FALSE;
  if (self->subscription != 0)
    g_dbus_connection_signal_unsubscribe (self->connection, self->subscription);
  self->subscription = 0;
}
