/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-http-stream.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* RDHUP alone while there is nothing to write: a pipelining client's bytes stay
 * in the kernel and wake nobody. */
#define WATCH_IDLE (EPOLLRDHUP)
#define WATCH_FULL (EPOLLRDHUP | EPOLLOUT)
#define WATCH_END (EPOLLRDHUP | EPOLLIN)

#define LAST_CHUNK "0\r\n\r\n"
#define COMMENT ": \n\n"

typedef enum
{
  OPEN,
  ENDING, /* the last chunk is queued or sent */
  GONE,   /* cut or closed */
} State;

struct _ColletHttpStream
{
  ColletHttpSource source; /* fd: -1 before it is opened and after it is gone */
  ColletHttpLoop *loop;
  ColletHttpStreamOwner owner;
  pthread_mutex_t lock; /* everything below */
  GString *queue;       /* not yet taken by the socket; NULL when empty */
  gsize sent;           /* of the queue */
  State state;
  gboolean is_chunked;
  gboolean is_fresh; /* something was sent since the last keep-alive */
  gboolean has_lingered;
};

static void on_event (ColletHttpSource *source, guint32 events);

static void
on_unwatched (gpointer data)
{
  ColletHttpStream *stream = data;

  on_event (&stream->source, EPOLLERR);
}

ColletHttpStream *
collet_http_stream_new (GString *head, gboolean chunked, ColletHttpStreamOwner owner)
{
  ColletHttpStream *stream = g_new0 (ColletHttpStream, 1);

  stream->source = (ColletHttpSource){ .on_event = on_event, .fd = -1 };
  stream->owner = owner;
  stream->queue = head;
  stream->is_chunked = chunked;
  stream->is_fresh = TRUE;
  pthread_mutex_init (&stream->lock, NULL);
  return stream;
}

void
collet_http_stream_free (ColletHttpStream *stream)
{
  g_assert (stream->source.fd < 0);
  if (stream->queue)
    g_string_free (stream->queue, TRUE);
  pthread_mutex_destroy (&stream->lock);
  g_free (stream);
}

/* With the lock. The loop sees the hang-up and takes the stream down. */
static void
cut_locked (ColletHttpStream *stream)
{
  stream->state = GONE;
  if (stream->queue)
    g_string_free (g_steal_pointer (&stream->queue), TRUE);
  if (stream->source.fd >= 0)
    shutdown (stream->source.fd, SHUT_RDWR);
}

/* With the lock. */
static void
flush_locked (ColletHttpStream *stream)
{
  while (stream->queue && stream->sent < stream->queue->len)
    {
      ssize_t n = send (stream->source.fd, stream->queue->str + stream->sent,
                        stream->queue->len - stream->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return;
      if (n < 0)
        {
          cut_locked (stream);
          return;
        }
      stream->sent += (gsize)n;
    }
  if (stream->queue)
    g_string_free (g_steal_pointer (&stream->queue), TRUE);
  stream->sent = 0;
  if (stream->state == ENDING)
    shutdown (stream->source.fd, SHUT_WR);
}

static guint32
watched_events (const ColletHttpStream *stream)
{
  if (stream->queue)
    return WATCH_FULL;
  return stream->state == ENDING ? WATCH_END : WATCH_IDLE;
}

void
collet_http_stream_open (ColletHttpStream *stream, ColletHttpLoop *loop, int fd)
{
  gboolean is_watched;

  pthread_mutex_lock (&stream->lock);
  stream->loop = loop;
  stream->source.fd = fd;
  if (stream->state == GONE)
    shutdown (fd, SHUT_RDWR);
  else
    flush_locked (stream);
  is_watched = collet_http_loop_add (loop, &stream->source, watched_events (stream));
  pthread_mutex_unlock (&stream->lock);
  if (!is_watched)
    collet_http_loop_bury (loop, stream, on_unwatched);
}

/* With the lock. Appends what the socket did not take of `parts`. */
static void
send_parts_locked (ColletHttpStream *stream, struct iovec *parts, int n_parts)
{
  gsize total = 0;
  gsize taken = 0;

  for (int i = 0; i < n_parts; i++)
    total += parts[i].iov_len;
  if (!stream->queue && stream->source.fd >= 0)
    {
      struct msghdr message = { .msg_iov = parts, .msg_iovlen = (gsize)n_parts };
      ssize_t n = sendmsg (stream->source.fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);

      if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
        {
          cut_locked (stream);
          return;
        }
      taken = n > 0 ? (gsize)n : 0;
      if (taken == total)
        return;
      /* From empty to not empty: the loop has to write the rest. */
      stream->queue = g_string_sized_new (total - taken);
      collet_http_loop_change (stream->loop, &stream->source, WATCH_FULL);
    }
  for (int i = 0; i < n_parts; i++)
    {
      gsize skip = MIN (taken, parts[i].iov_len);
      g_string_append_len (stream->queue, (const char *)parts[i].iov_base + skip,
                           (gssize)(parts[i].iov_len - skip));
      taken -= skip;
    }
}

static void
send_locked (ColletHttpStream *stream, const char *data, gsize size)
{
  char head[24];
  struct iovec parts[3] = { { head, 0 }, { (char *)data, size }, { (char *)"\r\n", 2 } };

  stream->is_fresh = TRUE;
  if (stream->is_chunked)
    {
      parts[0].iov_len = (gsize)g_snprintf (head, sizeof head, "%" G_GSIZE_MODIFIER "x\r\n", size);
      send_parts_locked (stream, parts, 3);
    }
  else
    {
      send_parts_locked (stream, parts + 1, 1);
    }
}

gboolean
collet_http_stream_send (ColletHttpStream *stream, const char *data, gsize size)
{
  gboolean is_open;

  pthread_mutex_lock (&stream->lock);
  if (stream->state == OPEN && stream->queue && stream->queue->len - stream->sent > COLLET_HTTP_STREAM_QUEUE)
    {
      g_info ("http: a stream was cut: its client left %" G_GSIZE_FORMAT " bytes unread",
              stream->queue->len - stream->sent);
      cut_locked (stream);
    }
  if (stream->state == OPEN && size > 0) /* an empty chunk would end the body */
    send_locked (stream, data, size);
  is_open = stream->state == OPEN;
  pthread_mutex_unlock (&stream->lock);
  return is_open;
}

void
collet_http_stream_end (ColletHttpStream *stream)
{
  struct iovec last = { (char *)LAST_CHUNK, strlen (LAST_CHUNK) };

  pthread_mutex_lock (&stream->lock);
  if (stream->state == OPEN)
    {
      if (stream->is_chunked)
        send_parts_locked (stream, &last, 1);
      if (stream->state == OPEN)
        stream->state = ENDING;
      if (stream->state == ENDING && !stream->queue && stream->source.fd >= 0)
        {
          shutdown (stream->source.fd, SHUT_WR);
          collet_http_loop_change (stream->loop, &stream->source, WATCH_END);
        }
    }
  pthread_mutex_unlock (&stream->lock);
}

void
collet_http_stream_cut (ColletHttpStream *stream)
{
  pthread_mutex_lock (&stream->lock);
  if (stream->state != GONE)
    cut_locked (stream);
  pthread_mutex_unlock (&stream->lock);
}

void
collet_http_stream_keep_alive (ColletHttpStream *stream)
{
  pthread_mutex_lock (&stream->lock);
  if (stream->state == ENDING)
    {
      /* It had a whole turn of the wheel to take the end and close. */
      if (stream->has_lingered)
        cut_locked (stream);
      stream->has_lingered = TRUE;
    }
  else if (stream->state == OPEN && !stream->queue)
    {
      if (!stream->is_fresh)
        send_locked (stream, COMMENT, strlen (COMMENT));
      stream->is_fresh = FALSE;
    }
  pthread_mutex_unlock (&stream->lock);
}

/* Reads away what a client still sends after the end, so that closing does not
 * reset the connection under bytes that it has not read yet. */
static gboolean
is_drained (int fd)
{
  char discard[4096];
  ssize_t n;

  do
    n = recv (fd, discard, sizeof discard, MSG_DONTWAIT);
  while (n > 0 || (n < 0 && errno == EINTR));
  return n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

static void
on_event (ColletHttpSource *source, guint32 events)
{
  ColletHttpStream *stream = (ColletHttpStream *)source;
  gboolean was_ended;

  pthread_mutex_lock (&stream->lock);
  if (source->fd < 0)
    {
      pthread_mutex_unlock (&stream->lock);
      return;
    }
  was_ended = stream->state == ENDING;
  if (!(events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) && stream->state != GONE)
    {
      if (events & EPOLLOUT)
        flush_locked (stream);
      if (!(was_ended && !stream->queue && is_drained (source->fd)))
        {
          if (stream->state != GONE)
            collet_http_loop_change (stream->loop, source, watched_events (stream));
          pthread_mutex_unlock (&stream->lock);
          return;
        }
    }
  stream->state = GONE;
  close (source->fd); /* leaves the epoll set: no other descriptor refers to it */
  source->fd = -1;
  pthread_mutex_unlock (&stream->lock);
  stream->owner.on_gone (stream->owner.user_data);
}
