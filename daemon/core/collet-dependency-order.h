/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-dependency-order.h: which of some modules comes before which, so that
 * each comes after what it requires. Pure.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  const char *name;
  const char *const *requires_; /* NULL-terminated, or NULL: none */
} ColletDependencyNode;

/* What a module that is not among them requires; NULL: there is no such module.
 * Borrowed. */
typedef const char *const *(*ColletDependencyLookUp) (const char *name, gpointer user_data);

/* Fills `order` (n places) with the indices of `nodes`, names of which are unique:
 * dependencies first, else as they were. InvalidArgument, by name: a dependency
 * that is not there, a circle (also by way of modules that are not among them). */
gboolean collet_dependency_order (const ColletDependencyNode *nodes, guint n, ColletDependencyLookUp look_up,
                                  gpointer user_data, guint *order, GError **error);

G_END_DECLS
