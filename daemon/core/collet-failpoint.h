/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-failpoint.h: named places where a test may end the daemon, as kill -9
 * would. COLLET_FAILPOINT=<name> in the environment picks one. Compiled in only
 * with -Dfailpoints=true.
 */
#pragma once

#ifdef COLLET_FAILPOINTS
#include <glib.h>
#include <signal.h>

static inline void
collet_failpoint (const char *name)
{
  if (g_strcmp0 (g_getenv ("COLLET_FAILPOINT"), name) == 0)
    raise (SIGKILL);
}
#else
#define collet_failpoint(name) ((void)0)
#endif
