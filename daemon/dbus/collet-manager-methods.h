/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The Manager's methods, by what they are about. Each table ends with a NULL
 * name; the handlers' object is the ColletManagerObject.
 */
#pragma once

#include "collet-bus-guard.h"

extern const ColletBusMethod collet_manager_reload_methods[];
extern const ColletBusMethod collet_manager_module_methods[];
extern const ColletBusMethod collet_manager_tool_methods[];
extern const ColletBusMethod collet_manager_history_methods[];
