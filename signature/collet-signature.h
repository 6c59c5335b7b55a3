/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-signature.h: signatures as minisign writes them beside a file, in
 * FILE.minisig: a comment, a signature of the bytes (or, newer, of their
 * BLAKE2b-512), a comment that is signed too, and the signature of both.
 */
#pragma once

#include "collet-key.h"

G_BEGIN_DECLS

#define COLLET_SIGNATURE_FILE_MAX 16384 /* bytes; the comments may be 8192 each */
#define COLLET_SIGNATURE_SUFFIX ".minisig"

typedef struct
{
  guint8 key_id[COLLET_KEY_ID_SIZE];
  guint8 signature[64];
  guint8 global[64];     /* of `signature` and the comment */
  gboolean is_prehashed; /* of the BLAKE2b-512 */
  char *comment;         /* the trusted one; true only when verified */
} ColletSignature;

/* InvalidArgument. */
ColletSignature *collet_signature_parse (const char *text, GError **error);
void collet_signature_free (ColletSignature *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletSignature, collet_signature_free)

/* The text of PATH.minisig; NULL without an error if there is none. Blocking. */
char *collet_signature_read_beside (const char *path, GError **error);

/* NotTrusted: another key's, or not of these bytes, or the comment was changed. */
gboolean collet_signature_verify (const ColletSignature *self, const ColletKey *key, const void *bytes,
                                  gsize size, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
