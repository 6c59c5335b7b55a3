/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-mcp-ask.c: tools that ask legacy clients. Each question goes as a request
 * of ours on the call's stream; the client answers it by a POST of its session.
 * When all are answered the tool is called again with the answers, so a module
 * knows one way only, and neither a thread of it nor its generation waits for a
 * human being. */
#include "collet-mcp-ask-private.h"

#include "collet-error.h"

#include <string.h>

#define MAX_ROUNDS 16
#define MAX_REPLIES (4u * 1024u * 1024u) /* bytes of a round */
#define MAX_HELD_KIB (64 * 1024)         /* of all calls that wait for further answers */
#define ID_PREFIX "collet-"

static void
question_clear (gpointer data)
{
  ColletMcpQuestion *question = data;

  g_free (question->key);
  g_free (question->reply);
}

/* FALSE: there is no room for so much. */
static gboolean
hold (ColletMcpCall *call, gsize size)
{
  gint *held_kib = &call->server->asks->held_kib;
  gint kib = (gint)(size / 1024) + 1;

  call->ask->size += size;
  call->ask->held_kib += kib;
  return g_atomic_int_add (held_kib, kib) + kib <= MAX_HELD_KIB && call->ask->size <= MAX_REPLIES;
}

static void
let_go (ColletMcpCall *call)
{
  g_atomic_int_add (&call->server->asks->held_kib, -call->ask->held_kib);
  call->ask->held_kib = 0;
  call->ask->size = 0;
}

void
collet_mcp_ask_end (ColletMcpCall *call)
{
  if (call->ask)
    let_go (call);
}

void
collet_mcp_ask_free (ColletMcpCall *call)
{
  struct _ColletMcpAsk *ask = call->ask;

  if (!ask)
    return;
  g_array_unref (ask->questions);
  if (ask->replies)
    g_string_free (ask->replies, TRUE);
  g_free (ask);
}

/* TRUE for the one who goes on with the call. */
static gboolean
take_over (ColletMcpCall *call)
{
  ColletMcpAsks *asks = call->server->asks;
  gboolean was_waiting;

  pthread_mutex_lock (&call->lock);
  was_waiting = call->ask && call->ask->is_waiting;
  if (was_waiting)
    call->ask->is_waiting = FALSE;
  pthread_mutex_unlock (&call->lock);
  if (!was_waiting)
    return FALSE;
  pthread_mutex_lock (&asks->lock);
  g_queue_unlink (&asks->waiting, &call->ask->link);
  pthread_mutex_unlock (&asks->lock);
  return TRUE;
}

gboolean
collet_mcp_ask_abandon (ColletMcpCall *call, ColletError code, const char *message)
{
  const ColletCallResult nothing = { 0 };
  g_autoptr (GError) error = NULL;

  if (!take_over (call))
    return FALSE;
  error = g_error_new_literal (COLLET_ERROR, (gint)code, message);
  for (guint i = 0; i < call->ask->questions->len; i++)
    {
      const ColletMcpQuestion *question = &g_array_index (call->ask->questions, ColletMcpQuestion, i);
      GString *text;

      if (question->reply)
        continue;
      text = g_string_new ("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{");
      g_string_append_printf (text, "\"requestId\":\"" ID_PREFIX "%" G_GUINT64_FORMAT "\"}}", question->id);
      collet_mcp_call_send (call, text);
    }
  collet_mcp_call_finish_error (call, &nothing, error);
  collet_mcp_call_unref (call); /* the queue's */
  return TRUE;
}

/* The stream of a call that waits, owned, and until when it does. NULL: it does not
 * wait. */
static ColletMcpReplay *
ref_stream (ColletMcpCall *call, gint64 *deadline_us)
{
  ColletMcpReplay *replay = NULL;

  pthread_mutex_lock (&call->lock);
  if (call->ask && call->ask->is_waiting)
    {
      replay = collet_mcp_replay_ref (call->replay);
      *deadline_us = call->ask->deadline_us;
    }
  pthread_mutex_unlock (&call->lock);
  return replay;
}

void
collet_mcp_ask_lose (ColletMcpCall *call)
{
  gint64 deadline_us;
  ColletMcpReplay *replay = ref_stream (call, &deadline_us);

  if (!replay)
    return;
  collet_mcp_replay_lose (replay, call->reply.exchange);
  collet_mcp_replay_unref (replay);
  collet_mcp_ask_check (call, g_get_monotonic_time ());
}

void
collet_mcp_ask_check (ColletMcpCall *call, gint64 now_us)
{
  gint64 deadline_us;
  ColletMcpReplay *replay = ref_stream (call, &deadline_us);

  if (!replay)
    return;
  if (deadline_us <= now_us)
    collet_mcp_ask_abandon (call, COLLET_ERROR_CALL_TIMEOUT,
                            "The tool asked a question that nobody answered in time.");
  else if (collet_mcp_replay_is_deserted (replay, now_us))
    collet_mcp_ask_abandon (call, COLLET_ERROR_CALL_CANCELLED,
                            "The client that was to answer a question went away and did not come back.");
  collet_mcp_replay_unref (replay);
}

/* Asking. */

static GString *
make_request (const ColletJson *json, ColletJsonNode node, guint64 id)
{
  GString *text = g_string_new (NULL);
  gsize method_size, params_size;
  const char *method = collet_json_get_raw (json, collet_json_member (json, node, "method"), &method_size);
  const char *params = collet_json_get_raw (json, collet_json_member (json, node, "params"), &params_size);

  g_string_append_printf (text,
                          "{\"jsonrpc\":\"2.0\",\"id\":\"" ID_PREFIX "%" G_GUINT64_FORMAT
                          "\",\"method\":%.*s,\"params\":",
                          id, (int)method_size, method);
  g_string_append_len (text, params, (gssize)params_size);
  g_string_append_c (text, '}');
  return text;
}

static GPtrArray *
take_questions (ColletMcpCall *call, const ColletJson *json)
{
  ColletMcpAsks *asks = call->server->asks;
  struct _ColletMcpAsk *ask = call->ask;
  GPtrArray *requests = g_ptr_array_new ();
  ColletJsonNode all = collet_questions_get_requests (json);

  g_array_set_size (ask->questions, 0);
  let_go (call);
  for (ColletJsonNode node = collet_json_first (json, all); node; node = collet_json_next (json, node))
    {
      ColletMcpQuestion question = { .key = collet_json_dup_name (json, node) };

      pthread_mutex_lock (&asks->lock);
      question.id = ++asks->last_id;
      pthread_mutex_unlock (&asks->lock);
      g_array_append_val (ask->questions, question);
      g_ptr_array_add (requests, make_request (json, node, question.id));
    }
  ask->n_open = ask->questions->len;
  return requests;
}

static void
remember (ColletMcpCall *call, const ColletJson *json, const ColletVersion *version)
{
  collet_mcp_sealed_clear (&call->sealed);
  call->sealed.state = collet_questions_dup_state (json, &call->sealed.state_size);
  g_strlcpy (call->sealed.asked_by, version->sha256, sizeof call->sealed.asked_by);
  call->input.asked_by = call->sealed.asked_by;
  call->input.state = (const char *)call->sealed.state;
  call->input.state_size = call->sealed.state_size;
}

static void
wait_for_answers (ColletMcpCall *call, GPtrArray *requests)
{
  ColletMcpAsks *asks = call->server->asks;
  ColletMcpReplay *replay;
  gboolean is_over;

  /* Once it waits, another thread may end it. */
  collet_mcp_call_ref (call);
  collet_mcp_call_start_stream (call);
  replay = collet_mcp_replay_ref (call->replay);
  call->ask->deadline_us =
      g_get_monotonic_time () +
      collet_mcp_server_get_settings (call->server)->limits.input_timeout_ms * G_GINT64_CONSTANT (1000);
  call->ask->link.data = collet_mcp_call_ref (call);
  pthread_mutex_lock (&asks->lock);
  g_queue_push_tail_link (&asks->waiting, &call->ask->link);
  is_over = asks->is_ending;
  pthread_mutex_unlock (&asks->lock);
  pthread_mutex_lock (&call->lock);
  call->ask->is_waiting = TRUE;
  is_over |= call->is_cancelled;
  pthread_mutex_unlock (&call->lock);

  for (guint i = 0; i < requests->len; i++)
    {
      GString *request = requests->pdata[i];

      if (!is_over)
        collet_mcp_replay_send (replay, request->str, request->len);
      g_string_free (request, TRUE);
    }
  if (is_over)
    collet_mcp_ask_abandon (call, COLLET_ERROR_CALL_CANCELLED, "The call was cancelled.");
  else
    collet_mcp_ask_check (call, g_get_monotonic_time ());
  collet_mcp_replay_unref (replay);
  collet_mcp_call_unref (call);
}

static gboolean
check (ColletMcpCall *call, const ColletJson *json, GError **error)
{
  guint needed = 0;

  if (!collet_questions_check (json, &needed, error))
    return FALSE;
  if (call->ask->rounds++ >= MAX_ROUNDS)
    g_set_error (
        error, COLLET_ERROR, COLLET_ERROR_INVALID_RESULT,
        "The tool asked %d times and does not come to an end. Its module has a fault; tell its author.",
        MAX_ROUNDS);
  else if (needed & ~call->input.questions)
    {
      g_autoptr (GString) names = g_string_new (NULL);

      collet_questions_append_capabilities (names, needed & ~call->input.questions);
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_NOT_SUPPORTED,
                   "This tool asks for what the client did not say it can do, or not in a batch: %s.",
                   names->str);
    }
  else
    return TRUE;
  return FALSE;
}

static void
ensure_ask (ColletMcpCall *call)
{
  struct _ColletMcpAsk *ask;

  if (call->ask)
    return;
  ask = g_new0 (struct _ColletMcpAsk, 1);
  ask->questions = g_array_new (FALSE, FALSE, sizeof (ColletMcpQuestion));
  g_array_set_clear_func (ask->questions, question_clear);
  pthread_mutex_lock (&call->lock);
  call->ask = ask;
  pthread_mutex_unlock (&call->lock);
}

void
collet_mcp_ask_start (ColletMcpCall *call, const ColletCallResult *result)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ColletJson) json = collet_json_parse_borrowed (result->json, result->json_size, &error);
  g_autoptr (GPtrArray) requests = NULL;

  ensure_ask (call);
  if (!json)
    {
      g_clear_error (&error);
      g_set_error (&error, COLLET_ERROR, COLLET_ERROR_INVALID_RESULT,
                   "The tool's questions are no JSON. Its module has a fault; tell its author.");
    }
  if (!json || !check (call, json, &error))
    {
      collet_mcp_call_finish_error (call, result, error);
      return;
    }
  remember (call, json, result->version);
  requests = take_questions (call, json);
  wait_for_answers (call, requests);
}

/* Answers. */

static void
call_again (ColletMcpCall *call)
{
  struct _ColletMcpAsk *ask = call->ask;
  gboolean is_cancelled;

  if (!ask->replies)
    ask->replies = g_string_new (NULL);
  g_string_assign (ask->replies, "{");
  for (guint i = 0; i < ask->questions->len; i++)
    {
      const ColletMcpQuestion *question = &g_array_index (ask->questions, ColletMcpQuestion, i);

      if (i > 0)
        g_string_append_c (ask->replies, ',');
      collet_json_append_string (ask->replies, question->key, -1);
      g_string_append_printf (ask->replies, ":%s", question->reply);
    }
  g_string_append_c (ask->replies, '}');
  call->input.replies = ask->replies->str;
  call->input.replies_size = ask->replies->len;
  memset (call->base.target_data, 0, sizeof call->base.target_data);
  call->base.may_run_here = FALSE;
  /* What is counted as its time is what it takes from here. */
  call->start_us = g_get_monotonic_time ();
  call->base.deadline_us = call->start_us + call->timeout_ms * G_GINT64_CONSTANT (1000);
  pthread_mutex_lock (&call->lock);
  is_cancelled = call->is_cancelled;
  call->is_done = is_cancelled;
  pthread_mutex_unlock (&call->lock);
  if (is_cancelled)
    {
      g_autoptr (GError) error =
          g_error_new_literal (COLLET_ERROR, COLLET_ERROR_CALL_CANCELLED, "The call was cancelled.");
      const ColletCallResult nothing = { 0 };

      collet_mcp_call_finish_error (call, &nothing, error);
      return;
    }
  collet_call_target_dispatch (call->entry->target, &call->base);
}

/* An answer as the modern era has it: a client that will not, or cannot, answers
 * with an error here, and there declines. */
static char *
dup_reply (const ColletMcpRequest *request)
{
  const ColletJson *json = request->json;
  ColletJsonNode result = collet_json_member (json, request->root, "result");
  const char *raw;
  gsize size;

  if (result == 0 || collet_json_get_type (json, result) != COLLET_JSON_OBJECT)
    return g_strdup ("{\"action\":\"decline\"}");
  raw = collet_json_get_raw (json, result, &size);
  return g_strndup (raw, size);
}

typedef enum
{
  NOT_MINE,
  KEPT,
  LAST,
  TOO_LARGE,
} Taken;

static Taken
take_reply (ColletMcpCall *call, guint64 id, const ColletMcpRequest *request)
{
  Taken taken = NOT_MINE;

  pthread_mutex_lock (&call->lock);
  for (guint i = 0; call->ask && call->ask->is_waiting && i < call->ask->questions->len; i++)
    {
      ColletMcpQuestion *question = &g_array_index (call->ask->questions, ColletMcpQuestion, i);

      if (question->id != id || question->reply)
        continue;
      question->reply = dup_reply (request);
      taken = !hold (call, strlen (question->reply)) ? TOO_LARGE : --call->ask->n_open == 0 ? LAST : KEPT;
      break;
    }
  pthread_mutex_unlock (&call->lock);
  return taken;
}

static gpointer
keep (gpointer call, gpointer user_data)
{
  return collet_mcp_call_ref (call);
}

/* The number in an id of ours; 0: it is none. */
static guint64
read_id (const ColletMcpRequest *request)
{
  ColletJsonNode node = collet_json_member (request->json, request->root, "id");
  g_autofree char *text = node != 0 ? collet_json_dup_string (request->json, node) : NULL;
  guint64 id = 0;

  if (text && g_str_has_prefix (text, ID_PREFIX))
    g_ascii_string_to_unsigned (text + strlen (ID_PREFIX), 10, 1, G_MAXUINT64, &id, NULL);
  return id;
}

void
collet_mcp_ask_take_answer (const ColletMcpTurn *turn)
{
  guint64 id = read_id (&turn->request);
  g_autoptr (GPtrArray) calls = NULL;

  if (id == 0)
    return;
  calls = collet_mcp_session_collect_calls (turn->session, keep, NULL);
  for (guint i = 0; i < calls->len; i++)
    {
      ColletMcpCall *call = calls->pdata[i];
      Taken taken = take_reply (call, id, &turn->request);

      if (taken == LAST && take_over (call))
        {
          call_again (call);
          collet_mcp_call_unref (call); /* the queue's */
        }
      else if (taken == TOO_LARGE)
        collet_mcp_ask_abandon (
            call, COLLET_ERROR_MESSAGE_TOO_LARGE,
            "The answers to the tool's questions are larger than 4 MiB, or there are too many such.");
      collet_mcp_call_unref (call);
    }
}
