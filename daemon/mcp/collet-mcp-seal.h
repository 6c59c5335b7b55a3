/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-mcp-seal.h: what a call remembers while its client gathers answers. The
 * client carries it (requestState), so it is encrypted and authenticated, together
 * with when it ends and which version asked, and bound to what it was given for.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define COLLET_MCP_SEAL_KEY_SIZE 32

typedef struct
{
  char asked_by[65]; /* sha256 of the version */
  gint64 expires_us; /* wall clock */
  guchar *state;     /* of the module; may be NULL */
  gsize state_size;
} ColletMcpSealed;

void collet_mcp_sealed_clear (ColletMcpSealed *sealed);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ColletMcpSealed, collet_mcp_sealed_clear)

/* Random. */
void collet_mcp_seal_make_key (guchar *key);

/* `purpose`: who asked for what; only with the same it can be opened again. Text
 * of A-Z, a-z, 0-9, "-" and "_". NULL: no random numbers, no memory. */
char *collet_mcp_seal (const guchar *key, const char *purpose, const ColletMcpSealed *sealed);
/* FALSE: made for something else, by another daemon, or by nobody. Whether it has
 * expired is for the caller to see. */
gboolean collet_mcp_unseal (const guchar *key, const char *purpose, const char *text,
                            ColletMcpSealed *sealed) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
