/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Values as a whole: equality, hash, and writing. Recursion is bounded by the
 * depth that the scanner lets through.
 */
#include "collet-json-private.h"

#include <string.h>

#include "collet-json-number.h"

/* Beyond this number of members both objects are sorted first. */
#define FEW_MEMBERS 16

static gboolean
texts_equal (const ColletJson *a, const ColletJsonEntry *ae, const ColletJson *b, const ColletJsonEntry *be)
{
  g_auto (ColletJsonText) x = { 0 };
  g_auto (ColletJsonText) y = { 0 };

  collet_json_text_init (&x, a, ae);
  collet_json_text_init (&y, b, be);
  return x.size == y.size && memcmp (x.bytes, y.bytes, x.size) == 0;
}

static void
number_of (ColletJsonNumber *number, const ColletJson *json, const ColletJsonEntry *entry)
{
  collet_json_number_init (number, json->text + entry->start, entry->end - entry->start);
}

static gboolean
arrays_equal (const ColletJson *a, ColletJsonNode an, const ColletJson *b, ColletJsonNode bn)
{
  ColletJsonNode x = collet_json_first (a, an), y = collet_json_first (b, bn);

  for (; x != 0; x = collet_json_next (a, x), y = collet_json_next (b, y))
    if (!collet_json_equal (a, x, b, y))
      return FALSE;
  return TRUE;
}

static gboolean
few_members_equal (const ColletJson *a, ColletJsonNode an, const ColletJson *b, ColletJsonNode bn)
{
  for (ColletJsonNode x = collet_json_first (a, an); x != 0; x = collet_json_next (a, x))
    {
      g_auto (ColletJsonText) name = { 0 };
      ColletJsonNode y;
      collet_json_text_init (&name, a, &a->entries[x - 1]);
      y = collet_json_member_sized (b, bn, name.bytes, name.size);
      if (y == 0 || !collet_json_equal (a, x, b, y))
        return FALSE;
    }
  return TRUE;
}

static gboolean
objects_equal (const ColletJson *a, ColletJsonNode an, const ColletJson *b, ColletJsonNode bn)
{
  g_auto (ColletJsonMembers) x = { 0 };
  g_auto (ColletJsonMembers) y = { 0 };

  if (collet_json_get_length (a, an) <= FEW_MEMBERS)
    return few_members_equal (a, an, b, bn);
  collet_json_members_init (&x, a, an);
  collet_json_members_init (&y, b, bn);
  for (guint i = 0; i < x.n_members; i++)
    {
      const ColletJsonText *p = &x.members[i].name, *q = &y.members[i].name;
      if (p->size != q->size || memcmp (p->bytes, q->bytes, p->size) != 0)
        return FALSE;
      if (!collet_json_equal (a, x.members[i].node, b, y.members[i].node))
        return FALSE;
    }
  return TRUE;
}

gboolean
collet_json_equal (const ColletJson *a, ColletJsonNode an, const ColletJson *b, ColletJsonNode bn)
{
  const ColletJsonEntry *ae = &a->entries[an], *be = &b->entries[bn];
  ColletJsonNumber x, y;

  if (collet_json_entry_type (ae) != collet_json_entry_type (be))
    return FALSE;
  switch (collet_json_entry_type (ae))
    {
    case COLLET_JSON_NUMBER:
      number_of (&x, a, ae);
      number_of (&y, b, be);
      return collet_json_number_compare (&x, &y) == 0;
    case COLLET_JSON_STRING:
      return texts_equal (a, ae, b, be);
    case COLLET_JSON_ARRAY:
      return collet_json_get_length (a, an) == collet_json_get_length (b, bn) && arrays_equal (a, an, b, bn);
    case COLLET_JSON_OBJECT:
      return collet_json_get_length (a, an) == collet_json_get_length (b, bn) && objects_equal (a, an, b, bn);
    case COLLET_JSON_NULL:
    case COLLET_JSON_FALSE:
    case COLLET_JSON_TRUE:
    default:
      return TRUE;
    }
}

static guint64
hash_text (const ColletJson *json, const ColletJsonEntry *entry)
{
  g_auto (ColletJsonText) text = { 0 };

  collet_json_text_init (&text, json, entry);
  return collet_json_hash_bytes (text.bytes, text.size);
}

static guint64
mix (guint64 hash)
{
  hash = (hash ^ (hash >> 31)) * G_GUINT64_CONSTANT (0xc4ceb9fe1a85ec53);
  return hash ^ (hash >> 29);
}

guint64
collet_json_hash (const ColletJson *json, ColletJsonNode node)
{
  const ColletJsonEntry *entry = &json->entries[node];
  ColletJsonType type = collet_json_entry_type (entry);
  guint64 hash = mix (type + 1);
  ColletJsonNumber number;
  ColletJsonNode child;

  switch (type)
    {
    case COLLET_JSON_NUMBER:
      number_of (&number, json, entry);
      return mix (hash ^ collet_json_number_hash (&number));
    case COLLET_JSON_STRING:
      return mix (hash ^ hash_text (json, entry));
    case COLLET_JSON_ARRAY:
      for (child = collet_json_first (json, node); child != 0; child = collet_json_next (json, child))
        hash = mix (hash * 31 + collet_json_hash (json, child));
      return hash;
    case COLLET_JSON_OBJECT:
      /* A sum, since order does not matter. */
      for (child = collet_json_first (json, node); child != 0; child = collet_json_next (json, child))
        hash += mix (hash_text (json, &json->entries[child - 1]) * 31 + collet_json_hash (json, child));
      return mix (hash);
    case COLLET_JSON_NULL:
    case COLLET_JSON_FALSE:
    case COLLET_JSON_TRUE:
    default:
      return hash;
    }
}

static void
append_escape (GString *out, guchar c)
{
  static const char hex[] = "0123456789abcdef";

  switch (c)
    {
    case '"':
      g_string_append_len (out, "\\\"", 2);
      break;
    case '\\':
      g_string_append_len (out, "\\\\", 2);
      break;
    case '\n':
      g_string_append_len (out, "\\n", 2);
      break;
    case '\r':
      g_string_append_len (out, "\\r", 2);
      break;
    case '\t':
      g_string_append_len (out, "\\t", 2);
      break;
    case '\b':
      g_string_append_len (out, "\\b", 2);
      break;
    case '\f':
      g_string_append_len (out, "\\f", 2);
      break;
    case '\0':
      g_string_append (out, "\357\277\275"); /* U+FFFD */
      break;
    default:
      g_string_append_len (out, "\\u00", 4);
      g_string_append_c (out, hex[c >> 4]);
      g_string_append_c (out, hex[c & 15]);
      break;
    }
}

static void
append_quoted (GString *out, const char *utf8, gsize size)
{
  const char *p = utf8, *end = utf8 + size, *plain = utf8;

  g_string_append_c (out, '"');
  for (; p < end; p++)
    {
      if ((guchar)*p >= 0x20 && *p != '"' && *p != '\\')
        continue;
      g_string_append_len (out, plain, p - plain);
      append_escape (out, *p);
      plain = p + 1;
    }
  g_string_append_len (out, plain, p - plain);
  g_string_append_c (out, '"');
}

void
collet_json_append_string (GString *out, const char *utf8, gssize size)
{
  gsize length = size < 0 ? strlen (utf8) : (gsize)size;
  g_autofree char *valid = NULL;

  /* A NUL is not valid UTF-8 to g_utf8_validate_len, and becomes U+FFFD too. */
  if (!g_utf8_validate_len (utf8, length, NULL))
    {
      valid = g_utf8_make_valid (utf8, length);
      utf8 = valid;
      length = strlen (valid);
    }
  append_quoted (out, utf8, length);
}

static void
append_text (GString *out, const ColletJsonText *text)
{
  append_quoted (out, text->bytes, text->size);
}

static void
append_object (GString *out, const ColletJson *json, ColletJsonNode node)
{
  g_auto (ColletJsonMembers) sorted = { 0 };

  collet_json_members_init (&sorted, json, node);
  g_string_append_c (out, '{');
  for (guint i = 0; i < sorted.n_members; i++)
    {
      if (i > 0)
        g_string_append_c (out, ',');
      append_text (out, &sorted.members[i].name);
      g_string_append_c (out, ':');
      collet_json_append_canonical (out, json, sorted.members[i].node);
    }
  g_string_append_c (out, '}');
}

static void
append_array (GString *out, const ColletJson *json, ColletJsonNode node)
{
  ColletJsonNode first = collet_json_first (json, node);

  g_string_append_c (out, '[');
  for (ColletJsonNode child = first; child != 0; child = collet_json_next (json, child))
    {
      if (child != first)
        g_string_append_c (out, ',');
      collet_json_append_canonical (out, json, child);
    }
  g_string_append_c (out, ']');
}

void
collet_json_append_canonical (GString *out, const ColletJson *json, ColletJsonNode node)
{
  g_auto (ColletJsonText) text = { 0 };
  const char *raw;
  gsize size;

  switch (collet_json_get_type (json, node))
    {
    case COLLET_JSON_OBJECT:
      append_object (out, json, node);
      break;
    case COLLET_JSON_ARRAY:
      append_array (out, json, node);
      break;
    case COLLET_JSON_STRING:
      collet_json_text_init (&text, json, &json->entries[node]);
      append_text (out, &text);
      break;
    case COLLET_JSON_NULL:
    case COLLET_JSON_FALSE:
    case COLLET_JSON_TRUE:
    case COLLET_JSON_NUMBER:
    default:
      raw = collet_json_get_raw (json, node, &size);
      g_string_append_len (out, raw, size);
      break;
    }
}
