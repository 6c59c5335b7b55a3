/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-reload-object.h: org.collet.Collet1.Reload.
 */
#pragma once

#include "collet-bouncer.h"
#include "collet-cluster-view.h"
#include "collet-dbus.h"
#include "collet-reload.h"

G_BEGIN_DECLS

#define COLLET_TYPE_RELOAD_OBJECT (collet_reload_object_get_type ())
G_DECLARE_FINAL_TYPE (ColletReloadObject, collet_reload_object, COLLET, RELOAD_OBJECT,
                      ColletDbusReloadSkeleton)

ColletReloadObject *collet_reload_object_new (ColletReload *reload, ColletBouncer *bouncer);
/* What the nodes make of it, if the cluster agrees on it and knows it still. */
void collet_reload_object_update_nodes (ColletReloadObject *self, const ColletClusterView *view,
                                        GHashTable *touched);
/* The same as aa{sv}, floating; NULL: the cluster knows nothing of it. */
GVariant *collet_reload_object_pack_nodes (const ColletClusterView *view, const char *id);

G_END_DECLS
