/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-bare-server.h: as little HTTP server as can be: what Collet is measured
 * against. libmicrohttpd with epoll, POST with a body, nothing checked but the
 * JSON syntax.
 */
#pragma once

#include <microhttpd.h>

#include "collet-bench-json.h"

G_BEGIN_DECLS

typedef struct
{
  struct MHD_Connection *connection;
  GString *body;
  char *reply; /* malloc'ed; taken by the server */
  gsize reply_size;
} BareRequest;

/* Either sets `reply`, or suspends the connection and lets somebody else set it
 * and resume. FALSE closes the connection. */
typedef gboolean (*BareHandler) (BareRequest *request, gpointer user_data);

/* Prints the port and runs until SIGTERM or SIGINT. Port 0: any. */
int bare_server_run (guint port, guint threads, BareHandler handler, gpointer user_data);

/* The reply to a tools/call request in the shape of Collet's, malloc'ed; NULL if
 * the request is not JSON. Parses it and echoes the id. */
char *bare_answer (const char *request, gsize size, gsize *reply_size);

/* --port N --threads N */
gboolean bare_options_parse (int *argc, char ***argv, const char *summary, int *port, int *threads);

G_END_DECLS
