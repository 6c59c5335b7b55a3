/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "collet-error.h"
#include "collet-json-pattern.h"

static ColletJsonPatternResult
search (const char *pattern_text, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ColletJsonPattern) pattern =
      collet_json_pattern_new (pattern_text, strlen (pattern_text), &error);
  gsize size = strlen (text);
  /* Of exactly that size, so that a sanitizer sees a byte too many. */
  g_autofree char *exact = g_memdup2 (text, MAX (size, 1));

  g_test_message ("%s: %.40s", pattern_text, text);
  g_assert_no_error (error);
  g_assert_cmpstr (collet_json_pattern_get_source (pattern), ==, pattern_text);
  return collet_json_pattern_search (pattern, exact, size);
}

static void
test_means_what_ecma_says (void)
{
  static const struct
  {
    const char *pattern, *text;
    gboolean matches;
  } cases[] = {
    { "b", "abc", TRUE },
    { "^b", "abc", FALSE },
    { "^abc$", "abc\n", FALSE },
    { "^b", "a\nb", FALSE },
    { "\\d", "\xd9\xa3", FALSE },
    { "^\\D$", "\xd9\xa3", TRUE },
    { "[\\D]", "3", FALSE },
    { "^\\w+$", "aZ_9", TRUE },
    { "\\w", "\xc3\xa9", FALSE },
    { "^[^\\W]$", "_", TRUE },
    { "[\\W]", "a", FALSE },
    { "^\\s$", "\xc2\xa0", TRUE },
    { "^\\s$", "\xef\xbb\xbf", TRUE },
    { "^\\S$", "\xe2\x80\x8b", TRUE },
    { "^[\\s\\S]$", "x", TRUE },
    { ".", "\n", FALSE },
    { ".", "\xe2\x80\xa8", FALSE },
    { "^.$", "\xc2\x85", TRUE },
    { "^.$", "\xf0\x9f\x98\x80", TRUE },
    { "^\\u{1F600}$", "\xf0\x9f\x98\x80", TRUE },
    { "^\\uD83D\\uDE00$", "\xf0\x9f\x98\x80", TRUE },
    { "^\\u0061\\x62\\t$", "ab\t", TRUE },
    { "^\\cC\\v\\0$", "\x03\x0b", FALSE },
    { "[]", "a", FALSE },
    { "^[^]$", "\n", TRUE },
    { "^[[:alpha:]]$", "a]", TRUE },
    { "^[[:alpha:]]$", "b", FALSE },
    { "^[\\b]$", "\b", TRUE },
    { "^\\p{Letter}\\p{Lu}\\P{L}$",
      "\xc3\xa9"
      "A1",
      TRUE },
    { "^\\p{Script=Greek}$", "\xce\xb1", TRUE },
    { "^(?<y>a)\\k<y>\\1$", "aaa", TRUE },
    { "^(?!a)(?:b|c)(?=d)", "bd", TRUE },
    { "(?<=a)b(?<!c)", "ab", TRUE },
    { "^a+?b*?c??$", "aab", TRUE },
    { "^{a}$", "{a}", TRUE },
    { "^a{2,3}$", "aaa", TRUE },
    { "^\\/\\-\\.\\$$", "/-.$", TRUE },
    { "a|^b$|c", "xc", TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpint (search (cases[i].pattern, cases[i].text), ==,
                     cases[i].matches ? COLLET_JSON_PATTERN_MATCH : COLLET_JSON_PATTERN_NO_MATCH);
}

static void
test_refuses_what_is_pcre_only (void)
{
  static const char *const patterns[] = {
    "(",
    ")",
    "[",
    "a**",
    "(*LIMIT_MATCH=99999999)a",
    "(*UTF)a",
    "(?R)",
    "(?1)",
    "(?i)a",
    "(?#c)",
    "(?>a)",
    "(?|a)",
    "(?P<n>a)",
    "a++",
    "a?+",
    "a*+",
    "a{2}+",
    "\\Qa\\E",
    "\\A",
    "\\z",
    "\\Z",
    "\\G",
    "\\K",
    "\\R",
    "\\X",
    "\\h",
    "\\a",
    "\\e",
    "\\N",
    "\\u12",
    "\\uD83D",
    "\\u{110000}",
    "\\x1",
    "\\c1",
    "\\p",
    "\\p{L",
    "\\p{^L}",
    "\\p{NoSuchScript}",
    "\\",
    "\\k",
    "\\012",
    "((((a{1000}){1000}){1000}){1000})",
    "[b-a]",
  };
  g_autofree char *large = g_strnfill (COLLET_JSON_PATTERN_MAX_SIZE + 1, 'a');

  for (guint i = 0; i < G_N_ELEMENTS (patterns); i++)
    {
      g_autoptr (GError) error = NULL;
      g_test_message ("%s", patterns[i]);
      g_assert_null (collet_json_pattern_new (patterns[i], strlen (patterns[i]), &error));
      g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_SCHEMA);
    }
  g_assert_null (collet_json_pattern_new (large, strlen (large), NULL));
}

static void
test_search_ends (void)
{
  g_autofree char *some = g_strnfill (40, 'a');
  g_autofree char *hostile = g_strconcat (some, "!", NULL);
  g_autofree char *many = g_strnfill (1024 * 1024, 'a');
  g_autofree char *half = g_strnfill (800, 'a');
  g_autofree char *twice = g_strconcat (half, "b", half, NULL);
  gint64 start = g_get_monotonic_time ();

  /* Without look-around and back-references there is always an answer. */
  g_assert_cmpint (search ("^(a|a)*$", hostile), ==, COLLET_JSON_PATTERN_NO_MATCH);
  g_assert_cmpint (search ("(a+)+[0-9]", hostile), ==, COLLET_JSON_PATTERN_NO_MATCH);
  g_assert_cmpint (search ("(.*)*x?[0-9]$", hostile), ==, COLLET_JSON_PATTERN_NO_MATCH);
  g_assert_cmpint (search ("a*[0-9]", many), ==, COLLET_JSON_PATTERN_NO_MATCH);
  g_assert_cmpint (search ("^[a-z]+$", many), ==, COLLET_JSON_PATTERN_MATCH);
  g_assert_cmpint (search ("^(?:[a-y]|z|a)+$", many), ==, COLLET_JSON_PATTERN_MATCH);
  g_assert_cmpint (search ("^([a-z]{4})*$", many), ==, COLLET_JSON_PATTERN_MATCH);
  g_assert_cmpint (search ("a{3,40}@", many), ==, COLLET_JSON_PATTERN_NO_MATCH);
  g_assert_cmpint (search ("b", many), ==, COLLET_JSON_PATTERN_NO_MATCH);
  /* With them there is an end, and mostly an answer. */
  g_assert_cmpint (search ("^(?<y>a+?)b\\k<y>$", twice), ==, COLLET_JSON_PATTERN_MATCH);
  g_assert_cmpint (search ("^(a+?)b\\1$", twice), ==, COLLET_JSON_PATTERN_MATCH);
  g_assert_cmpint (search ("^(a|a)*(?!a)[0-9]$", hostile), ==, COLLET_JSON_PATTERN_GAVE_UP);
  g_assert_cmpint (search ("(a*)*\\1b(?=.)[0-9]", many), ==, COLLET_JSON_PATTERN_GAVE_UP);
  g_assert_cmpint (search ("^(?!-)[a-z]+$", many), ==, COLLET_JSON_PATTERN_MATCH);
  g_assert_cmpint (g_get_monotonic_time () - start, <, 20 * G_USEC_PER_SEC);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/json-pattern/means-what-ecma-262-says", test_means_what_ecma_says);
  g_test_add_func ("/core/json-pattern/refuses-what-is-not-ecma-262", test_refuses_what_is_pcre_only);
  g_test_add_func ("/core/json-pattern/a-search-ends", test_search_ends);
  return g_test_run ();
}
