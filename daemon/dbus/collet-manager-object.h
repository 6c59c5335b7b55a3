/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-manager-object.h: org.collet.Collet1.Manager.
 */
#pragma once

#include "collet-bouncer.h"
#include "collet-cluster-agent.h"
#include "collet-cluster-gate.h"
#include "collet-dbus.h"
#include "collet-exports.h"
#include "collet-registry.h"
#include "collet-reloader.h"
#include "collet-watch.h"

G_BEGIN_DECLS

#define COLLET_TYPE_MANAGER_OBJECT (collet_manager_object_get_type ())
G_DECLARE_FINAL_TYPE (ColletManagerObject, collet_manager_object, COLLET, MANAGER_OBJECT,
                      ColletDbusManagerSkeleton)

/* Facts that do not change while the daemon runs. */
typedef struct
{
  const char *data_folder;
  const char *worker_user; /* whom workers run as */
  const char *const *mcp_addresses;
  const char *const *module_path;
  const char *const *warnings;
  ColletWatches *watches;
  ColletClusterAgent *cluster; /* until collet_manager_object_set_cluster */
  const char *cluster_name;    /* "": a node of its own */
  ColletClusterGate *gate;     /* outlives it */
  /* Adds what this layer does not know ("{st}"), such as sessions; or NULL. */
  void (*add_counts) (gpointer user_data, GVariantBuilder *counts);
  gpointer user_data;
} ColletManagerFacts;

/* References the objects; `directory` outlives it. */
ColletManagerObject *collet_manager_object_new (ColletBouncer *bouncer, ColletReloader *reloader,
                                                ColletRegistry *registry, ColletExports *exports,
                                                ColletToolDirectory *directory,
                                                const ColletManagerFacts *facts);

/* This node is in another cluster now; NULL: the daemon ends. The old agent is not
 * touched any more. */
void collet_manager_object_set_cluster (ColletManagerObject *self, ColletClusterAgent *cluster,
                                        const char *cluster_name);

ColletReloader *collet_manager_object_get_reloader (ColletManagerObject *self);
ColletRegistry *collet_manager_object_get_registry (ColletManagerObject *self);
ColletExports *collet_manager_object_get_exports (ColletManagerObject *self);
ColletClusterAgent *collet_manager_object_get_cluster (ColletManagerObject *self);
ColletClusterGate *collet_manager_object_get_gate (ColletManagerObject *self);
ColletToolDirectory *collet_manager_object_get_directory (ColletManagerObject *self);
ColletWatches *collet_manager_object_get_watches (ColletManagerObject *self);

G_END_DECLS
