/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From the database to a serving node: what was committed runs, what was not
 * never happened, and the history says which.
 */
#include "collet-reloader-private.h"

#include "collet-error.h"
#include "collet-json.h"
#include "collet-rows.h"

typedef struct
{
  ColletStoreImage *image;
  GPtrArray *facts; /* ColletModuleFacts of those that are back */
  guint pending;
  guint failed;
} Recovery;

typedef struct
{
  GTask *task; /* of the whole recovery */
  const ColletModuleRow *row;
  ColletVersion *version;
  ColletManifest *manifest;
  ColletGeneration *generation;
  GBytes *state;
  gint64 state_saved_at;
  gboolean is_last_state; /* no call came after it was saved */
} Revival;

static void
recovery_free (Recovery *self)
{
  g_clear_pointer (&self->image, collet_store_image_free);
  g_clear_pointer (&self->facts, g_ptr_array_unref);
  g_free (self);
}

static void
revival_free (Revival *self)
{
  g_clear_pointer (&self->version, collet_version_unref);
  g_clear_pointer (&self->manifest, collet_manifest_unref);
  g_clear_object (&self->generation);
  g_clear_pointer (&self->state, g_bytes_unref);
  g_free (self);
}

static void
finish_if_done (GTask *task)
{
  ColletReloader *reloader = g_task_get_source_object (task);
  Recovery *self = g_task_get_task_data (task);
  GError *error = NULL;

  if (--self->pending > 0)
    return;

  ColletRegistryPlan *plan =
      collet_registry_plan (reloader->registry, g_steal_pointer (&self->facts), g_get_real_time (), &error);
  if (plan == NULL)
    g_task_return_error (task, error);
  else
    {
      collet_registry_apply (reloader->registry, plan);
      g_task_return_boolean (task, TRUE);
    }
  g_object_unref (task);
}

static void
fail (Revival *revival, GError *error)
{
  GTask *task = revival->task;
  ColletReloader *reloader = g_task_get_source_object (task);
  Recovery *self = g_task_get_task_data (task);

  g_warning ("Module %s could not be brought back at version %.12s: %s", revival->row->module,
             revival->row->sha256, error->message);
  g_error_free (error);
  g_hash_table_insert (reloader->lost, g_strdup (revival->row->module),
                       g_strdup (revival->row->previous_sha256 != NULL ? revival->row->previous_sha256 : ""));
  self->failed++;
  revival_free (revival);
  finish_if_done (task);
}

/* Calls in the form of a version before are accepted until the same time. */
static ColletGrace *
read_grace (ColletReloader *reloader, const ColletModuleRow *row)
{
  ColletGrace *grace = NULL;

  /* The newest first, and each goes before those that are there. */
  for (guint i = row->former->len; i-- > 0;)
    {
      const ColletFormerRow *former = row->former->pdata[i];
      const ColletArtifactRow *artifact = g_hash_table_lookup (reloader->artifacts, former->sha256);
      g_autoptr (ColletManifest) manifest =
          artifact != NULL ? collet_manifest_parse (artifact->manifest, strlen (artifact->manifest), NULL)
                           : NULL;
      g_autoptr (ColletGrace) before = grace;

      grace = collet_grace_renew (before,
                                  manifest != NULL
                                      ? collet_former_version_new (artifact->version, manifest, former->until)
                                      : NULL,
                                  row->sha256, g_get_real_time ());
    }
  return grace;
}

static void
publish (Revival *revival)
{
  GTask *task = revival->task;
  ColletReloader *reloader = g_task_get_source_object (task);
  Recovery *self = g_task_get_task_data (task);
  const ColletModuleRow *row = revival->row;
  ColletDeployment *deployment = collet_reloader_ensure_deployment (reloader, row->module);
  ColletHostKind kind =
      g_strcmp0 (row->host, "in-process") == 0 ? COLLET_HOST_IN_PROCESS : COLLET_HOST_WORKER;
  ColletModuleFacts *facts = g_new0 (ColletModuleFacts, 1);

  collet_generation_set_snapshot (revival->generation, revival->state);
  g_autoptr (ColletGeneration) former = collet_deployment_publish (deployment, revival->generation, kind);
  g_assert (former == NULL);
  collet_deployment_set_state_saved_at (deployment, revival->state_saved_at);
  if (revival->manifest->stateful && !revival->is_last_state)
    collet_reloader_note_state_loss (reloader, deployment, revival->generation, "daemon");
  if (row->drained_at > 0)
    collet_deployment_set_drain (deployment, COLLET_DRAIN_DONE, 0);

  facts->name = g_strdup (row->module);
  facts->version = collet_version_ref (revival->version);
  facts->manifest = collet_manifest_ref (revival->manifest);
  facts->target = collet_call_target_ref (collet_slot_as_target (collet_deployment_get_slot (deployment)));
  facts->grace = read_grace (reloader, row);
  facts->previous = g_strdup (row->previous_sha256);
  facts->host = g_strdup (row->host);
  facts->generation = row->generation;
  facts->loaded_at = g_get_real_time ();
  g_ptr_array_add (self->facts, facts);
  revival_free (revival);
  finish_if_done (task);
}

static void
on_imported (GObject *object, GAsyncResult *result, gpointer data)
{
  GError *error = NULL;

  if (!collet_generation_import_state_finish (COLLET_GENERATION (object), result, &error))
    fail (data, error);
  else
    publish (data);
}

static void
on_started (GObject *object, GAsyncResult *result, gpointer data)
{
  Revival *revival = data;
  GError *error = NULL;

  if (!collet_generation_start_finish (COLLET_GENERATION (object), result, &error))
    fail (revival, error);
  else if (revival->state != NULL)
    collet_generation_import_state_async (revival->generation, revival->state, NULL, on_imported, revival);
  else
    publish (revival);
}

static const ColletSnapshotRow *
find_snapshot (const ColletStoreImage *image, const char *module)
{
  for (guint i = 0; i < image->snapshots->len; i++)
    {
      const ColletSnapshotRow *row = image->snapshots->pdata[i];

      if (g_str_equal (row->module, module))
        return row;
    }
  return NULL;
}

static void
on_verified (GObject *object, GAsyncResult *result, gpointer data)
{
  Revival *revival = data;
  ColletReloader *reloader = g_task_get_source_object (revival->task);
  Recovery *self = g_task_get_task_data (revival->task);
  GError *error = NULL;
  g_autofree char *path = collet_loader_verify_finish (COLLET_LOADER (object), result, &error);
  ColletHostKind kind =
      g_strcmp0 (revival->row->host, "in-process") == 0 ? COLLET_HOST_IN_PROCESS : COLLET_HOST_WORKER;

  if (path == NULL)
    {
      fail (revival, error);
      return;
    }
  revival->generation = collet_reloader_create_generation (reloader, kind, revival->version,
                                                           revival->manifest, path, revival->row->generation);
  if (!revival->manifest->stateful)
    {
      publish (revival); /* its process starts when it is first needed */
      return;
    }

  const ColletSnapshotRow *snapshot = find_snapshot (self->image, revival->row->module);
  if (snapshot != NULL)
    {
      revival->state = g_bytes_ref (snapshot->state);
      revival->state_saved_at = snapshot->taken_at;
      revival->is_last_state =
          revival->row->drained_at > 0 ||
          (g_str_equal (snapshot->cause, "shutdown") && snapshot->taken_at > self->image->previous_run_at);
    }
  collet_generation_start_async (revival->generation, NULL, on_started, revival);
}

static void
revive (GTask *task, const ColletModuleRow *row)
{
  ColletReloader *reloader = g_task_get_source_object (task);
  const ColletArtifactRow *artifact = g_hash_table_lookup (reloader->artifacts, row->sha256);
  Revival *revival = g_new0 (Revival, 1);
  GError *error = NULL;

  revival->task = task;
  revival->row = row;
  if (artifact == NULL)
    {
      fail (revival, g_error_new (COLLET_ERROR, COLLET_ERROR_ARTIFACT_NOT_FOUND,
                                  "the database has no artifact of that version; load the module again."));
      return;
    }
  revival->version = collet_version_ref (artifact->version);
  revival->manifest = collet_manifest_parse (artifact->manifest, strlen (artifact->manifest), &error);
  if (revival->manifest == NULL)
    fail (revival, error);
  else
    collet_loader_verify_async (reloader->loader, revival->version, FALSE, NULL, on_verified, revival);
}

/* ---- what a crash cut short ---- */

static void
on_resolved (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  if (!collet_store_end_finish (COLLET_STORE (object), result, &error))
    g_warning ("What became of an interrupted reload could not be recorded: %s", error->message);
}

static gboolean
is_prepare (const ColletReloadRow *row)
{
  g_autoptr (ColletJson) options = row->options != NULL ? collet_json_parse (row->options, -1, NULL) : NULL;

  return options != NULL && collet_json_member (options, 0, "prepare") != 0;
}

static gboolean
had_trial (const ColletReloadRow *row)
{
  return row->options != NULL && strstr (row->options, "\"trial-ms\":") != NULL;
}

static void
resolve (ColletReloader *reloader, const ColletReloadRow *row, gboolean was_committed)
{
  ColletReloadEnd *end = collet_reload_end_new ();
  gboolean is_service = g_str_equal (row->kind, "drain") || g_str_equal (row->kind, "resume");

  end->reload = g_strdup (row->id);
  end->at = g_get_real_time ();
  end->pause_us = -1;
  end->duration_us = end->at - row->started_at;
  end->detail = g_strdup ("{}");
  if (was_committed)
    {
      end->state = g_strdup ("succeeded");
      end->phase = g_strdup ("commit");
      end->message =
          is_service ? g_strdup ("The daemon ended after the commit point; it stands since the restart.")
          : had_trial (row)
              ? g_strdup (
                    "The daemon ended after the commit point and before the end of the trial window; the "
                    "new version serves since its restart, and was not judged.")
              : g_strdup ("The daemon ended after the commit point; the new version serves since its "
                          "restart.");
    }
  else
    {
      end->state = g_strdup ("interrupted");
      end->phase = g_strdup ("prepare");
      end->error = g_strdup (collet_error_name (COLLET_ERROR_INTERRUPTED));
      end->message = g_strdup (
          is_prepare (row) ? "The daemon ended before the prepared version was committed; nothing was "
                             "changed. Prepare it again."
                           : "The daemon ended before the commit point; nothing was changed. Ask again.");
    }
  g_message ("Reload %s (%s): %s", row->id, row->kind, end->message);
  collet_store_end_async (reloader->store, end, on_resolved, NULL);
}

/* A reload of the cluster's that had not ended: what it was to load may have been
 * agreed on since, and counts on being here. */
static void
note_promises (ColletReloader *reloader, const ColletReloadRow *row, GHashTable *keep)
{
  gboolean is_others = row->options != NULL && strstr (row->options, "\"decided-by\":") != NULL;

  for (guint i = 0; i < row->items->len && is_others; i++)
    {
      const ColletReloadItemRow *item = row->items->pdata[i];

      if (item->to_sha256 == NULL)
        continue;
      g_hash_table_add (reloader->promised, g_strdup (item->to_sha256));
      g_hash_table_add (keep, item->to_sha256);
    }
}

static void
restore (ColletReloader *reloader, ColletStoreImage *image)
{
  GPtrArray *tools = g_ptr_array_new ();
  g_autoptr (GHashTable) keep = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < image->artifacts->len; i++)
    {
      ColletArtifactRow *row = g_steal_pointer (&image->artifacts->pdata[i]);

      g_hash_table_insert (reloader->artifacts, row->version->sha256, row);
      g_hash_table_add (keep, row->version->sha256);
    }
  for (guint i = 0; i < image->open->len; i++)
    note_promises (reloader, image->open->pdata[i], keep);
  /* Without a database nobody knows what the store's bytes are good for; they
   * stay for whoever brings it back. */
  if (image->artifacts->len > 0)
    collet_loader_collect (reloader->loader, keep);

  for (guint i = 0; i < image->tools->len; i++)
    {
      const ColletToolRow *row = image->tools->pdata[i];
      ColletToolFacts *facts = g_new0 (ColletToolFacts, 1);

      facts->name = g_strdup (row->name);
      facts->module = g_strdup (row->module);
      facts->module_tool = g_strdup (row->module_tool);
      facts->metadata = g_strdup (row->metadata);
      facts->version = g_strdup (row->version);
      facts->is_explicit = row->is_explicit;
      facts->registered_at = row->registered_at;
      facts->updated_at = row->updated_at;
      facts->sequence = row->sequence;
      g_ptr_array_add (tools, facts);
    }
  collet_registry_restore_tools (reloader->registry, tools);
  g_hash_table_unref (reloader->smoke_tests);
  reloader->smoke_tests = g_hash_table_ref (image->smoke_tests);
  for (guint i = 0; i < image->subscriptions->len; i++)
    {
      const ColletSubscriptionRow *row = image->subscriptions->pdata[i];

      collet_subscriptions_add (collet_registry_get_subscriptions (reloader->registry), row->subscriber,
                                row->tool);
    }
  reloader->update_sequence = image->update_sequence;
  reloader->next_generation = MAX (image->next_generation, 1);
}

void
collet_reloader_recover_async (ColletReloader *reloader, gpointer image_data, GAsyncReadyCallback callback,
                               gpointer user_data)
{
  GTask *task = g_task_new (reloader, NULL, callback, user_data);
  Recovery *self = g_new0 (Recovery, 1);
  ColletStoreImage *image = image_data;

  self->image = image;
  self->facts = g_ptr_array_new ();
  g_task_set_task_data (task, self, (GDestroyNotify)recovery_free);

  restore (reloader, image);
  for (guint i = 0; i < image->open->len; i++)
    resolve (reloader, image->open->pdata[i], FALSE);
  for (guint i = 0; i < image->committed->len; i++)
    resolve (reloader, image->committed->pdata[i], TRUE);

  self->pending = 1;
  for (guint i = 0; i < image->modules->len; i++)
    {
      const ColletModuleRow *row = image->modules->pdata[i];

      if (row->sha256 == NULL)
        continue;
      self->pending++;
      revive (task, row);
    }
  finish_if_done (task);
}

gboolean
collet_reloader_recover_finish (ColletReloader *reloader, GAsyncResult *result, guint *failed, GError **error)
{
  Recovery *self = g_task_get_task_data (G_TASK (result));

  *failed = self->failed;
  return g_task_propagate_boolean (G_TASK (result), error);
}

gboolean
collet_reloader_was_cut_short (ColletReloader *self, const char *sha256)
{
  return g_hash_table_contains (self->promised, sha256);
}
