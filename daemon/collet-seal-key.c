/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-seal-key.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "request-state.key"

static gboolean
read_key (const char *path, guchar *key)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  guchar bytes[COLLET_MCP_SEAL_KEY_SIZE + 1];
  struct stat info;
  gboolean is_good = FALSE;

  if (fd < 0)
    return FALSE;
  if (fstat (fd, &info) == 0 && S_ISREG (info.st_mode) && (info.st_mode & 077) == 0 &&
      info.st_uid == geteuid ())
    is_good = read (fd, bytes, sizeof bytes) == COLLET_MCP_SEAL_KEY_SIZE;
  close (fd);
  if (!is_good)
    {
      g_warning ("%s is not what this daemon wrote; it is replaced.", path);
      return FALSE;
    }
  memcpy (key, bytes, COLLET_MCP_SEAL_KEY_SIZE);
  return TRUE;
}

void
collet_seal_key_load (const char *folder, guchar *key)
{
  g_autofree char *path = g_build_filename (folder, NAME, NULL);
  g_autoptr (GError) error = NULL;

  if (read_key (path, key))
    return;
  collet_mcp_seal_make_key (key);
  unlink (path); /* newer GLib gives the new file the old one's mode */
  if (!g_file_set_contents_full (path, (const char *)key, COLLET_MCP_SEAL_KEY_SIZE,
                                 G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600, &error))
    g_warning ("%s: it cannot be kept, so questions of tools do not outlive this daemon.", error->message);
}
