/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Every ten seconds the generations' histograms are read; what came since the last
 * time is kept as one small record a tool and version, however many generations of
 * it there were, those of a day or the newest hundred thousand.
 */
#include "collet-statistics.h"

#include <string.h>

#define STEP_US ((gint64)COLLET_STATISTICS_STEP_S * G_USEC_PER_SEC)
#define KEEP_US ((gint64)24 * 3600 * G_USEC_PER_SEC)
#define MAX_RECORDS 100000

/* A version: each generation has a manifest of its own, of which one is kept. */
typedef struct
{
  grefcount ref_count; /* sources and records */
  ColletManifest *manifest;
  ColletVersion *version;
  ColletHistogram **news; /* one a tool that had calls, while they are collected */
} Subject;

/* A generation that is read. */
typedef struct
{
  Subject *subject;
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
  Subject *subject;
  guint tool;
  guint64 calls, errors, max_us;
  guint n_buckets;
  Bucket buckets[];
} Record;

struct _ColletStatistics
{
  GHashTable *subjects; /* sha256 → Subject, not counted */
  GHashTable *sources;  /* ColletGeneration → Source */
  GQueue records;       /* Record, the oldest first */
  guint tick;
};

static void
subject_unref (ColletStatistics *self, Subject *subject)
{
  if (!g_ref_count_dec (&subject->ref_count))
    return;
  g_hash_table_remove (self->subjects, subject->version->sha256);
  collet_manifest_unref (subject->manifest);
  collet_version_unref (subject->version);
  g_free (subject->news);
  g_free (subject);
}

static Subject *
ref_subject (ColletStatistics *self, const ColletGenerationSpec *spec)
{
  Subject *subject = g_hash_table_lookup (self->subjects, spec->version->sha256);

  if (subject != NULL)
    {
      g_ref_count_inc (&subject->ref_count);
      return subject;
    }
  subject = g_new0 (Subject, 1);
  g_ref_count_init (&subject->ref_count);
  subject->manifest = collet_manifest_ref (spec->manifest);
  subject->version = collet_version_ref (spec->version);
  subject->news = g_new0 (ColletHistogram *, spec->manifest->tools->len + 1);
  g_hash_table_insert (self->subjects, subject->version->sha256, subject);
  return subject;
}

static void
source_free (ColletStatistics *self, Source *source)
{
  for (guint i = 0; i < source->subject->manifest->tools->len; i++)
    g_free (source->before[i]);
  g_free (source->before);
  g_object_unref (source->generation);
  subject_unref (self, source->subject);
  g_free (source);
}

static void
record_free (ColletStatistics *self, Record *record)
{
  subject_unref (self, record->subject);
  g_free (record);
}

static Record *
record_new (Subject *subject, guint tool, gint64 at, const ColletHistogram *histogram)
{
  guint n = 0;

  for (guint i = 0; i < COLLET_HISTOGRAM_BUCKETS; i++)
    n += histogram->buckets[i] > 0;
  Record *record = g_malloc0 (sizeof (Record) + n * sizeof (Bucket));
  g_ref_count_inc (&subject->ref_count);
  record->at = at;
  record->subject = subject;
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
read_tool (Source *source, guint tool)
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
  if (source->subject->news[tool] == NULL)
    source->subject->news[tool] = g_new0 (ColletHistogram, 1);
  collet_histogram_merge (source->subject->news[tool], &news);
}

static void
record_news (ColletStatistics *self, gint64 at)
{
  GHashTableIter iter;
  Subject *subject;

  g_hash_table_iter_init (&iter, self->subjects);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&subject))
    for (guint tool = 0; tool < subject->manifest->tools->len; tool++)
      if (subject->news[tool] != NULL)
        {
          g_queue_push_tail (&self->records, record_new (subject, tool, at, subject->news[tool]));
          g_clear_pointer (&subject->news[tool], g_free);
        }
}

static void
collect (ColletStatistics *self)
{
  gint64 now = g_get_real_time ();
  g_autoptr (GPtrArray) over = g_ptr_array_new ();
  GHashTableIter iter;
  Source *source;

  g_hash_table_iter_init (&iter, self->sources);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&source))
    {
      gboolean is_over = collet_generation_get_state (source->generation) == COLLET_GENERATION_RETIRED;

      for (guint tool = 0; tool < source->subject->manifest->tools->len; tool++)
        read_tool (source, tool);
      if (!is_over)
        continue;
      g_hash_table_iter_remove (&iter);
      g_ptr_array_add (over, source);
    }
  record_news (self, now - now % STEP_US);
  for (guint i = 0; i < over->len; i++)
    source_free (self, over->pdata[i]);
  for (Record *first = g_queue_peek_head (&self->records);
       first != NULL && (first->at < now - KEEP_US || self->records.length > MAX_RECORDS);
       first = g_queue_peek_head (&self->records))
    record_free (self, g_queue_pop_head (&self->records));
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

  self->subjects = g_hash_table_new (g_str_hash, g_str_equal);
  self->sources = g_hash_table_new (NULL, NULL);
  self->tick = g_timeout_add_seconds (COLLET_STATISTICS_STEP_S, on_tick, self);
  return self;
}

void
collet_statistics_free (ColletStatistics *self)
{
  GHashTableIter iter;
  Source *source;
  Record *record;

  g_source_remove (self->tick);
  g_hash_table_iter_init (&iter, self->sources);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&source))
    source_free (self, source);
  g_hash_table_unref (self->sources);
  while ((record = g_queue_pop_head (&self->records)) != NULL)
    record_free (self, record);
  g_hash_table_unref (self->subjects);
  g_free (self);
}

void
collet_statistics_watch (ColletStatistics *self, ColletGeneration *generation)
{
  if (g_hash_table_contains (self->sources, generation))
    return;

  Source *source = g_new0 (Source, 1);
  source->subject = ref_subject (self, collet_generation_get_spec (generation));
  source->generation = g_object_ref (generation);
  source->before = g_new0 (ColletHistogram *, source->subject->manifest->tools->len + 1);
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
  return ((const ColletManifestTool *)record->subject->manifest->tools->pdata[record->tool])->name;
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
      if (g_str_equal (row->version->sha256, record->subject->version->sha256) &&
          g_str_equal (row->tool, tool_name (record)))
        return row;
    }

  ColletStatisticsRow *row = g_new0 (ColletStatisticsRow, 1);
  row->at = at;
  row->module = g_strdup (record->subject->manifest->name);
  row->tool = g_strdup (tool_name (record));
  row->version = collet_version_ref (record->subject->version);
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

      if (g_str_equal (record->subject->version->sha256, version->sha256) &&
          g_str_equal (tool_name (record), tool))
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
          (module != NULL && !g_str_equal (record->subject->manifest->name, module)) ||
          (tool != NULL && !g_str_equal (tool_name (record), tool)))
        continue;

      ColletStatisticsRow *row = ensure_row (rows, record, record->at - record->at % step_us);
      add_record (&row->histogram, record);
    }
  return rows;
}
