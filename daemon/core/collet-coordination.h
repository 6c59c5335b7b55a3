/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-coordination.h: what the nodes of a cluster agree through: five
 * primitives on keys and values, implemented by coordination/ and used by
 * cluster/. A handle is one node's.
 *
 * All is for the main thread. Callbacks come from the main loop, never from
 * within the call that asked, and never after free.
 *
 * Errors: InvalidArgument, StoreFailed and DiskFull mean that nothing was done.
 * After Timeout and QuorumNotReached the outcome is *unknown*: the transaction may
 * have been carried out. So a transaction should have a compare that its own
 * effect makes false, and read with else_get what tells whether it was its own:
 * then the same can be sent again. An implementation does that by itself as long
 * as it has somebody to ask.
 */
#pragma once

#include "collet-txn.h"

G_BEGIN_DECLS

typedef struct _ColletCoordination ColletCoordination;

/* One of both is NULL. Both are borrowed. */
typedef void (*ColletTxnDone) (const ColletTxnReply *reply, const GError *error, gpointer user_data);
/* Changes in order of their revision (ColletKeyValue), all up to `revision`; or
 * NULL: some may have been missed, range again and trust nothing older. Borrowed. */
typedef void (*ColletWatchEvent) (GPtrArray *changes, gint64 revision, gpointer user_data);
/* error NULL: it is open (again); else it could not be opened, or it was lost, and
 * its keys with it: put them again when it is open. It is tried again by itself. */
typedef void (*ColletSessionEvent) (const GError *error, gpointer user_data);

typedef struct
{
  const char *backend;   /* "embedded" | "etcd" */
  char *store_id;        /* NULL: not known yet */
  gint64 revision;       /* the newest seen; 0: none */
  gboolean is_reachable; /* answered last time */
  char *message;         /* what is wrong, and since when; NULL: nothing */
} ColletCoordinationStatus;

typedef struct
{
  void (*txn) (ColletCoordination *self, const ColletTxn *txn, ColletTxnDone done, gpointer user_data);
  guint (*watch) (ColletCoordination *self, const char *prefix, gint64 from_revision, ColletWatchEvent event,
                  gpointer user_data);
  void (*unwatch) (ColletCoordination *self, guint id);
  void (*open_session) (ColletCoordination *self, guint ttl_s, ColletSessionEvent event, gpointer user_data);
  void (*get_status) (ColletCoordination *self, ColletCoordinationStatus *status);
  void (*free) (ColletCoordination *self);
} ColletCoordinationClass;

struct _ColletCoordination
{
  const ColletCoordinationClass *class_;
};

/* txn is copied. */
void collet_coordination_txn (ColletCoordination *self, const ColletTxn *txn, ColletTxnDone done,
                              gpointer user_data);
/* All that begin with prefix, at one revision. */
void collet_coordination_range (ColletCoordination *self, const char *prefix, ColletTxnDone done,
                                gpointer user_data);
/* Every change from from_revision on. More than one may be open. */
guint collet_coordination_watch (ColletCoordination *self, const char *prefix, gint64 from_revision,
                                 ColletWatchEvent event, gpointer user_data);
void collet_coordination_unwatch (ColletCoordination *self, guint id);
/* Once. Keys put with put_leased live as long as it is kept alive, and ttl_s
 * longer. */
void collet_coordination_open_session (ColletCoordination *self, guint ttl_s, ColletSessionEvent event,
                                       gpointer user_data);
/* What is known without asking. Cleared with collet_coordination_status_clear. */
void collet_coordination_get_status (ColletCoordination *self, ColletCoordinationStatus *status);
void collet_coordination_status_clear (ColletCoordinationStatus *status);
/* Ends the session too, if it can be told. */
void collet_coordination_free (ColletCoordination *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletCoordination, collet_coordination_free)

/* ---- what `embedded` keeps its rows in; implemented over the database ---- */

typedef struct _ColletRowStore ColletRowStore;
typedef struct
{
  /* Carries out in order of these calls; done comes from the main loop. */
  void (*run) (ColletRowStore *self, const ColletTxn *txn, ColletTxnDone done, gpointer user_data);
} ColletRowStoreClass;

struct _ColletRowStore
{
  const ColletRowStoreClass *class_;
};

G_END_DECLS
