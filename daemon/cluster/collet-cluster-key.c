/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-cluster-record.h"

#include <string.h>

#define ROOT "/collet/v1/"

static const struct
{
  const char *name;
  const char *part; /* between the two names, or after the one; NULL: nothing */
  gboolean has_two;
} KINDS[COLLET_N_KEYS] = {
  [COLLET_KEY_NODE] = { "node", NULL, FALSE },       [COLLET_KEY_LIVE] = { "live", NULL, FALSE },
  [COLLET_KEY_DESIRED] = { "desired", NULL, FALSE }, [COLLET_KEY_HISTORY] = { "history", NULL, TRUE },
  [COLLET_KEY_LOCK] = { "lock", NULL, FALSE },       [COLLET_KEY_SPEC] = { "tx", "spec", FALSE },
  [COLLET_KEY_VOTE] = { "tx", "vote", TRUE },        [COLLET_KEY_DECISION] = { "tx", "decision", FALSE },
  [COLLET_KEY_APPLIED] = { "applied", NULL, TRUE },  [COLLET_KEY_OVERRIDE] = { "override", NULL, TRUE },
  [COLLET_KEY_BLOB] = { "blob", NULL, TRUE },
};

static char *
escape (const char *name)
{
  return g_uri_escape_string (name, NULL, FALSE);
}

char *
collet_cluster_prefix (const char *cluster)
{
  g_autofree char *escaped = escape (cluster);

  return g_strdup_printf (ROOT "%s/", escaped);
}

char *
collet_cluster_key (const char *cluster, ColletKeyKind kind, const char *a, const char *b)
{
  g_autofree char *prefix = collet_cluster_prefix (cluster);
  g_autofree char *first = escape (a);
  g_autofree char *second = b != NULL ? escape (b) : NULL;

  g_return_val_if_fail (KINDS[kind].has_two == (b != NULL), NULL);
  return g_strconcat (prefix, KINDS[kind].name, "/", first, KINDS[kind].part != NULL ? "/" : "",
                      KINDS[kind].part != NULL ? KINDS[kind].part : "", b != NULL ? "/" : NULL, second, NULL);
}

char *
collet_cluster_key_prefix (const char *cluster, ColletKeyKind kind, const char *a)
{
  g_autofree char *prefix = collet_cluster_prefix (cluster);
  g_autofree char *first = a != NULL ? escape (a) : NULL;

  return g_strconcat (prefix, KINDS[kind].name, "/", first, first != NULL ? "/" : NULL, NULL);
}

/* Words of a key after the prefix: the kind's, a name, the kind's part, a name. */
static gboolean
find_kind (GStrv words, ColletKeyKind *kind)
{
  guint n = g_strv_length (words);

  for (guint i = 0; i < COLLET_N_KEYS; i++)
    {
      guint expected = 2 + (KINDS[i].part != NULL) + (KINDS[i].has_two ? 1 : 0);

      if (n == expected && g_str_equal (KINDS[i].name, words[0]) &&
          (KINDS[i].part == NULL || g_str_equal (KINDS[i].part, words[2])))
        {
          *kind = (ColletKeyKind)i;
          return TRUE;
        }
    }
  return FALSE;
}

gboolean
collet_cluster_key_parse (const char *cluster, const char *key, ColletKeyKind *kind, char **a, char **b)
{
  g_autofree char *prefix = collet_cluster_prefix (cluster);
  g_auto (GStrv) words = NULL;
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;

  if (!g_str_has_prefix (key, prefix))
    return FALSE;
  words = g_strsplit (key + strlen (prefix), "/", 5);
  if (!find_kind (words, kind))
    return FALSE;
  first = g_uri_unescape_string (words[1], NULL);
  if (KINDS[*kind].has_two)
    second = g_uri_unescape_string (words[g_strv_length (words) - 1], NULL);
  if (first == NULL || *first == '\0' || (KINDS[*kind].has_two && (second == NULL || *second == '\0')))
    return FALSE;
  *a = g_steal_pointer (&first);
  *b = g_steal_pointer (&second);
  return TRUE;
}
