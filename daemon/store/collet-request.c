/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-request.h"

#include "collet-coordination-table.h"
#include "collet-module-table.h"
#include "collet-reload-table.h"
#include "collet-snapshot-table.h"
#include "collet-tool-table.h"

/* ---- inputs ---- */

static void
journal_input_free (ColletJournalInput *input)
{
  collet_reload_row_free (input->row);
  collet_reload_end_free (input->end);
  g_free (input);
}

static void
tools_input_free (ColletToolsInput *input)
{
  g_clear_pointer (&input->tools, g_ptr_array_unref);
  g_clear_pointer (&input->removed, g_ptr_array_unref);
  g_free (input);
}

static void
query_input_free (ColletQueryInput *input)
{
  g_free (input->module);
  g_free (input->sha256);
  g_free (input);
}

static GPtrArray *
new_updates (ColletRequest *request)
{
  request->output = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_update_row_free);
  return request->output;
}

/* ---- what each does; store thread ---- */

static gboolean
perform_journal (ColletDatabase *db, ColletRequest *request, GError **error)
{
  const ColletJournalInput *input = request->input;

  return (input->row == NULL || collet_reload_table_begin (db, input->row, error)) &&
         (input->end == NULL || collet_reload_table_end (db, input->end, error));
}

static gboolean
write_modules (ColletDatabase *db, const ColletCommit *commit, gint64 at, GError **error)
{
  for (guint i = 0; i < commit->artifacts->len; i++)
    {
      if (!collet_module_table_add_artifact (db, commit->artifacts->pdata[i], at, error))
        return FALSE;
    }
  for (guint i = 0; i < commit->modules->len; i++)
    {
      if (!collet_module_table_set (db, commit->modules->pdata[i], commit->reload != NULL, at, error))
        return FALSE;
    }
  for (guint i = 0; i < commit->drained->len; i++)
    {
      if (!collet_module_table_set_drained (db, commit->drained->pdata[i], at, error))
        return FALSE;
    }
  for (guint i = 0; i < commit->resumed->len; i++)
    {
      if (!collet_module_table_set_drained (db, commit->resumed->pdata[i], 0, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
perform_commit (ColletDatabase *db, ColletRequest *request, GError **error)
{
  const ColletCommit *commit = request->input;
  GPtrArray *updates = new_updates (request);
  gint64 at = g_get_real_time ();

  return (commit->begin == NULL || collet_reload_table_begin (db, commit->begin, error)) &&
         (commit->reload == NULL || collet_reload_table_mark_committed (db, commit->reload, at, error)) &&
         write_modules (db, commit, at, error) &&
         collet_snapshot_table_add_all (db, commit->snapshots, error) &&
         collet_tool_table_change (db, commit->tools, commit->removed_tools, commit->reload, at, updates,
                                   error);
}

static gboolean
perform_tools (ColletDatabase *db, ColletRequest *request, GError **error)
{
  const ColletToolsInput *input = request->input;

  return collet_tool_table_change (db, input->tools, input->removed, NULL, g_get_real_time (),
                                   new_updates (request), error);
}

static gboolean
perform_save (ColletDatabase *db, ColletRequest *request, GError **error)
{
  return collet_snapshot_table_add_all (db, request->input, error);
}

static gboolean
perform_recovery (ColletDatabase *db, ColletRequest *request, GError **error)
{
  return collet_snapshot_table_add_recovery (db, request->input, error);
}

static gboolean
perform_snapshot (ColletDatabase *db, ColletRequest *request, GError **error)
{
  const ColletQueryInput *input = request->input;
  return collet_snapshot_table_find (db, input->module, input->sha256, (ColletSnapshotRow **)&request->output,
                                     error);
}

static gboolean
perform_history (ColletDatabase *db, ColletRequest *request, GError **error)
{
  request->output = collet_reload_table_read (db, request->input, error);
  return request->output != NULL;
}

static gboolean
perform_prune (ColletDatabase *db, ColletRequest *request, GError **error)
{
  const ColletQueryInput *input = request->input;
  guint64 *removed = g_new0 (guint64, 1);

  request->output = removed;
  return collet_reload_table_prune (db, input->before, input->limit, removed, error);
}

static gboolean
perform_txn (ColletDatabase *db, ColletRequest *request, GError **error)
{
  request->output = collet_coordination_table_run (db, request->input, error);
  return request->output != NULL;
}

const ColletRequestClass collet_request_journal = {
  .perform = perform_journal,
  .is_write = TRUE,
  .free_input = (GDestroyNotify)journal_input_free,
};

const ColletRequestClass collet_request_success = {
  .perform = perform_journal,
  .is_write = TRUE,
  .is_relaxed = TRUE,
  .free_input = (GDestroyNotify)journal_input_free,
};

const ColletRequestClass collet_request_commit = {
  .perform = perform_commit,
  .is_write = TRUE,
  .is_commit_point = TRUE,
  .free_input = (GDestroyNotify)collet_commit_free,
  .free_output = (GDestroyNotify)g_ptr_array_unref,
};

const ColletRequestClass collet_request_tools = {
  .perform = perform_tools,
  .is_write = TRUE,
  .free_input = (GDestroyNotify)tools_input_free,
  .free_output = (GDestroyNotify)g_ptr_array_unref,
};

const ColletRequestClass collet_request_save = {
  .perform = perform_save,
  .is_write = TRUE,
  .free_input = (GDestroyNotify)g_ptr_array_unref,
};

const ColletRequestClass collet_request_recovery = {
  .perform = perform_recovery,
  .is_write = TRUE,
  .free_input = (GDestroyNotify)collet_recovery_row_free,
};

const ColletRequestClass collet_request_snapshot = {
  .perform = perform_snapshot,
  .has_answer = TRUE,
  .free_input = (GDestroyNotify)query_input_free,
  .free_output = (GDestroyNotify)collet_snapshot_row_free,
};

const ColletRequestClass collet_request_history = {
  .perform = perform_history,
  .has_answer = TRUE,
  .free_input = (GDestroyNotify)collet_history_query_free,
  .free_output = (GDestroyNotify)g_ptr_array_unref,
};

const ColletRequestClass collet_request_prune = {
  .perform = perform_prune,
  .is_write = TRUE,
  .has_answer = TRUE,
  .free_input = (GDestroyNotify)query_input_free,
  .free_output = g_free,
};

const ColletRequestClass collet_request_txn = {
  .perform = perform_txn,
  .is_write = TRUE,
  .has_answer = TRUE,
  .free_input = (GDestroyNotify)collet_txn_free,
  .free_output = (GDestroyNotify)collet_txn_reply_free,
};

const ColletRequestClass collet_request_flush = { 0 };

/* ---- main thread ---- */

static void
clear_output (ColletRequest *request)
{
  if (request->output != NULL)
    request->class_->free_output (g_steal_pointer (&request->output));
}

static void
request_free (ColletRequest *request)
{
  clear_output (request);
  g_clear_error (&request->error);
  if (request->input != NULL)
    request->class_->free_input (request->input);
  g_free (request);
}

ColletRequest *
collet_request_new (const ColletRequestClass *class_, GTask *task, gpointer input)
{
  ColletRequest *request = g_new0 (ColletRequest, 1);

  request->class_ = class_;
  request->task = task;
  request->input = input;
  g_task_set_task_data (task, request, (GDestroyNotify)request_free);
  return request;
}

void
collet_request_reset (ColletRequest *request)
{
  clear_output (request);
  g_clear_error (&request->error);
}

void
collet_request_complete (ColletRequest *request)
{
  g_autoptr (GTask) task = g_steal_pointer (&request->task);

  if (request->error != NULL)
    g_task_return_error (task, g_steal_pointer (&request->error));
  else if (request->class_->has_answer)
    g_task_return_pointer (task, g_steal_pointer (&request->output), request->class_->free_output);
  else
    g_task_return_boolean (task, TRUE);
}
