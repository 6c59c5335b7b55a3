/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-peer-identity.h: who this node is to its peers, kept in a folder:
 * node.key, node.crt, authority.crt, and on the node that founded the cluster
 * authority.key, which may be copied to another one. Immutable, counted.
 */
#pragma once

#include "collet-certificate.h"

G_BEGIN_DECLS

typedef struct
{
  char *key;                                 /* secret */
  char *certificate;                         /* the node's, then the authority's: what a listener shows */
  char *authority;                           /* certificate */
  char *authority_key;                       /* secret; NULL: this node signs nobody */
  char fingerprint[COLLET_FINGERPRINT_SIZE]; /* of the node's certificate */
  char authority_fingerprint[COLLET_FINGERPRINT_SIZE]; /* of the authority's */
  gatomicrefcount ref_count;
} ColletPeerIdentity;

/* From its parts; copied. InvalidArgument: they do not fit each other. */
ColletPeerIdentity *collet_peer_identity_new (const char *key, const char *certificate, const char *authority,
                                              const char *authority_key, GError **error);
/* The first node of a new cluster, with an authority of its own. */
ColletPeerIdentity *
collet_peer_identity_found (const char *cluster, const char *node, const char *host, GError **error);
ColletPeerIdentity *collet_peer_identity_ref (ColletPeerIdentity *self);
void collet_peer_identity_unref (ColletPeerIdentity *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletPeerIdentity, collet_peer_identity_unref)

/* Blocking. NotFound: there is none, the node is in no cluster; InvalidArgument,
 * NotTrusted (others may read the keys), StoreFailed. */
ColletPeerIdentity *collet_peer_identity_load (const char *folder, GError **error);
/* Durable, or not at all. DiskFull, StoreReadOnly, StoreFailed. */
gboolean collet_peer_identity_save (const ColletPeerIdentity *self, const char *folder,
                                    GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The node is in no cluster any more. */
void collet_peer_identity_forget (const char *folder);

G_END_DECLS
