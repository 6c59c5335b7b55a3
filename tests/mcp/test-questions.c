/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tools that ask: modern clients, legacy clients, and those who try to cheat.
 */
#include "mcp-kit.h"

#include "collet-call-input.h"
#include "collet-error.h"
#include "collet-mcp-seal.h"

#include <string.h>

#define FORM "\"elicitation\":{}"
#define CALL(id, name)                                                                                       \
  "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"tools/call\",\"params\":{\"name\":\"" name "\"}}"
#define REPLY(id, result) "{\"jsonrpc\":\"2.0\",\"id\":\"collet-" id "\",\"result\":" result "}"
#define ACCEPT "{\"action\":\"accept\",\"content\":{\"name\":\"Ada\"}}"

/* `params`: members with a comma after them. */
static FakeExchange *
ask_modern (Kit *kit, const char *tool, const char *params, const char *capabilities, const char *headers)
{
  g_autofree char *all =
      g_strconcat (KIT_LEGACY KIT_MODERN_VERSION "Mcp-Method: tools/call\nMcp-Name: ", tool, "\n", headers,
                   NULL);
  g_autofree char *body = g_strdup_printf (
      "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{\"name\":\"%s\",%s\"_meta\":{"
      "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
      "\"io.modelcontextprotocol/clientCapabilities\":{%s}}}}",
      tool, params, capabilities);

  return kit_send (kit, "POST", all, body);
}

static char *
dup_state (FakeExchange *exchange)
{
  g_autofree char *text = NULL;
  g_autoptr (ColletJson) json = NULL;
  char *state;

  fake_exchange_wait (exchange);
  text = fake_exchange_dup_text (exchange);
  json = collet_json_parse (text, -1, NULL);
  g_assert_nonnull (json);
  state = collet_json_dup_string (json, collet_json_member (json, collet_json_member (json, 0, "result"),
                                                            "requestState"));
  g_assert_nonnull (state);
  return state;
}

static void
initialize (Kit *kit, const char *capabilities)
{
  g_autofree char *body =
      g_strdup_printf ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{"
                       "\"protocolVersion\":\"2025-11-25\",\"capabilities\":{%s}}}",
                       capabilities);
  g_autoptr (FakeExchange) exchange = kit_send (kit, "POST", KIT_LEGACY, body);

  kit_assert (exchange, 200, "\"protocolVersion\"");
  g_free (kit->session);
  kit->session = g_strdup (fake_exchange_get_answer_header (exchange, "Mcp-Session-Id"));
}

static void
reply (Kit *kit, const char *body)
{
  g_autoptr (FakeExchange) exchange = kit_legacy (kit, body);

  kit_assert (exchange, 202, "");
}

/* Modern. */

static void
test_modern (void)
{
  g_autoptr (Kit) kit = kit_new (NULL);
  g_autoptr (FakeExchange) asked = ask_modern (kit, "asks", "\"arguments\":{\"a\":1,\"b\":2},", FORM, "");
  g_autoptr (FakeExchange) done = NULL;
  g_autofree char *state = NULL;
  g_autofree char *params = NULL;

  kit_assert (asked, 200, "\"inputRequests\":{\"n\":{\"method\":\"elicitation/create\"");
  kit_assert (asked, 200, "\"resultType\":\"input_required\"");
  kit_assert (asked, 200, "\"org.collet/version\":\"1.0.0\"");
  state = dup_state (asked);
  /* The arguments are the same however they are written. */
  params = g_strdup_printf ("\"arguments\":{\"b\":2, \"a\":1},\"requestState\":\"%s\",\"inputResponses\":{"
                            "\"n\":" ACCEPT ",\"unknown\":{}},",
                            state);
  done = ask_modern (kit, "asks", params, FORM, "");
  kit_assert (done, 200, "\"replies\":{\"n\":" ACCEPT);
  kit_assert (done, 200, "\"state\":\"AAEC\"");
  kit_assert (done, 200, "\"resultType\":\"complete\"");
}

static void
test_cheats (void)
{
  g_autoptr (Kit) kit = kit_new (NULL);
  g_autoptr (Kit) other = kit_new (NULL);
  g_autoptr (FakeExchange) asked =
      ask_modern (kit, "asks", "\"arguments\":{\"a\":1},", FORM, "Authorization: Bearer one");
  g_autofree char *state = dup_state (asked);
  g_autofree char *changed = g_strdup (state);
  g_autofree char *longer = g_strconcat (state, "AAAA", NULL);
  const struct
  {
    Kit *kit;
    const char *tool, *arguments, *state, *headers;
  } rows[] = {
    { kit, "asks", "{\"a\":1}", changed, "Authorization: Bearer one" },
    { kit, "asks", "{\"a\":1}", longer, "Authorization: Bearer one" },
    { kit, "asks", "{\"a\":1}", "", "Authorization: Bearer one" },
    { kit, "asks", "{\"a\":1}", "AAAA", "Authorization: Bearer one" },
    { kit, "asks", "{\"a\":1}", "%%%", "Authorization: Bearer one" },
    { kit, "asks", "{\"a\":2}", state, "Authorization: Bearer one" },
    { kit, "asks", "{}", state, "Authorization: Bearer one" },
    { kit, "asks", "{\"a\":1}", state, "Authorization: Bearer two" },
    { kit, "asks", "{\"a\":1}", state, "" },
    { kit, "asks-url", "{\"a\":1}", state, "Authorization: Bearer one" },
    { other, "asks", "{\"a\":1}", state, "Authorization: Bearer one" },
  };

  changed[20] = changed[20] == 'A' ? 'B' : 'A';
  g_assert_null (strstr (state, "AAEC")); /* it cannot be read either */
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *params =
          g_strdup_printf ("\"arguments\":%s,\"requestState\":\"%s\",\"inputResponses\":{\"n\":" ACCEPT "},",
                           rows[i].arguments, rows[i].state);
      g_autoptr (FakeExchange) exchange =
          ask_modern (rows[i].kit, rows[i].tool, params, FORM, rows[i].headers);

      kit_assert (exchange, 200, "\"code\":-32602");
      kit_assert (exchange, 200, "requestState");
    }
}

static void
test_expired (void)
{
  ColletMcpConfig config = { .limits = { .input_timeout_ms = 1 } };
  g_autoptr (Kit) kit = kit_new (&config);
  g_autoptr (FakeExchange) asked = ask_modern (kit, "asks", "", FORM, "");
  g_autofree char *state = dup_state (asked);
  g_autofree char *params = g_strdup_printf ("\"requestState\":\"%s\",", state);
  g_autoptr (FakeExchange) late = NULL;

  g_usleep (5000);
  late = ask_modern (kit, "asks", params, FORM, "");
  kit_assert (late, 200, "too old");
  kit_assert (late, 200, "\"code\":-32602");
}

/* A restarted server has the same key. */
static void
test_restart (void)
{
  guchar key[COLLET_MCP_SEAL_KEY_SIZE] = { 1, 2, 3 };
  ColletMcpConfig config = { .seal_key = key };
  g_autoptr (Kit) before = kit_new (&config);
  g_autoptr (Kit) after = kit_new (&config);
  g_autoptr (FakeExchange) asked = ask_modern (before, "asks", "", FORM, "");
  g_autofree char *state = dup_state (asked);
  g_autofree char *params =
      g_strdup_printf ("\"requestState\":\"%s\",\"inputResponses\":{\"n\":" ACCEPT "},", state);
  g_autoptr (FakeExchange) done = ask_modern (after, "asks", params, FORM, "");

  kit_assert (done, 200, "\"state\":\"AAEC\"");
}

static void
test_wrong_input (void)
{
  static const struct
  {
    const char *params, *want;
  } rows[] = {
    { "\"inputResponses\":null,", "must be an object" }, { "\"inputResponses\":[],", "must be an object" },
    { "\"inputResponses\":{\"n\":5},", "Each member" },  { "\"requestState\":5,", "must be a string" },
    { "\"requestState\":null,", "must be a string" },
  };
  g_autoptr (Kit) kit = kit_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (FakeExchange) exchange = ask_modern (kit, "asks", rows[i].params, FORM, "");

      kit_assert (exchange, 200, "\"code\":-32602");
      kit_assert (exchange, 200, rows[i].want);
    }
}

static void
test_missing_capability (void)
{
  static const struct
  {
    const char *tool, *capabilities, *want;
  } rows[] = {
    { "asks", "", "{\"elicitation\":{\"form\":{}}}" },
    { "asks", "\"elicitation\":{\"url\":{}}", "{\"elicitation\":{\"form\":{}}}" },
    { "asks-url", FORM, "{\"elicitation\":{\"url\":{}}}" },
    { "asks-two", FORM, "{\"sampling\":{}}" },
    { "asks-two", "", "{\"elicitation\":{\"form\":{}},\"sampling\":{}}" },
  };
  g_autoptr (Kit) kit = kit_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (FakeExchange) exchange = ask_modern (kit, rows[i].tool, "", rows[i].capabilities, "");
      g_autofree char *want = g_strdup_printf ("\"data\":{\"requiredCapabilities\":%s}", rows[i].want);

      kit_assert (exchange, 400, "\"code\":-32021");
      kit_assert (exchange, 400, want);
      kit_assert (exchange, 400, "\"id\":7");
    }
  initialize (kit, "\"elicitation\":{\"url\":{}}");
  {
    g_autoptr (FakeExchange) legacy = kit_legacy (kit, CALL ("1", "asks"));

    kit_assert (legacy, 200, "\"reason\":\"NotSupported\"");
    kit_assert (legacy, 200, "form");
  }
}

static void
test_faulty_modules (void)
{
  static const char *const tools[] = { "asks-nothing", "asks-wrongly", "asks-garbage" };
  g_autoptr (Kit) kit = kit_new (NULL);

  initialize (kit, FORM);
  for (guint i = 0; i < G_N_ELEMENTS (tools); i++)
    {
      g_autofree char *body = g_strdup_printf (CALL ("1", "%s"), tools[i]);
      g_autoptr (FakeExchange) modern = ask_modern (kit, tools[i], "", FORM, "");
      g_autoptr (FakeExchange) legacy = kit_legacy (kit, body);

      kit_assert (modern, 200, "\"reason\":\"InvalidResult\"");
      kit_assert (legacy, 200, "\"reason\":\"InvalidResult\"");
    }
}

/* Legacy. */

static void
test_legacy (void)
{
  g_autoptr (Kit) kit = kit_new (NULL);
  g_autoptr (FakeExchange) call = NULL;

  initialize (kit, FORM ",\"sampling\":{}");
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
test_legacy_state (void)
{
  g_autoptr (Kit) kit = kit_new (NULL);
  g_autoptr (FakeExchange) call = NULL;

  initialize (kit, FORM);
  call = kit_legacy (kit, CALL ("5", "asks"));
  g_assert_true (fake_exchange_wait_for (call, "collet-1"));
  reply (kit, REPLY ("1", ACCEPT));
  kit_assert (call, 200, "\"state\":\"AAEC\"");
}

/* Another client cannot answer for it. */
static void
test_legacy_stranger (void)
{
  g_autoptr (Kit) kit = kit_new (NULL);
  g_autoptr (FakeExchange) call = NULL;
  g_autofree char *owner = NULL;

  initialize (kit, FORM);
  call = kit_legacy (kit, CALL ("5", "asks"));
  g_assert_true (fake_exchange_wait_for (call, "collet-1"));
  owner = g_steal_pointer (&kit->session);
  initialize (kit, FORM);
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

  initialize (kit, FORM);
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

  initialize (kit, FORM);
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
  kit_lose (kit, lost);
  fake_exchange_wait (lost);

  ended = kit_legacy (kit, CALL ("7", "asks"));
  headers = g_strconcat ("Mcp-Session-Id: ", kit->session, NULL);
  end = kit_send (kit, "DELETE", headers, NULL);
  kit_assert (ended, 200, "CallCancelled");

  initialize (kit, FORM);
  stopped = kit_legacy (kit, CALL ("8", "asks"));
  collet_mcp_server_end_streams (kit->server);
  kit_assert (stopped, 200, "ShuttingDown");
}

static void
test_legacy_time (void)
{
  ColletMcpConfig config = { .limits = { .input_timeout_ms = 1 } };
  g_autoptr (Kit) kit = kit_new (&config);
  g_autoptr (FakeExchange) call = NULL;

  initialize (kit, FORM);
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

  initialize (kit, FORM);
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

  initialize (kit, FORM ",\"sampling\":{}");
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

  initialize (kit, FORM ",\"sampling\":{}");
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

/* The parts. */

static void
test_capabilities (void)
{
  static const struct
  {
    const char *json;
    guint want;
  } rows[] = {
    { "{}", 0 },
    { "[]", 0 },
    { "{\"elicitation\":{}}", 1 },
    { "{\"elicitation\":{\"form\":{}}}", 1 },
    { "{\"elicitation\":{\"url\":{}}}", 2 },
    { "{\"elicitation\":{\"url\":{},\"form\":{}}}", 3 },
    { "{\"elicitation\":true,\"sampling\":null,\"roots\":1}", 0 },
    { "{\"sampling\":{\"tools\":{}},\"roots\":{\"listChanged\":true}}", 12 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *text = g_strdup_printf ("{\"c\":%s}", rows[i].json);
      g_autoptr (ColletJson) json = collet_json_parse (text, -1, NULL);

      g_assert_cmpuint (collet_questions_from_capabilities (json, collet_json_member (json, 0, "c")), ==,
                        rows[i].want);
      g_assert_cmpuint (collet_questions_from_capabilities (json, collet_json_member (json, 0, "d")), ==, 0);
    }
}

static void
test_seal (void)
{
  guchar key[COLLET_MCP_SEAL_KEY_SIZE], other[COLLET_MCP_SEAL_KEY_SIZE];

  collet_mcp_seal_make_key (key);
  collet_mcp_seal_make_key (other);
  for (gsize size = 0; size < 100; size++)
    {
      g_auto (ColletMcpSealed) in = { .expires_us = -5, .state_size = size, .state = g_malloc0 (size + 1) };
      g_auto (ColletMcpSealed) out = { 0 };
      g_autofree char *text = NULL;
      g_autofree char *again = NULL;

      memset (in.asked_by, 'a', 64);
      text = collet_mcp_seal (key, "for this", &in);
      again = collet_mcp_seal (key, "for this", &in);
      g_assert_cmpstr (text, !=, again);
      g_assert_cmpuint (strspn (text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), ==,
                        strlen (text));
      g_assert_false (collet_mcp_unseal (other, "for this", text, &out));
      g_assert_false (collet_mcp_unseal (key, "for that", text, &out));
      g_assert_true (collet_mcp_unseal (key, "for this", text, &out));
      g_assert_cmpint (out.expires_us, ==, -5);
      g_assert_cmpstr (out.asked_by, ==, in.asked_by);
      g_assert_cmpmem (out.state, out.state_size, in.state, in.state_size);
      for (gsize i = 0; i < strlen (text); i++)
        {
          char kept = text[i];

          text[i] = kept == 'A' ? 'B' : 'A';
          g_assert_false (collet_mcp_unseal (key, "for this", text, &out));
          text[i] = '\0';
          g_assert_false (collet_mcp_unseal (key, "for this", text, &out));
          text[i] = kept;
        }
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/mcp/question/goes-to-a-modern-client-as-a-result", test_modern);
  g_test_add_func ("/mcp/question/state-is-good-for-what-it-was-given-for-alone", test_cheats);
  g_test_add_func ("/mcp/question/state-expires", test_expired);
  g_test_add_func ("/mcp/question/state-outlives-the-server", test_restart);
  g_test_add_func ("/mcp/question/with-wrong-input-is-refused", test_wrong_input);
  g_test_add_func ("/mcp/question/needs-a-capability-of-the-client", test_missing_capability);
  g_test_add_func ("/mcp/question/of-a-faulty-module-is-not-asked", test_faulty_modules);
  g_test_add_func ("/mcp/question/goes-to-a-legacy-client-as-a-request", test_legacy);
  g_test_add_func ("/mcp/question/keeps-its-state-for-a-legacy-client", test_legacy_state);
  g_test_add_func ("/mcp/question/is-not-for-another-session-to-answer", test_legacy_stranger);
  g_test_add_func ("/mcp/question/comes-to-an-end", test_legacy_for_ever);
  g_test_add_func ("/mcp/question/ends-with-call-client-session-and-server", test_legacy_ends);
  g_test_add_func ("/mcp/question/is-not-open-for-ever", test_legacy_time);
  g_test_add_func ("/mcp/question/has-answers-of-a-limited-size", test_legacy_large);
  g_test_add_func ("/mcp/question/answers-cannot-be-hoarded", test_legacy_hoard);
  g_test_add_func ("/mcp/question/cannot-be-asked-in-a-batch", test_legacy_batch);
  g_test_add_func ("/mcp/question/survives-answers-and-ends-at-once", test_legacy_races);
  g_test_add_func ("/mcp/question/capabilities-are-read-as-they-are-meant", test_capabilities);
  g_test_add_func ("/mcp/seal/opens-only-unchanged-by-its-key-for-its-purpose", test_seal);
  return g_test_run ();
}
