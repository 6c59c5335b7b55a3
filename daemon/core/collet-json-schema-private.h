/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-json-schema-private.h: a compiled JSON Schema, shared by the files that
 * compile it, resolve its references and validate with it.
 */
#pragma once

#include "collet-json-number.h"
#include "collet-json-pattern.h"
#include "collet-json-private.h"
#include "collet-json-schema.h"

G_BEGIN_DECLS

typedef struct _ColletSchema ColletSchema;

/* A schema resource: the document, or a part of it with an $id. */
typedef struct
{
  char *uri; /* without fragment */
  ColletJsonNode root;
  GHashTable *anchors;         /* name -> GUINT_TO_POINTER (node) */
  GHashTable *dynamic_anchors; /* name -> GUINT_TO_POINTER (node) */
} ColletSchemaResource;

typedef struct
{
  guint n_schemas;
  ColletSchema **schemas;
} ColletSchemaList;

/* Members are grouped by what they apply to; most schemas need one group or
 * none. A group that is there has its defaults set. */
typedef struct
{
  ColletJsonNode minimum, maximum; /* numbers of the schema's text; 0: none */
  ColletJsonNode exclusive_minimum, exclusive_maximum;
  ColletJsonNode multiple_of;
} ColletNumberRules;

typedef struct
{
  guint64 min_length, max_length; /* code points */
  ColletJsonPattern *pattern;
} ColletStringRules;

typedef struct
{
  ColletSchemaList prefix;
  ColletSchema *items;
  ColletSchema *contains;
  ColletSchema *unevaluated;
  guint64 min_items, max_items;
  guint64 min_contains, max_contains;
  gboolean is_unique;
} ColletArrayRules;

/* A name that properties or required speak of. */
typedef struct
{
  char *name;
  gsize size;
  ColletSchema *schema; /* or NULL */
  gboolean is_required;
} ColletSchemaName;

typedef struct
{
  ColletJsonPattern *pattern;
  ColletSchema *schema;
} ColletSchemaPattern;

/* If `name` is there, so must be `required`, and `schema` applies. */
typedef struct
{
  char *name;
  gsize size;
  ColletSchema *schema; /* or NULL */
  GPtrArray *required;  /* of char *, or NULL */
} ColletSchemaDependency;

typedef struct
{
  GArray *names; /* ColletSchemaName, sorted */
  guint n_required;
  GArray *patterns;     /* ColletSchemaPattern, or NULL */
  GArray *dependencies; /* ColletSchemaDependency, or NULL */
  ColletSchema *additional;
  ColletSchema *property_names;
  ColletSchema *unevaluated;
  guint64 min_properties, max_properties;
} ColletObjectRules;

typedef struct
{
  ColletSchemaList all_of, any_of, one_of;
  ColletSchema *not_;
  ColletSchema *if_, *then, *else_;
} ColletLogicRules;

typedef enum
{
  COLLET_SCHEMA_OF_ANY,  /* the boolean schema true */
  COLLET_SCHEMA_OF_NONE, /* false */
  COLLET_SCHEMA_OF_RULES,
} ColletSchemaKind;

/* Bits of ColletSchema.types. */
#define COLLET_SCHEMA_TYPE(type) (1u << (type))
#define COLLET_SCHEMA_BOOLEAN (COLLET_SCHEMA_TYPE (COLLET_JSON_TRUE) | COLLET_SCHEMA_TYPE (COLLET_JSON_FALSE))
#define COLLET_SCHEMA_INTEGER (1u << 7) /* without the bit of numbers: only whole ones */
#define COLLET_SCHEMA_ANY_TYPE 0u

struct _ColletSchema
{
  ColletJsonNode node; /* in the schema's text */
  ColletSchemaKind kind;
  guint types;                     /* COLLET_SCHEMA_ANY_TYPE: no "type" */
  ColletJsonNode constant, values; /* const and enum; 0: none */
  const ColletSchemaResource *resource;
  ColletSchema *ref;
  ColletSchema *dynamic_ref;
  char *dynamic_name; /* the anchor that dynamic_ref looks for; NULL: as ref */
  ColletNumberRules *number;
  ColletStringRules *string;
  ColletArrayRules *array;
  ColletObjectRules *object;
  ColletLogicRules *logic;
};

struct _ColletJsonSchema
{
  ColletJson *json; /* own copy of the text */
  ColletSchema *root;
  GPtrArray *resources; /* ColletSchemaResource; the first is the document */
  GHashTable *schemas;  /* GUINT_TO_POINTER (node) -> ColletSchema */
  gatomicrefcount ref_count;
};

/* While compiling. */
typedef struct
{
  ColletJsonSchema *schema;
  GHashTable *bases;                   /* GUINT_TO_POINTER (node) -> ColletSchemaResource */
  GQueue queue;                        /* ColletSchema that wait for their keywords to be read */
  const ColletSchemaResource *current; /* of the one that is read */
  GError **error;
} ColletSchemaCompiler;

/* What the value of a keyword holds: where to look for schemas. */
typedef enum
{
  COLLET_KEYWORD_OTHER,
  COLLET_KEYWORD_SCHEMA,
  COLLET_KEYWORD_SCHEMA_ARRAY,
  COLLET_KEYWORD_SCHEMA_MAP,
} ColletKeywordShape;

/* COLLET_KEYWORD_OTHER for what is not known. */
ColletKeywordShape collet_schema_keyword_shape (const ColletJson *json, ColletJsonNode member);

/* Reads a keyword into `schema`; one that is not known is skipped. */
gboolean
collet_schema_read_member (ColletSchemaCompiler *compiler, ColletSchema *schema, ColletJsonNode member);

/* "/properties/a: <message>"; always FALSE. */
gboolean collet_schema_refuse (ColletSchemaCompiler *compiler, ColletJsonNode node, const char *format, ...)
    G_GNUC_PRINTF (3, 4);
/* The schema at a node, made and queued if it is new; NULL with an error if the
 * node holds no schema or there are too many. */
ColletSchema *collet_schema_at (ColletSchemaCompiler *compiler, ColletJsonNode node);

/* Finds every $id and anchor. */
gboolean collet_schema_find_resources (ColletSchemaCompiler *compiler);
/* The node that a $ref or $dynamicRef in `from` names; 0 is an answer. */
gboolean collet_schema_resolve (ColletSchemaCompiler *compiler, const ColletSchema *from,
                                ColletJsonNode reference, ColletJsonNode *target,
                                const ColletSchemaResource **resource, char **fragment);
void collet_schema_resource_free (ColletSchemaResource *resource);

/* Keywords that fill more than one member; collet-json-schema-object.c. */
gboolean
collet_schema_read_properties (ColletSchemaCompiler *compiler, ColletSchema *schema, ColletJsonNode value);
gboolean collet_schema_read_pattern_properties (ColletSchemaCompiler *compiler, ColletSchema *schema,
                                                ColletJsonNode value);
gboolean
collet_schema_read_required (ColletSchemaCompiler *compiler, ColletSchema *schema, ColletJsonNode value);
gboolean
collet_schema_read_dependencies (ColletSchemaCompiler *compiler, ColletSchema *schema, ColletJsonNode value);
ColletObjectRules *collet_schema_ensure_object (ColletSchema *schema);
void collet_object_rules_finish (ColletObjectRules *rules);
void collet_object_rules_free (ColletObjectRules *rules);

/* While validating: collet-json-schema-validate.c and -contain.c. */

/* The resources entered so far, innermost first. */
typedef struct _ColletSchemaScope
{
  const ColletSchemaResource *resource;
  const struct _ColletSchemaScope *outer;
} ColletSchemaScope;

typedef struct
{
  const ColletJsonSchema *schema;
  const ColletJson *json;
  ColletJsonNode root;
  guint64 steps; /* left */
  guint depth;
  guint quiet;           /* > 0: a failure may still lead to success, so nobody reads why */
  gboolean has_given_up; /* neither valid nor invalid: `not` must not turn it round */
  const ColletSchemaScope *scope;
  int code;
  GError **error;
} ColletSchemaRun;

/* Which members or elements were evaluated, by position; for unevaluated*. */
typedef struct
{
  guint n;
  guint64 few;   /* up to 64 */
  guint64 *many; /* beyond */
} ColletSchemaMarks;

/* `marks` may be NULL. */
gboolean collet_schema_evaluate (ColletSchemaRun *run, const ColletSchema *schema, ColletJsonNode node,
                                 ColletSchemaMarks *marks);
gboolean collet_schema_evaluate_object (ColletSchemaRun *run, const ColletSchema *schema, ColletJsonNode node,
                                        ColletSchemaMarks *marks);
gboolean collet_schema_evaluate_array (ColletSchemaRun *run, const ColletSchema *schema, ColletJsonNode node,
                                       ColletSchemaMarks *marks);
/* As evaluate, but no error is made: a failure is one answer of two. */
gboolean collet_schema_try (ColletSchemaRun *run, const ColletSchema *schema, ColletJsonNode node,
                            ColletSchemaMarks *marks);

void collet_schema_marks_init (ColletSchemaMarks *marks, guint n);
void collet_schema_marks_clear (ColletSchemaMarks *marks);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ColletSchemaMarks, collet_schema_marks_clear)
void collet_schema_marks_set (ColletSchemaMarks *marks, guint index);
gboolean collet_schema_marks_get (const ColletSchemaMarks *marks, guint index);
void collet_schema_marks_merge (ColletSchemaMarks *marks, const ColletSchemaMarks *other);

/* Takes steps; FALSE when there are none left. */
gboolean collet_schema_spend (ColletSchemaRun *run, guint64 steps);
/* "/a: is "two" (string), <must be ...>"; always FALSE. */
gboolean collet_schema_fail (ColletSchemaRun *run, ColletJsonNode node, const char *format, ...)
    G_GNUC_PRINTF (3, 4);
/* "/a: <reason>", without the value. */
gboolean collet_schema_fail_plain (ColletSchemaRun *run, ColletJsonNode node, const char *format, ...)
    G_GNUC_PRINTF (3, 4);
gboolean collet_schema_give_up (ColletSchemaRun *run, ColletJsonNode node, const char *reason);

G_END_DECLS
