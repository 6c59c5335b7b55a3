/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-mcp-auth.h"

#include <string.h>

#define SCHEME "Bearer "

GStrv
collet_mcp_auth_digest (const char *const *tokens)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  if (!tokens || !tokens[0])
    return NULL;
  for (; *tokens; tokens++)
    {
      g_autofree char *digest = g_compute_checksum_for_string (G_CHECKSUM_SHA256, *tokens, -1);
      g_strv_builder_add (builder, digest);
    }
  return g_strv_builder_end (builder);
}

/* Both of the same length. */
static gboolean
is_equal_in_constant_time (const char *a, const char *b)
{
  volatile guint8 difference = 0;

  for (gsize i = 0; a[i]; i++)
    difference = (guint8)(difference | (a[i] ^ b[i]));
  return difference == 0;
}

gboolean
collet_mcp_auth_allows (const char *const *digests, const char *authorization)
{
  g_autofree char *digest = NULL;
  gboolean allowed = FALSE;

  if (!digests)
    return TRUE;
  if (!authorization || g_ascii_strncasecmp (authorization, SCHEME, strlen (SCHEME)) != 0)
    return FALSE;
  digest = g_compute_checksum_for_string (G_CHECKSUM_SHA256, authorization + strlen (SCHEME), -1);
  for (; *digests; digests++)
    allowed |= is_equal_in_constant_time (digest, *digests);
  return allowed;
}
