/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-bouncer.h"

#include <unistd.h>

#include "collet-bus.h"
#include "collet-error.h"

struct _ColletBouncer
{
  GObject parent_instance;
  gboolean is_system;
};

G_DEFINE_FINAL_TYPE (ColletBouncer, collet_bouncer, G_TYPE_OBJECT)

static void
collet_bouncer_class_init (ColletBouncerClass *klass)
{
}

static void
collet_bouncer_init (ColletBouncer *self)
{
}

ColletBouncer *
collet_bouncer_new (gboolean is_system)
{
  ColletBouncer *self = g_object_new (COLLET_TYPE_BOUNCER, NULL);

  self->is_system = is_system;
  return self;
}

gboolean
collet_bouncer_allows (gboolean is_system, gint64 daemon_uid, gint64 caller_uid, const char *permission)
{
  if (permission == NULL || caller_uid < 0)
    return FALSE;
  if (caller_uid == 0 || (!is_system && caller_uid == daemon_uid))
    return TRUE;
  return is_system && g_str_equal (permission, COLLET_PERMISSION_PREFIX "read");
}

static void
on_uid (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  ColletBouncer *self = g_task_get_source_object (task);
  const char *permission = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (object), result, &error);
  guint32 uid;

  if (reply == NULL)
    {
      g_prefix_error (&error, "The bus does not say who calls: ");
      g_task_return_error (task, error);
      return;
    }
  g_variant_get (reply, "(u)", &uid);
  if (!collet_bouncer_allows (self->is_system, getuid (), uid, permission))
    g_task_return_new_error (
        task, COLLET_ERROR, COLLET_ERROR_NOT_AUTHORIZED,
        "User id %u may not do this (%s). Ask as the user who runs the daemon, or as root.", uid,
        permission != NULL ? permission : "nobody may");
  else
    g_task_return_int (task, uid);
}

void
collet_bouncer_check_async (ColletBouncer *self, GDBusMethodInvocation *invocation, const char *permission,
                            GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);

  g_task_set_task_data (task, g_strdup (permission), g_free);
  g_dbus_connection_call (g_dbus_method_invocation_get_connection (invocation), "org.freedesktop.DBus",
                          "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetConnectionUnixUser",
                          g_variant_new ("(s)", g_dbus_method_invocation_get_sender (invocation)),
                          G_VARIANT_TYPE ("(u)"), G_DBUS_CALL_FLAGS_NONE, -1, NULL, on_uid, task);
}

gint64
collet_bouncer_check_finish (ColletBouncer *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_int (G_TASK (result), error);
}
