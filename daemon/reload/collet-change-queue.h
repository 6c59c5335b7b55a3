/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * collet-change-queue.h: one change of the registry at a time. A plan is made
 * against the registry as it is, so nothing may come between making it, making
 * it durable and applying it. Main thread.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  GQueue waiting;
  gboolean is_busy;
} ColletChangeQueue;

typedef void (*ColletChangeFunc) (gpointer user_data);

/* Runs `change` now, or when it is its turn; it ends with leave. */
void collet_change_queue_enter (ColletChangeQueue *self, ColletChangeFunc change, gpointer user_data);
void collet_change_queue_leave (ColletChangeQueue *self);

G_END_DECLS
