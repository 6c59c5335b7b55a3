/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-mcp-reply.h: where the answer to one message goes: into an HTTP answer
 * of its own, onto that answer's stream, or into its place in a batch.
 */
#pragma once

#include "collet-exchange.h"

G_BEGIN_DECLS

typedef struct _ColletMcpBatch ColletMcpBatch;

/* Copied freely; who keeps it holds a reference of the exchange, and of the
 * batch until it answered (each slot has one). */
typedef struct
{
  ColletExchange *exchange;
  ColletMcpBatch *batch; /* or NULL */
  guint slot;
} ColletMcpReply;

/* Takes `json`. status counts only for an answer of its own. */
void collet_mcp_reply_json (const ColletMcpReply *reply, guint status, GString *json);
/* With an Mcp-Session-Id. */
void collet_mcp_reply_json_with_session (const ColletMcpReply *reply, GString *json, const char *session);
/* No body: a notification was taken, a session ended. In a batch: the slot stays
 * empty. */
void collet_mcp_reply_nothing (const ColletMcpReply *reply, guint status);

/* text/event-stream */
void collet_mcp_reply_start_stream (const ColletMcpReply *reply);
/* One event. FALSE: nobody listens any more. */
gboolean collet_mcp_exchange_send_event (ColletExchange *exchange, const char *json, gsize size);

/* "event: message" and the data, with the empty line. */
void collet_mcp_append_event (GString *out, const char *json, gsize size);

/* Plain answers outside JSON-RPC; `text` is copied. */
void collet_mcp_exchange_respond (ColletExchange *exchange, guint status, const char *type, const char *text);

/* Collects `n_slots` answers into one array; answers 202 if none has a body. */
ColletMcpBatch *collet_mcp_batch_new (ColletExchange *exchange, guint n_slots);

G_END_DECLS
