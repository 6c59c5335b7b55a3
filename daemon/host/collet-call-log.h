/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-call-log.h: what modules say, and calls that did not complete, in the
 * daemon's log. Each line has, for journalctl, the fields COLLET_MODULE,
 * COLLET_VERSION, COLLET_SHA256 and COLLET_GENERATION, and of a call COLLET_TOOL,
 * COLLET_TRACE (its correlation id), COLLET_CALLER, and COLLET_ERROR (the name).
 *
 * Any thread. A module that says too much is cut short: 200 lines at once and 20 a
 * second are kept of all together, and how many were left out is said.
 */
#pragma once

#include "collet-generation.h"

G_BEGIN_DECLS

/* From which severity (enum collet_level; COLLET_NO_LOG_LEVEL: never) lines of
 * modules are kept. At first: warning. */
void collet_call_log_set_level (int level);
/* From which severity a module has to tell: that, or the client's if it is lower. */
int collet_call_log_choose_level (const ColletCall *call);

/* `call`: NULL outside of calls. `json`: as in COLLET_FRAME_LOG. */
void collet_call_log_add_line (ColletGeneration *generation, const ColletCall *call, int level,
                               const char *json, gsize size);
void collet_call_log_add_failure (ColletGeneration *generation, const ColletCall *call, const GError *error);
/* The generation's confinement refused that system call for the first time. */
void collet_call_log_add_refusal (ColletGeneration *generation, const char *system_call);

G_END_DECLS
