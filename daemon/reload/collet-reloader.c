/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-reloader-private.h"

#include "collet-error.h"
#include "collet-rows.h"

G_DEFINE_FINAL_TYPE (ColletReloader, collet_reloader, G_TYPE_OBJECT)

/* Before the answers of the store. */
#define ANNOUNCE_PRIORITY (G_PRIORITY_HIGH - 10)
/* More updates at once are told this much later: who waits for the reload that
 * brought them is answered first, and does not queue behind their signals. */
#define FEW_UPDATES 16
#define MANY_DELAY_MS 20

static guint deployment_added_signal;
static guint tool_updated_signal;
static guint shutdown_signal;

void
collet_reloader_config_init (ColletReloaderConfig *config)
{
  *config = (ColletReloaderConfig){
    .max_live = 3,
    .drain_timeout_ms = 30000,
    .quiesce_timeout_ms = 10000,
    .keep_finished_s = 600,
    .max_finished = 256,
    .keep_versions = 10,
    .grace_ms = 600000,
    .keep_history = 1000,
    .keep_history_days = 365,
  };
}

static void
collet_reloader_finalize (GObject *object)
{
  ColletReloader *self = COLLET_RELOADER (object);

  collet_housekeeper_free (self->housekeeper);
  g_clear_handle_id (&self->announcing, g_source_remove);
  g_clear_object (&self->shutting_down);
  g_clear_pointer (&self->statistics, collet_statistics_free);
  g_clear_pointer (&self->snapshotter, collet_snapshotter_free);
  g_queue_clear_full (&self->announcements, (GDestroyNotify)g_ptr_array_unref);
  g_hash_table_unref (self->trials);
  g_hash_table_unref (self->locks);
  g_hash_table_unref (self->smoke_tests);
  g_clear_pointer (&self->revoked, g_hash_table_unref);
  g_hash_table_unref (self->lost);
  g_hash_table_unref (self->deployments);
  g_hash_table_unref (self->artifacts);
  g_hash_table_unref (self->promised);
  g_object_unref (self->reloads);
  g_strfreev (self->config.module_path);
  g_object_unref (self->registry);
  g_object_unref (self->host);
  g_object_unref (self->loader);
  g_object_unref (self->store);
  G_OBJECT_CLASS (collet_reloader_parent_class)->finalize (object);
}

static void
collet_reloader_class_init (ColletReloaderClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = collet_reloader_finalize;
  /* name, version (SHA-256, "" if the tool is gone), sequence */
  tool_updated_signal = g_signal_new ("tool-updated", COLLET_TYPE_RELOADER, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                      NULL, G_TYPE_NONE, 3, G_TYPE_STRING, G_TYPE_STRING, G_TYPE_UINT64);
  shutdown_signal = g_signal_new ("shutdown-requested", COLLET_TYPE_RELOADER, G_SIGNAL_RUN_LAST, 0, NULL,
                                  NULL, NULL, G_TYPE_NONE, 1, G_TYPE_UINT);
  g_signal_new ("revocations-changed", COLLET_TYPE_RELOADER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                G_TYPE_NONE, 0);
  deployment_added_signal = g_signal_new ("deployment-added", COLLET_TYPE_RELOADER, G_SIGNAL_RUN_LAST, 0,
                                          NULL, NULL, NULL, G_TYPE_NONE, 1, COLLET_TYPE_DEPLOYMENT);
}

static void
collet_reloader_init (ColletReloader *self)
{
  self->deployments = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
  self->promised = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->artifacts =
      g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify)collet_artifact_row_free);
  self->locks = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
  self->lost = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->smoke_tests = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->reloads = g_list_store_new (COLLET_TYPE_RELOAD);
  self->trials = g_hash_table_new (NULL, NULL);
  self->next_generation = 1;
}

ColletReloader *
collet_reloader_new (ColletStore *store, ColletLoader *loader, ColletHost *host, ColletRegistry *registry,
                     const ColletReloaderConfig *config)
{
  ColletReloader *self = g_object_new (COLLET_TYPE_RELOADER, NULL);

  self->store = g_object_ref (store);
  self->loader = g_object_ref (loader);
  self->host = g_object_ref (host);
  self->registry = g_object_ref (registry);
  self->config = *config;
  self->config.module_path = g_strdupv (config->module_path);
  self->statistics = collet_statistics_new ();
  self->snapshotter = collet_snapshotter_new (self);
  self->housekeeper = collet_housekeeper_new (self);
  return self;
}

GListModel *
collet_reloader_get_reloads (ColletReloader *self)
{
  return G_LIST_MODEL (self->reloads);
}

gboolean
collet_reloader_is_revoked (ColletReloader *self, const ColletVersion *version)
{
  return version->key_id != NULL && self->revoked != NULL &&
         g_hash_table_contains (self->revoked, version->key_id);
}

ColletReload *
collet_reloader_find_reload (ColletReloader *self, const char *id)
{
  guint length = g_list_model_get_n_items (G_LIST_MODEL (self->reloads));

  for (guint i = 0; i < length; i++)
    {
      g_autoptr (ColletReload) reload = g_list_model_get_item (G_LIST_MODEL (self->reloads), i);

      if (g_str_equal (collet_reload_get_id (reload), id))
        return reload; /* the list keeps it */
    }
  return NULL;
}

ColletDeployment *
collet_reloader_find_deployment (ColletReloader *self, const char *module)
{
  return g_hash_table_lookup (self->deployments, module);
}

static void
on_deployment_changed (ColletDeployment *deployment, gpointer data)
{
  ColletReloader *self = data;
  ColletGeneration *published = collet_deployment_get_published (deployment);

  if (published != NULL)
    collet_statistics_watch (self->statistics, published);
}

ColletStatistics *
collet_reloader_get_statistics (ColletReloader *self)
{
  return self->statistics;
}

ColletDeployment *
collet_reloader_ensure_deployment (ColletReloader *self, const char *module)
{
  ColletDeployment *deployment = g_hash_table_lookup (self->deployments, module);

  if (deployment != NULL)
    return deployment;
  deployment = collet_deployment_new (module);
  g_hash_table_insert (self->deployments, g_strdup (module), deployment);
  collet_reloader_watch_state (self, deployment);
  g_signal_connect_object (deployment, "changed", G_CALLBACK (on_deployment_changed), self, 0);
  g_signal_emit (self, deployment_added_signal, 0, deployment);
  return deployment;
}

void
collet_reloader_drop_unused (ColletReloader *self, GPtrArray *items)
{
  for (guint i = 0; i < items->len; i++)
    {
      const char *module = ((ColletReloadItem *)items->pdata[i])->module;
      ColletDeployment *deployment = g_hash_table_lookup (self->deployments, module);

      if (deployment != NULL && collet_deployment_get_live (deployment) == 0 &&
          !g_hash_table_contains (self->locks, module))
        g_hash_table_remove (self->deployments, module);
    }
}

ColletGeneration *
collet_reloader_create_generation (ColletReloader *self, ColletHostKind kind, ColletVersion *version,
                                   ColletManifest *manifest, const char *path, guint64 number)
{
  return collet_host_create (self->host, kind, collet_generation_spec_new (number, version, manifest, path));
}

const ColletArtifactRow *
collet_reloader_find_artifact (ColletReloader *self, const char *module, const char *selector, GError **error)
{
  const ColletArtifactRow *found = NULL;
  GHashTableIter iter;
  ColletArtifactRow *row;

  g_hash_table_iter_init (&iter, self->artifacts);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&row))
    {
      if (!g_str_equal (row->module, module) || !collet_version_matches (row->version, selector))
        continue;
      if (found != NULL)
        {
          g_set_error (
              error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
              "\"%s\" names several retained versions of module \"%s\", among them %.12s and %.12s; give "
              "more digits.",
              selector, module, found->version->sha256, row->version->sha256);
          return NULL;
        }
      found = row;
    }
  if (found == NULL)
    g_set_error (
        error, COLLET_ERROR, COLLET_ERROR_NOT_FOUND,
        "No retained version of module \"%s\" is \"%s\". Give the SHA-256, a prefix of it of at least 6 "
        "digits, or the MD5.",
        module, selector);
  return found;
}

ColletVersion *
collet_reloader_find_version (ColletReloader *self, const char *module, const char *selector, GError **error)
{
  const ColletArtifactRow *row = collet_reloader_find_artifact (self, module, selector, error);

  return row != NULL ? row->version : NULL;
}

/* ---- locks and the list of reloads ---- */

static void
tell_holder (ColletReloader *self, const char *module, ColletReload *holder)
{
  ColletDeployment *deployment = g_hash_table_lookup (self->deployments, module);

  if (deployment != NULL)
    collet_deployment_set_reload (deployment, holder != NULL ? collet_reload_get_id (holder) : NULL);
}

void
collet_reloader_lock (ColletReloader *self, ColletReload *reload)
{
  GPtrArray *items = collet_reload_get_items (reload);

  for (guint i = 0; i < items->len; i++)
    {
      const char *module = ((ColletReloadItem *)items->pdata[i])->module;

      g_hash_table_insert (self->locks, g_strdup (module), g_object_ref (reload));
      tell_holder (self, module, reload);
    }
}

void
collet_reloader_unlock (ColletReloader *self, ColletReload *reload)
{
  GPtrArray *items = collet_reload_get_items (reload);

  for (guint i = 0; i < items->len; i++)
    {
      const char *module = ((ColletReloadItem *)items->pdata[i])->module;

      if (g_hash_table_lookup (self->locks, module) != reload)
        continue;
      g_hash_table_remove (self->locks, module);
      tell_holder (self, module, NULL);
    }
  if (collet_reload_get_state (reload) != COLLET_RELOAD_COMMITTED)
    self->is_littered = TRUE;
  collet_reloader_tidy (self);
  if (--self->running > 0 || self->shutdown == NULL)
    return;

  g_autoptr (GTask) shutdown = g_steal_pointer (&self->shutdown);
  g_task_return_boolean (shutdown, TRUE);
}

ColletReload *
collet_reloader_find_holder (ColletReloader *self, GPtrArray *items, const char **module)
{
  for (guint i = 0; i < items->len; i++)
    {
      *module = ((ColletReloadItem *)items->pdata[i])->module;
      ColletReload *holder = g_hash_table_lookup (self->locks, *module);

      if (holder != NULL)
        return holder;
    }
  return NULL;
}

void
collet_reloader_prune_finished (ColletReloader *self)
{
  guint length = g_list_model_get_n_items (G_LIST_MODEL (self->reloads));
  gint64 oldest = g_get_real_time () - (gint64)self->config.keep_finished_s * G_USEC_PER_SEC;

  for (guint i = 0; i < length;)
    {
      g_autoptr (ColletReload) reload = g_list_model_get_item (G_LIST_MODEL (self->reloads), i);
      gboolean is_over =
          collet_reload_is_finished (reload) &&
          (length > self->config.max_finished || collet_reload_get_finished_at (reload) < oldest);

      if (is_over)
        {
          g_list_store_remove (self->reloads, i);
          length--;
        }
      else if (length <= self->config.max_finished)
        break; /* in order of time: the rest is younger */
      else
        i++;
    }
}

void
collet_reloader_tidy (ColletReloader *self)
{
  g_autoptr (GHashTable) keep = NULL;
  GHashTableIter iter;
  ColletReload *reload;

  if (!self->is_littered || self->examining > 0)
    return;
  self->is_littered = FALSE;
  keep = g_hash_table_new (g_str_hash, g_str_equal);
  g_hash_table_iter_init (&iter, self->artifacts);
  for (gpointer sha256; g_hash_table_iter_next (&iter, &sha256, NULL);)
    g_hash_table_add (keep, sha256);
  g_hash_table_iter_init (&iter, self->promised);
  for (gpointer sha256; g_hash_table_iter_next (&iter, &sha256, NULL);)
    g_hash_table_add (keep, sha256);
  g_hash_table_iter_init (&iter, self->locks);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&reload))
    {
      GPtrArray *items = collet_reload_get_items (reload);

      for (guint i = 0; i < items->len; i++)
        if (((ColletReloadItem *)items->pdata[i])->to != NULL)
          g_hash_table_add (keep, ((ColletReloadItem *)items->pdata[i])->to->sha256);
    }
  collet_loader_collect (self->loader, keep);
}

static void
tell_updates (ColletReloader *self, GPtrArray *updates)
{
  for (guint i = 0; i < updates->len; i++)
    {
      const ColletUpdateRow *update = updates->pdata[i];

      g_signal_emit (self, tool_updated_signal, 0, update->tool,
                     update->version != NULL ? update->version : "", update->sequence);
    }
}

static gboolean
on_announce (gpointer data)
{
  ColletReloader *self = data;

  self->announcing = 0;
  while (!g_queue_is_empty (&self->announcements))
    {
      g_autoptr (GPtrArray) updates = g_queue_pop_head (&self->announcements);

      tell_updates (self, updates);
    }
  return G_SOURCE_REMOVE;
}

void
collet_reloader_announce (ColletReloader *self, GPtrArray *updates)
{
  if (updates == NULL || updates->len == 0)
    return;
  self->update_sequence = ((const ColletUpdateRow *)updates->pdata[updates->len - 1])->sequence;
  g_queue_push_tail (&self->announcements, g_ptr_array_ref (updates));
  if (updates->len <= FEW_UPDATES)
    {
      g_clear_handle_id (&self->announcing, g_source_remove); /* they do not overtake earlier ones */
      self->announcing = g_idle_add_full (ANNOUNCE_PRIORITY, on_announce, self, NULL);
    }
  else if (self->announcing == 0)
    self->announcing = g_timeout_add (MANY_DELAY_MS, on_announce, self);
}

ColletRegistry *
collet_reloader_get_registry (ColletReloader *self)
{
  return self->registry;
}

ColletCallRecorder *
collet_reloader_get_recorder (ColletReloader *self)
{
  return self->config.recorder;
}

guint64
collet_reloader_get_started (ColletReloader *self)
{
  return self->started;
}

guint64
collet_reloader_get_update_sequence (ColletReloader *self)
{
  return self->update_sequence;
}
