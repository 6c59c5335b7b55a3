/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-token-file.h"

#include "collet-config.h"
#include "collet-error.h"

#include <string.h>

#define MAX_TOKENS 1024
#define DIGEST_SIZE 64

typedef struct
{
  char *name, *sha256;
  GStrv tools; /* or NULL: all */
  guint may;
} Token;

static void
clear_token (gpointer data)
{
  Token *token = data;

  g_free (token->name);
  g_free (token->sha256);
  g_strfreev (token->tools);
}

G_GNUC_PRINTF (4, 5)
static gboolean
refuse (GError **error, const char *path, const char *group, const char *format, ...)
{
  va_list arguments;
  g_autofree char *text = NULL;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT, "%s: [%s]: %s", path, group, text);
  return FALSE;
}

static gboolean
read_may (Token *token, GKeyFile *file, const char *path, const char *group, GError **error)
{
  static const struct
  {
    const char *word;
    guint bit;
  } words[] = { { "list", COLLET_MCP_MAY_LIST },
                { "call", COLLET_MCP_MAY_CALL },
                { "metrics", COLLET_MCP_MAY_METRICS } };
  g_auto (GStrv) given = g_key_file_get_string_list (file, group, "allow", NULL, NULL);

  for (guint i = 0; given != NULL && given[i] != NULL; i++)
    {
      guint bit = 0;

      for (guint j = 0; j < G_N_ELEMENTS (words); j++)
        if (strcmp (g_strstrip (given[i]), words[j].word) == 0)
          bit = words[j].bit;
      if (bit == 0)
        return refuse (error, path, group, "allow: \"%s\" is none of list, call, metrics.", given[i]);
      token->may |= bit;
    }
  if (token->may == 0)
    return refuse (error, path, group, "The key allow is missing. Name some of list, call, metrics.");
  return TRUE;
}

static gboolean
is_digest (const char *text)
{
  return strlen (text) == DIGEST_SIZE && strspn (text, "0123456789abcdef") == DIGEST_SIZE;
}

static gboolean
read_token (Token *token, GKeyFile *file, const char *path, const char *group, GError **error)
{
  static const char *const known[] = { "sha256", "allow", "tools", NULL };
  g_auto (GStrv) names = g_key_file_get_keys (file, group, NULL, NULL);

  for (guint i = 0; names != NULL && names[i] != NULL; i++)
    if (!g_strv_contains (known, names[i]))
      return refuse (error, path, group, "There is no key \"%s\", only sha256, allow and tools.", names[i]);
  token->name = g_strdup (group);
  token->sha256 = g_key_file_get_string (file, group, "sha256", NULL);
  if (token->sha256 == NULL || !is_digest (g_strstrip (token->sha256)))
    return refuse (
        error, path, group,
        "sha256 must be the SHA-256 of the token, 64 lower-case hexadecimal digits: printf %%s TOKEN "
        "| sha256sum.");
  token->tools = g_key_file_get_string_list (file, group, "tools", NULL, NULL);
  return read_may (token, file, path, group, error);
}

static ColletMcpAccess *
make_access (GArray *tokens)
{
  g_autofree ColletMcpToken *borrowed = g_new0 (ColletMcpToken, tokens->len);

  for (guint i = 0; i < tokens->len; i++)
    {
      const Token *token = &g_array_index (tokens, Token, i);

      borrowed[i] = (ColletMcpToken){ .name = token->name,
                                      .sha256 = token->sha256,
                                      .may = token->may,
                                      .tools = (const char *const *)token->tools };
    }
  return collet_mcp_access_new (borrowed, tokens->len);
}

ColletMcpAccess *
collet_token_file_load (const char *path, GError **error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autoptr (GArray) tokens = g_array_new (FALSE, TRUE, sizeof (Token));
  g_autofree char *text = collet_config_read_trusted (path, TRUE, NULL, error);
  g_auto (GStrv) groups = NULL;
  gsize n_groups = 0;

  g_array_set_clear_func (tokens, clear_token);
  if (text == NULL)
    return NULL;
  if (!g_key_file_load_from_data (file, text, (gsize)-1, G_KEY_FILE_NONE, error))
    {
      g_prefix_error (error, "%s: ", path);
      return NULL;
    }
  groups = g_key_file_get_groups (file, &n_groups);
  if (n_groups == 0 || n_groups > MAX_TOKENS)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                   "%s has %" G_GSIZE_FORMAT " tokens. Add a group for each, at most %u, or take the key "
                   "token-file away to let everybody in.",
                   path, n_groups, MAX_TOKENS);
      return NULL;
    }
  for (gsize i = 0; i < n_groups; i++)
    {
      g_array_set_size (tokens, (guint)i + 1);
      if (!read_token (&g_array_index (tokens, Token, i), file, path, groups[i], error))
        return NULL;
    }
  return make_access (tokens);
}
