/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-peer-artifacts.h: artifacts from the other nodes of the roster.
 */
#pragma once

#include "collet-artifact-peers.h"
#include "collet-cluster-agent.h"
#include "collet-membership.h"

G_BEGIN_DECLS

typedef struct _ColletPeerArtifacts ColletPeerArtifacts;

/* References membership. artifacts: the loader's folder. needs_signature: bytes without
 * one are of no use here, so all nodes are asked for it. */
ColletPeerArtifacts *
collet_peer_artifacts_new (ColletMembership *membership, const char *artifacts, gboolean needs_signature);
/* Cancels what is under way. */
void collet_peer_artifacts_free (ColletPeerArtifacts *self);
/* Whose roster it is; borrowed. */
void collet_peer_artifacts_set_agent (ColletPeerArtifacts *self, ColletClusterAgent *agent);
ColletArtifactPeers *collet_peer_artifacts_get_base (ColletPeerArtifacts *self);

G_END_DECLS
