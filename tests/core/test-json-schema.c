/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "collet-error.h"
#include "collet-json-schema.h"

static ColletJson *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  ColletJson *json = collet_json_parse (text, -1, &error);

  g_assert_no_error (error);
  return json;
}

static ColletJsonSchema *
compile (const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ColletJson) json = parse (text);
  ColletJsonSchema *schema = collet_json_schema_new (json, 0, &error);

  g_assert_no_error (error);
  return schema;
}

typedef struct
{
  const char *schema;
  const char *valid, *invalid; /* arrays of values */
} Case;

static void
check_values (const char *schema_text, const char *values_text, gboolean is_valid)
{
  g_autoptr (ColletJsonSchema) schema = compile (schema_text);
  g_autoptr (ColletJson) values = parse (values_text);

  for (ColletJsonNode value = collet_json_first (values, 0); value != 0;
       value = collet_json_next (values, value))
    {
      g_autoptr (GError) error = NULL;
      gsize size;
      const char *raw = collet_json_get_raw (values, value, &size);
      gboolean answer =
          collet_json_schema_validate (schema, values, value, COLLET_ERROR_INVALID_ARGUMENTS, &error);
      if (answer != is_valid)
        g_test_message ("%s: %.*s", schema_text, (int)size, raw);
      g_assert_true (answer == is_valid);
      if (!is_valid)
        g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENTS);
      g_assert_true (is_valid == (error == NULL));
    }
}

static void
check (const Case *cases, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      check_values (cases[i].schema, cases[i].valid, TRUE);
      check_values (cases[i].schema, cases[i].invalid, FALSE);
    }
}

static void
test_types (void)
{
  static const Case cases[] = {
    { "true", "[1,null,{}]", "[]" },
    { "{}", "[1,null,{}]", "[]" },
    { "false", "[]", "[1,null,{}]" },
    { "{\"type\":\"null\"}", "[null]", "[0,false,\"\",[],{}]" },
    { "{\"type\":\"boolean\"}", "[true,false]", "[0,null,\"true\"]" },
    { "{\"type\":\"number\"}", "[1,1.5,-0,1e300]", "[\"1\",true,null,[1]]" },
    { "{\"type\":\"integer\"}", "[1,1.0,1e2,12300e-2,-9223372036854775809,1e300]", "[1.5,1e-1,\"1\"]" },
    { "{\"type\":\"string\"}", "[\"\",\"a\"]", "[1,null]" },
    { "{\"type\":\"array\"}", "[[],[1]]", "[{},\"[]\"]" },
    { "{\"type\":\"object\"}", "[{},{\"a\":1}]", "[[],null]" },
    { "{\"type\":[\"string\",\"null\"]}", "[\"a\",null]", "[1,false]" },
    { "{\"type\":[\"integer\",\"boolean\"]}", "[1,true]", "[1.5]" },
    { "{\"enum\":[1,\"a\",null,[1,{\"b\":2}]]}", "[1,1.0,\"a\",\"\\u0061\",null,[1.0,{\"b\":2}]]",
      "[2,\"A\",false,[1,{\"b\":3}]]" },
    { "{\"enum\":[]}", "[]", "[1]" },
    { "{\"const\":{\"a\":[1,2],\"b\":null}}", "[{\"b\":null,\"a\":[1,2.0]}]",
      "[{\"a\":[2,1],\"b\":null},{}]" },
    { "{\"const\":null}", "[null]", "[0]" },
    { "{\"const\":0}", "[0,-0,0.0]", "[false]" },
  };

  check (cases, G_N_ELEMENTS (cases));
}

static void
test_numbers (void)
{
  static const Case cases[] = {
    { "{\"minimum\":1.5}", "[1.5,2,\"a\",1e300]", "[1.4999,-1e300]" },
    { "{\"maximum\":-2}", "[-2,-2.0,-3]", "[-1.9999999,0]" },
    { "{\"exclusiveMinimum\":1}", "[1.0000001]", "[1,1.0,0]" },
    { "{\"exclusiveMaximum\":1}", "[0.9999]", "[1,1e0,2]" },
    { "{\"maximum\":9007199254740992}", "[9007199254740992]", "[9007199254740993]" },
    { "{\"minimum\":-9223372036854775808}", "[-9223372036854775808]", "[-9223372036854775809]" },
    { "{\"multipleOf\":2}", "[0,2,-4,1e300]", "[1,3,2.5,9007199254740993]" },
    { "{\"multipleOf\":0.1}", "[0.3,1.1,4.35e1,0]", "[0.35,0.00001]" },
    { "{\"multipleOf\":0.0001}", "[0.0075,12.3456]", "[0.00751]" },
    { "{\"multipleOf\":0.123456789}", "[0.123456789,0.370370367]", "[1e308]" },
    { "{\"multipleOf\":1e-8}", "[12391239123]", "[1e-9]" },
    { "{\"multipleOf\":123456789012345678}", "[123456789012345678,246913578024691356]",
      "[123456789012345679]" },
  };

  check (cases, G_N_ELEMENTS (cases));
}

static void
test_strings (void)
{
  static const Case cases[] = {
    { "{\"minLength\":2}", "[\"ab\",\"\xc3\xa9\xc3\xa9\",\"\\u00e9x\",1]",
      "[\"a\",\"\",\"\\ud83d\\ude00\"]" },
    { "{\"maxLength\":2}", "[\"\",\"\xf0\x9f\x98\x80\\ud83d\\ude00\"]", "[\"abc\"]" },
    { "{\"maxLength\":2.0}", "[\"ab\"]", "[\"abc\"]" },
    { "{\"maxLength\":1e300}", "[\"ab\"]", "[]" },
    { "{\"pattern\":\"b\"}", "[\"abc\",5]", "[\"ac\",\"\"]" },
    { "{\"pattern\":\"^a\\\\d+$\"}", "[\"a1\",\"\\u00611\"]", "[\"xa1\",\"a1x\",\"a1\\n\",\"a\xd9\xa3\"]" },
    { "{\"format\":\"email\"}", "[\"not one\"]", "[]" },
  };

  check (cases, G_N_ELEMENTS (cases));
}

static void
test_arrays (void)
{
  static const Case cases[] = {
    { "{\"items\":{\"type\":\"integer\"}}", "[[],[1,2],\"x\"]", "[[1,\"2\"]]" },
    { "{\"items\":false}", "[[]]", "[[1]]" },
    { "{\"prefixItems\":[{\"type\":\"integer\"},{\"type\":\"string\"}]}", "[[1,\"a\"],[1],[],[1,\"a\",null]]",
      "[[\"a\"],[1,2]]" },
    { "{\"prefixItems\":[{}],\"items\":{\"type\":\"null\"}}", "[[1,null],[1]]", "[[1,2]]" },
    { "{\"contains\":{\"const\":1}}", "[[1],[2,1]]", "[[],[2]]" },
    { "{\"contains\":{\"const\":1},\"minContains\":2,\"maxContains\":3}", "[[1,1],[1,1,1,2]]",
      "[[1],[1,1,1,1]]" },
    { "{\"contains\":{\"const\":1},\"minContains\":0}", "[[],[2]]", "[]" },
    { "{\"minItems\":1,\"maxItems\":2}", "[[1],[1,2]]", "[[],[1,2,3]]" },
    { "{\"uniqueItems\":true}",
      "[[],[1,2],[1,true],[0,false],[[1],[true]],[{\"a\":1},{\"a\":true}],[\"1\",1]]",
      "[[1,1.0],[\"a\",\"\\u0061\"],[{\"a\":1,\"b\":2},{\"b\":2,\"a\":1}],[null,null]]" },
    { "{\"uniqueItems\":true}", "[[1,2,3,4,5,6,7,8,9,10,11,12,13]]", "[[1,2,3,4,5,6,7,8,9,10,11,12,1.0]]" },
    { "{\"uniqueItems\":false}", "[[1,1]]", "[]" },
    { "{\"prefixItems\":[true],\"unevaluatedItems\":false}", "[[],[1]]", "[[1,2]]" },
    { "{\"contains\":{\"type\":\"string\"},\"unevaluatedItems\":{\"type\":\"number\"}}", "[[\"a\",1]]",
      "[[\"a\",null]]" },
    { "{\"anyOf\":[{\"prefixItems\":[true,{\"const\":2}]},{\"prefixItems\":[true]}],\"unevaluatedItems\":"
      "false}",
      "[[1],[1,2]]", "[[1,3],[1,2,3]]" },
  };

  check (cases, G_N_ELEMENTS (cases));
}

static void
test_objects (void)
{
  static const Case cases[] = {
    { "{\"properties\":{\"a\":{\"type\":\"integer\"},\"\\u00e9\":false}}", "[{},{\"a\":1},{\"b\":\"x\"},[]]",
      "[{\"a\":\"x\"},{\"\xc3\xa9\":1},{\"\\u0061\":null}]" },
    { "{\"required\":[\"a\",\"b\"]}", "[{\"a\":1,\"b\":2},{\"b\":1,\"c\":2,\"\\u0061\":3},\"x\"]",
      "[{},{\"a\":1},{\"b\":1}]" },
    { "{\"properties\":{\"a\":true},\"required\":[\"a\"],\"additionalProperties\":false}", "[{\"a\":1}]",
      "[{},{\"a\":1,\"b\":2},{\"b\":2}]" },
    { "{\"additionalProperties\":{\"type\":\"string\"}}", "[{},{\"a\":\"x\"}]", "[{\"a\":1}]" },
    { "{\"patternProperties\":{\"^x-\":{\"type\":\"string\"}},\"additionalProperties\":false}",
      "[{\"x-a\":\"s\"}]", "[{\"x-a\":1},{\"y\":\"s\"}]" },
    { "{\"patternProperties\":{\"a\":{\"minimum\":2},\"b\":{\"maximum\":3}}}", "[{\"ab\":2},{\"c\":9}]",
      "[{\"ab\":1},{\"ab\":4}]" },
    { "{\"propertyNames\":{\"maxLength\":2}}", "[{\"ab\":1},{}]", "[{\"abc\":1}]" },
    { "{\"propertyNames\":false}", "[{}]", "[{\"\":1}]" },
    { "{\"minProperties\":1,\"maxProperties\":2}", "[{\"a\":1},{\"a\":1,\"b\":2}]",
      "[{},{\"a\":1,\"b\":2,\"c\":3}]" },
    { "{\"dependentRequired\":{\"a\":[\"b\",\"c\"]}}", "[{},{\"b\":1},{\"a\":1,\"b\":1,\"c\":1}]",
      "[{\"a\":1,\"b\":1}]" },
    { "{\"dependentSchemas\":{\"a\":{\"required\":[\"b\"]}}}", "[{},{\"a\":1,\"b\":1}]", "[{\"a\":1}]" },
    { "{\"dependencies\":{\"a\":[\"b\"],\"c\":{\"maxProperties\":1}}}", "[{\"a\":1,\"b\":1},{\"c\":1}]",
      "[{\"a\":1},{\"c\":1,\"d\":1}]" },
    { "{\"properties\":{\"a\":true},\"unevaluatedProperties\":false}", "[{\"a\":1}]", "[{\"b\":1}]" },
    { "{\"allOf\":[{\"properties\":{\"a\":true}}],\"unevaluatedProperties\":{\"type\":\"null\"}}",
      "[{\"a\":1,\"b\":null}]", "[{\"a\":1,\"b\":1}]" },
    { "{\"if\":{\"properties\":{\"k\":{\"const\":1}},\"required\":[\"k\"]},\"then\":{\"properties\":{\"x\":"
      "true}},"
      "\"else\":{\"properties\":{\"y\":true}},\"unevaluatedProperties\":false}",
      "[{\"k\":1,\"x\":1},{\"y\":1}]", "[{\"k\":1,\"y\":1},{\"x\":1}]" },
    /* What fails, or is inside a `not`, evaluates nothing. */
    { "{\"not\":{\"properties\":{\"a\":{\"const\":1}},\"required\":[\"a\"]},\"unevaluatedProperties\":false}",
      "[{}]", "[{\"a\":2}]" },
    { "{\"anyOf\":[{\"properties\":{\"a\":true},\"required\":[\"z\"]},{\"properties\":{\"b\":true}}],"
      "\"unevaluatedProperties\":false}",
      "[{\"b\":1}]", "[{\"a\":1,\"b\":1}]" },
    /* A cousin does not see. */
    { "{\"properties\":{\"a\":true},\"allOf\":[{\"unevaluatedProperties\":false}],\"unevaluatedProperties\":"
      "true}",
      "[{}]", "[{\"a\":1}]" },
    { "{\"allOf\":[{\"properties\":{\"a\":true}},{\"unevaluatedProperties\":false}]}", "[{}]",
      "[{\"a\":1}]" },
    { "{\"allOf\":[{\"properties\":{\"a\":true}},{\"unevaluatedProperties\":false}],"
      "\"unevaluatedProperties\":true}",
      "[{}]", "[{\"a\":1}]" },
  };

  check (cases, G_N_ELEMENTS (cases));
}

static void
test_logic (void)
{
  static const Case cases[] = {
    { "{\"allOf\":[{\"minimum\":1},{\"maximum\":3}]}", "[1,3]", "[0,4]" },
    { "{\"anyOf\":[{\"type\":\"string\"},{\"minimum\":5}]}", "[\"a\",5]", "[4]" },
    { "{\"oneOf\":[{\"multipleOf\":2},{\"multipleOf\":3}]}", "[2,3,4,9]", "[6,5]" },
    { "{\"not\":{\"type\":\"string\"}}", "[1]", "[\"a\"]" },
    { "{\"not\":{\"not\":{\"type\":\"string\"}}}", "[\"a\"]", "[1]" },
    { "{\"if\":{\"type\":\"number\"},\"then\":{\"minimum\":0},\"else\":{\"maxLength\":1}}", "[0,\"a\"]",
      "[-1,\"ab\"]" },
    { "{\"then\":false,\"else\":false}", "[1]", "[]" },
    { "{\"if\":false,\"then\":false}", "[1]", "[]" },
  };

  check (cases, G_N_ELEMENTS (cases));
}

static void
test_references (void)
{
  static const Case cases[] = {
    { "{\"$ref\":\"#/$defs/a~1b%25\",\"$defs\":{\"a/b%\":{\"type\":\"string\"}}}", "[\"x\"]", "[1]" },
    { "{\"$ref\":\"#/definitions/a\",\"definitions\":{\"a\":{\"type\":\"string\"}}}", "[\"x\"]", "[1]" },
    /* Siblings count. */
    { "{\"$ref\":\"#/$defs/s\",\"maxLength\":1,\"$defs\":{\"s\":{\"type\":\"string\"}}}", "[\"x\"]",
      "[1,\"xy\"]" },
    /* A tree. */
    { "{\"type\":\"object\",\"properties\":{\"c\":{\"type\":\"array\",\"items\":{\"$ref\":\"#\"}}},"
      "\"additionalProperties\":false}",
      "[{\"c\":[{},{\"c\":[]}]}]", "[{\"c\":[{\"d\":1}]},{\"c\":[1]}]" },
    { "{\"$ref\":\"#there\",\"$defs\":{\"x\":{\"$anchor\":\"there\",\"type\":\"null\"}}}", "[null]", "[1]" },
    { "{\"$id\":\"https://e.org/root\",\"$ref\":\"item\",\"$defs\":{\"i\":{\"$id\":\"item\",\"$ref\":\"#/"
      "$defs/n\","
      "\"$defs\":{\"n\":{\"type\":\"number\"}}},\"n\":{\"type\":\"string\"}}}",
      "[1]", "[\"a\"]" },
    { "{\"$id\":\"urn:example:root\",\"properties\":{\"a\":{\"$ref\":\"urn:example:root#/$defs/n\"}},"
      "\"$defs\":{\"n\":{\"type\":\"number\"}}}",
      "[{\"a\":1}]", "[{\"a\":null}]" },
    /* Through what is no keyword. */
    { "{\"$ref\":\"#/x-own/0\",\"x-own\":[{\"items\":{\"type\":\"null\"}}]}", "[[null]]", "[[1]]" },
    /* What a pointer leads to has the base of what it is part of. */
    { "{\"$id\":\"https://e.org/root\",\"$ref\":\"#/$defs/i/"
      "x-own\",\"$defs\":{\"i\":{\"$id\":\"item\",\"x-own\":"
      "{\"$ref\":\"#/$defs/n\"},\"$defs\":{\"n\":{\"type\":\"number\"}}},\"n\":{\"type\":\"string\"}}}",
      "[1]", "[\"a\"]" },
    /* The outermost dynamic anchor wins. */
    { "{\"$id\":\"https://e.org/a\",\"$ref\":\"b\",\"$defs\":{\"s\":{\"$dynamicAnchor\":\"item\",\"type\":"
      "\"string\"},\"b\":{\"$id\":\"b\",\"$ref\":\"list\",\"$defs\":{\"n\":{\"$dynamicAnchor\":\"item\","
      "\"type\":"
      "\"number\"},\"list\":{\"$id\":\"list\",\"items\":{\"$dynamicRef\":\"#item\"},\"$defs\":{\"any\":"
      "{\"$dynamicAnchor\":\"item\"}}}}}}}",
      "[[\"a\"]]", "[[1]]" },
    { "{\"$id\":\"https://e.org/strings\",\"$ref\":\"list\",\"$defs\":{\"s\":{\"$dynamicAnchor\":\"item\","
      "\"type\":\"string\"},\"list\":{\"$id\":\"list\",\"type\":\"array\",\"items\":{\"$dynamicRef\":\"#"
      "item\"},"
      "\"$defs\":{\"any\":{\"$dynamicAnchor\":\"item\"}}}}}",
      "[[\"a\"]]", "[[1]]" },
  };

  check (cases, G_N_ELEMENTS (cases));
}

static void
test_invalid_schemas (void)
{
  static const struct
  {
    const char *schema, *message;
  } cases[] = {
    { "1", "the schema: must be a schema: an object, true or false" },
    { "{\"type\":\"text\"}",
      "/type: must be one of null, boolean, number, integer, string, array, object, or "
      "several of them" },
    { "{\"type\":[]}", "/type: must name a type" },
    { "{\"type\":[\"null\",\"null\"]}", "/type/1: is there twice" },
    { "{\"properties\":{\"a\":{\"minimum\":\"x\"}}}", "/properties/a/minimum: must be a number" },
    { "{\"properties\":[]}", "/properties: must be an object whose members are schemas" },
    { "{\"items\":[{}]}",
      "/items: must be a schema; an array of schemas goes into prefixItems since 2020-12" },
    { "{\"required\":\"a\"}", "/required: must be an array of names" },
    { "{\"required\":[1]}", "/required/0: must be a string, the name of a member" },
    { "{\"required\":[\"a\",\"a\"]}", "/required/1: \"a\" is there twice" },
    { "{\"minLength\":-1}", "/minLength: must be a whole number, not negative" },
    { "{\"maxItems\":1.5}", "/maxItems: must be a whole number, not negative" },
    { "{\"multipleOf\":0}", "/multipleOf: must be a number greater than 0" },
    { "{\"multipleOf\":-1}", "/multipleOf: must be a number greater than 0" },
    { "{\"allOf\":[]}", "/allOf: must be an array of at least one schema" },
    { "{\"anyOf\":[{},1]}", "/anyOf/1: must be a schema: an object, true or false" },
    { "{\"not\":null}", "/not: must be a schema: an object, true or false" },
    { "{\"uniqueItems\":1}", "/uniqueItems: must be true or false" },
    { "{\"enum\":1}", "/enum: must be an array of the values that are allowed" },
    { "{\"pattern\":1}", "/pattern: must be a string, a regular expression" },
    { "{\"pattern\":\"(\"}", "/pattern: not a valid pattern: missing closing parenthesis" },
    { "{\"patternProperties\":{\"[\":{}}}",
      "/patternProperties/[: not a valid pattern: missing terminating ] for "
      "character class" },
    { "{\"$ref\":\"#/$defs/x\"}", "/$ref: \"#/$defs/x\" leads nowhere" },
    { "{\"$ref\":\"#x\"}", "/$ref: \"#x\" names no anchor of this document" },
    { "{\"$ref\":\"https://example.com/s.json\"}",
      "/$ref: \"https://example.com/s.json\" is outside of this document; put the schema into $defs" },
    { "{\"$ref\":1}", "/$ref: must be a string" },
    { "{\"$ref\":\"#/title\",\"title\":\"x\"}", "/title: must be a schema: an object, true or false" },
    { "{\"description\":1}", "/description: must be a string" },
    { "{\"$defs\":{\"unused\":{\"type\":1}}}", "/$defs/unused/type: must be one of null, boolean, number, "
                                               "integer, string, array, object, or several of them" },
    { "{\"$defs\":{\"a\":{\"$anchor\":\"x\"},\"b\":{\"$anchor\":\"x\"}}}", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ColletJson) json = parse (cases[i].schema);
      g_assert_null (collet_json_schema_new (json, 0, &error));
      g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_SCHEMA);
      if (cases[i].message != NULL)
        g_assert_cmpstr (error->message, ==, cases[i].message);
    }
}

static void
test_messages (void)
{
  static const struct
  {
    const char *schema, *value, *message;
  } cases[] = {
    { "{\"properties\":{\"a\":{\"type\":\"number\"}}}", "{\"a\":\"two\"}",
      "/a: is \"two\" (string), must be number" },
    { "{\"type\":[\"integer\",\"null\"]}", "[]", "the whole value: is [] (array), must be null or integer" },
    { "{\"required\":[\"b\"]}", "{\"a\":1}", "the whole value: lacks \"b\", which is required" },
    { "{\"properties\":{\"a\":{},\"b\":{}},\"additionalProperties\":false}", "{\"c\":1}",
      "/c: is not allowed here; known are a, b" },
    { "{\"items\":{\"minimum\":0}}", "[1,-1]", "/1: is -1 (number), must be greater than or equal to 0" },
    { "{\"properties\":{\"a/b\":{\"enum\":[1,2]}}}", "{\"a/b\":3}",
      "/a~1b: is 3 (number), must be one of [1,2]" },
    { "{\"pattern\":\"^a$\"}", "\"b\"", "the whole value: is \"b\" (string), must match the pattern ^a$" },
    { "{\"minItems\":2}", "[1]", "the whole value: has 1 elements, must have at least 2" },
    { "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}", "1",
      "the whole value: is 1 (number), must be null or string" },
    { "{\"uniqueItems\":true}", "[1,2,3,4,5,6,7,8,9,10,4.0]",
      "/10: is 4.0 (number), must not be there twice" },
    { "{\"uniqueItems\":true}", "[1,2,1]", "/2: is 1 (number), must not be there twice" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ColletJson) json = parse (cases[i].value);
      g_autoptr (ColletJsonSchema) schema = compile (cases[i].schema);
      g_assert_false (collet_json_schema_validate (schema, json, 0, COLLET_ERROR_INVALID_RESULT, &error));
      g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_RESULT);
      g_assert_cmpstr (error->message, ==, cases[i].message);
    }
}

/* The place is given from the value that was checked, not from its document. */
static void
test_pointer_starts_at_the_value (void)
{
  g_autoptr (ColletJson) json = parse ("{\"params\":{\"arguments\":{\"a\":1}}}");
  g_autoptr (ColletJsonSchema) schema = compile ("{\"properties\":{\"a\":{\"type\":\"string\"}}}");
  ColletJsonNode arguments = collet_json_member (json, collet_json_member (json, 0, "params"), "arguments");
  g_autoptr (GError) error = NULL;

  g_assert_false (
      collet_json_schema_validate (schema, json, arguments, COLLET_ERROR_INVALID_ARGUMENTS, &error));
  g_assert_true (g_str_has_prefix (error->message, "/a: "));
}

static void
test_outlives_its_text (void)
{
  g_autoptr (ColletJsonSchema) schema = NULL;
  g_autoptr (ColletJson) value = parse ("3");

  {
    g_autofree char *text = g_strdup ("{\"schema\":{\"enum\":[1,2]}}");
    g_autoptr (ColletJson) json = collet_json_parse_borrowed (text, strlen (text), NULL);
    schema = collet_json_schema_new (json, collet_json_first (json, 0), NULL);
  }
  g_assert_false (collet_json_schema_validate (schema, value, 0, 1, NULL));
}

static void
assert_gives_up (const char *schema_text, const char *value)
{
  g_autoptr (ColletJsonSchema) schema = compile (schema_text);
  g_autoptr (ColletJson) json = parse (value);
  g_autoptr (GError) error = NULL;
  gint64 start = g_get_monotonic_time ();

  g_assert_false (collet_json_schema_validate (schema, json, 0, COLLET_ERROR_INVALID_ARGUMENTS, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENTS);
  g_assert_true (strstr (error->message, "too many steps") != NULL ||
                 strstr (error->message, "without end") != NULL);
  g_assert_cmpint (g_get_monotonic_time () - start, <, 10 * G_USEC_PER_SEC);
}

static void
test_hostile_schemas_end (void)
{
  g_autoptr (GString) doubling =
      g_string_new ("{\"$ref\":\"#/$defs/a40\",\"$defs\":{\"a0\":{\"type\":\"null\"}");
  g_autofree char *many_a = g_strnfill (40, 'a');
  g_autofree char *text = g_strdup_printf ("[\"%s!\"]", many_a);

  assert_gives_up ("{\"$ref\":\"#\"}", "1");
  assert_gives_up ("{\"allOf\":[{\"$ref\":\"#\"},{\"$ref\":\"#\"}]}", "1");
  assert_gives_up ("{\"not\":{\"$ref\":\"#\"}}", "1");
  assert_gives_up ("{\"anyOf\":[{\"$ref\":\"#\"},true]}", "1");
  assert_gives_up ("{\"if\":{\"$ref\":\"#\"},\"else\":true}", "1");
  assert_gives_up ("{\"contains\":{\"not\":{\"pattern\":\"^(a|a)*(?!a)[0-9]$\"}}}", text);

  for (guint i = 1; i <= 40; i++)
    g_string_append_printf (doubling,
                            ",\"a%u\":{\"anyOf\":[{\"$ref\":\"#/$defs/a%u\"},{\"$ref\":\"#/$defs/a%u\"}]}", i,
                            i - 1, i - 1);
  g_string_append (doubling, "}}");
  assert_gives_up (doubling->str, "1");
}

static void
test_hostile_values_end (void)
{
  g_autoptr (ColletJsonSchema) schema = compile ("{\"uniqueItems\":true,\"items\":{\"enum\":[1,2,3]}}");
  g_autoptr (ColletJsonSchema) unique = compile ("{\"uniqueItems\":true}");
  g_autoptr (GString) text = g_string_new ("[");
  g_autoptr (ColletJson) json = NULL;
  gint64 start = g_get_monotonic_time ();

  for (guint i = 0; i < 200000; i++)
    g_string_append_printf (text, "%s{\"a\":%u}", i > 0 ? "," : "", i);
  json = parse (g_string_append_c (text, ']')->str);
  g_assert_false (collet_json_schema_validate (schema, json, 0, 1, NULL));
  g_assert_true (collet_json_schema_validate (unique, json, 0, 1, NULL));
  g_assert_cmpint (g_get_monotonic_time () - start, <, 10 * G_USEC_PER_SEC);
}

static gpointer
validate_often (gpointer data)
{
  const ColletJsonSchema *schema = data;
  g_autoptr (ColletJson) good = parse ("{\"a\":\"abc\"}");
  g_autoptr (ColletJson) bad = parse ("{\"a\":\"ABC\"}");

  for (guint i = 0; i < 500; i++)
    {
      g_assert_true (collet_json_schema_validate (schema, good, 0, 1, NULL));
      g_assert_false (collet_json_schema_validate (schema, bad, 0, 1, NULL));
    }
  return NULL;
}

static void
test_threads (void)
{
  g_autoptr (ColletJsonSchema) schema =
      compile ("{\"properties\":{\"a\":{\"pattern\":\"^[a-z]+$\"}},\"unevaluatedProperties\":false}");
  GThread *threads[4];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("validate", validate_often, schema);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/json-schema/types-and-values", test_types);
  g_test_add_func ("/core/json-schema/numbers-are-exact", test_numbers);
  g_test_add_func ("/core/json-schema/strings", test_strings);
  g_test_add_func ("/core/json-schema/arrays", test_arrays);
  g_test_add_func ("/core/json-schema/objects", test_objects);
  g_test_add_func ("/core/json-schema/logic", test_logic);
  g_test_add_func ("/core/json-schema/references-stay-inside", test_references);
  g_test_add_func ("/core/json-schema/refuses-what-is-no-schema", test_invalid_schemas);
  g_test_add_func ("/core/json-schema/says-where-and-what", test_messages);
  g_test_add_func ("/core/json-schema/pointer-starts-at-the-value", test_pointer_starts_at_the_value);
  g_test_add_func ("/core/json-schema/outlives-its-text", test_outlives_its_text);
  g_test_add_func ("/core/json-schema/hostile-schemas-end", test_hostile_schemas_end);
  g_test_add_func ("/core/json-schema/hostile-values-end", test_hostile_values_end);
  g_test_add_func ("/core/json-schema/any-thread-may-validate", test_threads);
  return g_test_run ();
}
