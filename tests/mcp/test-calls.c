/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * tools/call: results, failures, reports, cancelling, limits, what is counted.
 */
#include "mcp-kit.h"

#include "collet-error.h"

#include <string.h>

#define CALL(id, name)                                                                                       \
  "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"tools/call\",\"params\":{\"name\":\"" name "\"}}"
#define CALL_TOKEN(id, name)                                                                                 \
  "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"tools/call\",\"params\":{\"name\":\"" name                \
  "\",\"_meta\":{\"progressToken\":\"p\"}}}"

static void
test_failures (void)
{
  static const struct
  {
    const char *tool, *want;
  } rows[] = {
    { "crash", "\"reason\":\"WorkerCrashed\"" },
    { "timeout", "\"reason\":\"CallTimeout\"" },
    { "no-json", "\"reason\":\"InvalidResult\"" },
    { "no-content", "\"reason\":\"InvalidResult\"" },
    { "bad-block", "/content/1" },
    { "bad-structured", "structuredContent" },
    { "promise-broken", "\"reason\":\"InvalidResult\"" },
    { "promise-kept", "\"sum\":5" },
    { "promise-excused", "\"isError\":true" },
  };
  g_autoptr (Kit) kit = kit_new (NULL);

  kit_initialize (kit, "2025-06-18");
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *params = g_strdup_printf ("\"name\":\"%s\"", rows[i].tool);
      g_autofree char *body = g_strdup_printf (CALL ("3", "%s"), rows[i].tool);
      g_autoptr (FakeExchange) legacy = kit_legacy (kit, body);
      g_autoptr (FakeExchange) modern = kit_modern (kit, "tools/call", params);

      kit_assert (legacy, 200, rows[i].want);
      kit_assert (modern, 200, rows[i].want);
      if (strstr (rows[i].want, "reason"))
        kit_assert (modern, 200, "\"code\":-32603");
    }
}

/* What answers may be newer than what was called: its own promise counts. */
static void
test_reload_between (void)
{
  g_autoptr (Kit) kit = kit_new (NULL);
  g_autoptr (FakeExchange) old = NULL;
  g_autoptr (FakeExchange) spanning = NULL;

  kit_initialize (kit, "2025-06-18");
  old = kit_legacy (kit, CALL ("1", "shifts"));
  kit_assert (old, 200, "InvalidResult");
  spanning = kit_legacy (kit, CALL ("2", "shifts"));
  fake_tools_publish (kit->tools, 0, "2.0.0");
  kit_assert (spanning, 200, "\"org.collet/version\":\"2.0.0\"");
  kit_assert (spanning, 200, "\"sum\":\"five\"");
}

static void
test_meta (void)
{
  g_autoptr (Kit) kit = kit_new (NULL);
  g_autoptr (FakeExchange) plain = NULL;
  g_autoptr (FakeExchange) own = kit_modern (kit, "tools/call", "\"name\":\"own-meta\"");
  g_autofree char *text = NULL;

  kit_initialize (kit, "2025-06-18");
  plain = kit_legacy (kit, CALL ("3", "test_simple_text"));
  kit_assert (plain, 200, "\"org.collet/version\":\"1.0.0\"");
  kit_assert (plain, 200, "\"org.collet/generation\":7");
  kit_assert (own, 200, "\"com.example/x\":1");
  text = fake_exchange_dup_text (own);
  g_assert_null (strstr (text, "lie"));
}

static void
test_reports (void)
{
  g_autoptr (Kit) kit = kit_new (NULL);
  g_autoptr (FakeExchange) silent = NULL;
  g_autoptr (FakeExchange) progress = NULL;
  g_autoptr (FakeExchange) logs = NULL;
  g_autoptr (FakeExchange) level = NULL;
  g_autofree char *text = NULL;

  kit_initialize (kit, "2025-06-18");
  silent = kit_legacy (kit, CALL ("1", "pretty"));
  kit_assert (silent, 200, "\"result\"");
  g_assert_false (fake_exchange_is_stream (silent));

  progress = kit_legacy (kit, CALL_TOKEN ("2", "pretty"));
  kit_assert (progress, 200, "\"progressToken\":\"p\",\"progress\":50");
  g_assert_true (fake_exchange_is_stream (progress));
  g_assert_cmpstr (fake_exchange_get_answer_header (progress, "Content-Type"), ==, "text/event-stream");
  g_assert_cmpstr (fake_exchange_get_answer_header (progress, "Cache-Control"), ==, "no-cache, no-transform");
  g_assert_cmpstr (fake_exchange_get_answer_header (progress, "X-Accel-Buffering"), ==, "no");
  text = fake_exchange_dup_text (progress);
  g_assert_null (strstr (text, "notifications/message"));
  /* The module's line breaks would end the event. */
  g_assert_null (strstr (text, "\r"));
  g_assert_true (g_str_has_suffix (text, "}\n\n"));
  g_assert_nonnull (strstr (text, "\"id\":2,\"result\":{"));

  level = kit_legacy (
      kit, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"logging/setLevel\",\"params\":{\"level\":\"info\"}}");
  logs = kit_legacy (kit, CALL ("4", "pretty"));
  kit_assert (logs, 200, "\"method\":\"notifications/message\",\"params\":{\"level\":\"info\"");
}

static void
test_modern_logs (void)
{
  g_autoptr (Kit) kit = kit_new (NULL);
  g_autoptr (FakeExchange) quiet = kit_modern (kit, "tools/call", "\"name\":\"pretty\"");
  g_autofree char *headers =
      g_strconcat (KIT_LEGACY KIT_MODERN_VERSION "Mcp-Method: tools/call\nMcp-Name: pretty", NULL);
  g_autoptr (FakeExchange) loud = kit_send (
      kit, "POST", headers,
      "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{\"name\":\"pretty\",\"_meta\":{"
      "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
      "\"io.modelcontextprotocol/clientCapabilities\":{},\"io.modelcontextprotocol/logLevel\":\"debug\"}}}");

  kit_assert (quiet, 200, "\"result\"");
  g_assert_false (fake_exchange_is_stream (quiet));
  kit_assert (loud, 200, "notifications/message");
}

static void
test_cancel (void)
{
  g_autoptr (Kit) kit = kit_new (NULL);
  g_autoptr (FakeExchange) one = NULL;
  g_autoptr (FakeExchange) other = NULL;
  g_autoptr (FakeExchange) notification = NULL;
  g_autoptr (FakeExchange) end = NULL;

  kit_initialize (kit, "2025-06-18");
  one = kit_legacy (kit, CALL ("\"a\"", "stuck"));
  other = kit_legacy (kit, CALL ("1", "stuck"));
  notification = kit_legacy (
      kit, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":\"a\"}}");
  kit_assert (notification, 202, "");
  fake_exchange_wait (one);
  {
    g_autofree char *text = fake_exchange_dup_text (one);
    g_assert_true (fake_exchange_is_stream (one));
    g_assert_cmpstr (text, ==, ""); /* its client does not wait any more */
  }
  g_assert_false (fake_exchange_is_answered (other));
  g_assert_cmpuint (fake_tools_count_cancelled (kit->tools), ==, 1);
  /* The end of a session ends its calls. */
  {
    g_autofree char *headers = g_strconcat ("Mcp-Session-Id: ", kit->session, NULL);
    end = kit_send (kit, "DELETE", headers, NULL);
  }
  kit_assert (end, 200, "");
  kit_assert (other, 200, "CallCancelled");
}

static void
test_client_gone (void)
{
  g_autoptr (Kit) kit = kit_new (NULL);
  g_autoptr (FakeExchange) modern = kit_modern (kit, "tools/call", "\"name\":\"stuck\"");
  g_autoptr (FakeExchange) legacy = NULL;

  kit_lose (kit, modern);
  kit_assert (modern, 200, "CallCancelled");
  kit_initialize (kit, "2025-06-18");
  legacy = kit_legacy (kit, CALL ("1", "slow"));
  kit_lose (kit, legacy);
  fake_exchange_wait (legacy);
  g_assert_cmpuint (fake_tools_count_cancelled (kit->tools), ==, 1);
}

/* Losing the client at any moment of a short call. */
static void
test_gone_races (void)
{
  g_autoptr (Kit) kit = kit_new (NULL);

  for (guint i = 0; i < 500; i++)
    {
      g_autoptr (FakeExchange) exchange = kit_modern (kit, "tools/call", "\"name\":\"hop\"");

      kit_lose (kit, exchange);
      fake_exchange_wait (exchange);
    }
}

static void
test_limits (void)
{
  ColletMcpConfig config = { .limits = { .max_calls = 3, .max_calls_per_session = 2 } };
  g_autoptr (Kit) kit = kit_new (&config);
  g_autoptr (GPtrArray) running = g_ptr_array_new_with_free_func ((GDestroyNotify)fake_exchange_unref);
  g_autoptr (FakeExchange) third = NULL;
  g_autoptr (FakeExchange) fourth = NULL;
  g_autoptr (FakeExchange) after = NULL;

  kit_initialize (kit, "2025-06-18");
  g_ptr_array_add (running, kit_legacy (kit, CALL ("1", "slow")));
  g_ptr_array_add (running, kit_legacy (kit, CALL ("1", "slow")));
  third = kit_legacy (kit, CALL ("3", "slow"));
  kit_assert (third, 200, "of this session");
  kit_assert (third, 200, "\"reason\":\"Overloaded\"");
  kit_initialize (kit, "2025-06-18");
  g_ptr_array_add (running, kit_legacy (kit, CALL ("4", "slow")));
  fourth = kit_legacy (kit, CALL ("5", "slow"));
  kit_assert (fourth, 200, "\"reason\":\"Overloaded\"");
  for (guint i = 0; i < running->len; i++)
    kit_assert (running->pdata[i], 200, "at last");
  after = kit_legacy (kit, CALL ("6", "slow"));
  kit_assert (after, 200, "at last");
}

static void
test_rate (void)
{
  ColletMcpConfig config = { .limits = { .max_requests_per_second = 5 } };
  g_autoptr (Kit) kit = kit_new (&config);
  guint refused = 0;

  kit_initialize (kit, "2025-06-18");
  for (guint i = 0; i < 50; i++)
    {
      g_autoptr (FakeExchange) exchange = kit_legacy (kit, CALL ("1", "echo"));

      fake_exchange_wait (exchange);
      refused += fake_exchange_get_status (exchange) == 429;
    }
  g_assert_cmpuint (refused, >=, 35);
  g_assert_cmpuint (refused, <=, 45);
}

static void
test_batch (void)
{
  g_autoptr (Kit) kit = kit_new (NULL);
  g_autoptr (FakeExchange) mixed = NULL;
  g_autoptr (FakeExchange) silent = NULL;
  g_autoptr (FakeExchange) empty = NULL;
  g_autoptr (FakeExchange) large = NULL;
  g_autoptr (GString) many = g_string_new ("[");
  g_autofree char *text = NULL;

  kit_initialize (kit, "2025-03-26");
  mixed =
      kit_legacy (kit,
                  "[" CALL ("1", "slow") "," CALL (
                      "2", "echo") ",{\"jsonrpc\":\"2.0\",\"method\":\"x\"},7,"
                                   "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"initialize\"}," CALL_TOKEN (
                                       "4", "pretty") "]");
  kit_assert (mixed, 200, "at last");
  text = fake_exchange_dup_text (mixed);
  g_assert_true (g_str_has_prefix (text, "[{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":"));
  g_assert_nonnull (strstr (text, "},{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":"));
  g_assert_nonnull (strstr (text, "\"id\":null,\"error\":{\"code\":-32600"));
  g_assert_nonnull (strstr (text, "\"id\":3,\"error\":{\"code\":-32600"));
  g_assert_nonnull (strstr (text, "\"id\":4,\"result\":"));

  silent =
      kit_legacy (kit,
                  "[{\"jsonrpc\":\"2.0\",\"method\":\"x\"},{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}]");
  kit_assert (silent, 202, "");
  empty = kit_legacy (kit, "[]");
  kit_assert (empty, 400, "-32600");
  for (guint i = 0; i < 101; i++)
    g_string_append_printf (many, "%s%s", i > 0 ? "," : "", CALL ("1", "echo"));
  g_string_append_c (many, ']');
  large = kit_legacy (kit, many->str);
  kit_assert (large, 400, "-32600");
}

static void
test_param_headers (void)
{
  static const struct
  {
    const char *headers, *arguments;
    guint status;
    const char *want;
  } rows[] = {
    { "Mcp-Param-Region: eu", "{\"region\":\"eu\"}", 200, "\"result\"" },
    { "Mcp-Param-Region: us", "{\"region\":\"eu\"}", 400, "-32020" },
    { "X: y", "{\"region\":\"eu\"}", 400, "Mcp-Param-Region" },
    { "X: y", "{}", 200, "\"result\"" },
    { "X: y", "{\"region\":null}", 200, "isError" },
    { "Mcp-Param-Region: =?base64?w6k=?=", "{\"region\":\"\\u00e9\"}", 200, "\"result\"" },
    { "Mcp-Param-Region: =?base64?w6k?=", "{\"region\":\"\\u00e9\"}", 400, "-32020" },
    { "Mcp-Param-Count: 42", "{\"count\":42.0}", 200, "\"result\"" },
    { "Mcp-Param-Count: 43", "{\"count\":42}", 400, "-32020" },
    { "Mcp-Param-Flag: true", "{\"deep\":{\"flag\":true}}", 200, "\"result\"" },
    { "Mcp-Param-Flag: false", "{\"deep\":{\"flag\":true}}", 400, "-32020" },
  };
  g_autoptr (Kit) kit = kit_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *headers =
          g_strconcat (KIT_LEGACY KIT_MODERN_VERSION "Mcp-Method: tools/call\nMcp-Name: headed\n",
                       rows[i].headers, NULL);
      g_autofree char *body =
          g_strdup_printf ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{"
                           "\"name\":\"headed\",\"arguments\":%s," KIT_META "}}",
                           rows[i].arguments);
      g_autoptr (FakeExchange) exchange = kit_send (kit, "POST", headers, body);

      kit_assert (exchange, rows[i].status, rows[i].want);
    }
}

typedef struct
{
  guint n_records;
  char *last;
} Records;

static void
on_record (gpointer user_data, const ColletMcpCallRecord *record)
{
  Records *records = user_data;

  records->n_records++;
  g_free (records->last);
  records->last =
      g_strdup_printf ("%.*s %s %s %.6s %" G_GUINT64_FORMAT " %s", (int)record->request_id_size,
                       record->request_id, record->client ? "session" : "none", record->tool,
                       record->sha256 ? record->sha256 : "-", record->generation, record->outcome);
}

static void
test_counts (void)
{
  Records records = { 0 };
  ColletMcpConfig config = { .record = on_record, .user_data = &records };
  g_autoptr (Kit) kit = kit_new (&config);
  g_autoptr (FakeExchange) metrics = fake_exchange_new ("GET", "/metrics", NULL, NULL, -1);
  static const struct
  {
    const char *tool, *want;
  } rows[] = { { "echo", "3 session echo 92521f 7 ok" },
               { "test_error_handling", "3 session test_error_handling 92521f 7 error" },
               { "crash", "3 session crash 92521f 7 WorkerCrashed" } };

  kit_initialize (kit, "2025-06-18");
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *body = g_strdup_printf (CALL ("3", "%s"), rows[i].tool);
      g_autoptr (FakeExchange) exchange = kit_legacy (kit, body);

      fake_exchange_wait (exchange);
      g_assert_cmpstr (records.last, ==, rows[i].want);
    }
  g_assert_cmpuint (records.n_records, ==, 3);
  fake_exchange_run (metrics, collet_mcp_server_get_handler (), kit->server);
  kit_assert (metrics, 200, "collet_tool_call_seconds_count{tool=\"echo\",version=\"92521fc3cbd9\"} 1");
  kit_assert (metrics, 200, "collet_tool_call_errors_total{tool=\"crash\",version=\"92521fc3cbd9\"} 1");
  g_free (records.last);
}

/* Clients of both eras at once, on as many threads, with the list changing. */
static gpointer
call_many (gpointer data)
{
  Kit *kit = data;

  for (guint i = 0; i < 300; i++)
    {
      g_autoptr (FakeExchange) legacy = kit_legacy (kit, CALL ("1", "hop"));
      g_autoptr (FakeExchange) modern = kit_modern (kit, "tools/call", "\"name\":\"hop\"");

      kit_assert (legacy, 200, "\"structuredContent\":{}");
      kit_assert (modern, 200, "\"structuredContent\":{}");
    }
  return NULL;
}

static void
test_threads (void)
{
  g_autoptr (Kit) kit = kit_new (NULL);
  GThread *threads[4];

  kit_initialize (kit, "2025-06-18");
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("caller", call_many, kit);
  for (guint i = 0; i < 20; i++)
    {
      fake_tools_publish (kit->tools, i, i % 2 ? "1.0.0" : "1.1.0");
      collet_mcp_server_tools_changed (kit->server);
      g_usleep (2000);
    }
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

/* In params._meta or as a header: what that version accepts is what counts. */
static void
test_pinned (void)
{
  static const struct
  {
    const char *headers, *meta, *name;
    guint status;
    const char *want;
  } rows[] = {
    { "", "", "\"Ada\"", 200, "\"org.collet/version\":\"1.0.0\"" },
    { "", ",\"org.collet/version\":\"0.9.0\"", "5", 200, "\"org.collet/version\":\"0.9.0\"" },
    { "", ",\"org.collet/version\":\"0.9.0\"", "\"Ada\"", 200, "are not what it accepts" },
    { "", ",\"org.collet/version\":\"1.0.0\"", "5", 200, "are not what it accepts" },
    { "Collet-Version: 0.9.0\n", "", "5", 200, "\"org.collet/version\":\"0.9.0\"" },
    { "Collet-Version: 92521FC3CB\n", "", "\"Ada\"", 200, "\"org.collet/version\":\"1.0.0\"" },
    { "Collet-Version: 0.9.0\n", ",\"org.collet/version\":\"0.9.0\"", "5", 200, "\"result\"" },
    { "Collet-Version: 1.0.0\n", ",\"org.collet/version\":\"0.9.0\"", "5", 400, "-32020" },
    { "Collet-Version: 3.0.0\n", "", "5", 200, "\"reason\":\"VersionMismatch\"" },
    { "", ",\"org.collet/version\":\"3.0.0\"", "5", 200, "-32603" },
    { "", ",\"org.collet/version\":3", "5", 200, "-32602" },
    { "", ",\"org.collet/version\":\"\"", "5", 200, "-32602" },
  };
  g_autoptr (Kit) kit = kit_new (NULL);

  kit_initialize (kit, "2025-11-25");
  for (guint i = 0; i < G_N_ELEMENTS (rows) * 2; i++)
    {
      gboolean is_modern = i % 2 == 1;
      g_autofree char *headers =
          g_strdup_printf (KIT_LEGACY "%s%s%s", rows[i / 2].headers, is_modern ? "" : "Mcp-Session-Id: ",
                           is_modern ? KIT_MODERN_VERSION "Mcp-Method: tools/call\nMcp-Name: greet"
                                     : kit->session);
      g_autofree char *body =
          g_strdup_printf ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{"
                           "\"name\":\"greet\",\"arguments\":{\"name\":%s},%s%s}}}",
                           rows[i / 2].name, is_modern ? KIT_META_OPEN : "\"_meta\":{\"a/b\":1",
                           rows[i / 2].meta);
      g_autoptr (FakeExchange) exchange = kit_send (kit, "POST", headers, body);

      kit_assert (exchange, rows[i / 2].status, rows[i / 2].want);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/mcp/call/failures-have-a-name", test_failures);
  g_test_add_func ("/mcp/call/a-result-is-held-to-the-promise-of-what-answered", test_reload_between);
  g_test_add_func ("/mcp/call/says-what-answered", test_meta);
  g_test_add_func ("/mcp/call/reports-make-it-a-stream", test_reports);
  g_test_add_func ("/mcp/call/modern-logs-only-if-asked", test_modern_logs);
  g_test_add_func ("/mcp/call/cancels-the-one-named", test_cancel);
  g_test_add_func ("/mcp/call/client-gone-cancels-in-the-modern-era-alone", test_client_gone);
  g_test_add_func ("/mcp/call/client-gone-at-any-moment", test_gone_races);
  g_test_add_func ("/mcp/call/limits-are-refused-by-name", test_limits);
  g_test_add_func ("/mcp/call/rate-is-limited", test_rate);
  g_test_add_func ("/mcp/call/batch-is-answered-whole", test_batch);
  g_test_add_func ("/mcp/call/param-headers-agree", test_param_headers);
  g_test_add_func ("/mcp/call/goes-to-the-version-asked-for", test_pinned);
  g_test_add_func ("/mcp/call/is-counted-and-recorded", test_counts);
  g_test_add_func ("/mcp/call/many-threads", test_threads);
  return g_test_run ();
}
