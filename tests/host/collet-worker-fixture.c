/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-worker-fixture.h"

static char *
module_path (const char *name)
{
  g_autofree char *file = g_strconcat (name, ".so", NULL);
  const char *folder = g_getenv ("COLLET_TEST_MODULES_DIR");
  char *path = g_build_filename (folder, file, NULL);

  if (g_file_test (path, G_FILE_TEST_EXISTS))
    return path;
  g_free (path);
  return g_build_filename (g_getenv ("COLLET_EXAMPLES_DIR"), file, NULL);
}

void
worker_fixture_set_up (WorkerFixture *fixture, gconstpointer data)
{
  const ColletWorkerUser none = { NULL, 0, 0 };

  worker_fixture_set_up_as (fixture, &none);
}

void
worker_fixture_set_up_as (WorkerFixture *fixture, const ColletWorkerUser *user)
{
  const char *readable[] = { g_getenv ("COLLET_TEST_MODULES_DIR"), g_getenv ("COLLET_EXAMPLES_DIR"), NULL };
  g_autoptr (GError) error = NULL;

  fixture->spawn = collet_spawn_new_as (g_getenv ("COLLET_WORKER"), readable, user, TRUE, &error);
  g_assert_no_error (error);
  collet_host_config_init (&fixture->config);
  fixture->config.limits.address_space = 0;
  fixture->config.grace_ms = 200;
  fixture->config.step_timeout_ms = 2000;
  fixture->slot = collet_slot_new ("m", 1000);
}

static void
ensure_host (WorkerFixture *fixture)
{
  if (fixture->host == NULL)
    fixture->host = collet_host_new (fixture->spawn, &fixture->config);
}

ColletGeneration *
worker_fixture_make (WorkerFixture *fixture, guint64 number, const char *file, const char *members)
{
  g_autofree char *path = module_path (file);

  ensure_host (fixture);
  return collet_host_create (fixture->host, COLLET_HOST_WORKER,
                             test_spec_new (number, "m", "1.0.0", members, path));
}

/* Published and, unless it is lazy, started. */
ColletGeneration *
worker_fixture_publish (WorkerFixture *fixture, guint64 number, const char *file, const char *members)
{
  ColletGeneration *generation = worker_fixture_make (fixture, number, file, members);
  g_autoptr (GError) error = NULL;

  test_start (generation, &error);
  g_assert_no_error (error);
  g_assert_null (collet_slot_publish (fixture->slot, generation));
  return generation;
}

void
worker_fixture_retire (WorkerFixture *fixture, ColletGeneration *generation)
{
  g_autoptr (ColletGeneration) former = collet_slot_publish (fixture->slot, NULL);

  g_assert_true (former == NULL || former == generation);
  if (collet_generation_get_state (generation) < COLLET_GENERATION_RETIRING)
    test_retire (generation, 2000);
  g_object_unref (generation);
}

void
worker_fixture_tear_down (WorkerFixture *fixture, gconstpointer data)
{
  g_clear_pointer (&fixture->slot, collet_slot_unref);
  g_clear_object (&fixture->host);
  g_assert_finalize_object (fixture->spawn);
}

TestCall *
worker_fixture_run (WorkerFixture *fixture, const char *tool, const char *arguments, guint deadline_ms)
{
  return test_call_run (collet_slot_as_target (fixture->slot), tool, arguments, deadline_ms);
}

void
worker_fixture_dispatch (WorkerFixture *fixture, TestCall *call)
{
  collet_call_target_dispatch (collet_slot_as_target (fixture->slot), &call->call);
}

gboolean
test_has_no_leases (gpointer data)
{
  ColletGenerationStats stats;

  collet_generation_get_stats (data, &stats);
  return stats.in_flight == 0;
}
