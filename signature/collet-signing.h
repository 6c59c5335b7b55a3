/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-signing.h: the other side: making keys and signatures that minisign
 * reads. For the command line; the daemon never has a secret key.
 */
#pragma once

#include "collet-signature.h"

G_BEGIN_DECLS

/* Lives in memory that is not swapped out, and is wiped. */
typedef struct _ColletSecretKey ColletSecretKey;

ColletSecretKey *collet_secret_key_generate (void);
/* As minisign writes it. `password`: of one that is encrypted. InvalidArgument:
 * no secret key; NotAuthorized: the password is missing or wrong. Takes about a
 * second for one with a password. */
ColletSecretKey *collet_secret_key_parse (const char *text, const char *password, GError **error);
/* Is a password needed? FALSE as well for what is no secret key. */
gboolean collet_secret_key_is_encrypted (const char *text);
/* Without a password: keep the file to yourself. Free with collet_secret_key_free_text(). */
char *collet_secret_key_to_text (const ColletSecretKey *self);
void collet_secret_key_free_text (char *text);
void collet_secret_key_free (ColletSecretKey *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletSecretKey, collet_secret_key_free)

void collet_secret_key_get_public (const ColletSecretKey *self, ColletKey *key);

/* The text for FILE.minisig, of the bytes' BLAKE2b-512. `comment` is one line. */
char *
collet_secret_key_sign (const ColletSecretKey *self, const void *bytes, gsize size, const char *comment);

G_END_DECLS
