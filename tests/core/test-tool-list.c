/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "collet-tool-list.h"

static ColletToolEntry *
make_entry (const char *name, const char *json)
{
  ColletToolEntry *entry = g_new0 (ColletToolEntry, 1);

  entry->name = g_strdup (name);
  entry->json = g_strdup (json);
  entry->json_size = strlen (json);
  return entry;
}

static ColletToolList *
make_list (const char *const *names, guint64 serial)
{
  GPtrArray *entries = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_tool_entry_free);

  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autofree char *json = g_strdup_printf ("{\"name\":\"%s\"}", names[i]);
      g_ptr_array_add (entries, make_entry (names[i], json));
    }
  return collet_tool_list_new (entries, NULL, serial);
}

static void
test_order_and_bytes (void)
{
  static const char *const one[] = { "b", "a", "B", "aa", NULL };
  static const char *const other[] = { "aa", "B", "a", "b", NULL };
  g_autoptr (ColletToolList) x = make_list (one, 1);
  g_autoptr (ColletToolList) y = make_list (other, 2);
  gsize size;
  const char *json = collet_tool_list_get_json (x, &size);

  g_assert_cmpstr (json, ==, "[{\"name\":\"B\"},{\"name\":\"a\"},{\"name\":\"aa\"},{\"name\":\"b\"}]");
  g_assert_cmpuint (size, ==, strlen (json));
  g_assert_cmpstr (collet_tool_list_get (x, 1)->name, ==, "a");
  g_assert_cmpuint (collet_tool_list_get_length (x), ==, 4);
  g_assert_cmpuint (collet_tool_list_get_serial (y), ==, 2);
  /* The same tools are the same list, whatever order they came in. */
  g_assert_cmpstr (collet_tool_list_get_digest (x), ==, collet_tool_list_get_digest (y));
}

static void
test_find (void)
{
  static const char *const names[] = { "add", "add2", "sub", "a", "z", NULL };
  g_autoptr (ColletToolList) list = make_list (names, 1);

  for (guint i = 0; names[i] != NULL; i++)
    {
      g_assert_cmpstr (collet_tool_list_find (list, names[i], -1)->name, ==, names[i]);
      g_assert_cmpstr (collet_tool_list_find (list, names[i], strlen (names[i]))->name, ==, names[i]);
    }
  g_assert_cmpstr (collet_tool_list_find (list, "add2", 3)->name, ==, "add");
  g_assert_null (collet_tool_list_find (list, "ad", -1));
  g_assert_null (collet_tool_list_find (list, "add3", -1));
  g_assert_null (collet_tool_list_find (list, "zz", -1));
  g_assert_null (collet_tool_list_find (list, "", -1));
  g_assert_null (collet_tool_list_find (list, "add\0x", 5));
}

static void
test_cursor (void)
{
  static const char *const names[] = { "b", "d", "dd", NULL };
  g_autoptr (ColletToolList) list = make_list (names, 1);

  g_assert_cmpuint (collet_tool_list_after (list, ""), ==, 0);
  g_assert_cmpuint (collet_tool_list_after (list, "a"), ==, 0);
  g_assert_cmpuint (collet_tool_list_after (list, "b"), ==, 1);
  g_assert_cmpuint (collet_tool_list_after (list, "c"), ==, 1);
  g_assert_cmpuint (collet_tool_list_after (list, "d"), ==, 2);
  g_assert_cmpuint (collet_tool_list_after (list, "dd"), ==, 3);
  g_assert_cmpuint (collet_tool_list_after (list, "z"), ==, 3);
}

static void
test_directory (void)
{
  static const char *const names[] = { "a", NULL };
  ColletToolDirectory *directory = collet_tool_directory_new ();
  g_autoptr (ColletToolList) empty = collet_tool_directory_ref_list (directory);
  gsize size;

  g_assert_cmpstr (collet_tool_list_get_json (empty, &size), ==, "[]");
  g_assert_true (collet_tool_directory_replace (directory, make_list (names, 1)));
  g_assert_false (collet_tool_directory_replace (directory, make_list (names, 2)));
  /* A list that somebody holds stays as it was. */
  g_assert_cmpuint (collet_tool_list_get_length (empty), ==, 0);
  collet_tool_directory_free (directory);
}

static gpointer
read_often (gpointer data)
{
  for (guint i = 0; i < 20000; i++)
    {
      g_autoptr (ColletToolList) list = collet_tool_directory_ref_list (data);
      guint n = collet_tool_list_get_length (list);
      if (n > 0)
        g_assert_nonnull (collet_tool_list_find (list, collet_tool_list_get (list, n - 1)->name, -1));
    }
  return NULL;
}

static void
test_threads (void)
{
  static const char *const names[] = { "a", "b", "c", NULL };
  ColletToolDirectory *directory = collet_tool_directory_new ();
  GThread *readers[3];

  for (guint i = 0; i < G_N_ELEMENTS (readers); i++)
    readers[i] = g_thread_new ("reader", read_often, directory);
  for (guint i = 0; i < 5000; i++)
    (void)collet_tool_directory_replace (directory, make_list (names + i % 4, i));
  for (guint i = 0; i < G_N_ELEMENTS (readers); i++)
    g_thread_join (readers[i]);
  collet_tool_directory_free (directory);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/tool-list/is-sorted-and-byte-stable", test_order_and_bytes);
  g_test_add_func ("/core/tool-list/finds-exact-names", test_find);
  g_test_add_func ("/core/tool-list/cursor-goes-on-behind-a-name", test_cursor);
  g_test_add_func ("/core/tool-directory/tells-whether-the-list-changed", test_directory);
  g_test_add_func ("/core/tool-directory/any-thread-may-read", test_threads);
  return g_test_run ();
}
