/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-runtime.h"
#include "collet-wire.h"

#include "collet-inproc-calls.h"

#include <pthread.h>

#include "collet-call-log.h"
#include "collet-error.h"
#include "collet-quick-promise.h"

typedef enum
{
  ENTRY_WAITING, /* for the start */
  ENTRY_QUEUED,  /* a job of the pool */
  ENTRY_RUNNING,
  ENTRY_OVER,
} EntryState;

typedef struct
{
  gint ref_count; /* atomic: of the list or the job, and of who answers it */
  ColletInprocCalls *calls;
  GList link; /* in the calls that are not over */

  pthread_mutex_t talk; /* held while something is said to the asker; the last lock taken but `lock` */
  ColletCall *call;     /* by talk; NULL: answered */

  EntryState state; /* these by the calls' lock */
  gboolean has_lease;
  gboolean cancelled;
  gboolean settled; /* answered, but it still runs */
  gint64 told_us;
  gint64 came_us;

  char *bytes; /* tool, arguments, replies, state */
  struct collet_request request;
  atomic_bool stop;
  int log_level;
} Entry;

struct _ColletInprocCalls
{
  gint ref_count; /* atomic: the generation, each entry */
  ColletIo *io;
  ColletGeneration *generation;
  guint max_in_flight;
  gint64 grace_us;
  void (*start) (gpointer user_data);
  gpointer user_data;
  ColletIoTimer timer;
  atomic_bool stopping;
  ColletQuickPromise promise;

  pthread_mutex_t lock; /* of what follows */
  GQueue entries;       /* Entry, those not over, in order */
  guint n_running;
  ColletInprocPool *pool; /* NULL: not started */
  struct collet_runtime *runtime;
  gboolean start_asked;
  GError *refusal;
};

static void
calls_unref (ColletInprocCalls *calls)
{
  if (!g_atomic_int_dec_and_test (&calls->ref_count))
    return;
  g_clear_error (&calls->refusal);
  collet_quick_promise_clear (&calls->promise);
  pthread_mutex_destroy (&calls->lock);
  g_free (calls);
}

static void
entry_unref (Entry *entry)
{
  if (!g_atomic_int_dec_and_test (&entry->ref_count))
    return;
  calls_unref (entry->calls);
  pthread_mutex_destroy (&entry->talk);
  g_free (entry->bytes);
  g_free (entry);
}

static Entry *
entry_new (ColletInprocCalls *calls, ColletCall *call)
{
  const ColletCallInput input = collet_generation_choose_input (calls->generation, call);
  gsize tool_size = strlen (call->tool);
  gsize trace_size = call->trace != NULL ? strlen (call->trace) : 0;
  Entry *entry = g_new0 (Entry, 1);
  char *replies;

  entry->ref_count = 1;
  g_atomic_int_inc (&calls->ref_count);
  entry->calls = calls;
  entry->link.data = entry;
  pthread_mutex_init (&entry->talk, NULL);
  entry->call = call;
  entry->has_lease = TRUE;
  entry->came_us = g_get_monotonic_time ();
  entry->bytes =
      g_malloc (tool_size + call->arguments_size + input.replies_size + input.state_size + trace_size + 1);
  memcpy (entry->bytes, call->tool, tool_size);
  memcpy (entry->bytes + tool_size, call->arguments, call->arguments_size);
  replies = entry->bytes + tool_size + call->arguments_size;
  if (input.replies_size > 0)
    memcpy (replies, input.replies, input.replies_size);
  if (input.state_size > 0)
    memcpy (replies + input.replies_size, input.state, input.state_size);
  if (trace_size > 0)
    memcpy (replies + input.replies_size + input.state_size, call->trace, trace_size);
  entry->log_level = call->log_level;
  entry->request = (struct collet_request){
    .tool = entry->bytes,
    .tool_size = tool_size,
    .arguments = entry->bytes + tool_size,
    .arguments_size = call->arguments_size,
    .deadline_us = call->deadline_us,
    .wants_progress = call->wants_progress,
    .log_level = collet_call_log_choose_level (call),
    .cancelled = &entry->stop,
    .stopping = &calls->stopping,
    .questions = input.questions,
    .replies = replies,
    .replies_size = input.replies_size,
    .state = replies + input.replies_size,
    .state_size = input.state_size,
    .trace = replies + input.replies_size + input.state_size,
    .trace_size = trace_size,
  };
  return entry;
}

/* Answers, unless somebody has. */
static void
entry_answer (Entry *entry, ColletCallResult *result)
{
  ColletCall *call;

  pthread_mutex_lock (&entry->talk);
  call = g_steal_pointer (&entry->call);
  pthread_mutex_unlock (&entry->talk);
  if (call != NULL)
    collet_generation_answer (entry->calls->generation, call, result);
}

/* Locked. The caller releases the lease if there was one. */
static gboolean
entry_end (Entry *entry)
{
  gboolean had_lease = entry->has_lease;

  if (entry->state != ENTRY_OVER)
    g_queue_unlink (&entry->calls->entries, &entry->link);
  entry->state = ENTRY_OVER;
  entry->has_lease = FALSE;
  return had_lease;
}

/* A module that is not what it says: from now on it has threads of its own. */
static void
warn_of_broken_promise (ColletInprocCalls *calls, const char *tool, gsize tool_size, const char *why)
{
  g_warning ("%s says in its manifest that it is quick, but %s (%.*s). From now on its calls run in threads "
             "of its own. Take \"quick\" out of the manifest, or do what lasts elsewhere.",
             collet_generation_get_title (calls->generation), why, (int)tool_size, tool);
}

static void
entry_break_promise (const Entry *entry, const char *why)
{
  if (collet_quick_promise_break (&entry->calls->promise))
    warn_of_broken_promise (entry->calls, entry->request.tool, entry->request.tool_size, why);
}

/* Those who wait get what it reports when it is over, so it is not quick. */
static void
on_progress (void *user_data, const char *json, size_t size)
{
  Entry *entry = user_data;

  entry_break_promise (entry, "a call reported progress");
  pthread_mutex_lock (&entry->talk);
  if (entry->call != NULL && entry->call->class_->progress != NULL)
    entry->call->class_->progress (entry->call, json, size);
  pthread_mutex_unlock (&entry->talk);
}

static void
on_log (void *user_data, enum collet_level level, const char *json, size_t size)
{
  Entry *entry = user_data;

  pthread_mutex_lock (&entry->talk);
  if (entry->call != NULL)
    collet_call_log_add_line (entry->calls->generation, entry->call, (int)level, json, size);
  if (entry->call != NULL && entry->call->class_->log != NULL && (int)level >= entry->log_level)
    entry->call->class_->log (entry->call, (int)level, json, size);
  pthread_mutex_unlock (&entry->talk);
}

static void
check_promise (const Entry *entry, const ColletCallResult *answer, gint64 began, gint64 ended)
{
  const char *why = collet_quick_promise_end (&entry->calls->promise, began, ended);

  if (why != NULL)
    warn_of_broken_promise (entry->calls, entry->request.tool, entry->request.tool_size, why);
  else if (answer->is_asking)
    entry_break_promise (entry, "a call asked its client");
  else if (answer->is_cancelled)
    entry_break_promise (entry, "a call lasted until it was told to stop");
}

/* On a thread of the pool, or a guest's. */
static void
run_entry (Entry *entry, struct collet_scratch *scratch, gint64 began)
{
  ColletInprocCalls *calls = entry->calls;
  const struct collet_sink sink = { on_progress, on_log, entry };
  struct collet_result result;
  ColletCallResult answer = { 0 };
  gboolean had_lease;
  gint64 ended;

  pthread_mutex_lock (&calls->lock);
  if (entry->state == ENTRY_OVER)
    {
      pthread_mutex_unlock (&calls->lock);
      entry_unref (entry);
      return;
    }
  entry->state = ENTRY_RUNNING;
  calls->n_running++;
  pthread_mutex_unlock (&calls->lock);

  collet_quick_promise_begin (&calls->promise, began);
  collet_runtime_call (calls->runtime, scratch, &entry->request, &sink, &result);
  answer.json = result.json;
  answer.json_size = result.size;
  answer.is_cancelled = result.status == COLLET_CANCELLED;
  answer.is_asking = result.status == COLLET_INPUT_REQUIRED;
  ended = g_get_monotonic_time ();
  answer.run_us = ended - began;
  check_promise (entry, &answer, began, ended);
  entry_answer (entry, &answer);

  pthread_mutex_lock (&calls->lock);
  had_lease = entry_end (entry);
  calls->n_running--;
  pthread_mutex_unlock (&calls->lock);
  if (had_lease)
    collet_generation_release_lease (calls->generation);
  entry_unref (entry);
}

static void
run_call (gpointer data, struct collet_scratch *scratch)
{
  run_entry (data, scratch, g_get_monotonic_time ());
}

static void
refuse (ColletInprocCalls *calls, ColletCall *call, const GError *refusal, gboolean is_full)
{
  g_autoptr (GError) error = NULL;

  if (refusal != NULL)
    error = g_error_copy (refusal);
  else if (is_full)
    error = g_error_new (COLLET_ERROR, COLLET_ERROR_OVERLOADED,
                         "%s has %u calls at once already, which is its limit. Call again in a moment.",
                         collet_generation_get_title (calls->generation), calls->max_in_flight);
  else
    error = g_error_new_literal (COLLET_ERROR, COLLET_ERROR_CALL_CANCELLED,
                                 "The call was cancelled before it began.");
  collet_generation_refuse (calls->generation, call, error);
}

static void
free_scratch (gpointer data)
{
  collet_scratch_free (data);
}

static GPrivate guest_scratch = G_PRIVATE_INIT (free_scratch);

static void
run_here (ColletInprocPool *pool, Entry *entry)
{
  struct collet_scratch *scratch = g_private_get (&guest_scratch);

  if (scratch == NULL)
    {
      scratch = collet_scratch_new ();
      g_private_set (&guest_scratch, scratch);
    }
  run_entry (entry, scratch, entry->came_us);
  collet_inproc_pool_leave (pool);
}

/* Locked. On this thread, at once? Nobody who asked can be told anything until such
 * a call is over: not for one that comes with answers, nor while another hangs. */
static ColletInprocPool *
enter_pool (ColletInprocCalls *calls, const ColletCall *call, const Entry *entry)
{
  const Entry *oldest = g_queue_peek_head (&calls->entries);

  if (!call->may_run_here || entry->request.replies_size > 0 ||
      collet_quick_promise_get_state (&calls->promise) != COLLET_PROMISE_KEPT)
    return NULL;
  if (entry->came_us - oldest->came_us > COLLET_QUICK_LONG_US)
    {
      entry_break_promise (oldest, "a call has not come back for half a second");
      return NULL;
    }
  return collet_inproc_pool_enter (calls->pool) ? calls->pool : NULL;
}

void
collet_inproc_calls_dispatch (ColletInprocCalls *calls, ColletCall *call)
{
  ColletInprocPool *entered = NULL;
  gint64 deadline_us = call->deadline_us;
  g_autoptr (GError) refusal = NULL;
  gboolean is_full, starts = FALSE;
  Entry *entry = NULL;

  /* As soon as the call is listed it may be over, and its lease gone. */
  collet_generation_take_lease (calls->generation);
  pthread_mutex_lock (&calls->lock);
  is_full = calls->entries.length >= calls->max_in_flight;
  if (calls->refusal != NULL)
    refusal = g_error_copy (calls->refusal);
  else if (!is_full && call->target_data[2] == NULL)
    {
      entry = entry_new (calls, call);
      call->target_data[1] = entry;
      g_queue_push_tail_link (&calls->entries, &entry->link);
      entry->state = calls->pool != NULL ? ENTRY_QUEUED : ENTRY_WAITING;
      entered = calls->pool != NULL ? enter_pool (calls, call, entry) : NULL;
      if (calls->pool != NULL && entered == NULL)
        collet_inproc_pool_push (calls->pool, run_call, entry, FALSE);
      else if (calls->pool == NULL && !calls->start_asked)
        starts = calls->start_asked = TRUE;
    }
  pthread_mutex_unlock (&calls->lock);

  if (entry == NULL)
    refuse (calls, call, refusal, is_full);
  else if (deadline_us != G_MAXINT64)
    collet_io_advance_timer (calls->io, &calls->timer, deadline_us);
  if (starts)
    calls->start (calls->user_data);
  if (entered != NULL)
    run_here (entered, entry);
  collet_generation_release_lease (calls->generation);
}

void
collet_inproc_calls_cancel (ColletInprocCalls *calls, ColletCall *call)
{
  Entry *entry;

  pthread_mutex_lock (&calls->lock);
  entry = call->target_data[1];
  if (entry == NULL)
    call->target_data[2] = calls;
  else if (!entry->cancelled)
    {
      entry->cancelled = TRUE;
      atomic_store (&entry->stop, true);
      collet_io_advance_timer (calls->io, &calls->timer, 0);
    }
  pthread_mutex_unlock (&calls->lock);
}

/* An answer that is not the module's, to be given without the lock. */
typedef struct
{
  Entry *entry;
  gboolean is_late;
  gboolean had_lease;
} Duty;

/* Locked. `ends`: its lease goes, whether it runs or not. */
static void
add_duty (GArray *duties, Entry *entry, gboolean ends)
{
  Duty duty = { .entry = entry, .is_late = !entry->cancelled };

  /* One that waits has no job that would let go of it. */
  if (entry->state != ENTRY_WAITING)
    g_atomic_int_inc (&entry->ref_count);
  if (entry->state == ENTRY_RUNNING && !ends)
    entry->settled = TRUE;
  else
    duty.had_lease = entry_end (entry);
  g_array_append_val (duties, duty);
}

static void
do_duty (ColletInprocCalls *calls, const Duty *duty, const GError *error)
{
  ColletCallResult result = { .error = error };

  entry_answer (duty->entry, &result);
  entry_unref (duty->entry);
  if (duty->had_lease)
    collet_generation_release_lease (calls->generation);
}

/* Time, on the I/O thread */

/* Locked. TRUE: its asker is to be answered now. */
static gboolean
is_due (Entry *entry, gint64 now, gint64 grace_us, gint64 *next)
{
  gboolean is_late = entry->request.deadline_us <= now;

  if (entry->told_us == 0 && (entry->cancelled || is_late))
    {
      entry->told_us = now;
      atomic_store (&entry->stop, true);
    }
  if (is_late || (entry->cancelled && (entry->state != ENTRY_RUNNING || now >= entry->told_us + grace_us)))
    return TRUE;
  *next = MIN (*next, entry->request.deadline_us);
  if (entry->cancelled)
    *next = MIN (*next, entry->told_us + grace_us);
  return FALSE;
}

static GError *
make_late_error (ColletInprocCalls *calls, gboolean is_late)
{
  const char *title = collet_generation_get_title (calls->generation);

  if (is_late)
    return g_error_new (COLLET_ERROR, COLLET_ERROR_CALL_TIMEOUT,
                        "The call's time was over before %s answered it.", title);
  return g_error_new (COLLET_ERROR, COLLET_ERROR_CALL_CANCELLED,
                      "The call was cancelled; %s did not answer it.", title);
}

static void
check_time (gpointer user_data, gint64 now)
{
  ColletInprocCalls *calls = user_data;
  g_autoptr (GArray) duties = g_array_new (FALSE, FALSE, sizeof (Duty));
  gint64 next = G_MAXINT64;
  GList *following;

  pthread_mutex_lock (&calls->lock);
  for (GList *l = calls->entries.head; l != NULL; l = following)
    {
      Entry *entry = l->data;

      following = l->next;
      if (!entry->settled && is_due (entry, now, calls->grace_us, &next))
        add_duty (duties, entry, FALSE);
    }
  pthread_mutex_unlock (&calls->lock);

  for (guint i = 0; i < duties->len; i++)
    {
      const Duty *duty = &g_array_index (duties, Duty, i);
      g_autoptr (GError) error = make_late_error (calls, duty->is_late);

      do_duty (calls, duty, error);
    }
  if (next != G_MAXINT64)
    collet_io_advance_timer (calls->io, &calls->timer, next);
}

/* Orders of the main thread */

void
collet_inproc_calls_open (ColletInprocCalls *calls, ColletInprocPool *pool, struct collet_runtime *runtime)
{
  pthread_mutex_lock (&calls->lock);
  calls->pool = pool;
  calls->runtime = runtime;
  calls->start_asked = FALSE;
  for (GList *l = calls->entries.head; l != NULL; l = l->next)
    {
      Entry *entry = l->data;

      entry->state = ENTRY_QUEUED;
      collet_inproc_pool_push (pool, run_call, entry, FALSE);
    }
  pthread_mutex_unlock (&calls->lock);
}

void
collet_inproc_calls_refuse (ColletInprocCalls *calls, const GError *error, gboolean stays)
{
  g_autoptr (GArray) duties = g_array_new (FALSE, FALSE, sizeof (Duty));
  g_autoptr (GError) former = NULL;

  pthread_mutex_lock (&calls->lock);
  former = g_steal_pointer (&calls->refusal);
  calls->refusal = stays ? g_error_copy (error) : NULL;
  calls->start_asked = FALSE;
  atomic_store (&calls->stopping, (bool)stays);
  while (calls->entries.head != NULL)
    add_duty (duties, calls->entries.head->data, TRUE);
  pthread_mutex_unlock (&calls->lock);

  for (guint i = 0; i < duties->len; i++)
    do_duty (calls, &g_array_index (duties, Duty, i), error);
}

guint
collet_inproc_calls_count_running (ColletInprocCalls *calls)
{
  guint n;

  pthread_mutex_lock (&calls->lock);
  n = calls->n_running;
  pthread_mutex_unlock (&calls->lock);
  return n;
}

gint64
collet_inproc_calls_get_oldest (ColletInprocCalls *calls)
{
  const Entry *first;
  gint64 oldest;

  pthread_mutex_lock (&calls->lock);
  first = g_queue_peek_head (&calls->entries);
  oldest = first != NULL ? first->came_us : 0;
  pthread_mutex_unlock (&calls->lock);
  return oldest;
}

ColletPromiseState
collet_inproc_calls_get_promise (ColletInprocCalls *calls)
{
  return collet_quick_promise_get_state (&calls->promise);
}

/* Life */

static void
attach_timer (gpointer data)
{
  ColletInprocCalls *calls = data;

  collet_io_add_timer (calls->io, &calls->timer);
}

ColletInprocCalls *
collet_inproc_calls_new (ColletIo *io, ColletGeneration *generation, guint max_in_flight, guint grace_ms,
                         void (*start) (gpointer user_data), gpointer user_data)
{
  ColletInprocCalls *calls = g_new0 (ColletInprocCalls, 1);

  calls->ref_count = 1;
  calls->io = io;
  calls->generation = generation;
  collet_quick_promise_init (&calls->promise, collet_generation_get_spec (generation)->manifest->quick);
  calls->max_in_flight = max_in_flight;
  calls->grace_us = (gint64)grace_ms * 1000;
  calls->start = start;
  calls->user_data = user_data;
  calls->timer = (ColletIoTimer){ G_MAXINT64, 0, check_time, calls };
  pthread_mutex_init (&calls->lock, NULL);
  g_queue_init (&calls->entries);
  collet_io_post (io, attach_timer, calls);
  return calls;
}

static void
dispose (gpointer data)
{
  ColletInprocCalls *calls = data;

  collet_io_remove_timer (calls->io, &calls->timer);
  calls_unref (calls);
}

void
collet_inproc_calls_close (ColletInprocCalls *calls)
{
  collet_io_post (calls->io, dispose, calls);
}
