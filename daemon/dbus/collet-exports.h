/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-exports.h: the objects below the root: one a module, tool and reload,
 * as the models have them. Main thread.
 */
#pragma once

#include "collet-bouncer.h"
#include "collet-cluster-view.h"
#include "collet-dbus.h"
#include "collet-registry.h"
#include "collet-reloader.h"

G_BEGIN_DECLS

#define COLLET_TYPE_EXPORTS (collet_exports_get_type ())
G_DECLARE_FINAL_TYPE (ColletExports, collet_exports, COLLET, EXPORTS, GObject)

ColletExports *
collet_exports_new (ColletBouncer *bouncer, ColletReloader *reloader, ColletRegistry *registry);
/* From now on they are on the bus. */
void collet_exports_set_connection (ColletExports *self, GDBusConnection *connection);

/* An object that is no model's, below `folder`. */
void collet_exports_add (ColletExports *self, const char *folder, const char *name,
                         GDBusInterfaceSkeleton *skeleton);
void collet_exports_remove (ColletExports *self, GDBusInterfaceSkeleton *skeleton);

/* The reloads that the cluster agrees on: what the nodes make of them. touched: ids and
 * modules of those that something has changed of; NULL: all. */
void collet_exports_update_nodes (ColletExports *self, const ColletClusterView *view, GHashTable *touched);

/* Borrowed, or NULL. */
ColletDbusModule *collet_exports_find_module (ColletExports *self, const char *name);
ColletDbusTool *collet_exports_find_tool (ColletExports *self, const char *name);

G_END_DECLS
