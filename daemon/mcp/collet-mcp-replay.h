/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-mcp-replay.h: the streams on which legacy clients get the answers to
 * their calls, so that one that breaks off can be continued: a GET with
 * Last-Event-ID gets what was missed and what is still to come.
 *
 * What was sent is kept for a minute after the end, within bounds: past them the
 * oldest is forgotten. An event's id is also a note of the request, so a client
 * that asks for what is forgotten, by bounds or by a restart, is told so as the
 * answer to that request instead of waiting for ever.
 */
#pragma once

#include "collet-exchange.h"

G_BEGIN_DECLS

typedef struct _ColletMcpReplays ColletMcpReplays;
typedef struct _ColletMcpReplay ColletMcpReplay;

ColletMcpReplays *collet_mcp_replays_new (void);
/* No stream may be in use any more. */
void collet_mcp_replays_free (ColletMcpReplays *replays);
/* Now and then: what is too old is forgotten. */
void collet_mcp_replays_tidy (ColletMcpReplays *replays, gint64 now_us);

/* The exchange's stream was started. `request`: its raw id. is_primed: an event
 * without data comes first, so that also who hears nothing else can come back.
 * collet_mcp_replay_end takes the reference that is returned. */
ColletMcpReplay *collet_mcp_replay_new (ColletMcpReplays *replays, const char *session, const char *request,
                                        gsize request_size, ColletExchange *exchange, gboolean is_primed);
ColletMcpReplay *collet_mcp_replay_ref (ColletMcpReplay *replay);
void collet_mcp_replay_unref (ColletMcpReplay *replay);
/* FALSE: nobody listens at the moment, or it was ended. Any thread. */
gboolean collet_mcp_replay_send (ColletMcpReplay *replay, const char *json, gsize size);
void collet_mcp_replay_end (ColletMcpReplay *replay);
/* That connection is gone; if the client listened on it, it may come back. Any
 * thread. */
void collet_mcp_replay_lose (ColletMcpReplay *replay, const ColletExchange *exchange);
/* TRUE: nobody listens, and nobody will: it cannot be continued, or for longer than
 * a client that comes back takes. */
gboolean collet_mcp_replay_is_deserted (ColletMcpReplay *replay, gint64 now_us);

/* Continues the stream of which `last_event_id` is an event, on `exchange`, whose
 * stream was not started yet. FALSE: it is none of ours, and nothing was done. */
gboolean collet_mcp_replays_resume (ColletMcpReplays *replays, const char *session, const char *last_event_id,
                                    ColletExchange *exchange);

G_END_DECLS
