/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-mcp-metrics.h"

#include <pthread.h>
#include <string.h>

#define VERSION_DIGITS 12

/* Upper bounds in microseconds. */
static const gint64 bounds[] = { 100,   250,    500,    1000,   2500,    5000,    10000,   25000,
                                 50000, 100000, 250000, 500000, 1000000, 5000000, 30000000 };

typedef struct
{
  char *tool;
  char version[VERSION_DIGITS + 1];
  guint64 calls, errors;
  gint64 sum_us;
  guint64 buckets[G_N_ELEMENTS (bounds)]; /* not cumulative */
} Series;

struct _ColletMcpMetrics
{
  pthread_mutex_t lock;
  GHashTable *series; /* Series, as a set */
  Series *rest;
};

static guint
series_hash (gconstpointer data)
{
  const Series *series = data;
  guint version = 0;

  /* A SHA-256: its first letters are as good as all. */
  memcpy (&version, series->version, sizeof version);
  return g_str_hash (series->tool) ^ version;
}

static gboolean
series_equal (gconstpointer a, gconstpointer b)
{
  return strcmp (((const Series *)a)->tool, ((const Series *)b)->tool) == 0 &&
         strcmp (((const Series *)a)->version, ((const Series *)b)->version) == 0;
}

static void
series_free (gpointer data)
{
  Series *series = data;

  g_free (series->tool);
  g_free (series);
}

static Series *
series_new (const char *tool, const char *version)
{
  Series *series = g_new0 (Series, 1);

  series->tool = g_strdup (tool);
  g_strlcpy (series->version, version, sizeof series->version);
  return series;
}

ColletMcpMetrics *
collet_mcp_metrics_new (void)
{
  ColletMcpMetrics *metrics = g_new0 (ColletMcpMetrics, 1);

  pthread_mutex_init (&metrics->lock, NULL);
  metrics->series = g_hash_table_new_full (series_hash, series_equal, series_free, NULL);
  return metrics;
}

void
collet_mcp_metrics_free (ColletMcpMetrics *metrics)
{
  g_hash_table_unref (metrics->series);
  if (metrics->rest)
    series_free (metrics->rest);
  pthread_mutex_destroy (&metrics->lock);
  g_free (metrics);
}

/* With the lock. */
static Series *
find_locked (ColletMcpMetrics *metrics, const char *tool, const char *sha256)
{
  Series key = { .tool = (char *)tool };
  Series *series;

  g_strlcpy (key.version, sha256 ? sha256 : "none", sizeof key.version);
  series = g_hash_table_lookup (metrics->series, &key);
  if (series)
    return series;
  if (g_hash_table_size (metrics->series) >= COLLET_MCP_MAX_SERIES)
    {
      if (!metrics->rest)
        metrics->rest = series_new ("other", "other");
      return metrics->rest;
    }
  series = series_new (tool, key.version);
  g_hash_table_add (metrics->series, series);
  return series;
}

void
collet_mcp_metrics_count_call (ColletMcpMetrics *metrics, const char *tool, const char *sha256,
                               gboolean is_error, gint64 duration_us)
{
  guint bucket = 0;
  Series *series;

  while (bucket < G_N_ELEMENTS (bounds) && duration_us > bounds[bucket])
    bucket++;
  pthread_mutex_lock (&metrics->lock);
  series = find_locked (metrics, tool, sha256);
  series->calls++;
  series->errors += is_error ? 1 : 0;
  series->sum_us += duration_us;
  if (bucket < G_N_ELEMENTS (bounds))
    series->buckets[bucket]++;
  pthread_mutex_unlock (&metrics->lock);
}

/* Tool names are of a restricted alphabet, so nothing needs to be escaped. */
static void
append_series (GString *out, const Series *series)
{
  g_autofree char *labels = g_strdup_printf ("tool=\"%s\",version=\"%s\"", series->tool, series->version);
  guint64 below = 0;

  g_string_append_printf (out, "collet_tool_call_errors_total{%s} %" G_GUINT64_FORMAT "\n", labels,
                          series->errors);
  for (guint i = 0; i < G_N_ELEMENTS (bounds); i++)
    {
      below += series->buckets[i];
      g_string_append_printf (out, "collet_tool_call_seconds_bucket{%s,le=\"%g\"} %" G_GUINT64_FORMAT "\n",
                              labels, (double)bounds[i] / 1e6, below);
    }
  g_string_append_printf (out, "collet_tool_call_seconds_bucket{%s,le=\"+Inf\"} %" G_GUINT64_FORMAT "\n",
                          labels, series->calls);
  g_string_append_printf (out, "collet_tool_call_seconds_sum{%s} %.6f\n", labels,
                          (double)series->sum_us / 1e6);
  g_string_append_printf (out, "collet_tool_call_seconds_count{%s} %" G_GUINT64_FORMAT "\n", labels,
                          series->calls);
}

void
collet_mcp_metrics_append (ColletMcpMetrics *metrics, GString *out)
{
  GHashTableIter iter;
  gpointer series;

  g_string_append (out, "# HELP collet_tool_call_errors_total Calls of a tool that failed.\n"
                        "# TYPE collet_tool_call_errors_total counter\n"
                        "# HELP collet_tool_call_seconds Time from a call's request to its answer.\n"
                        "# TYPE collet_tool_call_seconds histogram\n");
  pthread_mutex_lock (&metrics->lock);
  g_hash_table_iter_init (&iter, metrics->series);
  while (g_hash_table_iter_next (&iter, &series, NULL))
    append_series (out, series);
  if (metrics->rest)
    append_series (out, metrics->rest);
  pthread_mutex_unlock (&metrics->lock);
}

void
collet_mcp_metrics_append_former (GString *out, const ColletToolList *list)
{
  g_string_append (
      out, "# HELP collet_tool_former_calls_total Calls in the form of a version before, taken over.\n"
           "# TYPE collet_tool_former_calls_total counter\n");
  for (guint i = 0; i < collet_tool_list_get_length (list); i++)
    {
      const ColletToolEntry *entry = collet_tool_list_get (list, i);
      guint64 calls = entry->counter ? collet_tool_counter_get_former (entry->counter) : 0;

      if (calls > 0)
        g_string_append_printf (out, "collet_tool_former_calls_total{tool=\"%s\"} %" G_GUINT64_FORMAT "\n",
                                entry->name, calls);
    }
}

void
collet_mcp_metrics_append_gauge (GString *out, const char *name, const char *help, guint64 value)
{
  g_string_append_printf (out, "# HELP %s %s\n# TYPE %s gauge\n%s %" G_GUINT64_FORMAT "\n", name, help, name,
                          name, value);
}
