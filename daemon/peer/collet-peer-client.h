/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-peer-client.h: asks other nodes. Each connection is to the certificate
 * that is expected, or nothing is sent. Main thread; nothing blocks.
 */
#pragma once

#include "collet-peer-identity.h"
#include "collet-peer-request.h"

G_BEGIN_DECLS

#define COLLET_TYPE_PEER_CLIENT (collet_peer_client_get_type ())
G_DECLARE_FINAL_TYPE (ColletPeerClient, collet_peer_client, COLLET, PEER_CLIENT, GObject)

ColletPeerClient *collet_peer_client_new (void);

/* Joins by the node at `url`: `token` says by which authority its certificate
 * must be. `key` is the new node's. finish: what it is told. InvalidArgument,
 * NotTrusted (somebody else is at the url), NodeFailed, Timeout, and what the node
 * refuses with. */
void collet_peer_client_join_async (ColletPeerClient *self, const char *url, const char *token,
                                    const char *node, const char *own_url, const char *key,
                                    GCancellable *cancellable, GAsyncReadyCallback callback,
                                    gpointer user_data);
ColletJoinReply *
collet_peer_client_join_finish (ColletPeerClient *self, GAsyncResult *result, GError **error);

/* Where an artifact may be. */
typedef struct
{
  char *node;        /* for messages */
  char *url;         /* https://HOST:PORT */
  char *fingerprint; /* of its certificate */
} ColletPeerSource;
ColletPeerSource *collet_peer_source_new (const char *node, const char *url, const char *fingerprint);
void collet_peer_source_free (ColletPeerSource *self);

/* Fetches the bytes of a version, hashed while they come in; what one source began
 * the next one goes on with, and all are asked again, a few times, as long as that
 * gives more. `sources`: ColletPeerSource, the best first, not empty; they are kept.
 * `folder`: on whose file system the bytes are put, without a name. finish: a file, positioned at its start,
 * and if wanted the text of the signature that its last source had with it (g_free, or NULL; it was not
 * verified). ArtifactNotFound (no source has it), ArtifactTooLarge, IntegrityFailed, DiskFull, NodeFailed
 * with what each source said, Cancelled. */
void collet_peer_client_fetch_async (ColletPeerClient *self, const ColletPeerIdentity *identity,
                                     GPtrArray *sources, const char *sha256, const char *folder,
                                     GCancellable *cancellable, GAsyncReadyCallback callback,
                                     gpointer user_data);
int collet_peer_client_fetch_finish (ColletPeerClient *self, GAsyncResult *result, char **signature,
                                     GError **error);

/* The text of the signature that the first of `n` sources has that keeps one. finish:
 * g_free, or NULL; nothing of it was verified. */
void collet_peer_client_fetch_signature_async (ColletPeerClient *self, const ColletPeerIdentity *identity,
                                               GPtrArray *sources, guint n, const char *sha256,
                                               GCancellable *cancellable, GAsyncReadyCallback callback,
                                               gpointer user_data);
char *collet_peer_client_fetch_signature_finish (ColletPeerClient *self, GAsyncResult *result);

G_END_DECLS
