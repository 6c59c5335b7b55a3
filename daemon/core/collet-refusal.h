/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-refusal.h: system calls that a module made and its confinement refused.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  char *call; /* "socket" */
  guint64 times;
} ColletRefusal;

/* Of ColletRefusal, in the order of their first times. */
GPtrArray *collet_refusals_list_new (void);
/* TRUE: for the first time. */
gboolean collet_refusals_list_add (GPtrArray *list, const char *call, guint64 times);

/* "It called socket (3 times) and fork, which its confinement refuses." Free it;
 * NULL: the list is empty. */
char *collet_refusals_list_dup_text (const GPtrArray *list);
/* What to do about the first; borrowed. */
const char *collet_refusals_list_get_remedy (const GPtrArray *list);

G_END_DECLS
