/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-smoke-test.h"

#include <string.h>

static void
assert_refused (const char *text, ColletError code, const char *part)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (collet_smoke_tests_parse (text, &error));
  g_assert_error (error, COLLET_ERROR, (int)code);
  if (strstr (error->message, part) == NULL)
    g_error ("no \"%s\" in: %s", part, error->message);
}

static void
test_reads (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) tests = collet_smoke_tests_parse (
      "[{\"tool\":\"add\",\"arguments\":{\"a\":1},\"result\":{\"x\":2}}, {\"result\":{},\"tool\":\"t\"}]",
      &error);
  g_assert_no_error (error);
  const ColletSmokeTest *test = tests->pdata[0];

  g_assert_cmpuint (tests->len, ==, 2);
  g_assert_cmpstr (test->tool, ==, "add");
  g_assert_cmpstr (test->arguments, ==, "{\"a\":1}");
  g_assert_cmpstr (test->result, ==, "{\"x\":2}");
  test = tests->pdata[1];
  g_assert_cmpstr (test->arguments, ==, "{}");
}

static void
test_refuses (void)
{
  g_autoptr (GString) many = g_string_new ("[");

  assert_refused ("", COLLET_ERROR_INVALID_JSON, "");
  assert_refused ("{}", COLLET_ERROR_INVALID_ARGUMENT, "an array");
  assert_refused ("[1]", COLLET_ERROR_INVALID_ARGUMENT, "/0: must be an object");
  assert_refused ("[{\"tool\":\"t\"}]", COLLET_ERROR_INVALID_ARGUMENT, "/0: lacks");
  assert_refused ("[{\"result\":{}}]", COLLET_ERROR_INVALID_ARGUMENT, "/0: lacks");
  assert_refused ("[{\"tool\":1,\"result\":{}}]", COLLET_ERROR_INVALID_ARGUMENT, "/0/tool: must be a string");
  assert_refused ("[{\"tool\":\"t\",\"result\":[]}]", COLLET_ERROR_INVALID_ARGUMENT, "/0/result: must be an");
  assert_refused ("[{\"tool\":\"t\",\"result\":{},\"arguments\":\"\"}]", COLLET_ERROR_INVALID_ARGUMENT,
                  "/0/arguments: must be an");
  assert_refused ("[{\"tool\":\"t\",\"result\":{},\"also\":1}]", COLLET_ERROR_INVALID_ARGUMENT,
                  "/0/also: is not known");
  for (guint i = 0; i <= COLLET_SMOKE_TESTS_MAX; i++)
    g_string_append (many, i > 0 ? ",{\"tool\":\"t\",\"result\":{}}" : "{\"tool\":\"t\",\"result\":{}}");
  g_string_append_c (many, ']');
  assert_refused (many->str, COLLET_ERROR_INVALID_ARGUMENT, "at most 64");
}

/* NULL: they fit. */
static char *
compare (const char *expected, const char *answer)
{
  const ColletSmokeTest test = { (char *)"t", (char *)"{}", (char *)expected };
  g_autoptr (ColletJson) json = collet_json_parse (answer, -1, NULL);

  return collet_smoke_test_compare (&test, json);
}

static void
assert_fits (const char *expected, const char *answer)
{
  g_autofree char *difference = compare (expected, answer);

  g_assert_cmpstr (difference, ==, NULL);
}

static void
assert_differs (const char *expected, const char *answer, const char *said)
{
  g_autofree char *difference = compare (expected, answer);

  g_assert_cmpstr (difference, ==, said);
}

static void
test_contained (void)
{
  const char *answer =
      "{\"content\":[{\"type\":\"text\",\"text\":\"3\"}],\"structuredContent\":{\"n\":3,\"l\":[1,"
      "{\"a\":1}],\"o\":{\"p\":null}}}";

  assert_fits ("{}", answer);
  assert_fits ("{\"structuredContent\":{\"n\":3.0}}", answer);
  assert_fits ("{\"structuredContent\":{\"o\":{}}}", answer);
  assert_fits ("{\"structuredContent\":{\"o\":{\"p\":null},\"l\":[1,{\"a\":1}]},\"isError\":false}", answer);
  assert_fits ("{\"content\":[{\"text\":\"3\",\"type\":\"text\"}]}", answer);
}

static void
test_different (void)
{
  const char *answer = "{\"content\":[],\"structuredContent\":{\"n\":3,\"l\":[1],\"a/b\":1}}";

  assert_differs ("{\"structuredContent\":{\"n\":4}}", answer, "at /structuredContent/n expected 4, got 3");
  assert_differs ("{\"structuredContent\":{\"m\":4}}", answer,
                  "at /structuredContent/m expected 4, got nothing there");
  assert_differs ("{\"structuredContent\":{\"l\":[1,2]}}", answer,
                  "at /structuredContent/l expected [1,2], got [1]");
  assert_differs ("{\"structuredContent\":{\"n\":{}}}", answer, "at /structuredContent/n expected {}, got 3");
  assert_differs ("{\"structuredContent\":{\"a/b\":2}}", answer,
                  "at /structuredContent/a~1b expected 2, got 1");
}

static void
test_failing (void)
{
  assert_differs ("{}", "{\"content\":[],\"isError\":true}",
                  "expected that the tool succeeds, got {\"content\":[],\"isError\":true}");
  assert_differs ("{\"isError\":true}", "{\"content\":[]}",
                  "expected that the tool fails, got {\"content\":[]}");
  assert_fits ("{\"isError\":true}", "{\"content\":[],\"isError\":true}");
}

/* Whole characters. */
static void
test_shown (void)
{
  g_autoptr (GString) text = g_string_new ("\"");

  while (text->len < 1000)
    g_string_append (text, "\xe2\x82\xac");
  for (gsize skip = 0; skip < 3; skip++)
    {
      g_autofree char *shown = collet_smoke_test_dup_shown (text->str + skip, text->len - skip);

      g_assert_cmpuint (strlen (shown), <, 310);
      g_assert_true (g_str_has_suffix (shown, "..."));
      if (skip == 0)
        g_assert_true (g_utf8_validate (shown, -1, NULL));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/smoke-test/is-read", test_reads);
  g_test_add_func ("/core/smoke-test/fault-is-named-with-its-place", test_refuses);
  g_test_add_func ("/core/smoke-test/what-is-not-mentioned-may-be-anything", test_contained);
  g_test_add_func ("/core/smoke-test/difference-is-named-with-its-place", test_different);
  g_test_add_func ("/core/smoke-test/failure-is-compared-always", test_failing);
  g_test_add_func ("/core/smoke-test/shown-text-is-short-and-whole", test_shown);
  return g_test_run ();
}
