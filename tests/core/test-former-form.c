/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "collet-error.h"
#include "collet-former-form.h"
#include "collet-manifest.h"

#define SCHEMA                                                                                               \
  "{\"type\":\"object\",\"required\":[\"city\",\"days\"],\"additionalProperties\":false,\"properties\":{"    \
  "\"city\":{\"type\":\"string\"},\"days\":{\"type\":\"integer\"},\"unit\":{\"enum\":[\"c\",\"f\"]}}}"

static ColletFormerForm *
read_form (const char *former, GError **error)
{
  g_autofree char *text = g_strdup_printf ("[" SCHEMA ",%s]", former);
  g_autoptr (ColletJson) json = collet_json_parse (text, -1, NULL);
  ColletJsonNode schema = collet_json_first (json, 0);

  return collet_former_form_read (json, collet_json_next (json, schema), "forecast", schema, error);
}

static char *
apply (const char *former, const char *arguments, GError **error)
{
  g_autoptr (ColletFormerForm) form = read_form (former, NULL);
  g_autoptr (ColletJson) json = collet_json_parse (arguments, -1, NULL);

  g_assert_nonnull (form);
  return collet_former_form_apply (form, json, 0, error);
}

static void
test_applies (void)
{
  static const struct
  {
    const char *former, *given, *made;
  } rows[] = {
    { "{}", "{\"a\": [1.50, \"\\u00e9\"]}", "{\"a\":[1.50, \"\\u00e9\"]}" },
    { "{\"renames\":{\"place\":\"city\"}}", "{\"place\":\"x\",\"days\":2}", "{\"city\":\"x\",\"days\":2}" },
    { "{\"drops\":[\"verbose\"]}", "{\"verbose\":{\"deep\":[]},\"days\":2}", "{\"days\":2}" },
    { "{\"defaults\":{\"days\":1}}", "{}", "{\"days\":1}" },
    { "{\"defaults\":{\"days\":1}}", "{\"days\":9}", "{\"days\":9}" },
    { "{\"defaults\":{\"days\":1},\"drops\":[\"days\"]}", "{\"days\":9}", "{\"days\":1}" },
    { "{\"values\":{\"unit\":{\"C\":\"c\"}}}", "{\"unit\":\"C\"}", "{\"unit\":\"c\"}" },
    { "{\"values\":{\"unit\":{\"C\":\"c\"}}}", "{\"unit\":\"K\"}", "{\"unit\":\"K\"}" },
    { "{\"values\":{\"unit\":{\"C\":\"c\"}}}", "{\"unit\":7}", "{\"unit\":7}" },
    { "{\"renames\":{\"scale\":\"unit\"},\"values\":{\"unit\":{\"C\":\"c\"}}}", "{\"scale\":\"\\u0043\"}",
      "{\"unit\":\"c\"}" },
    { "{\"renames\":{\"city\":\"unit\",\"unit\":\"city\"}}", "{\"city\":1,\"unit\":2}",
      "{\"unit\":1,\"city\":2}" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *made = apply (rows[i].former, rows[i].given, NULL);

      g_assert_cmpstr (made, ==, rows[i].made);
    }
}

static void
test_both_names (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *made = apply ("{\"renames\":{\"place\":\"city\"}}", "{\"city\":1,\"place\":2}", &error);

  g_assert_null (made);
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENTS);
  g_assert_cmpstr (error->message, ==, "/place: is given under its old and its new name");
}

static void
test_refuses_by_name (void)
{
  static const char *const rows[][2] = {
    { "{\"renames\":{\"place\":\"town\"}}", "\"town\" is not a property" },
    { "{\"renames\":{\"place\":5}}", "must be a string" },
    { "{\"renames\":{\"city\":\"city\"}}", "its own new name" },
    { "{\"renames\":{\"a\":\"city\",\"b\":\"city\"}}", "two members cannot both become \"city\"" },
    { "{\"renames\":{\"a\":\"city\"},\"drops\":[\"a\"]}", "among \"drops\" as well" },
    { "{\"defaults\":{\"hours\":5}}", "\"hours\" is not a property" },
    { "{\"defaults\":{\"days\":\"five\"}}", "not what the inputSchema allows" },
    { "{\"values\":{\"scale\":{}}}", "\"scale\" is not a property" },
    { "{\"values\":{\"unit\":[]}}", "must be an object" },
    { "{\"drops\":\"verbose\"}", "must be an array" },
    { "{\"drops\":[1]}", "must be a string" },
    { "{\"names\":[\"forecast\"]}", "present name" },
    { "{\"names\":[\"two words\"]}", "the name of a tool" },
    { "{\"rename\":{}}", "/1/rename: is not known" },
    { "[]", "must be an object" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ColletFormerForm) form = read_form (rows[i][0], &error);

      g_assert_null (form);
      g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_MANIFEST);
      if (strstr (error->message, rows[i][1]) == NULL)
        g_error ("%s: %s", rows[i][0], error->message);
    }
}

static void
test_names_are_nobodys_else (void)
{
  static const char *const rows[][2] = {
    { "{\"name\":\"a\",\"former\":{\"names\":[\"b\"]}},{\"name\":\"b\"}", "\"b\" is a tool" },
    { "{\"name\":\"a\",\"former\":{\"names\":[\"c\"]}},{\"name\":\"b\",\"former\":{\"names\":[\"c\"]}}",
      "\"c\" is a former name of two tools" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *text =
          g_strdup_printf ("{\"name\":\"m\",\"version\":\"1.0.0\",\"tools\":[%s]}", rows[i][0]);
      g_autoptr (GError) error = NULL;
      g_autoptr (ColletManifest) manifest = collet_manifest_parse (text, strlen (text), &error);

      g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_MANIFEST);
      g_assert_nonnull (strstr (error->message, rows[i][1]));
    }
}

static void
test_obstacles (void)
{
  static const struct
  {
    const char *former, *old, *obstacle;
  } rows[] = {
    { "{\"renames\":{\"place\":\"city\"},\"defaults\":{\"days\":1}}",
      "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"place\":{}}}", NULL },
    { "{\"renames\":{\"place\":\"city\"}}",
      "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"place\":{}}}",
      "\"days\" is required" },
    { "{\"defaults\":{\"days\":1,\"city\":\"\"}}", "{\"type\":\"object\",\"required\":[\"verbose\"]}",
      "\"verbose\" was required, is not allowed now" },
    { "{\"defaults\":{\"days\":1},\"drops\":[\"verbose\"]}",
      "{\"type\":\"object\",\"required\":[\"verbose\"]}", NULL /* city may have been given: it was open */ },
    { "{\"defaults\":{\"days\":1},\"drops\":[\"city\"]}", "{\"type\":\"object\"}", "\"city\" is required" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (ColletFormerForm) form = read_form (rows[i].former, NULL);
      g_autofree char *text = g_strdup_printf ("[%s," SCHEMA "]", rows[i].old);
      g_autoptr (ColletJson) both = collet_json_parse (text, -1, NULL);
      ColletJsonNode first = collet_json_first (both, 0);
      g_autofree char *obstacle =
          collet_former_form_find_obstacle (form, both, first, both, collet_json_next (both, first));

      if (rows[i].obstacle == NULL)
        g_assert_cmpstr (obstacle, ==, NULL);
      else
        g_assert_nonnull (strstr (obstacle, rows[i].obstacle));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/former-form/arguments-come-out-in-the-present-form", test_applies);
  g_test_add_func ("/core/former-form/both-names-at-once-are-refused", test_both_names);
  g_test_add_func ("/core/former-form/what-cannot-be-is-refused-by-name", test_refuses_by_name);
  g_test_add_func ("/core/former-form/names-are-nobodys-else", test_names_are_nobodys_else);
  g_test_add_func ("/core/former-form/what-can-never-succeed-is-known-before", test_obstacles);
  return g_test_run ();
}
