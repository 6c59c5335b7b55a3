/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* DELAY_US: each call takes so long; FLAKY: every second one fails; QUICK: promises
 * to be; PROGRESS: reports some; UNTIL_TOLD: lasts until it is told to stop. */
#include "tiny.h"

#include <stdatomic.h>
#include <unistd.h>

#ifndef DELAY_US
#define DELAY_US 0
#endif
#ifndef FLAKY
#define FLAKY 0
#endif

#ifdef NEEDS
#define REQUIRES "\"requires\":[\"" NEEDS "\"],"
#else
#define REQUIRES ""
#endif

#ifdef QUICK
#define PROMISE "\"quick\":true,"
#else
#define PROMISE ""
#endif

#ifndef PROGRESS
#define PROGRESS 0
#endif
#ifndef UNTIL_TOLD
#define UNTIL_TOLD 0
#endif

#ifdef EXPECT
#define SMOKE                                                                                                \
  "\"smoke_tests\":[{\"tool\":\"echo\",\"arguments\":{\"x\":1},"                                             \
  "\"result\":{\"structuredContent\":{\"x\":" EXPECT "}}}],"
#else
#define SMOKE ""
#endif

static atomic_uint calls;

static int
call_tool (void *instance, const char *tool, struct collet_call *call)
{
  if (DELAY_US > 0)
    usleep (DELAY_US);
  if (FLAKY && atomic_fetch_add (&calls, 1) % 2 == 1)
    return collet_call_fail (call, "not this time");
  if (PROGRESS)
    collet_progress (call, 1, 2, "half");
  while (UNTIL_TOLD)
    if (collet_is_cancelled (call))
      return COLLET_CANCELLED;
  return tiny_call (instance, tool, call);
}

TINY_MANIFEST ("\"concurrent\":true," PROMISE REQUIRES SMOKE, "");
COLLET_MODULE (.call = call_tool);
