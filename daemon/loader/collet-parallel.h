/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-parallel.h: the same work over the indices of an array, by the calling
 * thread and a few more. Blocking.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _ColletParallel ColletParallel;

/* Runs in each thread, once; takes indices until there are none left. What all
 * the work of a thread shares lives in this function. */
typedef void (*ColletParallelFunc) (ColletParallel *parallel, gpointer user_data);

/* Small arrays are not worth a second thread. */
void collet_parallel_run (guint n, ColletParallelFunc func, gpointer user_data);
gboolean collet_parallel_next (ColletParallel *parallel, guint *index);

G_END_DECLS
