/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-mcp-access.h"

#include <string.h>

#define SCHEME "Bearer "
#define DIGEST_SIZE 64

struct _ColletMcpAccess
{
  GArray *tokens; /* ColletMcpToken, whose strings are owned */
};

static void
clear_token (gpointer data)
{
  ColletMcpToken *token = data;

  g_free ((char *)token->name);
  g_free ((char *)token->sha256);
  g_strfreev ((GStrv)token->tools);
}

ColletMcpAccess *
collet_mcp_access_new (const ColletMcpToken *tokens, guint n_tokens)
{
  ColletMcpAccess *access = g_new0 (ColletMcpAccess, 1);

  access->tokens = g_array_new (FALSE, FALSE, sizeof (ColletMcpToken));
  g_array_set_clear_func (access->tokens, clear_token);
  for (guint i = 0; i < n_tokens; i++)
    {
      ColletMcpToken copy = { .name = g_strdup (tokens[i].name),
                              .sha256 = g_strdup (tokens[i].sha256),
                              .may = tokens[i].may,
                              .tools = (const char *const *)g_strdupv ((GStrv)tokens[i].tools) };

      g_assert (strlen (copy.sha256) == DIGEST_SIZE);
      g_array_append_val (access->tokens, copy);
    }
  return access;
}

void
collet_mcp_access_free (ColletMcpAccess *access)
{
  g_array_unref (access->tokens);
  g_free (access);
}

gboolean
collet_mcp_access_is_open (const ColletMcpAccess *access)
{
  return access->tokens->len == 0;
}

static gboolean
is_equal_in_constant_time (const char *a, const char *b)
{
  volatile guint8 difference = 0;

  for (gsize i = 0; i < DIGEST_SIZE; i++)
    difference = (guint8)(difference | (a[i] ^ b[i]));
  return difference == 0;
}

gboolean
collet_mcp_access_find (const ColletMcpAccess *access, const char *authorization,
                        const ColletMcpToken **token)
{
  g_autofree char *digest = NULL;

  *token = NULL;
  if (collet_mcp_access_is_open (access))
    return TRUE;
  if (!authorization || g_ascii_strncasecmp (authorization, SCHEME, strlen (SCHEME)) != 0)
    return FALSE;
  digest = g_compute_checksum_for_string (G_CHECKSUM_SHA256, authorization + strlen (SCHEME), -1);
  for (guint i = 0; i < access->tokens->len; i++)
    {
      const ColletMcpToken *known = &g_array_index (access->tokens, ColletMcpToken, i);

      if (is_equal_in_constant_time (digest, known->sha256))
        *token = known;
    }
  return *token != NULL;
}

gboolean
collet_mcp_token_may (const ColletMcpToken *token, guint what)
{
  return !token || (token->may & what) == what;
}

gboolean
collet_mcp_token_may_use (const ColletMcpToken *token, const char *tool)
{
  if (!token || !token->tools)
    return TRUE;
  for (const char *const *pattern = token->tools; *pattern; pattern++)
    {
      gsize size = strlen (*pattern);

      if (size > 0 && (*pattern)[size - 1] == '*' ? strncmp (tool, *pattern, size - 1) == 0
                                                  : strcmp (tool, *pattern) == 0)
        return TRUE;
    }
  return FALSE;
}
