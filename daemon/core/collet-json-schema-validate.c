/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Validation, but for what is in arrays and objects. No path allocates before
 * there is something to report, except for escaped strings, unevaluated* on more
 * than 64 members, and uniqueItems.
 */
#include "collet-json-schema-private.h"

#include "collet-error.h"

/* Far beyond what a value of the depth that the scanner lets through needs. */
#define MAX_DEPTH 256
/* What a run may cost: about a tenth of a second for a small value. */
#define BASE_STEPS 500000
#define STEPS_A_NODE 16

void
collet_schema_marks_init (ColletSchemaMarks *marks, guint n)
{
  marks->n = n;
  marks->few = 0;
  marks->many = n > 64 ? g_new0 (guint64, n / 64 + 1) : NULL;
}

void
collet_schema_marks_clear (ColletSchemaMarks *marks)
{
  g_clear_pointer (&marks->many, g_free);
}

void
collet_schema_marks_set (ColletSchemaMarks *marks, guint index)
{
  guint64 *words = marks->many != NULL ? marks->many : &marks->few;

  words[index / 64] |= G_GUINT64_CONSTANT (1) << (index % 64);
}

gboolean
collet_schema_marks_get (const ColletSchemaMarks *marks, guint index)
{
  const guint64 *words = marks->many != NULL ? marks->many : &marks->few;

  return (words[index / 64] >> (index % 64) & 1) != 0;
}

void
collet_schema_marks_merge (ColletSchemaMarks *marks, const ColletSchemaMarks *other)
{
  marks->few |= other->few;
  for (guint i = 0; marks->many != NULL && i <= marks->n / 64; i++)
    marks->many[i] |= other->many[i];
}

static void
number_of (ColletJsonNumber *number, const ColletJson *json, ColletJsonNode node)
{
  gsize size;
  const char *raw = collet_json_get_raw (json, node, &size);

  collet_json_number_init (number, raw, size);
}

static gboolean
fail_type (ColletSchemaRun *run, const ColletSchema *schema, ColletJsonNode node)
{
  static const struct
  {
    guint bits;
    const char *name;
  } names[] = {
    { COLLET_SCHEMA_TYPE (COLLET_JSON_NULL), "null" },
    { COLLET_SCHEMA_BOOLEAN, "boolean" },
    { COLLET_SCHEMA_TYPE (COLLET_JSON_NUMBER), "number" },
    { COLLET_SCHEMA_INTEGER, "integer" },
    { COLLET_SCHEMA_TYPE (COLLET_JSON_STRING), "string" },
    { COLLET_SCHEMA_TYPE (COLLET_JSON_ARRAY), "array" },
    { COLLET_SCHEMA_TYPE (COLLET_JSON_OBJECT), "object" },
  };
  g_autoptr (GString) allowed = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if ((schema->types & names[i].bits) != 0)
      g_string_append_printf (allowed, "%s%s", allowed->len > 0 ? " or " : "", names[i].name);
  return collet_schema_fail (run, node, "must be %s", allowed->str);
}

static gboolean
check_type (ColletSchemaRun *run, const ColletSchema *schema, ColletJsonNode node)
{
  ColletJsonType type = collet_json_get_type (run->json, node);
  ColletJsonNumber number;

  if ((schema->types & COLLET_SCHEMA_TYPE (type)) != 0)
    return TRUE;
  if (type == COLLET_JSON_NUMBER && (schema->types & COLLET_SCHEMA_INTEGER) != 0)
    {
      if ((run->json->entries[node].info & COLLET_JSON_PLAIN) != 0)
        return TRUE;
      number_of (&number, run->json, node);
      if (collet_json_number_is_integer (&number))
        return TRUE;
    }
  return run->quiet > 0 ? FALSE : fail_type (run, schema, node);
}

static gboolean
check_enum (ColletSchemaRun *run, const ColletSchema *schema, ColletJsonNode node)
{
  const ColletJson *own = run->schema->json;
  g_autofree char *shown = NULL;
  gsize size;

  /* Comparing costs what the value holds. */
  (void)collet_json_get_raw (run->json, node, &size);
  for (ColletJsonNode item = collet_json_first (own, schema->values); item != 0;
       item = collet_json_next (own, item))
    {
      if (!collet_schema_spend (run, 1 + size / 64))
        return FALSE;
      if (collet_json_equal (own, item, run->json, node))
        return TRUE;
    }
  if (run->quiet > 0)
    return FALSE;
  shown = collet_json_dup_shown (own, schema->values);
  return collet_schema_fail (run, node, "must be one of %s", shown);
}

static gboolean
check_const (ColletSchemaRun *run, const ColletSchema *schema, ColletJsonNode node)
{
  g_autofree char *shown = NULL;
  gsize size;

  (void)collet_json_get_raw (run->json, node, &size);
  if (!collet_schema_spend (run, 1 + size / 64))
    return FALSE;
  if (collet_json_equal (run->schema->json, schema->constant, run->json, node))
    return TRUE;
  if (run->quiet > 0)
    return FALSE;
  shown = collet_json_dup_shown (run->schema->json, schema->constant);
  return collet_schema_fail (run, node, "must be %s", shown);
}

static gboolean
check_bound (ColletSchemaRun *run, const ColletJsonNumber *value, ColletJsonNode node, ColletJsonNode bound,
             gboolean is_upper, gboolean is_exclusive)
{
  ColletJsonNumber limit;
  g_autofree char *shown = NULL;
  int order;

  if (bound == 0)
    return TRUE;
  number_of (&limit, run->schema->json, bound);
  order = collet_json_number_compare (value, &limit);
  if (is_upper)
    order = -order;
  if (order > 0 || (order == 0 && !is_exclusive))
    return TRUE;
  if (run->quiet > 0)
    return FALSE;
  shown = collet_json_dup_shown (run->schema->json, bound);
  return collet_schema_fail (run, node, "must be %s%s %s", is_upper ? "less than" : "greater than",
                             is_exclusive ? "" : " or equal to", shown);
}

static gboolean
check_number (ColletSchemaRun *run, const ColletSchema *schema, ColletJsonNode node)
{
  const ColletNumberRules *rules = schema->number;
  ColletJsonNumber value, divisor;
  g_autofree char *shown = NULL;
  gsize size;

  /* Digits are looked at one by one. */
  (void)collet_json_get_raw (run->json, node, &size);
  if (!collet_schema_spend (run, 1 + size / 16))
    return FALSE;
  number_of (&value, run->json, node);
  if (!check_bound (run, &value, node, rules->minimum, FALSE, FALSE) ||
      !check_bound (run, &value, node, rules->maximum, TRUE, FALSE) ||
      !check_bound (run, &value, node, rules->exclusive_minimum, FALSE, TRUE) ||
      !check_bound (run, &value, node, rules->exclusive_maximum, TRUE, TRUE))
    return FALSE;
  if (rules->multiple_of == 0)
    return TRUE;
  number_of (&divisor, run->schema->json, rules->multiple_of);
  if (collet_json_number_is_multiple_of (&value, &divisor))
    return TRUE;
  shown = collet_json_dup_shown (run->schema->json, rules->multiple_of);
  return collet_schema_fail (run, node, "must be a multiple of %s", shown);
}

static gboolean
check_pattern (ColletSchemaRun *run, const ColletJsonPattern *pattern, ColletJsonNode node)
{
  g_auto (ColletJsonText) text = { 0 };

  collet_json_text_init (&text, run->json, &run->json->entries[node]);
  if (!collet_schema_spend (run, collet_json_pattern_get_cost (pattern, text.size)))
    return FALSE;
  switch (collet_json_pattern_search (pattern, text.bytes, text.size))
    {
    case COLLET_JSON_PATTERN_MATCH:
      return TRUE;
    case COLLET_JSON_PATTERN_NO_MATCH:
      return collet_schema_fail (run, node, "must match the pattern %s",
                                 collet_json_pattern_get_source (pattern));
    case COLLET_JSON_PATTERN_GAVE_UP:
    default:
      return collet_schema_give_up (run, node, "takes too many steps to match against its pattern");
    }
}

static gboolean
check_string (ColletSchemaRun *run, const ColletSchema *schema, ColletJsonNode node)
{
  const ColletStringRules *rules = schema->string;

  if (rules->min_length > 0 || rules->max_length < G_MAXUINT64)
    {
      gsize length = collet_json_string_length (run->json, node);
      if (length < rules->min_length)
        return collet_schema_fail (run, node, "must have at least %" G_GUINT64_FORMAT " characters",
                                   rules->min_length);
      if (length > rules->max_length)
        return collet_schema_fail (run, node, "must have at most %" G_GUINT64_FORMAT " characters",
                                   rules->max_length);
    }
  return rules->pattern == NULL || check_pattern (run, rules->pattern, node);
}

gboolean
collet_schema_try (ColletSchemaRun *run, const ColletSchema *schema, ColletJsonNode node,
                   ColletSchemaMarks *marks)
{
  gboolean is_valid;

  run->quiet++;
  is_valid = collet_schema_evaluate (run, schema, node, marks);
  run->quiet--;
  return is_valid;
}

/* A branch that may fail: its marks count only if it does not. */
static gboolean
try_branch (ColletSchemaRun *run, const ColletSchema *schema, ColletJsonNode node, ColletSchemaMarks *marks)
{
  g_auto (ColletSchemaMarks) own = { 0 };

  if (marks == NULL)
    return collet_schema_try (run, schema, node, NULL);
  collet_schema_marks_init (&own, marks->n);
  if (!collet_schema_try (run, schema, node, &own))
    return FALSE;
  collet_schema_marks_merge (marks, &own);
  return TRUE;
}

static gboolean
fail_alternatives (ColletSchemaRun *run, const ColletSchemaList *list, ColletJsonNode node,
                   const char *keyword)
{
  guint types = 0;

  /* Alternatives of different types are common, and then there is more to say. */
  for (guint i = 0; i < list->n_schemas; i++)
    {
      guint own = list->schemas[i]->types;
      if (own == COLLET_SCHEMA_ANY_TYPE)
        return collet_schema_fail (run, node, "must match one of the %u schemas of %s", list->n_schemas,
                                   keyword);
      types |= own;
    }
  if ((types & COLLET_SCHEMA_TYPE (collet_json_get_type (run->json, node))) == 0)
    return fail_type (run, &(ColletSchema){ .types = types }, node);
  return collet_schema_fail (run, node, "must match one of the %u schemas of %s", list->n_schemas, keyword);
}

static gboolean
check_any_of (ColletSchemaRun *run, const ColletSchemaList *list, ColletJsonNode node,
              ColletSchemaMarks *marks)
{
  gboolean is_valid = list->n_schemas == 0;

  for (guint i = 0; i < list->n_schemas && !run->has_given_up; i++)
    {
      is_valid |= try_branch (run, list->schemas[i], node, marks);
      if (is_valid && marks == NULL)
        return TRUE;
    }
  if (run->has_given_up)
    return FALSE;
  return is_valid || fail_alternatives (run, list, node, "anyOf");
}

static gboolean
check_one_of (ColletSchemaRun *run, const ColletSchemaList *list, ColletJsonNode node,
              ColletSchemaMarks *marks)
{
  guint n_valid = 0;

  for (guint i = 0; i < list->n_schemas && n_valid < 2; i++)
    {
      n_valid += try_branch (run, list->schemas[i], node, marks);
      if (run->has_given_up)
        return FALSE;
    }
  if (list->n_schemas == 0 || n_valid == 1)
    return TRUE;
  if (n_valid > 1)
    return collet_schema_fail (run, node, "must match exactly one schema of oneOf and matches several");
  return fail_alternatives (run, list, node, "oneOf");
}

static gboolean
check_condition (ColletSchemaRun *run, const ColletLogicRules *rules, ColletJsonNode node,
                 ColletSchemaMarks *marks)
{
  const ColletSchema *branch;

  if (rules->if_ == NULL)
    return TRUE;
  branch = try_branch (run, rules->if_, node, marks) ? rules->then : rules->else_;
  if (run->has_given_up)
    return FALSE;
  return branch == NULL || collet_schema_evaluate (run, branch, node, marks);
}

static gboolean
check_logic (ColletSchemaRun *run, const ColletLogicRules *rules, ColletJsonNode node,
             ColletSchemaMarks *marks)
{
  for (guint i = 0; i < rules->all_of.n_schemas; i++)
    if (!collet_schema_evaluate (run, rules->all_of.schemas[i], node, marks))
      return FALSE;
  if (!check_any_of (run, &rules->any_of, node, marks) || !check_one_of (run, &rules->one_of, node, marks))
    return FALSE;
  if (rules->not_ != NULL && (collet_schema_try (run, rules->not_, node, NULL) || run->has_given_up))
    return collet_schema_fail (run, node, "must not match the schema of \"not\"");
  return check_condition (run, rules, node, marks);
}

/* The outermost resource with such a dynamic anchor, else where it leads
 * statically. */
static const ColletSchema *
follow_dynamic (ColletSchemaRun *run, const ColletSchema *schema)
{
  const ColletSchema *target = schema->dynamic_ref;
  gpointer found;

  if (schema->dynamic_name == NULL)
    return target;
  for (const ColletSchemaScope *scope = run->scope; scope != NULL; scope = scope->outer)
    if (g_hash_table_lookup_extended (scope->resource->dynamic_anchors, schema->dynamic_name, NULL, &found))
      target = g_hash_table_lookup (run->schema->schemas, found);
  return target;
}

static gboolean
check_rules (ColletSchemaRun *run, const ColletSchema *schema, ColletJsonNode node, ColletSchemaMarks *marks)
{
  ColletJsonType type = collet_json_get_type (run->json, node);

  if (schema->types != COLLET_SCHEMA_ANY_TYPE && !check_type (run, schema, node))
    return FALSE;
  if (schema->values != 0 && !check_enum (run, schema, node))
    return FALSE;
  if (schema->constant != 0 && !check_const (run, schema, node))
    return FALSE;
  if (schema->number != NULL && type == COLLET_JSON_NUMBER && !check_number (run, schema, node))
    return FALSE;
  if (schema->string != NULL && type == COLLET_JSON_STRING && !check_string (run, schema, node))
    return FALSE;
  if (schema->ref != NULL && !collet_schema_evaluate (run, schema->ref, node, marks))
    return FALSE;
  if (schema->dynamic_ref != NULL && !collet_schema_evaluate (run, follow_dynamic (run, schema), node, marks))
    return FALSE;
  if (schema->logic != NULL && !check_logic (run, schema->logic, node, marks))
    return FALSE;
  if (schema->object != NULL && type == COLLET_JSON_OBJECT)
    return collet_schema_evaluate_object (run, schema, node, marks);
  if (schema->array != NULL && type == COLLET_JSON_ARRAY)
    return collet_schema_evaluate_array (run, schema, node, marks);
  return TRUE;
}

/* unevaluated* sees what this schema evaluates, not what surrounds it does. */
static gboolean
check_rules_marked (ColletSchemaRun *run, const ColletSchema *schema, ColletJsonNode node,
                    ColletSchemaMarks *marks)
{
  g_auto (ColletSchemaMarks) own = { 0 };

  collet_schema_marks_init (&own, collet_json_get_length (run->json, node));
  if (!check_rules (run, schema, node, &own))
    return FALSE;
  if (marks != NULL)
    collet_schema_marks_merge (marks, &own);
  return TRUE;
}

static gboolean
has_unevaluated (const ColletSchema *schema, ColletJsonType type)
{
  return (type == COLLET_JSON_OBJECT && schema->object != NULL && schema->object->unevaluated != NULL) ||
         (type == COLLET_JSON_ARRAY && schema->array != NULL && schema->array->unevaluated != NULL);
}

gboolean
collet_schema_evaluate (ColletSchemaRun *run, const ColletSchema *schema, ColletJsonNode node,
                        ColletSchemaMarks *marks)
{
  ColletSchemaScope scope = { schema->resource, run->scope };
  gboolean is_valid;

  if (schema->kind == COLLET_SCHEMA_OF_ANY)
    return TRUE;
  if (schema->kind == COLLET_SCHEMA_OF_NONE)
    return collet_schema_fail_plain (run, node, "is not allowed here");
  if (!collet_schema_spend (run, 1))
    return FALSE;
  if (run->depth == MAX_DEPTH)
    return collet_schema_give_up (run, node, "its schema refers to itself without end");

  run->depth++;
  if (scope.outer == NULL || scope.outer->resource != scope.resource)
    run->scope = &scope;
  if (has_unevaluated (schema, collet_json_get_type (run->json, node)))
    is_valid = check_rules_marked (run, schema, node, marks);
  else
    is_valid = check_rules (run, schema, node, marks);
  run->scope = scope.outer;
  run->depth--;
  return is_valid && !run->has_given_up;
}

gboolean
collet_json_schema_validate (const ColletJsonSchema *schema, const ColletJson *json, ColletJsonNode node,
                             int code, GError **error)
{
  ColletSchemaRun run = {
    .schema = schema,
    .json = json,
    .root = node,
    .steps = BASE_STEPS + (guint64)STEPS_A_NODE * json->n_entries,
    .code = code,
    .error = error,
  };

  return collet_schema_evaluate (&run, schema->root, node, NULL);
}
