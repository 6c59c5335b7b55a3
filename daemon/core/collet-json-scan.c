/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-json-private.h"

#include <math.h>
#include <string.h>

#include "collet-error.h"
#include "collet-json-number.h"

/* An open array or object. */
typedef struct
{
  guint32 node;
  guint32 last; /* its last child so far, or 0 */
  guint32 count;
  char close;          /* ']' or '}' */
  gboolean must_check; /* two names may be the same */
  guint64 names;       /* a bit for each name seen: a bit seen twice is worth a look */
} Frame;

typedef struct
{
  ColletJson *json;
  const char *start, *p, *end;
  guint32 max_entries; /* no text of this size has more */
  guint depth;
  gboolean has_name; /* the next value is a member's */
  GError **error;
  Frame frames[COLLET_JSON_MAX_DEPTH];
} Scanner;

/* Below this number of members comparing each with each beats anything else. */
#define FEW_MEMBERS 16

static gboolean
fail (Scanner *s, const char *at, const char *expected)
{
  gsize offset = at - s->start;

  if (at >= s->end)
    g_set_error (s->error, COLLET_ERROR, COLLET_ERROR_INVALID_JSON,
                 "byte %" G_GSIZE_FORMAT ": the text ends, expected %s", offset, expected);
  else if (g_ascii_isgraph (*at))
    g_set_error (s->error, COLLET_ERROR, COLLET_ERROR_INVALID_JSON,
                 "byte %" G_GSIZE_FORMAT ": found '%c', expected %s", offset, *at, expected);
  else
    g_set_error (s->error, COLLET_ERROR, COLLET_ERROR_INVALID_JSON,
                 "byte %" G_GSIZE_FORMAT ": found 0x%02x, expected %s", offset, (guchar)*at, expected);
  return FALSE;
}

static void
grow (Scanner *s)
{
  ColletJson *json = s->json;
  gsize wanted = MIN ((gsize)json->n_allocated * 2, s->max_entries);

  g_assert (wanted > json->n_allocated);

  if (json->entries == json->inline_entries)
    {
      json->entries = g_new (ColletJsonEntry, wanted);
      memcpy (json->entries, json->inline_entries, json->n_entries * sizeof (ColletJsonEntry));
    }
  else
    {
      json->entries = g_renew (ColletJsonEntry, json->entries, wanted);
    }
  json->n_allocated = wanted;
}

static inline guint32
push_entry (Scanner *s, const char *start, const char *end, guint32 info)
{
  ColletJson *json = s->json;

  if (G_UNLIKELY (json->n_entries == json->n_allocated))
    grow (s);
  json->entries[json->n_entries] = (ColletJsonEntry){ start - s->start, end - s->start, 0, info };
  return json->n_entries++;
}

static inline void
skip_space (Scanner *s)
{
  while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\r' || *s->p == '\t'))
    s->p++;
}

static inline gboolean
is_digit (const Scanner *s, const char *p)
{
  return p < s->end && *p >= '0' && *p <= '9';
}

/* TRUE if none of the eight bytes ends a run of plain characters: not a quote, a
 * backslash, a control character or part of a longer UTF-8 sequence. */
static inline gboolean
are_plain (const char *p)
{
  const guint64 ones = G_GUINT64_CONSTANT (0x0101010101010101);
  guint64 word, quote, backslash;

  memcpy (&word, p, sizeof word);
  quote = word ^ (ones * '"');
  backslash = word ^ (ones * '\\');
  return ((word | (word - ones * 0x20) | (quote - ones) | (backslash - ones)) & (ones * 0x80)) == 0;
}

static inline gboolean
is_plain (char c)
{
  return (guchar)c >= 0x20 && (guchar)c < 0x80 && c != '"' && c != '\\';
}

/* Bytes of the UTF-8 sequence at p, which begins with a byte >= 0x80; 0 if it is
 * overlong, a surrogate, out of range or cut off. */
static guint
utf8_sequence (const guchar *p, gsize left)
{
  guchar first = p[0], low = 0x80, high = 0xbf;
  guint length;

  if (first < 0xc2 || first > 0xf4)
    return 0;
  length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (left < length)
    return 0;
  if (first == 0xe0)
    low = 0xa0;
  else if (first == 0xed)
    high = 0x9f;
  else if (first == 0xf0)
    low = 0x90;
  else if (first == 0xf4)
    high = 0x8f;
  if (p[1] < low || p[1] > high)
    return 0;
  for (guint i = 2; i < length; i++)
    if ((p[i] & 0xc0) != 0x80)
      return 0;
  return length;
}

/* Four hexadecimal digits at p; -1 if they are not there. */
static int
scan_hex (const Scanner *s, const char *p)
{
  int value = 0;

  if (s->end - p < 4)
    return -1;
  for (guint i = 0; i < 4; i++)
    {
      int digit = g_ascii_xdigit_value (p[i]);
      if (digit < 0)
        return -1;
      value = value << 4 | digit;
    }
  return value;
}

/* s->p is at a backslash. */
static gboolean
scan_escape (Scanner *s)
{
  const char *p = s->p + 1;
  int unit;

  if (p < s->end && *p != '\0' && strchr ("\"\\/bfnrt", *p) != NULL)
    {
      s->p = p + 1;
      return TRUE;
    }
  if (p >= s->end || *p != 'u')
    return fail (s, p, "one of \"\\/bfnrtu after a backslash");
  unit = scan_hex (s, p + 1);
  if (unit < 0)
    return fail (s, p, "u and four hexadecimal digits after a backslash");
  if (unit == 0)
    return fail (s, s->p, "no \\u0000, which is not accepted in a string");
  p += 5;
  if (unit >= 0xdc00 && unit <= 0xdfff)
    return fail (s, s->p, "no low surrogate without a high one before it");
  if (unit >= 0xd800 && unit <= 0xdbff)
    {
      int low = s->end - p >= 2 && p[0] == '\\' && p[1] == 'u' ? scan_hex (s, p + 2) : -1;
      if (low < 0xdc00 || low > 0xdfff)
        return fail (s, p, "an escaped low surrogate after a high one");
      p += 6;
    }
  s->p = p;
  return TRUE;
}

/* s->p is behind the opening quote, and behind the closing one afterwards. */
static gboolean
scan_string (Scanner *s, guint32 *info)
{
  *info = COLLET_JSON_STRING;
  for (;;)
    {
      guint length;

      while (s->end - s->p >= 8 && are_plain (s->p))
        s->p += 8;
      while (s->p < s->end && is_plain (*s->p))
        s->p++;
      if (s->p >= s->end)
        return fail (s, s->p, "'\"' at the end of a string");
      if (*s->p == '"')
        {
          s->p++;
          return TRUE;
        }
      if (*s->p == '\\')
        {
          *info |= COLLET_JSON_ESCAPED;
          if (!scan_escape (s))
            return FALSE;
          continue;
        }
      if ((guchar)*s->p < 0x20)
        return fail (s, s->p, "an escape in place of a control character in a string");
      length = utf8_sequence ((const guchar *)s->p, s->end - s->p);
      if (length == 0)
        return fail (s, s->p, "UTF-8");
      s->p += length;
    }
}

/* Whether the number rounds to a finite double; decided from its decimal
 * exponent but for the few cases at the edge. */
static gboolean
is_in_range (const char *text, gsize size)
{
  ColletJsonNumber number;

  collet_json_number_init (&number, text, size);
  if (number.n_digits == 0 || number.exponent < 309)
    return TRUE;
  return number.exponent == 309 && isfinite (collet_json_number_to_double (text, size));
}

static gboolean
scan_number (Scanner *s, guint32 *info)
{
  const char *start = s->p, *p = s->p + (*s->p == '-');

  *info = COLLET_JSON_NUMBER | COLLET_JSON_PLAIN;
  if (!is_digit (s, p))
    return fail (s, p, "a digit");
  if (*p++ != '0')
    while (is_digit (s, p))
      p++;
  if (p < s->end && *p == '.')
    {
      *info = COLLET_JSON_NUMBER;
      if (!is_digit (s, ++p))
        return fail (s, p, "a digit after the decimal point");
      while (is_digit (s, p))
        p++;
    }
  if (p < s->end && (*p == 'e' || *p == 'E'))
    {
      *info = COLLET_JSON_NUMBER;
      p++;
      if (p < s->end && (*p == '+' || *p == '-'))
        p++;
      if (!is_digit (s, p))
        return fail (s, p, "a digit in the exponent");
      while (is_digit (s, p))
        p++;
    }
  s->p = p;
  if (((*info & COLLET_JSON_PLAIN) == 0 || p - start > 308) && !is_in_range (start, p - start))
    return fail (s, start, "a number in the range of a double");
  return TRUE;
}

static gboolean
scan_word (Scanner *s, const char *word, gsize size)
{
  for (gsize i = 0; i < size; i++)
    if (s->p + i >= s->end || s->p[i] != word[i])
      return fail (s, s->p + i, word);
  s->p += size;
  return TRUE;
}

static gboolean
scan_scalar (Scanner *s, guint32 *info)
{
  switch (s->p < s->end ? *s->p : '\0')
    {
    case '"':
      s->p++;
      return scan_string (s, info);
    case 't':
      *info = COLLET_JSON_TRUE;
      return scan_word (s, "true", 4);
    case 'f':
      *info = COLLET_JSON_FALSE;
      return scan_word (s, "false", 5);
    case 'n':
      *info = COLLET_JSON_NULL;
      return scan_word (s, "null", 4);
    case '-':
    case '0' ... '9':
      return scan_number (s, info);
    default:
      return fail (s, s->p, "a value");
    }
}

/* One value; of an array or object only its opening bracket. */
static gboolean
scan_value (Scanner *s, gboolean *is_open)
{
  const char *start = s->p;
  guint32 info, node;
  char c = s->p < s->end ? *s->p : '\0';

  *is_open = c == '{' || c == '[';
  if (*is_open)
    {
      info = c == '{' ? COLLET_JSON_OBJECT : COLLET_JSON_ARRAY;
      s->p++;
      if (s->depth == COLLET_JSON_MAX_DEPTH)
        {
          g_set_error (s->error, COLLET_ERROR, COLLET_ERROR_JSON_TOO_DEEP,
                       "byte %" G_GSIZE_FORMAT ": nested more than %d levels deep", (gsize)(start - s->start),
                       COLLET_JSON_MAX_DEPTH);
          return FALSE;
        }
    }
  else if (!scan_scalar (s, &info))
    {
      return FALSE;
    }

  node = push_entry (s, start, s->p, info | (s->has_name ? COLLET_JSON_HAS_NAME : 0));
  s->has_name = FALSE;
  if (s->depth > 0)
    {
      Frame *frame = &s->frames[s->depth - 1];
      if (frame->last != 0)
        s->json->entries[frame->last].next = node;
      frame->last = node;
      frame->count++;
    }
  if (*is_open)
    {
      s->frames[s->depth++] = (Frame){ .node = node, .close = c == '{' ? '}' : ']' };
      s->json->depth = MAX (s->json->depth, s->depth);
    }
  return TRUE;
}

/* A member's name and the colon. */
static gboolean
scan_name (Scanner *s)
{
  Frame *frame = &s->frames[s->depth - 1];
  const char *start = s->p;
  guint32 info;
  guint64 bit;

  if (s->p >= s->end || *s->p != '"')
    return fail (s, s->p, "a member's name in quotes");
  s->p++;
  if (!scan_string (s, &info))
    return FALSE;
  /* Size, first and last byte tell most names of one object apart. */
  bit = G_GUINT64_CONSTANT (1) << (((gsize)(s->p - start) * 7 + (guchar)start[1] * 5 + (guchar)s->p[-2] * 3) %
                                   64);
  if ((frame->names & bit) != 0 || (info & COLLET_JSON_ESCAPED) != 0)
    frame->must_check = TRUE;
  frame->names |= bit;
  push_entry (s, start, s->p, info);
  s->has_name = TRUE;
  skip_space (s);
  if (s->p >= s->end || *s->p != ':')
    return fail (s, s->p, "':' after a member's name");
  s->p++;
  skip_space (s);
  return TRUE;
}

static gboolean
fail_duplicate (Scanner *s, const ColletJsonEntry *name)
{
  /* Foreign text in a message is cut, at a character. */
  g_autofree char *shown = g_utf8_substring (s->start + name->start, 0, MIN (name->end - name->start, 64));

  g_set_error (s->error, COLLET_ERROR, COLLET_ERROR_INVALID_JSON,
               "byte %u: the member %s is there twice in one object", name->start, shown);
  return FALSE;
}

static gboolean
check_few_names (Scanner *s, guint32 first)
{
  const ColletJsonEntry *entries = s->json->entries;

  for (guint32 b = entries[first].next; b != 0; b = entries[b].next)
    {
      const ColletJsonEntry *name = &entries[b - 1];
      gsize size = name->end - name->start;
      for (guint32 a = first; a != b; a = entries[a].next)
        {
          const ColletJsonEntry *other = &entries[a - 1];
          if (other->end - other->start == size &&
              memcmp (s->start + other->start, s->start + name->start, size) == 0)
            return fail_duplicate (s, name);
        }
    }
  return TRUE;
}

/* Sorting bounds what any set of names can cost. */
static gboolean
check_names_sorted (Scanner *s, guint32 object)
{
  g_auto (ColletJsonMembers) sorted = { 0 };

  collet_json_members_init (&sorted, s->json, object);
  for (guint i = 1; i < sorted.n_members; i++)
    {
      const ColletJsonText *a = &sorted.members[i - 1].name, *b = &sorted.members[i].name;
      if (a->size == b->size && memcmp (a->bytes, b->bytes, a->size) == 0)
        return fail_duplicate (
            s, &s->json->entries[MAX (sorted.members[i - 1].node, sorted.members[i].node) - 1]);
    }
  return TRUE;
}

static gboolean
check_names (Scanner *s, const Frame *frame)
{
  const ColletJsonEntry *entries = s->json->entries;
  guint32 first = frame->node + 2;
  gboolean has_escapes = FALSE;

  if (frame->count > FEW_MEMBERS)
    return check_names_sorted (s, frame->node);
  for (guint32 node = first; node != 0; node = entries[node].next)
    has_escapes |= (entries[node - 1].info & COLLET_JSON_ESCAPED) != 0;
  return has_escapes ? check_names_sorted (s, frame->node) : check_few_names (s, first);
}

static gboolean
close_container (Scanner *s)
{
  Frame *frame = &s->frames[s->depth - 1];
  ColletJsonEntry *entry = &s->json->entries[frame->node];

  s->p++;
  entry->end = s->p - s->start;
  entry->info |= frame->count << COLLET_JSON_COUNT_SHIFT;
  if (frame->must_check && frame->count > 1 && !check_names (s, frame))
    return FALSE;
  s->depth--;
  return TRUE;
}

/* From behind a value or an opening bracket to where the next value begins; with
 * depth 0 the text's one value is complete. */
static gboolean
scan_to_value (Scanner *s, gboolean is_open)
{
  for (;;)
    {
      Frame *frame;
      char c;

      skip_space (s);
      if (s->depth == 0)
        return TRUE;
      frame = &s->frames[s->depth - 1];
      c = s->p < s->end ? *s->p : '\0';
      if (c == frame->close)
        {
          if (!close_container (s))
            return FALSE;
          is_open = FALSE;
          continue;
        }
      if (!is_open)
        {
          if (c != ',')
            return fail (s, s->p, frame->close == '}' ? "',' or '}'" : "',' or ']'");
          s->p++;
          skip_space (s);
        }
      return frame->close == '}' ? scan_name (s) : TRUE;
    }
}

gboolean
collet_json_scan (ColletJson *json, gsize size, GError **error)
{
  Scanner s; /* frames are written before they are read */

  s.json = json;
  s.start = s.p = json->text;
  s.end = json->text + size;
  /* A value takes two bytes with what comes after it, but for those left open. */
  s.max_entries = size / 2 + COLLET_JSON_MAX_DEPTH + 2;
  s.depth = 0;
  s.has_name = FALSE;
  s.error = error;

  skip_space (&s);
  do
    {
      gboolean is_open;
      if (!scan_value (&s, &is_open) || !scan_to_value (&s, is_open))
        return FALSE;
    }
  while (s.depth > 0);

  if (s.p != s.end)
    return fail (&s, s.p, "nothing after the value");
  return TRUE;
}
