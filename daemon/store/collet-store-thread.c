/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-store-thread.h"

#include "collet-call-table.h"
#include "collet-error.h"
#include "collet-failpoint.h"
#include "collet-image.h"
#include "collet-session-table.h"

#include <pthread.h>

#define CALLS_SLICE 1000           /* rows a transaction: what a request may have to wait for */
#define CHECKPOINT_PAGES 1000      /* of WAL, when idle */
#define CHECKPOINT_MAX_PAGES 16384 /* of WAL, at the latest: 64 MiB */

/* What the opening gives; read by the starter when is_open is set. */
typedef struct
{
  ColletStoreImage *image;
  char *moved_to;
  GError *error;
} Opening;

struct _ColletStoreThread
{
  char *folder;
  ColletQueue *queue;
  GThread *thread;
  pthread_mutex_t lock;
  pthread_cond_t opened;
  gboolean is_open; /* or failed */
  Opening opening;
  /* The thread's own: */
  ColletDatabase *db;
  ColletCallTable *calls;
  GPtrArray *backlog; /* calls taken from the queue, or NULL */
  guint written;      /* of the backlog */
  int wal_pages;
  gboolean calls_fail; /* said so already */
  gboolean sessions_fail;
};

/* ---- groups ---- */

static gboolean
run_point (ColletStoreThread *self, const char *sql, GError **error)
{
  return collet_statement_run (collet_statement_begin (self->db, sql), error);
}

/* FALSE: the group as a whole has failed. A request that fails by itself keeps
 * its error and leaves no trace. */
static gboolean
perform_in_group (ColletStoreThread *self, ColletRequest *request, GError **error)
{
  collet_request_reset (request);
  if (request->class_->is_write && !run_point (self, "SAVEPOINT request", error))
    return FALSE;
  if (request->class_->perform (self->db, request, &request->error))
    return !request->class_->is_write || run_point (self, "RELEASE request", error);
  /* Some failures take the whole transaction with them. */
  if (!collet_database_is_in_transaction (self->db))
    return FALSE;
  return !request->class_->is_write ||
         (run_point (self, "ROLLBACK TO request", error) && run_point (self, "RELEASE request", error));
}

static gboolean
has_commit_point (GQueue *group)
{
  for (GList *link = group->head; link != NULL; link = link->next)
    if (((ColletRequest *)link->data)->class_->is_commit_point)
      return TRUE;
  return FALSE;
}

/* As durable as the one of the group that needs it most. */
static ColletTransactionKind
kind_of (GQueue *group)
{
  ColletTransactionKind kind = COLLET_TRANSACTION_READ;

  for (GList *link = group->head; link != NULL; link = link->next)
    {
      const ColletRequestClass *class_ = ((ColletRequest *)link->data)->class_;

      if (class_->is_write && !class_->is_relaxed)
        return COLLET_TRANSACTION_WRITE;
      if (class_->is_write)
        kind = COLLET_TRANSACTION_WRITE_RELAXED;
    }
  return kind;
}

static gboolean
commit_group (ColletStoreThread *self, GQueue *group, GError **error)
{
  gboolean is_commit_point = has_commit_point (group);

  if (is_commit_point)
    collet_failpoint ("store-before-commit");
  if (!collet_database_commit (self->db, error))
    return FALSE;
  if (is_commit_point)
    collet_failpoint ("store-after-commit");
  return TRUE;
}

static gboolean
try_group (ColletStoreThread *self, GQueue *group, GError **error)
{
  if (!collet_database_begin (self->db, kind_of (group), error))
    return FALSE;
  for (GList *link = group->head; link != NULL; link = link->next)
    {
      if (!perform_in_group (self, link->data, error))
        {
          collet_database_rollback (self->db);
          return FALSE;
        }
    }
  return commit_group (self, group, error);
}

/* A group of one: its own reason comes before that of the transaction. */
static void
perform_alone (ColletStoreThread *self, ColletRequest *request)
{
  g_auto (GQueue) group = G_QUEUE_INIT;
  g_autoptr (GError) error = NULL;

  collet_request_reset (request);
  g_queue_push_tail (&group, request);
  if (try_group (self, &group, &error) || request->error != NULL)
    return;
  collet_request_reset (request); /* an answer that was not committed */
  request->error = g_steal_pointer (&error);
}

/* Each in a transaction of its own. While somebody else holds the database, only
 * those that read: each of the others would wait for as long as the group did. */
static void
perform_each (ColletStoreThread *self, GQueue *group, const GError *reason)
{
  gboolean is_busy = g_error_matches (reason, COLLET_ERROR, COLLET_ERROR_DATABASE_BUSY);

  for (GList *link = group->head; link != NULL; link = link->next)
    {
      ColletRequest *request = link->data;

      if (!is_busy || !request->class_->is_write)
        {
          perform_alone (self, request);
          continue;
        }
      collet_request_reset (request);
      request->error = g_error_copy (reason);
    }
}

static void
perform_group (ColletStoreThread *self, GQueue *group)
{
  g_autoptr (GError) error = NULL;

  if (g_queue_is_empty (group))
    return;
  if (group->length == 1)
    perform_alone (self, group->head->data);
  else if (!try_group (self, group, &error))
    perform_each (self, group, error);
  collet_queue_answer (self->queue, group);
}

/* ---- calls ---- */

/* One slice, so that no request waits for more than that. */
static void
write_slice (ColletStoreThread *self)
{
  g_autoptr (GError) error = NULL;
  guint n = MIN (CALLS_SLICE, self->backlog->len - self->written);
  gboolean ok = collet_call_table_write (self->calls, self->backlog, self->written, n, &error);

  if (!ok && !self->calls_fail)
    g_warning ("Records of calls are lost: %s", error->message);
  self->calls_fail = !ok;
  collet_queue_settle_calls (self->queue, n, !ok);
  self->written += n;
  if (self->written == self->backlog->len)
    g_clear_pointer (&self->backlog, g_ptr_array_unref);
}

static void
set_backlog (ColletStoreThread *self, GPtrArray *calls)
{
  g_assert (self->backlog == NULL);
  self->backlog = calls;
  self->written = 0;
}

/* All that were recorded before. */
static void
flush_calls (ColletStoreThread *self)
{
  while (self->backlog != NULL)
    write_slice (self);
  set_backlog (self, collet_queue_take_calls (self->queue));
  while (self->backlog != NULL)
    write_slice (self);
}

/* In order: what came before a flush is answered before it. */
static void
perform_requests (ColletStoreThread *self, GQueue *requests)
{
  g_auto (GQueue) group = G_QUEUE_INIT;

  while (!g_queue_is_empty (requests))
    {
      ColletRequest *request = g_queue_pop_head (requests);

      if (request->class_->perform == NULL)
        {
          perform_group (self, &group);
          flush_calls (self);
          g_queue_push_tail (&group, request);
          collet_queue_answer (self->queue, &group);
        }
      else
        {
          g_queue_push_tail (&group, request);
        }
    }
  perform_group (self, &group);
}

/* ---- sessions ---- */

static void
write_sessions (ColletStoreThread *self)
{
  g_autoptr (GError) error = NULL;
  guint dropped = 0;
  g_autoptr (GPtrArray) rows = collet_queue_take_sessions (self->queue, &dropped);

  if (rows == NULL)
    return;
  if (dropped > 0)
    g_warning ("%u changes of sessions are not kept: too many waited for the disk.", dropped);

  gboolean ok = collet_session_table_write (self->db, rows, &error);
  if (!ok && !self->sessions_fail)
    g_warning ("Sessions are not kept until this works again: %s", error->message);
  self->sessions_fail = !ok;
  if (!ok)
    collet_queue_return_sessions (self->queue, rows);
}

/* ---- the thread ---- */

static int
on_wal_grown (void *data, sqlite3 *handle, const char *name, int pages)
{
  ColletStoreThread *self = data;

  self->wal_pages = pages;
  return SQLITE_OK;
}

/* Not within a commit, which somebody waits for, but after it. */
static void
checkpoint (ColletStoreThread *self)
{
  int left = 0, done = 0;

  if (sqlite3_wal_checkpoint_v2 (collet_database_get_handle (self->db), NULL, SQLITE_CHECKPOINT_PASSIVE,
                                 &left, &done) != SQLITE_OK)
    g_debug ("checkpoint: %s", sqlite3_errmsg (collet_database_get_handle (self->db)));
  self->wal_pages = 0;
}

static void
work (ColletStoreThread *self)
{
  gboolean is_idle = FALSE;
  gboolean goes_on = TRUE;

  while (goes_on || self->backlog != NULL)
    {
      g_auto (GQueue) requests = G_QUEUE_INIT;
      GPtrArray *calls = NULL;

      if (self->wal_pages >= (is_idle ? CHECKPOINT_PAGES : CHECKPOINT_MAX_PAGES))
        checkpoint (self);
      goes_on = collet_queue_take (self->queue, is_idle, &requests, self->backlog == NULL ? &calls : NULL);
      if (calls != NULL)
        set_backlog (self, calls);
      is_idle = g_queue_is_empty (&requests) && self->backlog == NULL;
      perform_requests (self, &requests);
      if (self->backlog != NULL)
        write_slice (self);
      write_sessions (self);
    }
}

static gboolean
open_all (ColletStoreThread *self, Opening *opening)
{
  g_autoptr (GPtrArray) migrations = collet_migrations_load ();

  self->db =
      collet_image_open (self->folder, migrations, &opening->image, &opening->moved_to, &opening->error);
  if (self->db != NULL)
    self->calls = collet_call_table_new (self->db, &opening->error);
  if (self->calls == NULL)
    {
      g_clear_pointer (&opening->image, collet_store_image_free);
      g_clear_pointer (&self->db, collet_database_free);
      return FALSE;
    }
  sqlite3_wal_autocheckpoint (collet_database_get_handle (self->db), 0);
  sqlite3_wal_hook (collet_database_get_handle (self->db), on_wal_grown, self);
  return TRUE;
}

static gpointer
run (gpointer data)
{
  ColletStoreThread *self = data;
  Opening opening = { 0 };
  gboolean ok = open_all (self, &opening);

  pthread_mutex_lock (&self->lock);
  self->opening = opening;
  self->is_open = TRUE;
  pthread_cond_signal (&self->opened);
  pthread_mutex_unlock (&self->lock);
  if (!ok)
    return NULL;

  work (self);
  g_clear_pointer (&self->calls, collet_call_table_free);
  g_clear_pointer (&self->db, collet_database_free);
  return NULL;
}

ColletStoreThread *
collet_store_thread_start (const char *folder, ColletQueue *queue, ColletStoreImage **image, char **moved_to,
                           GError **error)
{
  ColletStoreThread *self = g_new0 (ColletStoreThread, 1);
  Opening opening;

  self->folder = g_strdup (folder);
  self->queue = queue;
  pthread_mutex_init (&self->lock, NULL);
  pthread_cond_init (&self->opened, NULL);
  self->thread = g_thread_new ("store", run, self);

  pthread_mutex_lock (&self->lock);
  while (!self->is_open)
    pthread_cond_wait (&self->opened, &self->lock);
  opening = self->opening;
  pthread_mutex_unlock (&self->lock);

  *moved_to = opening.moved_to;
  if (opening.error == NULL)
    {
      *image = opening.image;
      return self;
    }
  g_propagate_error (error, opening.error);
  collet_store_thread_join (self);
  return NULL;
}

void
collet_store_thread_join (ColletStoreThread *self)
{
  if (self == NULL)
    return;
  g_thread_join (self->thread);
  pthread_cond_destroy (&self->opened);
  pthread_mutex_destroy (&self->lock);
  g_free (self->folder);
  g_free (self);
}
