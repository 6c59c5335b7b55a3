/* SPDX-License-Identifier: 0BSD
 *
 * countdown.c: a tool that takes its time, says how far it is, and stops when
 * it is told to.
 */
#include "collet-module.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

/* How long a cancelled call goes on at most. */
#define STEP_MS 20

static void
sleep_ms (int64_t milliseconds)
{
  struct timespec time = { .tv_sec = (time_t)(milliseconds / 1000),
                           .tv_nsec = (long)(milliseconds % 1000) * 1000000 };

  nanosleep (&time, NULL);
}

/* False if the call is to end early. */
static bool
wait_ms (struct collet_call *call, int64_t milliseconds)
{
  while (milliseconds > 0)
    {
      int64_t step = milliseconds < STEP_MS ? milliseconds : STEP_MS;

      if (collet_is_cancelled (call))
        return false;
      sleep_ms (step);
      milliseconds -= step;
    }
  return !collet_is_cancelled (call);
}

static int
run_tool (void *instance, const char *tool, struct collet_call *call)
{
  int64_t from = 3, interval_ms = 1000;
  char text[64];

  (void)instance;
  (void)tool;
  collet_get_integer (call, "from", &from);
  collet_get_integer (call, "interval_ms", &interval_ms);

  /* Better at once than at the deadline. */
  if (from * interval_ms > collet_remaining_ms (call))
    return collet_call_fail (call, "the countdown would take longer than a call may");

  for (int64_t left = from; left > 0; left--)
    {
      snprintf (text, sizeof text, "%" PRId64, left);
      collet_progress (call, (double)(from - left), (double)from, text);
      if (!wait_ms (call, interval_ms))
        return COLLET_CANCELLED;
    }

  collet_progress (call, (double)from, (double)from, "lift-off");
  collet_add_text (call, "lift-off");
  return COLLET_OK;
}

COLLET_MODULE (.call = run_tool);
