/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A request from pre-flight to the journal: refused, joined to the reload that
 * does the same, or run.
 */
#include "collet-reloader-private.h"

#include <math.h>

#include "collet-error.h"
#include "collet-failpoint.h"

typedef struct
{
  ColletReloadRequest *request; /* until the reload takes it */
  ColletReload *reload;
} Submission;

static void
submission_free (Submission *submission)
{
  g_clear_pointer (&submission->request, collet_reload_request_free);
  g_clear_object (&submission->reload);
  g_free (submission);
}

static void
on_refusal_recorded (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  if (!collet_store_record_refusal_finish (COLLET_STORE (object), result, &error))
    g_warning ("A refused request could not be recorded: %s", error->message);
}

/* History without a reload that ran. Takes `items`. */
static void
record_refusal (ColletReloader *self, ColletReloadRequest *request, GPtrArray *items, const GError *reason)
{
  g_autoptr (ColletReload) reload = collet_reload_new (request, items);

  collet_reload_conclude (reload, g_error_copy (reason));
  collet_store_record_refusal_async (self->store, collet_reload_record_begin (reload),
                                     collet_reload_record_end (reload), on_refusal_recorded, NULL);
}

void
collet_reloader_record (ColletReloader *self, ColletReloadKind kind, gint64 uid, const char *reason,
                        const char *note)
{
  ColletReloadRequest *request = collet_reload_request_new (kind, uid);

  request->reason = g_strdup (reason);
  g_autoptr (ColletReload) reload = collet_reload_new (request, g_ptr_array_new ());
  collet_reload_set_note (reload, note);
  collet_reload_set_committed (reload);
  collet_reload_conclude (reload, NULL);
  collet_store_record_refusal_async (self->store, collet_reload_record_begin (reload),
                                     collet_reload_record_end (reload), on_refusal_recorded, NULL);
}

static gboolean
review (ColletReloader *self, const ColletReloadRequest *request, GPtrArray *items, GError **error)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < items->len; i++)
    {
      ColletReloadItem *item = items->pdata[i];

      if (!collet_review_item (self, request, item, error))
        return FALSE;
      if (!g_hash_table_add (seen, item->module))
        {
          g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                       "Two of the artifacts are versions of module \"%s\"; load one of them.", item->module);
          return FALSE;
        }
    }

  if (collet_reload_kind_is_service (request->kind))
    return TRUE;
  if (collet_reload_request_has_canary (request) && items->len > 1)
    {
      g_set_error (
          error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
          "A canary was asked for %u modules; it is for one. Reload them one by one, or with a trial window.",
          items->len);
      return FALSE;
    }
  if (!collet_reloader_collect_smoke_tests (self, request, items, error))
    return FALSE;

  g_autoptr (ColletRegistryPlan) plan = collet_reloader_plan_items (self, request, items, error);
  return plan != NULL;
}

static GError *
closing_error (void)
{
  return g_error_new_literal (COLLET_ERROR, COLLET_ERROR_SHUTTING_DOWN,
                              "The daemon is stopping and takes no more changes; ask again when it is back.");
}

/* Nothing was done yet. Whoever joined meanwhile hears of it as of any failure. */
static void
give_up (ColletReloader *self, ColletReload *reload, const GError *reason)
{
  guint position;

  collet_reloader_unlock (self, reload);
  collet_reloader_drop_unused (self, collet_reload_get_items (reload));
  collet_reload_conclude (reload, g_error_copy (reason));
  collet_reload_announce (reload);
  if (g_list_store_find (self->reloads, reload, &position))
    g_list_store_remove (self->reloads, position);
}

static void
on_begun (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  ColletReloader *self = g_task_get_source_object (task);
  Submission *submission = g_task_get_task_data (task);
  GError *error = NULL;

  if (!collet_store_begin_finish (COLLET_STORE (object), result, &error))
    {
      give_up (self, submission->reload, error);
      g_task_return_error (task, error);
      return;
    }
  collet_failpoint ("reload-begun");
  g_task_return_pointer (task, g_object_ref (submission->reload), g_object_unref);
  if (collet_reload_kind_is_service (collet_reload_get_request (submission->reload)->kind))
    collet_service_change_run (self, submission->reload);
  else
    collet_transaction_run (self, submission->reload, TRUE);
}

/* It is in the journal, or its end says why not. */
static void
on_settled (ColletReload *reload, gpointer data)
{
  g_autoptr (GTask) task = g_object_ref (data);

  if (collet_reload_get_state (reload) == COLLET_RELOAD_RUNNING)
    return;
  g_signal_handlers_disconnect_by_func (reload, on_settled, data);
  g_task_return_pointer (task, g_object_ref (reload), g_object_unref);
}

static void
drop_task (gpointer task, GClosure *closure)
{
  g_object_unref (task);
}

static void
begin (ColletReloader *self, GTask *task, ColletReload *reload)
{
  collet_reloader_lock (self, reload);
  self->running++;
  if (collet_reload_kind_is_service (collet_reload_get_request (reload)->kind) ||
      collet_transaction_needs_journal (reload))
    {
      collet_store_begin_async (self->store, collet_reload_record_begin (reload), on_begun,
                                g_object_ref (task));
      return;
    }
  g_signal_connect_data (reload, "changed", G_CALLBACK (on_settled), g_object_ref (task), drop_task, 0);
  collet_transaction_run (self, reload, FALSE);
}

static GError *
describe_prepared (ColletReload *holder, const char *module)
{
  const ColletReloadRequest *request = collet_reload_get_request (holder);
  gint64 left_us = collet_reload_get_expires_at (holder) - g_get_real_time ();
  g_autofree char *until = left_us > 0 && collet_reload_get_expires_at (holder) > 0
                               ? g_strdup_printf (" for %.0f more seconds", ceil (left_us / 1e6))
                               : g_strdup ("");

  if (request->decided_by != NULL)
    return g_error_new (COLLET_ERROR, COLLET_ERROR_RELOAD_IN_PROGRESS,
                        "Reload %s of %s is in progress (decided by %s, %.0f s). Wait for it.",
                        collet_reload_get_id (holder), module, request->decided_by,
                        floor (MAX (g_get_real_time () - collet_reload_get_started_at (holder), 0) / 1e6));
  return g_error_new (COLLET_ERROR, COLLET_ERROR_RELOAD_IN_PROGRESS,
                      "A version of module \"%s\" is prepared%s (reload %s, by uid %" G_GINT64_FORMAT
                      "). Commit it, or abort it.",
                      module, until, collet_reload_get_id (holder), request->uid);
}

/* TRUE: another one runs, and the request joined it or was refused. */
static gboolean
meets_running (ColletReloader *self, GTask *task, GPtrArray *items, GError **error)
{
  Submission *submission = g_task_get_task_data (task);
  const char *module;
  ColletReload *holder = collet_reloader_find_holder (self, items, &module);

  if (holder == NULL)
    return FALSE;
  if (collet_reload_is_same (holder, submission->request, items))
    {
      submission->reload = g_object_ref (holder);
      return TRUE;
    }
  if (collet_reload_is_prepared (holder))
    {
      g_propagate_error (error, describe_prepared (holder, module));
      return TRUE;
    }
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_RELOAD_IN_PROGRESS,
               "Reload %s of module \"%s\" is in progress (phase \"%s\", by uid %" G_GINT64_FORMAT
               "). Wait for it, or cancel it.",
               collet_reload_get_id (holder), module, collet_reload_get_phase (holder),
               collet_reload_get_request (holder)->uid);
  return TRUE;
}

static void
on_preflight (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  ColletReloader *self = COLLET_RELOADER (object);
  Submission *submission = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) items = collet_preflight_finish (self, result, &error);

  self->examining--;

  if (error == NULL && self->is_closing)
    error = closing_error (); /* the end of the daemon waits for what runs already only */
  if (error == NULL && submission->request->names != NULL &&
      !collet_reloader_order_group (self, submission->request, items, &error))
    g_assert (error != NULL);
  if (error == NULL && meets_running (self, task, items, &error) && error == NULL)
    {
      g_task_return_pointer (task, g_object_ref (submission->reload), g_object_unref);
      return;
    }
  if (error == NULL && submission->request->state != NULL)
    ((ColletReloadItem *)items->pdata[0])->after = g_bytes_ref (submission->request->state);
  if (error == NULL)
    review (self, submission->request, items, &error);
  if (error != NULL)
    {
      collet_reloader_drop_unused (self, items);
      record_refusal (self, g_steal_pointer (&submission->request), g_steal_pointer (&items), error);
      if (g_error_matches (error, COLLET_ERROR, COLLET_ERROR_DISK_FULL))
        collet_housekeeper_look_soon (self->housekeeper);
      self->is_littered = TRUE;
      collet_reloader_tidy (self);
      g_task_return_error (task, collet_error_convert (g_error_copy (error)));
      return;
    }

  submission->reload = collet_reload_new (g_steal_pointer (&submission->request), g_steal_pointer (&items));
  begin (self, task, submission->reload);
  /* While the database is at work; the caller is told when it has answered. */
  collet_reloader_prune_finished (self);
  self->started++;
  g_list_store_append (self->reloads, submission->reload);
}

void
collet_reloader_submit_async (ColletReloader *self, ColletReloadRequest *request,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  Submission *submission = g_new0 (Submission, 1);

  submission->request = request;
  g_task_set_task_data (task, submission, (GDestroyNotify)submission_free);
  if (self->is_closing)
    {
      g_task_return_error (task, closing_error ());
      g_object_unref (task);
      return;
    }
  self->examining++;
  collet_preflight_async (self, request, on_preflight, task);
}

ColletReload *
collet_reloader_submit_finish (ColletReloader *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
