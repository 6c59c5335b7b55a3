/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-waiting-calls.h"

/* Places in target_data; the generation uses them once the call has left. */
enum
{
  PREV = 1,
  NEXT = 2
};

static ColletCall *
prev_of (const ColletCall *call)
{
  return call->target_data[PREV];
}

static ColletCall *
next_of (const ColletCall *call)
{
  return call->target_data[NEXT];
}

static void
set_prev (ColletCall *call, ColletCall *prev)
{
  call->target_data[PREV] = prev;
}

static void
set_next (ColletCall *call, ColletCall *next)
{
  call->target_data[NEXT] = next;
}

void
collet_waiting_calls_push (ColletWaitingCalls *calls, ColletCall *call)
{
  set_prev (call, calls->last);
  set_next (call, NULL);
  if (calls->last != NULL)
    set_next (calls->last, call);
  else
    calls->first = call;
  calls->last = call;
  calls->length++;
}

void
collet_waiting_calls_remove (ColletWaitingCalls *calls, ColletCall *call)
{
  if (prev_of (call) != NULL)
    set_next (prev_of (call), next_of (call));
  else
    calls->first = next_of (call);
  if (next_of (call) != NULL)
    set_prev (next_of (call), prev_of (call));
  else
    calls->last = prev_of (call);
  set_prev (call, NULL);
  set_next (call, NULL);
  calls->length--;
}

ColletCall *
collet_waiting_calls_pop (ColletWaitingCalls *calls)
{
  ColletCall *call = calls->first;

  if (call != NULL)
    collet_waiting_calls_remove (calls, call);
  return call;
}

gint64
collet_waiting_calls_take_late (ColletWaitingCalls *calls, gint64 now, ColletWaitingCalls *late)
{
  gint64 next_deadline = G_MAXINT64;
  ColletCall *next;

  for (ColletCall *call = calls->first; call != NULL; call = next)
    {
      next = next_of (call);
      if (call->deadline_us > now)
        {
          next_deadline = MIN (next_deadline, call->deadline_us);
          continue;
        }
      collet_waiting_calls_remove (calls, call);
      collet_waiting_calls_push (late, call);
    }
  return next_deadline;
}
