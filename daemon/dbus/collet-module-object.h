/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-module-object.h: org.collet.Collet1.Module.
 */
#pragma once

#include "collet-dbus.h"
#include "collet-registry.h"
#include "collet-reloader.h"

G_BEGIN_DECLS

#define COLLET_TYPE_MODULE_OBJECT (collet_module_object_get_type ())
G_DECLARE_FINAL_TYPE (ColletModuleObject, collet_module_object, COLLET, MODULE_OBJECT,
                      ColletDbusModuleSkeleton)

ColletModuleObject *
collet_module_object_new (ColletModule *module, ColletRegistry *registry, ColletReloader *reloader);
/* Brings state and counters up to date. */
void collet_module_object_refresh (ColletModuleObject *self);

G_END_DECLS
