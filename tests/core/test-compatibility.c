/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "collet-compatibility.h"

static ColletManifest *
make_manifest (const char *version, const char *input, const char *output, const char *members)
{
  g_autofree char *text = g_strdup_printf (
      "{\"name\":\"m\",\"version\":\"%s\",\"tools\":[{\"name\":\"t\",\"inputSchema\":%s%s%s}]%s}", version,
      input, output != NULL ? ",\"outputSchema\":" : "", output != NULL ? output : "", members);
  g_autoptr (GError) error = NULL;
  ColletManifest *manifest = collet_manifest_parse (text, strlen (text), &error);

  g_assert_no_error (error);
  return manifest;
}

#define NOTHING "{\"type\":\"object\"}"

static ColletCompatibility *
compare_inputs (const char *from, const char *to)
{
  g_autoptr (ColletManifest) a = make_manifest ("1.0.0", from, NULL, "");
  g_autoptr (ColletManifest) b = make_manifest ("1.1.0", to, NULL, "");

  return collet_compatibility_compare (a, b);
}

static ColletCompatibility *
compare_outputs (const char *from, const char *to)
{
  g_autoptr (ColletManifest) a = make_manifest ("1.0.0", NOTHING, from, "");
  g_autoptr (ColletManifest) b = make_manifest ("1.1.0", NOTHING, to, "");

  return collet_compatibility_compare (a, b);
}

/* Schemas of one property, since a tool's root is an object. */
static char *
wrap (const char *schema)
{
  return g_strdup_printf ("{\"type\":\"object\",\"properties\":{\"p\":%s}}", schema);
}

static ColletVerdict
compare_property (gboolean is_input, const char *from, const char *to)
{
  g_autofree char *a = wrap (from);
  g_autofree char *b = wrap (to);
  g_autoptr (ColletCompatibility) result = is_input ? compare_inputs (a, b) : compare_outputs (a, b);

  g_test_message ("%s %s -> %s", is_input ? "input" : "output", from, to);
  for (guint i = 0; result->differences[i] != NULL; i++)
    g_test_message ("  %s", result->differences[i]);
  return result->verdict;
}

static void
test_one_direction (void)
{
  /* Everything that the first accepts the second accepts, and not the other way
   * round: a compatible change of arguments one way, of results the other. */
  static const struct
  {
    const char *narrow, *wide;
  } cases[] = {
    { "{\"type\":\"integer\"}", "{\"type\":\"number\"}" },
    { "{\"type\":\"string\"}", "{\"type\":[\"string\",\"null\"]}" },
    { "{\"type\":\"string\"}", "true" },
    { "false", "{\"type\":\"string\"}" },
    { "{\"enum\":[1,2]}", "{\"enum\":[3,2,1]}" },
    { "{\"enum\":[1,2]}", "{\"type\":\"integer\",\"minimum\":1}" },
    { "{\"const\":\"a\"}", "{\"enum\":[\"a\",\"b\"]}" },
    { "{\"const\":\"a\"}", "{\"type\":\"string\",\"maxLength\":1}" },
    { "{\"type\":\"number\",\"minimum\":2}", "{\"type\":\"number\",\"minimum\":1.5}" },
    { "{\"type\":\"number\",\"exclusiveMinimum\":2}", "{\"type\":\"number\",\"minimum\":2}" },
    { "{\"type\":\"number\",\"maximum\":1}", "{\"type\":\"number\",\"exclusiveMaximum\":1.1}" },
    { "{\"type\":\"number\",\"maximum\":9}", "{\"type\":\"number\"}" },
    { "{\"type\":\"number\",\"multipleOf\":6}", "{\"type\":\"number\",\"multipleOf\":3}" },
    { "{\"type\":\"string\",\"minLength\":2,\"maxLength\":3}",
      "{\"type\":\"string\",\"minLength\":1,\"maxLength\":3}" },
    { "{\"type\":\"string\",\"pattern\":\"^a\"}", "{\"type\":\"string\"}" },
    { "{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}",
      "{\"type\":\"array\",\"items\":{\"type\":\"number\"}}" },
    { "{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}",
      "{\"type\":\"array\",\"prefixItems\":[{\"type\":\"number\"}],\"items\":{\"type\":\"integer\"}}" },
    { "{\"type\":\"array\",\"minItems\":1}", "{\"type\":\"array\"}" },
    { "{\"type\":\"array\",\"uniqueItems\":true}", "{\"type\":\"array\",\"uniqueItems\":false}" },
    { "{\"type\":\"object\",\"required\":[\"a\",\"b\"]}", "{\"type\":\"object\",\"required\":[\"b\"]}" },
    { "{\"type\":\"object\",\"additionalProperties\":false}", "{\"type\":\"object\"}" },
    { "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"integer\"}}",
      "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"number\"}}" },
    { "{\"type\":\"string\"}", "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"number\"}]}" },
    { "{\"type\":\"string\"}", "{\"oneOf\":[{\"type\":\"string\"},{\"type\":\"number\"}]}" },
    { "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"integer\"}]}", "{\"type\":[\"string\",\"number\"]}" },
    { "{\"allOf\":[{\"type\":\"string\"},{\"minLength\":1}]}", "{\"type\":\"string\"}" },
    { "{\"type\":\"string\",\"not\":{\"const\":\"x\"}}", "{\"type\":\"string\"}" },
    { "{\"type\":\"string\",\"if\":{\"minLength\":1},\"then\":{\"maxLength\":3}}", "{\"type\":\"string\"}" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_assert_cmpint (compare_property (TRUE, cases[i].narrow, cases[i].wide), ==,
                       COLLET_VERDICT_COMPATIBLE);
      g_assert_cmpint (compare_property (TRUE, cases[i].wide, cases[i].narrow), ==, COLLET_VERDICT_BREAKING);
      g_assert_cmpint (compare_property (FALSE, cases[i].wide, cases[i].narrow), ==,
                       COLLET_VERDICT_COMPATIBLE);
      g_assert_cmpint (compare_property (FALSE, cases[i].narrow, cases[i].wide), ==, COLLET_VERDICT_BREAKING);
    }
}

static void
test_breaks_both_ways (void)
{
  static const struct
  {
    const char *from, *to;
  } cases[] = {
    { "{\"type\":\"string\"}", "{\"type\":\"number\"}" },
    { "{\"enum\":[1,2]}", "{\"enum\":[2,3]}" },
    { "{\"type\":\"string\",\"pattern\":\"^a\"}", "{\"type\":\"string\",\"pattern\":\"^b\"}" },
    { "{\"not\":{\"const\":1}}", "{\"not\":{\"const\":2}}" },
    { "{\"type\":\"number\",\"minimum\":1}", "{\"type\":\"number\",\"maximum\":1}" },
    { "{\"oneOf\":[{\"minimum\":1},{\"multipleOf\":2}]}",
      "{\"oneOf\":[{\"minimum\":1},{\"multipleOf\":3}]}" },
    { "{\"if\":{\"minimum\":1},\"then\":{\"maximum\":3}}",
      "{\"if\":{\"minimum\":2},\"then\":{\"maximum\":3}}" },
    { "{\"type\":\"object\",\"unevaluatedProperties\":{\"minimum\":1}}",
      "{\"type\":\"object\",\"unevaluatedProperties\":{\"minimum\":2}}" },
    { "{\"type\":\"array\",\"contains\":{\"const\":1}}", "{\"type\":\"array\",\"contains\":{\"const\":2}}" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    for (guint is_input = 0; is_input < 2; is_input++)
      {
        g_assert_cmpint (compare_property (is_input, cases[i].from, cases[i].to), ==,
                         COLLET_VERDICT_BREAKING);
        g_assert_cmpint (compare_property (is_input, cases[i].to, cases[i].from), ==,
                         COLLET_VERDICT_BREAKING);
      }
}

static void
test_same_rules (void)
{
  static const struct
  {
    const char *from, *to;
  } cases[] = {
    { "{\"type\":\"string\",\"description\":\"a\",\"default\":\"x\"}",
      "{\"type\":\"string\",\"title\":\"b\"}" },
    { "{\"type\":[\"string\",\"null\"]}", "{\"type\":[\"null\",\"string\"]}" },
    { "{\"enum\":[1,2]}", "{\"enum\":[2,1.0]}" },
    { "{\"type\":\"integer\"}", "{\"type\":\"number\",\"multipleOf\":1}" },
    { "{\"minimum\":1,\"maximum\":2}", "{\"maximum\":2.0,\"minimum\":1}" },
    { "{\"oneOf\":[{\"minimum\":1},{\"multipleOf\":2,\"title\":\"x\"}]}",
      "{\"oneOf\":[{\"minimum\":1},{\"multipleOf\":2}]}" },
    { "{\"not\":{\"const\":1,\"title\":\"x\"}}", "{\"not\":{\"const\":1}}" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    for (guint is_input = 0; is_input < 2; is_input++)
      {
        ColletVerdict verdict = compare_property (is_input, cases[i].from, cases[i].to);
        /* An integer is a number that is a multiple of 1, but not by structure
         * the other way round. */
        if (!(i == 3 && !is_input))
          g_assert_cmpint (verdict, <=, COLLET_VERDICT_COMPATIBLE);
      }
}

static void
test_arguments (void)
{
  static const struct
  {
    const char *from, *to;
    ColletVerdict verdict;
    const char *difference;
  } cases[] = {
    { "{\"type\":\"object\",\"properties\":{\"a\":{}}}",
      "{\"type\":\"object\",\"properties\":{\"a\":{},\"b\":"
      "{\"type\":\"string\"}}}",
      COLLET_VERDICT_COMPATIBLE, "tool \"t\": /inputSchema/properties/b: is new" },
    { "{\"type\":\"object\",\"properties\":{\"a\":{}},\"additionalProperties\":false}",
      "{\"type\":\"object\",\"properties\":{\"a\":{},\"b\":{\"type\":\"string\"}},\"additionalProperties\":"
      "false}",
      COLLET_VERDICT_COMPATIBLE, "tool \"t\": /inputSchema/properties/b: is new" },
    { "{\"type\":\"object\",\"properties\":{\"a\":{}}}",
      "{\"type\":\"object\",\"properties\":{\"a\":{},\"b\":{\"type\":\"string\"}},\"required\":[\"b\"]}",
      COLLET_VERDICT_BREAKING, "tool \"t\": /inputSchema: \"b\" was optional, is required" },
    { "{\"type\":\"object\",\"properties\":{\"a\":{},\"b\":{}},\"additionalProperties\":false}",
      "{\"type\":\"object\",\"properties\":{\"a\":{}},\"additionalProperties\":false}",
      COLLET_VERDICT_BREAKING,
      "tool \"t\": /inputSchema/properties/b: was there, is gone, and additionalProperties is false" },
    { "{\"type\":\"object\",\"properties\":{\"a\":{},\"b\":{}}}",
      "{\"type\":\"object\",\"properties\":{\"a\":{}}}", COLLET_VERDICT_COMPATIBLE,
      "tool \"t\": /inputSchema: changed; accepts all that it did" },
    { "{\"type\":\"object\"}", "{\"type\":\"object\",\"additionalProperties\":false}",
      COLLET_VERDICT_BREAKING, "tool \"t\": /inputSchema: additionalProperties was not there, is false" },
    { "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":[\"string\",\"null\"]}}}",
      "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}}}", COLLET_VERDICT_BREAKING,
      "tool \"t\": /inputSchema/properties/a: type was [\"string\",\"null\"], is \"string\"" },
    { "{\"type\":\"object\",\"properties\":{\"x~/y\":{\"enum\":[1,2]}}}",
      "{\"type\":\"object\",\"properties\":{\"x~/y\":{\"enum\":[1]}}}", COLLET_VERDICT_BREAKING,
      "tool \"t\": /inputSchema/properties/x~0~1y: enum was [1,2], is [1]" },
    { "{\"type\":\"object\",\"patternProperties\":{\"^x\":{\"type\":\"string\"}}}",
      "{\"type\":\"object\",\"properties\":{\"x1\":{\"type\":\"number\"}}}", COLLET_VERDICT_BREAKING,
      "tool \"t\": /inputSchema/properties/x1: type was \"string\", is \"number\"" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ColletCompatibility) result = compare_inputs (cases[i].from, cases[i].to);
      g_assert_cmpstr (result->differences[0], ==, cases[i].difference);
      g_assert_cmpint (result->verdict, ==, cases[i].verdict);
      g_assert_true ((result->n_breaking > 0) == (cases[i].verdict == COLLET_VERDICT_BREAKING));
    }
}

static void
test_results (void)
{
  static const struct
  {
    const char *from, *to;
    ColletVerdict verdict;
    const char *difference;
  } cases[] = {
    { NULL, "{\"type\":\"object\"}", COLLET_VERDICT_COMPATIBLE, "tool \"t\": /outputSchema is new" },
    { "{\"type\":\"object\"}", NULL, COLLET_VERDICT_BREAKING,
      "tool \"t\": /outputSchema was there, is gone" },
    { "{\"type\":\"object\",\"properties\":{\"r\":{}}}", "{\"type\":\"object\"}", COLLET_VERDICT_BREAKING,
      "tool \"t\": /outputSchema/properties/r: was there, is gone" },
    { "{\"type\":\"object\",\"properties\":{\"r\":{}}}",
      "{\"type\":\"object\",\"properties\":{\"r\":{},\"s\":{}}}", COLLET_VERDICT_COMPATIBLE,
      "tool \"t\": /outputSchema/properties/s: is new" },
    { "{\"type\":\"object\",\"properties\":{\"r\":{}},\"additionalProperties\":false}",
      "{\"type\":\"object\",\"properties\":{\"r\":{},\"s\":{}},\"additionalProperties\":false}",
      COLLET_VERDICT_BREAKING,
      "tool \"t\": /outputSchema/properties/s: is new, and additionalProperties was false" },
    { "{\"type\":\"object\",\"required\":[\"r\"]}", "{\"type\":\"object\"}", COLLET_VERDICT_BREAKING,
      "tool \"t\": /outputSchema: \"r\" was always there, is optional" },
    { "{\"type\":\"object\",\"properties\":{\"r\":{\"type\":\"integer\"}}}",
      "{\"type\":\"object\",\"properties\":{\"r\":{\"type\":\"number\"}}}", COLLET_VERDICT_BREAKING,
      "tool \"t\": /outputSchema/properties/r: type was \"integer\", is \"number\"" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ColletCompatibility) result = compare_outputs (cases[i].from, cases[i].to);
      g_assert_cmpstr (result->differences[0], ==, cases[i].difference);
      g_assert_cmpint (result->verdict, ==, cases[i].verdict);
    }
}

/* A list of values of a type, by a definition that refers to itself. */
static char *
make_list (const char *name, const char *type)
{
  return g_strdup_printf (
      "{\"type\":\"object\",\"properties\":{\"n\":{\"$ref\":\"#/$defs/%s\"}},\"$defs\":{\"%s\":"
      "{\"type\":\"object\",\"properties\":{\"next\":{\"$ref\":\"#/$defs/%s\"},\"v\":{\"type\":"
      "\"%s\"}}}}}",
      name, name, name, type);
}

static void
test_references (void)
{
  g_autofree char *integers = make_list ("n", "integer");
  g_autofree char *numbers = make_list ("n", "number");
  g_autofree char *renamed = make_list ("m", "integer");
  g_autoptr (ColletCompatibility) wider = compare_inputs (integers, numbers);
  g_autoptr (ColletCompatibility) narrower = compare_inputs (numbers, integers);
  g_autoptr (ColletCompatibility) input = compare_inputs (integers, renamed);
  g_autoptr (ColletCompatibility) output = compare_outputs (integers, renamed);

  g_assert_cmpint (wider->verdict, ==, COLLET_VERDICT_COMPATIBLE);
  g_assert_cmpint (narrower->verdict, ==, COLLET_VERDICT_BREAKING);
  g_assert_cmpstr (narrower->differences[0], ==,
                   "tool \"t\": /inputSchema/properties/n/properties/v: type was \"number\", is \"integer\"");
  /* Under another name it is the same. */
  g_assert_cmpint (input->verdict, ==, COLLET_VERDICT_COMPATIBLE);
  g_assert_cmpint (output->verdict, ==, COLLET_VERDICT_COMPATIBLE);
}

/* A choice is tried without a word, and must not be taken for granted. */
static void
test_choices (void)
{
  static const char string[] = "{\"type\":\"string\"}", object[] = "{\"type\":\"object\"}";

  g_assert_cmpint (compare_property (FALSE, "{\"anyOf\":[{\"type\":\"object\",\"properties\":{\"r\":{}}}]}",
                                     object),
                   ==, COLLET_VERDICT_BREAKING);
  g_assert_cmpint (compare_property (TRUE, "{\"anyOf\":[{\"type\":\"object\",\"properties\":{\"r\":{}}}]}",
                                     object),
                   ==, COLLET_VERDICT_COMPATIBLE);
  /* A string of two characters matches both, so not one of them. */
  g_assert_cmpint (compare_property (TRUE, string,
                                     "{\"oneOf\":[{\"type\":\"string\"},{\"type\":\"string\","
                                     "\"minLength\":2}]}"),
                   ==, COLLET_VERDICT_BREAKING);
}

static ColletManifest *
parse (const char *text)
{
  ColletManifest *manifest = collet_manifest_parse (text, strlen (text), NULL);

  g_assert_nonnull (manifest);
  return manifest;
}

static void
test_tools (void)
{
  g_autoptr (ColletManifest) a =
      parse ("{\"name\":\"m\",\"version\":\"1.0.0\",\"tools\":[{\"name\":\"a\"},{\"name\":\"b\"}]}");
  g_autoptr (ColletManifest) b =
      parse ("{\"name\":\"m\",\"version\":\"1.0.0\",\"tools\":[{\"name\":\"a\",\"title\":"
             "\"T\"},{\"name\":\"b\"},{\"name\":\"c\"}]}");
  g_autoptr (ColletCompatibility) up = collet_compatibility_compare (a, b);
  g_autoptr (ColletCompatibility) down = collet_compatibility_compare (b, a);

  g_assert_cmpint (up->verdict, ==, COLLET_VERDICT_COMPATIBLE);
  g_assert_cmpstr (up->differences[0], ==, "tool \"a\": /title is new");
  g_assert_cmpstr (up->differences[1], ==, "tool \"c\" is new");
  g_assert_cmpint (down->verdict, ==, COLLET_VERDICT_BREAKING);
  g_assert_cmpuint (down->n_breaking, ==, 1);
  g_assert_cmpstr (down->differences[0], ==, "tool \"c\" was there, is gone");
}

static void
test_behaviour_only (void)
{
  g_autoptr (ColletManifest) a = make_manifest ("1.0.0", NOTHING, NOTHING, ",\"license\":\"0BSD\"");
  g_autoptr (ColletManifest) b = make_manifest ("2.0.0", NOTHING, NOTHING, ",\"x-build\":7");
  g_autoptr (ColletCompatibility) result = collet_compatibility_compare (a, b);

  g_assert_cmpint (result->verdict, ==, COLLET_VERDICT_BEHAVIOUR_ONLY);
  g_assert_null (result->differences[0]);
  g_assert_cmpstr (collet_verdict_to_string (result->verdict), ==, "behaviour-only");
}

static void
test_state_breaks_no_caller (void)
{
  g_autoptr (ColletManifest) a = make_manifest ("1.0.0", NOTHING, NULL, ",\"state\":{\"format\":1}");
  g_autoptr (ColletManifest) b =
      make_manifest ("2.0.0", NOTHING, NULL, ",\"state\":{\"format\":2},\"needs\":{\"network\":true}");
  g_autoptr (ColletCompatibility) result = collet_compatibility_compare (a, b);

  g_assert_cmpint (result->verdict, ==, COLLET_VERDICT_COMPATIBLE);
  g_assert_cmpstr (result->differences[0], ==, "/state/format was 1, is 2: needs code_change");
  g_assert_cmpstr (result->differences[1], ==, "/needs/network was false, is true");
}

/* Choices within choices double the work at each level. */
static void
test_hostile_schemas_end (void)
{
  g_autoptr (GString) from =
      g_string_new ("{\"type\":\"object\",\"properties\":{\"p\":{\"$ref\":\"#/$defs/a30\"}},"
                    "\"$defs\":{\"a0\":{\"type\":\"string\"}");
  g_autoptr (GString) to = g_string_new (from->str);
  g_autoptr (ColletCompatibility) result = NULL;
  gint64 start = g_get_monotonic_time ();

  for (guint i = 1; i <= 30; i++)
    {
      g_string_append_printf (from,
                              ",\"a%u\":{\"anyOf\":[{\"$ref\":\"#/$defs/a%u\"},{\"$ref\":\"#/$defs/a%u\"}]}",
                              i, i - 1, i - 1);
      g_string_append_printf (to,
                              ",\"a%u\":{\"anyOf\":[{\"$ref\":\"#/$defs/a%u\"},{\"type\":\"null\"},{\"$ref\":"
                              "\"#/$defs/a%u\"}]}",
                              i, i - 1, i - 1);
    }
  memcpy (strstr (to->str, "string"), "number", 6);
  g_string_append (from, "}}");
  g_string_append (to, "}}");
  result = compare_inputs (from->str, to->str);
  g_assert_cmpint (result->verdict, ==, COLLET_VERDICT_BREAKING);
  g_assert_cmpint (g_get_monotonic_time () - start, <, 10 * G_USEC_PER_SEC);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/compatibility/arguments-may-widen-results-may-narrow", test_one_direction);
  g_test_add_func ("/core/compatibility/what-cannot-be-proven-breaks", test_breaks_both_ways);
  g_test_add_func ("/core/compatibility/same-rules-are-compatible", test_same_rules);
  g_test_add_func ("/core/compatibility/arguments", test_arguments);
  g_test_add_func ("/core/compatibility/results", test_results);
  g_test_add_func ("/core/compatibility/references-are-followed", test_references);
  g_test_add_func ("/core/compatibility/choices-are-not-taken-for-granted", test_choices);
  g_test_add_func ("/core/compatibility/tools-come-and-go", test_tools);
  g_test_add_func ("/core/compatibility/behaviour-only", test_behaviour_only);
  g_test_add_func ("/core/compatibility/state-breaks-no-caller", test_state_breaks_no_caller);
  g_test_add_func ("/core/compatibility/hostile-schemas-end", test_hostile_schemas_end);
  return g_test_run ();
}
