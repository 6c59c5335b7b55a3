/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-bus-tool-call.h: CallTool: a tool called over the bus, for scripts and
 * for trying things out.
 */
#pragma once

#include "collet-bus-guard.h"
#include "collet-tool-list.h"

G_BEGIN_DECLS

/* Answers `call` (parameters: ssa{sv}) when the tool has. */
void collet_bus_tool_call_start (ColletToolDirectory *directory, ColletBusCall *call);

G_END_DECLS
