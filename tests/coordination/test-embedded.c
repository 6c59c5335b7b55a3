/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-embedded.h"
#include "collet-row-keeper.h"
#include "conformance.h"
#include "memory-rows.h"
#include "store-fixture.h"

static ColletCoordination *
open_handle (gpointer data)
{
  return collet_embedded_new (data);
}

/* ---- what only embedded does ---- */

static void
test_old (void)
{
  MemoryRows *rows = memory_rows_new ();
  ColletEmbeddedHub *hub = collet_embedded_hub_new (&rows->base);
  ColletCoordination *handle = collet_embedded_new (hub);
  ConformanceWatch *watch = conformance_watch_new ();
  gint64 first = conformance_put (handle, "/old/a", "1");

  for (guint i = 0; i < COLLET_EMBEDDED_LOG; i++)
    conformance_put (handle, "/other", "1");
  collet_coordination_watch (handle, "/old/", first, conformance_on_watch, watch);
  conformance_wait_seen (watch, 1);
  g_assert_cmpstr (watch->seen->pdata[0], ==, "again");
  conformance_put (handle, "/old/b", "2");
  conformance_wait_seen (watch, 2);
  g_assert_cmpstr (watch->seen->pdata[1], ==, "put /old/b 2");
  collet_coordination_free (handle);
  collet_embedded_hub_unref (hub);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  conformance_watch_free (watch);
  memory_rows_free (rows);
}

/* Rows outlive the process, sessions do not. */
static void
test_restart (void)
{
  char *folder = fixture_folder_new ();
  g_autofree char *store_ids[2] = { 0 };

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (ColletStoreImage) image = NULL;
      ColletStore *store = fixture_open (folder, &image);
      ColletRowKeeper *keeper = collet_row_keeper_new (store);
      ColletEmbeddedHub *hub = collet_embedded_hub_new (collet_row_keeper_get_rows (keeper));
      ColletCoordination *handle = collet_embedded_new (hub);
      g_autofree char *stays = conformance_get (handle, "/restart/stays");
      g_autofree char *goes = conformance_get (handle, "/restart/goes");
      ColletCoordinationStatus status = { 0 };

      g_assert_cmpstr (stays, ==, i == 0 ? NULL : "1");
      g_assert_null (goes);
      conformance_put (handle, "/restart/stays", "1");
      /* As kill -9 leaves it: the session is never told. */
      g_assert_null (fixture_sql (folder, "INSERT OR REPLACE INTO coordination VALUES ('/restart/goes', 'x', "
                                          "3, 3, 'session')"));
      g_autofree char *there = conformance_get (handle, "/restart/goes");
      g_assert_cmpstr (there, ==, "x");
      collet_coordination_get_status (handle, &status);
      store_ids[i] = g_steal_pointer (&status.store_id);
      collet_coordination_free (handle);
      collet_embedded_hub_unref (hub);
      while (g_main_context_iteration (NULL, FALSE))
        ;
      collet_row_keeper_free (keeper);
      fixture_close (store);
    }
  g_assert_cmpstr (store_ids[0], ==, store_ids[1]);
  g_free (g_steal_pointer (&store_ids[1]));
  fixture_folder_free (folder);
}

static void
on_failed (const ColletTxnReply *reply, const GError *error, gpointer user_data)
{
  g_assert_null (reply);
  g_assert_nonnull (error);
  *(gboolean *)user_data = TRUE;
}

/* A store that says no, as with a full disk. */
static void
refuse_run (ColletRowStore *base, const ColletTxn *txn, ColletTxnDone done, gpointer user_data)
{
  g_autoptr (GError) error = g_error_new (G_FILE_ERROR, G_FILE_ERROR_NOSPC, "no space left");

  done (NULL, error, user_data);
}

static void
test_failure (void)
{
  static const ColletRowStoreClass class_ = { .run = refuse_run };
  ColletRowStore rows = { &class_ };
  ColletEmbeddedHub *hub = collet_embedded_hub_new (&rows);
  ColletCoordination *handle = collet_embedded_new (hub);
  ColletCoordinationStatus status = { 0 };
  g_autoptr (ColletTxn) txn = collet_txn_new ();
  gboolean is_done = FALSE;

  collet_coordination_txn (handle, txn, on_failed, &is_done);
  conformance_wait (&is_done);
  collet_coordination_get_status (handle, &status);
  g_assert_false (status.is_reachable);
  g_assert_cmpstr (status.message, ==, "no space left");
  collet_coordination_status_clear (&status);
  collet_coordination_free (handle);
  collet_embedded_hub_unref (hub);
}

int
main (int argc, char **argv)
{
  ConformanceBench in_memory = { open_handle, NULL };
  ConformanceBench in_database = { open_handle, NULL };
  MemoryRows *rows = memory_rows_new ();
  char *folder = fixture_folder_new ();
  g_autoptr (ColletStoreImage) image = NULL;
  ColletStore *store = fixture_open (folder, &image);
  ColletRowKeeper *keeper = collet_row_keeper_new (store);

  g_test_init (&argc, &argv, NULL);
  in_memory.data = collet_embedded_hub_new (&rows->base);
  in_database.data = collet_embedded_hub_new (collet_row_keeper_get_rows (keeper));
  conformance_add ("memory", &in_memory);
  conformance_add ("database", &in_database);
  g_test_add_func ("/coordination/embedded/a-watch-from-too-long-ago-is-told-so", test_old);
  g_test_add_func ("/coordination/embedded/rows-outlive-a-restart-but-no-session", test_restart);
  g_test_add_func ("/coordination/embedded/a-store-that-fails-is-said", test_failure);
  int status = g_test_run ();

  collet_embedded_hub_unref (in_memory.data);
  collet_embedded_hub_unref (in_database.data);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  memory_rows_free (rows);
  collet_row_keeper_free (keeper);
  fixture_close (store);
  fixture_folder_free (folder);
  return status;
}
