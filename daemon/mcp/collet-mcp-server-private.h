/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-mcp-server-private.h: what the parts of this folder share.
 */
#pragma once

#include "collet-mcp-error.h"
#include "collet-mcp-housekeeper.h"
#include "collet-mcp-metrics.h"
#include "collet-mcp-reply.h"
#include "collet-mcp-request.h"
#include "collet-mcp-seal.h"
#include "collet-mcp-server.h"
#include "collet-mcp-session.h"
#include "collet-mcp-stream.h"

G_BEGIN_DECLS

typedef struct _ColletMcpAsks ColletMcpAsks;

struct _ColletMcpServer
{
  ColletMcpConfig config; /* defaults filled in */
  char *version, *instructions;
  GStrv token_digests;      /* SHA-256 of each */
  ColletJson *no_arguments; /* {} */
  ColletMcpSessions *sessions;
  ColletMcpStreams *streams;
  ColletMcpMetrics *metrics;
  ColletMcpHousekeeper *keeper;
  ColletMcpAsks *asks;
  guchar seal_key[COLLET_MCP_SEAL_KEY_SIZE];
  gint calls; /* atomic: in flight */
};

/* Begin of an object that an exchange's handler_data points to. */
typedef struct
{
  void (*closed) (gpointer self); /* the client is gone */
} ColletMcpTie;

/* One message while it is looked at; lives on the stack. */
typedef struct
{
  ColletMcpServer *server;
  ColletMcpReply reply;
  ColletMcpRequest request;
  ColletMcpSession *session; /* borrowed; NULL in the modern era and before initialize */
  gboolean is_modern;
} ColletMcpTurn;

/* `result`: a JSON object without its closing brace ("{" or "{\"a\":1"), taken;
 * what the era wants is added. */
void collet_mcp_turn_answer (const ColletMcpTurn *turn, GString *result);
/* `meta`: NULL in the legacy era; otherwise what stands first in the result's
 * _meta: "" or members with a comma after each. */
GString *collet_tool_result_new (const ColletMcpServer *server, const ColletMcpRequest *request,
                                 GString *result, const char *meta);
/* `data`: JSON or NULL. */
void collet_mcp_turn_fail (const ColletMcpTurn *turn, guint status, int code, const char *message,
                           const char *data);

const char *collet_mcp_turn_get_header (const ColletMcpTurn *turn, const char *name);

/* "name":"collet",... as an object */
void collet_mcp_append_server_info (GString *out, const ColletMcpServer *server);

/* The begin of the digest of the list that is served now. */
guint64 collet_mcp_list_mark (const ColletToolList *list);
guint64 collet_mcp_server_get_mark (ColletMcpServer *server);

/* collet-mcp-legacy.c */
void collet_mcp_legacy_handle (ColletMcpTurn *turn);
void
collet_mcp_legacy_handle_batch (ColletMcpServer *server, ColletExchange *exchange, const ColletJson *json);
void collet_mcp_legacy_get (ColletMcpServer *server, ColletExchange *exchange);
void collet_mcp_legacy_delete (ColletMcpServer *server, ColletExchange *exchange);
void collet_mcp_legacy_end_session (ColletMcpServer *server, ColletMcpSession *session);

/* collet-mcp-modern.c */
gboolean collet_mcp_modern_claims (const ColletMcpRequest *request, ColletExchange *exchange);
void collet_mcp_modern_handle (ColletMcpTurn *turn);

/* collet-mcp-list.c: tools/list */
void collet_mcp_list_tools (ColletMcpTurn *turn);

/* collet-mcp-call.c: tools/call */
void collet_mcp_call_start (ColletMcpTurn *turn);
/* Cancels the session's call with this id; all of them for NULL. */
void collet_mcp_call_cancel (ColletMcpSession *session, const char *id, gsize id_size);

/* collet-mcp-ask.c: calls that wait for a legacy client's answer to a question. */
ColletMcpAsks *collet_mcp_asks_new (void);
void collet_mcp_asks_free (ColletMcpAsks *asks); /* none may wait */
void collet_mcp_asks_check_time (ColletMcpAsks *asks);
void collet_mcp_asks_end_all (ColletMcpAsks *asks);
/* A response of the client; ignored if it answers nothing. */
void collet_mcp_ask_take_answer (const ColletMcpTurn *turn);

/* collet-mcp-level.c */
#define COLLET_MCP_LOG_NONE 255
/* -1: no such level. */
int collet_mcp_level_from_json (const ColletJson *json, ColletJsonNode node);

G_END_DECLS
