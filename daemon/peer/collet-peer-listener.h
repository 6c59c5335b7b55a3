/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-peer-listener.h: serves the other nodes of a cluster over HTTPS. Who is
 * in the roster, by the fingerprint of the certificate, may fetch artifacts; who
 * has a token may join; nobody else is answered anything.
 */
#pragma once

#include "collet-peer-identity.h"
#include "collet-peer-request.h"

G_BEGIN_DECLS

typedef struct _ColletPeerListener ColletPeerListener;

/* Somebody who asks to join, until it is answered by one of these two; main thread. */
typedef struct _ColletPeerJoin ColletPeerJoin;
const ColletJoinRequest *collet_peer_join_get_request (ColletPeerJoin *join);
void collet_peer_join_accept (ColletPeerJoin *join, const ColletJoinReply *reply);
void collet_peer_join_refuse (ColletPeerJoin *join, GError *error); /* takes */

/* Main thread; answers now or later, at the latest when the listener stops. */
typedef void (*ColletPeerJoinFunc) (ColletPeerJoin *join, gpointer user_data);

/* `address` "HOST:PORT", a port of 0 is any. `artifacts`: the folder of SHA256.so.
 * AddressInUse, InvalidArgument, Failed. */
ColletPeerListener *collet_peer_listener_new (const char *address, const ColletPeerIdentity *identity,
                                              const char *artifacts, ColletPeerJoinFunc join,
                                              gpointer user_data, GError **error);
guint16 collet_peer_listener_get_port (ColletPeerListener *self);

/* Fingerprints (char *) of who may fetch from now on; takes the set. Nobody before. */
void collet_peer_listener_set_members (ColletPeerListener *self, GHashTable *fingerprints);

/* Refuses who waits, cuts what is under way. Main thread. */
void collet_peer_listener_stop (ColletPeerListener *self);

G_END_DECLS
