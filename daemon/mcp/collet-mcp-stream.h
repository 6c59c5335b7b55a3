/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-mcp-stream.h: the streams on which clients wait for news: a legacy
 * session's GET stream, and modern subscriptions/listen.
 */
#pragma once

#include "collet-exchange.h"
#include "collet-mcp-session.h"

G_BEGIN_DECLS

typedef struct _ColletMcpStreams ColletMcpStreams;

ColletMcpStreams *collet_mcp_streams_new (void);
/* Every stream must have been ended or lost. */
void collet_mcp_streams_free (ColletMcpStreams *streams);

/* The exchange has started its stream already. `seen`: what the client knows. */
void collet_mcp_streams_add_legacy (ColletMcpStreams *streams, ColletExchange *exchange,
                                    ColletMcpSession *session);
/* `id`: of the request, raw. wants_tools: whether list changes are to be told.
 * `end`: what is sent last, a whole message; copied. */
void collet_mcp_streams_add_modern (ColletMcpStreams *streams, ColletExchange *exchange, const char *id,
                                    gsize id_size, gboolean wants_tools, guint64 seen, const GString *end);

/* Tells everyone who knows another list. */
void collet_mcp_streams_tell (ColletMcpStreams *streams, guint64 mark);
void collet_mcp_streams_end_all (ColletMcpStreams *streams);
guint collet_mcp_streams_get_length (ColletMcpStreams *streams);

G_END_DECLS
