/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The step between the two phases of a reload: what is proven waits for word.
 * While it waits it takes calls on trial, through a slot of its own.
 */
#include "collet-transaction-private.h"

#include "collet-error.h"
#include "collet-failpoint.h"
#include "collet-prepared.h"

/* Calls that may wait for the end of a trial. */
#define MAX_WAITING 256

/* ---- calls on trial ---- */

void
collet_transaction_open_trial (ColletReloadItem *item)
{
  if (item->trial != NULL || item->next == NULL)
    return;
  item->trial = collet_slot_new (item->module, MAX_WAITING);
  g_autoptr (ColletGeneration) none = collet_slot_publish (item->trial, item->next);
}

void
collet_transaction_close_trial (ColletReloadItem *item)
{
  if (item->trial == NULL)
    return;
  g_autoptr (ColletGeneration) next = collet_slot_publish (item->trial, NULL);
  g_clear_pointer (&item->trial, collet_slot_unref);
  if (collet_deployment_get_candidate (item->deployment) == item->next)
    collet_deployment_set_candidate (item->deployment, NULL);
}

ColletToolEntry *
collet_reload_item_dup_tool (const ColletReloadItem *item, const char *tool, GError **error)
{
  const ColletManifestTool *found = collet_manifest_find_tool (item->manifest, tool);

  if (found == NULL)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_TOOL_NOT_FOUND,
                   "Version %s of module \"%s\" has no tool \"%s\". Its manifest lists those it has.",
                   item->to->semver, item->module, tool);
      return NULL;
    }

  ColletToolEntry *entry = g_new0 (ColletToolEntry, 1);
  entry->name = g_strdup (tool);
  entry->module_tool = g_strdup (tool);
  entry->module = g_strdup (item->module);
  entry->version = collet_version_ref (item->to);
  entry->generation = collet_generation_get_spec (item->next)->number;
  entry->manifest = collet_manifest_ref (collet_generation_get_spec (item->next)->manifest);
  entry->tool = collet_manifest_find_tool (entry->manifest, tool);
  entry->target = collet_call_target_ref (collet_slot_as_target (item->trial));
  entry->call_timeout_ms = item->manifest->call_timeout_ms;
  return entry;
}

/* ---- waiting ---- */

static gboolean
on_expired (gpointer data)
{
  ColletTransaction *self = data;
  const ColletReloadRequest *request = collet_reload_get_request (self->reload);

  self->expiry = 0;
  collet_reload_decide (self->reload, -1, NULL,
                        g_error_new (COLLET_ERROR, COLLET_ERROR_PREPARE_EXPIRED,
                                     "The version was prepared for %.3g s and not committed in that time, so "
                                     "it was given up; what ran goes on. Prepare it again, with more time if "
                                     "it is needed.",
                                     request->expiry_ms / 1e3));
  return G_SOURCE_REMOVE;
}

typedef struct
{
  ColletTransaction *transaction;
  GError *error;
} Crash;

static void
crash_free (gpointer data)
{
  Crash *crash = data;

  g_clear_error (&crash->error);
  g_free (crash);
}

static gboolean
on_crash_known (gpointer data)
{
  Crash *crash = data;
  ColletTransaction *self = crash->transaction;
  g_autoptr (GError) error = g_steal_pointer (&crash->error);

  self->expiry = 0;
  collet_reload_decide (self->reload, -1, NULL, g_steal_pointer (&error));
  return G_SOURCE_REMOVE;
}

/* What crashed is no longer proven. It is ended after its own house is in order. */
static void
on_crashed (ColletGeneration *generation, const GError *error, gboolean will_restart, gpointer data)
{
  ColletTransaction *self = data;
  const ColletGenerationSpec *spec = collet_generation_get_spec (generation);
  Crash *crash = g_new0 (Crash, 1);

  crash->transaction = self;
  crash->error = g_error_new (
      COLLET_ERROR, COLLET_ERROR_WORKER_CRASHED,
      "The %s version %s of module \"%s\" crashed, so it was given up; what ran goes on. It said: %s",
      collet_reload_request_has_canary (collet_reload_get_request (self->reload)) ? "new" : "prepared",
      spec->version->semver, spec->module, error->message);
  g_clear_handle_id (&self->expiry, g_source_remove);
  self->expiry = g_idle_add_full (G_PRIORITY_DEFAULT, on_crash_known, crash, crash_free);
}

/* Calls on trial come to their end before the state is carried over for good. */
static void
on_trial_over (GObject *object, GAsyncResult *result, gpointer data)
{
  ColletItemOperation *operation = data;
  GError *error = NULL;

  if (collet_slot_quiesce_finish (operation->item->trial, result, &error))
    collet_transaction_close_trial (operation->item);
  collet_transaction_release (operation, error);
}

static void
end_trial (ColletTransaction *self, ColletReloadItem *item)
{
  if (item->trial == NULL)
    return;
  if (collet_reload_item_is_stateful (item))
    collet_slot_quiesce_async (item->trial, self->reloader->config.quiesce_timeout_ms,
                               collet_reload_get_cancellable (self->reload), on_trial_over,
                               collet_transaction_hold (self, item));
  else
    collet_transaction_close_trial (item);
}

static void
on_decided (gpointer data, GError *error)
{
  ColletTransaction *self = data;
  GPtrArray *items = collet_reload_get_items (self->reload);

  g_clear_handle_id (&self->expiry, g_source_remove);
  for (guint i = 0; i < items->len; i++)
    {
      ColletReloadItem *item = items->pdata[i];

      if (item->next != NULL)
        g_signal_handlers_disconnect_by_func (item->next, on_crashed, self);
      if (error != NULL && item->next != NULL)
        collet_slot_set_canary (collet_deployment_get_slot (item->deployment), NULL, 0, NULL);
      if (error == NULL)
        end_trial (self, item);
    }
  if (error == NULL)
    {
      collet_failpoint ("reload-decided");
      collet_transaction_start_timeout (self);
    }
  collet_transaction_finish_part (self, error);
}

void
collet_transaction_park (ColletTransaction *self, GPtrArray *items)
{
  const ColletReloadRequest *request = collet_reload_get_request (self->reload);
  guint expiry_ms = request->expiry_ms;

  collet_failpoint ("reload-prepared");
  g_clear_handle_id (&self->timeout, g_source_remove);
  self->pending++; /* until there is word */
  for (guint i = 0; i < items->len; i++)
    {
      ColletReloadItem *item = items->pdata[i];

      if (item->next == NULL)
        continue;
      collet_transaction_open_trial (item);
      collet_deployment_set_candidate (item->deployment, item->next);
      g_signal_connect (item->next, "crashed", G_CALLBACK (on_crashed), self);
      collet_statistics_watch (self->reloader->statistics, item->next);
      if (collet_reload_request_has_canary (request))
        collet_slot_set_canary (collet_deployment_get_slot (item->deployment), item->next,
                                request->canary_percent, (const char *const *)request->canary_callers);
    }
  if (collet_reload_request_has_canary (request))
    {
      collet_failpoint ("reload-in-canary");
      collet_reload_enter_phase (self->reload, "canary", 0.55);
    }
  if (expiry_ms > 0)
    self->expiry = g_timeout_add (expiry_ms, on_expired, self);
  collet_reload_park (self->reload, expiry_ms > 0 ? g_get_real_time () + (gint64)expiry_ms * 1000 : 0,
                      on_decided, self);
}
