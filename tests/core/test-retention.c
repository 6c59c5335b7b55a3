/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-retention.h"

#include <string.h>

/* One version a word: MODULE HASH AGE [flags], the age in days; flags: n needed,
 * p pinned, u in use. */
static const struct
{
  const char *promise;
  const char *versions;
  guint keep;
  int days; /* 0: no limit */
  const char *gone;
} cases[] = {
  { "nothing-of-nothing", "", 1, 1, "" },
  { "the-longest-unused-go", "m a 1; m b 3; m c 2", 2, 0, "b" },
  { "as-many-as-fit-stay", "m a 1; m b 3; m c 2", 3, 0, "" },
  { "each-module-has-its-own-count", "m a 1; n b 9; m c 2; n d 8", 1, 0, "b c" },
  { "what-must-stay-counts", "m a 9 n; m b 8 n; m c 1; m d 2", 3, 0, "d" },
  { "what-must-stay-stays-past-the-count", "m a 9 n; m b 8 p; m c 7 u; m d 1", 0, 0, "d" },
  { "age-takes-also-what-the-count-would-keep", "m a 1; m b 11; m c 9", 10, 10, "b" },
  { "age-leaves-what-must-stay", "m a 99 n; m b 99 p; m c 99 u", 10, 10, "" },
  { "the-hash-decides-between-equals", "m b 1; m a 1; m c 1", 1, 0, "b c" },
};

static GPtrArray *
parse (const char *text, GHashTable *in_use)
{
  GPtrArray *rows = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_version_row_free);
  g_auto (GStrv) words = g_strsplit (text, "; ", -1);

  for (guint i = 0; words[i] != NULL; i++)
    {
      g_auto (GStrv) fields = g_strsplit (words[i], " ", 4);
      ColletVersionRow *row = collet_version_row_new ();
      const char *flags = fields[3] != NULL ? fields[3] : "";

      row->module = g_strdup (fields[0]);
      row->sha256 = g_strdup (fields[1]);
      row->used_at = -atoi (fields[2]) * G_TIME_SPAN_DAY;
      row->is_needed = strchr (flags, 'n') != NULL;
      row->is_pinned = strchr (flags, 'p') != NULL;
      if (strchr (flags, 'u') != NULL)
        g_hash_table_add (in_use, row->sha256);
      g_ptr_array_add (rows, row);
    }
  return rows;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *)a, *(char *const *)b);
}

static void
test_case (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  g_autoptr (GHashTable) in_use = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GPtrArray) rows = parse (cases[i].versions, in_use);
  const ColletRetentionRule rule = {
    cases[i].keep,
    cases[i].days > 0 ? -cases[i].days * G_TIME_SPAN_DAY : G_MININT64,
  };
  g_autoptr (GPtrArray) chosen = collet_retention_choose (rows, in_use, &rule);
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  for (guint j = 0; j < chosen->len; j++)
    g_ptr_array_add (names, ((ColletVersionRow *)chosen->pdata[j])->sha256);
  g_ptr_array_sort (names, compare);
  g_ptr_array_add (names, NULL);
  g_autofree char *gone = g_strjoinv (" ", (char **)names->pdata);
  g_assert_cmpstr (gone, ==, cases[i].gone);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/core/retention/", cases[i].promise, NULL);
      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_case);
    }
  return g_test_run ();
}
