/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-probe-child.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collet-buffer.h"
#include "collet-probe.h"

#define REPORT_FD 3
#define REPORT_MAX (2u * 1024u * 1024u)
#define DEFAULT_CPU_SECONDS 10

static void
confine (const struct collet_confinement *confinement, const struct collet_gate *gate,
         const struct collet_limits *limits)
{
  struct collet_limits strict = *limits;
  struct collet_failure failure;
  int null_fd;

  if (strict.cpu_seconds == 0)
    strict.cpu_seconds = DEFAULT_CPU_SECONDS;
  if (!collet_confinement_enter (confinement, false, gate, &strict, &failure))
    {
      fprintf (stderr, "collet-worker: %s\n", failure.message);
      _exit (COLLET_PROBE_EXIT_UNCONFINED);
    }
  /* A candidate has nothing to say to anybody. */
  null_fd = open ("/dev/null", O_RDWR | O_CLOEXEC);
  if (null_fd < 0 || dup2 (null_fd, STDOUT_FILENO) < 0 || dup2 (null_fd, STDERR_FILENO) < 0)
    _exit (COLLET_PROBE_EXIT_UNCONFINED);
  close (null_fd);
}

static void
send_report (uint16_t type, uint32_t index, struct collet_buffer *report)
{
  if (report->overflowed ||
      collet_wire_send_simple (REPORT_FD, type, index, 0, report->bytes, report->size) < 0)
    _exit (1);
  collet_buffer_reset (report);
}

/* The names by which the child can open each. NULL: no memory. */
static const char **
hold_all (const struct collet_confinement *confinement, uint32_t n, const char *paths)
{
  char (*names)[COLLET_USER_NAME_MAX] = calloc (n, sizeof *names);
  const char **held = calloc (n, sizeof *held);

  if (names == NULL || held == NULL)
    return NULL;
  for (uint32_t i = 0; i < n; i++, paths += strlen (paths) + 1)
    held[i] = collet_confinement_hold (confinement, paths, names[i]);
  return held;
}

_Noreturn void
collet_probe_child_run (const struct collet_confinement *confinement, const struct collet_gate *gate,
                        const struct collet_probe_request *request, const char *paths,
                        _Atomic uint32_t *current)
{
  bool *is_sound = calloc (request->count, sizeof *is_sound);
  const char **held = hold_all (confinement, request->count, paths);
  struct collet_buffer report;

  if (is_sound == NULL || held == NULL)
    _exit (1);
  confine (confinement, gate, &request->limits);
  collet_buffer_init (&report, REPORT_MAX);
  for (uint32_t i = 0; i < request->count; i++)
    {
      is_sound[i] = collet_probe_read (held[i], request->brief, &report);
      send_report (COLLET_FRAME_PROBE_READ, i, &report);
    }
  for (uint32_t i = 0; i < request->count && !request->read_only; i++)
    {
      if (current != NULL)
        atomic_store (current, i);
      collet_probe_run (held[i], is_sound[i], request->brief, &report);
      send_report (COLLET_FRAME_PROBED, i, &report);
    }
  _exit (0);
}
