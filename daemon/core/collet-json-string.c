/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-json-private.h"

#include <stdlib.h>
#include <string.h>

static gunichar
read_unit (const char *p)
{
  gunichar unit = 0;

  for (guint i = 0; i < 4; i++)
    unit = unit << 4 | (gunichar)g_ascii_xdigit_value (p[i]);
  return unit;
}

/* p is behind the backslash; returns where the escape ends. */
static const char *
unescape_one (const char *p, char **out)
{
  gunichar c;

  switch (*p)
    {
    case 'b':
      *(*out)++ = '\b';
      return p + 1;
    case 'f':
      *(*out)++ = '\f';
      return p + 1;
    case 'n':
      *(*out)++ = '\n';
      return p + 1;
    case 'r':
      *(*out)++ = '\r';
      return p + 1;
    case 't':
      *(*out)++ = '\t';
      return p + 1;
    case 'u':
      c = read_unit (p + 1);
      p += 5;
      if (c >= 0xd800 && c <= 0xdbff)
        {
          c = 0x10000 + ((c - 0xd800) << 10) + (read_unit (p + 2) - 0xdc00);
          p += 6;
        }
      *out += g_unichar_to_utf8 (c, *out);
      return p;
    default: /* quote, backslash, slash */
      *(*out)++ = *p;
      return p + 1;
    }
}

gsize
collet_json_unescape (const char *inner, gsize size, char *out)
{
  const char *p = inner, *end = inner + size;
  char *to = out;

  while (p < end)
    {
      const char *escape = memchr (p, '\\', end - p);
      gsize plain = (escape != NULL ? escape : end) - p;
      memcpy (to, p, plain);
      to += plain;
      p += plain;
      if (escape != NULL)
        p = unescape_one (p + 1, &to);
    }
  return to - out;
}

void
collet_json_text_init (ColletJsonText *text, const ColletJson *json, const ColletJsonEntry *entry)
{
  text->bytes = collet_json_entry_inner (json, entry, &text->size);
  text->heap = NULL;
  if ((entry->info & COLLET_JSON_ESCAPED) != 0)
    {
      text->heap = g_malloc (text->size);
      text->size = collet_json_unescape (text->bytes, text->size, text->heap);
      text->bytes = text->heap;
    }
}

void
collet_json_text_clear (ColletJsonText *text)
{
  g_clear_pointer (&text->heap, g_free);
}

guint64
collet_json_hash_bytes (const char *bytes, gsize size)
{
  guint64 hash = G_GUINT64_CONSTANT (0x9e3779b97f4a7c15) ^ size;

  while (size > 0)
    {
      guint64 word = 0;
      gsize step = MIN (size, sizeof word);
      memcpy (&word, bytes, step);
      hash = (hash ^ word) * G_GUINT64_CONSTANT (0xff51afd7ed558ccd);
      hash ^= hash >> 32;
      bytes += step;
      size -= step;
    }
  return hash;
}

static int
compare_members (const void *a, const void *b)
{
  const ColletJsonText *x = &((const ColletJsonMember *)a)->name;
  const ColletJsonText *y = &((const ColletJsonMember *)b)->name;

  return collet_json_bytes_compare (x->bytes, x->size, y->bytes, y->size);
}

void
collet_json_members_init (ColletJsonMembers *members, const ColletJson *json, ColletJsonNode object)
{
  guint count = collet_json_entry_count (&json->entries[object]);
  ColletJsonNode node = count > 0 ? object + 2 : 0;

  /* Read by entry, not by the accessors: the scanner asks before the object is
   * finished. */
  members->members = g_new (ColletJsonMember, MAX (count, 1));
  members->n_members = 0;
  for (; node != 0; node = json->entries[node].next)
    {
      ColletJsonMember *member = &members->members[members->n_members++];
      collet_json_text_init (&member->name, json, &json->entries[node - 1]);
      member->node = node;
    }
  qsort (members->members, members->n_members, sizeof (ColletJsonMember), compare_members);
}

void
collet_json_members_clear (ColletJsonMembers *members)
{
  for (guint i = 0; i < members->n_members; i++)
    collet_json_text_clear (&members->members[i].name);
  members->n_members = 0;
  g_clear_pointer (&members->members, g_free);
}

gsize
collet_json_string_length (const ColletJson *json, ColletJsonNode node)
{
  const ColletJsonEntry *entry = &json->entries[node];
  const char *inner;
  gsize size, length = 0;

  if (collet_json_entry_type (entry) != COLLET_JSON_STRING)
    return G_MAXSIZE;
  inner = collet_json_entry_inner (json, entry, &size);
  for (gsize i = 0; i < size; i++)
    {
      if (inner[i] == '\\')
        {
          /* An escape is one character; of a pair of surrogates the first half
           * does not count. */
          gboolean is_unit = inner[i + 1] == 'u';
          gunichar unit = is_unit ? read_unit (inner + i + 2) : 0;
          length += unit < 0xd800 || unit > 0xdbff;
          i += is_unit ? 5 : 1;
        }
      else
        {
          length += ((guchar)inner[i] & 0xc0) != 0x80;
        }
    }
  return length;
}
