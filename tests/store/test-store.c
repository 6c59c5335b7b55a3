/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store-fixture.h"

#include "collet-error.h"

#include <string.h>

typedef struct
{
  char *folder;
  ColletStore *store;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->folder = fixture_folder_new ();
  fixture->store = fixture_open (fixture->folder, NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  fixture_close (fixture->store);
  fixture_folder_free (fixture->folder);
}

/* As a restart does. */
static ColletStoreImage *
open_again (Fixture *fixture)
{
  ColletStoreImage *image = NULL;

  fixture_close (fixture->store);
  fixture->store = fixture_open (fixture->folder, &image);
  return image;
}

static void
test_empty (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ColletStoreImage) image = open_again (fixture);

  g_assert_cmpuint (image->artifacts->len, ==, 0);
  g_assert_cmpuint (image->modules->len, ==, 0);
  g_assert_cmpuint (image->open->len, ==, 0);
  g_assert_cmpuint (image->next_generation, ==, 1);
  g_assert_cmpuint (image->update_sequence, ==, 0);
}

static void
test_image (Fixture *fixture, gconstpointer data)
{
  fixture_reload_module (fixture->store, "0001", "calculator", 0, 'a', 1, "one");
  ColletCommit *commit = fixture_commit ("0002", "calculator", 'b', 7, "two");
  ColletModuleRow *change = commit->modules->pdata[0];
  ColletToolRow *tool = commit->tools->pdata[0];
  change->previous_sha256 = g_strdup (fixture_sha256 ('a'));
  tool->metadata = g_strdup ("{\"title\":\"x\"}");
  tool->is_explicit = TRUE;
  fixture_begin (fixture->store, fixture_reload ("0002", "calculator", 'a', 'b'), NULL);
  fixture_do_commit (fixture->store, commit, NULL, NULL);
  fixture_begin (fixture->store, fixture_reload ("0003", "calculator", 'b', 'c'), NULL);

  g_autoptr (ColletStoreImage) image = open_again (fixture);
  g_assert_cmpuint (image->artifacts->len, ==, 2);
  const ColletArtifactRow *artifact = image->artifacts->pdata[1];
  g_assert_cmpstr (artifact->version->sha256, ==, fixture_sha256 ('b'));
  g_assert_cmpstr (artifact->version->semver, ==, "2.0.0");
  g_assert_cmpstr (artifact->version->build_id, ==, "abcdef");
  g_assert_cmpuint (artifact->version->size, ==, 4711);
  g_assert_cmpstr (artifact->manifest, ==, "{\"name\":\"calculator\"}");
  g_assert_cmpuint (image->modules->len, ==, 1);
  const ColletModuleRow *module = image->modules->pdata[0];
  g_assert_cmpstr (module->sha256, ==, fixture_sha256 ('b'));
  g_assert_cmpstr (module->previous_sha256, ==, fixture_sha256 ('a'));
  g_assert_cmpuint (module->generation, ==, 7);
  g_assert_cmpuint (image->next_generation, ==, 8);
  g_assert_cmpuint (image->tools->len, ==, 1);
  const ColletToolRow *known = image->tools->pdata[0];
  g_assert_cmpstr (known->version, ==, fixture_sha256 ('b'));
  g_assert_cmpstr (known->metadata, ==, "{\"title\":\"x\"}");
  g_assert_true (known->is_explicit);
  g_assert_cmpint (known->registered_at, ==, 1000000);
  g_assert_cmpuint (image->snapshots->len, ==, 1);
  const ColletSnapshotRow *snapshot = image->snapshots->pdata[0];
  g_assert_cmpmem (g_bytes_get_data (snapshot->state, NULL), g_bytes_get_size (snapshot->state), "two", 3);
  g_assert_cmpuint (snapshot->format, ==, 3);
  g_assert_cmpuint (image->committed->len, ==, 1);
  g_assert_cmpstr (((ColletReloadRow *)image->committed->pdata[0])->id, ==, "0002");
  g_assert_cmpuint (image->open->len, ==, 1);
  const ColletReloadRow *open = image->open->pdata[0];
  g_assert_cmpstr (open->id, ==, "0003");
  g_assert_cmpint (open->uid, ==, 1000);
  g_assert_cmpstr (((ColletReloadItemRow *)open->items->pdata[0])->to_version, ==, "3.0.0");
}

static GPtrArray *
query_history (ColletStore *store, const ColletHistoryQuery *query)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  collet_store_history_async (store, query, fixture_on_answer, &result);
  fixture_wait (&result);
  GPtrArray *rows = collet_store_history_finish (store, result, &error);
  g_assert_no_error (error);
  return rows;
}

static GPtrArray *
read_history (ColletStore *store, const char *module, guint limit)
{
  return query_history (store, &(ColletHistoryQuery){ .module = module, .limit = limit });
}

/* Ids of what is found, the newest first. */
static void
assert_found (ColletStore *store, ColletHistoryQuery query, const char *wanted)
{
  g_autoptr (GPtrArray) rows = query_history (store, &query);
  g_autoptr (GString) ids = g_string_new (NULL);

  for (guint i = 0; i < rows->len; i++)
    g_string_append_printf (ids, "%s%s", i > 0 ? " " : "", ((ColletHistoryRow *)rows->pdata[i])->reload->id);
  g_assert_cmpstr (ids->str, ==, wanted);
}

static void
test_history_query (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) newest = NULL;

  fixture_reload_module (fixture->store, "00ff", "calculator", 0, 'a', 1, NULL);
  fixture_reload_module (fixture->store, "00f0", "text", 0, 'b', 2, NULL);
  fixture_begin (fixture->store, fixture_reload ("0100", "calculator", 'a', 'c'), NULL);
  fixture_do_end (fixture->store, fixture_end ("0100", "failed"), NULL);
  fixture_begin (fixture->store, fixture_reload ("0200", "calculator", 'a', 'd'), NULL);

  assert_found (fixture->store, (ColletHistoryQuery){ .id = "00ff" }, "00ff");
  assert_found (fixture->store, (ColletHistoryQuery){ .id = "00f", .limit = 2 }, "00f0 00ff");
  assert_found (fixture->store, (ColletHistoryQuery){ .id = "00g" }, "");
  assert_found (fixture->store, (ColletHistoryQuery){ .id = "%" }, "");
  /* What failed changed nothing; what runs may. */
  assert_found (fixture->store, (ColletHistoryQuery){ .newest_of = "00f0" }, "00f0");
  assert_found (fixture->store, (ColletHistoryQuery){ .newest_of = "00ff" }, "0200");
  assert_found (fixture->store, (ColletHistoryQuery){ .newest_of = "0100" }, "0200");
  assert_found (fixture->store, (ColletHistoryQuery){ .newest_of = "none" }, "");
  assert_found (fixture->store, (ColletHistoryQuery){ .state = "running" }, "0200");
  assert_found (fixture->store, (ColletHistoryQuery){ .module = "calculator", .state = "failed" }, "0100");
  newest = read_history (fixture->store, NULL, 1);
  gint64 at = ((ColletHistoryRow *)newest->pdata[0])->reload->started_at;
  assert_found (fixture->store, (ColletHistoryQuery){ .after = at + 1 }, "");
  assert_found (fixture->store, (ColletHistoryQuery){ .module = "text", .before = at + 1 }, "00f0");
  assert_found (fixture->store, (ColletHistoryQuery){ .before = 1 }, "");
}

static void
test_history (Fixture *fixture, gconstpointer data)
{
  fixture_reload_module (fixture->store, "0001", "calculator", 0, 'a', 1, NULL);
  fixture_reload_module (fixture->store, "0002", "text", 0, 'b', 2, NULL);
  fixture_begin (fixture->store, fixture_reload ("0003", "calculator", 'a', 'c'), NULL);
  fixture_do_end (fixture->store, fixture_end ("0003", "failed"), NULL);
  fixture_begin (fixture->store, fixture_reload ("0004", "calculator", 'a', 'd'), NULL);

  g_autoptr (GPtrArray) all = read_history (fixture->store, NULL, 0);
  g_assert_cmpuint (all->len, ==, 4);
  const ColletHistoryRow *running = all->pdata[0];
  g_assert_cmpstr (running->reload->id, ==, "0004");
  g_assert_null (running->end);
  const ColletHistoryRow *failed = all->pdata[1];
  g_assert_cmpstr (failed->end->state, ==, "failed");
  g_assert_cmpstr (failed->end->error, ==, "ValidationFailed");
  g_assert_cmpint (failed->end->duration_us, ==, 12345);
  g_assert_cmpstr (failed->reload->reason, ==, "because it's new");
  g_assert_cmpuint (failed->reload->items->len, ==, 1);

  g_autoptr (GPtrArray) two = read_history (fixture->store, "calculator", 2);
  g_assert_cmpuint (two->len, ==, 2);
  g_assert_cmpstr (((ColletHistoryRow *)two->pdata[1])->reload->id, ==, "0003");
  g_autoptr (GPtrArray) none = read_history (fixture->store, "' OR 1 --", 2);
  g_assert_cmpuint (none->len, ==, 0);
}

static void
test_refusal (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  collet_store_record_refusal_async (fixture->store, fixture_reload ("0001", "calculator", 0, 0),
                                     fixture_end ("0001", "failed"), fixture_on_answer, &result);
  fixture_wait (&result);
  g_assert_true (collet_store_record_refusal_finish (fixture->store, result, &error));
  g_assert_no_error (error);
  g_autoptr (GPtrArray) rows = read_history (fixture->store, NULL, 0);
  g_assert_cmpuint (rows->len, ==, 1);
  g_assert_nonnull (((ColletHistoryRow *)rows->pdata[0])->end);
}

static void
test_journal_order (Fixture *fixture, gconstpointer data)
{
  const char *name;

  g_assert_false (
      fixture_do_commit (fixture->store, fixture_commit ("9999", "calculator", 'a', 1, "s"), NULL, &name));
  g_assert_cmpstr (name, ==, "StoreFailed");
  g_assert_false (fixture_do_end (fixture->store, fixture_end ("9999", "failed"), &name));
  fixture_begin (fixture->store, fixture_reload ("0001", "calculator", 0, 'a'), NULL);
  g_assert_false (fixture_begin (fixture->store, fixture_reload ("0001", "calculator", 0, 'a'), &name));
  fixture_do_end (fixture->store, fixture_end ("0001", "failed"), NULL);
  g_assert_false (fixture_do_end (fixture->store, fixture_end ("0001", "succeeded"), &name));
  g_assert_false (
      fixture_do_commit (fixture->store, fixture_commit ("0001", "calculator", 'a', 1, "s"), NULL, &name));

  /* Nothing of the commits is left. */
  g_autoptr (ColletStoreImage) image = open_again (fixture);
  g_assert_cmpuint (image->modules->len, ==, 0);
  g_assert_cmpuint (image->artifacts->len, ==, 0);
  g_assert_cmpuint (image->update_sequence, ==, 0);
}

static void
test_updates (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) first = NULL;
  g_autoptr (GPtrArray) same = NULL;
  g_autoptr (GPtrArray) changed = NULL;
  g_autoptr (GPtrArray) gone = NULL;

  fixture_do_commit (fixture->store, fixture_commit (NULL, "calculator", 'a', 1, NULL), &first, NULL);
  g_assert_null (fixture_sql (fixture->folder,
                              "INSERT INTO subscription VALUES ('uid:5', 'calculator', 5, 1, 0), "
                              "('uid:5', '*', 5, 1, 0), ('other', 'text', 6, 1, 0)"));
  fixture_do_commit (fixture->store, fixture_commit (NULL, "calculator", 'a', 2, NULL), &same, NULL);
  fixture_do_commit (fixture->store, fixture_commit (NULL, "calculator", 'b', 3, NULL), &changed, NULL);
  fixture_do_commit (fixture->store, fixture_commit (NULL, "calculator", 0, 4, NULL), &gone, NULL);

  g_assert_cmpuint (first->len, ==, 1);
  g_assert_null (((ColletUpdateRow *)first->pdata[0])->previous_version);
  g_assert_cmpuint (same->len, ==, 0);
  g_assert_cmpuint (changed->len, ==, 1);
  const ColletUpdateRow *update = changed->pdata[0];
  g_assert_cmpuint (update->sequence, ==, 2);
  g_assert_cmpstr (update->version, ==, fixture_sha256 ('b'));
  g_assert_cmpstr (update->previous_version, ==, fixture_sha256 ('a'));
  g_assert_cmpuint (gone->len, ==, 1);
  g_assert_null (((ColletUpdateRow *)gone->pdata[0])->version);

  g_autofree char *events =
      fixture_query (fixture->folder, "SELECT group_concat (subscriber || sequence) FROM subscriber_event");
  g_assert_cmpstr (events, ==, "uid:52,uid:53");
  g_autoptr (ColletStoreImage) image = open_again (fixture);
  g_assert_cmpuint (image->tools->len, ==, 0);
  g_assert_cmpuint (image->modules->len, ==, 1);
  g_assert_null (((ColletModuleRow *)image->modules->pdata[0])->sha256);
  g_assert_cmpuint (image->update_sequence, ==, 3);
}

static void
test_change_tools (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GAsyncResult) refused = NULL;
  g_autoptr (GError) error = NULL;
  GPtrArray *tools = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_tool_row_free);
  GPtrArray *removed = g_ptr_array_new_with_free_func (g_free);
  GPtrArray *orphans = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_tool_row_free);

  fixture_do_commit (fixture->store, fixture_commit (NULL, "calculator", 'a', 1, NULL), NULL, NULL);
  g_ptr_array_add (tools, fixture_tool ("sum", "calculator", 'a'));
  g_ptr_array_add (removed, g_strdup ("calculator"));
  g_ptr_array_add (removed, g_strdup ("never-was"));
  collet_store_change_tools_async (fixture->store, tools, removed, fixture_on_answer, &result);
  fixture_wait (&result);
  g_assert_true (collet_store_change_tools_finish (fixture->store, result, &error));
  g_assert_cmpuint (collet_store_get_updates (fixture->store, result)->len, ==, 2);

  g_ptr_array_add (orphans, fixture_tool ("product", "no-such-module", 'a'));
  collet_store_change_tools_async (fixture->store, orphans, NULL, fixture_on_answer, &refused);
  fixture_wait (&refused);
  g_assert_false (collet_store_change_tools_finish (fixture->store, refused, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_STORE_FAILED);
  g_clear_object (&result); /* they keep the store */
  g_clear_object (&refused);

  g_autoptr (ColletStoreImage) image = open_again (fixture);
  g_assert_cmpuint (image->tools->len, ==, 1);
  g_assert_cmpstr (((ColletToolRow *)image->tools->pdata[0])->name, ==, "sum");
}

static char *
snapshot_of (ColletStore *store, const char *module, const char *sha256)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  collet_store_get_snapshot_async (store, module, sha256, fixture_on_answer, &result);
  fixture_wait (&result);
  g_autoptr (ColletSnapshotRow) row = collet_store_get_snapshot_finish (store, result, &error);
  g_assert_no_error (error);
  return row != NULL ? g_strndup (g_bytes_get_data (row->state, NULL), g_bytes_get_size (row->state)) : NULL;
}

static void
test_snapshots (Fixture *fixture, gconstpointer data)
{
  fixture_reload_module (fixture->store, "0001", "calculator", 0, 'a', 1, "a-first");
  fixture_reload_module (fixture->store, "0002", "calculator", 'a', 'b', 2, "b-first");
  for (int i = 0; i < 8; i++)
    {
      g_autofree char *state = g_strdup_printf ("b-%d", i);
      fixture_save (fixture->store, fixture_snapshot ("calculator", 'b', state, NULL), NULL);
    }

  g_autofree char *newest = snapshot_of (fixture->store, "calculator", NULL);
  g_autofree char *old = snapshot_of (fixture->store, "calculator", fixture_sha256 ('a'));
  g_autofree char *none = snapshot_of (fixture->store, "calculator", fixture_sha256 ('c'));
  g_assert_cmpstr (newest, ==, "b-7");
  g_assert_cmpstr (old, ==, "a-first");
  g_assert_null (none);
  /* The newest five, and the newest of the other version. */
  g_autofree char *count = fixture_query (fixture->folder, "SELECT count (*) FROM snapshot");
  g_assert_cmpstr (count, ==, "6");
}

static void
test_running_reload_keeps (Fixture *fixture, gconstpointer data)
{
  fixture_do_commit (fixture->store, fixture_commit (NULL, "calculator", 'a', 1, NULL), NULL, NULL);
  fixture_begin (fixture->store, fixture_reload ("0001", "calculator", 'a', 'b'), NULL);
  fixture_save (fixture->store, fixture_snapshot ("calculator", 'a', "mine", "0001"), NULL);
  for (int i = 0; i < 8; i++)
    fixture_save (fixture->store, fixture_snapshot ("calculator", 'a', "later", NULL), NULL);

  g_autofree char *kept =
      fixture_query (fixture->folder, "SELECT count (*) FROM snapshot WHERE reload = '0001'");
  g_assert_cmpstr (kept, ==, "1");
  fixture_do_end (fixture->store, fixture_end ("0001", "failed"), NULL);
  fixture_save (fixture->store, fixture_snapshot ("calculator", 'a', "later", NULL), NULL);
  g_autofree char *gone =
      fixture_query (fixture->folder, "SELECT count (*) FROM snapshot WHERE reload = '0001'");
  g_assert_cmpstr (gone, ==, "0");
}

static void
test_discarded_state (Fixture *fixture, gconstpointer data)
{
  fixture_reload_module (fixture->store, "0001", "calculator", 0, 'a', 1, "old");
  /* The same version again, its state discarded. */
  fixture_reload_module (fixture->store, "0002", "calculator", 'a', 'a', 2, NULL);
  g_autoptr (ColletStoreImage) discarded = open_again (fixture);
  g_assert_cmpuint (discarded->snapshots->len, ==, 0);

  fixture_save (fixture->store, fixture_snapshot ("calculator", 'a', "new", NULL), NULL);
  /* A restart gives it another generation, but not another state. */
  fixture_do_commit (fixture->store, fixture_commit (NULL, "calculator", 'a', 3, NULL), NULL, NULL);
  g_autoptr (ColletStoreImage) kept = open_again (fixture);
  g_assert_cmpuint (kept->snapshots->len, ==, 1);
}

static void
test_large_state (Fixture *fixture, gconstpointer data)
{
  const gsize size = 64 * 1024 * 1024;
  const char *name;
  g_autofree char *text = g_malloc (size + 2);

  memset (text, 'x', size + 1);
  text[size + 1] = '\0';
  fixture_do_commit (fixture->store, fixture_commit (NULL, "calculator", 'a', 1, NULL), NULL, NULL);
  g_assert_false (fixture_save (fixture->store, fixture_snapshot ("calculator", 'a', text, NULL), &name));
  g_assert_cmpstr (name, ==, "MessageTooLarge");
  text[size] = '\0';
  fixture_save (fixture->store, fixture_snapshot ("calculator", 'a', text, NULL), NULL);
  g_autofree char *back = snapshot_of (fixture->store, "calculator", NULL);
  g_assert_cmpstr (back, ==, text);
}

/* ---- answers ---- */

typedef struct
{
  GString *order;
  guint left;
} Order;

static void
on_begun (GObject *object, GAsyncResult *result, gpointer data)
{
  Order *order = data;
  gboolean ok = collet_store_begin_finish (COLLET_STORE (object), result, NULL);

  g_string_append_c (order->order, ok ? 'b' : 'x');
  order->left--;
}

static void
on_ended (GObject *object, GAsyncResult *result, gpointer data)
{
  Order *order = data;
  gboolean ok = collet_store_end_finish (COLLET_STORE (object), result, NULL);

  g_string_append_c (order->order, ok ? 'e' : 'x');
  order->left--;
}

static void
test_group (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GString) expected = g_string_new (NULL);
  Order order = { text, 0 };

  for (guint i = 0; i < 300; i++)
    {
      g_autofree char *id = g_strdup_printf ("%04u", i);

      collet_store_begin_async (fixture->store, fixture_reload (id, "calculator", 'a', 'b'), on_begun,
                                &order);
      collet_store_end_async (fixture->store, fixture_end (i % 10 == 3 ? "nobody" : id, "succeeded"),
                              on_ended, &order);
      g_string_append (expected, i % 10 == 3 ? "bx" : "be");
      order.left += 2;
    }
  while (order.left > 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (text->str, ==, expected->str);

  g_autofree char *counts =
      fixture_query (fixture->folder,
                     "SELECT (SELECT count (*) FROM reload) || ' ' || (SELECT count (*) FROM reload_end)");
  g_assert_cmpstr (counts, ==, "300 270");
}

/* One that fails half-way leaves nothing behind in the commit of the others. */
static void
test_half_way (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->folder, "collet.db", NULL);
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GAsyncResult) result = NULL;
  Order order = { text, 3 };
  GPtrArray *tools = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_tool_row_free);
  sqlite3 *other = NULL;

  fixture_do_commit (fixture->store, fixture_commit (NULL, "calculator", 'a', 1, NULL), NULL, NULL);
  g_ptr_array_add (tools, fixture_tool ("good", "calculator", 'a'));
  g_ptr_array_add (tools, fixture_tool ("orphan", "no-such-module", 'a'));

  /* Somebody's transaction makes them gather behind the first. */
  g_assert_cmpint (sqlite3_open (path, &other), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (other, "BEGIN IMMEDIATE", NULL, NULL, NULL), ==, SQLITE_OK);
  collet_store_begin_async (fixture->store, fixture_reload ("0001", "calculator", 'a', 'b'), on_begun,
                            &order);
  g_usleep (50000);
  collet_store_begin_async (fixture->store, fixture_reload ("0002", "calculator", 'a', 'b'), on_begun,
                            &order);
  collet_store_change_tools_async (fixture->store, tools, NULL, fixture_on_answer, &result);
  collet_store_begin_async (fixture->store, fixture_reload ("0003", "calculator", 'a', 'b'), on_begun,
                            &order);
  sqlite3_exec (other, "ROLLBACK", NULL, NULL, NULL);
  sqlite3_close (other);
  while (order.left > 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (text->str, ==, "bbb");
  g_assert_false (collet_store_change_tools_finish (fixture->store, result, NULL));
  g_clear_object (&result);

  g_autofree char *found = fixture_query (
      fixture->folder,
      "SELECT (SELECT group_concat (name) FROM tool) || ' ' || (SELECT count (*) FROM tool_update) "
      "|| ' ' || (SELECT count (*) FROM reload)");
  g_assert_cmpstr (found, ==, "calculator 1 3");
}

static void
test_closed (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GString) text = g_string_new (NULL);
  Order order = { text, 2 };
  const char *name;

  collet_store_begin_async (fixture->store, fixture_reload ("0001", "calculator", 'a', 'b'), on_begun,
                            &order);
  collet_store_end_async (fixture->store, fixture_end ("0001", "succeeded"), on_ended, &order);
  collet_store_close (fixture->store);
  g_assert_cmpstr (text->str, ==, ""); /* never from within */
  while (order.left > 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (text->str, ==, "be");
  g_assert_false (fixture_begin (fixture->store, fixture_reload ("0002", "calculator", 'a', 'b'), &name));
  g_assert_cmpstr (name, ==, "ShuttingDown");
}

/* ---- figures ---- */

static void
test_cost (Fixture *fixture, gconstpointer data)
{
  const int n = 200;
  ColletCommit *commit = collet_commit_new ();
  gint64 begin = g_get_monotonic_time ();

  for (int i = 0; i < n; i++)
    {
      g_autofree char *id = g_strdup_printf ("%04d", i);
      fixture_begin (fixture->store, fixture_reload (id, "calculator", 'a', 'b'), NULL);
      fixture_do_commit (fixture->store,
                         fixture_commit (id, "calculator", i % 2 == 0 ? 'a' : 'b', 1, "state"), NULL, NULL);
      fixture_do_end (fixture->store, fixture_end (id, "succeeded"), NULL);
    }
  g_test_message ("%.0f us a reload (three durable steps)", (double)(g_get_monotonic_time () - begin) / n);

  for (int i = 0; i < 100; i++)
    {
      g_autofree char *module = g_strdup_printf ("module-%d", i);
      ColletCommit *one = fixture_commit (NULL, module, 'a', 1, NULL);

      g_ptr_array_extend_and_steal (commit->artifacts, g_steal_pointer (&one->artifacts));
      g_ptr_array_extend_and_steal (commit->modules, g_steal_pointer (&one->modules));
      g_ptr_array_extend_and_steal (commit->tools, g_steal_pointer (&one->tools));
      collet_commit_free (one);
    }
  begin = g_get_monotonic_time ();
  fixture_do_commit (fixture->store, commit, NULL, NULL);
  g_test_message ("%.2f ms for a commit of 100 modules", (double)(g_get_monotonic_time () - begin) / 1000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function) g_test_add ("/store/" path, Fixture, NULL, set_up, function, tear_down)
  ADD ("image/a-new-database-is-empty", test_empty);
  ADD ("image/comes-back-as-it-was-written", test_image);
  ADD ("history/is-newest-first-with-how-it-ended", test_history);
  ADD ("history/gives-what-was-asked-for", test_history_query);
  ADD ("history/has-what-was-refused", test_refusal);
  ADD ("journal/refuses-what-was-not-begun-or-has-ended", test_journal_order);
  ADD ("update/a-changed-version-is-one-update-for-each-subscriber", test_updates);
  ADD ("update/tools-change-together-or-not-at-all", test_change_tools);
  ADD ("snapshot/keeps-the-newest-five-and-one-a-version", test_snapshots);
  ADD ("snapshot/keeps-those-of-a-running-reload", test_running_reload_keeps);
  ADD ("snapshot/discarded-state-does-not-come-back", test_discarded_state);
  ADD ("snapshot/holds-64-MiB-and-no-more", test_large_state);
  ADD ("request/answers-come-in-order-and-failures-stay-alone", test_group);
  ADD ("request/one-that-fails-half-way-leaves-nothing", test_half_way);
  ADD ("request/what-is-queued-is-done-before-the-close", test_closed);
  if (g_test_perf ())
    ADD ("request/cost", test_cost);
  return g_test_run ();
}
