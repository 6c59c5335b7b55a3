/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * stand-in [--modules N] [--nodes N] [--updates N] [--deny WHAT]: a daemon of a large
 * cluster on the session bus, for programs that show one; so quick that what takes
 * time is they.
 *
 * Every tenth module differs on two nodes. --updates: changes of the matrix a second, in
 * ten signals. --deny looking, changing, locked (changing, until a caller allows to be
 * asked for a password) or knowing (it is too old to know any method). Prints "ready"; a line "gap" on its
 * input makes it leave a signal out.
 */
#include <gio/gio.h>
#include <stdio.h>

#include "collet-bus.h"
#include "collet-dbus.h"
#include "collet-error.h"

#define N_VERSIONS 8
#define PACE_MS 100
#define IN_LINE 1
#define LAGGING 2
#define FAILED 3
#define DOWN 7 /* number of the node that is */

typedef struct
{
  guint version;
  guint8 state;
} Cell;

static int n_modules = 500, n_nodes = 50, n_updates;
static char *deny;
static char *versions[1 + N_VERSIONS]; /* the first is none */
static Cell *cells;                    /* n_nodes for each module */
static guint64 serial = 1;
static guint turn;
static gboolean leaves_out, is_unlocked;
static GDBusConnection *connection;
static GVariant *all_objects; /* made once: nobody is kept waiting for it */

static guint
agreed (guint module)
{
  return 1 + module % 7;
}

static Cell *
get_cell (guint module, guint node)
{
  return &cells[module * (guint)n_nodes + node];
}

static char *
dup_module (guint module)
{
  return g_strdup_printf ("module-%03u", module + 1);
}

static char *
dup_node (guint node)
{
  return g_strdup_printf ("node-%02u", node + 1);
}

static void
fill (void)
{
  versions[0] = g_strdup ("");
  for (guint i = 0; i < N_VERSIONS; i++)
    {
      g_autofree char *text = g_strdup_printf ("%u", i);
      versions[1 + i] = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);
    }
  cells = g_new (Cell, (gsize)n_modules * (gsize)n_nodes);
  for (guint module = 0; module < (guint)n_modules; module++)
    {
      for (guint node = 0; node < (guint)n_nodes; node++)
        *get_cell (module, node) = (Cell){ agreed (module), IN_LINE };
      if (module % 10 != 0)
        continue;
      *get_cell (module, module % (guint)n_nodes) = (Cell){ N_VERSIONS, LAGGING };
      *get_cell (module, (module + 13) % (guint)n_nodes) = (Cell){ 0, FAILED };
    }
}

/* ---- what it is ---- */

static GVariant *
parse (const char *format, ...)
{
  va_list arguments;
  GVariant *value;

  va_start (arguments, format);
  value = g_variant_new_parsed_va (format, &arguments);
  va_end (arguments);
  return value;
}

static GVariant *
make_properties (void)
{
  g_autofree char *node = dup_node (0);

  return parse (
      "{'Version': <'0.1.0'>, 'NodeName': <%s>, 'ClusterName': <'large'>, 'ClusterState': <'joined'>,"
      " 'State': <'running'>, 'Warnings': <@as []>, 'McpAddresses': <@as []>, 'ModulePath': <@as []>,"
      " 'DataFolder': <'/nowhere'>, 'StartedAt': <%x>, 'Pid': <uint32 1>, 'ToolsSerial': <uint64 1>,"
      " 'UpdateSequence': <uint64 1>, 'Counts': <{'modules': %t}>}",
      node, g_get_real_time (), (guint64)n_modules);
}

static GVariant *
get_property (GDBusConnection *bus, const char *sender, const char *path, const char *interface,
              const char *name, GError **error, gpointer user_data)
{
  g_autoptr (GVariant) properties = g_variant_ref_sink (make_properties ());
  GVariant *value = g_variant_lookup_value (properties, name, NULL);

  if (value == NULL)
    g_set_error (error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_PROPERTY, "There is no %s", name);
  return value;
}

static void
add_object (GVariantBuilder *objects, const char *folder, const char *name, const char *interface,
            GVariant *values)
{
  g_autofree char *path = collet_bus_dup_path (folder, name);
  GVariantBuilder interfaces;

  g_variant_builder_init (&interfaces, G_VARIANT_TYPE ("a{sa{sv}}"));
  g_variant_builder_add (&interfaces, "{s@a{sv}}", interface, values);
  g_variant_builder_add (objects, "{oa{sa{sv}}}", path, &interfaces);
}

static void
add_module (GVariantBuilder *objects, guint number)
{
  g_autofree char *name = dup_module (number);
  g_autofree char *tool = g_strdup_printf ("tool-%03u", number + 1);
  g_autofree char *about = g_strdup_printf ("Does number %u", number + 1);
  g_autofree char *semantic = g_strdup_printf ("1.%u.0", number % 7);
  guint64 calls = number * 7;

  add_object (objects, COLLET_BUS_MODULES, name, "org.collet.Collet1.Module",
              parse ("{'Name': <%s>, 'Description': <%s>, 'State': <'running'>, 'Version': <%s>,"
                     " 'SemanticVersion': <%s>, 'Tools': <[%s]>, 'Verdict': <'ok'>, 'Host': <'worker'>,"
                     " 'Calls': <%t>, 'Reload': <objectpath '/'>}",
                     name, about, versions[agreed (number)], semantic, tool, calls));
  add_object (
      objects, COLLET_BUS_TOOLS, tool, "org.collet.Collet1.Tool",
      parse ("{'Name': <%s>, 'Module': <%s>, 'Description': <%s>, 'InputSchema': <'{\"type\":\"object\"}'>,"
             " 'SemanticVersion': <%s>, 'Version': <%s>, 'Calls': <%t>}",
             tool, name, about, semantic, versions[agreed (number)], calls));
}

static void
add_node (GVariantBuilder *objects, guint number)
{
  g_autofree char *name = dup_node (number);
  g_autofree char *url = g_strdup_printf ("https://%s:7312", name);
  gboolean is_down = number == DOWN;

  add_object (
      objects, COLLET_BUS_NODES, name, "org.collet.Collet1.Node",
      parse ("{'Name': <%s>, 'Self': <%b>, 'State': <%s>, 'Message': <%s>, 'DaemonVersion': <'0.1.0'>,"
             " 'LastSeen': <%x>, 'Url': <%s>, 'Counts': <{'modules': %t, 'in-line': %t}>}",
             name, number == 0, is_down ? "down" : "live",
             is_down ? "It was not reached; look at its daemon." : "", g_get_real_time (), url,
             (guint64)n_modules, (guint64)n_modules));
}

static GVariant *
make_objects (void)
{
  GVariantBuilder objects;

  g_variant_builder_init (&objects, G_VARIANT_TYPE ("a{oa{sa{sv}}}"));
  for (guint i = 0; i < (guint)n_modules; i++)
    add_module (&objects, i);
  for (guint i = 0; i < (guint)n_nodes; i++)
    add_node (&objects, i);
  return g_variant_new ("(a{oa{sa{sv}}})", &objects);
}

static GVariant *
make_matrix (void)
{
  GVariantBuilder nodes, rows;

  g_variant_builder_init (&nodes, G_VARIANT_TYPE_STRING_ARRAY);
  for (guint i = 0; i < (guint)n_nodes; i++)
    g_variant_builder_add_value (&nodes, g_variant_new_take_string (dup_node (i)));
  g_variant_builder_init (&rows, G_VARIANT_TYPE ("a(suta(uy))"));
  for (guint module = 0; module < (guint)n_modules; module++)
    {
      g_autofree char *name = dup_module (module);
      GVariantBuilder row;

      g_variant_builder_init (&row, G_VARIANT_TYPE ("a(uy)"));
      for (guint node = 0; node < (guint)n_nodes; node++)
        g_variant_builder_add (&row, "(uy)", get_cell (module, node)->version,
                               get_cell (module, node)->state);
      g_variant_builder_add (&rows, "(suta(uy))", name, agreed (module), (guint64)1, &row);
    }
  return g_variant_new ("(tas@asa(suta(uy)))", serial, &nodes,
                        g_variant_new_strv ((const char *const *)versions, G_N_ELEMENTS (versions)), &rows);
}

/* ---- what it answers ---- */

static gboolean
may (GDBusMethodInvocation *invocation)
{
  const GDBusMethodInfo *info = g_dbus_method_invocation_get_method_info (invocation);
  const char *permission = collet_bus_get_permission (info);
  GDBusMessageFlags flags = g_dbus_message_get_flags (g_dbus_method_invocation_get_message (invocation));
  gboolean is_read = permission == NULL ||
                     g_str_equal (permission, COLLET_PERMISSION_PREFIX "read"); /* no annotation: objects */

  if (g_strcmp0 (deny, "looking") == 0)
    return FALSE;
  if (g_strcmp0 (deny, "locked") == 0 && (flags & G_DBUS_MESSAGE_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION) != 0)
    is_unlocked = TRUE;
  return is_read || deny == NULL || is_unlocked;
}

static void
answer (GDBusConnection *bus, const char *sender, const char *path, const char *interface, const char *method,
        GVariant *parameters, GDBusMethodInvocation *invocation, gpointer user_data)
{
  if (g_strcmp0 (deny, "knowing") == 0)
    g_dbus_method_invocation_return_error (invocation, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_METHOD,
                                           "There is no method %s", method);
  else if (!may (invocation))
    g_dbus_method_invocation_return_error (invocation, COLLET_ERROR, COLLET_ERROR_NOT_AUTHORIZED,
                                           "You may not do that. Ask an administrator.");
  else if (g_str_equal (method, "GetManagedObjects"))
    g_dbus_method_invocation_return_value (invocation, all_objects);
  else if (g_str_equal (method, "GetMatrix"))
    g_dbus_method_invocation_return_value (invocation, make_matrix ());
  else if (g_str_equal (method, "GetReloadHistory") || g_str_equal (method, "ListVersions") ||
           g_str_equal (method, "ListSubscriptions") || g_str_equal (method, "GetDrainStatus"))
    g_dbus_method_invocation_return_value (invocation, g_variant_new ("(aa{sv})", NULL));
  else
    g_dbus_method_invocation_return_error (invocation, COLLET_ERROR, COLLET_ERROR_NOT_SUPPORTED,
                                           "%s is not offered here. Use another daemon.", method);
}

/* A tenth of a second's changes, in one signal. */
static gboolean
change (gpointer user_data)
{
  GVariantBuilder deltas;

  g_variant_builder_init (&deltas, G_VARIANT_TYPE ("a(sssty)"));
  for (int i = 0; i < MAX (1, n_updates / (1000 / PACE_MS)); i++)
    {
      guint module = ++turn * 7 % (guint)n_modules, node = turn * 11 % (guint)n_nodes;
      Cell *cell = get_cell (module, node);
      g_autofree char *module_name = dup_module (module);
      g_autofree char *node_name = dup_node (node);

      *cell = cell->state != IN_LINE ? (Cell){ agreed (module), IN_LINE } : (Cell){ N_VERSIONS, LAGGING };
      g_variant_builder_add (&deltas, "(sssty)", module_name, node_name, versions[cell->version], (guint64)1,
                             cell->state);
    }
  serial++;
  g_autoptr (GVariant) signal = g_variant_ref_sink (g_variant_new ("(ta(sssty))", serial, &deltas));
  if (!leaves_out)
    g_dbus_connection_emit_signal (connection, NULL, COLLET_BUS_ROOT, "org.collet.Collet1.Manager",
                                   "MatrixChanged", signal, NULL);
  leaves_out = FALSE;
  return G_SOURCE_CONTINUE;
}

static gboolean
on_input (GIOChannel *input, GIOCondition condition, gpointer user_data)
{
  g_autofree char *line = NULL;

  if (g_io_channel_read_line (input, &line, NULL, NULL, NULL) != G_IO_STATUS_NORMAL)
    return G_SOURCE_REMOVE;
  leaves_out = g_str_equal (g_strstrip (line), "gap");
  return G_SOURCE_CONTINUE;
}

static void
on_name (GDBusConnection *bus, const char *name, gpointer user_data)
{
  puts ("ready");
  fflush (stdout);
}

int
main (int argc, char **argv)
{
  const GOptionEntry options[] = {
    { "modules", 0, 0, G_OPTION_ARG_INT, &n_modules, NULL, NULL },
    { "nodes", 0, 0, G_OPTION_ARG_INT, &n_nodes, NULL, NULL },
    { "updates", 0, 0, G_OPTION_ARG_INT, &n_updates, NULL, NULL },
    { "deny", 0, 0, G_OPTION_ARG_STRING, &deny, NULL, NULL },
    { NULL, 0, 0, 0, NULL, NULL, NULL },
  };
  static const char objects_xml[] =
      "<node><interface name='org.freedesktop.DBus.ObjectManager'><method name='GetManagedObjects'>"
      "<arg type='a{oa{sa{sv}}}' direction='out'/></method></interface></node>";
  static const GDBusInterfaceVTable vtable = { answer, get_property, NULL, { 0 } };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GDBusNodeInfo) objects = g_dbus_node_info_new_for_xml (objects_xml, NULL);
  g_autoptr (GIOChannel) input = g_io_channel_unix_new (0);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);

  g_option_context_add_main_entries (context, options, NULL);
  if (!g_option_context_parse (context, &argc, &argv, NULL) || n_modules < 1 || n_nodes < 1)
    return 2;
  fill ();
  all_objects = g_variant_ref_sink (make_objects ());
  connection = g_bus_get_sync (G_BUS_TYPE_SESSION, NULL, NULL);
  if (connection == NULL)
    return 1;
  g_dbus_connection_register_object (connection, COLLET_BUS_ROOT, collet_dbus_manager_interface_info (),
                                     &vtable, NULL, NULL, NULL);
  g_dbus_connection_register_object (connection, COLLET_BUS_ROOT, objects->interfaces[0], &vtable, NULL, NULL,
                                     NULL);
  g_bus_own_name_on_connection (connection, COLLET_BUS_NAME, G_BUS_NAME_OWNER_FLAGS_NONE, on_name, NULL, NULL,
                                NULL);
  if (n_updates > 0)
    g_timeout_add (PACE_MS, change, NULL);
  g_io_add_watch (input, G_IO_IN | G_IO_HUP, on_input, NULL);
  g_main_loop_run (loop);
  return 0;
}
