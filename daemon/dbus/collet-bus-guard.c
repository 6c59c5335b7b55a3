/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-bus-guard.h"

#include <gio/gunixfdlist.h>

#include "collet-bus.h"
#include "collet-error-remedy.h"

#define MAX_TEXT 4096    /* bytes of a path or a name */
#define MAX_OPTION 65536 /* bytes of an option's text */

typedef struct
{
  ColletBouncer *bouncer;
  const ColletBusMethod *const *tables; /* NULL-terminated */
} Guard;

static GQuark
guard_quark (void)
{
  return g_quark_from_static_string ("collet-bus-guard");
}

static void
guard_free (gpointer data)
{
  Guard *guard = data;

  g_object_unref (guard->bouncer);
  g_free (guard);
}

static void
call_free (ColletBusCall *call)
{
  g_clear_object (&call->invocation);
  g_variant_unref (call->parameters);
  g_free (call);
}

void
collet_bus_call_return (ColletBusCall *call, GVariant *result)
{
  g_dbus_method_invocation_return_value (g_steal_pointer (&call->invocation), result);
  call_free (call);
}

void
collet_bus_call_return_fd (ColletBusCall *call, GVariant *result, GUnixFDList *fds)
{
  g_dbus_method_invocation_return_value_with_unix_fd_list (g_steal_pointer (&call->invocation), result, fds);
  call_free (call);
}

int
collet_bus_call_dup_fd (ColletBusCall *call, gint32 handle, GError **error)
{
  GUnixFDList *fds =
      g_dbus_message_get_unix_fd_list (g_dbus_method_invocation_get_message (call->invocation));

  if (fds != NULL && handle >= 0 && handle < g_unix_fd_list_get_length (fds))
    return g_unix_fd_list_get (fds, handle, error);
  g_set_error_literal (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                       "The message carries no such file descriptor. Send it with the call.");
  return -1;
}

void
collet_bus_call_fail (ColletBusCall *call, GError *error)
{
  g_dbus_method_invocation_take_error (g_steal_pointer (&call->invocation),
                                       collet_error_add_remedy (collet_error_convert (error)));
  call_free (call);
}

static ColletBusHandler
find_handler (const Guard *guard, const char *method)
{
  for (guint i = 0; guard->tables[i] != NULL; i++)
    for (const ColletBusMethod *entry = guard->tables[i]; entry->method != NULL; entry++)
      if (g_str_equal (entry->method, method))
        return entry->handler;
  return NULL;
}

/* Paths, names and reasons are repeated in messages and kept in the history. A
 * tool's arguments and smoke tests have limits of their own. */
static gboolean
check_text (const char *what, GVariant *text, gsize limit, GError **error)
{
  gsize length;

  g_variant_get_string (text, &length);
  if (length <= limit)
    return TRUE;
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
               "\"%s\" has %" G_GSIZE_FORMAT " bytes; %" G_GSIZE_FORMAT " are the most. Shorten it.", what,
               length, limit);
  return FALSE;
}

/* A string, an array of strings, or options with some among them. */
static gboolean
check_lengths (const char *what, GVariant *value, gsize limit, GError **error)
{
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    return check_text (what, value, limit, error);
  if (!g_variant_is_of_type (value, G_VARIANT_TYPE_STRING_ARRAY) &&
      !g_variant_is_of_type (value, G_VARIANT_TYPE_VARDICT))
    return TRUE;

  for (gsize i = 0; i < g_variant_n_children (value); i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (value, i);
      g_autoptr (GVariant) option = NULL;
      const char *name = what;

      if (g_variant_is_of_type (value, G_VARIANT_TYPE_VARDICT))
        {
          g_autoptr (GVariant) key = g_variant_get_child_value (child, 0);

          if (!check_text ("name of an option", key, MAX_TEXT, error))
            return FALSE;
          g_variant_get (child, "{&sv}", &name, &option);
        }
      if (!check_lengths (name, option != NULL ? option : child, option != NULL ? MAX_OPTION : limit, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
check_arguments (const GDBusMethodInfo *info, GVariant *parameters, GError **error)
{
  for (guint i = 0; info->in_args != NULL && info->in_args[i] != NULL; i++)
    {
      g_autoptr (GVariant) value = g_variant_get_child_value (parameters, i);

      if (!g_str_equal (info->in_args[i]->name, "arguments") &&
          !g_str_equal (info->in_args[i]->name, "tests") &&
          !check_lengths (info->in_args[i]->name, value, MAX_TEXT, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
check_options (const GDBusMethodInfo *info, GVariant *parameters, GError **error)
{
  for (guint i = 0; info->in_args != NULL && info->in_args[i] != NULL; i++)
    {
      if (!g_str_equal (info->in_args[i]->signature, "a{sv}"))
        continue;

      g_autoptr (GVariant) options = g_variant_get_child_value (parameters, i);
      return collet_bus_check_options (info, options, error);
    }
  return TRUE;
}

typedef struct
{
  GObject *object; /* keeps it while the bouncer thinks */
  ColletBusHandler handler;
  ColletBusCall *call;
} Waiting;

static void
on_checked (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autofree Waiting *waiting = data;
  g_autoptr (GObject) owner = waiting->object;
  GError *error = NULL;

  waiting->call->uid = collet_bouncer_check_finish (COLLET_BOUNCER (object), result, &error);
  if (error != NULL)
    collet_bus_call_fail (waiting->call, error);
  else
    waiting->handler (owner, waiting->call);
}

void
collet_bus_call_require (ColletBusCall *call, gpointer object, const char *permission, ColletBusHandler then)
{
  const Guard *guard = g_object_get_qdata (object, guard_quark ());
  Waiting *waiting = g_new (Waiting, 1);

  *waiting = (Waiting){ g_object_ref (object), then, call };
  collet_bouncer_check_async (guard->bouncer, call->invocation, permission, on_checked, waiting);
}

static void
on_method_call (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
                const char *method, GVariant *parameters, GDBusMethodInvocation *invocation, gpointer object)
{
  const Guard *guard = g_object_get_qdata (object, guard_quark ());
  const GDBusMethodInfo *info = g_dbus_method_invocation_get_method_info (invocation);
  ColletBusHandler handler = find_handler (guard, method);
  ColletBusCall *call = g_new0 (ColletBusCall, 1);
  GError *error = NULL;

  call->invocation = invocation; /* ours to answer */
  call->parameters = g_variant_ref (parameters);
  if (handler == NULL)
    g_set_error (&error, COLLET_ERROR, COLLET_ERROR_NOT_SUPPORTED,
                 "%s.%s is part of the contract, but this daemon does not offer it. Look at its version.",
                 interface, method);
  if (error != NULL || !check_arguments (info, parameters, &error) ||
      !check_options (info, parameters, &error))
    {
      collet_bus_call_fail (call, error);
      return;
    }

  Waiting *waiting = g_new (Waiting, 1);
  *waiting = (Waiting){ g_object_ref (object), handler, call };
  collet_bouncer_check_async (guard->bouncer, invocation, collet_bus_get_permission (info), on_checked,
                              waiting);
}

GDBusInterfaceVTable
collet_bus_guard_vtable (const GDBusInterfaceVTable *generated)
{
  GDBusInterfaceVTable vtable = *generated;

  vtable.method_call = on_method_call;
  return vtable;
}

void
collet_bus_guard_attach (GDBusInterfaceSkeleton *object, ColletBouncer *bouncer,
                         const ColletBusMethod *const *tables)
{
  Guard *guard = g_new (Guard, 1);

  *guard = (Guard){ g_object_ref (bouncer), tables };
  g_object_set_qdata_full (G_OBJECT (object), guard_quark (), guard, guard_free);
}
