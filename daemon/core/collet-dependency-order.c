/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-dependency-order.h"

#include "collet-error.h"

/* A chain of so many modules is no longer understood by anybody; and a limit for
 * the stack. */
#define MAX_DEPTH 256

#define ENTERED GUINT_TO_POINTER (1u)
#define LEFT GUINT_TO_POINTER (2u)

typedef struct
{
  const ColletDependencyNode *nodes;
  GHashTable *indices; /* name → index + 1 */
  GHashTable *states;  /* name → ENTERED or LEFT */
  GPtrArray *path;     /* names from the first one to where we are */
  ColletDependencyLookUp look_up;
  gpointer user_data;
  guint *order;
  guint n_ordered;
} Search;

static gboolean
fail_as_circle (const Search *self, const char *name, GError **error)
{
  g_autoptr (GString) circle = g_string_new (NULL);
  guint i = 0;

  while (!g_str_equal (self->path->pdata[i], name))
    i++;
  for (; i < self->path->len; i++)
    g_string_append_printf (circle, "%s requires ", (const char *)self->path->pdata[i]);
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
               "The dependencies go round in a circle: %s%s. Take one of them out of the manifests.",
               circle->str, name);
  return FALSE;
}

static gboolean
fail_as_missing (const Search *self, const char *name, GError **error)
{
  g_set_error (
      error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
      "Module \"%s\" requires \"%s\", which is neither loaded nor among the modules given. Add it, or "
      "load it first.",
      (const char *)self->path->pdata[self->path->len - 1], name);
  return FALSE;
}

/* What is loaded without what it requires was so before. */
static gboolean
is_among (const Search *self, const char *name)
{
  return g_hash_table_contains (self->indices, name);
}

static gboolean
visit (Search *self, const char *name, GError **error)
{
  gpointer state = g_hash_table_lookup (self->states, name);
  guint index = GPOINTER_TO_UINT (g_hash_table_lookup (self->indices, name));
  const char *const *needs =
      index > 0 ? self->nodes[index - 1].requires_ : self->look_up (name, self->user_data);

  if (state == LEFT)
    return TRUE;
  if (state == ENTERED)
    return fail_as_circle (self, name, error);
  if (index == 0 && needs == NULL)
    return is_among (self, self->path->pdata[self->path->len - 1]) ? fail_as_missing (self, name, error)
                                                                   : TRUE;
  if (self->path->len == MAX_DEPTH)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                   "The dependencies of module \"%s\" are more than %d deep. Make the chain shorter.",
                   (const char *)self->path->pdata[0], MAX_DEPTH);
      return FALSE;
    }

  g_hash_table_insert (self->states, (gpointer)name, ENTERED);
  g_ptr_array_add (self->path, (gpointer)name);
  for (guint i = 0; needs != NULL && needs[i] != NULL; i++)
    if (!visit (self, needs[i], error))
      return FALSE;
  g_ptr_array_set_size (self->path, (int)self->path->len - 1);
  g_hash_table_insert (self->states, (gpointer)name, LEFT);
  if (index > 0)
    self->order[self->n_ordered++] = index - 1;
  return TRUE;
}

gboolean
collet_dependency_order (const ColletDependencyNode *nodes, guint n, ColletDependencyLookUp look_up,
                         gpointer user_data, guint *order, GError **error)
{
  g_autoptr (GHashTable) indices = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) states = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GPtrArray) path = g_ptr_array_new ();
  Search search = { nodes, indices, states, path, look_up, user_data, order, 0 };

  for (guint i = 0; i < n; i++)
    g_hash_table_insert (indices, (gpointer)nodes[i].name, GUINT_TO_POINTER (i + 1));
  for (guint i = 0; i < n; i++)
    if (!visit (&search, nodes[i].name, error))
      return FALSE;
  return TRUE;
}
