/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-tool-object.h: org.collet.Collet1.Tool.
 */
#pragma once

#include "collet-dbus.h"
#include "collet-registry.h"

G_BEGIN_DECLS

#define COLLET_TYPE_TOOL_OBJECT (collet_tool_object_get_type ())
G_DECLARE_FINAL_TYPE (ColletToolObject, collet_tool_object, COLLET, TOOL_OBJECT, ColletDbusToolSkeleton)

ColletToolObject *collet_tool_object_new (ColletTool *tool, ColletRegistry *registry);
/* The same name with other facts. */
void collet_tool_object_set_tool (ColletToolObject *self, ColletTool *tool);
/* Brings the counters up to date. */
void collet_tool_object_refresh (ColletToolObject *self);

G_END_DECLS
