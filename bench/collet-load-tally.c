/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-load-tally.h"

#include <string.h>

typedef struct
{
  guint64 count;
  char *first; /* text of the first one */
} Kind;

typedef struct
{
  gint64 total, value, started_ns, ended_ns;
} Addition;

struct _LoadTally
{
  guint64 sent, answered, ok, failed, timed;
  GHashTable *kinds;    /* char * -> Kind */
  GHashTable *versions; /* sha256 -> Kind; first: the semantic version */
  Kind *last_version;   /* most calls in a row are answered by the same */
  char last_sha256[65];
  GArray *additions;
  gint64 last_ended_ns, silence_ns;
  BenchHistogram histogram;
};

static void
kind_free (gpointer data)
{
  Kind *kind = data;

  g_free (kind->first);
  g_free (kind);
}

LoadTally *
load_tally_new (void)
{
  LoadTally *tally = g_new0 (LoadTally, 1);

  tally->kinds = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, kind_free);
  tally->versions = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, kind_free);
  tally->additions = g_array_new (FALSE, FALSE, sizeof (Addition));
  return tally;
}

void
load_tally_free (LoadTally *tally)
{
  g_hash_table_unref (tally->kinds);
  g_hash_table_unref (tally->versions);
  g_array_unref (tally->additions);
  g_free (tally);
}

static Kind *
count_kind (GHashTable *table, const char *name, BenchSlice text)
{
  Kind *kind = g_hash_table_lookup (table, name);

  if (kind == NULL)
    {
      kind = g_new0 (Kind, 1);
      kind->first = text.at != NULL ? g_strndup (text.at, MIN (text.size, 400)) : g_strdup ("");
      g_hash_table_insert (table, g_strdup (name), kind);
    }
  kind->count++;
  return kind;
}

static void
count_version (LoadTally *tally, const LoadVerdict *verdict)
{
  if (verdict->sha256.size != 64)
    return;
  if (memcmp (tally->last_sha256, verdict->sha256.at, 64) == 0)
    {
      tally->last_version->count++;
      return;
    }
  memcpy (tally->last_sha256, verdict->sha256.at, 64);
  tally->last_version = count_kind (tally->versions, tally->last_sha256, verdict->version);
}

void
load_tally_count_sent (LoadTally *tally)
{
  tally->sent++;
}

void
load_tally_count_ended (LoadTally *tally, const LoadCall *call, const LoadVerdict *verdict, gboolean timed)
{
  gboolean is_ok = g_str_equal (verdict->outcome, "ok");

  tally->answered += verdict->is_answer;
  tally->ok += is_ok;
  tally->failed += !is_ok;
  if (!is_ok)
    count_kind (tally->kinds, verdict->outcome, verdict->text);
  count_version (tally, verdict);
  if (is_ok && call->tool == LOAD_TOOL_MEMORY_ADD)
    {
      Addition addition = { verdict->result, call->value, call->started_ns, call->ended_ns };
      g_array_append_val (tally->additions, addition);
    }
  if (!timed || !is_ok)
    return;
  tally->timed++;
  bench_histogram_record (&tally->histogram, call->ended_ns - call->started_ns);
  if (tally->last_ended_ns != 0)
    tally->silence_ns = MAX (tally->silence_ns, call->ended_ns - tally->last_ended_ns);
  tally->last_ended_ns = call->ended_ns;
}

void
load_tally_count_fault (LoadTally *tally, const char *kind, const char *text)
{
  tally->failed++;
  count_kind (tally->kinds, kind, (BenchSlice){ text, strlen (text) });
}

guint64
load_tally_get_made (const LoadTally *tally)
{
  return tally->sent;
}

guint64
load_tally_get_failed (const LoadTally *tally)
{
  return tally->failed;
}

gint64
load_tally_get_acknowledged_sum (const LoadTally *tally)
{
  gint64 sum = 0;

  for (guint i = 0; i < tally->additions->len; i++)
    sum += g_array_index (tally->additions, Addition, i).value;
  return sum;
}

static gint
compare_totals (gconstpointer a, gconstpointer b)
{
  gint64 x = ((const Addition *)a)->total, y = ((const Addition *)b)->total;

  return x < y ? -1 : x > y;
}

char *
load_tally_check_register (LoadTally *tally, gint64 initial, gint64 final)
{
  gint64 total = initial, latest_start = 0;

  /* All values are positive, so the order is that of the totals. */
  g_array_sort (tally->additions, compare_totals);
  for (guint i = 0; i < tally->additions->len; i++)
    {
      const Addition *next = &g_array_index (tally->additions, Addition, i);

      if (total + next->value != next->total)
        return g_strdup_printf ("after a total of %" G_GINT64_FORMAT ", adding %" G_GINT64_FORMAT
                                " was acknowledged with %" G_GINT64_FORMAT,
                                total, next->value, next->total);
      if (next->ended_ns < latest_start)
        return g_strdup_printf ("the call that was acknowledged with %" G_GINT64_FORMAT
                                " ended before one with a smaller total began",
                                next->total);
      total = next->total;
      latest_start = MAX (latest_start, next->started_ns);
    }
  if (total != final)
    return g_strdup_printf ("the last acknowledged total is %" G_GINT64_FORMAT
                            " but the register holds %" G_GINT64_FORMAT,
                            total, final);
  return NULL;
}

static void
append_kinds (GHashTable *table, const char *text_name, GString *out)
{
  GHashTableIter iter;
  gpointer name, value;
  const char *separator = "";

  g_hash_table_iter_init (&iter, table);
  while (g_hash_table_iter_next (&iter, &name, &value))
    {
      const Kind *kind = value;
      g_autofree char *valid = g_utf8_make_valid (kind->first, -1);

      g_string_append (out, separator);
      bench_json_append_string (out, name);
      g_string_append_printf (out, ":{\"count\":%" G_GUINT64_FORMAT ",\"%s\":", kind->count, text_name);
      bench_json_append_string (out, valid);
      g_string_append_c (out, '}');
      separator = ",";
    }
}

static void
append_us (GString *out, const char *name, double nanoseconds)
{
  char number[G_ASCII_DTOSTR_BUF_SIZE];

  g_ascii_formatd (number, sizeof number, "%.1f", nanoseconds / 1e3);
  g_string_append_printf (out, "\"%s\":%s", name, number);
}

void
load_tally_append_json (LoadTally *tally, double seconds, GString *out)
{
  static const struct
  {
    const char *name;
    double percent;
  } percentiles[] = { { "p50", 50 }, { "p90", 90 }, { "p99", 99 }, { "p99_9", 99.9 } };
  const BenchHistogram *histogram = &tally->histogram;
  char number[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append_printf (out,
                          "{\"made\":%" G_GUINT64_FORMAT ",\"answered\":%" G_GUINT64_FORMAT
                          ",\"ok\":%" G_GUINT64_FORMAT ",\"failed\":%" G_GUINT64_FORMAT,
                          tally->sent, tally->answered, tally->ok, tally->failed);
  g_string_append_printf (out, ",\"timed\":%" G_GUINT64_FORMAT ",\"seconds\":%s", tally->timed,
                          g_ascii_formatd (number, sizeof number, "%.3f", seconds));
  g_string_append_printf (out, ",\"per_second\":%s,\"latency_us\":{",
                          g_ascii_formatd (number, sizeof number, "%.1f",
                                           seconds > 0 ? (double)tally->timed / seconds : 0));
  for (guint i = 0; i < G_N_ELEMENTS (percentiles); i++)
    {
      append_us (out, percentiles[i].name,
                 (double)bench_histogram_percentile (histogram, percentiles[i].percent));
      g_string_append_c (out, ',');
    }
  append_us (out, "max", (double)histogram->max);
  g_string_append_c (out, ',');
  append_us (out, "mean", bench_histogram_mean (histogram));
  g_string_append (out, "},");
  append_us (out, "longest_silence_us", (double)tally->silence_ns);
  g_string_append (out, ",\"errors\":{");
  append_kinds (tally->kinds, "first", out);
  g_string_append (out, "},\"versions\":{");
  append_kinds (tally->versions, "version", out);
  g_string_append_c (out, '}');
}
