/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-test-calls.h"

#include <string.h>

static void
on_done (ColletCall *base, const ColletCallResult *result)
{
  TestCall *call = (TestCall *)base;

  if (result->error != NULL)
    call->error = g_error_copy (result->error);
  if (result->json != NULL)
    call->json = g_strndup (result->json, result->json_size);
  call->is_cancelled = result->is_cancelled;
  call->generation = result->generation;
  call->run_us = result->run_us;
  call->answered_by = g_thread_self ();
  if (call->next_target != NULL)
    collet_call_target_dispatch (call->next_target, call->next);
  g_atomic_int_inc (&call->n_done);
}

static void
on_progress (ColletCall *base, const char *json, gsize size)
{
  TestCall *call = (TestCall *)base;

  if (g_atomic_int_get (&call->n_done) > 0)
    call->spoke_late = TRUE;
  g_atomic_int_inc (&call->n_progress);
}

static void
on_log (ColletCall *base, int level, const char *json, gsize size)
{
  TestCall *call = (TestCall *)base;

  if (g_atomic_int_get (&call->n_done) > 0)
    call->spoke_late = TRUE;
  g_atomic_int_inc (&call->n_log);
}

static const ColletCallClass call_class = { on_done, on_progress, on_log };

TestCall *
test_call_new (const char *tool, const char *arguments, guint deadline_ms)
{
  TestCall *call = g_new0 (TestCall, 1);

  call->tool = g_strdup (tool);
  call->arguments = g_strdup (arguments);
  call->call.class_ = &call_class;
  call->call.tool = call->tool;
  call->call.arguments = call->arguments;
  call->call.arguments_size = strlen (arguments);
  call->call.deadline_us =
      deadline_ms > 0 ? g_get_monotonic_time () + (gint64)deadline_ms * 1000 : G_MAXINT64;
  call->call.log_level = 255;
  return call;
}

void
test_call_free (TestCall *call)
{
  g_assert_false (call->spoke_late);
  g_clear_error (&call->error);
  g_free (call->json);
  g_free (call->tool);
  g_free (call->arguments);
  g_free (call);
}

static gboolean
on_too_long (gpointer user_data)
{
  g_error ("What the test waits for does not come");
  return G_SOURCE_REMOVE;
}

/* So that a condition that another thread makes true is seen. */
static gboolean
on_tick (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

void
test_wait_until (gboolean (*condition) (gpointer data), gpointer data)
{
  guint limit = g_timeout_add_seconds (20, on_too_long, NULL);
  guint tick = g_timeout_add (1, on_tick, NULL);

  while (!condition (data))
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (tick);
  g_source_remove (limit);
}

static gboolean
is_done (gpointer data)
{
  return g_atomic_int_get (&((TestCall *)data)->n_done) > 0;
}

void
test_call_wait (TestCall *call)
{
  test_wait_until (is_done, call);
}

static gboolean
is_over (gpointer data)
{
  return g_get_monotonic_time () >= *(gint64 *)data;
}

void
test_wait_ms (guint milliseconds)
{
  gint64 at = g_get_monotonic_time () + (gint64)milliseconds * 1000;

  test_wait_until (is_over, &at);
}

void
test_store_result (GObject *object, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **)user_data = g_object_ref (result);
}

static gboolean
has_result (gpointer data)
{
  return *(GAsyncResult **)data != NULL;
}

GAsyncResult *
test_wait_result (GAsyncResult **result)
{
  test_wait_until (has_result, result);
  return *result;
}

TestCall *
test_call_run (ColletCallTarget *target, const char *tool, const char *arguments, guint deadline_ms)
{
  TestCall *call = test_call_new (tool, arguments, deadline_ms);

  collet_call_target_dispatch (target, &call->call);
  test_call_wait (call);
  return call;
}

ColletGenerationSpec *
test_spec_new (guint64 number, const char *module, const char *version, const char *members, const char *path)
{
  g_autofree char *text = g_strdup_printf (
      "{\"name\":\"%s\",\"version\":\"%s\",%s\"tools\":[{\"name\":\"t\",\"description\":\"d\","
      "\"inputSchema\":{\"type\":\"object\"}}]}",
      module, version, members);
  g_autofree char *sha256 = g_compute_checksum_for_string (G_CHECKSUM_SHA256, path, -1);
  g_autofree char *md5 = g_compute_checksum_for_string (G_CHECKSUM_MD5, path, -1);
  g_autoptr (GError) error = NULL;
  g_autoptr (ColletManifest) manifest = collet_manifest_parse (text, strlen (text), &error);
  g_autoptr (ColletVersion) identity = collet_version_new (sha256, md5, sha256, NULL, version, 1);

  g_assert_no_error (error);
  return collet_generation_spec_new (number, identity, manifest, path);
}

gboolean
test_start (ColletGeneration *generation, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  collet_generation_start_async (generation, NULL, test_store_result, &result);
  return collet_generation_start_finish (generation, test_wait_result (&result), error);
}

ColletRetirement
test_retire (ColletGeneration *generation, guint deadline_ms)
{
  g_autoptr (GAsyncResult) result = NULL;

  collet_generation_retire_async (generation, deadline_ms, NULL, test_store_result, &result);
  return collet_generation_retire_finish (generation, test_wait_result (&result));
}

static guint
count_entries (const char *path)
{
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  guint n = 0;

  while (g_dir_read_name (folder) != NULL)
    n++;
  return n;
}

guint
test_count_fds (void)
{
  return count_entries ("/proc/self/fd");
}

guint
test_count_threads (void)
{
  return count_entries ("/proc/self/task");
}
