/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-tool-list.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct _ColletToolList
{
  guint64 serial;
  GPtrArray *entries; /* sorted by name */
  GPtrArray *aliases; /* few; or NULL */
  char *json;
  gsize json_size;
  char *digest;
  gatomicrefcount ref_count;
};

struct _ColletToolDirectory
{
  pthread_mutex_t lock; /* held for the time of taking a reference */
  ColletToolList *list;
};

void
collet_tool_entry_free (ColletToolEntry *entry)
{
  if (entry == NULL)
    return;
  g_free (entry->name);
  g_free (entry->module_tool);
  g_free (entry->former_tool);
  g_free (entry->module);
  g_clear_pointer (&entry->version, collet_version_unref);
  g_clear_pointer (&entry->manifest, collet_manifest_unref);
  g_clear_pointer (&entry->target, collet_call_target_unref);
  g_clear_pointer (&entry->counter, collet_tool_counter_unref);
  g_clear_pointer (&entry->grace, collet_grace_unref);
  g_free (entry->json);
  g_free (entry);
}

static int
compare_entries (const void *a, const void *b)
{
  return strcmp ((*(ColletToolEntry *const *)a)->name, (*(ColletToolEntry *const *)b)->name);
}

static void
render (ColletToolList *list)
{
  GString *json = g_string_new ("[");

  for (guint i = 0; i < list->entries->len; i++)
    {
      const ColletToolEntry *entry = list->entries->pdata[i];
      if (i > 0)
        g_string_append_c (json, ',');
      g_string_append_len (json, entry->json, entry->json_size);
    }
  g_string_append_c (json, ']');
  list->json_size = json->len;
  list->json = g_string_free (json, FALSE);
  list->digest = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *)list->json, list->json_size);
}

ColletToolList *
collet_tool_list_new (GPtrArray *entries, GPtrArray *aliases, guint64 serial)
{
  ColletToolList *list;

  g_return_val_if_fail (entries != NULL, NULL);

  list = g_new0 (ColletToolList, 1);
  list->serial = serial;
  list->entries = entries;
  list->aliases = aliases;
  g_atomic_ref_count_init (&list->ref_count);
  if (entries->len > 1)
    qsort (entries->pdata, entries->len, sizeof (gpointer), compare_entries);
  render (list);
  return list;
}

ColletToolList *
collet_tool_list_ref (ColletToolList *list)
{
  g_atomic_int_inc (&list->ref_count);
  return list;
}

void
collet_tool_list_unref (ColletToolList *list)
{
  if (list == NULL || !g_atomic_int_dec_and_test (&list->ref_count))
    return;
  g_ptr_array_unref (list->entries);
  g_clear_pointer (&list->aliases, g_ptr_array_unref);
  g_free (list->json);
  g_free (list->digest);
  g_free (list);
}

guint64
collet_tool_list_get_serial (const ColletToolList *list)
{
  return list->serial;
}

guint
collet_tool_list_get_length (const ColletToolList *list)
{
  return list->entries->len;
}

const ColletToolEntry *
collet_tool_list_get (const ColletToolList *list, guint index)
{
  g_return_val_if_fail (index < list->entries->len, NULL);
  return list->entries->pdata[index];
}

/* Index of the first entry whose name is not less than `name`. */
static guint
lower_bound (const ColletToolList *list, const char *name, gsize size)
{
  guint low = 0, high = list->entries->len;

  while (low < high)
    {
      guint middle = low + (high - low) / 2;
      const ColletToolEntry *entry = list->entries->pdata[middle];
      int order = strncmp (entry->name, name, size);
      /* With the same first `size` bytes the entry is equal or longer. */
      if (order < 0)
        low = middle + 1;
      else
        high = middle;
    }
  return low;
}

const ColletToolEntry *
collet_tool_list_find (const ColletToolList *list, const char *name, gssize size)
{
  gsize length = size < 0 ? strlen (name) : (gsize)size;
  guint index;
  const ColletToolEntry *entry;

  if (memchr (name, '\0', length) != NULL)
    return NULL;
  index = lower_bound (list, name, length);
  if (index == list->entries->len)
    return NULL;
  entry = list->entries->pdata[index];
  return strncmp (entry->name, name, length) == 0 && entry->name[length] == '\0' ? entry : NULL;
}

const ColletToolEntry *
collet_tool_list_find_former (const ColletToolList *list, const char *name, gint64 now)
{
  for (guint i = 0; list->aliases != NULL && i < list->aliases->len; i++)
    {
      const ColletToolEntry *alias = list->aliases->pdata[i];

      if (strcmp (alias->name, name) == 0)
        return collet_grace_has_tool (alias->grace, name, now) ? alias : NULL;
    }
  return NULL;
}

guint
collet_tool_list_after (const ColletToolList *list, const char *name)
{
  guint index = lower_bound (list, name, strlen (name));

  if (index < list->entries->len && strcmp (collet_tool_list_get (list, index)->name, name) == 0)
    index++;
  return index;
}

const char *
collet_tool_list_get_json (const ColletToolList *list, gsize *size)
{
  *size = list->json_size;
  return list->json;
}

const char *
collet_tool_list_get_digest (const ColletToolList *list)
{
  return list->digest;
}

ColletToolDirectory *
collet_tool_directory_new (void)
{
  ColletToolDirectory *directory = g_new0 (ColletToolDirectory, 1);

  pthread_mutex_init (&directory->lock, NULL);
  directory->list =
      collet_tool_list_new (g_ptr_array_new_with_free_func ((GDestroyNotify)collet_tool_entry_free), NULL, 0);
  return directory;
}

void
collet_tool_directory_free (ColletToolDirectory *directory)
{
  if (directory == NULL)
    return;
  pthread_mutex_destroy (&directory->lock);
  collet_tool_list_unref (directory->list);
  g_free (directory);
}

ColletToolList *
collet_tool_directory_ref_list (ColletToolDirectory *directory)
{
  ColletToolList *list;

  pthread_mutex_lock (&directory->lock);
  list = collet_tool_list_ref (directory->list);
  pthread_mutex_unlock (&directory->lock);
  return list;
}

gboolean
collet_tool_directory_replace (ColletToolDirectory *directory, ColletToolList *list)
{
  g_autoptr (ColletToolList) former = NULL; /* let go of outside the lock */
  gboolean is_changed;

  g_return_val_if_fail (list != NULL, FALSE);

  pthread_mutex_lock (&directory->lock);
  former = directory->list;
  directory->list = list;
  is_changed = strcmp (former->digest, list->digest) != 0;
  pthread_mutex_unlock (&directory->lock);
  return is_changed;
}
