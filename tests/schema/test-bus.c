/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-bus.h"
#include "collet-dbus.h"
#include "collet-error.h"

#include <string.h>

#define KINDS                                                                                                \
  {                                                                                                          \
    "read", "validate", "load", "reload", "rollback", "drain", "cluster", "subscribe", "call", "registry",   \
        NULL                                                                                                 \
  }

/* What a walk over the XML keeps. */
typedef struct
{
  char *comment;   /* the last one */
  char *interface; /* that we are in */
  char *method;
  char *method_comment;
  gboolean has_permission;
  guint n_methods;
  guint n_properties;
} Walk;

/* As gdbus-codegen reads it: the comment right before an element begins with its
 * name and a colon. Returns what follows. */
static const char *
documentation_of (const char *comment, const char *name)
{
  const char *text = comment != NULL ? comment + strspn (comment, " \n") : "";

  if (!g_str_has_prefix (text, name) || text[strlen (name)] != ':')
    g_error ("%s is not documented", name);
  text += strlen (name) + 1;
  text += strspn (text, " \n");
  if (strlen (text) < 10)
    g_error ("%s has no more than a heading", name);
  return text;
}

static const char *
attribute (const char **names, const char **values, const char *name)
{
  for (guint i = 0; names[i] != NULL; i++)
    {
      if (g_str_equal (names[i], name))
        return values[i];
    }
  return NULL;
}

static void
check_permission (const char *value)
{
  static const char *const kinds[] = KINDS;

  g_assert_true (g_str_has_prefix (value, COLLET_PERMISSION_PREFIX));
  g_assert_true (g_strv_contains (kinds, value + strlen (COLLET_PERMISSION_PREFIX)));
}

static void
check_options (Walk *walk, const char *value)
{
  g_auto (GStrv) entries = g_strsplit (value, " ", -1);
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; entries[i] != NULL; i++)
    {
      g_auto (GStrv) pair = g_strsplit (entries[i], "=", 2);

      g_assert_cmpuint (g_strv_length (pair), ==, 2);
      g_assert_true (g_variant_type_string_is_valid (pair[1]));
      if (!g_hash_table_add (seen, g_strdup (pair[0])))
        g_error ("%s has option %s twice", walk->method, pair[0]);
    }
}

static void
on_start (GMarkupParseContext *context, const char *element, const char **names, const char **values,
          gpointer data, GError **error)
{
  Walk *walk = data;
  const char *name = attribute (names, values, "name");

  if (g_str_equal (element, "interface"))
    {
      documentation_of (walk->comment, name);
    }
  else if (g_str_equal (element, "method") || g_str_equal (element, "signal"))
    {
      documentation_of (walk->comment, name);
      g_free (walk->method);
      g_free (walk->method_comment);
      walk->method = g_strdup (name);
      walk->method_comment = g_strdup (walk->comment);
      walk->has_permission = FALSE;
    }
  else if (g_str_equal (element, "arg"))
    {
      g_autofree char *mark = g_strdup_printf ("@%s: ", name);

      if (strstr (walk->method_comment, mark) == NULL)
        g_error ("argument %s of %s is not documented", name, walk->method);
    }
  else if (g_str_equal (element, "property"))
    {
      documentation_of (walk->comment, name);
      g_assert_cmpstr (attribute (names, values, "access"), ==, "read");
      walk->n_properties++;
    }
  else if (g_str_equal (element, "annotation") && g_str_equal (name, "org.collet.Permission"))
    {
      check_permission (attribute (names, values, "value"));
      walk->has_permission = TRUE;
    }
  else if (g_str_equal (element, "annotation") && g_str_equal (name, "org.collet.Options"))
    {
      check_options (walk, attribute (names, values, "value"));
    }
  g_clear_pointer (&walk->comment, g_free);
}

static void
on_end (GMarkupParseContext *context, const char *element, gpointer data, GError **error)
{
  Walk *walk = data;

  if (!g_str_equal (element, "method"))
    return;
  if (!walk->has_permission)
    g_error ("%s has no permission", walk->method);
  walk->n_methods++;
}

static void
on_passthrough (GMarkupParseContext *context, const char *text, gsize size, gpointer data, GError **error)
{
  Walk *walk = data;

  if (!g_str_has_prefix (text, "<!--"))
    return;
  g_free (walk->comment);
  walk->comment = g_strndup (text + 4, size - strlen ("<!---->"));
}

static char *
read_xml (void)
{
  g_autoptr (GError) error = NULL;
  char *text = NULL;

  g_file_get_contents (g_getenv ("COLLET_TEST_XML"), &text, NULL, &error);
  g_assert_no_error (error);
  return text;
}

static void
test_documented (void)
{
  static const GMarkupParser parser = { .start_element = on_start,
                                        .end_element = on_end,
                                        .passthrough = on_passthrough };
  g_autofree char *text = read_xml ();
  g_autoptr (GError) error = NULL;
  Walk walk = { 0 };
  g_autoptr (GMarkupParseContext) context = g_markup_parse_context_new (&parser, 0, &walk, NULL);

  g_assert_true (g_markup_parse_context_parse (context, text, -1, &error));
  g_assert_no_error (error);
  g_assert_true (g_markup_parse_context_end_parse (context, &error));
  g_assert_cmpuint (walk.n_methods, >, 50);
  g_assert_cmpuint (walk.n_properties, >, 80);
  g_free (walk.comment);
  g_free (walk.method);
  g_free (walk.method_comment);
}

static void
test_read_only (void)
{
  g_autofree char *text = read_xml ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusNodeInfo) node = g_dbus_node_info_new_for_xml (text, &error);

  g_assert_no_error (error);
  for (guint i = 0; node->interfaces[i] != NULL; i++)
    {
      GDBusInterfaceInfo *interface = node->interfaces[i];

      for (guint p = 0; interface->properties[p] != NULL; p++)
        g_assert_cmpint (interface->properties[p]->flags, ==, G_DBUS_PROPERTY_INFO_FLAGS_READABLE);
    }
}

/* Each method name of the contract that the reference's users look for. */
static void
test_complete (void)
{
  static const char *const methods[] = {
    "SafeLoad",
    "ValidateModule",
    "HotReload",
    "PrepareReload",
    "CommitReload",
    "AbortReload",
    "CallPrepared",
    "AtomicSwap",
    "GetObjectCode",
    "GetModuleVersion",
    "GetModuleMd5",
    "GetModuleInfo",
    "RegisterTool",
    "UnregisterTool",
    "GetTool",
    "ListTools",
    "UpdateToolVersion",
    "CheckToolUpdated",
    "SubscribeToToolUpdates",
    "UnsubscribeFromToolUpdates",
    "GetUpdatesSince",
    "ClusterReload",
    "SyncVersions",
    "CheckConsistency",
    "GetClusterVersions",
    "GetMatrix",
    "ClusterRollback",
    "DrainModule",
    "ResumeModule",
    "GetDrainStatus",
    "InitiateShutdown",
    "ReloadModules",
    "RollbackModule",
    "GetReloadHistory",
  };
  GDBusInterfaceInfo *info = collet_dbus_manager_interface_info ();

  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      GDBusMethodInfo *method = g_dbus_interface_info_lookup_method (info, methods[i]);

      g_assert_nonnull (method);
      g_assert_nonnull (collet_bus_get_permission (method));
    }
}

static void
test_paths (void)
{
  static const char *const names[] = { "calculator", "text-tools", "a.b_c", "9lives", "ä" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = collet_bus_dup_path (COLLET_BUS_MODULES, names[i]);
      g_autofree char *name = collet_bus_dup_name (COLLET_BUS_MODULES, path);

      g_assert_true (g_variant_is_object_path (path));
      g_assert_cmpstr (name, ==, names[i]);
      g_assert_null (collet_bus_dup_name (COLLET_BUS_TOOLS, path));
    }
  g_assert_null (collet_bus_dup_name (COLLET_BUS_TOOLS, COLLET_BUS_TOOLS "/"));
  g_assert_null (collet_bus_dup_name (COLLET_BUS_TOOLS, COLLET_BUS_TOOLS "/a/b"));
}

static void
expect_options (const char *method, const char *options, const char *complaint)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new_parsed (options));
  g_autoptr (GError) error = NULL;
  GDBusMethodInfo *info = g_dbus_interface_info_lookup_method (collet_dbus_manager_interface_info (), method);
  gboolean ok = collet_bus_check_options (info, value, &error);

  if (complaint == NULL)
    {
      g_assert_no_error (error);
      g_assert_true (ok);
      return;
    }
  g_assert_false (ok);
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, complaint));
}

static void
test_options (void)
{
  expect_options ("HotReload", "@a{sv} {}", NULL);
  expect_options ("HotReload", "{'state': <b'abc'>, 'reason': <'why'>}", NULL);
  expect_options ("HotReload", "{'reasons': <'why'>}", "\"reasons\"");
  expect_options ("HotReload", "{'reaso': <'why'>}", "\"reaso\"");
  expect_options ("HotReload", "{'reason': <5>}", "Give it as s.");
  expect_options ("HotReload", "{'': <5>}", "no option \"\"");
  expect_options ("ReloadModules", "{'artifacts': <{'a': 'b'}>}", NULL);
  expect_options ("ReloadModules", "{'artifacts': <'a'>}", "Give it as a{ss}.");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/schema/bus/everything-is-documented-and-permitted-by-name", test_documented);
  g_test_add_func ("/schema/bus/no-property-can-be-written", test_read_only);
  g_test_add_func ("/schema/bus/has-every-method-of-the-contract", test_complete);
  g_test_add_func ("/schema/bus/any-name-has-a-path-and-back", test_paths);
  g_test_add_func ("/schema/bus/options-are-refused-unless-listed", test_options);
  return g_test_run ();
}
