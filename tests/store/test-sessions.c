/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-queue.h"
#include "store-fixture.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define THREADS 4
#define CHANGES 5000 /* a thread */
#define KILLS 5
#define LOSS_US (400 * 1000) /* the promise is 100 ms; the rest is for a busy machine */

static ColletSessionRow *
session (const char *id, gint64 used_at)
{
  ColletSessionRow *row = collet_session_row_new ();

  row->id = g_strdup (id);
  row->revision = g_strdup ("2025-11-25");
  row->client = g_strdup ("inspector/2");
  row->questions = 5;
  row->log_level = 255;
  row->seen = 0xfedcba9876543210;
  row->used_at = used_at;
  return row;
}

static char *
ids_of (const ColletStoreImage *image)
{
  g_autoptr (GString) ids = g_string_new (NULL);

  for (guint i = 0; i < image->sessions->len; i++)
    g_string_append_printf (ids, "%s ", ((ColletSessionRow *)image->sessions->pdata[i])->id);
  return g_string_free (g_steal_pointer (&ids), FALSE);
}

/* What the next daemon finds. */
static char *
read_ids (const char *folder)
{
  g_autoptr (ColletStoreImage) image = NULL;

  fixture_close (fixture_open (folder, &image));
  return ids_of (image);
}

static void
wait_for (const char *folder, const char *sql, const char *expected)
{
  g_autofree char *found = NULL;

  for (int i = 0; i < 500 && g_strcmp0 (found, expected) != 0; i++)
    {
      g_usleep (20000);
      g_free (found);
      found = fixture_query (folder, sql);
    }
  g_assert_cmpstr (found, ==, expected);
}

static void
test_round_trip (void)
{
  char *folder = fixture_folder_new ();
  g_autoptr (ColletStoreImage) empty = NULL;
  g_autoptr (ColletStoreImage) image = NULL;
  ColletStore *store = fixture_open (folder, &empty);
  ColletSessionRow *odd = session ("odd", 7);

  g_assert_cmpuint (empty->sessions->len, ==, 0);
  g_free (odd->client);
  odd->client = g_strdup ("it's; \"n\xc3\xa4\xc3\xafve\"\n/1");
  odd->log_level = 0;
  odd->seen = 0;
  collet_store_save_session (store, session ("young", 9));
  collet_store_save_session (store, odd);
  collet_store_save_session (store, session ("ended", 1));
  collet_store_remove_session (store, "ended");
  collet_store_remove_session (store, "never was");
  fixture_close (store); /* at once */

  fixture_close (fixture_open (folder, &image));
  g_assert_cmpuint (image->sessions->len, ==, 2);
  const ColletSessionRow *first = image->sessions->pdata[0];
  g_assert_cmpstr (first->id, ==, "odd");
  g_assert_cmpstr (first->client, ==, "it's; \"n\xc3\xa4\xc3\xafve\"\n/1");
  g_assert_cmpint (first->log_level, ==, 0);
  g_assert_cmpuint (first->seen, ==, 0);
  const ColletSessionRow *second = image->sessions->pdata[1];
  g_assert_cmpstr (second->id, ==, "young");
  g_assert_cmpstr (second->revision, ==, "2025-11-25");
  g_assert_cmpstr (second->client, ==, "inspector/2");
  g_assert_cmpuint (second->questions, ==, 5);
  g_assert_cmpint (second->log_level, ==, 255);
  g_assert_cmphex (second->seen, ==, 0xfedcba9876543210);
  g_assert_cmpint (second->used_at, ==, 9);
  fixture_folder_free (folder);
}

static void
test_by_itself (void)
{
  char *folder = fixture_folder_new ();
  ColletStore *store = fixture_open (folder, NULL);

  collet_store_save_session (store, session ("one", 1));
  wait_for (folder, "SELECT count (*) FROM session", "1");
  collet_store_remove_session (store, "one");
  wait_for (folder, "SELECT count (*) FROM session", "0");
  fixture_close (store);
  fixture_folder_free (folder);
}

/* Also over what is in the database already. */
static void
test_latest (void)
{
  char *folder = fixture_folder_new ();
  ColletStore *store = fixture_open (folder, NULL);
  g_autoptr (ColletStoreImage) image = NULL;

  collet_store_save_session (store, session ("written", 1));
  collet_store_save_session (store, session ("gone", 1));
  wait_for (folder, "SELECT count (*) FROM session", "2");
  for (int i = 0; i < 3000; i++)
    collet_store_save_session (store, session (i % 2 == 0 ? "written" : "waiting", i));
  collet_store_remove_session (store, "gone");
  collet_store_save_session (store, session ("back", 5000));
  collet_store_remove_session (store, "back");
  collet_store_save_session (store, session ("back", 6000));
  fixture_close (store);

  fixture_close (fixture_open (folder, &image));
  g_autofree char *ids = ids_of (image);
  g_assert_cmpstr (ids, ==, "written waiting back ");
  g_assert_cmpint (((ColletSessionRow *)image->sessions->pdata[0])->used_at, ==, 2998);
  g_assert_cmpint (((ColletSessionRow *)image->sessions->pdata[1])->used_at, ==, 2999);
  g_assert_cmpint (((ColletSessionRow *)image->sessions->pdata[2])->used_at, ==, 6000);
  fixture_folder_free (folder);
}

static gpointer
change_many (gpointer data)
{
  ColletStore *store = data;

  for (int i = 0; i < CHANGES; i++)
    {
      g_autofree char *id = g_strdup_printf ("%p-%d", (void *)g_thread_self (), i);

      collet_store_save_session (store, session (id, i));
      if (i % 2 == 0)
        collet_store_remove_session (store, id);
    }
  return NULL;
}

/* More than one slice, while reloads go on. */
static void
test_threads (void)
{
  char *folder = fixture_folder_new ();
  ColletStore *store = fixture_open (folder, NULL);
  GThread *threads[THREADS];

  for (int i = 0; i < THREADS; i++)
    threads[i] = g_thread_new ("client", change_many, store);
  for (int i = 0; i < 20; i++)
    {
      g_autofree char *id = g_strdup_printf ("%04d", i);
      fixture_reload_module (store, id, "calculator", i == 0 ? 0 : 'a', 'a', (guint64)i + 1, "state");
    }
  for (int i = 0; i < THREADS; i++)
    g_thread_join (threads[i]);
  fixture_close (store);
  g_autofree char *count = fixture_query (folder, "SELECT count (*) FROM session");
  g_assert_cmpint (atoi (count), ==, THREADS * CHANGES / 2);
  fixture_folder_free (folder);
}

static void
test_drop (void)
{
  char *folder = fixture_folder_new ();
  ColletStore *store = fixture_open (folder, NULL);
  g_autoptr (ColletStoreImage) image = NULL;

  collet_store_save_session (store, session ("new", 300));
  collet_store_save_session (store, session ("old", 100));
  collet_store_save_session (store, session ("older", 50));
  collet_store_save_session (store, session ("just", 200));
  fixture_close (store);
  store = fixture_open (folder, &image);
  g_assert_cmpuint (collet_store_drop_sessions (store, image->sessions, 200), ==, 2);
  g_autofree char *left = ids_of (image);
  g_assert_cmpstr (left, ==, "just new ");
  g_assert_cmpuint (collet_store_drop_sessions (store, image->sessions, 200), ==, 0);
  fixture_close (store);
  g_autofree char *kept = read_ids (folder);
  g_assert_cmpstr (kept, ==, "just new ");
  fixture_folder_free (folder);
}

/* The writer is away: states wait, up to a limit, and no caller does. */
static void
test_bounded (void)
{
  g_autoptr (GError) error = NULL;
  ColletQueue *queue = collet_queue_new (&error);
  guint dropped = 0, total = 0, taken = 0;

  g_assert_no_error (error);
  for (int i = 0; i < COLLET_SESSIONS_MAX + 10; i++)
    {
      g_autofree char *id = g_strdup_printf ("%d", i);
      collet_queue_add_session (queue, session (id, i));
    }
  collet_queue_add_session (queue, session ("0", 4711)); /* there is a place for it */
  g_usleep ((COLLET_SESSIONS_DELAY_MS + 10) * 1000);
  for (;;)
    {
      g_autoptr (GPtrArray) rows = collet_queue_take_sessions (queue, &dropped);

      if (rows == NULL)
        break;
      g_assert_cmpuint (rows->len, <=, COLLET_SESSIONS_SLICE);
      taken += rows->len;
      total += dropped;
    }
  g_assert_cmpuint (taken, ==, COLLET_SESSIONS_MAX);
  g_assert_cmpuint (total, ==, 10);
  collet_queue_free (queue);
}

/* What could not be written waits again, unless there is something newer. */
static void
test_returned (void)
{
  g_autoptr (GError) error = NULL;
  ColletQueue *queue = collet_queue_new (&error);
  guint dropped;

  collet_queue_add_session (queue, session ("one", 1));
  collet_queue_add_session (queue, session ("two", 1));
  g_usleep ((COLLET_SESSIONS_DELAY_MS + 10) * 1000);
  g_autoptr (GPtrArray) failed = collet_queue_take_sessions (queue, &dropped);
  g_assert_cmpuint (failed->len, ==, 2);
  collet_queue_add_session (queue, session ("two", 2));
  collet_queue_return_sessions (queue, failed);
  g_assert_cmpuint (failed->len, ==, 0);
  g_usleep ((COLLET_SESSIONS_DELAY_MS + 10) * 1000);
  g_assert_null (collet_queue_take_sessions (queue, &dropped)); /* not at once */

  collet_queue_close (queue);
  g_autoptr (GPtrArray) last = collet_queue_take_sessions (queue, &dropped);
  g_assert_cmpuint (last->len, ==, 2);
  for (guint i = 0; i < last->len; i++)
    {
      const ColletSessionRow *row = last->pdata[i];
      g_assert_cmpint (row->used_at, ==, g_str_equal (row->id, "one") ? 1 : 2);
    }
  collet_queue_return_sessions (queue, last); /* nobody tries for ever */
  g_assert_null (collet_queue_take_sessions (queue, &dropped));
  collet_queue_free (queue);
}

static int complaints;

static void
count_complaint (const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
  g_assert_nonnull (strstr (message, "Sessions are not kept until"));
  g_atomic_int_inc (&complaints);
}

/* Somebody's open transaction delays the rows; they are not lost. */
static void
test_locked (void)
{
  char *folder = fixture_folder_new ();
  ColletStore *store = fixture_open (folder, NULL);
  g_autofree char *path = g_build_filename (folder, "collet.db", NULL);
  sqlite3 *other = NULL;

  g_assert_cmpint (sqlite3_open (path, &other), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (other, "BEGIN IMMEDIATE", NULL, NULL, NULL), ==, SQLITE_OK);
  GLogLevelFlags fatal = g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
  GLogFunc handler = g_log_set_default_handler (count_complaint, NULL);
  gint64 begin = g_get_monotonic_time ();
  collet_store_save_session (store, session ("one", 1));
  g_assert_cmpint (g_get_monotonic_time () - begin, <, G_USEC_PER_SEC);
  while (g_atomic_int_get (&complaints) == 0)
    g_usleep (10000);
  sqlite3_exec (other, "ROLLBACK", NULL, NULL, NULL);
  sqlite3_close (other);
  fixture_close (store);
  g_log_set_default_handler (handler, NULL);
  g_log_set_always_fatal (fatal);
  g_assert_cmpint (complaints, ==, 1);
  g_autofree char *ids = read_ids (folder);
  g_assert_cmpstr (ids, ==, "one ");
  fixture_folder_free (folder);
}

/* ---- kill -9 ---- */

/* Says after each change when it was made. */
static void G_GNUC_NORETURN
change_for_ever (const char *folder)
{
  ColletStore *store = fixture_open (folder, NULL);

  for (gint64 now;; g_usleep (2000))
    {
      now = g_get_monotonic_time ();
      collet_store_save_session (store, session ("steady", now));
      printf ("%" G_GINT64_FORMAT "\n", now);
      fflush (stdout);
    }
}

static void
run_and_kill (const char *folder)
{
  const char *const argv[] = { "/proc/self/exe", "change-for-ever", folder, NULL };
  g_autoptr (GError) error = NULL;
  gint64 last = 0;
  char line[64];
  GPid pid;
  int fd;

  g_spawn_async_with_pipes (NULL, (char **)argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid, NULL, &fd,
                            NULL, &error);
  g_assert_no_error (error);
  FILE *output = fdopen (fd, "r");
  g_assert_nonnull (fgets (line, sizeof line, output));
  g_usleep ((gulong)g_test_rand_int_range (500000, 700000));
  kill (pid, SIGKILL);
  do
    last = g_ascii_strtoll (line, NULL, 10);
  while (fgets (line, sizeof line, output) != NULL);
  fclose (output);
  g_assert_cmpint (waitpid (pid, NULL, 0), ==, pid);

  g_autofree char *found = fixture_query (folder, "SELECT used_at FROM session WHERE id = 'steady'");
  gint64 lost = last - g_ascii_strtoll (found, NULL, 10);
  g_test_message ("%.1f ms lost", (double)lost / 1000);
  g_assert_cmpint (lost, <, LOSS_US);
}

static void
test_kill (void)
{
  char *folder = fixture_folder_new ();

  for (int i = 0; i < KILLS; i++)
    run_and_kill (folder);
  g_autofree char *ids = read_ids (folder);
  g_assert_cmpstr (ids, ==, "steady ");
  fixture_folder_free (folder);
}

/* What 10,000 clients cost. */
static void
test_cost (void)
{
  char *folder = fixture_folder_new ();
  ColletStore *store = fixture_open (folder, NULL);
  const int n = 10000;

  gint64 begin = g_get_monotonic_time ();
  for (int i = 0; i < n; i++)
    {
      g_autofree char *id = g_strdup_printf ("%032x", (guint)i * 2654435761u);
      collet_store_save_session (store, session (id, i));
    }
  gint64 added = g_get_monotonic_time ();
  fixture_close (store);
  gint64 closed = g_get_monotonic_time ();
  fixture_close (fixture_open (folder, NULL));
  g_test_message ("%.2f us a save, %.2f us a row written, %.1f ms to open and close with them",
                  (double)(added - begin) / n, (double)(closed - added) / n,
                  (double)(g_get_monotonic_time () - closed) / 1000);
  fixture_folder_free (folder);
}

int
main (int argc, char **argv)
{
  if (argc == 3 && strcmp (argv[1], "change-for-ever") == 0)
    change_for_ever (argv[2]);

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/store/session/is-found-again-as-it-was-after-a-close-without-a-pause", test_round_trip);
  g_test_add_func ("/store/session/is-written-by-itself", test_by_itself);
  g_test_add_func ("/store/session/the-latest-state-wins", test_latest);
  g_test_add_func ("/store/session/changes-from-any-thread-are-kept", test_threads);
  g_test_add_func ("/store/session/those-unused-for-long-are-dropped", test_drop);
  g_test_add_func ("/store/session/waiting-states-are-bounded", test_bounded);
  g_test_add_func ("/store/session/a-failed-write-is-tried-again-with-the-newest", test_returned);
  g_test_add_func ("/store/session/a-locked-database-delays-them-only", test_locked);
  g_test_add_func ("/store/session/kill-9-takes-the-last-tenth-of-a-second", test_kill);
  if (g_test_perf ())
    g_test_add_func ("/store/session/cost", test_cost);
  return g_test_run ();
}
