/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-retention.h"

#include <string.h>

ColletVersionRow *
collet_version_row_new (void)
{
  return g_new0 (ColletVersionRow, 1);
}

void
collet_version_row_free (ColletVersionRow *row)
{
  if (row == NULL)
    return;
  g_free (row->module);
  g_free (row->sha256);
  g_free (row->pin_reason);
  g_free (row);
}

static gboolean
must_stay (const ColletVersionRow *row, GHashTable *in_use)
{
  return row->is_needed || row->is_pinned || g_hash_table_contains (in_use, row->sha256);
}

/* By module; the newest use first; the hash decides between equals. */
static int
compare (gconstpointer a, gconstpointer b)
{
  const ColletVersionRow *left = *(ColletVersionRow *const *)a;
  const ColletVersionRow *right = *(ColletVersionRow *const *)b;
  int order = strcmp (left->module, right->module);

  if (order != 0)
    return order;
  if (left->used_at != right->used_at)
    return left->used_at > right->used_at ? -1 : 1;
  return strcmp (left->sha256, right->sha256);
}

/* From `begin` on, all of one module. Returns where the next one begins. */
static guint
choose_of_module (GPtrArray *sorted, guint begin, GHashTable *in_use, const ColletRetentionRule *rule,
                  GPtrArray *chosen)
{
  const char *module = ((ColletVersionRow *)sorted->pdata[begin])->module;
  guint kept = 0;
  guint end = begin;

  for (; end < sorted->len; end++)
    {
      ColletVersionRow *row = sorted->pdata[end];

      if (strcmp (row->module, module) != 0)
        break;
      kept += must_stay (row, in_use);
    }
  for (guint i = begin; i < end; i++)
    {
      ColletVersionRow *row = sorted->pdata[i];

      if (must_stay (row, in_use))
        continue;
      if (kept < rule->keep && row->used_at >= rule->before)
        kept++;
      else
        g_ptr_array_add (chosen, row);
    }
  return end;
}

GPtrArray *
collet_retention_choose (GPtrArray *rows, GHashTable *in_use, const ColletRetentionRule *rule)
{
  g_autoptr (GPtrArray) sorted = g_ptr_array_copy (rows, NULL, NULL);
  GPtrArray *chosen = g_ptr_array_new ();

  g_ptr_array_set_free_func (sorted, NULL);
  g_ptr_array_sort (sorted, compare);
  for (guint i = 0; i < sorted->len;)
    i = choose_of_module (sorted, i, in_use, rule, chosen);
  return chosen;
}
