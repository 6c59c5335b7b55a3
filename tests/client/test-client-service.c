/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The service against a daemon that this test plays itself, on a private bus.
 */
#include "collet-bus.h"
#include "collet-error.h"
#include "collet-service.h"

#define TIMEOUT_S 10

/* The daemon's side: a connection of its own, that answers as the test says. */
typedef struct
{
  GTestDBus *bus;
  GDBusConnection *connection;
  GDBusObjectManagerServer *objects;
  ColletDbusManager *manager;
  ColletService *service;
  const char *refuse; /* error name for every call of Properties and Manager */
  guint owner;
  guint n_matrix;            /* how often it was asked for */
  const char *matrix_refuse; /* error name for it */
  guint64 serial;
  guint filter;
} Fixture;

static gboolean
on_get_matrix (ColletDbusManager *manager, GDBusMethodInvocation *invocation, Fixture *fixture)
{
  const char *refuse = fixture->serial == 0 ? COLLET_ERROR_PREFIX "NotSupported" : fixture->matrix_refuse;

  fixture->n_matrix++;
  if (refuse != NULL)
    {
      g_dbus_method_invocation_return_dbus_error (invocation, refuse, "Not here.");
      return TRUE;
    }
  g_dbus_method_invocation_return_value (
      invocation, g_variant_new_parsed ("(%t, ['n1', 'n2'], ['', 'aaaa'], [('m', uint32 1, uint64 1, "
                                        "[(uint32 1, byte 1), (uint32 1, 1)])])",
                                        fixture->serial));
  return TRUE;
}

static gboolean
on_call_tool (ColletDbusManager *manager, GDBusMethodInvocation *invocation, const char *tool,
              const char *arguments, GVariant *options, Fixture *fixture)
{
  if (g_str_equal (tool, "never"))
    g_object_unref (invocation);
  else
    g_dbus_method_invocation_return_dbus_error (invocation, COLLET_ERROR_PREFIX "ToolNotFound",
                                                "No such tool.");
  return TRUE;
}

static GDBusMessage *
on_message (GDBusConnection *connection, GDBusMessage *message, gboolean incoming, gpointer user_data)
{
  Fixture *fixture = user_data;
  const char *interface = g_dbus_message_get_interface (message);

  if (!incoming || fixture->refuse == NULL ||
      g_dbus_message_get_message_type (message) != G_DBUS_MESSAGE_TYPE_METHOD_CALL ||
      g_strcmp0 (interface, "org.freedesktop.DBus.Properties") != 0)
    return message;
  g_autoptr (GDBusMessage) reply =
      g_dbus_message_new_method_error_literal (message, fixture->refuse, "As you said.");
  g_dbus_connection_send_message (connection, reply, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL, NULL);
  g_object_unref (message);
  return NULL;
}

static void
export_module (Fixture *fixture, const char *name, const char *version)
{
  g_autofree char *path = collet_bus_dup_path (COLLET_BUS_MODULES, name);
  g_autoptr (ColletDbusObjectSkeleton) object = collet_dbus_object_skeleton_new (path);
  g_autoptr (ColletDbusModule) module = collet_dbus_module_skeleton_new ();

  g_object_set (module, "name", name, "version", version, "state", "running", NULL);
  collet_dbus_object_skeleton_set_module (object, module);
  g_dbus_object_manager_server_export (fixture->objects, G_DBUS_OBJECT_SKELETON (object));
}

static void
start_daemon (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  fixture->connection =
      g_dbus_connection_new_for_address_sync (g_test_dbus_get_bus_address (fixture->bus),
                                              G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                                                  G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                              NULL, NULL, &error);
  g_assert_no_error (error);
  fixture->filter = g_dbus_connection_add_filter (fixture->connection, on_message, fixture, NULL);
  fixture->objects = g_dbus_object_manager_server_new (COLLET_BUS_ROOT);
  fixture->manager = collet_dbus_manager_skeleton_new ();
  collet_dbus_manager_set_node_name (fixture->manager, "here");
  g_signal_connect (fixture->manager, "handle-get-matrix", G_CALLBACK (on_get_matrix), fixture);
  g_signal_connect (fixture->manager, "handle-call-tool", G_CALLBACK (on_call_tool), fixture);
  export_module (fixture, "m", "aaaa");
  g_dbus_object_manager_server_set_connection (fixture->objects, fixture->connection);
  g_dbus_interface_skeleton_export (G_DBUS_INTERFACE_SKELETON (fixture->manager), fixture->connection,
                                    COLLET_BUS_ROOT, &error);
  g_assert_no_error (error);
  fixture->owner = g_bus_own_name_on_connection (fixture->connection, COLLET_BUS_NAME,
                                                 G_BUS_NAME_OWNER_FLAGS_NONE, NULL, NULL, NULL, NULL);
}

static void
stop_daemon (Fixture *fixture)
{
  g_bus_unown_name (fixture->owner);
  g_dbus_connection_remove_filter (fixture->connection, fixture->filter);
  g_clear_object (&fixture->manager);
  g_clear_object (&fixture->objects);
  g_dbus_connection_close_sync (fixture->connection, NULL, NULL);
  g_clear_object (&fixture->connection);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (fixture->bus);
  fixture->service = collet_service_new (COLLET_CLIENT_BUS_SESSION, NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  if (fixture->connection != NULL)
    stop_daemon (fixture);
  g_object_unref (fixture->service);
  g_test_dbus_stop (fixture->bus);
  g_object_unref (fixture->bus);
}

#define wait_for(condition)                                                                                  \
  G_STMT_START                                                                                               \
  {                                                                                                          \
    gint64 end = g_get_monotonic_time () + TIMEOUT_S * G_USEC_PER_SEC;                                       \
    guint tick = g_timeout_add (10, on_tick, NULL);                                                          \
    while (!(condition) && g_get_monotonic_time () < end)                                                    \
      g_main_context_iteration (NULL, TRUE);                                                                 \
    g_source_remove (tick);                                                                                  \
    g_assert_true (condition);                                                                               \
  }                                                                                                          \
  G_STMT_END

static gboolean
on_tick (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

static gboolean
is_in (Fixture *fixture, ColletServiceState state)
{
  return collet_service_get_state (fixture->service) == state;
}

static guint
count_modules (Fixture *fixture)
{
  return g_list_model_get_n_items (
      G_LIST_MODEL (collet_service_get_list (fixture->service, COLLET_LIST_MODULES)));
}

static void
test_finds_a_daemon_that_comes_later (Fixture *fixture, gconstpointer data)
{
  wait_for (is_in (fixture, COLLET_SERVICE_DOWN));
  g_assert_false (collet_service_has_data (fixture->service));
  g_assert_cmpint (collet_service_get_stale_since (fixture->service), ==, 0);
  start_daemon (fixture);
  wait_for (is_in (fixture, COLLET_SERVICE_READY));
  g_assert_cmpuint (count_modules (fixture), ==, 1);
  g_assert_cmpstr (collet_item_get_string (collet_service_get_daemon (fixture->service), "NodeName"), ==,
                   "here");
}

static void
test_keeps_what_it_knew_while_the_daemon_is_away (Fixture *fixture, gconstpointer data)
{
  start_daemon (fixture);
  wait_for (is_in (fixture, COLLET_SERVICE_READY));
  ColletItem *module =
      collet_item_list_lookup (collet_service_get_list (fixture->service, COLLET_LIST_MODULES), "m");
  stop_daemon (fixture);
  wait_for (is_in (fixture, COLLET_SERVICE_DOWN));
  g_assert_cmpuint (count_modules (fixture), ==, 1);
  g_assert_cmpint (collet_service_get_stale_since (fixture->service), >, 0);

  start_daemon (fixture);
  wait_for (is_in (fixture, COLLET_SERVICE_READY));
  g_assert_cmpint (collet_service_get_stale_since (fixture->service), ==, 0);
  /* The same object: what shows it needs not look again. */
  g_assert_true (collet_item_list_lookup (collet_service_get_list (fixture->service, COLLET_LIST_MODULES),
                                          "m") == module);
}

static void
test_follows_objects (Fixture *fixture, gconstpointer data)
{
  ColletItemList *modules = collet_service_get_list (fixture->service, COLLET_LIST_MODULES);

  start_daemon (fixture);
  wait_for (is_in (fixture, COLLET_SERVICE_READY));
  export_module (fixture, "text-tools", "bbbb");
  wait_for (count_modules (fixture) == 2);
  g_assert_cmpstr (collet_item_get_string (collet_item_list_lookup (modules, "text-tools"), "Version"), ==,
                   "bbbb");
  g_autofree char *path = collet_bus_dup_path (COLLET_BUS_MODULES, "m");
  g_dbus_object_manager_server_unexport (fixture->objects, path);
  wait_for (count_modules (fixture) == 1);
  g_assert_null (collet_item_list_lookup (modules, "m"));
}

static void
test_without_a_matrix_its_modules_are_one (Fixture *fixture, gconstpointer data)
{
  ColletMatrix *matrix = collet_service_get_matrix (fixture->service);

  start_daemon (fixture);
  wait_for (collet_matrix_lookup (matrix, "m") != NULL);
  g_assert_cmpstr (collet_matrix_get_nodes (matrix)[0], ==, "here");
  export_module (fixture, "n", "bbbb");
  wait_for (collet_matrix_lookup (matrix, "n") != NULL);
  g_assert_cmpuint (fixture->n_matrix, ==, 1);
}

static void
test_asks_again_after_a_gap (Fixture *fixture, gconstpointer data)
{
  ColletMatrix *matrix = collet_service_get_matrix (fixture->service);

  fixture->serial = 3;
  start_daemon (fixture);
  wait_for (collet_matrix_get_serial (matrix) == 3);
  collet_dbus_manager_emit_matrix_changed (fixture->manager, 4,
                                           g_variant_new_parsed ("[('m', 'n2', 'bbbb', uint64 1, byte 2)]"));
  wait_for (collet_matrix_get_serial (matrix) == 4);
  g_assert_cmpuint (fixture->n_matrix, ==, 1);
  fixture->serial = 9;
  collet_dbus_manager_emit_matrix_changed (fixture->manager, 8,
                                           g_variant_new_parsed ("[('m', 'n1', 'bbbb', uint64 1, byte 2)]"));
  wait_for (collet_matrix_get_serial (matrix) == 9);
  g_assert_cmpuint (fixture->n_matrix, ==, 2);
}

static void
test_says_when_it_may_not_look (Fixture *fixture, gconstpointer data)
{
  fixture->refuse = "org.freedesktop.DBus.Error.AccessDenied";
  start_daemon (fixture);
  wait_for (is_in (fixture, COLLET_SERVICE_UNAUTHORISED));
  g_assert_error (collet_service_get_error (fixture->service), COLLET_ERROR, COLLET_ERROR_NOT_AUTHORIZED);
  fixture->refuse = NULL;
  collet_service_refresh (fixture->service);
  wait_for (is_in (fixture, COLLET_SERVICE_READY));
}

static void
test_says_when_the_daemon_is_older (Fixture *fixture, gconstpointer data)
{
  fixture->refuse = "org.freedesktop.DBus.Error.UnknownInterface";
  start_daemon (fixture);
  wait_for (is_in (fixture, COLLET_SERVICE_OLDER));
}

static void
test_a_daemon_that_does_not_say_is_not_one_node (Fixture *fixture, gconstpointer data)
{
  ColletMatrix *matrix = collet_service_get_matrix (fixture->service);

  fixture->serial = 1;
  fixture->matrix_refuse = "org.freedesktop.DBus.Error.NoReply";
  start_daemon (fixture);
  wait_for (is_in (fixture, COLLET_SERVICE_FAILED));
  g_assert_error (collet_service_get_error (fixture->service), COLLET_CLIENT_ERROR,
                  COLLET_CLIENT_ERROR_NO_ANSWER);
  g_assert_cmpuint (collet_matrix_get_n_nodes (matrix), ==, 0);

  fixture->matrix_refuse = NULL;
  wait_for (is_in (fixture, COLLET_SERVICE_READY)); /* by itself */
  g_assert_cmpuint (collet_matrix_get_n_nodes (matrix), ==, 2);
}

static void
on_called (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError **error = user_data;
  g_autoptr (GVariant) reply = collet_service_call_finish (result, "(s)", error);

  g_assert_null (reply);
}

static GError *
call_tool (Fixture *fixture, const char *tool, int timeout_ms)
{
  GError *error = NULL;

  collet_service_call (fixture->service, "CallTool", g_variant_new_parsed ("(%s, '{}', @a{sv} {})", tool),
                       timeout_ms, NULL, on_called, &error);
  wait_for (error != NULL);
  return error;
}

static void
test_errors_say_what_is_known (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) away = call_tool (fixture, "any", 0);
  g_assert_error (away, COLLET_CLIENT_ERROR, COLLET_CLIENT_ERROR_NOT_REACHABLE);

  start_daemon (fixture);
  wait_for (is_in (fixture, COLLET_SERVICE_READY));
  g_autoptr (GError) refused = call_tool (fixture, "any", 0);
  g_assert_error (refused, COLLET_ERROR, COLLET_ERROR_TOOL_NOT_FOUND);
  /* What becomes of the call is not known, so it did not fail. */
  g_autoptr (GError) silent = call_tool (fixture, "never", 50);
  g_assert_error (silent, COLLET_CLIENT_ERROR, COLLET_CLIENT_ERROR_NO_ANSWER);
}

#define add(name, function) g_test_add ("/client/service/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("finds-a-daemon-that-comes-later", test_finds_a_daemon_that_comes_later);
  add ("keeps-what-it-knew-while-the-daemon-is-away", test_keeps_what_it_knew_while_the_daemon_is_away);
  add ("follows-objects", test_follows_objects);
  add ("without-a-matrix-its-modules-are-one", test_without_a_matrix_its_modules_are_one);
  add ("asks-again-after-a-gap", test_asks_again_after_a_gap);
  add ("says-when-it-may-not-look", test_says_when_it_may_not_look);
  add ("says-when-the-daemon-is-older", test_says_when_the_daemon_is_older);
  add ("a-daemon-that-does-not-say-is-not-one-node", test_a_daemon_that_does_not_say_is_not_one_node);
  add ("errors-say-what-is-known", test_errors_say_what_is_known);
  return g_test_run ();
}
