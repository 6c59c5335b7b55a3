/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-membership.h: whether this node is in a cluster, which, and as whom: kept
 * in a folder, changed by founding, joining and leaving. While it is in one it
 * serves its peers. Main thread.
 *
 * Killed at any moment the node is in the cluster or it is not: the file
 * "membership" is written last and removed first.
 */
#pragma once

#include "collet-peer-client.h"

G_BEGIN_DECLS

/* As it was agreed; immutable. */
typedef struct
{
  char *cluster;
  char *node;
  char *url;       /* where peers reach this node */
  GStrv endpoints; /* of the coordination service; empty: this node's own store */
} ColletMembershipFacts;

typedef void (*ColletMembershipAdmitted) (const GError *error, gpointer user_data);

typedef struct
{
  /* Puts a node on the roster, or refuses it (NameInUse); answers later. */
  void (*admit) (const char *node, const char *url, const char *fingerprint,
                 ColletMembershipAdmitted admitted, gpointer admitted_data, gpointer user_data);
  /* Founded, joined or left: the facts are others now. */
  void (*changed) (gpointer user_data);
  gpointer user_data;
} ColletMembershipListener;

typedef struct
{
  const char *folder;    /* for what is kept */
  const char *artifacts; /* of the artifact store */
  const char *listen;    /* HOST:PORT for peers */
  const char *url;       /* how they reach it; NULL: https:// and `listen` */
} ColletMembershipConfig;

#define COLLET_TYPE_MEMBERSHIP (collet_membership_get_type ())
G_DECLARE_FINAL_TYPE (ColletMembership, collet_membership, COLLET, MEMBERSHIP, GObject)

/* Takes up what is kept. NotTrusted, InvalidArgument (it is damaged), AddressInUse. */
ColletMembership *collet_membership_new (const ColletMembershipConfig *config,
                                         const ColletMembershipListener *listener, GError **error);
/* Where peers are served; 0: nowhere. */
guint16 collet_membership_get_port (ColletMembership *self);
/* Stops serving peers; the membership stays. */
void collet_membership_stop (ColletMembership *self);

/* NULL: it is in no cluster. Borrowed until "changed". */
const ColletMembershipFacts *collet_membership_get_facts (ColletMembership *self);
const char *collet_membership_get_fingerprint (ColletMembership *self); /* NULL: as above */
/* It has the authority's key: it founded the cluster that it is in, or was given a copy. */
gboolean collet_membership_is_founder (ColletMembership *self);
/* AlreadyRegistered: it is in a cluster. */
gboolean collet_membership_check_alone (ColletMembership *self, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* This node is the first one. AlreadyRegistered: it is in a cluster. */
gboolean collet_membership_found (ColletMembership *self, const char *cluster, const char *node,
                                  const char *const *endpoints, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* For one node more; the caller frees it. NotSupported: only the founder signs. */
char *
collet_membership_create_token (ColletMembership *self, guint expiry_s, gint64 *expires_at, GError **error);
/* By a node that is in the cluster. Errors as collet_peer_client_join_async(), and
 * AlreadyRegistered. */
void collet_membership_join_async (ColletMembership *self, const char *url, const char *token,
                                   const char *node, GCancellable *cancellable, GAsyncReadyCallback callback,
                                   gpointer user_data);
gboolean collet_membership_join_finish (ColletMembership *self, GAsyncResult *result,
                                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* NotFound: it is in none. The roster is the caller's. */
gboolean collet_membership_leave (ColletMembership *self, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Who is on the roster now: fingerprints (char *); takes the set. */
void collet_membership_set_roster (ColletMembership *self, GHashTable *fingerprints);

/* As collet_peer_client_fetch_async(), as this node. */
void collet_membership_fetch_async (ColletMembership *self, GPtrArray *sources, const char *sha256,
                                    GCancellable *cancellable, GAsyncReadyCallback callback,
                                    gpointer user_data);
int collet_membership_fetch_finish (ColletMembership *self, GAsyncResult *result, char **signature,
                                    GError **error);
/* As collet_peer_client_fetch_signature_async(), of all sources. */
void collet_membership_fetch_signature_async (ColletMembership *self, GPtrArray *sources, const char *sha256,
                                              GCancellable *cancellable, GAsyncReadyCallback callback,
                                              gpointer user_data);
char *collet_membership_fetch_signature_finish (ColletMembership *self, GAsyncResult *result);

G_END_DECLS
