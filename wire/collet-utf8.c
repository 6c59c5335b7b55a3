/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-utf8.h"

#include <string.h>

static bool
is_continuation (unsigned char c)
{
  return (c & 0xc0) == 0x80;
}

unsigned
collet_utf8_sequence (const unsigned char *text, size_t size)
{
  unsigned char c, low = 0x80, high = 0xbf;
  unsigned length;

  if (size == 0)
    return 0;
  c = text[0];
  if (c < 0x80)
    return 1;
  if (c < 0xc2 || c > 0xf4)
    return 0;
  length = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
  if (size < length)
    return 0;

  /* The second byte rules out overlong forms, surrogates and what is too large. */
  if (c == 0xe0)
    low = 0xa0;
  else if (c == 0xed)
    high = 0x9f;
  else if (c == 0xf0)
    low = 0x90;
  else if (c == 0xf4)
    high = 0x8f;
  if (text[1] < low || text[1] > high)
    return 0;
  for (unsigned i = 2; i < length; i++)
    if (!is_continuation (text[i]))
      return 0;
  return length;
}

bool
collet_utf8_is_valid (const char *text, size_t size)
{
  const unsigned char *bytes = (const unsigned char *)text;

  for (size_t i = 0; i < size;)
    {
      unsigned length = collet_utf8_sequence (bytes + i, size - i);

      if (length == 0)
        return false;
      i += length;
    }
  return true;
}

size_t
collet_utf8_prefix (const char *text, size_t size, size_t limit)
{
  size_t end = limit;

  if (size <= limit)
    return size;
  while (end > 0 && limit - end < 4 && is_continuation ((unsigned char)text[end]))
    end--;
  return end;
}

void
collet_utf8_copy (char *out, size_t out_size, const char *text, size_t size)
{
  const unsigned char *bytes = (const unsigned char *)text;
  size_t at = 0;

  for (size_t i = 0; i < size;)
    {
      unsigned length = collet_utf8_sequence (bytes + i, size - i);
      const char *piece = length > 0 ? text + i : COLLET_UTF8_REPLACEMENT;
      size_t piece_size = length > 0 ? length : strlen (COLLET_UTF8_REPLACEMENT);

      if (at + piece_size >= out_size)
        break;
      memcpy (out + at, piece, piece_size);
      at += piece_size;
      i += length > 0 ? length : 1;
    }
  out[at] = '\0';
}
