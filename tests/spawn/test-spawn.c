/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The client of the fork server, with the real collet-worker. */
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collet-error.h"
#include "collet-refusal.h"
#include "collet-spawn.h"
#include "collet-wire.h"

static const struct collet_limits limits = { .open_files = 64, .threads = 8, .deadline_ms = 10000 };

static void
store_result (GObject *object, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **)user_data = g_object_ref (result);
}

static gboolean
on_too_long (gpointer user_data)
{
  g_error ("What the test waits for does not come");
  return G_SOURCE_REMOVE;
}

#define WAIT_UNTIL(condition)                                                                                \
  G_STMT_START                                                                                               \
  {                                                                                                          \
    guint limit_ = g_timeout_add_seconds (20, on_too_long, NULL);                                            \
                                                                                                             \
    while (!(condition))                                                                                     \
      g_main_context_iteration (NULL, TRUE);                                                                 \
    g_source_remove (limit_);                                                                                \
  }                                                                                                          \
  G_STMT_END

static char *
module_path (const char *name)
{
  g_autofree char *file = g_strconcat (name, ".so", NULL);

  return g_build_filename (g_getenv ("COLLET_TEST_MODULES_DIR"), file, NULL);
}

static ColletSpawn *
spawn_new (void)
{
  const char *readable[] = { g_getenv ("COLLET_TEST_MODULES_DIR"), NULL };
  g_autoptr (GError) error = NULL;
  ColletSpawn *spawn = collet_spawn_new (g_getenv ("COLLET_WORKER"), readable, TRUE, &error);

  g_assert_no_error (error);
  return spawn;
}

typedef struct
{
  int pid, status;
} Exit;

static void
on_exited (ColletSpawn *spawn, int pid, int status, Exit *exit)
{
  *exit = (Exit){ pid, status };
}

static gboolean
start_worker (ColletSpawn *spawn, const char *name, ColletSpawned *spawned, GError **error)
{
  g_autofree char *path = module_path (name);
  g_autoptr (GAsyncResult) result = NULL;

  collet_spawn_worker_async (spawn, path, &limits, 1, FALSE, NULL, store_result, &result);
  WAIT_UNTIL (result != NULL);
  return collet_spawn_worker_finish (spawn, result, spawned, error);
}

static void
close_worker (const ColletSpawned *spawned)
{
  close (spawned->call_fd);
  close (spawned->control_fd);
  close (spawned->pidfd);
}

static guint16
next_type (int fd)
{
  static char buffer[COLLET_WIRE_BUFFER];
  struct pollfd poller = { fd, POLLIN, 0 };
  struct collet_frame frame;
  guint16 type;

  g_assert_cmpint (poll (&poller, 1, 10000), ==, 1);
  g_assert_cmpint (collet_wire_receive (fd, buffer, sizeof buffer, &frame), ==, 1);
  type = frame.header.type;
  collet_frame_clear (&frame);
  return type;
}

static void
test_worker (void)
{
  ColletSpawn *spawn = spawn_new ();
  g_autoptr (GError) error = NULL;
  ColletSpawned spawned;
  Exit exit = { 0 };

  g_signal_connect (spawn, "exited", G_CALLBACK (on_exited), &exit);
  g_assert_true (start_worker (spawn, "echo-1.0.0", &spawned, &error));
  g_assert_cmpint (kill (spawned.pid, 0), ==, 0);
  g_assert_cmpuint (next_type (spawned.control_fd), ==, COLLET_FRAME_READY);
  collet_spawn_kill (spawn, spawned.pid);
  WAIT_UNTIL (exit.pid != 0);
  g_assert_cmpint (exit.pid, ==, spawned.pid);
  g_assert_cmpint (WTERMSIG (exit.status), ==, SIGKILL);
  close_worker (&spawned);
  g_assert_finalize_object (spawn);
}

static void
test_no_program (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (collet_spawn_new ("/nonexistent/collet-worker", (const char *[]){ NULL }, TRUE, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_SPAWN_FAILED);
  g_assert_nonnull (strstr (error->message, "/nonexistent/collet-worker"));
}

static void
test_cancelled (void)
{
  ColletSpawn *spawn = spawn_new ();
  g_autofree char *path = module_path ("echo-1.0.0");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  ColletSpawned spawned;
  Exit exit = { 0 };

  g_signal_connect (spawn, "exited", G_CALLBACK (on_exited), &exit);
  collet_spawn_worker_async (spawn, path, &limits, 1, FALSE, cancellable, store_result, &result);
  g_cancellable_cancel (cancellable);
  WAIT_UNTIL (result != NULL);
  g_assert_false (collet_spawn_worker_finish (spawn, result, &spawned, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_CANCELLED);
  g_clear_object (&result);
  /* The one that was started all the same is nobody's, and ended. */
  g_assert_true (start_worker (spawn, "echo-1.0.0", &spawned, NULL));
  collet_spawn_kill (spawn, spawned.pid);
  WAIT_UNTIL (exit.pid != 0);
  g_assert_cmpint (exit.pid, ==, spawned.pid);
  close_worker (&spawned);
  g_assert_finalize_object (spawn);
}

/* Its pid, found as the parent of a worker. */
static pid_t
parent_of (pid_t pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/stat", (int)pid);
  g_autofree char *text = NULL;
  const char *end;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  end = strrchr (text, ')');
  return (pid_t)g_ascii_strtoll (end + 4, NULL, 10);
}

static void
test_fork_server_dies (void)
{
  ColletSpawn *spawn = spawn_new ();
  g_autoptr (GError) error = NULL;
  ColletSpawned first, second;
  struct pollfd poller;
  gboolean started = FALSE;

  g_assert_true (start_worker (spawn, "echo-1.0.0", &first, NULL));
  g_test_expect_message (NULL, G_LOG_LEVEL_WARNING, "*fork server ended*");
  kill (parent_of (first.pid), SIGKILL);
  /* Its workers end with it; the pidfd tells. */
  poller = (struct pollfd){ first.pidfd, POLLIN, 0 };
  g_assert_cmpint (poll (&poller, 1, 10000), ==, 1);
  for (guint i = 0; i < 1000 && !started; i++)
    {
      g_clear_error (&error);
      started = start_worker (spawn, "echo-1.0.0", &second, &error);
      if (!started)
        {
          g_assert_error (error, COLLET_ERROR, COLLET_ERROR_SPAWN_FAILED);
          g_main_context_iteration (NULL, TRUE);
        }
    }
  g_assert_true (started);
  g_test_assert_expected_messages ();
  g_assert_cmpuint (next_type (second.control_fd), ==, COLLET_FRAME_READY);
  close_worker (&first);
  close_worker (&second);
  g_assert_finalize_object (spawn);
}

static void
on_refused (ColletSpawn *spawn, int pid, const char *system_call, guint64 times, GHashTable *refused)
{
  g_hash_table_insert (refused, g_strdup_printf ("%d %s", pid, system_call), GSIZE_TO_POINTER (times));
}

/* Of the right one, also of one that has ended. */
static void
test_refusals (void)
{
  g_autoptr (GHashTable) refused = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autofree char *name = NULL;
  ColletSpawn *spawn = spawn_new ();
  ColletSpawned good, bad;

  g_signal_connect (spawn, "refused", G_CALLBACK (on_refused), refused);
  g_assert_true (start_worker (spawn, "echo-1.0.0", &good, NULL));
  g_assert_true (start_worker (spawn, "burglar-early", &bad, NULL));
  WAIT_UNTIL (g_hash_table_size (refused) == 2);
  name = g_strdup_printf ("%d socket", bad.pid);
  g_assert_cmpuint (GPOINTER_TO_SIZE (g_hash_table_lookup (refused, name)), ==, 1);
  close_worker (&good);
  close_worker (&bad);
  g_assert_finalize_object (spawn);
}

/* Probes */

static GPtrArray *
probe_as (ColletSpawn *spawn, const char *const *names, gboolean brief, int *died_at, int *status)
{
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  struct collet_limits probe_limits = limits;
  GPtrArray *reports;

  for (guint i = 0; names[i] != NULL; i++)
    g_ptr_array_add (paths, module_path (names[i]));
  g_ptr_array_add (paths, NULL);
  probe_limits.deadline_ms = 1000;
  collet_spawn_probe_async (spawn, (const char *const *)paths->pdata, &probe_limits, brief, NULL,
                            store_result, &result);
  WAIT_UNTIL (result != NULL);
  reports = collet_spawn_probe_finish (spawn, result, died_at, status, &error);
  g_assert_no_error (error);
  return reports;
}

static GPtrArray *
probe (ColletSpawn *spawn, const char *const *names, int *died_at, int *status)
{
  return probe_as (spawn, names, FALSE, died_at, status);
}

static void
test_probe_refusals (void)
{
  ColletSpawn *spawn = spawn_new ();
  int died_at, status;
  g_autoptr (GPtrArray) reports =
      probe (spawn, (const char *[]){ "echo-1.0.0", "burglar-early", "counter-1.0.0", NULL }, &died_at,
             &status);
  const ColletProbed *probed = g_ptr_array_index (reports, 1);
  const ColletRefusal *first;

  g_assert_nonnull (probed->refusals);
  g_assert_cmpuint (probed->refusals->len, ==, 2);
  first = g_ptr_array_index (probed->refusals, 0);
  g_assert_cmpstr (first->call, ==, "socket");
  g_assert_cmpuint (first->times, ==, 1);
  for (guint i = 0; i < 3; i += 2)
    g_assert_null (((const ColletProbed *)g_ptr_array_index (reports, i))->refusals);
  g_assert_finalize_object (spawn);
}

static gboolean
has_words (GBytes *report, const char *words)
{
  return g_strstr_len (g_bytes_get_data (report, NULL), (gssize)g_bytes_get_size (report), words) != NULL;
}

static void
test_probe_batch (void)
{
  ColletSpawn *spawn = spawn_new ();
  int died_at, status;
  g_autoptr (GPtrArray) reports =
      probe (spawn, (const char *[]){ "echo-1.0.0", "no-symbol", "counter-1.0.0", NULL }, &died_at, &status);

  g_assert_cmpint (died_at, ==, -1);
  g_assert_cmpint (status, ==, 0);
  g_assert_cmpuint (reports->len, ==, 3);
  for (guint i = 0; i < 3; i++)
    {
      ColletProbed *probed = g_ptr_array_index (reports, i);

      g_assert_nonnull (probed->read);
      g_assert_nonnull (probed->run);
      g_assert_true (has_words (probed->read, "elf-format"));
      g_assert_cmpint (has_words (probed->read, "\"error\":\"InvalidModule\""), ==, i == 1);
    }
  g_assert_finalize_object (spawn);
}

static void
test_brief_probe (void)
{
  ColletSpawn *spawn = spawn_new ();
  int died_at, status;
  g_autoptr (GPtrArray) reports =
      probe_as (spawn, (const char *[]){ "nodelete", "no-symbol", NULL }, TRUE, &died_at, &status);
  const ColletProbed *sound = g_ptr_array_index (reports, 0);
  const ColletProbed *refused = g_ptr_array_index (reports, 1);

  g_assert_false (has_words (sound->read, "passed"));
  g_assert_true (has_words (sound->read, "\"name\":\"nodelete\",\"outcome\":\"warning\""));
  g_assert_true (has_words (sound->read, "\"manifest\":"));
  g_assert_true (has_words (sound->read, "\"code_digest\":"));
  g_assert_false (has_words (sound->run, "passed"));
  g_assert_true (has_words (sound->run, "\"stateful\":false"));
  g_assert_false (has_words (refused->read, "passed"));
  g_assert_true (has_words (refused->read, "\"outcome\":\"failed\""));
  g_assert_true (has_words (refused->read, "\"error\":\"InvalidModule\""));
  g_assert_finalize_object (spawn);
}

static void
test_probe_of_dying (gconstpointer data)
{
  const char *name = data;
  ColletSpawn *spawn = spawn_new ();
  int died_at, status;
  g_autoptr (GPtrArray) reports =
      probe (spawn, (const char *[]){ "echo-1.0.0", name, "counter-1.0.0", NULL }, &died_at, &status);
  const ColletProbed *first = g_ptr_array_index (reports, 0);
  const ColletProbed *second = g_ptr_array_index (reports, 1);
  const ColletProbed *third = g_ptr_array_index (reports, 2);

  g_assert_cmpint (died_at, ==, 1);
  g_assert_nonnull (first->run);
  g_assert_nonnull (second->read);
  g_assert_null (second->run);
  g_assert_nonnull (third->read);
  g_assert_null (third->run);
  if (g_str_has_prefix (name, "hang"))
    g_assert_cmpint (WTERMSIG (status), ==, SIGKILL);
  else if (g_str_has_prefix (name, "crash"))
    g_assert_true (WIFSIGNALED (status));
  g_assert_finalize_object (spawn);
}

static void
test_no_fds_are_left (void)
{
  ColletSpawn *spawn = spawn_new ();
  int last = dup (0), now, died_at, status;
  Exit exit = { 0 };

  close (last);
  g_signal_connect (spawn, "exited", G_CALLBACK (on_exited), &exit);
  for (guint i = 0; i < 30; i++)
    {
      g_autoptr (GPtrArray) reports =
          probe (spawn, (const char *[]){ "echo-1.0.0", NULL }, &died_at, &status);
      ColletSpawned spawned;

      exit.pid = 0;
      g_assert_true (start_worker (spawn, "echo-1.0.0", &spawned, NULL));
      close_worker (&spawned);
      WAIT_UNTIL (exit.pid != 0); /* a worker without a daemon ends */
    }
  now = dup (0);
  close (now);
  g_assert_cmpint (now, <=, last); /* what came before may have left now */
  g_assert_finalize_object (spawn);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/spawn/worker/is-handed-over-and-its-end-is-told", test_worker);
  g_test_add_func ("/spawn/worker/is-ended-if-nobody-wants-it", test_cancelled);
  g_test_add_func ("/spawn/server/names-a-missing-program", test_no_program);
  g_test_add_func ("/spawn/server/is-started-again", test_fork_server_dies);
  g_test_add_func ("/spawn/probe/reports-on-each-of-a-batch", test_probe_batch);
  g_test_add_func ("/spawn/worker/what-it-is-refused-is-told", test_refusals);
  g_test_add_func ("/spawn/probe/what-one-of-a-batch-is-refused-is-told-of-it-alone", test_probe_refusals);
  g_test_add_func ("/spawn/probe/brief-reports-leave-out-what-passed", test_brief_probe);
  g_test_add_data_func ("/spawn/probe/finds-who-crashed", "crash-constructor", test_probe_of_dying);
  g_test_add_data_func ("/spawn/probe/finds-who-exited", "exit-constructor", test_probe_of_dying);
  g_test_add_data_func ("/spawn/probe/finds-who-hangs", "hang-constructor", test_probe_of_dying);
  g_test_add_func ("/spawn/channels/are-closed", test_no_fds_are_left);
  return g_test_run ();
}
