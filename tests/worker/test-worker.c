/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collet-test-client.h"

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
start_kit (Fixture *self, guint executors)
{
  g_autofree char *path = module_path ("COLLET_KIT_DIR", "kit.so");

  g_autoptr (Received) log = NULL;

  worker_start (&self->server, &self->worker, path, executors);
  log = expect (self->worker.call_fd, COLLET_FRAME_LOG); /* of init */
  g_assert_cmpuint (log->frame.header.id, ==, 0);
}

static void
test_call (Fixture *self, gconstpointer data)
{
  int status;

  start_kit (self, 1);
  for (guint i = 1; i < 100; i++)
    {
      g_autofree char *arguments = g_strdup_printf ("{\"whole\":%u}", i);
      g_autofree char *expected = g_strdup_printf ("1:%u ", i);
      g_autofree char *json = worker_call (&self->worker, i, "get", arguments, &status);

      g_assert_cmpint (status, ==, COLLET_OK);
      g_assert_nonnull (strstr (json, expected));
    }
  worker_stop (&self->server, &self->worker);
}

/* Larger than a message in both directions. */
static void
test_large (Fixture *self, gconstpointer data)
{
  g_autofree char *blank = g_strnfill (3000000, ' ');
  g_autofree char *arguments = g_strdup_printf ("{%s\"size\":5000000}", blank);
  g_autofree char *json = NULL;
  int status;

  start_kit (self, 1);
  json = worker_call (&self->worker, 1, "large", arguments, &status);
  g_assert_cmpuint (strlen (json), >, 5000000);
  worker_stop (&self->server, &self->worker);
}

static void
test_events (Fixture *self, gconstpointer data)
{
  g_autoptr (Received) one = NULL;
  g_autoptr (Received) two = NULL;
  g_autoptr (Received) log = NULL;
  g_autoptr (Received) result = NULL;

  start_kit (self, 1);
  worker_send_call_full (&self->worker, 5, "events", "{}", INT64_MAX, TRUE, 3);
  one = expect (self->worker.call_fd, COLLET_FRAME_PROGRESS);
  g_assert_cmpuint (one->frame.header.id, ==, 5);
  g_assert_cmpstr (one->frame.payload, ==, "{\"progress\":1,\"total\":4,\"message\":\"one\"}");
  two = expect (self->worker.call_fd, COLLET_FRAME_PROGRESS);
  log = expect (self->worker.call_fd, COLLET_FRAME_LOG);
  g_assert_cmpint (log->frame.header.status, ==, 3);
  g_assert_cmpuint (log->frame.header.id, ==, 5);
  result = expect (self->worker.call_fd, COLLET_FRAME_RESULT);
  worker_stop (&self->server, &self->worker);
}

static void
cancel (Fixture *self, guint64 id)
{
  g_assert_cmpint (collet_wire_send_simple (self->worker.control_fd, COLLET_FRAME_CANCEL, id, 0, NULL, 0), ==,
                   0);
}

static void
expect_result (Fixture *self, guint64 id, int status)
{
  g_autoptr (Received) result = expect (self->worker.call_fd, COLLET_FRAME_RESULT);

  g_assert_cmpuint (result->frame.header.id, ==, id);
  g_assert_cmpint (result->frame.header.status, ==, status);
}

static void
test_cancel (Fixture *self, gconstpointer data)
{
  start_kit (self, 1);
  worker_send_call (&self->worker, 1, "spin", "{}"); /* runs */
  worker_send_call (&self->worker, 2, "spin", "{}"); /* waits */
  worker_send_call (&self->worker, 3, "get", "{}");
  g_usleep (20000);
  cancel (self, 2);
  cancel (self, 77); /* nobody's */
  cancel (self, 1);
  expect_result (self, 1, COLLET_CANCELLED);
  expect_result (self, 2, COLLET_CANCELLED);
  expect_result (self, 3, COLLET_OK);
  worker_stop (&self->server, &self->worker);
}

static void
test_deadline (Fixture *self, gconstpointer data)
{
  gint64 before = g_get_monotonic_time ();

  start_kit (self, 1);
  worker_send_call_full (&self->worker, 1, "spin", "{}", before + 50000, FALSE, COLLET_LOG_NONE);
  worker_send_call_full (&self->worker, 2, "events", "{}", before + 40000, FALSE, 0); /* too late: not run */
  expect_result (self, 1, COLLET_CANCELLED);
  expect_result (self, 2, COLLET_CANCELLED);
  g_assert_cmpint (g_get_monotonic_time () - before, >=, 50000);
  worker_stop (&self->server, &self->worker);
}

/* Four that only end when they are told to: all run at once. */
static void
test_concurrent (Fixture *self, gconstpointer data)
{
  g_autoptr (Received) stats = NULL;
  struct collet_worker_stats figures;

  start_kit (self, 4);
  for (guint64 id = 1; id <= 4; id++)
    worker_send_call (&self->worker, id, "spin", "{}");
  for (guint64 id = 4; id >= 1; id--)
    {
      cancel (self, id);
      expect_result (self, id, COLLET_CANCELLED);
    }
  stats = worker_ask (&self->worker, COLLET_FRAME_STATS, 0, 0, NULL, 0);
  g_assert_cmpuint (stats->frame.header.size, ==, sizeof figures);
  memcpy (&figures, stats->frame.payload, sizeof figures);
  g_assert_cmpuint (figures.threads, ==, 5);
  g_assert_cmpuint (figures.fds, ==, 7);
  g_assert_cmpuint (figures.resident, >, 100000);
  worker_stop (&self->server, &self->worker);
}

static void
expect_answer (Fixture *self, guint16 type, int status, guint32 detail, const char *payload, int expected,
               const char *answered)
{
  g_autoptr (Received) answer =
      worker_ask (&self->worker, type, status, detail, payload, payload != NULL ? strlen (payload) : 0);

  g_assert_cmpint (answer->frame.header.status, ==, expected);
  g_assert_cmpstr (answer->frame.payload, ==, answered);
}

static void
test_state (Fixture *self, gconstpointer data)
{
  start_kit (self, 1);
  expect_answer (self, COLLET_FRAME_SELF_TEST, 0, 0, NULL, COLLET_OK, "");
  expect_answer (self, COLLET_FRAME_IMPORT_STATE, 0, 0, "abcdefgh", COLLET_OK, "");
  expect_answer (self, COLLET_FRAME_EXPORT_STATE, 0, 0, NULL, COLLET_OK, "abcdefgh");
  expect_answer (self, COLLET_FRAME_IMPORT_STATE, 0, 0, "abc", COLLET_FAILED,
                 "The module's import_state failed: not 8 bytes.");
  expect_answer (self, COLLET_FRAME_CODE_CHANGE, COLLET_DOWN, 1, "x", COLLET_OK, "down:x");
  expect_answer (self, COLLET_FRAME_CODE_CHANGE, COLLET_UP, 8, "x", COLLET_FAILED,
                 "The module's code_change up from format 8 failed: it gave no reason.");

  worker_send_call (&self->worker, 1, "spin", "{}");
  g_usleep (20000);
  expect_answer (self, COLLET_FRAME_EXPORT_STATE, 0, 0, NULL, COLLET_FAILED, "1 calls are still running.");
  cancel (self, 1);
  expect_result (self, 1, COLLET_CANCELLED);
  worker_stop (&self->server, &self->worker);
}

/* Running calls are told to stop, waiting ones are not begun. */
static void
test_shutdown_with_calls (Fixture *self, gconstpointer data)
{
  start_kit (self, 1);
  worker_send_call (&self->worker, 1, "spin", "{}");
  worker_send_call (&self->worker, 2, "spin", "{}");
  g_usleep (20000);
  worker_stop (&self->server, &self->worker);
}

static void
start_module (Fixture *self, const char *name)
{
  g_autofree char *path = module_path ("COLLET_TEST_MODULES_DIR", name);

  worker_start (&self->server, &self->worker, path, 1);
}

static void
test_crash (Fixture *self, gconstpointer data)
{
  int status;

  start_module (self, "crash-call.so");
  worker_send_call (&self->worker, 1, "crash-call", "{}");
  g_assert_null (receive (self->worker.call_fd));
  status = worker_end (&self->server, &self->worker);
  g_assert_true (WIFSIGNALED (status));
  g_assert_cmpint (WTERMSIG (status), ==, SIGSEGV);

  start_module (self, "exit-call.so");
  worker_send_call (&self->worker, 1, "exit-call", "{}");
  g_assert_null (receive (self->worker.call_fd));
  g_assert_true (WIFEXITED (worker_end (&self->server, &self->worker)));
}

static void
send_kill (Fixture *self, pid_t pid)
{
  struct collet_exit target = { .pid = pid };

  g_assert_cmpint (collet_wire_send_simple (self->server.fd, COLLET_FRAME_KILL, 0, 0, &target, sizeof target),
                   ==, 0);
}

static void
test_kill (Fixture *self, gconstpointer data)
{
  struct collet_limits limits = default_limits ();
  g_autofree char *path = module_path ("COLLET_TEST_MODULES_DIR", "hang-constructor.so");
  int status;

  send_kill (self, getpid ()); /* not its child */
  worker_spawn (&self->server, &self->worker, path, &limits, 1, FALSE);
  send_kill (self, self->worker.pid);
  status = worker_end (&self->server, &self->worker);
  g_assert_true (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL);
}

static void
test_broken (Fixture *self, gconstpointer data)
{
  static const struct
  {
    const char *file, *name, *message;
  } rows[] = { { "fail-init.so", "ValidationFailed", "init failed" },
               { "abi-major.so", "AbiMismatch", "ABI" },
               { "no-symbol.so", "InvalidModule", "collet_module" },
               { "not-there.so", "InvalidModule", "No such file" } };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = module_path ("COLLET_TEST_MODULES_DIR", rows[i].file);
      struct collet_limits limits = default_limits ();
      struct collet_failure failure;

      worker_spawn (&self->server, &self->worker, path, &limits, 1, FALSE);
      worker_expect_broken (&self->worker, &failure);
      g_assert_cmpstr (failure.name, ==, rows[i].name);
      g_assert_nonnull (strstr (failure.message, rows[i].message));
      g_assert_true (WIFEXITED (worker_end (&self->server, &self->worker)));
    }
}

/* Not a frame that a daemon sends: the worker ends rather than guess. */
static void
test_nonsense (Fixture *self, gconstpointer data)
{
  struct collet_call_request request = { .tool_size = 100 };

  start_kit (self, 1);
  g_assert_cmpint (collet_wire_send_simple (self->worker.call_fd, COLLET_FRAME_CALL, 1, 0, &request,
                                            sizeof request),
                   ==, 0);
  g_assert_cmpint (WEXITSTATUS (worker_end (&self->server, &self->worker)), ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function)                                                                                  \
  g_test_add ("/worker/" path, Fixture, NULL, server_set_up, function, server_tear_down)
  ADD ("call/is-answered", test_call);
  ADD ("call/large-in-both-directions", test_large);
  ADD ("call/progress-and-logs-come-with-its-id", test_events);
  ADD ("call/cancelled-while-it-runs-or-waits", test_cancel);
  ADD ("call/deadline-is-kept", test_deadline);
  ADD ("call/several-at-once", test_concurrent);
  ADD ("control/state-passes-through", test_state);
  ADD ("control/shutdown-ends-calls", test_shutdown_with_calls);
  ADD ("process/crash-is-reported-with-its-signal", test_crash);
  ADD ("process/kill-ends-only-our-own", test_kill);
  ADD ("process/says-why-it-cannot-start", test_broken);
  ADD ("process/ends-on-nonsense", test_nonsense);
  return g_test_run ();
}
