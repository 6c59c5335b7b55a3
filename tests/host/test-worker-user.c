/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Workers of another user, of a daemon that is not root: it has the two capabilities
 * that its unit gives it, so it cannot end such a process itself. */
#include <linux/capability.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "collet-error.h"
#include "collet-wire.h"
#include "collet-worker-fixture.h"

static ColletWorkerUser user;

/* As the service manager starts a unit with User= and AmbientCapabilities=. */
static gboolean
become_daemon (void)
{
  const guint32 two = 1u << CAP_SETUID | 1u << CAP_SETGID;
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
  struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { { two, two, two } };
  const struct passwd *daemon = getpwnam ("daemon");

  return geteuid () == 0 && daemon != NULL && prctl (PR_SET_KEEPCAPS, 1) == 0 && setgroups (0, NULL) == 0 &&
         setresgid (daemon->pw_gid, daemon->pw_gid, daemon->pw_gid) == 0 &&
         setresuid (daemon->pw_uid, daemon->pw_uid, daemon->pw_uid) == 0 && prctl (PR_SET_DUMPABLE, 1) == 0 &&
         syscall (SYS_capset, &header, data) == 0 &&
         prctl (PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SETUID, 0, 0) == 0 &&
         prctl (PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SETGID, 0, 0) == 0;
}

/* The words of a line of /proc/PID/status; NULL: there is no such process. */
static char *
read_status (pid_t pid, const char *field)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/status", (int)pid);
  g_autofree char *start = g_strdup_printf ("\n%s:", field);
  g_autofree char *text = NULL;
  const char *found;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return NULL;
  found = strstr (text, start);
  g_assert_nonnull (found);
  found += strlen (start);
  return g_strstrip (g_strdelimit (g_strndup (found, strcspn (found, "\n")), "\t", ' '));
}

static void
assert_status (pid_t pid, const char *field, const char *expected)
{
  g_autofree char *found = read_status (pid, field);

  g_assert_cmpstr (found, ==, expected);
}

static void
set_up (WorkerFixture *fixture, gconstpointer data)
{
  worker_fixture_set_up_as (fixture, &user);
}

static void
test_has_no_rights (WorkerFixture *fixture, gconstpointer data)
{
  static const char *const none[] = { "CapInh", "CapPrm", "CapEff", "CapAmb" };
  ColletGeneration *generation = worker_fixture_publish (fixture, 1, "echo-1.0.0", "");
  pid_t pid = collet_generation_get_pid (generation);
  g_autofree char *uids = g_strdup_printf ("%u %u %u %u", user.uid, user.uid, user.uid, user.uid);
  g_autofree char *gids = g_strdup_printf ("%u %u %u %u", user.gid, user.gid, user.gid, user.gid);
  g_autoptr (TestCall) call = worker_fixture_run (fixture, "echo", "{}", 5000);

  g_assert_no_error (call->error);
  assert_status (pid, "Uid", uids);
  assert_status (pid, "Gid", gids);
  assert_status (pid, "Groups", "");
  assert_status (pid, "NoNewPrivs", "1");
  for (guint i = 0; i < G_N_ELEMENTS (none); i++)
    assert_status (pid, none[i], "0000000000000000");
  worker_fixture_retire (fixture, generation);
}

static gboolean
has_worker (gpointer data)
{
  return collet_generation_get_state (data) == COLLET_GENERATION_READY;
}

static void
test_can_be_ended (WorkerFixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = worker_fixture_publish (fixture, 1, "hang-call", "");
  pid_t pid = collet_generation_get_pid (generation);
  g_autoptr (TestCall) stuck = worker_fixture_run (fixture, "hang-call", "{}", 100);

  g_assert_cmpint (kill (pid, SIGKILL), ==, -1);
  g_assert_error (stuck->error, COLLET_ERROR, COLLET_ERROR_CALL_TIMEOUT);
  while (collet_generation_get_pid (generation) == pid)
    test_wait_ms (10);
  test_wait_until (has_worker, generation);
  worker_fixture_retire (fixture, generation);
}

static void
test_is_started_again (WorkerFixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = worker_fixture_publish (fixture, 1, "crash-call", "");

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (TestCall) call = worker_fixture_run (fixture, "crash-call", "{}", 5000);

      g_assert_error (call->error, COLLET_ERROR, COLLET_ERROR_WORKER_CRASHED);
    }
  test_wait_until (has_worker, generation);
  worker_fixture_retire (fixture, generation);
}

/* A worker finds nothing of its daemon's by name, and gets its artifact all the same. */
static void
test_is_handed_its_artifact (WorkerFixture *fixture, gconstpointer data)
{
  g_autofree char *folder = g_dir_make_tmp ("collet-user-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "artifact.so", NULL);
  g_autofree char *source = g_build_filename (g_getenv ("COLLET_TEST_MODULES_DIR"), "echo-1.0.0.so", NULL);
  const char *const readable[] = { folder, NULL };
  const struct collet_limits limits = { .open_files = 64, .deadline_ms = 10000 };
  g_autoptr (ColletSpawn) spawn =
      collet_spawn_new_as (g_getenv ("COLLET_WORKER"), readable, &user, TRUE, NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GPtrArray) reports = NULL;
  g_autofree char *bytes = NULL;
  int died_at, status;
  gsize size;

  g_assert_true (g_file_get_contents (source, &bytes, &size, NULL));
  g_assert_true (g_file_set_contents (path, bytes, (gssize)size, NULL));
  g_assert_cmpint (g_chmod (path, 0444), ==, 0);
  g_assert_cmpint (g_chmod (folder, 0700), ==, 0);
  collet_spawn_probe_async (spawn, (const char *[]){ path, path, NULL }, &limits, FALSE, NULL,
                            test_store_result, &result);
  reports = collet_spawn_probe_finish (spawn, test_wait_result (&result), &died_at, &status, NULL);
  g_assert_cmpint (died_at, ==, -1);
  for (guint i = 0; i < 2; i++)
    {
      const ColletProbed *probed = g_ptr_array_index (reports, i);
      g_autofree char *text =
          g_strndup (g_bytes_get_data (probed->run, NULL), g_bytes_get_size (probed->run));

      g_test_message ("%s", text);
      g_assert_null (strstr (text, "\"failed\""));
    }
  g_unlink (path);
  g_rmdir (folder);
}

static pid_t
parent_of (pid_t pid)
{
  g_autofree char *parent = read_status (pid, "PPid");

  return (pid_t)g_ascii_strtoll (parent, NULL, 10);
}

static void
on_lost (ColletSpawn *spawn, gboolean *is_lost)
{
  *is_lost = TRUE;
}

static gboolean
is_set (gpointer data)
{
  return *(gboolean *)data;
}

static gboolean
is_gone (gpointer data)
{
  g_autofree char *state = read_status (GPOINTER_TO_INT (data), "State");

  g_usleep (1000);
  return state == NULL || state[0] == 'Z';
}

/* The last test: what is given up here does not come back. */
static void
test_goes_with_the_fork_server (WorkerFixture *fixture, gconstpointer data)
{
  ColletGeneration *generation = worker_fixture_publish (fixture, 1, "hang-call", "");
  pid_t pid = collet_generation_get_pid (generation);
  g_autoptr (TestCall) call = test_call_new ("hang-call", "{}", 0);
  gboolean is_lost = FALSE;

  g_assert_true (collet_privileges_drop (NULL));
  g_assert_false (collet_privileges_suffice ());
  g_signal_connect (fixture->spawn, "lost", G_CALLBACK (on_lost), &is_lost);
  worker_fixture_dispatch (fixture, call);
  test_wait_ms (50);
  g_test_expect_message (NULL, G_LOG_LEVEL_WARNING, "*fork server ended*");
  g_assert_cmpint (kill (parent_of (pid), SIGKILL), ==, 0);
  test_wait_until (is_set, &is_lost);
  test_wait_until (is_gone, GINT_TO_POINTER (pid));
  g_test_assert_expected_messages ();
  test_call_wait (call);
  g_assert_nonnull (call->error);
  worker_fixture_retire (fixture, generation);
}

static void
test_names_a_missing_user (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *why_not = NULL;
  ColletWorkerUser nobody;

  g_assert_false (collet_privileges_choose ("no-such-user", &nobody, &why_not, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "no-such-user"));
}

int
main (int argc, char **argv)
{
  gboolean is_daemon = become_daemon ();
  g_autofree char *why_not = NULL;
  int status;

  g_test_init (&argc, &argv, NULL);
  if (!is_daemon || !collet_privileges_choose ("nobody", &user, &why_not, NULL))
    {
      g_print ("1..0 # SKIP takes root, with the users daemon and nobody\n");
      return 0;
    }
#define ADD(path, function)                                                                                  \
  g_test_add ("/host/worker-user/" path, WorkerFixture, NULL, set_up, function, worker_fixture_tear_down)
  g_test_add_func ("/host/worker-user/that-there-is-not-is-named", test_names_a_missing_user);
  ADD ("has-no-rights", test_has_no_rights);
  ADD ("is-handed-its-artifact", test_is_handed_its_artifact);
  ADD ("can-be-ended", test_can_be_ended);
  ADD ("is-started-again", test_is_started_again);
  ADD ("goes-with-the-fork-server", test_goes_with_the_fork_server);
  status = g_test_run ();
  collet_worker_user_clear (&user);
  return status;
}
