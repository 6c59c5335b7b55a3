/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-http-stream.h: an answer that goes on: bytes from any thread to one
 * client, in HTTP chunks, over a socket of our own (taken from libmicrohttpd,
 * see collet-http-exchange.c), so that an idle stream costs a small struct and
 * no time.
 *
 * A stream is written to directly; what the socket does not take waits in a
 * queue. A sender that finds more than COLLET_HTTP_STREAM_QUEUE bytes waiting
 * cuts the stream: one message may be larger, a slow reader may not collect
 * several.
 */
#pragma once

#include "collet-http-loop.h"

G_BEGIN_DECLS

#define COLLET_HTTP_STREAM_QUEUE (256u * 1024u)

typedef struct _ColletHttpStream ColletHttpStream;

/* on_gone: the client went away or was cut, or the end was delivered and the
 * connection closed; once, after collet_http_stream_open, in the loop's thread.
 * The memory must stay until the loop buried it. */
typedef struct
{
  void (*on_gone) (gpointer user_data);
  gpointer user_data;
} ColletHttpStreamOwner;

/* `head`: the response's head, sent as it is. */
ColletHttpStream *collet_http_stream_new (GString *head, gboolean chunked, ColletHttpStreamOwner owner);
void collet_http_stream_free (ColletHttpStream *stream);

/* Takes the fd and sends what was collected so far. */
void collet_http_stream_open (ColletHttpStream *stream, ColletHttpLoop *loop, int fd);

/* FALSE: the stream is ended or cut. */
gboolean collet_http_stream_send (ColletHttpStream *stream, const char *data, gsize size);
void collet_http_stream_end (ColletHttpStream *stream);
/* Ends it without the closing chunk. on_gone follows if it was opened. */
void collet_http_stream_cut (ColletHttpStream *stream);

/* From the wheel, in the loop's thread: a comment if the stream was silent since
 * the last time; an ended stream whose client lingers is cut. */
void collet_http_stream_keep_alive (ColletHttpStream *stream);

G_END_DECLS
