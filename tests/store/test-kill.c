/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A process that commits reload after reload is ended by kill -9, again and
 * again. Each time only whole transactions are found, and all that it was told
 * were durable.
 */
#include "store-fixture.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define ROUNDS 12

/* ---- the process ---- */

static char
version_of (guint64 generation)
{
  return generation % 2 == 0 ? 'a' : 'b';
}

static void G_GNUC_NORETURN
commit_forever (const char *folder)
{
  g_autoptr (ColletStoreImage) image = NULL;
  ColletStore *store = fixture_open (folder, &image);

  for (guint64 generation = image->next_generation;; generation++)
    {
      g_autofree char *id = g_strdup_printf ("%016" G_GINT64_MODIFIER "x", generation);
      g_autofree char *state = g_strnfill (20000, (char)('0' + generation % 10));

      for (int i = 0; i < 5; i++)
        {
          ColletCallRow *call = collet_call_row_new ();

          call->tool = g_strdup ("calculator");
          call->outcome = g_strdup ("ok");
          call->generation = generation;
          collet_store_record_call (store, call);
        }
      fixture_reload_module (store, id, "calculator", version_of (generation - 1), version_of (generation),
                             generation, state);
      printf ("%" G_GUINT64_FORMAT "\n", generation);
      fflush (stdout);
    }
}

/* ---- the test ---- */

typedef struct
{
  GPid pid;
  FILE *output;
} Process;

static Process
spawn (const char *folder, const char *failpoint)
{
  const char *const argv[] = { "/proc/self/exe", "commit-forever", folder, NULL };
  g_auto (GStrv) environment = g_get_environ ();
  g_autoptr (GError) error = NULL;
  Process process = { 0 };
  int fd = -1;

  if (failpoint != NULL)
    environment = g_environ_setenv (environment, "COLLET_FAILPOINT", failpoint, TRUE);
  g_spawn_async_with_pipes (NULL, (char **)argv, environment, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL,
                            &process.pid, NULL, &fd, NULL, &error);
  g_assert_no_error (error);
  process.output = fdopen (fd, "r");
  return process;
}

/* Nothing but kill -9 ends it. */
static void
reap (Process *process)
{
  int status;

  fclose (process->output);
  g_assert_cmpint (waitpid (process->pid, &status, 0), ==, process->pid);
  g_assert_true (WIFSIGNALED (status));
  g_assert_cmpint (WTERMSIG (status), ==, SIGKILL);
}

/* Lets it commit a few, kills it, and returns the last generation that it was
 * told is durable. */
static guint64
run_and_kill (const char *folder)
{
  Process process = spawn (folder, NULL);
  guint64 last = 0;
  char line[64];

  g_assert_nonnull (fgets (line, sizeof line, process.output));
  g_usleep ((gulong)g_test_rand_int_range (0, 60000));
  kill (process.pid, SIGKILL);
  do
    last = g_ascii_strtoull (line, NULL, 10);
  while (fgets (line, sizeof line, process.output) != NULL);
  reap (&process);
  return last;
}

static guint64
number (const char *folder, const char *sql)
{
  g_autofree char *text = fixture_query (folder, sql);
  return g_ascii_strtoull (text, NULL, 10);
}

/* Everything that one commit writes agrees. Returns the generation. */
static guint64
check (const char *folder)
{
  g_autoptr (ColletStoreImage) image = NULL;

  fixture_close (fixture_open (folder, &image));
  guint64 generation = number (folder, "SELECT generation FROM module");
  g_autofree char *tool = fixture_query (folder, "SELECT version FROM tool");
  g_autofree char *whole = fixture_query (folder, "PRAGMA integrity_check");

  g_assert_cmpstr (whole, ==, "ok");
  g_assert_cmpstr (tool, ==, fixture_sha256 (version_of (generation)));
  g_assert_cmpuint (number (folder, "SELECT count (*) FROM reload_commit"), ==, generation);
  g_assert_cmpuint (number (folder, "SELECT max (sequence) FROM tool_update"), ==, generation);
  g_assert_cmpuint (image->snapshots->len, ==, 1);
  const ColletSnapshotRow *snapshot = image->snapshots->pdata[0];
  const char *state = g_bytes_get_data (snapshot->state, NULL);
  g_assert_cmpuint (g_bytes_get_size (snapshot->state), ==, 20000);
  g_assert_cmpint (state[0], ==, (char)('0' + generation % 10));
  g_assert_cmpint (state[19999], ==, state[0]);
  /* At most one reload was under way. */
  g_assert_cmpuint (image->open->len + image->committed->len, <=, 1);
  return generation;
}

/* As the daemon does at its start. */
static void
resolve (const char *folder)
{
  g_autoptr (ColletStoreImage) image = NULL;
  ColletStore *store = fixture_open (folder, &image);

  for (guint i = 0; i < image->open->len; i++)
    fixture_do_end (store, fixture_end (((ColletReloadRow *)image->open->pdata[i])->id, "interrupted"), NULL);
  for (guint i = 0; i < image->committed->len; i++)
    fixture_do_end (store, fixture_end (((ColletReloadRow *)image->committed->pdata[i])->id, "succeeded"),
                    NULL);
  fixture_close (store);
  /* An id is used once. */
  g_autofree char *message =
      fixture_sql (folder, "INSERT INTO retention (before_at, at) VALUES (0, 0);"
                           "DELETE FROM reload WHERE number IN (SELECT reload FROM reload_end "
                           "WHERE state = 'interrupted');"
                           "UPDATE retention SET finished_at = 0 WHERE finished_at IS NULL");
  g_assert_null (message);
}

static void
test_any_moment (void)
{
  char *folder = fixture_folder_new ();

  for (int i = 0; i < ROUNDS; i++)
    {
      guint64 last = run_and_kill (folder);
      guint64 generation = check (folder);

      g_test_message ("%" G_GUINT64_FORMAT " told, %" G_GUINT64_FORMAT " found", last, generation);
      g_assert_cmpuint (generation, >=, last);
      g_assert_cmpuint (generation, <=, last + 1);
      resolve (folder);
    }
  fixture_folder_free (folder);
}

static void
test_failpoint (gconstpointer data)
{
#ifndef COLLET_FAILPOINTS
  g_test_skip ("built without failpoints");
#else
  gboolean is_after = g_str_equal (data, "store-after-commit");
  char *folder = fixture_folder_new ();
  g_autoptr (ColletStoreImage) image = NULL;
  Process process = spawn (folder, data);

  reap (&process);
  fixture_close (fixture_open (folder, &image));
  g_assert_cmpuint (image->open->len, ==, is_after ? 0 : 1);
  g_assert_cmpuint (image->committed->len, ==, is_after ? 1 : 0);
  g_assert_cmpuint (image->modules->len, ==, is_after ? 1 : 0);
  g_assert_cmpuint (image->update_sequence, ==, is_after ? 1 : 0);
  fixture_folder_free (folder);
#endif
}

int
main (int argc, char **argv)
{
  if (argc == 3 && strcmp (argv[1], "commit-forever") == 0)
    commit_forever (argv[2]);

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/store/kill/at-any-moment-leaves-whole-transactions", test_any_moment);
  g_test_add_data_func ("/store/kill/before-the-commit-is-the-old-version", "store-before-commit",
                        test_failpoint);
  g_test_add_data_func ("/store/kill/after-the-commit-is-the-new-version", "store-after-commit",
                        test_failpoint);
  return g_test_run ();
}
