/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-compatibility.h"

#include <string.h>

#include "collet-schema-relation.h"

#define MAX_DIFFERENCES 100

typedef struct
{
  GPtrArray *breaking, *notes; /* char * */
  guint n_former;              /* tools of which former calls are taken over */
  char *obstacle;
} Differences;

const char *
collet_verdict_to_string (ColletVerdict verdict)
{
  switch (verdict)
    {
    case COLLET_VERDICT_IDENTICAL:
      return "identical";
    case COLLET_VERDICT_BEHAVIOUR_ONLY:
      return "behaviour-only";
    case COLLET_VERDICT_COMPATIBLE:
      return "compatible";
    case COLLET_VERDICT_BREAKING:
      return "breaking";
    default:
      g_return_val_if_reached ("breaking");
    }
}

static void note (Differences *self, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
note (Differences *self, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_ptr_array_add (self->notes, g_strdup_vprintf (format, arguments));
  va_end (arguments);
}

static void
compare_schemas (Differences *self, ColletRelationKind kind, const char *tool, const ColletJson *from,
                 const ColletJson *to, const char *member)
{
  g_autofree char *path = g_strdup_printf ("tool \"%s\": /%s", tool, member);
  ColletJsonNode x = collet_json_member (from, 0, member), y = collet_json_member (to, 0, member);
  guint n_notes = self->notes->len;

  if (x == 0 && y == 0)
    return;
  if (x == 0)
    note (self, "%s is new", path);
  else if (y == 0)
    g_ptr_array_add (self->breaking, g_strdup_printf ("%s was there, is gone", path));
  else if (collet_schema_relation_check (kind, from, x, to, y, path, self->breaking, self->notes) &&
           self->notes->len == n_notes && !collet_json_equal (from, x, to, y))
    note (self, "%s: changed; %s", path,
          kind == COLLET_RELATION_INPUT ? "accepts all that it did" : "gives nothing that was not allowed");
}

static void
compare_words (Differences *self, const char *tool, const ColletJson *from, const ColletJson *to)
{
  static const char *const members[] = { "title", "description", "annotations", "icons" };

  for (guint i = 0; i < G_N_ELEMENTS (members); i++)
    {
      ColletJsonNode x = collet_json_member (from, 0, members[i]), y = collet_json_member (to, 0, members[i]);
      if ((x == 0) != (y == 0))
        note (self, "tool \"%s\": /%s %s", tool, members[i], x == 0 ? "is new" : "was there, is gone");
      else if (x != 0 && !collet_json_equal (from, x, to, y))
        note (self, "tool \"%s\": /%s changed", tool, members[i]);
    }
}

/* What breaks has a way for those who call as before; does it lead anywhere? */
static void
look_at_former (Differences *self, const ColletManifestTool *from, const ColletManifestTool *to,
                const ColletJson *a, const ColletJson *b)
{
  g_autofree char *obstacle = NULL;

  if (to->former == NULL)
    return;
  obstacle = collet_former_form_find_obstacle (to->former, a, collet_json_member (a, 0, "inputSchema"), b,
                                               collet_json_member (b, 0, "inputSchema"));
  if (obstacle == NULL)
    {
      self->n_former++;
      note (self, "tool \"%s\": calls as before are taken over for a time", from->name);
      return;
    }
  note (self, "tool \"%s\": calls as before can never be taken over: %s", from->name, obstacle);
  if (self->obstacle == NULL)
    self->obstacle = g_strdup_printf ("tool \"%s\": %s", from->name, obstacle);
}

static void
compare_tool (Differences *self, const ColletManifestTool *from, const ColletManifestTool *to)
{
  gboolean is_renamed = strcmp (from->name, to->name) != 0;
  guint n_breaking = self->breaking->len;
  g_autoptr (ColletJson) a = NULL;
  g_autoptr (ColletJson) b = NULL;

  if (strcmp (from->json, to->json) == 0)
    return;
  /* They were written by us. */
  a = collet_json_parse_borrowed (from->json, strlen (from->json), NULL);
  b = collet_json_parse_borrowed (to->json, strlen (to->json), NULL);
  g_return_if_fail (a != NULL && b != NULL);
  if (is_renamed)
    {
      look_at_former (self, from, to, a, b);
      return;
    }
  compare_schemas (self, COLLET_RELATION_INPUT, to->name, a, b, "inputSchema");
  compare_schemas (self, COLLET_RELATION_OUTPUT, to->name, a, b, "outputSchema");
  compare_words (self, to->name, a, b);
  if (self->breaking->len > n_breaking)
    look_at_former (self, from, to, a, b);
}

static void
compare_tools (Differences *self, const ColletManifest *from, const ColletManifest *to)
{
  for (guint i = 0; i < from->tools->len; i++)
    {
      const ColletManifestTool *tool = from->tools->pdata[i];
      const ColletManifestTool *next = collet_manifest_find_tool (to, tool->name);
      if (next == NULL)
        {
          g_ptr_array_add (self->breaking, g_strdup_printf ("tool \"%s\" was there, is gone", tool->name));
          next = collet_manifest_find_former_tool (to, tool->name);
        }
      if (next != NULL)
        compare_tool (self, tool, next);
    }
  for (guint i = 0; i < to->tools->len; i++)
    {
      const ColletManifestTool *tool = to->tools->pdata[i];
      if (collet_manifest_find_tool (from, tool->name) == NULL)
        note (self, "tool \"%s\" is new", tool->name);
    }
}

static void
compare_module (Differences *self, const ColletManifest *from, const ColletManifest *to)
{
  if (from->stateful != to->stateful)
    note (self, "/state %s", to->stateful ? "is new" : "was there, is gone: nothing takes over what is kept");
  else if (from->state_format != to->state_format)
    note (self, "/state/format was %u, is %u: needs code_change", from->state_format, to->state_format);
  if (from->concurrent != to->concurrent)
    note (self, "/concurrent was %s, is %s", from->concurrent ? "true" : "false",
          to->concurrent ? "true" : "false");
  if (from->quick != to->quick)
    note (self, "/quick was %s, is %s", from->quick ? "true" : "false", to->quick ? "true" : "false");
  if (from->needs_network != to->needs_network)
    note (self, "/needs/network was %s, is %s", from->needs_network ? "true" : "false",
          to->needs_network ? "true" : "false");
  if (from->call_timeout_ms != to->call_timeout_ms)
    note (self, "/call_timeout_ms was %u, is %u", from->call_timeout_ms, to->call_timeout_ms);
  if (!g_strv_equal ((const char *const *)from->requires_, (const char *const *)to->requires_))
    note (self, "/requires changed");
}

/* What breaks first; the rest as far as there is room. */
static void
finish (ColletCompatibility *result, Differences *self)
{
  GPtrArray *all = g_ptr_array_new ();
  guint n = self->breaking->len + self->notes->len;

  for (guint i = 0; i < n && i < MAX_DIFFERENCES; i++)
    {
      gboolean is_breaking = i < self->breaking->len;
      g_ptr_array_add (all, g_strdup (is_breaking ? self->breaking->pdata[i]
                                                  : self->notes->pdata[i - self->breaking->len]));
    }
  if (n > MAX_DIFFERENCES)
    g_ptr_array_add (all, g_strdup_printf ("and %u more", n - MAX_DIFFERENCES));
  g_ptr_array_add (all, NULL);
  result->n_breaking = MIN (self->breaking->len, MAX_DIFFERENCES);
  result->differences = (GStrv)g_ptr_array_free (all, FALSE);
  result->n_former = self->n_former;
  result->obstacle = self->obstacle;
}

ColletCompatibility *
collet_compatibility_compare (const ColletManifest *from, const ColletManifest *to)
{
  g_autoptr (GPtrArray) breaking = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) notes = g_ptr_array_new_with_free_func (g_free);
  Differences differences = { .breaking = breaking, .notes = notes };
  ColletCompatibility *result;

  g_return_val_if_fail (from != NULL && to != NULL, NULL);

  result = g_new0 (ColletCompatibility, 1);
  compare_tools (&differences, from, to);
  compare_module (&differences, from, to);
  result->verdict = breaking->len > 0 ? COLLET_VERDICT_BREAKING
                    : notes->len > 0  ? COLLET_VERDICT_COMPATIBLE
                                      : COLLET_VERDICT_BEHAVIOUR_ONLY;
  finish (result, &differences);
  return result;
}

void
collet_compatibility_free (ColletCompatibility *compatibility)
{
  if (compatibility == NULL)
    return;
  g_strfreev (compatibility->differences);
  g_free (compatibility->obstacle);
  g_free (compatibility);
}
