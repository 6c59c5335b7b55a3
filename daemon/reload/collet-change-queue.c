/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-change-queue.h"

typedef struct
{
  ColletChangeFunc change;
  gpointer user_data;
} Waiting;

void
collet_change_queue_enter (ColletChangeQueue *self, ColletChangeFunc change, gpointer user_data)
{
  if (self->is_busy)
    {
      Waiting *waiting = g_new (Waiting, 1);

      *waiting = (Waiting){ change, user_data };
      g_queue_push_tail (&self->waiting, waiting);
      return;
    }
  self->is_busy = TRUE;
  change (user_data);
}

void
collet_change_queue_leave (ColletChangeQueue *self)
{
  g_autofree Waiting *next = g_queue_pop_head (&self->waiting);

  g_assert (self->is_busy);
  if (next != NULL)
    next->change (next->user_data);
  else
    self->is_busy = FALSE;
}
