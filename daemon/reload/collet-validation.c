/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-validation.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "collet-compatibility.h"
#include "collet-error-remedy.h"
#include "collet-reloader-private.h"

void
collet_validation_free (ColletValidation *validation)
{
  g_clear_error (&validation->error);
  g_clear_pointer (&validation->version, collet_version_unref);
  g_clear_pointer (&validation->manifest, collet_manifest_unref);
  g_strfreev (validation->differences);
  g_clear_pointer (&validation->checks, g_ptr_array_unref);
  g_free (validation);
}

/* Takes `error`: why it fails, or NULL. */
static void
add_check (ColletValidation *validation, const char *name, const char *evidence, GError *error)
{
  if (error == NULL)
    {
      g_ptr_array_add (validation->checks, collet_check_new (name, COLLET_CHECK_PASSED, evidence, NULL));
      return;
    }
  g_ptr_array_add (validation->checks, collet_check_new (name, COLLET_CHECK_FAILED, error->message,
                                                         collet_error_remedy ((ColletError)error->code)));
  if (validation->error == NULL)
    validation->error = error;
  else
    g_error_free (error);
}

/* ---- against what runs ---- */

static void
add_verdict (ColletValidation *validation, const ColletModuleFacts *runs)
{
  gboolean has_differences = validation->differences != NULL && validation->differences[0] != NULL;
  g_autofree char *list = has_differences ? g_strjoinv ("; ", validation->differences)
                                          : g_strdup ("no difference that clients see");
  g_autofree char *evidence =
      g_strdup_printf ("%s, against %s: %s", validation->verdict, runs->version->semver, list);
  GError *error = NULL;

  if (g_str_equal (validation->verdict, "breaking"))
    error = g_error_new_literal (COLLET_ERROR, COLLET_ERROR_BREAKING_CHANGE, evidence);
  add_check (validation, "compatibility", evidence, error);
}

/* Whoever calls as before: is there a way for them? */
static void
add_former (ColletValidation *validation, const ColletCompatibility *compatibility,
            const ColletModuleFacts *runs)
{
  g_autofree char *evidence = NULL;

  if (compatibility->obstacle != NULL)
    evidence = g_strdup_printf ("Calls in the form of %s can never be taken over: %s", runs->version->semver,
                                compatibility->obstacle);
  else if (compatibility->n_former > 0)
    evidence = g_strdup_printf ("Calls in the form of %s are taken over, of %u tools.", runs->version->semver,
                                compatibility->n_former);
  else
    return;
  g_ptr_array_add (validation->checks,
                   collet_check_new (
                       "former-calls",
                       compatibility->obstacle != NULL ? COLLET_CHECK_WARNING : COLLET_CHECK_PASSED, evidence,
                       compatibility->obstacle != NULL
                           ? "Give it a default, or say under \"former\" of the tool what becomes of it."
                           : NULL));
}

static void
compare (ColletReloader *self, ColletValidation *validation)
{
  ColletModule *module = collet_registry_find_module (self->registry, validation->manifest->name);
  if (module == NULL)
    {
      validation->verdict = "new";
      g_ptr_array_add (validation->checks, collet_check_new ("compatibility", COLLET_CHECK_SKIPPED,
                                                             "No version of it runs to compare with.", NULL));
      return;
    }

  const ColletModuleFacts *runs = collet_module_get_facts (module);
  g_autoptr (ColletCompatibility) compatibility =
      collet_compatibility_compare (runs->manifest, validation->manifest);
  gboolean is_same = g_str_equal (runs->version->sha256, validation->version->sha256);

  validation->verdict =
      collet_verdict_to_string (is_same ? COLLET_VERDICT_IDENTICAL : compatibility->verdict);
  validation->differences = g_strdupv (compatibility->differences);
  add_verdict (validation, runs);
  add_former (validation, compatibility, runs);
}

/* ---- on this node, now ---- */

/* NULL: no other module serves a tool of its. */
static GError *
find_clash (ColletReloader *self, const ColletValidation *validation)
{
  GPtrArray *modules = g_ptr_array_new ();
  ColletModuleFacts *facts = g_new0 (ColletModuleFacts, 1);
  GError *error = NULL;

  facts->name = g_strdup (validation->manifest->name);
  facts->version = collet_version_ref (validation->version);
  facts->manifest = collet_manifest_ref (validation->manifest);
  g_ptr_array_add (modules, facts);
  g_autoptr (ColletRegistryPlan) plan = collet_registry_plan (self->registry, modules, 0, &error);
  return error;
}

/* What the review of a load would say; what is breaking has its own check. */
static GError *
find_obstacle (ColletReloader *self, const ColletValidation *validation)
{
  g_autoptr (ColletReloadRequest) request = collet_reload_request_new (COLLET_RELOAD_LOAD, -1);
  g_autoptr (ColletReloadItem) item = collet_reload_item_new (validation->manifest->name);
  GError *error = NULL;

  if (collet_reloader_find_deployment (self, item->module) == NULL)
    return NULL; /* it never ran: nothing is in the way */
  item->to = collet_version_ref (validation->version);
  item->manifest = collet_manifest_ref (validation->manifest);
  request->allow_breaking = TRUE;
  collet_review_item (self, request, item, &error);
  return error;
}

static void
review (ColletReloader *self, ColletValidation *validation)
{
  if (validation->error != NULL || validation->manifest == NULL || validation->version == NULL)
    return;
  compare (self, validation);
  add_check (validation, "names", "No other module serves a tool of its names.",
             find_clash (self, validation));
  add_check (validation, "admission", "It could be loaded now.", find_obstacle (self, validation));
}

static void
on_validated (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;
  g_autoptr (ColletCandidate) candidate =
      collet_loader_validate_finish (COLLET_LOADER (object), result, &error);

  if (candidate != NULL && candidate->version == NULL && candidate->error != NULL)
    error = g_steal_pointer (&candidate->error); /* there are no bytes to report on */
  if (error != NULL)
    {
      g_task_return_error (task, collet_error_convert (error));
      return;
    }

  ColletValidation *validation = g_new0 (ColletValidation, 1);
  validation->error = g_steal_pointer (&candidate->error);
  validation->version = g_steal_pointer (&candidate->version);
  validation->manifest = g_steal_pointer (&candidate->manifest);
  validation->checks = g_ptr_array_ref (candidate->checks);
  review (g_task_get_source_object (task), validation);
  g_task_return_pointer (task, validation, (GDestroyNotify)collet_validation_free);
}

void
collet_reloader_validate_async (ColletReloader *self, const char *source, GAsyncReadyCallback callback,
                                gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  GError *error = NULL;
  g_autofree char *path = collet_reloader_look_up (self, source, &error);

  if (path == NULL)
    g_task_return_error (task, error);
  else
    collet_loader_validate_async (self->loader, path, NULL, on_validated, g_steal_pointer (&task));
}

ColletValidation *
collet_reloader_validate_finish (ColletReloader *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* ---- bytes ---- */

static void
on_verified (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;
  char *path = collet_loader_verify_finish (COLLET_LOADER (object), result, &error);

  if (path == NULL)
    g_task_return_error (task, collet_error_convert (error));
  else
    g_task_return_pointer (task, path, g_free);
}

void
collet_reloader_open_artifact_async (ColletReloader *self, const char *module, const char *selector,
                                     GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  ColletModule *loaded = collet_registry_find_module (self->registry, module);
  ColletVersion *version = loaded != NULL ? collet_module_get_facts (loaded)->version : NULL;
  GError *error = NULL;

  if (selector != NULL)
    version = collet_reloader_find_version (self, module, selector, &error);
  else if (version == NULL)
    g_set_error (&error, COLLET_ERROR, COLLET_ERROR_MODULE_NOT_LOADED,
                 "Module \"%s\" is not loaded; load it first.", module);
  if (version == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  g_task_set_task_data (task, g_strdup_printf ("%s-%s.so", module, version->semver), g_free);
  collet_loader_verify_async (self->loader, version, FALSE, NULL, on_verified, g_steal_pointer (&task));
}

int
collet_reloader_open_artifact_finish (ColletReloader *self, GAsyncResult *result, char **filename,
                                      GError **error)
{
  g_autofree char *path = g_task_propagate_pointer (G_TASK (result), error);

  if (path == NULL)
    return -1;

  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_ARTIFACT_NOT_FOUND,
                   "%s cannot be opened: %s. Load the module again.", path, g_strerror (errno));
      return -1;
    }
  *filename = g_strdup (g_task_get_task_data (G_TASK (result)));
  return fd;
}

static void
on_identified (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  g_autoptr (GError) error = NULL;
  char *sha256 = collet_loader_identify_finish (COLLET_LOADER (object), result, &error);

  g_task_return_pointer (task, sha256, g_free);
}

void
collet_reloader_look_on_disk_async (ColletReloader *self, const char *module, GAsyncReadyCallback callback,
                                    gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  g_autofree char *path = collet_reloader_look_up (self, module, NULL);

  if (path == NULL)
    g_task_return_pointer (task, NULL, NULL);
  else
    collet_loader_identify_async (self->loader, path, on_identified, g_steal_pointer (&task));
}

char *
collet_reloader_look_on_disk_finish (ColletReloader *self, GAsyncResult *result)
{
  return g_task_propagate_pointer (G_TASK (result), NULL);
}
