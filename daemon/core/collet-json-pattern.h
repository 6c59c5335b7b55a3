/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-json-pattern.h: regular expressions as JSON Schema means them, ECMA-262
 * with the u flag, searched for anywhere in the text.
 *
 * They are rewritten for PCRE2: \d, \w, \s and the dot match what ECMA says, `$`
 * only the very end, what PCRE2 would take for something of its own (verbs,
 * recursion, possessive quantifiers, POSIX classes) is refused or literal.
 *
 * A search ends, whatever the text: a pattern without look-around and
 * back-references needs one pass at most, another one is given up after a number
 * of steps that is less for a longer text.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define COLLET_JSON_PATTERN_MAX_SIZE 4096

typedef enum
{
  COLLET_JSON_PATTERN_NO_MATCH,
  COLLET_JSON_PATTERN_MATCH,
  COLLET_JSON_PATTERN_GAVE_UP,
} ColletJsonPatternResult;

typedef struct _ColletJsonPattern ColletJsonPattern; /* immutable: used by any thread */

/* COLLET_ERROR_INVALID_SCHEMA with the reason alone. */
ColletJsonPattern *collet_json_pattern_new (const char *text, gsize size, GError **error);
void collet_json_pattern_free (ColletJsonPattern *pattern);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletJsonPattern, collet_json_pattern_free)

/* `text` is valid UTF-8, not NUL-terminated. */
ColletJsonPatternResult
collet_json_pattern_search (const ColletJsonPattern *pattern, const char *text, gsize size);
/* What a search of a text of this size may cost, to be paid before; the unit is
 * about 100 ns. */
guint64 collet_json_pattern_get_cost (const ColletJsonPattern *pattern, gsize size);
/* As it was given, NUL-terminated. */
const char *collet_json_pattern_get_source (const ColletJsonPattern *pattern);

G_END_DECLS
