/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-buffer.h: bytes that grow up to a limit, and JSON written into them.
 */
#ifndef COLLET_BUFFER_H
#define COLLET_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct collet_buffer
{
  char *bytes; /* NUL-terminated past `size`; NULL while nothing was written */
  size_t size;
  size_t capacity;
  size_t limit;
  bool overflowed; /* something did not fit or there was no memory: it was left
                      out, and so is everything after it */
};

void collet_buffer_init (struct collet_buffer *buffer, size_t limit);
void collet_buffer_clear (struct collet_buffer *buffer);
/* Empties it; keeps the memory unless it has grown large. */
void collet_buffer_reset (struct collet_buffer *buffer);
/* The bytes become the caller's (free()), NULL only without memory; the buffer is
 * empty. */
char *collet_buffer_steal (struct collet_buffer *buffer, size_t *size);

void collet_buffer_append (struct collet_buffer *buffer, const void *bytes, size_t size);
static inline void
collet_buffer_append_text (struct collet_buffer *buffer, const char *text)
{
  collet_buffer_append (buffer, text, strlen (text));
}

/* A JSON string with its quotes. What is not UTF-8, and NUL, becomes U+FFFD. */
void collet_buffer_append_string (struct collet_buffer *buffer, const char *text, size_t size);
/* `,"name":"text"`; nothing if text is NULL. */
void collet_buffer_append_member (struct collet_buffer *buffer, const char *name, const char *text);
/* A JSON number, whatever the locale; `null` if it is not finite. */
void collet_buffer_append_number (struct collet_buffer *buffer, double number);
/* Base64 with padding, no quotes. */
void collet_buffer_append_base64 (struct collet_buffer *buffer, const void *bytes, size_t size);
/* Lowercase hexadecimal digits, no quotes. */
void collet_buffer_append_hex (struct collet_buffer *buffer, const void *bytes, size_t size);

#endif /* COLLET_BUFFER_H */
