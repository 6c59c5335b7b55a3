/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-session-table.h: session: the sessions of MCP clients. Store thread.
 */
#pragma once

#include "collet-database.h"
#include "collet-rows.h"

G_BEGIN_DECLS

/* In a transaction of its own. A row without a revision is removed. It survives a
 * crash of the process at once, a loss of power only with the next commit of
 * another kind. */
gboolean collet_session_table_write (ColletDatabase *db, GPtrArray *rows, GError **error);
/* The longest unused first. */
gboolean collet_session_table_read (ColletDatabase *db, GPtrArray *rows, GError **error);

G_END_DECLS
