/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Calls a second through a slot and a worker, from one dispatching thread. Not a
 * test: COLLET_WORKER=... COLLET_TEST_MODULES_DIR=... measure-calls [in-process] */
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collet-slot.h"
#include "collet-test-calls.h"

#define CALLS 300000

typedef struct
{
  ColletCall call;
  sem_t *free_calls;
} Call;

static gint n_errors;
static Call *free_list[256];
static gint n_free;
static pthread_mutex_t free_lock = PTHREAD_MUTEX_INITIALIZER;

static void
on_done (ColletCall *base, const ColletCallResult *result)
{
  Call *call = (Call *)base;

  if (result->error != NULL)
    g_atomic_int_inc (&n_errors);
  pthread_mutex_lock (&free_lock);
  free_list[n_free++] = call;
  pthread_mutex_unlock (&free_lock);
  sem_post (call->free_calls);
}

static const ColletCallClass class_ = { on_done, NULL, NULL };

typedef struct
{
  ColletSlot *slot;
  guint in_flight;
  gboolean done;
} Run;

static gpointer
dispatch_calls (gpointer data)
{
  Run *run = data;
  g_autofree Call *calls = g_new0 (Call, run->in_flight);
  sem_t free_calls;
  gint64 began;

  sem_init (&free_calls, 0, run->in_flight);
  n_free = 0;
  for (guint i = 0; i < run->in_flight; i++)
    free_list[n_free++] = &calls[i];
  began = g_get_monotonic_time ();
  for (guint i = 0; i < CALLS; i++)
    {
      Call *call;

      sem_wait (&free_calls);
      pthread_mutex_lock (&free_lock);
      call = free_list[--n_free];
      pthread_mutex_unlock (&free_lock);
      *call = (Call){ .free_calls = &free_calls };
      call->call.class_ = &class_;
      call->call.tool = "echo";
      call->call.arguments = "{\"a\":1,\"b\":2}";
      call->call.arguments_size = strlen (call->call.arguments);
      call->call.deadline_us = began + 60 * G_USEC_PER_SEC;
      call->call.log_level = 255;
      collet_call_target_dispatch (collet_slot_as_target (run->slot), &call->call);
    }
  for (guint i = 0; i < run->in_flight; i++)
    sem_wait (&free_calls);
  printf ("%3u in flight: %7.0f calls/s\n", run->in_flight,
          CALLS * 1e6 / (double)(g_get_monotonic_time () - began));
  g_atomic_int_set (&run->done, TRUE);
  return NULL;
}

static gboolean
is_done (gpointer data)
{
  return g_atomic_int_get (&((Run *)data)->done);
}

int
main (int argc, char **argv)
{
  const char *folder = g_getenv ("COLLET_TEST_MODULES_DIR");
  ColletHostKind kind = argc > 1 ? COLLET_HOST_IN_PROCESS : COLLET_HOST_WORKER;
  g_autofree char *path = g_build_filename (folder, "echo-1.0.0.so", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (ColletSpawn) spawn =
      collet_spawn_new (g_getenv ("COLLET_WORKER"), (const char *[]){ folder, NULL }, TRUE, &error);
  ColletHostConfig config;
  g_autoptr (ColletHost) host = NULL;
  g_autoptr (ColletSlot) slot = collet_slot_new ("echo", 1000);
  g_autoptr (ColletGeneration) generation = NULL;
  g_autoptr (ColletGeneration) former = NULL;

  g_assert_no_error (error);
  collet_host_config_init (&config);
  host = collet_host_new (spawn, &config);
  generation = collet_host_create (host, kind, test_spec_new (1, "echo", "1.0.0", "", path));
  g_assert_true (test_start (generation, NULL));
  former = collet_slot_publish (slot, generation);
  for (guint in_flight = 1; in_flight <= 256; in_flight *= 4)
    {
      Run run = { slot, in_flight, FALSE };
      GThread *thread = g_thread_new ("dispatch", dispatch_calls, &run);

      test_wait_until (is_done, &run);
      g_thread_join (thread);
    }
  g_assert_cmpint (n_errors, ==, 0);
  g_clear_object (&former);
  former = collet_slot_publish (slot, NULL);
  test_retire (generation, 1000);
  return 0;
}
