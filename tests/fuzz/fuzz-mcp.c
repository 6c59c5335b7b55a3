/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Headers, an empty line, the body of a POST to /mcp: answered once, in JSON if
 * at all, whatever it is. "SESSION" in the headers stands for one that exists.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "collet-json.h"
#include "mcp-kit.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* Lines that are no header are left out: libmicrohttpd does not let them through. */
static char *
read_headers (Kit *kit, const char *data, gsize size)
{
  g_autofree char *text = g_strndup (data, size);
  g_auto (GStrv) lines = g_strsplit (text, "\n", 64);
  g_autoptr (GString) headers = g_string_new (KIT_LEGACY);

  for (guint i = 0; lines[i]; i++)
    if (strstr (lines[i], ": "))
      g_string_append_printf (headers, "%s\n", lines[i]);
  g_string_replace (headers, "SESSION", kit->session, 1);
  return g_string_free (g_steal_pointer (&headers), FALSE);
}

static void
check (FakeExchange *exchange)
{
  g_autofree char *answer = NULL;

  g_assert_true (fake_exchange_is_answered (exchange));
  if (fake_exchange_is_stream (exchange))
    return;
  answer = fake_exchange_dup_text (exchange);
  if (g_str_has_prefix (fake_exchange_get_answer_header (exchange, "Content-Type"), "application/json"))
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ColletJson) json = collet_json_parse (answer, -1, &error);
      g_assert_no_error (error);
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static Kit *kit;
  static guint n_inputs;
  const char *gap = memmem (data, size, "\n\n", 2);
  gsize head = gap ? (gsize)(gap - (const char *)data) : 0;
  const char *body = gap ? gap + 2 : (const char *)data;
  g_autofree char *headers = NULL;
  g_autoptr (FakeExchange) exchange = NULL;

  /* Now and then a new one: inputs open sessions. */
  if (n_inputs++ % 1000 == 0)
    {
      g_clear_pointer (&kit, kit_free);
      kit = kit_new (NULL);
      kit_initialize (kit, "2025-03-26");
    }
  headers = read_headers (kit, (const char *)data, head);
  exchange =
      fake_exchange_new ("POST", "/mcp", headers, body, (gssize)(size - (gsize)(body - (const char *)data)));
  fake_exchange_run (exchange, collet_mcp_server_get_handler (), kit->server);
  /* Slow tools answer later. */
  if (fake_tools_count_running (kit->tools) == 0)
    check (exchange);
  kit_lose (kit, exchange);
  return 0;
}
