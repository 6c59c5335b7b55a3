/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-item.h: one thing that the daemon tells of (a module, a tool, a row of
 * the history), as an object whose values are looked up by their names on the
 * bus. What the daemon does not say, or says in another type, reads as "", 0,
 * FALSE: an older or a newer daemon is no reason to fail.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define COLLET_TYPE_ITEM (collet_item_get_type ())
G_DECLARE_FINAL_TYPE (ColletItem, collet_item, COLLET, ITEM, GObject)

/* key: what it is called in its list. values: a{sv}, or NULL; consumed if floating. */
ColletItem *collet_item_new (const char *key, GVariant *values) G_GNUC_WARN_UNUSED_RESULT;

const char *collet_item_get_key (ColletItem *self);
gboolean collet_item_has (ColletItem *self, const char *name);
/* Also of object paths. Borrowed until the item changes. */
const char *collet_item_get_string (ColletItem *self, const char *name);
/* Of any of the integer types; what does not fit is the nearest that does. */
gint64 collet_item_get_int (ColletItem *self, const char *name);
gboolean collet_item_get_bool (ColletItem *self, const char *name);
double collet_item_get_double (ColletItem *self, const char *name);
/* Never NULL. */
char **collet_item_dup_strv (ColletItem *self, const char *name) G_GNUC_WARN_UNUSED_RESULT;
/* One of a dictionary of numbers, a{st}. */
gint64 collet_item_get_count (ColletItem *self, const char *name, const char *member);
/* The rows of a value of the type aa{sv}, as items without a key. */
GPtrArray *collet_item_new_rows (GVariant *rows) G_GNUC_WARN_UNUSED_RESULT;
/* Rows of a value of the type aa{sv}, as items without a key; never NULL. */
GPtrArray *collet_item_dup_rows (ColletItem *self, const char *name) G_GNUC_WARN_UNUSED_RESULT;
/* All values, a{sv}, not floating. */
GVariant *collet_item_ref_values (ColletItem *self) G_GNUC_WARN_UNUSED_RESULT;

/* Takes values (a{sv}) over, those it does not name stay. Whether one is another
 * now; nobody is told before collet_item_announce(). */
gboolean collet_item_merge (ColletItem *self, GVariant *values);
/* Changes the property "revision" (uint), which is what views watch. */
void collet_item_announce (ColletItem *self);
guint collet_item_get_revision (ColletItem *self);

G_END_DECLS
