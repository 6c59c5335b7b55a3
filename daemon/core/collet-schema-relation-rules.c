/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One keyword after the other: does what `a` says imply what `b` says?
 */
#include "collet-schema-relation-private.h"

#include <string.h>

#include "collet-json-schema-private.h"

typedef gboolean (*FitsFunc) (ColletRelation *self, ColletSide a, ColletSide b);

typedef enum
{
  RULE_LOWER, /* a greater one in a implies it */
  RULE_UPPER,
  RULE_EQUAL, /* only the same implies it */
  RULE_OWN,
} RuleKind;

typedef struct
{
  const char *name;
  guint types; /* to which it applies */
  RuleKind kind;
  const char *other; /* of bounds: the keyword with which a may imply it too */
  FitsFunc fits;
} Rule;

/* Both are there and are numbers. */
static int
compare_numbers (ColletSide x, ColletSide y)
{
  ColletJsonNumber xn, yn;
  const char *raw;
  gsize size;

  raw = collet_json_get_raw (x.json, x.node, &size);
  collet_json_number_init (&xn, raw, size);
  raw = collet_json_get_raw (y.json, y.node, &size);
  collet_json_number_init (&yn, raw, size);
  return collet_json_number_compare (&xn, &yn);
}

static gboolean
bound_implied (ColletSide a, ColletSide bound, const Rule *rule)
{
  const char *names[] = { rule->name, rule->other };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      ColletSide own = names[i] != NULL ? collet_side_member (a, names[i]) : (ColletSide){ a.json, 0, TRUE };
      /* An inclusive bound at the same place does not imply an exclusive one. */
      gboolean needs_more = i == 1 && g_str_has_prefix (rule->name, "exclusive");
      int order;
      if (own.is_absent)
        continue;
      order = compare_numbers (own, bound) * (rule->kind == RULE_UPPER ? -1 : 1);
      if (order > 0 || (order == 0 && !needs_more))
        return TRUE;
    }
  return FALSE;
}

static guint
type_bits (const ColletJson *json, ColletJsonNode node)
{
  static const struct
  {
    const char *name;
    guint bits;
  } types[] = { { "null", COLLET_SIDE_NULL },     { "boolean", COLLET_SIDE_BOOLEAN },
                { "number", COLLET_SIDE_NUMBER }, { "integer", COLLET_SIDE_WHOLE },
                { "string", COLLET_SIDE_STRING }, { "array", COLLET_SIDE_ARRAY },
                { "object", COLLET_SIDE_OBJECT } };

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    if (collet_json_string_is (json, node, types[i].name))
      return types[i].bits;
  return 0;
}

guint
collet_side_types (ColletSide side)
{
  ColletSide type = collet_side_member (side, "type");
  guint bits = 0;

  if (type.is_absent)
    return COLLET_SIDE_ALL;
  if (collet_json_get_type (type.json, type.node) != COLLET_JSON_ARRAY)
    return type_bits (type.json, type.node);
  for (ColletJsonNode n = collet_json_first (type.json, type.node); n != 0;
       n = collet_json_next (type.json, n))
    bits |= type_bits (type.json, n);
  return bits;
}

static gboolean
fits_type (ColletRelation *self, ColletSide a, ColletSide b)
{
  return (collet_side_types (a) & ~collet_side_types (b)) == 0 ||
         collet_relation_break_keyword (self, a, b, "type");
}

/* Values that a lists were tried before: here it lists none, or one too many. */
static gboolean
fits_enum (ColletRelation *self, ColletSide a, ColletSide b)
{
  ColletSide own = collet_side_member (a, "enum"), values = collet_side_member (b, "enum");
  gboolean fits = !own.is_absent;

  for (ColletJsonNode x = fits ? collet_json_first (own.json, own.node) : 0; x != 0 && fits;
       x = collet_json_next (own.json, x))
    {
      fits = FALSE;
      for (ColletJsonNode y = collet_json_first (values.json, values.node);
           y != 0 && !fits && self->steps > 0; y = collet_json_next (values.json, y), self->steps--)
        fits = collet_json_equal (own.json, x, values.json, y);
    }
  return fits || collet_relation_break_keyword (self, a, b, "enum");
}

static gboolean
fits_const (ColletRelation *self, ColletSide a, ColletSide b)
{
  ColletSide own = collet_side_member (a, "const"), value = collet_side_member (b, "const");

  return (!own.is_absent && collet_json_equal (own.json, own.node, value.json, value.node)) ||
         collet_relation_break_keyword (self, a, b, "const");
}

static gboolean
fits_multiple_of (ColletRelation *self, ColletSide a, ColletSide b)
{
  ColletSide own = collet_side_member (a, "multipleOf"), divisor = collet_side_member (b, "multipleOf");
  ColletJsonNumber x, y;
  const char *raw;
  gsize size;
  gint64 whole;

  if (collet_json_get_int64 (divisor.json, divisor.node, &whole) && whole == 1 &&
      (collet_side_types (a) & COLLET_SIDE_FRACTION) == 0)
    return TRUE;
  if (own.is_absent)
    return collet_relation_break_keyword (self, a, b, "multipleOf");
  raw = collet_json_get_raw (own.json, own.node, &size);
  collet_json_number_init (&x, raw, size);
  raw = collet_json_get_raw (divisor.json, divisor.node, &size);
  collet_json_number_init (&y, raw, size);
  return collet_json_number_is_multiple_of (&x, &y) ||
         collet_relation_break_keyword (self, a, b, "multipleOf");
}

static gboolean
fits_ref (ColletRelation *self, ColletSide a, ColletSide b)
{
  ColletSide ref = collet_side_member (b, "$ref");
  g_autofree char *text = collet_json_dup_string (ref.json, ref.node);
  g_auto (GStrv) tokens = g_strsplit (text, "/", -1);
  ColletSide target = self->b_root;

  if (g_str_equal (text, "#") || (g_str_has_prefix (text, "#/") && strpbrk (text, "%~") == NULL))
    {
      for (guint i = 1; tokens[i] != NULL && !target.is_absent; i++)
        target = collet_side_member (target, tokens[i]);
      if (!target.is_absent)
        return collet_relation_fits (self, a, target);
    }
  return collet_relation_break (self, "$ref changed; whether all still fits cannot be told");
}

static gboolean
fits_all_of (ColletRelation *self, ColletSide a, ColletSide b)
{
  ColletSide all = collet_side_member (b, "allOf");
  gboolean fits = TRUE;

  for (ColletJsonNode n = collet_json_first (all.json, all.node); n != 0; n = collet_json_next (all.json, n))
    fits &= collet_relation_fits (self, a, (ColletSide){ all.json, n, FALSE });
  return fits;
}

/* Whether no value can match two of the schemas. */
static gboolean
are_of_different_types (ColletSide list)
{
  guint seen = 0;

  for (ColletJsonNode n = collet_json_first (list.json, list.node); n != 0;
       n = collet_json_next (list.json, n))
    {
      guint types = collet_side_types ((ColletSide){ list.json, n, FALSE });
      if ((seen & types) != 0)
        return FALSE;
      seen |= types;
    }
  return TRUE;
}

static gboolean
fits_choice (ColletRelation *self, ColletSide a, ColletSide b, const char *keyword)
{
  ColletSide choice = collet_side_member (b, keyword);
  gboolean fits = FALSE;

  self->quiet++;
  for (ColletJsonNode n = collet_json_first (choice.json, choice.node); n != 0 && !fits;
       n = collet_json_next (choice.json, n))
    fits = collet_relation_fits (self, a, (ColletSide){ choice.json, n, FALSE });
  self->quiet--;
  return fits || collet_relation_break (self, "%s changed; whether all still fits cannot be told", keyword);
}

static gboolean
fits_any_of (ColletRelation *self, ColletSide a, ColletSide b)
{
  return fits_choice (self, a, b, "anyOf");
}

static gboolean
fits_one_of (ColletRelation *self, ColletSide a, ColletSide b)
{
  if (!are_of_different_types (collet_side_member (b, "oneOf")))
    return collet_relation_break (self, "oneOf changed; whether all still fits cannot be told");
  return fits_choice (self, a, b, "oneOf");
}

/* if, then and else mean something only together, as do contains and its
 * numbers. */
static gboolean
group_equal (const ColletRelation *self, ColletSide a, ColletSide b, const char *const *names)
{
  for (guint i = 0; names[i] != NULL; i++)
    {
      ColletSide x = collet_side_member (a, names[i]), y = collet_side_member (b, names[i]);
      gboolean is_number = !x.is_absent && collet_json_get_type (x.json, x.node) == COLLET_JSON_NUMBER;
      if (x.is_absent != y.is_absent)
        return FALSE;
      if (is_number && compare_numbers (x, y) != 0)
        return FALSE;
      if (!x.is_absent && !is_number && !collet_relation_rules_equal_under (self, x, y))
        return FALSE;
    }
  return TRUE;
}

static gboolean
fits_if (ColletRelation *self, ColletSide a, ColletSide b)
{
  static const char *const names[] = { "if", "then", "else", NULL };

  return group_equal (self, a, b, names) ||
         collet_relation_break (self, "if, then or else changed; whether all still fits cannot be told");
}

static gboolean
fits_contains (ColletRelation *self, ColletSide a, ColletSide b)
{
  static const char *const names[] = { "contains", "minContains", "maxContains", NULL };

  return group_equal (self, a, b, names) ||
         collet_relation_break (self, "contains changed; whether all still fits cannot be told");
}

static gboolean
fits_not (ColletRelation *self, ColletSide a, ColletSide b)
{
  static const char *const names[] = { "not", NULL };

  return group_equal (self, a, b, names) ||
         collet_relation_break (self, "not changed; whether all still fits cannot be told");
}

static gboolean
fits_names (ColletRelation *self, ColletSide a, ColletSide b)
{
  return collet_relation_fits_at (self, collet_side_member (a, "propertyNames"),
                                  collet_side_member (b, "propertyNames"), "propertyNames", NULL);
}

static gboolean
fits_items (ColletRelation *self, ColletSide a, ColletSide b)
{
  /* With prefixItems both were looked at together. */
  return !collet_side_member (b, "prefixItems").is_absent || collet_relation_fits_items (self, a, b);
}

/* Needs a look at everything around it; that all is equal was tried before. */
static gboolean
fits_unevaluated (ColletRelation *self, ColletSide a, ColletSide b)
{
  return collet_relation_break (self,
                                "changed, with unevaluated members; whether all still fits cannot be told");
}

static const Rule rules[] = {
  { "type", COLLET_SIDE_ALL, RULE_OWN, NULL, fits_type },
  { "enum", COLLET_SIDE_ALL, RULE_OWN, NULL, fits_enum },
  { "const", COLLET_SIDE_ALL, RULE_OWN, NULL, fits_const },
  { "minimum", COLLET_SIDE_NUMBER, RULE_LOWER, "exclusiveMinimum", NULL },
  { "exclusiveMinimum", COLLET_SIDE_NUMBER, RULE_LOWER, "minimum", NULL },
  { "maximum", COLLET_SIDE_NUMBER, RULE_UPPER, "exclusiveMaximum", NULL },
  { "exclusiveMaximum", COLLET_SIDE_NUMBER, RULE_UPPER, "maximum", NULL },
  { "multipleOf", COLLET_SIDE_NUMBER, RULE_OWN, NULL, fits_multiple_of },
  { "minLength", COLLET_SIDE_STRING, RULE_LOWER, NULL, NULL },
  { "maxLength", COLLET_SIDE_STRING, RULE_UPPER, NULL, NULL },
  { "pattern", COLLET_SIDE_STRING, RULE_EQUAL, NULL, NULL },
  { "minItems", COLLET_SIDE_ARRAY, RULE_LOWER, NULL, NULL },
  { "maxItems", COLLET_SIDE_ARRAY, RULE_UPPER, NULL, NULL },
  { "uniqueItems", COLLET_SIDE_ARRAY, RULE_EQUAL, NULL, NULL },
  { "prefixItems", COLLET_SIDE_ARRAY, RULE_OWN, NULL, collet_relation_fits_items },
  { "items", COLLET_SIDE_ARRAY, RULE_OWN, NULL, fits_items },
  { "contains", COLLET_SIDE_ARRAY, RULE_OWN, NULL, fits_contains },
  { "unevaluatedItems", COLLET_SIDE_ARRAY, RULE_OWN, NULL, fits_unevaluated },
  { "minProperties", COLLET_SIDE_OBJECT, RULE_LOWER, NULL, NULL },
  { "maxProperties", COLLET_SIDE_OBJECT, RULE_UPPER, NULL, NULL },
  { "required", COLLET_SIDE_OBJECT, RULE_OWN, NULL, collet_relation_fits_required },
  { "properties", COLLET_SIDE_OBJECT, RULE_OWN, NULL, collet_relation_fits_properties },
  { "patternProperties", COLLET_SIDE_OBJECT, RULE_OWN, NULL, collet_relation_fits_pattern_properties },
  { "additionalProperties", COLLET_SIDE_OBJECT, RULE_OWN, NULL, collet_relation_fits_additional },
  { "propertyNames", COLLET_SIDE_OBJECT, RULE_OWN, NULL, fits_names },
  { "dependentRequired", COLLET_SIDE_OBJECT, RULE_EQUAL, NULL, NULL },
  { "dependentSchemas", COLLET_SIDE_OBJECT, RULE_EQUAL, NULL, NULL },
  { "dependencies", COLLET_SIDE_OBJECT, RULE_EQUAL, NULL, NULL },
  { "unevaluatedProperties", COLLET_SIDE_OBJECT, RULE_OWN, NULL, fits_unevaluated },
  { "allOf", COLLET_SIDE_ALL, RULE_OWN, NULL, fits_all_of },
  { "anyOf", COLLET_SIDE_ALL, RULE_OWN, NULL, fits_any_of },
  { "oneOf", COLLET_SIDE_ALL, RULE_OWN, NULL, fits_one_of },
  { "not", COLLET_SIDE_ALL, RULE_OWN, NULL, fits_not },
  { "if", COLLET_SIDE_ALL, RULE_OWN, NULL, fits_if },
  { "$ref", COLLET_SIDE_ALL, RULE_OWN, NULL, fits_ref },
  { "$dynamicRef", COLLET_SIDE_ALL, RULE_EQUAL, NULL, NULL },
};

gboolean
collet_side_has_rules (ColletSide side)
{
  if (side.is_absent)
    return FALSE;
  if (collet_json_get_type (side.json, side.node) != COLLET_JSON_OBJECT)
    return collet_side_is_false (side);
  for (guint i = 0; i < G_N_ELEMENTS (rules); i++)
    if (!collet_side_member (side, rules[i].name).is_absent)
      return TRUE;
  return FALSE;
}

static gboolean
fits_equal (ColletRelation *self, ColletSide a, ColletSide b, const Rule *rule)
{
  ColletSide own = collet_side_member (a, rule->name), value = collet_side_member (b, rule->name);
  gboolean is_equal = !own.is_absent && collet_json_equal (own.json, own.node, value.json, value.node);

  /* Text with references in it is the same only if what they lead to is. */
  if (is_equal && g_str_has_prefix (rule->name, "depend"))
    is_equal = self->defs_equal;
  if (is_equal && *rule->name == '$')
    is_equal = FALSE;
  /* uniqueItems: false says nothing. */
  if (!is_equal && collet_json_get_type (value.json, value.node) == COLLET_JSON_FALSE)
    is_equal = TRUE;
  return is_equal || collet_relation_break_keyword (self, a, b, rule->name);
}

gboolean
collet_relation_fits_rules (ColletRelation *self, ColletSide a, ColletSide b)
{
  guint types = collet_side_types (a);
  gboolean fits = TRUE;

  for (guint i = 0; i < G_N_ELEMENTS (rules); i++)
    {
      const Rule *rule = &rules[i];
      ColletSide value = collet_side_member (b, rule->name);
      if (value.is_absent || (types & rule->types) == 0)
        continue;
      switch (rule->kind)
        {
        case RULE_LOWER:
        case RULE_UPPER:
          fits &= bound_implied (a, value, rule) || collet_relation_break_keyword (self, a, b, rule->name);
          break;
        case RULE_EQUAL:
          fits &= fits_equal (self, a, b, rule);
          break;
        case RULE_OWN:
        default:
          fits &= rule->fits (self, a, b);
          break;
        }
    }
  return fits;
}
