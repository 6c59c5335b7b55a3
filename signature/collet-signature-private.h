/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define COLLET_UNTRUSTED_COMMENT "untrusted comment: "
#define COLLET_TRUSTED_COMMENT "trusted comment: "

/* Exactly `size` bytes from a line of base64; blanks at its end do not matter. */
gboolean collet_signature_decode (const char *line, gpointer bytes, gsize size);

/* A regular file of at most `max` bytes without NUL, as text. ArtifactNotFound,
 * InvalidArgument, NotAuthorized. */
char *collet_signature_read_file (const char *path, gsize max, GError **error);

G_END_DECLS
