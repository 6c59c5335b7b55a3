/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * May this candidate take the place of what runs? Decided while the module is
 * locked, so what is found here still holds at the commit point.
 */
#include "collet-reloader-private.h"

#include "collet-compatibility.h"
#include "collet-error.h"

/* What did not come back at the start can be rolled back or unloaded all the same;
 * of a group those that are named were looked for before. */
static gboolean
needs_old (ColletReloader *reloader, const ColletReloadRequest *request, const ColletReloadItem *item)
{
  if (request->kind == COLLET_RELOAD_LOAD || request->kind == COLLET_RELOAD_SWAP || request->names != NULL)
    return FALSE;
  return !g_hash_table_contains (reloader->lost, item->module) ||
         (request->kind != COLLET_RELOAD_ROLLBACK && request->kind != COLLET_RELOAD_UNLOAD);
}

/* What it has to run now, by the request; NULL: anything. */
static const char *
find_expected (const ColletReloadRequest *request, const ColletReloadItem *item)
{
  for (guint i = 0; request->expected != NULL && request->expected[i] != NULL; i++)
    if (g_str_equal (request->names[i], item->module))
      return request->expected[i];
  return request->expect_version;
}

static gboolean
review_identity (ColletReloader *reloader, const ColletReloadRequest *request, const ColletReloadItem *item,
                 GError **error)
{
  const char *expected = find_expected (request, item);

  if (request->module != NULL && !g_str_equal (request->module, item->module))
    {
      g_set_error (
          error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
          "The artifact is a version of module \"%s\", not of \"%s\". Name the right one, or load it as "
          "a module of its own.",
          item->module, request->module);
      return FALSE;
    }
  if (item->old == NULL && needs_old (reloader, request, item))
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_MODULE_NOT_LOADED,
                   "Module \"%s\" is not loaded; load it first.", item->module);
      return FALSE;
    }
  if (expected != NULL && (item->from == NULL || !collet_version_matches (item->from, expected)))
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_VERSION_MISMATCH,
                   "Module \"%s\" runs %.12s, not the expected %s. Look at what changed, then ask again.",
                   item->module, item->from != NULL ? item->from->sha256 : "nothing", expected);
      return FALSE;
    }
  return TRUE;
}

static gboolean
review_live (ColletReloader *reloader, const ColletReloadItem *item, GError **error)
{
  guint live = collet_deployment_get_live (item->deployment);

  if (item->to == NULL || live < reloader->config.max_live ||
      collet_deployment_has_warm (item->deployment, item->to))
    return TRUE;
  g_set_error (
      error, COLLET_ERROR, COLLET_ERROR_NOT_PURGED,
      "%u generations of module \"%s\" are live, and %u is the limit: older ones still finish their calls. "
      "Wait until they have drained.",
      live, item->module, reloader->config.max_live);
  return FALSE;
}

static gboolean
review_state (const ColletReloadRequest *request, const ColletReloadItem *item, GError **error)
{
  gboolean is_stateful = collet_reload_item_is_stateful (item);

  if (request->state_choice == COLLET_STATE_GIVEN && !is_stateful)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                   "A state was given, but \"%s\" %s keeps none; leave it out.", item->module,
                   item->to != NULL ? item->to->semver : "(unloaded)");
      return FALSE;
    }
  if (item->to != NULL && collet_reload_item_was_stateful (item) && !is_stateful &&
      request->state_choice != COLLET_STATE_DISCARD)
    {
      g_set_error (
          error, COLLET_ERROR, COLLET_ERROR_STATE_MIGRATION_FAILED,
          "Module \"%s\" keeps state, but its version %s does not, so the state would be lost. Ask for "
          "that with discard-state, or load another version.",
          item->module, item->to->semver);
      return FALSE;
    }
  return TRUE;
}

/* Two versions at once would each have a part of the state. */
static gboolean
review_canary (const ColletReloadRequest *request, const ColletReloadItem *item, GError **error)
{
  if (!collet_reload_request_has_canary (request) ||
      (!collet_reload_item_is_stateful (item) && !collet_reload_item_was_stateful (item)))
    return TRUE;
  g_set_error (
      error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
      "Module \"%s\" keeps state, and two versions at once would each have a part of it, so it can have "
      "no canary. Reload it with a trial window instead.",
      item->module);
  return FALSE;
}

static void
compare (ColletReloadItem *item)
{
  if (item->old == NULL || item->manifest == NULL)
    return;

  const ColletGenerationSpec *runs = collet_generation_get_spec (item->old);
  g_autoptr (ColletCompatibility) compatibility =
      collet_compatibility_compare (runs->manifest, item->manifest);
  gboolean is_same = g_str_equal (runs->version->sha256, item->to->sha256);

  item->verdict = collet_verdict_to_string (is_same ? COLLET_VERDICT_IDENTICAL : compatibility->verdict);
  item->differences = g_strdupv (compatibility->differences);
  item->is_breaking = !is_same && compatibility->verdict == COLLET_VERDICT_BREAKING;
}

/* The way back is always open; forward, clients must not be surprised. */
static gboolean
review_compatibility (const ColletReloadRequest *request, const ColletReloadItem *item, GError **error)
{
  if (!item->is_breaking || request->allow_breaking || request->kind == COLLET_RELOAD_ROLLBACK)
    return TRUE;

  g_autofree char *differences = g_strjoinv ("; ", item->differences);
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_BREAKING_CHANGE,
               "Version %s of module \"%s\" breaks clients of %s: %s. Keep what they use, or allow it with "
               "allow-breaking.",
               item->to->semver, item->module, item->from->semver, differences);
  return FALSE;
}

static ColletHostKind
choose_host (const ColletReloadRequest *request, const ColletReloadItem *item)
{
  if (request->host != NULL)
    return g_str_equal (request->host, "in-process") ? COLLET_HOST_IN_PROCESS : COLLET_HOST_WORKER;
  return item->old != NULL ? collet_deployment_get_host_kind (item->deployment) : COLLET_HOST_WORKER;
}

gboolean
collet_review_item (ColletReloader *reloader, const ColletReloadRequest *request, ColletReloadItem *item,
                    GError **error)
{
  item->deployment = g_object_ref (collet_reloader_ensure_deployment (reloader, item->module));
  g_set_object (&item->old, collet_deployment_get_published (item->deployment));
  if (item->old != NULL)
    item->from = collet_version_ref (collet_generation_get_spec (item->old)->version);
  item->kind = choose_host (request, item);

  if (collet_reload_kind_is_service (request->kind))
    {
      if (!review_identity (reloader, request, item, error))
        return FALSE;
      item->to = collet_version_ref (item->from);
      item->manifest = collet_manifest_ref (collet_generation_get_spec (item->old)->manifest);
      return TRUE;
    }
  if (!review_identity (reloader, request, item, error) || !review_live (reloader, item, error) ||
      !review_canary (request, item, error) || !review_state (request, item, error))
    return FALSE;
  compare (item);
  return review_compatibility (request, item, error);
}
