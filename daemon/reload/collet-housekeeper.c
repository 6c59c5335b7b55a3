/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-housekeeper.h"

#include "collet-error.h"
#include "collet-failpoint.h"
#include "collet-reloader-private.h"
#include "collet-rows.h"
#include "collet-store-version.h"

#define SOON_MS 500
#define AFTER_START_S 5
#define EVERY_S 3600
#define EVERY_RELOADS 1000

struct _ColletHousekeeper
{
  ColletReloader *reloader;
  guint soon; /* sources */
  guint hourly;
  guint ended;      /* reloads since the history was looked at */
  gboolean is_busy; /* with the versions */
};

/* What is between the question to the database and its answer; keeps the
 * reloader, whose housekeeper it is for. */
typedef struct
{
  ColletReloader *reloader;
  ColletRetentionRule rule;
  GHashTable *gone; /* sha256 → ColletArtifactRow: not offered any more */
} Removal;

static void
removal_free (Removal *removal)
{
  removal->reloader->housekeeper->is_busy = FALSE;
  g_clear_pointer (&removal->gone, g_hash_table_unref);
  g_object_unref (removal->reloader);
  g_free (removal);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Removal, removal_free)

/* ---- what is in use ---- */

static void
add_generation (GHashTable *in_use, ColletGeneration *generation)
{
  if (generation != NULL)
    g_hash_table_add (in_use, g_strdup (collet_generation_get_spec (generation)->version->sha256));
}

/* Its manifest is needed after a restart, as long as calls in its form are accepted. */
static void
add_former (GHashTable *in_use, const ColletFormerVersion *former)
{
  if (former->until > g_get_real_time ())
    g_hash_table_add (in_use, g_strdup (former->version->sha256));
}

static void
add_deployments (ColletReloader *reloader, GHashTable *in_use)
{
  GHashTableIter iter;
  ColletDeployment *deployment;

  g_hash_table_iter_init (&iter, reloader->deployments);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&deployment))
    {
      const GArray *leaving = collet_deployment_get_leaving (deployment);

      add_generation (in_use, collet_deployment_get_published (deployment));
      add_generation (in_use, collet_deployment_get_candidate (deployment));
      for (guint i = 0; i < leaving->len; i++)
        add_generation (in_use, g_array_index (leaving, ColletLeaving, i).generation);
    }
}

/* Prepared ones and those that are tried hold their lock, or are not finished. */
static void
add_reload (GHashTable *in_use, ColletReload *reload)
{
  GPtrArray *items = collet_reload_get_items (reload);

  for (guint i = 0; i < items->len; i++)
    {
      const ColletReloadItem *item = items->pdata[i];

      if (item->from != NULL)
        g_hash_table_add (in_use, g_strdup (item->from->sha256));
      if (item->to != NULL)
        g_hash_table_add (in_use, g_strdup (item->to->sha256));
    }
}

static GHashTable *
list_in_use (ColletReloader *reloader)
{
  GHashTable *in_use = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  GListModel *modules = collet_registry_get_modules (reloader->registry);
  GListModel *reloads = G_LIST_MODEL (reloader->reloads);

  for (guint i = 0; i < g_list_model_get_n_items (modules); i++)
    {
      g_autoptr (ColletModule) module = g_list_model_get_item (modules, i);
      const ColletModuleFacts *facts = collet_module_get_facts (module);

      g_hash_table_add (in_use, g_strdup (facts->version->sha256));
      if (facts->previous != NULL)
        g_hash_table_add (in_use, g_strdup (facts->previous));
      for (guint j = 0; j < collet_grace_get_length (facts->grace); j++)
        add_former (in_use, collet_grace_get (facts->grace, j));
    }
  for (guint i = 0; i < g_list_model_get_n_items (reloads); i++)
    {
      g_autoptr (ColletReload) reload = g_list_model_get_item (reloads, i);

      if (!collet_reload_is_finished (reload))
        add_reload (in_use, reload);
    }
  add_deployments (reloader, in_use);
  return in_use;
}

/* ---- versions ---- */

/* What stayed after all is offered again. */
static void
give_back (Removal *removal, GPtrArray *removed)
{
  GHashTableIter iter;
  ColletArtifactRow *row;

  for (guint i = 0; removed != NULL && i < removed->len; i++)
    g_hash_table_remove (removal->gone, removed->pdata[i]);
  g_hash_table_iter_init (&iter, removal->gone);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&row))
    {
      g_hash_table_iter_steal (&iter);
      if (g_hash_table_contains (removal->reloader->artifacts, row->version->sha256))
        collet_artifact_row_free (row); /* loaded again meanwhile */
      else
        g_hash_table_insert (removal->reloader->artifacts, row->version->sha256, row);
    }
}

static void
on_removed (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (Removal) removal = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) removed = collet_store_remove_versions_finish (COLLET_STORE (object), result, &error);

  collet_failpoint ("retention-removed");
  if (removed == NULL)
    g_warning ("Versions that the retention rules do not keep could not be forgotten: %s", error->message);
  else if (removed->len > 0)
    g_message ("%u versions were removed by the retention rules.", removed->len);
  /* On a full disk their bytes go all the same: that is the room. The database
   * forgets them at the next look. */
  if (removed != NULL || !g_error_matches (error, COLLET_ERROR, COLLET_ERROR_DISK_FULL))
    give_back (removal, removed);
  removal->reloader->is_littered = TRUE;
  collet_reloader_tidy (removal->reloader);
}

static GPtrArray *
withdraw (Removal *removal, GPtrArray *chosen)
{
  GPtrArray *sha256s = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < chosen->len; i++)
    {
      const ColletVersionRow *row = chosen->pdata[i];
      gpointer artifact;

      g_ptr_array_add (sha256s, g_strdup (row->sha256));
      if (g_hash_table_steal_extended (removal->reloader->artifacts, row->sha256, NULL, &artifact))
        g_hash_table_insert (removal->gone, ((ColletArtifactRow *)artifact)->version->sha256, artifact);
    }
  return sha256s;
}

static void
on_versions (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (Removal) removal = data;
  ColletReloader *reloader = removal->reloader;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) rows = collet_store_versions_finish (COLLET_STORE (object), result, &error);

  if (rows == NULL)
    g_warning ("The stored versions could not be listed: %s", error->message);
  if (rows == NULL || reloader->is_closing)
    return;
  if (reloader->examining > 0)
    {
      collet_housekeeper_look_soon (reloader->housekeeper); /* a request may have chosen one of them */
      return;
    }

  g_autoptr (GHashTable) in_use = list_in_use (reloader);
  g_autoptr (GPtrArray) chosen = collet_retention_choose (rows, in_use, &removal->rule);
  gint64 before = removal->rule.before;
  if (chosen->len == 0)
    return;
  GPtrArray *sha256s = withdraw (removal, chosen);
  collet_failpoint ("retention-chosen");
  collet_store_remove_versions_async (reloader->store, sha256s, before, on_removed,
                                      g_steal_pointer (&removal));
}

static void
look_at_versions (ColletHousekeeper *self)
{
  const ColletReloaderConfig *config = &self->reloader->config;
  Removal *removal;

  if (self->reloader->is_closing)
    return;
  self->is_busy = TRUE;
  removal = g_new0 (Removal, 1);
  removal->reloader = g_object_ref (self->reloader);
  removal->rule.keep = config->keep_versions;
  if (config->keep_version_days > 0)
    removal->rule.before = g_get_real_time () - config->keep_version_days * G_TIME_SPAN_DAY;
  removal->gone =
      g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify)collet_artifact_row_free);
  collet_store_versions_async (self->reloader->store, NULL, on_versions, removal);
}

static gboolean
on_soon (gpointer data)
{
  ColletHousekeeper *self = data;

  self->soon = 0;
  if (self->is_busy)
    collet_housekeeper_look_soon (self);
  else
    look_at_versions (self);
  return G_SOURCE_REMOVE;
}

void
collet_housekeeper_look_soon (ColletHousekeeper *self)
{
  if (self->soon == 0)
    self->soon = g_timeout_add_full (G_PRIORITY_LOW, SOON_MS, on_soon, self, NULL);
}

/* ---- history ---- */

/* One rule: what is older than `before` and not of the newest `keep` reloads. */
typedef struct
{
  ColletReloader *reloader;
  gint64 before;
  guint keep;
} Pruning;

static void prune (Pruning *pruning);

static void
on_pruned (GObject *object, GAsyncResult *result, gpointer data)
{
  Pruning *pruning = data;
  g_autoptr (GError) error = NULL;
  guint64 removed = 0;

  if (!collet_store_prune_finish (COLLET_STORE (object), result, &removed, &error))
    g_warning ("Old history could not be removed: %s", error->message);
  if (removed > 0 && !pruning->reloader->is_closing)
    {
      prune (pruning); /* in steps, between which others have their turn */
      return;
    }
  g_object_unref (pruning->reloader);
  g_free (pruning);
}

static void
prune (Pruning *pruning)
{
  collet_store_prune_async (pruning->reloader->store, pruning->before, pruning->keep, on_pruned, pruning);
}

static void
prune_by (ColletReloader *reloader, gint64 before, guint keep)
{
  Pruning *pruning = g_new (Pruning, 1);

  *pruning = (Pruning){ g_object_ref (reloader), before, keep };
  prune (pruning);
}

static void
look_at_history (ColletHousekeeper *self)
{
  const ColletReloaderConfig *config = &self->reloader->config;

  self->ended = 0;
  if (self->reloader->is_closing)
    return;
  if (config->keep_history_days > 0)
    prune_by (self->reloader, g_get_real_time () - config->keep_history_days * G_TIME_SPAN_DAY,
              config->keep_history);
  if (config->max_history > 0)
    prune_by (self->reloader, COLLET_PRUNE_BY_COUNT, config->max_history);
}

void
collet_housekeeper_count_reload (ColletHousekeeper *self)
{
  if (self->reloader->config.max_history > 0 && ++self->ended >= EVERY_RELOADS)
    look_at_history (self);
}

static gboolean
on_hour (gpointer data)
{
  ColletHousekeeper *self = data;

  self->hourly = g_timeout_add_seconds (EVERY_S, on_hour, self);
  look_at_history (self);
  collet_housekeeper_look_soon (self);
  return G_SOURCE_REMOVE;
}

ColletHousekeeper *
collet_housekeeper_new (ColletReloader *reloader)
{
  ColletHousekeeper *self = g_new0 (ColletHousekeeper, 1);

  self->reloader = reloader;
  self->hourly = g_timeout_add_seconds (AFTER_START_S, on_hour, self);
  return self;
}

void
collet_housekeeper_free (ColletHousekeeper *self)
{
  g_clear_handle_id (&self->soon, g_source_remove);
  g_clear_handle_id (&self->hourly, g_source_remove);
  g_free (self);
}
