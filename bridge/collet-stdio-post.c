/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-stdio-post.h"

#include "collet-stdio-events.h"

#include <gio/gunixsocketaddress.h>
#include <string.h>

#define URL "http://localhost/mcp"
#define CHUNK (64 * 1024)
#define MAX_MESSAGE (64u * 1024u * 1024u)
#define MAX_CONNECTIONS 1024

struct _ColletStdioPost
{
  ColletStdioPostOwner owner;
  gpointer user_data;
  GCancellable *cancellable;
  SoupMessage *message;
  GInputStream *stream;
  ColletStdioEvents *events; /* of a stream */
  GByteArray *body;          /* of another answer */
  gboolean is_held, is_reading, is_cancelled;
};

static void read_on (ColletStdioPost *post);

SoupSession *
collet_stdio_http_new (const char *path)
{
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (path);

  return soup_session_new_with_options ("remote-connectable", address, "max-conns", MAX_CONNECTIONS,
                                        "max-conns-per-host", MAX_CONNECTIONS, "timeout", 0, "idle-timeout",
                                        10, NULL);
}

static void
post_free (ColletStdioPost *post)
{
  g_clear_pointer (&post->events, collet_stdio_events_free);
  g_clear_pointer (&post->body, g_byte_array_unref);
  g_clear_object (&post->stream);
  g_clear_object (&post->message);
  g_object_unref (post->cancellable);
  g_free (post);
}

static gboolean
has_type (ColletStdioPost *post, const char *type)
{
  const char *found =
      soup_message_headers_get_content_type (soup_message_get_response_headers (post->message), NULL);

  return g_strcmp0 (found, type) == 0;
}

static void
finish (ColletStdioPost *post, const GError *error, gboolean was_sent)
{
  SoupMessageHeaders *headers = soup_message_get_response_headers (post->message);
  ColletStdioOutcome outcome = {
    .error = error,
    .was_sent = was_sent,
    .status = soup_message_get_status (post->message),
    .is_stream = post->events != NULL,
    .is_json = has_type (post, "application/json"),
    .session = soup_message_headers_get_one (headers, "Mcp-Session-Id"),
    .body = post->body != NULL ? (const char *)post->body->data : NULL,
    .size = post->body != NULL ? post->body->len : 0,
    .last_event_id = post->events != NULL ? collet_stdio_events_get_last_id (post->events) : NULL,
  };

  post->owner.on_done (&outcome, post->user_data);
  post_free (post);
}

static gboolean
take (ColletStdioPost *post, GBytes *bytes, GError **error)
{
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);

  if (post->events != NULL)
    {
      if (collet_stdio_events_feed (post->events, data, size, post->owner.on_event, post->user_data))
        return TRUE;
    }
  else if (post->body->len + size <= MAX_MESSAGE)
    {
      g_byte_array_append (post->body, (const guint8 *)data, (guint)size);
      return TRUE;
    }
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE, "The daemon's answer is larger than %u MiB.",
               MAX_MESSAGE >> 20);
  return FALSE;
}

static void
on_read (GObject *object, GAsyncResult *result, gpointer data)
{
  ColletStdioPost *post = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = g_input_stream_read_bytes_finish (G_INPUT_STREAM (object), result, &error);

  post->is_reading = FALSE;
  if (post->is_cancelled)
    post_free (post);
  else if (bytes == NULL || (g_bytes_get_size (bytes) > 0 && !take (post, bytes, &error)))
    finish (post, error, TRUE);
  else if (g_bytes_get_size (bytes) == 0)
    finish (post, NULL, TRUE);
  else
    read_on (post);
}

static void
read_on (ColletStdioPost *post)
{
  if (post->is_held || post->is_reading)
    return;
  post->is_reading = TRUE;
  g_input_stream_read_bytes_async (post->stream, CHUNK, G_PRIORITY_DEFAULT, post->cancellable, on_read, post);
}

/* Errors of connecting: nothing of the request left this process. */
static gboolean
is_unreached (const GError *error)
{
  static const GIOErrorEnum codes[] = { G_IO_ERROR_NOT_FOUND, G_IO_ERROR_CONNECTION_REFUSED,
                                        G_IO_ERROR_PERMISSION_DENIED };

  for (guint i = 0; i < G_N_ELEMENTS (codes); i++)
    if (g_error_matches (error, G_IO_ERROR, codes[i]))
      return TRUE;
  return FALSE;
}

static void
on_answered (GObject *object, GAsyncResult *result, gpointer data)
{
  ColletStdioPost *post = data;
  g_autoptr (GError) error = NULL;

  post->stream = soup_session_send_finish (SOUP_SESSION (object), result, &error);
  post->is_reading = FALSE;
  if (post->is_cancelled)
    {
      post_free (post);
      return;
    }
  if (post->stream == NULL)
    {
      finish (post, error, !is_unreached (error));
      return;
    }
  if (has_type (post, "text/event-stream"))
    {
      post->events = collet_stdio_events_new (MAX_MESSAGE);
      if (post->owner.on_open != NULL)
        post->owner.on_open (post->user_data);
    }
  else
    {
      post->body = g_byte_array_new ();
    }
  read_on (post);
}

ColletStdioPost *
collet_stdio_post_start (SoupSession *http, const ColletStdioRequest *request,
                         const ColletStdioPostOwner *owner, gpointer user_data)
{
  ColletStdioPost *post = g_new0 (ColletStdioPost, 1);
  SoupMessageHeaders *headers;

  post->owner = *owner;
  post->user_data = user_data;
  post->cancellable = g_cancellable_new ();
  post->message = soup_message_new (request->method, URL);
  headers = soup_message_get_request_headers (post->message);
  soup_message_headers_append (headers, "Accept",
                               request->body != NULL ? "application/json, text/event-stream"
                                                     : "text/event-stream");
  if (request->body != NULL)
    soup_message_set_request_body_from_bytes (post->message, "application/json", request->body);
  if (request->session != NULL)
    soup_message_headers_append (headers, "Mcp-Session-Id", request->session);
  if (request->revision != NULL)
    soup_message_headers_append (headers, "MCP-Protocol-Version", request->revision);
  if (request->last_event_id != NULL)
    soup_message_headers_append (headers, "Last-Event-ID", request->last_event_id);
  if (request->is_fresh)
    {
      soup_message_add_flags (post->message, SOUP_MESSAGE_NEW_CONNECTION);
      soup_message_headers_append (headers, "Connection", "close");
    }
  post->is_reading = TRUE;
  soup_session_send_async (http, post->message, G_PRIORITY_DEFAULT, post->cancellable, on_answered, post);
  return post;
}

void
collet_stdio_post_cancel (ColletStdioPost *post)
{
  post->is_cancelled = TRUE;
  g_cancellable_cancel (post->cancellable);
  if (!post->is_reading)
    post_free (post);
}

void
collet_stdio_post_hold (ColletStdioPost *post, gboolean hold)
{
  post->is_held = hold;
  if (post->stream != NULL)
    read_on (post);
}
