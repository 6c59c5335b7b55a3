/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Schemas with the same rules, whatever else they say.
 */
#include "collet-schema-relation-private.h"

#include "collet-json-schema-private.h"

/* Which references may count as the same by their text. */
typedef enum
{
  REFS_NEVER,
  REFS_TO_DEFS, /* what they lead to is known to be the same */
  REFS_ALL,     /* the whole documents are being compared */
} Refs;

static gboolean schemas_equal (ColletSide a, ColletSide b, Refs refs);

static gboolean
is_annotation (const ColletJson *json, ColletJsonNode member)
{
  static const char *const names[] = { "title",    "description",      "default",         "examples",
                                       "$comment", "deprecated",       "readOnly",        "writeOnly",
                                       "format",   "contentMediaType", "contentEncoding", "$schema" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (collet_json_name_is (json, member, names[i]))
      return TRUE;
  return FALSE;
}

static gboolean
lists_equal (ColletSide a, ColletSide b, Refs refs)
{
  ColletJsonNode x = collet_json_first (a.json, a.node), y = collet_json_first (b.json, b.node);

  for (; x != 0 && y != 0; x = collet_json_next (a.json, x), y = collet_json_next (b.json, y))
    if (!schemas_equal ((ColletSide){ a.json, x, FALSE }, (ColletSide){ b.json, y, FALSE }, refs))
      return FALSE;
  return x == y;
}

static gboolean
maps_equal (ColletSide a, ColletSide b, Refs refs)
{
  if (collet_json_get_length (a.json, a.node) != collet_json_get_length (b.json, b.node))
    return FALSE;
  for (ColletJsonNode x = collet_json_first (a.json, a.node); x != 0; x = collet_json_next (a.json, x))
    {
      g_autofree char *name = collet_json_dup_name (a.json, x);
      ColletSide other = collet_side_member (b, name);
      if (other.is_absent || !schemas_equal ((ColletSide){ a.json, x, FALSE }, other, refs))
        return FALSE;
    }
  return TRUE;
}

static gboolean
refs_equal (ColletSide a, ColletSide b, Refs refs)
{
  g_autofree char *text = collet_json_dup_string (a.json, a.node);

  if (refs == REFS_NEVER || !collet_json_equal (a.json, a.node, b.json, b.node))
    return FALSE;
  return refs == REFS_ALL || g_str_has_prefix (text, "#/$defs/") || g_str_has_prefix (text, "#/definitions/");
}

static gboolean
keywords_equal (ColletSide a, ColletSide b, Refs refs)
{
  if (collet_json_get_type (a.json, a.node) != collet_json_get_type (b.json, b.node))
    return FALSE;
  switch (collet_schema_keyword_shape (a.json, a.node))
    {
    case COLLET_KEYWORD_SCHEMA:
      return schemas_equal (a, b, refs);
    case COLLET_KEYWORD_SCHEMA_ARRAY:
      return lists_equal (a, b, refs);
    case COLLET_KEYWORD_SCHEMA_MAP:
      return maps_equal (a, b, refs);
    case COLLET_KEYWORD_OTHER:
    default:
      if (collet_json_name_is (a.json, a.node, "$ref") || collet_json_name_is (a.json, a.node, "$dynamicRef"))
        return refs_equal (a, b, refs);
      return collet_json_equal (a.json, a.node, b.json, b.node);
    }
}

static guint
count_rules (ColletSide side)
{
  guint n = 0;

  for (ColletJsonNode x = collet_json_first (side.json, side.node); x != 0;
       x = collet_json_next (side.json, x))
    n += !is_annotation (side.json, x);
  return n;
}

static gboolean
schemas_equal (ColletSide a, ColletSide b, Refs refs)
{
  if (collet_json_get_type (a.json, a.node) != collet_json_get_type (b.json, b.node))
    return FALSE;
  if (collet_json_get_type (a.json, a.node) != COLLET_JSON_OBJECT)
    return TRUE; /* true and true, or false and false; lists of names are no schemas */
  if (count_rules (a) != count_rules (b))
    return FALSE;
  for (ColletJsonNode x = collet_json_first (a.json, a.node); x != 0; x = collet_json_next (a.json, x))
    {
      g_autofree char *name = NULL;
      ColletSide other;
      if (is_annotation (a.json, x))
        continue;
      name = collet_json_dup_name (a.json, x);
      other = collet_side_member (b, name);
      if (other.is_absent || !keywords_equal ((ColletSide){ a.json, x, FALSE }, other, refs))
        return FALSE;
    }
  return TRUE;
}

gboolean
collet_schema_rules_equal (const ColletJson *a, ColletJsonNode an, const ColletJson *b, ColletJsonNode bn)
{
  return schemas_equal ((ColletSide){ a, an, FALSE }, (ColletSide){ b, bn, FALSE }, REFS_ALL);
}

gboolean
collet_relation_rules_equal_under (const ColletRelation *self, ColletSide a, ColletSide b)
{
  return !a.is_absent && !b.is_absent && schemas_equal (a, b, self->defs_equal ? REFS_TO_DEFS : REFS_NEVER);
}

gboolean
collet_relation_defs_equal (ColletSide a, ColletSide b)
{
  static const char *const names[] = { "$defs", "definitions" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      ColletSide x = collet_side_member (a, names[i]), y = collet_side_member (b, names[i]);
      if (x.is_absent != y.is_absent || (!x.is_absent && !maps_equal (x, y, REFS_TO_DEFS)))
        return FALSE;
    }
  return TRUE;
}

gboolean
collet_side_has_name (ColletSide side, const char *const *names)
{
  for (ColletJsonNode n = collet_json_first (side.json, side.node); n != 0;
       n = collet_json_next (side.json, n))
    {
      for (guint i = 0; names[i] != NULL; i++)
        if (collet_json_name_is (side.json, n, names[i]))
          return TRUE;
      if (collet_side_has_name ((ColletSide){ side.json, n, FALSE }, names))
        return TRUE;
    }
  return FALSE;
}
