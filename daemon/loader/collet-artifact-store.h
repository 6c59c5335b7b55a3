/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-artifact-store.h: the folder of artifacts, each named after its own
 * bytes: <folder>/<sha256>.so, 0444, and tmp/ for what is being copied. An
 * artifact never changes and is never linked twice, so its path and its inode
 * stand for its bytes (dlopen recognises libraries by both). Beside it may be
 * <sha256>.so.minisig, a signature that came with it, whoever's key it is by.
 *
 * Thread-safe; everything blocks. One process owns a folder.
 */
#pragma once

#include "collet-artifact-copy.h"
#include "collet-version.h"

G_BEGIN_DECLS

typedef struct _ColletArtifactStore ColletArtifactStore;

/* Makes the folder (0700) if it is missing, and empties tmp/. DiskFull,
 * StoreReadOnly, StoreFailed. */
ColletArtifactStore *
collet_artifact_store_open (const char *folder, GError **error) G_GNUC_WARN_UNUSED_RESULT;
ColletArtifactStore *collet_artifact_store_ref (ColletArtifactStore *self);
void collet_artifact_store_unref (ColletArtifactStore *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletArtifactStore, collet_artifact_store_unref)

const char *collet_artifact_store_get_folder (ColletArtifactStore *self);
char *collet_artifact_store_dup_path (ColletArtifactStore *self, const char *sha256);

/* Whether it may be loaded at all (collet-trust.h). */
typedef struct
{
  ColletBasis basis;
  char *signer;            /* "name (key id)", or NULL */
  char *signature;         /* text of SOURCE.minisig by that key, or NULL */
  char *unknown_signature; /* the same, by a key that is not known here, or NULL */
  char *key_id;            /* of the key that one of them names, or NULL */
  char *evidence;
  GError *error; /* NULL: yes */
} ColletArtifactTrust;

/* One source on its way in. Zeroed and with `source` set by the caller. */
typedef struct
{
  ColletArtifactSource source;
  ColletArtifactFacts facts;
  ColletArtifactTrust trust;
  char *path;      /* where its bytes are now; NULL if they could not be copied */
  gboolean pinned; /* in the store under its hash: the caller unpins it */
  GError *error;
} ColletArtifactIntake;

void collet_artifact_intake_clear (ColletArtifactIntake *intake);

/* Copies each source, several at a time, and puts it under its hash, pinned; not
 * yet durable. A trial stays in tmp/ instead, until it is released.
 * Each intake has its own error; see collet_artifact_error_is_store. */
void collet_artifact_store_take (ColletArtifactStore *self, ColletArtifactIntake *intakes, guint n,
                                 gboolean is_trial);
/* Makes what was taken durable: one syncfs for many, fsync for few. */
gboolean collet_artifact_store_sync (ColletArtifactStore *self, const ColletArtifactIntake *intakes, guint n,
                                     GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Puts the signature of what was taken beside it: for the other nodes of a cluster, and
 * for when its key is known. One that was verified replaces another, one that was not
 * does not. */
void collet_artifact_store_keep_signature (ColletArtifactStore *self, const ColletArtifactIntake *intake,
                                           const char *text, gboolean is_verified);
/* The caller is through with it. Bytes that were not in the store before stay
 * only if one of those who took them says `keep`; a trial is always removed. */
void collet_artifact_store_release (ColletArtifactStore *self, ColletArtifactIntake *intake, gboolean keep);

/* IntegrityFailed: the bytes are not what the name says; ArtifactNotFound. */
gboolean collet_artifact_store_verify (ColletArtifactStore *self, const char *sha256,
                                       GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Removes all but `keep` (set of sha256) and what is being taken. Gives the
 * number that was removed. */
guint collet_artifact_store_collect (ColletArtifactStore *self, GHashTable *keep);

G_END_DECLS
