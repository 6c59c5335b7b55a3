/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-artifact-peers.h: artifacts that other nodes have. Implemented outside,
 * injected by the root.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* path: a file with these bytes, verified against sha256 while they came in; it is
 * the caller's to remove once it was loaded. Or an error: ArtifactNotFound (none of
 * the nodes has it), IntegrityFailed, NodeFailed, DiskFull. From the main loop. */
typedef void (*ColletArtifactFetched) (const char *path, const GError *error, gpointer user_data);

typedef struct _ColletArtifactPeers ColletArtifactPeers;
typedef struct
{
  /* nodes: who said that they have it, in no order; more may. Copied. */
  void (*fetch) (ColletArtifactPeers *self, const char *sha256, const char *const *nodes,
                 ColletArtifactFetched done, gpointer user_data);
} ColletArtifactPeersClass;

struct _ColletArtifactPeers
{
  const ColletArtifactPeersClass *class_;
};

G_END_DECLS
