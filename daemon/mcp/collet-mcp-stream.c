/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-mcp-stream.h"

#include "collet-mcp-reply.h"
#include "collet-mcp-server-private.h"

#include <pthread.h>
#include <string.h>

#define LIST_CHANGED "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\""

typedef struct
{
  ColletMcpTie tie;
  ColletMcpStreams *streams;
  gatomicrefcount ref_count;
  ColletExchange *exchange;  /* owned while it is in the set */
  ColletMcpSession *session; /* legacy; owned */
  char *notification;        /* list_changed, whole */
  char *end;                 /* modern */
  gboolean wants_tools;
  GList link;   /* these two under the set's lock */
  guint64 seen; /* modern; a legacy client's is its session's */
} Stream;

struct _ColletMcpStreams
{
  pthread_mutex_t lock;
  GQueue all;
};

static void
stream_unref (gpointer data)
{
  Stream *stream = data;

  if (!g_atomic_ref_count_dec (&stream->ref_count))
    return;
  if (stream->session)
    collet_mcp_session_unref (stream->session);
  g_free (stream->notification);
  g_free (stream->end);
  g_free (stream);
}

/* Out of the set; TRUE for the one who did it, who then owns the exchange's
 * reference and the set's. */
static gboolean
take_out (Stream *stream)
{
  ColletMcpStreams *streams = stream->streams;
  gboolean was_in;

  pthread_mutex_lock (&streams->lock);
  was_in = stream->link.data != NULL;
  if (was_in)
    g_queue_unlink (&streams->all, &stream->link);
  stream->link.data = NULL;
  pthread_mutex_unlock (&streams->lock);
  return was_in;
}

static void
let_go (Stream *stream)
{
  ColletExchange *exchange = stream->exchange;

  if (stream->session)
    collet_mcp_session_lose_stream (stream->session, exchange);
  stream_unref (stream); /* the set's; the exchange still has one */
  exchange->class_->unref (exchange);
}

static void
on_closed (gpointer self)
{
  Stream *stream = self;

  if (take_out (stream))
    let_go (stream);
}

ColletMcpStreams *
collet_mcp_streams_new (void)
{
  ColletMcpStreams *streams = g_new0 (ColletMcpStreams, 1);

  pthread_mutex_init (&streams->lock, NULL);
  return streams;
}

void
collet_mcp_streams_free (ColletMcpStreams *streams)
{
  g_assert (g_queue_is_empty (&streams->all));
  pthread_mutex_destroy (&streams->lock);
  g_free (streams);
}

static void
add (ColletMcpStreams *streams, Stream *stream, ColletExchange *exchange)
{
  stream->tie.closed = on_closed;
  stream->streams = streams;
  stream->exchange = exchange->class_->ref (exchange);
  stream->link.data = stream;
  g_atomic_ref_count_init (&stream->ref_count);
  g_atomic_ref_count_inc (&stream->ref_count);
  exchange->handler_data = stream;
  exchange->handler_data_free = stream_unref;
  pthread_mutex_lock (&streams->lock);
  g_queue_push_tail_link (&streams->all, &stream->link);
  pthread_mutex_unlock (&streams->lock);
}

static void
end (Stream *stream)
{
  if (stream->end)
    collet_mcp_exchange_send_event (stream->exchange, stream->end, strlen (stream->end));
  stream->exchange->class_->end (stream->exchange);
}

void
collet_mcp_streams_add_legacy (ColletMcpStreams *streams, ColletExchange *exchange, ColletMcpSession *session)
{
  Stream *stream = g_new0 (Stream, 1);
  ColletExchange *former;

  stream->session = collet_mcp_session_ref (session);
  stream->wants_tools = TRUE;
  stream->notification = g_strdup (LIST_CHANGED "}");
  add (streams, stream, exchange);
  former = collet_mcp_session_set_stream (session, exchange);
  if (!former)
    return;
  /* The client came again before we noticed that its stream is dead. */
  former->class_->end (former);
  on_closed (former->handler_data);
  former->class_->unref (former);
}

void
collet_mcp_streams_add_modern (ColletMcpStreams *streams, ColletExchange *exchange, const char *id,
                               gsize id_size, gboolean wants_tools, guint64 seen, const GString *last)
{
  Stream *stream = g_new0 (Stream, 1);

  stream->seen = seen;
  stream->wants_tools = wants_tools;
  stream->end = g_strndup (last->str, last->len);
  stream->notification =
      g_strdup_printf (LIST_CHANGED
                       ",\"params\":{\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":%.*s}}}",
                       (int)id_size, id);
  add (streams, stream, exchange);
}

/* With the set's lock. */
static gboolean
is_due_locked (Stream *stream, guint64 mark)
{
  gboolean is_due = stream->wants_tools && stream->seen != mark;

  stream->seen = mark;
  return is_due;
}

void
collet_mcp_streams_tell (ColletMcpStreams *streams, guint64 mark)
{
  g_autoptr (GPtrArray) due = g_ptr_array_new ();

  pthread_mutex_lock (&streams->lock);
  for (GList *link = streams->all.head; link; link = link->next)
    {
      Stream *stream = link->data;

      if (!stream->session && !is_due_locked (stream, mark))
        continue;
      stream->exchange->class_->ref (stream->exchange);
      g_ptr_array_add (due, stream);
    }
  pthread_mutex_unlock (&streams->lock);

  for (guint i = 0; i < due->len; i++)
    {
      Stream *stream = due->pdata[i]; /* lives as long as its exchange */
      ColletExchange *exchange = stream->exchange;

      if (!stream->session || collet_mcp_session_set_seen (stream->session, mark))
        collet_mcp_exchange_send_event (exchange, stream->notification, strlen (stream->notification));
      exchange->class_->unref (exchange);
    }
}

void
collet_mcp_streams_end_all (ColletMcpStreams *streams)
{
  g_autoptr (GPtrArray) all = g_ptr_array_new ();

  pthread_mutex_lock (&streams->lock);
  for (GList *link = streams->all.head; link; link = link->next)
    {
      Stream *stream = link->data;

      stream->exchange->class_->ref (stream->exchange);
      g_ptr_array_add (all, stream);
    }
  pthread_mutex_unlock (&streams->lock);

  for (guint i = 0; i < all->len; i++)
    {
      Stream *stream = all->pdata[i];
      ColletExchange *exchange = stream->exchange;

      end (stream);
      on_closed (stream);
      exchange->class_->unref (exchange);
    }
}

guint
collet_mcp_streams_get_length (ColletMcpStreams *streams)
{
  guint length;

  pthread_mutex_lock (&streams->lock);
  length = streams->all.length;
  pthread_mutex_unlock (&streams->lock);
  return length;
}
