/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-key.h"

#include <string.h>

#include "collet-error.h"
#include "collet-signature-private.h"

struct key_layout
{
  char algorithm[2];
  guint8 id[COLLET_KEY_ID_SIZE];
  guint8 key[32];
};

gboolean
collet_key_parse (const char *text, ColletKey *key, GError **error)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", 4);
  guint line = 0;
  struct key_layout layout;

  if (lines[0] != NULL && g_str_has_prefix (lines[0], COLLET_UNTRUSTED_COMMENT))
    line = 1;
  if (lines[0] == NULL || lines[line] == NULL ||
      !collet_signature_decode (lines[line], &layout, sizeof layout) ||
      memcmp (layout.algorithm, "Ed", sizeof layout.algorithm) != 0)
    {
      g_set_error_literal (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                           "This is no public key of minisign: a line of 56 base64 digits is missing, or it "
                           "is of another kind.");
      return FALSE;
    }
  memcpy (key->id, layout.id, sizeof key->id);
  memcpy (key->key, layout.key, sizeof key->key);
  return TRUE;
}

gboolean
collet_key_read (const char *path, ColletKey *key, GError **error)
{
  g_autofree char *text = collet_signature_read_file (path, COLLET_KEY_FILE_MAX, error);

  if (text == NULL)
    return FALSE;
  if (collet_key_parse (text, key, error))
    return TRUE;
  g_prefix_error (error, "%s: ", path);
  return FALSE;
}

char *
collet_key_to_text (const ColletKey *key)
{
  struct key_layout layout = { .algorithm = { 'E', 'd' } };
  g_autofree char *id = collet_key_id_to_string (key->id);

  memcpy (layout.id, key->id, sizeof layout.id);
  memcpy (layout.key, key->key, sizeof layout.key);
  g_autofree char *code = g_base64_encode ((const guchar *)&layout, sizeof layout);
  return g_strdup_printf (COLLET_UNTRUSTED_COMMENT "minisign public key %s\n%s\n", id, code);
}

char *
collet_key_id_to_string (const guint8 id[COLLET_KEY_ID_SIZE])
{
  GString *text = g_string_sized_new (2 * COLLET_KEY_ID_SIZE);

  for (guint i = COLLET_KEY_ID_SIZE; i > 0; i--)
    g_string_append_printf (text, "%02X", id[i - 1]);
  return g_string_free (text, FALSE);
}
