/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-rows.h"

static GPtrArray *
array_of (void (*free_row) (gpointer))
{
  return g_ptr_array_new_with_free_func (free_row);
}

#define ROWS(noun) array_of ((GDestroyNotify)collet_##noun##_free)

ColletArtifactRow *
collet_artifact_row_new (void)
{
  return g_new0 (ColletArtifactRow, 1);
}

void
collet_artifact_row_free (ColletArtifactRow *row)
{
  if (row == NULL)
    return;
  g_clear_pointer (&row->version, collet_version_unref);
  g_free (row->module);
  g_free (row->manifest);
  g_free (row);
}

ColletFormerRow *
collet_former_row_new (const char *sha256, gint64 until)
{
  ColletFormerRow *row = g_new (ColletFormerRow, 1);

  *row = (ColletFormerRow){ g_strdup (sha256), until };
  return row;
}

void
collet_former_row_free (ColletFormerRow *row)
{
  if (row == NULL)
    return;
  g_free (row->sha256);
  g_free (row);
}

ColletModuleRow *
collet_module_row_new (void)
{
  ColletModuleRow *row = g_new0 (ColletModuleRow, 1);

  row->former = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_former_row_free);
  return row;
}

void
collet_module_row_free (ColletModuleRow *row)
{
  if (row == NULL)
    return;
  g_free (row->module);
  g_free (row->sha256);
  g_free (row->previous_sha256);
  g_free (row->host);
  g_ptr_array_unref (row->former);
  g_free (row);
}

ColletToolRow *
collet_tool_row_new (void)
{
  return g_new0 (ColletToolRow, 1);
}

void
collet_tool_row_free (ColletToolRow *row)
{
  if (row == NULL)
    return;
  g_free (row->name);
  g_free (row->module);
  g_free (row->module_tool);
  g_free (row->metadata);
  g_free (row->version);
  g_free (row);
}

ColletReloadItemRow *
collet_reload_item_row_new (void)
{
  return g_new0 (ColletReloadItemRow, 1);
}

void
collet_reload_item_row_free (ColletReloadItemRow *row)
{
  if (row == NULL)
    return;
  g_free (row->module);
  g_free (row->from_sha256);
  g_free (row->to_sha256);
  g_free (row->from_version);
  g_free (row->to_version);
  g_free (row->to_signer);
  g_free (row);
}

ColletReloadRow *
collet_reload_row_new (void)
{
  ColletReloadRow *row = g_new0 (ColletReloadRow, 1);

  row->uid = -1;
  row->items = ROWS (reload_item_row);
  return row;
}

void
collet_reload_row_free (ColletReloadRow *row)
{
  if (row == NULL)
    return;
  g_free (row->id);
  g_free (row->kind);
  g_free (row->strategy);
  g_free (row->reason);
  g_free (row->reverts);
  g_free (row->options);
  g_clear_pointer (&row->items, g_ptr_array_unref);
  g_free (row);
}

ColletSnapshotRow *
collet_snapshot_row_new (void)
{
  return g_new0 (ColletSnapshotRow, 1);
}

void
collet_snapshot_row_free (ColletSnapshotRow *row)
{
  if (row == NULL)
    return;
  g_free (row->module);
  g_free (row->sha256);
  g_clear_pointer (&row->state, g_bytes_unref);
  g_free (row->cause);
  g_free (row->reload);
  g_free (row);
}

ColletRecoveryRow *
collet_recovery_row_new (void)
{
  return g_new0 (ColletRecoveryRow, 1);
}

void
collet_recovery_row_free (ColletRecoveryRow *row)
{
  if (row == NULL)
    return;
  g_free (row->module);
  g_free (row->sha256);
  g_free (row);
}

ColletCommit *
collet_commit_new (void)
{
  ColletCommit *commit = g_new0 (ColletCommit, 1);

  commit->artifacts = ROWS (artifact_row);
  commit->modules = ROWS (module_row);
  commit->snapshots = ROWS (snapshot_row);
  commit->tools = ROWS (tool_row);
  commit->removed_tools = array_of (g_free);
  commit->drained = array_of (g_free);
  commit->resumed = array_of (g_free);
  return commit;
}

void
collet_commit_free (ColletCommit *commit)
{
  if (commit == NULL)
    return;
  collet_reload_row_free (commit->begin);
  g_free (commit->reload);
  g_clear_pointer (&commit->artifacts, g_ptr_array_unref);
  g_clear_pointer (&commit->modules, g_ptr_array_unref);
  g_clear_pointer (&commit->snapshots, g_ptr_array_unref);
  g_clear_pointer (&commit->tools, g_ptr_array_unref);
  g_clear_pointer (&commit->removed_tools, g_ptr_array_unref);
  g_clear_pointer (&commit->drained, g_ptr_array_unref);
  g_clear_pointer (&commit->resumed, g_ptr_array_unref);
  g_free (commit);
}

ColletReloadEnd *
collet_reload_end_new (void)
{
  ColletReloadEnd *end = g_new0 (ColletReloadEnd, 1);

  end->pause_us = -1;
  return end;
}

void
collet_reload_end_free (ColletReloadEnd *end)
{
  if (end == NULL)
    return;
  g_free (end->reload);
  g_free (end->state);
  g_free (end->phase);
  g_free (end->error);
  g_free (end->message);
  g_free (end->detail);
  g_free (end);
}

ColletHistoryQuery *
collet_history_query_copy (const ColletHistoryQuery *query)
{
  ColletHistoryQuery *copy = g_new (ColletHistoryQuery, 1);

  *copy = *query;
  copy->module = g_strdup (query->module);
  copy->id = g_strdup (query->id);
  copy->newest_of = g_strdup (query->newest_of);
  copy->state = g_strdup (query->state);
  return copy;
}

void
collet_history_query_free (ColletHistoryQuery *query)
{
  if (query == NULL)
    return;
  g_free ((char *)query->module);
  g_free ((char *)query->id);
  g_free ((char *)query->newest_of);
  g_free ((char *)query->state);
  g_free (query);
}

ColletHistoryRow *
collet_history_row_new (void)
{
  return g_new0 (ColletHistoryRow, 1);
}

void
collet_history_row_free (ColletHistoryRow *row)
{
  if (row == NULL)
    return;
  collet_reload_row_free (row->reload);
  collet_reload_end_free (row->end);
  g_free (row);
}

ColletCallRow *
collet_call_row_new (void)
{
  return g_new0 (ColletCallRow, 1);
}

void
collet_call_row_free (ColletCallRow *row)
{
  if (row == NULL)
    return;
  g_free (row->request_id);
  g_free (row->trace);
  g_free (row->client);
  g_free (row->tool);
  g_free (row->sha256);
  g_free (row->outcome);
  g_free (row);
}

ColletSessionRow *
collet_session_row_new (void)
{
  return g_new0 (ColletSessionRow, 1);
}

void
collet_session_row_free (ColletSessionRow *row)
{
  if (row == NULL)
    return;
  g_free (row->id);
  g_free (row->revision);
  g_free (row->client);
  g_free (row);
}

ColletStoreImage *
collet_store_image_new (void)
{
  ColletStoreImage *image = g_new0 (ColletStoreImage, 1);

  image->artifacts = ROWS (artifact_row);
  image->modules = ROWS (module_row);
  image->tools = ROWS (tool_row);
  image->snapshots = ROWS (snapshot_row);
  image->open = ROWS (reload_row);
  image->committed = ROWS (reload_row);
  image->sessions = ROWS (session_row);
  image->subscriptions = ROWS (subscription_row);
  image->smoke_tests = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return image;
}

void
collet_store_image_free (ColletStoreImage *image)
{
  if (image == NULL)
    return;
  g_clear_pointer (&image->artifacts, g_ptr_array_unref);
  g_clear_pointer (&image->modules, g_ptr_array_unref);
  g_clear_pointer (&image->tools, g_ptr_array_unref);
  g_clear_pointer (&image->snapshots, g_ptr_array_unref);
  g_clear_pointer (&image->open, g_ptr_array_unref);
  g_clear_pointer (&image->committed, g_ptr_array_unref);
  g_clear_pointer (&image->sessions, g_ptr_array_unref);
  g_clear_pointer (&image->subscriptions, g_ptr_array_unref);
  g_clear_pointer (&image->smoke_tests, g_hash_table_unref);
  g_free (image);
}
