/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-rows.h: making and freeing the rows of collet-store.h. A new row is
 * zero, with its arrays made (they own their elements). Freeing NULL is allowed.
 */
#pragma once

#include "collet-store.h"

G_BEGIN_DECLS

/* As the time before which history goes: when the oldest of those that stay began. */
#define COLLET_PRUNE_BY_COUNT G_MAXINT64

ColletArtifactRow *collet_artifact_row_new (void);
void collet_artifact_row_free (ColletArtifactRow *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletArtifactRow, collet_artifact_row_free)

ColletFormerRow *collet_former_row_new (const char *sha256, gint64 until);
void collet_former_row_free (ColletFormerRow *row);

ColletModuleRow *collet_module_row_new (void);
void collet_module_row_free (ColletModuleRow *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletModuleRow, collet_module_row_free)

ColletToolRow *collet_tool_row_new (void);
void collet_tool_row_free (ColletToolRow *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletToolRow, collet_tool_row_free)

ColletReloadItemRow *collet_reload_item_row_new (void);
void collet_reload_item_row_free (ColletReloadItemRow *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletReloadItemRow, collet_reload_item_row_free)

ColletReloadRow *collet_reload_row_new (void); /* uid -1 */
void collet_reload_row_free (ColletReloadRow *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletReloadRow, collet_reload_row_free)

ColletSnapshotRow *collet_snapshot_row_new (void);
void collet_snapshot_row_free (ColletSnapshotRow *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletSnapshotRow, collet_snapshot_row_free)

ColletRecoveryRow *collet_recovery_row_new (void);
void collet_recovery_row_free (ColletRecoveryRow *row);

ColletCommit *collet_commit_new (void);
void collet_commit_free (ColletCommit *commit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletCommit, collet_commit_free)

ColletReloadEnd *collet_reload_end_new (void); /* pause_us -1 */
void collet_reload_end_free (ColletReloadEnd *end);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletReloadEnd, collet_reload_end_free)

ColletHistoryQuery *collet_history_query_copy (const ColletHistoryQuery *query);
void collet_history_query_free (ColletHistoryQuery *query); /* a copy */

ColletHistoryRow *collet_history_row_new (void);
void collet_history_row_free (ColletHistoryRow *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletHistoryRow, collet_history_row_free)

ColletCallRow *collet_call_row_new (void);
void collet_call_row_free (ColletCallRow *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletCallRow, collet_call_row_free)

ColletSessionRow *collet_session_row_new (void);
void collet_session_row_free (ColletSessionRow *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletSessionRow, collet_session_row_free)

ColletStoreImage *collet_store_image_new (void);
void collet_store_image_free (ColletStoreImage *image);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletStoreImage, collet_store_image_free)

G_END_DECLS
