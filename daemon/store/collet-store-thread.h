/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-store-thread.h: the thread that owns the handle. It performs what waits
 * in the queue as one group: one transaction, a savepoint a request, one commit.
 * If the group cannot be committed, each request is tried in a transaction of
 * its own. Private to store/.
 */
#pragma once

#include "collet-queue.h"

G_BEGIN_DECLS

typedef struct _ColletStoreThread ColletStoreThread;

/* Waits until the database is open and its image read. */
ColletStoreThread *collet_store_thread_start (const char *folder, ColletQueue *queue,
                                              ColletStoreImage **image, char **moved_to, GError **error);
/* After collet_queue_close(): waits until all is done and the handle is closed. */
void collet_store_thread_join (ColletStoreThread *self);

G_END_DECLS
