/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Who may do what, and how often.
 */
#include "mcp-kit.h"

#include "collet-mcp-rate.h"

#include <string.h>

#define CALL(tool)                                                                                           \
  "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"" tool "\"}}"
#define LIST "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}"
#define ALL (COLLET_MCP_MAY_LIST | COLLET_MCP_MAY_CALL | COLLET_MCP_MAY_METRICS)

typedef struct
{
  const char *secret;
  guint may;
  const char *const *tools;
} Grant;

static ColletMcpAccess *
make_access (const Grant *grants, guint n)
{
  ColletMcpToken tokens[4] = { 0 };
  ColletMcpAccess *access;

  for (guint i = 0; i < n; i++)
    tokens[i] = (ColletMcpToken){
      .name = grants[i].secret,
      .sha256 = g_compute_checksum_for_string (G_CHECKSUM_SHA256, grants[i].secret, -1),
      .may = grants[i].may,
      .tools = grants[i].tools,
    };
  access = collet_mcp_access_new (tokens, n);
  for (guint i = 0; i < n; i++)
    g_free ((char *)tokens[i].sha256);
  return access;
}

static Kit *
kit_with (const Grant *grants, guint n)
{
  ColletMcpConfig config = { .access = make_access (grants, n) };

  return kit_new (&config);
}

static FakeExchange *
send_as (Kit *kit, const char *secret, const char *method, const char *path, const char *body)
{
  g_autofree char *headers =
      g_strdup_printf (KIT_LEGACY "Authorization: Bearer %s\n%s%s", secret,
                       kit->session ? "Mcp-Session-Id: " : "", kit->session ? kit->session : "");
  FakeExchange *exchange = fake_exchange_new (method, path, headers, body, -1);

  fake_exchange_run (exchange, collet_mcp_server_get_handler (), kit->server);
  return exchange;
}

static void
expect (Kit *kit, const char *secret, const char *body, guint status, const char *text)
{
  g_autoptr (FakeExchange) exchange = send_as (kit, secret, "POST", "/mcp", body);

  kit_assert (exchange, status, text);
  if (status == 403)
    g_assert_cmpstr (fake_exchange_get_answer_header (exchange, "WWW-Authenticate"), ==,
                     "Bearer error=\"insufficient_scope\"");
}

static void
open_session (Kit *kit, const char *secret)
{
  g_autoptr (FakeExchange) exchange =
      send_as (kit, secret, "POST", "/mcp",
               "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{"
               "\"protocolVersion\":\"2025-11-25\",\"capabilities\":{}}}");

  kit_assert (exchange, 200, "protocolVersion");
  kit->session = g_strdup (fake_exchange_get_answer_header (exchange, "Mcp-Session-Id"));
}

static void
test_tokens (void)
{
  static const Grant grants[] = { { "first", ALL, NULL }, { "second", ALL, NULL } };
  g_autoptr (Kit) kit = kit_with (grants, G_N_ELEMENTS (grants));
  static const struct
  {
    const char *headers;
    guint status;
  } tries[] = { { KIT_LEGACY, 401 },
                { KIT_LEGACY "Authorization: Bearer ", 401 },
                { KIT_LEGACY "Authorization: Bearer firs", 401 },
                { KIT_LEGACY "Authorization: Bearer firstfirst", 401 },
                { KIT_LEGACY "Authorization: Basic first", 401 },
                { KIT_LEGACY "Authorization: Bearer first", 400 },
                { KIT_LEGACY "Authorization: bearer second", 400 } };
  g_autoptr (FakeExchange) health = fake_exchange_new ("GET", "/healthz", NULL, NULL, -1);
  g_autoptr (FakeExchange) metrics = fake_exchange_new ("GET", "/metrics", NULL, NULL, -1);

  for (guint i = 0; i < G_N_ELEMENTS (tries); i++)
    {
      g_autoptr (FakeExchange) exchange = kit_send (kit, "POST", tries[i].headers, "{}");

      kit_assert (exchange, tries[i].status, "");
      if (tries[i].status == 401)
        g_assert_cmpstr (fake_exchange_get_answer_header (exchange, "WWW-Authenticate"), ==, "Bearer");
    }
  fake_exchange_run (health, collet_mcp_server_get_handler (), kit->server);
  kit_assert (health, 200, "ok");
  fake_exchange_run (metrics, collet_mcp_server_get_handler (), kit->server);
  kit_assert (metrics, 401, "");
}

static void
test_scope (void)
{
  static const char *const echo_only[] = { "ec*", NULL };
  static const Grant grants[] = { { "reader", COLLET_MCP_MAY_LIST, NULL },
                                  { "caller", COLLET_MCP_MAY_CALL, NULL },
                                  { "echoer", COLLET_MCP_MAY_LIST | COLLET_MCP_MAY_CALL, echo_only } };
  g_autoptr (Kit) kit = kit_with (grants, G_N_ELEMENTS (grants));
  g_autoptr (FakeExchange) list = NULL;
  g_autofree char *text = NULL;

  open_session (kit, "reader");
  expect (kit, "reader", LIST, 200, "\"name\":\"slow\"");
  expect (kit, "reader", CALL ("echo"), 403, "NotAuthorized");
  expect (kit, "caller", CALL ("echo"), 200, "\"result\"");
  expect (kit, "caller", LIST, 403, "NotAuthorized");
  expect (kit, "echoer", CALL ("echo"), 200, "\"result\"");
  expect (kit, "echoer", CALL ("slow"), 403, "NotAuthorized");
  /* Whether it exists is not for this token to know. */
  expect (kit, "echoer", CALL ("no-such-tool"), 403, "NotAuthorized");

  list = send_as (kit, "echoer", "POST", "/mcp", LIST);
  kit_assert (list, 200, "\"name\":\"echo\"");
  text = fake_exchange_dup_text (list);
  g_assert_null (strstr (text, "\"name\":\"slow\""));
}

static void
test_scope_of_the_rest (void)
{
  static const Grant grants[] = { { "caller", COLLET_MCP_MAY_CALL, NULL },
                                  { "prometheus", COLLET_MCP_MAY_METRICS, NULL } };
  g_autoptr (Kit) kit = kit_with (grants, G_N_ELEMENTS (grants));
  static const struct
  {
    const char *secret, *path;
    guint status;
  } rows[] = { { "caller", "/metrics", 403 },
               { "prometheus", "/metrics", 200 },
               { "caller", "/mcp", 403 } }; /* a stream of news */

  open_session (kit, "caller");
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (FakeExchange) exchange = send_as (kit, rows[i].secret, "GET", rows[i].path, NULL);

      kit_assert (exchange, rows[i].status, "");
    }
}

static void
test_changes (void)
{
  static const Grant before[] = { { "old", ALL, NULL } };
  static const Grant after[] = { { "new", ALL, NULL } };
  g_autoptr (Kit) kit = kit_with (before, 1);
  const ColletMcpLimits limits = { .max_depth = 8 };

  open_session (kit, "old");
  expect (kit, "old", CALL ("echo"), 200, "\"result\"");
  collet_mcp_server_configure (kit->server, &limits, make_access (after, 1));
  expect (kit, "old", CALL ("echo"), 401, "");
  expect (kit, "new", CALL ("echo"), 200, "\"result\"");
  expect (kit, "new",
          "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"echo\","
          "\"arguments\":{\"a\":[[[[[[0]]]]]]}}}",
          400, "JsonTooDeep");
  collet_mcp_server_configure (kit->server, &limits, NULL);
  expect (kit, "whoever", CALL ("echo"), 200, "\"result\"");
}

static void
test_rate (void)
{
  static const Grant grants[] = { { "busy", ALL, NULL }, { "calm", ALL, NULL } };
  ColletMcpConfig config = { .access = make_access (grants, 2), .limits.max_client_requests = 5 };
  g_autoptr (Kit) kit = kit_new (&config);
  guint refused = 0;

  for (guint i = 0; i < 50; i++)
    {
      g_autoptr (FakeExchange) exchange = send_as (kit, "busy", "POST", "/mcp", LIST);

      fake_exchange_wait (exchange);
      if (fake_exchange_get_status (exchange) != 429)
        continue;
      refused++;
      g_assert_cmpstr (fake_exchange_get_answer_header (exchange, "Retry-After"), ==, "1");
    }
  g_assert_cmpuint (refused, >, 0);
  expect (kit, "calm", LIST, 400, "Mcp-Session-Id");
}

static void
test_buckets (void)
{
  ColletMcpRate *rate = collet_mcp_rate_new ();
  const gint64 start = 10 * G_USEC_PER_SEC;

  for (guint i = 0; i < 10; i++)
    g_assert_true (collet_mcp_rate_take (rate, "a", 10, start));
  g_assert_false (collet_mcp_rate_take (rate, "a", 10, start));
  g_assert_true (collet_mcp_rate_take (rate, "b", 10, start));
  /* A tenth of a second gives one back, and a clock that another thread read
   * earlier takes nothing away. */
  g_assert_true (collet_mcp_rate_take (rate, "a", 10, start + 100000));
  g_assert_false (collet_mcp_rate_take (rate, "a", 10, start + 50000));
  g_assert_false (collet_mcp_rate_take (rate, "a", 10, start + 100000));
  for (guint i = 0; i < 10; i++)
    g_assert_true (collet_mcp_rate_take (rate, "a", 10, start + 5 * G_USEC_PER_SEC));
  g_assert_false (collet_mcp_rate_take (rate, "a", 10, start + 5 * G_USEC_PER_SEC));
  collet_mcp_rate_free (rate);
}

static void
test_many_clients (void)
{
  ColletMcpRate *rate = collet_mcp_rate_new ();

  /* More than it has room for: none is turned away for the others' sake. */
  for (guint round = 1; round <= 3; round++)
    for (guint i = 0; i < 100000; i++)
      {
        char client[16];

        g_snprintf (client, sizeof client, "%u", i);
        g_assert_true (collet_mcp_rate_take (rate, client, 1000, round * 10 * G_USEC_PER_SEC));
      }
  collet_mcp_rate_free (rate);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/mcp/access/tokens-guard-everything-but-health", test_tokens);
  g_test_add_func ("/mcp/access/a-token-does-what-its-scope-says", test_scope);
  g_test_add_func ("/mcp/access/metrics-and-streams-have-a-scope", test_scope_of_the_rest);
  g_test_add_func ("/mcp/access/settings-change-while-it-runs", test_changes);
  g_test_add_func ("/mcp/access/each-client-has-a-rate", test_rate);
  g_test_add_func ("/mcp/rate/a-bucket-fills-with-time", test_buckets);
  g_test_add_func ("/mcp/rate/many-clients-share-fairly", test_many_clients);
  return g_test_run ();
}
