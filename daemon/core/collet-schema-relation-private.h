/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-schema-relation-private.h: `a` is what comes, `b` is what takes it.
 */
#pragma once

#include "collet-json-private.h"
#include "collet-schema-relation.h"

G_BEGIN_DECLS

/* A schema, or none: then everything is accepted. */
typedef struct
{
  const ColletJson *json;
  ColletJsonNode node;
  gboolean is_absent;
} ColletSide;

typedef struct
{
  ColletRelationKind kind;
  ColletSide a_root, b_root;
  gboolean defs_equal; /* so a $ref of the same text means the same */
  GArray *open;        /* pairs of ColletSide that are being compared */
  guint steps;         /* left */
  guint quiet;         /* > 0: an attempt, nothing is said */
  GString *path;
  GPtrArray *breaking, *notes;
} ColletRelation;

/* TRUE if everything that a accepts b accepts. */
gboolean collet_relation_fits (ColletRelation *self, ColletSide a, ColletSide b);
/* The same one level down, at `token` of the path. */
gboolean collet_relation_fits_at (ColletRelation *self, ColletSide a, ColletSide b, const char *keyword,
                                  const char *name);

/* A subschema of `side`, absent if it has none. */
ColletSide collet_side_member (ColletSide side, const char *name);
gboolean collet_side_is_false (ColletSide side);
/* Neither absent, nor true, nor without a rule. */
gboolean collet_side_has_rules (ColletSide side);
/* Types that a value of this schema may have, as bits. */
guint collet_side_types (ColletSide side);
#define COLLET_SIDE_NULL (1u << 0)
#define COLLET_SIDE_BOOLEAN (1u << 1)
#define COLLET_SIDE_WHOLE (1u << 2)
#define COLLET_SIDE_FRACTION (1u << 3)
#define COLLET_SIDE_NUMBER (COLLET_SIDE_WHOLE | COLLET_SIDE_FRACTION)
#define COLLET_SIDE_STRING (1u << 4)
#define COLLET_SIDE_ARRAY (1u << 5)
#define COLLET_SIDE_OBJECT (1u << 6)
#define COLLET_SIDE_ALL 0x7fu

/* "/inputSchema/a: <text>"; FALSE always. */
gboolean collet_relation_break (ColletRelation *self, const char *format, ...) G_GNUC_PRINTF (2, 3);
void collet_relation_note (ColletRelation *self, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* "<keyword> was <old>, is <new>", whichever of a and b is old; FALSE always. */
gboolean
collet_relation_break_keyword (ColletRelation *self, ColletSide a, ColletSide b, const char *keyword);
/* Members of the path; returns what to give to leave. */
gsize collet_relation_enter (ColletRelation *self, const char *keyword, const char *name);
void collet_relation_leave (ColletRelation *self, gsize former);

/* Keyword by keyword; -rules.c. */
gboolean collet_relation_fits_rules (ColletRelation *self, ColletSide a, ColletSide b);

/* -equal.c */
gboolean collet_relation_rules_equal_under (const ColletRelation *self, ColletSide a, ColletSide b);
gboolean collet_relation_defs_equal (ColletSide a, ColletSide b);
/* Whether a member anywhere below has one of these names. */
gboolean collet_side_has_name (ColletSide side, const char *const *names);

/* Objects and arrays; -contain.c. Each answers for one keyword of b. */
gboolean collet_relation_fits_properties (ColletRelation *self, ColletSide a, ColletSide b);
gboolean collet_relation_fits_pattern_properties (ColletRelation *self, ColletSide a, ColletSide b);
gboolean collet_relation_fits_additional (ColletRelation *self, ColletSide a, ColletSide b);
gboolean collet_relation_fits_required (ColletRelation *self, ColletSide a, ColletSide b);
gboolean collet_relation_fits_items (ColletRelation *self, ColletSide a, ColletSide b);

G_END_DECLS
