/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-artifact-hash.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "collet-error.h"

struct _ColletArtifactHash
{
  gnutls_hash_hd_t sha256;
  gnutls_hash_hd_t md5;
  guint64 size;
};

ColletArtifactHash *
collet_artifact_hash_new (GError **error)
{
  g_autoptr (ColletArtifactHash) self = g_new0 (ColletArtifactHash, 1);
  int rc = gnutls_hash_init (&self->sha256, GNUTLS_DIG_SHA256);

  if (rc == 0)
    rc = gnutls_hash_init (&self->md5, GNUTLS_DIG_MD5);
  if (rc == 0)
    return g_steal_pointer (&self);

  g_set_error (error, COLLET_ERROR, COLLET_ERROR_STORE_FAILED,
               "Artifacts cannot be hashed: GnuTLS offers no %s here: %s",
               self->sha256 == NULL ? "SHA-256" : "MD5", gnutls_strerror (rc));
  return NULL;
}

void
collet_artifact_hash_free (ColletArtifactHash *self)
{
  if (self->sha256 != NULL)
    gnutls_hash_deinit (self->sha256, NULL);
  if (self->md5 != NULL)
    gnutls_hash_deinit (self->md5, NULL);
  g_free (self);
}

void
collet_artifact_hash_update_sha256 (ColletArtifactHash *self, const void *data, gsize size)
{
  gnutls_hash (self->sha256, data, size);
  self->size += size;
}

void
collet_artifact_hash_update_md5 (ColletArtifactHash *self, const void *data, gsize size)
{
  gnutls_hash (self->md5, data, size);
}

static void
to_hex (const guint8 *bytes, gsize n, char *hex)
{
  static const char digits[] = "0123456789abcdef";

  for (gsize i = 0; i < n; i++)
    {
      hex[2 * i] = digits[bytes[i] >> 4];
      hex[2 * i + 1] = digits[bytes[i] & 15];
    }
  hex[2 * n] = '\0';
}

void
collet_artifact_hash_finish_sha256 (ColletArtifactHash *self, ColletArtifactDigest *digest)
{
  guint8 bytes[32];

  /* Giving the output resets the state of the algorithm. */
  gnutls_hash_output (self->sha256, bytes);
  to_hex (bytes, 32, digest->sha256);
  digest->md5[0] = '\0';
  digest->size = self->size;
  self->size = 0;
}

void
collet_artifact_hash_finish_md5 (ColletArtifactHash *self, ColletArtifactDigest *digest)
{
  guint8 bytes[16];

  gnutls_hash_output (self->md5, bytes);
  to_hex (bytes, 16, digest->md5);
}
