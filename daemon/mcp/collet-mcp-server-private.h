/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-mcp-server-private.h: what the parts of this folder share.
 */
#pragma once

#include "collet-mcp-access.h"
#include "collet-mcp-error.h"
#include "collet-mcp-housekeeper.h"
#include "collet-mcp-metrics.h"
#include "collet-mcp-rate.h"
#include "collet-mcp-replay.h"
#include "collet-mcp-reply.h"
#include "collet-mcp-request.h"
#include "collet-mcp-seal.h"
#include "collet-mcp-server.h"
#include "collet-mcp-session.h"
#include "collet-mcp-stream.h"

G_BEGIN_DECLS

typedef struct _ColletMcpAsks ColletMcpAsks;

/* What may be changed while the server runs. Immutable. */
typedef struct
{
  ColletMcpLimits limits; /* defaults filled in */
  ColletMcpAccess *access;
} ColletMcpSettings;

struct _ColletMcpServer
{
  ColletMcpConfig config;      /* but for limits and access: these are settings */
  ColletMcpSettings *settings; /* atomic */
  GSList *former_settings;     /* a request may be looking at one; freed at the end */
  char *version, *instructions;
  ColletJson *no_arguments; /* {} */
  ColletMcpSessions *sessions;
  ColletMcpStreams *streams;
  ColletMcpMetrics *metrics;
  ColletMcpRate *rate;
  ColletMcpHousekeeper *keeper;
  ColletMcpAsks *asks;
  ColletMcpReplays *replays;
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
  const ColletMcpSettings *settings;
  const ColletMcpToken *token; /* NULL: may do everything */
  ColletMcpReply reply;
  ColletMcpRequest request;
  ColletMcpSession *session; /* borrowed; NULL in the modern era and before initialize */
  gboolean is_modern;
} ColletMcpTurn;

static inline const ColletMcpSettings *
collet_mcp_server_get_settings (ColletMcpServer *server)
{
  return g_atomic_pointer_get (&server->settings);
}

/* collet-mcp-settings.c; takes `access` (NULL: open). */
ColletMcpSettings *collet_mcp_settings_new (const ColletMcpLimits *limits, ColletMcpAccess *access);
void collet_mcp_settings_free (gpointer settings);

/* collet-mcp-turn.c: a turn whose request has not been read, and who asks. */
void collet_mcp_turn_init (ColletMcpTurn *turn, ColletMcpServer *server, ColletExchange *exchange);
gboolean collet_mcp_exchange_find_token (ColletExchange *exchange, const ColletMcpAccess *access,
                                         const ColletMcpToken **token);
/* Whom limits are for: the token, the user or the address. */
void collet_mcp_exchange_describe_client (ColletExchange *exchange, const ColletMcpToken *token, char *text,
                                          gsize size);
/* FALSE: the token does not reach so far; answered. */
gboolean collet_mcp_turn_check_scope (const ColletMcpTurn *turn);

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
/* Whether the headers repeat the arguments as the tool wants it; FALSE: answered. */
gboolean collet_mcp_modern_check_arguments (const ColletMcpTurn *turn, const ColletToolEntry *entry);

/* collet-mcp-list.c: tools/list */
void collet_mcp_list_tools (ColletMcpTurn *turn);

/* collet-mcp-call.c: tools/call */
void collet_mcp_call_start (ColletMcpTurn *turn);
/* Cancels the session's call with this id, which is then not answered; all of them
 * for NULL, with an error each. */
void collet_mcp_call_cancel (ColletMcpSession *session, const char *id, gsize id_size);

/* collet-mcp-asks.c: calls that wait for a legacy client's answer to a question. */
ColletMcpAsks *collet_mcp_asks_new (void);
void collet_mcp_asks_free (ColletMcpAsks *asks); /* none may wait */
void collet_mcp_asks_check_time (ColletMcpAsks *asks, gint64 now_us);
void collet_mcp_asks_end_all (ColletMcpAsks *asks);
guint collet_mcp_asks_get_length (ColletMcpAsks *asks);
/* A response of the client; ignored if it answers nothing. */
void collet_mcp_ask_take_answer (const ColletMcpTurn *turn);

/* collet-mcp-level.c */
#define COLLET_MCP_LOG_NONE 255
/* -1: no such level. */
int collet_mcp_level_from_json (const ColletJson *json, ColletJsonNode node);

G_END_DECLS
