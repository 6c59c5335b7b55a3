/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-mailbox.h: how other threads hand work to the main thread. Messages run
 * in the order in which they were posted. The queue has a pthread lock of its
 * own, so that what the sender wrote is seen to be published by thread checkers
 * too.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _ColletMailbox ColletMailbox;

/* Runs messages on the thread-default main context of the caller. */
ColletMailbox *collet_mailbox_new (void);
/* Main thread. Messages that did not run are destroyed. */
void collet_mailbox_free (ColletMailbox *mailbox);

/* Main thread: runs what is there now, without waiting for the main loop. */
void collet_mailbox_flush (ColletMailbox *mailbox);

/* Any thread. `destroy` (or NULL) is called on the main thread after `func`, or
 * instead of it. */
void collet_mailbox_post (ColletMailbox *mailbox, void (*func) (gpointer data), gpointer data,
                          GDestroyNotify destroy);

G_END_DECLS
