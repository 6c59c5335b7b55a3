/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-stdio-private.h: what the bridge's files share.
 */
#pragma once

#include "collet-stdio-bridge.h"
#include "collet-stdio-lines.h"
#include "collet-stdio-message.h"
#include "collet-stdio-post.h"

G_BEGIN_DECLS

/* One message of the client, or one of the bridge's own, until its answer is
 * there; it may take several posts. */
typedef struct
{
  ColletStdioBridge *bridge;
  ColletStdioMessage *message; /* NULL: the stream of news */
  GBytes *body;                /* likewise */
  GList link;                  /* the bridge's */
  ColletStdioPost *post;       /* NULL: it waits */
  guint retry;                 /* source */
  guint tries;                 /* in vain, since something came */
  gint64 give_up_us;           /* 0: not in trouble */
  char *last_event_id;         /* of a stream that broke off */
  gboolean is_own;             /* its answer is for the bridge */
  gboolean is_answered;        /* or its client does not wait any more */
  gboolean was_opened;         /* subscriptions/listen: it had its acknowledgement */
} ColletStdioTask;

struct _ColletStdioBridge
{
  ColletStdioConfig config;
  char *socket;
  void (*on_end) (gpointer user_data);
  gpointer user_data;
  SoupSession *http;
  ColletStdioLines *lines;
  GQueue tasks;        /* ColletStdioTask */
  GBytes *greeting;    /* the client's initialize, to say it again */
  char *session;       /* legacy; or NULL */
  char *revision;      /* that it agreed on */
  gboolean is_opening; /* an initialize is on its way: all else of the legacy era waits */
  gboolean is_ending;
  gboolean has_ended;
  guint n_requests;
  guint ending;          /* source */
  ColletStdioTask *news; /* or NULL */
};

/* collet-stdio-task.c */
ColletStdioTask *
collet_stdio_task_new (ColletStdioBridge *bridge, ColletStdioMessage *message, GBytes *body, gboolean is_own);
void collet_stdio_task_free (ColletStdioTask *task);
/* Sends it, or lets it wait for the session. */
void collet_stdio_task_run (ColletStdioTask *task);
/* An error reply, if it is a request without an answer; and it is over. */
void collet_stdio_task_fail (ColletStdioTask *task, const char *reason, const char *text);

/* collet-stdio-bridge.c: a task is over, before it is freed. */
void collet_stdio_bridge_forget (ColletStdioBridge *bridge, ColletStdioTask *task);
void collet_stdio_bridge_write (ColletStdioBridge *bridge, const char *line, gsize size);
/* The session is not known any more: opens another with the client's own words. */
void collet_stdio_bridge_reopen (ColletStdioBridge *bridge);
/* An initialize was answered; is_again: the bridge's own. */
void collet_stdio_bridge_opened (ColletStdioBridge *bridge, const char *session, const char *revision,
                                 gboolean is_again);
/* Nothing opened. */
void collet_stdio_bridge_not_opened (ColletStdioBridge *bridge);
/* The client is ready, or ready again. */
void collet_stdio_bridge_ask_for_news (ColletStdioBridge *bridge);

G_END_DECLS
