/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-cluster-gate.h: how this node comes into a cluster and out of it, and
 * lets others in. Implemented outside, injected by the root. Main thread; answers
 * come at once or later.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* error NULL: it is done. */
typedef void (*ColletClusterGateDone) (const GError *error, gpointer user_data);

typedef struct _ColletClusterGate ColletClusterGate;
typedef struct
{
  /* This node is the first one. AlreadyRegistered, NameInUse (the store has such a
   * cluster), InvalidArgument, QuorumNotReached. */
  void (*found) (ColletClusterGate *self, const char *cluster, const char *const *endpoints,
                 ColletClusterGateDone done, gpointer user_data);
  /* g_free. NotFound (it is in no cluster), NotSupported, InvalidArgument. */
  char *(*create_token) (ColletClusterGate *self, guint expiry_s, gint64 *expires_at, GError **error);
  /* node NULL: the name it has. */
  void (*join) (ColletClusterGate *self, const char *url, const char *token, const char *node,
                ColletClusterGateDone done, gpointer user_data);
  /* force: also if the others cannot be told, and with the authority's key. NotFound,
   * QuorumNotReached, InvalidArgument. */
  void (*leave) (ColletClusterGate *self, gboolean force, ColletClusterGateDone done, gpointer user_data);
  /* Another node goes. NotFound, InvalidArgument, QuorumNotReached. */
  void (*remove) (ColletClusterGate *self, const char *node, ColletClusterGateDone done, gpointer user_data);
} ColletClusterGateClass;

struct _ColletClusterGate
{
  const ColletClusterGateClass *class_;
};

G_END_DECLS
