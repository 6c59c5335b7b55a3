/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The bytes that are sent to etcd, and what is made of those that come. etcd
 * ignores fields that it does not know, so each byte is fixed here.
 */
#include "collet-error.h"
#include "collet-etcd-json.h"

#include <string.h>

static void
test_txn (void)
{
  g_autoptr (ColletTxn) txn = collet_txn_new ();

  txn->session = g_strdup ("7587862094612345");
  collet_txn_if_absent (txn, "/a");
  collet_txn_if_revision (txn, "/b", 42);
  collet_txn_if_value (txn, "/c", "\"x\"");
  collet_txn_put (txn, "/a", "1");
  collet_txn_put_leased (txn, "/l", "");
  collet_txn_delete (txn, "/d");
  collet_txn_delete_prefix (txn, "/e/");
  collet_txn_get (txn, "/f");
  collet_txn_range (txn, "/g/");
  collet_txn_range_since (txn, "/i/", 1234567890123);
  collet_txn_count (txn, "/j/");
  collet_txn_else_get (txn, "/a");
  collet_txn_else_range (txn, "/h/");
  g_autofree char *text = collet_etcd_json_txn (txn);
  g_assert_cmpstr (text, ==,
                   "{\"compare\":["
                   "{\"key\":\"L2E=\",\"result\":\"EQUAL\",\"target\":\"MOD\",\"mod_revision\":\"0\"},"
                   "{\"key\":\"L2I=\",\"result\":\"EQUAL\",\"target\":\"MOD\",\"mod_revision\":\"42\"},"
                   "{\"key\":\"L2M=\",\"result\":\"EQUAL\",\"target\":\"VALUE\",\"value\":\"Ingi\"}],"
                   "\"success\":["
                   "{\"request_put\":{\"key\":\"L2E=\",\"value\":\"MQ==\"}},"
                   "{\"request_put\":{\"key\":\"L2w=\",\"value\":\"\",\"lease\":\"7587862094612345\"}},"
                   "{\"request_delete_range\":{\"key\":\"L2Q=\"}},"
                   "{\"request_delete_range\":{\"key\":\"L2Uv\",\"range_end\":\"L2Uw\"}},"
                   "{\"request_range\":{\"key\":\"L2Y=\"}},"
                   "{\"request_range\":{\"key\":\"L2cv\",\"range_end\":\"L2cw\"}},"
                   "{\"request_range\":{\"key\":\"L2kv\",\"range_end\":\"L2kw\","
                   "\"min_mod_revision\":\"1234567890123\"}},"
                   "{\"request_range\":{\"key\":\"L2ov\",\"range_end\":\"L2ow\",\"count_only\":true}}],"
                   "\"failure\":["
                   "{\"request_range\":{\"key\":\"L2E=\"}},"
                   "{\"request_range\":{\"key\":\"L2gv\",\"range_end\":\"L2gw\"}}]}");

  g_autoptr (ColletTxn) nothing = collet_txn_new ();
  g_autofree char *empty = collet_etcd_json_txn (nothing);
  g_assert_cmpstr (empty, ==, "{\"compare\":[],\"success\":[],\"failure\":[]}");
}

static void
test_others (void)
{
  g_autofree char *watch = collet_etcd_json_watch ("/a/", 7);
  g_autofree char *newest = collet_etcd_json_newest ("/a/");
  g_autofree char *grant = collet_etcd_json_grant (10);
  g_autofree char *lease = collet_etcd_json_lease ("123");

  g_assert_cmpstr (watch, ==,
                   "{\"create_request\":{\"key\":\"L2Ev\",\"range_end\":\"L2Ew\",\"start_revision\":\"7\"}}");
  g_assert_cmpstr (newest, ==,
                   "{\"key\":\"L2Ev\",\"range_end\":\"L2Ew\",\"limit\":\"1\",\"sort_order\":\"DESCEND\","
                   "\"sort_target\":\"MOD\",\"keys_only\":true}");
  g_assert_cmpstr (grant, ==, "{\"TTL\":\"10\"}");
  g_assert_cmpstr (lease, ==, "{\"ID\":\"123\"}");
}

#define HEADER "\"header\":{\"cluster_id\":\"14841639068965178418\",\"revision\":\"9\"}"

static ColletJson *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  ColletJson *json = collet_json_parse (text, -1, &error);

  g_assert_no_error (error);
  return json;
}

static void
test_read_txn (void)
{
  g_autoptr (ColletTxn) txn = collet_txn_new ();
  g_autoptr (GError) error = NULL;

  collet_txn_put (txn, "/a", "1");
  collet_txn_range (txn, "/a");
  g_autoptr (ColletJson) json = parse (
      "{" HEADER ",\"succeeded\":true,\"responses\":[{\"response_put\":{\"header\":{}}},"
      "{\"response_range\":{\"kvs\":[{\"key\":\"L2E=\",\"create_revision\":\"2\",\"mod_revision\":\"9\","
      "\"version\":\"2\",\"value\":\"MQ==\",\"lease\":\"5\"},{\"key\":\"L2I=\"}],\"count\":\"2\"}}]}");
  g_autoptr (ColletTxnReply) reply = collet_etcd_json_read_txn (json, txn, &error);
  g_assert_no_error (error);
  g_assert_true (reply->succeeded);
  g_assert_cmpint (reply->revision, ==, 9);
  g_assert_cmpstr (reply->store_id, ==, "14841639068965178418");
  g_assert_cmpuint (reply->rows->len, ==, 2);
  const ColletKeyValue *row = reply->rows->pdata[0];
  g_assert_cmpstr (row->key, ==, "/a");
  g_assert_cmpstr (row->value, ==, "1");
  g_assert_cmpint (row->create_rev, ==, 2);
  g_assert_cmpint (row->mod_rev, ==, 9);
  g_assert_cmpstr (row->session, ==, "5");
  g_assert_cmpstr (((ColletKeyValue *)reply->rows->pdata[1])->value, ==, "");
  g_assert_null (((ColletKeyValue *)reply->rows->pdata[1])->session);

  /* A count that is 0 is left out. */
  g_autoptr (ColletTxn) counted = collet_txn_new ();
  collet_txn_count (counted, "/a");
  g_autoptr (ColletJson) some =
      parse ("{" HEADER ",\"succeeded\":true,\"responses\":[{\"response_range\":{\"count\":\"26000\"}}]}");
  g_autoptr (ColletTxnReply) many = collet_etcd_json_read_txn (some, counted, &error);
  g_assert_no_error (error);
  g_assert_cmpint (many->count, ==, 26000);
  g_autoptr (ColletJson) empty =
      parse ("{" HEADER ",\"succeeded\":true,\"responses\":[{\"response_range\":{}}]}");
  g_autoptr (ColletTxnReply) none = collet_etcd_json_read_txn (empty, counted, &error);
  g_assert_no_error (error);
  g_assert_cmpint (none->count, ==, 0);
  g_autoptr (ColletJson) wrong =
      parse ("{" HEADER ",\"succeeded\":true,\"responses\":[{\"response_range\":{\"count\":\"x\"}}]}");
  g_autoptr (GError) refusal = NULL;
  g_assert_null (collet_etcd_json_read_txn (wrong, counted, &refusal));
  g_assert_error (refusal, COLLET_ERROR, COLLET_ERROR_STORE_FAILED);

  /* A failed compare leaves "succeeded" out. */
  g_autoptr (ColletJson) failed = parse ("{" HEADER "}");
  g_autoptr (ColletTxnReply) not_done = collet_etcd_json_read_txn (failed, txn, &error);
  g_assert_no_error (error);
  g_assert_false (not_done->succeeded);
}

static void
test_read_nonsense (void)
{
  const char *const texts[] = {
    "[]",
    "{}",
    "{\"succeeded\":true}",
    "{\"header\":{\"revision\":\"9\"}}",
    "{\"header\":{\"cluster_id\":\"1\",\"revision\":\"x\"}}",
    "{" HEADER ",\"succeeded\":true}",
    "{" HEADER ",\"succeeded\":true,\"responses\":[{},{}]}",
    "{" HEADER ",\"succeeded\":true,\"responses\":[{\"response_range\":{\"kvs\":[{\"key\":7}]}}]}",
    "{" HEADER ",\"succeeded\":true,\"responses\":[{\"response_range\":{\"kvs\":[{\"key\":\"/w==\"}]}}]}",
    "{" HEADER ",\"succeeded\":true,\"responses\":[{\"response_range\":{\"kvs\":[{\"key\":\"AGE=\"}]}}]}",
    "{" HEADER ",\"succeeded\":true,\"responses\":[{\"response_range\":{\"kvs\":[{\"key\":\"YQ==\","
    "\"mod_revision\":\"99999999999999999999\"}]}}]}",
  };
  g_autoptr (ColletTxn) txn = collet_txn_new ();

  collet_txn_range (txn, "/a");
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (ColletJson) json = parse (texts[i]);
      g_autoptr (GError) error = NULL;
      g_autoptr (ColletTxnReply) reply = collet_etcd_json_read_txn (json, txn, &error);

      g_assert_null (reply);
      g_assert_error (error, COLLET_ERROR, COLLET_ERROR_STORE_FAILED);
    }
}

static void
test_read_watch (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ColletJson) json =
      parse ("{\"result\":{" HEADER
             ",\"events\":[{\"kv\":{\"key\":\"L2E=\",\"create_revision\":\"9\",\"mod_revision\":"
             "\"9\",\"version\":\"1\",\"value\":\"MQ==\"}},{\"type\":\"DELETE\",\"kv\":{\"key\":\"L2I=\","
             "\"mod_revision\":\"9\"}}]}}");
  g_autoptr (ColletEtcdWatchLine) line = collet_etcd_json_read_watch (json, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (line->changes->len, ==, 2);
  g_assert_cmpstr (((ColletKeyValue *)line->changes->pdata[0])->value, ==, "1");
  g_assert_null (((ColletKeyValue *)line->changes->pdata[1])->value);
  g_assert_cmpstr (((ColletKeyValue *)line->changes->pdata[1])->key, ==, "/b");

  g_autoptr (ColletJson) compacted =
      parse ("{\"result\":{" HEADER ",\"canceled\":true,\"compact_revision\":\"8\"}}");
  g_autoptr (ColletEtcdWatchLine) end = collet_etcd_json_read_watch (compacted, &error);
  g_assert_no_error (error);
  g_assert_true (end->is_canceled);
  g_assert_cmpint (end->compact_revision, ==, 8);

  g_autoptr (ColletJson) nonsense = parse ("{\"error\":{\"message\":\"no\"}}");
  g_assert_null (collet_etcd_json_read_watch (nonsense, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_STORE_FAILED);
}

static void
test_read_lease (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *lease = NULL;
  gint64 ttl = -1;
  g_autoptr (ColletJson) granted = parse ("{" HEADER ",\"ID\":\"77\",\"TTL\":\"10\"}");
  g_assert_true (collet_etcd_json_read_lease (granted, &lease, &ttl, &error));
  g_assert_cmpstr (lease, ==, "77");
  g_assert_cmpint (ttl, ==, 10);

  g_autoptr (ColletJson) gone = parse ("{\"result\":{" HEADER ",\"ID\":\"77\"}}");
  g_assert_true (collet_etcd_json_read_lease (gone, &lease, &ttl, &error));
  g_assert_cmpint (ttl, ==, 0);

  g_autoptr (ColletJson) hostile = parse ("{" HEADER ",\"ID\":\"1\\\",\\\"x\",\"TTL\":\"10\"}");
  g_assert_false (collet_etcd_json_read_lease (hostile, &lease, &ttl, &error));
}

static void
test_read_errors (void)
{
  const struct
  {
    const char *text; /* NULL: no JSON */
    guint status;
    ColletEtcdVerdict verdict;
    int code;
    const char *says;
  } cases[] = {
    { "{\"error\":\"e\",\"message\":\"etcdserver: mvcc: database space exceeded\",\"code\":8}", 429,
      COLLET_ETCD_FINAL, COLLET_ERROR_DISK_FULL, "cluster store out of space (etcd NOSPACE)" },
    { "{\"message\":\"etcdserver: too many requests\",\"code\":8}", 429, COLLET_ETCD_ELSEWHERE,
      COLLET_ERROR_QUORUM_NOT_REACHED, "too many requests" },
    { "{\"message\":\"etcdserver: no leader\",\"code\":14}", 503, COLLET_ETCD_ELSEWHERE,
      COLLET_ERROR_QUORUM_NOT_REACHED, "no leader" },
    { "{\"message\":\"etcdserver: duplicate key given in txn request\",\"code\":3}", 400, COLLET_ETCD_FINAL,
      COLLET_ERROR_INVALID_ARGUMENT, "duplicate key" },
    { "{\"message\":\"etcdserver: requested lease not found\",\"code\":5}", 404, COLLET_ETCD_FINAL,
      COLLET_ERROR_NOT_FOUND, "lease not found" },
    { "{\"message\":\"no\",\"code\":16}", 401, COLLET_ETCD_FINAL, COLLET_ERROR_NOT_AUTHORIZED,
      "certificate" },
    { NULL, 404, COLLET_ETCD_ELSEWHERE, COLLET_ERROR_QUORUM_NOT_REACHED, "HTTP status 404" },
    { "[1]", 500, COLLET_ETCD_ELSEWHERE, COLLET_ERROR_QUORUM_NOT_REACHED, "HTTP status 500" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ColletJson) json = cases[i].text != NULL ? parse (cases[i].text) : NULL;
      g_autoptr (GError) error = NULL;

      g_assert_cmpint (collet_etcd_json_read_error (json, cases[i].status, &error), ==, cases[i].verdict);
      g_assert_error (error, COLLET_ERROR, cases[i].code);
      g_assert_nonnull (strstr (error->message, cases[i].says));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/coordination/etcd-json/a-transaction-byte-for-byte", test_txn);
  g_test_add_func ("/coordination/etcd-json/other-requests-byte-for-byte", test_others);
  g_test_add_func ("/coordination/etcd-json/reads-a-transaction", test_read_txn);
  g_test_add_func ("/coordination/etcd-json/refuses-nonsense", test_read_nonsense);
  g_test_add_func ("/coordination/etcd-json/reads-a-watch", test_read_watch);
  g_test_add_func ("/coordination/etcd-json/reads-a-lease", test_read_lease);
  g_test_add_func ("/coordination/etcd-json/tells-final-errors-from-others", test_read_errors);
  return g_test_run ();
}
