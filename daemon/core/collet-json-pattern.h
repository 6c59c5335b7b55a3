/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-json-pattern.h: regular expressions as JSON Schema means them, ECMA-262
 * with the u flag, searched for anywhere in the text.
 *
 * They are rewritten for PCRE: \d, \w, \s and the dot match what ECMA says, `$`
 * only the very end, what PCRE would take for something of its own (verbs,
 * recursion, possessive quantifiers, POSIX classes) is refused or literal. A
 * search is given up after COLLET_JSON_PATTERN_STEPS steps of PCRE's, whatever
 * the text.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define COLLET_JSON_PATTERN_STEPS 50000
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
/* As it was given, NUL-terminated. */
const char *collet_json_pattern_get_source (const ColletJsonPattern *pattern);

G_END_DECLS
