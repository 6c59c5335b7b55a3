/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A reload from its journal entry to its end, as a list of steps. Each step
 * starts some work for every item and is over when all of it has answered; the
 * first error before the commit point undoes everything.
 *
 *   prepare  start      the new generations run, initialised and self-tested
 *            rehearse   the live state, copied, is carried into them once
 *   commit   quiesce    calls of stateful modules wait; those in flight finish
 *            migrate    the state is carried over for good
 *            agree      no other change of the registry is under way
 *            store      one database transaction: the commit point
 *            publish    one step a module; calls go to the new generations
 *   drain               the old generations finish their calls and end
 */
#include "collet-reloader-private.h"

#include "collet-error.h"
#include "collet-failpoint.h"

typedef struct _Transaction Transaction;

struct _Transaction
{
  ColletReloader *reloader;
  ColletReload *reload;
  ColletRegistryPlan *plan;
  guint step;
  guint pending;
  gboolean is_changing; /* holds the change queue */
  guint timeout;
  GPtrArray *updates; /* ColletUpdateRow: what the commit told subscribers */
  GError *error;
};

/* A callback's view: the transaction and the item that it is about. */
typedef struct
{
  Transaction *transaction;
  ColletReloadItem *item;
} ItemOperation;

static void run_step (Transaction *self);
static void undo (Transaction *self);

static GCancellable *
cancellable_of (Transaction *self)
{
  return collet_reload_get_cancellable (self->reload);
}

static ItemOperation *
hold (Transaction *self, ColletReloadItem *item)
{
  ItemOperation *operation = g_new (ItemOperation, 1);

  operation->transaction = self;
  operation->item = item;
  self->pending++;
  return operation;
}

static void
step_done (Transaction *self)
{
  gboolean committed = collet_reload_get_state (self->reload) == COLLET_RELOAD_COMMITTED;

  if (!committed && self->error == NULL && g_cancellable_is_cancelled (cancellable_of (self)))
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
static void
release (Transaction *self, GError *error)
{
  if (error != NULL && self->error == NULL && !g_cancellable_is_cancelled (cancellable_of (self)))
    self->error = collet_error_convert (error);
  else
    g_clear_error (&error); /* what a cancelled step says is not the reason */

  if (--self->pending == 0)
    step_done (self);
}

static void
release_operation (ItemOperation *operation, GError *error)
{
  Transaction *self = operation->transaction;

  if (error != NULL && collet_reload_get_items (self->reload)->len > 1)
    g_prefix_error (&error, "Module \"%s\": ", operation->item->module);
  g_free (operation);
  release (self, error);
}

/* ---- start ---- */

static void
on_self_tested (GObject *object, GAsyncResult *result, gpointer data)
{
  GError *error = NULL;

  collet_generation_self_test_finish (COLLET_GENERATION (object), result, &error);
  release_operation (data, error);
}

static void
on_started (GObject *object, GAsyncResult *result, gpointer data)
{
  ItemOperation *operation = data;
  ColletGeneration *next = COLLET_GENERATION (object);
  GError *error = NULL;

  if (!collet_generation_start_finish (next, result, &error))
    release_operation (operation, error);
  else
    collet_generation_self_test_async (next, cancellable_of (operation->transaction), on_self_tested,
                                       operation);
}

/* The probe has proven every candidate already; in a batch the processes of
 * stateless modules start when they are first needed. */
static void
start_items (Transaction *self, GPtrArray *items)
{
  for (guint i = 0; i < items->len; i++)
    {
      ColletReloadItem *item = items->pdata[i];

      if (item->to == NULL)
        continue;
      item->next = collet_reloader_create_generation (self->reloader, item->kind, item->to, item->manifest,
                                                      item->path, self->reloader->next_generation++);
      if (items->len == 1 || collet_reload_item_is_stateful (item))
        collet_generation_start_async (item->next, cancellable_of (self), on_started, hold (self, item));
    }
}

/* ---- state ---- */

/* Is state carried from the old version's format into the new one's? */
static gboolean
carries (Transaction *self, const ColletReloadItem *item)
{
  ColletStateChoice choice = collet_reload_get_request (self->reload)->state_choice;

  return choice != COLLET_STATE_DISCARD && choice != COLLET_STATE_SNAPSHOT && !item->falls_back &&
         collet_reload_item_is_stateful (item) && collet_reload_item_was_stateful (item);
}

static void
on_quiesced (GObject *object, GAsyncResult *result, gpointer data)
{
  ItemOperation *operation = data;
  GError *error = NULL;

  if (collet_slot_quiesce_finish (collet_deployment_get_slot (operation->item->deployment), result, &error))
    operation->item->is_quiesced = TRUE;
  release_operation (operation, error);
}

static void
quiesce_item (Transaction *self, ColletReloadItem *item, GAsyncReadyCallback callback)
{
  collet_slot_quiesce_async (collet_deployment_get_slot (item->deployment),
                             self->reloader->config.quiesce_timeout_ms, cancellable_of (self), callback,
                             hold (self, item));
}

static void
quiesce_items (Transaction *self, GPtrArray *items)
{
  for (guint i = 0; i < items->len; i++)
    if (collet_reload_item_was_stateful (items->pdata[i]))
      quiesce_item (self, items->pdata[i], on_quiesced);
}

/* A rollback may go back to the version's own last state, where its present one
 * cannot be carried; that is recorded. */
static gboolean
fall_back (ColletReloadItem *item, GError **error)
{
  if (item->fallback == NULL ||
      (!g_error_matches (*error, COLLET_ERROR, COLLET_ERROR_STATE_MIGRATION_FAILED) &&
       !g_error_matches (*error, COLLET_ERROR, COLLET_ERROR_WORKER_UNAVAILABLE)))
    return FALSE;

  g_message ("Module %s: its state cannot be carried back (%s); the last state of version %s is restored.",
             item->module, (*error)->message, item->to->semver);
  g_clear_error (error);
  item->after = g_steal_pointer (&item->fallback);
  item->falls_back = TRUE;
  return TRUE;
}

static void
on_rehearsed (GObject *object, GAsyncResult *result, gpointer data)
{
  ItemOperation *operation = data;
  GError *error = NULL;
  g_autoptr (GBytes) unused = collet_migration_carry_finish (result, &error);

  if (error != NULL)
    fall_back (operation->item, &error);
  release_operation (operation, error);
}

static void
on_copied (GObject *object, GAsyncResult *result, gpointer data)
{
  ItemOperation *operation = data;
  ColletReloadItem *item = operation->item;
  GError *error = NULL;
  g_autoptr (GBytes) copy = collet_generation_export_state_finish (item->old, result, &error);

  collet_slot_resume (collet_deployment_get_slot (item->deployment));
  item->pause_us = collet_slot_get_pause_us (collet_deployment_get_slot (item->deployment));
  if (copy == NULL)
    {
      fall_back (item, &error);
      release_operation (operation, error);
    }
  else
    collet_migration_carry_async (item->old, item->next, copy, cancellable_of (operation->transaction),
                                  on_rehearsed, operation);
}

static void
on_quiesced_for_copy (GObject *object, GAsyncResult *result, gpointer data)
{
  ItemOperation *operation = data;
  ColletReloadItem *item = operation->item;
  GError *error = NULL;

  if (!collet_slot_quiesce_finish (collet_deployment_get_slot (item->deployment), result, &error))
    release_operation (operation, error);
  else
    collet_generation_export_state_async (item->old, cancellable_of (operation->transaction), on_copied,
                                          operation);
}

static void
rehearse_items (Transaction *self, GPtrArray *items)
{
  GBytes *given = collet_reload_get_request (self->reload)->state;

  for (guint i = 0; i < items->len; i++)
    {
      ColletReloadItem *item = items->pdata[i];

      if (carries (self, item) && given != NULL)
        collet_migration_carry_async (item->old, item->next, given, cancellable_of (self), on_rehearsed,
                                      hold (self, item));
      else if (carries (self, item))
        quiesce_item (self, item, on_quiesced_for_copy);
      else if (item->fallback != NULL && !collet_reload_item_was_stateful (item))
        {
          item->after = g_steal_pointer (&item->fallback); /* nothing else to go back to */
          item->falls_back = TRUE;
        }
    }
}

static void
on_imported (GObject *object, GAsyncResult *result, gpointer data)
{
  GError *error = NULL;

  collet_generation_import_state_finish (COLLET_GENERATION (object), result, &error);
  release_operation (data, error);
}

/* What went well in the rehearsal may fail now. Takes `error`. */
static void
settle (ItemOperation *operation, GError *error)
{
  ColletReloadItem *item = operation->item;

  if (error != NULL && fall_back (item, &error))
    collet_generation_import_state_async (item->next, item->after, cancellable_of (operation->transaction),
                                          on_imported, operation);
  else
    release_operation (operation, error);
}

static void
on_carried (GObject *object, GAsyncResult *result, gpointer data)
{
  ItemOperation *operation = data;
  GError *error = NULL;

  g_clear_pointer (&operation->item->after, g_bytes_unref);
  operation->item->after = collet_migration_carry_finish (result, &error);
  settle (operation, error);
}

/* The state as it was is kept, for the way back, also when it is not carried on. */
static void
on_exported (GObject *object, GAsyncResult *result, gpointer data)
{
  ItemOperation *operation = data;
  Transaction *self = operation->transaction;
  ColletReloadItem *item = operation->item;
  GBytes *given = collet_reload_get_request (self->reload)->state;
  GError *error = NULL;

  item->before = collet_generation_export_state_finish (item->old, result, &error);
  if (carries (self, item) && (given != NULL || item->before != NULL))
    {
      g_clear_error (&error);
      collet_migration_carry_async (item->old, item->next, given != NULL ? given : item->before,
                                    cancellable_of (self), on_carried, operation);
      return;
    }
  if (error != NULL && !carries (self, item))
    {
      g_info ("Module %s: its state could not be kept before it is replaced: %s", item->module,
              error->message);
      g_clear_error (&error);
    }
  settle (operation, error);
}

/* A rollback to a snapshot: it is in the version's own format. */
static void
import_snapshot (Transaction *self, ColletReloadItem *item)
{
  if (item->after != NULL && collet_reload_item_is_stateful (item) && !carries (self, item))
    collet_generation_import_state_async (item->next, item->after, cancellable_of (self), on_imported,
                                          hold (self, item));
}

static void
migrate_items (Transaction *self, GPtrArray *items)
{
  for (guint i = 0; i < items->len; i++)
    {
      ColletReloadItem *item = items->pdata[i];

      if (collet_reload_item_was_stateful (item))
        collet_generation_export_state_async (item->old, cancellable_of (self), on_exported,
                                              hold (self, item));
      import_snapshot (self, item);
    }
}

/* ---- commit ---- */

static void
on_change_entered (gpointer data)
{
  Transaction *self = data;
  GError *error = NULL;

  self->is_changing = TRUE;
  self->plan = collet_reloader_plan (self->reloader, self->reload, &error);
  release (self, error);
}

/* Another reload may have taken a tool's name since the review. */
static void
agree_items (Transaction *self, GPtrArray *items)
{
  self->pending++;
  collet_change_queue_enter (&self->reloader->changes, on_change_entered, self);
}

static void
leave_change (Transaction *self)
{
  if (self->is_changing)
    collet_change_queue_leave (&self->reloader->changes);
  self->is_changing = FALSE;
}

static void
on_committed (GObject *object, GAsyncResult *result, gpointer data)
{
  Transaction *self = data;
  GError *error = NULL;

  if (collet_store_commit_finish (COLLET_STORE (object), result, &error))
    {
      collet_failpoint ("reload-after-commit");
      collet_reload_set_committed (self->reload);
      self->updates = g_ptr_array_ref (collet_store_get_updates (COLLET_STORE (object), result));
    }
  release (self, error);
}

static void
store_items (Transaction *self, GPtrArray *items)
{
  collet_failpoint ("reload-before-commit");
  g_clear_handle_id (&self->timeout, g_source_remove); /* what the database does cannot be called back */
  collet_reload_begin_commit (self->reload);
  self->pending++;
  collet_store_commit_async (self->reloader->store, collet_reload_record_commit (self->reload, self->plan),
                             on_committed, self);
}

static void
retain (ColletReloader *reloader, const ColletReloadItem *item)
{
  if (item->to == NULL || g_hash_table_contains (reloader->artifacts, item->to->sha256))
    return;

  ColletArtifactRow *row = g_new0 (ColletArtifactRow, 1);
  row->version = collet_version_ref (item->to);
  row->module = g_strdup (item->module);
  row->manifest = g_strdup (item->manifest->json);
  g_hash_table_insert (reloader->artifacts, row->version->sha256, row);
}

/* Nothing below may fail. */
static void
publish_items (Transaction *self, GPtrArray *items)
{
  for (guint i = 0; i < items->len; i++)
    {
      ColletReloadItem *item = items->pdata[i];

      retain (self->reloader, item);
      if (item->next != NULL && collet_reload_item_is_stateful (item))
        {
          collet_generation_set_snapshot (item->next, item->after);
          collet_deployment_set_state_saved_at (item->deployment,
                                                item->after != NULL ? g_get_real_time () : 0);
        }
      if (item->old != NULL)
        collet_generation_get_stats (item->old, &item->served);

      gint64 began = g_get_monotonic_time ();
      g_autoptr (ColletGeneration) former =
          collet_deployment_publish (item->deployment, item->next, item->kind);
      gint64 pause_us = item->is_quiesced
                            ? collet_slot_get_pause_us (collet_deployment_get_slot (item->deployment))
                            : g_get_monotonic_time () - began;
      item->pause_us = MAX (item->pause_us, pause_us);
      item->is_quiesced = FALSE;
    }
  collet_registry_apply (self->reloader->registry, g_steal_pointer (&self->plan));
  leave_change (self);
  collet_reloader_announce (self->reloader, self->updates);
  collet_reloader_unlock (self->reloader, self->reload);
}

static void
on_retired (GObject *object, GAsyncResult *result, gpointer data)
{
  ItemOperation *operation = data;

  operation->item->retirement = collet_deployment_retire_finish (COLLET_DEPLOYMENT (object), result);
  release_operation (operation, NULL);
}

static void
drain_items (Transaction *self, GPtrArray *items)
{
  guint timeout = collet_reload_get_request (self->reload)->drain_timeout_ms;

  collet_failpoint ("reload-draining");
  for (guint i = 0; i < items->len; i++)
    {
      ColletReloadItem *item = items->pdata[i];

      if (item->old != NULL)
        collet_deployment_retire_async (item->deployment, item->old,
                                        timeout > 0 ? timeout : self->reloader->config.drain_timeout_ms,
                                        on_retired, hold (self, item));
    }
}

/* ---- the machine ---- */

static const struct
{
  const char *phase;
  double progress; /* when it begins */
  void (*run) (Transaction *self, GPtrArray *items);
} steps[] = {
  { "prepare", 0.30, start_items },  { "prepare", 0.50, rehearse_items }, { "commit", 0.60, quiesce_items },
  { "commit", 0.70, migrate_items }, { "commit", 0.75, agree_items },     { "commit", 0.80, store_items },
  { "commit", 0.85, publish_items }, { "drain", 0.90, drain_items },
};

static void
transaction_free (Transaction *self)
{
  g_clear_handle_id (&self->timeout, g_source_remove);
  g_clear_pointer (&self->plan, collet_registry_plan_free);
  g_clear_pointer (&self->updates, g_ptr_array_unref);
  g_clear_error (&self->error);
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
      g_clear_pointer (&item->before, g_bytes_unref);
      g_clear_pointer (&item->after, g_bytes_unref);
      g_clear_pointer (&item->fallback, g_bytes_unref);
    }
}

/* Whoever waits for the end finds it in the history. */
static void
on_end_recorded (GObject *object, GAsyncResult *result, gpointer data)
{
  Transaction *self = data;
  g_autoptr (GError) error = NULL;

  if (!collet_store_end_finish (COLLET_STORE (object), result, &error))
    g_warning ("The end of a reload could not be recorded: %s It will be at the next start.", error->message);
  collet_reload_announce (self->reload);
  transaction_free (self);
}

static void
finish (Transaction *self)
{
  g_clear_handle_id (&self->timeout, g_source_remove);
  collet_reload_conclude (self->reload, g_steal_pointer (&self->error));
  drop_items (collet_reload_get_items (self->reload));
  collet_store_end_async (self->reloader->store, collet_reload_record_end (self->reload), on_end_recorded,
                          self);
}

static void
run_step (Transaction *self)
{
  if (self->step == G_N_ELEMENTS (steps))
    {
      finish (self);
      return;
    }
  collet_reload_enter_phase (self->reload, steps[self->step].phase, steps[self->step].progress);
  self->pending++; /* a step with nothing to wait for, or one that answers at once */
  steps[self->step].run (self, collet_reload_get_items (self->reload));
  release (self, NULL);
}

static void
on_undone (GObject *object, GAsyncResult *result, gpointer data)
{
  Transaction *self = data;

  collet_generation_retire_finish (COLLET_GENERATION (object), result);
  if (--self->pending == 0)
    {
      collet_reloader_unlock (self->reloader, self->reload);
      finish (self);
    }
}

/* What ran goes on; what was started for the new versions ends. */
static void
undo (Transaction *self)
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
      self->pending++;
      collet_generation_retire_async (item->next, 1, NULL, on_undone, self);
    }
  if (--self->pending == 0)
    {
      collet_reloader_unlock (self->reloader, self->reload);
      finish (self);
    }
}

static gboolean
on_timeout (gpointer data)
{
  Transaction *self = data;

  self->timeout = 0;
  if (collet_reload_get_state (self->reload) != COLLET_RELOAD_RUNNING || self->error != NULL)
    return G_SOURCE_REMOVE;
  self->error =
      g_error_new (COLLET_ERROR, COLLET_ERROR_TIMEOUT,
                   "The reload did not reach its commit point in %u ms (phase \"%s\"); nothing was changed.",
                   collet_reload_get_request (self->reload)->timeout_ms,
                   collet_reload_get_phase (self->reload));
  g_cancellable_cancel (cancellable_of (self));
  return G_SOURCE_REMOVE;
}

void
collet_transaction_run (ColletReloader *reloader, ColletReload *reload)
{
  Transaction *self = g_new0 (Transaction, 1);
  guint timeout_ms = collet_reload_get_request (reload)->timeout_ms;

  self->reloader = g_object_ref (reloader);
  self->reload = g_object_ref (reload);
  if (timeout_ms > 0)
    self->timeout = g_timeout_add (timeout_ms, on_timeout, self);
  run_step (self);
}
