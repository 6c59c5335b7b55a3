/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory-rows.h"

static int
compare_keys (gconstpointer a, gconstpointer b, gpointer data)
{
  return g_strcmp0 (a, b);
}

static gboolean
get (gpointer data, const char *key, ColletKeyValue **found, GError **error)
{
  const ColletKeyValue *row = g_tree_lookup (((MemoryRows *)data)->rows, key);

  *found = row != NULL ? collet_key_value_copy (row) : NULL;
  return TRUE;
}

static gboolean
range (gpointer data, const char *prefix, const char *session, GPtrArray *into, GError **error)
{
  GTree *rows = ((MemoryRows *)data)->rows;
  GTreeNode *node = *prefix != '\0' ? g_tree_lower_bound (rows, prefix) : g_tree_node_first (rows);

  for (; node != NULL; node = g_tree_node_next (node))
    {
      const ColletKeyValue *row = g_tree_node_value (node);
      gboolean is_meant = session == NULL    ? row->session != NULL
                          : *session == '\0' ? TRUE
                                             : g_strcmp0 (row->session, session) == 0;

      if (!g_str_has_prefix (row->key, prefix))
        break;
      if (is_meant)
        g_ptr_array_add (into, collet_key_value_copy (row));
    }
  return TRUE;
}

static gboolean
put (gpointer data, const ColletKeyValue *row, GError **error)
{
  ColletKeyValue *copy = collet_key_value_copy (row);

  g_tree_replace (((MemoryRows *)data)->rows, copy->key, copy);
  return TRUE;
}

static gboolean
remove_row (gpointer data, const char *key, GError **error)
{
  g_tree_remove (((MemoryRows *)data)->rows, key);
  return TRUE;
}

ColletTxnReply *
memory_rows_run (MemoryRows *self, const ColletTxn *txn, GError **error)
{
  static const ColletTxnRowsClass class_ = { .get = get, .range = range, .put = put, .remove = remove_row };
  g_autoptr (ColletTxnReply) reply = collet_txn_reply_new ();

  if (!collet_txn_evaluate (txn, &class_, self, self->revision, reply, error))
    return NULL;
  self->revision = reply->revision;
  reply->store_id = g_strdup (self->store_id);
  return g_steal_pointer (&reply);
}

/* ---- from the main loop ---- */

typedef struct
{
  ColletTxnReply *reply;
  GError *error;
  ColletTxnDone done;
  gpointer user_data;
} Answer;

static gboolean
on_answer (gpointer data)
{
  Answer *answer = data;

  answer->done (answer->reply, answer->error, answer->user_data);
  collet_txn_reply_free (answer->reply);
  g_clear_error (&answer->error);
  g_free (answer);
  return G_SOURCE_REMOVE;
}

static void
run (ColletRowStore *base, const ColletTxn *txn, ColletTxnDone done, gpointer user_data)
{
  Answer *answer = g_new0 (Answer, 1);

  answer->reply = memory_rows_run ((MemoryRows *)base, txn, &answer->error);
  answer->done = done;
  answer->user_data = user_data;
  g_idle_add_full (G_PRIORITY_DEFAULT, on_answer, answer, NULL);
}

MemoryRows *
memory_rows_new (void)
{
  static const ColletRowStoreClass class_ = { .run = run };
  MemoryRows *self = g_new0 (MemoryRows, 1);

  self->base.class_ = &class_;
  self->rows = g_tree_new_full (compare_keys, NULL, NULL, (GDestroyNotify)collet_key_value_free);
  self->revision = 1;
  self->store_id = g_strdup ("memory");
  return self;
}

void
memory_rows_free (MemoryRows *self)
{
  g_tree_unref (self->rows);
  g_free (self->store_id);
  g_free (self);
}
