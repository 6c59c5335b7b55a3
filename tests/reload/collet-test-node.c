/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-test-node.h"

#include <glib/gstdio.h>
#include <string.h>

#include "collet-error.h"
#include "collet-rows.h"
#include "store-fixture.h"

char *
test_node_module (const char *name)
{
  g_autofree char *file = g_strconcat (name, ".so", NULL);
  char *path = g_build_filename (g_getenv ("COLLET_TEST_MODULES_DIR"), file, NULL);

  if (g_file_test (path, G_FILE_TEST_EXISTS))
    return path;
  g_free (path);
  return g_build_filename (g_getenv ("COLLET_EXAMPLES_DIR"), file, NULL);
}

/* ---- life ---- */

void
test_node_start (TestNode *node)
{
  g_autofree char *artifacts = g_build_filename (node->folder, "artifacts", NULL);
  const char *readable[] = { artifacts, NULL };
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  ColletStoreImage *image = NULL;
  ColletHostConfig config;

  g_mkdir (artifacts, 0700);
  node->store = fixture_open (node->folder, &image);
  node->spawn = collet_spawn_new (g_getenv ("COLLET_WORKER"), readable, TRUE, &error);
  g_assert_no_error (error);
  g_autoptr (ColletLoader) loader = collet_loader_new (artifacts, node->spawn, &error);
  g_assert_no_error (error);
  collet_host_config_init (&config);
  config.limits.address_space = 0;
  config.grace_ms = 200;
  config.step_timeout_ms = 2000;
  node->host = collet_host_new (node->spawn, &config);
  node->directory = collet_tool_directory_new ();
  node->registry = collet_registry_new (node->directory);
  node->reloader = collet_reloader_new (node->store, loader, node->host, node->registry, &node->config);
  collet_reloader_recover_async (node->reloader, image, test_store_result, &result);
  test_wait_result (&result);
  collet_reloader_recover_finish (node->reloader, result, &node->failed, &error);
  g_assert_no_error (error);
}

TestNode *
test_node_new (void)
{
  TestNode *node = g_new0 (TestNode, 1);

  node->folder = fixture_folder_new ();
  collet_reloader_config_init (&node->config);
  node->config.drain_timeout_ms = 2000;
  test_node_start (node);
  return node;
}

void
test_node_stop (TestNode *node)
{
  g_autoptr (GAsyncResult) result = NULL;

  collet_reloader_shutdown_async (node->reloader, 1000, test_store_result, &result);
  test_wait_result (&result);
  g_assert_true (collet_reloader_shutdown_finish (node->reloader, result, NULL));
  g_clear_object (&result);
  collet_store_close (node->store);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_finalize_object (g_steal_pointer (&node->reloader));
  g_assert_finalize_object (g_steal_pointer (&node->registry));
  g_clear_pointer (&node->directory, collet_tool_directory_free);
  g_assert_finalize_object (g_steal_pointer (&node->host));
  g_assert_finalize_object (g_steal_pointer (&node->store));
  g_clear_object (&node->spawn);
}

static void
empty (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);

  for (const char *name; dir != NULL && (name = g_dir_read_name (dir)) != NULL;)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      if (g_file_test (child, G_FILE_TEST_IS_DIR))
        empty (child);
      else
        g_unlink (child);
    }
  g_rmdir (path);
}

void
test_node_free (TestNode *node)
{
  if (node->reloader != NULL)
    test_node_stop (node);
  empty (node->folder);
  g_free (node->folder);
  g_free (node);
}

/* ---- requests ---- */

ColletReloadRequest *
test_node_request (ColletReloadKind kind, const char *module, const char *source)
{
  ColletReloadRequest *request = collet_reload_request_new (kind, 1000);

  request->module = g_strdup (module);
  if (kind == COLLET_RELOAD_ROLLBACK)
    request->state_choice = COLLET_STATE_AUTO;
  if (source == NULL)
    return request;
  request->sources = g_new0 (char *, 2);
  request->sources[0] = test_node_module (source);
  return request;
}

ColletReloadRequest *
test_node_batch (const char *first, ...)
{
  ColletReloadRequest *request = collet_reload_request_new (COLLET_RELOAD_LOAD, 1000);
  g_autoptr (GStrvBuilder) sources = g_strv_builder_new ();
  va_list names;

  va_start (names, first);
  for (const char *name = first; name != NULL; name = va_arg (names, const char *))
    {
      g_autofree char *path = test_node_module (name);

      g_strv_builder_add (sources, path);
    }
  va_end (names);
  request->sources = g_strv_builder_end (sources);
  return request;
}

ColletReload *
test_node_submit (TestNode *node, ColletReloadRequest *request, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  collet_reloader_submit_async (node->reloader, request, test_store_result, &result);
  test_wait_result (&result);
  return collet_reloader_submit_finish (node->reloader, result, error);
}

static gboolean
is_finished (gpointer reload)
{
  return collet_reload_is_finished (reload);
}

void
test_node_wait (ColletReload *reload)
{
  test_wait_until (is_finished, reload);
}

typedef struct
{
  ColletReload *reload;
  const char *phase;
} Phase;

static gboolean
is_in_phase (gpointer data)
{
  const Phase *phase = data;

  return collet_reload_is_finished (phase->reload) ||
         g_str_equal (collet_reload_get_phase (phase->reload), phase->phase);
}

void
test_node_wait_phase (ColletReload *reload, const char *phase)
{
  Phase data = { reload, phase };

  test_wait_until (is_in_phase, &data);
  g_assert_cmpstr (collet_reload_get_phase (reload), ==, phase);
}

gboolean
test_node_try (TestNode *node, ColletReloadRequest *request, GError **error)
{
  g_autoptr (ColletReload) reload = test_node_submit (node, request, error);

  if (reload == NULL)
    return FALSE;
  test_node_wait (reload);
  if (collet_reload_get_error (reload) == NULL)
    return TRUE;
  g_propagate_error (error, g_error_copy (collet_reload_get_error (reload)));
  return FALSE;
}

const char *
test_node_run (TestNode *node, ColletReloadRequest *request)
{
  g_autoptr (GError) error = NULL;

  if (test_node_try (node, request, &error))
    return NULL;
  g_test_message ("%s: %s", collet_error_name_of (error), error->message);
  g_assert_cmpuint (strlen (error->message), >, 15);
  return collet_error_name_of (error);
}

void
test_node_load (TestNode *node, const char *source)
{
  g_autoptr (GError) error = NULL;

  test_node_try (node, test_node_request (COLLET_RELOAD_LOAD, NULL, source), &error);
  g_assert_no_error (error);
}

/* ---- what serves ---- */

const char *
test_node_version (TestNode *node, const char *module)
{
  ColletModule *found = collet_registry_find_module (node->registry, module);

  return found != NULL ? collet_module_get_facts (found)->version->semver : NULL;
}

char *
test_node_call (TestNode *node, const char *tool, const char *arguments)
{
  g_autoptr (ColletToolList) list = collet_tool_directory_ref_list (node->directory);
  const ColletToolEntry *entry = collet_tool_list_find (list, tool, -1);

  if (entry == NULL)
    return g_strdup ("ToolNotFound");
  g_autoptr (TestCall) call = test_call_run (entry->target, entry->module_tool, arguments, 5000);
  return call->error != NULL ? g_strdup (collet_error_name_of (call->error)) : g_strdup (call->json);
}

gint64
test_node_count (TestNode *node, int by)
{
  g_autofree char *arguments = g_strdup_printf ("{\"by\":%d}", by);
  g_autofree char *answer = test_node_call (node, "count", arguments);
  const char *found = strstr (answer, "\"count\":");

  if (found == NULL)
    g_error ("No count in %s", answer);
  return g_ascii_strtoll (found + strlen ("\"count\":"), NULL, 10);
}

/* ---- the change queue ---- */

static void
on_held (gpointer data)
{
  *(gboolean *)data = TRUE;
}

static gboolean
is_true (gpointer data)
{
  return *(gboolean *)data;
}

void
test_node_hold (TestNode *node)
{
  collet_change_queue_enter (&node->reloader->changes, on_held, &node->is_held);
  test_wait_until (is_true, &node->is_held);
}

void
test_node_release (TestNode *node)
{
  g_assert_true (node->is_held);
  node->is_held = FALSE;
  collet_change_queue_leave (&node->reloader->changes);
}

/* ---- the record ---- */

GPtrArray *
test_node_history (TestNode *node, const char *module)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  collet_reloader_history_async (node->reloader, &(ColletHistoryQuery){ .module = module }, test_store_result,
                                 &result);
  test_wait_result (&result);
  GPtrArray *entries = collet_reloader_history_finish (node->reloader, result, &error);
  g_assert_no_error (error);
  return entries;
}

char *
test_node_story (TestNode *node)
{
  g_autoptr (GPtrArray) entries = test_node_history (node, NULL);
  GString *story = g_string_new (NULL);

  for (guint i = entries->len; i > 0; i--)
    {
      const ColletHistoryEntry *entry = entries->pdata[i - 1];

      g_string_append_printf (story, "%s%s %s", story->len > 0 ? ", " : "", entry->kind, entry->state);
      if (entry->error != NULL)
        g_string_append_printf (story, " %s", entry->error);
    }
  return g_string_free (story, FALSE);
}

char *
test_node_committed (TestNode *node, const char *module)
{
  g_autofree char *sql =
      g_strdup_printf ("SELECT semantic_version FROM artifact JOIN module USING (sha256) WHERE name = '%s'",
                       module);

  return fixture_query (node->folder, sql);
}
