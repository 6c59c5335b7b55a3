/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-history-file.h"

static GListModel *
make_history (const char *reason)
{
  GListStore *store = g_list_store_new (COLLET_TYPE_ITEM);
  g_autoptr (ColletItem) reload =
      collet_item_new ("",
                       g_variant_new_parsed (
                           "{'Id': <'ab12'>, 'Kind': <'hot-reload'>, 'State': <'succeeded'>, 'Reason': <%s>, "
                           "'StartedAt': <int64 1700000000500000>, 'DurationUs': <int64 8100>, "
                           "'Items': <[{'module': <'m'>, 'from-version': <'1.0.0'>}, {'module': <'n'>}]>}",
                           reason));

  g_list_store_append (store, reload);
  return G_LIST_MODEL (store);
}

static void
test_csv_has_a_line_for_each_module (void)
{
  g_autoptr (GListModel) history = make_history ("because");
  g_autofree char *csv = collet_history_file_dup_csv (history);
  g_auto (GStrv) lines = g_strsplit (csv, "\r\n", -1);

  g_assert_cmpuint (g_strv_length (lines), ==, 4);
  g_assert_true (g_str_has_prefix (lines[0], "id,kind,strategy,state,module,"));
  g_assert_cmpstr (lines[1], ==,
                   "ab12,hot-reload,,succeeded,m,1.0.0,,,,2023-11-14T22:13:20.500000Z,,8100,0,0,,,because,");
  g_assert_true (g_str_has_prefix (lines[2], "ab12,hot-reload,,succeeded,n,"));
}

static void
test_csv_survives_any_text (void)
{
  g_autoptr (GListModel) history = make_history ("say \"hi\",\nthen go");
  g_autofree char *csv = collet_history_file_dup_csv (history);

  g_assert_nonnull (strstr (csv, "\"say \"\"hi\"\",\nthen go\""));
}

static void
test_csv_gives_spreadsheets_no_formula (void)
{
  g_autoptr (GListModel) history = make_history ("=cmd()");
  g_autofree char *csv = collet_history_file_dup_csv (history);

  g_assert_nonnull (strstr (csv, "\"'=cmd()\""));
}

static void
test_json_is_as_colletctl_says_it (void)
{
  g_autoptr (GListModel) history = make_history ("b\"c");
  g_autofree char *json = collet_history_file_dup_json (history);

  g_assert_true (g_str_has_prefix (json, "[\n{"));
  g_assert_true (g_str_has_suffix (json, "}\n]\n"));
  g_assert_nonnull (strstr (json, "\"duration_us\":8100"));
  g_assert_nonnull (strstr (json, "\"reason\":\"b\\\"c\""));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gui/history-file/csv-has-a-line-for-each-module", test_csv_has_a_line_for_each_module);
  g_test_add_func ("/gui/history-file/csv-survives-any-text", test_csv_survives_any_text);
  g_test_add_func ("/gui/history-file/csv-gives-spreadsheets-no-formula",
                   test_csv_gives_spreadsheets_no_formula);
  g_test_add_func ("/gui/history-file/json-is-as-colletctl-says-it", test_json_is_as_colletctl_says_it);
  return g_test_run ();
}
