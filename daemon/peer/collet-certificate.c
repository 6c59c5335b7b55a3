/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-certificate.h"

#include <string.h>
#include <time.h>

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "collet-error.h"

#define DAY ((time_t)24 * 60 * 60)
#define AUTHORITY_DAYS 7300
#define NODE_DAYS 1825
#define SKEW_DAYS 1 /* clocks of nodes differ */
#define SERIAL_SIZE 16

typedef struct gnutls_x509_crt_int Certificate;
typedef struct gnutls_x509_privkey_int Key;
typedef struct gnutls_x509_crq_int Request;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Certificate, gnutls_x509_crt_deinit)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Key, gnutls_x509_privkey_deinit)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Request, gnutls_x509_crq_deinit)

/* TRUE: it worked. */
static gboolean
check (int status, const char *what, GError **error)
{
  if (status >= 0)
    return TRUE;
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT, "The %s: %s", what,
               gnutls_strerror (status));
  return FALSE;
}

static gnutls_datum_t
datum_of (const char *text)
{
  return (gnutls_datum_t){ .data = (unsigned char *)text, .size = (unsigned int)strlen (text) };
}

/* ---- reading ---- */

static Certificate *
read_certificate (const char *text, GError **error)
{
  g_autoptr (Certificate) certificate = NULL;
  gnutls_datum_t pem = datum_of (text);

  if (!check (gnutls_x509_crt_init (&certificate), "certificate", error) ||
      !check (gnutls_x509_crt_import (certificate, &pem, GNUTLS_X509_FMT_PEM), "certificate", error))
    return NULL;
  return g_steal_pointer (&certificate);
}

static Key *
read_key (const char *text, GError **error)
{
  g_autoptr (Key) key = NULL;
  gnutls_datum_t pem = datum_of (text);

  if (!check (gnutls_x509_privkey_init (&key), "private key", error) ||
      !check (gnutls_x509_privkey_import2 (key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0), "private key", error))
    return NULL;
  return g_steal_pointer (&key);
}

/* Proves that whoever asks has the key. */
static Request *
read_request (const char *text, GError **error)
{
  g_autoptr (Request) request = NULL;
  gnutls_datum_t pem = datum_of (text);
  unsigned int bits;

  if (!check (gnutls_x509_crq_init (&request), "request for a certificate", error) ||
      !check (gnutls_x509_crq_import (request, &pem, GNUTLS_X509_FMT_PEM), "request for a certificate",
              error) ||
      !check (gnutls_x509_crq_verify (request, 0), "signature of the request for a certificate", error))
    return NULL;
  if (gnutls_x509_crq_get_pk_algorithm (request, &bits) == GNUTLS_PK_ECDSA)
    return g_steal_pointer (&request);
  g_set_error_literal (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                       "The request for a certificate has a key of another kind than ECDSA.");
  return NULL;
}

/* Takes `pem`. */
static char *
text_of (gnutls_datum_t *pem)
{
  char *text = g_strndup ((const char *)pem->data, pem->size);

  gnutls_free (pem->data);
  return text;
}

/* ---- making ---- */

char *
collet_certificate_make_key (GError **error)
{
  g_autoptr (Key) key = NULL;
  gnutls_datum_t pem;

  if (!check (gnutls_x509_privkey_init (&key), "private key", error) ||
      !check (gnutls_x509_privkey_generate (key, GNUTLS_PK_ECDSA,
                                            GNUTLS_CURVE_TO_BITS (GNUTLS_ECC_CURVE_SECP256R1), 0),
              "private key", error) ||
      !check (gnutls_x509_privkey_export2_pkcs8 (key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &pem),
              "private key", error))
    return NULL;
  return text_of (&pem);
}

static gboolean
set_common (Certificate *certificate, const char *name, int days, GError **error)
{
  guint8 serial[SERIAL_SIZE];
  time_t now = time (NULL);

  if (!check (gnutls_rnd (GNUTLS_RND_NONCE, serial, sizeof serial), "serial number", error))
    return FALSE;
  serial[0] &= 0x7f; /* positive */
  return check (gnutls_x509_crt_set_version (certificate, 3), "certificate", error) &&
         check (gnutls_x509_crt_set_serial (certificate, serial, sizeof serial), "certificate", error) &&
         check (gnutls_x509_crt_set_activation_time (certificate, now - SKEW_DAYS * DAY), "certificate",
                error) &&
         check (gnutls_x509_crt_set_expiration_time (certificate, now + days * DAY), "certificate", error) &&
         check (gnutls_x509_crt_set_dn_by_oid (certificate, GNUTLS_OID_X520_COMMON_NAME, 0, name,
                                               (unsigned int)strlen (name)),
                "name in the certificate", error);
}

/* Which keys: for those who look for the issuer by them (RFC 5280, 4.2.1.1). */
static gboolean
set_key_ids (Certificate *certificate, Certificate *issuer, GError **error)
{
  guint8 id[64];
  size_t size = sizeof id;

  if (!check (gnutls_x509_crt_get_key_id (certificate, 0, id, &size), "key of the certificate", error) ||
      !check (gnutls_x509_crt_set_subject_key_id (certificate, id, size), "certificate", error))
    return FALSE;
  size = sizeof id;
  return check (gnutls_x509_crt_get_key_id (issuer, 0, id, &size), "key of the authority", error) &&
         check (gnutls_x509_crt_set_authority_key_id (certificate, id, size), "certificate", error);
}

static char *
sign (Certificate *certificate, Certificate *issuer, Key *issuer_key, GError **error)
{
  gnutls_datum_t pem;

  if (!set_key_ids (certificate, issuer, error) ||
      !check (gnutls_x509_crt_sign2 (certificate, issuer, issuer_key, GNUTLS_DIG_SHA256, 0), "signature",
              error) ||
      !check (gnutls_x509_crt_export2 (certificate, GNUTLS_X509_FMT_PEM, &pem), "certificate", error))
    return NULL;
  return text_of (&pem);
}

char *
collet_certificate_make_authority (const char *key_text, const char *cluster, GError **error)
{
  g_autoptr (Key) key = read_key (key_text, error);
  g_autoptr (Certificate) certificate = NULL;

  if (key == NULL || !check (gnutls_x509_crt_init (&certificate), "certificate", error) ||
      !set_common (certificate, cluster, AUTHORITY_DAYS, error) ||
      !check (gnutls_x509_crt_set_key (certificate, key), "certificate", error) ||
      !check (gnutls_x509_crt_set_basic_constraints (certificate, 1, 0), "certificate", error) ||
      !check (gnutls_x509_crt_set_key_usage (certificate, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN),
              "certificate", error))
    return NULL;
  return sign (certificate, certificate, key, error);
}

char *
collet_certificate_make_request (const char *key_text, const char *node, GError **error)
{
  g_autoptr (Key) key = read_key (key_text, error);
  g_autoptr (Request) request = NULL;
  gnutls_datum_t pem;

  if (key == NULL || !check (gnutls_x509_crq_init (&request), "request", error) ||
      !check (gnutls_x509_crq_set_version (request, 1), "request", error) ||
      !check (gnutls_x509_crq_set_dn_by_oid (request, GNUTLS_OID_X520_COMMON_NAME, 0, node,
                                             (unsigned int)strlen (node)),
              "name in the request", error) ||
      !check (gnutls_x509_crq_set_key (request, key), "request", error) ||
      !check (gnutls_x509_crq_sign2 (request, key, GNUTLS_DIG_SHA256, 0), "signature", error) ||
      !check (gnutls_x509_crq_export2 (request, GNUTLS_X509_FMT_PEM, &pem), "request", error))
    return NULL;
  return text_of (&pem);
}

static gboolean
set_host (Certificate *certificate, const char *host, GError **error)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (host);

  if (address == NULL)
    return check (gnutls_x509_crt_set_subject_alt_name (certificate, GNUTLS_SAN_DNSNAME, host,
                                                        (unsigned int)strlen (host), GNUTLS_FSAN_SET),
                  "host in the certificate", error);
  return check (gnutls_x509_crt_set_subject_alt_name (certificate, GNUTLS_SAN_IPADDRESS,
                                                      g_inet_address_to_bytes (address),
                                                      (unsigned int)g_inet_address_get_native_size (address),
                                                      GNUTLS_FSAN_SET),
                "address in the certificate", error);
}

char *
collet_certificate_sign_request (const char *request_text, const char *authority_text,
                                 const char *authority_key, const char *node, const char *host,
                                 GError **error)
{
  g_autoptr (Request) request = read_request (request_text, error);
  g_autoptr (Certificate) authority = request != NULL ? read_certificate (authority_text, error) : NULL;
  g_autoptr (Key) key = authority != NULL ? read_key (authority_key, error) : NULL;
  g_autoptr (Certificate) certificate = NULL;

  if (key == NULL || !check (gnutls_x509_crt_init (&certificate), "certificate", error) ||
      !set_common (certificate, node, NODE_DAYS, error) || !set_host (certificate, host, error))
    return NULL;

  gnutls_pubkey_t public_key;
  if (!check (gnutls_pubkey_init (&public_key), "certificate", error))
    return NULL;
  gboolean ok = check (gnutls_pubkey_import_x509_crq (public_key, request, 0), "key in the request", error) &&
                check (gnutls_x509_crt_set_pubkey (certificate, public_key), "certificate", error);
  gnutls_pubkey_deinit (public_key);
  if (!ok || !check (gnutls_x509_crt_set_basic_constraints (certificate, 0, -1), "certificate", error) ||
      !check (gnutls_x509_crt_set_key_usage (certificate, GNUTLS_KEY_DIGITAL_SIGNATURE), "certificate",
              error) ||
      !check (gnutls_x509_crt_set_key_purpose_oid (certificate, GNUTLS_KP_TLS_WWW_SERVER, 0), "certificate",
              error) ||
      !check (gnutls_x509_crt_set_key_purpose_oid (certificate, GNUTLS_KP_TLS_WWW_CLIENT, 0), "certificate",
              error))
    return NULL;
  return sign (certificate, authority, key, error);
}

/* ---- comparing ---- */

void
collet_certificate_fingerprint_of (const void *der, gsize size, char fingerprint[COLLET_FINGERPRINT_SIZE])
{
  g_autofree char *hex = g_compute_checksum_for_data (G_CHECKSUM_SHA256, der, size);

  g_strlcpy (fingerprint, hex, COLLET_FINGERPRINT_SIZE);
}

gboolean
collet_certificate_get_fingerprint (const char *text, char fingerprint[COLLET_FINGERPRINT_SIZE],
                                    GError **error)
{
  g_autoptr (Certificate) certificate = read_certificate (text, error);
  gnutls_datum_t der;

  if (certificate == NULL ||
      !check (gnutls_x509_crt_export2 (certificate, GNUTLS_X509_FMT_DER, &der), "certificate", error))
    return FALSE;
  collet_certificate_fingerprint_of (der.data, der.size, fingerprint);
  gnutls_free (der.data);
  return TRUE;
}

gboolean
collet_certificate_has_key (const char *certificate_text, const char *key_text)
{
  g_autoptr (Certificate) certificate = read_certificate (certificate_text, NULL);
  g_autoptr (Key) key = read_key (key_text, NULL);
  guint8 ours[64];
  guint8 theirs[64];
  size_t n_ours = sizeof ours;
  size_t n_theirs = sizeof theirs;

  return certificate != NULL && key != NULL &&
         gnutls_x509_crt_get_key_id (certificate, GNUTLS_KEYID_USE_SHA256, ours, &n_ours) == 0 &&
         gnutls_x509_privkey_get_key_id (key, GNUTLS_KEYID_USE_SHA256, theirs, &n_theirs) == 0 &&
         n_ours == n_theirs && memcmp (ours, theirs, n_ours) == 0;
}
