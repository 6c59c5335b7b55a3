/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-call-table.h: call_record and call_target: many small rows. Store
 * thread.
 */
#pragma once

#include "collet-database.h"
#include "collet-rows.h"

G_BEGIN_DECLS

#define COLLET_CALLS_KEPT 2000000 /* rows */

/* Remembers the targets that it has written. */
typedef struct _ColletCallTable ColletCallTable;

/* Removes targets without calls first if they have become many. */
ColletCallTable *collet_call_table_new (ColletDatabase *db, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void collet_call_table_free (ColletCallTable *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletCallTable, collet_call_table_free)

/* rows[first, first+n) in a transaction of its own, and the oldest out past the
 * limit. It survives a crash of the process at once, a loss of power only with
 * the next commit of another kind. */
gboolean
collet_call_table_write (ColletCallTable *self, GPtrArray *rows, guint first, guint n, GError **error);

G_END_DECLS
