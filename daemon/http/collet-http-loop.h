/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-http-loop.h: one thread that watches sockets which libmicrohttpd does
 * not: those of suspended requests and of streams. Edge and life rules:
 *
 * A source is embedded in its owner's struct. It is added and removed from any
 * thread; on_event runs in the loop's thread and may still come once for a
 * source that another thread has just removed, so its memory must stay valid
 * until the loop buried it (collet_http_loop_bury).
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _ColletHttpLoop ColletHttpLoop;
typedef struct _ColletHttpSource ColletHttpSource;

struct _ColletHttpSource
{
  void (*on_event) (ColletHttpSource *source, guint32 events); /* EPOLL* bits */
  int fd;
};

#define COLLET_HTTP_TICK_MS 250u

/* on_tick runs in the loop's thread every COLLET_HTTP_TICK_MS. */
ColletHttpLoop *collet_http_loop_new (void (*on_tick) (gpointer user_data, gint64 now_us), gpointer user_data,
                                      GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Ends the thread, then buries what is left. */
void collet_http_loop_free (ColletHttpLoop *loop);

/* FALSE: the kernel refused (ENOMEM, ENOSPC); nothing is watched. */
gboolean collet_http_loop_add (ColletHttpLoop *loop, ColletHttpSource *source, guint32 events);
void collet_http_loop_change (ColletHttpLoop *loop, ColletHttpSource *source, guint32 events);
void collet_http_loop_remove (ColletHttpLoop *loop, ColletHttpSource *source);

/* Calls `destroy (data)` in the loop's thread once no event that was fetched
 * before this call can still be delivered. */
void collet_http_loop_bury (ColletHttpLoop *loop, gpointer data, GDestroyNotify destroy);

G_END_DECLS
