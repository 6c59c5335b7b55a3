/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-mcp-call-private.h: one tools/call on its way; shared by what runs it
 * (collet-mcp-call.c), what ends it (collet-mcp-answer.c), what modern clients answer (collet-mcp-input.c)
 * and what legacy clients are asked (collet-mcp-ask.c).
 */
#pragma once

#include "collet-mcp-server-private.h"

#include "collet-call-input.h"
#include "collet-error.h"
#include "collet-mcp-seal.h"
#include "collet-trace.h"

#include <pthread.h>

G_BEGIN_DECLS

/* Slices (id, token, arguments) point into the exchange's body, which lives as
 * long as the reference to it. */
typedef struct
{
  ColletMcpTie tie; /* the exchange's handler_data, but in a batch */
  ColletCall base;
  gatomicrefcount ref_count;
  ColletMcpServer *server;
  ColletMcpReply reply;
  ColletMcpSession *session; /* legacy */
  GList link;                /* the session's */
  ColletToolList *list;
  const ColletToolEntry *entry; /* of the list, or `pinned` */
  ColletToolEntry *pinned;      /* NULL: any version will do */
  const char *id, *token;
  gsize id_size, token_size;
  gint64 start_us;
  guint timeout_ms;
  ColletCallInput input;
  ColletMcpSealed sealed; /* what input.asked_by and input.state point to */
  char trace[COLLET_TRACE_SIZE];
  char *client;  /* modern: the program that asks, or NULL */
  char *purpose; /* modern: what it may be unsealed for */
  /* Recursive: a target may call done from within cancel. Held by done only to
   * set is_done, so that cancel never meets a call whose done has returned. */
  pthread_mutex_t lock;
  gboolean is_done;
  gboolean is_cancelled;
  gint is_withdrawn;         /* atomic; by its client, which waits for no answer any more */
  gboolean is_streaming;     /* only the target's callbacks, and who asks, use it: one at a time */
  ColletMcpReplay *replay;   /* legacy, with is_streaming */
  struct _ColletMcpAsk *ask; /* legacy, of collet-mcp-ask.c; NULL: it never asked */
} ColletMcpCall;

ColletMcpCall *collet_mcp_call_ref (ColletMcpCall *call);
void collet_mcp_call_unref (gpointer call);

/* Begins the stream, if that was not done. */
void collet_mcp_call_start_stream (ColletMcpCall *call);
/* One event on it. FALSE: nobody listens. */
gboolean collet_mcp_call_send_event (ColletMcpCall *call, const GString *message);
void collet_mcp_call_end_stream (ColletMcpCall *call);
/* Takes `message`; the stream begins with the first. FALSE: nobody listens. */
gboolean collet_mcp_call_send (ColletMcpCall *call, GString *message);
/* collet-mcp-answer.c. What the module gave, checked, is the answer. */
void collet_mcp_call_answer (ColletMcpCall *call, const ColletCallResult *result);
/* The call is over: counted, answered (`json` is taken), let go of. `version` may
 * be NULL; `outcome` is static. */
void collet_mcp_call_finish (ColletMcpCall *call, const ColletCallResult *result, const char *outcome,
                             guint status, GString *json);
void collet_mcp_call_finish_error (ColletMcpCall *call, const ColletCallResult *result, const GError *error);

/* {"jsonrpc":..,"id":..,"result":{ and what is behind it: _meta, resultType, and
 * the closing braces. `json`: the module's, or NULL. */
GString *collet_mcp_call_begin_answer (const ColletMcpCall *call, gsize size);
void collet_mcp_call_end_answer (const ColletMcpCall *call, GString *text, const ColletCallResult *result,
                                 const ColletJson *json, const char *result_type);

/* collet-mcp-pin.c. The version that the client asks for: the entry as that one has
 * the tool (NULL: it asks for none). FALSE: answered with an error. */
gboolean collet_mcp_pin_read (ColletMcpTurn *turn, const ColletToolEntry *entry,
                              ColletToolEntry **pinned) G_GNUC_WARN_UNUSED_RESULT;

/* collet-mcp-input.c, modern. Reads inputResponses and requestState; FALSE:
 * answered with an error. */
gboolean collet_mcp_input_read (ColletMcpTurn *turn, ColletMcpCall *call) G_GNUC_WARN_UNUSED_RESULT;
/* The questions go to the client as the call's result. */
void collet_mcp_input_answer (ColletMcpCall *call, const ColletCallResult *result);

/* collet-mcp-ask.c, legacy. The questions go to the client as requests on the
 * call's stream; when all are answered, the tool is called again. */
void collet_mcp_ask_start (ColletMcpCall *call, const ColletCallResult *result);
/* If it waits for answers, it is over with this error. */
gboolean collet_mcp_ask_abandon (ColletMcpCall *call, ColletError code, const char *message);
/* Its connection is gone: if it waits for answers, its client may come back for the
 * questions (collet-mcp-replay.h). */
void collet_mcp_ask_lose (ColletMcpCall *call);
/* When the call is over; and when nobody knows it any more, which may be later than
 * the server's end. */
void collet_mcp_ask_end (ColletMcpCall *call);
void collet_mcp_ask_free (ColletMcpCall *call);

G_END_DECLS
