/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-store.h"

#include "collet-data-folder.h"
#include "collet-error.h"
#include "collet-rows.h"
#include "collet-store-private.h"
#include "collet-store-thread.h"

#include <glib-unix.h>
#include <unistd.h>

struct _ColletStore
{
  GObject parent_instance;

  GThread *owner; /* the thread that opened it */
  int lock_fd;
  ColletQueue *queue;
  ColletStoreThread *thread; /* NULL: closed */
  GSource *answers;
};

G_DEFINE_FINAL_TYPE (ColletStore, collet_store, G_TYPE_OBJECT)

/* Tasks are answered in order because those that cannot be answered within the
 * source go before its next turn. */
#define TASK_PRIORITY G_PRIORITY_HIGH

static void
give_answers (ColletStore *self)
{
  g_auto (GQueue) requests = G_QUEUE_INIT;

  collet_queue_take_answers (self->queue, &requests);
  while (!g_queue_is_empty (&requests))
    collet_request_complete (g_queue_pop_head (&requests));
}

static gboolean
on_answers (int fd, GIOCondition condition, gpointer data)
{
  /* A callback may drop the last reference but the tasks'. */
  g_autoptr (ColletStore) self = g_object_ref (COLLET_STORE (data));

  give_answers (self);
  return G_SOURCE_CONTINUE;
}

static void
collet_store_dispose (GObject *object)
{
  collet_store_close (COLLET_STORE (object));
  G_OBJECT_CLASS (collet_store_parent_class)->dispose (object);
}

static void
collet_store_finalize (GObject *object)
{
  ColletStore *self = COLLET_STORE (object);

  g_clear_pointer (&self->queue, collet_queue_free);
  G_OBJECT_CLASS (collet_store_parent_class)->finalize (object);
}

static void
collet_store_class_init (ColletStoreClass *class_)
{
  G_OBJECT_CLASS (class_)->dispose = collet_store_dispose;
  G_OBJECT_CLASS (class_)->finalize = collet_store_finalize;
}

static void
collet_store_init (ColletStore *self)
{
  self->owner = g_thread_self ();
  self->lock_fd = -1;
}

ColletStore *
collet_store_open (const char *folder, ColletStoreImage **image, char **moved_to, GError **error)
{
  g_return_val_if_fail (folder != NULL && image != NULL, NULL);

  g_autoptr (ColletStore) self = g_object_new (COLLET_TYPE_STORE, NULL);
  g_autofree char *moved = NULL;

  self->lock_fd = collet_data_folder_lock (folder, error);
  if (self->lock_fd < 0)
    return NULL;
  self->queue = collet_queue_new (error);
  if (self->queue == NULL)
    return NULL;
  self->thread = collet_store_thread_start (folder, self->queue, image, &moved, error);
  if (moved_to != NULL)
    *moved_to = g_steal_pointer (&moved);
  if (self->thread == NULL)
    return NULL;

  self->answers = g_unix_fd_source_new (collet_queue_get_fd (self->queue), G_IO_IN);
  g_source_set_static_name (self->answers, "collet-store answers");
  g_source_set_callback (self->answers, G_SOURCE_FUNC (on_answers), self, NULL);
  g_source_attach (self->answers, g_main_context_get_thread_default ());
  return g_steal_pointer (&self);
}

void
collet_store_close (ColletStore *self)
{
  g_return_if_fail (COLLET_IS_STORE (self));
  g_return_if_fail (self->owner == g_thread_self ());

  if (self->thread != NULL)
    {
      collet_queue_close (self->queue);
      g_clear_pointer (&self->thread, collet_store_thread_join);
      /* The last answers, each from a callback of the main context's. */
      g_object_ref (self);
      give_answers (self);
      g_object_unref (self);
    }
  if (self->answers != NULL)
    {
      g_source_destroy (self->answers);
      g_clear_pointer (&self->answers, g_source_unref);
    }
  /* Last: the next daemon may begin. */
  if (self->lock_fd >= 0)
    close (self->lock_fd);
  self->lock_fd = -1;
}

/* ---- requests ---- */

static void
submit (ColletStore *self, const ColletRequestClass *class_, gpointer input, gpointer tag,
        GAsyncReadyCallback callback, gpointer user_data)
{
  g_assert (self->owner == g_thread_self ());

  GTask *task = g_task_new (self, NULL, callback, user_data);
  ColletRequest *request = collet_request_new (class_, task, input);

  g_task_set_source_tag (task, tag);
  g_task_set_priority (task, TASK_PRIORITY);
  g_task_set_check_cancellable (task, FALSE);
  if (collet_queue_push (self->queue, request))
    return;
  request->error =
      g_error_new (COLLET_ERROR, COLLET_ERROR_SHUTTING_DOWN,
                   "The database is closed because the daemon is stopping. Try again when it is back.");
  collet_request_complete (request);
}

void
collet_store_submit (ColletStore *self, const ColletRequestClass *class_, gpointer input, gpointer tag,
                     GAsyncReadyCallback callback, gpointer user_data)
{
  submit (self, class_, input, tag, callback, user_data);
}

static gboolean
finish_boolean (ColletStore *self, GAsyncResult *result, gpointer tag, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, tag), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

static gpointer
finish_pointer (ColletStore *self, GAsyncResult *result, gpointer tag, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, tag), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

static ColletJournalInput *
journal_input (ColletReloadRow *row, ColletReloadEnd *end)
{
  ColletJournalInput *input = g_new0 (ColletJournalInput, 1);

  input->row = row;
  input->end = end;
  return input;
}

static ColletQueryInput *
query_input (const char *module, const char *sha256, guint limit)
{
  ColletQueryInput *input = g_new0 (ColletQueryInput, 1);

  input->module = g_strdup (module);
  input->sha256 = g_strdup (sha256);
  input->limit = limit;
  return input;
}

void
collet_store_begin_async (ColletStore *self, ColletReloadRow *row, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_return_if_fail (COLLET_IS_STORE (self) && row != NULL);
  submit (self, &collet_request_journal, journal_input (row, NULL), collet_store_begin_async, callback,
          user_data);
}

gboolean
collet_store_begin_finish (ColletStore *self, GAsyncResult *result, GError **error)
{
  return finish_boolean (self, result, collet_store_begin_async, error);
}

void
collet_store_commit_async (ColletStore *self, ColletCommit *commit, GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_return_if_fail (COLLET_IS_STORE (self) && commit != NULL);
  submit (self, &collet_request_commit, commit, collet_store_commit_async, callback, user_data);
}

gboolean
collet_store_commit_finish (ColletStore *self, GAsyncResult *result, GError **error)
{
  return finish_boolean (self, result, collet_store_commit_async, error);
}

GPtrArray *
collet_store_get_updates (ColletStore *self, GAsyncResult *result)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  ColletRequest *request = g_task_get_task_data (G_TASK (result));
  g_return_val_if_fail (request->class_ == &collet_request_commit || request->class_ == &collet_request_tools,
                        NULL);
  return request->output;
}

void
collet_store_end_async (ColletStore *self, ColletReloadEnd *end, GAsyncReadyCallback callback,
                        gpointer user_data)
{
  g_return_if_fail (COLLET_IS_STORE (self) && end != NULL);
  const ColletRequestClass *class_ =
      g_strcmp0 (end->state, "succeeded") == 0 ? &collet_request_success : &collet_request_journal;

  submit (self, class_, journal_input (NULL, end), collet_store_end_async, callback, user_data);
}

gboolean
collet_store_end_finish (ColletStore *self, GAsyncResult *result, GError **error)
{
  return finish_boolean (self, result, collet_store_end_async, error);
}

void
collet_store_record_refusal_async (ColletStore *self, ColletReloadRow *row, ColletReloadEnd *end,
                                   GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (COLLET_IS_STORE (self) && row != NULL && end != NULL);
  submit (self, &collet_request_journal, journal_input (row, end), collet_store_record_refusal_async,
          callback, user_data);
}

gboolean
collet_store_record_refusal_finish (ColletStore *self, GAsyncResult *result, GError **error)
{
  return finish_boolean (self, result, collet_store_record_refusal_async, error);
}

void
collet_store_change_tools_async (ColletStore *self, GPtrArray *tools, GPtrArray *removed,
                                 GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (COLLET_IS_STORE (self));

  ColletToolsInput *input = g_new0 (ColletToolsInput, 1);
  input->tools = tools;
  input->removed = removed;
  submit (self, &collet_request_tools, input, collet_store_change_tools_async, callback, user_data);
}

gboolean
collet_store_change_tools_finish (ColletStore *self, GAsyncResult *result, GError **error)
{
  return finish_boolean (self, result, collet_store_change_tools_async, error);
}

void
collet_store_save_snapshots_async (ColletStore *self, GPtrArray *snapshots, GAsyncReadyCallback callback,
                                   gpointer user_data)
{
  g_return_if_fail (COLLET_IS_STORE (self) && snapshots != NULL);
  submit (self, &collet_request_save, snapshots, collet_store_save_snapshots_async, callback, user_data);
}

gboolean
collet_store_save_snapshots_finish (ColletStore *self, GAsyncResult *result, GError **error)
{
  return finish_boolean (self, result, collet_store_save_snapshots_async, error);
}

void
collet_store_record_recovery_async (ColletStore *self, ColletRecoveryRow *row, GAsyncReadyCallback callback,
                                    gpointer user_data)
{
  g_return_if_fail (COLLET_IS_STORE (self) && row != NULL);
  submit (self, &collet_request_recovery, row, collet_store_record_recovery_async, callback, user_data);
}

gboolean
collet_store_record_recovery_finish (ColletStore *self, GAsyncResult *result, GError **error)
{
  return finish_boolean (self, result, collet_store_record_recovery_async, error);
}

void
collet_store_get_snapshot_async (ColletStore *self, const char *module, const char *sha256,
                                 GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (COLLET_IS_STORE (self) && module != NULL);
  submit (self, &collet_request_snapshot, query_input (module, sha256, 0), collet_store_get_snapshot_async,
          callback, user_data);
}

ColletSnapshotRow *
collet_store_get_snapshot_finish (ColletStore *self, GAsyncResult *result, GError **error)
{
  return finish_pointer (self, result, collet_store_get_snapshot_async, error);
}

void
collet_store_history_async (ColletStore *self, const ColletHistoryQuery *query, GAsyncReadyCallback callback,
                            gpointer user_data)
{
  g_return_if_fail (COLLET_IS_STORE (self) && query != NULL);
  submit (self, &collet_request_history, collet_history_query_copy (query), collet_store_history_async,
          callback, user_data);
}

GPtrArray *
collet_store_history_finish (ColletStore *self, GAsyncResult *result, GError **error)
{
  return finish_pointer (self, result, collet_store_history_async, error);
}

void
collet_store_prune_async (ColletStore *self, gint64 before, guint keep, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_return_if_fail (COLLET_IS_STORE (self));

  ColletQueryInput *input = query_input (NULL, NULL, keep);
  input->before = before;
  submit (self, &collet_request_prune, input, collet_store_prune_async, callback, user_data);
}

gboolean
collet_store_prune_finish (ColletStore *self, GAsyncResult *result, guint64 *removed, GError **error)
{
  g_autofree guint64 *count = finish_pointer (self, result, collet_store_prune_async, error);

  if (count != NULL && removed != NULL)
    *removed = *count;
  return count != NULL;
}

void
collet_store_run_txn_async (ColletStore *self, ColletTxn *txn, GAsyncReadyCallback callback,
                            gpointer user_data)
{
  g_return_if_fail (COLLET_IS_STORE (self) && txn != NULL);
  submit (self, &collet_request_txn, txn, collet_store_run_txn_async, callback, user_data);
}

ColletTxnReply *
collet_store_run_txn_finish (ColletStore *self, GAsyncResult *result, GError **error)
{
  return finish_pointer (self, result, collet_store_run_txn_async, error);
}

/* ---- subscribers ---- */

static ColletSubscriberInput *
subscriber_input (const char *subscriber, gint64 uid, const char *tool)
{
  ColletSubscriberInput *input = g_new0 (ColletSubscriberInput, 1);

  input->subscriber = g_strdup (subscriber);
  input->uid = uid;
  input->tool = g_strdup (tool);
  return input;
}

void
collet_store_subscribe_async (ColletStore *self, const char *subscriber, gint64 uid, const char *tool,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  submit (self, &collet_request_subscribe, subscriber_input (subscriber, uid, tool),
          collet_store_subscribe_async, callback, user_data);
}

gboolean
collet_store_subscribe_finish (ColletStore *self, GAsyncResult *result, guint64 *sequence, GError **error)
{
  g_autofree guint64 *newest = finish_pointer (self, result, collet_store_subscribe_async, error);

  if (newest != NULL)
    *sequence = *newest;
  return newest != NULL;
}

void
collet_store_unsubscribe_async (ColletStore *self, const char *subscriber, gint64 uid, const char *tool,
                                GAsyncReadyCallback callback, gpointer user_data)
{
  submit (self, &collet_request_unsubscribe, subscriber_input (subscriber, uid, tool),
          collet_store_unsubscribe_async, callback, user_data);
}

gboolean
collet_store_unsubscribe_finish (ColletStore *self, GAsyncResult *result, gboolean *existed, GError **error)
{
  g_autofree gboolean *found = finish_pointer (self, result, collet_store_unsubscribe_async, error);

  if (found != NULL)
    *existed = *found;
  return found != NULL;
}

void
collet_store_check_tool_async (ColletStore *self, const char *subscriber, gint64 uid, const char *tool,
                               GAsyncReadyCallback callback, gpointer user_data)
{
  submit (self, &collet_request_check, subscriber_input (subscriber, uid, tool),
          collet_store_check_tool_async, callback, user_data);
}

ColletToolCheck *
collet_store_check_tool_finish (ColletStore *self, GAsyncResult *result, GError **error)
{
  return finish_pointer (self, result, collet_store_check_tool_async, error);
}

void
collet_store_updates_async (ColletStore *self, const char *subscriber, gint64 uid, guint64 sequence,
                            guint limit, GAsyncReadyCallback callback, gpointer user_data)
{
  ColletSubscriberInput *input = subscriber_input (subscriber, uid, NULL);

  input->sequence = sequence;
  input->limit = limit;
  submit (self, &collet_request_updates, input, collet_store_updates_async, callback, user_data);
}

ColletUpdateList *
collet_store_updates_finish (ColletStore *self, GAsyncResult *result, GError **error)
{
  return finish_pointer (self, result, collet_store_updates_async, error);
}

void
collet_store_subscriptions_async (ColletStore *self, const char *subscriber, GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  submit (self, &collet_request_subscriptions, subscriber_input (subscriber, -1, NULL),
          collet_store_subscriptions_async, callback, user_data);
}

GPtrArray *
collet_store_subscriptions_finish (ColletStore *self, GAsyncResult *result, GError **error)
{
  return finish_pointer (self, result, collet_store_subscriptions_async, error);
}

/* ---- calls ---- */

void
collet_store_record_call (ColletStore *self, ColletCallRow *row)
{
  collet_queue_add_call (self->queue, row);
}

guint64
collet_store_get_dropped_calls (ColletStore *self)
{
  return collet_queue_get_dropped (self->queue);
}

void
collet_store_flush_calls_async (ColletStore *self, GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (COLLET_IS_STORE (self));
  submit (self, &collet_request_flush, NULL, collet_store_flush_calls_async, callback, user_data);
}

gboolean
collet_store_flush_calls_finish (ColletStore *self, GAsyncResult *result, GError **error)
{
  return finish_boolean (self, result, collet_store_flush_calls_async, error);
}

/* ---- sessions ---- */

void
collet_store_save_session (ColletStore *self, ColletSessionRow *row)
{
  /* One that breaks the table's rules would take the others of its batch along. */
  g_return_if_fail (row->id != NULL && row->revision != NULL && row->client != NULL);
  g_return_if_fail (row->log_level >= 0 && row->log_level <= 255);
  collet_queue_add_session (self->queue, row);
}

void
collet_store_remove_session (ColletStore *self, const char *id)
{
  ColletSessionRow *row = collet_session_row_new ();

  row->id = g_strdup (id);
  collet_queue_add_session (self->queue, row);
}

guint
collet_store_drop_sessions (ColletStore *self, GPtrArray *sessions, gint64 before)
{
  guint n = 0;

  while (n < sessions->len && ((ColletSessionRow *)sessions->pdata[n])->used_at < before)
    collet_store_remove_session (self, ((ColletSessionRow *)sessions->pdata[n++])->id);
  if (n > 0)
    g_ptr_array_remove_range (sessions, 0, n);
  return n;
}
