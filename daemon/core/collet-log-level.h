/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-log-level.h: the names of the severities of RFC 5424, as MCP has them, in
 * the order of enum collet_level.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define COLLET_N_LOG_LEVELS 8
#define COLLET_NO_LOG_LEVEL 255 /* above all of them: nothing */

const char *collet_log_level_name (guint level);
/* -1: there is no such. "none" is COLLET_NO_LOG_LEVEL. */
int collet_log_level_from_name (const char *name);

G_END_DECLS
