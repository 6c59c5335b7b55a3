/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-bus.h: names on the bus, and what the annotations in
 * org.collet.Collet1.xml mean. The bindings are in collet-dbus.h, generated.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define COLLET_BUS_NAME "org.collet.Collet1"
#define COLLET_BUS_ROOT "/org/collet/Collet1"
#define COLLET_BUS_MODULES COLLET_BUS_ROOT "/modules"
#define COLLET_BUS_TOOLS COLLET_BUS_ROOT "/tools"
#define COLLET_BUS_RELOADS COLLET_BUS_ROOT "/reloads"
#define COLLET_BUS_NODES COLLET_BUS_ROOT "/nodes"
#define COLLET_PERMISSION_PREFIX "org.collet.Collet1."

/* folder is one of the four above; any name gives a valid path. */
char *collet_bus_dup_path (const char *folder, const char *name);
/* The name again, or NULL if the path is not directly in that folder. */
char *collet_bus_dup_name (const char *folder, const char *path);

/* The polkit action that a method needs. NULL: not annotated, so denied. */
const char *collet_bus_get_permission (const GDBusMethodInfo *method);

/* Options (a{sv}) against the method's org.collet.Options: InvalidArgument names
 * what is unknown or of another type, and what is allowed. */
gboolean collet_bus_check_options (const GDBusMethodInfo *method, GVariant *options, GError **error);

G_END_DECLS
