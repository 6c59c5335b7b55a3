/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-cluster-applier.h: what the cluster needs of the node it is on, and of
 * time. Implemented outside; every callback comes later than the call.
 */
#pragma once

#include "collet-cluster-record.h"

G_BEGIN_DECLS

/* error NULL: it is done. */
typedef void (*ColletApplierDone) (const GError *error, gpointer user_data);

typedef struct _ColletClusterApplier ColletClusterApplier;
typedef struct
{
  /* A promise: the bytes are here, proven, on disk; the new generation has started
   * and tested itself. `token` names it. One module has one operation at a time, but
   * may have several promises. spec is NULL for a version agreed earlier. nodes:
   * who may have the bytes. */
  void (*prepare) (ColletClusterApplier *self, const char *token, const char *module, const char *sha256,
                   const ColletSpec *spec, const char *const *nodes, ColletApplierDone done,
                   gpointer user_data);
  /* Keeps a promise: from its answer on that version serves. An error: what ran
   * goes on. The promise is gone in both cases. */
  void (*commit) (ColletClusterApplier *self, const char *token, const char *module, ColletApplierDone done,
                  gpointer user_data);
  /* Gives a promise up. */
  void (*abort) (ColletClusterApplier *self, const char *token, const char *module);
  /* SHA-256 and semantic version of what serves, borrowed; NULL: nothing. */
  const char *(*get_running) (ColletClusterApplier *self, const char *module, const char **version);
  /* Calls of that module, and failed ones, since it serves. */
  void (*get_counts) (ColletClusterApplier *self, const char *module, gint64 *calls, gint64 *errors);
  /* The process before this one ended while that version was to be applied here. Says
   * so once. */
  gboolean (*was_cut_short) (ColletClusterApplier *self, const char *module, const char *sha256);
  /* Names of all modules that serve. */
  GStrv (*list) (ColletClusterApplier *self);
} ColletClusterApplierClass;

struct _ColletClusterApplier
{
  const ColletClusterApplierClass *class_;
};

typedef struct _ColletClusterClock ColletClusterClock;
typedef struct
{
  gint64 (*now) (ColletClusterClock *self);       /* monotonic, microseconds */
  gint64 (*real_time) (ColletClusterClock *self); /* since 1970, for people */
  /* Calls fire once; another call before replaces it. delay_us < 0: not at all. */
  void (*wake) (ColletClusterClock *self, gint64 delay_us);
} ColletClusterClockClass;

struct _ColletClusterClock
{
  const ColletClusterClockClass *class_;
  void (*fire) (gpointer user_data); /* set by the user of the clock */
  gpointer user_data;
};

/* The main loop's. */
ColletClusterClock *collet_cluster_clock_new (void);
void collet_cluster_clock_free (ColletClusterClock *self);

G_END_DECLS
