/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Validation of what is in an array or object.
 */
#include "collet-json-schema-private.h"

#include <stdlib.h>
#include <string.h>

/* Up to this many elements each is compared with each. */
#define FEW_ITEMS 8

static const ColletSchemaName *
find_name (const ColletObjectRules *rules, const ColletJsonText *name)
{
  const ColletSchemaName *names = (const ColletSchemaName *)(gconstpointer)rules->names->data;
  guint low = 0, high = rules->names->len;

  while (low < high)
    {
      guint middle = low + (high - low) / 2;
      int order = collet_json_bytes_compare (names[middle].name, names[middle].size, name->bytes, name->size);
      if (order == 0)
        return &names[middle];
      if (order < 0)
        low = middle + 1;
      else
        high = middle;
    }
  return NULL;
}

static gboolean
apply_patterns (ColletSchemaRun *run, const ColletObjectRules *rules, const ColletJsonText *name,
                ColletJsonNode member, gboolean *is_known)
{
  for (guint i = 0; rules->patterns != NULL && i < rules->patterns->len; i++)
    {
      const ColletSchemaPattern *pattern = &g_array_index (rules->patterns, ColletSchemaPattern, i);
      if (!collet_schema_spend (run, collet_json_pattern_get_cost (pattern->pattern, name->size)))
        return FALSE;
      switch (collet_json_pattern_search (pattern->pattern, name->bytes, name->size))
        {
        case COLLET_JSON_PATTERN_NO_MATCH:
          break;
        case COLLET_JSON_PATTERN_MATCH:
          *is_known = TRUE;
          if (!collet_schema_evaluate (run, pattern->schema, member, NULL))
            return FALSE;
          break;
        case COLLET_JSON_PATTERN_GAVE_UP:
        default:
          return collet_schema_give_up (run, member,
                                        "the name takes too many steps to match against a pattern");
        }
    }
  return TRUE;
}

static gboolean
fail_additional (ColletSchemaRun *run, const ColletObjectRules *rules, ColletJsonNode member)
{
  g_autoptr (GString) known = g_string_new (NULL);

  for (guint i = 0; i < rules->names->len && known->len < 200; i++)
    {
      const ColletSchemaName *name = &g_array_index (rules->names, ColletSchemaName, i);
      if (name->schema != NULL)
        g_string_append_printf (known, "%s%s", known->len > 0 ? ", " : "", name->name);
    }
  return collet_schema_fail_plain (run, member, "is not allowed here%s%s",
                                   known->len > 0 ? "; known are " : "", known->str);
}

static gboolean
check_member (ColletSchemaRun *run, const ColletObjectRules *rules, ColletJsonNode member, guint *n_required,
              gboolean *is_evaluated)
{
  g_auto (ColletJsonText) text = { 0 };
  const ColletSchemaName *name;
  gboolean is_known;

  collet_json_text_init (&text, run->json, &run->json->entries[member - 1]);
  name = find_name (rules, &text);
  *n_required += name != NULL && name->is_required;
  is_known = name != NULL && name->schema != NULL;
  if (is_known && !collet_schema_evaluate (run, name->schema, member, NULL))
    return FALSE;
  if (!apply_patterns (run, rules, &text, member, &is_known))
    return FALSE;
  if (!is_known && rules->additional != NULL)
    {
      is_known = TRUE;
      if (rules->additional->kind == COLLET_SCHEMA_OF_NONE)
        return run->quiet > 0 ? FALSE : fail_additional (run, rules, member);
      if (!collet_schema_evaluate (run, rules->additional, member, NULL))
        return FALSE;
    }
  *is_evaluated = is_known;
  if (rules->property_names == NULL)
    return TRUE;
  /* A name is a string like another. */
  if (collet_schema_try (run, rules->property_names, member - 1, NULL))
    return TRUE;
  return collet_schema_fail_plain (run, member, "has a name that propertyNames does not allow");
}

static gboolean
fail_required (ColletSchemaRun *run, const ColletObjectRules *rules, ColletJsonNode node)
{
  for (guint i = 0; run->quiet == 0 && i < rules->names->len; i++)
    {
      const ColletSchemaName *name = &g_array_index (rules->names, ColletSchemaName, i);
      if (name->is_required && collet_json_member_sized (run->json, node, name->name, name->size) == 0)
        return collet_schema_fail_plain (run, node, "lacks \"%s\", which is required", name->name);
    }
  return FALSE;
}

static gboolean
check_dependency (ColletSchemaRun *run, const ColletSchemaDependency *dependency, ColletJsonNode node,
                  ColletSchemaMarks *marks)
{
  guint n_members = collet_json_get_length (run->json, node);

  if (!collet_schema_spend (run, 1 + n_members / 8))
    return FALSE;
  if (collet_json_member_sized (run->json, node, dependency->name, dependency->size) == 0)
    return TRUE;
  for (guint i = 0; dependency->required != NULL && i < dependency->required->len; i++)
    {
      const char *required = dependency->required->pdata[i];
      if (!collet_schema_spend (run, 1 + n_members / 8))
        return FALSE;
      if (collet_json_member (run->json, node, required) == 0)
        return collet_schema_fail_plain (run, node, "lacks \"%s\", which is required since \"%s\" is there",
                                         required, dependency->name);
    }
  return dependency->schema == NULL || collet_schema_evaluate (run, dependency->schema, node, marks);
}

static gboolean
check_unevaluated (ColletSchemaRun *run, const ColletSchema *rest, ColletJsonNode node,
                   ColletSchemaMarks *marks)
{
  ColletJsonNode child = collet_json_first (run->json, node);

  for (guint i = 0; child != 0; child = collet_json_next (run->json, child), i++)
    {
      if (collet_schema_marks_get (marks, i))
        continue;
      if (!collet_schema_evaluate (run, rest, child, NULL))
        return FALSE;
      collet_schema_marks_set (marks, i);
    }
  return TRUE;
}

gboolean
collet_schema_evaluate_object (ColletSchemaRun *run, const ColletSchema *schema, ColletJsonNode node,
                               ColletSchemaMarks *marks)
{
  const ColletObjectRules *rules = schema->object;
  guint n = collet_json_get_length (run->json, node), n_required = 0, i = 0;

  if (n < rules->min_properties)
    return collet_schema_fail_plain (run, node, "has %u members, must have at least %" G_GUINT64_FORMAT, n,
                                     rules->min_properties);
  if (n > rules->max_properties)
    return collet_schema_fail_plain (run, node, "has %u members, must have at most %" G_GUINT64_FORMAT, n,
                                     rules->max_properties);
  if (!collet_schema_spend (run, n))
    return FALSE;
  for (ColletJsonNode member = collet_json_first (run->json, node); member != 0;
       member = collet_json_next (run->json, member), i++)
    {
      gboolean is_evaluated = FALSE;
      if (!check_member (run, rules, member, &n_required, &is_evaluated))
        return FALSE;
      if (marks != NULL && is_evaluated)
        collet_schema_marks_set (marks, i);
    }
  if (n_required < rules->n_required)
    return fail_required (run, rules, node);
  for (i = 0; rules->dependencies != NULL && i < rules->dependencies->len; i++)
    if (!check_dependency (run, &g_array_index (rules->dependencies, ColletSchemaDependency, i), node, marks))
      return FALSE;
  return rules->unevaluated == NULL || check_unevaluated (run, rules->unevaluated, node, marks);
}

typedef struct
{
  guint64 hash;
  ColletJsonNode node;
} HashedItem;

static int
compare_hashes (const void *a, const void *b)
{
  const HashedItem *x = a, *y = b;

  if (x->hash != y->hash)
    return x->hash < y->hash ? -1 : 1;
  return x->node < y->node ? -1 : x->node > y->node;
}

/* Comparing two costs what the smaller holds. */
static gboolean
are_same (ColletSchemaRun *run, ColletJsonNode a, ColletJsonNode b)
{
  gsize a_size, b_size;

  (void)collet_json_get_raw (run->json, a, &a_size);
  (void)collet_json_get_raw (run->json, b, &b_size);
  return collet_schema_spend (run, 1 + MIN (a_size, b_size) / 16) &&
         collet_json_equal (run->json, a, run->json, b);
}

/* Elements of one hash are equal or a rare accident, unless somebody looks for
 * such accidents: every comparison is paid for. */
static ColletJsonNode
find_same_by_hash (ColletSchemaRun *run, ColletJsonNode node)
{
  guint n = collet_json_get_length (run->json, node), i = 0;
  g_autofree HashedItem *items = g_new (HashedItem, n);

  for (ColletJsonNode item = collet_json_first (run->json, node); item != 0;
       item = collet_json_next (run->json, item), i++)
    items[i] = (HashedItem){ collet_json_hash (run->json, item), item };
  qsort (items, n, sizeof *items, compare_hashes);
  for (i = 1; i < n; i++)
    for (guint k = i; k > 0 && items[k - 1].hash == items[i].hash && !run->has_given_up; k--)
      if (are_same (run, items[k - 1].node, items[i].node))
        return MAX (items[k - 1].node, items[i].node);
  return 0;
}

static ColletJsonNode
find_same (ColletSchemaRun *run, ColletJsonNode node)
{
  const ColletJson *json = run->json;
  ColletJsonNode first = collet_json_first (json, node);
  gsize size;

  (void)collet_json_get_raw (json, node, &size);
  if (!collet_schema_spend (run, size / 16))
    return 0;
  if (collet_json_get_length (json, node) > FEW_ITEMS)
    return find_same_by_hash (run, node);
  for (ColletJsonNode b = first; b != 0; b = collet_json_next (json, b))
    for (ColletJsonNode a = first; a != b; a = collet_json_next (json, a))
      if (are_same (run, a, b))
        return b;
  return 0;
}

static gboolean
check_contains (ColletSchemaRun *run, const ColletArrayRules *rules, ColletJsonNode node,
                ColletSchemaMarks *marks)
{
  guint64 n_matches = 0;
  guint i = 0;

  if (rules->contains == NULL)
    return TRUE;
  for (ColletJsonNode item = collet_json_first (run->json, node); item != 0;
       item = collet_json_next (run->json, item), i++)
    {
      gboolean is_match = collet_schema_try (run, rules->contains, item, NULL);
      if (run->has_given_up)
        return FALSE;
      n_matches += is_match;
      if (is_match && marks != NULL)
        collet_schema_marks_set (marks, i);
    }
  if (n_matches < rules->min_contains)
    return collet_schema_fail_plain (run, node,
                                     "has %" G_GUINT64_FORMAT
                                     " elements that match \"contains\", must have at least "
                                     "%" G_GUINT64_FORMAT,
                                     n_matches, rules->min_contains);
  if (n_matches > rules->max_contains)
    return collet_schema_fail_plain (run, node,
                                     "has %" G_GUINT64_FORMAT
                                     " elements that match \"contains\", must have at most "
                                     "%" G_GUINT64_FORMAT,
                                     n_matches, rules->max_contains);
  return TRUE;
}

static gboolean
check_items (ColletSchemaRun *run, const ColletArrayRules *rules, ColletJsonNode node,
             ColletSchemaMarks *marks)
{
  guint i = 0;

  for (ColletJsonNode item = collet_json_first (run->json, node); item != 0;
       item = collet_json_next (run->json, item), i++)
    {
      const ColletSchema *schema = i < rules->prefix.n_schemas ? rules->prefix.schemas[i] : rules->items;
      if (schema == NULL)
        return TRUE; /* nor for any after it */
      if (!collet_schema_evaluate (run, schema, item, NULL))
        return FALSE;
      if (marks != NULL)
        collet_schema_marks_set (marks, i);
    }
  return TRUE;
}

gboolean
collet_schema_evaluate_array (ColletSchemaRun *run, const ColletSchema *schema, ColletJsonNode node,
                              ColletSchemaMarks *marks)
{
  const ColletArrayRules *rules = schema->array;
  guint n = collet_json_get_length (run->json, node);
  ColletJsonNode same;

  if (n < rules->min_items)
    return collet_schema_fail_plain (run, node, "has %u elements, must have at least %" G_GUINT64_FORMAT, n,
                                     rules->min_items);
  if (n > rules->max_items)
    return collet_schema_fail_plain (run, node, "has %u elements, must have at most %" G_GUINT64_FORMAT, n,
                                     rules->max_items);
  if (!check_items (run, rules, node, marks) || !check_contains (run, rules, node, marks))
    return FALSE;
  same = rules->is_unique ? find_same (run, node) : 0;
  if (run->has_given_up)
    return FALSE;
  if (same != 0)
    return collet_schema_fail (run, same, "must not be there twice");
  return rules->unevaluated == NULL || check_unevaluated (run, rules->unevaluated, node, marks);
}
