/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-loader.h: from a path or bytes to a proven candidate: copied into the
 * content-addressed store, hashed, read, trial-loaded in a confined child.
 * Nothing of it runs in this process. Main thread; the work is done elsewhere.
 */
#pragma once

#include <gio/gio.h>

#include "collet-check.h"
#include "collet-manifest.h"
#include "collet-spawn.h"
#include "collet-version.h"

G_BEGIN_DECLS

struct collet_limits; /* wire/collet-wire.h */

typedef struct
{
  char *source;             /* as given */
  char *path;               /* in the store, or NULL */
  ColletVersion *version;   /* NULL if the bytes could not be read */
  ColletManifest *manifest; /* NULL if not readable */
  GPtrArray *checks;        /* ColletCheck, in the order in which they ran */
  GError *error;            /* NULL: proven. Else why not, from the first failed check */
} ColletCandidate;
void collet_candidate_free (ColletCandidate *candidate);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletCandidate, collet_candidate_free)

#define COLLET_TYPE_LOADER (collet_loader_get_type ())
G_DECLARE_FINAL_TYPE (ColletLoader, collet_loader, COLLET, LOADER, GObject)

/* `folder` is made, 0700, if missing: <folder>/<sha256>.so, 0444, and tmp/. What
 * tmp/ holds from before is removed. */
ColletLoader *collet_loader_new (const char *folder, ColletSpawn *spawn, GError **error);
const char *collet_loader_get_folder (ColletLoader *self); /* absolute */

/* What may be loaded; until then what COLLET_TRUST_OWNED lets in, without keys,
 * and bytes of any caller. Copied. */
typedef struct _ColletTrustPolicy ColletTrustPolicy; /* collet-trust.h */
void collet_loader_set_trust (ColletLoader *self, const ColletTrustPolicy *policy);

/* What a probe child may use; deadline_ms is for one candidate alone (default
 * 5000), each further one of a batch adds 50 ms. */
void collet_loader_set_probe_limits (ColletLoader *self, const struct collet_limits *limits);
void collet_loader_get_probe_limits (ColletLoader *self, struct collet_limits *limits);

/* Copies, hashes, makes durable (one syncfs for all) and proves all sources in
 * one batch (a child, or for a large batch one for each processor); a child that
 * dies is followed by another, so that each candidate has its own verdict. Only
 * errors that concern all of them (DiskFull, StoreReadOnly, StoreFailed,
 * SpawnFailed, Cancelled) are given by finish; the array has one ColletCandidate a
 * source, in order. A refused candidate's bytes are removed from the store unless
 * they were there before. */
void collet_loader_examine_async (ColletLoader *self, const char *const *sources, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data);
GPtrArray *collet_loader_examine_finish (ColletLoader *self, GAsyncResult *result, GError **error);
/* The same for bytes from an fd (which may be a pipe or grow: size and time are
 * limited); takes the fd. `name` for messages. */
void collet_loader_examine_fd_async (ColletLoader *self, int fd, const char *name, GCancellable *cancellable,
                                     GAsyncReadyCallback callback, gpointer user_data);
ColletCandidate *collet_loader_examine_fd_finish (ColletLoader *self, GAsyncResult *result, GError **error);

/* Side-effect free: the store is left as it was. */
void collet_loader_validate_async (ColletLoader *self, const char *source, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data);
ColletCandidate *collet_loader_validate_finish (ColletLoader *self, GAsyncResult *result, GError **error);

/* Where the store has a version's bytes, or NULL. */
char *collet_loader_find_path (ColletLoader *self, const char *sha256);

/* Path of a stored version, after checking that its bytes still have its hash
 * (IntegrityFailed, ArtifactNotFound) and, if it is to come back, that it may
 * (NotTrusted). In a thread. */
void collet_loader_verify_async (ColletLoader *self, ColletVersion *version, gboolean comes_back,
                                 GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
char *collet_loader_verify_finish (ColletLoader *self, GAsyncResult *result, GError **error);
/* Ids of the keys that are revoked now (a set of char *). In a thread. NotTrusted: the
 * keys are not in order. */
void collet_loader_list_revoked_async (ColletLoader *self, GAsyncReadyCallback callback, gpointer user_data);
GHashTable *collet_loader_list_revoked_finish (ColletLoader *self, GAsyncResult *result, GError **error);
/* SHA-256 of a file from outside, as it is now. In a thread; nothing is kept.
 * Errors as of examine. */
void collet_loader_identify_async (ColletLoader *self, const char *path, GAsyncReadyCallback callback,
                                   gpointer user_data);
char *collet_loader_identify_finish (ColletLoader *self, GAsyncResult *result, GError **error);
/* Removes stored versions that are not in `keep` (sha256), except those that are
 * being examined; put those that were proven and wait for their commit into
 * `keep`. Blocking; a few unlinks. */
guint collet_loader_collect (ColletLoader *self, GHashTable *keep);

G_END_DECLS
