/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-session-keeper.h: the sessions of MCP clients in the database, so that
 * they are valid after a restart.
 */
#pragma once

#include "collet-mcp-server.h"
#include "collet-store.h"

G_BEGIN_DECLS

typedef struct _ColletSessionKeeper ColletSessionKeeper;

ColletSessionKeeper *collet_session_keeper_new (ColletStore *store);
void collet_session_keeper_free (ColletSessionKeeper *self);

/* For a ColletMcpConfig; borrowed. */
ColletSessionStore *collet_session_keeper_get_store (ColletSessionKeeper *self);
/* Gives the server the sessions of an image (ColletSessionRow), before clients
 * come. Those that are too old or that it does not take are removed. */
void collet_session_keeper_import (ColletSessionKeeper *self, GPtrArray *sessions, ColletMcpServer *server);

G_END_DECLS
