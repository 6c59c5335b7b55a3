/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-waiting-calls.h: calls before a closed gate, in order, linked through
 * the calls themselves. Not locked: the slot does.
 */
#pragma once

#include "collet-call.h"

G_BEGIN_DECLS

typedef struct
{
  ColletCall *first, *last;
  guint length;
} ColletWaitingCalls;

void collet_waiting_calls_push (ColletWaitingCalls *calls, ColletCall *call);
/* NULL: none. Clears what it used of the call's target_data. */
ColletCall *collet_waiting_calls_pop (ColletWaitingCalls *calls);
void collet_waiting_calls_remove (ColletWaitingCalls *calls, ColletCall *call);
/* Moves those whose deadline has passed; the next deadline, or G_MAXINT64. */
gint64 collet_waiting_calls_take_late (ColletWaitingCalls *calls, gint64 now, ColletWaitingCalls *late);

G_END_DECLS
