/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-tool-table.h: tool and tool_update. Store thread, within a transaction.
 */
#pragma once

#include "collet-database.h"
#include "collet-rows.h"

G_BEGIN_DECLS

/* Adds or changes; removed_tools first, then tools. Either may be NULL. What
 * subscribers are to be told is appended to `updates` (ColletUpdateRow); their
 * events are written with it. reload: id or NULL. */
gboolean collet_tool_table_change (ColletDatabase *db, GPtrArray *tools, GPtrArray *removed_tools,
                                   const char *reload, gint64 at, GPtrArray *updates, GError **error);
gboolean collet_tool_table_read (ColletDatabase *db, GPtrArray *rows, GError **error);

G_END_DECLS
