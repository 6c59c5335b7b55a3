/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-utf8.h: text from modules, made safe.
 */
#ifndef COLLET_UTF8_H
#define COLLET_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Length in bytes (1-4) of the well-formed UTF-8 sequence at `text`, of which
 * `size` bytes are there; 0 if there is none (RFC 3629: no overlong forms, no
 * surrogates, nothing above U+10FFFF). */
unsigned collet_utf8_sequence (const unsigned char *text, size_t size);
bool collet_utf8_is_valid (const char *text, size_t size);
/* The longest prefix of at most `limit` bytes that does not cut a sequence. */
size_t collet_utf8_prefix (const char *text, size_t size, size_t limit);
/* Copies to `out` (`out_size` bytes, at least 1), replacing what is not UTF-8 by
 * U+FFFD and cutting at a character; NUL-terminated. */
void collet_utf8_copy (char *out, size_t out_size, const char *text, size_t size);

#define COLLET_UTF8_REPLACEMENT "\xef\xbf\xbd"

#endif /* COLLET_UTF8_H */
