/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is known of a request before anything of this node is touched: where its
 * bytes are, what they say of themselves, and whether they survive a trial.
 */
#include "collet-reloader-private.h"

#include "collet-error-remedy.h"
#include "collet-rows.h"

typedef struct
{
  const ColletReloadRequest *request;
  GPtrArray *items; /* ColletReloadItem: as far as they are known */
  GStrv paths;      /* of the sources */
  guint verified;   /* rollback: items whose bytes are known to be good */
} Preflight;

static void
preflight_free (Preflight *self)
{
  g_clear_pointer (&self->items, g_ptr_array_unref);
  g_strfreev (self->paths);
  g_free (self);
}

char *
collet_reloader_look_up (ColletReloader *reloader, const char *source, GError **error)
{
  if (g_path_is_absolute (source))
    return g_strdup (source);
  if (strchr (source, G_DIR_SEPARATOR) != NULL)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                   "\"%s\" is a relative path, which means nothing to the daemon; give the absolute one.",
                   source);
      return NULL;
    }
  for (guint i = 0; reloader->config.module_path != NULL && reloader->config.module_path[i] != NULL; i++)
    {
      g_autofree char *name = g_strconcat (source, g_str_has_suffix (source, ".so") ? "" : ".so", NULL);
      g_autofree char *path = g_build_filename (reloader->config.module_path[i], name, NULL);

      if (g_file_test (path, G_FILE_TEST_EXISTS))
        return g_steal_pointer (&path);
    }

  g_autofree char *where =
      reloader->config.module_path != NULL ? g_strjoinv (":", reloader->config.module_path) : NULL;
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_ARTIFACT_NOT_FOUND,
               "There is no \"%s.so\" in the module path (%s). Give an absolute path, or add its folder with "
               "--module-path.",
               source, where != NULL && *where != '\0' ? where : "which is empty");
  return NULL;
}

static gboolean
look_up_all (ColletReloader *reloader, Preflight *self, GError **error)
{
  const ColletReloadRequest *request = self->request;
  const char *by_module[] = { request->module, NULL };
  const char *const *sources = (const char *const *)request->sources;
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);

  if (sources == NULL || sources[0] == NULL)
    sources = by_module;
  for (guint i = 0; sources[i] != NULL; i++)
    {
      char *path = collet_reloader_look_up (reloader, sources[i], error);

      if (path == NULL)
        return FALSE;
      g_ptr_array_add (paths, path);
    }
  g_ptr_array_add (paths, NULL);
  self->paths = (GStrv)g_ptr_array_free (g_steal_pointer (&paths), FALSE);
  return TRUE;
}

/* ---- candidates ---- */

static ColletReloadItem *
item_of_candidate (const ColletCandidate *candidate)
{
  ColletReloadItem *item =
      collet_reload_item_new (candidate->manifest != NULL ? candidate->manifest->name : "");

  if (candidate->manifest != NULL)
    item->manifest = collet_manifest_ref (candidate->manifest);
  if (candidate->version != NULL)
    item->to = collet_version_ref (candidate->version);
  item->path = g_strdup (candidate->path);
  return item;
}

/* Every refusal by name, up to a few; one alone keeps its own words. */
static GError *
sum_up (GPtrArray *candidates, guint refused)
{
  g_autoptr (GString) text = g_string_new (NULL);
  const GError *first = NULL;
  guint shown = 0;

  for (guint i = 0; i < candidates->len; i++)
    {
      const ColletCandidate *candidate = candidates->pdata[i];

      if (candidate->error == NULL)
        continue;
      if (first == NULL)
        first = candidate->error;
      if (shown++ < 5)
        {
          g_autofree char *name = g_filename_display_basename (candidate->source);
          g_autoptr (GError) told = collet_error_add_remedy (g_error_copy (candidate->error));

          g_string_append_printf (text, "\n  %s: %s", name, told->message);
        }
    }
  if (candidates->len == 1)
    return g_error_copy (first);
  if (refused > 5)
    g_string_append_printf (text, "\n  and %u more", refused - 5);
  return g_error_new (first->domain, first->code, "%u of %u modules were refused, so none was loaded:%s",
                      refused, candidates->len, text->str);
}

/* Somebody looked at the file before, and it was another one then. */
static gboolean
check_source (const Preflight *self, GPtrArray *candidates, GError **error)
{
  const ColletCandidate *candidate = candidates->pdata[0];
  const char *expected = self->request->expect_source;

  if (expected == NULL || candidate->version == NULL || g_str_equal (candidate->version->sha256, expected))
    return TRUE;
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_ARTIFACT_CHANGED,
               "%s changed while it was looked at; it is looked at again when it is finished.",
               candidate->source);
  return FALSE;
}

static void
take_candidates (GTask *task, GPtrArray *candidates)
{
  Preflight *self = g_task_get_task_data (task);
  GError *error = NULL;
  guint refused = 0;

  for (guint i = 0; i < candidates->len; i++)
    {
      const ColletCandidate *candidate = candidates->pdata[i];

      if (candidate->error != NULL)
        refused++;
      g_ptr_array_add (self->items, item_of_candidate (candidate));
    }
  if (!check_source (self, candidates, &error))
    g_task_return_error (task, error);
  else if (refused > 0)
    g_task_return_error (task, sum_up (candidates, refused));
  else
    g_task_return_boolean (task, TRUE);
}

static void
on_examined (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;
  g_autoptr (GPtrArray) candidates = collet_loader_examine_finish (COLLET_LOADER (object), result, &error);

  if (candidates != NULL)
    take_candidates (task, candidates);
  else
    g_task_return_error (task, error);
}

/* ---- bytes ---- */

/* Bytes that could not be had at all are no fault of the module. */
static void
blame_descriptor (ColletCandidate *candidate, const char *module)
{
  static const ColletError faults[] = { COLLET_ERROR_ARTIFACT_NOT_FOUND, COLLET_ERROR_NOT_AUTHORIZED,
                                        COLLET_ERROR_TIMEOUT, COLLET_ERROR_OVERLOADED };

  for (guint i = 0; i < G_N_ELEMENTS (faults); i++)
    if (g_error_matches (candidate->error, COLLET_ERROR, (int)faults[i]))
      {
        candidate->error->code = COLLET_ERROR_SWAP_FAILED;
        g_prefix_error (&candidate->error, "The bytes for module \"%s\": ", module);
        return;
      }
}

static void
on_bytes_examined (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  const Preflight *self = g_task_get_task_data (task);
  g_autoptr (GPtrArray) candidates = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_candidate_free);
  GError *error = NULL;
  ColletCandidate *candidate = collet_loader_examine_fd_finish (COLLET_LOADER (object), result, &error);

  if (candidate == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  if (candidate->version == NULL)
    blame_descriptor (candidate, self->request->module);
  g_ptr_array_add (candidates, candidate);
  take_candidates (task, candidates);
}

/* ---- rollback ---- */

static void verify_next (GTask *task);

static void
on_snapshot (GObject *object, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Preflight *self = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (ColletSnapshotRow) snapshot =
      collet_store_get_snapshot_finish (COLLET_STORE (object), result, &error);
  ColletReloadItem *item = self->items->pdata[self->verified];

  if (error != NULL)
    {
      g_task_return_error (task, error);
      g_object_unref (task);
      return;
    }
  if (self->request->state_choice == COLLET_STATE_AUTO)
    {
      item->fallback = snapshot != NULL ? g_bytes_ref (snapshot->state) : NULL;
      item->fallback_at = snapshot != NULL ? snapshot->taken_at : 0;
    }
  else if (snapshot != NULL)
    {
      item->after = g_bytes_ref (snapshot->state);
    }
  else
    {
      g_task_return_new_error (
          task, COLLET_ERROR, COLLET_ERROR_STATE_MIGRATION_FAILED,
          "There is no snapshot of module \"%s\" %s. Let its state be migrated, or discard it.", item->module,
          item->to->semver);
      g_object_unref (task);
      return;
    }
  self->verified++;
  verify_next (task);
}

static gboolean
needs_snapshot (const Preflight *self, const ColletReloadItem *item)
{
  return item->manifest->stateful && (self->request->state_choice == COLLET_STATE_SNAPSHOT ||
                                      self->request->state_choice == COLLET_STATE_AUTO);
}

static void
on_verified (GObject *object, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Preflight *self = g_task_get_task_data (task);
  ColletReloader *reloader = g_task_get_source_object (task);
  ColletReloadItem *item = self->items->pdata[self->verified];
  GError *error = NULL;

  item->path = collet_loader_verify_finish (COLLET_LOADER (object), result, &error);
  if (error != NULL)
    {
      g_task_return_error (task, error);
      g_object_unref (task);
      return;
    }
  if (needs_snapshot (self, item))
    {
      collet_store_get_snapshot_async (reloader->store, item->module, item->to->sha256, on_snapshot, task);
      return;
    }
  self->verified++;
  verify_next (task);
}

/* Takes the task. */
static void
verify_next (GTask *task)
{
  Preflight *self = g_task_get_task_data (task);
  ColletReloader *reloader = g_task_get_source_object (task);

  if (self->verified < self->items->len)
    {
      const ColletReloadItem *item = self->items->pdata[self->verified];

      collet_loader_verify_async (reloader->loader, item->to, TRUE, NULL, on_verified, task);
      return;
    }
  g_task_return_boolean (task, TRUE);
  g_object_unref (task);
}

/* `selector`: NULL, the previous version. */
static gboolean
find_target (ColletReloader *reloader, Preflight *self, const char *name, const char *selector,
             GError **error)
{
  ColletReloadItem *item = collet_reload_item_new (name);
  ColletModule *module = collet_registry_find_module (reloader->registry, name);
  const char *lost = g_hash_table_lookup (reloader->lost, name);

  g_ptr_array_add (self->items, item);
  if (module == NULL && lost == NULL)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_MODULE_NOT_LOADED,
                   "Module \"%s\" is not loaded; load it first.", name);
      return FALSE;
    }
  if (selector == NULL)
    selector = module != NULL ? collet_module_get_facts (module)->previous : lost;
  if (selector == NULL || *selector == '\0')
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_ROLLBACK_FAILED,
                   "Module \"%s\" has no previous version on this node; name one of the retained versions.",
                   name);
      return FALSE;
    }

  const ColletArtifactRow *row = collet_reloader_find_artifact (reloader, name, selector, error);
  if (row == NULL)
    return FALSE;
  item->to = collet_version_ref (row->version);
  item->manifest = collet_manifest_parse (row->manifest, strlen (row->manifest), error);
  return item->manifest != NULL;
}

static gboolean
find_targets (ColletReloader *reloader, Preflight *self, GError **error)
{
  const ColletReloadRequest *request = self->request;

  if (request->targets == NULL)
    return find_target (reloader, self, request->module, request->version, error);
  for (guint i = 0; request->targets[i] != NULL; i++)
    if (!find_target (reloader, self, request->names[i], request->targets[i], error))
      return FALSE;
  return TRUE;
}

void
collet_preflight_async (ColletReloader *reloader, ColletReloadRequest *request, GAsyncReadyCallback callback,
                        gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (reloader, NULL, callback, user_data);
  Preflight *self = g_new0 (Preflight, 1);
  GError *error = NULL;

  self->request = request;
  self->items = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_reload_item_free);
  g_task_set_task_data (task, self, (GDestroyNotify)preflight_free);

  switch (request->kind)
    {
    case COLLET_RELOAD_LOAD:
    case COLLET_RELOAD_HOT_RELOAD:
      if (!look_up_all (reloader, self, &error))
        g_task_return_error (task, error);
      else
        collet_loader_examine_async (reloader->loader, (const char *const *)self->paths, NULL, on_examined,
                                     g_steal_pointer (&task));
      break;
    case COLLET_RELOAD_SWAP:
      collet_loader_examine_fd_async (reloader->loader, g_steal_fd (&request->fd), request->filename, NULL,
                                      on_bytes_examined, g_steal_pointer (&task));
      break;
    case COLLET_RELOAD_ROLLBACK:
      if (!find_targets (reloader, self, &error))
        g_task_return_error (task, error);
      else
        verify_next (g_steal_pointer (&task));
      break;
    case COLLET_RELOAD_UNLOAD:
    case COLLET_RELOAD_DRAIN:
    case COLLET_RELOAD_RESUME:
      g_ptr_array_add (self->items, collet_reload_item_new (request->module));
      g_task_return_boolean (task, TRUE);
      break;
    case COLLET_RELOAD_SHUTDOWN: /* no module in particular */
      g_task_return_boolean (task, TRUE);
      break;
    case COLLET_RELOAD_ADOPT_STORE: /* is no request */
    default:
      g_assert_not_reached ();
    }
}

GPtrArray *
collet_preflight_finish (ColletReloader *reloader, GAsyncResult *result, GError **error)
{
  Preflight *self = g_task_get_task_data (G_TASK (result));

  g_task_propagate_boolean (G_TASK (result), error);
  return g_steal_pointer (&self->items);
}
