/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * For messages: where a value is, and what it is.
 */
#include "collet-json-private.h"

#define SHOWN_BYTES 60

static void
append_token (GString *out, const char *token)
{
  g_string_append_c (out, '/');
  for (const char *p = token; *p != '\0'; p++)
    {
      if (*p == '~')
        g_string_append (out, "~0");
      else if (*p == '/')
        g_string_append (out, "~1");
      else
        g_string_append_c (out, *p);
    }
}

/* Of the children of `at`, the one that `node` is or lies in, and its position;
 * 0 if `node` is `at` or a name in it. */
static ColletJsonNode
child_with (const ColletJson *json, ColletJsonNode at, ColletJsonNode node, guint *index)
{
  ColletJsonNode child = collet_json_first (json, at), next;

  *index = 0;
  if (child == 0 || node < child)
    return 0;
  /* Nodes are in document order. */
  while ((next = collet_json_next (json, child)) != 0 && next <= node)
    {
      child = next;
      ++*index;
    }
  if (next != 0 && node == next - 1 && (json->entries[next].info & COLLET_JSON_HAS_NAME) != 0)
    return 0;
  return child;
}

char *
collet_json_dup_pointer (const ColletJson *json, ColletJsonNode from, ColletJsonNode node)
{
  GString *out = g_string_new (NULL);
  ColletJsonNode at = from;
  guint index;

  while (at != node && (at = child_with (json, at, node, &index)) != 0)
    {
      g_autofree char *name = collet_json_dup_name (json, at);
      if (name != NULL)
        append_token (out, name);
      else
        g_string_append_printf (out, "/%u", index);
    }
  return g_string_free (out, FALSE);
}

char *
collet_json_dup_shown (const ColletJson *json, ColletJsonNode node)
{
  gsize size;
  const char *raw = collet_json_get_raw (json, node, &size);
  gsize shown = size;

  if (size <= SHOWN_BYTES)
    return g_strndup (raw, size);
  for (shown = SHOWN_BYTES; shown > 0 && ((guchar)raw[shown] & 0xc0) == 0x80; shown--)
    ;
  return g_strdup_printf ("%.*s…", (int)shown, raw);
}
