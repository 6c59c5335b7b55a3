/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-mcp-server.h: the MCP protocol, both eras, behind a ColletExchange:
 * /mcp, and beside it /metrics and /healthz. Requests are handled in the threads
 * that bring them; nothing here runs on the main thread but the functions below,
 * and none of those blocks.
 */
#pragma once

#include "collet-exchange.h"
#include "collet-mcp-access.h"
#include "collet-mcp-seal.h"
#include "collet-session-store.h"
#include "collet-call-recorder.h"
#include "collet-tool-list.h"

G_BEGIN_DECLS

/* One tools/call that is over. Borrowed for the time of the call. */
typedef struct
{
  const char *request_id; /* as it stood in the request, not NUL-terminated */
  gsize request_id_size;
  const char *client; /* session id, or NULL (modern) */
  const char *tool;
  const char *sha256; /* of what answered, or NULL */
  guint64 generation;
  gint64 duration_us;
  const char *trace;
  const char *outcome; /* "ok", "error" (isError) or the error's name */
} ColletMcpCallRecord;

/* 0 or NULL: the default. */
typedef struct
{
  guint max_sessions;            /* 10,000 */
  guint session_idle_s;          /* 1,800 */
  guint max_calls;               /* in flight: 4,096 */
  guint max_calls_per_session;   /* 256 */
  guint max_requests_per_second; /* of one session; no limit */
  guint max_client_requests;     /* a second, of one token, user or address; no limit */
  guint max_depth;               /* levels of a request's JSON; 64, the most there is */
  guint call_timeout_ms;         /* 60,000 */
  guint input_timeout_ms;        /* for answers to a tool's questions: 900,000 */
  guint page_size;               /* tools a page: 1,000 */
  guint list_ttl_ms;             /* for modern clients: 5,000 */
} ColletMcpLimits;

typedef struct
{
  ColletToolDirectory *directory; /* must outlive the server */
  ColletSessionStore *store;      /* likewise; or NULL */
  ColletMcpLimits limits;
  const char *version;      /* of the daemon */
  const char *instructions; /* for models, or NULL */
  ColletMcpAccess *access;  /* taken; NULL: open */
  /* COLLET_MCP_SEAL_KEY_SIZE random bytes, copied: with the same ones a restarted
   * server takes the requestState of the former. NULL: makes some. */
  const guchar *seal_key;
  /* From any thread; must not block. NULL: nothing is gathered. */
  void (*record) (gpointer user_data, const ColletMcpCallRecord *record);
  ColletCallRecorder *recorder; /* of calls and answers; outlives the server; or NULL */
  /* Adds to /metrics, in the main thread; or NULL. */
  void (*append_metrics) (gpointer user_data, GString *out);
  gpointer user_data;
} ColletMcpConfig;

typedef struct _ColletMcpServer ColletMcpServer;

ColletMcpServer *collet_mcp_server_new (const ColletMcpConfig *config) G_GNUC_WARN_UNUSED_RESULT;

/* For a listener; its user_data is the server. */
const ColletExchangeHandler *collet_mcp_server_get_handler (void);

/* For requests that come from now on. `access` as in the configuration. One
 * thread. */
void
collet_mcp_server_configure (ColletMcpServer *server, const ColletMcpLimits *limits, ColletMcpAccess *access);

/* The list in the directory has other bytes now: clients are told, soon, by
 * another thread. Several changes may be told as one. */
void collet_mcp_server_tools_changed (ColletMcpServer *server);

/* A session that was stored by a former daemon. Before clients come. */
gboolean collet_mcp_server_import_session (ColletMcpServer *server, const ColletSessionRecord *record);

/* Of legacy clients. Thread-safe. */
guint collet_mcp_server_get_sessions (ColletMcpServer *server);

/* Ends the open streams as the protocol wants; sessions stay in the store. Calls
 * go on. Then stop the listeners. */
void collet_mcp_server_end_streams (ColletMcpServer *server);

/* When the listeners are stopped and every dispatched call is done. */
void collet_mcp_server_free (ColletMcpServer *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletMcpServer, collet_mcp_server_free)

G_END_DECLS
