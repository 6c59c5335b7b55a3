/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-smoke-test.h"

#include <string.h>

#include "collet-json-private.h"

#define SHOWN 300 /* bytes */

void
collet_smoke_test_free (ColletSmokeTest *test)
{
  g_free (test->tool);
  g_free (test->arguments);
  g_free (test->result);
  g_free (test);
}

/* ---- reading ---- */

static gboolean
refuse (const ColletJson *json, ColletJsonNode node, ColletError code, GError **error, const char *what)
{
  g_autofree char *pointer = collet_json_dup_pointer (json, 0, node);

  g_set_error (error, COLLET_ERROR, (int)code, "%s: %s", *pointer != '\0' ? pointer : "the smoke tests",
               what);
  return FALSE;
}

static char *
dup_raw (const ColletJson *json, ColletJsonNode node)
{
  gsize size;
  const char *raw = collet_json_get_raw (json, node, &size);

  return g_strndup (raw, size);
}

static gboolean
read_member (const ColletJson *json, ColletJsonNode member, ColletSmokeTest *test, ColletError code,
             GError **error)
{
  gboolean is_object = collet_json_get_type (json, member) == COLLET_JSON_OBJECT;

  if (collet_json_name_is (json, member, "tool"))
    {
      test->tool = collet_json_dup_string (json, member);
      return test->tool != NULL || refuse (json, member, code, error, "must be a string, the name of a tool");
    }
  if (collet_json_name_is (json, member, "arguments"))
    {
      test->arguments = dup_raw (json, member);
      return is_object || refuse (json, member, code, error, "must be an object, the tool's arguments");
    }
  if (collet_json_name_is (json, member, "result"))
    {
      test->result = dup_raw (json, member);
      return is_object || refuse (json, member, code, error,
                                  "must be an object, to be found in the tool's CallToolResult");
    }
  return refuse (json, member, code, error,
                 "is not known; a smoke test has \"tool\", \"arguments\" and \"result\"");
}

static gboolean
read_test (const ColletJson *json, ColletJsonNode node, ColletSmokeTest *test, ColletError code,
           GError **error)
{
  if (collet_json_get_type (json, node) != COLLET_JSON_OBJECT)
    return refuse (json, node, code, error, "must be an object with \"tool\", \"arguments\" and \"result\"");
  for (ColletJsonNode member = collet_json_first (json, node); member != 0;
       member = collet_json_next (json, member))
    if (!read_member (json, member, test, code, error))
      return FALSE;
  if (test->tool == NULL || test->result == NULL)
    return refuse (json, node, code, error, "lacks \"tool\" or \"result\", which are required");
  if (test->arguments == NULL)
    test->arguments = g_strdup ("{}");
  return TRUE;
}

GPtrArray *
collet_smoke_tests_read (const ColletJson *json, ColletJsonNode node, ColletError code, GError **error)
{
  g_autoptr (GPtrArray) tests = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_smoke_test_free);

  if (collet_json_get_type (json, node) != COLLET_JSON_ARRAY ||
      collet_json_get_length (json, node) > COLLET_SMOKE_TESTS_MAX)
    {
      refuse (json, node, code, error,
              "must be an array of at most " G_STRINGIFY (COLLET_SMOKE_TESTS_MAX) " smoke tests");
      return NULL;
    }
  for (ColletJsonNode item = collet_json_first (json, node); item != 0; item = collet_json_next (json, item))
    {
      ColletSmokeTest *test = g_new0 (ColletSmokeTest, 1);

      g_ptr_array_add (tests, test);
      if (!read_test (json, item, test, code, error))
        return NULL;
    }
  return g_steal_pointer (&tests);
}

GPtrArray *
collet_smoke_tests_parse (const char *text, GError **error)
{
  g_autoptr (ColletJson) json = collet_json_parse_borrowed (text, strlen (text), error);

  return json != NULL ? collet_smoke_tests_read (json, 0, COLLET_ERROR_INVALID_ARGUMENT, error) : NULL;
}

/* ---- comparing ---- */

char *
collet_smoke_test_dup_shown (const char *json, gsize size)
{
  const char *end = json + MIN (size, SHOWN);

  if (size <= SHOWN)
    return g_strndup (json, size);
  while (end > json && (*end & 0xC0) == 0x80)
    end--; /* not in the middle of a character */
  return g_strdup_printf ("%.*s...", (int)(end - json), json);
}

static char *
dup_shown (const ColletJson *json, ColletJsonNode node)
{
  gsize size;
  const char *raw = collet_json_get_raw (json, node, &size);

  return collet_smoke_test_dup_shown (raw, size);
}

static char *
say (const ColletJson *expected, ColletJsonNode e, const char *got)
{
  g_autofree char *pointer = collet_json_dup_pointer (expected, 0, e);
  g_autofree char *shown = dup_shown (expected, e);

  return g_strdup_printf ("at %s expected %s, got %s", *pointer != '\0' ? pointer : "/", shown, got);
}

static char *
compare (const ColletJson *expected, ColletJsonNode e, const ColletJson *got, ColletJsonNode g)
{
  if (collet_json_get_type (expected, e) != COLLET_JSON_OBJECT ||
      collet_json_get_type (got, g) != COLLET_JSON_OBJECT)
    {
      if (collet_json_equal (expected, e, got, g))
        return NULL;
      g_autofree char *shown = dup_shown (got, g);
      return say (expected, e, shown);
    }
  for (ColletJsonNode member = collet_json_first (expected, e); member != 0;
       member = collet_json_next (expected, member))
    {
      g_autofree char *name = collet_json_dup_name (expected, member);
      ColletJsonNode found = collet_json_member (got, g, name);
      char *difference =
          found != 0 ? compare (expected, member, got, found) : say (expected, member, "nothing there");

      if (difference != NULL)
        return difference;
    }
  return NULL;
}

static gboolean
is_error (const ColletJson *json)
{
  ColletJsonNode member = collet_json_member (json, 0, "isError");

  return member != 0 && collet_json_get_type (json, member) == COLLET_JSON_TRUE;
}

char *
collet_smoke_test_compare (const ColletSmokeTest *test, const ColletJson *answer)
{
  g_autoptr (ColletJson) expected = collet_json_parse (test->result, -1, NULL);

  g_assert (expected != NULL); /* it was read before */
  if (is_error (expected) != is_error (answer))
    {
      g_autofree char *shown = dup_shown (answer, 0);

      return g_strdup_printf ("expected that the tool %s, got %s", is_error (expected) ? "fails" : "succeeds",
                              shown);
    }

  /* A module need not say that it did not fail. */
  for (ColletJsonNode member = collet_json_first (expected, 0); member != 0;
       member = collet_json_next (expected, member))
    {
      g_autofree char *name = collet_json_dup_name (expected, member);
      ColletJsonNode found = collet_json_member (answer, 0, name);
      char *difference = NULL;

      if (g_str_equal (name, "isError"))
        continue;
      difference =
          found != 0 ? compare (expected, member, answer, found) : say (expected, member, "nothing there");
      if (difference != NULL)
        return difference;
    }
  return NULL;
}
