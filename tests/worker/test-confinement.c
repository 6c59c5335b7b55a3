/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "collet-test-client.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_ADDRESS_LIMIT FALSE
#else
#define HAS_ADDRESS_LIMIT TRUE
#endif

typedef struct
{
  Server server;
  Worker worker;
} Fixture;

static void
server_set_up (Fixture *self, gconstpointer data)
{
  server_start (&self->server);
}

static void
server_tear_down (Fixture *self, gconstpointer data)
{
  server_stop (&self->server);
}

static void
start_nosy (Fixture *self, gboolean network)
{
  g_autofree char *path = module_path ("COLLET_NOSY_DIR", "nosy.so");
  struct collet_limits limits = default_limits ();
  g_autoptr (Received) ready = NULL;

  worker_spawn (&self->server, &self->worker, path, &limits, 1, network);
  ready = expect (self->worker.control_fd, COLLET_FRAME_READY);
}

/* name -> errno, of what a tool of `nosy` tried. */
static GHashTable *
try_tool (Fixture *self, const char *tool)
{
  GHashTable *outcomes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autofree char *json = worker_call (&self->worker, 1, tool, "{}", NULL);
  const char *text = strstr (json, "\"text\":\"");
  g_auto (GStrv) lines = NULL;

  g_assert_nonnull (text);
  lines = g_strsplit (text + strlen ("\"text\":\""), "\\n", -1);
  for (guint i = 0; lines[i] != NULL && strchr (lines[i], ' ') != NULL; i++)
    {
      char *space = strchr (lines[i], ' ');

      g_hash_table_insert (outcomes, g_strndup (lines[i], (gsize)(space - lines[i])),
                           GINT_TO_POINTER (atoi (space)));
    }
  return outcomes;
}

static void
test_denied (Fixture *self, gconstpointer data)
{
  g_autoptr (GHashTable) outcomes = NULL;
  GHashTableIter iter;
  gpointer name, outcome;

  g_remove ("/tmp/collet-nosy"); /* of a run in which it was possible */
  start_nosy (self, FALSE);
  outcomes = try_tool (self, "forbidden");
  g_assert_cmpuint (g_hash_table_size (outcomes), >, 40);
  g_hash_table_iter_init (&iter, outcomes);
  while (g_hash_table_iter_next (&iter, &name, &outcome))
    if (GPOINTER_TO_INT (outcome) != EPERM && GPOINTER_TO_INT (outcome) != EACCES)
      g_error ("%s: %s", (char *)name, g_strerror (GPOINTER_TO_INT (outcome)));
  g_assert_false (g_file_test ("/tmp/collet-nosy", G_FILE_TEST_EXISTS));
  worker_stop (&self->server, &self->worker);
}

static guint64
get_refused (Fixture *self, const char *name)
{
  return GPOINTER_TO_SIZE (g_hash_table_lookup (self->server.refused, name));
}

/* What was refused is known by name, each time of it. */
static void
test_told (Fixture *self, gconstpointer data)
{
  static const char *const names[] = { "mount", "vfork",          "execve", "ptrace",
                                       "bpf",   "io_uring_setup", "unshare" };
  g_autoptr (GHashTable) outcomes = NULL;

  start_nosy (self, FALSE);
  outcomes = try_tool (self, "forbidden");
  worker_stop (&self->server, &self->worker);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    g_assert_cmpuint (get_refused (self, names[i]), ==, 1);
  g_assert_cmpuint (get_refused (self, "socket"), ==, 3);
  g_assert_cmpuint (get_refused (self, "kill"), ==, 3);
}

static void
test_not_hidden (Fixture *self, gconstpointer data)
{
  g_autofree char *json = NULL;

  start_nosy (self, FALSE);
  json = worker_call (&self->worker, 1, "secret", "{}", NULL);
  g_assert_nonnull (strstr (json, "\"text\":\"\""));
  worker_stop (&self->server, &self->worker);
  g_assert_cmpuint (get_refused (self, "socket"), ==, 4000);
}

static void
test_needful (Fixture *self, gconstpointer data)
{
  g_autoptr (GHashTable) outcomes = NULL;
  GHashTableIter iter;
  gpointer name, outcome;

  start_nosy (self, FALSE);
  outcomes = try_tool (self, "needful");
  g_assert_cmpuint (g_hash_table_size (outcomes), >, 8);
  g_hash_table_iter_init (&iter, outcomes);
  while (g_hash_table_iter_next (&iter, &name, &outcome))
    if (outcome != NULL)
      g_error ("%s: %s", (char *)name, g_strerror (GPOINTER_TO_INT (outcome)));
  worker_stop (&self->server, &self->worker);
  g_assert_cmpuint (g_hash_table_size (self->server.refused), ==, 0);
}

/* With network: sockets of the internet and nothing else more. */
static void
test_network (Fixture *self, gconstpointer data)
{
  static const char *const open[] = { "socket", "bind", "socketpair" };
  g_autoptr (GHashTable) outcomes = NULL;
  GHashTableIter iter;
  gpointer name, outcome;

  start_nosy (self, TRUE);
  outcomes = try_tool (self, "forbidden");
  for (guint i = 0; i < G_N_ELEMENTS (open); i++)
    {
      g_assert_true (g_hash_table_lookup_extended (outcomes, open[i], NULL, &outcome));
      g_assert_cmpint (GPOINTER_TO_INT (outcome), ==, 0);
      g_hash_table_remove (outcomes, open[i]);
    }
  g_hash_table_iter_init (&iter, outcomes);
  while (g_hash_table_iter_next (&iter, &name, &outcome))
    if (outcome == NULL)
      g_error ("%s is possible", (char *)name);
  worker_stop (&self->server, &self->worker);
}

/* Neither the daemon's environment nor its files. */
static void
test_inherits_nothing (Fixture *self, gconstpointer data)
{
  g_autofree char *json = NULL;

  start_nosy (self, FALSE);
  json = worker_call (&self->worker, 1, "facts", "{}", NULL);
  g_assert_nonnull (strstr (json, "home=(null) path=/usr/bin:/bin lang=C.UTF-8 "));
  g_assert_nonnull (strstr (json, "fd9=-1"));
  worker_stop (&self->server, &self->worker);
}

static void
test_memory (Fixture *self, gconstpointer data)
{
  g_autofree char *path = module_path ("COLLET_TEST_MODULES_DIR", "leak.so");
  g_autofree char *json = NULL;
  int status;

  if (!HAS_ADDRESS_LIMIT)
    {
      g_test_skip ("sanitizers need the address space");
      return;
    }
  worker_start (&self->server, &self->worker, path, 1);
  json = worker_call (&self->worker, 1, "leak", "{}", &status);
  g_assert_nonnull (strstr (json, "out of memory"));
  /* It goes on answering, and can still shut down. */
  g_free (g_steal_pointer (&json));
  json = worker_call (&self->worker, 2, "leak", "{}", &status);
  worker_stop (&self->server, &self->worker);
}

static void
test_cpu (Fixture *self, gconstpointer data)
{
  g_autofree char *path = module_path ("COLLET_KIT_DIR", "kit.so");
  struct collet_limits limits = default_limits ();
  g_autoptr (Received) ready = NULL;
  int status;

  limits.cpu_seconds = 1;
  worker_spawn (&self->server, &self->worker, path, &limits, 1, FALSE);
  ready = expect (self->worker.control_fd, COLLET_FRAME_READY);
  worker_send_call (&self->worker, 1, "spin", "{}");
  status = worker_end (&self->server, &self->worker);
  g_assert_true (WIFSIGNALED (status) && WTERMSIG (status) == SIGXCPU);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function)                                                                                  \
  g_test_add ("/worker/confinement/" path, Fixture, NULL, server_set_up, function, server_tear_down)
  ADD ("denies-files-processes-and-kernel", test_denied);
  ADD ("tells-what-it-denies-by-name-and-number", test_told);
  ADD ("tells-of-a-module-that-hides-it", test_not_hidden);
  ADD ("allows-what-a-module-needs", test_needful);
  ADD ("network-allows-the-internet-only", test_network);
  ADD ("inherits-neither-environment-nor-files", test_inherits_nothing);
  ADD ("memory-is-limited", test_memory);
  ADD ("cpu-time-is-limited", test_cpu);
  return g_test_run ();
}
