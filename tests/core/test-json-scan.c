/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "collet-error.h"
#include "collet-json.h"

typedef struct
{
  const char *text;
  gsize size; /* 0: up to the NUL */
} Text;

#define BYTES(literal)                                                                                       \
  {                                                                                                          \
    literal, sizeof (literal) - 1                                                                            \
  }

/* From a block of exactly that size, so that a sanitizer sees a byte too many. */
static ColletJson *
parse_exact (const char *text, gsize size, char **copy, GError **error)
{
  *copy = g_memdup2 (text, MAX (size, 1));
  return collet_json_parse_borrowed (*copy, size, error);
}

static void
assert_accepted (const Text *text)
{
  gsize size = text->size > 0 ? text->size : strlen (text->text);
  g_autofree char *copy = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (ColletJson) json = parse_exact (text->text, size, &copy, &error);

  if (json == NULL)
    g_test_message ("%s", text->text);
  g_assert_no_error (error);
  g_assert_nonnull (json);
}

static void
assert_refused (const Text *text)
{
  gsize size = text->size > 0 ? text->size : strlen (text->text);
  g_autofree char *copy = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (ColletJson) json = parse_exact (text->text, size, &copy, &error);

  if (json != NULL)
    g_test_message ("accepted: %s", text->text);
  g_assert_null (json);
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_JSON);
  g_assert_true (g_str_has_prefix (error->message, "byte "));
}

static void
test_accepts (void)
{
  static const Text texts[] = {
    /* values alone, and white space around them */
    { "null", 0 },
    { "true", 0 },
    { "false", 0 },
    { "42", 0 },
    { "-0.1", 0 },
    { "\"asd\"", 0 },
    { "\"\"", 0 },
    { " \t\r\n[ ] \n", 0 },
    { "[]", 0 },
    { "{}", 0 },
    /* arrays */
    { "[[]   ]", 0 },
    { "[\"\"]", 0 },
    { "[null, 1, \"1\", {}]", 0 },
    { "[1\n]", 0 },
    { "[1,null,null,null,2]", 0 },
    { "[2] ", 0 },
    /* numbers */
    { "[123e65]", 0 },
    { "[0e+1]", 0 },
    { "[0e1]", 0 },
    { "[ 4]", 0 },
    { "[-0.000000000000000000000000000000000000000000000000000000000000000000000000000001]", 0 },
    { "[20e1]", 0 },
    { "[-0]", 0 },
    { "[-123]", 0 },
    { "[1E22]", 0 },
    { "[1E-2]", 0 },
    { "[1E+2]", 0 },
    { "[123.456e78]", 0 },
    { "[0.4e-5]", 0 },
    { "[1.7976931348623157e308]", 0 },
    { "[-1.7976931348623157e+308]", 0 },
    { "[5e-324]", 0 },
    { "[1e-400]", 0 },
    { "[0e999999999999999999999999]", 0 },
    { "[18446744073709551616]", 0 },
    { "[-237462374673276894279832749832423479823246327846]", 0 },
    /* objects */
    { "{\"asd\":\"sdf\", \"dfg\":\"fgh\"}", 0 },
    { "{\"\":0}", 0 },
    { "{\"a\":[]}", 0 },
    { "{\"a\":{\"a\":{\"a\":1}}}", 0 },
    { "{\n\"a\": \"b\"\n}", 0 },
    { "{\"a\":1,\"A\":2,\"b\":3,\"ab\":4,\"ba\":5}", 0 },
    { "{\"title\":\"\\u041f\\u043e\\u043b\"}", 0 },
    /* strings */
    { "[\"\\u0060\\u012a\\u12AB\"]", 0 },
    { "[\"\\uD801\\udc37\"]", 0 },
    { "[\"\\ud83d\\ude39\\ud83d\\udc8d\"]", 0 },
    { "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]", 0 },
    { "[\"\\\\u0000\"]", 0 },
    { "[\"\\uDBFF\\uDFFF\"]", 0 },
    { "[\"\\uFFFF\\uFDD0\\u2028\\u2029\\u200B\\u2064\"]", 0 },
    BYTES ("[\"\x7f\"]"),
    BYTES ("[\"\xc2\x80\xdf\xbf\"]"),
    BYTES ("[\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\"]"),
    BYTES ("[\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"]"),
    { "[\"a/*b*/c/*d//e\"]", 0 },
    { "\"eight or more bytes, then an escape \\n and \xe2\x82\xac and more of them\"", 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    assert_accepted (&texts[i]);
}

static void
test_refuses_structure (void)
{
  static const Text texts[] = {
    BYTES (""),
    { " ", 0 },
    { "[1 true]", 0 },
    { "[a]", 0 },
    { "[\"\": 1]", 0 },
    { "[\"\"],", 0 },
    { "[,1]", 0 },
    { "[1,,2]", 0 },
    { "[\"x\",,]", 0 },
    { "[\"x\"]]", 0 },
    { "[\"\",]", 0 },
    { "[\"x\"", 0 },
    { "[x", 0 },
    { "[3[4]]", 0 },
    { "[1:2]", 0 },
    { "[,]", 0 },
    { "[-]", 0 },
    { "[   , \"\"]", 0 },
    { "[\"a\",\n4\n,1,", 0 },
    { "[1,]", 0 },
    { "[*]", 0 },
    { "[1,\n1\n,1", 0 },
    { "[{}", 0 },
    { "[", 0 },
    { "]", 0 },
    { "{", 0 },
    { "}", 0 },
    { "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 0 },
    { "[fals]", 0 },
    { "[nul]", 0 },
    { "[tru]", 0 },
    { "[True]", 0 },
    { "nulll", 0 },
    { "truefalse", 0 },
    { "[Infinity]", 0 },
    { "[NaN]", 0 },
    { "[undefined]", 0 },
    { "{\"x\", null}", 0 },
    { "{\"x\"::\"b\"}", 0 },
    { "{\"a\":\"a\" 123}", 0 },
    { "{key: 'value'}", 0 },
    { "{\"a\" b}", 0 },
    { "{:\"b\"}", 0 },
    { "{\"a\" \"b\"}", 0 },
    { "{\"a\":", 0 },
    { "{\"a\"", 0 },
    { "{1:1}", 0 },
    { "{null:null}", 0 },
    { "{\"id\":0,,,,,}", 0 },
    { "{'a':0}", 0 },
    { "{\"id\":0,}", 0 },
    { "{\"a\":\"b\"}/**/", 0 },
    { "{\"a\":\"b\"}//", 0 },
    { "{\"a\":\"b\",,\"c\":\"d\"}", 0 },
    { "{a: \"b\"}", 0 },
    { "{\"a\":\"a", 0 },
    { "{ \"foo\" : \"bar\", \"a\" }", 0 },
    { "{\"a\":\"b\"}#", 0 },
    { "{\"a\":true} \"x\"", 0 },
    { "{}{}", 0 },
    { "{}}", 0 },
    { "1 2", 0 },
    { "[1]x", 0 },
    { "var x = 1", 0 },
    { "<null>", 0 },
    { "[<null>]", 0 },
    { "'a'", 0 },
    { "abc", 0 },
    { "/**/1", 0 },
    { "[1]//", 0 },
    { "{\"a\":/*c*/\"b\"}", 0 },
    { "*", 0 },
    { "\\u0020", 0 },
    BYTES ("\xef\xbb\xbf{}"),
    BYTES ("\xe2\x81\xa0"),
    BYTES ("\xc3\xa5"),
    BYTES ("[\xff]"),
    BYTES ("123\0"),
    BYTES ("[]\0"),
    BYTES ("\0[]"),
    BYTES ("[\x0c]"),
    BYTES ("[\x0b]"),
    BYTES ("[\xc2\xa0]"),
    BYTES ("[\xe2\x80\xa8]"),
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    assert_refused (&texts[i]);
}

static void
test_refuses_numbers (void)
{
  static const Text texts[] = {
    { "[++1234]", 0 },
    { "[+1]", 0 },
    { "[+Inf]", 0 },
    { "[-01]", 0 },
    { "[-1.0.]", 0 },
    { "[-2.]", 0 },
    { "[-NaN]", 0 },
    { "[.-1]", 0 },
    { "[.2e-3]", 0 },
    { "[0.1.2]", 0 },
    { "[0.3e+]", 0 },
    { "[0.3e]", 0 },
    { "[0.e1]", 0 },
    { "[0E+]", 0 },
    { "[0E]", 0 },
    { "[0e]", 0 },
    { "[1.0e+]", 0 },
    { "[1.0e-]", 0 },
    { "[1.0e]", 0 },
    { "[1 000.0]", 0 },
    { "[1eE2]", 0 },
    { "[2.e+3]", 0 },
    { "[2.e3]", 0 },
    { "[9.e+]", 0 },
    { "[Inf]", 0 },
    { "[1+2]", 0 },
    { "[0x1]", 0 },
    { "[0x42]", 0 },
    { "[-Infinity]", 0 },
    { "[-foo]", 0 },
    { "[- 1]", 0 },
    { "[-012]", 0 },
    { "[-.123]", 0 },
    { "[-1x]", 0 },
    { "[1ea]", 0 },
    { "[1.]", 0 },
    { "[.123]", 0 },
    { "[1.2a-3]", 0 },
    { "[1.8011670033376514H-308]", 0 },
    { "[012]", 0 },
    { "[1_000]", 0 },
    { "-", 0 },
    { "1.", 0 },
    { "1e", 0 },
    { "[1e400]", 0 },
    { "[-1e400]", 0 },
    { "[1.7976931348623159e308]", 0 },
    { "[0.4e00669999999999999]", 0 },
    { "[1e99999999999999999999999999999999]", 0 },
    BYTES ("[\xef\xbc\x91]"),
    BYTES ("[1\xe5]"),
    BYTES ("[1e1\xe5]"),
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    assert_refused (&texts[i]);
}

static void
test_number_range_by_digits (void)
{
  g_autoptr (GString) text = g_string_new ("1");
  Text whole = { NULL, 0 };

  /* A number of 309 digits may still be a double, one of 310 never is. */
  for (guint i = 0; i < 308; i++)
    g_string_append_c (text, '0');
  whole.text = text->str;
  assert_accepted (&whole);
  text->str[0] = '9';
  assert_refused (&whole);
  g_string_append_c (text, '0');
  text->str[0] = '1';
  whole.text = text->str;
  assert_refused (&whole);
  /* Unless the exponent takes it back. */
  g_string_append (text, "e-10");
  whole.text = text->str;
  assert_accepted (&whole);
}

static void
test_refuses_strings (void)
{
  static const Text texts[] = {
    { "[\"\\uD800\\\"]", 0 },
    { "[\"\\uD800\\u\"]", 0 },
    { "[\"\\uD800\\u1\"]", 0 },
    { "[\"\\uD800\\u1x\"]", 0 },
    { "[\"\\x00\"]", 0 },
    { "[\"\\\\\\\"]", 0 },
    { "[\"\\a\"]", 0 },
    { "[\"\\u00A\"]", 0 },
    { "[\"\\U0041\"]", 0 },
    { "[\"\\uqqqq\"]", 0 },
    { "[\"\\'\"]", 0 },
    { "[\"a\nb\"]", 0 },
    { "[\"\t\"]", 0 },
    { "\"", 0 },
    { "[\"", 0 },
    { "\"\\", 0 },
    { "\"\\u", 0 },
    { "\"\\u12", 0 },
    { "[\"abc", 0 },
    { "[\"\\\xe5\"]", 0 },
    { "['single']", 0 },
    /* lone surrogates */
    { "[\"\\uD800\"]", 0 },
    { "[\"\\uDADA\"]", 0 },
    { "[\"\\uD800\\uFFFF\"]", 0 },
    { "[\"\\uD800\\uE000\"]", 0 },
    { "[\"\\uDC00\"]", 0 },
    { "[\"\\uDd1e\\uD834\"]", 0 },
    { "[\"\\uD888\\u1234\"]", 0 },
    { "[\"\\uD800\\n\"]", 0 },
    { "[\"\\uD83D\\uD83D\"]", 0 },
    { "{\"\\uDFAA\":0}", 0 },
    /* NUL */
    { "[\"\\u0000\"]", 0 },
    { "{\"a\\u0000b\":1}", 0 },
    BYTES ("[\"a\0b\"]"),
    BYTES ("[\"abcdefgh\x01"
           "abcdefgh\"]"),
    BYTES ("[\"abcdefgh\0abcdefgh\"]"),
    BYTES ("[\"abcdefg\x1fhabcdefgh\"]"),
    /* not UTF-8 */
    BYTES ("[\"\xe5\"]"),
    BYTES ("[\"\x81\"]"),
    BYTES ("[\"\xc0\xaf\"]"),
    BYTES ("[\"\xc1\xbf\"]"),
    BYTES ("[\"\xe0\x9f\xbf\"]"),
    BYTES ("[\"\xed\xa0\x80\"]"),
    BYTES ("[\"\xed\xbf\xbf\"]"),
    BYTES ("[\"\xf0\x8f\xbf\xbf\"]"),
    BYTES ("[\"\xf4\x90\x80\x80\"]"),
    BYTES ("[\"\xf5\x80\x80\x80\"]"),
    BYTES ("[\"\xfc\x80\x80\x80\x80\x80\"]"),
    BYTES ("[\"\xff\"]"),
    BYTES ("[\"\xe2\x82\"]"),
    BYTES ("[\"\xf0\x9f\x98\"]"),
    BYTES ("\"\xe2\x82"),
    BYTES ("\"\xf0"),
    BYTES ("{\"\xff\":1}"),
    BYTES ("\xff\xfe[\0]\0"),
    BYTES ("\0[\0]"),
    BYTES ("[\"plain plain plain \xe9 plain\"]"),
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    assert_refused (&texts[i]);
}

static void
test_refuses_duplicates (void)
{
  static const Text texts[] = {
    { "{\"a\":1,\"a\":1}", 0 },
    { "{\"a\":1,\"b\":2,\"a\":3}", 0 },
    { "{\"a\":1,\"\\u0061\":2}", 0 },
    { "{\"\\u0061\":1,\"a\":2}", 0 },
    { "{\"/\":1,\"\\/\":2}", 0 },
    { "{\"\\u00e9\":1,\"\xc3\xa9\":2}", 0 },
    { "{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}", 0 },
    { "{\"\":1,\"\":2}", 0 },
    { "[{\"x\":{\"a\":{},\"b\":[],\"a\":null}}]", 0 },
  };
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    assert_refused (&texts[i]);

  g_assert_null (collet_json_parse ("{\"a\":1,\"bb\":2,\"bb\":3}", -1, &error));
  g_assert_cmpstr (error->message, ==, "byte 14: the member \"bb\" is there twice in one object");
}

static GString *
make_members (guint n)
{
  GString *text = g_string_new ("{");

  for (guint i = 0; i < n; i++)
    g_string_append_printf (text, "%s\"member%u\":%u", i > 0 ? "," : "", i, i);
  return text;
}

static void
test_many_members (void)
{
  for (guint n = 2; n < 5000; n = n * 3 / 2 + 1)
    {
      g_autoptr (GString) text = make_members (n);
      g_autoptr (ColletJson) json = NULL;
      g_autofree char *last = g_strdup_printf ("member%u", n - 1);
      g_autofree char *twice = NULL;
      gint64 value;

      g_string_append_c (text, '}');
      json = collet_json_parse (text->str, text->len, NULL);
      g_assert_nonnull (json);
      g_assert_cmpuint (collet_json_get_length (json, 0), ==, n);
      g_assert_true (collet_json_get_int64 (json, collet_json_member (json, 0, last), &value));
      g_assert_cmpint (value, ==, n - 1);

      /* Whichever it is, once more is once too often. */
      g_string_truncate (text, text->len - 1);
      twice = g_strdup_printf ("%s,\"\\u006dember%u\":0}", text->str, n / 2);
      assert_refused (&(Text){ twice, 0 });
      g_free (twice);
      twice = g_strdup_printf ("%s,\"member%u\":0}", text->str, n / 2);
      assert_refused (&(Text){ twice, 0 });
    }
}

/* Names made to collide in any hash that only looks at their ends cost no more
 * than others. */
static void
test_hostile_members_are_quick (void)
{
  g_autoptr (GString) text = g_string_new ("{");
  g_autoptr (ColletJson) json = NULL;
  gint64 start = g_get_monotonic_time ();

  for (guint i = 0; i < 50000; i++)
    g_string_append_printf (text, "%s\"aaaaaaaaaaaaaaaa%06uaaaaaaaaaaaaaaaa\":0", i > 0 ? "," : "", i);
  g_string_append_c (text, '}');
  json = collet_json_parse (text->str, text->len, NULL);
  g_assert_nonnull (json);
  /* Each with each would be 10^9 comparisons. */
  g_assert_cmpint (g_get_monotonic_time () - start, <, 5 * G_USEC_PER_SEC);
}

static void
test_depth (void)
{
  for (guint depth = COLLET_JSON_MAX_DEPTH - 1; depth <= COLLET_JSON_MAX_DEPTH + 1; depth++)
    {
      g_autofree char *open = g_strnfill (depth, '[');
      g_autofree char *close = g_strnfill (depth, ']');
      g_autofree char *text = g_strconcat (open, close, NULL);
      g_autoptr (GError) error = NULL;
      g_autoptr (ColletJson) json = collet_json_parse (text, -1, &error);

      g_assert_true ((json != NULL) == (depth <= COLLET_JSON_MAX_DEPTH));
      if (json == NULL)
        g_assert_error (error, COLLET_ERROR, COLLET_ERROR_JSON_TOO_DEEP);
    }
}

static void
test_depth_of_hostile_texts (void)
{
  static const char *const pieces[] = { "[", "{\"a\":", "[{\"\":" };

  for (guint i = 0; i < G_N_ELEMENTS (pieces); i++)
    {
      g_autoptr (GString) text = g_string_new (NULL);
      g_autoptr (GError) error = NULL;
      while (text->len < 1000000)
        g_string_append (text, pieces[i]);
      g_assert_null (collet_json_parse (text->str, text->len, &error));
      g_assert_error (error, COLLET_ERROR, COLLET_ERROR_JSON_TOO_DEEP);
    }
}

/* However a text is cut off, it is refused, and nothing behind it is read. */
static void
test_every_prefix_is_refused (void)
{
  static const char text[] = "{\"jsonrpc\":\"2.0\",\"id\":-12.5e+3,\"p\\u00e9\":[true,false,null,"
                             "\"\\ud83d\\ude00 \xf0\x9f\x98\x80\",{\"a\":{}}]}";

  assert_accepted (&(Text){ text, 0 });
  for (gsize size = 0; size < sizeof text - 1; size++)
    {
      g_autofree char *copy = NULL;
      g_autoptr (GError) error = NULL;
      g_autoptr (ColletJson) json = parse_exact (text, size, &copy, &error);
      g_assert_null (json);
      g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_JSON);
    }
}

/* What ends with most of its brackets open needs more of the index than its size
 * lets expect. */
static void
test_index_grows_for_open_brackets (void)
{
  for (guint depth = 1; depth <= COLLET_JSON_MAX_DEPTH; depth++)
    {
      g_autofree char *text = g_strnfill (depth, '[');
      g_autofree char *copy = NULL;
      g_autoptr (ColletJson) json = parse_exact (text, depth, &copy, NULL);
      g_assert_null (json);
    }
}

static void
test_index_grows_for_dense_texts (void)
{
  g_autoptr (GString) text = g_string_new ("[");
  g_autoptr (ColletJson) json = NULL;
  guint n = 0;

  for (guint i = 0; i < 100000; i++)
    g_string_append (text, i > 0 ? ",1" : "1");
  g_string_append_c (text, ']');
  json = collet_json_parse (text->str, text->len, NULL);
  g_assert_nonnull (json);
  for (ColletJsonNode node = collet_json_first (json, 0); node != 0; node = collet_json_next (json, node))
    n++;
  g_assert_cmpuint (n, ==, 100000);
  g_assert_cmpuint (collet_json_get_length (json, 0), ==, 100000);
}

static void
test_says_what_it_found (void)
{
  static const struct
  {
    const char *text, *message;
  } cases[] = {
    { "", "byte 0: the text ends, expected a value" },
    { "{\"a\" 1}", "byte 5: found '1', expected ':' after a member's name" },
    { "[1 2]", "byte 3: found '2', expected ',' or ']'" },
    { "{\"a\":1 \"b\"}", "byte 7: found '\"', expected ',' or '}'" },
    { "nuxl", "byte 2: found 'x', expected null" },
    { "[1] x", "byte 4: found 'x', expected nothing after the value" },
    { "[\"\x01\"]", "byte 2: found 0x01, expected an escape in place of a control character in a string" },
    { "[\"\xff\"]", "byte 2: found 0xff, expected UTF-8" },
    { "[1e999]", "byte 1: found '1', expected a number in the range of a double" },
    { "[01]", "byte 2: found '1', expected ',' or ']'" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_null (collet_json_parse (cases[i].text, -1, &error));
      g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_JSON);
      g_assert_cmpstr (error->message, ==, cases[i].message);
    }
}

static void
test_too_large (void)
{
  g_autoptr (GError) error = NULL;

  /* Refused by its size alone: nothing is read. */
  g_assert_null (collet_json_parse_borrowed ("1", (gsize)COLLET_JSON_MAX_SIZE + 1, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_MESSAGE_TOO_LARGE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/json-scan/accepts-rfc-8259", test_accepts);
  g_test_add_func ("/core/json-scan/refuses-broken-structure", test_refuses_structure);
  g_test_add_func ("/core/json-scan/refuses-broken-numbers", test_refuses_numbers);
  g_test_add_func ("/core/json-scan/knows-the-range-of-a-double", test_number_range_by_digits);
  g_test_add_func ("/core/json-scan/refuses-broken-strings", test_refuses_strings);
  g_test_add_func ("/core/json-scan/refuses-duplicate-names", test_refuses_duplicates);
  g_test_add_func ("/core/json-scan/finds-duplicates-among-many", test_many_members);
  g_test_add_func ("/core/json-scan/hostile-names-cost-no-more", test_hostile_members_are_quick);
  g_test_add_func ("/core/json-scan/depth-is-limited", test_depth);
  g_test_add_func ("/core/json-scan/hostile-depth-is-refused", test_depth_of_hostile_texts);
  g_test_add_func ("/core/json-scan/every-prefix-is-refused", test_every_prefix_is_refused);
  g_test_add_func ("/core/json-scan/index-grows-for-open-brackets", test_index_grows_for_open_brackets);
  g_test_add_func ("/core/json-scan/index-grows-for-dense-texts", test_index_grows_for_dense_texts);
  g_test_add_func ("/core/json-scan/says-where-and-what", test_says_what_it_found);
  g_test_add_func ("/core/json-scan/size-is-limited", test_too_large);
  return g_test_run ();
}
