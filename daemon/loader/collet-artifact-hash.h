/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-artifact-hash.h: SHA-256 and MD5 of one artifact. One object
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

/* The two are apart, as MD5 takes longer and can wait. */
void collet_artifact_hash_update_sha256 (ColletArtifactHash *self, const void *data, gsize size);
void collet_artifact_hash_update_md5 (ColletArtifactHash *self, const void *data, gsize size);
/* sha256 and size of what went in since the last finish (or new); md5 is "". */
void collet_artifact_hash_finish_sha256 (ColletArtifactHash *self, ColletArtifactDigest *digest);
void collet_artifact_hash_finish_md5 (ColletArtifactHash *self, ColletArtifactDigest *digest);

G_END_DECLS
