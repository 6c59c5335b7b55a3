/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One request, one answer: what is refused with which status and code, in both
 * eras.
 */
#include "mcp-kit.h"

#include <string.h>

#define M(rest) "{\"jsonrpc\":\"2.0\",\"id\":7," rest "}"
#define CALL(name) "\"method\":\"tools/call\",\"params\":{\"name\":\"" name "\"," KIT_META "}"
#define HEADS(version, method) KIT_LEGACY "MCP-Protocol-Version: " version "\nMcp-Method: " method
#define V "\"io.modelcontextprotocol/protocolVersion\":"
#define C "\"io.modelcontextprotocol/clientCapabilities\":{}"

#define DEEP_4(inside) "[[[[" inside "]]]]"
#define DEEP_16(inside) DEEP_4 (DEEP_4 (DEEP_4 (DEEP_4 (inside))))
#define DEEP_64 DEEP_16 (DEEP_16 (DEEP_16 (DEEP_16 (""))))

typedef struct
{
  const char *name;
  const char *method;
  const char *headers; /* "@" stands for those of the session */
  const char *body;
  guint status;
  const char *want;
} Row;

static const Row rows[] = {
  /* before the era is known */
  { "post/accept-missing", "POST", "Content-Type: application/json", "{}", 406, "-32000" },
  { "post/accept-lacks-stream", "POST", "Content-Type: application/json\nAccept: application/json", "{}", 406,
    "-32000" },
  { "post/accept-lacks-json", "POST", "Content-Type: application/json\nAccept: text/event-stream", "{}", 406,
    "-32000" },
  { "post/accept-anything-is-fine", "POST", "Content-Type: application/json\nAccept: */*", "{}", 400,
    "-32600" },
  { "post/type-missing", "POST", "Accept: */*", "{}", 415, "-32000" },
  { "post/type-text", "POST", "Accept: */*\nContent-Type: text/plain", "{}", 415, "-32000" },
  { "post/type-jsonish", "POST", "Accept: */*\nContent-Type: application/jsonp", "{}", 415, "-32000" },
  { "post/type-with-charset", "POST", "Accept: */*\nContent-Type: Application/JSON; charset=utf-8", "{}", 400,
    "-32600" },
  { "put", "PUT", KIT_LEGACY, "{}", 405, "POST" },
  { "json/empty", "POST", KIT_LEGACY, "", 400, "-32700" },
  { "json/broken", "POST", KIT_LEGACY, "{\"jsonrpc\":", 400, "-32700" },
  { "json/broken-has-null-id", "POST", KIT_LEGACY, "{\"id\":5,}", 400, "\"id\":null" },
  { "json/duplicate-name", "POST", KIT_LEGACY, "{\"id\":1,\"id\":2}", 400, "\"reason\":\"InvalidJson\"" },
  { "json/two-values", "POST", KIT_LEGACY, "{}{}", 400, "-32700" },
  { "json/not-utf-8", "POST", KIT_LEGACY, "{\"jsonrpc\":\"2.0\",\"id\":\"\xff\",\"method\":\"ping\"}", 400,
    "-32700" },
  { "json/overlong-utf-8", "POST", KIT_LEGACY, "{\"a\":\"\xc0\xaf\"}", 400, "\"reason\":\"InvalidJson\"" },
  { "json/half-a-character", "POST", KIT_LEGACY, "{\"a\":\"\xe2\x82\"}", 400, "-32700" },
  { "json/surrogate-alone", "POST", KIT_LEGACY, "{\"a\":\"\\ud800\"}", 400, "-32700" },
  { "json/nul", "POST", KIT_LEGACY, "{\"a\":\"\\u0000\"}", 400, "-32700" },
  { "json/byte-order-mark", "POST", KIT_LEGACY, "\xef\xbb\xbf{}", 400, "-32700" },
  { "json/control-character", "POST", KIT_LEGACY, "{\"a\":\"\x01\"}", 400, "-32700" },
  { "json/number-too-large", "POST", KIT_LEGACY, M ("\"method\":\"ping\",\"params\":{\"a\":1e400}"), 400,
    "-32700" },
  { "json/number-with-zero", "POST", KIT_LEGACY, M ("\"method\":\"ping\",\"params\":{\"a\":01}"), 400,
    "-32700" },
  { "json/not-a-number", "POST", KIT_LEGACY, M ("\"method\":\"ping\",\"params\":{\"a\":NaN}"), 400,
    "-32700" },
  { "json/duplicate-name-escaped", "POST", KIT_LEGACY, "{\"method\":1,\"m\\u0065thod\":2}", 400, "-32700" },
  { "json/duplicate-name-deep-inside", "POST", "@",
    M ("\"method\":\"tools/call\",\"params\":{\"name\":\"echo\",\"arguments\":{\"b\":[{\"c\":1,\"c\":2}]}}"),
    400, "-32700" },
  { "json/too-deep", "POST", KIT_LEGACY, "{\"a\":" DEEP_64 "}", 400, "\"reason\":\"JsonTooDeep\"" },
  { "json/as-deep-as-may-be", "POST", KIT_LEGACY, DEEP_64, 400, "Mcp-Session-Id is missing" },
  { "envelope/id-too-large", "POST", KIT_LEGACY, "{\"jsonrpc\":\"2.0\",\"id\":1e30,\"method\":\"ping\"}", 400,
    "-32600" },
  { "envelope/string", "POST", KIT_LEGACY, "\"ping\"", 400, "-32600" },
  { "envelope/version-missing", "POST", KIT_LEGACY, "{\"id\":9,\"method\":\"ping\"}", 400, "\"id\":9" },
  { "envelope/version-1", "POST", KIT_LEGACY, "{\"jsonrpc\":\"1.0\",\"id\":9,\"method\":\"ping\"}", 400,
    "-32600" },
  { "envelope/id-null", "POST", KIT_LEGACY, "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}", 400,
    "-32600" },
  { "envelope/id-object", "POST", KIT_LEGACY, "{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}", 400,
    "-32600" },
  { "envelope/id-fraction", "POST", KIT_LEGACY, "{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"ping\"}", 400,
    "-32600" },
  { "envelope/method-number", "POST", KIT_LEGACY, "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":4}", 400,
    "-32600" },
  { "envelope/method-missing", "POST", KIT_LEGACY, "{\"jsonrpc\":\"2.0\",\"id\":9}", 400, "-32600" },
  { "envelope/params-array", "POST", KIT_LEGACY, M ("\"method\":\"ping\",\"params\":[1]"), 400, "-32600" },
  { "envelope/meta-array", "POST", KIT_LEGACY, M ("\"method\":\"ping\",\"params\":{\"_meta\":[]}"), 400,
    "-32600" },
  /* legacy */
  { "legacy/session-missing", "POST", KIT_LEGACY, M ("\"method\":\"ping\""), 400, "-32000" },
  { "legacy/session-unknown", "POST", KIT_LEGACY "Mcp-Session-Id: 00", M ("\"method\":\"ping\""), 404,
    "-32001" },
  { "legacy/version-unknown", "POST", "@MCP-Protocol-Version: 1999-01-01", M ("\"method\":\"ping\""), 400,
    "-32000" },
  { "legacy/version-absent-is-fine", "POST", "@", M ("\"method\":\"ping\""), 200, "\"id\":7,\"result\":{}" },
  { "legacy/version-known", "POST", "@MCP-Protocol-Version: 2025-06-18", M ("\"method\":\"ping\""), 200,
    "\"result\":{}" },
  { "legacy/id-is-echoed-raw", "POST", "@",
    "{\"jsonrpc\":\"2.0\",\"id\":\"\\u0061/\\/\",\"method\":\"ping\"}", 200, "\"id\":\"\\u0061/\\/\"" },
  { "legacy/id-large", "POST", "@", "{\"jsonrpc\":\"2.0\",\"id\":9007199254740993,\"method\":\"ping\"}", 200,
    "\"id\":9007199254740993," },
  { "legacy/id-is-whole-in-any-form", "POST", "@", "{\"jsonrpc\":\"2.0\",\"id\":-1.0e2,\"method\":\"ping\"}",
    200, "\"id\":-1.0e2,\"result\"" },
  { "legacy/huge-number-passes-unchanged", "POST", "@",
    M ("\"method\":\"tools/"
       "call\",\"params\":{\"name\":\"echo\",\"arguments\":{\"b\":123456789012345678901234567890}}"),
    200, "{\"b\":123456789012345678901234567890}" },
  { "legacy/method-unknown", "POST", "@", M ("\"method\":\"prompts/list\""), 200, "-32601" },
  { "legacy/no-discover", "POST", "@", M ("\"method\":\"server/discover\""), 200, "-32601" },
  { "legacy/notification", "POST", "@", "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}", 202,
    "" },
  { "legacy/notification-unknown", "POST", "@", "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/odd\"}", 202,
    "" },
  { "legacy/response", "POST", "@", "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{}}", 202, "" },
  { "legacy/level", "POST", "@", M ("\"method\":\"logging/setLevel\",\"params\":{\"level\":\"error\"}"), 200,
    "{}" },
  { "legacy/level-unknown", "POST", "@",
    M ("\"method\":\"logging/setLevel\",\"params\":{\"level\":\"loud\"}"), 200, "-32602" },
  { "legacy/level-missing", "POST", "@", M ("\"method\":\"logging/setLevel\""), 200, "-32602" },
  { "legacy/initialize-without-version", "POST", KIT_LEGACY, M ("\"method\":\"initialize\",\"params\":{}"),
    200, "-32602" },
  { "legacy/initialize-future", "POST", KIT_LEGACY,
    M ("\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2099-01-01\"}"), 200,
    "\"protocolVersion\":\"2025-11-25\"" },
  { "legacy/initialize-with-modern-header", "POST", KIT_LEGACY KIT_MODERN_VERSION,
    M ("\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-06-18\"}"), 200, "2025-06-18" },
  { "legacy/tool-unknown", "POST", "@", M ("\"method\":\"tools/call\",\"params\":{\"name\":\"nothing\"}"),
    200, "-32602" },
  { "legacy/tool-name-missing", "POST", "@", M ("\"method\":\"tools/call\",\"params\":{}"), 200, "-32602" },
  { "legacy/tool-name-number", "POST", "@", M ("\"method\":\"tools/call\",\"params\":{\"name\":4}"), 200,
    "-32602" },
  { "legacy/arguments-array", "POST", "@",
    M ("\"method\":\"tools/call\",\"params\":{\"name\":\"echo\",\"arguments\":[]}"), 200, "-32602" },
  { "legacy/arguments-null", "POST", "@",
    M ("\"method\":\"tools/call\",\"params\":{\"name\":\"echo\",\"arguments\":null}"), 200, "-32602" },
  { "legacy/arguments-wrong", "POST", "@",
    M ("\"method\":\"tools/call\",\"params\":{\"name\":\"echo\",\"arguments\":{\"a\":\"two\"}}"), 200,
    "\"isError\":true" },
  { "legacy/arguments-missing-but-required", "POST", "@",
    M ("\"method\":\"tools/call\",\"params\":{\"name\":\"greet\"}"), 200, "\"isError\":true" },
  { "legacy/arguments-pass-unchanged", "POST", "@",
    M ("\"method\":\"tools/call\",\"params\":{\"name\":\"echo\",\"arguments\":{\"a\":1.50,  "
       "\"b\":\"\\u00e9\"}}"),
    200, "{\"a\":1.50,  \"b\":\"\\u00e9\"}" },
  { "legacy/cursor-foreign", "POST", "@", M ("\"method\":\"tools/list\",\"params\":{\"cursor\":\"abc\"}"),
    200, "-32602" },
  { "legacy/cursor-number", "POST", "@", M ("\"method\":\"tools/list\",\"params\":{\"cursor\":1}"), 200,
    "-32602" },
  { "legacy/batch-in-2025-11-25", "POST", "@", "[" M ("\"method\":\"ping\"") "]", 400, "-32600" },
  { "legacy/get-accept", "GET", "@", NULL, 406, "-32000" },
  { "legacy/get-without-session", "GET", "Accept: text/event-stream", NULL, 400, "-32000" },
  { "legacy/get-unknown-session", "GET", "Accept: text/event-stream\nMcp-Session-Id: 0", NULL, 404,
    "-32001" },
  { "legacy/delete-without-session", "DELETE", NULL, NULL, 400, "-32000" },
  { "legacy/delete-unknown-session", "DELETE", "Mcp-Session-Id: 0", NULL, 404, "-32001" },
  /* modern */
  { "modern/discover", "POST", HEADS ("2026-07-28", "server/discover"),
    M ("\"method\":\"server/discover\",\"params\":{" KIT_META "}"), 200,
    "\"supportedVersions\":[\"2026-07-28\"]" },
  { "modern/result-type", "POST", HEADS ("2026-07-28", "tools/list"),
    M ("\"method\":\"tools/list\",\"params\":{" KIT_META "}"), 200, "\"resultType\":\"complete\"" },
  { "modern/list-is-cacheable", "POST", HEADS ("2026-07-28", "tools/list"),
    M ("\"method\":\"tools/list\",\"params\":{" KIT_META "}"), 200,
    "\"ttlMs\":5000,\"cacheScope\":\"public\"" },
  { "modern/server-info", "POST", HEADS ("2026-07-28", "tools/call") "\nMcp-Name: echo", M (CALL ("echo")),
    200, "\"io.modelcontextprotocol/serverInfo\":{\"name\":\"collet\"" },
  { "modern/no-claim-but-header", "POST", HEADS ("2026-07-28", "tools/list"), M ("\"method\":\"tools/list\""),
    400, "-32602" },
  { "modern/capabilities-missing", "POST", HEADS ("2026-07-28", "tools/list"),
    M ("\"method\":\"tools/list\",\"params\":{\"_meta\":{" V "\"2026-07-28\"}}"), 400, "-32602" },
  { "modern/capabilities-array", "POST", HEADS ("2026-07-28", "tools/list"),
    M ("\"method\":\"tools/list\",\"params\":{\"_meta\":{" V
       "\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":[]}}"),
    400, "-32602" },
  { "modern/version-number", "POST", HEADS ("2026-07-28", "tools/list"),
    M ("\"method\":\"tools/list\",\"params\":{\"_meta\":{" V "5," C "}}"), 400, "-32602" },
  { "modern/version-header-missing", "POST", KIT_LEGACY "Mcp-Method: tools/list",
    M ("\"method\":\"tools/list\",\"params\":{" KIT_META "}"), 400, "-32020" },
  { "modern/version-header-differs", "POST", HEADS ("2025-11-25", "tools/list"),
    M ("\"method\":\"tools/list\",\"params\":{" KIT_META "}"), 400, "-32020" },
  { "modern/version-unsupported", "POST", HEADS ("2099-01-01", "tools/list"),
    M ("\"method\":\"tools/list\",\"params\":{\"_meta\":{" V "\"2099-01-01\"," C "}}"), 400,
    "-32022,\"message\"" },
  { "modern/version-unsupported-says-which", "POST", HEADS ("2099-01-01", "tools/list"),
    M ("\"method\":\"tools/list\",\"params\":{\"_meta\":{" V "\"2099-01-01\"," C "}}"), 400,
    "{\"supported\":[\"2026-07-28\"],\"requested\":\"2099-01-01\"}" },
  { "modern/method-header-missing", "POST", KIT_LEGACY KIT_MODERN_VERSION,
    M ("\"method\":\"tools/list\",\"params\":{" KIT_META "}"), 400, "-32020" },
  { "modern/method-header-differs", "POST", HEADS ("2026-07-28", "tools/call"),
    M ("\"method\":\"tools/list\",\"params\":{" KIT_META "}"), 400, "-32020" },
  { "modern/method-header-case", "POST", HEADS ("2026-07-28", "Tools/List"),
    M ("\"method\":\"tools/list\",\"params\":{" KIT_META "}"), 400, "-32020" },
  { "modern/name-header-missing", "POST", HEADS ("2026-07-28", "tools/call"), M (CALL ("echo")), 400,
    "-32020" },
  { "modern/name-header-differs", "POST", HEADS ("2026-07-28", "tools/call") "\nMcp-Name: slow",
    M (CALL ("echo")), 400, "-32020" },
  { "modern/name-header-encoded", "POST",
    HEADS ("2026-07-28", "tools/call") "\nMcp-Name: =?base64?ZWNobw==?=", M (CALL ("echo")), 200,
    "\"structuredContent\":{}" },
  { "modern/name-header-trimmed", "POST", HEADS ("2026-07-28", "tools/call") "\nMcp-Name:   echo ",
    M (CALL ("echo")), 200, "\"structuredContent\":{}" },
  { "modern/name-header-badly-encoded", "POST",
    HEADS ("2026-07-28", "tools/call") "\nMcp-Name: =?base64?ZWNobw?=", M (CALL ("echo")), 400, "-32020" },
  { "modern/method-unknown", "POST", HEADS ("2026-07-28", "odd"),
    M ("\"method\":\"odd\",\"params\":{" KIT_META "}"), 404, "-32601" },
  { "modern/no-initialize", "POST", HEADS ("2026-07-28", "initialize"),
    M ("\"method\":\"initialize\",\"params\":{" KIT_META "}"), 404, "-32601" },
  { "modern/no-ping", "POST", HEADS ("2026-07-28", "ping"),
    M ("\"method\":\"ping\",\"params\":{" KIT_META "}"), 404, "-32601" },
  { "modern/no-set-level", "POST", HEADS ("2026-07-28", "logging/setLevel"),
    M ("\"method\":\"logging/setLevel\",\"params\":{\"level\":\"info\"," KIT_META "}"), 404, "-32601" },
  { "modern/error-echoes-id", "POST", HEADS ("2026-07-28", "odd"),
    M ("\"method\":\"odd\",\"params\":{" KIT_META "}"), 404, "\"id\":7" },
  { "modern/batch", "POST", KIT_LEGACY KIT_MODERN_VERSION,
    "[" M ("\"method\":\"tools/list\",\"params\":{" KIT_META "}") "]", 400, "-32600" },
  { "modern/tool-unknown", "POST", HEADS ("2026-07-28", "tools/call") "\nMcp-Name: nothing",
    M (CALL ("nothing")), 200, "-32602" },
  { "modern/arguments-wrong", "POST", HEADS ("2026-07-28", "tools/call") "\nMcp-Name: greet",
    M (CALL ("greet")), 200, "\"isError\":true" },
  { "modern/session-is-not-needed-nor-minded", "POST",
    HEADS ("2026-07-28", "tools/call") "\nMcp-Name: echo\nMcp-Session-Id: 0", M (CALL ("echo")), 200,
    "\"result\"" },
  { "modern/notification", "POST", HEADS ("2026-07-28", "notifications/odd"),
    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/odd\",\"params\":{" KIT_META "}}", 202, "" },
  { "modern/listen-without-filter", "POST", HEADS ("2026-07-28", "subscriptions/listen"),
    M ("\"method\":\"subscriptions/listen\",\"params\":{" KIT_META "}"), 200, "-32602" },
};

static void
test_row (gconstpointer data)
{
  const Row *row = data;
  g_autoptr (Kit) kit = kit_new (NULL);
  g_autoptr (FakeExchange) exchange = NULL;
  g_autofree char *headers = NULL;
  g_autofree char *text = NULL;

  kit_initialize (kit, "2025-11-25");
  if (row->headers && row->headers[0] == '@')
    headers = g_strconcat (strcmp (row->method, "POST") == 0 ? KIT_LEGACY : "",
                           "Mcp-Session-Id: ", kit->session, "\n", row->headers + 1, NULL);
  exchange = kit_send (kit, row->method, headers ? headers : row->headers, row->body);
  kit_assert (exchange, row->status, row->want);
  if (row->want[0] == '\0')
    {
      text = fake_exchange_dup_text (exchange);
      g_assert_cmpstr (text, ==, "");
    }
}

/* Modern clients read -32000...-32019 as something else. */
static void
test_code_ranges (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    if (g_str_has_prefix (rows[i].name, "modern/"))
      {
        g_autoptr (Kit) kit = kit_new (NULL);
        g_autoptr (FakeExchange) exchange = kit_send (kit, rows[i].method, rows[i].headers, rows[i].body);
        g_autofree char *text = NULL;

        fake_exchange_wait (exchange);
        text = fake_exchange_dup_text (exchange);
        g_assert_false (g_regex_match_simple ("\"code\":-320[01][0-9]", text, 0, 0));
      }
}

static void
test_revisions (void)
{
  static const char *const revisions[] = { "2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25" };

  for (guint i = 0; i < G_N_ELEMENTS (revisions); i++)
    {
      g_autoptr (Kit) kit = kit_new (NULL);
      g_autofree char *body =
          g_strdup_printf (M ("\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"%s\"}"),
                           revisions[i]);
      g_autofree char *want = g_strdup_printf ("\"protocolVersion\":\"%s\"", revisions[i]);
      g_autoptr (FakeExchange) exchange = kit_send (kit, "POST", KIT_LEGACY, body);

      kit_assert (exchange, 200, want);
    }
}

static void
test_other_paths (void)
{
  g_autoptr (Kit) kit = kit_new (NULL);
  static const struct
  {
    const char *method, *path;
    guint status;
    const char *want;
  } paths[] = { { "GET", "/healthz", 200, "\"ok\"" },
                { "GET", "/metrics", 200, "collet_mcp_sessions 0" },
                { "GET", "/", 404, "/mcp" },
                { "POST", "/metrics", 404, "" },
                { "GET", "/mcp/", 404, "" } };

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autoptr (FakeExchange) exchange = fake_exchange_new (paths[i].method, paths[i].path, NULL, NULL, -1);

      fake_exchange_run (exchange, collet_mcp_server_get_handler (), kit->server);
      kit_assert (exchange, paths[i].status, paths[i].want);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strconcat ("/mcp/protocol/", rows[i].name, NULL);
      g_test_add_data_func (path, &rows[i], test_row);
    }
  g_test_add_func ("/mcp/protocol/modern-codes-keep-their-range", test_code_ranges);
  g_test_add_func ("/mcp/protocol/negotiates-each-legacy-revision", test_revisions);
  g_test_add_func ("/mcp/protocol/other-paths", test_other_paths);
  return g_test_run ();
}
