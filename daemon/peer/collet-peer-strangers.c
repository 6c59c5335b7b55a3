/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-peer-strangers.h"

#define COLLET_TYPE_PEER_STRANGERS (collet_peer_strangers_get_type ())
G_DECLARE_FINAL_TYPE (ColletPeerStrangers, collet_peer_strangers, COLLET, PEER_STRANGERS, GTlsDatabase)

struct _ColletPeerStrangers
{
  GTlsDatabase base;
};

G_DEFINE_FINAL_TYPE (ColletPeerStrangers, collet_peer_strangers, G_TYPE_TLS_DATABASE)

static GTlsCertificateFlags
verify_chain (GTlsDatabase *self, GTlsCertificate *chain, const char *purpose, GSocketConnectable *identity,
              GTlsInteraction *interaction, GTlsDatabaseVerifyFlags flags, GCancellable *cancellable,
              GError **error)
{
  return G_TLS_CERTIFICATE_UNKNOWN_CA;
}

static void
collet_peer_strangers_class_init (ColletPeerStrangersClass *klass)
{
  G_TLS_DATABASE_CLASS (klass)->verify_chain = verify_chain;
}

static void
collet_peer_strangers_init (ColletPeerStrangers *self)
{
}

void
collet_peer_trust_nobody (void)
{
  static gboolean is_done;
  g_autoptr (GTlsDatabase) database = NULL;

  if (is_done)
    return;
  is_done = TRUE;
  database = g_object_new (COLLET_TYPE_PEER_STRANGERS, NULL);
  g_tls_backend_set_default_database (g_tls_backend_get_default (), database);
}
