/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * conformance.h: what every implementation of coordination promises. The same
 * cases run on each.
 */
#pragma once

#include "collet-coordination.h"

typedef struct
{
  /* A handle on the one store of this process; a case takes a prefix of its own. */
  ColletCoordination *(*open) (gpointer data);
  gpointer data;
} ConformanceBench;

/* Adds /coordination/<name>/... */
void conformance_add (const char *name, ConformanceBench *bench);

/* Helpers: they run the main loop until the answer, at most 20 s. */
void conformance_wait (gboolean *flag);
ColletTxnReply *conformance_try (ColletCoordination *handle, const ColletTxn *txn, GError **error);
ColletTxnReply *conformance_run (ColletCoordination *handle, const ColletTxn *txn);      /* must work */
gint64 conformance_put (ColletCoordination *handle, const char *key, const char *value); /* revision */
char *conformance_get (ColletCoordination *handle, const char *key);                     /* NULL: none */
void conformance_open_session (ColletCoordination *handle, guint ttl_s);

/* What a watch saw, as "put KEY VALUE" and "delete KEY"; "again" for a gap. */
typedef struct
{
  GPtrArray *seen;
  gint64 revision;
} ConformanceWatch;

ConformanceWatch *conformance_watch_new (void);
void conformance_watch_free (ConformanceWatch *self);
void conformance_on_watch (GPtrArray *changes, gint64 revision, gpointer user_data);
void conformance_wait_seen (ConformanceWatch *watch, guint n);
