/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-link.h: one worker process, seen from here: its two channels and its
 * pidfd, watched by the I/O thread.
 *
 * The worker may be hostile: whatever it sends is checked by the handler, and an
 * answer that cannot be ends it (collet_link_kill). The link ends when the
 * process has, after everything that it sent before was handed over.
 */
#pragma once

#include <gio/gio.h>

#include "collet-io.h"
#include "collet-spawn.h"

struct collet_frame;
struct collet_frame_header;
struct iovec;

G_BEGIN_DECLS

typedef struct _ColletLink ColletLink; /* counted; closes its fds with the last reference */

/* All but the last on the I/O thread. */
typedef struct
{
  void (*call_frame) (gpointer user_data, ColletLink *link, const struct collet_frame *frame);
  void (*control_frame) (gpointer user_data, ColletLink *link, const struct collet_frame *frame);
  /* The call channel takes frames again (asked for by collet_link_want_room). */
  void (*has_room) (gpointer user_data, ColletLink *link);
  /* The process is gone; nothing comes after this. */
  void (*ended) (gpointer user_data, ColletLink *link);
  /* From any thread: it is another user's, so the fork server has to end it. */
  void (*kill) (gpointer user_data, ColletLink *link);
} ColletLinkHandler;

/* Takes the fds. `user_data` must live until ended() returned. */
ColletLink *collet_link_new (ColletIo *io, const ColletSpawned *spawned, const ColletLinkHandler *handler,
                             gpointer user_data);
ColletLink *collet_link_ref (ColletLink *link);
void collet_link_unref (ColletLink *link);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletLink, collet_link_unref)

/* Any thread: */

pid_t collet_link_get_pid (ColletLink *link);
/* Never blocks: 0 or -errno as collet_wire_send. */
int collet_link_send_call (ColletLink *link, const struct collet_frame_header *header,
                           const struct iovec *parts, guint n_parts);
/* In order; waits in a queue while the channel is full. Past its limit the
 * worker is ended. */
void collet_link_send_control (ColletLink *link, guint16 type, guint64 id, int status, guint32 detail,
                               GBytes *payload);
/* Ends the process. `reason` completes "worker 12 of x was ended: it ..."; the
 * first one counts. NULL: none of our making. */
void collet_link_kill (ColletLink *link, const char *reason);
/* Ends it without waiting for the process; ended() still comes. */
void collet_link_abandon (ColletLink *link);
/* NULL: it was not ended by us. */
char *collet_link_dup_reason (ColletLink *link);

/* I/O thread: */
void collet_link_want_room (ColletLink *link);

G_END_DECLS
