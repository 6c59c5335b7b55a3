/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-failpoint.h: named places where a test may end the daemon, as kill -9
 * would. COLLET_FAILPOINT=<name> in the environment picks one; COLLET_FAILPOINT=@<file>
 * the one that the file names at that moment. Compiled in only with
 * -Dfailpoints=true.
 */
#pragma once

#ifdef COLLET_FAILPOINTS
#include <glib.h>
#include <signal.h>

static inline void
collet_failpoint (const char *name)
{
  const char *armed = g_getenv ("COLLET_FAILPOINT");
  g_autofree char *text = NULL;

  if (armed != NULL && *armed == '@' && g_file_get_contents (armed + 1, &text, NULL, NULL))
    armed = g_strchomp (text);
  if (g_strcmp0 (armed, name) == 0)
    raise (SIGKILL);
}
#else
#define collet_failpoint(name) ((void)0)
#endif
