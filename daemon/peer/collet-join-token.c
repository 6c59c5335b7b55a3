/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-join-token.h"

#include <string.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "collet-error.h"

#define SECRET_BYTES 16
#define SECRET_DIGITS (2 * SECRET_BYTES)
#define HASH_SIZE 32

typedef struct
{
  guint8 hash[HASH_SIZE]; /* of the secret: a look at our memory shows none */
  gint64 expires_at;
} Entry;

struct _ColletJoinTokens
{
  GArray *entries; /* Entry */
};

char *
collet_join_token_make (const char *authority_fingerprint)
{
  GString *token = g_string_sized_new (SECRET_DIGITS + COLLET_FINGERPRINT_SIZE);
  guint8 secret[SECRET_BYTES];

  if (gnutls_rnd (GNUTLS_RND_KEY, secret, sizeof secret) != 0)
    g_error ("There is no source of randomness");
  for (guint i = 0; i < SECRET_BYTES; i++)
    g_string_append_printf (token, "%02x", secret[i]);
  g_string_append_printf (token, ".%s", authority_fingerprint);
  return g_string_free (token, FALSE);
}

gboolean
collet_join_token_parse (const char *token, char **secret,
                         char authority_fingerprint[COLLET_FINGERPRINT_SIZE], GError **error)
{
  static const char digits[] = "0123456789abcdef";

  if (strlen (token) == SECRET_DIGITS + COLLET_FINGERPRINT_SIZE && strspn (token, digits) == SECRET_DIGITS &&
      token[SECRET_DIGITS] == '.' &&
      strspn (token + SECRET_DIGITS + 1, digits) == COLLET_FINGERPRINT_SIZE - 1)
    {
      *secret = g_strndup (token, SECRET_DIGITS);
      g_strlcpy (authority_fingerprint, token + SECRET_DIGITS + 1, COLLET_FINGERPRINT_SIZE);
      return TRUE;
    }
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
               "The token is not one: %d hexadecimal digits, a dot and %d more are. Copy the whole line that "
               "\"colletctl cluster token\" printed.",
               SECRET_DIGITS, COLLET_FINGERPRINT_SIZE - 1);
  return FALSE;
}

/* ---- those that were given out ---- */

ColletJoinTokens *
collet_join_tokens_new (void)
{
  ColletJoinTokens *self = g_new0 (ColletJoinTokens, 1);

  self->entries = g_array_new (FALSE, FALSE, sizeof (Entry));
  return self;
}

void
collet_join_tokens_free (ColletJoinTokens *self)
{
  g_array_unref (self->entries);
  g_free (self);
}

static void
hash_secret (const char *secret, gsize length, guint8 hash[HASH_SIZE])
{
  if (gnutls_hash_fast (GNUTLS_DIG_SHA256, secret, length, hash) != 0)
    g_error ("SHA-256 is not there");
}

static void
drop_expired (ColletJoinTokens *self, gint64 now)
{
  for (guint i = self->entries->len; i > 0; i--)
    {
      if (g_array_index (self->entries, Entry, i - 1).expires_at <= now)
        g_array_remove_index_fast (self->entries, i - 1);
    }
}

gboolean
collet_join_tokens_add (ColletJoinTokens *self, const char *token, gint64 expires_at, gint64 now,
                        GError **error)
{
  Entry entry = { .expires_at = expires_at };

  drop_expired (self, now);
  if (self->entries->len >= COLLET_JOIN_TOKENS_MAX)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_OVERLOADED,
                   "%d tokens wait to be used already. Use them, or let them expire.",
                   COLLET_JOIN_TOKENS_MAX);
      return FALSE;
    }
  hash_secret (token, SECRET_DIGITS, entry.hash);
  g_array_append_val (self->entries, entry);
  return TRUE;
}

gboolean
collet_join_tokens_take (ColletJoinTokens *self, const char *secret, gint64 now, GError **error)
{
  guint8 hash[HASH_SIZE];
  guint found = G_MAXUINT;

  drop_expired (self, now);
  hash_secret (secret, strlen (secret), hash);
  for (guint i = 0; i < self->entries->len; i++) /* every one, however early it is found */
    {
      if (gnutls_memcmp (g_array_index (self->entries, Entry, i).hash, hash, sizeof hash) == 0)
        found = i;
    }
  if (found == G_MAXUINT)
    {
      g_set_error_literal (
          error, COLLET_ERROR, COLLET_ERROR_NOT_AUTHORIZED,
          "The token is not known here: it was used, has expired, is another node's, or the "
          "daemon was started anew since. Ask for a new one with \"colletctl cluster token\".");
      return FALSE;
    }
  g_array_remove_index_fast (self->entries, found);
  return TRUE;
}
