/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-http-exchange.h"

#include "collet-http-response.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A body grows from here, so that a client pays for memory by sending. */
#define FIRST_BODY (64u * 1024u)

typedef enum
{
  READING, /* the handler may answer, but it is served when the request is read */
  WAITING, /* for the handler */
  SERVED,  /* the answer is with libmicrohttpd or the stream has the socket */
} Phase;

struct _ColletHttpExchange
{
  ColletExchange base;
  ColletHttpConnection *connection; /* owned; its lock guards what follows */
  gatomicrefcount ref_count;
  const char *method, *path; /* libmicrohttpd's; NULL when it is done with the request */
  char *body;
  gsize size, capacity;
  Phase phase;
  gint is_answered; /* atomic to be read without the lock */
  gboolean is_lost, is_1_0;
  guint status;
  gsize max_body;                /* of the policy when the head was read */
  struct MHD_Response *response; /* the answer, or: */
  ColletHttpStream *stream;
  ColletHttpSpoke spoke;
};

static const ColletExchangeClass exchange_class;

static ColletHttpExchange *
exchange_ref (ColletHttpExchange *exchange)
{
  g_atomic_ref_count_inc (&exchange->ref_count);
  return exchange;
}

static void
exchange_unref (gpointer data)
{
  ColletHttpExchange *exchange = data;

  if (!g_atomic_ref_count_dec (&exchange->ref_count))
    return;
  if (exchange->base.handler_data_free)
    exchange->base.handler_data_free (exchange->base.handler_data);
  if (exchange->response)
    MHD_destroy_response (exchange->response);
  if (exchange->stream)
    collet_http_stream_free (exchange->stream);
  g_free (exchange->body);
  collet_http_connection_unref (exchange->connection);
  g_free (exchange);
}

static ColletHttpExchange *
exchange_new (ColletHttpConnection *connection, const ColletHttpHead *head)
{
  ColletHttpExchange *exchange = g_new0 (ColletHttpExchange, 1);

  exchange->base.class_ = &exchange_class;
  g_atomic_ref_count_init (&exchange->ref_count);
  exchange->connection = collet_http_connection_ref (connection);
  exchange->method = head->method;
  exchange->path = collet_http_head_get_path (head);
  exchange->is_1_0 = strcmp (head->version, "HTTP/1.1") != 0;
  if (head->content_length)
    {
      guint64 length = g_ascii_strtoull (head->content_length, NULL, 10);

      exchange->capacity = (gsize)MIN (length, FIRST_BODY) + 1;
      exchange->body = g_malloc (exchange->capacity);
    }
  return exchange;
}

/* The client is gone: for handlers, once. */

ColletHttpExchange *
collet_http_exchange_ref_unanswered (ColletHttpExchange *exchange)
{
  if (exchange->is_answered || exchange->is_lost)
    return NULL;
  exchange->is_lost = TRUE;
  return exchange_ref (exchange);
}

void
collet_http_exchange_lose (ColletHttpExchange *exchange)
{
  ColletHttpShared *shared = exchange->connection->shared;

  shared->handler->closed (&exchange->base, shared->user_data);
  exchange_unref (exchange);
}

ColletHttpExchange *
collet_http_exchange_ref_waiting (ColletHttpExchange *exchange)
{
  return exchange->is_answered ? NULL : exchange_ref (exchange);
}

void
collet_http_exchange_abandon (ColletHttpExchange *exchange)
{
  char *body = g_strdup (COLLET_HTTP_ENDING_REASON "\n");
  ColletHttpExchange *untold;

  pthread_mutex_lock (&exchange->connection->lock);
  untold = collet_http_exchange_ref_unanswered (exchange);
  pthread_mutex_unlock (&exchange->connection->lock);
  exchange_class.respond (&exchange->base, 503, NULL, 0, body, strlen (body));
  if (untold)
    collet_http_exchange_lose (untold);
  exchange_unref (exchange);
}

/* The answer. */

/* With the lock: makes the connection's thread look at the answer. */
static void
wake_locked (ColletHttpExchange *exchange)
{
  if (exchange->connection->suspended_us != 0 && exchange->connection->current == exchange)
    collet_http_connection_resume (exchange->connection);
}

static void
respond (ColletExchange *base, guint status, const ColletHttpHeader *headers, guint n_headers, char *body,
         gsize size)
{
  ColletHttpExchange *exchange = (ColletHttpExchange *)base;
  struct MHD_Response *response = collet_http_response_new (headers, n_headers, body, size);

  pthread_mutex_lock (&exchange->connection->lock);
  if (!exchange->is_answered)
    {
      g_atomic_int_set (&exchange->is_answered, TRUE);
      exchange->status = status;
      exchange->response = g_steal_pointer (&response);
      wake_locked (exchange);
    }
  pthread_mutex_unlock (&exchange->connection->lock);
  if (response)
    MHD_destroy_response (response);
}

static void
on_stream_gone (gpointer data)
{
  ColletHttpExchange *exchange = data;
  ColletHttpShared *shared = exchange->connection->shared;
  gboolean tell;

  collet_http_wheel_remove (shared->wheel, &exchange->spoke);
  pthread_mutex_lock (&exchange->connection->lock);
  tell = !exchange->is_lost;
  exchange->is_lost = TRUE;
  pthread_mutex_unlock (&exchange->connection->lock);
  if (tell)
    shared->handler->closed (&exchange->base, shared->user_data);
  collet_http_loop_bury (shared->loop, exchange, exchange_unref);
}

static void
start_stream (ColletExchange *base, guint status, const ColletHttpHeader *headers, guint n_headers)
{
  ColletHttpExchange *exchange = (ColletHttpExchange *)base;
  gboolean chunked = !exchange->is_1_0;
  GString *head = collet_http_response_head (status, headers, n_headers, chunked);
  ColletHttpStreamOwner owner = { on_stream_gone, exchange };
  ColletHttpStream *stream = collet_http_stream_new (head, chunked, owner);

  pthread_mutex_lock (&exchange->connection->lock);
  if (!exchange->is_answered)
    {
      g_atomic_int_set (&exchange->is_answered, TRUE);
      exchange->stream = g_steal_pointer (&stream);
      wake_locked (exchange);
    }
  pthread_mutex_unlock (&exchange->connection->lock);
  if (stream)
    collet_http_stream_free (stream);
}

static gboolean
send_event (ColletExchange *base, const char *data, gsize size)
{
  ColletHttpExchange *exchange = (ColletHttpExchange *)base;

  return exchange->stream && collet_http_stream_send (exchange->stream, data, size);
}

static void
end_stream (ColletExchange *base)
{
  ColletHttpExchange *exchange = (ColletHttpExchange *)base;

  if (!exchange->stream)
    return;
  pthread_mutex_lock (&exchange->connection->lock);
  exchange->is_lost = TRUE; /* what follows is no news to the handler */
  pthread_mutex_unlock (&exchange->connection->lock);
  collet_http_stream_end (exchange->stream);
}

/* What the handler reads. */

static ColletExchange *
ref_base (ColletExchange *base)
{
  return &exchange_ref ((ColletHttpExchange *)base)->base;
}

static void
unref_base (ColletExchange *base)
{
  exchange_unref (base);
}

static const char *
get_method (ColletExchange *base)
{
  return ((ColletHttpExchange *)base)->method;
}

static const char *
get_path (ColletExchange *base)
{
  return ((ColletHttpExchange *)base)->path;
}

static const char *
get_header (ColletExchange *base, const char *name)
{
  ColletHttpExchange *exchange = (ColletHttpExchange *)base;

  if (!exchange->method || !exchange->connection->mhd)
    return NULL;
  return MHD_lookup_connection_value (exchange->connection->mhd, MHD_HEADER_KIND, name);
}

static const char *
get_body (ColletExchange *base, gsize *size)
{
  ColletHttpExchange *exchange = (ColletHttpExchange *)base;

  *size = exchange->size;
  return exchange->body ? exchange->body : "";
}

static gint64
get_peer_uid (ColletExchange *base)
{
  return ((ColletHttpExchange *)base)->connection->peer_uid;
}

static const char *
get_peer_address (ColletExchange *base)
{
  return ((ColletHttpExchange *)base)->connection->peer_address;
}

static const ColletExchangeClass exchange_class = {
  .ref = ref_base,
  .unref = unref_base,
  .get_method = get_method,
  .get_path = get_path,
  .get_header = get_header,
  .get_body = get_body,
  .get_peer_uid = get_peer_uid,
  .get_peer_address = get_peer_address,
  .respond = respond,
  .start_stream = start_stream,
  .send = send_event,
  .end = end_stream,
};

/* The connection's thread. */

static enum MHD_Result
refuse (struct MHD_Connection *mhd, guint status, const char *reason)
{
  const ColletHttpHeader headers[] = { { "Connection", "close" },
                                       { "Content-Type", "text/plain; charset=utf-8" },
                                       { status == 405 ? "Allow" : "Retry-After",
                                         status == 405 ? "GET, POST, DELETE" : "1" } };
  guint n_headers = status == 405 || status == 503 ? 3 : 2;
  char *text = g_strconcat (reason, "\n", NULL);
  struct MHD_Response *response = collet_http_response_new (headers, n_headers, text, strlen (text));
  enum MHD_Result result = MHD_queue_response (mhd, status, response);

  MHD_destroy_response (response);
  return result;
}

/* Takes the socket away from libmicrohttpd. Suspended streams would be walked at
 * each resume of any request (8,000 of them halve the rate of calls) and hold
 * their buffers; its only way to part with a socket is an answer of status 101.
 * So: suspend (which takes the descriptor out of its epoll set), duplicate the
 * socket, put a spare one in the descriptor's place, resume and let it close that. */
static enum MHD_Result
detach (ColletHttpExchange *exchange)
{
  ColletHttpConnection *connection = exchange->connection;
  ColletHttpShared *shared = connection->shared;
  int own = fcntl (connection->source.fd, F_DUPFD_CLOEXEC, 0);
  int on = 1;

  if (own < 0 || g_atomic_int_get (&shared->stage) == COLLET_HTTP_ENDING ||
      !collet_http_wheel_add (shared->wheel, &exchange->spoke, exchange->stream))
    {
      if (own >= 0)
        close (own);
      collet_http_stream_cut (exchange->stream);
      refuse (connection->mhd, 503,
              "There are too many open streams, or this server is ending. Try again later.");
      if (!exchange->is_lost)
        {
          exchange->is_lost = TRUE;
          collet_http_loop_bury (shared->loop, exchange_ref (exchange),
                                 (GDestroyNotify)collet_http_exchange_lose);
        }
      return MHD_YES;
    }
  MHD_suspend_connection (connection->mhd);
  if (dup3 (shared->spare_fd, connection->source.fd, O_CLOEXEC) < 0)
    g_error ("http: cannot exchange a descriptor: %s", g_strerror (errno));
  MHD_resume_connection (connection->mhd);
  setsockopt (own, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  exchange_ref (exchange);
  collet_http_stream_open (exchange->stream, shared->loop, own);
  return MHD_YES;
}

/* With the lock, in the connection's thread: hands the answer over. */
static enum MHD_Result
serve (ColletHttpExchange *exchange)
{
  ColletHttpConnection *connection = exchange->connection;

  exchange->phase = SERVED;
  collet_http_connection_restart_clock (connection);
  if (exchange->stream)
    return detach (exchange);
  if (g_atomic_int_get (&connection->shared->stage) != COLLET_HTTP_SERVING)
    MHD_add_response_header (exchange->response, "Connection", "close");
  return MHD_queue_response (connection->mhd, exchange->status, exchange->response);
}

static enum MHD_Result
on_header (void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
  collet_http_head_add (cls, name, value);
  return MHD_YES;
}

/* The head is there. */
static enum MHD_Result
begin (ColletHttpShared *shared, ColletHttpConnection *connection, ColletHttpHead *head,
       void **request_context)
{
  const ColletHttpPolicy *policy = collet_http_shared_get_policy (shared);
  ColletHttpExchange *exchange;
  enum MHD_Result result;
  const char *reason = NULL;
  guint status;
  int stage;

  MHD_get_connection_values (connection->mhd, MHD_HEADER_KIND, on_header, head);
  head->peer_uid = connection->peer_uid;
  status = collet_http_head_check (head, policy, &reason);
  if (status != 0)
    return refuse (connection->mhd, status, reason);
  stage = g_atomic_int_get (&shared->stage);
  if (stage == COLLET_HTTP_ENDING || (stage == COLLET_HTTP_FINISHING && !shared->is_kept))
    return refuse (connection->mhd, 503, COLLET_HTTP_ENDING_REASON);

  exchange = exchange_new (connection, head);
  exchange->max_body = policy->max_body;
  *request_context = exchange;
  pthread_mutex_lock (&connection->lock);
  connection->current = exchange;
  pthread_mutex_unlock (&connection->lock);
  shared->handler->begin (&exchange->base, shared->user_data);

  if (!g_atomic_int_get (&exchange->is_answered))
    return MHD_YES;
  pthread_mutex_lock (&connection->lock);
  result = serve (exchange);
  pthread_mutex_unlock (&connection->lock);
  return result;
}

/* Some of the body is there. Past the limit as much again is read and thrown
 * away, so that the client gets to read why; then the connection is cut. */
static enum MHD_Result
take (ColletHttpExchange *exchange, const char *data, size_t *size)
{
  gsize limit = exchange->max_body;
  gsize total = exchange->size + *size;

  if (total > 2 * limit)
    return MHD_NO;
  if (total > limit)
    {
      g_clear_pointer (&exchange->body, g_free);
      exchange->capacity = 0;
    }
  else
    {
      if (total + 1 > exchange->capacity)
        {
          exchange->capacity = MAX (total + 1, MIN (2 * exchange->capacity, limit + 1));
          exchange->body = g_realloc (exchange->body, exchange->capacity);
        }
      memcpy (exchange->body + exchange->size, data, *size);
      exchange->body[total] = '\0';
    }
  exchange->size = total;
  *size = 0;
  return MHD_YES;
}

/* The request is whole, or an answer to it is there. */
static enum MHD_Result
complete (ColletHttpExchange *exchange)
{
  ColletHttpConnection *connection = exchange->connection;
  ColletHttpShared *shared = connection->shared;
  gboolean is_first = exchange->phase == READING;
  enum MHD_Result result = MHD_YES;

  if (exchange->phase == SERVED)
    return MHD_NO; /* a stream has the socket: let go of the spare one */
  exchange->phase = WAITING;
  if (is_first && exchange->size > exchange->max_body)
    {
      pthread_mutex_lock (&connection->lock);
      g_atomic_int_set (&exchange->is_answered, TRUE);
      exchange->is_lost = TRUE;
      pthread_mutex_unlock (&connection->lock);
      return refuse (connection->mhd, 413, "The body is larger than this server accepts.");
    }
  if (is_first && !g_atomic_int_get (&exchange->is_answered))
    shared->handler->complete (&exchange->base, shared->user_data);

  pthread_mutex_lock (&connection->lock);
  if (exchange->is_answered)
    result = serve (exchange);
  else if (g_atomic_int_get (&shared->stage) == COLLET_HTTP_ENDING)
    result = refuse (connection->mhd, 503, COLLET_HTTP_ENDING_REASON);
  else
    collet_http_connection_suspend (connection);
  pthread_mutex_unlock (&connection->lock);
  return result;
}

enum MHD_Result
collet_http_exchange_on_access (void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
                                const char *version, const char *upload, size_t *upload_size,
                                void **request_context)
{
  ColletHttpExchange *exchange = *request_context;

  if (!exchange)
    {
      const union MHD_ConnectionInfo *info =
          MHD_get_connection_info (mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
      ColletHttpHead head = { .method = method, .target = url, .version = version };

      return begin (cls, info->socket_context, &head, request_context);
    }
  if (*upload_size > 0)
    return take (exchange, upload, upload_size);
  return complete (exchange);
}

void
collet_http_exchange_on_completed (void *cls, struct MHD_Connection *mhd, void **request_context,
                                   enum MHD_RequestTerminationCode code)
{
  ColletHttpExchange *exchange = g_steal_pointer (request_context);
  ColletHttpExchange *gone = NULL;
  ColletHttpConnection *connection;

  if (!exchange)
    return;
  connection = exchange->connection;
  pthread_mutex_lock (&connection->lock);
  connection->current = NULL;
  exchange->method = exchange->path = NULL;
  collet_http_connection_restart_clock (connection);
  gone = collet_http_exchange_ref_unanswered (exchange);
  g_atomic_int_set (&exchange->is_answered, TRUE); /* nothing can be any more */
  pthread_mutex_unlock (&connection->lock);
  if (gone)
    collet_http_exchange_lose (gone);
  exchange_unref (exchange);
}
