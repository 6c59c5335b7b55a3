/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-error.h"
#include "collet-registry.h"

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B64 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define MD5 "0123456789abcdef0123456789abcdef"

static ColletCallTarget *
ref_target (ColletCallTarget *target)
{
  return target;
}

static void
unref_target (ColletCallTarget *target)
{
}

static const ColletCallTargetClass target_class = { .ref = ref_target, .unref = unref_target };
static ColletCallTarget target = { &target_class };

typedef struct
{
  ColletToolDirectory *directory;
  ColletRegistry *registry;
  guint announced; /* "tools-changed" */
} Fixture;

static void
on_tools_changed (ColletRegistry *registry, guint64 serial, gpointer data)
{
  ((Fixture *)data)->announced++;
}

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  fixture->directory = collet_tool_directory_new ();
  fixture->registry = collet_registry_new (fixture->directory);
  g_signal_connect (fixture->registry, "tools-changed", G_CALLBACK (on_tools_changed), fixture);
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  g_object_unref (fixture->registry);
  collet_tool_directory_free (fixture->directory);
}

/* tools: names separated by spaces; NULL: the module goes. */
static ColletModuleFacts *
make_facts (const char *module, const char *sha256, const char *tools)
{
  ColletModuleFacts *facts = g_new0 (ColletModuleFacts, 1);

  facts->name = g_strdup (module);
  facts->host = g_strdup ("worker");
  facts->generation = 1;
  if (tools == NULL)
    return facts;

  g_autoptr (GString) text = g_string_new (NULL);
  g_auto (GStrv) names = g_strsplit (tools, " ", -1);
  g_autoptr (GError) error = NULL;

  g_string_printf (text, "{\"name\":\"%s\",\"version\":\"1.0.0\",\"tools\":[", module);
  for (guint i = 0; names[i] != NULL; i++)
    g_string_append_printf (text, "%s{\"name\":\"%s\",\"description\":\"Does it.\"}", i > 0 ? "," : "",
                            names[i]);
  g_string_append (text, "]}");
  facts->manifest = collet_manifest_parse (text->str, text->len, &error);
  g_assert_no_error (error);
  facts->version = collet_version_new (sha256, MD5, "", NULL, "1.0.0", 100);
  facts->target = collet_call_target_ref (&target);
  return facts;
}

static ColletRegistryPlan *
plan_one (Fixture *fixture, const char *module, const char *sha256, const char *tools, GError **error)
{
  GPtrArray *facts = g_ptr_array_new ();

  g_ptr_array_add (facts, make_facts (module, sha256, tools));
  return collet_registry_plan (fixture->registry, facts, 1000, error);
}

static void
put (Fixture *fixture, const char *module, const char *sha256, const char *tools)
{
  g_autoptr (GError) error = NULL;
  ColletRegistryPlan *plan = plan_one (fixture, module, sha256, tools, &error);

  g_assert_no_error (error);
  collet_registry_apply (fixture->registry, plan);
}

static char *
list_served (Fixture *fixture)
{
  g_autoptr (ColletToolList) list = collet_tool_directory_ref_list (fixture->directory);
  GString *names = g_string_new (NULL);

  for (guint i = 0; i < collet_tool_list_get_length (list); i++)
    g_string_append_printf (names, "%s%s", i > 0 ? " " : "", collet_tool_list_get (list, i)->name);
  return g_string_free (names, FALSE);
}

#define assert_served(fixture, expected)                                                                     \
  G_STMT_START                                                                                               \
  {                                                                                                          \
    g_autofree char *served = list_served (fixture);                                                         \
    g_assert_cmpstr (served, ==, expected);                                                                  \
  }                                                                                                          \
  G_STMT_END

static const ColletToolFacts *
facts_of (Fixture *fixture, const char *tool)
{
  ColletTool *found = collet_registry_find_tool (fixture->registry, tool);

  g_assert_nonnull (found);
  return collet_tool_get_facts (found);
}

static void
test_serves_declared (Fixture *fixture, gconstpointer unused)
{
  put (fixture, "calc", A64, "subtract add");
  put (fixture, "text", A64, "reverse");
  assert_served (fixture, "add reverse subtract");
  g_assert_cmpuint (fixture->announced, ==, 2);
  g_assert_false (facts_of (fixture, "add")->is_explicit);
}

static void
test_new_version (Fixture *fixture, gconstpointer unused)
{
  put (fixture, "calc", A64, "add power");
  put (fixture, "calc", B64, "add divide");
  assert_served (fixture, "add divide");
  g_assert_cmpstr (facts_of (fixture, "add")->version, ==, B64);
  g_assert_cmpint (facts_of (fixture, "add")->registered_at, ==, 1000);
  g_assert_null (collet_registry_find_tool (fixture->registry, "power"));
}

static void
test_same_bytes_are_quiet (Fixture *fixture, gconstpointer unused)
{
  put (fixture, "calc", A64, "add");
  put (fixture, "calc", A64, "add");
  g_assert_cmpuint (fixture->announced, ==, 1);
}

static void
test_clash (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  put (fixture, "calc", A64, "add");
  g_assert_null (plan_one (fixture, "sums", B64, "total add", &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_NAME_CLASH);
  g_assert_nonnull (strstr (error->message, "\"calc\""));
  assert_served (fixture, "add");
}

static void
test_clash_in_batch (Fixture *fixture, gconstpointer unused)
{
  GPtrArray *facts = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;

  g_ptr_array_add (facts, make_facts ("one", A64, "same"));
  g_ptr_array_add (facts, make_facts ("two", B64, "same"));
  g_assert_null (collet_registry_plan (fixture->registry, facts, 1000, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_NAME_CLASH);
}

static void
test_unload (Fixture *fixture, gconstpointer unused)
{
  put (fixture, "calc", A64, "add");
  put (fixture, "text", A64, "reverse");
  put (fixture, "calc", NULL, NULL);
  assert_served (fixture, "reverse");
  g_assert_null (collet_registry_find_module (fixture->registry, "calc"));
}

static gboolean
do_register (Fixture *fixture, const char *name, const char *module, const char *tool, const char *metadata,
             GError **error)
{
  ColletRegistryPlan *plan =
      collet_registry_plan_register (fixture->registry, name, module, tool, metadata, 2000, error);

  if (plan != NULL)
    collet_registry_apply (fixture->registry, plan);
  return plan != NULL;
}

static void
test_register_alias (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  put (fixture, "calc", A64, "add");
  g_assert_true (do_register (fixture, "plus", "calc", "add", "{\"title\":\"Plus\"}", &error));
  assert_served (fixture, "add plus");

  g_autoptr (ColletToolList) list = collet_tool_directory_ref_list (fixture->directory);
  const ColletToolEntry *entry = collet_tool_list_find (list, "plus", -1);
  g_assert_cmpstr (entry->module_tool, ==, "add");
  g_autoptr (ColletJson) json = collet_json_parse_borrowed (entry->json, entry->json_size, &error);
  g_assert_no_error (error);
  g_assert_true (collet_json_string_is (json, collet_json_member (json, 0, "name"), "plus"));
  g_assert_true (collet_json_string_is (json, collet_json_member (json, 0, "title"), "Plus"));
  g_assert_true (collet_json_string_is (json, collet_json_member (json, 0, "description"), "Does it."));
}

static void
test_alias_follows_versions (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  put (fixture, "calc", A64, "add");
  g_assert_true (do_register (fixture, "plus", "calc", "add", NULL, &error));
  put (fixture, "calc", B64, "add");
  g_assert_cmpstr (facts_of (fixture, "plus")->version, ==, B64);
  g_assert_true (facts_of (fixture, "plus")->is_explicit);
  put (fixture, "calc", A64, "subtract");
  assert_served (fixture, "subtract");
}

static void
test_register_twice (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  put (fixture, "calc", A64, "add");
  put (fixture, "text", A64, "reverse");
  g_assert_true (do_register (fixture, "add", "calc", "add", NULL, &error));
  g_assert_false (do_register (fixture, "add", "calc", "add", NULL, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_ALREADY_REGISTERED);
  g_clear_error (&error);
  g_assert_false (do_register (fixture, "reverse", "calc", "add", NULL, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_ALREADY_REGISTERED);
}

static void
test_register_refusals (Fixture *fixture, gconstpointer unused)
{
  static const struct
  {
    const char *name, *module, *tool, *metadata;
    int code;
  } cases[] = {
    { "x", "gone", "add", NULL, COLLET_ERROR_MODULE_NOT_LOADED },
    { "x", "calc", "gone", NULL, COLLET_ERROR_NOT_FOUND },
    { "a b", "calc", "add", NULL, COLLET_ERROR_INVALID_ARGUMENT },
    { "", "calc", "add", NULL, COLLET_ERROR_INVALID_ARGUMENT },
    { "x", "calc", "add", "[]", COLLET_ERROR_INVALID_ARGUMENT },
    { "x", "calc", "add", "{\"name\":\"y\"}", COLLET_ERROR_INVALID_ARGUMENT },
    { "x", "calc", "add", "{\"title\":1}", COLLET_ERROR_INVALID_ARGUMENT },
    { "x", "calc", "add", "{", COLLET_ERROR_INVALID_JSON },
  };

  put (fixture, "calc", A64, "add");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (
          do_register (fixture, cases[i].name, cases[i].module, cases[i].tool, cases[i].metadata, &error));
      g_assert_error (error, COLLET_ERROR, cases[i].code);
    }
  assert_served (fixture, "add");
}

static void
test_unregister (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  put (fixture, "calc", A64, "add");
  g_assert_true (do_register (fixture, "add", "calc", "add", "{\"title\":\"Mine\"}", &error));
  collet_registry_apply (fixture->registry,
                         collet_registry_plan_unregister (fixture->registry, "add", &error));
  assert_served (fixture, "add"); /* as the manifest declares it */
  g_assert_null (facts_of (fixture, "add")->metadata);

  collet_registry_apply (fixture->registry,
                         collet_registry_plan_unregister (fixture->registry, "add", &error));
  assert_served (fixture, "");
  g_assert_null (collet_registry_plan_unregister (fixture->registry, "add", &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_NOT_FOUND);
}

static void
test_update_version (Fixture *fixture, gconstpointer unused)
{
  static const char *const selectors[] = { A64, "AAAAAA", MD5 };
  g_autoptr (GError) error = NULL;
  gboolean changed;

  put (fixture, "calc", A64, "add");
  for (guint i = 0; i < G_N_ELEMENTS (selectors); i++)
    {
      g_autoptr (ColletRegistryPlan) plan =
          collet_registry_plan_version (fixture->registry, "add", selectors[i], &changed, &error);

      g_assert_no_error (error);
      g_assert_nonnull (plan);
      g_assert_false (changed);
    }
  g_assert_null (collet_registry_plan_version (fixture->registry, "add", B64, &changed, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_VERSION_MISMATCH);
}

static void
test_restored_waits_for_module (Fixture *fixture, gconstpointer unused)
{
  GPtrArray *facts = g_ptr_array_new ();
  ColletToolFacts *tool = g_new0 (ColletToolFacts, 1);

  tool->name = g_strdup ("plus");
  tool->module = g_strdup ("calc");
  tool->module_tool = g_strdup ("add");
  tool->version = g_strdup (A64);
  tool->is_explicit = TRUE;
  g_ptr_array_add (facts, tool);
  collet_registry_restore_tools (fixture->registry, facts);
  assert_served (fixture, "");
  put (fixture, "calc", A64, "add");
  assert_served (fixture, "add plus");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) g_test_add ("/registry/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("serves-what-manifests-declare", test_serves_declared);
  ADD ("new-version-adds-updates-and-removes-tools", test_new_version);
  ADD ("same-list-is-not-announced-again", test_same_bytes_are_quiet);
  ADD ("refuses-another-modules-tool-name", test_clash);
  ADD ("refuses-one-name-twice-in-a-batch", test_clash_in_batch);
  ADD ("unload-takes-the-tools-along", test_unload);
  ADD ("registers-a-tool-under-another-name", test_register_alias);
  ADD ("another-name-follows-the-versions", test_alias_follows_versions);
  ADD ("refuses-a-second-registration", test_register_twice);
  ADD ("refuses-bad-registrations-by-name", test_register_refusals);
  ADD ("unregister-goes-back-to-the-manifest-then-away", test_unregister);
  ADD ("update-takes-the-published-version-only", test_update_version);
  ADD ("restored-registration-waits-for-its-module", test_restored_waits_for_module);
  return g_test_run ();
}
