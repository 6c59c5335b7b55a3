/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-retention.h: which stored versions may go.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A stored version, as the database has it. */
typedef struct
{
  char *module;
  char *sha256;
  guint64 size;
  gint64 added_at; /* microseconds since 1970, as all times */
  gint64 used_at;  /* when it last began or ceased to serve; else added_at */
  gboolean is_pinned;
  char *pin_reason;      /* or NULL */
  gboolean has_snapshot; /* of a state in its format */
  gboolean is_needed;    /* it serves, or is the one to go back to */
} ColletVersionRow;

ColletVersionRow *collet_version_row_new (void);
void collet_version_row_free (ColletVersionRow *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletVersionRow, collet_version_row_free)

typedef struct
{
  guint keep;    /* versions of a module, with those that must stay */
  gint64 before; /* last used before this: goes even if it is among them; 0: never */
} ColletRetentionRule;

/* Out of `rows` (ColletVersionRow, in any order): ColletVersionRow, borrowed. What is needed,
 * pinned or in `in_use` (set of sha256) stays; of the rest the longest unused go. */
GPtrArray *collet_retention_choose (GPtrArray *rows, GHashTable *in_use, const ColletRetentionRule *rule);

G_END_DECLS
