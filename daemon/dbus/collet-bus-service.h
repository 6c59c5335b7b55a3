/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-bus-service.h: the daemon on the bus: its name, the root object and
 * those below it.
 */
#pragma once

#include "collet-manager-object.h"

G_BEGIN_DECLS

#define COLLET_TYPE_BUS_SERVICE (collet_bus_service_get_type ())
G_DECLARE_FINAL_TYPE (ColletBusService, collet_bus_service, COLLET, BUS_SERVICE, GObject)

/* Exports everything on `connection`, then asks for the name, so whoever sees
 * the name sees the objects. NameInUse if another daemon has it. Blocking; at
 * start only. */
ColletBusService *collet_bus_service_new (GDBusConnection *connection, gboolean is_system,
                                          ColletReloader *reloader, ColletRegistry *registry,
                                          ColletToolDirectory *directory, const ColletManagerFacts *facts,
                                          GError **error);
/* What was said is sent. Blocking; at the end only. */
void collet_bus_service_flush (ColletBusService *self);
/* As collet_manager_object_set_cluster. */
void collet_bus_service_set_cluster (ColletBusService *self, ColletClusterAgent *cluster,
                                     const char *cluster_name);
/* "stopping": what clients see until the name goes. */
void collet_bus_service_set_stopping (ColletBusService *self);

G_END_DECLS
