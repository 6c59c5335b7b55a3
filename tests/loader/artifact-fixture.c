/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>
#include <string.h>

#include "artifact-fixture.h"

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);

  for (const char *name = dir != NULL ? g_dir_read_name (dir) : NULL; name != NULL;
       name = g_dir_read_name (dir))
    {
      g_autofree char *child = g_build_filename (path, name, NULL);
      if (g_file_test (child, G_FILE_TEST_IS_DIR) && !g_file_test (child, G_FILE_TEST_IS_SYMLINK))
        remove_tree (child);
      else
        g_unlink (child);
    }
  g_rmdir (path);
}

void
artifact_fixture_set_up (ArtifactFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->base = g_dir_make_tmp ("collet-store-XXXXXX", &error);
  g_assert_no_error (error);
  f->folder = g_build_filename (f->base, "artifacts", NULL);
  f->store = collet_artifact_store_open (f->folder, &error);
  g_assert_no_error (error);
}

void
artifact_fixture_tear_down (ArtifactFixture *f, gconstpointer data)
{
  collet_artifact_store_unref (f->store);
  remove_tree (f->base);
  g_free (f->folder);
  g_free (f->base);
}

guint
artifact_fixture_count_entries (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  guint n = 0;

  g_assert_nonnull (dir);
  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

/* tmp/ itself is the one entry that stays. */
void
artifact_fixture_assert_stored (ArtifactFixture *f, guint n)
{
  g_autofree char *tmp = g_build_filename (f->folder, "tmp", NULL);

  g_assert_cmpuint (artifact_fixture_count_entries (tmp), ==, 0);
  g_assert_cmpuint (artifact_fixture_count_entries (f->folder), ==, n + 1);
}

char *
artifact_fixture_write (ArtifactFixture *f, const char *name, const char *bytes, gssize size)
{
  char *path = g_build_filename (f->base, name, NULL);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, bytes, size, &error);
  g_assert_no_error (error);
  return path;
}

void
artifact_fixture_take (ArtifactFixture *f, const char *path, ColletArtifactIntake *intake)
{
  memset (intake, 0, sizeof *intake);
  intake->source = (ColletArtifactSource){ .path = path, .name = path, .fd = -1 };
  collet_artifact_store_take (f->store, intake, 1, FALSE);
}

void
artifact_fixture_drop (ArtifactFixture *f, ColletArtifactIntake *intake, gboolean keep)
{
  collet_artifact_store_release (f->store, intake, keep);
  collet_artifact_intake_clear (intake);
}
