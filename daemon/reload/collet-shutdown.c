/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The orderly end: reloads come to their commit point or are undone, states are
 * saved, generations retire. Those that still drain end with the daemon; the next
 * start records that.
 */
#include "collet-reloader-private.h"

#include "collet-rows.h"

/* The listeners have waited for the answers already; who asks the daemon to stop
 * does not wait for ever. */
#define QUIESCE_MS 3000
#define RETIRE_MS 1000

typedef struct
{
  GPtrArray *snapshots; /* ColletSnapshotRow */
  guint pending;
} Shutdown;

static void
shutdown_free (Shutdown *self)
{
  g_clear_pointer (&self->snapshots, g_ptr_array_unref);
  g_free (self);
}

static void
on_retired (GObject *object, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Shutdown *self = g_task_get_task_data (task);

  collet_deployment_retire_finish (COLLET_DEPLOYMENT (object), result);
  if (--self->pending > 0)
    return;
  g_task_return_boolean (task, TRUE);
  g_object_unref (task);
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
  if (--self->pending > 0)
    return;
  g_task_return_boolean (task, TRUE);
  g_object_unref (task);
}

static void
on_saved (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  if (!collet_store_save_snapshots_finish (COLLET_STORE (object), result, &error))
    g_warning ("The state of stateful modules could not be saved: %s. The last saved one counts.",
               error->message);
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
    collet_store_save_snapshots_async (reloader->store, g_steal_pointer (&self->snapshots), on_saved, task);
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

static void
on_quiesced (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autofree Quiesce *quiesce = data;
  g_autoptr (GError) error = NULL;

  if (collet_slot_quiesce_finish (collet_deployment_get_slot (quiesce->deployment), result, &error))
    {
      collet_generation_export_state_async (collet_deployment_get_published (quiesce->deployment), NULL,
                                            on_exported, quiesce->task);
      return;
    }
  g_warning ("Module %s did not come to rest: %s. Its last saved state counts.",
             collet_deployment_get_module (quiesce->deployment), error->message);
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

      if (published == NULL || !collet_generation_get_spec (published)->manifest->stateful)
        continue;

      Quiesce *quiesce = g_new (Quiesce, 1);
      quiesce->task = task;
      quiesce->deployment = deployment;
      self->pending++;
      collet_slot_quiesce_async (collet_deployment_get_slot (deployment), QUIESCE_MS, NULL, on_quiesced,
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

      if (collet_reload_get_state (reload) == COLLET_RELOAD_RUNNING)
        collet_reload_cancel (reload, NULL);
    }
}

static void
on_transactions_over (GObject *object, GAsyncResult *result, gpointer data)
{
  save_states (data);
}

void
collet_reloader_shutdown_async (ColletReloader *reloader, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (reloader, NULL, callback, user_data);
  Shutdown *self = g_new0 (Shutdown, 1);

  g_return_if_fail (!reloader->is_closing);

  self->snapshots = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_snapshot_row_free);
  g_task_set_task_data (task, self, (GDestroyNotify)shutdown_free);
  reloader->is_closing = TRUE;
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
