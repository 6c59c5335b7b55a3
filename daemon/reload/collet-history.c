/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-history.h"

#include "collet-error.h"
#include "collet-reloader-private.h"
#include "collet-rows.h"

#define MAX_LIMIT 10000
#define MIN_DIGITS 4 /* of an id */

static void
history_item_free (gpointer data)
{
  ColletHistoryItem *item = data;

  g_free (item->module);
  g_free (item->from_sha256);
  g_free (item->to_sha256);
  g_free (item->from_version);
  g_free (item->to_version);
  g_free (item->to_signer);
  g_free (item);
}

void
collet_history_entry_free (ColletHistoryEntry *entry)
{
  g_free (entry->id);
  g_free (entry->kind);
  g_free (entry->strategy);
  g_free (entry->state);
  g_free (entry->phase);
  g_free (entry->error);
  g_free (entry->message);
  g_free (entry->note);
  g_free (entry->reverts);
  g_free (entry->reason);
  g_free (entry->options);
  g_free (entry->detail);
  g_ptr_array_unref (entry->items);
  g_free (entry);
}

/* Moves what the rows hold. */
static ColletHistoryEntry *
entry_of_row (ColletHistoryRow *row)
{
  ColletHistoryEntry *entry = g_new0 (ColletHistoryEntry, 1);
  ColletReloadRow *reload = row->reload;
  ColletReloadEnd *end = row->end;

  entry->id = g_steal_pointer (&reload->id);
  entry->kind = g_steal_pointer (&reload->kind);
  entry->strategy = g_steal_pointer (&reload->strategy);
  entry->reverts = g_steal_pointer (&reload->reverts);
  entry->reason = g_steal_pointer (&reload->reason);
  entry->options = g_steal_pointer (&reload->options);
  entry->uid = reload->uid;
  entry->started_at = reload->started_at;
  entry->state = end != NULL ? g_steal_pointer (&end->state) : g_strdup ("running");
  entry->detail = end != NULL ? g_steal_pointer (&end->detail) : NULL;
  entry->phase = end != NULL ? g_steal_pointer (&end->phase) : g_strdup ("");
  entry->error = end != NULL ? g_steal_pointer (&end->error) : NULL;
  if (end != NULL && entry->error != NULL)
    entry->message = g_steal_pointer (&end->message);
  else if (end != NULL)
    entry->note = g_steal_pointer (&end->message);
  entry->finished_at = end != NULL ? end->at : 0;
  entry->duration_us = end != NULL ? end->duration_us : MAX (g_get_real_time () - reload->started_at, 0);
  entry->pause_us = end != NULL ? end->pause_us : -1;
  entry->items = g_ptr_array_new_with_free_func (history_item_free);
  for (guint i = 0; i < reload->items->len; i++)
    {
      ColletReloadItemRow *from = reload->items->pdata[i];
      ColletHistoryItem *item = g_new0 (ColletHistoryItem, 1);

      item->module = g_steal_pointer (&from->module);
      item->from_sha256 = g_steal_pointer (&from->from_sha256);
      item->to_sha256 = g_steal_pointer (&from->to_sha256);
      item->from_version = g_steal_pointer (&from->from_version);
      item->to_version = g_steal_pointer (&from->to_version);
      item->to_signer = g_steal_pointer (&from->to_signer);
      g_ptr_array_add (entry->items, item);
    }
  return entry;
}

static void
on_history (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;
  g_autoptr (GPtrArray) rows = collet_store_history_finish (COLLET_STORE (object), result, &error);

  if (rows == NULL)
    {
      g_task_return_error (task, error);
      return;
    }

  GPtrArray *entries = g_ptr_array_new_full (rows->len, (GDestroyNotify)collet_history_entry_free);
  for (guint i = 0; i < rows->len; i++)
    g_ptr_array_add (entries, entry_of_row (rows->pdata[i]));
  g_task_return_pointer (task, entries, (GDestroyNotify)g_ptr_array_unref);
}

void
collet_reloader_history_async (ColletReloader *self, const ColletHistoryQuery *query,
                               GAsyncReadyCallback callback, gpointer user_data)
{
  ColletHistoryQuery bounded = *query;

  bounded.limit = MIN (query->limit, MAX_LIMIT);
  collet_store_history_async (self->store, &bounded, on_history,
                              g_task_new (self, NULL, callback, user_data));
}

GPtrArray *
collet_reloader_history_finish (ColletReloader *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* ---- one of them ---- */

/* The newest first, at most two: a whole id is the beginning of no other. */
static ColletHistoryEntry *
take_one (GPtrArray *rows, const char *id, GError **error)
{
  if (rows->len == 1)
    return entry_of_row (rows->pdata[0]);
  if (rows->len == 0)
    g_set_error (error, COLLET_ERROR, COLLET_ERROR_NOT_FOUND,
                 "The history has no reload \"%s\". List it to see those there are.", id);
  else
    g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                 "\"%s\" begins the ids of several reloads; give more digits.", id);
  return NULL;
}

static void
on_found (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;
  g_autoptr (GPtrArray) rows = collet_store_history_finish (COLLET_STORE (object), result, &error);
  ColletHistoryEntry *entry = rows != NULL ? take_one (rows, g_task_get_task_data (task), &error) : NULL;

  if (entry == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, entry, (GDestroyNotify)collet_history_entry_free);
}

void
collet_reloader_find_entry_async (ColletReloader *self, const char *id, GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  const ColletHistoryQuery query = { .id = id, .limit = 2 };
  GTask *task = g_task_new (self, NULL, callback, user_data);

  if (strlen (id) < MIN_DIGITS)
    {
      g_task_return_new_error (task, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                               "\"%s\" is no reload; give its id, or at least %d digits of it.", id,
                               MIN_DIGITS);
      g_object_unref (task);
      return;
    }
  g_task_set_task_data (task, g_strdup (id), g_free);
  collet_store_history_async (self->store, &query, on_found, task);
}

ColletHistoryEntry *
collet_reloader_find_entry_finish (ColletReloader *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
