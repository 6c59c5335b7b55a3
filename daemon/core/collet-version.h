/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-version.h: the identity of a module's bytes. Immutable, counted.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Why its bytes were let in. */
typedef enum
{
  COLLET_BASIS_UNSIGNED, /* nothing vouches for them */
  COLLET_BASIS_OWNED,    /* only root, the daemon's user or the caller could have put them there */
  COLLET_BASIS_SIGNED,   /* by a trusted key */
} ColletBasis;

/* "unsigned", "owned", "signed". */
const char *collet_basis_to_string (ColletBasis basis);
ColletBasis collet_basis_from_string (const char *text); /* COLLET_BASIS_UNSIGNED if unknown */

typedef struct
{
  char sha256[65];      /* lowercase hex: the version */
  char md5[33];         /* lowercase hex */
  char code_digest[65]; /* SHA-256 of what is loaded at run time; "" if not known */
  char *build_id;       /* GNU build-id, lowercase hex, or NULL */
  char *semver;         /* the manifest's version */
  guint64 size;         /* bytes */
  ColletBasis basis;
  char *signer;    /* "name (key id)" when it was signed, or NULL */
  char *signature; /* the text of its .minisig, or NULL */
  char *key_id;    /* of the key that its .minisig names, known here or not; or NULL */
  gatomicrefcount ref_count;
} ColletVersion;

/* sha256 and md5: lowercase hex; code_digest, build_id, semver may be NULL. */
ColletVersion *collet_version_new (const char *sha256, const char *md5, const char *code_digest,
                                   const char *build_id, const char *semver, guint64 size);
/* Before others have it: how it was let in. The texts are copied. */
void collet_version_set_trust (ColletVersion *version, ColletBasis basis, const char *signer,
                               const char *signature, const char *key_id);
ColletVersion *collet_version_ref (ColletVersion *version);
void collet_version_unref (ColletVersion *version);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletVersion, collet_version_unref)

/* What people type: a SHA-256, a prefix of at least 6 digits of it, or an MD5
 * (32 digits; a 32-digit SHA-256 prefix matches too). Case-insensitive. */
gboolean collet_version_matches (const ColletVersion *version, const char *text);
/* Is it well-formed at all? */
gboolean collet_version_is_selector (const char *text);

G_END_DECLS
