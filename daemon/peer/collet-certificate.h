/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-certificate.h: the small certificate authority of a cluster. All is PEM.
 * Keys are ECDSA P-256; a node's certificate serves both ends of a connection,
 * for a node is client and server. What a node trusts is the fingerprint in the
 * roster; the authority vouches for a node until it is there.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define COLLET_FINGERPRINT_SIZE 65 /* SHA-256 of the DER, lowercase hex, NUL */

/* A private key, as PKCS #8. Secret. */
char *collet_certificate_make_key (GError **error);

/* Signs itself: the authority's own, for twenty years. */
char *collet_certificate_make_authority (const char *key, const char *cluster, GError **error);

/* A request of the key's owner, for the authority to sign (PKCS #10). */
char *collet_certificate_make_request (const char *key, const char *node, GError **error);

/* The certificate of a node, for five years. The name is `node`, whatever the
 * request says; `host` is the DNS name or address in its URL. InvalidArgument: the
 * request is none, or not signed by its own key, or not a key of this kind. */
char *collet_certificate_sign_request (const char *request, const char *authority, const char *authority_key,
                                       const char *node, const char *host, GError **error);

/* Of the first certificate in the text. InvalidArgument. */
gboolean collet_certificate_get_fingerprint (const char *certificate,
                                             char fingerprint[COLLET_FINGERPRINT_SIZE],
                                             GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Of its DER. */
void
collet_certificate_fingerprint_of (const void *der, gsize size, char fingerprint[COLLET_FINGERPRINT_SIZE]);

/* Is the key that of the certificate? */
gboolean collet_certificate_has_key (const char *certificate, const char *key);

G_END_DECLS
