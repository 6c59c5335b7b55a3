/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-item-list.h"

struct _ColletItemList
{
  GObject parent_instance;
  GHashTable *items; /* key → item: what is so */
  GPtrArray *shown;  /* sorted: what was told */
  GHashTable *dirty; /* items with other values than told */
  GHashTable *left;  /* keys not put again yet, between begin and end of a replacement */
  gboolean members_changed;
  guint pace;
};

static GType
list_get_item_type (GListModel *model)
{
  return COLLET_TYPE_ITEM;
}

static guint
list_get_n_items (GListModel *model)
{
  return COLLET_ITEM_LIST (model)->shown->len;
}

static gpointer
list_get_item (GListModel *model, guint position)
{
  ColletItemList *self = COLLET_ITEM_LIST (model);

  return position < self->shown->len ? g_object_ref (self->shown->pdata[position]) : NULL;
}

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = list_get_item_type;
  iface->get_n_items = list_get_n_items;
  iface->get_item = list_get_item;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (ColletItemList, collet_item_list, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

static void
collet_item_list_finalize (GObject *object)
{
  ColletItemList *self = COLLET_ITEM_LIST (object);

  g_clear_handle_id (&self->pace, g_source_remove);
  g_hash_table_unref (self->items);
  g_hash_table_unref (self->dirty);
  g_clear_pointer (&self->left, g_hash_table_unref);
  g_ptr_array_unref (self->shown);
  G_OBJECT_CLASS (collet_item_list_parent_class)->finalize (object);
}

static void
collet_item_list_class_init (ColletItemListClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = collet_item_list_finalize;
}

static void
collet_item_list_init (ColletItemList *self)
{
  self->items = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_object_unref);
  self->dirty = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
  self->shown = g_ptr_array_new_with_free_func (g_object_unref);
}

ColletItemList *
collet_item_list_new (void)
{
  return g_object_new (COLLET_TYPE_ITEM_LIST, NULL);
}

static int
compare (gconstpointer a, gconstpointer b)
{
  return strcmp (collet_item_get_key (*(ColletItem *const *)a),
                 collet_item_get_key (*(ColletItem *const *)b));
}

/* One change that covers every difference between what was told and what is so. */
static void
show_members (ColletItemList *self)
{
  g_autoptr (GPtrArray) old = self->shown;
  GPtrArray *new = g_ptr_array_new_full (g_hash_table_size (self->items), g_object_unref);
  GHashTableIter iter;
  gpointer item;
  guint start = 0, end = 0;

  g_hash_table_iter_init (&iter, self->items);
  while (g_hash_table_iter_next (&iter, NULL, &item))
    g_ptr_array_add (new, g_object_ref (item));
  g_ptr_array_sort (new, compare);

  guint shorter = MIN (old->len, new->len);
  while (start < shorter && old->pdata[start] == new->pdata[start])
    start++;
  while (end < shorter - start && old->pdata[old->len - 1 - end] == new->pdata[new->len - 1 - end])
    end++;
  self->shown = new;
  if (start + end < MAX (old->len, new->len))
    g_list_model_items_changed (G_LIST_MODEL (self), start, old->len - start - end, new->len - start - end);
}

void
collet_item_list_flush (ColletItemList *self)
{
  g_autoptr (GHashTable) dirty = self->dirty;
  GHashTableIter iter;
  gpointer item;

  g_clear_handle_id (&self->pace, g_source_remove);
  self->dirty = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
  if (self->members_changed)
    {
      self->members_changed = FALSE;
      show_members (self);
    }
  g_hash_table_iter_init (&iter, dirty);
  while (g_hash_table_iter_next (&iter, &item, NULL))
    collet_item_announce (item);
}

static gboolean
on_pace (gpointer self)
{
  COLLET_ITEM_LIST (self)->pace = 0;
  g_object_ref (self);
  collet_item_list_flush (self);
  g_object_unref (self);
  return G_SOURCE_REMOVE;
}

static void
schedule (ColletItemList *self)
{
  if (self->pace == 0)
    self->pace = g_timeout_add (COLLET_ITEM_LIST_PACE_MS, on_pace, self);
}

void
collet_item_list_update (ColletItemList *self, const char *key, GVariant *values)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (values);
  ColletItem *item = g_hash_table_lookup (self->items, key);

  if (item == NULL || !collet_item_merge (item, owned))
    return;
  g_hash_table_add (self->dirty, g_object_ref (item));
  schedule (self);
}

void
collet_item_list_put (ColletItemList *self, const char *key, GVariant *values)
{
  if (self->left != NULL)
    g_hash_table_remove (self->left, key);
  if (g_hash_table_contains (self->items, key))
    {
      collet_item_list_update (self, key, values);
      return;
    }

  ColletItem *item = collet_item_new (key, values);
  g_hash_table_insert (self->items, (gpointer)collet_item_get_key (item), item);
  self->members_changed = TRUE;
  schedule (self);
}

void
collet_item_list_remove (ColletItemList *self, const char *key)
{
  ColletItem *item = g_hash_table_lookup (self->items, key);

  if (item == NULL)
    return;
  g_hash_table_remove (self->dirty, item);
  g_hash_table_remove (self->items, key);
  self->members_changed = TRUE;
  schedule (self);
}

void
collet_item_list_begin_replace (ColletItemList *self)
{
  GHashTableIter iter;
  gpointer key;

  g_clear_pointer (&self->left, g_hash_table_unref);
  self->left = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_hash_table_iter_init (&iter, self->items);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    g_hash_table_add (self->left, g_strdup (key));
}

void
collet_item_list_end_replace (ColletItemList *self)
{
  g_autoptr (GHashTable) left = g_steal_pointer (&self->left);
  GHashTableIter iter;
  gpointer key;

  g_return_if_fail (left != NULL);
  g_hash_table_iter_init (&iter, left);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    collet_item_list_remove (self, key);
  collet_item_list_flush (self);
}

ColletItem *
collet_item_list_lookup (ColletItemList *self, const char *key)
{
  return g_hash_table_lookup (self->items, key);
}
