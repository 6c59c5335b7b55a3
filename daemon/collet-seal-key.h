/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-seal-key.h: the key by which this daemon knows again what it gave clients
 * to carry; kept in a file, so that it outlives a restart.
 */
#pragma once

#include "collet-mcp-seal.h"

G_BEGIN_DECLS

/* Made of the credential collet.request-state-key if there is one, of 32 bytes or
 * more: FALSE with InvalidArgument or NotAuthorized if it is not good.
 *
 * Else of COLLET_MCP_SEAL_KEY_SIZE bytes, in `folder`/request-state.key (mode 0600),
 * which is made if it is not there. One that is damaged, or that others could read,
 * is replaced: clients then begin their questions again. So it is also when the
 * file cannot be written, at each start. */
gboolean collet_seal_key_load (const char *folder, guchar *key, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
