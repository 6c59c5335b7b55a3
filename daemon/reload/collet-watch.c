/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-watch-private.h"

#include "collet-build.h"
#include "collet-error.h"
#include "collet-reloader-private.h"

#define MAX_FOLDERS 16
#define MAX_FILES 4096  /* of a folder */
#define MAX_ACTIVE 4    /* files at once, of all folders */
#define QUIET_MS 50     /* no news of a file for so long, before it is looked at */
#define AGAIN_MS 250    /* until a file that may still change is looked at again */
#define PARTIAL_TRIES 8 /* then what is wrong with it is said */
#define TRANSIENT_TRIES 240

struct _ColletWatches
{
  GObject parent_instance;
  ColletReloader *reloader;
  GHashTable *folders; /* path → Folder */
  GQueue ready;        /* File: to be looked at */
  guint active;
};

G_DEFINE_FINAL_TYPE (ColletWatches, collet_watches, G_TYPE_OBJECT)

static guint report_signal;

/* Lives until its last operation is over. */
typedef struct
{
  ColletWatches *owner; /* NULL: not watched any more */
  char *path;
  ColletWatchOptions options;
  ColletFolderEvents *events;
  GHashTable *files; /* name → File */
  gboolean is_crowded;
} Folder;

typedef struct
{
  Folder *folder;
  char *name;
  char *tried; /* sha256 that is loaded just now, or was refused */
  guint timer;
  guint tries;
  gboolean is_found; /* was there, not written just now */
  gboolean is_busy;
  gboolean is_again; /* news while it was busy */
} File;

static void pump (ColletWatches *self);

static void
file_free (File *file)
{
  g_clear_handle_id (&file->timer, g_source_remove);
  g_free (file->name);
  g_free (file->tried);
  g_free (file);
}

static void
folder_clear (gpointer data)
{
  Folder *folder = data;

  g_clear_pointer (&folder->events, collet_folder_events_free);
  g_hash_table_unref (folder->files);
  g_free (folder->options.host);
  g_free (folder->path);
}

static void
folder_unref (Folder *folder)
{
  g_rc_box_release_full (folder, folder_clear);
}

/* Nothing is begun from now on. */
static void
folder_end (Folder *folder)
{
  GHashTableIter iter;
  File *file;

  g_hash_table_iter_init (&iter, folder->files);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&file))
    {
      g_clear_handle_id (&file->timer, g_source_remove);
      g_queue_remove (&folder->owner->ready, file);
    }
  g_clear_pointer (&folder->events, collet_folder_events_free);
  folder->owner = NULL;
  folder_unref (folder);
}

static void
collet_watches_dispose (GObject *object)
{
  ColletWatches *self = COLLET_WATCHES (object);

  collet_watches_clear (self);
  g_clear_object (&self->reloader);
  G_OBJECT_CLASS (collet_watches_parent_class)->dispose (object);
}

static void
collet_watches_finalize (GObject *object)
{
  g_hash_table_unref (COLLET_WATCHES (object)->folders);
  G_OBJECT_CLASS (collet_watches_parent_class)->finalize (object);
}

static void
collet_watches_class_init (ColletWatchesClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = collet_watches_dispose;
  G_OBJECT_CLASS (klass)->finalize = collet_watches_finalize;
  report_signal = g_signal_new ("report", COLLET_TYPE_WATCHES, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                G_TYPE_NONE, 1, G_TYPE_POINTER);
}

static void
collet_watches_init (ColletWatches *self)
{
  self->folders = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify)folder_end);
}

ColletWatches *
collet_watches_new (ColletReloader *reloader)
{
  ColletWatches *self = g_object_new (COLLET_TYPE_WATCHES, NULL);

  self->reloader = g_object_ref (reloader);
  return self;
}

static void
tell (Folder *folder, const char *file, const char *state, ColletReload *reload, const GError *error)
{
  const ColletWatchReport report = { folder->path, file, state, reload, error };

  g_autofree char *path = g_build_filename (folder->path, *file != '\0' ? file : NULL, NULL);

  if (error != NULL)
    g_message ("%s: %s: %s", path, collet_error_name_of (error), error->message);
  else
    g_message ("%s: %s", path, state);
  if (folder->owner != NULL)
    g_signal_emit (folder->owner, report_signal, 0, &report);
}

/* ---- a file's turn ---- */

static gboolean
on_quiet (gpointer data)
{
  File *file = data;

  file->timer = 0;
  if (file->is_busy)
    file->is_again = TRUE;
  else
    {
      file->is_busy = TRUE;
      g_queue_push_tail (&file->folder->owner->ready, file);
      pump (file->folder->owner);
    }
  return G_SOURCE_REMOVE;
}

static void
look_in (File *file, guint ms)
{
  g_clear_handle_id (&file->timer, g_source_remove);
  file->timer = g_timeout_add (ms, on_quiet, file);
}

/* An operation is over; drops its reference to the folder. again_ms 0: no need. */
static void
leave (File *file, guint again_ms)
{
  Folder *folder = file->folder;
  ColletWatches *owner = folder->owner;

  file->is_busy = FALSE;
  if (owner != NULL)
    {
      owner->active--;
      if (file->is_again)
        look_in (file, QUIET_MS);
      else if (again_ms > 0 && file->timer == 0)
        look_in (file, again_ms);
      file->is_again = FALSE;
      pump (owner);
    }
  folder_unref (folder);
}

/* ---- loading ---- */

static void on_reload_changed (ColletReload *reload, gpointer data);

static void
stop_following (ColletReload *reload, File *file)
{
  g_signal_handlers_disconnect_by_func (reload, on_reload_changed, file);
  g_object_unref (reload);
}

/* What was published is news at once; its predecessor may drain for long. */
static void
on_reload_changed (ColletReload *reload, gpointer data)
{
  File *file = data;
  ColletReloadState state = collet_reload_get_state (reload);
  gboolean is_published =
      state == COLLET_RELOAD_COMMITTED && !g_str_equal (collet_reload_get_phase (reload), "commit");

  if (!is_published && !collet_reload_is_finished (reload))
    return;

  const GError *error = collet_reload_get_error (reload);
  tell (file->folder, file->name, error != NULL ? "failed" : "loaded", reload, error);
  if (error == NULL)
    g_clear_pointer (&file->tried, g_free); /* after a way back it may be built again */
  stop_following (reload, file);
  leave (file, 0);
}

static gboolean
is_transient (const GError *error)
{
  return g_error_matches (error, COLLET_ERROR, COLLET_ERROR_RELOAD_IN_PROGRESS) ||
         g_error_matches (error, COLLET_ERROR, COLLET_ERROR_NOT_PURGED) ||
         g_error_matches (error, COLLET_ERROR, COLLET_ERROR_ARTIFACT_CHANGED);
}

static void
on_submitted (GObject *object, GAsyncResult *result, gpointer data)
{
  File *file = data;
  g_autoptr (GError) error = NULL;
  ColletReload *reload = collet_reloader_submit_finish (COLLET_RELOADER (object), result, &error);

  if (reload != NULL)
    {
      g_signal_connect (reload, "changed", G_CALLBACK (on_reload_changed), file);
      g_signal_connect (reload, "finished", G_CALLBACK (on_reload_changed), file);
      on_reload_changed (reload, file);
      return;
    }
  if (is_transient (error) && ++file->tries < TRANSIENT_TRIES)
    {
      g_clear_pointer (&file->tried, g_free);
      leave (file, AGAIN_MS);
      return;
    }
  tell (file->folder, file->name, "refused", NULL, error);
  leave (file, 0);
}

static void
load (File *file, const char *sha256)
{
  Folder *folder = file->folder;
  ColletReloadRequest *request = collet_reload_request_new (COLLET_RELOAD_LOAD, folder->options.uid);
  g_autofree char *path = g_build_filename (folder->path, file->name, NULL);
  const char *const sources[] = { path, NULL };

  g_free (file->tried);
  file->tried = g_strdup (sha256);
  request->sources = g_strdupv ((GStrv)sources);
  request->expect_source = g_strdup (sha256);
  request->host = g_strdup (folder->options.host);
  request->allow_breaking = folder->options.allow_breaking;
  if (folder->options.discard_state)
    request->state_choice = COLLET_STATE_DISCARD;
  request->reason = g_strdup_printf ("watch %s", folder->path);
  collet_reloader_submit_async (folder->owner->reloader, request, on_submitted, file);
}

/* ---- looking ---- */

static gboolean
is_serving (ColletReloader *reloader, const char *sha256)
{
  GListModel *modules = collet_registry_get_modules (reloader->registry);

  for (guint i = 0; i < g_list_model_get_n_items (modules); i++)
    {
      g_autoptr (ColletModule) module = g_list_model_get_item (modules, i);

      if (g_str_equal (collet_module_get_facts (module)->version->sha256, sha256))
        return TRUE;
    }
  return FALSE;
}

/* What was found lying there and has been loaded before was left by somebody who
 * may have gone back since. */
static gboolean
is_news (const File *file, const char *sha256)
{
  ColletReloader *reloader = file->folder->owner->reloader;

  if (sha256 == NULL)
    return TRUE; /* the loader says why it cannot be read */
  if (g_strcmp0 (file->tried, sha256) == 0 || is_serving (reloader, sha256))
    return FALSE;
  return !file->is_found || !g_hash_table_contains (reloader->artifacts, sha256);
}

static void
on_examined (GObject *object, GAsyncResult *result, gpointer data)
{
  File *file = data;
  g_autoptr (ColletBuild) build = collet_build_examine_finish (result);

  if (file->folder->owner == NULL || build->state == COLLET_BUILD_NONE || file->is_again)
    leave (file, 0);
  else if (build->state == COLLET_BUILD_OPEN && ++file->tries < TRANSIENT_TRIES)
    leave (file, AGAIN_MS);
  else if (build->state == COLLET_BUILD_PARTIAL && ++file->tries < PARTIAL_TRIES)
    leave (file, AGAIN_MS);
  else if (!is_news (file, build->sha256))
    leave (file, 0);
  else
    load (file, build->sha256);
}

static void
pump (ColletWatches *self)
{
  while (self->active < MAX_ACTIVE && !g_queue_is_empty (&self->ready))
    {
      File *file = g_queue_pop_head (&self->ready);
      g_autofree char *path = g_build_filename (file->folder->path, file->name, NULL);

      self->active++;
      g_rc_box_acquire (file->folder);
      collet_build_examine_async (self, path, on_examined, file);
    }
}

/* ---- events ---- */

/* Hidden files are what editors, linkers and copying programs write aside. */
static gboolean
is_build_name (const char *name)
{
  return g_str_has_suffix (name, ".so") && name[0] != '.' && name[0] != '#' && strlen (name) > 3 &&
         g_utf8_validate (name, -1, NULL);
}

static void
note (Folder *folder, const char *name, gboolean is_found)
{
  File *file = g_hash_table_lookup (folder->files, name);

  if (!is_build_name (name))
    return;
  if (file == NULL && g_hash_table_size (folder->files) >= MAX_FILES)
    {
      if (!folder->is_crowded)
        g_warning ("%s has more than %d modules; those that come now are not looked at.", folder->path,
                   MAX_FILES);
      folder->is_crowded = TRUE;
      return;
    }
  if (file == NULL)
    {
      file = g_new0 (File, 1);
      file->folder = folder;
      file->name = g_strdup (name);
      file->is_found = is_found;
      g_hash_table_insert (folder->files, file->name, file);
    }
  if (!is_found)
    file->is_found = FALSE;
  file->tries = 0;
  look_in (file, QUIET_MS);
}

static void
scan (Folder *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder->path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    note (folder, name, TRUE);
}

static void
on_folder_event (const char *name, gboolean is_there, gpointer data)
{
  Folder *folder = data;

  if (name != NULL)
    note (folder, name, FALSE);
  else if (is_there)
    {
      tell (folder, "", "back", NULL, NULL);
      scan (folder);
    }
  else
    tell (folder, "", "gone", NULL, NULL);
}

/* ---- folders ---- */

static void
set_options (Folder *folder, const ColletWatchOptions *options)
{
  GHashTableIter iter;
  File *file;

  g_free (folder->options.host);
  folder->options = *options;
  folder->options.host = g_strdup (options->host);
  /* What was refused before may be wanted now. */
  g_hash_table_iter_init (&iter, folder->files);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&file))
    g_clear_pointer (&file->tried, g_free);
}

static Folder *
folder_new (ColletWatches *self, const char *path, GError **error)
{
  Folder *folder = g_rc_box_new0 (Folder);

  folder->path = g_strdup (path);
  folder->files = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify)file_free);
  folder->events = collet_folder_events_new (path, on_folder_event, folder, error);
  folder->owner = self;
  if (folder->events != NULL)
    return folder;
  folder_unref (folder);
  return NULL;
}

gboolean
collet_watches_add (ColletWatches *self, const char *folder, const ColletWatchOptions *options,
                    GError **error)
{
  if (!g_path_is_absolute (folder))
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                   "\"%s\" is a relative path, which means nothing to the daemon; give the absolute one.",
                   folder);
      return FALSE;
    }

  g_autofree char *path = g_canonicalize_filename (folder, NULL);
  Folder *known = g_hash_table_lookup (self->folders, path);
  if (known == NULL && g_hash_table_size (self->folders) >= MAX_FOLDERS)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_OVERLOADED,
                   "%d folders are watched, the most there can be. Stop watching one of them first.",
                   MAX_FOLDERS);
      return FALSE;
    }
  if (known == NULL)
    {
      known = folder_new (self, path, error);
      if (known == NULL)
        return FALSE;
      g_hash_table_insert (self->folders, known->path, known);
    }
  set_options (known, options);
  scan (known);
  return TRUE;
}

gboolean
collet_watches_remove (ColletWatches *self, const char *folder, GError **error)
{
  g_autofree char *path = g_canonicalize_filename (folder, "/");

  if (g_hash_table_remove (self->folders, path))
    return TRUE;
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_NOT_FOUND,
               "%s is not watched; give the path as it was given before.", path);
  return FALSE;
}

void
collet_watches_clear (ColletWatches *self)
{
  g_hash_table_remove_all (self->folders);
}
