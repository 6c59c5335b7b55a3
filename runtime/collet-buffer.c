/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-buffer.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collet-locale.h"
#include "collet-utf8.h"

#define FIRST_CAPACITY 512
/* A call with a large result must not keep its memory for ever. */
#define KEEP_CAPACITY (64u * 1024u)

void
collet_buffer_init (struct collet_buffer *buffer, size_t limit)
{
  *buffer = (struct collet_buffer){ .limit = limit };
}

void
collet_buffer_clear (struct collet_buffer *buffer)
{
  free (buffer->bytes);
  collet_buffer_init (buffer, buffer->limit);
}

void
collet_buffer_reset (struct collet_buffer *buffer)
{
  if (buffer->capacity > KEEP_CAPACITY)
    collet_buffer_clear (buffer);
  buffer->size = 0;
  buffer->overflowed = false;
}

/* Makes room for `size` more bytes and a NUL. */
static bool
reserve (struct collet_buffer *buffer, size_t size)
{
  size_t capacity = buffer->capacity > 0 ? buffer->capacity : FIRST_CAPACITY;
  char *bytes;

  if (buffer->overflowed || size > buffer->limit - buffer->size)
    {
      buffer->overflowed = true;
      return false;
    }
  if (buffer->size + size < buffer->capacity)
    return true;
  while (capacity <= buffer->size + size)
    capacity *= 2;
  bytes = realloc (buffer->bytes, capacity);
  if (bytes == NULL)
    {
      buffer->overflowed = true;
      return false;
    }
  buffer->bytes = bytes;
  buffer->capacity = capacity;
  return true;
}

char *
collet_buffer_steal (struct collet_buffer *buffer, size_t *size)
{
  char *bytes;

  if (buffer->bytes == NULL)
    collet_buffer_append (buffer, "", 0);
  bytes = buffer->bytes;
  *size = buffer->size;
  buffer->bytes = NULL;
  collet_buffer_clear (buffer);
  return bytes;
}

void
collet_buffer_append (struct collet_buffer *buffer, const void *bytes, size_t size)
{
  if (!reserve (buffer, size))
    return;
  if (size > 0)
    memcpy (buffer->bytes + buffer->size, bytes, size);
  buffer->size += size;
  buffer->bytes[buffer->size] = '\0';
}

static bool
is_plain (unsigned char c)
{
  return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

static void
append_escape (struct collet_buffer *buffer, unsigned char c)
{
  static const char letters[] = {
    ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r', ['"'] = '"', ['\\'] = '\\'
  };
  char escape[8] = { '\\', c < sizeof letters ? letters[c] : '\0' };
  size_t size = 2;

  if (escape[1] == '\0')
    size = (size_t)snprintf (escape, sizeof escape, "\\u%04x", c);
  collet_buffer_append (buffer, escape, size);
}

void
collet_buffer_append_string (struct collet_buffer *buffer, const char *text, size_t size)
{
  const unsigned char *bytes = (const unsigned char *)text;
  size_t start = 0, i = 0;

  collet_buffer_append (buffer, "\"", 1);
  while (i < size && !buffer->overflowed)
    {
      unsigned length = is_plain (bytes[i]) ? 1 : collet_utf8_sequence (bytes + i, size - i);

      if (length > 1 || (length == 1 && is_plain (bytes[i])) || (length == 1 && bytes[i] == 0x7f))
        {
          i += length;
          continue;
        }
      collet_buffer_append (buffer, text + start, i - start);
      if (length == 0 || bytes[i] == '\0')
        collet_buffer_append_text (buffer, COLLET_UTF8_REPLACEMENT);
      else
        append_escape (buffer, bytes[i]);
      start = ++i;
    }
  collet_buffer_append (buffer, text + start, i - start);
  collet_buffer_append (buffer, "\"", 1);
}

void
collet_buffer_append_member (struct collet_buffer *buffer, const char *name, const char *text)
{
  if (text == NULL)
    return;
  collet_buffer_append_text (buffer, ",\"");
  collet_buffer_append_text (buffer, name);
  collet_buffer_append_text (buffer, "\":");
  collet_buffer_append_string (buffer, text, strlen (text));
}

void
collet_buffer_append_number (struct collet_buffer *buffer, double number)
{
  char text[40];

  if (!isfinite (number))
    snprintf (text, sizeof text, "null");
  else if (number == floor (number) && fabs (number) < 1e15)
    snprintf (text, sizeof text, "%lld", (long long)number);
  else
    collet_locale_format_double (text, sizeof text, number);
  collet_buffer_append_text (buffer, text);
}

void
collet_buffer_append_base64 (struct collet_buffer *buffer, const void *bytes, size_t size)
{
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const unsigned char *in = bytes;
  char *out;

  if (size > buffer->limit || !reserve (buffer, (size + 2) / 3 * 4))
    {
      buffer->overflowed = true;
      return;
    }
  out = buffer->bytes + buffer->size;
  for (; size > 0; in += 3, out += 4)
    {
      size_t n = size < 3 ? size : 3;
      uint32_t group = (uint32_t)in[0] << 16 | (n > 1 ? (uint32_t)in[1] << 8 : 0) | (n > 2 ? in[2] : 0);

      out[0] = digits[group >> 18];
      out[1] = digits[group >> 12 & 63];
      out[2] = n > 1 ? digits[group >> 6 & 63] : '=';
      out[3] = n > 2 ? digits[group & 63] : '=';
      size -= n;
    }
  buffer->size = (size_t)(out - buffer->bytes);
  buffer->bytes[buffer->size] = '\0';
}

void
collet_buffer_append_hex (struct collet_buffer *buffer, const void *bytes, size_t size)
{
  static const char digits[] = "0123456789abcdef";
  const unsigned char *in = bytes;

  for (size_t i = 0; i < size && !buffer->overflowed; i++)
    {
      const char pair[2] = { digits[in[i] >> 4], digits[in[i] & 15] };

      collet_buffer_append (buffer, pair, sizeof pair);
    }
}
