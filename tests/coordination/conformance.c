/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "conformance.h"

#include "collet-error.h"

#include <string.h>

typedef struct
{
  ColletCoordination *handle;
  ConformanceBench *bench;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->bench = (ConformanceBench *)data;
  fixture->handle = fixture->bench->open (fixture->bench->data);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  collet_coordination_free (fixture->handle);
}

/* ---- transactions ---- */

static void
test_absent (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ColletTxn) txn = collet_txn_new ();

  collet_txn_if_absent (txn, "/absent/a");
  collet_txn_put (txn, "/absent/a", "first");
  collet_txn_else_get (txn, "/absent/a");
  g_autoptr (ColletTxnReply) first = conformance_run (fixture->handle, txn);
  g_assert_true (first->succeeded);
  g_assert_cmpuint (first->rows->len, ==, 0);

  /* The same again, as after a reply that was lost: it is not done twice, and the
   * answer shows what stands there. */
  g_autoptr (ColletTxnReply) second = conformance_run (fixture->handle, txn);
  g_assert_false (second->succeeded);
  g_assert_cmpint (second->revision, ==, first->revision);
  const ColletKeyValue *row = collet_txn_reply_find (second, "/absent/a");
  g_assert_nonnull (row);
  g_assert_cmpstr (row->value, ==, "first");
  g_assert_cmpint (row->mod_rev, ==, first->revision);
  g_assert_cmpint (row->create_rev, ==, first->revision);
  g_assert_null (row->session);
}

static void
test_compares (Fixture *fixture, gconstpointer data)
{
  gint64 revision = conformance_put (fixture->handle, "/compare/a", "one");
  const struct
  {
    gint64 mod_rev;
    const char *value;
    const char *key;
    gboolean holds;
  } cases[] = {
    { revision, NULL, "/compare/a", TRUE },     { revision + 1, NULL, "/compare/a", FALSE },
    { 0, NULL, "/compare/a", FALSE },           { 0, NULL, "/compare/none", TRUE },
    { revision, NULL, "/compare/none", FALSE }, { -1, "one", "/compare/a", TRUE },
    { -1, "on", "/compare/a", FALSE },          { -1, "", "/compare/none", FALSE },
    { -1, "one", "/compare/", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ColletTxn) txn = collet_txn_new ();

      if (cases[i].mod_rev >= 0)
        collet_txn_if_revision (txn, cases[i].key, cases[i].mod_rev);
      else
        collet_txn_if_value (txn, cases[i].key, cases[i].value);
      g_autoptr (ColletTxnReply) reply = conformance_run (fixture->handle, txn);
      g_assert_cmpint (reply->succeeded, ==, cases[i].holds);
      g_assert_cmpint (reply->revision, ==, revision);
    }
}

static void
test_all_or_nothing (Fixture *fixture, gconstpointer data)
{
  gint64 revision = conformance_put (fixture->handle, "/all/a", "1");
  g_autoptr (ColletTxn) txn = collet_txn_new ();

  collet_txn_if_value (txn, "/all/a", "1");
  collet_txn_if_absent (txn, "/all/a"); /* both must hold */
  collet_txn_put (txn, "/all/a", "2");
  collet_txn_put (txn, "/all/b", "2");
  g_autoptr (ColletTxnReply) reply = conformance_run (fixture->handle, txn);
  g_assert_false (reply->succeeded);
  g_assert_cmpint (reply->revision, ==, revision);
  g_autofree char *a = conformance_get (fixture->handle, "/all/a");
  g_autofree char *b = conformance_get (fixture->handle, "/all/b");
  g_assert_cmpstr (a, ==, "1");
  g_assert_null (b);
}

static void
test_revisions (Fixture *fixture, gconstpointer data)
{
  gint64 first = conformance_put (fixture->handle, "/rev/a", "1");
  g_autoptr (ColletTxn) txn = collet_txn_new ();

  collet_txn_put (txn, "/rev/a", "2");
  collet_txn_put (txn, "/rev/b", "2");
  collet_txn_range (txn, "/rev/"); /* sees what was just done */
  g_autoptr (ColletTxnReply) reply = conformance_run (fixture->handle, txn);
  g_assert_cmpint (reply->revision, ==, first + 1);
  g_assert_cmpuint (reply->rows->len, ==, 2);
  const ColletKeyValue *a = reply->rows->pdata[0];
  const ColletKeyValue *b = reply->rows->pdata[1];
  g_assert_cmpstr (a->key, ==, "/rev/a");
  g_assert_cmpint (a->create_rev, ==, first);
  g_assert_cmpint (a->mod_rev, ==, first + 1);
  g_assert_cmpint (b->create_rev, ==, first + 1);

  /* What changes nothing makes no revision. */
  g_autoptr (ColletTxn) nothing = collet_txn_new ();
  collet_txn_delete (nothing, "/rev/none");
  collet_txn_delete_prefix (nothing, "/rev/none/");
  g_autoptr (ColletTxnReply) same = conformance_run (fixture->handle, nothing);
  g_assert_true (same->succeeded);
  g_assert_cmpint (same->revision, ==, first + 1);
}

static void
test_range (Fixture *fixture, gconstpointer data)
{
  const char *const keys[] = { "/range/b", "/range/a", "/range/a/b", "/range0", "/rangf", "/range/~" };
  const char *const expected[] = { "/range/a", "/range/a/b", "/range/b", "/range/~" };
  g_autoptr (ColletTxn) txn = collet_txn_new ();

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    conformance_put (fixture->handle, keys[i], keys[i]);
  collet_txn_range (txn, "/range/");
  collet_txn_get (txn, "/rangf");
  g_autoptr (ColletTxnReply) reply = conformance_run (fixture->handle, txn);
  g_assert_cmpuint (reply->rows->len, ==, 5);
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    {
      g_assert_cmpstr (((ColletKeyValue *)reply->rows->pdata[i])->key, ==, expected[i]);
      g_assert_cmpstr (((ColletKeyValue *)reply->rows->pdata[i])->value, ==, expected[i]);
    }
  g_assert_cmpstr (((ColletKeyValue *)reply->rows->pdata[4])->key, ==, "/rangf");
}

static void
test_since (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ColletTxn) txn = collet_txn_new ();
  g_autoptr (ColletTxn) removal = collet_txn_new ();
  gint64 since;

  conformance_put (fixture->handle, "/since/old", "1");
  conformance_put (fixture->handle, "/since/changed", "1");
  since = conformance_put (fixture->handle, "/since/new", "1");
  conformance_put (fixture->handle, "/since/changed", "2");
  conformance_put (fixture->handle, "/since/gone", "1");
  conformance_put (fixture->handle, "/sincf", "1");
  collet_txn_delete (removal, "/since/gone");
  g_autoptr (ColletTxnReply) removed = conformance_run (fixture->handle, removal);

  collet_txn_range_since (txn, "/since/", since);
  collet_txn_count (txn, "/since/");
  g_autoptr (ColletTxnReply) reply = conformance_run (fixture->handle, txn);
  g_assert_cmpint (reply->revision, >=, removed->revision);
  g_assert_cmpuint (reply->rows->len, ==, 2);
  g_assert_cmpstr (((ColletKeyValue *)reply->rows->pdata[0])->key, ==, "/since/changed");
  g_assert_cmpstr (((ColletKeyValue *)reply->rows->pdata[0])->value, ==, "2");
  g_assert_cmpstr (((ColletKeyValue *)reply->rows->pdata[1])->key, ==, "/since/new");
  g_assert_cmpint (reply->count, ==, 3);

  g_autoptr (ColletTxn) later = collet_txn_new ();
  collet_txn_range_since (later, "/since/", reply->revision + 1);
  collet_txn_count (later, "/since/none/");
  g_autoptr (ColletTxnReply) nothing = conformance_run (fixture->handle, later);
  g_assert_cmpuint (nothing->rows->len, ==, 0);
  g_assert_cmpint (nothing->count, ==, 0);
}

static void
test_remove (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ColletTxn) txn = collet_txn_new ();

  conformance_put (fixture->handle, "/remove/a", "1");
  conformance_put (fixture->handle, "/remove/b/c", "1");
  conformance_put (fixture->handle, "/remove/b/d", "1");
  conformance_put (fixture->handle, "/remove/e", "1");
  collet_txn_delete (txn, "/remove/a");
  collet_txn_delete_prefix (txn, "/remove/b/");
  collet_txn_range (txn, "/remove/");
  g_autoptr (ColletTxnReply) reply = conformance_run (fixture->handle, txn);
  g_assert_cmpuint (reply->rows->len, ==, 1);
  g_assert_cmpstr (((ColletKeyValue *)reply->rows->pdata[0])->key, ==, "/remove/e");

  /* One that comes back is a new one. */
  gint64 again = conformance_put (fixture->handle, "/remove/a", "2");
  g_autoptr (ColletTxn) look = collet_txn_new ();
  collet_txn_get (look, "/remove/a");
  g_autoptr (ColletTxnReply) found = conformance_run (fixture->handle, look);
  g_assert_cmpint (collet_txn_reply_find (found, "/remove/a")->create_rev, ==, again);
}

static void
test_values (Fixture *fixture, gconstpointer data)
{
  g_autofree char *large = g_strnfill (COLLET_TXN_MAX_VALUE, 'x');
  const char *const values[] = { "", "{\"a\":\"\\u0001\\\\\"}", "\n\t\r\x01\x7f", "äöü ✓ 𝄞", "YQ==", large };

  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    {
      g_autofree char *key = g_strdup_printf ("/value/%u!\"#$%%&'()*+,-.:;<=>?@[\\]^_`{|}~", i);

      conformance_put (fixture->handle, key, values[i]);
      g_autofree char *found = conformance_get (fixture->handle, key);
      g_assert_cmpstr (found, ==, values[i]);

      g_autoptr (ColletTxn) txn = collet_txn_new ();
      collet_txn_if_value (txn, key, values[i]);
      g_autoptr (ColletTxnReply) reply = conformance_run (fixture->handle, txn);
      g_assert_true (reply->succeeded);
    }
}

static void
expect_refused (Fixture *fixture, const ColletTxn *txn)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ColletTxnReply) reply = conformance_try (fixture->handle, txn, &error);

  g_assert_null (reply);
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT);
}

static void
test_refused (Fixture *fixture, gconstpointer data)
{
  g_autofree char *too_large = g_strnfill (COLLET_TXN_MAX_VALUE + 1, 'x');
  g_autofree char *too_long = g_strnfill (COLLET_TXN_MAX_KEY + 1, 'k');
  const char *const pairs[][2] = {
    { "", "x" },       { "/bad key", "x" },   { "/bad\xc3\xa4", "x" },
    { too_long, "x" }, { "/bad", too_large }, { "/bad", "\xff" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (pairs); i++)
    {
      g_autoptr (ColletTxn) txn = collet_txn_new ();

      collet_txn_put (txn, pairs[i][0], pairs[i][1]);
      expect_refused (fixture, txn);
    }

  g_autoptr (ColletTxn) twice = collet_txn_new ();
  collet_txn_put (twice, "/bad", "1");
  collet_txn_put (twice, "/bad", "2");
  expect_refused (fixture, twice);

  g_autoptr (ColletTxn) both = collet_txn_new ();
  collet_txn_put (both, "/bad/a", "1");
  collet_txn_delete_prefix (both, "/bad/");
  expect_refused (fixture, both);

  g_autoptr (ColletTxn) leased = collet_txn_new ();
  collet_txn_put_leased (leased, "/bad", "without a session");
  expect_refused (fixture, leased);

  g_autoptr (ColletTxn) long_one = collet_txn_new ();
  for (guint i = 0; i <= COLLET_TXN_MAX_OPS; i++)
    {
      g_autofree char *key = g_strdup_printf ("/bad/%u", i);

      collet_txn_put (long_one, key, "x");
    }
  expect_refused (fixture, long_one);
  g_autofree char *nothing = conformance_get (fixture->handle, "/bad");
  g_assert_null (nothing);
}

typedef struct
{
  guint answers;
  guint winners;
  gboolean is_over;
} Race;

static void
on_racer (const ColletTxnReply *reply, const GError *error, gpointer user_data)
{
  Race *race = user_data;

  g_assert_no_error (error);
  race->winners += reply->succeeded;
  race->is_over = ++race->answers == 32;
}

static void
test_race (Fixture *fixture, gconstpointer data)
{
  ColletCoordination *handles[4];
  Race race = { 0 };

  for (guint i = 0; i < 4; i++)
    handles[i] = fixture->bench->open (fixture->bench->data);
  for (guint i = 0; i < 32; i++)
    {
      g_autoptr (ColletTxn) txn = collet_txn_new ();
      g_autofree char *value = g_strdup_printf ("%u", i);

      collet_txn_if_absent (txn, "/race/a");
      collet_txn_put (txn, "/race/a", value);
      collet_coordination_txn (handles[i % 4], txn, on_racer, &race);
    }
  conformance_wait (&race.is_over);
  g_assert_cmpuint (race.winners, ==, 1);
  for (guint i = 0; i < 4; i++)
    collet_coordination_free (handles[i]);
}

/* ---- watches ---- */

static void
test_watch (Fixture *fixture, gconstpointer data)
{
  ConformanceWatch *watch = conformance_watch_new ();
  g_autoptr (ColletCoordination) other = fixture->bench->open (fixture->bench->data);
  gint64 from = conformance_put (fixture->handle, "/watch/before", "1");
  g_autoptr (ColletTxn) txn = collet_txn_new ();

  collet_coordination_watch (fixture->handle, "/watch/", from + 1, conformance_on_watch, watch);
  conformance_put (other, "/watch/a", "1");
  conformance_put (other, "/watched", "not asked for");
  collet_txn_put (txn, "/watch/b", "2");
  collet_txn_delete (txn, "/watch/a");
  g_autoptr (ColletTxnReply) reply = conformance_run (other, txn);
  conformance_wait_seen (watch, 3);
  g_assert_cmpstr (watch->seen->pdata[0], ==, "put /watch/a 1");
  g_assert_cmpstr (watch->seen->pdata[1], ==, "put /watch/b 2");
  g_assert_cmpstr (watch->seen->pdata[2], ==, "delete /watch/a");
  g_assert_cmpint (watch->revision, >=, reply->revision);
  collet_coordination_free (fixture->handle);
  fixture->handle = fixture->bench->open (fixture->bench->data);
  g_assert_cmpuint (watch->seen->len, ==, 3);
  conformance_watch_free (watch);
}

static void
test_resume (Fixture *fixture, gconstpointer data)
{
  ConformanceWatch *watch = conformance_watch_new ();
  gint64 from = conformance_put (fixture->handle, "/resume/a", "1");

  conformance_put (fixture->handle, "/resume/a", "2");
  conformance_put (fixture->handle, "/resume/b", "3");
  guint id = collet_coordination_watch (fixture->handle, "/resume/", from + 1, conformance_on_watch, watch);
  conformance_wait_seen (watch, 2);
  g_assert_cmpstr (watch->seen->pdata[0], ==, "put /resume/a 2");
  g_assert_cmpstr (watch->seen->pdata[1], ==, "put /resume/b 3");

  collet_coordination_unwatch (fixture->handle, id);
  conformance_put (fixture->handle, "/resume/a", "4");
  /* Another watch sees it, so the first one had its chance. */
  ConformanceWatch *last = conformance_watch_new ();
  collet_coordination_watch (fixture->handle, "/resume/", from + 3, conformance_on_watch, last);
  conformance_wait_seen (last, 1);
  g_assert_cmpuint (watch->seen->len, ==, 2);
  collet_coordination_free (g_steal_pointer (&fixture->handle));
  conformance_watch_free (last);
  conformance_watch_free (watch);
}

/* ---- sessions ---- */

static void
test_session (Fixture *fixture, gconstpointer data)
{
  ConformanceWatch *watch = conformance_watch_new ();
  ColletCoordination *mortal = fixture->bench->open (fixture->bench->data);
  gint64 from = conformance_put (fixture->handle, "/session/stays", "1");
  g_autoptr (ColletTxn) txn = collet_txn_new ();

  conformance_open_session (fixture->handle, 10);
  conformance_open_session (mortal, 10);
  collet_txn_put_leased (txn, "/session/mine", "1");
  g_autoptr (ColletTxnReply) mine = conformance_run (fixture->handle, txn);
  g_autoptr (ColletTxn) other = collet_txn_new ();
  collet_txn_put_leased (other, "/session/goes", "1");
  collet_txn_put (other, "/session/stays", "2");
  collet_txn_get (other, "/session/goes");
  g_autoptr (ColletTxnReply) put = conformance_run (mortal, other);
  g_assert_nonnull (collet_txn_reply_find (put, "/session/goes")->session);

  collet_coordination_watch (fixture->handle, "/session/", from + 1, conformance_on_watch, watch);
  conformance_wait_seen (watch, 3);
  collet_coordination_free (mortal);
  conformance_wait_seen (watch, 4);
  g_assert_cmpstr (watch->seen->pdata[3], ==, "delete /session/goes");
  g_autofree char *stays = conformance_get (fixture->handle, "/session/stays");
  g_autofree char *still = conformance_get (fixture->handle, "/session/mine");
  g_assert_cmpstr (stays, ==, "2");
  g_assert_cmpstr (still, ==, "1");
  collet_coordination_free (g_steal_pointer (&fixture->handle));
  conformance_watch_free (watch);
}

static void
test_status (Fixture *fixture, gconstpointer data)
{
  ColletCoordinationStatus status = { 0 };
  gint64 revision = conformance_put (fixture->handle, "/status/a", "1");
  g_autoptr (ColletTxn) txn = collet_txn_new ();
  g_autoptr (ColletTxnReply) reply = conformance_run (fixture->handle, txn);

  collet_coordination_get_status (fixture->handle, &status);
  g_assert_true (status.is_reachable);
  g_assert_null (status.message);
  g_assert_cmpint (status.revision, >=, revision);
  g_assert_cmpstr (status.store_id, ==, reply->store_id);
  g_assert_cmpstr (status.store_id, !=, NULL);
  collet_coordination_status_clear (&status);
}

static void
on_never (const ColletTxnReply *reply, const GError *error, gpointer user_data)
{
  g_assert_not_reached ();
}

static void
on_never_watched (GPtrArray *changes, gint64 revision, gpointer user_data)
{
  g_assert_not_reached ();
}

/* Nothing is called after free, whatever was under way. */
static void
test_free (Fixture *fixture, gconstpointer data)
{
  ColletCoordination *handle = fixture->bench->open (fixture->bench->data);
  g_autoptr (ColletTxn) txn = collet_txn_new ();

  collet_txn_put (txn, "/free/a", "1");
  collet_coordination_watch (handle, "/free/", 1, on_never_watched, NULL);
  collet_coordination_txn (handle, txn, on_never, NULL);
  collet_coordination_free (handle);
  conformance_put (fixture->handle, "/free/b", "1");
  conformance_put (fixture->handle, "/free/c", "1");
}

void
conformance_add (const char *name, ConformanceBench *bench)
{
  const struct
  {
    const char *promise;
    void (*run) (Fixture *, gconstpointer);
  } cases[] = {
    { "txn/done-once-however-often-it-is-sent", test_absent },
    { "txn/compares-revision-and-value", test_compares },
    { "txn/all-or-nothing", test_all_or_nothing },
    { "txn/one-revision-a-change", test_revisions },
    { "txn/range-is-sorted-and-ends-with-the-prefix", test_range },
    { "txn/range-since-a-revision-and-count", test_since },
    { "txn/removes-one-and-many", test_remove },
    { "txn/values-come-back-as-they-were", test_values },
    { "txn/what-is-not-valid-is-refused", test_refused },
    { "txn/of-many-one-wins", test_race },
    { "watch/sees-changes-in-order", test_watch },
    { "watch/begins-in-the-past-and-ends", test_resume },
    { "session/its-keys-end-with-it", test_session },
    { "status/knows-the-store", test_status },
    { "free/nothing-is-called-after-it", test_free },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/coordination/%s/%s", name, cases[i].promise);

      g_test_add (path, Fixture, bench, set_up, cases[i].run, tear_down);
    }
}
