/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-http-connection.h"

#include "collet-clock.h"
#include "collet-http-exchange.h"

#include <arpa/inet.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* A suspended connection is not watched by libmicrohttpd. To watch every one
 * would cost two system calls a request, so only those that wait for longer are. */
#define WATCH_AFTER_US (2 * COLLET_HTTP_TICK_MS * 1000)
#define UNREAD_TICKS 2

static void
on_event (ColletHttpSource *source, guint32 events)
{
  ColletHttpConnection *connection = (ColletHttpConnection *)source;
  ColletHttpExchange *gone = NULL;

  pthread_mutex_lock (&connection->lock);
  if (connection->is_watched && connection->current)
    gone = collet_http_exchange_ref_unanswered (connection->current);
  pthread_mutex_unlock (&connection->lock);
  if (gone)
    collet_http_exchange_lose (gone);
}

static gint64
read_peer_uid (int fd)
{
  struct ucred credentials;
  socklen_t size = sizeof credentials;
  int domain = 0;
  socklen_t domain_size = sizeof domain;

  if (getsockopt (fd, SOL_SOCKET, SO_DOMAIN, &domain, &domain_size) != 0 || domain != AF_UNIX ||
      getsockopt (fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
    return -1;
  return (gint64)credentials.uid;
}

static void
read_peer_address (struct MHD_Connection *mhd, char *text)
{
  const union MHD_ConnectionInfo *info = MHD_get_connection_info (mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  const struct sockaddr *address = info ? info->client_addr : NULL;
  const char *made = NULL;

  if (address && address->sa_family == AF_INET)
    made = inet_ntop (AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr, text,
                      INET6_ADDRSTRLEN);
  else if (address && address->sa_family == AF_INET6)
    made = inet_ntop (AF_INET6, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, text,
                      INET6_ADDRSTRLEN);
  if (!made)
    text[0] = '\0';
}

static ColletHttpConnection *
connection_new (ColletHttpShared *shared, struct MHD_Connection *mhd)
{
  ColletHttpConnection *connection = g_new0 (ColletHttpConnection, 1);

  g_atomic_ref_count_init (&connection->ref_count);
  pthread_mutex_init (&connection->lock, NULL);
  connection->source.on_event = on_event;
  connection->source.fd = MHD_get_connection_info (mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
  connection->peer_uid =
      collet_http_shared_get_policy (shared)->is_local ? read_peer_uid (connection->source.fd) : -1;
  read_peer_address (mhd, connection->peer_address);
  connection->shared = shared;
  connection->mhd = mhd;
  connection->link.data = connection;
  collet_http_connection_restart_clock (connection);
  return connection;
}

ColletHttpConnection *
collet_http_connection_ref (ColletHttpConnection *connection)
{
  g_atomic_ref_count_inc (&connection->ref_count);
  return connection;
}

void
collet_http_connection_unref (ColletHttpConnection *connection)
{
  if (!g_atomic_ref_count_dec (&connection->ref_count))
    return;
  pthread_mutex_destroy (&connection->lock);
  g_free (connection);
}

static void
unref_later (gpointer data)
{
  collet_http_connection_unref (data);
}

void
collet_http_connection_on_notify (void *cls, struct MHD_Connection *mhd, void **socket_context,
                                  enum MHD_ConnectionNotificationCode code)
{
  ColletHttpShared *shared = cls;
  ColletHttpConnection *connection = *socket_context;

  if (code == MHD_CONNECTION_NOTIFY_STARTED)
    {
      connection = connection_new (shared, mhd);
      *socket_context = connection;
      pthread_mutex_lock (&shared->lock);
      g_queue_push_tail_link (&shared->connections, &connection->link);
      pthread_mutex_unlock (&shared->lock);
      return;
    }
  pthread_mutex_lock (&shared->lock);
  g_queue_unlink (&shared->connections, &connection->link);
  pthread_mutex_unlock (&shared->lock);

  pthread_mutex_lock (&connection->lock);
  connection->mhd = NULL;
  pthread_mutex_unlock (&connection->lock);
  collet_http_loop_bury (shared->loop, connection, unref_later);
}

void
collet_http_connection_restart_clock (ColletHttpConnection *connection)
{
  connection->deadline_us = collet_clock_get_coarse () + connection->shared->request_timeout_us;
}

void
collet_http_connection_suspend (ColletHttpConnection *connection)
{
  connection->suspended_us = g_get_monotonic_time ();
  MHD_suspend_connection (connection->mhd);
}

void
collet_http_connection_resume (ColletHttpConnection *connection)
{
  if (connection->is_watched)
    collet_http_loop_remove (connection->shared->loop, &connection->source);
  connection->is_watched = FALSE;
  connection->suspended_us = 0;
  collet_http_connection_restart_clock (connection);
  MHD_resume_connection (connection->mhd);
}

/* With its lock, and not suspended. */
static gboolean
is_left_unread (ColletHttpConnection *connection)
{
  int unread = 0;

  if (ioctl (connection->source.fd, FIONREAD, &unread) != 0 || unread == 0)
    connection->unread_ticks = 0;
  else if (connection->unread_ticks < UNREAD_TICKS)
    connection->unread_ticks++;
  return connection->unread_ticks >= UNREAD_TICKS;
}

gboolean
collet_http_connection_sweep (ColletHttpShared *shared, gint64 now_us)
{
  gboolean is_stuck = FALSE;

  pthread_mutex_lock (&shared->lock);
  for (GList *link = shared->connections.head; link; link = link->next)
    {
      ColletHttpConnection *connection = link->data;

      pthread_mutex_lock (&connection->lock);
      if (connection->suspended_us == 0)
        {
          is_stuck |= is_left_unread (connection);
          if (now_us > connection->deadline_us)
            shutdown (connection->source.fd, SHUT_RDWR);
        }
      else if (!connection->is_watched && now_us - connection->suspended_us > WATCH_AFTER_US)
        {
          connection->is_watched =
              collet_http_loop_add (shared->loop, &connection->source, EPOLLRDHUP | EPOLLONESHOT);
        }
      pthread_mutex_unlock (&connection->lock);
    }
  pthread_mutex_unlock (&shared->lock);
  return is_stuck;
}
