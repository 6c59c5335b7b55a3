/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-io.h: the I/O thread: one epoll for the channels of all workers, and
 * their timers. What runs here must not block.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _ColletIo ColletIo;

ColletIo *collet_io_new (GError **error); /* SpawnFailed if there are no fds or threads left */
/* Ends the thread; posts that did not run yet run here. */
void collet_io_stop (ColletIo *io);
void collet_io_free (ColletIo *io); /* stopped */

/* Any thread; in order. */
void collet_io_post (ColletIo *io, void (*func) (gpointer data), gpointer data);
/* TRUE on the I/O thread, and anywhere once it was stopped. */
gboolean collet_io_is_current (ColletIo *io);

/* The rest is for the I/O thread, except where it says otherwise. */

/* Embedded in the owner, which outlives the watch by one post: events that were
 * fetched together with the one being handled are still delivered, so a handler
 * of a removed watch (fd -1) is not called. */
typedef struct
{
  int fd;
  void (*ready) (gpointer user_data, guint32 events); /* EPOLLIN, ... */
  gpointer user_data;
} ColletIoWatch;

gboolean collet_io_add (ColletIo *io, ColletIoWatch *watch, guint32 events);
void collet_io_modify (ColletIo *io, ColletIoWatch *watch, guint32 events);
void collet_io_remove (ColletIo *io, ColletIoWatch *watch); /* the fd stays open */

/* Room for one frame, for use during one callback. */
char *collet_io_get_buffer (ColletIo *io, gsize *size);

/* A lower bound for the next time at which something is due. The owner looks at
 * what it has when the timer expires and sets the next bound. That costs a look
 * at everything once in a while instead of a heap operation for each call. */
typedef struct
{
  gint64 at; /* monotonic; G_MAXINT64: never. Atomic */
  guint index;
  void (*expired) (gpointer user_data, gint64 now);
  gpointer user_data;
} ColletIoTimer;

void collet_io_add_timer (ColletIo *io, ColletIoTimer *timer);
void collet_io_remove_timer (ColletIo *io, ColletIoTimer *timer); /* not from an expired() */
/* Any thread: no later than `at`. */
void collet_io_advance_timer (ColletIo *io, ColletIoTimer *timer, gint64 at);

G_END_DECLS
