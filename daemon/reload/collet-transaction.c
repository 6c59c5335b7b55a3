/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A reload from its journal entry to its end, as a list of steps. Each step
 * starts some work for every item and is over when all of it has answered; the
 * first error before the commit point undoes everything.
 *
 *   prepare  start      the new generations run, initialised and self-tested
 *            try        they answer their smoke tests
 *            rehearse   the live state, copied, is carried into them once
 *   prepared park       (of a prepare) it waits for word
 *   commit   quiesce    calls of stateful modules wait; those in flight finish
 *            migrate    the state is carried over for good
 *            agree      no other change of the registry is under way
 *            store      one database transaction: the commit point
 *            publish    one step a module; calls go to the new generations
 *   drain               the old generations finish their calls and end
 */
#include "collet-transaction-private.h"

#include "collet-error.h"
#include "collet-failpoint.h"

static void run_step (ColletTransaction *self);
static void undo (ColletTransaction *self);

ColletItemOperation *
collet_transaction_hold (ColletTransaction *self, ColletReloadItem *item)
{
  ColletItemOperation *operation = g_new (ColletItemOperation, 1);

  operation->transaction = self;
  operation->item = item;
  self->pending++;
  return operation;
}

static void
step_done (ColletTransaction *self)
{
  gboolean committed = collet_reload_get_state (self->reload) == COLLET_RELOAD_COMMITTED;

  if (!committed && self->error == NULL &&
      g_cancellable_is_cancelled (collet_transaction_get_cancellable (self)))
    self->error = g_error_new (COLLET_ERROR, COLLET_ERROR_CANCELLED,
                               "Cancelled while in phase \"%s\"; nothing was changed.",
                               collet_reload_get_phase (self->reload));
  if (self->error != NULL)
    {
      undo (self);
      return;
    }
  self->step++;
  run_step (self);
}

/* Takes `error`; only the first counts. */
void
collet_transaction_finish_part (ColletTransaction *self, GError *error)
{
  if (error != NULL && self->error == NULL &&
      !g_cancellable_is_cancelled (collet_transaction_get_cancellable (self)))
    self->error = collet_error_convert (error);
  else
    g_clear_error (&error); /* what a cancelled step says is not the reason */

  if (--self->pending == 0)
    step_done (self);
}

void
collet_transaction_release (ColletItemOperation *operation, GError *error)
{
  ColletTransaction *self = operation->transaction;

  if (error != NULL && collet_reload_get_items (self->reload)->len > 1)
    g_prefix_error (&error, "Module \"%s\": ", operation->item->module);
  g_free (operation);
  collet_transaction_finish_part (self, error);
}

/* ---- start ---- */

static void
on_self_tested (GObject *object, GAsyncResult *result, gpointer data)
{
  GError *error = NULL;

  collet_generation_self_test_finish (COLLET_GENERATION (object), result, &error);
  collet_transaction_release (data, error);
}

static void
on_started (GObject *object, GAsyncResult *result, gpointer data)
{
  ColletItemOperation *operation = data;
  ColletGeneration *next = COLLET_GENERATION (object);
  GError *error = NULL;

  if (!collet_generation_start_finish (next, result, &error))
    collet_transaction_release (operation, error);
  else
    collet_generation_self_test_async (next, collet_transaction_get_cancellable (operation->transaction),
                                       on_self_tested, operation);
}

/* The probe has proven every candidate already; in a batch the processes of
 * stateless modules start when they are first needed. What is prepared runs, and
 * so does a group before any of it serves. */
static gboolean
starts_at_once (ColletReload *reload, const ColletReloadItem *item)
{
  const ColletReloadRequest *request = collet_reload_get_request (reload);

  return item->to != NULL &&
         (collet_transaction_has_trial (reload, item) || request->names != NULL ||
          collet_reload_get_items (reload)->len == 1 || collet_reload_item_is_stateful (item));
}

gboolean
collet_transaction_needs_journal (ColletReload *reload)
{
  GPtrArray *items = collet_reload_get_items (reload);

  for (guint i = 0; i < items->len; i++)
    if (starts_at_once (reload, items->pdata[i]) || collet_reload_item_was_stateful (items->pdata[i]))
      return TRUE;
  return FALSE;
}

/* One that was replaced a moment ago may be kept ready. */
static ColletGeneration *
make_next (ColletTransaction *self, ColletReloadItem *item)
{
  guint64 number = self->reloader->next_generation++;
  ColletGeneration *warm = NULL;

  if (!collet_reload_item_is_stateful (item) &&
      collet_reload_get_request (self->reload)->kind == COLLET_RELOAD_ROLLBACK)
    warm = collet_deployment_take_warm (item->deployment, item->to, item->kind);
  if (warm == NULL)
    return collet_reloader_create_generation (self->reloader, item->kind, item->to, item->manifest,
                                              item->path, number);
  collet_generation_renumber (warm, number);
  return warm;
}

static void
start_items (ColletTransaction *self, GPtrArray *items)
{
  for (guint i = 0; i < items->len; i++)
    {
      ColletReloadItem *item = items->pdata[i];

      if (item->to == NULL)
        continue;
      item->next = make_next (self, item);
      if (starts_at_once (self->reload, item) &&
          collet_generation_get_state (item->next) != COLLET_GENERATION_READY)
        collet_generation_start_async (item->next, collet_transaction_get_cancellable (self), on_started,
                                       collet_transaction_hold (self, item));
    }
}

/* ---- commit ---- */

static void
on_change_entered (gpointer data)
{
  ColletTransaction *self = data;
  GError *error = NULL;

  self->is_changing = TRUE;
  self->plan = collet_reloader_plan (self->reloader, self->reload, &error);
  collet_transaction_finish_part (self, error);
}

/* Another reload may have taken a tool's name since the review. */
static void
agree_items (ColletTransaction *self, GPtrArray *items)
{
  self->pending++;
  collet_change_queue_enter (&self->reloader->changes, on_change_entered, self);
}

static void
leave_change (ColletTransaction *self)
{
  if (self->is_changing)
    collet_change_queue_leave (&self->reloader->changes);
  self->is_changing = FALSE;
}

static void
on_committed (GObject *object, GAsyncResult *result, gpointer data)
{
  ColletTransaction *self = data;
  GError *error = NULL;

  if (collet_store_commit_finish (COLLET_STORE (object), result, &error))
    {
      collet_failpoint ("reload-after-commit");
      self->is_journalled = TRUE;
      collet_reload_set_committed (self->reload);
      self->updates = g_ptr_array_ref (collet_store_get_updates (COLLET_STORE (object), result));
    }
  collet_transaction_finish_part (self, error);
}

static void
store_items (ColletTransaction *self, GPtrArray *items)
{
  collet_failpoint ("reload-before-commit");
  g_clear_handle_id (&self->timeout, g_source_remove); /* what the database does cannot be called back */
  collet_reload_begin_commit (self->reload);
  self->pending++;

  ColletCommit *commit = collet_reload_record_commit (self->reload, self->plan);
  if (!self->is_journalled)
    commit->begin = collet_reload_record_begin (self->reload);
  collet_store_commit_async (self->reloader->store, commit, on_committed, self);
}

static void
retain (ColletReloader *reloader, const ColletReloadItem *item)
{
  if (item->to == NULL ||
      (item->to->signature == NULL && g_hash_table_contains (reloader->artifacts, item->to->sha256)))
    return;

  ColletArtifactRow *row = g_new0 (ColletArtifactRow, 1);
  row->version = collet_version_ref (item->to);
  row->module = g_strdup (item->module);
  row->manifest = g_strdup (item->manifest->json);
  g_hash_table_replace (reloader->artifacts, row->version->sha256, row);
  collet_housekeeper_look_soon (reloader->housekeeper);
}

/* Nothing below may fail. */
static void
publish_items (ColletTransaction *self, GPtrArray *items)
{
  for (guint i = 0; i < items->len; i++)
    {
      ColletReloadItem *item = items->pdata[i];

      retain (self->reloader, item);
      g_hash_table_remove (self->reloader->lost, item->module);
      if (item->next != NULL && collet_reload_item_is_stateful (item))
        {
          collet_generation_set_snapshot (item->next, item->after);
          collet_deployment_set_state_saved_at (item->deployment,
                                                item->after != NULL ? g_get_real_time () : 0);
        }
      if (item->old != NULL)
        collet_generation_get_stats (item->old, &item->served);

      g_autoptr (ColletGeneration) former =
          collet_deployment_publish (item->deployment, item->next, item->kind);
      item->pause_us =
          MAX (item->pause_us, collet_slot_get_pause_us (collet_deployment_get_slot (item->deployment)));
      item->is_quiesced = FALSE;
    }
  collet_failpoint ("reload-published");
  collet_registry_plan_number (self->plan, self->updates);
  collet_registry_apply (self->reloader->registry, g_steal_pointer (&self->plan));
  leave_change (self);
  collet_reloader_announce (self->reloader, self->updates);
  collet_reloader_unlock (self->reloader, self->reload);
}

static void
on_retired (GObject *object, GAsyncResult *result, gpointer data)
{
  ColletItemOperation *operation = data;

  operation->item->retirement = collet_deployment_retire_finish (COLLET_DEPLOYMENT (object), result);
  collet_transaction_release (operation, NULL);
}

void
collet_transaction_retire (ColletTransaction *self, ColletReloadItem *item)
{
  guint timeout = collet_reload_get_request (self->reload)->drain_timeout_ms;

  /* One that was taken back to serves again, or has been retired by who failed to. */
  if (item->old == NULL || item->old == collet_deployment_get_published (item->deployment) ||
      collet_generation_get_state (item->old) >= COLLET_GENERATION_RETIRING)
    return;
  collet_deployment_retire_async (item->deployment, item->old,
                                  timeout > 0 ? timeout : self->reloader->config.drain_timeout_ms, on_retired,
                                  collet_transaction_hold (self, item));
}

static void
drain_items (ColletTransaction *self, GPtrArray *items)
{
  collet_failpoint ("reload-draining");
  for (guint i = 0; i < items->len; i++)
    collet_transaction_retire (self, items->pdata[i]);
}

/* ---- the machine ---- */

static const struct
{
  const char *phase;
  double progress; /* when it begins */
  void (*run) (ColletTransaction *self, GPtrArray *items);
  gboolean is_for_prepares; /* alone */
} steps[] = {
  { "prepare", 0.30, start_items, FALSE },
  { "prepare", 0.40, collet_transaction_smoke_test, FALSE },
  { "prepare", 0.50, collet_transaction_rehearse, FALSE },
  { "prepared", 0.55, collet_transaction_park, TRUE },
  { "commit", 0.60, collet_transaction_quiesce, FALSE },
  { "commit", 0.70, collet_transaction_migrate, FALSE },
  { "commit", 0.75, agree_items, FALSE },
  { "commit", 0.80, store_items, FALSE },
  { "commit", 0.85, publish_items, FALSE },
  { "trial", 0.88, collet_transaction_try, FALSE },
  { "drain", 0.90, drain_items, FALSE },
};

static void
transaction_free (ColletTransaction *self)
{
  g_clear_handle_id (&self->timeout, g_source_remove);
  g_clear_pointer (&self->plan, collet_registry_plan_free);
  g_clear_pointer (&self->updates, g_ptr_array_unref);
  g_clear_error (&self->error);
  g_clear_error (&self->taken_back);
  g_object_unref (self->reload);
  g_object_unref (self->reloader);
  g_free (self);
}

/* The items' processes and bytes are not kept with the finished object. */
static void
drop_items (GPtrArray *items)
{
  for (guint i = 0; i < items->len; i++)
    {
      ColletReloadItem *item = items->pdata[i];

      g_clear_object (&item->old);
      g_clear_object (&item->next);
      g_clear_pointer (&item->copy, g_bytes_unref);
      g_clear_pointer (&item->before, g_bytes_unref);
      g_clear_pointer (&item->pristine, g_bytes_unref);
      g_clear_pointer (&item->after, g_bytes_unref);
      g_clear_pointer (&item->fallback, g_bytes_unref);
    }
}

/* Whoever waits for the end finds it in the history. */
static void
on_end_recorded (GObject *object, GAsyncResult *result, gpointer data)
{
  ColletTransaction *self = data;
  g_autoptr (GError) error = NULL;

  if (!collet_store_end_finish (COLLET_STORE (object), result, &error))
    g_warning ("The end of a reload could not be recorded: %s It will be at the next start.", error->message);
  collet_housekeeper_count_reload (self->reloader->housekeeper);
  collet_reload_announce (self->reload);
  transaction_free (self);
}

/* It failed at once, so nothing of it is in the journal yet. */
static void
on_failure_recorded (GObject *object, GAsyncResult *result, gpointer data)
{
  ColletTransaction *self = data;
  g_autoptr (GError) error = NULL;

  if (!collet_store_record_refusal_finish (COLLET_STORE (object), result, &error))
    g_warning ("A reload that failed could not be recorded: %s", error->message);
  collet_reload_announce (self->reload);
  transaction_free (self);
}

static void
finish (ColletTransaction *self)
{
  GError *error = self->error != NULL ? g_steal_pointer (&self->error) : g_steal_pointer (&self->taken_back);

  g_clear_handle_id (&self->timeout, g_source_remove);
  if (error != NULL && collet_reload_get_state (self->reload) != COLLET_RELOAD_COMMITTED)
    collet_reloader_drop_unused (self->reloader, collet_reload_get_items (self->reload));
  collet_reload_conclude (self->reload, error);
  drop_items (collet_reload_get_items (self->reload));
  if (self->is_journalled)
    collet_store_end_async (self->reloader->store, collet_reload_record_end (self->reload), on_end_recorded,
                            self);
  else
    collet_store_record_refusal_async (self->reloader->store, collet_reload_record_begin (self->reload),
                                       collet_reload_record_end (self->reload), on_failure_recorded, self);
}

static void
run_step (ColletTransaction *self)
{
  gboolean is_prepare = collet_reload_get_request (self->reload)->is_prepare;

  while (self->step < G_N_ELEMENTS (steps) && ((steps[self->step].is_for_prepares && !is_prepare) ||
                                               (steps[self->step].run == collet_transaction_try &&
                                                collet_reload_get_request (self->reload)->trial_ms == 0)))
    self->step++;
  if (self->step == G_N_ELEMENTS (steps))
    {
      finish (self);
      return;
    }
  collet_reload_enter_phase (self->reload, steps[self->step].phase, steps[self->step].progress);
  self->pending++; /* a step with nothing to wait for, or one that answers at once */
  steps[self->step].run (self, collet_reload_get_items (self->reload));
  collet_transaction_finish_part (self, NULL);
}

/* Undone, but what ran before does not run either. */
static void
check_old (ColletTransaction *self)
{
  GPtrArray *items = collet_reload_get_items (self->reload);
  const ColletReloadItem *item = items->len > 0 ? items->pdata[0] : NULL;

  if (collet_reload_get_request (self->reload)->kind != COLLET_RELOAD_SWAP || item == NULL ||
      item->old == NULL || collet_generation_get_state (item->old) != COLLET_GENERATION_BROKEN)
    return;

  g_autoptr (GError) reason = g_steal_pointer (&self->error);
  self->error =
      g_error_new (COLLET_ERROR, COLLET_ERROR_ROLLBACK_FAILED,
                   "Module \"%s\" could not be swapped (%s), and its version %s, which is still the "
                   "published one, crashed too often to be started again. Load or roll back to a "
                   "version that works.",
                   item->module, reason->message, item->from->semver);
}

static void
undone (ColletTransaction *self)
{
  check_old (self);
  collet_reloader_unlock (self->reloader, self->reload);
  finish (self);
}

static void
on_undone (GObject *object, GAsyncResult *result, gpointer data)
{
  ColletTransaction *self = data;

  collet_generation_retire_finish (COLLET_GENERATION (object), result);
  if (--self->pending == 0)
    undone (self);
}

/* Clients called a canary, and get their answers. */
static guint
undo_ms (ColletTransaction *self)
{
  const ColletReloadRequest *request = collet_reload_get_request (self->reload);

  if (!collet_reload_request_has_canary (request))
    return 1;
  return request->drain_timeout_ms > 0 ? request->drain_timeout_ms : self->reloader->config.drain_timeout_ms;
}

/* What ran goes on; what was started for the new versions ends. */
static void
undo (ColletTransaction *self)
{
  GPtrArray *items = collet_reload_get_items (self->reload);

  leave_change (self);
  self->pending = 1;
  for (guint i = 0; i < items->len; i++)
    {
      ColletReloadItem *item = items->pdata[i];

      if (item->is_quiesced)
        collet_slot_resume (collet_deployment_get_slot (item->deployment));
      item->is_quiesced = FALSE;
      if (item->next == NULL)
        continue;
      collet_transaction_close_trial (item);
      self->pending++;
      collet_generation_retire_async (item->next, undo_ms (self), NULL, on_undone, self);
    }
  if (--self->pending == 0)
    undone (self);
}

static gboolean
on_timeout (gpointer data)
{
  ColletTransaction *self = data;

  self->timeout = 0;
  if (collet_reload_get_state (self->reload) != COLLET_RELOAD_RUNNING || self->error != NULL)
    return G_SOURCE_REMOVE;
  self->error =
      g_error_new (COLLET_ERROR, COLLET_ERROR_TIMEOUT,
                   "The reload did not reach its commit point in %u ms (phase \"%s\"); nothing was changed.",
                   collet_reload_get_request (self->reload)->timeout_ms,
                   collet_reload_get_phase (self->reload));
  g_cancellable_cancel (collet_transaction_get_cancellable (self));
  return G_SOURCE_REMOVE;
}

void
collet_transaction_start_timeout (ColletTransaction *self)
{
  guint timeout_ms = collet_reload_get_request (self->reload)->timeout_ms;

  g_clear_handle_id (&self->timeout, g_source_remove);
  if (timeout_ms > 0)
    self->timeout = g_timeout_add (timeout_ms, on_timeout, self);
}

void
collet_transaction_run (ColletReloader *reloader, ColletReload *reload, gboolean is_journalled)
{
  ColletTransaction *self = g_new0 (ColletTransaction, 1);

  self->reloader = g_object_ref (reloader);
  self->reload = g_object_ref (reload);
  self->is_journalled = is_journalled;
  collet_transaction_start_timeout (self);
  run_step (self);
}
