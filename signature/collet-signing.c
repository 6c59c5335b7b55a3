/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-signing.h"

#include <string.h>

#include <sodium.h>

#include "collet-error.h"
#include "collet-signature-private.h"

/* As in the file, after base64. With a password, everything from `id` on is
 * combined with the password's scrypt by exclusive or. */
struct secret_layout
{
  char algorithm[2];  /* "Ed" */
  char derivation[2]; /* "Sc", or zeros: no password */
  char checksum[2];   /* "B2" */
  guint8 salt[32];
  guint8 operations[8]; /* little endian */
  guint8 memory[8];
  guint8 id[COLLET_KEY_ID_SIZE];
  guint8 key[64];
  guint8 sum[32]; /* BLAKE2b-256 of algorithm, id and key; zeros without a password */
};
#define SECRET_SIZE (COLLET_KEY_ID_SIZE + 64 + 32)
#define MAX_MEMORY (1024u * 1024u * 1024u) /* minisign asks for exactly this */

struct _ColletSecretKey
{
  guint8 id[COLLET_KEY_ID_SIZE];
  guint8 key[64];
};

static ColletSecretKey *
secret_key_new (void)
{
  if (sodium_init () < 0)
    g_error ("libsodium cannot be used: there is no source of randomness");

  ColletSecretKey *self = sodium_malloc (sizeof *self);
  if (self == NULL)
    g_error ("There is no memory that can be locked for a secret key");
  return self;
}

ColletSecretKey *
collet_secret_key_generate (void)
{
  ColletSecretKey *self = secret_key_new ();
  guint8 public_key[32];

  randombytes_buf (self->id, sizeof self->id);
  crypto_sign_keypair (public_key, self->key);
  return self;
}

void
collet_secret_key_free (ColletSecretKey *self)
{
  sodium_free (self);
}

static gboolean
decode (const char *text, struct secret_layout *layout)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", 3);
  gboolean ok = g_strv_length (lines) >= 2 && g_str_has_prefix (lines[0], COLLET_UNTRUSTED_COMMENT) &&
                collet_signature_decode (lines[1], layout, sizeof *layout) &&
                memcmp (layout->algorithm, "Ed", 2) == 0 && memcmp (layout->checksum, "B2", 2) == 0;

  if (lines[0] != NULL && lines[1] != NULL)
    sodium_memzero (lines[1], strlen (lines[1]));
  return ok;
}

gboolean
collet_secret_key_is_encrypted (const char *text)
{
  struct secret_layout layout;
  gboolean is = decode (text, &layout) && memcmp (layout.derivation, "Sc", 2) == 0;

  sodium_memzero (&layout, sizeof layout);
  return is;
}

static guint64
read_little_endian (const guint8 bytes[8])
{
  guint64 value;

  memcpy (&value, bytes, sizeof value);
  return GUINT64_FROM_LE (value);
}

/* NotAuthorized, InvalidArgument. */
static gboolean
decrypt (struct secret_layout *layout, const char *password, GError **error)
{
  guint64 operations = read_little_endian (layout->operations);
  guint64 memory = read_little_endian (layout->memory);
  g_autofree guint8 *stream = g_malloc (SECRET_SIZE);
  crypto_generichash_state state;
  guint8 sum[32];

  if (memory > MAX_MEMORY || operations > MAX_MEMORY ||
      crypto_pwhash_scryptsalsa208sha256 (stream, SECRET_SIZE, password, strlen (password), layout->salt,
                                          operations, memory) != 0)
    {
      g_set_error_literal (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                           "The secret key asks for more memory to open it than there is.");
      return FALSE;
    }
  guint8 *secret = layout->id; /* id, key and sum follow each other */
  for (gsize i = 0; i < SECRET_SIZE; i++)
    secret[i] ^= stream[i];
  sodium_memzero (stream, SECRET_SIZE);

  crypto_generichash_init (&state, NULL, 0, sizeof sum);
  crypto_generichash_update (&state, (const guint8 *)layout->algorithm, sizeof layout->algorithm);
  crypto_generichash_update (&state, layout->id, sizeof layout->id);
  crypto_generichash_update (&state, layout->key, sizeof layout->key);
  crypto_generichash_final (&state, sum, sizeof sum);
  if (sodium_memcmp (sum, layout->sum, sizeof sum) == 0)
    return TRUE;
  g_set_error_literal (error, COLLET_ERROR, COLLET_ERROR_NOT_AUTHORIZED,
                       "The password of the secret key is wrong.");
  return FALSE;
}

static gboolean
open_secret (struct secret_layout *layout, const char *password, GError **error)
{
  if (memcmp (layout->derivation, "\0\0", 2) == 0)
    return TRUE;
  if (memcmp (layout->derivation, "Sc", 2) != 0)
    {
      g_set_error_literal (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                           "The secret key is encrypted in a way that is not known.");
      return FALSE;
    }
  if (password == NULL)
    {
      g_set_error_literal (error, COLLET_ERROR, COLLET_ERROR_NOT_AUTHORIZED,
                           "The secret key has a password; it is asked for on a terminal only.");
      return FALSE;
    }
  return decrypt (layout, password, error);
}

ColletSecretKey *
collet_secret_key_parse (const char *text, const char *password, GError **error)
{
  struct secret_layout layout;
  ColletSecretKey *self = NULL;

  G_STATIC_ASSERT (sizeof layout == 158 &&
                   offsetof (struct secret_layout, id) + SECRET_SIZE == sizeof layout);
  if (!decode (text, &layout))
    g_set_error_literal (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                         "This is no secret key as minisign or \"colletctl key\" writes it.");
  else if (open_secret (&layout, password, error))
    {
      self = secret_key_new ();
      memcpy (self->id, layout.id, sizeof self->id);
      memcpy (self->key, layout.key, sizeof self->key);
    }
  sodium_memzero (&layout, sizeof layout);
  return self;
}

char *
collet_secret_key_to_text (const ColletSecretKey *self)
{
  struct secret_layout layout = { .algorithm = { 'E', 'd' }, .checksum = { 'B', '2' } };

  memcpy (layout.id, self->id, sizeof layout.id);
  memcpy (layout.key, self->key, sizeof layout.key);
  char *code = g_base64_encode ((const guchar *)&layout, sizeof layout);
  char *text =
      g_strdup_printf (COLLET_UNTRUSTED_COMMENT "minisign secret key, without a password\n%s\n", code);
  collet_secret_key_free_text (code);
  sodium_memzero (&layout, sizeof layout);
  return text;
}

void
collet_secret_key_free_text (char *text)
{
  if (text != NULL)
    sodium_memzero (text, strlen (text));
  g_free (text);
}

void
collet_secret_key_get_public (const ColletSecretKey *self, ColletKey *key)
{
  memcpy (key->id, self->id, sizeof key->id);
  crypto_sign_ed25519_sk_to_pk (key->key, self->key);
}

char *
collet_secret_key_sign (const ColletSecretKey *self, const void *bytes, gsize size, const char *comment)
{
  struct
  {
    char algorithm[2];
    guint8 id[COLLET_KEY_ID_SIZE];
    guint8 signature[64];
  } layout = { .algorithm = { 'E', 'D' } };
  guint8 hash[crypto_generichash_BYTES_MAX];
  guint8 global[64];
  g_autoptr (GByteArray) both = g_byte_array_new ();

  memcpy (layout.id, self->id, sizeof layout.id);
  crypto_generichash (hash, sizeof hash, bytes, size, NULL, 0);
  crypto_sign_detached (layout.signature, NULL, hash, sizeof hash, self->key);
  g_byte_array_append (both, layout.signature, sizeof layout.signature);
  g_byte_array_append (both, (const guint8 *)comment, (guint)strlen (comment));
  crypto_sign_detached (global, NULL, both->data, both->len, self->key);

  g_autofree char *first = g_base64_encode ((const guchar *)&layout, sizeof layout);
  g_autofree char *second = g_base64_encode (global, sizeof global);
  return g_strdup_printf (COLLET_UNTRUSTED_COMMENT "signature of a Collet module\n%s\n" COLLET_TRUSTED_COMMENT
                                                   "%s\n%s\n",
                          first, comment, second);
}
