/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-module.h"
#include "collet-wire.h"

#include "collet-worker-calls-private.h"

#include "collet-call-log.h"

#include <errno.h>
#include <sys/uio.h>

#include "collet-error.h"

#define SMALL 4096
#define RETRY_US 10000 /* without memory or fds */

G_STATIC_ASSERT (sizeof (gpointer) >= sizeof (guint64));

/* A frame that does not refer to the call any more: once a call is in the table,
 * another thread may end it. */
typedef struct
{
  struct collet_frame_header header;
  struct collet_call_request request;
  gsize size;
  char *bytes; /* tool, arguments, trace, replies, state */
  char small[SMALL];
} Frame;

/* mempcpy, also of nothing. */
static char *
put (char *end, const char *bytes, gsize size)
{
  return size > 0 ? mempcpy (end, bytes, size) : end;
}

static void
frame_init (Frame *frame, ColletGeneration *generation, const ColletCall *call)
{
  const ColletCallInput input = collet_generation_choose_input (generation, call);
  gsize tool_size = strlen (call->tool);
  gsize trace_size = call->trace != NULL ? strlen (call->trace) : 0;
  char *end;

  frame->header = (struct collet_frame_header){ .type = COLLET_FRAME_CALL };
  frame->request = (struct collet_call_request){
    .deadline_us = call->deadline_us,
    .tool_size = (guint32)tool_size,
    .arguments_size = (guint32)call->arguments_size,
    .trace_size = (guint32)trace_size,
    .wants_progress = call->wants_progress ? 1 : 0,
    .log_level = (guint16)collet_call_log_choose_level (call),
    .replies_size = (guint32)input.replies_size,
    .state_size = (guint32)input.state_size,
    .questions = input.questions,
  };
  frame->size = tool_size + call->arguments_size + trace_size + input.replies_size + input.state_size;
  frame->bytes = frame->size <= SMALL ? frame->small : g_malloc (frame->size);
  end = put (frame->bytes, call->tool, tool_size);
  end = put (end, call->arguments, call->arguments_size);
  end = put (end, call->trace, trace_size);
  end = put (end, input.replies, input.replies_size);
  put (end, input.state, input.state_size);
}

static void
frame_clear (Frame *frame)
{
  if (frame->bytes != frame->small)
    g_free (frame->bytes);
}

static int
frame_send (Frame *frame, ColletLink *link, guint64 id)
{
  struct iovec parts[2] = { { &frame->request, sizeof frame->request }, { frame->bytes, frame->size } };

  frame->header.id = id;
  return collet_link_send_call (link, &frame->header, parts, 2);
}

/* Back in front of the worker, which has not seen it. */
static void
put_back (ColletWorkerCalls *calls, guint64 id)
{
  gboolean is_over = FALSE;
  ColletCallEntry *entry;

  pthread_mutex_lock (&calls->lock);
  entry = collet_call_table_find (&calls->table, id);
  if (entry != NULL && entry->call != NULL)
    collet_call_table_move (&calls->table, entry, COLLET_CALL_QUEUED);
  else if (entry != NULL)
    {
      /* Its asker has been answered meanwhile, and no worker will. */
      collet_call_table_remove (&calls->table, entry);
      is_over = TRUE;
    }
  pthread_mutex_unlock (&calls->lock);
  if (is_over)
    collet_generation_release_lease (calls->generation);
  collet_io_advance_timer (calls->io, &calls->timer, 0);
}

static void
send_now (ColletWorkerCalls *calls, Frame *frame, guint64 id, ColletLink *link)
{
  int result = frame_send (frame, link, id);

  /* No room, a worker that just died, no memory: it goes with those that wait. */
  if (result < 0)
    put_back (calls, id);
}

static gboolean
has_window (ColletWorkerCalls *calls)
{
  return collet_call_table_get_length (&calls->table, COLLET_CALL_SENT) <
         calls->limits.executors + COLLET_WORKER_WINDOW;
}

typedef enum
{
  ADMIT_QUEUED,
  ADMIT_SEND,
  ADMIT_FULL,
  ADMIT_REFUSED,
  ADMIT_TOO_LARGE,
  ADMIT_CANCELLED,
} Admission;

/* Locked. */
static Admission
admit (ColletWorkerCalls *calls, ColletCall *call, const Frame *frame, guint64 *id)
{
  gboolean sends = calls->link != NULL && has_window (calls) &&
                   collet_call_table_get_length (&calls->table, COLLET_CALL_QUEUED) == 0;
  ColletCallEntry *entry;

  if (calls->refusal != NULL)
    return ADMIT_REFUSED;
  if (COLLET_CALL_CANCELLED_EARLY (call) != NULL)
    return ADMIT_CANCELLED;
  if (frame->size > COLLET_WIRE_MAX - sizeof frame->request)
    return ADMIT_TOO_LARGE;
  *id = collet_call_table_add (&calls->table, call, sends ? COLLET_CALL_SENT : COLLET_CALL_QUEUED);
  if (*id == 0)
    return ADMIT_FULL;
  COLLET_CALL_SET_ID (call, *id);
  entry = collet_call_table_find (&calls->table, *id);
  entry->came_us = entry->sent_us = g_get_monotonic_time ();
  return sends ? ADMIT_SEND : ADMIT_QUEUED;
}

static void
refuse (ColletWorkerCalls *calls, ColletCall *call, Admission admission, GError *refusal)
{
  g_autoptr (GError) error = refusal;

  if (admission == ADMIT_FULL)
    error = g_error_new (COLLET_ERROR, COLLET_ERROR_OVERLOADED,
                         "%s has %u calls at once already, which is its limit. Call again in a moment.",
                         collet_generation_get_title (calls->generation), calls->limits.max_in_flight);
  else if (admission == ADMIT_TOO_LARGE)
    error = g_error_new (
        COLLET_ERROR, COLLET_ERROR_MESSAGE_TOO_LARGE,
        "The call of %s is larger than the %u MiB that a worker takes. Pass less, or pass a reference.",
        collet_generation_get_title (calls->generation), COLLET_WIRE_MAX >> 20);
  else if (admission == ADMIT_CANCELLED)
    error = g_error_new_literal (COLLET_ERROR, COLLET_ERROR_CALL_CANCELLED,
                                 "The call was cancelled before it began.");
  collet_generation_refuse (calls->generation, call, error);
}

void
collet_worker_calls_dispatch (ColletWorkerCalls *calls, ColletCall *call)
{
  g_autoptr (ColletLink) link = NULL;
  g_autoptr (GError) refusal = NULL;
  gint64 deadline_us = call->deadline_us;
  gboolean starts = FALSE;
  Admission admission;
  guint64 id = 0;
  Frame frame;

  /* As soon as the call is in the table it may be over, and its lease gone; this
   * one keeps the generation until we have left. */
  collet_generation_take_lease (calls->generation);
  frame_init (&frame, calls->generation, call);
  pthread_mutex_lock (&calls->lock);
  admission = admit (calls, call, &frame, &id);
  if (admission == ADMIT_SEND)
    link = collet_link_ref (calls->link);
  else if (admission == ADMIT_REFUSED)
    refusal = g_error_copy (calls->refusal);
  else if (admission == ADMIT_QUEUED && calls->link == NULL && !calls->start_asked)
    starts = calls->start_asked = TRUE;
  pthread_mutex_unlock (&calls->lock);

  if (starts)
    calls->start (calls->user_data);
  if (admission <= ADMIT_SEND && deadline_us != G_MAXINT64)
    collet_io_advance_timer (calls->io, &calls->timer, deadline_us);
  if (admission == ADMIT_SEND)
    send_now (calls, &frame, id, link);
  else if (admission != ADMIT_QUEUED)
    refuse (calls, call, admission, g_steal_pointer (&refusal));
  frame_clear (&frame);
  collet_generation_release_lease (calls->generation);
}

void
collet_worker_calls_cancel (ColletWorkerCalls *calls, ColletCall *call)
{
  ColletCallEntry *entry;

  pthread_mutex_lock (&calls->lock);
  if (COLLET_CALL_ID (call) == 0)
    COLLET_CALL_CANCELLED_EARLY (call) = calls;
  entry = collet_call_table_find (&calls->table, COLLET_CALL_ID (call));
  if (entry != NULL && entry->call == call && !entry->cancelled)
    {
      entry->cancelled = TRUE;
      collet_io_advance_timer (calls->io, &calls->timer, 0);
    }
  pthread_mutex_unlock (&calls->lock);
}

/* Sends what waits, as far as the worker takes it. I/O thread. */
void
collet_worker_calls_flush (ColletWorkerCalls *calls)
{
  gboolean more = TRUE;

  g_assert (collet_io_is_current (calls->io));
  while (more)
    {
      g_autoptr (ColletLink) link = NULL;
      ColletCallEntry *entry;
      guint64 id = 0;
      Frame frame;
      int result;

      /* Nobody but this thread takes entries out of the queue, so the first one
       * stays there until it was sent, and newcomers queue behind it. */
      pthread_mutex_lock (&calls->lock);
      entry = collet_call_table_first (&calls->table, COLLET_CALL_QUEUED);
      if (entry != NULL && calls->link != NULL && has_window (calls))
        {
          link = collet_link_ref (calls->link);
          id = collet_call_table_get_id (&calls->table, entry);
          frame_init (&frame, calls->generation, entry->call);
        }
      pthread_mutex_unlock (&calls->lock);
      if (link == NULL)
        return;

      result = frame_send (&frame, link, id);
      frame_clear (&frame);
      more = result == 0;
      if (result == -EAGAIN)
        collet_link_want_room (link);
      else if (result < 0 && result != -EPIPE && result != -ECONNRESET)
        collet_io_advance_timer (calls->io, &calls->timer, g_get_monotonic_time () + RETRY_US);
      else if (result == 0)
        {
          pthread_mutex_lock (&calls->lock);
          entry = collet_call_table_find (&calls->table, id);
          entry->sent_us = g_get_monotonic_time ();
          collet_call_table_move (&calls->table, entry, COLLET_CALL_SENT);
          pthread_mutex_unlock (&calls->lock);
        }
    }
}

gboolean
collet_worker_calls_rest (ColletWorkerCalls *calls)
{
  gboolean rests;

  pthread_mutex_lock (&calls->lock);
  rests = collet_call_table_get_length (&calls->table, COLLET_CALL_QUEUED) == 0;
  if (rests)
    calls->start_asked = FALSE;
  pthread_mutex_unlock (&calls->lock);
  return rests;
}

gint64
collet_worker_calls_get_oldest (ColletWorkerCalls *calls)
{
  const ColletCallEntry *sent, *queued;
  gint64 oldest = G_MAXINT64;

  /* Both lists are in order but for what was put back, which was the newest. */
  pthread_mutex_lock (&calls->lock);
  sent = collet_call_table_first (&calls->table, COLLET_CALL_SENT);
  queued = collet_call_table_first (&calls->table, COLLET_CALL_QUEUED);
  if (sent != NULL)
    oldest = sent->came_us;
  if (queued != NULL)
    oldest = MIN (oldest, queued->came_us);
  pthread_mutex_unlock (&calls->lock);
  return oldest != G_MAXINT64 ? oldest : 0;
}
