/* SPDX-License-Identifier: 0BSD
 *
 * text-tools.c: small functions over text. No state, and nothing shared, so
 * calls may overlap: "concurrent" in the manifest.
 */
#include "collet-module.h"

#include <stdio.h>
#include <stdlib.h>

/* UTF-8: a byte that does not start a character. */
static bool
is_continuation (char byte)
{
  return ((unsigned char)byte & 0xc0) == 0x80;
}

static bool
is_space (char byte)
{
  return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* 0-9, a-z; capitals as small letters; 0 for the rest. */
static char
slug_letter (char byte)
{
  if (byte >= 'A' && byte <= 'Z')
    return (char)(byte - 'A' + 'a');
  if ((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9'))
    return byte;
  return 0;
}

/* "Hello,  World!" becomes "hello-world". Letters beyond ASCII are left out. */
static int
slugify (struct collet_call *call, const char *text, size_t size)
{
  char *slug = malloc (size + 1);
  size_t n = 0;

  if (slug == NULL)
    return collet_call_fail (call, "out of memory");

  for (size_t i = 0; i < size; i++)
    {
      char letter = slug_letter (text[i]);

      if (letter != 0)
        slug[n++] = letter;
      else if (n > 0 && slug[n - 1] != '-')
        slug[n++] = '-';
    }
  if (n > 0 && slug[n - 1] == '-')
    n--;

  collet_add_text_sized (call, slug, n);
  free (slug);
  return COLLET_OK;
}

static int
word_count (struct collet_call *call, const char *text, size_t size)
{
  size_t words = 0, characters = 0, lines = size > 0 ? 1 : 0;
  bool in_word = false;
  char json[128];

  for (size_t i = 0; i < size; i++)
    {
      if (!is_space (text[i]) && !in_word)
        words++;
      in_word = !is_space (text[i]);
      if (!is_continuation (text[i]))
        characters++;
      if (text[i] == '\n' && i + 1 < size)
        lines++;
    }

  snprintf (json, sizeof json, "{\"words\":%zu,\"characters\":%zu,\"lines\":%zu}", words, characters, lines);
  collet_set_structured (call, json);
  return COLLET_OK;
}

/* By code points: bytes within one keep their order. */
static int
reverse (struct collet_call *call, const char *text, size_t size)
{
  char *reversed = malloc (size + 1);
  size_t start = 0;

  if (reversed == NULL)
    return collet_call_fail (call, "out of memory");

  while (start < size)
    {
      size_t end = start + 1;

      while (end < size && is_continuation (text[end]))
        end++;
      memcpy (reversed + size - end, text + start, end - start);
      start = end;
    }

  collet_add_text_sized (call, reversed, size);
  free (reversed);
  return COLLET_OK;
}

static int
run_tool (void *instance, const char *tool, struct collet_call *call)
{
  const char *text;
  size_t size;

  (void)instance;
  if (!collet_get_string (call, "text", &text, &size))
    return collet_call_fail (call, "text must be a string");

  if (strcmp (tool, "slugify") == 0)
    return slugify (call, text, size);
  if (strcmp (tool, "word_count") == 0)
    return word_count (call, text, size);
  if (strcmp (tool, "reverse") == 0)
    return reverse (call, text, size);
  return collet_call_fail (call, "no such tool");
}

COLLET_MODULE (.call = run_tool);
