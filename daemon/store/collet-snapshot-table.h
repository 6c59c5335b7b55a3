/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-snapshot-table.h: saved state. Store thread, within a transaction.
 */
#pragma once

#include "collet-database.h"
#include "collet-rows.h"

G_BEGIN_DECLS

#define COLLET_SNAPSHOT_MAX_SIZE (64 * 1024 * 1024) /* bytes */

/* Adds it, then forgets what the rules do not keep (schema/sql/0001-base.sql).
 * MessageTooLarge past the limit. */
gboolean collet_snapshot_table_add (ColletDatabase *db, const ColletSnapshotRow *row, GError **error);
gboolean collet_snapshot_table_add_all (ColletDatabase *db, GPtrArray *rows, GError **error);

/* Newest of a version (sha256 NULL: of any). TRUE with *row NULL: none. */
gboolean collet_snapshot_table_find (ColletDatabase *db, const char *module, const char *sha256,
                                     ColletSnapshotRow **row, GError **error);
/* The newest of each module's present activation. */
gboolean collet_snapshot_table_read_active (ColletDatabase *db, GPtrArray *rows, GError **error);
/* Only the newest ten thousand are kept. */
gboolean
collet_snapshot_table_add_recovery (ColletDatabase *db, const ColletRecoveryRow *row, GError **error);

G_END_DECLS
