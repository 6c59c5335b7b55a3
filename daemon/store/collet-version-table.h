/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-version-table.h: artifact, as the versions that are kept. Store thread,
 * within a transaction. As in collet-store-version.h.
 */
#pragma once

#include "collet-database.h"
#include "collet-retention.h"

G_BEGIN_DECLS

GPtrArray *collet_version_table_read (ColletDatabase *db, const char *module, GError **error);
gboolean collet_version_table_pin (ColletDatabase *db, const char *sha256, gboolean is_pinned, gint64 uid,
                                   const char *reason, GError **error);
GPtrArray *
collet_version_table_remove (ColletDatabase *db, GPtrArray *versions, gint64 before, GError **error);

G_END_DECLS
