/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-trace.h"

#include <string.h>

#define ID "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT "-00f067aa0ba902b7-01"
#define N 1000

static void
test_make (void)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < N; i++)
    {
      char trace[COLLET_TRACE_SIZE];

      collet_trace_make (trace);
      g_assert_cmpuint (strspn (trace, "0123456789abcdef"), ==, COLLET_TRACE_SIZE - 1);
      g_assert_true (g_hash_table_add (seen, g_strdup (trace)));
    }
}

static void
test_parent (void)
{
  static const struct
  {
    const char *text;
    gboolean is_one;
  } cases[] = {
    { "00-" ID PARENT, TRUE },
    { "01-" ID PARENT "-what-else", TRUE }, /* a later version may have more */
    { "00-" ID PARENT "-what-else", FALSE },
    { "01-" ID PARENT "x", FALSE },
    { "ff-" ID PARENT, FALSE },
    { "00-00000000000000000000000000000000" PARENT, FALSE },
    { "00-4BF92F3577B34DA6A3CE929D0E0E4736" PARENT, FALSE },
    { "00-" ID "-00f067aa0ba902b7-0", FALSE },
    { "00-" ID "_00f067aa0ba902b7-01", FALSE },
    { "00-" ID "-00f067aa0ba902g7-01", FALSE },
    { ID, FALSE },
    { "", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      char trace[COLLET_TRACE_SIZE] = "untouched";

      g_assert_cmpint (collet_trace_from_parent (cases[i].text, strlen (cases[i].text), trace), ==,
                       cases[i].is_one);
      g_assert_cmpstr (trace, ==, cases[i].is_one ? ID : "untouched");
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/trace/is-never-the-same", test_make);
  g_test_add_func ("/core/trace/is-read-from-traceparent", test_parent);
  return g_test_run ();
}
