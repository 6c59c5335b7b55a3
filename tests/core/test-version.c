/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-version.h"

#define SHA "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define MD5 "fedcba9876543210fedcba9876543210"

static void
test_matches (void)
{
  g_autoptr (ColletVersion) version = collet_version_new (SHA, MD5, NULL, "ab12", "1.0.0", 4096);
  static const struct
  {
    const char *text;
    gboolean is_selector, matches;
  } cases[] = {
    { SHA, TRUE, TRUE },
    { "012345", TRUE, TRUE },
    { "0123456789ABCDEF", TRUE, TRUE },
    { MD5, TRUE, TRUE },
    { "FEDCBA9876543210FEDCBA9876543210", TRUE, TRUE },
    { "0123456789abcdef0123456789abcdef", TRUE, TRUE }, /* 32 digits of the SHA-256 */
    { "fedcba", TRUE, FALSE },                          /* no prefixes of an MD5 */
    { "012346", TRUE, FALSE },
    { "01234", FALSE, FALSE },
    { "", FALSE, FALSE },
    { SHA "0", FALSE, FALSE },
    { "012345g", FALSE, FALSE },
    { "012345 ", FALSE, FALSE },
    { "1.0.0", FALSE, FALSE },
    { NULL, FALSE, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_assert_true (collet_version_is_selector (cases[i].text) == cases[i].is_selector);
      g_assert_true (collet_version_matches (version, cases[i].text) == cases[i].matches);
    }
}

static void
test_keeps_what_it_is_given (void)
{
  ColletVersion *version = collet_version_new (SHA, MD5, SHA, NULL, NULL, 7);
  ColletVersion *same = collet_version_ref (version);

  collet_version_unref (version);
  g_assert_cmpstr (same->sha256, ==, SHA);
  g_assert_cmpstr (same->md5, ==, MD5);
  g_assert_cmpstr (same->code_digest, ==, SHA);
  g_assert_null (same->build_id);
  g_assert_null (same->semver);
  g_assert_cmpuint (same->size, ==, 7);
  collet_version_unref (same);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/version/matches-what-people-type", test_matches);
  g_test_add_func ("/core/version/keeps-what-it-is-given", test_keeps_what_it_is_given);
  return g_test_run ();
}
