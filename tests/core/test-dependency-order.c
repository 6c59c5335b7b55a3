/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-dependency-order.h"

#include <string.h>

#include "collet-error.h"

/* "a:b,c d" has a module a that requires b and c, and a module d. */
typedef struct
{
  GStrv words;
  GPtrArray *names;
  GPtrArray *needs; /* GStrv */
} Graph;

static Graph *
graph_new (const char *text)
{
  Graph *self = g_new0 (Graph, 1);

  self->words = g_strsplit (text, " ", -1);
  self->names = g_ptr_array_new_with_free_func (g_free);
  self->needs = g_ptr_array_new_with_free_func ((GDestroyNotify)g_strfreev);
  for (guint i = 0; self->words[i] != NULL && *self->words[i] != '\0'; i++)
    {
      g_auto (GStrv) parts = g_strsplit (self->words[i], ":", 2);

      g_ptr_array_add (self->names, g_strdup (parts[0]));
      g_ptr_array_add (self->needs, g_strsplit (parts[1] != NULL ? parts[1] : "", ",", -1));
    }
  return self;
}

static void
graph_free (Graph *self)
{
  g_strfreev (self->words);
  g_ptr_array_unref (self->names);
  g_ptr_array_unref (self->needs);
  g_free (self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Graph, graph_free)

static const char *const *
look_up (const char *name, gpointer data)
{
  Graph *loaded = data;

  for (guint i = 0; i < loaded->names->len; i++)
    if (g_str_equal (loaded->names->pdata[i], name))
      return loaded->needs->pdata[i];
  return NULL;
}

/* "b c a", or the error's message. */
static char *
order (const char *group_text, const char *loaded_text)
{
  g_autoptr (Graph) group = graph_new (group_text);
  g_autoptr (Graph) loaded = graph_new (loaded_text);
  g_autofree ColletDependencyNode *nodes = g_new0 (ColletDependencyNode, group->names->len);
  g_autofree guint *indices = g_new0 (guint, group->names->len);
  g_autoptr (GError) error = NULL;
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < group->names->len; i++)
    nodes[i] = (ColletDependencyNode){ group->names->pdata[i], group->needs->pdata[i] };
  if (!collet_dependency_order (nodes, group->names->len, look_up, loaded, indices, &error))
    {
      g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT);
      g_string_append (text, error->message);
      return g_string_free (text, FALSE);
    }
  for (guint i = 0; i < group->names->len; i++)
    g_string_append_printf (text, "%s%s", i > 0 ? " " : "", (char *)group->names->pdata[indices[i]]);
  return g_string_free (text, FALSE);
}

static void
assert_order (const char *group, const char *loaded, const char *expected)
{
  g_autofree char *got = order (group, loaded);

  g_assert_cmpstr (got, ==, expected);
}

static void
assert_refused (const char *group, const char *loaded, const char *part)
{
  g_autofree char *got = order (group, loaded);

  if (strstr (got, part) == NULL)
    g_error ("\"%s\" is not in: %s", part, got);
}

static void
test_order (void)
{
  assert_order ("a b c", "", "a b c"); /* as they were */
  assert_order ("a:b b:c c", "", "c b a");
  assert_order ("a:b,c b:d c:d d", "", "d b c a");
  assert_order ("c a:b b", "", "c b a");
  assert_order ("a:x b", "x", "a b"); /* x is loaded */
  /* By way of one that is loaded and stays. */
  assert_order ("a:x b", "x:b", "b a");
  assert_order ("", "", "");
}

static void
test_missing (void)
{
  assert_refused ("a:b", "", "Module \"a\" requires \"b\"");
  assert_refused ("a:b b:c", "", "Module \"b\" requires \"c\"");
  assert_order ("a:x", "x:gone", "a"); /* what is loaded already may lack something */
}

static void
test_circles (void)
{
  assert_refused ("a:b b:a", "", "a requires b requires a");
  assert_refused ("a:a", "", "a requires a");
  assert_refused ("z:a a:b b:c c:a", "", ": a requires b requires c requires a");
  assert_refused ("a:x", "x:a", "a requires x requires a");
}

static void
test_deep (void)
{
  g_autoptr (GString) chain = g_string_new (NULL);

  for (guint i = 0; i < 5000; i++)
    g_string_append_printf (chain, "%sm%u:m%u", i > 0 ? " " : "", i, i + 1);
  g_string_append (chain, " m5000");
  assert_refused (chain->str, "", "more than 256 deep");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/dependency-order/dependencies-come-first", test_order);
  g_test_add_func ("/core/dependency-order/missing-one-is-named", test_missing);
  g_test_add_func ("/core/dependency-order/circle-is-named", test_circles);
  g_test_add_func ("/core/dependency-order/endless-chain-is-refused", test_deep);
  return g_test_run ();
}
