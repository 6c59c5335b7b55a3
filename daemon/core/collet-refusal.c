/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-refusal.h"

/* How many are named in one sentence. */
#define NAMED 8

static void
refusal_free (gpointer data)
{
  ColletRefusal *refusal = data;

  g_free (refusal->call);
  g_free (refusal);
}

GPtrArray *
collet_refusals_list_new (void)
{
  return g_ptr_array_new_with_free_func (refusal_free);
}

gboolean
collet_refusals_list_add (GPtrArray *list, const char *call, guint64 times)
{
  ColletRefusal *refusal;

  for (guint i = 0; i < list->len; i++)
    {
      refusal = g_ptr_array_index (list, i);
      if (!g_str_equal (refusal->call, call))
        continue;
      refusal->times += times;
      return FALSE;
    }
  refusal = g_new (ColletRefusal, 1);
  *refusal = (ColletRefusal){ g_strdup (call), times };
  g_ptr_array_add (list, refusal);
  return TRUE;
}

char *
collet_refusals_list_dup_text (const GPtrArray *list)
{
  g_autoptr (GString) text = g_string_new ("It called ");
  const guint n = MIN (list->len, NAMED);

  if (n == 0)
    return NULL;
  for (guint i = 0; i < n; i++)
    {
      const ColletRefusal *refusal = g_ptr_array_index (list, i);

      g_string_append (text, i == 0 ? "" : i + 1 < n || list->len > n ? ", " : " and ");
      g_string_append (text, refusal->call);
      if (refusal->times > 1)
        g_string_append_printf (text, " (%" G_GUINT64_FORMAT " times)", refusal->times);
    }
  if (list->len > n)
    g_string_append_printf (text, " and %u more", list->len - n);
  g_string_append (text, ", which its confinement refuses.");
  return g_string_free (g_steal_pointer (&text), FALSE);
}

const char *
collet_refusals_list_get_remedy (const GPtrArray *list)
{
  static const char *const network[] = { "socket", "socketpair", "bind",       "connect", "listen",
                                         "accept", "accept4",    "setsockopt", NULL };
  static const char *const processes[] = { "clone", "clone3", "fork", "vfork", "execve", "execveat", NULL };
  const ColletRefusal *first;

  g_return_val_if_fail (list->len > 0, NULL);
  first = g_ptr_array_index (list, 0);
  if (g_strv_contains (network, first->call))
    return "A module that is to use the network asks for it in its manifest (\"needs\": {\"network\": "
           "true}), "
           "and [trust] network in colletd.conf names it.";
  if (g_strv_contains (processes, first->call))
    return "A module starts no programs: let it use threads, or a library that does the same.";
  return "Nothing allows that to a module: take it out of the module, or of the library that does it.";
}
