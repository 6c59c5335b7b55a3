/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-mcp-auth.h: static bearer tokens. Only their digests are kept; all are
 * compared, in time that does not depend on where they differ.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* NULL for none: everybody is let in. */
GStrv collet_mcp_auth_digest (const char *const *tokens);

/* `authorization`: the header, or NULL. */
gboolean collet_mcp_auth_allows (const char *const *digests, const char *authorization);

G_END_DECLS
