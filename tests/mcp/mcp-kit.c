/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mcp-kit.h"

#include "collet-json.h"

#include <string.h>

Kit *
kit_new (const ColletMcpConfig *config)
{
  Kit *kit = g_new0 (Kit, 1);
  ColletMcpConfig filled = config ? *config : (ColletMcpConfig){ 0 };

  kit->tools = fake_tools_new ();
  filled.directory = fake_tools_get_directory (kit->tools);
  kit->server = collet_mcp_server_new (&filled);
  return kit;
}

void
kit_free (Kit *kit)
{
  collet_mcp_server_free (kit->server);
  fake_tools_free (kit->tools);
  g_free (kit->session);
  g_free (kit);
}

FakeExchange *
kit_send (Kit *kit, const char *method, const char *headers, const char *body)
{
  FakeExchange *exchange = fake_exchange_new (method, "/mcp", headers, body, -1);

  fake_exchange_run (exchange, collet_mcp_server_get_handler (), kit->server);
  return exchange;
}

void
kit_lose (Kit *kit, FakeExchange *exchange)
{
  fake_exchange_lose (exchange, collet_mcp_server_get_handler (), kit->server);
}

void
kit_initialize (Kit *kit, const char *revision)
{
  kit_initialize_with (kit, revision, "");
}

void
kit_initialize_with (Kit *kit, const char *revision, const char *capabilities)
{
  g_autofree char *body =
      g_strdup_printf ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{"
                       "\"protocolVersion\":\"%s\",\"capabilities\":{%s},\"clientInfo\":{"
                       "\"name\":\"kit\",\"version\":\"1\"}}}",
                       revision, capabilities);
  g_autoptr (FakeExchange) exchange = kit_send (kit, "POST", KIT_LEGACY, body);

  kit_assert (exchange, 200, "\"protocolVersion\"");
  g_free (kit->session);
  kit->session = g_strdup (fake_exchange_get_answer_header (exchange, "Mcp-Session-Id"));
  g_assert_cmpuint (strlen (kit->session), ==, 32);
}

FakeExchange *
kit_legacy (Kit *kit, const char *body)
{
  g_autofree char *headers = g_strconcat (KIT_LEGACY "Mcp-Session-Id: ", kit->session, NULL);

  return kit_send (kit, "POST", headers, body);
}

FakeExchange *
kit_modern (Kit *kit, const char *method, const char *params)
{
  g_autofree char *body =
      g_strdup_printf ("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"%s\",\"params\":{%s%s" KIT_META "}}",
                       method, params, params[0] ? "," : "");
  g_autoptr (ColletJson) json = collet_json_parse (body, -1, NULL);
  g_autofree char *name = NULL;
  g_autofree char *headers = NULL;
  ColletJsonNode node;

  g_assert_nonnull (json);
  node = collet_json_member (json, collet_json_member (json, 0, "params"), "name");
  name = node ? collet_json_dup_string (json, node) : NULL;
  headers = g_strconcat (KIT_LEGACY KIT_MODERN_VERSION "Mcp-Method: ", method, name ? "\nMcp-Name: " : "",
                         name, NULL);
  return kit_send (kit, "POST", headers, body);
}

void
kit_assert (FakeExchange *exchange, guint status, const char *text)
{
  g_autofree char *answer = NULL;

  fake_exchange_wait (exchange);
  answer = fake_exchange_dup_text (exchange);
  if (!strstr (answer, text) || fake_exchange_get_status (exchange) != status)
    g_error ("wanted %u with\n  %s\ngot %u with\n  %s", status, text, fake_exchange_get_status (exchange),
             answer);
  if (!fake_exchange_is_stream (exchange) && answer[0] == '{')
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ColletJson) json = collet_json_parse (answer, -1, &error);
      g_assert_no_error (error);
    }
}
