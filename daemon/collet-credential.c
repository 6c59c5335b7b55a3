/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-credential.h"

char *
collet_credential_dup_path (const char *name)
{
  const char *folder = g_getenv ("CREDENTIALS_DIRECTORY");
  g_autofree char *path = NULL;

  if (folder == NULL || !g_path_is_absolute (folder))
    return NULL;
  path = g_build_filename (folder, name, NULL);
  return g_file_test (path, G_FILE_TEST_EXISTS) ? g_steal_pointer (&path) : NULL;
}
