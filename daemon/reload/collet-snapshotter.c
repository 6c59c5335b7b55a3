/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A save closes the module's gate for the time that the export needs, and for the
 * calls that run then; that wait is short at first, and longer each time that it
 * was not enough. Nothing is saved that no call can have changed, and nothing
 * while the module is being reloaded: the reload saves it.
 */
#include "collet-snapshotter.h"

#include "collet-error.h"
#include "collet-failpoint.h"
#include "collet-reloader-private.h"
#include "collet-rows.h"

#define TICK_MS 250
#define FIRST_WAIT_MS 25
#define LAST_WAIT_MS 10000

struct _ColletSnapshotter
{
  ColletReloader *reloader;
  GHashTable *watches; /* ColletDeployment → Watch */
  GCancellable *cancellable;
  guint tick;
};

/* What is known of a generation's state. */
typedef struct
{
  gint ref_count;
  ColletSnapshotter *owner; /* NULL: gone */
  ColletDeployment *deployment;
  ColletGeneration *generation; /* referenced */
  guint64 calls;                /* answered when it was saved */
  guint64 calls_exported;
  gint64 due_us;
  guint wait_ms;
  gboolean is_busy;
  gboolean has_warned;
  gint64 taken_at; /* what was answered before is in it */
} Watch;

static void
watch_unref (gpointer data)
{
  Watch *watch = data;

  if (--watch->ref_count > 0)
    return;
  g_object_unref (watch->deployment);
  g_object_unref (watch->generation);
  g_free (watch);
}

static Watch *
watch_new (ColletSnapshotter *self, ColletDeployment *deployment, ColletGeneration *generation)
{
  Watch *watch = g_new0 (Watch, 1);

  watch->ref_count = 1;
  watch->owner = self;
  watch->deployment = g_object_ref (deployment);
  watch->generation = g_object_ref (generation);
  watch->wait_ms = FIRST_WAIT_MS;
  return watch;
}

static gint64
interval_us (const Watch *watch)
{
  return (gint64)collet_generation_get_spec (watch->generation)->manifest->snapshot_interval_s *
         G_USEC_PER_SEC;
}

/* One that is prepared may wait for hours, and calls go on meanwhile. */
static gboolean
is_being_reloaded (const Watch *watch)
{
  ColletReload *holder =
      g_hash_table_lookup (watch->owner->reloader->locks, collet_deployment_get_module (watch->deployment));

  return holder != NULL && !collet_reload_is_prepared (holder);
}

static gboolean
is_present (const Watch *watch)
{
  return watch->owner != NULL && !watch->owner->reloader->is_closing &&
         collet_deployment_get_published (watch->deployment) == watch->generation &&
         !is_being_reloaded (watch);
}

static void
complain (Watch *watch, const GError *error)
{
  if (!watch->has_warned)
    g_warning (
        "The state of module %s could not be saved: %s It is tried again; until then a crash costs what "
        "was done since the last save.",
        collet_deployment_get_module (watch->deployment), error->message);
  watch->has_warned = TRUE;
}

/* Takes the reference. */
static void
finish (Watch *watch, gboolean is_saved)
{
  watch->is_busy = FALSE;
  watch->due_us = g_get_monotonic_time () + interval_us (watch);
  if (is_saved)
    {
      watch->wait_ms = FIRST_WAIT_MS;
      watch->has_warned = FALSE;
    }
  watch_unref (watch);
}

static void
on_saved (GObject *object, GAsyncResult *result, gpointer data)
{
  Watch *watch = data;
  g_autoptr (GError) error = NULL;
  gboolean is_saved = collet_store_save_snapshots_finish (COLLET_STORE (object), result, &error);

  if (!is_saved)
    complain (watch, error);
  else if (collet_deployment_get_published (watch->deployment) == watch->generation)
    {
      watch->calls = watch->calls_exported;
      collet_deployment_set_state_saved_at (watch->deployment, watch->taken_at);
    }
  finish (watch, is_saved);
}

static void
save (Watch *watch, GBytes *state)
{
  const ColletGenerationSpec *spec = collet_generation_get_spec (watch->generation);
  GPtrArray *rows = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_snapshot_row_free);
  ColletSnapshotRow *row = collet_snapshot_row_new ();

  row->module = g_strdup (spec->module);
  row->sha256 = g_strdup (spec->version->sha256);
  row->format = spec->manifest->state_format;
  row->state = g_bytes_ref (state);
  row->cause = g_strdup ("interval");
  row->taken_at = watch->taken_at;
  g_ptr_array_add (rows, row);
  collet_failpoint ("snapshot-exported");
  /* A worker that dies from now on starts with this; should the daemon die as
   * well before it is on the disk, the one before counts. */
  collet_generation_set_snapshot (watch->generation, state);
  collet_store_save_snapshots_async (watch->owner->reloader->store, rows, on_saved, watch);
}

static void
on_exported (GObject *object, GAsyncResult *result, gpointer data)
{
  Watch *watch = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) state =
      collet_generation_export_state_finish (COLLET_GENERATION (object), result, &error);
  ColletSlot *slot = collet_deployment_get_slot (watch->deployment);

  collet_slot_resume (slot);
  g_debug ("Module %s: its calls waited for %" G_GINT64_FORMAT " us while its state was exported.",
           collet_deployment_get_module (watch->deployment), collet_slot_get_pause_us (slot));
  if (state == NULL)
    complain (watch, error);
  if (state != NULL && is_present (watch))
    save (watch, state);
  else
    finish (watch, FALSE);
}

static void
on_quiesced (GObject *object, GAsyncResult *result, gpointer data)
{
  Watch *watch = data;
  g_autoptr (GError) error = NULL;
  ColletSlot *slot = collet_deployment_get_slot (watch->deployment);
  ColletGenerationStats stats;

  if (!collet_slot_quiesce_finish (slot, result, &error))
    {
      watch->is_busy = FALSE; /* due still */
      watch->wait_ms = MIN (watch->wait_ms * 2, LAST_WAIT_MS);
      watch_unref (watch);
      return;
    }
  if (!is_present (watch) || collet_generation_get_state (watch->generation) != COLLET_GENERATION_READY)
    {
      collet_slot_resume (slot);
      finish (watch, FALSE);
      return;
    }
  collet_generation_get_stats (watch->generation, &stats);
  watch->calls_exported = stats.calls;
  watch->taken_at = g_get_real_time ();
  collet_generation_export_state_async (watch->generation, NULL, on_exported, watch);
}

static void
look_at (Watch *watch, gint64 now)
{
  ColletGenerationStats stats;

  if (watch->due_us == 0)
    watch->due_us = now + interval_us (watch);
  if (watch->is_busy || now < watch->due_us || !is_present (watch) ||
      collet_generation_get_state (watch->generation) != COLLET_GENERATION_READY)
    return;
  collet_generation_get_stats (watch->generation, &stats);
  if (stats.calls == watch->calls && stats.in_flight == 0)
    return; /* as saved; the first call makes it due */
  watch->is_busy = TRUE;
  watch->ref_count++;
  collet_slot_quiesce_async (collet_deployment_get_slot (watch->deployment), watch->wait_ms,
                             watch->owner->cancellable, on_quiesced, watch);
}

static void
look_for (ColletSnapshotter *self, ColletDeployment *deployment, gint64 now)
{
  ColletGeneration *published = collet_deployment_get_published (deployment);
  Watch *watch = g_hash_table_lookup (self->watches, deployment);
  const ColletManifest *manifest =
      published != NULL ? collet_generation_get_spec (published)->manifest : NULL;

  if (watch != NULL && watch->generation != published)
    {
      watch->owner = NULL;
      g_hash_table_remove (self->watches, deployment);
      watch = NULL;
    }
  if (manifest == NULL || !manifest->stateful || manifest->snapshot_interval_s == 0)
    return;
  if (watch == NULL)
    {
      watch = watch_new (self, deployment, published);
      g_hash_table_insert (self->watches, deployment, watch);
    }
  look_at (watch, now);
}

static gboolean
on_tick (gpointer data)
{
  ColletSnapshotter *self = data;
  gint64 now = g_get_monotonic_time ();
  GHashTableIter iter;
  ColletDeployment *deployment;

  if (self->reloader->is_closing)
    return G_SOURCE_CONTINUE;
  g_hash_table_iter_init (&iter, self->reloader->deployments);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&deployment))
    look_for (self, deployment, now);
  return G_SOURCE_CONTINUE;
}

ColletSnapshotter *
collet_snapshotter_new (ColletReloader *reloader)
{
  ColletSnapshotter *self = g_new0 (ColletSnapshotter, 1);

  self->reloader = reloader;
  self->watches = g_hash_table_new_full (NULL, NULL, NULL, watch_unref);
  self->cancellable = g_cancellable_new ();
  self->tick = g_timeout_add (TICK_MS, on_tick, self);
  return self;
}

void
collet_snapshotter_free (ColletSnapshotter *self)
{
  GHashTableIter iter;
  Watch *watch;

  g_source_remove (self->tick);
  g_hash_table_iter_init (&iter, self->watches);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&watch))
    watch->owner = NULL;
  g_hash_table_unref (self->watches);
  g_cancellable_cancel (self->cancellable);
  g_object_unref (self->cancellable);
  g_free (self);
}
