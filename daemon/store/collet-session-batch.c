/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-session-batch.h"

struct _ColletSessionBatch
{
  GHashTable *rows; /* by their id */
  gint64 due;       /* G_MAXINT64 while it is empty */
  guint dropped;
};

ColletSessionBatch *
collet_session_batch_new (void)
{
  ColletSessionBatch *self = g_new0 (ColletSessionBatch, 1);

  self->rows = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify)collet_session_row_free);
  self->due = G_MAXINT64;
  return self;
}

void
collet_session_batch_free (ColletSessionBatch *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->rows);
  g_free (self);
}

gboolean
collet_session_batch_add (ColletSessionBatch *self, ColletSessionRow *row, gint64 now)
{
  if (g_hash_table_size (self->rows) >= COLLET_SESSIONS_MAX && !g_hash_table_contains (self->rows, row->id))
    {
      self->dropped++;
      collet_session_row_free (row);
      return FALSE;
    }
  if (g_hash_table_size (self->rows) == 0)
    self->due = now + COLLET_SESSIONS_DELAY_MS * 1000;
  g_hash_table_replace (self->rows, row->id, row); /* the key belongs to the row */
  return TRUE;
}

gboolean
collet_session_batch_is_empty (ColletSessionBatch *self)
{
  return g_hash_table_size (self->rows) == 0;
}

gint64
collet_session_batch_get_due (ColletSessionBatch *self)
{
  return self->due;
}

GPtrArray *
collet_session_batch_take (ColletSessionBatch *self, guint *dropped)
{
  GPtrArray *taken = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_session_row_free);
  GHashTableIter iter;
  gpointer row;

  g_hash_table_iter_init (&iter, self->rows);
  while (taken->len < COLLET_SESSIONS_SLICE && g_hash_table_iter_next (&iter, NULL, &row))
    {
      g_hash_table_iter_steal (&iter);
      g_ptr_array_add (taken, row);
    }
  if (g_hash_table_size (self->rows) == 0)
    self->due = G_MAXINT64;
  *dropped = self->dropped;
  self->dropped = 0;
  return taken;
}

void
collet_session_batch_return (ColletSessionBatch *self, GPtrArray *rows, gint64 now)
{
  while (rows->len > 0)
    {
      ColletSessionRow *row = g_ptr_array_steal_index_fast (rows, rows->len - 1);

      if (g_hash_table_contains (self->rows, row->id))
        collet_session_row_free (row);
      else
        collet_session_batch_add (self, row, now);
    }
  self->due = now + COLLET_SESSIONS_RETRY_MS * 1000;
}
