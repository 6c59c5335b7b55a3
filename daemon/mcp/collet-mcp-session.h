/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-mcp-session.h: sessions of legacy clients, and the table of them.
 *
 * A session knows which list of tools its client has seen (the begin of the
 * list's digest), so a change while no stream is open is not lost: it is told
 * when the stream opens.
 */
#pragma once

#include "collet-exchange.h"
#include "collet-session-store.h"

G_BEGIN_DECLS

typedef enum
{
  COLLET_MCP_2024_11_05,
  COLLET_MCP_2025_03_26,
  COLLET_MCP_2025_06_18,
  COLLET_MCP_2025_11_25,
  COLLET_MCP_N_REVISIONS,
} ColletMcpRevision;
#define COLLET_MCP_LATEST COLLET_MCP_2025_11_25

const char *collet_mcp_revision_name (ColletMcpRevision revision);
gboolean collet_mcp_revision_from_name (const char *name, ColletMcpRevision *revision);

typedef struct _ColletMcpSession ColletMcpSession;
typedef struct _ColletMcpSessions ColletMcpSessions;

/* `store` may be NULL. */
ColletMcpSessions *collet_mcp_sessions_new (guint max, gint64 idle_us, ColletSessionStore *store);
void collet_mcp_sessions_free (ColletMcpSessions *sessions);

/* `questions`: what the client can be asked, see collet-call-input.h.
 * With a random id of 128 bits. When the table is full, the one that was idle
 * longest makes room if it was idle for a minute and has neither stream nor call;
 * otherwise NULL. */
ColletMcpSession *collet_mcp_sessions_add (ColletMcpSessions *sessions, ColletMcpRevision revision,
                                           const char *client, guint questions, guint64 seen);
/* As in collet_mcp_sessions_new; nobody is ended at once for it. */
void collet_mcp_sessions_set_limits (ColletMcpSessions *sessions, guint max, gint64 idle_us);
/* One that was stored; FALSE if the record makes no sense or there is no room. */
gboolean collet_mcp_sessions_import (ColletMcpSessions *sessions, const ColletSessionRecord *record);
/* A reference, and it counts as used; NULL: unknown or ended. */
ColletMcpSession *collet_mcp_sessions_find (ColletMcpSessions *sessions, const char *id);
/* Out of the table and the store. */
void collet_mcp_sessions_end (ColletMcpSessions *sessions, ColletMcpSession *session);
/* References to those that are idle for too long; the caller ends them. */
GPtrArray *collet_mcp_sessions_list_idle (ColletMcpSessions *sessions);
/* Once a period, from one thread: the store learns which were used in it, so that
 * none of them looks forgotten after a restart. */
void collet_mcp_sessions_save_used (ColletMcpSessions *sessions, gint64 period_us);
guint collet_mcp_sessions_get_length (ColletMcpSessions *sessions);

ColletMcpSession *collet_mcp_session_ref (ColletMcpSession *session);
void collet_mcp_session_unref (ColletMcpSession *session);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletMcpSession, collet_mcp_session_unref)

const char *collet_mcp_session_get_id (const ColletMcpSession *session);
const char *collet_mcp_session_get_client (const ColletMcpSession *session);
ColletMcpRevision collet_mcp_session_get_revision (const ColletMcpSession *session);

guint collet_mcp_session_get_questions (const ColletMcpSession *session);

int collet_mcp_session_get_log_level (ColletMcpSession *session);
void collet_mcp_session_set_log_level (ColletMcpSession *session, int level);

guint64 collet_mcp_session_get_seen (ColletMcpSession *session);
/* TRUE if it knew another list. */
gboolean collet_mcp_session_set_seen (ColletMcpSession *session, guint64 seen);

/* The session has one stream at most; returns the former one to be ended
 * (owned). NULL `exchange`: none. */
ColletExchange *collet_mcp_session_set_stream (ColletMcpSession *session, ColletExchange *exchange);
/* Forgets it if it is this one. */
void collet_mcp_session_lose_stream (ColletMcpSession *session, ColletExchange *exchange);

/* Calls that run, linked through `link` (data: the call). FALSE: `max` run
 * already. */
gboolean collet_mcp_session_add_call (ColletMcpSession *session, GList *link, guint max);
void collet_mcp_session_remove_call (ColletMcpSession *session, GList *link);
/* Does `act` to each call under the session's lock; `act` returns a reference to
 * keep, or NULL. What was kept comes back. */
GPtrArray *collet_mcp_session_collect_calls (ColletMcpSession *session,
                                             gpointer (*act) (gpointer call, gpointer user_data),
                                             gpointer user_data);
/* FALSE: more than `per_second` requests came in the last second. */
gboolean collet_mcp_session_take_turn (ColletMcpSession *session, guint per_second);

G_END_DECLS
