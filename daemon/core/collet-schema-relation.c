/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-schema-relation-private.h"

#include <string.h>

#include "collet-json-schema-private.h"

/* More is not proven, so taken as a change that breaks. */
#define MAX_STEPS 100000
#define MAX_DEPTH 64
#define MAX_MESSAGES 50

typedef struct
{
  ColletSide a, b;
} Pair;

ColletSide
collet_side_member (ColletSide side, const char *name)
{
  ColletJsonNode node = side.is_absent ? 0 : collet_json_member (side.json, side.node, name);

  return (ColletSide){ side.json, node, node == 0 };
}

gboolean
collet_side_is_false (ColletSide side)
{
  return !side.is_absent && collet_json_get_type (side.json, side.node) == COLLET_JSON_FALSE;
}

gsize
collet_relation_enter (ColletRelation *self, const char *keyword, const char *name)
{
  gsize former = self->path->len;
  g_auto (GStrv) tildes = name != NULL ? g_strsplit (name, "~", -1) : NULL;
  g_autofree char *safe = tildes != NULL ? g_strjoinv ("~0", tildes) : NULL;
  g_auto (GStrv) slashes = safe != NULL ? g_strsplit (safe, "/", -1) : NULL;
  g_autofree char *token = slashes != NULL ? g_strjoinv ("~1", slashes) : NULL;

  g_string_append_printf (self->path, "/%s%s%s", keyword, token != NULL ? "/" : "",
                          token != NULL ? token : "");
  return former;
}

void
collet_relation_leave (ColletRelation *self, gsize former)
{
  g_string_truncate (self->path, former);
}

static void say (ColletRelation *self, GPtrArray *messages, const char *format, va_list arguments)
    G_GNUC_PRINTF (3, 0);

static void
say (ColletRelation *self, GPtrArray *messages, const char *format, va_list arguments)
{
  g_autofree char *text = NULL;

  if (self->quiet > 0 || messages->len >= MAX_MESSAGES)
    return;
  text = g_strdup_vprintf (format, arguments);
  g_ptr_array_add (messages, g_strdup_printf ("%s: %s", self->path->str, text));
}

gboolean
collet_relation_break (ColletRelation *self, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  say (self, self->breaking, format, arguments);
  va_end (arguments);
  return FALSE;
}

void
collet_relation_note (ColletRelation *self, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  say (self, self->notes, format, arguments);
  va_end (arguments);
}

gboolean
collet_relation_break_keyword (ColletRelation *self, ColletSide a, ColletSide b, const char *keyword)
{
  ColletSide x = collet_side_member (a, keyword), y = collet_side_member (b, keyword);
  g_autofree char *x_shown = x.is_absent ? g_strdup ("not there") : collet_json_dup_shown (x.json, x.node);
  g_autofree char *y_shown = y.is_absent ? g_strdup ("not there") : collet_json_dup_shown (y.json, y.node);
  gboolean is_input = self->kind == COLLET_RELATION_INPUT;

  return collet_relation_break (self, "%s was %s, is %s", keyword, is_input ? x_shown : y_shown,
                                is_input ? y_shown : x_shown);
}

gboolean
collet_relation_fits_at (ColletRelation *self, ColletSide a, ColletSide b, const char *keyword,
                         const char *name)
{
  gsize former = collet_relation_enter (self, keyword, name);
  gboolean fits = collet_relation_fits (self, a, b);

  collet_relation_leave (self, former);
  return fits;
}

/* Follows a "$ref" that is a JSON pointer; absent if there is none or it is of
 * another kind. */
static ColletSide
follow_ref (ColletSide side, ColletSide root)
{
  ColletSide ref = collet_side_member (side, "$ref");
  g_autofree char *text = ref.is_absent ? NULL : collet_json_dup_string (ref.json, ref.node);
  g_auto (GStrv) tokens = NULL;

  if (text == NULL || (!g_str_equal (text, "#") && !g_str_has_prefix (text, "#/")) ||
      strpbrk (text, "%~") != NULL)
    return (ColletSide){ side.json, 0, TRUE };
  tokens = g_strsplit (text, "/", -1);
  side = root;
  for (guint i = 1; tokens[i] != NULL && !side.is_absent; i++)
    side = collet_side_member (side, tokens[i]);
  return side;
}

/* a may be a choice, or a sum, of schemas of which one alone tells enough. */
static gboolean
fits_by_parts (ColletRelation *self, ColletSide a, ColletSide b)
{
  static const char *const choices[] = { "anyOf", "oneOf" };
  ColletSide target = follow_ref (a, self->a_root);
  ColletSide all = collet_side_member (a, "allOf");

  if (!target.is_absent && collet_relation_fits (self, target, b))
    return TRUE;
  if (!all.is_absent)
    for (ColletJsonNode n = collet_json_first (all.json, all.node); n != 0;
         n = collet_json_next (all.json, n))
      if (collet_relation_fits (self, (ColletSide){ all.json, n, FALSE }, b))
        return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (choices); i++)
    {
      ColletSide choice = collet_side_member (a, choices[i]);
      gboolean all_fit = !choice.is_absent;
      if (choice.is_absent)
        continue;
      for (ColletJsonNode n = collet_json_first (choice.json, choice.node); n != 0 && all_fit;
           n = collet_json_next (choice.json, n))
        all_fit = collet_relation_fits (self, (ColletSide){ choice.json, n, FALSE }, b);
      if (all_fit)
        return TRUE;
    }
  return FALSE;
}

/* Where a lists its values, each can be tried; b must stand on its own. */
static gboolean
fits_by_values (ColletRelation *self, ColletSide a, ColletSide b)
{
  ColletSide values = collet_side_member (a, "enum"), constant = collet_side_member (a, "const");
  static const char *const references[] = { "$ref", NULL };
  g_autoptr (ColletJsonSchema) schema = NULL;

  if ((values.is_absent && constant.is_absent) || collet_json_get_type (b.json, b.node) != COLLET_JSON_OBJECT)
    return FALSE;
  if (collet_side_has_name (b, references))
    return FALSE;
  schema = collet_json_schema_new (b.json, b.node, NULL);
  if (schema == NULL)
    return FALSE;
  if (!constant.is_absent)
    return collet_json_schema_validate (schema, constant.json, constant.node, 0, NULL);
  for (ColletJsonNode n = collet_json_first (values.json, values.node); n != 0;
       n = collet_json_next (values.json, n))
    if (!collet_json_schema_validate (schema, values.json, n, 0, NULL))
      return FALSE;
  return TRUE;
}

static gboolean
is_open (const ColletRelation *self, ColletSide a, ColletSide b)
{
  for (guint i = 0; i < self->open->len; i++)
    {
      const Pair *pair = &g_array_index (self->open, Pair, i);
      if (!a.is_absent && !pair->a.is_absent && pair->a.node == a.node && pair->b.node == b.node)
        return TRUE;
    }
  return FALSE;
}

static gboolean
fits_open (ColletRelation *self, ColletSide a, ColletSide b)
{
  static const char *const parts[] = { "$ref", "allOf", "anyOf", "oneOf" };
  gboolean has_parts = FALSE, fits;

  self->quiet++;
  fits = fits_by_values (self, a, b);
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    has_parts |= !collet_side_member (a, parts[i]).is_absent;
  if (!fits && has_parts)
    fits = collet_relation_fits_rules (self, a, b) || fits_by_parts (self, a, b);
  self->quiet--;
  if (fits)
    return TRUE;
  /* A mere reference is no more than what it leads to: say what is there. */
  if (has_parts)
    {
      ColletSide target = follow_ref (a, self->a_root);
      if (!target.is_absent && collet_json_get_length (a.json, a.node) == 1)
        return collet_relation_fits (self, target, b);
    }
  return collet_relation_fits_rules (self, a, b);
}

gboolean
collet_relation_fits (ColletRelation *self, ColletSide a, ColletSide b)
{
  Pair pair = { a, b };
  gboolean fits;

  if (collet_side_is_false (a) || !collet_side_has_rules (b))
    return TRUE;
  if (self->steps == 0 || self->open->len == MAX_DEPTH)
    return collet_relation_break (self, "too much to compare; whether it still fits cannot be told");
  self->steps--;
  if (collet_side_is_false (b))
    return collet_relation_break (self, "is not allowed %s",
                                  self->kind == COLLET_RELATION_INPUT ? "any more" : "so far");
  if (collet_relation_rules_equal_under (self, a, b))
    return TRUE;
  /* What refers to itself fits if nothing else speaks against it. */
  if (is_open (self, a, b))
    return TRUE;
  g_array_append_val (self->open, pair);
  fits = fits_open (self, a, b);
  g_array_set_size (self->open, self->open->len - 1);
  return fits;
}

gboolean
collet_schema_relation_check (ColletRelationKind kind, const ColletJson *from, ColletJsonNode from_root,
                              const ColletJson *to, ColletJsonNode to_root, const char *path,
                              GPtrArray *breaking, GPtrArray *notes)
{
  g_autoptr (GArray) open = g_array_new (FALSE, FALSE, sizeof (Pair));
  g_autoptr (GString) at = g_string_new (path);
  ColletSide old = { from, from_root, FALSE }, new = { to, to_root, FALSE };
  gboolean is_input = kind == COLLET_RELATION_INPUT;
  ColletRelation self = { .kind = kind,
                          .a_root = is_input ? old : new,
                          .b_root = is_input ? new : old,
                          .open = open,
                          .steps = MAX_STEPS,
                          .path = at,
                          .breaking = breaking,
                          .notes = notes };
  static const char *const unusual[] = { "$id", "$anchor", "$dynamicAnchor", "$dynamicRef", NULL };

  if (collet_schema_rules_equal (from, from_root, to, to_root))
    return TRUE;
  if (collet_side_has_name (old, unusual) || collet_side_has_name (new, unusual))
    return collet_relation_break (&self,
                                  "changed, with $id, $anchor or $dynamicRef; whether all still fits cannot "
                                  "be told");
  self.defs_equal = collet_relation_defs_equal (old, new);
  return collet_relation_fits (&self, self.a_root, self.b_root);
}
