/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a step says of many modules goes to the store together, in as few
 * transactions as hold it: after a batch of loads, or a restart, it is hundreds.
 */
#include "collet-cluster-agent-private.h"

#include "collet-error.h"

#include <string.h>

#define MAX_BYTES (256 * 1024) /* of values; etcd takes 1.5 MiB a request, base64 */

typedef struct
{
  Sent *sent;
  ColletTxn *txn;
} Entry;

typedef struct
{
  ColletClusterAgent *agent;
  GPtrArray *entries; /* Entry */
} Batch;

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  if (entry == NULL)
    return;
  collet_txn_free (entry->txn);
  g_free (entry);
}

static void
batch_free (gpointer data)
{
  Batch *batch = data;

  g_ptr_array_unref (batch->entries);
  g_free (batch);
}

void
collet_agent_batches_init (ColletClusterAgent *self)
{
  self->unsent = g_ptr_array_new_with_free_func (entry_free);
  self->batches = g_ptr_array_new_with_free_func (batch_free);
}

void
collet_agent_batches_clear (ColletClusterAgent *self)
{
  g_ptr_array_unref (self->unsent);
  g_ptr_array_unref (self->batches);
}

void
collet_agent_send_soon (ColletClusterAgent *self, const char *what, ColletTxn *txn)
{
  Entry *entry = g_new (Entry, 1);

  *entry = (Entry){ collet_agent_note_sent (self, what), txn };
  g_ptr_array_add (self->unsent, entry);
  if (self->stepped == NULL)
    collet_agent_kick (self);
}

static gsize
count_bytes (const ColletTxn *txn)
{
  gsize size = 0;

  for (guint i = 0; i < txn->then_ops->len; i++)
    {
      const ColletOp *op = txn->then_ops->pdata[i];

      size += op->value != NULL ? strlen (op->value) : 0;
    }
  return size;
}

/* If one of them cannot be, each is for itself: it was all or nothing. */
static void
on_answer (const ColletTxnReply *reply, const GError *error, gpointer user_data)
{
  Batch *batch = user_data;
  ColletClusterAgent *self = batch->agent;
  gboolean is_one_wrong = error != NULL ? g_error_matches (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT)
                                        : !reply->succeeded;

  for (guint i = 0; i < batch->entries->len; i++)
    {
      const Entry *entry = batch->entries->pdata[i];

      if (is_one_wrong && batch->entries->len > 1)
        collet_coordination_txn (self->coordination, entry->txn, collet_agent_on_answer, entry->sent);
      else
        collet_agent_on_answer (reply, error, entry->sent);
    }
  g_ptr_array_remove_fast (self->batches, batch);
}

/* Of the entries from *next on as many as one transaction holds, one at least. */
static ColletTxn *
take (ColletClusterAgent *self, guint *next, GPtrArray *entries)
{
  ColletTxn *txn = collet_txn_new ();
  gsize size = 0;

  for (; *next < self->unsent->len; (*next)++)
    {
      const Entry *entry = self->unsent->pdata[*next];

      size += count_bytes (entry->txn);
      if (entries->len > 0 && (size > MAX_BYTES || !collet_txn_has_room (txn, entry->txn)))
        break;
      collet_txn_add (txn, entry->txn);
      g_ptr_array_add (entries, g_steal_pointer (&self->unsent->pdata[*next]));
    }
  return txn;
}

void
collet_agent_send_batches (ColletClusterAgent *self)
{
  for (guint next = 0; next < self->unsent->len;)
    {
      Batch *batch = g_new (Batch, 1);
      g_autoptr (ColletTxn) txn = NULL;

      *batch = (Batch){ self, g_ptr_array_new_with_free_func (entry_free) };
      txn = take (self, &next, batch->entries);
      g_ptr_array_add (self->batches, batch);
      collet_coordination_txn (self->coordination, txn, on_answer, batch);
    }
  g_ptr_array_set_size (self->unsent, 0);
}
