/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The parts that need no daemon: the queue of changes, and a reload's own states.
 */
#include "collet-change-queue.h"
#include "collet-error.h"
#include "collet-reload-terms.h"
#include "collet-reload.h"

/* ---- queue ---- */

typedef struct
{
  ColletChangeQueue queue;
  GString *order;
} Order;

typedef struct
{
  Order *order;
  char name;
} Change;

static void
on_turn (gpointer data)
{
  Change *change = data;

  g_string_append_c (change->order->order, change->name);
}

static void
test_queue_order (void)
{
  Order order = { { { NULL, NULL, 0 }, FALSE }, g_string_new (NULL) };
  Change changes[] = { { &order, 'a' }, { &order, 'b' }, { &order, 'c' } };

  for (guint i = 0; i < G_N_ELEMENTS (changes); i++)
    collet_change_queue_enter (&order.queue, on_turn, &changes[i]);
  g_assert_cmpstr (order.order->str, ==, "a"); /* the others wait */
  collet_change_queue_leave (&order.queue);
  g_assert_cmpstr (order.order->str, ==, "ab");
  collet_change_queue_leave (&order.queue);
  g_assert_cmpstr (order.order->str, ==, "abc");
  collet_change_queue_leave (&order.queue);
  collet_change_queue_enter (&order.queue, on_turn, &changes[0]); /* and it is free again */
  g_assert_cmpstr (order.order->str, ==, "abca");
  collet_change_queue_leave (&order.queue);
  g_string_free (order.order, TRUE);
}

static void
on_turn_at_once (gpointer data)
{
  Change *change = data;

  on_turn (data);
  collet_change_queue_leave (&change->order->queue);
}

static void
test_queue_at_once (void)
{
  Order order = { { { NULL, NULL, 0 }, FALSE }, g_string_new (NULL) };
  Change changes[] = { { &order, 'a' }, { &order, 'b' }, { &order, 'c' } };

  collet_change_queue_enter (&order.queue, on_turn, &changes[0]);
  collet_change_queue_enter (&order.queue, on_turn_at_once, &changes[1]);
  collet_change_queue_enter (&order.queue, on_turn_at_once, &changes[2]);
  collet_change_queue_leave (&order.queue);
  g_assert_cmpstr (order.order->str, ==, "abc");
  g_assert_false (order.queue.is_busy);
  g_string_free (order.order, TRUE);
}

/* ---- reload ---- */

static GPtrArray *
make_items (const char *module, char version)
{
  GPtrArray *items = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_reload_item_free);
  ColletReloadItem *item = collet_reload_item_new (module);
  g_autofree char *sha256 = g_strnfill (64, version);

  item->to = collet_version_new (sha256, "00112233445566778899aabbccddeeff", NULL, NULL, "1.0.0", 1);
  item->from = collet_version_new ("fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210",
                                   "00112233445566778899aabbccddeeff", NULL, NULL, "0.9.0", 1);
  g_ptr_array_add (items, item);
  return items;
}

static ColletReload *
make_reload (void)
{
  return collet_reload_new (collet_reload_request_new (COLLET_RELOAD_LOAD, 7), make_items ("m", 'a'));
}

static void
count (ColletReload *reload, gpointer counter)
{
  ++*(guint *)counter;
}

static void
test_progress (void)
{
  g_autoptr (ColletReload) reload = make_reload ();
  guint changed = 0, finished = 0;

  g_signal_connect (reload, "changed", G_CALLBACK (count), &changed);
  g_signal_connect (reload, "finished", G_CALLBACK (count), &finished);
  collet_reload_enter_phase (reload, "prepare", 0.5);
  collet_reload_enter_phase (reload, "commit", 0.4); /* never back */
  g_assert_cmpfloat (collet_reload_get_progress (reload), ==, 0.5);
  collet_reload_enter_phase (reload, "drain", 1.0); /* never done before the end */
  g_assert_cmpfloat (collet_reload_get_progress (reload), <, 1.0);
  collet_reload_begin_commit (reload);
  g_assert_true (collet_reload_is_committing (reload)); /* and whoever watches knows that it is too late */
  collet_reload_set_committed (reload);
  collet_reload_conclude (reload, NULL);
  g_assert_cmpfloat (collet_reload_get_progress (reload), <, 1.0);
  g_assert_false (collet_reload_is_finished (reload)); /* the history does not have it yet */
  g_assert_cmpuint (finished, ==, 0);
  collet_reload_announce (reload);
  g_assert_true (collet_reload_is_finished (reload));
  g_assert_cmpfloat (collet_reload_get_progress (reload), ==, 1.0);
  g_assert_cmpuint (finished, ==, 1);
  g_assert_cmpuint (changed, ==, 6);
}

static void
test_failed_is_never_whole (void)
{
  g_autoptr (ColletReload) reload = make_reload ();

  collet_reload_enter_phase (reload, "prepare", 0.5);
  collet_reload_conclude (reload, g_error_new_literal (COLLET_ERROR, COLLET_ERROR_SELF_TEST_FAILED, "Bad."));
  collet_reload_announce (reload);
  g_assert_cmpint (collet_reload_get_state (reload), ==, COLLET_RELOAD_FAILED);
  g_assert_cmpfloat (collet_reload_get_progress (reload), ==, 0.5);
  g_assert_cmpstr (collet_reload_get_phase (reload), ==, "prepare"); /* where it happened */
  g_assert_error (collet_reload_get_error (reload), COLLET_ERROR, COLLET_ERROR_SELF_TEST_FAILED);
}

static void
test_cancel_before (void)
{
  g_autoptr (ColletReload) reload = make_reload ();
  g_autoptr (GError) error = NULL;

  g_assert_true (collet_reload_cancel (reload, &error));
  g_assert_true (collet_reload_cancel (reload, &error)); /* twice is once */
  g_assert_true (g_cancellable_is_cancelled (collet_reload_get_cancellable (reload)));
  collet_reload_conclude (reload, g_error_new_literal (COLLET_ERROR, COLLET_ERROR_CANCELLED, "Cancelled."));
  g_assert_cmpint (collet_reload_get_state (reload), ==, COLLET_RELOAD_CANCELLED);
  g_assert_true (collet_reload_cancel (reload, &error)); /* it is what was asked for */
  g_assert_no_error (error);
}

static void
refuses_cancel (ColletReload *reload)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (collet_reload_cancel (reload, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "Roll the module back"));
  g_assert_false (g_cancellable_is_cancelled (collet_reload_get_cancellable (reload)));
}

static void
test_cancel_after (void)
{
  g_autoptr (ColletReload) reload = make_reload ();

  collet_reload_begin_commit (reload);
  refuses_cancel (reload); /* the database writes */
  collet_reload_set_committed (reload);
  refuses_cancel (reload);
  collet_reload_conclude (reload, NULL);
  refuses_cancel (reload);
  collet_reload_announce (reload);
  refuses_cancel (reload);
}

static gboolean
is_same (ColletReload *reload, ColletReloadRequest *request, char version)
{
  g_autoptr (ColletReloadRequest) owned = request;
  g_autoptr (GPtrArray) items = make_items ("m", version);

  return collet_reload_is_same (reload, owned, items);
}

static void
test_same (void)
{
  g_autoptr (ColletReload) reload = make_reload ();
  ColletReloadRequest *request = collet_reload_request_new (COLLET_RELOAD_LOAD, 8);

  request->reason = g_strdup ("somebody else's");
  g_assert_true (is_same (reload, request, 'a'));
  g_assert_false (is_same (reload, collet_reload_request_new (COLLET_RELOAD_LOAD, 7), 'b'));
  g_assert_false (is_same (reload, collet_reload_request_new (COLLET_RELOAD_HOT_RELOAD, 7), 'a'));
  request = collet_reload_request_new (COLLET_RELOAD_LOAD, 7);
  request->host = g_strdup ("in-process");
  g_assert_false (is_same (reload, request, 'a'));
  request = collet_reload_request_new (COLLET_RELOAD_LOAD, 7);
  request->state_choice = COLLET_STATE_DISCARD;
  g_assert_false (is_same (reload, request, 'a'));
}

/* Who joins gets no more than a request of its own would have got. */
static void
test_same_conditions (void)
{
  g_autoptr (ColletReload) reload = make_reload ();
  ColletReloadItem *item = collet_reload_get_items (reload)->pdata[0];
  ColletReloadRequest *request = collet_reload_request_new (COLLET_RELOAD_LOAD, 7);

  request->expect_version = g_strdup ("fedcba98");
  g_assert_true (is_same (reload, request, 'a'));
  request = collet_reload_request_new (COLLET_RELOAD_LOAD, 7);
  request->expect_version = g_strdup ("aaaaaaaa");
  g_assert_false (is_same (reload, request, 'a'));
  request = collet_reload_request_new (COLLET_RELOAD_LOAD, 7);
  request->module = g_strdup ("another");
  g_assert_false (is_same (reload, request, 'a'));
  item->is_breaking = TRUE;
  g_assert_false (is_same (reload, collet_reload_request_new (COLLET_RELOAD_LOAD, 7), 'a'));
  request = collet_reload_request_new (COLLET_RELOAD_LOAD, 7);
  request->allow_breaking = TRUE;
  g_assert_true (is_same (reload, request, 'a'));
}

/* ---- terms: what others of a cluster are asked as well ---- */

static void
test_terms (void)
{
  static const char tests[] = "[{\"tool\":\"echo\",\"arguments\":{},\"result\":{}}]";
  g_autoptr (ColletReloadRequest) asked = collet_reload_request_new (COLLET_RELOAD_LOAD, 7);
  g_autoptr (ColletReloadRequest) told = collet_reload_request_new (COLLET_RELOAD_ROLLBACK, 7);
  g_autofree char *terms = NULL;
  GError *error = NULL;

  asked->state_choice = COLLET_STATE_DISCARD;
  asked->host = g_strdup ("worker");
  asked->has_grace = TRUE; /* 0 is one as well: none */
  asked->drain_timeout_ms = 1500;
  asked->smoke_text = g_strdup (tests);
  asked->reason = g_strdup ("not a term");
  terms = collet_reload_terms_write (asked);
  told->state_choice = COLLET_STATE_AUTO;
  g_assert_true (collet_reload_terms_read (told, terms, &error));
  g_assert_no_error (error);
  g_assert_cmpint (told->state_choice, ==, COLLET_STATE_DISCARD);
  g_assert_cmpstr (told->host, ==, "worker");
  g_assert_true (told->has_grace);
  g_assert_cmpuint (told->grace_ms, ==, 0);
  g_assert_cmpuint (told->drain_timeout_ms, ==, 1500);
  g_assert_cmpuint (told->smoke_tests->len, ==, 1);
  g_assert_null (told->reason);
}

static void
test_no_terms (void)
{
  g_autoptr (ColletReloadRequest) load = collet_reload_request_new (COLLET_RELOAD_LOAD, 7);
  g_autoptr (ColletReloadRequest) rollback = collet_reload_request_new (COLLET_RELOAD_ROLLBACK, 7);
  g_autofree char *migrate = NULL;

  rollback->state_choice = COLLET_STATE_AUTO;
  g_assert_null (collet_reload_terms_write (load));
  g_assert_null (collet_reload_terms_write (rollback));
  g_assert_true (collet_reload_terms_read (load, NULL, NULL));
  rollback->state_choice = COLLET_STATE_MIGRATE; /* not what a way back does by itself */
  migrate = collet_reload_terms_write (rollback);
  g_assert_cmpstr (migrate, ==, "{\"state\":\"migrate\"}");
}

static void
test_foreign_terms (void)
{
  static const char *const foreign[] = {
    "",
    "[]",
    "{",
    "{\"grace-ms\":-1}",
    "{\"grace-ms\":4294967296}",
    "{\"drain-timeout-ms\":\"1\"}",
    "{\"state\":\"given\"}",
    "{\"host\":\"elsewhere\"}",
    "{\"smoke-tests\":\"[1]\"}",
    "{\"host\":\"worker\",\"of-tomorrow\":true}",
  };

  for (guint i = 0; i < G_N_ELEMENTS (foreign); i++)
    {
      g_autoptr (ColletReloadRequest) request = collet_reload_request_new (COLLET_RELOAD_LOAD, 7);
      g_autoptr (GError) error = NULL;

      g_assert_false (collet_reload_terms_read (request, foreign[i], &error));
      g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/reload/queue/one-at-a-time-in-order", test_queue_order);
  g_test_add_func ("/reload/queue/a-change-may-end-at-once", test_queue_at_once);
  g_test_add_func ("/reload/reload/progress-only-grows-and-is-whole-at-the-end-only", test_progress);
  g_test_add_func ("/reload/reload/failed-keeps-where-it-was", test_failed_is_never_whole);
  g_test_add_func ("/reload/reload/cancel-before-the-commit-point", test_cancel_before);
  g_test_add_func ("/reload/reload/cancel-from-the-commit-point-on-is-refused", test_cancel_after);
  g_test_add_func ("/reload/reload/same-joins-and-other-does-not", test_same);
  g_test_add_func ("/reload/reload/joining-is-no-way-round-a-condition", test_same_conditions);
  g_test_add_func ("/reload/terms/are-read-as-they-were-written", test_terms);
  g_test_add_func ("/reload/terms/the-ordinary-needs-none", test_no_terms);
  g_test_add_func ("/reload/terms/foreign-ones-are-refused", test_foreign_terms);
  return g_test_run ();
}
