/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-arguments.h"

#include <math.h>
#include <string.h>

#include "collet-locale.h"
#include "collet-utf8.h"

/* What is left of the text. */
struct cursor
{
  const char *at;
  const char *end;
};

static void
skip_space (struct cursor *cursor)
{
  while (cursor->at < cursor->end && strchr (" \t\r\n", *cursor->at) != NULL && *cursor->at != '\0')
    cursor->at++;
}

static bool
take_char (struct cursor *cursor, char c)
{
  skip_space (cursor);
  if (cursor->at >= cursor->end || *cursor->at != c)
    return false;
  cursor->at++;
  return true;
}

/* From the opening quote to past the closing one. */
static bool
skip_string (struct cursor *cursor)
{
  for (cursor->at++; cursor->at < cursor->end; cursor->at++)
    {
      if (*cursor->at == '\\')
        cursor->at++;
      else if (*cursor->at == '"')
        {
          cursor->at++;
          return true;
        }
    }
  cursor->at = cursor->end;
  return false;
}

static bool
skip_container (struct cursor *cursor)
{
  size_t depth = 0;

  while (cursor->at < cursor->end)
    {
      char c = *cursor->at;

      if (c == '"')
        {
          if (!skip_string (cursor))
            return false;
          continue;
        }
      cursor->at++;
      if (c == '{' || c == '[')
        depth++;
      else if ((c == '}' || c == ']') && --depth == 0)
        return true;
    }
  return false;
}

static bool
take_value (struct cursor *cursor, struct collet_slice *value)
{
  const char *start;
  bool is_whole = true;

  skip_space (cursor);
  start = cursor->at;
  if (start >= cursor->end)
    return false;
  if (*start == '"')
    is_whole = skip_string (cursor);
  else if (*start == '{' || *start == '[')
    is_whole = skip_container (cursor);
  else
    while (cursor->at < cursor->end && *cursor->at != '\0' && strchr (",}] \t\r\n", *cursor->at) == NULL)
      cursor->at++;
  *value = (struct collet_slice){ start, (size_t)(cursor->at - start) };
  return is_whole && value->size > 0;
}

static int
hex_digit (char c)
{
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The code unit of a \uXXXX at the cursor, which is moved past it; -1 if it is
 * none. */
static int32_t
take_unit (struct cursor *cursor)
{
  int32_t unit = 0;

  if (cursor->end - cursor->at < 6 || cursor->at[0] != '\\' || cursor->at[1] != 'u')
    return -1;
  for (int i = 2; i < 6; i++)
    {
      int digit = hex_digit (cursor->at[i]);

      if (digit < 0)
        return -1;
      unit = unit * 16 + digit;
    }
  cursor->at += 6;
  return unit;
}

static size_t
encode (uint32_t c, char out[4])
{
  if (c < 0x80)
    {
      out[0] = (char)c;
      return 1;
    }
  if (c < 0x800)
    {
      out[0] = (char)(0xc0 | c >> 6);
      out[1] = (char)(0x80 | (c & 63));
      return 2;
    }
  if (c < 0x10000)
    {
      out[0] = (char)(0xe0 | c >> 12);
      out[1] = (char)(0x80 | (c >> 6 & 63));
      out[2] = (char)(0x80 | (c & 63));
      return 3;
    }
  out[0] = (char)(0xf0 | c >> 18);
  out[1] = (char)(0x80 | (c >> 12 & 63));
  out[2] = (char)(0x80 | (c >> 6 & 63));
  out[3] = (char)(0x80 | (c & 63));
  return 4;
}

/* A \uXXXX, or two that are a surrogate pair; a lone one becomes U+FFFD. */
static size_t
take_unicode (struct cursor *cursor, char out[4])
{
  int32_t unit = take_unit (cursor);

  if (unit >= 0xd800 && unit < 0xdc00)
    {
      const char *before = cursor->at;
      int32_t low = take_unit (cursor);

      if (low >= 0xdc00 && low < 0xe000)
        return encode (0x10000u + ((uint32_t)(unit - 0xd800) << 10) + (uint32_t)(low - 0xdc00), out);
      cursor->at = before;
    }
  if (unit >= 0xd800 && unit < 0xe000)
    unit = 0xfffd;
  if (unit < 0) /* not four digits: taken as it stands */
    {
      out[0] = *cursor->at++;
      return 1;
    }
  return encode ((uint32_t)unit, out);
}

/* The next character of a string's inside; never longer than what it took. */
static size_t
take_character (struct cursor *cursor, char out[4])
{
  static const char escapes[] = "\"\\/bfnrt";
  static const char meanings[] = "\"\\/\b\f\n\r\t";
  const char *found;

  if (*cursor->at != '\\' || cursor->at + 1 >= cursor->end)
    {
      out[0] = *cursor->at++;
      return 1;
    }
  if (cursor->at[1] == 'u')
    return take_unicode (cursor, out);
  found = cursor->at[1] != '\0' ? strchr (escapes, cursor->at[1]) : NULL;
  out[0] = found != NULL ? meanings[found - escapes] : cursor->at[1];
  cursor->at += 2;
  return 1;
}

static struct cursor
string_inside (const struct collet_slice *value)
{
  return (struct cursor){ value->text + 1, value->text + value->size - 1 };
}

static bool
name_is (const struct collet_slice *raw, const char *name, size_t name_size)
{
  struct cursor cursor = string_inside (raw);
  size_t at = 0;

  if (memchr (raw->text, '\\', raw->size) == NULL)
    return raw->size == name_size + 2 && memcmp (raw->text + 1, name, name_size) == 0;
  while (cursor.at < cursor.end)
    {
      char bytes[4];
      size_t n = take_character (&cursor, bytes);

      if (n > name_size - at || memcmp (name + at, bytes, n) != 0)
        return false;
      at += n;
    }
  return at == name_size;
}

bool
collet_arguments_find (const char *json, size_t size, const char *name, struct collet_slice *value)
{
  struct cursor cursor = { json, json + size };
  size_t name_size = strlen (name);

  if (!take_char (&cursor, '{'))
    return false;
  do
    {
      struct collet_slice raw, found;

      if (!take_value (&cursor, &raw) || !collet_slice_is_string (&raw) || !take_char (&cursor, ':') ||
          !take_value (&cursor, &found))
        return false;
      if (name_is (&raw, name, name_size))
        {
          *value = found;
          return true;
        }
    }
  while (take_char (&cursor, ','));
  return false;
}

bool
collet_slice_get_boolean (const struct collet_slice *value, bool *out)
{
  bool is_true = value->size == 4 && memcmp (value->text, "true", 4) == 0;

  if (!is_true && !(value->size == 5 && memcmp (value->text, "false", 5) == 0))
    return false;
  *out = is_true;
  return true;
}

/* Of the characters of a number, so that nothing else reaches strtod ("inf",
 * hexadecimal, ...). */
static bool
is_number (const struct collet_slice *value)
{
  if (value->size == 0 || strchr ("-0123456789", value->text[0]) == NULL)
    return false;
  for (size_t i = 0; i < value->size; i++)
    if (value->text[i] == '\0' || strchr ("+-.0123456789eE", value->text[i]) == NULL)
      return false;
  return true;
}

bool
collet_slice_get_number (const struct collet_slice *value, double *out)
{
  char text[64];
  double number;

  if (!is_number (value))
    return false;
  /* More digits than a double can hold do occur; they lie in NUL-terminated text
   * and end at a delimiter, so they can be read in place. */
  if (value->size < sizeof text)
    {
      memcpy (text, value->text, value->size);
      text[value->size] = '\0';
      number = collet_locale_parse_double (text);
    }
  else
    number = collet_locale_parse_double (value->text);
  if (!isfinite (number))
    return false;
  *out = number;
  return true;
}

/* The decimal exponent at `text`; far out of range is as good as 100,000. */
static long
read_exponent (const char *text, const char *end)
{
  bool is_negative = text < end && *text == '-';
  long exponent = 0;

  if (text < end && (*text == '-' || *text == '+'))
    text++;
  for (; text < end && *text >= '0' && *text <= '9'; text++)
    if (exponent < 100000)
      exponent = exponent * 10 + (*text - '0');
  return is_negative ? -exponent : exponent;
}

/* Adds a digit; false if it leaves the range of int64_t (as a negative number,
 * which reaches one further). */
static bool
push_digit (int64_t *negative, int digit)
{
  return !__builtin_mul_overflow (*negative, (int64_t)10, negative) &&
         !__builtin_sub_overflow (*negative, (int64_t)digit, negative);
}

bool
collet_slice_get_integer (const struct collet_slice *value, int64_t *out)
{
  const char *end = value->text + value->size, *mantissa_end = value->text;
  bool is_negative;
  long whole_digits = 0, position = 0;
  int64_t sum = 0;

  if (!is_number (value))
    return false;
  is_negative = value->text[0] == '-';
  while (mantissa_end < end && *mantissa_end != 'e' && *mantissa_end != 'E')
    mantissa_end++;
  for (const char *c = value->text + is_negative; c < mantissa_end && *c != '.'; c++)
    whole_digits++;
  if (mantissa_end < end)
    whole_digits += read_exponent (mantissa_end + 1, end);

  for (const char *c = value->text + is_negative; c < mantissa_end; c++)
    {
      if (*c == '.')
        continue;
      if (*c < '0' || *c > '9' || (position >= whole_digits && *c != '0'))
        return false;
      if (position++ < whole_digits && !push_digit (&sum, *c - '0'))
        return false;
    }
  for (; position < whole_digits && sum != 0; position++)
    if (!push_digit (&sum, 0))
      return false;
  if (!is_negative && sum == INT64_MIN)
    return false;
  *out = is_negative ? sum : -sum;
  return true;
}

bool
collet_slice_is_string (const struct collet_slice *value)
{
  return value->size >= 2 && value->text[0] == '"';
}

size_t
collet_slice_unescape (const struct collet_slice *value, char *out)
{
  struct cursor cursor = string_inside (value);
  size_t size = 0;

  while (cursor.at < cursor.end)
    {
      const char *escape = memchr (cursor.at, '\\', (size_t)(cursor.end - cursor.at));
      const char *plain_end = escape != NULL ? escape : cursor.end;
      size_t plain = (size_t)(plain_end - cursor.at);

      memcpy (out + size, cursor.at, plain);
      size += plain;
      cursor.at = plain_end;
      if (escape != NULL)
        {
          char bytes[4];
          size_t n = take_character (&cursor, bytes);

          memcpy (out + size, bytes, n);
          size += n;
        }
    }
  out[size] = '\0';
  return size;
}
