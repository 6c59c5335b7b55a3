/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-json.h: the strict reader that stands before every use of foreign JSON.
 *
 * RFC 8259 text, UTF-8 only. Refused: more than COLLET_JSON_MAX_DEPTH levels,
 * duplicate member names (after unescaping), lone surrogates, \u0000 in a
 * string, numbers beyond the range of double (one that is too small is taken as
 * 0), a byte order mark, anything after the value. Iterative; space linear in
 * the text (at most 9 times its size), time too but for a logarithm in objects
 * of many members.
 *
 * The result is an index into the text, not a tree: a node is a slice, so ids
 * and arguments can be passed on byte for byte.
 */
#pragma once

#include <glib.h>
#include <string.h>

G_BEGIN_DECLS

#define COLLET_JSON_MAX_DEPTH 64
#define COLLET_JSON_MAX_SIZE (64u * 1024u * 1024u)

typedef enum
{
  COLLET_JSON_NULL,
  COLLET_JSON_FALSE,
  COLLET_JSON_TRUE,
  COLLET_JSON_NUMBER,
  COLLET_JSON_STRING,
  COLLET_JSON_ARRAY,
  COLLET_JSON_OBJECT,
} ColletJsonType;

/* Nodes are numbered in document order; the root is 0, so 0 as the answer of a
 * look-up means "absent". Not every number is a node: use only what the
 * functions below give. */
typedef guint32 ColletJsonNode;

/* Immutable after parsing, so readable from any thread. */
typedef struct _ColletJson ColletJson;

/* `text` is copied (parse) or referenced (parse_bytes, parse_borrowed: must
 * outlive the result). COLLET_ERROR_INVALID_JSON with the byte offset and what
 * was expected, COLLET_ERROR_JSON_TOO_DEEP or COLLET_ERROR_MESSAGE_TOO_LARGE. */
ColletJson *collet_json_parse (const char *text, gssize size, GError **error) G_GNUC_WARN_UNUSED_RESULT;
ColletJson *
collet_json_parse_borrowed (const char *text, gsize size, GError **error) G_GNUC_WARN_UNUSED_RESULT;
ColletJson *collet_json_parse_bytes (GBytes *bytes, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void collet_json_free (ColletJson *json);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletJson, collet_json_free)

/* Levels of arrays and objects within each other; 0 for a scalar. */
guint collet_json_get_depth (const ColletJson *json);

ColletJsonType collet_json_get_type (const ColletJson *json, ColletJsonNode node);
const char *collet_json_type_name (ColletJsonType type); /* "object", ... as in JSON Schema */

/* The value's text as it stands in the document (a string with its quotes). */
const char *collet_json_get_raw (const ColletJson *json, ColletJsonNode node, gsize *size);

/* Children of an array or object, in order; 0 after the last. */
ColletJsonNode collet_json_first (const ColletJson *json, ColletJsonNode node);
ColletJsonNode collet_json_next (const ColletJson *json, ColletJsonNode node);
guint collet_json_get_length (const ColletJson *json, ColletJsonNode node);

/* Member of an object by its (unescaped) name; 0 if absent or not an object. */
ColletJsonNode
collet_json_member_sized (const ColletJson *json, ColletJsonNode node, const char *name, gsize size);
static inline ColletJsonNode
collet_json_member (const ColletJson *json, ColletJsonNode node, const char *name)
{
  return collet_json_member_sized (json, node, name, strlen (name));
}
/* A member's name, unescaped, or NULL for an element of an array and the root. */
char *collet_json_dup_name (const ColletJson *json, ColletJsonNode node);
gboolean collet_json_name_is (const ColletJson *json, ColletJsonNode node, const char *name);

/* Strings, unescaped. NULL / FALSE for a node of another type. */
char *collet_json_dup_string (const ColletJson *json, ColletJsonNode node);
/* Without a copy: the bytes between the quotes, not NUL-terminated, borrowed from
 * the text; NULL also for a string that has escapes. */
const char *collet_json_peek_string (const ColletJson *json, ColletJsonNode node, gsize *size);
gboolean collet_json_string_is (const ColletJson *json, ColletJsonNode node, const char *text);
/* Number of Unicode code points; G_MAXSIZE for a node of another type. */
gsize collet_json_string_length (const ColletJson *json, ColletJsonNode node);

/* FALSE for another type; get_int64 also for a number that is not a whole one
 * in range (1.0 and 1e2 are whole). */
gboolean collet_json_get_int64 (const ColletJson *json, ColletJsonNode node, gint64 *value);
gboolean collet_json_get_double (const ColletJson *json, ColletJsonNode node, double *value);

/* Equality of values as JSON Schema has it: numbers by value, objects without
 * regard to order. */
gboolean collet_json_equal (const ColletJson *a, ColletJsonNode an, const ColletJson *b, ColletJsonNode bn);

/* Writers for the little that we build ourselves. Quoted and escaped; what is not
 * UTF-8, and NUL, becomes U+FFFD, so that the result always parses. */
void collet_json_append_string (GString *out, const char *utf8, gssize size);
/* Deterministic form: members sorted by name bytes, no white space; numbers as
 * they stand. */
void collet_json_append_canonical (GString *out, const ColletJson *json, ColletJsonNode node);

G_END_DECLS
