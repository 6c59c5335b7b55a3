/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The steps of a reload that are about state: rehearse, quiesce, migrate.
 */
#include "collet-transaction-private.h"

#include "collet-error.h"
#include "collet-failpoint.h"

gboolean
collet_transaction_carries (ColletTransaction *self, const ColletReloadItem *item)
{
  ColletStateChoice choice = collet_reload_get_request (self->reload)->state_choice;

  return choice != COLLET_STATE_DISCARD && choice != COLLET_STATE_SNAPSHOT && !item->falls_back &&
         collet_reload_item_is_stateful (item) && collet_reload_item_was_stateful (item);
}

static void
on_quiesced (GObject *object, GAsyncResult *result, gpointer data)
{
  ColletItemOperation *operation = data;
  GError *error = NULL;

  if (collet_slot_quiesce_finish (collet_deployment_get_slot (operation->item->deployment), result, &error))
    operation->item->is_quiesced = TRUE;
  collet_transaction_release (operation, error);
}

static void
quiesce_item (ColletTransaction *self, ColletReloadItem *item, GAsyncReadyCallback callback)
{
  collet_slot_quiesce_async (collet_deployment_get_slot (item->deployment),
                             self->reloader->config.quiesce_timeout_ms,
                             collet_transaction_get_cancellable (self), callback,
                             collet_transaction_hold (self, item));
}

void
collet_transaction_quiesce (ColletTransaction *self, GPtrArray *items)
{
  for (guint i = 0; i < items->len; i++)
    if (collet_reload_item_was_stateful (items->pdata[i]))
      quiesce_item (self, items->pdata[i], on_quiesced);
}

/* A rollback may go back to the version's own last state, where its present one
 * cannot be carried; that is recorded. */
static gboolean
fall_back (ColletItemOperation *operation, GError **error)
{
  ColletReloadItem *item = operation->item;

  if (item->fallback == NULL ||
      (!g_error_matches (*error, COLLET_ERROR, COLLET_ERROR_STATE_MIGRATION_FAILED) &&
       !g_error_matches (*error, COLLET_ERROR, COLLET_ERROR_WORKER_UNAVAILABLE)))
    return FALSE;

  g_autofree char *note = g_strdup_printf ("The state of version %s could not be carried over (%s), so the "
                                           "last one of version %s, of %.1f s before, "
                                           "is restored; what was done since is lost.",
                                           item->from->semver, (*error)->message, item->to->semver,
                                           (double)(g_get_real_time () - item->fallback_at) / G_USEC_PER_SEC);
  g_message ("Module %s: %s", item->module, note);
  collet_reload_set_note (operation->transaction->reload, note);
  g_clear_error (error);
  item->after = g_steal_pointer (&item->fallback);
  item->falls_back = TRUE;
  return TRUE;
}

static void
on_proven (GObject *object, GAsyncResult *result, gpointer data)
{
  ColletItemOperation *operation = data;
  GError *error = NULL;

  operation->item->way_back = collet_migration_prove_finish (result, &error);
  collet_transaction_release (operation, error);
}

static void
on_rehearsed (GObject *object, GAsyncResult *result, gpointer data)
{
  ColletItemOperation *operation = data;
  ColletReloadItem *item = operation->item;
  GError *error = NULL;
  g_autoptr (GBytes) carried = collet_migration_carry_finish (result, &error);
  g_autoptr (GBytes) copy = g_steal_pointer (&item->copy);

  if (error == NULL && copy != NULL)
    {
      collet_migration_prove_async (item->old, item->next, copy, carried,
                                    collet_transaction_get_cancellable (operation->transaction), on_proven,
                                    operation);
      return;
    }
  if (error != NULL)
    fall_back (operation, &error);
  collet_transaction_release (operation, error);
}

static void
on_copied (GObject *object, GAsyncResult *result, gpointer data)
{
  ColletItemOperation *operation = data;
  ColletReloadItem *item = operation->item;
  GError *error = NULL;
  GBytes *copy = collet_generation_export_state_finish (item->old, result, &error);

  item->copy = copy;
  collet_slot_resume (collet_deployment_get_slot (item->deployment));
  item->pause_us = collet_slot_get_pause_us (collet_deployment_get_slot (item->deployment));
  if (copy == NULL)
    {
      fall_back (operation, &error);
      collet_transaction_release (operation, error);
    }
  else
    collet_migration_carry_async (item->old, item->next, copy,
                                  collet_transaction_get_cancellable (operation->transaction), on_rehearsed,
                                  operation);
}

static void
on_quiesced_for_copy (GObject *object, GAsyncResult *result, gpointer data)
{
  ColletItemOperation *operation = data;
  ColletReloadItem *item = operation->item;
  GError *error = NULL;

  if (!collet_slot_quiesce_finish (collet_deployment_get_slot (item->deployment), result, &error))
    collet_transaction_release (operation, error);
  else
    collet_generation_export_state_async (item->old,
                                          collet_transaction_get_cancellable (operation->transaction),
                                          on_copied, operation);
}

void
collet_transaction_rehearse (ColletTransaction *self, GPtrArray *items)
{
  GBytes *given = collet_reload_get_request (self->reload)->state;

  for (guint i = 0; i < items->len; i++)
    {
      ColletReloadItem *item = items->pdata[i];

      if (collet_transaction_carries (self, item) && given != NULL)
        collet_migration_carry_async (item->old, item->next, given, collet_transaction_get_cancellable (self),
                                      on_rehearsed, collet_transaction_hold (self, item));
      else if (collet_transaction_carries (self, item))
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
  collet_transaction_release (data, error);
}

/* What went well in the rehearsal may fail now. Takes `error`. */
static void
settle (ColletItemOperation *operation, GError *error)
{
  ColletReloadItem *item = operation->item;

  if (error != NULL && fall_back (operation, &error))
    collet_generation_import_state_async (item->next, item->after,
                                          collet_transaction_get_cancellable (operation->transaction),
                                          on_imported, operation);
  else
    collet_transaction_release (operation, error);
}

static void
on_carried (GObject *object, GAsyncResult *result, gpointer data)
{
  ColletItemOperation *operation = data;
  GError *error = NULL;

  g_clear_pointer (&operation->item->after, g_bytes_unref);
  operation->item->after = collet_migration_carry_finish (result, &error);
  collet_failpoint ("reload-state-migrated");
  settle (operation, error);
}

/* The state as it was is kept, for the way back, also when it is not carried on. */
static void
on_exported (GObject *object, GAsyncResult *result, gpointer data)
{
  ColletItemOperation *operation = data;
  ColletTransaction *self = operation->transaction;
  ColletReloadItem *item = operation->item;
  GBytes *given = collet_reload_get_request (self->reload)->state;
  GError *error = NULL;

  item->before = collet_generation_export_state_finish (item->old, result, &error);
  collet_failpoint ("reload-state-exported");
  if (collet_transaction_carries (self, item) && (given != NULL || item->before != NULL))
    {
      g_clear_error (&error);
      collet_migration_carry_async (item->old, item->next, given != NULL ? given : item->before,
                                    collet_transaction_get_cancellable (self), on_carried, operation);
      return;
    }
  if (error != NULL && !collet_transaction_carries (self, item))
    {
      g_info ("Module %s: its state could not be kept before it is replaced: %s", item->module,
              error->message);
      g_clear_error (&error);
    }
  settle (operation, error);
}

/* A rollback to a snapshot: it is in the version's own format. */
static void
import_snapshot (ColletTransaction *self, ColletReloadItem *item)
{
  GBytes *state = item->after != NULL ? item->after : item->pristine;

  if (state != NULL && collet_reload_item_is_stateful (item) && !collet_transaction_carries (self, item))
    collet_generation_import_state_async (item->next, state, collet_transaction_get_cancellable (self),
                                          on_imported, collet_transaction_hold (self, item));
}

void
collet_transaction_migrate (ColletTransaction *self, GPtrArray *items)
{
  for (guint i = 0; i < items->len; i++)
    {
      ColletReloadItem *item = items->pdata[i];

      if (collet_reload_item_was_stateful (item))
        collet_generation_export_state_async (item->old, collet_transaction_get_cancellable (self),
                                              on_exported, collet_transaction_hold (self, item));
      import_snapshot (self, item);
    }
}
