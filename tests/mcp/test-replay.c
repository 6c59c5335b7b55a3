/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Streams of legacy clients that break off and are continued.
 */
#include "mcp-kit.h"

#include "collet-mcp-replay.h"

#include <string.h>

#define SESSION "0123456789abcdef0123456789abcdef"
#define CALL                                                                                                 \
  "{\"jsonrpc\":\"2.0\",\"id\":\"c-7\",\"method\":\"tools/call\",\"params\":{\"name\":"                      \
  "\"test_tool_with_progress\",\"_meta\":{\"progressToken\":\"p\"}}}"

static FakeExchange *
get (Kit *kit, const char *session, const char *last_event_id)
{
  g_autofree char *headers =
      g_strdup_printf ("Accept: text/event-stream\nMcp-Session-Id: %s\n%s%s", session,
                       last_event_id ? "Last-Event-ID: " : "", last_event_id ? last_event_id : "");

  return kit_send (kit, "GET", headers, NULL);
}

static char *
id_of_event (FakeExchange *exchange, guint index)
{
  g_autofree char *text = fake_exchange_dup_text (exchange);
  const char *at = text;

  for (guint i = 0; i <= index; i++)
    {
      at = strstr (at, "id: ");
      g_assert_nonnull (at);
      at += 4;
    }
  return g_strndup (at, strcspn (at, "\n"));
}

static guint
count (FakeExchange *exchange, const char *what)
{
  g_autofree char *text = fake_exchange_dup_text (exchange);
  guint n = 0;

  for (const char *at = text; (at = strstr (at, what)); at += strlen (what))
    n++;
  return n;
}

static void
test_after_the_end (void)
{
  g_autoptr (Kit) kit = kit_new (NULL);
  g_autoptr (FakeExchange) call = NULL;
  g_autofree char *primer = NULL;
  g_autofree char *second = NULL;
  guint events;

  kit_initialize (kit, "2025-11-25");
  call = kit_legacy (kit, CALL);
  kit_assert (call, 200, "\"id\":\"c-7\"");
  events = count (call, "event: message");
  g_assert_cmpuint (events, >, 1);
  /* The first is empty, so that one who heard nothing else can come back. */
  g_assert_cmpuint (count (call, "id: "), ==, events + 1);
  g_assert_cmpuint (count (call, "data: \n"), ==, 1);

  primer = id_of_event (call, 0);
  second = id_of_event (call, 1);
  {
    g_autoptr (FakeExchange) all = get (kit, kit->session, primer);
    g_autoptr (FakeExchange) rest = get (kit, kit->session, second);
    g_autoptr (FakeExchange) again = get (kit, kit->session, second);

    kit_assert (all, 200, "\"id\":\"c-7\"");
    g_assert_cmpuint (count (all, "event: message"), ==, events);
    kit_assert (rest, 200, "\"id\":\"c-7\"");
    g_assert_cmpuint (count (rest, "event: message"), ==, events - 1);
    kit_assert (again, 200, "\"id\":\"c-7\"");
  }
}

static void
test_while_it_runs (void)
{
  g_autoptr (Kit) kit = kit_new (NULL);
  g_autoptr (FakeExchange) call = NULL;
  g_autoptr (FakeExchange) continued = NULL;
  g_autofree char *primer = NULL;

  kit_initialize (kit, "2025-11-25");
  call = kit_legacy (kit, CALL);
  g_assert_true (fake_exchange_wait_for (call, "event: message"));
  kit_lose (kit, call);
  primer = id_of_event (call, 0);
  continued = get (kit, kit->session, primer);
  kit_assert (continued, 200, "\"id\":\"c-7\"");
  g_assert_cmpuint (count (continued, "\"id\":\"c-7\""), ==, 1);
}

static void
test_revisions (void)
{
  g_autoptr (Kit) kit = kit_new (NULL);
  g_autoptr (FakeExchange) call = NULL;

  kit_initialize (kit, "2025-06-18");
  call = kit_legacy (kit, CALL);
  kit_assert (call, 200, "\"id\":\"c-7\"");
  g_assert_cmpuint (count (call, "data: \n"), ==, 0);
  g_assert_cmpuint (count (call, "id: "), ==, count (call, "event: message"));
}

/* Of a session that another has, of a daemon that is no more, of no daemon. */
static void
test_strangers (void)
{
  g_autoptr (Kit) kit = kit_new (NULL);
  g_autoptr (FakeExchange) call = NULL;
  g_autofree char *primer = NULL;
  g_autofree char *first = NULL;
  static const char *const odd[] = { "1",
                                     "x.y.z",
                                     "0123456789abcdef..0",
                                     "0123456789abcdef.W10=.0", /* [] is no id */
                                     "0123456789abcdef.????.0",
                                     "0123456789abcdef.Nw==.-1" };

  kit_initialize (kit, "2025-11-25");
  call = kit_legacy (kit, CALL);
  kit_assert (call, 200, "\"id\":\"c-7\"");
  primer = id_of_event (call, 0);
  first = g_strdup (kit->session);
  kit_initialize (kit, "2025-11-25");
  {
    g_autoptr (FakeExchange) foreign = get (kit, kit->session, primer);
    g_autoptr (FakeExchange) former = get (kit, first, "0123456789abcdef.Nw==.3");

    kit_assert (foreign, 200, "Interrupted");
    g_assert_cmpuint (count (foreign, "notifications/progress"), ==, 0);
    kit_assert (former, 200, "\"id\":7,\"error\"");
  }
  for (guint i = 0; i < G_N_ELEMENTS (odd); i++)
    {
      g_autoptr (FakeExchange) news = get (kit, kit->session, odd[i]);

      g_assert_true (fake_exchange_wait_for (news, ": open"));
      g_assert_false (fake_exchange_is_ended (news));
      kit_lose (kit, news);
    }
}

static void
test_bounds (void)
{
  ColletMcpReplays *replays = collet_mcp_replays_new ();
  FakeExchange *exchange = fake_exchange_new ("POST", "/mcp", "", "", -1);
  ColletMcpReplay *replay = NULL;
  g_autofree char *large = g_strnfill (300 * 1024, ' ');
  g_autofree char *id = NULL;

  ((ColletExchange *)exchange)->class_->start_stream ((ColletExchange *)exchange, 200, NULL, 0);
  replay = collet_mcp_replay_new (replays, SESSION, "1", 1, (ColletExchange *)exchange, TRUE);
  for (guint i = 0; i < 10000; i++)
    collet_mcp_replay_send (replay, "{\"n\":1}", 7);
  collet_mcp_replay_send (replay, large, 300 * 1024);
  id = id_of_event (exchange, 0);
  collet_mcp_replay_end (replay);
  {
    FakeExchange *continued = fake_exchange_new ("GET", "/mcp", "", "", -1);

    g_assert_true (collet_mcp_replays_resume (replays, SESSION, id, (ColletExchange *)continued));
    /* The oldest are forgotten; the last, the answer, never is. */
    g_assert_cmpuint (count (continued, "event: message"), ==, 1);
    g_assert_true (fake_exchange_is_ended (continued));
    fake_exchange_unref (continued);
  }
  collet_mcp_replays_tidy (replays, g_get_monotonic_time () + 61 * G_USEC_PER_SEC);
  {
    FakeExchange *late = fake_exchange_new ("GET", "/mcp", "", "", -1);

    g_assert_true (collet_mcp_replays_resume (replays, SESSION, id, (ColletExchange *)late));
    kit_assert (late, 200, "Interrupted");
    fake_exchange_unref (late);
  }
  /* As many that run as there can be: the next one just cannot be continued. */
  for (guint i = 0; i < 5000; i++)
    {
      replay = collet_mcp_replay_new (replays, SESSION, "1", 1, (ColletExchange *)exchange, FALSE);
      collet_mcp_replay_send (replay, "{}", 2);
      if (i % 2)
        collet_mcp_replay_end (replay);
      else
        collet_mcp_replay_unref (replay);
    }
  fake_exchange_unref (exchange);
  collet_mcp_replays_free (replays);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/mcp/replay/gives-what-was-missed", test_after_the_end);
  g_test_add_func ("/mcp/replay/goes-on-with-what-is-to-come", test_while_it_runs);
  g_test_add_func ("/mcp/replay/primes-where-the-revision-knows-it", test_revisions);
  g_test_add_func ("/mcp/replay/says-what-is-not-known-any-more", test_strangers);
  g_test_add_func ("/mcp/replay/is-bounded", test_bounds);
  return g_test_run ();
}
