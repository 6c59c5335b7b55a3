/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "collet-error.h"
#include "collet-manifest.h"

/* schema/manifest.schema.json: the same rules, written for authors. */
static ColletJsonSchema *published;

static gboolean
published_accepts (const char *text)
{
  g_autoptr (ColletJson) json = collet_json_parse (text, -1, NULL);

  return json != NULL && collet_json_schema_validate (published, json, 0, 1, NULL);
}

static ColletManifest *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  ColletManifest *manifest = collet_manifest_parse (text, strlen (text), &error);

  g_assert_no_error (error);
  return manifest;
}

#define TOOL "{\"name\":\"t\",\"inputSchema\":{\"type\":\"object\"}}"
#define MANIFEST(members) "{\"name\":\"m\",\"version\":\"1.0.0\",\"tools\":[" TOOL "]" members "}"
#define WITH_TOOL(members)                                                                                   \
  "{\"name\":\"m\",\"version\":\"1.0.0\",\"tools\":[{\"name\":\"t\",\"inputSchema\":{\"type\":"              \
  "\"object\"}" members "}]}"

static void
test_all_members (void)
{
  g_autoptr (ColletManifest) manifest = parse (
      "{\"name\":\"full-1_2.x\",\"version\":\"1.2.3-rc.1+b.5\",\"description\":\"D\",\"license\":\"0BSD\","
      "\"concurrent\":true,\"quick\":true,\"needs\":{\"network\":true},\"state\":{\"format\":3,\"snapshot_"
      "interval_s\":60},"
      "\"call_timeout_ms\":1000,\"requires\":[\"b\",\"a\"],\"x-own\":[1],\"tools\":["
      "{\"name\":\"b\",\"annotations\":{\"readOnlyHint\":true},\"outputSchema\":{\"type\":\"object\"}},"
      "{\"name\":\"A.1_-\",\"title\":\"T\",\"description\":\"D\",\"inputSchema\":{\"type\":\"object\"},\"x-"
      "y\":1}]}");
  const ColletManifestTool *tool;

  g_assert_cmpstr (manifest->name, ==, "full-1_2.x");
  g_assert_cmpstr (manifest->version, ==, "1.2.3-rc.1+b.5");
  g_assert_cmpstr (manifest->description, ==, "D");
  g_assert_cmpstr (manifest->license, ==, "0BSD");
  g_assert_true (manifest->concurrent && manifest->quick && manifest->needs_network && manifest->stateful);
  g_assert_cmpuint (manifest->state_format, ==, 3);
  g_assert_cmpuint (manifest->snapshot_interval_s, ==, 60);
  g_assert_cmpuint (manifest->call_timeout_ms, ==, 1000);
  g_assert_cmpstr (manifest->requires_[0], ==, "a");
  g_assert_cmpstr (manifest->requires_[1], ==, "b");
  g_assert_null (manifest->requires_[2]);

  g_assert_cmpuint (manifest->tools->len, ==, 2);
  tool = manifest->tools->pdata[0];
  g_assert_cmpstr (tool->name, ==, "A.1_-");
  g_assert_cmpstr (
      tool->json, ==,
      "{\"description\":\"D\",\"inputSchema\":{\"type\":\"object\"},\"name\":\"A.1_-\",\"title\":\"T\"}");
  g_assert_false (tool->read_only);
  g_assert_nonnull (tool->input_schema);
  g_assert_null (tool->output_schema);
  g_assert_true (collet_manifest_find_tool (manifest, "A.1_-") == tool);
  tool = collet_manifest_find_tool (manifest, "b");
  g_assert_true (tool->read_only);
  g_assert_nonnull (tool->output_schema);
  g_assert_null (collet_manifest_find_tool (manifest, "c"));
}

static void
test_defaults (void)
{
  g_autoptr (ColletManifest) manifest =
      parse ("{\"name\":\"m\",\"version\":\"0.0.0\",\"tools\":[{\"name\":\"t\"}]}");
  const ColletManifestTool *tool = manifest->tools->pdata[0];

  g_assert_false (manifest->concurrent || manifest->quick || manifest->needs_network || manifest->stateful);
  g_assert_cmpuint (manifest->state_format, ==, 0);
  g_assert_cmpuint (manifest->call_timeout_ms, ==, 0);
  g_assert_null (manifest->description);
  g_assert_null (manifest->requires_[0]);
  g_assert_cmpstr (tool->json, ==, "{\"inputSchema\":{\"type\":\"object\"},\"name\":\"t\"}");
}

static void
test_layout_does_not_matter (void)
{
  g_autoptr (ColletManifest) a = parse (MANIFEST (",\"license\":\"0BSD\""));
  g_autoptr (ColletManifest) b = parse ("{\n \"license\": \"0\\u0042SD\",\n \"tools\": [ {\"inputSchema\": "
                                        "{ \"type\" : \"object\" }, \"name\": \"t\"} ],\n"
                                        " \"version\":\"1.0.0\", \"name\":\"m\"\n}\n");

  g_assert_cmpstr (a->json, ==, b->json);
  g_assert_cmpstr (((ColletManifestTool *)a->tools->pdata[0])->json, ==,
                   ((ColletManifestTool *)b->tools->pdata[0])->json);
}

static void
test_accepts (void)
{
  static const char *const texts[] = {
    MANIFEST (""),
    MANIFEST (",\"x-anything\":{\"a\":[1]}"),
    MANIFEST (",\"requires\":[]"),
    MANIFEST (",\"state\":{\"format\":4294967295,\"snapshot_interval_s\":0}"),
    MANIFEST (",\"state\":{\"format\":1.0}"),
    MANIFEST (",\"needs\":{}"),
    MANIFEST (",\"needs\":{\"x-gpu\":1}"),
    MANIFEST (",\"call_timeout_ms\":86400000"),
    WITH_TOOL (",\"outputSchema\":{\"type\":\"object\",\"required\":[\"a\"]}"),
    WITH_TOOL (",\"annotations\":{\"title\":\"\",\"destructiveHint\":false,\"idempotentHint\":true,"
               "\"openWorldHint\":false}"),
    WITH_TOOL (",\"icons\":[]"),
    MANIFEST (",\"smoke_tests\":[]"),
    MANIFEST (
        ",\"smoke_tests\":[{\"tool\":\"t\",\"result\":{\"isError\":true}},{\"tool\":\"t\",\"arguments\":{"
        "\"a\":1},\"result\":{}}]"),
    WITH_TOOL (",\"icons\":[{\"src\":\"https://e.org/i.png\",\"mimeType\":\"image/png\",\"sizes\":[\"48x48\","
               "\"any\"],\"theme\":\"light\"},{\"src\":\"data:,\"}]"),
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (ColletManifest) manifest = parse (texts[i]);
      g_assert_nonnull (manifest);
      g_assert_true (published_accepts (texts[i]));
    }
}

typedef struct
{
  const char *text;
  const char *where; /* how the message begins */
} Bad;

static void
test_refuses (void)
{
  static const Bad cases[] = {
    { "[]", "the manifest: is [] (array), must be an object" },
    { "{\"version\":\"1.0.0\",\"tools\":[" TOOL "]}", "the manifest: lacks \"name\"" },
    { "{\"name\":\"m\",\"tools\":[" TOOL "]}", "the manifest: lacks \"version\"" },
    { "{\"name\":\"m\",\"version\":\"1.0.0\"}", "the manifest: lacks \"tools\"" },
    { "{\"name\":\"m\",\"version\":\"1.0.0\",\"tools\":[]}",
      "/tools: is [] (array), must be an array of 1 to" },
    { "{\"name\":\"m\",\"version\":\"1.0.0\",\"tools\":{}}", "/tools: is {} (object)" },
    { "{\"name\":\"m\",\"version\":\"1.0.0\",\"tools\":[1]}", "/tools/0: is 1 (number), must be an object" },
    { MANIFEST (",\"licence\":\"0BSD\""), "/licence: is not known" },
    { MANIFEST (",\"state\":{\"format\":1,\"version\":2}"), "/state/version: is not known" },
    { MANIFEST (",\"state\":{}"), "/state: lacks \"format\"" },
    { MANIFEST (",\"state\":{\"format\":0}"), "/state/format: is 0 (number), must be a whole number from 1" },
    { MANIFEST (",\"state\":{\"format\":4294967296}"), "/state/format: " },
    { MANIFEST (",\"state\":{\"format\":1.5}"), "/state/format: " },
    { MANIFEST (",\"state\":{\"format\":\"1\"}"), "/state/format: " },
    { MANIFEST (",\"state\":true"), "/state: is true (boolean), must be an object" },
    { MANIFEST (",\"state\":{\"format\":1,\"snapshot_interval_s\":86401}"), "/state/snapshot_interval_s: " },
    { MANIFEST (",\"concurrent\":1"), "/concurrent: is 1 (number), must be true or false" },
    { MANIFEST (",\"needs\":{\"network\":\"yes\"}"), "/needs/network: " },
    { MANIFEST (",\"needs\":{\"gpu\":true}"), "/needs/gpu: is not known" },
    { MANIFEST (",\"call_timeout_ms\":0"), "/call_timeout_ms: " },
    { MANIFEST (",\"call_timeout_ms\":86400001"), "/call_timeout_ms: " },
    { MANIFEST (",\"description\":1"), "/description: is 1 (number), must be a string" },
    { MANIFEST (",\"requires\":\"a\""), "/requires: " },
    { MANIFEST (",\"requires\":[1]"), "/requires/0: " },
    { MANIFEST (",\"requires\":[\"A\"]"), "/requires/0: " },
    { MANIFEST (",\"requires\":[\"a\",\"a\"]"), "/requires/1: \"a\" is there twice" },
    { "{\"name\":\"m\",\"version\":\"1.0.0\",\"tools\":[{\"inputSchema\":{\"type\":\"object\"}}]}",
      "/tools/0: lacks \"name\"" },
    { "{\"name\":\"m\",\"version\":\"1.0.0\",\"tools\":[{\"name\":\"a b\"}]}",
      "/tools/0/name: is \"a b\" (string)" },
    { "{\"name\":\"m\",\"version\":\"1.0.0\",\"tools\":[{\"name\":\"\"}]}", "/tools/0/name: " },
    { "{\"name\":\"m\",\"version\":\"1.0.0\",\"tools\":[{\"name\":\"\\u00e9\"}]}", "/tools/0/name: " },
    { "{\"name\":\"m\",\"version\":\"1.0.0\",\"tools\":[{\"name\":\"t\",\"inputSchema\":true}]}",
      "/tools/0/inputSchema: is true (boolean)" },
    { "{\"name\":\"m\",\"version\":\"1.0.0\",\"tools\":[{\"name\":\"t\",\"inputSchema\":{}}]}",
      "/tools/0/inputSchema: lacks \"type\"" },
    { "{\"name\":\"m\",\"version\":\"1.0.0\",\"tools\":[{\"name\":\"t\",\"inputSchema\":{\"type\":\"array\"}}"
      "]}",
      "/tools/0/inputSchema/type: is \"array\" (string), must be \"object\"" },
    { WITH_TOOL (",\"outputSchema\":{\"type\":[\"object\"]}"), "/tools/0/outputSchema/type: " },
    { WITH_TOOL (",\"title\":1"), "/tools/0/title: " },
    { WITH_TOOL (",\"_meta\":{}"), "/tools/0/_meta: is not known" },
    { WITH_TOOL (",\"annotations\":[]"), "/tools/0/annotations: " },
    { WITH_TOOL (",\"annotations\":{\"readOnly\":true}"), "/tools/0/annotations/readOnly: is not known" },
    { WITH_TOOL (",\"annotations\":{\"readOnlyHint\":1}"), "/tools/0/annotations/readOnlyHint: " },
    { WITH_TOOL (",\"icons\":{}"), "/tools/0/icons: " },
    { MANIFEST (",\"smoke_tests\":{}"), "/smoke_tests: must be an array" },
    { MANIFEST (",\"smoke_tests\":[{\"tool\":\"t\"}]"), "/smoke_tests/0: lacks " },
    { MANIFEST (",\"smoke_tests\":[{\"tool\":\"t\",\"result\":1}]"), "/smoke_tests/0/result: must be" },
    { MANIFEST (",\"smoke_tests\":[{\"tool\":\"t\",\"result\":{},\"x\":1}]"),
      "/smoke_tests/0/x: is not known" },
    { WITH_TOOL (",\"icons\":[{}]"), "/tools/0/icons/0: lacks \"src\"" },
    { WITH_TOOL (",\"icons\":[{\"src\":\"javascript:1\"}]"), "/tools/0/icons/0/src: " },
    { WITH_TOOL (",\"icons\":[{\"src\":\"data:,\",\"theme\":\"blue\"}]"), "/tools/0/icons/0/theme: " },
    { WITH_TOOL (",\"icons\":[{\"src\":\"data:,\",\"sizes\":[\"48\"]}]"), "/tools/0/icons/0/sizes/0: " },
    { WITH_TOOL (",\"icons\":[{\"src\":\"data:,\",\"sizes\":[\"048x1\"]}]"), "/tools/0/icons/0/sizes/0: " },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_test_message ("%s", cases[i].text);
      g_assert_null (collet_manifest_parse (cases[i].text, strlen (cases[i].text), &error));
      g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_MANIFEST);
      if (!g_str_has_prefix (error->message, cases[i].where))
        g_assert_cmpstr (error->message, ==, cases[i].where);
      g_assert_false (published_accepts (cases[i].text));
    }
}

/* What a schema for authors cannot say. */
static void
test_refuses_what_only_the_parser_knows (void)
{
  static const Bad cases[] = {
    { MANIFEST (",\"requires\":[\"m\"]"), "/requires/0: the module requires itself" },
    { MANIFEST (",\"smoke_tests\":[{\"tool\":\"u\",\"result\":{}}]"),
      "/smoke_tests/0: calls \"u\", a tool that" },
    { "{\"name\":\"m\",\"version\":\"1.0.0\",\"smoke_tests\":[{\"tool\":\"t\",\"arguments\":{\"a\":1},"
      "\"result\":{}}],"
      "\"tools\":[{\"name\":\"t\",\"inputSchema\":{\"type\":\"object\",\"additionalProperties\":false}}]}",
      "/smoke_tests/0: its arguments do not fit" },
    { "{\"name\":\"m\",\"version\":\"1.0.0\",\"tools\":[" TOOL "," TOOL "]}",
      "/tools: the tool \"t\" is there twice" },
    { "{\"name\":\"m\",\"name\":\"m\"}", "the manifest is not valid JSON: byte 12: the member \"name\"" },
    { "{\"name\":\"m\",}", "the manifest is not valid JSON: byte 12: " },
    { "", "the manifest is not valid JSON: byte 0: the text ends" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_null (collet_manifest_parse (cases[i].text, strlen (cases[i].text), &error));
      g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_MANIFEST);
      if (!g_str_has_prefix (error->message, cases[i].where))
        g_assert_cmpstr (error->message, ==, cases[i].where);
    }
}

static void
test_schema_that_is_none (void)
{
  static const char text[] =
      "{\"name\":\"m\",\"version\":\"1.0.0\",\"tools\":[{\"name\":\"t\",\"inputSchema\":"
      "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"text\"}}}}]}";
  g_autoptr (GError) error = NULL;

  g_assert_null (collet_manifest_parse (text, strlen (text), &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_SCHEMA);
  g_assert_true (g_str_has_prefix (
      error->message, "/tools/0/inputSchema: not a valid JSON Schema: /properties/a/type: must be one of"));
}

static void
test_names_and_versions (void)
{
  static const struct
  {
    const char *name, *version;
    gboolean is_good;
  } cases[] = {
    { "a", "0.0.0", TRUE },
    { "0", "10.20.30", TRUE },
    { "a.b-c_d9", "1.2.3-alpha.1.x-y.0", TRUE },
    { "m", "1.0.0+001.a-b", TRUE },
    { "m", "1.0.0-0A.--", TRUE },
    { "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghij0123", "1.0.0", TRUE },
    { "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghij01234", "1.0.0", FALSE },
    { "", "1.0.0", FALSE },
    { "A", "1.0.0", FALSE },
    { "-a", "1.0.0", FALSE },
    { ".a", "1.0.0", FALSE },
    { "_a", "1.0.0", FALSE },
    { "a/b", "1.0.0", FALSE },
    { "a b", "1.0.0", FALSE },
    { "m", "", FALSE },
    { "m", "1", FALSE },
    { "m", "1.2", FALSE },
    { "m", "1.2.3.4", FALSE },
    { "m", "01.2.3", FALSE },
    { "m", "1.02.3", FALSE },
    { "m", "1.2.3-", FALSE },
    { "m", "1.2.3-a..b", FALSE },
    { "m", "1.2.3-01", FALSE },
    { "m", "1.2.3+", FALSE },
    { "m", "1.2.3+a+b", FALSE },
    { "m", "v1.2.3", FALSE },
    { "m", "1.2.3 ", FALSE },
    { "m", "-1.2.3", FALSE },
    { "m", "1.2.x", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = g_strdup_printf ("{\"name\":\"%s\",\"version\":\"%s\",\"tools\":[" TOOL "]}",
                                               cases[i].name, cases[i].version);
      g_autoptr (GError) error = NULL;
      g_autoptr (ColletManifest) manifest = collet_manifest_parse (text, strlen (text), &error);
      g_test_message ("%s %s", cases[i].name, cases[i].version);
      g_assert_true ((manifest != NULL) == cases[i].is_good);
      g_assert_true (published_accepts (text) == cases[i].is_good);
    }
}

static void
test_size_is_limited (void)
{
  g_autofree char *large = g_strnfill (256 * 1024 + 1, ' ');
  g_autoptr (GString) many = g_string_new ("{\"name\":\"m\",\"version\":\"1.0.0\",\"tools\":[");
  g_autoptr (GError) error = NULL;

  g_assert_null (collet_manifest_parse (large, strlen (large), &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_MANIFEST);
  g_clear_error (&error);

  for (guint i = 0; i <= 1024; i++)
    g_string_append_printf (many, "%s{\"name\":\"t%u\"}", i > 0 ? "," : "", i);
  g_string_append (many, "]}");
  g_assert_null (collet_manifest_parse (many->str, many->len, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_MANIFEST);
}

int
main (int argc, char **argv)
{
  g_autofree char *path = NULL;
  g_autofree char *text = NULL;
  g_autoptr (ColletJson) json = NULL;
  int result;

  g_test_init (&argc, &argv, NULL);
  g_assert_cmpint (argc, ==, 2);
  path = g_build_filename (argv[1], "schema", "manifest.schema.json", NULL);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  json = collet_json_parse (text, -1, NULL);
  g_assert_nonnull (json);
  published = collet_json_schema_new (json, 0, NULL);
  g_assert_nonnull (published);

  g_test_add_func ("/core/manifest/every-member-is-read", test_all_members);
  g_test_add_func ("/core/manifest/defaults", test_defaults);
  g_test_add_func ("/core/manifest/layout-does-not-matter", test_layout_does_not_matter);
  g_test_add_func ("/core/manifest/accepts-what-the-published-schema-does", test_accepts);
  g_test_add_func ("/core/manifest/refuses-what-the-published-schema-does", test_refuses);
  g_test_add_func ("/core/manifest/refuses-what-only-the-parser-knows",
                   test_refuses_what_only_the_parser_knows);
  g_test_add_func ("/core/manifest/a-schema-that-is-none-is-named-so", test_schema_that_is_none);
  g_test_add_func ("/core/manifest/names-and-versions", test_names_and_versions);
  g_test_add_func ("/core/manifest/size-is-limited", test_size_is_limited);
  result = g_test_run ();
  collet_json_schema_unref (published);
  return result;
}
