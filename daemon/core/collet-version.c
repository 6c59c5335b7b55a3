/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-version.h"

#include <string.h>

#define MIN_PREFIX 6
#define SHA256_DIGITS 64
#define MD5_DIGITS 32

static gboolean
is_lowercase_hex (const char *text, gsize digits)
{
  return strlen (text) == digits && strspn (text, "0123456789abcdef") == digits;
}

ColletVersion *
collet_version_new (const char *sha256, const char *md5, const char *code_digest, const char *build_id,
                    const char *semver, guint64 size)
{
  ColletVersion *version;

  g_return_val_if_fail (is_lowercase_hex (sha256, SHA256_DIGITS), NULL);
  g_return_val_if_fail (is_lowercase_hex (md5, MD5_DIGITS), NULL);
  g_return_val_if_fail (code_digest == NULL || *code_digest == '\0' ||
                            is_lowercase_hex (code_digest, SHA256_DIGITS),
                        NULL);

  version = g_new0 (ColletVersion, 1);
  g_strlcpy (version->sha256, sha256, sizeof version->sha256);
  g_strlcpy (version->md5, md5, sizeof version->md5);
  if (code_digest != NULL)
    g_strlcpy (version->code_digest, code_digest, sizeof version->code_digest);
  version->build_id = g_strdup (build_id);
  version->semver = g_strdup (semver);
  version->size = size;
  g_atomic_ref_count_init (&version->ref_count);
  return version;
}

static const char *const bases[] = {
  [COLLET_BASIS_UNSIGNED] = "unsigned",
  [COLLET_BASIS_OWNED] = "owned",
  [COLLET_BASIS_SIGNED] = "signed",
};

const char *
collet_basis_to_string (ColletBasis basis)
{
  return bases[basis];
}

ColletBasis
collet_basis_from_string (const char *text)
{
  for (guint i = 0; i < G_N_ELEMENTS (bases); i++)
    {
      if (g_str_equal (bases[i], text))
        return (ColletBasis)i;
    }
  return COLLET_BASIS_UNSIGNED;
}

void
collet_version_set_trust (ColletVersion *version, ColletBasis basis, const char *signer,
                          const char *signature, const char *key_id)
{
  version->basis = basis;
  g_free (version->signer);
  version->signer = g_strdup (signer);
  g_free (version->signature);
  version->signature = g_strdup (signature);
  g_free (version->key_id);
  version->key_id = g_strdup (key_id);
}

ColletVersion *
collet_version_ref (ColletVersion *version)
{
  g_atomic_int_inc (&version->ref_count);
  return version;
}

void
collet_version_unref (ColletVersion *version)
{
  if (version == NULL || !g_atomic_int_dec_and_test (&version->ref_count))
    return;
  g_free (version->build_id);
  g_free (version->semver);
  g_free (version->signer);
  g_free (version->signature);
  g_free (version->key_id);
  g_free (version);
}

gboolean
collet_version_is_selector (const char *text)
{
  gsize length = 0;

  if (text == NULL)
    return FALSE;
  while (g_ascii_isxdigit (text[length]))
    length++;
  return text[length] == '\0' && length >= MIN_PREFIX && length <= SHA256_DIGITS;
}

gboolean
collet_version_matches (const ColletVersion *version, const char *text)
{
  gsize length;

  if (!collet_version_is_selector (text))
    return FALSE;
  length = strlen (text);
  if (g_ascii_strncasecmp (version->sha256, text, length) == 0)
    return TRUE;
  return length == MD5_DIGITS && g_ascii_strcasecmp (version->md5, text) == 0;
}
