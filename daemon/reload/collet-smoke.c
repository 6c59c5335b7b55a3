/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-smoke.h"

#include "collet-error.h"
#include "collet-reloader-private.h"
#include "collet-smoke-test.h"
#include "collet-store-smoke.h"

/* ---- which there are ---- */

const char *
collet_reloader_get_smoke_tests (ColletReloader *self, const char *module)
{
  return g_hash_table_lookup (self->smoke_tests, module);
}

static void
add_all (ColletReloadItem *item, GPtrArray *tests, const char *origin)
{
  for (guint i = 0; i < tests->len; i++)
    {
      ColletSmokeCase smoke_case = { tests->pdata[i], origin, i + 1 };

      g_array_append_val (item->smoke_cases, smoke_case);
    }
}

static gboolean
add_set (ColletReloader *self, ColletReloadItem *item, GError **error)
{
  const char *text = collet_reloader_get_smoke_tests (self, item->module);

  if (text == NULL)
    return TRUE;
  item->set_tests = collet_smoke_tests_parse (text, error);
  if (item->set_tests == NULL)
    {
      g_prefix_error (error, "The smoke tests that are set for module \"%s\": ", item->module);
      return FALSE;
    }
  add_all (item, item->set_tests, "set here");
  return TRUE;
}

/* A test of the request goes to the module that has its tool. */
static gboolean
add_given (const ColletReloadRequest *request, GPtrArray *items, GError **error)
{
  for (guint i = 0; request->smoke_tests != NULL && i < request->smoke_tests->len; i++)
    {
      ColletSmokeTest *test = request->smoke_tests->pdata[i];
      ColletSmokeCase smoke_case = { test, "in the request", i + 1 };
      gboolean is_found = FALSE;

      for (guint j = 0; !is_found && j < items->len; j++)
        {
          ColletReloadItem *item = items->pdata[j];

          is_found = collet_manifest_find_tool (item->manifest, test->tool) != NULL;
          if (is_found)
            g_array_append_val (item->smoke_cases, smoke_case);
        }
      if (is_found)
        continue;
      g_set_error (
          error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
          "Smoke test %u in the request calls \"%s\", a tool that the new version does not have. Name "
          "one that its manifest lists.",
          i + 1, test->tool);
      return FALSE;
    }
  return TRUE;
}

gboolean
collet_reloader_collect_smoke_tests (ColletReloader *self, const ColletReloadRequest *request,
                                     GPtrArray *items, GError **error)
{
  /* The way back stays open. */
  if (request->kind == COLLET_RELOAD_ROLLBACK || collet_reload_kind_is_service (request->kind))
    return TRUE;
  for (guint i = 0; i < items->len; i++)
    {
      ColletReloadItem *item = items->pdata[i];

      if (item->to == NULL)
        return TRUE; /* nothing starts */
      item->smoke_cases = g_array_new (FALSE, FALSE, sizeof (ColletSmokeCase));
      add_all (item, item->manifest->smoke_tests, "in its manifest");
      if (!add_set (self, item, error))
        return FALSE;
    }
  return add_given (request, items, error);
}

/* ---- setting ---- */

typedef struct
{
  char *module;
  char *tests; /* or NULL */
} Change;

static void
change_free (Change *self)
{
  g_free (self->module);
  g_free (self->tests);
  g_free (self);
}

static void
on_stored (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  ColletReloader *self = g_task_get_source_object (task);
  Change *change = g_task_get_task_data (task);
  GError *error = NULL;

  if (!collet_store_set_smoke_tests_finish (COLLET_STORE (object), result, &error))
    {
      g_task_return_error (task, collet_error_convert (error));
      return;
    }
  if (change->tests != NULL)
    g_hash_table_insert (self->smoke_tests, g_strdup (change->module), g_steal_pointer (&change->tests));
  else
    g_hash_table_remove (self->smoke_tests, change->module);
  g_task_return_boolean (task, TRUE);
}

void
collet_reloader_set_smoke_tests_async (ColletReloader *self, const char *module, const char *tests,
                                       gint64 uid, const char *reason, GAsyncReadyCallback callback,
                                       gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  Change *change = g_new0 (Change, 1);
  GError *error = NULL;
  g_autoptr (GPtrArray) parsed = NULL;

  g_task_set_task_data (task, change, (GDestroyNotify)change_free);
  if (!collet_manifest_is_module_name (module))
    error =
        g_error_new (COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                     "\"%.64s\" cannot be the name of a module: [a-z0-9][a-z0-9_.-]*, at most 64.", module);
  else
    parsed = collet_smoke_tests_parse (tests, &error);
  if (parsed == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  change->module = g_strdup (module);
  change->tests = parsed->len > 0 ? g_strdup (tests) : NULL;
  collet_store_set_smoke_tests_async (self->store, module, change->tests, uid, reason, on_stored,
                                      g_steal_pointer (&task));
}

gboolean
collet_reloader_set_smoke_tests_finish (ColletReloader *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
