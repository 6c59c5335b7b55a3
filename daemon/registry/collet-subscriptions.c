/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-subscriptions.h"

#define EVERY_TOOL "*"

struct _ColletSubscriptions
{
  GHashTable *by_tool; /* tool → set of names */
};

ColletSubscriptions *
collet_subscriptions_new (void)
{
  ColletSubscriptions *self = g_new0 (ColletSubscriptions, 1);

  self->by_tool = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_hash_table_unref);
  return self;
}

void
collet_subscriptions_free (ColletSubscriptions *self)
{
  g_hash_table_unref (self->by_tool);
  g_free (self);
}

void
collet_subscriptions_add (ColletSubscriptions *self, const char *subscriber, const char *tool)
{
  GHashTable *names = g_hash_table_lookup (self->by_tool, tool);

  if (names == NULL)
    {
      names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
      g_hash_table_insert (self->by_tool, g_strdup (tool), names);
    }
  g_hash_table_add (names, g_strdup (subscriber));
}

void
collet_subscriptions_remove (ColletSubscriptions *self, const char *subscriber, const char *tool)
{
  GHashTable *names = g_hash_table_lookup (self->by_tool, tool);

  if (names == NULL)
    return;
  g_hash_table_remove (names, subscriber);
  if (g_hash_table_size (names) == 0)
    g_hash_table_remove (self->by_tool, tool);
}

guint
collet_subscriptions_count (ColletSubscriptions *self, const char *tool)
{
  GHashTable *names = g_hash_table_lookup (self->by_tool, tool);
  GHashTable *of_all = g_hash_table_lookup (self->by_tool, EVERY_TOOL);
  guint n = of_all != NULL ? g_hash_table_size (of_all) : 0;
  GHashTableIter iter;
  gpointer name;

  if (names == NULL)
    return n;
  g_hash_table_iter_init (&iter, names);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    n += of_all == NULL || !g_hash_table_contains (of_all, name);
  return n;
}
