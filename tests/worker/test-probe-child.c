/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collet-test-client.h"

typedef struct
{
  Server server;
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

/* Everything that one probe of these test modules reports. */
typedef struct
{
  GPtrArray *read; /* JSON texts */
  GPtrArray *run;
  int status;
} Outcome;

static void
outcome_clear (Outcome *outcome)
{
  g_ptr_array_unref (outcome->read);
  g_ptr_array_unref (outcome->run);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Outcome, outcome_clear)

static void
collect (int fd, Outcome *outcome)
{
  for (;;)
    {
      g_autoptr (Received) report = receive (fd);
      GPtrArray *list;

      if (report == NULL)
        return;
      list = report->frame.header.type == COLLET_FRAME_PROBE_READ ? outcome->read : outcome->run;
      if (list == outcome->run)
        g_assert_cmpuint (report->frame.header.type, ==, COLLET_FRAME_PROBED);
      else
        g_assert_cmpuint (outcome->run->len, ==, 0); /* all are read before any runs */
      g_assert_cmpuint (report->frame.header.id, ==, list->len);
      g_ptr_array_add (list, g_strndup (report->frame.payload, report->frame.header.size));
    }
}

static void
probe (Fixture *self, const char *const *names, const struct collet_limits *limits, gboolean read_only,
       Outcome *outcome)
{
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  guint64 id;
  int fd;

  for (; *names != NULL; names++)
    g_ptr_array_add (paths, module_path ("COLLET_TEST_MODULES_DIR", *names));
  g_ptr_array_add (paths, NULL);
  outcome->read = g_ptr_array_new_with_free_func (g_free);
  outcome->run = g_ptr_array_new_with_free_func (g_free);
  fd = probe_start (&self->server, (const char *const *)paths->pdata, limits, read_only, &id);
  collect (fd, outcome);
  close (fd);
  outcome->status = probe_end (&self->server, id);
}

#define NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void
test_batch (Fixture *self, gconstpointer data)
{
  struct collet_limits limits = default_limits ();
  g_auto (Outcome) outcome = { NULL };

  probe (self,
         NAMES ("echo-1.0.0.so", "no-symbol.so", "fail-init.so", "counter-1.0.0.so", "fail-self-test.so",
                "nodelete.so"),
         &limits, FALSE, &outcome);
  g_assert_cmpint (outcome.status, ==, 0);
  g_assert_cmpuint (outcome.read->len, ==, 6);
  g_assert_cmpuint (outcome.run->len, ==, 6);
  g_assert_null (strstr (outcome.read->pdata[0], "\"error\""));
  g_assert_nonnull (strstr (outcome.read->pdata[0], "\"manifest\":\"{\\\"name\\\":\\\"echo\\\""));
  g_assert_nonnull (strstr (outcome.run->pdata[0], "{\"name\":\"unload\",\"outcome\":\"passed\""));
  g_assert_nonnull (strstr (outcome.read->pdata[1], "\"error\":\"InvalidModule\""));
  g_assert_nonnull (strstr (outcome.run->pdata[1], "{\"name\":\"dlopen\",\"outcome\":\"skipped\""));
  g_assert_nonnull (strstr (outcome.run->pdata[2], "{\"name\":\"init\",\"outcome\":\"failed\""));
  g_assert_nonnull (strstr (outcome.run->pdata[2], "\"error\":\"ValidationFailed\""));
  g_assert_nonnull (
      strstr (outcome.run->pdata[3], "{\"name\":\"export-state\",\"outcome\":\"passed\",\"evidence\":\""));
  g_assert_nonnull (strstr (outcome.run->pdata[4], "{\"name\":\"self-test\",\"outcome\":\"failed\""));
  g_assert_nonnull (strstr (outcome.run->pdata[5], "{\"name\":\"unload\",\"outcome\":\"warning\""));
  g_assert_null (strstr (outcome.run->pdata[5], "\"error\""));
}

static void
test_read_only (Fixture *self, gconstpointer data)
{
  struct collet_limits limits = default_limits ();
  g_auto (Outcome) outcome = { NULL };

  probe (self, NAMES ("echo-1.0.0.so", "hang-constructor.so"), &limits, TRUE, &outcome);
  g_assert_cmpint (outcome.status, ==, 0);
  g_assert_cmpuint (outcome.read->len, ==, 2);
  g_assert_cmpuint (outcome.run->len, ==, 0);
}

/* The report before it stays; there is none of the one that dies. */
static void
expect_dies (Fixture *self, const char *name, const struct collet_limits *limits, int number)
{
  g_auto (Outcome) outcome = { NULL };

  probe (self, NAMES ("echo-1.0.0.so", name, "echo-2.0.0.so"), limits, FALSE, &outcome);
  g_assert_cmpuint (outcome.read->len, ==, 3);
  g_assert_cmpuint (outcome.run->len, ==, 1);
  if (number == 0)
    g_assert_true (WIFEXITED (outcome.status));
  else
    g_assert_true (WIFSIGNALED (outcome.status) && WTERMSIG (outcome.status) == number);
}

static void
test_dies (Fixture *self, gconstpointer data)
{
  struct collet_limits limits = default_limits ();

  expect_dies (self, "crash-constructor.so", &limits, SIGABRT);
  expect_dies (self, "crash-init.so", &limits, SIGABRT);
  expect_dies (self, "crash-self-test.so", &limits, SIGABRT);
  expect_dies (self, "exit-constructor.so", &limits, 0); /* with 0, and proves nothing */
}

static void
test_hangs (Fixture *self, gconstpointer data)
{
  struct collet_limits limits = default_limits ();
  gint64 before = g_get_monotonic_time ();

  limits.deadline_ms = 200;
  expect_dies (self, "hang-constructor.so", &limits, SIGKILL);
  expect_dies (self, "hang-self-test.so", &limits, SIGKILL);
  g_assert_cmpint (g_get_monotonic_time () - before, >=, 400000);
  g_assert_cmpint (g_get_monotonic_time () - before, <, 5000000);
}

static void
test_not_there (Fixture *self, gconstpointer data)
{
  struct collet_limits limits = default_limits ();
  g_auto (Outcome) outcome = { NULL };

  probe (self, NAMES ("not-there.so", "."), &limits, FALSE, &outcome);
  g_assert_nonnull (strstr (outcome.read->pdata[0], "\"error\":\"ArtifactNotFound\""));
  g_assert_nonnull (strstr (outcome.read->pdata[1], "no regular file"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function)                                                                                  \
  g_test_add ("/worker/probe/" path, Fixture, NULL, server_set_up, function, server_tear_down)
  ADD ("each-of-a-batch-has-its-reports", test_batch);
  ADD ("read-only-runs-nothing", test_read_only);
  ADD ("one-that-dies-leaves-the-rest-unproven", test_dies);
  ADD ("one-that-hangs-is-killed-in-time", test_hangs);
  ADD ("missing-file-is-told", test_not_there);
  return g_test_run ();
}
