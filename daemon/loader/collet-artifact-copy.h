/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-artifact-copy.h: copies one artifact from outside to a file of ours,
 * and says what was copied. The source may be anything: gone, a device, a
 * pipe that never ends, a file that somebody is writing.
 */
#pragma once

#include <sys/types.h>

#include "collet-artifact-hash.h"

G_BEGIN_DECLS

#define COLLET_ARTIFACT_MAX (64u * 1024u * 1024u)      /* bytes */
#define COLLET_ARTIFACT_READ_TIMEOUT_US (10 * 1000000) /* for a pipe to end */

/* What to copy: a path, or an fd (borrowed) with a name for messages. */
typedef struct
{
  const char *path; /* NULL: from fd */
  const char *name;
  int fd;
} ColletArtifactSource;

/* What was copied. */
typedef struct
{
  ColletArtifactDigest digest;
  gboolean is_file; /* a regular file: owner and mode are known */
  uid_t owner;
  mode_t mode;
} ColletArtifactFacts;

/* One a thread: the hash and the buffer that all copies of a batch share. */
typedef struct _ColletArtifactCopier ColletArtifactCopier;

ColletArtifactCopier *collet_artifact_copier_new (GError **error) G_GNUC_WARN_UNUSED_RESULT;
void collet_artifact_copier_free (ColletArtifactCopier *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletArtifactCopier, collet_artifact_copier_free)

/* Takes bytes of the copy, in order; may fail with an error of the target. */
typedef gboolean (*ColletArtifactSink) (gpointer user_data, const void *bytes, gsize size, GError **error);

/* Blocking. Reads the whole source, hashes it (SHA-256), and gives it to `sink` except for
 * its last part, which stays in the buffer: for a small artifact that is all of
 * it, so that nothing needs to be written if it is known already. Errors of the
 * source: ArtifactNotFound, NotAuthorized, InvalidModule (not a regular file),
 * ArtifactTooLarge, ArtifactChanged, Timeout; and those of the sink. */
gboolean collet_artifact_copier_run (ColletArtifactCopier *self, const ColletArtifactSource *source,
                                     ColletArtifactSink sink, gpointer user_data, ColletArtifactFacts *facts,
                                     GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The MD5 of what was read last; after each run, whether it failed or not. */
void collet_artifact_copier_add_md5 (ColletArtifactCopier *self, ColletArtifactFacts *facts);
/* What stayed, until the copier is used again. */
const void *collet_artifact_copier_peek_rest (ColletArtifactCopier *self, gsize *size);

/* SHA-256 of a file of ours from its start. StoreFailed. */
gboolean collet_artifact_copier_hash_stored (ColletArtifactCopier *self, int fd, const char *path,
                                             ColletArtifactDigest *digest,
                                             GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* A fault of the store's own file system at `path`, as one of our errors. */
void collet_artifact_set_error (GError **error, int errsv, const char *what, const char *path);
/* Does it concern the store, so every artifact of a batch alike? */
gboolean collet_artifact_error_is_store (const GError *error);

G_END_DECLS
