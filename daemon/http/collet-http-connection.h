/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-http-connection.h: our record beside each connection of libmicrohttpd.
 * It outlives the connection while an exchange refers to it; `mhd` is NULL then.
 */
#pragma once

#include "collet-exchange.h"
#include "collet-http-head.h"
#include "collet-http-loop.h"
#include "collet-http-wheel.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>

G_BEGIN_DECLS

typedef struct _ColletHttpExchange ColletHttpExchange;
typedef struct _ColletHttpConnection ColletHttpConnection;

/* What all connections of one listener have in common; the listener's. */
typedef struct
{
  ColletHttpLoop *loop;
  ColletHttpWheel *wheel;
  ColletHttpPolicy *policy; /* atomic */
  GSList *former_policies;  /* a request may be looking at one; freed at the end */
  const ColletExchangeHandler *handler;
  gpointer user_data;
  gint64 request_timeout_us;
  int spare_fd;     /* what a connection's descriptor is exchanged for when a stream takes it */
  gboolean is_kept; /* the listening socket outlives us */
  gint stage;       /* atomic; ColletHttpStage */
  pthread_mutex_t lock;
  GQueue connections; /* with the lock */
} ColletHttpShared;

static inline const ColletHttpPolicy *
collet_http_shared_get_policy (ColletHttpShared *shared)
{
  return g_atomic_pointer_get (&shared->policy);
}

typedef enum
{
  COLLET_HTTP_SERVING,
  COLLET_HTTP_FINISHING, /* requests that run are answered, new ones refused */
  COLLET_HTTP_ENDING,    /* nothing may be suspended or become a stream */
} ColletHttpStage;

struct _ColletHttpConnection
{
  ColletHttpSource source; /* fd: the connection's */
  ColletHttpShared *shared;
  GList link;
  gatomicrefcount ref_count;
  gint64 peer_uid;
  char peer_address[INET6_ADDRSTRLEN]; /* "" for a unix socket */
  pthread_mutex_t lock;                /* everything below, and the exchange's state */
  struct MHD_Connection *mhd;
  ColletHttpExchange *current; /* borrowed */
  gint64 deadline_us;          /* for the client to be done with a request or an answer */
  gint64 suspended_us;         /* since when; 0: not suspended */
  gboolean is_watched;
  guint8 unread_ticks;
};

/* As MHD_NotifyConnectionCallback; cls is the ColletHttpShared. */
void collet_http_connection_on_notify (void *cls, struct MHD_Connection *mhd, void **socket_context,
                                       enum MHD_ConnectionNotificationCode code);

ColletHttpConnection *collet_http_connection_ref (ColletHttpConnection *connection);
void collet_http_connection_unref (ColletHttpConnection *connection);

/* With its lock. suspend: only in the thread that serves it. */
void collet_http_connection_suspend (ColletHttpConnection *connection);
void collet_http_connection_resume (ColletHttpConnection *connection);
void collet_http_connection_restart_clock (ColletHttpConnection *connection);

/* From the loop, at each tick: cuts who takes too long to send or to read, watches
 * who waits for an answer. TRUE: bytes of a client have not been read for two
 * ticks. */
gboolean collet_http_connection_sweep (ColletHttpShared *shared, gint64 now_us);

G_END_DECLS
