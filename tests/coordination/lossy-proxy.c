/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lossy-proxy.h"

#include <string.h>

#define CHUNK 65536

typedef struct
{
  int ref_count;
  LossyProxy *proxy;
  GSocketConnection *near;
  GSocketConnection *far;
} Link;

typedef struct
{
  Link *link;
  GInputStream *from;
  GOutputStream *to;
  gboolean is_answer;
} Pipe;

static void
link_unref (Link *link)
{
  if (--link->ref_count > 0)
    return;
  g_clear_object (&link->near);
  g_clear_object (&link->far);
  g_free (link);
}

static void
pipe_end (Pipe *pipe)
{
  g_io_stream_close (G_IO_STREAM (pipe->link->near), NULL, NULL);
  g_io_stream_close (G_IO_STREAM (pipe->link->far), NULL, NULL);
  link_unref (pipe->link);
  g_free (pipe);
}

static void
on_read (GObject *object, GAsyncResult *result, gpointer data)
{
  Pipe *pipe = data;
  g_autoptr (GBytes) bytes = g_input_stream_read_bytes_finish (pipe->from, result, NULL);

  if (bytes == NULL || g_bytes_get_size (bytes) == 0)
    {
      pipe_end (pipe);
      return;
    }
  if (pipe->is_answer && pipe->link->proxy->drop_next > 0)
    {
      pipe->link->proxy->drop_next--;
      pipe->link->proxy->dropped++;
      pipe_end (pipe);
      return;
    }
  if (!g_output_stream_write_all (pipe->to, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), NULL,
                                  NULL, NULL))
    {
      pipe_end (pipe);
      return;
    }
  g_input_stream_read_bytes_async (pipe->from, CHUNK, G_PRIORITY_DEFAULT, NULL, on_read, pipe);
}

static void
pump (Link *link, GSocketConnection *from, GSocketConnection *to, gboolean is_answer)
{
  Pipe *pipe = g_new0 (Pipe, 1);

  link->ref_count++;
  pipe->link = link;
  pipe->from = g_io_stream_get_input_stream (G_IO_STREAM (from));
  pipe->to = g_io_stream_get_output_stream (G_IO_STREAM (to));
  pipe->is_answer = is_answer;
  g_input_stream_read_bytes_async (pipe->from, CHUNK, G_PRIORITY_DEFAULT, NULL, on_read, pipe);
}

static gboolean
on_incoming (GSocketService *service, GSocketConnection *connection, GObject *source, gpointer data)
{
  LossyProxy *self = data;
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  Link *link = g_new0 (Link, 1);

  link->ref_count = 1;
  link->proxy = self;
  link->near = g_object_ref (connection);
  link->far = g_socket_client_connect_to_host (client, self->upstream, 0, NULL, NULL);
  if (link->far != NULL)
    {
      pump (link, link->near, link->far, FALSE);
      pump (link, link->far, link->near, TRUE);
    }
  link_unref (link);
  return TRUE;
}

LossyProxy *
lossy_proxy_new (const char *upstream_endpoint)
{
  LossyProxy *self = g_new0 (LossyProxy, 1);
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new (loopback, 0);
  g_autoptr (GSocketAddress) bound = NULL;

  self->service = g_socket_service_new ();
  self->upstream = g_strdup (strstr (upstream_endpoint, "://") + 3);
  g_assert_true (g_socket_listener_add_address (G_SOCKET_LISTENER (self->service), any, G_SOCKET_TYPE_STREAM,
                                                G_SOCKET_PROTOCOL_TCP, NULL, &bound, NULL));
  self->endpoint =
      g_strdup_printf ("http://127.0.0.1:%u", g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound)));
  g_signal_connect (self->service, "incoming", G_CALLBACK (on_incoming), self);
  g_socket_service_start (self->service);
  return self;
}

/* Connections that are still open go with the clients'. */
void
lossy_proxy_free (LossyProxy *self)
{
  g_socket_service_stop (self->service);
  g_socket_listener_close (G_SOCKET_LISTENER (self->service));
  g_object_unref (self->service);
  g_free (self->upstream);
  g_free (self->endpoint);
  g_free (self);
}
