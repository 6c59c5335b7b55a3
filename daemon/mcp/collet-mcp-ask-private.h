/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-mcp-ask-private.h: calls that wait for a legacy client's answers; shared by
 * what asks (collet-mcp-ask.c) and what ends those that nobody answers
 * (collet-mcp-asks.c).
 *
 * A call that waits has `ask->is_waiting`; who sets it to FALSE, under the call's
 * lock, goes on with the call: the last answer, cancelling, time, the end.
 */
#pragma once

#include "collet-mcp-call-private.h"

G_BEGIN_DECLS

typedef struct
{
  char *key;
  guint64 id;
  char *reply; /* JSON object; NULL: none yet */
} ColletMcpQuestion;

struct _ColletMcpAsk
{
  guint rounds;
  gboolean is_waiting;
  GArray *questions; /* ColletMcpQuestion */
  guint n_open;
  gsize size;    /* of the replies */
  gint held_kib; /* of them, counted as held */
  GString *replies;
  gint64 deadline_us;
  GList link; /* in the server's; under its lock */
};

/* Ends a call that waits too long, or whose client does not come back. */
void collet_mcp_ask_check (ColletMcpCall *call, gint64 now_us);

struct _ColletMcpAsks
{
  pthread_mutex_t lock;
  GQueue waiting; /* ColletMcpCall, a reference each */
  guint64 last_id;
  gint held_kib; /* atomic */
  gboolean is_ending;
};

G_END_DECLS
