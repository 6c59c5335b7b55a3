/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-agent.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <glib-unix.h>

#define AGENT "pkttyagent"
#define AGENT_FD 3
#define READY_TIMEOUT_MS 5000

GSubprocess *
collet_agent_start (void)
{
  g_autofree char *program = g_find_program_in_path (AGENT);
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDIN_INHERIT);
  int ends[2];

  if (program == NULL || !isatty (STDIN_FILENO) || !isatty (STDERR_FILENO) ||
      !g_unix_open_pipe (ends, FD_CLOEXEC, NULL))
    return NULL;

  /* --fallback: an agent of the desktop goes first. It asks for its parent: us. */
  g_subprocess_launcher_take_fd (launcher, ends[1], AGENT_FD);
  GSubprocess *agent = g_subprocess_launcher_spawn (launcher, NULL, program, "--notify-fd",
                                                    G_STRINGIFY (AGENT_FD), "--fallback", NULL);
  g_subprocess_launcher_close (launcher);

  /* It closes its end when it is registered; so does its end. */
  struct pollfd ready = { .fd = ends[0], .events = POLLIN };
  if (agent != NULL)
    poll (&ready, 1, READY_TIMEOUT_MS);
  close (ends[0]);
  return agent;
}

void
collet_agent_stop (GSubprocess *agent)
{
  g_subprocess_send_signal (agent, SIGTERM);
  g_subprocess_wait (agent, NULL, NULL);
  g_object_unref (agent);
}
