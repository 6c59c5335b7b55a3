/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-row-keeper.h"

struct _ColletRowKeeper
{
  ColletRowStore base;
  ColletStore *store;
};

typedef struct
{
  ColletTxnDone done;
  gpointer user_data;
} Waiting;

static void
on_run (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autofree Waiting *waiting = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (ColletTxnReply) reply = collet_store_run_txn_finish (COLLET_STORE (object), result, &error);

  waiting->done (reply, error, waiting->user_data);
}

static void
run (ColletRowStore *base, const ColletTxn *txn, ColletTxnDone done, gpointer user_data)
{
  Waiting *waiting = g_new0 (Waiting, 1);

  waiting->done = done;
  waiting->user_data = user_data;
  collet_store_run_txn_async (((ColletRowKeeper *)base)->store, collet_txn_copy (txn), on_run, waiting);
}

ColletRowKeeper *
collet_row_keeper_new (ColletStore *store)
{
  static const ColletRowStoreClass class_ = { .run = run };
  ColletRowKeeper *self = g_new0 (ColletRowKeeper, 1);

  self->base.class_ = &class_;
  self->store = g_object_ref (store);
  return self;
}

void
collet_row_keeper_free (ColletRowKeeper *self)
{
  g_object_unref (self->store);
  g_free (self);
}

ColletRowStore *
collet_row_keeper_get_rows (ColletRowKeeper *self)
{
  return &self->base;
}
