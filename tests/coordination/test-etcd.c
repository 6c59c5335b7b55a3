/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One real member of etcd: what every implementation promises, and what is
 * peculiar to its gateway.
 */
#include "collet-error.h"
#include "collet-etcd.h"
#include "conformance.h"
#include "etcd-kit.h"
#include "lossy-proxy.h"

#include <string.h>

static EtcdKit *kit;

static ColletCoordination *
open_at (const char *const *endpoints)
{
  const ColletEtcdConfig config = { .endpoints = endpoints };
  g_autoptr (GError) error = NULL;
  ColletCoordination *handle = collet_etcd_new (&config, &error);

  g_assert_no_error (error);
  return handle;
}

static ColletCoordination *
open_handle (gpointer data)
{
  return open_at ((const char *const *)kit->endpoints);
}

static char *
post (const char *path, const char *body, guint expected_status)
{
  guint status;
  char *answer = etcd_kit_post (kit, 0, path, body, &status);

  if (status != expected_status)
    g_error ("%s: %u %s", path, status, answer);
  return answer;
}

/* ---- facts of the gateway that the code relies on ---- */

static void
test_fact_path (void)
{
  g_autofree char *answer = post ("/v3alpha/kv/range", "{\"key\":\"YQ==\"}", 404);
}

/* Why requests are written in one place and fixed byte for byte. */
static void
test_fact_unknown_field (void)
{
  g_autofree char *answer = post ("/v3/kv/txn",
                                  "{\"compares\":[{\"key\":\"YQ==\",\"target\":\"MOD\",\"result\":\"EQUAL\","
                                  "\"mod_revision\":\"1\"}],\"success\":[{\"request_put\":{\"key\":\"L3U=\","
                                  "\"value\":\"MQ==\"}}]}",
                                  200);
  g_assert_nonnull (strstr (answer, "\"succeeded\":true"));
}

static void
test_fact_not_succeeded (void)
{
  g_autofree char *answer =
      post ("/v3/kv/txn",
            "{\"compare\":[{\"key\":\"L25vbmU=\",\"target\":\"MOD\",\"result\":\"EQUAL\","
            "\"mod_revision\":\"1\"}]}",
            200);
  g_assert_null (strstr (answer, "succeeded"));
}

static void
test_fact_lease (void)
{
  g_autofree char *keepalive = post ("/v3/lease/keepalive", "{\"ID\":\"12345\"}", 200);
  g_autofree char *grant = post ("/v3/lease/grant", "{\"TTL\":\"1\"}", 200);

  g_assert_null (strstr (keepalive, "TTL"));
  g_assert_nonnull (strstr (grant, "\"TTL\":\"2\""));
}

static void
test_fact_duplicate (void)
{
  g_autofree char *answer = post ("/v3/kv/txn",
                                  "{\"success\":[{\"request_put\":{\"key\":\"YQ==\",\"value\":\"MQ==\"}},"
                                  "{\"request_put\":{\"key\":\"YQ==\",\"value\":\"Mg==\"}}]}",
                                  400);
  g_assert_nonnull (strstr (answer, "duplicate key"));
}

/* ---- sessions ---- */

typedef struct
{
  guint opened;
  guint lost;
  gboolean is_over;
} SessionLog;

static void
on_session (const GError *error, gpointer user_data)
{
  SessionLog *log = user_data;

  if (error != NULL)
    {
      g_assert_error (error, COLLET_ERROR, COLLET_ERROR_QUORUM_NOT_REACHED);
      log->lost++;
    }
  else
    {
      log->opened++;
    }
  g_assert_cmpuint (log->opened - log->lost, <=, 1);
  log->is_over = log->opened == 2;
}

static char *
put_leased (ColletCoordination *handle, const char *key)
{
  g_autoptr (ColletTxn) txn = collet_txn_new ();

  collet_txn_put_leased (txn, key, "x");
  collet_txn_get (txn, key);
  g_autoptr (ColletTxnReply) reply = conformance_run (handle, txn);
  return g_strdup (collet_txn_reply_find (reply, key)->session);
}

static void
revoke_lease (const char *lease)
{
  g_autofree char *body = g_strdup_printf ("{\"ID\":\"%s\"}", lease);
  g_autofree char *answer = post ("/v3/lease/revoke", body, 200);
}

/* As a leader that stalls may do: the keys are gone, the owner is told, and gets
 * another session. */
static void
test_session_lost (void)
{
  SessionLog log = { 0 };
  ColletCoordination *handle = open_handle (NULL);
  gboolean *opened = (gboolean *)&log.opened;

  collet_coordination_open_session (handle, 2, on_session, &log);
  conformance_wait (opened);
  g_autofree char *first = put_leased (handle, "/lost/a");
  revoke_lease (first);
  conformance_wait (&log.is_over);
  g_assert_cmpuint (log.lost, ==, 1);
  g_autofree char *gone = conformance_get (handle, "/lost/a");
  g_assert_null (gone);
  g_autofree char *second = put_leased (handle, "/lost/a");
  g_assert_cmpstr (second, !=, first);
  collet_coordination_free (handle);
}

/* Found by a write before the next keep-alive. */
static void
test_session_lost_at_write (void)
{
  SessionLog log = { 0 };
  ColletCoordination *handle = open_handle (NULL);
  gboolean *opened = (gboolean *)&log.opened;
  g_autoptr (ColletTxn) txn = collet_txn_new ();
  g_autoptr (GError) error = NULL;

  collet_coordination_open_session (handle, 60, on_session, &log);
  conformance_wait (opened);
  g_autofree char *lease = put_leased (handle, "/lost/b");
  revoke_lease (lease);
  collet_txn_put_leased (txn, "/lost/b", "y");
  collet_txn_put (txn, "/lost/c", "y");
  g_autoptr (ColletTxnReply) reply = conformance_try (handle, txn, &error);
  g_assert_null (reply);
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_STORE_FAILED);
  g_autofree char *nothing = conformance_get (handle, "/lost/c");
  g_assert_null (nothing);
  conformance_wait (&log.is_over);
  g_autofree char *again = put_leased (handle, "/lost/b");
  collet_coordination_free (handle);
}

/* ---- watches ---- */

static void
test_compaction (void)
{
  ColletCoordination *handle = open_handle (NULL);
  ConformanceWatch *watch = conformance_watch_new ();
  gint64 first = conformance_put (handle, "/compact/a", "1");
  gint64 last = conformance_put (handle, "/compact/a", "2");
  g_autofree char *body = g_strdup_printf ("{\"revision\":\"%" G_GINT64_FORMAT "\"}", last);
  g_autofree char *answer = post ("/v3/kv/compaction", body, 200);

  /* What stands is there, whatever was forgotten of how it came to be. */
  g_autoptr (ColletTxn) txn = collet_txn_new ();
  collet_txn_range_since (txn, "/compact/", first);
  collet_txn_count (txn, "/compact/");
  g_autoptr (ColletTxnReply) reply = conformance_run (handle, txn);
  g_assert_cmpuint (reply->rows->len, ==, 1);
  g_assert_cmpint (reply->count, ==, 1);
  collet_coordination_watch (handle, "/compact/", first, conformance_on_watch, watch);
  conformance_wait_seen (watch, 1);
  g_assert_cmpstr (watch->seen->pdata[0], ==, "again");
  conformance_put (handle, "/compact/b", "3");
  /* What still stands is told, and what comes. */
  conformance_wait_seen (watch, 3);
  g_assert_cmpstr (watch->seen->pdata[watch->seen->len - 1], ==, "put /compact/b 3");
  collet_coordination_free (handle);
  conformance_watch_free (watch);
}

/* ---- answers that are lost ---- */

static void
test_lost_reply (void)
{
  LossyProxy *proxy = lossy_proxy_new (kit->endpoints[0]);
  const char *const endpoints[] = { proxy->endpoint, NULL };
  ColletCoordination *handle = open_at (endpoints);

  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *key = g_strdup_printf ("/reply/%u", i);
      g_autoptr (ColletTxn) txn = collet_txn_new ();

      collet_txn_if_absent (txn, key);
      collet_txn_put (txn, key, "mine");
      collet_txn_else_get (txn, key);
      proxy->drop_next = 1 + (gint)i % 2;
      g_autoptr (ColletTxnReply) reply = conformance_run (handle, txn);
      /* It was carried out before its answer was lost, so the second time says no
       * and shows whose it is. */
      g_assert_false (reply->succeeded);
      g_assert_cmpstr (collet_txn_reply_find (reply, key)->value, ==, "mine");
      g_assert_cmpint (collet_txn_reply_find (reply, key)->create_rev, ==,
                       collet_txn_reply_find (reply, key)->mod_rev);
    }
  g_assert_cmpuint (proxy->dropped, ==, 30);
  collet_coordination_free (handle);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  lossy_proxy_free (proxy);
}

/* ---- configuration ---- */

static void
test_config (void)
{
  const char *const refused[] = {
    "http://10.0.0.1:2379",
    "http://example.org:2379",
    "https://127.0.0.1:2379",
    "127.0.0.1:2379",
    "",
    "ftp://127.0.0.1",
    "http://127.0.0.1:2379/v3",
    "http://127.0.0.1:99999",
    "http://127.0.0.1:2379?x",
  };

  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      const char *const endpoints[] = { refused[i], NULL };
      const ColletEtcdConfig config = { .endpoints = endpoints };
      g_autoptr (GError) error = NULL;

      g_assert_null (collet_etcd_new (&config, &error));
      g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT);
    }
}

/* Something that is no etcd. */
static void
test_wrong_server (void)
{
  const char *const endpoints[] = { "http://127.0.0.1:1", NULL };
  const ColletEtcdConfig config = { .endpoints = endpoints, .try_ms = 200, .give_up_ms = 500 };
  g_autoptr (GError) error = NULL;
  g_autoptr (ColletCoordination) handle = collet_etcd_new (&config, &error);
  g_autoptr (ColletTxn) txn = collet_txn_new ();
  ColletCoordinationStatus status = { 0 };

  g_autoptr (ColletTxnReply) reply = conformance_try (handle, txn, &error);
  g_assert_null (reply);
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_QUORUM_NOT_REACHED);
  g_assert_nonnull (strstr (error->message, "http://127.0.0.1:1"));
  collet_coordination_get_status (handle, &status);
  g_assert_false (status.is_reachable);
  g_assert_nonnull (strstr (status.message, "no cluster quorum since "));
  collet_coordination_status_clear (&status);
}

/* ---- a store that is full, one that went back: members of their own ---- */

static void
test_full (void)
{
  const char *const extra[] = { "--quota-backend-bytes", "2097152", NULL };
  EtcdKit *small = etcd_kit_new (1, "http", extra);
  ColletCoordination *handle = open_at ((const char *const *)small->endpoints);
  g_autofree char *large = g_strnfill (COLLET_TXN_MAX_VALUE, 'x');
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 64 && error == NULL; i++)
    {
      g_autofree char *key = g_strdup_printf ("/full/%u", i);
      g_autoptr (ColletTxn) txn = collet_txn_new ();

      collet_txn_put (txn, key, large);
      g_autoptr (ColletTxnReply) reply = conformance_try (handle, txn, &error);
    }
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_DISK_FULL);
  g_assert_nonnull (strstr (error->message, "cluster store out of space (etcd NOSPACE)"));
  g_assert_nonnull (strstr (error->message, "alarm disarm"));
  /* What is there can be read. */
  g_autofree char *still = conformance_get (handle, "/full/0");
  g_assert_nonnull (still);
  collet_coordination_free (handle);
  etcd_kit_free (small);
}

static void
test_went_back (void)
{
  EtcdKit *other = etcd_kit_new (1, "http", NULL);
  ColletCoordination *handle = open_at ((const char *const *)other->endpoints);
  ConformanceWatch *watch = conformance_watch_new ();
  g_autofree char *data = g_build_filename (other->folder, "m0", NULL);
  g_autofree char *command = g_strdup_printf ("rm -rf '%s'", data);

  for (guint i = 0; i < 5; i++)
    conformance_put (handle, "/back/a", "old");
  collet_coordination_watch (handle, "/back/", 1, conformance_on_watch, watch);
  conformance_wait_seen (watch, 5);
  etcd_kit_kill (other, 0);
  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL));
  etcd_kit_restart (other, 0);
  etcd_kit_wait_healthy (other, 0);
  conformance_wait_seen (watch, 6);
  g_assert_cmpstr (watch->seen->pdata[5], ==, "again");
  conformance_put (handle, "/back/a", "new");
  conformance_wait_seen (watch, 7);
  g_assert_cmpstr (watch->seen->pdata[6], ==, "put /back/a new");
  collet_coordination_free (handle);
  conformance_watch_free (watch);
  etcd_kit_free (other);
}

int
main (int argc, char **argv)
{
  static ConformanceBench bench = { open_handle, NULL };

  g_test_init (&argc, &argv, NULL);
  if (!etcd_kit_is_available ())
    {
      g_print ("1..0 # SKIP there is no etcd (Debian package etcd-server)\n");
      return 0;
    }
  kit = etcd_kit_new (1, "http", NULL);
  conformance_add ("etcd", &bench);
  g_test_add_func ("/coordination/gateway/has-no-v3alpha", test_fact_path);
  g_test_add_func ("/coordination/gateway/ignores-fields-that-it-does-not-know", test_fact_unknown_field);
  g_test_add_func ("/coordination/gateway/leaves-out-that-nothing-succeeded", test_fact_not_succeeded);
  g_test_add_func ("/coordination/gateway/answers-for-a-lease-that-ended", test_fact_lease);
  g_test_add_func ("/coordination/gateway/refuses-a-key-written-twice", test_fact_duplicate);
  g_test_add_func ("/coordination/etcd/a-lost-session-is-told-and-opened-again", test_session_lost);
  g_test_add_func ("/coordination/etcd/a-write-finds-that-the-session-is-lost", test_session_lost_at_write);
  g_test_add_func ("/coordination/etcd/compaction-is-told-and-the-watch-goes-on", test_compaction);
  g_test_add_func ("/coordination/etcd/a-lost-answer-does-nothing-twice", test_lost_reply);
  g_test_add_func ("/coordination/etcd/addresses-without-protection-are-refused", test_config);
  g_test_add_func ("/coordination/etcd/says-that-nobody-answers", test_wrong_server);
  g_test_add_func ("/coordination/etcd/says-that-the-store-is-full", test_full);
  g_test_add_func ("/coordination/etcd/says-that-the-store-went-back", test_went_back);
  int status = g_test_run ();

  etcd_kit_free (kit);
  return status;
}
