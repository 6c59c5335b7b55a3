/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Who is told of a changed list, and that nobody misses it.
 */
#include "mcp-kit.h"

#include <string.h>

#define CHANGED "notifications/tools/list_changed"

static FakeExchange *
open_stream (Kit *kit)
{
  g_autofree char *headers = g_strconcat ("Accept: text/event-stream\nMcp-Session-Id: ", kit->session, NULL);

  return kit_send (kit, "GET", headers, NULL);
}

static void
change (Kit *kit, guint n_extra)
{
  fake_tools_publish (kit->tools, n_extra, "1.0.0");
  collet_mcp_server_tools_changed (kit->server);
}

static guint
count (FakeExchange *exchange, const char *needle)
{
  g_autofree char *text = fake_exchange_dup_text (exchange);
  guint n = 0;

  for (const char *p = text; (p = strstr (p, needle)); p++)
    n++;
  return n;
}

static FakeExchange *
subscribe (Kit *kit, const char *filter)
{
  g_autofree char *params = g_strdup_printf ("\"notifications\":{%s}", filter);

  return kit_modern (kit, "subscriptions/listen", params);
}

static void
test_legacy (void)
{
  g_autoptr (Kit) kit = kit_new (NULL);
  g_autoptr (FakeExchange) stream = NULL;

  kit_initialize (kit, "2025-11-25");
  stream = open_stream (kit);
  g_assert_true (fake_exchange_is_stream (stream));
  g_assert_cmpstr (fake_exchange_get_answer_header (stream, "Cache-Control"), ==, "no-cache, no-transform");
  g_assert_cmpstr (fake_exchange_get_answer_header (stream, "X-Accel-Buffering"), ==, "no");
  g_assert_cmpuint (count (stream, CHANGED), ==, 0);
  change (kit, 1);
  g_assert_true (fake_exchange_wait_for (stream, CHANGED));
}

static void
test_missed (void)
{
  g_autoptr (Kit) kit = kit_new (NULL);
  g_autoptr (FakeExchange) stream = NULL;
  g_autoptr (FakeExchange) again = NULL;

  kit_initialize (kit, "2025-11-25");
  change (kit, 1);
  stream = open_stream (kit);
  g_assert_true (fake_exchange_wait_for (stream, CHANGED));
  kit_lose (kit, stream);
  again = open_stream (kit);
  g_assert_cmpuint (count (again, CHANGED), ==, 0); /* told once */
}

static void
test_listed (void)
{
  g_autoptr (Kit) kit = kit_new (NULL);
  g_autoptr (FakeExchange) list = NULL;
  g_autoptr (FakeExchange) stream = NULL;

  kit_initialize (kit, "2025-11-25");
  fake_tools_publish (kit->tools, 1, "1.0.0");
  list = kit_legacy (kit, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}");
  kit_assert (list, 200, "extra-");
  stream = open_stream (kit);
  g_assert_cmpuint (count (stream, CHANGED), ==, 0); /* it knows already */
}

static void
test_same_bytes (void)
{
  g_autoptr (Kit) kit = kit_new (NULL);
  g_autoptr (FakeExchange) stream = NULL;
  g_autoptr (FakeExchange) listener = NULL;

  kit_initialize (kit, "2025-11-25");
  stream = open_stream (kit);
  listener = subscribe (kit, "\"toolsListChanged\":true");
  change (kit, 0); /* a new list with the same bytes */
  g_usleep (50000);
  change (kit, 1);
  g_assert_true (fake_exchange_wait_for (stream, CHANGED));
  g_assert_true (fake_exchange_wait_for (listener, CHANGED));
  g_assert_cmpuint (count (stream, CHANGED), ==, 1);
  g_assert_cmpuint (count (listener, CHANGED), ==, 1);
}

/* Reloads one after the other are told a few times, and the last of them is. */
static void
test_coalesced (void)
{
  g_autoptr (Kit) kit = kit_new (NULL);
  g_autoptr (FakeExchange) stream = NULL;
  gint64 begin, duration_us;
  guint n_told;

  kit_initialize (kit, "2025-11-25");
  stream = open_stream (kit);
  begin = g_get_monotonic_time ();
  for (guint i = 1; i <= 50; i++)
    {
      change (kit, i);
      g_usleep (1000);
    }
  duration_us = g_get_monotonic_time () - begin;
  g_usleep (300000);
  n_told = count (stream, CHANGED);
  g_assert_cmpuint (n_told, >=, 2);
  g_assert_cmpuint (n_told, <=, 2 + (guint)(duration_us / 100000));
}

static void
test_modern (void)
{
  g_autoptr (Kit) kit = kit_new (NULL);
  g_autoptr (FakeExchange) wants = subscribe (kit, "\"toolsListChanged\":true,\"promptsListChanged\":true");
  g_autoptr (FakeExchange) wants_not = subscribe (kit, "\"toolsListChanged\":false");
  g_autofree char *first = fake_exchange_dup_text (wants);

  g_assert_true (
      g_str_has_prefix (first, "event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":"
                               "\"notifications/subscriptions/acknowledged\",\"params\":{\"notifications\":"
                               "{\"toolsListChanged\":true},\"_meta\":{"
                               "\"io.modelcontextprotocol/subscriptionId\":7}}}\n\n"));
  change (kit, 1);
  g_assert_true (fake_exchange_wait_for (
      wants, CHANGED "\",\"params\":{\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":7}}}"));
  g_assert_cmpuint (count (wants_not, CHANGED), ==, 0);
  g_assert_cmpuint (count (wants_not, "acknowledged\",\"params\":{\"notifications\":{}"), ==, 1);

  collet_mcp_server_end_streams (kit->server);
  g_assert_true (fake_exchange_is_ended (wants));
  g_assert_true (fake_exchange_wait_for (wants, "\"id\":7,\"result\":{\"resultType\":\"complete\",\"_meta\":{"
                                                "\"io.modelcontextprotocol/subscriptionId\":7,"));
}

static void
test_replaced (void)
{
  g_autoptr (Kit) kit = kit_new (NULL);
  g_autoptr (FakeExchange) first = NULL;
  g_autoptr (FakeExchange) second = NULL;
  g_autoptr (FakeExchange) end = NULL;
  g_autofree char *headers = NULL;

  kit_initialize (kit, "2025-11-25");
  first = open_stream (kit);
  second = open_stream (kit);
  g_assert_true (fake_exchange_is_ended (first));
  g_assert_false (fake_exchange_is_ended (second));
  change (kit, 1);
  g_assert_true (fake_exchange_wait_for (second, CHANGED));
  g_assert_cmpuint (count (first, CHANGED), ==, 0);

  headers = g_strconcat ("Mcp-Session-Id: ", kit->session, NULL);
  end = kit_send (kit, "DELETE", headers, NULL);
  kit_assert (end, 200, "");
  g_assert_true (fake_exchange_is_ended (second));
}

static void
test_gone (void)
{
  g_autoptr (Kit) kit = kit_new (NULL);
  g_autoptr (FakeExchange) metrics = fake_exchange_new ("GET", "/metrics", NULL, NULL, -1);

  for (guint i = 0; i < 100; i++)
    {
      g_autoptr (FakeExchange) stream = subscribe (kit, "\"toolsListChanged\":true");

      change (kit, i % 3);
      kit_lose (kit, stream);
    }
  fake_exchange_run (metrics, collet_mcp_server_get_handler (), kit->server);
  kit_assert (metrics, 200, "collet_mcp_streams 0");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/mcp/stream/legacy-clients-are-told", test_legacy);
  g_test_add_func ("/mcp/stream/a-change-before-the-stream-is-told-once", test_missed);
  g_test_add_func ("/mcp/stream/who-listed-knows", test_listed);
  g_test_add_func ("/mcp/stream/many-changes-are-told-as-few", test_coalesced);
  g_test_add_func ("/mcp/stream/same-bytes-are-no-change", test_same_bytes);
  g_test_add_func ("/mcp/stream/modern-clients-get-what-they-asked-for", test_modern);
  g_test_add_func ("/mcp/stream/a-new-stream-replaces-the-old", test_replaced);
  g_test_add_func ("/mcp/stream/clients-vanish-while-told", test_gone);
  return g_test_run ();
}
