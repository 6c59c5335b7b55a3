/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-reload-table.h: reload, reload_item, reload_commit, reload_end: the
 * journal and the history. Store thread, within a transaction.
 */
#pragma once

#include "collet-database.h"
#include "collet-rows.h"

G_BEGIN_DECLS

gboolean collet_reload_table_begin (ColletDatabase *db, const ColletReloadRow *row, GError **error);
gboolean collet_reload_table_mark_committed (ColletDatabase *db, const char *id, gint64 at, GError **error);
gboolean collet_reload_table_end (ColletDatabase *db, const ColletReloadEnd *end, GError **error);

/* ColletHistoryRow, newest first. */
GPtrArray *collet_reload_table_read (ColletDatabase *db, const ColletHistoryQuery *query, GError **error);
/* Those without an end, oldest first: ColletReloadRow. */
gboolean
collet_reload_table_read_open (ColletDatabase *db, GPtrArray *open, GPtrArray *committed, GError **error);

/* Removes whole reloads that ended and began before `before` (or
 * COLLET_PRUNE_BY_COUNT), but not the newest `keep`, and tool updates of that time
 * that are nobody's newest. A transaction of its own record. */
gboolean
collet_reload_table_prune (ColletDatabase *db, gint64 before, guint keep, guint64 *removed, GError **error);

G_END_DECLS
