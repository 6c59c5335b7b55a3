/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-signature.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>
#include <sodium.h>

#include "collet-error.h"
#include "collet-signature-private.h"

struct signature_layout
{
  char algorithm[2]; /* "Ed": of the bytes; "ED": of their BLAKE2b-512 */
  guint8 key_id[COLLET_KEY_ID_SIZE];
  guint8 signature[64];
};

gboolean
collet_signature_decode (const char *line, gpointer bytes, gsize size)
{
  gsize length = strcspn (line, "\r\n \t");
  gsize decoded;

  return line[length + strspn (line + length, "\r\n \t")] == '\0' &&
         sodium_base642bin (bytes, size, line, length, NULL, &decoded, NULL,
                            sodium_base64_VARIANT_ORIGINAL) == 0 &&
         decoded == size;
}

/* ---- files ---- */

static int
open_regular (const char *path, gsize max, GError **error)
{
  struct stat info;
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

  if (fd < 0)
    {
      ColletError code = errno == ENOENT || errno == ENOTDIR ? COLLET_ERROR_ARTIFACT_NOT_FOUND
                         : errno == EACCES                   ? COLLET_ERROR_NOT_AUTHORIZED
                                                             : COLLET_ERROR_INVALID_ARGUMENT;
      g_set_error (error, COLLET_ERROR, code, "%s cannot be opened: %s.", path, g_strerror (errno));
      return -1;
    }
  if (fstat (fd, &info) != 0 || !S_ISREG (info.st_mode) || (guint64)info.st_size > max)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                   "%s is not a file of at most %" G_GSIZE_FORMAT " bytes.", path, max);
      close (fd);
      return -1;
    }
  return fd;
}

char *
collet_signature_read_file (const char *path, gsize max, GError **error)
{
  int fd = open_regular (path, max, error);
  if (fd < 0)
    return NULL;

  g_autofree char *text = g_malloc (max + 1);
  gsize length = 0;
  gssize got;
  do
    {
      got = read (fd, text + length, max - length);
      if (got > 0)
        length += (gsize)got;
    }
  while ((got > 0 && length < max) || (got < 0 && errno == EINTR));
  close (fd);
  if (got < 0 || memchr (text, '\0', length) != NULL)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT, "%s %s.", path,
                   got < 0 ? "could not be read" : "is no text");
      return NULL;
    }
  text[length] = '\0';
  return g_steal_pointer (&text);
}

char *
collet_signature_read_beside (const char *path, GError **error)
{
  g_autofree char *beside = g_strconcat (path, COLLET_SIGNATURE_SUFFIX, NULL);
  g_autoptr (GError) reason = NULL;
  char *text = collet_signature_read_file (beside, COLLET_SIGNATURE_FILE_MAX, &reason);

  if (text == NULL && !g_error_matches (reason, COLLET_ERROR, COLLET_ERROR_ARTIFACT_NOT_FOUND))
    g_propagate_error (error, g_steal_pointer (&reason));
  return text;
}

/* ---- the text ---- */

static gboolean
parse_lines (ColletSignature *self, GStrv lines)
{
  struct signature_layout layout;

  if (g_strv_length (lines) < 4 || !g_str_has_prefix (lines[0], COLLET_UNTRUSTED_COMMENT) ||
      !g_str_has_prefix (lines[2], COLLET_TRUSTED_COMMENT) ||
      !collet_signature_decode (lines[1], &layout, sizeof layout) ||
      !collet_signature_decode (lines[3], self->global, sizeof self->global))
    return FALSE;
  if (layout.algorithm[0] != 'E' || (layout.algorithm[1] != 'd' && layout.algorithm[1] != 'D'))
    return FALSE;

  self->is_prehashed = layout.algorithm[1] == 'D';
  memcpy (self->key_id, layout.key_id, sizeof self->key_id);
  memcpy (self->signature, layout.signature, sizeof self->signature);
  self->comment = g_strdup (lines[2] + strlen (COLLET_TRUSTED_COMMENT));
  gsize length = strlen (self->comment);
  if (length > 0 && self->comment[length - 1] == '\r')
    self->comment[length - 1] = '\0';
  return TRUE;
}

ColletSignature *
collet_signature_parse (const char *text, GError **error)
{
  g_autoptr (ColletSignature) self = g_new0 (ColletSignature, 1);
  g_auto (GStrv) lines = g_strsplit (text, "\n", 5);

  if (parse_lines (self, lines))
    return g_steal_pointer (&self);
  g_set_error_literal (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                       "The signature is not as minisign writes them: four lines, two comments and two "
                       "signatures in base64.");
  return NULL;
}

void
collet_signature_free (ColletSignature *self)
{
  g_free (self->comment);
  g_free (self);
}

/* ---- verifying ---- */

static gboolean
is_of (const guint8 signature[64], const ColletKey *key, const void *bytes, gsize size)
{
  return crypto_sign_verify_detached (signature, bytes, size, key->key) == 0;
}

static gboolean
is_of_bytes (const ColletSignature *self, const ColletKey *key, const void *bytes, gsize size)
{
  guint8 hash[crypto_generichash_BYTES_MAX];

  if (!self->is_prehashed)
    return is_of (self->signature, key, bytes, size);
  crypto_generichash (hash, sizeof hash, bytes, size, NULL, 0);
  return is_of (self->signature, key, hash, sizeof hash);
}

static gboolean
is_of_comment (const ColletSignature *self, const ColletKey *key)
{
  gsize length = strlen (self->comment);
  g_autofree guint8 *both = g_malloc (sizeof self->signature + length);

  memcpy (both, self->signature, sizeof self->signature);
  memcpy (both + sizeof self->signature, self->comment, length);
  return is_of (self->global, key, both, sizeof self->signature + length);
}

gboolean
collet_signature_verify (const ColletSignature *self, const ColletKey *key, const void *bytes, gsize size,
                         GError **error)
{
  g_autofree char *id = collet_key_id_to_string (self->key_id);
  const char *problem = NULL;

  if (memcmp (self->key_id, key->id, sizeof key->id) != 0)
    problem = "is by another key";
  else if (!is_of_bytes (self, key, bytes, size))
    problem = "is not of these bytes: the file was changed after it was signed, or signed by somebody else";
  else if (!is_of_comment (self, key))
    problem = "has a trusted comment that was changed";
  if (problem != NULL)
    g_set_error (error, COLLET_ERROR, COLLET_ERROR_NOT_TRUSTED, "The signature by key %s %s.", id, problem);
  return problem == NULL;
}
