/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-stdio-private.h"

#include <string.h>

#define MAX_LINE (64u * 1024u * 1024u)
#define MAX_REQUESTS 256
#define MAX_TASKS 1024 /* requests and all else: then the client waits */
#define FAREWELL_MS 1000

static const char ready[] = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}";

/* Takes lines only while there is room for what becomes of them. */
static void
update_hold (ColletStdioBridge *bridge)
{
  if (!bridge->is_ending && !bridge->has_ended)
    collet_stdio_lines_hold (bridge->lines,
                             bridge->tasks.length >= MAX_TASKS || collet_stdio_lines_is_full (bridge->lines));
}

void
collet_stdio_bridge_write (ColletStdioBridge *bridge, const char *line, gsize size)
{
  collet_stdio_lines_write (bridge->lines, line, size);
  if (!collet_stdio_lines_is_full (bridge->lines))
    return;
  update_hold (bridge);
  for (GList *link = bridge->tasks.head; link != NULL; link = link->next)
    {
      ColletStdioTask *task = link->data;

      if (task->post != NULL)
        collet_stdio_post_hold (task->post, TRUE);
    }
}

static void
on_room (gpointer data)
{
  ColletStdioBridge *bridge = data;

  for (GList *link = bridge->tasks.head; link != NULL; link = link->next)
    {
      ColletStdioTask *task = link->data;

      if (task->post != NULL)
        collet_stdio_post_hold (task->post, FALSE);
    }
  update_hold (bridge);
}

/* ---- the end ---- */

static gboolean
on_all_done (gpointer data)
{
  ColletStdioBridge *bridge = data;

  if (!collet_stdio_lines_is_empty (bridge->lines))
    return G_SOURCE_CONTINUE;
  bridge->ending = 0;
  bridge->has_ended = TRUE;
  bridge->on_end (bridge->user_data);
  return G_SOURCE_REMOVE;
}

static void
on_farewell (const ColletStdioOutcome *outcome, gpointer user_data)
{
  ColletStdioBridge *bridge = user_data;

  g_clear_handle_id (&bridge->ending, g_source_remove);
  bridge->ending = g_timeout_add (1, on_all_done, bridge);
}

static gboolean
on_no_farewell (gpointer data)
{
  on_farewell (NULL, data);
  return G_SOURCE_REMOVE;
}

/* The client wrote its last line and has every answer. */
static void
end_if_done (ColletStdioBridge *bridge)
{
  static const ColletStdioPostOwner owner = { NULL, NULL, on_farewell };
  ColletStdioRequest request = { .method = "DELETE",
                                 .session = bridge->session,
                                 .revision = bridge->revision };

  if (!bridge->is_ending || bridge->tasks.length > 0 || bridge->ending != 0 || bridge->has_ended)
    return;
  bridge->ending = g_timeout_add (bridge->session != NULL ? FAREWELL_MS : 1, on_no_farewell, bridge);
  if (bridge->session != NULL)
    collet_stdio_post_start (bridge->http, &request, &owner, bridge);
}

/* What would go on for ever: news and subscriptions. */
static void
drop_streams (ColletStdioBridge *bridge)
{
  GList *next;

  for (GList *link = bridge->tasks.head; link != NULL; link = next)
    {
      ColletStdioTask *task = link->data;

      next = link->next;
      if (task->message == NULL || collet_stdio_message_is (task->message, "subscriptions/listen"))
        collet_stdio_task_free (task);
    }
}

static void
on_input_end (gpointer data)
{
  ColletStdioBridge *bridge = data;

  bridge->is_ending = TRUE;
  drop_streams (bridge);
  end_if_done (bridge);
}

static void
on_lost (gpointer data)
{
  ColletStdioBridge *bridge = data;

  bridge->has_ended = TRUE;
  bridge->on_end (bridge->user_data);
}

void
collet_stdio_bridge_forget (ColletStdioBridge *bridge, ColletStdioTask *task)
{
  g_queue_unlink (&bridge->tasks, &task->link);
  if (task == bridge->news)
    bridge->news = NULL;
  if (task->message != NULL && task->message->kind == COLLET_STDIO_REQUEST && !task->is_own)
    bridge->n_requests--;
  update_hold (bridge);
  end_if_done (bridge);
}

/* ---- the session ---- */

static void
run_waiting (ColletStdioBridge *bridge)
{
  for (GList *link = bridge->tasks.head; link != NULL; link = link->next)
    collet_stdio_task_run (link->data);
}

void
collet_stdio_bridge_ask_for_news (ColletStdioBridge *bridge)
{
  if (bridge->news == NULL && !bridge->is_ending)
    bridge->news = collet_stdio_task_new (bridge, NULL, NULL, TRUE);
  if (bridge->news != NULL)
    collet_stdio_task_run (bridge->news);
}

void
collet_stdio_bridge_opened (ColletStdioBridge *bridge, const char *session, const char *revision,
                            gboolean is_again)
{
  g_free (bridge->session);
  g_free (bridge->revision);
  bridge->session = g_strdup (session);
  bridge->revision = g_strdup (revision);
  bridge->is_opening = FALSE;
  if (is_again)
    {
      GBytes *body = g_bytes_new_static (ready, strlen (ready));
      ColletStdioMessage *message = collet_stdio_message_read (ready, strlen (ready));

      collet_stdio_task_run (collet_stdio_task_new (bridge, message, body, TRUE));
    }
  run_waiting (bridge);
}

void
collet_stdio_bridge_not_opened (ColletStdioBridge *bridge)
{
  bridge->is_opening = FALSE;
  run_waiting (bridge);
}

void
collet_stdio_bridge_reopen (ColletStdioBridge *bridge)
{
  gsize size;
  const char *text = g_bytes_get_data (bridge->greeting, &size);

  if (bridge->is_opening)
    return;
  bridge->is_opening = TRUE;
  collet_stdio_task_run (collet_stdio_task_new (bridge, collet_stdio_message_read (text, size),
                                                g_bytes_ref (bridge->greeting), TRUE));
}

/* ---- the client's lines ---- */

static ColletStdioTask *
find_request (ColletStdioBridge *bridge, const char *id)
{
  for (GList *link = bridge->tasks.head; link != NULL; link = link->next)
    {
      ColletStdioTask *task = link->data;

      if (!task->is_own && task->message != NULL && task->message->kind == COLLET_STDIO_REQUEST &&
          strcmp (task->message->id, id) == 0)
        return task;
    }
  return NULL;
}

/* TRUE: it is done. In the modern era to cancel is to close the answer's stream;
 * what was not sent yet just is not. A legacy daemon is told, and does not answer:
 * nor may we. */
static gboolean
cancel (ColletStdioBridge *bridge, const char *id)
{
  ColletStdioTask *task = find_request (bridge, id);

  if (task == NULL)
    return FALSE;
  task->is_answered = TRUE;
  if (!task->message->is_modern && task->post != NULL)
    return FALSE;
  collet_stdio_task_free (task);
  return TRUE;
}

static void
refuse (ColletStdioBridge *bridge, const char *id, const char *reason, const char *text)
{
  g_autofree char *line = collet_stdio_error_new (id, reason, text);

  collet_stdio_bridge_write (bridge, line, strlen (line));
}

static void
on_line (const char *line, gsize size, gpointer data)
{
  ColletStdioBridge *bridge = data;
  g_autoptr (ColletStdioMessage) message = NULL;
  gboolean is_request;

  if (line == NULL)
    {
      refuse (bridge, NULL, "MessageTooLarge", "A line was longer than 64 MiB. Send less at once.");
      return;
    }
  message = collet_stdio_message_read (line, size);
  is_request = message->kind == COLLET_STDIO_REQUEST;
  if (message->cancelled != NULL && cancel (bridge, message->cancelled))
    return;
  if (is_request && bridge->n_requests >= MAX_REQUESTS)
    {
      refuse (bridge, message->id, "Overloaded", "256 requests run already. Wait for some of them.");
      return;
    }

  GBytes *body = g_bytes_new (line, size);
  if (collet_stdio_message_is (message, "initialize") && !message->is_modern)
    {
      g_clear_pointer (&bridge->greeting, g_bytes_unref);
      bridge->greeting = g_bytes_ref (body);
      bridge->is_opening = TRUE;
    }
  bridge->n_requests += is_request;
  collet_stdio_task_run (collet_stdio_task_new (bridge, g_steal_pointer (&message), body, FALSE));
  update_hold (bridge);
}

/* ---- life ---- */

ColletStdioBridge *
collet_stdio_bridge_new (const ColletStdioConfig *config, void (*on_end) (gpointer), gpointer user_data)
{
  ColletStdioBridge *bridge = g_new0 (ColletStdioBridge, 1);
  const ColletStdioLinesOwner owner = { on_line, on_input_end, on_room, on_lost, bridge };

  bridge->config = *config;
  bridge->on_end = on_end;
  bridge->user_data = user_data;
  bridge->http = collet_stdio_http_new (config->socket);
  bridge->lines = collet_stdio_lines_new (config->in, config->out, MAX_LINE, &owner);
  return bridge;
}

void
collet_stdio_bridge_free (ColletStdioBridge *bridge)
{
  bridge->has_ended = TRUE;
  while (bridge->tasks.head != NULL)
    collet_stdio_task_free (bridge->tasks.head->data);
  soup_session_abort (bridge->http);
  g_clear_handle_id (&bridge->ending, g_source_remove);
  collet_stdio_lines_free (bridge->lines);
  g_clear_pointer (&bridge->greeting, g_bytes_unref);
  g_object_unref (bridge->http);
  g_free (bridge->session);
  g_free (bridge->revision);
  g_free (bridge);
}
