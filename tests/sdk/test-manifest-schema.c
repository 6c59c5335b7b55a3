/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * schema/manifest.schema.json, which authors and their editors use, says the
 * same as the parser.
 */
#include <glib.h>

#include "collet-error.h"
#include "collet-manifest.h"

static ColletJsonSchema *
manifest_schema (void)
{
  g_autofree char *path =
      g_build_filename (g_getenv ("G_TEST_SRCDIR"), "..", "schema", "manifest.schema.json", NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  gsize size;

  g_assert_true (g_file_get_contents (path, &text, &size, &error));
  g_autoptr (ColletJson) json = collet_json_parse (text, (gssize)size, &error);
  g_assert_no_error (error);
  ColletJsonSchema *schema = collet_json_schema_new (json, 0, &error);
  g_assert_no_error (error);
  return schema;
}

static void
assert_manifest (const ColletJsonSchema *schema, const char *text, gsize size, gboolean expected)
{
  g_autoptr (GError) schema_error = NULL;
  g_autoptr (GError) parser_error = NULL;
  g_autoptr (ColletJson) json = collet_json_parse (text, (gssize)size, &schema_error);

  g_assert_no_error (schema_error);
  gboolean by_schema =
      collet_json_schema_validate (schema, json, 0, COLLET_ERROR_INVALID_MANIFEST, &schema_error);
  g_autoptr (ColletManifest) manifest = collet_manifest_parse (text, size, &parser_error);

  if (by_schema != expected || (manifest != NULL) != expected)
    g_error ("%s\nexpected: %s, the schema says: %s, the parser says: %s", text, expected ? "good" : "bad",
             by_schema ? "good" : schema_error->message, manifest != NULL ? "good" : parser_error->message);
}

static void
test_examples_follow_it (void)
{
  static const char *const files[] = { "calculator/calculator-1.0.0.json",
                                       "calculator/calculator-1.1.0.json",
                                       "calculator/calculator-2.0.0.json",
                                       "countdown/countdown.json",
                                       "gallery/gallery.json",
                                       "text-tools/text-tools.json" };
  g_autoptr (ColletJsonSchema) schema = manifest_schema ();

  for (gsize i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *path =
          g_build_filename (g_getenv ("G_TEST_SRCDIR"), "..", "sdk", "examples", files[i], NULL);
      g_autofree char *text = NULL;
      gsize size;

      g_assert_true (g_file_get_contents (path, &text, &size, NULL));
      assert_manifest (schema, text, size, TRUE);
    }
}

#define TOOL "{\"name\":\"t\",\"inputSchema\":{\"type\":\"object\"}}"
#define MANIFEST(name, version, members, tools)                                                              \
  "{\"name\":" name ",\"version\":" version members ",\"tools\":" tools "}"
#define WITH(members) MANIFEST ("\"m\"", "\"1.0.0\"", "," members, "[" TOOL "]")
#define NAMED(name) MANIFEST ("\"" name "\"", "\"1.0.0\"", "", "[" TOOL "]")
#define VERSIONED(version) MANIFEST ("\"m\"", "\"" version "\"", "", "[" TOOL "]")
#define TOOL_WITH(members)                                                                                   \
  MANIFEST ("\"m\"", "\"1.0.0\"", "", "[{\"name\":\"t\",\"inputSchema\":{\"type\":\"object\"}," members "}]")
#define TOOL_NAMED(name)                                                                                     \
  MANIFEST ("\"m\"", "\"1.0.0\"", "", "[{\"name\":\"" name "\",\"inputSchema\":{\"type\":\"object\"}}]")

static void
test_parser_agrees_on_what_is_good (void)
{
  static const char *const good[] = {
    NAMED ("m"),
    NAMED ("0-a_b.c"),
    VERSIONED ("0.0.0"),
    VERSIONED ("1.2.3-rc.1+build.5"),
    WITH ("\"description\":\"d\",\"license\":\"0BSD\",\"concurrent\":true"),
    WITH ("\"needs\":{}"),
    WITH ("\"needs\":{\"network\":true,\"x-gpu\":1}"),
    WITH ("\"state\":{\"format\":1}"),
    WITH ("\"state\":{\"format\":4294967295,\"snapshot_interval_s\":0}"),
    WITH ("\"call_timeout_ms\":1"),
    WITH ("\"requires\":[]"),
    WITH ("\"requires\":[\"a\",\"b\"]"),
    WITH ("\"x-anything\":{\"at\":[\"all\"]}"),
    MANIFEST ("\"m\"", "\"1.0.0\"", "", "[{\"name\":\"t\"}]"),
    TOOL_NAMED ("Aa.b_c-9"),
    TOOL_WITH ("\"title\":\"T\",\"description\":\"D\",\"outputSchema\":{\"type\":\"object\"},\"x-y\":null"),
    TOOL_WITH ("\"annotations\":{\"title\":\"A\",\"readOnlyHint\":true,\"destructiveHint\":false,"
               "\"idempotentHint\":true,\"openWorldHint\":false}"),
    TOOL_WITH ("\"icons\":[{\"src\":\"https://example.org/i.png\",\"mimeType\":\"image/png\",\"sizes\":"
               "[\"48x48\",\"any\"],\"theme\":\"dark\"}]"),
  };
  g_autoptr (ColletJsonSchema) schema = manifest_schema ();

  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    assert_manifest (schema, good[i], strlen (good[i]), TRUE);
}

static void
test_parser_agrees_on_what_is_bad (void)
{
  static const char *const bad[] = {
    "[]",
    "{}",
    NAMED (""),
    NAMED ("M"),
    NAMED ("-m"),
    NAMED ("a/b"),
    NAMED ("m\\n"),
    NAMED ("a2345678901234567890123456789012345678901234567890123456789012345"),
    VERSIONED ("1.0"),
    VERSIONED ("01.0.0"),
    VERSIONED ("v1.0.0"),
    VERSIONED ("1.0.0-"),
    VERSIONED ("1.0.0-01"),
    MANIFEST ("\"m\"", "1", "", "[" TOOL "]"),
    MANIFEST ("\"m\"", "\"1.0.0\"", "", "[]"),
    MANIFEST ("\"m\"", "\"1.0.0\"", "", "{}"),
    WITH ("\"unknown\":1"),
    WITH ("\"description\":1"),
    WITH ("\"concurrent\":\"yes\""),
    WITH ("\"needs\":{\"network\":1}"),
    WITH ("\"needs\":{\"gpu\":true}"),
    WITH ("\"state\":{}"),
    WITH ("\"state\":{\"format\":0}"),
    WITH ("\"state\":{\"format\":1.5}"),
    WITH ("\"state\":{\"format\":4294967296}"),
    WITH ("\"state\":{\"format\":1,\"snapshot_interval_s\":-1}"),
    WITH ("\"state\":{\"format\":1,\"snapshot_interval_s\":86401}"),
    WITH ("\"call_timeout_ms\":0"),
    WITH ("\"call_timeout_ms\":86400001"),
    WITH ("\"requires\":\"a\""),
    WITH ("\"requires\":[\"A\"]"),
    WITH ("\"requires\":[\"a\",\"a\"]"),
    TOOL_NAMED (""),
    TOOL_NAMED ("a b"),
    MANIFEST ("\"m\"", "\"1.0.0\"", "", "[{\"name\":\"t\",\"inputSchema\":true}]"),
    MANIFEST ("\"m\"", "\"1.0.0\"", "", "[{\"name\":\"t\",\"inputSchema\":{}}]"),
    MANIFEST ("\"m\"", "\"1.0.0\"", "", "[{\"name\":\"t\",\"inputSchema\":{\"type\":\"array\"}}]"),
    TOOL_WITH ("\"outputSchema\":{\"type\":\"string\"}"),
    TOOL_WITH ("\"unknown\":1"),
    TOOL_WITH ("\"title\":null"),
    TOOL_WITH ("\"annotations\":{\"readOnlyHint\":1}"),
    TOOL_WITH ("\"annotations\":{\"dangerHint\":true}"),
    TOOL_WITH ("\"icons\":{}"),
    TOOL_WITH ("\"icons\":[{}]"),
    TOOL_WITH ("\"icons\":[{\"src\":\"file:///etc/passwd\"}]"),
    TOOL_WITH ("\"icons\":[{\"src\":\"data:,\",\"theme\":\"blue\"}]"),
    TOOL_WITH ("\"icons\":[{\"src\":\"data:,\",\"sizes\":[\"big\"]}]"),
  };
  g_autoptr (ColletJsonSchema) schema = manifest_schema ();

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    assert_manifest (schema, bad[i], strlen (bad[i]), FALSE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sdk/manifest-schema/examples-follow-it", test_examples_follow_it);
  g_test_add_func ("/sdk/manifest-schema/parser-agrees-on-what-is-good", test_parser_agrees_on_what_is_good);
  g_test_add_func ("/sdk/manifest-schema/parser-agrees-on-what-is-bad", test_parser_agrees_on_what_is_bad);
  return g_test_run ();
}
