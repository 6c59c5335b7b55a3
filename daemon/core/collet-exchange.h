/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-exchange.h: one HTTP request and its answer, as the protocol layer sees
 * it; implemented by http/ over libmicrohttpd, and by tests without sockets.
 *
 * Life: the listener makes it when the headers are complete and calls the
 * handler's `begin`; if that did not answer, the body is read and `complete` is
 * called, both on an HTTP thread. The handler answers exactly once, at any time
 * and from any thread: `respond` with a whole body, or `start_stream`, then
 * `send` any number of times, then `end`. When the client goes away first,
 * `closed` is called (once, from any thread); answering after that is allowed
 * and does nothing. A handler that answers later takes a reference in `begin` or
 * `complete` and drops it when it is through.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _ColletExchange ColletExchange;

typedef struct
{
  const char *name, *value;
} ColletHttpHeader;

typedef struct
{
  ColletExchange *(*ref) (ColletExchange *exchange);
  void (*unref) (ColletExchange *exchange);

  const char *(*get_method) (ColletExchange *exchange); /* "POST" */
  const char *(*get_path) (ColletExchange *exchange);   /* "/mcp", no query */
  /* Case-insensitive; NULL if absent. Borrowed until the exchange is answered. */
  const char *(*get_header) (ColletExchange *exchange, const char *name);
  /* Whole body, only in `complete`. Borrowed until the last reference is gone. */
  const char *(*get_body) (ColletExchange *exchange, gsize *size);
  /* uid of a unix socket's peer; -1 for TCP. */
  gint64 (*get_peer_uid) (ColletExchange *exchange);
  /* Numeric, without the port: "127.0.0.1", "::1"; "" for a unix socket. Borrowed
   * as headers are. */
  const char *(*get_peer_address) (ColletExchange *exchange);

  /* Takes `body` (g_free); headers are copied. */
  void (*respond) (ColletExchange *exchange, guint status, const ColletHttpHeader *headers, guint n_headers,
                   char *body, gsize size);
  void (*start_stream) (ColletExchange *exchange, guint status, const ColletHttpHeader *headers,
                        guint n_headers);
  /* FALSE: the client is gone or too slow (more than 256 KiB waiting; the stream
   * was cut). Copies. */
  gboolean (*send) (ColletExchange *exchange, const char *data, gsize size);
  void (*end) (ColletExchange *exchange);
} ColletExchangeClass;

struct _ColletExchange
{
  const ColletExchangeClass *class_;
  /* The handler's own, e.g. the request that runs; freed with the exchange. */
  gpointer handler_data;
  GDestroyNotify handler_data_free; /* or NULL */
};

typedef struct
{
  void (*begin) (ColletExchange *exchange, gpointer user_data);
  void (*complete) (ColletExchange *exchange, gpointer user_data);
  void (*closed) (ColletExchange *exchange, gpointer user_data);
} ColletExchangeHandler;

G_END_DECLS
