/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-bench-json.h"

#include <errno.h>
#include <string.h>

#define MAX_DEPTH 64

static const char *
skip_space (const char *p, const char *end)
{
  while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
    p++;
  return p;
}

/* The skip functions give the first byte after what they skipped, or NULL. */
static const char *
skip_string (const char *p, const char *end)
{
  if (p == end || *p != '"')
    return NULL;
  for (p++; p < end; p++)
    {
      if (*p == '"')
        return p + 1;
      if ((guchar)*p < 0x20)
        return NULL;
      if (*p != '\\')
        continue;
      if (++p == end || strchr ("\"\\/bfnrtu", *p) == NULL)
        return NULL;
      if (*p == 'u')
        {
          for (int i = 0; i < 4; i++)
            if (++p == end || !g_ascii_isxdigit (*p))
              return NULL;
        }
    }
  return NULL;
}

static const char *
skip_digits (const char *p, const char *end)
{
  const char *first = p;

  while (p < end && g_ascii_isdigit (*p))
    p++;
  return p == first ? NULL : p;
}

static const char *
skip_number (const char *p, const char *end)
{
  const char *first;

  if (p < end && *p == '-')
    p++;
  first = p;
  p = skip_digits (p, end);
  if (p == NULL || (*first == '0' && p - first > 1))
    return NULL;
  if (p < end && *p == '.')
    p = skip_digits (p + 1, end);
  if (p != NULL && p < end && (*p == 'e' || *p == 'E'))
    {
      p++;
      if (p < end && (*p == '+' || *p == '-'))
        p++;
      p = skip_digits (p, end);
    }
  return p;
}

static const char *
skip_word (const char *p, const char *end, const char *word)
{
  gsize size = strlen (word);

  return (gsize)(end - p) >= size && memcmp (p, word, size) == 0 ? p + size : NULL;
}

static const char *
skip_scalar (const char *p, const char *end)
{
  if (p == end)
    return NULL;
  switch (*p)
    {
    case '"':
      return skip_string (p, end);
    case 't':
      return skip_word (p, end, "true");
    case 'f':
      return skip_word (p, end, "false");
    case 'n':
      return skip_word (p, end, "null");
    default:
      return skip_number (p, end);
    }
}

static const char *
skip_name (const char *p, const char *end)
{
  p = skip_string (skip_space (p, end), end);
  if (p == NULL)
    return NULL;
  p = skip_space (p, end);
  return p < end && *p == ':' ? p + 1 : NULL;
}

/* After a value: closes what ends here and passes the comma before the next
 * value. *depth 0: the root is complete. */
static const char *
skip_after_value (const char *p, const char *end, guint64 objects, guint *depth)
{
  while (*depth > 0)
    {
      gboolean in_object = (objects >> (*depth - 1)) & 1;

      p = skip_space (p, end);
      if (p == end)
        return NULL;
      if (*p == ',')
        return in_object ? skip_name (p + 1, end) : p + 1;
      if (*p != (in_object ? '}' : ']'))
        return NULL;
      p++;
      (*depth)--;
    }
  return p;
}

static const char *
skip_value (const char *p, const char *end)
{
  guint64 objects = 0; /* bit n: the container at depth n + 1 is an object */
  guint depth = 0;

  do
    {
      p = skip_space (p, end);
      if (p < end && (*p == '{' || *p == '['))
        {
          gboolean is_object = *p == '{';

          if (depth == MAX_DEPTH)
            return NULL;
          objects = (objects & ~(G_GUINT64_CONSTANT (1) << depth)) | ((guint64)is_object << depth);
          depth++;
          p = skip_space (p + 1, end);
          if (p == end)
            return NULL;
          if (*p != (is_object ? '}' : ']'))
            {
              if (is_object && (p = skip_name (p, end)) == NULL)
                return NULL;
              continue;
            }
        }
      else if ((p = skip_scalar (p, end)) == NULL)
        return NULL;
      p = skip_after_value (p, end, objects, &depth);
    }
  while (p != NULL && depth > 0);
  return p;
}

BenchSlice
bench_json_root (const char *text, gsize size)
{
  const char *end = text + size;
  const char *first = skip_space (text, end);
  const char *last = skip_value (first, end);

  if (last == NULL || skip_space (last, end) != end)
    return (BenchSlice){ NULL, 0 };
  return (BenchSlice){ first, (gsize)(last - first) };
}

BenchSlice
bench_json_member (BenchSlice object, const char *name)
{
  gsize name_size = strlen (name);
  const char *p, *end;

  if (object.size < 2 || object.at[0] != '{')
    return (BenchSlice){ NULL, 0 };
  end = object.at + object.size;
  p = skip_space (object.at + 1, end);
  while (p != NULL && p < end && *p == '"')
    {
      const char *first = p + 1;
      const char *last = skip_string (p, end);
      const char *value, *after;

      if (last == NULL)
        break;
      value = skip_space (skip_name (p, end), end);
      after = skip_value (value, end);
      if (after == NULL)
        break;
      if ((gsize)(last - 1 - first) == name_size && memcmp (first, name, name_size) == 0)
        return (BenchSlice){ value, (gsize)(after - value) };
      p = skip_space (after, end);
      if (p < end && *p == ',')
        p = skip_space (p + 1, end);
    }
  return (BenchSlice){ NULL, 0 };
}

BenchSlice
bench_json_first (BenchSlice array)
{
  const char *p, *end, *after;

  if (array.size < 3 || array.at[0] != '[')
    return (BenchSlice){ NULL, 0 };
  end = array.at + array.size;
  p = skip_space (array.at + 1, end);
  after = skip_value (p, end);
  return after != NULL ? (BenchSlice){ p, (gsize)(after - p) } : (BenchSlice){ NULL, 0 };
}

gboolean
bench_json_get_int64 (BenchSlice value, gint64 *number)
{
  char text[32];
  char *end;
  double real;

  if (value.size == 0 || value.size >= sizeof text || !(g_ascii_isdigit (value.at[0]) || value.at[0] == '-'))
    return FALSE;
  memcpy (text, value.at, value.size);
  text[value.size] = '\0';
  errno = 0;
  *number = g_ascii_strtoll (text, &end, 10);
  if (*end == '\0')
    return errno == 0;
  /* 5.0 and 1e3 are whole numbers as well. */
  real = g_ascii_strtod (text, &end);
  if (*end != '\0' || !(real >= -9e15 && real <= 9e15))
    return FALSE;
  *number = (gint64)real;
  return (double)*number == real;
}

BenchSlice
bench_json_string (BenchSlice value)
{
  if (value.size < 2 || value.at[0] != '"')
    return (BenchSlice){ NULL, 0 };
  return (BenchSlice){ value.at + 1, value.size - 2 };
}

gboolean
bench_slice_equals (BenchSlice slice, const char *text)
{
  return slice.at != NULL && strlen (text) == slice.size && memcmp (slice.at, text, slice.size) == 0;
}

char *
bench_slice_dup (BenchSlice slice)
{
  return slice.at != NULL ? g_strndup (slice.at, slice.size) : NULL;
}

void
bench_json_append_string (GString *out, const char *text)
{
  g_string_append_c (out, '"');
  for (const char *p = text; *p != '\0'; p++)
    {
      if (*p == '"' || *p == '\\')
        g_string_append_printf (out, "\\%c", *p);
      else if ((guchar)*p < 0x20 || (guchar)*p == 0x7f)
        g_string_append_printf (out, "\\u%04x", (guchar)*p);
      else
        g_string_append_c (out, *p);
    }
  g_string_append_c (out, '"');
}
