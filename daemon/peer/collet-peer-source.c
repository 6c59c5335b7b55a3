/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Another node that is asked for something.
 */
#include "collet-peer-client-private.h"

#include <string.h>

#include "collet-error.h"

ColletPeerSource *
collet_peer_source_new (const char *node, const char *url, const char *fingerprint)
{
  ColletPeerSource *self = g_new0 (ColletPeerSource, 1);

  self->node = g_strdup (node);
  self->url = g_strdup (url);
  self->fingerprint = g_strdup (fingerprint);
  return self;
}

void
collet_peer_source_free (ColletPeerSource *self)
{
  g_free (self->node);
  g_free (self->url);
  g_free (self->fingerprint);
  g_free (self);
}

GTlsCertificate *
collet_peer_identity_to_certificate (const ColletPeerIdentity *identity, GError **error)
{
  g_autofree char *pem = g_strconcat (identity->key, identity->certificate, NULL);
  g_autoptr (GError) reason = NULL;
  GTlsCertificate *certificate = g_tls_certificate_new_from_pem (pem, -1, &reason);

  explicit_bzero (pem, strlen (pem));
  if (certificate == NULL)
    g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT, "Our certificate cannot be used: %s.",
                 reason->message);
  return certificate;
}

typedef struct
{
  const ColletPeerSource *source;
  gboolean *is_other;
} Expectation;

static gboolean
on_certificate (SoupMessage *message, GTlsCertificate *certificate, GTlsCertificateFlags flags, gpointer data)
{
  const Expectation *expected = data;
  char fingerprint[COLLET_FINGERPRINT_SIZE];

  *expected->is_other = !collet_peer_fingerprint_of (certificate, fingerprint) ||
                        !g_str_equal (fingerprint, expected->source->fingerprint);
  return !*expected->is_other;
}

static void
free_expectation (gpointer data, GClosure *closure)
{
  g_free (data);
}

SoupMessage *
collet_peer_source_ask (const ColletPeerSource *source, const char *path, GTlsCertificate *certificate,
                        gboolean *is_other, GError **error)
{
  SoupMessage *message = collet_peer_message_new ("GET", source->url, path, error);
  Expectation *expected;

  *is_other = FALSE;
  if (message == NULL)
    return NULL;
  expected = g_new (Expectation, 1);
  *expected = (Expectation){ source, is_other };
  soup_message_set_tls_client_certificate (message, certificate);
  g_signal_connect_data (message, "accept-certificate", G_CALLBACK (on_certificate), expected,
                         free_expectation, 0);
  return message;
}
