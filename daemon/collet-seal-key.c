/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-seal-key.h"

#include "collet-config.h"
#include "collet-credential.h"
#include "collet-error.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "request-state.key"
#define MIN_CREDENTIAL 32u

G_STATIC_ASSERT (COLLET_MCP_SEAL_KEY_SIZE == 32); /* of SHA-256 */

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

/* Whatever it looks like: what counts is its hash. */
static gboolean
read_credential (const char *path, guchar *key, GError **error)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autofree char *text = NULL;
  gsize length, size = COLLET_MCP_SEAL_KEY_SIZE;

  text = collet_config_read_trusted (path, TRUE, &length, error);
  if (text == NULL)
    return FALSE;
  if (length < MIN_CREDENTIAL)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                   "The credential %s has %" G_GSIZE_FORMAT
                   " bytes. Give it %u or more that nobody can guess.",
                   COLLET_CREDENTIAL_REQUEST_STATE_KEY, length, MIN_CREDENTIAL);
      return FALSE;
    }
  g_checksum_update (checksum, (const guchar *)text, (gssize)length);
  g_checksum_get_digest (checksum, key, &size);
  return TRUE;
}

static void
load_own (const char *folder, guchar *key)
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

gboolean
collet_seal_key_load (const char *folder, guchar *key, GError **error)
{
  g_autofree char *credential = collet_credential_dup_path (COLLET_CREDENTIAL_REQUEST_STATE_KEY);

  if (credential != NULL)
    return read_credential (credential, key, error);
  load_own (folder, key);
  return TRUE;
}
