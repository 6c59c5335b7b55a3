/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Every ten seconds the generations' histograms are read; what came since the last
 * time is kept as one small record a tool, those of a day or the newest hundred
 * thousand.
 */
#include "collet-statistics.h"

#include <string.h>

#define STEP_US ((gint64)COLLET_STATISTICS_STEP_S * G_USEC_PER_SEC)
#define KEEP_US ((gint64)24 * 3600 * G_USEC_PER_SEC)
#define MAX_RECORDS 100000

/* A generation that is read. */
typedef struct
{
  ColletGeneration *generation;
  ColletHistogram **before; /* one a tool; NULL: it had no calls */
} Source;

typedef struct
{
  guint16 bucket;
  guint32 count;
} Bucket;

typedef struct
{
  gint64 at;
  ColletManifest *manifest;
  ColletVersion *version;
  guint tool;
  guint64 calls, errors, max_us;
  guint n_buckets;
  Bucket buckets[];
} Record;

struct _ColletStatistics
{
  GHashTable *sources; /* ColletGeneration → Source */
  GQueue records;      /* Record, the oldest first */
  guint tick;
};

static void
source_free (gpointer data)
{
  Source *source = data;

  for (guint i = 0; i < collet_generation_get_spec (source->generation)->manifest->tools->len; i++)
    g_free (source->before[i]);
  g_free (source->before);
  g_object_unref (source->generation);
  g_free (source);
}

static void
record_free (gpointer data)
{
  Record *record = data;

  collet_manifest_unref (record->manifest);
  collet_version_unref (record->version);
  g_free (record);
}

static Record *
record_new (const ColletGenerationSpec *spec, guint tool, gint64 at, const ColletHistogram *histogram)
{
  guint n = 0;

  for (guint i = 0; i < COLLET_HISTOGRAM_BUCKETS; i++)
    n += histogram->buckets[i] > 0;
  Record *record = g_malloc0 (sizeof (Record) + n * sizeof (Bucket));
  record->at = at;
  record->manifest = collet_manifest_ref (spec->manifest);
  record->version = collet_version_ref (spec->version);
  record->tool = tool;
  record->calls = histogram->calls;
  record->errors = histogram->errors;
  record->max_us = histogram->max_us;
  for (guint i = 0; i < COLLET_HISTOGRAM_BUCKETS; i++)
    if (histogram->buckets[i] > 0)
      record->buckets[record->n_buckets++] = (Bucket){ (guint16)i, histogram->buckets[i] };
  return record;
}

static void
read_tool (ColletStatistics *self, Source *source, guint tool, gint64 at)
{
  ColletHistogram *running = collet_generation_get_histogram (source->generation, tool);
  ColletHistogram now, news;

  if (running == NULL || __atomic_load_n (&running->calls, __ATOMIC_RELAXED) ==
                             (source->before[tool] != NULL ? source->before[tool]->calls : 0))
    return;
  collet_histogram_take (running, &now);
  news = now;
  if (source->before[tool] == NULL)
    source->before[tool] = g_new0 (ColletHistogram, 1);
  collet_histogram_subtract (&news, source->before[tool]);
  *source->before[tool] = now;
  g_queue_push_tail (&self->records,
                     record_new (collet_generation_get_spec (source->generation), tool, at, &news));
}

static void
collect (ColletStatistics *self)
{
  gint64 now = g_get_real_time ();
  gint64 at = now - now % STEP_US;

  GHashTableIter iter;
  Source *source;

  g_hash_table_iter_init (&iter, self->sources);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&source))
    {
      gboolean is_over = collet_generation_get_state (source->generation) == COLLET_GENERATION_RETIRED;

      for (guint tool = 0; tool < collet_generation_get_spec (source->generation)->manifest->tools->len;
           tool++)
        read_tool (self, source, tool, at);
      if (is_over)
        g_hash_table_iter_remove (&iter);
    }
  for (Record *first = g_queue_peek_head (&self->records);
       first != NULL && (first->at < now - KEEP_US || self->records.length > MAX_RECORDS);
       first = g_queue_peek_head (&self->records))
    record_free (g_queue_pop_head (&self->records));
}

static gboolean
on_tick (gpointer data)
{
  collect (data);
  return G_SOURCE_CONTINUE;
}

ColletStatistics *
collet_statistics_new (void)
{
  ColletStatistics *self = g_new0 (ColletStatistics, 1);

  self->sources = g_hash_table_new_full (NULL, NULL, NULL, source_free);
  self->tick = g_timeout_add_seconds (COLLET_STATISTICS_STEP_S, on_tick, self);
  return self;
}

void
collet_statistics_free (ColletStatistics *self)
{
  g_source_remove (self->tick);
  g_hash_table_unref (self->sources);
  g_queue_clear_full (&self->records, record_free);
  g_free (self);
}

void
collet_statistics_watch (ColletStatistics *self, ColletGeneration *generation)
{
  if (g_hash_table_contains (self->sources, generation))
    return;

  Source *source = g_new0 (Source, 1);
  source->generation = g_object_ref (generation);
  source->before =
      g_new0 (ColletHistogram *, collet_generation_get_spec (generation)->manifest->tools->len + 1);
  g_hash_table_insert (self->sources, generation, source);
}

/* ---- query ---- */

static void
row_free (gpointer data)
{
  ColletStatisticsRow *row = data;

  collet_version_unref (row->version);
  g_free (row->module);
  g_free (row->tool);
  g_free (row);
}

static const char *
tool_name (const Record *record)
{
  return ((const ColletManifestTool *)record->manifest->tools->pdata[record->tool])->name;
}

/* The records are in order, so a row of the same step is among the last ones. */
static ColletStatisticsRow *
ensure_row (GPtrArray *rows, const Record *record, gint64 at)
{
  for (guint i = rows->len; i-- > 0;)
    {
      ColletStatisticsRow *row = rows->pdata[i];

      if (row->at < at)
        break;
      if (g_str_equal (row->version->sha256, record->version->sha256) &&
          g_str_equal (row->tool, tool_name (record)))
        return row;
    }

  ColletStatisticsRow *row = g_new0 (ColletStatisticsRow, 1);
  row->at = at;
  row->module = g_strdup (record->manifest->name);
  row->tool = g_strdup (tool_name (record));
  row->version = collet_version_ref (record->version);
  g_ptr_array_add (rows, row);
  return row;
}

static void
add_record (ColletHistogram *sum, const Record *record)
{
  sum->calls += record->calls;
  sum->errors += record->errors;
  sum->max_us = MAX (sum->max_us, record->max_us);
  for (guint i = 0; i < record->n_buckets; i++)
    sum->buckets[record->buckets[i].bucket] += record->buckets[i].count;
}

void
collet_statistics_sum (ColletStatistics *self, const ColletVersion *version, const char *tool,
                       ColletHistogram *sum)
{
  collect (self);
  for (GList *link = self->records.head; link != NULL; link = link->next)
    {
      const Record *record = link->data;

      if (g_str_equal (record->version->sha256, version->sha256) && g_str_equal (tool_name (record), tool))
        add_record (sum, record);
    }
}

GPtrArray *
collet_statistics_query (ColletStatistics *self, const char *module, const char *tool, gint64 since,
                         guint step_s)
{
  GPtrArray *rows = g_ptr_array_new_with_free_func (row_free);
  gint64 step_us = (gint64)MAX (step_s, COLLET_STATISTICS_STEP_S) * G_USEC_PER_SEC;

  collect (self);
  for (GList *link = self->records.head; link != NULL; link = link->next)
    {
      const Record *record = link->data;

      if (record->at + STEP_US <= since ||
          (module != NULL && !g_str_equal (record->manifest->name, module)) ||
          (tool != NULL && !g_str_equal (tool_name (record), tool)))
        continue;

      ColletStatisticsRow *row = ensure_row (rows, record, record->at - record->at % step_us);
      add_record (&row->histogram, record);
    }
  return rows;
}
