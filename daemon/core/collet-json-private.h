/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-json-private.h: the index behind ColletJson, shared by the files of
 * this folder that read JSON and by nobody else.
 */
#pragma once

#include "collet-json.h"

G_BEGIN_DECLS

/* One value or one member name: 16 bytes, so that a hostile text of n bytes
 * costs at most 8 n bytes of index. A member's name is a string node of its own
 * right before the node of the value, which carries HAS_NAME. */
typedef struct
{
  guint32 start, end; /* slice of the text; a string with its quotes */
  guint32 next;       /* next sibling's node, 0 after the last */
  guint32 info;       /* type, flags, number of children */
} ColletJsonEntry;

#define COLLET_JSON_TYPE_MASK 7u
#define COLLET_JSON_ESCAPED (1u << 3)  /* a string with at least one escape */
#define COLLET_JSON_PLAIN (1u << 3)    /* a number without fraction and exponent */
#define COLLET_JSON_HAS_NAME (1u << 4) /* the entry before is its name */
#define COLLET_JSON_COUNT_SHIFT 5
#define COLLET_JSON_COUNT_ONE (1u << COLLET_JSON_COUNT_SHIFT)

struct _ColletJson
{
  const char *text;
  ColletJsonEntry *entries; /* `inline_entries` until there are too many */
  guint32 n_entries, n_allocated;
  guint depth;
  GBytes *bytes; /* what keeps the text, or NULL */
  ColletJsonEntry inline_entries[];
};

static inline ColletJsonType
collet_json_entry_type (const ColletJsonEntry *entry)
{
  return (ColletJsonType)(entry->info & COLLET_JSON_TYPE_MASK);
}

static inline guint32
collet_json_entry_count (const ColletJsonEntry *entry)
{
  return entry->info >> COLLET_JSON_COUNT_SHIFT;
}

/* A string entry's bytes between the quotes, still escaped. */
static inline const char *
collet_json_entry_inner (const ColletJson *json, const ColletJsonEntry *entry, gsize *size)
{
  *size = entry->end - entry->start - 2;
  return json->text + entry->start + 1;
}

static inline const ColletJsonEntry *
collet_json_name_entry (const ColletJson *json, ColletJsonNode node)
{
  return (json->entries[node].info & COLLET_JSON_HAS_NAME) != 0 ? &json->entries[node - 1] : NULL;
}

/* The scanner, collet-json-scan.c: fills the index of `json`, whose text is set. */
gboolean collet_json_scan (ColletJson *json, gsize size, GError **error);

/* Strings, collet-json-string.c. `out` has room for `size` bytes; returns how
 * many were written. The input was checked by the scanner. */
gsize collet_json_unescape (const char *inner, gsize size, char *out);

/* A view of a string's unescaped bytes: into the text if it has no escapes, else
 * into `heap`. Not NUL-terminated. */
typedef struct
{
  const char *bytes;
  gsize size;
  char *heap;
} ColletJsonText;

void collet_json_text_init (ColletJsonText *text, const ColletJson *json, const ColletJsonEntry *entry);
void collet_json_text_clear (ColletJsonText *text);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ColletJsonText, collet_json_text_clear)

static inline int
collet_json_bytes_compare (const char *a, gsize a_size, const char *b, gsize b_size)
{
  int order = memcmp (a, b, MIN (a_size, b_size));
  if (order != 0)
    return order;
  return a_size < b_size ? -1 : a_size > b_size;
}

/* A value that spreads well and does not depend on the process. Whoever uses it
 * bounds what collisions can cost. */
guint64 collet_json_hash_bytes (const char *bytes, gsize size);
/* Equal values (collet_json_equal) have equal hashes. */
guint64 collet_json_hash (const ColletJson *json, ColletJsonNode node);

/* collet-json-pointer.c */

/* JSON pointer of a node, from `from`, which it is or lies in. A member name's is
 * that of its object. */
char *collet_json_dup_pointer (const ColletJson *json, ColletJsonNode from, ColletJsonNode node);

/* A value as people read it: its text, cut to a line. */
char *collet_json_dup_shown (const ColletJson *json, ColletJsonNode node);

/* The members of an object, sorted by the bytes of their names. */
typedef struct
{
  ColletJsonText name;
  ColletJsonNode node;
} ColletJsonMember;

typedef struct
{
  ColletJsonMember *members;
  guint n_members;
} ColletJsonMembers;

void collet_json_members_init (ColletJsonMembers *members, const ColletJson *json, ColletJsonNode object);
void collet_json_members_clear (ColletJsonMembers *members);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ColletJsonMembers, collet_json_members_clear)

G_END_DECLS
