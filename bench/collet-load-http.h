/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-load-http.h: one keep-alive HTTP/1.1 connection of the load client over
 * a raw socket. One request at a time; nothing is ever sent twice.
 */
#pragma once

#include "collet-bench-json.h"

G_BEGIN_DECLS

typedef struct
{
  char *host; /* "127.0.0.1" */
  guint port;
  char *path; /* "/mcp" */
} LoadUrl;

/* "http://HOST:PORT/PATH" only. */
gboolean load_url_parse (const char *text, LoadUrl *url, GError **error);
void load_url_clear (LoadUrl *url);

/* Slices point into the connection's buffer, until the next request. */
typedef struct
{
  guint status;
  BenchSlice session; /* Mcp-Session-Id */
  BenchSlice body;    /* de-chunked; of an event stream: the last event's data */
  gboolean is_stream; /* an event stream whose headers are complete, still open */
} LoadResponse;

typedef enum
{
  LOAD_IO_WAITING,
  LOAD_IO_RESPONSE,
  LOAD_IO_CLOSED,    /* by the server, in the middle or instead of a reply */
  LOAD_IO_RESET,     /* any other socket error */
  LOAD_IO_MALFORMED, /* not HTTP */
  LOAD_IO_UNASKED,   /* bytes that belong to no request */
} LoadIo;

typedef struct
{
  int fd; /* -1: closed */
  GString *in;
  GString *out;
  gsize sent;
  gsize used;     /* bytes of `in` that the last response took */
  GString *plain; /* its body after de-chunking */
  gboolean is_busy;
  gboolean will_close; /* the server said so */
} LoadConnection;

LoadConnection *load_connection_new (void);
void load_connection_free (LoadConnection *connection);
/* FALSE: refused or not within two seconds; the message says which. Non-blocking
 * afterwards. */
gboolean load_connection_open (LoadConnection *connection, const LoadUrl *url, GError **error);
void load_connection_close (LoadConnection *connection);

/* Sends what is in `connection->out`. FALSE: the connection is broken; TRUE with
 * sent < out->len: call load_connection_flush when the socket is writable. */
gboolean load_connection_send (LoadConnection *connection);
gboolean load_connection_flush (LoadConnection *connection);
LoadIo load_connection_receive (LoadConnection *connection, LoadResponse *response);
/* Blocks for the reply to what was sent, for at most `timeout_ms`. */
gboolean
load_connection_wait (LoadConnection *connection, int timeout_ms, LoadResponse *response, GError **error);

const char *load_io_name (LoadIo io);

G_END_DECLS
