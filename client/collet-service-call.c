/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-service-private.h"

#include <glib/gi18n.h>

#include "collet-bus.h"
#include "collet-error.h"

static gboolean
is_no_answer (const GError *error)
{
  return g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY) ||
         g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_TIMEOUT) ||
         g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_TIMED_OUT) ||
         g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
}

static gboolean
is_unknown (const GError *error)
{
  return g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_METHOD) ||
         g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_INTERFACE) ||
         g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_PROPERTY);
}

GError *
collet_service_convert_error (GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return error;
  if (!is_no_answer (error) && !is_unknown (error))
    return collet_client_convert_error (error);

  g_dbus_error_strip_remote_error (error);
  GError *ours =
      is_unknown (error)
          ? g_error_new (COLLET_CLIENT_ERROR, COLLET_CLIENT_ERROR_OLDER,
                         _ ("The daemon is older than this program: %s"), error->message)
          : g_error_new (COLLET_CLIENT_ERROR, COLLET_CLIENT_ERROR_NO_ANSWER,
                         _ ("The daemon has not answered yet; what was asked for may still happen"));
  g_error_free (error);
  return ours;
}

static void
on_called (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  GVariant *reply =
      g_dbus_connection_call_with_unix_fd_list_finish (G_DBUS_CONNECTION (source), NULL, result, &error);

  if (reply == NULL)
    g_task_return_error (task, collet_service_convert_error (g_steal_pointer (&error)));
  else
    g_task_return_pointer (task, reply, (GDestroyNotify)g_variant_unref);
}

static void
start_call (ColletService *self, const char *path, const char *interface, const char *method,
            GVariant *arguments, int timeout_ms, GDBusCallFlags flags, GTask *task)
{
  g_autoptr (GVariant) owned = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;

  if (self->connection == NULL)
    {
      g_task_return_new_error (task, COLLET_CLIENT_ERROR, COLLET_CLIENT_ERROR_NOT_REACHABLE,
                               _ ("The daemon is not there; nothing was asked of it"));
      g_object_unref (task);
      return;
    }
  g_dbus_connection_call_with_unix_fd_list (self->connection, COLLET_BUS_NAME, path, interface, method, owned,
                                            NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START | flags,
                                            timeout_ms > 0 ? timeout_ms : G_MAXINT, NULL,
                                            g_task_get_cancellable (task), on_called, task);
}

void
collet_service_call (ColletService *self, const char *method, GVariant *arguments, int timeout_ms,
                     GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  start_call (self, COLLET_BUS_ROOT, COLLET_MANAGER_INTERFACE, method, arguments, timeout_ms,
              G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION,
              g_task_new (self, cancellable, callback, user_data));
}

void
collet_service_call_reload (ColletService *self, const char *path, const char *method, GVariant *arguments,
                            GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);

  if (path == NULL || !g_variant_is_object_path (path))
    {
      g_task_return_new_error (task, COLLET_ERROR, COLLET_ERROR_NOT_FOUND,
                               "The daemon no longer has that reload; it is in the history");
      g_object_unref (task);
      return;
    }
  start_call (self, path, COLLET_RELOAD_INTERFACE, method, arguments, 0,
              G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION, task);
}

void
collet_service_ask_access (ColletService *self, const char *method, GVariant *arguments,
                           gboolean may_ask_user, GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer user_data)
{
  start_call (self, COLLET_BUS_ROOT, COLLET_MANAGER_INTERFACE, method, arguments,
              may_ask_user ? 0 : COLLET_READ_TIMEOUT_MS,
              may_ask_user ? G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION : G_DBUS_CALL_FLAGS_NONE,
              g_task_new (self, cancellable, callback, user_data));
}

gboolean
collet_service_ask_access_finish (GAsyncResult *result, GError **error)
{
  g_autoptr (GError) reason = NULL;
  g_autoptr (GVariant) reply = g_task_propagate_pointer (G_TASK (result), &reason);

  /* Any other answer came after it was let through. */
  if (reply != NULL || !(g_error_matches (reason, COLLET_ERROR, COLLET_ERROR_NOT_AUTHORIZED) ||
                         g_error_matches (reason, G_IO_ERROR, G_IO_ERROR_CANCELLED)))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&reason));
  return FALSE;
}

GVariant *
collet_service_call_finish (GAsyncResult *result, const char *reply_type, GError **error)
{
  g_autoptr (GVariant) reply = g_task_propagate_pointer (G_TASK (result), error);

  if (reply == NULL)
    return NULL;
  if (g_variant_is_of_type (reply, G_VARIANT_TYPE (reply_type)))
    return g_steal_pointer (&reply);
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_NOT_SUPPORTED,
               "The daemon answered with %s where %s was expected", g_variant_get_type_string (reply),
               reply_type);
  return NULL;
}

GPtrArray *
collet_service_call_finish_rows (GAsyncResult *result, GError **error)
{
  g_autoptr (GVariant) reply = collet_service_call_finish (result, "(aa{sv})", error);

  if (reply == NULL)
    return NULL;
  g_autoptr (GVariant) rows = g_variant_get_child_value (reply, 0);
  return collet_item_new_rows (rows);
}
