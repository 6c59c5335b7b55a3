/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-bouncer.h"

#include <unistd.h>

#include "collet-bus.h"
#include "collet-error.h"
#include "collet-polkit.h"

/* Of callers whose user id is remembered. */
#define MAX_CALLERS 256

struct _ColletBouncer
{
  GObject parent_instance;
  gboolean is_system;
  GDBusConnection *connection; /* whose names `uids` has */
  GHashTable *uids;            /* unique name → uid: a bus never gives a name to somebody else */
};

G_DEFINE_FINAL_TYPE (ColletBouncer, collet_bouncer, G_TYPE_OBJECT)

static void
collet_bouncer_finalize (GObject *object)
{
  ColletBouncer *self = COLLET_BOUNCER (object);

  g_clear_object (&self->connection);
  g_hash_table_unref (self->uids);
  G_OBJECT_CLASS (collet_bouncer_parent_class)->finalize (object);
}

static void
collet_bouncer_class_init (ColletBouncerClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = collet_bouncer_finalize;
}

static void
collet_bouncer_init (ColletBouncer *self)
{
  self->uids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

ColletBouncer *
collet_bouncer_new (gboolean is_system)
{
  ColletBouncer *self = g_object_new (COLLET_TYPE_BOUNCER, NULL);

  self->is_system = is_system;
  return self;
}

ColletBouncerAnswer
collet_bouncer_judge (gboolean is_system, gint64 daemon_uid, gint64 caller_uid, const char *permission)
{
  if (permission == NULL || caller_uid < 0)
    return COLLET_BOUNCER_NO;
  if (caller_uid == 0 || (!is_system && caller_uid == daemon_uid))
    return COLLET_BOUNCER_YES;
  if (!is_system || !g_str_has_prefix (permission, COLLET_PERMISSION_PREFIX))
    return COLLET_BOUNCER_NO;
  return g_str_equal (permission, COLLET_PERMISSION_PREFIX "read") ? COLLET_BOUNCER_YES : COLLET_BOUNCER_ASK;
}

/* What an invocation asks for; `uid` is known later. */
typedef struct
{
  GDBusMethodInvocation *invocation; /* borrowed: whoever asked keeps it */
  char *permission;
  guint32 uid;
} Check;

static void
check_free (Check *check)
{
  g_free (check->permission);
  g_free (check);
}

/* The first argument of most methods; borrowed, or NULL. */
static const char *
find_module (GDBusMethodInvocation *invocation)
{
  const GDBusMethodInfo *info = g_dbus_method_invocation_get_method_info (invocation);
  const char *module = NULL;

  if (info->in_args != NULL && info->in_args[0] != NULL && g_str_equal (info->in_args[0]->name, "module") &&
      g_str_equal (info->in_args[0]->signature, "s"))
    g_variant_get_child (g_dbus_method_invocation_get_parameters (invocation), 0, "&s", &module);
  return module;
}

static void
on_polkit (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  const Check *check = g_task_get_task_data (task);
  GError *error = NULL;

  if (collet_polkit_check_finish (result, &error))
    g_task_return_int (task, check->uid);
  else
    g_task_return_error (task, error);
}

static void
judge (GTask *task)
{
  ColletBouncer *self = g_task_get_source_object (task);
  const Check *check = g_task_get_task_data (task);

  switch (collet_bouncer_judge (self->is_system, getuid (), check->uid, check->permission))
    {
    case COLLET_BOUNCER_YES:
      g_task_return_int (task, check->uid);
      break;
    case COLLET_BOUNCER_ASK:
      collet_polkit_check_async (check->invocation, check->permission, find_module (check->invocation),
                                 on_polkit, g_object_ref (task));
      break;
    case COLLET_BOUNCER_NO:
    default:
      g_task_return_new_error (
          task, COLLET_ERROR, COLLET_ERROR_NOT_AUTHORIZED,
          "User id %u may not do this (%s). Ask as the user who runs the daemon, or as root.", check->uid,
          check->permission != NULL ? check->permission : "nobody may");
    }
}

/* ---- who calls ---- */

static void
remember (ColletBouncer *self, GDBusMethodInvocation *invocation, guint32 uid)
{
  if (self->connection != g_dbus_method_invocation_get_connection (invocation) ||
      g_hash_table_size (self->uids) >= MAX_CALLERS)
    g_hash_table_remove_all (self->uids);
  g_set_object (&self->connection, g_dbus_method_invocation_get_connection (invocation));
  g_hash_table_insert (self->uids, g_strdup (g_dbus_method_invocation_get_sender (invocation)),
                       GUINT_TO_POINTER (uid));
}

static gboolean
recall (ColletBouncer *self, GDBusMethodInvocation *invocation, guint32 *uid)
{
  gpointer known;

  if (self->connection != g_dbus_method_invocation_get_connection (invocation) ||
      !g_hash_table_lookup_extended (self->uids, g_dbus_method_invocation_get_sender (invocation), NULL,
                                     &known))
    return FALSE;
  *uid = GPOINTER_TO_UINT (known);
  return TRUE;
}

static void
on_uid (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Check *check = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (object), result, &error);

  if (reply == NULL)
    {
      g_prefix_error (&error, "The bus does not say who calls: ");
      g_task_return_error (task, error);
      return;
    }
  g_variant_get (reply, "(u)", &check->uid);
  remember (g_task_get_source_object (task), check->invocation, check->uid);
  judge (task);
}

void
collet_bouncer_check_async (ColletBouncer *self, GDBusMethodInvocation *invocation, const char *permission,
                            GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  Check *check = g_new0 (Check, 1);

  check->invocation = invocation;
  check->permission = g_strdup (permission);
  g_task_set_task_data (task, check, (GDestroyNotify)check_free);
  if (recall (self, invocation, &check->uid))
    {
      judge (task);
      return;
    }
  g_dbus_connection_call (g_dbus_method_invocation_get_connection (invocation), "org.freedesktop.DBus",
                          "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetConnectionUnixUser",
                          g_variant_new ("(s)", g_dbus_method_invocation_get_sender (invocation)),
                          G_VARIANT_TYPE ("(u)"), G_DBUS_CALL_FLAGS_NONE, -1, NULL, on_uid,
                          g_steal_pointer (&task));
}

gint64
collet_bouncer_check_finish (ColletBouncer *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_int (G_TASK (result), error);
}
