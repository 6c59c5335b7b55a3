/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-key.h: public keys as minisign writes them: a line of comment and a line
 * of base64 with "Ed", 8 bytes of id and the 32 bytes of an Ed25519 key.
 * https://jedisct1.github.io/minisign/
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define COLLET_KEY_ID_SIZE 8
#define COLLET_KEY_FILE_MAX 4096 /* bytes; a real one has about 120 */

typedef struct
{
  guint8 id[COLLET_KEY_ID_SIZE];
  guint8 key[32];
} ColletKey;

/* With or without the line of comment. InvalidArgument. */
gboolean collet_key_parse (const char *text, ColletKey *key, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* ArtifactNotFound, and as above; the message names the file. Blocking. */
gboolean collet_key_read (const char *path, ColletKey *key, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* As collet_key_parse() takes it. */
char *collet_key_to_text (const ColletKey *key);

/* 16 uppercase hexadecimal digits, as minisign shows it. */
char *collet_key_id_to_string (const guint8 id[COLLET_KEY_ID_SIZE]);

G_END_DECLS
