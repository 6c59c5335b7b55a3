/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-executor.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct executor
{
  struct collet_worker *worker;
  unsigned slot;
  struct collet_scratch *scratch;
  bool has_baton;
  uint64_t id; /* of the call that runs */
  char buffer[COLLET_WIRE_BUFFER];
};

/* The daemon is gone, or does not speak our language: nothing is left to do. */
static void
check_sent (int result)
{
  if (result == -EPIPE || result == -ECONNRESET)
    _exit (0);
}

static void
on_progress (void *user_data, const char *json, size_t size)
{
  struct executor *executor = user_data;

  check_sent (collet_wire_send_simple (executor->worker->call_fd, COLLET_FRAME_PROGRESS, executor->id, 0,
                                       json, size));
}

static void
on_log (void *user_data, enum collet_level level, const char *json, size_t size)
{
  struct executor *executor = user_data;

  check_sent (collet_wire_send_simple (executor->worker->call_fd, COLLET_FRAME_LOG, executor->id, (int)level,
                                       json, size));
}

static void
send_result (struct executor *executor, const struct collet_result *result)
{
  static const char lost[] =
      "{\"content\":[{\"type\":\"text\",\"text\":\"The tool's answer could not be sent: the worker has "
      "no memory or no files left.\"}],\"isError\":true}";
  const int call_fd = executor->worker->call_fd;
  int sent = collet_wire_send_simple (call_fd, COLLET_FRAME_RESULT, executor->id, result->status,
                                      result->json, result->size);

  check_sent (sent);
  if (sent < 0)
    check_sent (collet_wire_send_simple (call_fd, COLLET_FRAME_RESULT, executor->id, COLLET_FAILED, lost,
                                         sizeof lost - 1));
}

static struct collet_result
make_refusal (int status)
{
  static const char json[] = "{\"content\":[],\"isError\":true}";

  return (struct collet_result){ status, json, sizeof json - 1 };
}

/* False if the frame is not what a daemon sends. */
static bool
read_request (const struct collet_frame *frame, struct collet_request *request)
{
  struct collet_call_request call;
  uint64_t left = frame->header.size;
  const char *returned;

  if (frame->header.type != COLLET_FRAME_CALL || left < sizeof call)
    return false;
  memcpy (&call, frame->payload, sizeof call);
  left -= sizeof call;
  if ((uint64_t)call.tool_size + call.arguments_size + call.trace_size + call.replies_size +
          call.state_size !=
      left)
    return false;
  returned = frame->payload + sizeof call + call.tool_size + call.arguments_size + call.trace_size;
  *request = (struct collet_request){
    .tool = frame->payload + sizeof call,
    .tool_size = call.tool_size,
    .arguments = frame->payload + sizeof call + call.tool_size,
    .arguments_size = call.arguments_size,
    .deadline_us = call.deadline_us,
    .wants_progress = call.wants_progress != 0,
    .log_level = call.log_level,
    .questions = call.questions,
    .replies = returned,
    .replies_size = call.replies_size,
    .state = returned + call.replies_size,
    .state_size = call.state_size,
    .trace = frame->payload + sizeof call + call.tool_size + call.arguments_size,
    .trace_size = call.trace_size,
  };
  return true;
}

static void
run_call (struct executor *executor, const struct collet_frame *frame)
{
  struct collet_worker *worker = executor->worker;
  const struct collet_sink sink = { on_progress, on_log, executor };
  struct collet_result result = make_refusal (COLLET_CANCELLED);
  struct collet_request request;

  if (!read_request (frame, &request))
    _exit (1);
  executor->id = frame->header.id;
  request.cancelled = &worker->ledger.slots[executor->slot].cancelled;
  request.stopping = &worker->stopping;
  if (collet_ledger_begin (&worker->ledger, executor->slot, executor->id))
    {
      struct collet_turn turn = collet_baton_begin (&worker->baton, request.tool, request.tool_size);

      collet_runtime_call (worker->runtime, executor->scratch, &request, &sink, &result);
      /* Before the answer: who has it may ask for the state at once. */
      collet_ledger_end (&worker->ledger, executor->slot);
      executor->has_baton = collet_baton_end (&worker->baton, &turn);
    }
  send_result (executor, &result);
}

static void *
executor_main (void *data)
{
  struct executor *executor = data;

  for (;;)
    {
      struct collet_frame frame;
      int received;

      if (!executor->has_baton)
        collet_baton_take (&executor->worker->baton);
      executor->has_baton = true;
      received =
          collet_wire_receive (executor->worker->call_fd, executor->buffer, sizeof executor->buffer, &frame);
      if (received == 1)
        run_call (executor, &frame);
      else if (received == -ENOMEM)
        {
          const struct collet_result refusal = make_refusal (COLLET_FAILED);

          executor->id = frame.header.id;
          send_result (executor, &refusal);
        }
      else
        _exit (received == 0 || received == -ECONNRESET ? 0 : 1);
      collet_frame_clear (&frame);
    }
}

static bool
start (struct collet_worker *worker, unsigned slot)
{
  struct executor *executor = malloc (sizeof *executor);
  pthread_t thread;

  if (executor == NULL)
    return false;
  executor->worker = worker;
  executor->slot = slot;
  executor->has_baton = false;
  executor->scratch = collet_scratch_new ();
  if (executor->scratch != NULL && pthread_create (&thread, NULL, executor_main, executor) == 0)
    return pthread_detach (thread) == 0;
  collet_scratch_free (executor->scratch);
  free (executor);
  return false;
}

bool
collet_executors_start (struct collet_worker *worker, unsigned n, struct collet_failure *failure)
{
  for (unsigned slot = 0; slot < n; slot++)
    if (!start (worker, slot))
      return collet_failure_set (failure, "SpawnFailed",
                                 "Raise the limit of address space, or ask for fewer executors.",
                                 "The worker could start only %u of %u threads.", slot, n);
  return true;
}
