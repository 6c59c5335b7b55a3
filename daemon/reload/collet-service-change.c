/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Changes of what is in service, with no change of code: drain, resume, shutdown.
 * As every reload they are journalled first, have one commit point, and change
 * nothing if they fail.
 *
 *   drain   refuse     new calls get ModuleDrained
 *           wait       for those that run; past the deadline the drain fails and
 *                      calls are taken again, or what is left is ended ("force")
 *           export     the state of a stateful module, which is at rest
 *           store      the commit point: it stays drained, through restarts too
 *   resume  store, then calls are taken again
 */
#include "collet-reloader-private.h"

#include "collet-error.h"
#include "collet-failpoint.h"
#include "collet-rows.h"

typedef struct
{
  ColletReloader *reloader;
  ColletReload *reload;
  ColletReloadItem *item;
  ColletDrainState before;
  GBytes *state;
} Change;

static void
change_free (Change *self)
{
  g_clear_pointer (&self->state, g_bytes_unref);
  g_object_unref (self->reload);
  g_object_unref (self->reloader);
  g_free (self);
}

static void
on_end_recorded (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (ColletReload) reload = data;
  g_autoptr (GError) error = NULL;

  if (!collet_store_end_finish (COLLET_STORE (object), result, &error))
    g_warning ("The end of a reload could not be recorded: %s It will be at the next start.", error->message);
  collet_reload_announce (reload);
}

/* Takes `error`; NULL: it is done. */
static void
finish (Change *self, GError *error)
{
  ColletDeployment *deployment = self->item->deployment;
  gboolean is_drain = collet_reload_get_request (self->reload)->kind == COLLET_RELOAD_DRAIN;

  if (error != NULL)
    collet_deployment_set_drain (deployment, self->before, 0);
  else
    collet_deployment_set_drain (deployment, is_drain ? COLLET_DRAIN_DONE : COLLET_DRAIN_NONE, 0);
  if (self->item->is_quiesced)
    collet_slot_resume (collet_deployment_get_slot (deployment));
  collet_reloader_unlock (self->reloader, self->reload);
  collet_reload_conclude (self->reload, error);
  g_clear_object (&self->item->old);
  collet_store_end_async (self->reloader->store, collet_reload_record_end (self->reload), on_end_recorded,
                          g_object_ref (self->reload));
  change_free (self);
}

/* ---- the commit point ---- */

static void
on_committed (GObject *object, GAsyncResult *result, gpointer data)
{
  Change *self = data;
  GError *error = NULL;

  if (collet_store_commit_finish (COLLET_STORE (object), result, &error))
    {
      collet_failpoint ("service-after-commit");
      collet_reload_set_committed (self->reload);
      if (self->state != NULL)
        {
          collet_generation_set_snapshot (self->item->old, self->state);
          collet_deployment_set_state_saved_at (self->item->deployment, g_get_real_time ());
        }
    }
  finish (self, error);
}

static void
add_snapshot (Change *self, ColletCommit *commit)
{
  ColletSnapshotRow *row = collet_snapshot_row_new ();

  row->module = g_strdup (self->item->module);
  row->sha256 = g_strdup (self->item->to->sha256);
  row->format = self->item->manifest->state_format;
  row->state = g_bytes_ref (self->state);
  row->cause = g_strdup ("drain");
  row->reload = g_strdup (commit->reload);
  row->taken_at = g_get_real_time ();
  g_ptr_array_add (commit->snapshots, row);
}

static void
commit (Change *self)
{
  ColletCommit *row = collet_commit_new ();
  gboolean is_drain = collet_reload_get_request (self->reload)->kind == COLLET_RELOAD_DRAIN;

  collet_failpoint ("service-before-commit");
  collet_reload_enter_phase (self->reload, "commit", 0.8);
  collet_reload_begin_commit (self->reload);
  row->reload = g_strdup (collet_reload_get_id (self->reload));
  g_ptr_array_add (is_drain ? row->drained : row->resumed, g_strdup (self->item->module));
  if (self->state != NULL)
    add_snapshot (self, row);
  collet_store_commit_async (self->reloader->store, row, on_committed, self);
}

/* ---- drain ---- */

static void
on_exported (GObject *object, GAsyncResult *result, gpointer data)
{
  Change *self = data;
  g_autoptr (GError) error = NULL;

  self->state = collet_generation_export_state_finish (COLLET_GENERATION (object), result, &error);
  /* It stays in its memory; the one saved last counts if that goes. */
  if (self->state == NULL)
    g_warning ("The state of module %s could not be saved when it was drained: %s", self->item->module,
               error->message);
  commit (self);
}

static void
note_ended (Change *self)
{
  guint ended = self->item->retirement.calls_ended;
  gint64 saved_at = collet_deployment_get_state_saved_at (self->item->deployment);
  g_autofree char *loss = !self->item->manifest->stateful ? g_strdup ("")
                          : saved_at == 0
                              ? g_strdup (" Its state had never been saved and is lost.")
                              : g_strdup_printf (" Its state is that of %.1f s before.",
                                                 (double)(g_get_real_time () - saved_at) / G_USEC_PER_SEC);
  g_autofree char *note = g_strdup_printf ("%u %s did not end in time and %s ended.%s", ended,
                                           ended == 1 ? "call" : "calls", ended == 1 ? "was" : "were", loss);

  collet_reload_set_note (self->reload, note);
}

static void
on_started_again (GObject *object, GAsyncResult *result, gpointer data)
{
  Change *self = data;
  g_autoptr (GError) error = NULL;

  if (!collet_generation_start_finish (COLLET_GENERATION (object), result, &error))
    g_warning ("Module %s was ended to drain it, and did not start again: %s", self->item->module,
               error->message);
  commit (self);
}

static void
on_ended (GObject *object, GAsyncResult *result, gpointer data)
{
  Change *self = data;

  self->item->retirement = collet_deployment_retire_finish (COLLET_DEPLOYMENT (object), result);
  note_ended (self);
  if (self->item->manifest->stateful)
    collet_reloader_note_state_loss (self->reloader, self->item->deployment, self->item->old, "drain");
  if (self->item->manifest->stateful)
    collet_generation_start_async (self->item->old, NULL, on_started_again, self);
  else
    commit (self);
}

/* Calls cannot be ended one by one: their generation is, and another one of the
 * same activation takes its place, with the state that was saved last. */
static void
end_calls (Change *self)
{
  ColletReloadItem *item = self->item;
  const ColletGenerationSpec *spec = collet_generation_get_spec (item->old);
  ColletGeneration *next = collet_reloader_create_generation (self->reloader, item->kind, spec->version,
                                                              spec->manifest, spec->path, spec->number);

  collet_generation_set_snapshot (next, collet_generation_get_snapshot (item->old));
  g_autoptr (ColletGeneration) former = collet_deployment_publish (item->deployment, next, item->kind);
  g_clear_object (&item->old);
  item->old = next;
  collet_deployment_retire_async (item->deployment, former, 1, on_ended, self);
}

static void
on_quiesced (GObject *object, GAsyncResult *result, gpointer data)
{
  Change *self = data;
  ColletReloadItem *item = self->item;
  gboolean force = collet_reload_get_request (self->reload)->force;
  GError *error = NULL;

  item->is_quiesced =
      collet_slot_quiesce_finish (collet_deployment_get_slot (item->deployment), result, &error);
  if (g_error_matches (error, COLLET_ERROR, COLLET_ERROR_DRAIN_TIMEOUT) && force)
    {
      g_clear_error (&error);
      end_calls (self);
    }
  else if (error != NULL)
    finish (self, error);
  else if (item->manifest->stateful && collet_generation_get_state (item->old) == COLLET_GENERATION_READY)
    collet_generation_export_state_async (item->old, collet_reload_get_cancellable (self->reload),
                                          on_exported, self);
  else
    commit (self);
}

static void
drain (Change *self)
{
  ColletReloadItem *item = self->item;
  guint timeout_ms = collet_reload_get_request (self->reload)->drain_timeout_ms;

  if (timeout_ms == 0)
    timeout_ms = self->reloader->config.drain_timeout_ms;
  collet_generation_get_stats (item->old, &item->served);
  collet_deployment_set_drain (item->deployment, COLLET_DRAIN_UNDER_WAY,
                               g_get_real_time () + (gint64)timeout_ms * 1000);
  collet_reload_enter_phase (self->reload, "drain", 0.2);
  collet_failpoint ("service-draining");
  collet_slot_quiesce_async (collet_deployment_get_slot (item->deployment), timeout_ms,
                             collet_reload_get_cancellable (self->reload), on_quiesced, self);
}

void
collet_service_change_run (ColletReloader *reloader, ColletReload *reload)
{
  const ColletReloadRequest *request = collet_reload_get_request (reload);

  if (request->kind == COLLET_RELOAD_SHUTDOWN)
    {
      /* Its end is written when there is nothing else to write. */
      g_set_object (&reloader->shutting_down, reload);
      collet_reload_enter_phase (reload, "drain", 0.1);
      collet_reload_begin_commit (reload);
      collet_reloader_unlock (reloader, reload);
      g_signal_emit_by_name (reloader, "shutdown-requested", request->drain_timeout_ms);
      return;
    }

  Change *self = g_new0 (Change, 1);
  self->reloader = g_object_ref (reloader);
  self->reload = g_object_ref (reload);
  self->item = collet_reload_get_items (reload)->pdata[0];
  self->before = collet_deployment_get_drain (self->item->deployment);
  if (request->kind == COLLET_RELOAD_DRAIN)
    drain (self);
  else
    commit (self);
}

/* ---- what drains ---- */

static void
drain_row_free (ColletDrainRow *row)
{
  collet_version_unref (row->version);
  g_free (row->module);
  g_free (row);
}

static void
add_row (GPtrArray *rows, ColletGeneration *generation, const char *state, gint64 deadline_at)
{
  const ColletGenerationSpec *spec = collet_generation_get_spec (generation);
  ColletDrainRow *row = g_new0 (ColletDrainRow, 1);
  ColletGenerationStats stats;

  collet_generation_get_stats (generation, &stats);
  row->version = collet_version_ref (spec->version);
  row->module = g_strdup (spec->module);
  row->state = state;
  row->generation = spec->number;
  row->in_flight = stats.in_flight;
  row->oldest_call_ms = collet_generation_get_oldest_call_ms (generation);
  row->deadline_at = deadline_at;
  g_ptr_array_add (rows, row);
}

static void
add_rows (GPtrArray *rows, ColletDeployment *deployment)
{
  const GArray *leaving = collet_deployment_get_leaving (deployment);
  ColletGeneration *published = collet_deployment_get_published (deployment);
  ColletDrainState drain = collet_deployment_get_drain (deployment);

  for (guint i = 0; i < leaving->len; i++)
    {
      const ColletLeaving *one = &g_array_index (leaving, ColletLeaving, i);

      add_row (rows, one->generation, "draining", one->deadline_at);
    }
  if (published != NULL && drain != COLLET_DRAIN_NONE)
    add_row (rows, published, drain == COLLET_DRAIN_DONE ? "drained" : "draining",
             collet_deployment_get_drain_deadline (deployment));
}

static int
compare_rows (gconstpointer a, gconstpointer b)
{
  const ColletDrainRow *one = *(ColletDrainRow *const *)a;
  const ColletDrainRow *other = *(ColletDrainRow *const *)b;
  int order = strcmp (one->module, other->module);

  return order != 0 ? order : (one->generation > other->generation) - (one->generation < other->generation);
}

GPtrArray *
collet_reloader_list_draining (ColletReloader *self, const char *module)
{
  GPtrArray *rows = g_ptr_array_new_with_free_func ((GDestroyNotify)drain_row_free);
  GHashTableIter iter;
  ColletDeployment *deployment;

  g_hash_table_iter_init (&iter, self->deployments);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&deployment))
    if (module == NULL || g_str_equal (collet_deployment_get_module (deployment), module))
      add_rows (rows, deployment);
  g_ptr_array_sort (rows, compare_rows);
  return rows;
}
