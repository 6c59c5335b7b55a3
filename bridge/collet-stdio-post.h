/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-stdio-post.h: one HTTP request to the daemon over its unix socket, and
 * its answer: a body, or events for as long as they come.
 */
#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

typedef struct
{
  const char *method;
  GBytes *body;              /* or NULL */
  const char *session;       /* or NULL */
  const char *revision;      /* or NULL */
  const char *last_event_id; /* or NULL */
  gboolean is_fresh;         /* on a connection of its own: whether it arrived is never in doubt
                                because an idle connection was closed meanwhile */
} ColletStdioRequest;

/* Borrowed for the time of the callback. */
typedef struct
{
  const GError *error; /* no answer, or a part of one */
  gboolean was_sent;   /* with an error: the daemon may have acted on it */
  guint status;        /* 0 if there was no head */
  gboolean is_stream;
  gboolean is_json;
  const char *session; /* Mcp-Session-Id of the answer, or NULL */
  const char *body;    /* whole, if it is no stream */
  gsize size;
  const char *last_event_id;
} ColletStdioOutcome;

typedef struct
{
  void (*on_open) (gpointer user_data);                                /* a stream begins; or NULL */
  void (*on_event) (const char *data, gsize size, gpointer user_data); /* one line */
  void (*on_done) (const ColletStdioOutcome *outcome, gpointer user_data);
} ColletStdioPostOwner;

typedef struct _ColletStdioPost ColletStdioPost;

/* For the socket at `path`. */
SoupSession *collet_stdio_http_new (const char *path);

/* Valid until on_done has returned, or it is cancelled. */
ColletStdioPost *collet_stdio_post_start (SoupSession *http, const ColletStdioRequest *request,
                                          const ColletStdioPostOwner *owner, gpointer user_data);
/* Nothing is called any more, and the connection is closed. */
void collet_stdio_post_cancel (ColletStdioPost *post);
/* Reads no more of the answer until it is called with FALSE. */
void collet_stdio_post_hold (ColletStdioPost *post, gboolean hold);

G_END_DECLS
