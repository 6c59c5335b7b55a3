/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-mcp-access.h: static bearer tokens and what each of them may do. Only
 * their digests are known; all are compared, in time that does not depend on
 * where they differ. Immutable, readable from any thread.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define COLLET_MCP_MAY_LIST (1u << 0)    /* tools/list, news of changes */
#define COLLET_MCP_MAY_CALL (1u << 1)    /* tools/call, of the tools named */
#define COLLET_MCP_MAY_METRICS (1u << 2) /* GET /metrics */

typedef struct
{
  const char *name;         /* for logs and limits, not secret */
  const char *sha256;       /* of the token, 64 lower-case hexadecimal digits */
  guint may;                /* COLLET_MCP_MAY_* */
  const char *const *tools; /* names, or with a '*' at the end; NULL: all */
} ColletMcpToken;

typedef struct _ColletMcpAccess ColletMcpAccess;

/* Copies. No token: everybody may do everything. */
ColletMcpAccess *collet_mcp_access_new (const ColletMcpToken *tokens, guint n_tokens);
void collet_mcp_access_free (ColletMcpAccess *access);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletMcpAccess, collet_mcp_access_free)

gboolean collet_mcp_access_is_open (const ColletMcpAccess *access);

/* `authorization`: the header, or NULL. FALSE: no token that is known. *token
 * (borrowed): NULL means that everything is allowed. */
gboolean collet_mcp_access_find (const ColletMcpAccess *access, const char *authorization,
                                 const ColletMcpToken **token);

/* `token` may be NULL. */
gboolean collet_mcp_token_may (const ColletMcpToken *token, guint what);
gboolean collet_mcp_token_may_use (const ColletMcpToken *token, const char *tool);

G_END_DECLS
