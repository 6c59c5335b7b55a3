/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-token-file.h: the file of bearer tokens, colletd.conf(5): a group for
 * each, with its digest and its scope. Nobody but its owner's group may read it.
 */
#pragma once

#include "collet-mcp-access.h"

G_BEGIN_DECLS

/* NULL with InvalidArgument or NotAuthorized. A file without any token is refused:
 * it would let everybody in. */
ColletMcpAccess *collet_token_file_load (const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
