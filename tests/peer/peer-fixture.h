/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * peer-fixture.h: nodes in one process, each with an identity of one cluster, a
 * listener on a port of this machine and a folder of artifacts.
 */
#pragma once

#include "collet-join-token.h"
#include "collet-peer-client.h"
#include "collet-peer-listener.h"

typedef struct
{
  char *name;
  ColletPeerIdentity *identity;
  ColletPeerListener *listener;
  char *folder;
  char *url;
} PeerNode;

typedef struct
{
  char *base;
  GPtrArray *nodes; /* PeerNode; the first founded the cluster */
  ColletJoinTokens *tokens;
  ColletPeerClient *client;
  ColletPeerJoinFunc join; /* in place of the usual one, or NULL */
  gpointer user_data;
} PeerFixture;

void peer_fixture_set_up (PeerFixture *f, gconstpointer data);
void peer_fixture_tear_down (PeerFixture *f, gconstpointer data);

/* The founder, or one whose certificate the founder's authority signed. */
PeerNode *peer_fixture_add_node (PeerFixture *f, const char *name);
/* Everybody may fetch from everybody. */
void peer_fixture_introduce (PeerFixture *f);
/* Puts bytes under `sha256` there, whatever they are. */
void peer_fixture_store (PeerNode *node, const char *sha256, const void *bytes, gsize size);
ColletPeerSource *peer_fixture_source (PeerNode *node);
/* A connection under TLS without a certificate sends `request`; what came back. */
char *peer_fixture_send_raw (PeerNode *node, const char *request);

GAsyncResult *peer_fixture_wait (GAsyncResult **result);
void peer_fixture_on_ready (GObject *object, GAsyncResult *result, gpointer data);
