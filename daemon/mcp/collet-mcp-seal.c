/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-mcp-seal.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <string.h>

/* Nonces are random: 96 bits are enough for as many seals as a key will ever see
 * (2^32 are safe). */
#define CIPHER GNUTLS_CIPHER_AES_256_GCM
#define NONCE 12
#define TAG 16
#define MAX_TEXT (256 * 1024)

/* What is encrypted, and before it, in the clear, the nonce. */
typedef struct
{
  guchar version; /* 1 */
  guchar expires_us[8];
  guchar asked_by[64];
} Head;

G_STATIC_ASSERT (sizeof (Head) == 73);

void
collet_mcp_sealed_clear (ColletMcpSealed *sealed)
{
  g_clear_pointer (&sealed->state, g_free);
}

void
collet_mcp_seal_make_key (guchar *key)
{
  if (gnutls_rnd (GNUTLS_RND_KEY, key, COLLET_MCP_SEAL_KEY_SIZE) != 0)
    g_error ("mcp: there are no random numbers");
}

static gnutls_aead_cipher_hd_t
open_cipher (const guchar *key)
{
  const gnutls_datum_t datum = { (guchar *)key, COLLET_MCP_SEAL_KEY_SIZE };
  gnutls_aead_cipher_hd_t cipher;

  return gnutls_aead_cipher_init (&cipher, CIPHER, &datum) == 0 ? cipher : NULL;
}

/* Base64 as RFC 4648 has it for URLs, without padding. */
static char *
encode (const guchar *bytes, gsize size)
{
  char *text = g_base64_encode (bytes, size);

  g_strdelimit (text, "+", '-');
  g_strdelimit (text, "/", '_');
  text[strcspn (text, "=")] = '\0';
  return text;
}

static guchar *
decode (const char *text, gsize *size)
{
  g_autofree char *plain = NULL;
  g_autofree char *again = NULL;
  g_autofree guchar *bytes = NULL;
  gsize length = strlen (text);

  if (length > MAX_TEXT || length % 4 == 1)
    return NULL;
  plain = g_strdup_printf ("%s%.*s", text, (int)((4 - length % 4) % 4), "===");
  g_strdelimit (plain, "-", '+');
  g_strdelimit (plain, "_", '/');
  bytes = g_base64_decode (plain, size);
  /* GLib passes over what is no base64. */
  again = encode (bytes, *size);
  return strcmp (again, text) == 0 ? g_steal_pointer (&bytes) : NULL;
}

char *
collet_mcp_seal (const guchar *key, const char *purpose, const ColletMcpSealed *sealed)
{
  const gint64 expires_us = GINT64_TO_BE (sealed->expires_us);
  gsize plain_size = sizeof (Head) + sealed->state_size;
  gsize size = plain_size + TAG;
  g_autofree guchar *plain = g_malloc (plain_size);
  g_autofree guchar *bytes = g_malloc (NONCE + size);
  gnutls_aead_cipher_hd_t cipher;
  Head head = { .version = 1 };
  int result;

  memcpy (head.expires_us, &expires_us, sizeof head.expires_us);
  memcpy (head.asked_by, sealed->asked_by, sizeof head.asked_by);
  memcpy (plain, &head, sizeof head);
  if (sealed->state_size > 0)
    memcpy (plain + sizeof head, sealed->state, sealed->state_size);
  if (gnutls_rnd (GNUTLS_RND_NONCE, bytes, NONCE) != 0 || !(cipher = open_cipher (key)))
    return NULL;
  result = gnutls_aead_cipher_encrypt (cipher, bytes, NONCE, purpose, strlen (purpose), TAG, plain,
                                       plain_size, bytes + NONCE, &size);
  gnutls_aead_cipher_deinit (cipher);
  return result == 0 ? encode (bytes, NONCE + size) : NULL;
}

static gboolean
read_plain (const guchar *plain, gsize size, ColletMcpSealed *sealed)
{
  gint64 expires_us;
  Head head;

  if (size < sizeof head)
    return FALSE;
  memcpy (&head, plain, sizeof head);
  if (head.version != 1)
    return FALSE;
  memcpy (&expires_us, head.expires_us, sizeof expires_us);
  *sealed = (ColletMcpSealed){ .expires_us = GINT64_FROM_BE (expires_us), .state_size = size - sizeof head };
  memcpy (sealed->asked_by, head.asked_by, sizeof head.asked_by);
  if (sealed->state_size > 0)
    sealed->state = g_memdup2 (plain + sizeof head, sealed->state_size);
  return TRUE;
}

gboolean
collet_mcp_unseal (const guchar *key, const char *purpose, const char *text, ColletMcpSealed *sealed)
{
  gsize size;
  g_autofree guchar *bytes = decode (text, &size);
  g_autofree guchar *plain = NULL;
  gnutls_aead_cipher_hd_t cipher;
  gsize plain_size;
  int result;

  if (!bytes || size < NONCE + TAG)
    return FALSE;
  plain_size = size - NONCE - TAG;
  plain = g_malloc (plain_size + 1);
  cipher = open_cipher (key);
  if (!cipher)
    return FALSE;
  result = gnutls_aead_cipher_decrypt (cipher, bytes, NONCE, purpose, strlen (purpose), TAG, bytes + NONCE,
                                       size - NONCE, plain, &plain_size);
  gnutls_aead_cipher_deinit (cipher);
  return result == 0 && read_plain (plain, plain_size, sealed);
}
