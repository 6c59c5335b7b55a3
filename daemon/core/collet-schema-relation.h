/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-schema-relation.h: whether all that one JSON Schema accepts another one
 * accepts too. A proof by structure: "no" means "not proven".
 */
#pragma once

#include "collet-json.h"

G_BEGIN_DECLS

typedef enum
{
  COLLET_RELATION_INPUT,  /* old arguments go to the new schema */
  COLLET_RELATION_OUTPUT, /* new results go to the old schema */
} ColletRelationKind;

/* `path` is the JSON pointer at which the differences are said to be. What breaks
 * is appended to `breaking`, what does not to `notes` (char *). TRUE: every
 * value that passes from one side to the other still fits. */
gboolean collet_schema_relation_check (ColletRelationKind kind, const ColletJson *from,
                                       ColletJsonNode from_root, const ColletJson *to, ColletJsonNode to_root,
                                       const char *path, GPtrArray *breaking, GPtrArray *notes);

/* Whether both have the same rules, whatever their annotations. */
gboolean
collet_schema_rules_equal (const ColletJson *a, ColletJsonNode an, const ColletJson *b, ColletJsonNode bn);

G_END_DECLS
