/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-http-response.h: answers as libmicrohttpd and as streams want them.
 */
#pragma once

#include "collet-exchange.h"

#include <microhttpd.h>

G_BEGIN_DECLS

#define COLLET_HTTP_ENDING_REASON "This server is ending. Try again shortly."

/* Takes `body` (g_free). */
struct MHD_Response *
collet_http_response_new (const ColletHttpHeader *headers, guint n_headers, char *body, gsize size);

/* The head of a stream, with the empty line. */
GString *
collet_http_response_head (guint status, const ColletHttpHeader *headers, guint n_headers, gboolean chunked);

G_END_DECLS
