/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-worker.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collet-executor.h"
#include "collet-stats.h"

#define CALL_FD 3
#define CONTROL_FD 4
/* How long SHUTDOWN waits for calls, which were told to stop. The daemon drained
 * them before, and has a deadline of its own. */
#define SHUTDOWN_MS 2000

static struct collet_worker worker = { .call_fd = CALL_FD, .control_fd = CONTROL_FD };

static void
on_log (void *user_data, enum collet_level level, const char *json, size_t size)
{
  /* What cannot be sent is lost; the control channel tells that the daemon is gone. */
  (void)collet_wire_send_simple (CALL_FD, COLLET_FRAME_LOG, 0, (int)level, json, size);
}

static _Noreturn void
give_up (const struct collet_failure *failure)
{
  char payload[COLLET_FAILURE_MAX];
  size_t size = collet_failure_encode (failure, payload);

  (void)collet_wire_send_simple (CONTROL_FD, COLLET_FRAME_BROKEN, 0, 0, payload, size);
  _exit (1);
}

static void
answer (uint64_t id, bool is_ok, const struct collet_failure *failure, const struct collet_bytes *bytes)
{
  const int status = is_ok ? COLLET_OK : COLLET_FAILED;
  const char *payload = is_ok ? bytes->bytes : failure->message;
  const size_t size = is_ok ? bytes->size : strlen (failure->message);
  static const char lost[] = "The worker has no memory or no files left to send it.";

  if (collet_wire_send_simple (CONTROL_FD, COLLET_FRAME_ANSWER, id, status, payload, size) < 0)
    (void)collet_wire_send_simple (CONTROL_FD, COLLET_FRAME_ANSWER, id, COLLET_FAILED, lost, sizeof lost - 1);
}

static bool
check_idle (struct collet_failure *failure)
{
  unsigned n = collet_ledger_count_running (&worker.ledger);

  return n == 0 || collet_failure_set (failure, "StateMigrationFailed", "", "%u calls are still running.", n);
}

static _Noreturn void
shut_down (uint64_t id)
{
  struct collet_bytes nothing = { NULL, 0 };
  struct collet_failure failure;
  unsigned n_left;

  atomic_store (&worker.stopping, true);
  n_left = collet_ledger_close (&worker.ledger, SHUTDOWN_MS);
  if (n_left > 0)
    {
      collet_failure_set (&failure, "DrainTimeout", "", "%u calls do not stop.", n_left);
      answer (id, false, &failure, NULL);
      _exit (1);
    }
  collet_runtime_fini (worker.runtime);
  answer (id, true, NULL, &nothing);
  _exit (0);
}

static void
answer_stats (uint64_t id)
{
  struct collet_worker_stats stats;
  struct collet_bytes bytes = { (char *)&stats, sizeof stats };

  collet_stats_read (&stats);
  answer (id, true, NULL, &bytes);
}

/* A step of the module's, and its answer. */
static void
run_step (const struct collet_frame *frame)
{
  const struct collet_frame_header *header = &frame->header;
  struct collet_bytes bytes = { NULL, 0 };
  struct collet_failure failure;
  bool is_ok = false;

  if (header->type == COLLET_FRAME_SELF_TEST)
    is_ok = collet_runtime_self_test (worker.runtime, &failure);
  else if (header->type == COLLET_FRAME_CODE_CHANGE)
    is_ok = collet_runtime_code_change (worker.runtime, (enum collet_direction)header->status, header->detail,
                                        frame->payload, header->size, &bytes, &failure);
  else if (!check_idle (&failure))
    is_ok = false;
  else if (header->type == COLLET_FRAME_EXPORT_STATE)
    is_ok = collet_runtime_export_state (worker.runtime, &bytes, &failure);
  else if (header->type == COLLET_FRAME_IMPORT_STATE)
    is_ok = collet_runtime_import_state (worker.runtime, frame->payload, header->size, &failure);
  else
    _exit (1); /* the daemon does not speak our language */

  answer (header->id, is_ok, &failure, &bytes);
  free (bytes.bytes);
}

static _Noreturn void
serve_control (void)
{
  static char buffer[COLLET_WIRE_BUFFER];

  for (;;)
    {
      struct collet_frame frame;
      int received = collet_wire_receive (CONTROL_FD, buffer, sizeof buffer, &frame);

      if (received != 1)
        _exit (received == 0 ? 0 : 1);
      if (frame.header.type == COLLET_FRAME_CANCEL)
        collet_ledger_cancel (&worker.ledger, frame.header.id);
      else if (frame.header.type == COLLET_FRAME_STATS)
        answer_stats (frame.header.id);
      else if (frame.header.type == COLLET_FRAME_SHUTDOWN)
        shut_down (frame.header.id);
      else
        run_step (&frame);
      collet_frame_clear (&frame);
    }
}

/* Each arena that a thread makes costs address space and pages of its own. */
static void
limit_arenas (unsigned executors)
{
  mallopt (M_ARENA_MAX, executors <= 1 ? 1 : executors <= 4 ? 2 : 4);
}

_Noreturn void
collet_worker_run (const struct collet_confinement *confinement, const struct collet_gate *gate,
                   const struct collet_spawn_request *request, const char *path)
{
  const struct collet_sink sink = { NULL, on_log, NULL };
  const unsigned executors = request->executors < 1                   ? 1
                             : request->executors > COLLET_LEDGER_MAX ? COLLET_LEDGER_MAX
                                                                      : request->executors;
  struct collet_failure failure;
  char name[COLLET_USER_NAME_MAX];

  path = collet_confinement_hold (confinement, path, name);
  collet_ledger_init (&worker.ledger);
  collet_baton_init (&worker.baton);
  limit_arenas (executors);
  collet_stats_open ();
  if (!collet_confinement_enter (confinement, request->network != 0, gate, &request->limits, &failure))
    give_up (&failure);
  worker.runtime = collet_runtime_open (path, &failure);
  if (worker.runtime == NULL)
    give_up (&failure);
  collet_runtime_set_sink (worker.runtime, &sink);
  if (!collet_runtime_init (worker.runtime, &failure) ||
      !collet_executors_start (&worker, executors, &failure))
    give_up (&failure);
  if (collet_wire_send_simple (CONTROL_FD, COLLET_FRAME_READY, 0, 0, NULL, 0) < 0)
    _exit (0);
  serve_control ();
}
