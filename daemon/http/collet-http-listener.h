/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-http-listener.h: one listening socket, its threads, and the connections
 * on it. Requests go to a ColletExchangeHandler, on the listener's threads.
 */
#pragma once

#include "collet-exchange.h"
#include "collet-http-head.h"

G_BEGIN_DECLS

/* 0 or NULL: the default. The handler must outlive the listener. */
typedef struct
{
  int listen_fd;    /* listening (collet-http-socket.h); taken, also on error */
  gboolean is_kept; /* somebody else has the socket too, and it outlives the listener */
  const ColletExchangeHandler *handler;
  gpointer user_data;
  guint threads;                /* half the processors, 1 to 8 */
  guint max_connections;        /* 4,096, streams not counted */
  guint max_connections_per_ip; /* no limit */
  guint max_streams;            /* 16,384 */
  guint request_timeout_ms;     /* 60,000: to send a request or to read an answer */
  guint keep_alive_ms;          /* 15,000: between comments on an idle stream */
  ColletHttpPolicy policy;      /* copied; max_body 0: 4 MiB; is_local is found out */
} ColletHttpConfig;

typedef struct
{
  guint connections; /* streams not counted */
  guint streams;
} ColletHttpCounts;

typedef struct _ColletHttpListener ColletHttpListener;

ColletHttpListener *
collet_http_listener_new (const ColletHttpConfig *config, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* For requests that come from now on. Copied. One thread. */
void collet_http_listener_set_policy (ColletHttpListener *listener, const ColletHttpPolicy *policy);

/* 0 for a unix socket. */
guint16 collet_http_listener_get_port (ColletHttpListener *listener);
void collet_http_listener_get_counts (ColletHttpListener *listener, ColletHttpCounts *counts);

/* No new connection is taken: refused, or left waiting if the socket is kept. A
 * new request on an open connection gets 503, or, if the socket is kept, its
 * answer and the end of the connection. What runs goes on. Returns at once. */
void collet_http_listener_quiesce (ColletHttpListener *listener);

/* Quiesces, waits up to `grace_ms` for the answers that are due, then ends the
 * streams (`closed` is called for those the handler did not end) and answers 503
 * to what is left. Blocks; frees the listener. Exchanges that a handler still
 * holds stay valid and lead nowhere. */
void collet_http_listener_stop (ColletHttpListener *listener, guint grace_ms);

G_END_DECLS
