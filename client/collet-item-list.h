/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-item-list.h: items by key, sorted by it, as a GListModel. Changes come
 * in storms; they are gathered and told at a pace, as one change of the list and
 * one notification an item.
 */
#pragma once

#include "collet-item.h"

G_BEGIN_DECLS

#define COLLET_ITEM_LIST_PACE_MS 100

#define COLLET_TYPE_ITEM_LIST (collet_item_list_get_type ())
G_DECLARE_FINAL_TYPE (ColletItemList, collet_item_list, COLLET, ITEM_LIST, GObject)

ColletItemList *collet_item_list_new (void) G_GNUC_WARN_UNUSED_RESULT;

/* Adds the item or merges the values (a{sv}) into it. */
void collet_item_list_put (ColletItemList *self, const char *key, GVariant *values);
/* As put, but an unknown key is left alone. */
void collet_item_list_update (ColletItemList *self, const char *key, GVariant *values);
void collet_item_list_remove (ColletItemList *self, const char *key);
/* Between both, what is not put again is removed: the items that stay are the
 * same objects. */
void collet_item_list_begin_replace (ColletItemList *self);
void collet_item_list_end_replace (ColletItemList *self);
/* Tells now what would be told in a moment. */
void collet_item_list_flush (ColletItemList *self);

/* Borrowed; NULL if there is none. Also what was not told yet. */
ColletItem *collet_item_list_lookup (ColletItemList *self, const char *key);

G_END_DECLS
