/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "collet-error.h"
#include "collet-json-private.h"

static ColletJson *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  ColletJson *json = collet_json_parse (text, -1, &error);

  g_assert_no_error (error);
  return json;
}

static void
test_raw_slices (void)
{
  static const char text[] = "{ \"id\" : 1.50e+1 , \"arguments\": {\"b\" : [1, 2 ],  \"a\":\"\\u0041\"} }";
  g_autoptr (ColletJson) json = parse (text);
  const char *raw;
  gsize size;

  raw = collet_json_get_raw (json, collet_json_member (json, 0, "id"), &size);
  g_assert_cmpmem (raw, size, "1.50e+1", 7);
  raw = collet_json_get_raw (json, collet_json_member (json, 0, "arguments"), &size);
  g_assert_cmpmem (raw, size, "{\"b\" : [1, 2 ],  \"a\":\"\\u0041\"}", 30);
  raw = collet_json_get_raw (json, 0, &size);
  g_assert_cmpmem (raw, size, text, strlen (text));
}

static void
test_borrowed_text_is_not_copied (void)
{
  static const char text[] = "{\"a\":[1]}";
  g_autoptr (ColletJson) json = collet_json_parse_borrowed (text, strlen (text), NULL);
  gsize size;

  g_assert_true (collet_json_get_raw (json, 0, &size) == text);
}

static void
test_bytes_are_kept (void)
{
  GBytes *bytes = g_bytes_new ("[\"kept\"]", 8);
  g_autoptr (ColletJson) json = collet_json_parse_bytes (bytes, NULL);

  g_bytes_unref (bytes);
  g_assert_true (collet_json_string_is (json, collet_json_first (json, 0), "kept"));
}

static void
test_children_in_order (void)
{
  g_autoptr (ColletJson) json = parse ("{\"a\":[10,[20],30],\"b\":{},\"c\":null}");
  ColletJsonNode a = collet_json_first (json, 0), item = collet_json_first (json, a);
  gint64 value;

  g_assert_cmpuint (collet_json_get_length (json, 0), ==, 3);
  g_assert_cmpuint (collet_json_get_length (json, a), ==, 3);
  g_assert_true (collet_json_get_int64 (json, item, &value) && value == 10);
  item = collet_json_next (json, item);
  g_assert_cmpint (collet_json_get_type (json, item), ==, COLLET_JSON_ARRAY);
  item = collet_json_next (json, item);
  g_assert_true (collet_json_get_int64 (json, item, &value) && value == 30);
  g_assert_cmpuint (collet_json_next (json, item), ==, 0);

  g_assert_true (collet_json_name_is (json, a, "a"));
  a = collet_json_next (json, a);
  g_assert_true (collet_json_name_is (json, a, "b"));
  g_assert_cmpuint (collet_json_first (json, a), ==, 0);
  a = collet_json_next (json, a);
  g_assert_true (collet_json_name_is (json, a, "c"));
  g_assert_cmpint (collet_json_get_type (json, a), ==, COLLET_JSON_NULL);
  g_assert_cmpuint (collet_json_next (json, a), ==, 0);
  g_assert_cmpuint (collet_json_first (json, a), ==, 0);
}

static void
test_members_by_name (void)
{
  g_autoptr (ColletJson) json = parse ("{\"a\":{\"b\":1},\"\\u00e9\\n\":2,\"\":3}");
  ColletJsonNode a = collet_json_member (json, 0, "a");
  g_autofree char *name = NULL;
  gint64 value;

  g_assert_cmpuint (a, !=, 0);
  g_assert_cmpuint (collet_json_member (json, 0, "b"), ==, 0); /* that is further down */
  g_assert_cmpuint (collet_json_member (json, a, "b"), !=, 0);
  g_assert_cmpuint (collet_json_member (json, collet_json_member (json, a, "b"), "b"), ==, 0);
  g_assert_true (collet_json_get_int64 (json, collet_json_member (json, 0, "\xc3\xa9\n"), &value) &&
                 value == 2);
  g_assert_true (collet_json_get_int64 (json, collet_json_member (json, 0, ""), &value) && value == 3);
  g_assert_true (collet_json_member_sized (json, 0, "abc", 1) == a);
  name = collet_json_dup_name (json, collet_json_next (json, a));
  g_assert_cmpstr (name, ==, "\xc3\xa9\n");
  g_assert_null (collet_json_dup_name (json, 0));
}

static void
test_strings (void)
{
  static const struct
  {
    const char *text, *value;
    gsize length;
  } cases[] = {
    { "\"\"", "", 0 },
    { "\"plain\"", "plain", 5 },
    { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8 },
    { "\"\\u00e9\xc3\xa9\"", "\xc3\xa9\xc3\xa9", 2 },
    { "\"\\ud83d\\ude00\xf0\x9f\x98\x80x\"", "\xf0\x9f\x98\x80\xf0\x9f\x98\x80x", 3 },
    { "\"\\u0001\\u20AC\"", "\x01\xe2\x82\xac", 2 },
    { "\"a long one that goes over eight bytes \\u0041\"", "a long one that goes over eight bytes A", 39 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ColletJson) json = parse (cases[i].text);
      g_autofree char *value = collet_json_dup_string (json, 0);
      gsize size;
      const char *peeked = collet_json_peek_string (json, 0, &size);
      g_assert_cmpstr (value, ==, cases[i].value);
      g_assert_true (collet_json_string_is (json, 0, cases[i].value));
      g_assert_false (collet_json_string_is (json, 0, "something else"));
      g_assert_cmpuint (collet_json_string_length (json, 0), ==, cases[i].length);
      g_assert_true ((peeked == NULL) == (strchr (cases[i].text, '\\') != NULL));
    }
}

static void
test_wrong_type_gives_nothing (void)
{
  g_autoptr (ColletJson) json = parse ("[true,{}]");
  ColletJsonNode node = collet_json_first (json, 0);
  gint64 whole;
  double number;
  gsize size;

  g_assert_null (collet_json_dup_string (json, node));
  g_assert_null (collet_json_peek_string (json, node, &size));
  g_assert_false (collet_json_string_is (json, node, "true"));
  g_assert_cmpuint (collet_json_string_length (json, node), ==, G_MAXSIZE);
  g_assert_false (collet_json_get_int64 (json, node, &whole));
  g_assert_false (collet_json_get_double (json, node, &number));
}

static void
test_whole_numbers (void)
{
  static const struct
  {
    const char *text;
    gboolean is_whole;
    gint64 value;
  } cases[] = {
    { "0", TRUE, 0 },
    { "-0", TRUE, 0 },
    { "-0.0e5", TRUE, 0 },
    { "1", TRUE, 1 },
    { "-1", TRUE, -1 },
    { "1.0", TRUE, 1 },
    { "1e2", TRUE, 100 },
    { "1.5e1", TRUE, 15 },
    { "1200e-2", TRUE, 12 },
    { "0.0001e4", TRUE, 1 },
    { "999999999999999", TRUE, G_GINT64_CONSTANT (999999999999999) },
    { "9007199254740993", TRUE, G_GINT64_CONSTANT (9007199254740993) },
    { "9223372036854775807", TRUE, G_MAXINT64 },
    { "9223372036854775807.0", TRUE, G_MAXINT64 },
    { "-9223372036854775808", TRUE, G_MININT64 },
    { "9223372036854775808", FALSE, 0 },
    { "-9223372036854775809", FALSE, 0 },
    { "18446744073709551616", FALSE, 0 },
    { "1e19", FALSE, 0 },
    { "1e300", FALSE, 0 },
    { "0.5", FALSE, 0 },
    { "1e-1", FALSE, 0 },
    { "12e-2", FALSE, 0 },
    { "1e-400", FALSE, 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ColletJson) json = parse (cases[i].text);
      gint64 value = 77;
      g_test_message ("%s", cases[i].text);
      g_assert_true (collet_json_get_int64 (json, 0, &value) == cases[i].is_whole);
      g_assert_cmpint (value, ==, cases[i].is_whole ? cases[i].value : 77);
    }
}

static void
test_doubles (void)
{
  static const struct
  {
    const char *text;
    double value;
  } cases[] = {
    { "0.1", 0.1 },
    { "-12345678", -12345678 },
    { "1e308", 1e308 },
    { "5e-324", 5e-324 },
    { "1e-400", 0 },
    { "123456789012345678", 123456789012345678.0 },
    { "0.1000000000000000000000000000000000000000000000000000000000000000000000000001", 0.1 },
  };
  g_autoptr (ColletJson) zero = parse ("-0");
  double value;

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ColletJson) json = parse (cases[i].text);
      g_assert_true (collet_json_get_double (json, 0, &value));
      g_assert_true (value == cases[i].value);
    }
  g_assert_true (collet_json_get_double (zero, 0, &value) && signbit (value));
}

static void
test_equality (void)
{
  static const struct
  {
    const char *a, *b;
    gboolean is_equal;
  } cases[] = {
    { "1", "1.0", TRUE },
    { "100", "1e2", TRUE },
    { "0.1", "1e-1", TRUE },
    { "0", "-0", TRUE },
    { "0", "0e99", TRUE },
    { "9007199254740993", "9007199254740992", FALSE },
    { "9007199254740993.0", "9007199254740993", TRUE },
    { "1", "-1", FALSE },
    { "1", "10", FALSE },
    { "1.01", "1.1", FALSE },
    { "1", "true", FALSE },
    { "0", "false", FALSE },
    { "0", "null", FALSE },
    { "true", "false", FALSE },
    { "\"a\"", "\"\\u0061\"", TRUE },
    { "\"a\"", "\"b\"", FALSE },
    { "\"1\"", "1", FALSE },
    { "[1,2]", "[1.0, 2]", TRUE },
    { "[1,2]", "[2,1]", FALSE },
    { "[1,2]", "[1,2,3]", FALSE },
    { "{\"a\":1,\"b\":[2]}", "{\"b\":[2.0],\"\\u0061\":1}", TRUE },
    { "{\"a\":1}", "{\"a\":2}", FALSE },
    { "{\"a\":1}", "{\"b\":1}", FALSE },
    { "{\"a\":1}", "{\"a\":1,\"b\":1}", FALSE },
    { "{}", "[]", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ColletJson) a = parse (cases[i].a);
      g_autoptr (ColletJson) b = parse (cases[i].b);
      g_test_message ("%s %s", cases[i].a, cases[i].b);
      g_assert_true (collet_json_equal (a, 0, b, 0) == cases[i].is_equal);
      g_assert_true (collet_json_equal (b, 0, a, 0) == cases[i].is_equal);
      if (cases[i].is_equal)
        g_assert_cmpuint (collet_json_hash (a, 0), ==, collet_json_hash (b, 0));
    }
}

static void
test_equality_of_large_objects (void)
{
  g_autoptr (GString) up = g_string_new ("{"), down = g_string_new ("{");
  g_autoptr (ColletJson) a = NULL;
  g_autoptr (ColletJson) b = NULL;
  g_autoptr (ColletJson) c = NULL;

  for (guint i = 0; i < 1000; i++)
    {
      g_string_append_printf (up, "%s\"m%u\":%u", i > 0 ? "," : "", i, i);
      g_string_append_printf (down, "%s\"m%u\":%u.0", i > 0 ? "," : "", 999 - i, 999 - i);
    }
  a = parse (g_string_append_c (up, '}')->str);
  b = parse (g_string_append_c (down, '}')->str);
  g_assert_true (collet_json_equal (a, 0, b, 0));
  g_assert_cmpuint (collet_json_hash (a, 0), ==, collet_json_hash (b, 0));
  up->str[up->len - 2] = '8';
  c = parse (up->str);
  g_assert_false (collet_json_equal (c, 0, b, 0));
}

static void
test_canonical (void)
{
  static const struct
  {
    const char *text, *canonical;
  } cases[] = {
    { " [ 1 , 2.50 , -0 , 1E+2 ] ", "[1,2.50,-0,1E+2]" },
    { "{\"b\" : 1, \"a\" : {\"d\":[], \"c\":{}}}", "{\"a\":{\"c\":{},\"d\":[]},\"b\":1}" },
    { "{\"aa\":1,\"a\":2,\"B\":3,\"\":4}", "{\"\":4,\"B\":3,\"a\":2,\"aa\":1}" },
    { "{\"\\u0062\":1,\"a\":2}", "{\"a\":2,\"b\":1}" },
    { "\"\\u0041\\/\\u000a\\u001f\\u007f\\u00e9\"", "\"A/\\n\\u001f\x7f\xc3\xa9\"" },
    { "[true,false,null]", "[true,false,null]" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ColletJson) json = parse (cases[i].text);
      g_autoptr (GString) out = g_string_new (NULL);
      collet_json_append_canonical (out, json, 0);
      g_assert_cmpstr (out->str, ==, cases[i].canonical);
    }
}

static void
test_written_strings_parse (void)
{
  static const char bytes[] = "a\"b\\c\n\x01\x7f\xc3\xa9\0z\xff\xed\xa0\x80";
  g_autoptr (GString) out = g_string_new (NULL);
  g_autoptr (ColletJson) json = NULL;
  g_autofree char *value = NULL;

  collet_json_append_string (out, bytes, sizeof bytes - 1);
  json = parse (out->str);
  value = collet_json_dup_string (json, 0);
  g_assert_true (g_str_has_prefix (value, "a\"b\\c\n\x01\x7f\xc3\xa9\xef\xbf\xbdz\xef\xbf\xbd"));

  g_string_truncate (out, 0);
  collet_json_append_string (out, "\xf0\x9f\x98\x80/", -1);
  g_assert_cmpstr (out->str, ==, "\"\xf0\x9f\x98\x80/\"");
}

static void
test_pointers (void)
{
  g_autoptr (ColletJson) json = parse ("{\"a\":[0,{\"b/c\":[1,2]}],\"~\":{\"\":3}}");
  ColletJsonNode a = collet_json_member (json, 0, "a");
  ColletJsonNode b = collet_json_member (json, collet_json_next (json, collet_json_first (json, a)), "b/c");
  ColletJsonNode tilde = collet_json_member (json, 0, "~");
  const struct
  {
    ColletJsonNode node;
    const char *pointer;
  } cases[] = { { 0, "" },
                { a, "/a" },
                { b, "/a/1/b~1c" },
                { collet_json_next (json, collet_json_first (json, b)), "/a/1/b~1c/1" },
                { collet_json_first (json, tilde), "/~0/" } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *pointer = collet_json_dup_pointer (json, 0, cases[i].node);
      g_assert_cmpstr (pointer, ==, cases[i].pointer);
    }
}

static void
test_shown_is_cut_at_a_character (void)
{
  g_autoptr (GString) text = g_string_new ("\"x");
  g_autoptr (ColletJson) json = NULL;
  g_autofree char *shown = NULL;

  for (guint i = 0; i < 100; i++)
    g_string_append (text, "\xe2\x82\xac");
  json = parse (g_string_append_c (text, '"')->str);
  shown = collet_json_dup_shown (json, 0);
  g_assert_true (g_utf8_validate (shown, -1, NULL));
  g_assert_cmpuint (strlen (shown), <, 70);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/json/raw-slices-are-byte-for-byte", test_raw_slices);
  g_test_add_func ("/core/json/borrowed-text-is-not-copied", test_borrowed_text_is_not_copied);
  g_test_add_func ("/core/json/bytes-are-kept", test_bytes_are_kept);
  g_test_add_func ("/core/json/children-come-in-order", test_children_in_order);
  g_test_add_func ("/core/json/members-are-found-unescaped", test_members_by_name);
  g_test_add_func ("/core/json/strings-are-unescaped", test_strings);
  g_test_add_func ("/core/json/wrong-type-gives-nothing", test_wrong_type_gives_nothing);
  g_test_add_func ("/core/json/whole-numbers-are-exact", test_whole_numbers);
  g_test_add_func ("/core/json/doubles-are-nearest", test_doubles);
  g_test_add_func ("/core/json/equality-is-by-value", test_equality);
  g_test_add_func ("/core/json/equality-of-large-objects", test_equality_of_large_objects);
  g_test_add_func ("/core/json/canonical-form-is-stable", test_canonical);
  g_test_add_func ("/core/json/what-is-written-parses", test_written_strings_parse);
  g_test_add_func ("/core/json/pointers-lead-back", test_pointers);
  g_test_add_func ("/core/json/shown-values-are-cut-at-a-character", test_shown_is_cut_at_a_character);
  return g_test_run ();
}
