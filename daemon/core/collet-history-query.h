/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-history-query.h: which reloads somebody wants to see.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What is 0 or NULL does not matter. */
typedef struct
{
  const char *module;
  const char *id;        /* the beginning of it; not beside module */
  const char *newest_of; /* the newest of each module of that one that its version stands or
                            falls with, if it has not failed; beside none of these */
  const char *state;     /* "running": not ended */
  gint64 before;         /* microseconds since 1970: what began before */
  gint64 after;          /* then, or later */
  guint limit;           /* 0: 100 */
} ColletHistoryQuery;

G_END_DECLS
