/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tools that ask legacy clients: by requests on the call's stream.
 */
#include "mcp-kit.h"

#include "collet-mcp-server-private.h"

#include <string.h>

#define FORM "\"elicitation\":{}"
#define CALL(id, name)                                                                                       \
  "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"tools/call\",\"params\":{\"name\":\"" name "\"}}"
#define REPLY(id, result) "{\"jsonrpc\":\"2.0\",\"id\":\"collet-" id "\",\"result\":" result "}"
#define ACCEPT "{\"action\":\"accept\",\"content\":{\"name\":\"Ada\"}}"

static void
reply (Kit *kit, const char *body)
{
  g_autoptr (FakeExchange) exchange = kit_legacy (kit, body);

  kit_assert (exchange, 202, "");
}

static void
test_legacy (void)
{
  g_autoptr (Kit) kit = kit_new (NULL);
  g_autoptr (FakeExchange) call = NULL;

  kit_initialize_with (kit, "2025-11-25", FORM ",\"sampling\":{}");
  call = kit_legacy (kit, CALL ("5", "asks-two"));
  g_assert_true (fake_exchange_wait_for (
      call, "{\"jsonrpc\":\"2.0\",\"id\":\"collet-2\",\"method\":\"sampling/createMessage\",\"params\":{"
            "\"maxTokens\":5}}\n\n"));
  reply (kit, "{\"jsonrpc\":\"2.0\",\"id\":\"collet-99\",\"result\":{}}");
  reply (kit, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}");
  reply (kit, "{\"jsonrpc\":\"2.0\",\"id\":\"collet-2\",\"error\":{\"code\":-1,\"message\":\"no\"}}");
  reply (kit, REPLY ("2", ACCEPT)); /* the first counts */
  g_assert_false (fake_exchange_is_ended (call));
  reply (kit, REPLY ("1", ACCEPT));
  kit_assert (call, 200, "\"replies\":{\"n\":" ACCEPT ",\"m\":{\"action\":\"decline\"}}");
  kit_assert (call, 200, "\"id\":5,\"result\":");
}

static void
assert_asking (Kit *kit, guint n)
{
  g_autofree char *want = g_strdup_printf ("collet_mcp_calls_asking %u\n", n);
  g_autoptr (FakeExchange) metrics = fake_exchange_new ("GET", "/metrics", NULL, NULL, -1);

  fake_exchange_run (metrics, collet_mcp_server_get_handler (), kit->server);
  kit_assert (metrics, 200, want);
}

static void
test_legacy_state (void)
{
  g_autoptr (Kit) kit = kit_new (NULL);
  g_autoptr (FakeExchange) call = NULL;

  kit_initialize_with (kit, "2025-11-25", FORM);
  call = kit_legacy (kit, CALL ("5", "asks"));
  g_assert_true (fake_exchange_wait_for (call, "collet-1"));
  assert_asking (kit, 1);
  reply (kit, REPLY ("1", ACCEPT));
  kit_assert (call, 200, "\"state\":\"AAEC\"");
  assert_asking (kit, 0);
}

/* Another client cannot answer for it. */
static void
test_legacy_stranger (void)
{
  g_autoptr (Kit) kit = kit_new (NULL);
  g_autoptr (FakeExchange) call = NULL;
  g_autofree char *owner = NULL;

  kit_initialize_with (kit, "2025-11-25", FORM);
  call = kit_legacy (kit, CALL ("5", "asks"));
  g_assert_true (fake_exchange_wait_for (call, "collet-1"));
  owner = g_steal_pointer (&kit->session);
  kit_initialize_with (kit, "2025-11-25", FORM);
  reply (kit, REPLY ("1", "{\"action\":\"accept\",\"content\":{\"name\":\"Eve\"}}"));
  g_assert_false (fake_exchange_is_ended (call));
  g_free (kit->session);
  kit->session = g_steal_pointer (&owner);
  reply (kit, REPLY ("1", ACCEPT));
  kit_assert (call, 200, "Ada");
}

static void
test_legacy_for_ever (void)
{
  g_autoptr (Kit) kit = kit_new (NULL);
  g_autoptr (FakeExchange) call = NULL;

  kit_initialize_with (kit, "2025-11-25", FORM);
  call = kit_legacy (kit, CALL ("5", "asks-for-ever"));
  for (guint i = 1; i <= 16; i++)
    {
      g_autofree char *id = g_strdup_printf ("\"collet-%u\"", i);
      g_autofree char *body = g_strdup_printf (REPLY ("%u", ACCEPT), i);

      g_assert_true (fake_exchange_wait_for (call, id));
      reply (kit, body);
    }
  kit_assert (call, 200, "\"reason\":\"InvalidResult\"");
  kit_assert (call, 200, "asked 16 times");
}

static void
test_legacy_ends (void)
{
  g_autoptr (Kit) kit = kit_new (NULL);
  g_autoptr (FakeExchange) cancelled = NULL;
  g_autoptr (FakeExchange) lost = NULL;
  g_autoptr (FakeExchange) ended = NULL;
  g_autoptr (FakeExchange) stopped = NULL;
  g_autoptr (FakeExchange) end = NULL;
  g_autofree char *headers = NULL;

  kit_initialize_with (kit, "2025-11-25", FORM);
  cancelled = kit_legacy (kit, CALL ("5", "asks"));
  reply (kit, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":5}}");
  /* The question is withdrawn as well, and the call not answered. */
  kit_assert (cancelled, 200, "notifications/cancelled\",\"params\":{\"requestId\":\"collet-1\"}");
  {
    g_autofree char *text = fake_exchange_dup_text (cancelled);
    g_assert_null (strstr (text, "\"id\":5"));
  }
  reply (kit, REPLY ("1", ACCEPT)); /* too late, and no harm */

  lost = kit_legacy (kit, CALL ("6", "asks"));
  g_assert_true (fake_exchange_wait_for (lost, "collet-2"));
  kit_lose (kit, lost);
  assert_asking (kit, 1);
  collet_mcp_asks_check_time (kit->server->asks, g_get_monotonic_time () + 61 * G_USEC_PER_SEC);
  assert_asking (kit, 0);

  ended = kit_legacy (kit, CALL ("7", "asks"));
  headers = g_strconcat ("Mcp-Session-Id: ", kit->session, NULL);
  end = kit_send (kit, "DELETE", headers, NULL);
  kit_assert (ended, 200, "CallCancelled");

  kit_initialize_with (kit, "2025-11-25", FORM);
  stopped = kit_legacy (kit, CALL ("8", "asks"));
  collet_mcp_server_end_streams (kit->server);
  kit_assert (stopped, 200, "ShuttingDown");
}

/* The stream broke off under the question: who continues it gets it, and answers. */
static void
test_legacy_continued (void)
{
  g_autoptr (Kit) kit = kit_new (NULL);
  g_autoptr (FakeExchange) call = NULL;
  g_autoptr (FakeExchange) continued = NULL;
  g_autofree char *text = NULL;
  g_autofree char *headers = NULL;

  kit_initialize_with (kit, "2025-11-25", FORM);
  call = kit_legacy (kit, CALL ("5", "asks"));
  g_assert_true (fake_exchange_wait_for (call, "collet-1"));
  text = fake_exchange_dup_text (call);
  *strchr (strstr (text, "id: "), '\n') = '\0';
  headers = g_strdup_printf ("Accept: text/event-stream\nMcp-Session-Id: %s\nLast-Event-ID: %s", kit->session,
                             strstr (text, "id: ") + 4);
  continued = kit_send (kit, "GET", headers, NULL);
  g_assert_true (fake_exchange_wait_for (continued, "collet-1"));
  kit_lose (kit, call); /* seen late: the client listens elsewhere by now */
  collet_mcp_asks_check_time (kit->server->asks, g_get_monotonic_time () + 61 * G_USEC_PER_SEC);
  reply (kit, REPLY ("1", ACCEPT));
  kit_assert (continued, 200, "Ada");
}

static void
test_legacy_time (void)
{
  ColletMcpConfig config = { .limits = { .input_timeout_ms = 1 } };
  g_autoptr (Kit) kit = kit_new (&config);
  g_autoptr (FakeExchange) call = NULL;

  kit_initialize_with (kit, "2025-11-25", FORM);
  call = kit_legacy (kit, CALL ("5", "asks"));
  kit_assert (call, 200, "CallTimeout");
}

static void
test_legacy_large (void)
{
  g_autoptr (Kit) kit = kit_new (NULL);
  g_autoptr (FakeExchange) call = NULL;
  g_autofree char *much = g_strnfill (4 * 1024 * 1024, 'x');
  g_autofree char *body =
      g_strdup_printf (REPLY ("1", "{\"action\":\"accept\",\"content\":{\"name\":\"%s\"}}"), much);

  kit_initialize_with (kit, "2025-11-25", FORM);
  call = kit_legacy (kit, CALL ("5", "asks"));
  reply (kit, body);
  kit_assert (call, 200, "MessageTooLarge");
}

/* Many answers that wait for others are too much as well, and leave nothing. */
static void
test_legacy_hoard (void)
{
  g_autoptr (Kit) kit = kit_new (NULL);
  g_autoptr (GPtrArray) calls = g_ptr_array_new_with_free_func ((GDestroyNotify)fake_exchange_unref);
  g_autofree char *much = g_strnfill (4 * 1024 * 1024 - 100, 'x');

  kit_initialize_with (kit, "2025-11-25", FORM ",\"sampling\":{}");
  for (guint round = 0; round < 2; round++)
    {
      g_autofree char *cancelled = g_strdup (
          "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":5}}");

      for (guint i = 0; i < 17; i++)
        {
          guint question = 2 * (17 * round + i) + 1;
          g_autofree char *id = g_strdup_printf ("\"collet-%u\"", question + 1);
          g_autofree char *body = g_strdup_printf (REPLY ("%u", "{\"action\":\"%s\"}"), question, much);
          FakeExchange *call = kit_legacy (kit, CALL ("5", "asks-two"));

          g_ptr_array_add (calls, call);
          g_assert_true (fake_exchange_wait_for (call, id));
          reply (kit, body);
          /* 64 MiB for all of them. */
          if (i == 16)
            kit_assert (call, 200, "MessageTooLarge");
          else
            g_assert_false (fake_exchange_is_ended (call));
        }
      reply (kit, cancelled);
      for (guint i = 0; i < calls->len; i++)
        fake_exchange_wait (calls->pdata[i]);
    }
}

static void
test_legacy_batch (void)
{
  g_autoptr (Kit) kit = kit_new (NULL);
  g_autoptr (FakeExchange) batch = NULL;

  kit_initialize (kit, "2025-03-26");
  batch = kit_legacy (kit, "[" CALL ("5", "asks") "]");
  kit_assert (batch, 200, "NotSupported");
}

/* Answering, cancelling and going away, at the same moment. */

typedef struct
{
  Kit *kit;
  char *body;
} Racer;

static gpointer
race (gpointer data)
{
  Racer *racer = data;
  g_autoptr (FakeExchange) exchange = kit_legacy (racer->kit, racer->body);

  fake_exchange_wait (exchange);
  return NULL;
}

static void
test_legacy_races (void)
{
  g_autoptr (Kit) kit = kit_new (NULL);

  kit_initialize_with (kit, "2025-11-25", FORM ",\"sampling\":{}");
  for (guint i = 0; i < 200; i++)
    {
      g_autofree char *id = g_strdup_printf ("\"collet-%u\"", 2 * i + 2);
      g_autofree char *first = g_strdup_printf (REPLY ("%u", ACCEPT), 2 * i + 1);
      g_autofree char *second = g_strdup_printf (REPLY ("%u", "{\"role\":\"assistant\"}"), 2 * i + 2);
      Racer racers[] = { { kit, first },
                         { kit, second },
                         { kit, first },
                         { kit, (char *)"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\","
                                        "\"params\":{\"requestId\":5}}" } };
      g_autoptr (FakeExchange) call = kit_legacy (kit, CALL ("5", "asks-two"));
      GThread *threads[G_N_ELEMENTS (racers)];

      g_assert_true (fake_exchange_wait_for (call, id));
      for (guint j = 0; j < G_N_ELEMENTS (racers); j++)
        threads[j] = g_thread_new ("racer", race, &racers[j]);
      if (i % 3 == 0)
        kit_lose (kit, call);
      for (guint j = 0; j < G_N_ELEMENTS (racers); j++)
        g_thread_join (threads[j]);
      fake_exchange_wait (call);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/mcp/question/goes-to-a-legacy-client-as-a-request", test_legacy);
  g_test_add_func ("/mcp/question/keeps-its-state-for-a-legacy-client", test_legacy_state);
  g_test_add_func ("/mcp/question/is-not-for-another-session-to-answer", test_legacy_stranger);
  g_test_add_func ("/mcp/question/comes-to-an-end", test_legacy_for_ever);
  g_test_add_func ("/mcp/question/ends-with-call-client-session-and-server", test_legacy_ends);
  g_test_add_func ("/mcp/question/is-asked-again-on-a-stream-that-is-continued", test_legacy_continued);
  g_test_add_func ("/mcp/question/is-not-open-for-ever", test_legacy_time);
  g_test_add_func ("/mcp/question/has-answers-of-a-limited-size", test_legacy_large);
  g_test_add_func ("/mcp/question/answers-cannot-be-hoarded", test_legacy_hoard);
  g_test_add_func ("/mcp/question/cannot-be-asked-in-a-batch", test_legacy_batch);
  g_test_add_func ("/mcp/question/survives-answers-and-ends-at-once", test_legacy_races);
  return g_test_run ();
}
