/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-artifact-hash.h: SHA-256 and MD5 of one artifact in one pass. One object
 * serves one thread, for any number of artifacts, one after the other.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  char sha256[65]; /* lowercase hex */
  char md5[33];    /* lowercase hex */
  guint64 size;    /* bytes that went in */
} ColletArtifactDigest;

typedef struct _ColletArtifactHash ColletArtifactHash;

/* StoreFailed: the cryptographic library refuses one of the algorithms. */
ColletArtifactHash *collet_artifact_hash_new (GError **error) G_GNUC_WARN_UNUSED_RESULT;
void collet_artifact_hash_free (ColletArtifactHash *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletArtifactHash, collet_artifact_hash_free)

void collet_artifact_hash_update (ColletArtifactHash *self, const void *data, gsize size);
/* For the version alone; the digest's MD5 then means nothing. */
void collet_artifact_hash_update_sha256 (ColletArtifactHash *self, const void *data, gsize size);
/* Gives the digest of what went in since the last finish (or new). */
void collet_artifact_hash_finish (ColletArtifactHash *self, ColletArtifactDigest *digest);

G_END_DECLS
