/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tools that ask modern clients, and those who try to cheat.
 */
#include "mcp-kit.h"

#include "collet-call-input.h"
#include "collet-error.h"
#include "collet-mcp-seal.h"

#include <string.h>

#define FORM "\"elicitation\":{}"
#define CALL(id, name)                                                                                       \
  "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"tools/call\",\"params\":{\"name\":\"" name "\"}}"
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
  kit_initialize_with (kit, "2025-11-25", "\"elicitation\":{\"url\":{}}");
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

  kit_initialize_with (kit, "2025-11-25", FORM);
  for (guint i = 0; i < G_N_ELEMENTS (tools); i++)
    {
      g_autofree char *body = g_strdup_printf (CALL ("1", "%s"), tools[i]);
      g_autoptr (FakeExchange) modern = ask_modern (kit, tools[i], "", FORM, "");
      g_autoptr (FakeExchange) legacy = kit_legacy (kit, body);

      kit_assert (modern, 200, "\"reason\":\"InvalidResult\"");
      kit_assert (legacy, 200, "\"reason\":\"InvalidResult\"");
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
  g_test_add_func ("/mcp/question/capabilities-are-read-as-they-are-meant", test_capabilities);
  g_test_add_func ("/mcp/seal/opens-only-unchanged-by-its-key-for-its-purpose", test_seal);
  return g_test_run ();
}
