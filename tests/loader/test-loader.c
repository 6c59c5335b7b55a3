/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The loader with the real worker, and modules that misbehave.
 */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collet-error.h"
#include "collet-loader.h"
#include "collet-wire.h"

#define DEADLINE_MS 1500 /* for modules that hang */

typedef struct
{
  char *base;
  ColletSpawn *spawn;
  ColletLoader *loader;
} Fixture;

static void
open_loader (Fixture *f, const char *folder)
{
  const char *readable[] = { folder, NULL };
  const char *program = g_getenv ("COLLET_WORKER");
  g_autoptr (GError) error = NULL;
  struct collet_limits limits;

  g_assert_nonnull (program);
  f->spawn = collet_spawn_new (program, readable, FALSE, &error);
  g_assert_no_error (error);
  f->loader = collet_loader_new (folder, f->spawn, &error);
  g_assert_no_error (error);
  collet_loader_get_probe_limits (f->loader, &limits);
  limits.deadline_ms = DEADLINE_MS;
  collet_loader_set_probe_limits (f->loader, &limits);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->base = g_dir_make_tmp ("collet-loader-XXXXXX", &error);
  g_assert_no_error (error);
  g_autofree char *folder = g_build_filename (f->base, "artifacts", NULL);
  g_assert_cmpint (g_mkdir (folder, 0700), ==, 0);
  open_loader (f, folder);
}

static void
empty (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);

  for (const char *name = dir != NULL ? g_dir_read_name (dir) : NULL; name != NULL;
       name = g_dir_read_name (dir))
    {
      g_autofree char *child = g_build_filename (path, name, NULL);
      if (g_file_test (child, G_FILE_TEST_IS_DIR))
        empty (child);
      else
        g_unlink (child);
    }
  g_rmdir (path);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_object_unref (f->loader);
  g_object_unref (f->spawn);
  empty (f->base);
  g_free (f->base);
}

static guint
count_entries (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static guint
count_stored (Fixture *f)
{
  g_autofree char *tmp = g_build_filename (collet_loader_get_folder (f->loader), "tmp", NULL);

  g_assert_cmpuint (count_entries (tmp), ==, 0);
  return count_entries (collet_loader_get_folder (f->loader)) - 1;
}

static char *
module_path (const char *name)
{
  g_autofree char *file = g_strconcat (name, ".so", NULL);

  return g_build_filename (g_getenv ("COLLET_TEST_MODULES_DIR"), file, NULL);
}

static void
on_ready (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **)user_data = g_object_ref (result);
}

static GAsyncResult *
wait_for (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return *result;
}

static GPtrArray *
examine (Fixture *f, GPtrArray *paths, GError **error)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new ();
  g_autoptr (GAsyncResult) result = NULL;

  for (guint i = 0; i < paths->len; i++)
    g_ptr_array_add (list, g_ptr_array_index (paths, i));
  g_ptr_array_add (list, NULL);
  collet_loader_examine_async (f->loader, (const char *const *)list->pdata, NULL, on_ready, &result);
  return collet_loader_examine_finish (f->loader, wait_for (&result), error);
}

static const ColletCheck *
find_check (const ColletCandidate *candidate, const char *name)
{
  for (guint i = 0; i < candidate->checks->len; i++)
    {
      const ColletCheck *check = g_ptr_array_index (candidate->checks, i);
      if (g_str_equal (check->name, name))
        return check;
    }
  g_error ("%s has no check \"%s\"", candidate->source, name);
}

static void
say (const ColletCandidate *candidate)
{
  g_autofree char *name = g_path_get_basename (candidate->source);

  g_test_message ("%s: %s: %s", name,
                  candidate->error != NULL ? collet_error_name_of (candidate->error) : "proven",
                  candidate->error != NULL ? candidate->error->message : "");
}

/* -1: proven. */
static const struct
{
  const char *name;
  int code;
  const char *check; /* that says so */
} misbehaving[] = {
  { "abi-major", COLLET_ERROR_ABI_MISMATCH, "abi" },
  { "abi-minor", COLLET_ERROR_ABI_MISMATCH, "abi" },
  { "bad-json", -1, NULL },
  { "bad-result", -1, NULL },
  { "bad-schema", COLLET_ERROR_INVALID_SCHEMA, "schemas" },
  { "broken-manifest", COLLET_ERROR_INVALID_MANIFEST, "manifest" },
  { "crash-call", -1, NULL },
  { "crash-constructor", COLLET_ERROR_PROBE_CRASHED, "trial" },
  { "crash-init", COLLET_ERROR_PROBE_CRASHED, "trial" },
  { "crash-self-test", COLLET_ERROR_PROBE_CRASHED, "trial" },
  { "exit-call", -1, NULL },
  { "exit-constructor", COLLET_ERROR_PROBE_CRASHED, "trial" },
  { "fail-init", COLLET_ERROR_VALIDATION_FAILED, "init" },
  { "fail-self-test", COLLET_ERROR_VALIDATION_FAILED, "self-test" },
  { "greedy", -1, NULL },
  { "hang-call", -1, NULL },
  { "hang-constructor", COLLET_ERROR_PROBE_TIMEOUT, "trial" },
  { "hang-self-test", COLLET_ERROR_PROBE_TIMEOUT, "trial" },
  { "leak", -1, NULL },
  { "no-call", COLLET_ERROR_INVALID_MODULE, "abi" },
  { "no-manifest", COLLET_ERROR_INVALID_MANIFEST, "manifest-note" },
  { "no-symbol", COLLET_ERROR_INVALID_MODULE, "symbol" },
  { "nodelete", -1, NULL },
  { "short-struct", COLLET_ERROR_INVALID_MODULE, "abi" },
  { "undefined-symbol", COLLET_ERROR_INVALID_MODULE, "dlopen" },
};

/* All in one batch: each gets its own verdict, whatever its neighbours do. */
static void
test_each_fault_has_its_name (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  guint n_proven = 0;

  for (guint i = 0; i < G_N_ELEMENTS (misbehaving); i++)
    g_ptr_array_add (paths, module_path (misbehaving[i].name));
  g_autoptr (GPtrArray) candidates = examine (f, paths, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (candidates->len, ==, G_N_ELEMENTS (misbehaving));
  for (guint i = 0; i < candidates->len; i++)
    {
      const ColletCandidate *candidate = g_ptr_array_index (candidates, i);
      say (candidate);
      if (misbehaving[i].code < 0)
        {
          g_assert_no_error (candidate->error);
          g_assert_cmpstr (candidate->manifest->name, ==, misbehaving[i].name);
          n_proven++;
          continue;
        }
      g_assert_error (candidate->error, COLLET_ERROR, misbehaving[i].code);
      const ColletCheck *check = find_check (candidate, misbehaving[i].check);
      g_assert_cmpint (check->outcome, ==, COLLET_CHECK_FAILED);
      g_assert_nonnull (check->remedy);
      g_assert_nonnull (candidate->version);
    }
  g_assert_cmpuint (count_stored (f), ==, n_proven);
}

static void
test_good_module_passes_every_check (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);

  g_ptr_array_add (paths, module_path ("counter-1.0.0"));
  g_ptr_array_add (paths, module_path ("echo-1.0.0"));
  g_autoptr (GPtrArray) candidates = examine (f, paths, NULL);
  for (guint i = 0; i < 2; i++)
    {
      const ColletCandidate *candidate = g_ptr_array_index (candidates, i);
      say (candidate);
      g_assert_no_error (candidate->error);
      g_assert_cmpuint (strlen (candidate->version->code_digest), ==, 64);
      for (guint c = 0; c < candidate->checks->len; c++)
        {
          const ColletCheck *check = g_ptr_array_index (candidate->checks, c);
          if (check->outcome != COLLET_CHECK_PASSED)
            g_error ("%s: %s", check->name, check->evidence);
        }
    }
  g_assert_true (((ColletCandidate *)candidates->pdata[0])->manifest->stateful);
}

static void
test_one_crash_of_twenty (Fixture *f, gconstpointer data)
{
  static const char *const good[] = { "echo-1.0.0", "echo-2.0.0", "counter-1.0.0", "clash", "leak" };
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  guint fds = count_entries ("/proc/self/fd");
  guint n_proven = 0;

  for (guint i = 0; i < 20; i++)
    g_ptr_array_add (paths, module_path (i == 10 ? "crash-constructor" : good[i % G_N_ELEMENTS (good)]));
  g_autoptr (GPtrArray) candidates = examine (f, paths, NULL);
  for (guint i = 0; i < candidates->len; i++)
    {
      const ColletCandidate *candidate = g_ptr_array_index (candidates, i);
      n_proven += candidate->error == NULL ? 1 : 0;
    }
  g_assert_cmpuint (n_proven, ==, 19);
  g_assert_cmpuint (count_stored (f), ==, G_N_ELEMENTS (good));
  g_assert_cmpuint (count_entries ("/proc/self/fd"), <=,
                    fds); /* of an earlier fork server one may have gone */
}

/* A copy of a good module, changed. */
static char *
write_variant (Fixture *f, guint number, const char *bytes, gsize size)
{
  g_autofree char *name = g_strdup_printf ("variant-%04u.so", number);
  char *path = g_build_filename (f->base, name, NULL);

  g_assert_true (g_file_set_contents (path, bytes, (gssize)size, NULL));
  return path;
}

static char *
read_good (gsize *size)
{
  g_autofree char *path = module_path ("echo-1.0.0");
  char *bytes = NULL;

  g_assert_true (g_file_get_contents (path, &bytes, size, NULL));
  return bytes;
}

static void
test_foreign_files_are_named (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  gsize size;
  g_autofree char *good = read_good (&size);

  g_ptr_array_add (paths, write_variant (f, 0, "", 0));
  g_ptr_array_add (paths, write_variant (f, 1, "#!/bin/sh\nexit 0\n", 17));
  g_ptr_array_add (paths, g_strdup ("/bin/true"));
  good[18] = (char)183; /* e_machine: AArch64 */
  good[19] = 0;
  g_ptr_array_add (paths, write_variant (f, 2, good, size));
  g_autoptr (GPtrArray) candidates = examine (f, paths, NULL);
  for (guint i = 0; i < candidates->len; i++)
    {
      const ColletCandidate *candidate = g_ptr_array_index (candidates, i);
      say (candidate);
      g_assert_error (candidate->error, COLLET_ERROR, COLLET_ERROR_INVALID_MODULE);
    }
  g_assert_cmpint (find_check (candidates->pdata[3], "machine")->outcome, ==, COLLET_CHECK_FAILED);
  g_assert_cmpuint (count_stored (f), ==, 0);
}

/* Cut or changed anywhere, there is a verdict for each, and the loader is as
 * before. A cut in what is not loaded may well be harmless. */
static void
test_damaged_files_have_a_verdict (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GRand) random = g_rand_new_with_seed (20261123);
  g_autoptr (GError) error = NULL;
  gsize size;
  g_autofree char *good = read_good (&size);
  guint n_proven = 0;

  for (guint i = 0; i < 40; i++)
    g_ptr_array_add (paths, write_variant (f, i, good, size * i / 40));
  for (guint i = 40; i < 120; i++)
    {
      g_autofree char *changed = g_memdup2 (good, size);
      for (guint n = 0; n < 4; n++)
        changed[g_rand_int_range (random, 0, n < 2 ? 1024 : (int)size)] ^=
            (char)(1 << g_rand_int_range (random, 0, 8));
      g_ptr_array_add (paths, write_variant (f, i, changed, size));
    }
  g_autoptr (GPtrArray) candidates = examine (f, paths, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < candidates->len; i++)
    {
      const ColletCandidate *candidate = g_ptr_array_index (candidates, i);
      say (candidate);
      n_proven += candidate->error == NULL ? 1 : 0;
      if (candidate->error != NULL)
        g_assert_true (candidate->error->domain == COLLET_ERROR &&
                       candidate->error->code != COLLET_ERROR_FAILED);
      if (i < 20)
        g_assert_nonnull (candidate->error);
    }
  g_assert_cmpuint (count_stored (f), <=, n_proven);
}

static void
test_validation_leaves_no_trace (Fixture *f, gconstpointer data)
{
  static const char *const names[] = { "echo-1.0.0", "crash-init", "no-manifest" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = module_path (names[i]);
      g_autoptr (GAsyncResult) result = NULL;
      g_autoptr (GError) error = NULL;

      collet_loader_validate_async (f->loader, path, NULL, on_ready, &result);
      g_autoptr (ColletCandidate) candidate =
          collet_loader_validate_finish (f->loader, wait_for (&result), &error);
      g_assert_no_error (error);
      g_assert_cmpint (candidate->error == NULL, ==, i == 0);
      g_assert_cmpuint (count_stored (f), ==, 0);
    }
}

static void
test_full_disk_stops_the_batch (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *where = g_build_filename (f->base, "small", NULL);
  g_autofree char *folder = g_build_filename (where, "artifacts", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_mkdir (where, 0700), ==, 0);
  if (mount ("tmpfs", where, "tmpfs", 0, "size=100k") != 0)
    {
      g_test_skip ("mounting needs privileges");
      return;
    }
  g_object_unref (f->loader);
  g_object_unref (f->spawn);
  g_assert_cmpint (g_mkdir (folder, 0700), ==, 0);
  open_loader (f, folder);
  for (guint i = 0; i < G_N_ELEMENTS (misbehaving); i++)
    g_ptr_array_add (paths, module_path (misbehaving[i].name));
  g_assert_null (examine (f, paths, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_DISK_FULL);
  g_assert_cmpuint (count_stored (f), ==, 0);
  g_assert_cmpint (umount2 (where, MNT_DETACH), ==, 0);
}

#define TEST(name, func) g_test_add ("/loader/loader/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  TEST ("each-fault-has-its-name", test_each_fault_has_its_name);
  TEST ("good-module-passes-every-check", test_good_module_passes_every_check);
  TEST ("one-crash-of-twenty", test_one_crash_of_twenty);
  TEST ("foreign-files-are-named", test_foreign_files_are_named);
  TEST ("damaged-files-have-a-verdict", test_damaged_files_have_a_verdict);
  TEST ("validation-leaves-no-trace", test_validation_leaves_no_trace);
  TEST ("full-disk-stops-the-batch", test_full_disk_stops_the_batch);
  return g_test_run ();
}
