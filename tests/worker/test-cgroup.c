/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * With a folder that has the files of a control group, as the kernel's need one
 * that is delegated; tests/daemon/test_delegation.py has a real one.
 */
#include <glib.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "collet-cgroup.h"

static const struct collet_limits limits = { .address_space = 268435456, .threads = 64 };

static void
add (const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *parent = g_path_get_dirname (path);

  g_assert_cmpint (g_mkdir_with_parents (parent, 0755), ==, 0);
  g_assert_true (g_file_set_contents (path, "", 0, NULL));
}

static void
assert_has (const char *folder, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *found = NULL;

  g_assert_true (g_file_get_contents (path, &found, NULL, NULL));
  g_assert_cmpstr (found, ==, text);
}

static char *
make_folder (void)
{
  char *folder = g_dir_make_tmp ("collet-cgroup-XXXXXX", NULL);

  add (folder, "cgroup.subtree_control");
  add (folder, "daemon/cgroup.procs");
  return folder;
}

static void
remove_all (char *folder)
{
  g_autofree char *command = g_strdup_printf ("rm -rf '%s'", folder);

  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL));
  g_free (folder);
}

static void
test_limits (void)
{
  char *folder = make_folder ();
  g_autofree char *own = g_strdup_printf ("%d", (int)getpid ());

  for (guint i = 0; i < 4; i++)
    add (folder, (const char *[]){ "worker-7/memory.max", "worker-7/memory.swap.max", "worker-7/pids.max",
                                   "worker-7/cgroup.procs" }[i]);
  struct collet_cgroup *cgroup = collet_cgroup_new (g_strdup (folder), 1);
  g_assert_nonnull (cgroup);
  assert_has (folder, "daemon/cgroup.procs", own);
  assert_has (folder, "cgroup.subtree_control", "+memory +pids");

  int fd = collet_cgroup_make (cgroup, 7, &limits);
  g_assert_cmpint (fd, >=, 0);
  g_assert_true (collet_cgroup_enter (fd));
  close (fd);
  assert_has (folder, "worker-7/memory.max", "268435456");
  assert_has (folder, "worker-7/memory.swap.max", "268435456");
  assert_has (folder, "worker-7/pids.max", "128");
  assert_has (folder, "worker-7/cgroup.procs", "0");
  collet_cgroup_free (cgroup);
  remove_all (folder);
}

/* A child without a group is better than none. */
static void
test_fails_soft (void)
{
  char *folder = make_folder ();
  g_autofree char *group = g_build_filename (folder, "worker-8", NULL);

  g_assert_cmpint (collet_cgroup_make (NULL, 1, &limits), ==, -1);
  g_assert_null (collet_cgroup_new (NULL, 1));
  g_assert_null (collet_cgroup_new (g_strdup ("/nonexistent"), 1));

  struct collet_cgroup *cgroup = collet_cgroup_new (g_strdup (folder), 1);
  g_assert_cmpint (collet_cgroup_make (cgroup, 8, &limits), ==, -1); /* it has no memory.max */
  g_assert_true (g_file_test (group, G_FILE_TEST_IS_DIR));
  collet_cgroup_remove (cgroup, 8);
  g_assert_false (g_file_test (group, G_FILE_TEST_EXISTS));
  collet_cgroup_free (cgroup);
  remove_all (folder);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/worker/cgroup/limits-memory-and-threads", test_limits);
  g_test_add_func ("/worker/cgroup/fails-soft", test_fails_soft);
  return g_test_run ();
}
