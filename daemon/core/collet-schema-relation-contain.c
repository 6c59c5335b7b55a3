/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is in objects and arrays.
 */
#include "collet-schema-relation-private.h"

#include <string.h>

#include "collet-json-pattern.h"

static ColletSide
side_at (const ColletJson *json, ColletJsonNode node)
{
  return (ColletSide){ json, node, FALSE };
}

static ColletJsonNode
first_of (ColletSide side)
{
  return side.is_absent ? 0 : collet_json_first (side.json, side.node);
}

static gboolean
matches (const ColletJson *json, ColletJsonNode pattern_member, const char *name)
{
  g_autofree char *text = collet_json_dup_name (json, pattern_member);
  g_autoptr (ColletJsonPattern) pattern = collet_json_pattern_new (text, strlen (text), NULL);

  /* Giving up counts as a match: then the rule is looked at. */
  return pattern == NULL ||
         collet_json_pattern_search (pattern, name, strlen (name)) != COLLET_JSON_PATTERN_NO_MATCH;
}

/* What a says of a member that it does not name. */
static ColletSide
rest_of (ColletSide side)
{
  return collet_side_member (side, "additionalProperties");
}

static gboolean
fits_property (ColletRelation *self, ColletSide a, ColletJsonNode b_property, const ColletJson *b_json,
               const char *name)
{
  ColletSide own = collet_side_member (collet_side_member (a, "properties"), name);
  ColletSide rest = rest_of (a), patterns = collet_side_member (a, "patternProperties");
  gsize former;

  if (!own.is_absent)
    return collet_relation_fits_at (self, own, side_at (b_json, b_property), "properties", name);
  for (ColletJsonNode n = first_of (patterns); n != 0; n = collet_json_next (a.json, n))
    if (matches (a.json, n, name))
      return collet_relation_fits_at (self, side_at (a.json, n), side_at (b_json, b_property), "properties",
                                      name);
  if (!rest.is_absent && collet_side_has_rules (rest) && !collet_side_is_false (rest))
    return collet_relation_fits_at (self, rest, side_at (b_json, b_property), "properties", name);

  former = collet_relation_enter (self, "properties", name);
  if (self->kind == COLLET_RELATION_INPUT)
    collet_relation_note (self, "is new");
  else
    collet_relation_break (self, "was there, is gone");
  collet_relation_leave (self, former);
  return self->kind == COLLET_RELATION_INPUT;
}

gboolean
collet_relation_fits_properties (ColletRelation *self, ColletSide a, ColletSide b)
{
  ColletSide properties = collet_side_member (b, "properties");
  gboolean fits = TRUE;

  for (ColletJsonNode n = first_of (properties); n != 0; n = collet_json_next (b.json, n))
    {
      g_autofree char *name = collet_json_dup_name (b.json, n);
      fits &= fits_property (self, a, n, b.json, name);
    }
  /* Results may hold more than clients knew of, unless they were told otherwise. */
  properties = collet_side_member (a, "properties");
  for (ColletJsonNode n = self->kind == COLLET_RELATION_OUTPUT ? first_of (properties) : 0; n != 0;
       n = collet_json_next (a.json, n))
    {
      g_autofree char *name = collet_json_dup_name (a.json, n);
      if (collet_side_member (collet_side_member (b, "properties"), name).is_absent && rest_of (b).is_absent)
        {
          gsize former = collet_relation_enter (self, "properties", name);
          collet_relation_note (self, "is new");
          collet_relation_leave (self, former);
        }
    }
  return fits;
}

gboolean
collet_relation_fits_pattern_properties (ColletRelation *self, ColletSide a, ColletSide b)
{
  ColletSide patterns = collet_side_member (b, "patternProperties");
  ColletSide own_patterns = collet_side_member (a, "patternProperties");
  ColletSide own_properties = collet_side_member (a, "properties");
  gboolean fits = TRUE;

  for (ColletJsonNode n = first_of (patterns); n != 0; n = collet_json_next (b.json, n))
    {
      g_autofree char *text = collet_json_dup_name (b.json, n);
      ColletSide own = collet_side_member (own_patterns, text);
      for (ColletJsonNode p = first_of (own_properties); p != 0; p = collet_json_next (a.json, p))
        {
          g_autofree char *name = collet_json_dup_name (a.json, p);
          if (matches (b.json, n, name))
            fits &=
                collet_relation_fits_at (self, side_at (a.json, p), side_at (b.json, n), "properties", name);
        }
      if (!own.is_absent)
        {
          fits &= collet_relation_fits_at (self, own, side_at (b.json, n), "patternProperties", text);
          continue;
        }
      if (!own_patterns.is_absent)
        fits =
            collet_relation_break (self, "patternProperties changed; whether all still fits cannot be told");
      fits &= collet_relation_fits_at (self, rest_of (a), side_at (b.json, n), "patternProperties", text);
    }
  return fits;
}

/* A member that a names, and b by no name. */
static gboolean
fits_unnamed (ColletRelation *self, ColletSide own, ColletSide b, const char *name)
{
  ColletSide patterns = collet_side_member (b, "patternProperties");
  gsize former;

  /* With a pattern it is not additional, and was looked at there. */
  for (ColletJsonNode n = first_of (patterns); n != 0; n = collet_json_next (b.json, n))
    if (matches (b.json, n, name))
      return TRUE;
  if (!collet_side_is_false (rest_of (b)))
    return collet_relation_fits_at (self, own, rest_of (b), "properties", name);
  if (collet_side_is_false (own))
    return TRUE;
  former = collet_relation_enter (self, "properties", name);
  collet_relation_break (self, self->kind == COLLET_RELATION_INPUT
                                   ? "was there, is gone, and additionalProperties is false"
                                   : "is new, and additionalProperties was false");
  collet_relation_leave (self, former);
  return FALSE;
}

gboolean
collet_relation_fits_additional (ColletRelation *self, ColletSide a, ColletSide b)
{
  ColletSide own_properties = collet_side_member (a, "properties");
  ColletSide own_patterns = collet_side_member (a, "patternProperties");
  gboolean fits = TRUE;

  for (ColletJsonNode p = first_of (own_properties); p != 0; p = collet_json_next (a.json, p))
    {
      g_autofree char *name = collet_json_dup_name (a.json, p);
      if (collet_side_member (collet_side_member (b, "properties"), name).is_absent)
        fits &= fits_unnamed (self, side_at (a.json, p), b, name);
    }
  for (ColletJsonNode p = first_of (own_patterns); p != 0; p = collet_json_next (a.json, p))
    {
      g_autofree char *text = collet_json_dup_name (a.json, p);
      if (collet_side_member (collet_side_member (b, "patternProperties"), text).is_absent)
        fits &= collet_relation_fits_at (self, side_at (a.json, p), rest_of (b), "patternProperties", text);
    }
  if (rest_of (a).is_absent && collet_side_is_false (rest_of (b)))
    return collet_relation_break_keyword (self, a, b, "additionalProperties");
  return fits & collet_relation_fits_at (self, rest_of (a), rest_of (b), "additionalProperties", NULL);
}

static gboolean
lists (ColletSide side, const char *name)
{
  ColletSide required = collet_side_member (side, "required");

  for (ColletJsonNode n = first_of (required); n != 0; n = collet_json_next (side.json, n))
    if (collet_json_string_is (side.json, n, name))
      return TRUE;
  return FALSE;
}

gboolean
collet_relation_fits_required (ColletRelation *self, ColletSide a, ColletSide b)
{
  ColletSide required = collet_side_member (b, "required");
  gboolean fits = TRUE;

  for (ColletJsonNode n = first_of (required); n != 0; n = collet_json_next (b.json, n))
    {
      g_autofree char *name = collet_json_dup_string (b.json, n);
      if (lists (a, name))
        continue;
      fits =
          collet_relation_break (self,
                                 self->kind == COLLET_RELATION_INPUT ? "\"%s\" was optional, is required"
                                                                     : "\"%s\" was always there, is optional",
                                 name);
    }
  return fits;
}

/* The schema of the element at a position, and of those after all positions. */
static ColletSide
item_at (ColletSide side, guint index)
{
  ColletSide prefix = collet_side_member (side, "prefixItems");
  ColletJsonNode n = first_of (prefix);

  for (; n != 0 && index > 0; index--)
    n = collet_json_next (side.json, n);
  return n != 0 ? side_at (side.json, n) : collet_side_member (side, "items");
}

static guint
prefix_length (ColletSide side)
{
  ColletSide prefix = collet_side_member (side, "prefixItems");

  return prefix.is_absent ? 0 : collet_json_get_length (prefix.json, prefix.node);
}

/* For both keywords: they share the positions out. */
gboolean
collet_relation_fits_items (ColletRelation *self, ColletSide a, ColletSide b)
{
  guint n = MAX (prefix_length (a), prefix_length (b));
  gboolean fits = TRUE;

  for (guint i = 0; i < n && self->steps > 0; i++)
    {
      g_autofree char *index = g_strdup_printf ("%u", i);
      fits &= collet_relation_fits_at (self, item_at (a, i), item_at (b, i), "prefixItems", index);
    }
  return fits & collet_relation_fits_at (self, item_at (a, n), item_at (b, n), "items", NULL);
}
