/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-stdio-private.h"

#include "collet-stdio-daemon.h"

#include <string.h>

#define FIRST_PAUSE_MS 20
#define LONGEST_PAUSE_MS 500
#define BUSY 503
#define TOO_MANY 429
#define NOT_FOUND 404
#define TAKEN 202
#define INTERRUPTED                                                                                          \
  "The daemon went away before it answered. The call may have run or not: look before you repeat it."

static void on_open (gpointer data);
static void on_event (const char *data, gsize size, gpointer user_data);
static void on_done (const ColletStdioOutcome *outcome, gpointer user_data);

static const ColletStdioPostOwner post_owner = { on_open, on_event, on_done };

ColletStdioTask *
collet_stdio_task_new (ColletStdioBridge *bridge, ColletStdioMessage *message, GBytes *body, gboolean is_own)
{
  ColletStdioTask *task = g_new0 (ColletStdioTask, 1);

  task->bridge = bridge;
  task->message = message;
  task->body = body;
  task->is_own = is_own;
  task->link.data = task;
  g_queue_push_tail_link (&bridge->tasks, &task->link);
  return task;
}

void
collet_stdio_task_free (ColletStdioTask *task)
{
  collet_stdio_bridge_forget (task->bridge, task);
  g_clear_pointer (&task->post, collet_stdio_post_cancel);
  g_clear_handle_id (&task->retry, g_source_remove);
  g_clear_pointer (&task->message, collet_stdio_message_free);
  g_clear_pointer (&task->body, g_bytes_unref);
  g_free (task->last_event_id);
  g_free (task);
}

static gboolean
is_request (const ColletStdioTask *task)
{
  return task->message != NULL && task->message->kind == COLLET_STDIO_REQUEST;
}

static gboolean
is (const ColletStdioTask *task, const char *method)
{
  return task->message != NULL && collet_stdio_message_is (task->message, method);
}

static gboolean
is_modern (const ColletStdioTask *task)
{
  return task->message != NULL && task->message->is_modern;
}

void
collet_stdio_task_fail (ColletStdioTask *task, const char *reason, const char *text)
{
  ColletStdioBridge *bridge = task->bridge;
  gboolean was_opening = is (task, "initialize");

  if (task->is_own || !is_request (task))
    g_printerr ("collet-stdio: %s\n", text);
  else if (!task->is_answered)
    {
      g_autofree char *line = collet_stdio_error_new (task->message->id, reason, text);

      collet_stdio_bridge_write (bridge, line, strlen (line));
    }
  collet_stdio_task_free (task);
  if (was_opening)
    collet_stdio_bridge_not_opened (bridge);
}

void
collet_stdio_task_run (ColletStdioTask *task)
{
  ColletStdioBridge *bridge = task->bridge;
  gboolean is_resumed = task->last_event_id != NULL || task->message == NULL;
  gboolean has_session = !is_modern (task) && !is (task, "initialize");
  ColletStdioRequest request = {
    .method = is_resumed ? "GET" : "POST",
    .body = is_resumed ? NULL : task->body,
    .session = has_session ? bridge->session : NULL,
    .revision = has_session        ? bridge->revision
                : is_modern (task) ? task->message->revision
                                   : NULL,
    .last_event_id = task->last_event_id,
    .is_fresh = !is_resumed && !collet_stdio_message_is_repeatable (task->message),
  };

  if (task->post != NULL || task->retry != 0 || (has_session && bridge->is_opening && !task->is_own))
    return;
  task->post = collet_stdio_post_start (bridge->http, &request, &post_owner, task);
  if (collet_stdio_lines_is_full (bridge->lines))
    collet_stdio_post_hold (task->post, TRUE);
}

static gboolean
on_retry (gpointer data)
{
  ColletStdioTask *task = data;

  task->retry = 0;
  collet_stdio_task_run (task);
  return G_SOURCE_REMOVE;
}

/* Once more in a moment; `text` is why it was in vain when the time is over. */
static void
retry (ColletStdioTask *task, const char *text)
{
  gint64 now_us = g_get_monotonic_time ();
  guint pause_ms = MIN (FIRST_PAUSE_MS << MIN (task->tries, 10u), LONGEST_PAUSE_MS);

  if (task->give_up_us == 0)
    task->give_up_us = now_us + (gint64)task->bridge->config.wait_ms * 1000;
  if (task->message != NULL && now_us > task->give_up_us)
    {
      collet_stdio_task_fail (task, "Timeout", text);
      return;
    }
  task->tries++;
  task->retry = g_timeout_add (pause_ms, on_retry, task);
}

/* ---- what comes ---- */

static void
on_open (gpointer data)
{
  ColletStdioTask *task = data;

  task->tries = 0;
  task->give_up_us = 0;
}

/* A subscription that was opened again: its second acknowledgement is no news to
 * the client, but what changed meanwhile is; nobody knows whether something did. */
static gboolean
replace_acknowledgement (ColletStdioTask *task, const char *data, gsize size)
{
  static const char acknowledged[] = "notifications/subscriptions/acknowledged";
  static const char wanted[] = "\"toolsListChanged\":true";
  gboolean is_first = g_strstr_len (data, (gssize)size, acknowledged) != NULL;
  g_autofree char *line = NULL;

  if (!is_first || !task->was_opened)
    {
      task->was_opened |= is_first;
      return FALSE;
    }
  if (g_strstr_len (data, (gssize)size, wanted) == NULL)
    return TRUE;
  line = g_strdup_printf ("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\",\"params\":{"
                          "\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":%s}}}",
                          task->message->id);
  collet_stdio_bridge_write (task->bridge, line, strlen (line));
  return TRUE;
}

static void
on_event (const char *data, gsize size, gpointer user_data)
{
  ColletStdioTask *task = user_data;

  if (is_request (task))
    {
      g_autoptr (ColletStdioMessage) message = collet_stdio_message_read (data, size);
      gboolean is_answer =
          message->kind == COLLET_STDIO_RESPONSE && g_strcmp0 (message->id, task->message->id) == 0;

      /* The daemon ends subscriptions when it ends; ours goes on. */
      if (is (task, "subscriptions/listen"))
        {
          if (is_answer || replace_acknowledgement (task, data, size))
            return;
        }
      task->is_answered |= is_answer;
    }
  collet_stdio_bridge_write (task->bridge, data, size);
}

static void
end_stream (ColletStdioTask *task, const ColletStdioOutcome *outcome)
{
  if (outcome->last_event_id != NULL)
    {
      g_free (task->last_event_id);
      task->last_event_id = g_strdup (outcome->last_event_id);
    }
  if (task->is_answered)
    collet_stdio_task_free (task);
  else if (task->message == NULL || is (task, "subscriptions/listen") || task->last_event_id != NULL)
    retry (task, "The stream of the answer broke off, and the daemon did not come back.");
  else
    collet_stdio_task_fail (task, "Interrupted", INTERRUPTED);
}

/* The answer to an initialize of the client's, or of the bridge's own. */
static void
take_opening (ColletStdioTask *task, const ColletStdioOutcome *outcome)
{
  g_autoptr (ColletStdioMessage) answer = collet_stdio_message_read (outcome->body, outcome->size);
  ColletStdioBridge *bridge = task->bridge;
  g_autofree char *session = g_strdup (outcome->session);
  gboolean is_own = task->is_own;

  if (!task->is_own)
    collet_stdio_bridge_write (bridge, outcome->body, outcome->size);
  collet_stdio_task_free (task);
  if (answer->revision != NULL && session != NULL)
    collet_stdio_bridge_opened (bridge, session, answer->revision, is_own);
  else
    collet_stdio_bridge_not_opened (bridge);
}

/* Plain text and the like, for a request: the daemon's words in the form of an
 * answer. */
static void
fail_with_text (ColletStdioTask *task, const ColletStdioOutcome *outcome)
{
  g_autofree char *body = g_strndup (outcome->body != NULL ? outcome->body : "", MIN (outcome->size, 1000));
  g_autofree char *text =
      g_strdup_printf ("The daemon answered with HTTP status %u. %s", outcome->status, g_strstrip (body));

  collet_stdio_task_fail (task, outcome->status == 413 ? "MessageTooLarge" : "NotAuthorized", text);
}

static gboolean
is_unknown_session (const ColletStdioTask *task, const ColletStdioOutcome *outcome)
{
  g_autoptr (ColletStdioMessage) answer = NULL;

  if (outcome->status != NOT_FOUND || is_modern (task) || is (task, "initialize") || !outcome->is_json)
    return FALSE;
  answer = collet_stdio_message_read (outcome->body, outcome->size);
  return answer->is_unknown_session;
}

static void
take_answer (ColletStdioTask *task, const ColletStdioOutcome *outcome)
{
  gboolean was_ready = is (task, "notifications/initialized") && outcome->status == TAKEN;
  ColletStdioBridge *bridge = task->bridge;

  if ((outcome->status == BUSY || outcome->status == TOO_MANY) && !outcome->is_json)
    retry (task, "The daemon is ending or has too much to do.");
  else if (is_unknown_session (task, outcome) && bridge->greeting != NULL)
    {
      /* A call whose stream broke off must not be made again. */
      if (is_request (task) && task->last_event_id != NULL)
        collet_stdio_task_fail (task, "Interrupted", INTERRUPTED);
      else
        g_clear_pointer (&task->last_event_id, g_free); /* of the lost session */
      collet_stdio_bridge_reopen (bridge);
    }
  else if (is (task, "initialize") && outcome->is_json)
    take_opening (task, outcome);
  else if (is_request (task) && !outcome->is_json)
    fail_with_text (task, outcome);
  else if (task->message == NULL)
    collet_stdio_task_fail (task, "Failed", "The daemon does not give the session's news.");
  else
    {
      /* To what was no request only its maker can match an error. */
      if (outcome->is_json && (is_request (task) || task->message->kind == COLLET_STDIO_INVALID))
        collet_stdio_bridge_write (bridge, outcome->body, outcome->size);
      else if (outcome->status >= 400)
        g_printerr ("collet-stdio: HTTP status %u for a %s\n", outcome->status,
                    task->message->method != NULL ? task->message->method : "response");
      collet_stdio_task_free (task);
      if (was_ready)
        collet_stdio_bridge_ask_for_news (bridge);
    }
}

static void
on_done (const ColletStdioOutcome *outcome, gpointer user_data)
{
  ColletStdioTask *task = user_data;
  gboolean is_repeatable = task->message == NULL || collet_stdio_message_is_repeatable (task->message);

  task->post = NULL;
  if (outcome->is_stream)
    end_stream (task, outcome);
  else if (outcome->error == NULL)
    take_answer (task, outcome);
  else if (outcome->was_sent && !is_repeatable && task->last_event_id == NULL)
    collet_stdio_task_fail (task, "Interrupted", INTERRUPTED);
  else
    {
      /* Who only waits for news does not start a daemon that was stopped. */
      if (!outcome->was_sent && task->message != NULL && !task->was_opened)
        collet_stdio_daemon_wake (task->bridge->config.bus);
      retry (task, "The daemon cannot be reached. Start colletd, or see why it does not start.");
    }
}
