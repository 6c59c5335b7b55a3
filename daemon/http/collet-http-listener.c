/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-http-listener.h"

#include "collet-error.h"
#include "collet-http-exchange.h"
#include "collet-http-socket.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Head and read buffer of one connection; cleared for each request, so not more. */
#define CONNECTION_MEMORY (16u * 1024u)
#define DEFAULT_MAX_BODY (4u << 20)
#define OTHER_FILES 256u /* what the rest of the process may need */
#define FAREWELL_MS 200u
#define LINGER_MS 1000u /* for clients to take the last answer or the end of their streams */

struct _ColletHttpListener
{
  ColletHttpShared shared;
  struct MHD_Daemon *daemon;
  int listen_fd;
  guint max_connections;
  guint max_streams;
};

static void
on_tick (gpointer data, gint64 now_us)
{
  ColletHttpListener *listener = data;

  /* libmicrohttpd drains its epoll set in rounds of 128 events and waits, once more,
   * for as long as a connection may be idle if there were exactly so many; whoever
   * sent something by then waits with it. Any event ends that. */
  if (collet_http_connection_sweep (&listener->shared, now_us) &&
      g_atomic_int_get (&listener->shared.stage) == COLLET_HTTP_SERVING)
    collet_http_socket_nudge (listener->listen_fd);
  collet_http_wheel_turn (listener->shared.wheel);
}

G_GNUC_PRINTF (2, 0)
static void
on_log (void *cls, const char *format, va_list arguments)
{
  g_autofree char *text = NULL;

  text = g_strdup_vprintf (format, arguments);
  g_debug ("libmicrohttpd: %s", g_strchomp (text));
}

/* What is asked for, cut to what the limit on open files leaves room for. */
static void
set_limits (ColletHttpListener *listener, const ColletHttpConfig *config)
{
  struct rlimit limit = { 1024, 1024 };
  guint64 room;

  getrlimit (RLIMIT_NOFILE, &limit);
  room = limit.rlim_cur > 2 * OTHER_FILES ? limit.rlim_cur - OTHER_FILES : OTHER_FILES;
  listener->max_connections = config->max_connections ? config->max_connections : 4096;
  listener->max_streams = config->max_streams ? config->max_streams : 16384;
  if (listener->max_connections + (guint64)listener->max_streams <= room)
    return;
  listener->max_connections = (guint)MIN (listener->max_connections, room / 2);
  listener->max_streams = (guint)MIN (listener->max_streams, room - listener->max_connections);
  g_info ("http: the limit of %" G_GUINT64_FORMAT " open files leaves room for %u connections and %u streams",
          (guint64)limit.rlim_cur, listener->max_connections, listener->max_streams);
}

static gboolean
start (ColletHttpListener *listener, const ColletHttpConfig *config, guint threads)
{
  guint timeout_s = (guint)(listener->shared.request_timeout_us / G_USEC_PER_SEC) + 1;
  struct MHD_OptionItem options[] = {
    { MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)on_log, NULL },
    { MHD_OPTION_LISTEN_SOCKET, listener->listen_fd, NULL },
    { MHD_OPTION_CONNECTION_LIMIT, (intptr_t)MAX (listener->max_connections, threads), NULL },
    { MHD_OPTION_PER_IP_CONNECTION_LIMIT, (intptr_t)config->max_connections_per_ip, NULL },
    { MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, NULL },
    { MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)timeout_s, NULL },
    { MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL },
    { MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)collet_http_connection_on_notify, &listener->shared },
    { MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)collet_http_exchange_on_completed, &listener->shared },
    /* libmicrohttpd warns about a pool of one. */
    { threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, (intptr_t)threads, NULL },
    { MHD_OPTION_END, 0, NULL },
  };

  listener->daemon = MHD_start_daemon (MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
                                           MHD_USE_ERROR_LOG | MHD_USE_ITC,
                                       0, NULL, NULL, collet_http_exchange_on_access, &listener->shared,
                                       MHD_OPTION_ARRAY, options, MHD_OPTION_END);
  return listener->daemon != NULL;
}

static ColletHttpPolicy *
policy_new (int fd, const ColletHttpPolicy *wanted)
{
  ColletHttpPolicy *policy = g_new0 (ColletHttpPolicy, 1);

  policy->is_local = collet_http_socket_is_unix (fd);
  policy->allowed_uids = wanted->allowed_uids ? g_array_copy ((GArray *)wanted->allowed_uids) : NULL;
  policy->allowed_hosts = (const char *const *)g_strdupv ((GStrv)wanted->allowed_hosts);
  policy->allowed_origins = (const char *const *)g_strdupv ((GStrv)wanted->allowed_origins);
  policy->max_body = wanted->max_body ? wanted->max_body : DEFAULT_MAX_BODY;
  return policy;
}

static void
policy_free (gpointer data)
{
  ColletHttpPolicy *policy = data;

  if (policy->allowed_uids)
    g_array_unref ((GArray *)policy->allowed_uids);
  g_strfreev ((GStrv)policy->allowed_hosts);
  g_strfreev ((GStrv)policy->allowed_origins);
  g_free (policy);
}

static void
listener_free (ColletHttpListener *listener)
{
  ColletHttpShared *shared = &listener->shared;

  if (shared->loop)
    collet_http_loop_free (shared->loop);
  collet_http_wheel_free (shared->wheel);
  g_assert (g_queue_is_empty (&shared->connections));
  policy_free (shared->policy);
  g_slist_free_full (shared->former_policies, policy_free);
  pthread_mutex_destroy (&shared->lock);
  if (shared->spare_fd >= 0)
    close (shared->spare_fd);
  close (listener->listen_fd);
  g_free (listener);
}

void
collet_http_listener_set_policy (ColletHttpListener *listener, const ColletHttpPolicy *wanted)
{
  ColletHttpShared *shared = &listener->shared;
  ColletHttpPolicy *former = shared->policy;

  g_atomic_pointer_set (&shared->policy, policy_new (listener->listen_fd, wanted));
  shared->former_policies = g_slist_prepend (shared->former_policies, former);
}

ColletHttpListener *
collet_http_listener_new (const ColletHttpConfig *config, GError **error)
{
  ColletHttpListener *listener = g_new0 (ColletHttpListener, 1);
  ColletHttpShared *shared = &listener->shared;
  guint threads = config->threads ? config->threads : CLAMP (g_get_num_processors () / 2, 1, 8);
  guint timeout_ms = config->request_timeout_ms ? config->request_timeout_ms : 60000;

  listener->listen_fd = config->listen_fd;
  set_limits (listener, config);
  pthread_mutex_init (&shared->lock, NULL);
  shared->handler = config->handler;
  shared->is_kept = config->is_kept;
  shared->user_data = config->user_data;
  shared->request_timeout_us = (gint64)timeout_ms * 1000;
  shared->policy = policy_new (config->listen_fd, &config->policy);
  shared->wheel =
      collet_http_wheel_new (config->keep_alive_ms ? config->keep_alive_ms : 15000, listener->max_streams);
  shared->spare_fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  shared->loop = collet_http_loop_new (on_tick, listener, error);
  if (!shared->loop)
    {
      listener_free (listener);
      return NULL;
    }
  if (shared->spare_fd < 0 || !start (listener, config, threads))
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_FAILED,
                   "Cannot start %u HTTP threads (%s). Raise the limits on open files and on tasks.", threads,
                   g_strerror (errno));
      listener_free (listener);
      return NULL;
    }
  return listener;
}

guint16
collet_http_listener_get_port (ColletHttpListener *listener)
{
  return collet_http_socket_get_port (listener->listen_fd);
}

void
collet_http_listener_get_counts (ColletHttpListener *listener, ColletHttpCounts *counts)
{
  pthread_mutex_lock (&listener->shared.lock);
  counts->connections = listener->shared.connections.length;
  pthread_mutex_unlock (&listener->shared.lock);
  counts->streams = collet_http_wheel_get_length (listener->shared.wheel);
}

/* The file of a unix socket, unless another daemon put its own there since. */
static void
remove_socket_file (int fd)
{
  struct sockaddr_un address = { 0 };
  socklen_t size = sizeof address;

  if (getsockname (fd, (struct sockaddr *)&address, &size) == 0 && address.sun_family == AF_UNIX &&
      address.sun_path[0] == '/')
    {
      int probe = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

      if (probe >= 0 && connect (probe, (struct sockaddr *)&address, size) != 0 && errno == ECONNREFUSED)
        unlink (address.sun_path);
      if (probe >= 0)
        close (probe);
    }
}

void
collet_http_listener_quiesce (ColletHttpListener *listener)
{
  if (!g_atomic_int_compare_and_exchange (&listener->shared.stage, COLLET_HTTP_SERVING,
                                          COLLET_HTTP_FINISHING))
    return;
  MHD_quiesce_daemon (listener->daemon);
  if (listener->shared.is_kept)
    return;
  /* Refuses from now on; closed only when no thread can be about to accept. */
  shutdown (listener->listen_fd, SHUT_RDWR);
  remove_socket_file (listener->listen_fd);
}

static guint
count_running (ColletHttpShared *shared)
{
  guint running = 0;

  pthread_mutex_lock (&shared->lock);
  for (GList *link = shared->connections.head; link; link = link->next)
    {
      ColletHttpConnection *connection = link->data;

      pthread_mutex_lock (&connection->lock);
      running += connection->current != NULL;
      pthread_mutex_unlock (&connection->lock);
    }
  pthread_mutex_unlock (&shared->lock);
  return running;
}

/* Everything that waits for its handler gets an answer. */
static void
abandon_all (ColletHttpShared *shared)
{
  g_autoptr (GPtrArray) left = g_ptr_array_new ();

  pthread_mutex_lock (&shared->lock);
  for (GList *link = shared->connections.head; link; link = link->next)
    {
      ColletHttpConnection *connection = link->data;

      pthread_mutex_lock (&connection->lock);
      /* Others are in their thread's hands, which sees the stage. */
      if (connection->current && connection->suspended_us != 0)
        {
          ColletHttpExchange *exchange = collet_http_exchange_ref_waiting (connection->current);
          if (exchange)
            g_ptr_array_add (left, exchange);
        }
      pthread_mutex_unlock (&connection->lock);
    }
  pthread_mutex_unlock (&shared->lock);
  for (guint i = 0; i < left->len; i++)
    collet_http_exchange_abandon (left->pdata[i]);
}

static void
wait_for_answers (ColletHttpShared *shared, guint ms)
{
  gint64 end_us = g_get_monotonic_time () + (gint64)ms * 1000;

  while (count_running (shared) > 0 && g_get_monotonic_time () < end_us)
    g_usleep (2000);
}

static void
wait_for_streams (ColletHttpShared *shared)
{
  for (guint waited = 0; collet_http_wheel_get_length (shared->wheel) > 0; waited++)
    {
      if (waited == LINGER_MS)
        collet_http_wheel_for_all (shared->wheel, collet_http_stream_cut);
      g_usleep (1000);
    }
}

void
collet_http_listener_stop (ColletHttpListener *listener, guint grace_ms)
{
  ColletHttpShared *shared = &listener->shared;

  collet_http_listener_quiesce (listener);
  /* Who is busy sends the next request now and reads that the connection closes;
   * without this it would find a closed one under its request. */
  if (shared->is_kept)
    g_usleep (MIN (grace_ms, FAREWELL_MS) * 1000);
  wait_for_answers (shared, grace_ms);
  g_atomic_int_set (&shared->stage, COLLET_HTTP_ENDING);
  abandon_all (shared);
  wait_for_answers (shared, LINGER_MS);
  collet_http_wheel_for_all (shared->wheel, collet_http_stream_end);
  wait_for_streams (shared);
  MHD_stop_daemon (listener->daemon);
  listener_free (listener);
}
