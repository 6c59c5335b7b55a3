/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-bus-tool-call.h: a tool called over the bus, for scripts and
 * for trying things out.
 */
#pragma once

#include "collet-bus-guard.h"
#include "collet-call-recorder.h"
#include "collet-tool-list.h"

G_BEGIN_DECLS

/* Answers `call` when the tool that the list has by that name has answered.
 * `options` as of CallTool; recorder: or NULL. */
void collet_bus_tool_call_start (ColletToolDirectory *directory, ColletCallRecorder *recorder,
                                 ColletBusCall *call, const char *tool, const char *arguments,
                                 GVariant *options);
/* The same for a tool that is in no list. Takes `entry`. */
void collet_bus_tool_call_start_entry (ColletToolDirectory *directory, ColletBusCall *call,
                                       ColletToolEntry *entry, const char *arguments, GVariant *options);

G_END_DECLS
