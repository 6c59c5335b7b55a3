/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-variant-json.h"

#include <math.h>
#include <string.h>

void
collet_variant_json_append_string (GString *out, const char *text)
{
  g_string_append_c (out, '"');
  for (const char *p = text; *p != '\0'; p++)
    {
      if (*p == '"' || *p == '\\')
        g_string_append_printf (out, "\\%c", *p);
      else if (*p == '\n')
        g_string_append (out, "\\n");
      else if ((guchar)*p < 0x20 || *p == 0x7f)
        g_string_append_printf (out, "\\u%04x", (guint)(guchar)*p);
      else
        g_string_append_c (out, *p);
    }
  g_string_append_c (out, '"');
}

char *
collet_variant_json_dup_name (const char *name)
{
  GString *out = g_string_new (NULL);

  for (const char *p = name; *p != '\0'; p++)
    {
      gboolean starts_word = g_ascii_isupper (*p) && p > name && !g_ascii_isupper (p[-1]) && p[-1] != '-';
      if (starts_word)
        g_string_append_c (out, '_');
      g_string_append_c (out, *p == '-' ? '_' : g_ascii_tolower (*p));
    }
  return g_string_free (out, FALSE);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

static void
append_dictionary (GString *out, GVariant *value)
{
  g_autoptr (GHashTable) members =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_variant_unref);
  g_autofree const char **names = NULL;
  gsize n = g_variant_n_children (value);
  guint n_names;

  for (gsize i = 0; i < n; i++)
    {
      g_autoptr (GVariant) entry = g_variant_get_child_value (value, i);
      g_autoptr (GVariant) key = g_variant_get_child_value (entry, 0);
      g_hash_table_replace (members, collet_variant_json_dup_name (g_variant_get_string (key, NULL)),
                            g_variant_get_child_value (entry, 1));
    }
  names = (const char **)g_hash_table_get_keys_as_array (members, &n_names);
  qsort (names, n_names, sizeof *names, compare_names);

  g_string_append_c (out, '{');
  for (guint i = 0; i < n_names; i++)
    {
      if (i > 0)
        g_string_append_c (out, ',');
      collet_variant_json_append_string (out, names[i]);
      g_string_append_c (out, ':');
      collet_variant_json_append (out, g_hash_table_lookup (members, names[i]));
    }
  g_string_append_c (out, '}');
}

static void
append_list (GString *out, GVariant *value)
{
  gsize n = g_variant_n_children (value);

  g_string_append_c (out, '[');
  for (gsize i = 0; i < n; i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (value, i);
      if (i > 0)
        g_string_append_c (out, ',');
      collet_variant_json_append (out, child);
    }
  g_string_append_c (out, ']');
}

/* JSON has no infinity, and a locale must not change the point. */
static void
append_double (GString *out, double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  if (isfinite (value))
    g_string_append (out, g_ascii_dtostr (text, sizeof text, value));
  else
    g_string_append (out, "null");
}

static void
append_integer (GString *out, GVariant *value)
{
  g_autofree char *text = g_variant_print (value, FALSE);

  g_string_append (out, text);
}

void
collet_variant_json_append (GString *out, GVariant *value)
{
  switch (g_variant_classify (value))
    {
    case G_VARIANT_CLASS_BOOLEAN:
      g_string_append (out, g_variant_get_boolean (value) ? "true" : "false");
      return;
    case G_VARIANT_CLASS_BYTE:
      g_string_append_printf (out, "%u", (guint)g_variant_get_byte (value));
      return;
    case G_VARIANT_CLASS_INT16:
    case G_VARIANT_CLASS_UINT16:
    case G_VARIANT_CLASS_INT32:
    case G_VARIANT_CLASS_UINT32:
    case G_VARIANT_CLASS_INT64:
    case G_VARIANT_CLASS_UINT64:
      append_integer (out, value);
      return;
    case G_VARIANT_CLASS_DOUBLE:
      append_double (out, g_variant_get_double (value));
      return;
    case G_VARIANT_CLASS_STRING:
    case G_VARIANT_CLASS_OBJECT_PATH:
    case G_VARIANT_CLASS_SIGNATURE:
      collet_variant_json_append_string (out, g_variant_get_string (value, NULL));
      return;
    case G_VARIANT_CLASS_VARIANT:
      {
        g_autoptr (GVariant) inner = g_variant_get_variant (value);
        collet_variant_json_append (out, inner);
        return;
      }
    case G_VARIANT_CLASS_ARRAY:
      if (g_variant_is_of_type (value, G_VARIANT_TYPE ("a{s*}")))
        append_dictionary (out, value);
      else
        append_list (out, value);
      return;
    case G_VARIANT_CLASS_TUPLE:
      append_list (out, value);
      return;
    case G_VARIANT_CLASS_HANDLE:
    case G_VARIANT_CLASS_MAYBE:
    case G_VARIANT_CLASS_DICT_ENTRY:
    default:
      g_string_append (out, "null");
      return;
    }
}
