/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-error.h"
#include "collet-item-list.h"
#include "collet-matrix.h"

/* ---- what a list tells ---- */

typedef struct
{
  guint n_changes, position, removed, added; /* the last change */
  guint n_revisions;
} Heard;

static void
on_items_changed (GListModel *model, guint position, guint removed, guint added, gpointer user_data)
{
  Heard *heard = user_data;

  heard->n_changes++;
  heard->position = position;
  heard->removed = removed;
  heard->added = added;
}

static void
on_revision (GObject *item, GParamSpec *pspec, gpointer user_data)
{
  ((Heard *)user_data)->n_revisions++;
}

static GVariant *
values (const char *text)
{
  return g_variant_new_parsed (text);
}

static char *
join_keys (GListModel *model)
{
  g_autoptr (GString) keys = g_string_new (NULL);

  for (guint i = 0; i < g_list_model_get_n_items (model); i++)
    {
      g_autoptr (ColletItem) item = g_list_model_get_item (model, i);
      g_string_append_printf (keys, "%s ", collet_item_get_key (item));
    }
  return g_string_free (g_steal_pointer (&keys), FALSE);
}

static void
assert_keys (ColletItemList *list, const char *expected)
{
  g_autofree char *keys = join_keys (G_LIST_MODEL (list));

  g_assert_cmpstr (keys, ==, expected);
}

static ColletItemList *
make_list (const char *keys)
{
  ColletItemList *list = collet_item_list_new ();
  g_auto (GStrv) names = g_strsplit (keys, " ", -1);

  for (guint i = 0; names[i] != NULL; i++)
    collet_item_list_put (list, names[i], values ("{'Calls': <uint64 0>}"));
  collet_item_list_flush (list);
  return list;
}

/* ---- items ---- */

static void
test_item_reads_what_is_there (void)
{
  g_autoptr (ColletItem) item =
      collet_item_new ("k", values ("{'S': <'text'>, 'O': <objectpath '/a'>, 'U': <uint32 7>, 'T': <uint64 "
                                    "18446744073709551615>, 'B': <true>, 'D': <0.5>, 'L': <['a', 'b']>, 'C': "
                                    "<{'calls': uint64 3}>, 'R': <[{'x': <'1'>}, {'x': <'2'>}]>}"));
  g_auto (GStrv) list = collet_item_dup_strv (item, "L");
  g_autoptr (GPtrArray) rows = collet_item_dup_rows (item, "R");

  g_assert_cmpstr (collet_item_get_string (item, "S"), ==, "text");
  g_assert_cmpstr (collet_item_get_string (item, "O"), ==, "/a");
  g_assert_cmpint (collet_item_get_int (item, "U"), ==, 7);
  g_assert_cmpint (collet_item_get_int (item, "T"), ==, G_MAXINT64);
  g_assert_true (collet_item_get_bool (item, "B"));
  g_assert_cmpfloat (collet_item_get_double (item, "D"), ==, 0.5);
  g_assert_cmpuint (g_strv_length (list), ==, 2);
  g_assert_cmpint (collet_item_get_count (item, "C", "calls"), ==, 3);
  g_assert_cmpuint (rows->len, ==, 2);
  g_assert_cmpstr (collet_item_get_string (rows->pdata[1], "x"), ==, "2");
}

static void
test_item_other_types_read_as_nothing (void)
{
  g_autoptr (ColletItem) item =
      collet_item_new ("k", values ("{'S': <1>, 'I': <'x'>, 'R': <'x'>, 'L': <5>}"));
  g_auto (GStrv) list = collet_item_dup_strv (item, "L");
  g_autoptr (GPtrArray) rows = collet_item_dup_rows (item, "R");

  g_assert_cmpstr (collet_item_get_string (item, "S"), ==, "");
  g_assert_cmpstr (collet_item_get_string (item, "absent"), ==, "");
  g_assert_cmpint (collet_item_get_int (item, "I"), ==, 0);
  g_assert_false (collet_item_get_bool (item, "S"));
  g_assert_null (list[0]);
  g_assert_cmpuint (rows->len, ==, 0);
}

static void
test_item_merge_tells_whether_it_changed (void)
{
  g_autoptr (ColletItem) item = collet_item_new ("k", values ("{'A': <'1'>, 'B': <'2'>}"));

  g_assert_false (collet_item_merge (item, values ("{'A': <'1'>}")));
  g_assert_true (collet_item_merge (item, values ("{'A': <'3'>}")));
  g_assert_cmpstr (collet_item_get_string (item, "B"), ==, "2");
}

/* ---- lists ---- */

static void
test_list_is_sorted (void)
{
  g_autoptr (ColletItemList) list = make_list ("c a b");

  assert_keys (list, "a b c ");
}

static void
test_list_tells_the_smallest_change (void)
{
  g_autoptr (ColletItemList) list = make_list ("a b d e");
  Heard heard = { 0 };

  g_signal_connect (list, "items-changed", G_CALLBACK (on_items_changed), &heard);
  collet_item_list_put (list, "c", values ("@a{sv} {}"));
  g_assert_cmpuint (heard.n_changes, ==, 0);
  collet_item_list_flush (list);
  g_assert_cmpuint (heard.n_changes, ==, 1);
  g_assert_cmpuint (heard.position, ==, 2);
  g_assert_cmpuint (heard.removed, ==, 0);
  g_assert_cmpuint (heard.added, ==, 1);
}

static void
test_list_gathers_a_storm (void)
{
  g_autoptr (ColletItemList) list = make_list ("a b");
  g_autoptr (ColletItem) a = g_list_model_get_item (G_LIST_MODEL (list), 0);
  gint64 end = g_get_monotonic_time () + 20 * COLLET_ITEM_LIST_PACE_MS * 1000;
  Heard heard = { 0 };

  g_signal_connect (a, "notify::revision", G_CALLBACK (on_revision), &heard);
  for (guint i = 1; i <= 1000; i++)
    collet_item_list_update (list, "a", g_variant_new_parsed ("{'Calls': <%t>}", (guint64)i));
  g_assert_cmpuint (heard.n_revisions, ==, 0);
  while (heard.n_revisions == 0 && g_get_monotonic_time () < end)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (heard.n_revisions, ==, 1);
  g_assert_cmpint (collet_item_get_int (a, "Calls"), ==, 1000);
}

static void
test_list_replacement_keeps_what_stays (void)
{
  g_autoptr (ColletItemList) list = make_list ("a b c");
  g_autoptr (ColletItem) b = g_object_ref (collet_item_list_lookup (list, "b"));
  Heard heard = { 0 };

  g_signal_connect (list, "items-changed", G_CALLBACK (on_items_changed), &heard);
  collet_item_list_begin_replace (list);
  collet_item_list_put (list, "b", values ("{'Calls': <uint64 9>}"));
  collet_item_list_put (list, "d", values ("@a{sv} {}"));
  collet_item_list_end_replace (list);
  assert_keys (list, "b d ");
  g_assert_true (collet_item_list_lookup (list, "b") == b);
  g_assert_cmpint (collet_item_get_int (b, "Calls"), ==, 9);
  g_assert_cmpuint (heard.n_changes, ==, 1);
}

static void
test_list_forgets_what_came_and_went (void)
{
  g_autoptr (ColletItemList) list = make_list ("a");
  Heard heard = { 0 };

  g_signal_connect (list, "items-changed", G_CALLBACK (on_items_changed), &heard);
  collet_item_list_put (list, "b", values ("@a{sv} {}"));
  collet_item_list_remove (list, "b");
  collet_item_list_update (list, "b", values ("{'Calls': <uint64 1>}"));
  collet_item_list_flush (list);
  g_assert_cmpuint (heard.n_changes, ==, 0);
  assert_keys (list, "a ");
}

/* ---- the matrix ---- */

#define MATRIX                                                                                               \
  "(uint64 5, ['n1', 'n2', 'n3'], ['', 'aaaa', 'bbbb'], ["                                                   \
  "('m2', uint32 1, uint64 1, [(uint32 1, byte 1), (uint32 1, 1), (uint32 2, 2)]), "                         \
  "('m1', uint32 2, uint64 7, [(uint32 2, byte 1), (uint32 2, 1), (uint32 2, 1)])])"

static ColletMatrix *
make_matrix (void)
{
  g_autoptr (GVariant) reply = g_variant_ref_sink (g_variant_new_parsed (MATRIX));
  g_autoptr (GError) error = NULL;
  ColletMatrix *matrix = collet_matrix_new ();

  collet_matrix_load (matrix, reply, &error);
  g_assert_no_error (error);
  return matrix;
}

static gboolean
apply (ColletMatrix *matrix, guint64 serial, const char *deltas)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new_parsed (deltas));

  return collet_matrix_apply (matrix, serial, value);
}

static void
test_matrix_is_read (void)
{
  g_autoptr (ColletMatrix) matrix = make_matrix ();
  g_autoptr (ColletMatrixRow) first = g_list_model_get_item (G_LIST_MODEL (matrix), 0);
  ColletMatrixRow *m2 = collet_matrix_lookup (matrix, "m2");

  g_assert_cmpuint (collet_matrix_get_serial (matrix), ==, 5);
  g_assert_cmpuint (collet_matrix_get_n_nodes (matrix), ==, 3);
  g_assert_cmpstr (collet_matrix_row_get_module (first), ==, "m1");
  g_assert_cmpuint (collet_matrix_row_get_epoch (first), ==, 7);
  g_assert_cmpuint (collet_matrix_row_get_n_differing (first), ==, 0);
  g_assert_cmpuint (collet_matrix_row_get_n_differing (m2), ==, 1);
  g_assert_cmpstr (collet_matrix_row_get_cell_version (m2, 2), ==, "bbbb");
  g_assert_cmpint (collet_matrix_row_get_cell (m2, 2), ==, COLLET_CELL_LAGGING);
  g_assert_cmpuint (collet_matrix_get_n_differing (matrix), ==, 1);
}

static void
test_matrix_goes_on_by_deltas (void)
{
  g_autoptr (ColletMatrix) matrix = make_matrix ();
  ColletMatrixRow *m2 = collet_matrix_lookup (matrix, "m2");
  Heard heard = { 0 };

  collet_matrix_flush (matrix);
  g_signal_connect (m2, "notify::revision", G_CALLBACK (on_revision), &heard);
  g_assert_true (apply (matrix, 6, "[('m2', 'n3', 'aaaa', uint64 1, byte 1)]"));
  g_assert_true (apply (matrix, 7, "[('m2', '', 'cccc', uint64 2, byte 0)]"));
  collet_matrix_flush (matrix);
  g_assert_cmpuint (heard.n_revisions, ==, 1);
  g_assert_cmpuint (collet_matrix_row_get_n_differing (m2), ==, 0);
  g_assert_cmpstr (collet_matrix_row_get_version (m2), ==, "cccc");
  g_assert_cmpuint (collet_matrix_get_serial (matrix), ==, 7);
}

static void
test_matrix_refuses_a_gap (void)
{
  g_autoptr (ColletMatrix) matrix = make_matrix ();

  g_assert_false (apply (matrix, 8, "[('m2', 'n3', 'aaaa', uint64 1, byte 1)]"));
  g_assert_cmpuint (collet_matrix_get_serial (matrix), ==, 5);
  g_assert_cmpuint (collet_matrix_get_n_differing (matrix), ==, 1);
}

static void
test_matrix_refuses_strangers_whole (void)
{
  g_autoptr (ColletMatrix) matrix = make_matrix ();

  /* The first of the two is known. */
  g_assert_false (apply (matrix, 6, "[('m2', 'n3', 'aaaa', uint64 1, byte 1), ('m9', 'n1', 'aaaa', 1, 1)]"));
  g_assert_false (apply (matrix, 6, "[('m2', 'n9', 'aaaa', uint64 1, byte 1)]"));
  g_assert_cmpuint (collet_matrix_get_n_differing (matrix), ==, 1);
  g_assert_cmpuint (collet_matrix_get_serial (matrix), ==, 5);
}

static void
test_matrix_ignores_what_is_older (void)
{
  g_autoptr (ColletMatrix) matrix = make_matrix ();

  g_assert_true (apply (matrix, 5, "[('m1', 'n1', 'aaaa', uint64 1, byte 3)]"));
  g_assert_cmpuint (collet_matrix_get_n_differing (matrix), ==, 1);
}

static void
test_matrix_of_a_newer_daemon_is_unknown (void)
{
  g_autoptr (ColletMatrix) matrix = make_matrix ();

  g_assert_true (apply (matrix, 6, "[('m1', 'n1', 'aaaa', uint64 1, byte 200)]"));
  g_assert_cmpint (collet_matrix_row_get_cell (collet_matrix_lookup (matrix, "m1"), 0), ==,
                   COLLET_CELL_UNKNOWN);
}

static void
test_matrix_keeps_rows_of_the_same_modules (void)
{
  g_autoptr (ColletMatrix) matrix = make_matrix ();
  ColletMatrixRow *m1 = collet_matrix_lookup (matrix, "m1");
  g_autoptr (GVariant) reply = g_variant_ref_sink (g_variant_new_parsed (
      "(uint64 9, ['n1', 'n2', 'n3'], ['', 'aaaa', 'bbbb'], ["
      "('m1', uint32 1, uint64 8, [(uint32 1, byte 1), (uint32 1, 1), (uint32 0, 3)]), "
      "('m2', uint32 1, uint64 1, [(uint32 1, byte 1), (uint32 1, 1), (uint32 1, 1)])])"));
  Heard heard = { 0 };

  g_signal_connect (matrix, "items-changed", G_CALLBACK (on_items_changed), &heard);
  g_assert_true (collet_matrix_load (matrix, reply, NULL));
  g_assert_cmpuint (heard.n_changes, ==, 0);
  g_assert_true (collet_matrix_lookup (matrix, "m1") == m1);
  g_assert_cmpint (collet_matrix_row_get_cell (m1, 2), ==, COLLET_CELL_FAILED);
}

static void
test_matrix_refuses_what_does_not_fit (void)
{
  static const char *const bad[] = {
    "(uint64 9, ['n1'], [''], [('m1', uint32 1, uint64 0, [(uint32 0, byte 1)])])",
    "(uint64 9, ['n1'], [''], [('m1', uint32 0, uint64 0, [(uint32 4294967295, byte 1)])])",
    "(uint64 9, ['n1', 'n2'], [''], [('m1', uint32 0, uint64 0, [(uint32 0, byte 1)])])",
    "(uint64 9, @as [], @as [], [('m1', uint32 0, uint64 0, [(uint32 0, byte 1)])])",
    "('something else',)",
  };
  g_autoptr (ColletMatrix) matrix = make_matrix ();

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GVariant) reply = g_variant_ref_sink (g_variant_new_parsed (bad[i]));
      g_autoptr (GError) error = NULL;

      g_assert_false (collet_matrix_load (matrix, reply, &error));
      g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT);
      g_assert_cmpuint (collet_matrix_get_serial (matrix), ==, 5);
    }
}

static void
test_matrix_of_one_node_is_its_modules (void)
{
  g_autoptr (ColletItemList) modules = collet_item_list_new ();
  g_autoptr (ColletMatrix) matrix = collet_matrix_new ();

  collet_item_list_put (modules, "a", values ("{'Name': <'a'>, 'Version': <'aaaa'>, 'State': <'running'>}"));
  collet_item_list_put (modules, "b", values ("{'Name': <'b'>, 'Version': <'bbbb'>, 'State': <'broken'>}"));
  collet_item_list_flush (modules);
  collet_matrix_load_alone (matrix, "self", modules);
  g_assert_cmpstr (collet_matrix_get_nodes (matrix)[0], ==, "self");
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (matrix)), ==, 2);
  g_assert_cmpint (collet_matrix_row_get_cell (collet_matrix_lookup (matrix, "a"), 0), ==,
                   COLLET_CELL_IN_LINE);
  g_assert_cmpint (collet_matrix_row_get_cell (collet_matrix_lookup (matrix, "b"), 0), ==,
                   COLLET_CELL_FAILED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/item/reads-what-is-there", test_item_reads_what_is_there);
  g_test_add_func ("/client/item/other-types-read-as-nothing", test_item_other_types_read_as_nothing);
  g_test_add_func ("/client/item/merge-tells-whether-it-changed", test_item_merge_tells_whether_it_changed);
  g_test_add_func ("/client/list/is-sorted", test_list_is_sorted);
  g_test_add_func ("/client/list/tells-the-smallest-change", test_list_tells_the_smallest_change);
  g_test_add_func ("/client/list/gathers-a-storm", test_list_gathers_a_storm);
  g_test_add_func ("/client/list/replacement-keeps-what-stays", test_list_replacement_keeps_what_stays);
  g_test_add_func ("/client/list/forgets-what-came-and-went", test_list_forgets_what_came_and_went);
  g_test_add_func ("/client/matrix/is-read", test_matrix_is_read);
  g_test_add_func ("/client/matrix/goes-on-by-deltas", test_matrix_goes_on_by_deltas);
  g_test_add_func ("/client/matrix/refuses-a-gap", test_matrix_refuses_a_gap);
  g_test_add_func ("/client/matrix/refuses-strangers-whole", test_matrix_refuses_strangers_whole);
  g_test_add_func ("/client/matrix/ignores-what-is-older", test_matrix_ignores_what_is_older);
  g_test_add_func ("/client/matrix/of-a-newer-daemon-is-unknown", test_matrix_of_a_newer_daemon_is_unknown);
  g_test_add_func ("/client/matrix/keeps-rows-of-the-same-modules",
                   test_matrix_keeps_rows_of_the_same_modules);
  g_test_add_func ("/client/matrix/refuses-what-does-not-fit", test_matrix_refuses_what_does_not_fit);
  g_test_add_func ("/client/matrix/of-one-node-is-its-modules", test_matrix_of_one_node_is_its_modules);
  return g_test_run ();
}
