/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The orderly end: reloads come to their commit point or are undone, calls finish,
 * states are saved, generations retire. Older generations that still drain end
 * with the daemon; the next start records that.
 */
#include "collet-reloader-private.h"

#include "collet-error.h"
#include "collet-rows.h"

/* For calls that were told to end. */
#define RETIRE_MS 1000

typedef struct
{
  GPtrArray *snapshots; /* ColletSnapshotRow */
  guint timeout_ms;
  guint pending;
  guint calls_ended;
  guint to_save, saved;
} Shutdown;

static void
shutdown_free (Shutdown *self)
{
  g_clear_pointer (&self->snapshots, g_ptr_array_unref);
  g_free (self);
}

static void
on_end_recorded (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  ColletReloader *reloader = g_task_get_source_object (task);
  g_autoptr (ColletReload) reload = g_steal_pointer (&reloader->shutting_down);
  g_autoptr (GError) error = NULL;

  if (!collet_store_end_finish (COLLET_STORE (object), result, &error))
    g_warning ("The end could not be recorded: %s It will be at the next start.", error->message);
  collet_reload_announce (reload);
  g_task_return_boolean (task, TRUE);
}

/* What happened is in the history before anybody hears that it is over. */
static void
finish (GTask *task)
{
  ColletReloader *reloader = g_task_get_source_object (task);
  Shutdown *self = g_task_get_task_data (task);
  ColletReload *reload = reloader->shutting_down;

  if (reload != NULL)
    {
      g_autofree char *saved =
          g_strdup_printf ("%u %s saved.", self->saved, self->saved == 1 ? "state was" : "states were");
      g_autofree char *note =
          self->calls_ended > 0
              ? g_strdup_printf ("%u %s not end within %u ms. %s", self->calls_ended,
                                 self->calls_ended == 1 ? "call did" : "calls did", self->timeout_ms, saved)
              : g_strdup_printf ("All calls had ended. %s", saved);

      collet_reload_set_note (reload, note);
      collet_reload_set_committed (reload);
      collet_reload_conclude (reload, NULL);
      collet_store_end_async (reloader->store, collet_reload_record_end (reload), on_end_recorded, task);
      return;
    }
  g_task_return_boolean (task, TRUE);
  g_object_unref (task);
}

static void
on_retired (GObject *object, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Shutdown *self = g_task_get_task_data (task);

  self->calls_ended += collet_deployment_retire_finish (COLLET_DEPLOYMENT (object), result).calls_ended;
  if (--self->pending == 0)
    finish (task);
}

static void
retire_all (GTask *task)
{
  ColletReloader *reloader = g_task_get_source_object (task);
  Shutdown *self = g_task_get_task_data (task);
  GHashTableIter iter;
  ColletDeployment *deployment;

  self->pending = 1;
  g_hash_table_iter_init (&iter, reloader->deployments);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&deployment))
    {
      g_autoptr (ColletGeneration) former =
          collet_deployment_publish (deployment, NULL, collet_deployment_get_host_kind (deployment));

      if (former == NULL)
        continue;
      self->pending++;
      collet_deployment_retire_async (deployment, former, RETIRE_MS, on_retired, task);
    }
  if (--self->pending == 0)
    finish (task);
}

static void
on_saved (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  if (!collet_store_save_snapshots_finish (COLLET_STORE (object), result, &error))
    g_warning ("The state of stateful modules could not be saved: %s. The last saved one counts.",
               error->message);
  else
    {
      Shutdown *self = g_task_get_task_data (data);

      self->saved = self->to_save;
    }
  retire_all (data);
}

static void
state_done (GTask *task)
{
  ColletReloader *reloader = g_task_get_source_object (task);
  Shutdown *self = g_task_get_task_data (task);

  if (--self->pending > 0)
    return;
  if (self->snapshots->len == 0)
    retire_all (task);
  else
    {
      self->to_save = self->snapshots->len;
      collet_store_save_snapshots_async (reloader->store, g_steal_pointer (&self->snapshots), on_saved, task);
    }
}

static void
on_exported (GObject *object, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Shutdown *self = g_task_get_task_data (task);
  const ColletGenerationSpec *spec = collet_generation_get_spec (COLLET_GENERATION (object));
  g_autoptr (GError) error = NULL;
  GBytes *state = collet_generation_export_state_finish (COLLET_GENERATION (object), result, &error);

  if (state == NULL)
    g_warning ("The state of module %s could not be saved: %s. The last saved one counts.", spec->module,
               error->message);
  else
    {
      ColletSnapshotRow *row = collet_snapshot_row_new ();

      row->module = g_strdup (spec->module);
      row->sha256 = g_strdup (spec->version->sha256);
      row->format = spec->manifest->state_format;
      row->state = state;
      row->cause = g_strdup ("shutdown");
      row->taken_at = g_get_real_time ();
      g_ptr_array_add (self->snapshots, row);
    }
  state_done (task);
}

typedef struct
{
  GTask *task;
  ColletDeployment *deployment;
} Quiesce;

static gboolean
has_state (ColletDeployment *deployment)
{
  ColletGeneration *published = collet_deployment_get_published (deployment);

  return collet_generation_get_spec (published)->manifest->stateful &&
         collet_generation_get_state (published) == COLLET_GENERATION_READY;
}

static void
on_quiesced (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autofree Quiesce *quiesce = data;
  g_autoptr (GError) error = NULL;
  gboolean rests =
      collet_slot_quiesce_finish (collet_deployment_get_slot (quiesce->deployment), result, &error);

  if (rests && has_state (quiesce->deployment))
    {
      collet_generation_export_state_async (collet_deployment_get_published (quiesce->deployment), NULL,
                                            on_exported, quiesce->task);
      return;
    }
  if (!rests)
    g_warning ("Module %s did not come to rest: %s", collet_deployment_get_module (quiesce->deployment),
               error->message);
  state_done (quiesce->task);
}

static void
save_states (GTask *task)
{
  ColletReloader *reloader = g_task_get_source_object (task);
  Shutdown *self = g_task_get_task_data (task);
  GHashTableIter iter;
  ColletDeployment *deployment;

  self->pending = 1;
  g_hash_table_iter_init (&iter, reloader->deployments);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&deployment))
    {
      ColletGeneration *published = collet_deployment_get_published (deployment);

      if (published == NULL)
        continue;

      Quiesce *quiesce = g_new (Quiesce, 1);
      quiesce->task = task;
      quiesce->deployment = deployment;
      self->pending++;
      collet_slot_quiesce_async (collet_deployment_get_slot (deployment), self->timeout_ms, NULL, on_quiesced,
                                 quiesce);
    }
  state_done (task);
}

/* Those past their commit point finish; the others are undone. */
static void
cancel_all (ColletReloader *reloader)
{
  GListModel *reloads = G_LIST_MODEL (reloader->reloads);

  for (guint i = 0; i < g_list_model_get_n_items (reloads); i++)
    {
      g_autoptr (ColletReload) reload = g_list_model_get_item (reloads, i);

      if (collet_reload_is_prepared (reload))
        collet_reload_decide (
            reload, -1, NULL,
            g_error_new_literal (COLLET_ERROR, COLLET_ERROR_INTERRUPTED,
                                 "The daemon stopped while the version was prepared; nothing "
                                 "was changed. Prepare it again."));
      else if (collet_reload_get_state (reload) == COLLET_RELOAD_RUNNING)
        collet_reload_cancel (reload, NULL);
    }
}

static void
on_transactions_over (GObject *object, GAsyncResult *result, gpointer data)
{
  save_states (data);
}

void
collet_reloader_begin_closing (ColletReloader *reloader)
{
  g_autoptr (GError) error = g_error_new_literal (
      COLLET_ERROR, COLLET_ERROR_SHUTTING_DOWN,
      "The daemon is stopping; the call did not begin. Call again when the daemon is back.");
  GHashTableIter iter;
  ColletDeployment *deployment;

  reloader->is_closing = TRUE;
  g_hash_table_iter_init (&iter, reloader->deployments);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&deployment))
    collet_slot_refuse (collet_deployment_get_slot (deployment), error);
}

void
collet_reloader_shutdown_async (ColletReloader *reloader, guint timeout_ms, GAsyncReadyCallback callback,
                                gpointer user_data)
{
  GTask *task = g_task_new (reloader, NULL, callback, user_data);
  Shutdown *self = g_new0 (Shutdown, 1);

  self->timeout_ms = timeout_ms > 0 ? timeout_ms : reloader->config.drain_timeout_ms;
  self->snapshots = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_snapshot_row_free);
  g_task_set_task_data (task, self, (GDestroyNotify)shutdown_free);
  collet_reloader_begin_closing (reloader);
  cancel_all (reloader);
  if (reloader->running == 0)
    save_states (task);
  else
    reloader->shutdown = g_task_new (reloader, NULL, on_transactions_over, task);
}

gboolean
collet_reloader_shutdown_finish (ColletReloader *reloader, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
