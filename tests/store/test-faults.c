/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What may be wrong with the disk, the folder, and others who use them.
 */
#include "store-fixture.h"

#include "collet-error.h"

#include <glib/gstdio.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

static ColletStore *
open_any (const char *folder, ColletStoreImage **image, char **moved_to, const char **name)
{
  g_autoptr (GError) error = NULL;
  ColletStore *store = collet_store_open (folder, image, moved_to, &error);

  g_assert_true ((store == NULL) == (error != NULL));
  *name = error != NULL ? collet_error_name_of (error) : NULL;
  if (error != NULL)
    g_test_message ("%s", error->message);
  return store;
}

/* ---- damage ---- */

/* The damaged file serves a new start, and is kept as it was. */
static void
expect_put_aside (const char *folder)
{
  g_autofree char *path = g_build_filename (folder, "collet.db", NULL);
  g_autoptr (ColletStoreImage) image = NULL;
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  g_autofree char *moved_to = NULL;
  gsize before_size, after_size;
  const char *name;

  g_assert_true (g_file_get_contents (path, &before, &before_size, NULL));
  ColletStore *store = open_any (folder, &image, &moved_to, &name);
  g_assert_cmpstr (name, ==, NULL);
  g_assert_nonnull (moved_to);
  g_assert_true (g_str_has_prefix (moved_to, path));
  g_assert_true (g_file_get_contents (moved_to, &after, &after_size, NULL));
  g_assert_cmpmem (before, before_size, after, after_size);
  g_assert_cmpuint (image->modules->len, ==, 0);
  fixture_reload_module (store, "0001", "calculator", 0, 'a', 1, "state");
  fixture_close (store);
}

static void
test_no_database (void)
{
  char *folder = fixture_folder_new ();
  g_autofree char *path = g_build_filename (folder, "collet.db", NULL);

  for (int i = 0; i < 3; i++) /* within one second: under names of their own */
    {
      g_assert_true (g_file_set_contents (path, "this is not a database, but it is long enough", -1, NULL));
      expect_put_aside (folder);
    }
  fixture_folder_free (folder);
}

static void
test_damaged_page (void)
{
  char *folder = fixture_folder_new ();
  g_autofree char *path = g_build_filename (folder, "collet.db", NULL);
  g_autofree char *text = NULL;
  gsize size;

  ColletStore *store = fixture_open (folder, NULL);
  fixture_reload_module (store, "0001", "calculator", 0, 'a', 1, "state");
  fixture_close (store);
  g_assert_true (g_file_get_contents (path, &text, &size, NULL));
  g_autofree char *page = fixture_query (folder, "SELECT rootpage FROM sqlite_schema WHERE name = 'module'");
  gsize start = (gsize)(g_ascii_strtoull (page, NULL, 10) - 1) * 4096;
  g_assert_cmpuint (start + 4096, <=, size);
  memset (text + start, 0xff, 4096);
  g_assert_true (g_file_set_contents (path, text, (gssize)size, NULL));
  expect_put_aside (folder);
  fixture_folder_free (folder);
}

static void
test_newer (void)
{
  char *folder = fixture_folder_new ();
  g_autofree char *path = g_build_filename (folder, "collet.db", NULL);
  g_autoptr (ColletStoreImage) image = NULL;
  g_autofree char *moved_to = NULL;
  const char *name;

  fixture_close (fixture_open (folder, NULL));
  g_assert_null (fixture_sql (folder, "PRAGMA user_version = 1000"));
  g_assert_null (open_any (folder, &image, &moved_to, &name));
  g_assert_cmpstr (name, ==, "DatabaseNewer");
  g_assert_null (moved_to);
  g_assert_null (image);
  g_autofree char *version = fixture_query (folder, "SELECT user_version FROM pragma_user_version");
  g_assert_cmpstr (version, ==, "1000");
  fixture_folder_free (folder);
}

/* ---- others ---- */

static void
test_second (void)
{
  char *folder = fixture_folder_new ();
  ColletStore *first = fixture_open (folder, NULL);
  g_autoptr (ColletStoreImage) image = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *pid = g_strdup_printf ("process %d", (int)getpid ());

  g_assert_null (collet_store_open (folder, &image, NULL, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_DATABASE_BUSY);
  g_assert_nonnull (strstr (error->message, pid));
  fixture_close (first);
  fixture_close (fixture_open (folder, NULL));
  fixture_folder_free (folder);
}

/* Somebody's open transaction: writers are told, readers go on, all of them
 * within one time-out. */
static void
test_locked (void)
{
  char *folder = fixture_folder_new ();
  ColletStore *store = fixture_open (folder, NULL);
  g_autofree char *path = g_build_filename (folder, "collet.db", NULL);
  sqlite3 *other = NULL;
  GAsyncResult *begun[8] = { NULL };
  GAsyncResult *read = NULL;

  g_assert_cmpint (sqlite3_open (path, &other), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (other, "BEGIN IMMEDIATE", NULL, NULL, NULL), ==, SQLITE_OK);
  gint64 begin = g_get_monotonic_time ();
  for (int i = 0; i < 8; i++)
    {
      g_autofree char *id = g_strdup_printf ("%04d", i);
      collet_store_begin_async (store, fixture_reload (id, "calculator", 0, 'a'), fixture_on_answer,
                                &begun[i]);
    }
  collet_store_history_async (store, &(ColletHistoryQuery){ 0 }, fixture_on_answer, &read);
  fixture_wait (&read);
  /* The first may have gone alone, before the others came. */
  g_assert_cmpint (g_get_monotonic_time () - begin, <, 8 * G_USEC_PER_SEC);
  for (int i = 0; i < 8; i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (collet_store_begin_finish (store, begun[i], &error));
      g_assert_error (error, COLLET_ERROR, COLLET_ERROR_DATABASE_BUSY);
      g_object_unref (begun[i]);
    }
  g_autoptr (GPtrArray) rows = collet_store_history_finish (store, read, NULL);
  g_assert_nonnull (rows);
  g_assert_cmpuint (rows->len, ==, 0);
  g_object_unref (read);

  sqlite3_exec (other, "ROLLBACK", NULL, NULL, NULL);
  sqlite3_close (other);
  fixture_begin (store, fixture_reload ("0001", "calculator", 0, 'a'), NULL);
  fixture_close (store);
  fixture_folder_free (folder);
}

/* ---- a folder that cannot be written ---- */

static void
test_read_only (void)
{
  if (g_test_subprocess ())
    {
      const char *folder = g_getenv ("COLLET_TEST_FOLDER");
      g_autoptr (ColletStoreImage) image = NULL;
      const char *name;

      if (geteuid () == 0)
        g_assert_cmpint (setresuid (65534, 65534, 65534), ==, 0);
      g_assert_null (open_any (folder, &image, NULL, &name));
      g_assert_cmpstr (name, ==, "StoreReadOnly");
      return;
    }

  char *folder = fixture_folder_new ();
  g_autofree char *lock = g_build_filename (folder, "collet.lock", NULL);
  g_autofree char *path = g_build_filename (folder, "collet.db", NULL);

  fixture_close (fixture_open (folder, NULL));
  g_chmod (path, 0444);
  g_chmod (folder, 0555);
  g_setenv ("COLLET_TEST_FOLDER", folder, TRUE);
  g_chmod (lock, 0444);
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
  g_chmod (lock, 0666); /* the lock can be had, the database not be written */
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
  g_chmod (folder, 0777);
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
  g_chmod (folder, 0700);
  fixture_folder_free (folder);
}

/* ---- a full disk ---- */

static gboolean
mount_small_disk (const char *folder)
{
  return unshare (CLONE_NEWNS) == 0 && mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
         mount ("tmpfs", folder, "tmpfs", 0, "size=3m") == 0;
}

static void
fill (const char *path)
{
  static const char block[65536];
  FILE *file = g_fopen (path, "w");

  setvbuf (file, NULL, _IONBF, 0);
  while (fwrite (block, 1, sizeof block, file) == sizeof block)
    ;
  while (fwrite (block, 1, 512, file) == 512)
    ;
  fclose (file);
}

/* In a process of its own, on a disk of its own. */
static void
fill_and_free (const char *folder)
{
  g_autofree char *ballast = g_build_filename (folder, "ballast", NULL);
  g_autofree char *big = g_strnfill (512 * 1024, 'x');
  g_autoptr (GPtrArray) updates = NULL;
  const char *name;
  int done = 0;

  ColletStore *store = fixture_open (folder, NULL);
  fixture_reload_module (store, "0001", "calculator", 0, 'a', 1, "state");
  fixture_begin (store, fixture_reload ("0002", "calculator", 'a', 'b'), NULL);
  fill (ballast);
  while (done < 100 && fixture_save (store, fixture_snapshot ("calculator", 'a', big, NULL), &name))
    done++;
  g_assert_cmpstr (name, ==, "DiskFull");
  g_assert_false (fixture_do_commit (store, fixture_commit ("0002", "calculator", 'b', 2, big), NULL, &name));
  g_assert_cmpstr (name, ==, "DiskFull");

  g_assert_cmpint (g_unlink (ballast), ==, 0);
  fixture_do_commit (store, fixture_commit ("0002", "calculator", 'b', 2, "small"), &updates, NULL);
  g_assert_cmpuint (updates->len, ==, 1);
  fixture_do_end (store, fixture_end ("0002", "succeeded"), NULL);
  fixture_close (store);

  g_autoptr (ColletStoreImage) image = NULL;
  fixture_close (fixture_open (folder, &image));
  g_assert_cmpstr (((ColletModuleRow *)image->modules->pdata[0])->sha256, ==, fixture_sha256 ('b'));
  g_assert_cmpuint (image->update_sequence, ==, 2);
}

/* What is too large for the disk does not take the others of its group along. */
static void
fill_group (const char *folder)
{
  g_autofree char *big = g_strnfill (4 * 1024 * 1024, 'x');
  GPtrArray *snapshots = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_snapshot_row_free);
  g_autoptr (GAsyncResult) first = NULL;
  g_autoptr (GAsyncResult) second = NULL;
  g_autoptr (GAsyncResult) third = NULL;
  g_autoptr (GError) error = NULL;

  ColletStore *store = fixture_open (folder, NULL);
  fixture_reload_module (store, "0001", "calculator", 0, 'a', 1, "state");
  g_ptr_array_add (snapshots, fixture_snapshot ("calculator", 'a', big, NULL));
  collet_store_begin_async (store, fixture_reload ("0002", "calculator", 'a', 'b'), fixture_on_answer,
                            &first);
  collet_store_save_snapshots_async (store, snapshots, fixture_on_answer, &second);
  collet_store_end_async (store, fixture_end ("0002", "failed"), fixture_on_answer, &third);
  fixture_wait (&third);
  g_assert_true (collet_store_begin_finish (store, first, &error));
  g_assert_true (collet_store_end_finish (store, third, &error));
  g_assert_false (collet_store_save_snapshots_finish (store, second, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_DISK_FULL);
  g_test_message ("%s", error->message);
  g_clear_object (&first);
  g_clear_object (&second);
  g_clear_object (&third);
  fixture_close (store);
}

/* Tried by a process that has nothing else to do. */
static gboolean
can_mount (const char *folder)
{
  pid_t pid = fork ();
  int status = -1;

  if (pid == 0)
    _exit (mount_small_disk (folder) ? 0 : 1);
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  return WIFEXITED (status) && WEXITSTATUS (status) == 0;
}

static void
on_small_disk (void (*test) (const char *folder))
{
  if (g_test_subprocess ())
    {
      const char *small = g_getenv ("COLLET_TEST_FOLDER");

      g_assert_true (mount_small_disk (small));
      test (small);
      return;
    }

  char *folder = fixture_folder_new ();
  if (can_mount (folder))
    {
      g_setenv ("COLLET_TEST_FOLDER", folder, TRUE);
      g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
      g_test_trap_assert_passed ();
    }
  else
    {
      g_test_skip ("a small disk cannot be mounted here");
    }
  fixture_folder_free (folder);
}

static void
test_disk_full (void)
{
  on_small_disk (fill_and_free);
}

static void
test_disk_full_group (void)
{
  on_small_disk (fill_group);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/store/damage/what-is-no-database-is-put-aside", test_no_database);
  g_test_add_func ("/store/damage/a-damaged-page-is-found-and-put-aside", test_damaged_page);
  g_test_add_func ("/store/damage/a-newer-one-is-refused-and-kept", test_newer);
  g_test_add_func ("/store/lock/a-second-daemon-is-told-who-holds-it", test_second);
  g_test_add_func ("/store/lock/a-locked-database-delays-nobody-twice", test_locked);
  g_test_add_func ("/store/disk/read-only-has-its-own-name", test_read_only);
  g_test_add_func ("/store/disk/full-changes-nothing-and-goes-on-when-there-is-room", test_disk_full);
  g_test_add_func ("/store/disk/full-for-one-is-not-full-for-the-others", test_disk_full_group);
  return g_test_run ();
}
