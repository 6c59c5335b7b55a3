/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-module-table.h: artifact and module: which versions there are, and which
 * of them serves. Store thread, within a transaction.
 */
#pragma once

#include "collet-database.h"
#include "collet-rows.h"

G_BEGIN_DECLS

/* A version that is known already stays as it is. */
gboolean collet_module_table_add_artifact (ColletDatabase *db, const ColletArtifactRow *row, gint64 at,
                                           GError **error);
/* is_reload: earlier snapshots are no longer this activation's state. */
gboolean collet_module_table_set (ColletDatabase *db, const ColletModuleRow *row, gboolean is_reload,
                                  gint64 at, GError **error);
/* at: since when; 0: it serves again. */
gboolean collet_module_table_set_drained (ColletDatabase *db, const char *module, gint64 at, GError **error);

gboolean collet_module_table_read_artifacts (ColletDatabase *db, GPtrArray *rows, GError **error);
gboolean collet_module_table_read (ColletDatabase *db, GPtrArray *rows, GError **error);

G_END_DECLS
