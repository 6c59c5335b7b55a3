/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The small parts: pages of the list, metrics, headers, results.
 */
#include "collet-mcp-headers.h"
#include "collet-mcp-metrics.h"
#include "collet-tool-result.h"
#include "mcp-kit.h"

#include "collet-error.h"

#include <string.h>

/* All pages of the list, joined. */
static void
test_pages (void)
{
  ColletMcpConfig config = { .limits = { .page_size = 7 } };
  g_autoptr (Kit) kit = kit_new (&config);
  g_autoptr (GString) names = g_string_new (NULL);
  g_autofree char *cursor = NULL;
  guint n_tools = 0, n_pages = 0;
  char *last = g_strdup ("");

  fake_tools_publish (kit->tools, 40, "1.0.0");
  do
    {
      g_autofree char *params = cursor ? g_strdup_printf ("\"cursor\":\"%s\"", cursor) : g_strdup ("");
      g_autoptr (FakeExchange) page = kit_modern (kit, "tools/list", params);
      g_autofree char *text = NULL;
      g_autoptr (ColletJson) json = NULL;
      ColletJsonNode result, node;

      kit_assert (page, 200, "\"tools\":[");
      text = fake_exchange_dup_text (page);
      json = collet_json_parse (text, -1, NULL);
      result = collet_json_member (json, 0, "result");
      for (node = collet_json_first (json, collet_json_member (json, result, "tools")); node;
           node = collet_json_next (json, node))
        {
          char *name = collet_json_dup_string (json, collet_json_member (json, node, "name"));
          g_assert_cmpstr (last, <, name);
          g_free (last);
          last = name;
          n_tools++;
        }
      n_pages++;
      node = collet_json_member (json, result, "nextCursor");
      g_free (cursor);
      cursor = node ? collet_json_dup_string (json, node) : NULL;
      /* A tool that goes away between two pages does not lose the place. */
      if (n_pages == 3)
        fake_tools_publish (kit->tools, 39, "1.0.0");
    }
  while (cursor);
  g_free (last);
  g_assert_cmpuint (n_pages, ==, (n_tools + 6) / 7);
  g_assert_cmpuint (n_tools, >, 39);
}

static void
test_metrics_bound (void)
{
  ColletMcpMetrics *metrics = collet_mcp_metrics_new ();
  g_autoptr (GString) text = g_string_new (NULL);
  g_auto (GStrv) lines = NULL;

  for (guint i = 0; i < 3 * COLLET_MCP_MAX_SERIES; i++)
    {
      g_autofree char *sha256 = g_strdup_printf ("%064u", i * 1000);
      g_autofree char *tool = g_strdup_printf ("tool-%u", i);
      collet_mcp_metrics_count_call (metrics, tool, sha256, FALSE, i);
    }
  collet_mcp_metrics_append (metrics, text);
  lines = g_strsplit (text->str, "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), <, (COLLET_MCP_MAX_SERIES + 1) * 20);
  g_assert_nonnull (
      strstr (text->str, "collet_tool_call_seconds_count{tool=\"other\",version=\"other\"} 2048\n"));
  collet_mcp_metrics_free (metrics);
}

static void
test_histogram (void)
{
  ColletMcpMetrics *metrics = collet_mcp_metrics_new ();
  g_autoptr (GString) text = g_string_new (NULL);

  collet_mcp_metrics_count_call (metrics, "t", NULL, FALSE, 100);
  collet_mcp_metrics_count_call (metrics, "t", NULL, TRUE, 101);
  collet_mcp_metrics_count_call (metrics, "t", NULL, FALSE, 99000000);
  collet_mcp_metrics_append (metrics, text);
  g_assert_nonnull (strstr (text->str, "bucket{tool=\"t\",version=\"none\",le=\"0.0001\"} 1\n"));
  g_assert_nonnull (strstr (text->str, "bucket{tool=\"t\",version=\"none\",le=\"0.00025\"} 2\n"));
  g_assert_nonnull (strstr (text->str, "bucket{tool=\"t\",version=\"none\",le=\"30\"} 2\n"));
  g_assert_nonnull (strstr (text->str, "bucket{tool=\"t\",version=\"none\",le=\"+Inf\"} 3\n"));
  g_assert_nonnull (strstr (text->str, "errors_total{tool=\"t\",version=\"none\"} 1\n"));
  collet_mcp_metrics_free (metrics);
}

static void
test_decoding (void)
{
  static const struct
  {
    const char *value, *want;
  } rows[] = { { "plain", "plain" },
               { "  spaced\t", "spaced" },
               { "=?base64?ZWNobw==?=", "echo" },
               { "=?base64?"
                 "?=",
                 "" },
               { "=?base64?ZWNobw?=", NULL },
               { "=?base64?!!!!?=", NULL },
               { "=?base64?/w==?=", NULL },
               { "=?BASE64?ZWNobw==?=", "=?BASE64?ZWNobw==?=" },
               { "=?base64?=", "=?base64?=" } };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *decoded = collet_mcp_header_decode (rows[i].value);
      g_assert_cmpstr (decoded, ==, rows[i].want);
    }
}

static void
test_results (void)
{
  static const struct
  {
    const char *json;
    gboolean is_good;
  } rows[] = {
    { "{\"content\":[]}", TRUE },
    { "{\"content\":[],\"isError\":false,\"other\":1}", TRUE },
    { "{\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}", TRUE },
    { "{\"content\":[{\"type\":\"resource_link\",\"uri\":\"a:b\",\"name\":\"n\"}]}", TRUE },
    { "{\"content\":[{\"type\":\"resource\",\"resource\":{\"uri\":\"a:b\",\"blob\":\"\"}}]}", TRUE },
    { "[]", FALSE },
    { "{}", FALSE },
    { "{\"content\":{}}", FALSE },
    { "{\"content\":[1]}", FALSE },
    { "{\"content\":[{}]}", FALSE },
    { "{\"content\":[{\"type\":\"text\"}]}", FALSE },
    { "{\"content\":[{\"type\":\"text\",\"text\":1}]}", FALSE },
    { "{\"content\":[{\"type\":\"image\",\"data\":\"x\"}]}", FALSE },
    { "{\"content\":[{\"type\":\"audio\",\"mimeType\":\"x\"}]}", FALSE },
    { "{\"content\":[{\"type\":\"resource\",\"resource\":{\"uri\":\"a:b\"}}]}", FALSE },
    { "{\"content\":[],\"isError\":\"no\"}", FALSE },
    { "{\"content\":[],\"structuredContent\":1}", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (ColletJson) json = collet_json_parse (rows[i].json, -1, NULL);
      g_autoptr (GError) error = NULL;
      gboolean is_error;

      g_assert_cmpint (collet_tool_result_check (json, NULL, &is_error, &error), ==, rows[i].is_good);
      if (!rows[i].is_good)
        g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_RESULT);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/mcp/list/pages-hold-every-tool-once", test_pages);
  g_test_add_func ("/mcp/metrics/series-are-bounded", test_metrics_bound);
  g_test_add_func ("/mcp/metrics/buckets-add-up", test_histogram);
  g_test_add_func ("/mcp/headers/are-decoded", test_decoding);
  g_test_add_func ("/mcp/result/has-its-shape", test_results);
  return g_test_run ();
}
