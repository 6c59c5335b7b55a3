/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-txn.h"

#include "collet-error.h"

#include <string.h>

/* ---- rows ---- */

ColletKeyValue *
collet_key_value_new (const char *key, const char *value, gint64 create_rev, gint64 mod_rev,
                      const char *session)
{
  ColletKeyValue *row = g_new0 (ColletKeyValue, 1);

  row->key = g_strdup (key);
  row->value = g_strdup (value);
  row->create_rev = create_rev;
  row->mod_rev = mod_rev;
  row->session = g_strdup (session);
  return row;
}

ColletKeyValue *
collet_key_value_copy (const ColletKeyValue *row)
{
  return collet_key_value_new (row->key, row->value, row->create_rev, row->mod_rev, row->session);
}

void
collet_key_value_free (ColletKeyValue *row)
{
  if (row == NULL)
    return;
  g_free (row->key);
  g_free (row->value);
  g_free (row->session);
  g_free (row);
}

/* ---- a transaction ---- */

static void
compare_free (gpointer data)
{
  ColletCompare *compare = data;

  g_free (compare->key);
  g_free (compare->value);
  g_free (compare);
}

static void
op_free (gpointer data)
{
  ColletOp *op = data;

  g_free (op->key);
  g_free (op->value);
  g_free (op);
}

ColletTxn *
collet_txn_new (void)
{
  ColletTxn *txn = g_new0 (ColletTxn, 1);

  txn->compares = g_ptr_array_new_with_free_func (compare_free);
  txn->then_ops = g_ptr_array_new_with_free_func (op_free);
  txn->else_ops = g_ptr_array_new_with_free_func (op_free);
  return txn;
}

void
collet_txn_free (ColletTxn *txn)
{
  g_ptr_array_unref (txn->compares);
  g_ptr_array_unref (txn->then_ops);
  g_ptr_array_unref (txn->else_ops);
  g_free (txn->session);
  g_free (txn);
}

static void
add_compare (ColletTxn *txn, const char *key, gint64 mod_rev, const char *value)
{
  ColletCompare *compare = g_new0 (ColletCompare, 1);

  compare->key = g_strdup (key);
  compare->mod_rev = mod_rev;
  compare->value = g_strdup (value);
  g_ptr_array_add (txn->compares, compare);
}

static ColletOp *
add_op (GPtrArray *ops, ColletOpKind kind, const char *key, const char *value, gboolean is_leased)
{
  ColletOp *op = g_new0 (ColletOp, 1);

  op->kind = kind;
  op->key = g_strdup (key);
  op->value = g_strdup (value);
  op->is_leased = is_leased;
  g_ptr_array_add (ops, op);
  return op;
}

static void
copy_ops (GPtrArray *from, GPtrArray *to)
{
  for (guint i = 0; i < from->len; i++)
    {
      const ColletOp *op = from->pdata[i];

      add_op (to, op->kind, op->key, op->value, op->is_leased)->since = op->since;
    }
}

void
collet_txn_add (ColletTxn *txn, const ColletTxn *other)
{
  for (guint i = 0; i < other->compares->len; i++)
    {
      const ColletCompare *compare = other->compares->pdata[i];

      add_compare (txn, compare->key, compare->mod_rev, compare->value);
    }
  copy_ops (other->then_ops, txn->then_ops);
  copy_ops (other->else_ops, txn->else_ops);
}

gboolean
collet_txn_has_room (const ColletTxn *txn, const ColletTxn *other)
{
  return txn->compares->len + other->compares->len <= COLLET_TXN_MAX_OPS &&
         txn->then_ops->len + other->then_ops->len <= COLLET_TXN_MAX_OPS &&
         txn->else_ops->len + other->else_ops->len <= COLLET_TXN_MAX_OPS;
}

ColletTxn *
collet_txn_copy (const ColletTxn *txn)
{
  ColletTxn *copy = collet_txn_new ();

  collet_txn_add (copy, txn);
  copy->session = g_strdup (txn->session);
  return copy;
}

void
collet_txn_if_absent (ColletTxn *txn, const char *key)
{
  add_compare (txn, key, 0, NULL);
}

void
collet_txn_if_revision (ColletTxn *txn, const char *key, gint64 mod_rev)
{
  g_return_if_fail (mod_rev >= 0);
  add_compare (txn, key, mod_rev, NULL);
}

void
collet_txn_if_value (ColletTxn *txn, const char *key, const char *value)
{
  g_return_if_fail (value != NULL);
  add_compare (txn, key, -1, value);
}

void
collet_txn_put (ColletTxn *txn, const char *key, const char *value)
{
  add_op (txn->then_ops, COLLET_OP_PUT, key, value, FALSE);
}

void
collet_txn_put_leased (ColletTxn *txn, const char *key, const char *value)
{
  add_op (txn->then_ops, COLLET_OP_PUT, key, value, TRUE);
}

void
collet_txn_delete (ColletTxn *txn, const char *key)
{
  add_op (txn->then_ops, COLLET_OP_DELETE, key, NULL, FALSE);
}

void
collet_txn_delete_prefix (ColletTxn *txn, const char *prefix)
{
  add_op (txn->then_ops, COLLET_OP_DELETE_PREFIX, prefix, NULL, FALSE);
}

void
collet_txn_end_session (ColletTxn *txn, const char *session)
{
  add_op (txn->then_ops, COLLET_OP_END_SESSION, session != NULL ? session : "", NULL, FALSE);
}

void
collet_txn_get (ColletTxn *txn, const char *key)
{
  add_op (txn->then_ops, COLLET_OP_GET, key, NULL, FALSE);
}

void
collet_txn_range (ColletTxn *txn, const char *prefix)
{
  add_op (txn->then_ops, COLLET_OP_RANGE, prefix, NULL, FALSE);
}

void
collet_txn_range_since (ColletTxn *txn, const char *prefix, gint64 revision)
{
  add_op (txn->then_ops, COLLET_OP_RANGE, prefix, NULL, FALSE)->since = revision;
}

void
collet_txn_count (ColletTxn *txn, const char *prefix)
{
  add_op (txn->then_ops, COLLET_OP_COUNT, prefix, NULL, FALSE);
}

void
collet_txn_else_get (ColletTxn *txn, const char *key)
{
  add_op (txn->else_ops, COLLET_OP_GET, key, NULL, FALSE);
}

void
collet_txn_else_range (ColletTxn *txn, const char *prefix)
{
  add_op (txn->else_ops, COLLET_OP_RANGE, prefix, NULL, FALSE);
}

/* ---- checks ---- */

static gboolean
refuse (GError **error, const char *what, const char *key)
{
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
               "A transaction on the cluster's keys is not valid: %s, at \"%.200s\".", what, key);
  return FALSE;
}

static gboolean
check_key (const char *key, GError **error)
{
  gsize size = strlen (key);

  if (size == 0 || size > COLLET_TXN_MAX_KEY)
    return refuse (error, "a key has 1 to 1024 bytes", key);
  for (gsize i = 0; i < size; i++)
    {
      if (!g_ascii_isgraph (key[i]))
        return refuse (error, "a key has printable characters only", "");
    }
  return TRUE;
}

/* No key twice, none within a prefix that is removed: etcd refuses it, as the
 * order would matter. */
static gboolean
check_overlap (GPtrArray *ops, guint index, GError **error)
{
  const ColletOp *op = ops->pdata[index];

  for (guint i = 0; i < ops->len; i++)
    {
      const ColletOp *other = ops->pdata[i];

      if (i == index)
        continue;
      if (other->kind == COLLET_OP_PUT && g_str_equal (other->key, op->key))
        return refuse (error, "a key is written twice", op->key);
      if ((other->kind == COLLET_OP_DELETE && g_str_equal (other->key, op->key)) ||
          (other->kind == COLLET_OP_DELETE_PREFIX && g_str_has_prefix (op->key, other->key)))
        return refuse (error, "a key is written and removed", op->key);
    }
  return TRUE;
}

static gboolean
check_op (const ColletTxn *txn, GPtrArray *ops, guint index, GError **error)
{
  const ColletOp *op = ops->pdata[index];

  if (op->kind == COLLET_OP_END_SESSION)
    return TRUE;
  if (!check_key (op->key, error))
    return FALSE;
  if (op->kind != COLLET_OP_PUT)
    return TRUE;
  if (op->value == NULL || strlen (op->value) > COLLET_TXN_MAX_VALUE)
    return refuse (error, "a value has at most 262144 bytes", op->key);
  if (!g_utf8_validate (op->value, -1, NULL))
    return refuse (error, "a value is not UTF-8", op->key);
  if (op->is_leased && txn->session == NULL)
    return refuse (error, "there is no session that the key could end with", op->key);
  return check_overlap (ops, index, error);
}

gboolean
collet_txn_check (const ColletTxn *txn, GError **error)
{
  if (MAX (MAX (txn->compares->len, txn->then_ops->len), txn->else_ops->len) > COLLET_TXN_MAX_OPS)
    return refuse (error, "it has more than 128 steps", "");
  for (guint i = 0; i < txn->compares->len; i++)
    {
      if (!check_key (((ColletCompare *)txn->compares->pdata[i])->key, error))
        return FALSE;
    }
  for (guint i = 0; i < txn->then_ops->len; i++)
    {
      if (!check_op (txn, txn->then_ops, i, error))
        return FALSE;
    }
  for (guint i = 0; i < txn->else_ops->len; i++)
    {
      if (!check_op (txn, txn->else_ops, i, error))
        return FALSE;
    }
  return TRUE;
}

char *
collet_txn_prefix_end (const char *prefix)
{
  char *end = g_strdup (prefix);

  /* Keys are ASCII, so the last byte can always grow. */
  g_return_val_if_fail (*prefix != '\0', end);
  end[strlen (end) - 1]++;
  return end;
}

/* ---- replies ---- */

ColletTxnReply *
collet_txn_reply_new (void)
{
  ColletTxnReply *reply = g_new0 (ColletTxnReply, 1);

  reply->rows = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_key_value_free);
  reply->changes = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_key_value_free);
  return reply;
}

void
collet_txn_reply_free (ColletTxnReply *reply)
{
  if (reply == NULL)
    return;
  g_free (reply->store_id);
  g_ptr_array_unref (reply->rows);
  g_ptr_array_unref (reply->changes);
  g_free (reply);
}

const ColletKeyValue *
collet_txn_reply_find (const ColletTxnReply *reply, const char *key)
{
  for (guint i = 0; i < reply->rows->len; i++)
    {
      const ColletKeyValue *row = reply->rows->pdata[i];

      if (g_str_equal (row->key, key))
        return row;
    }
  return NULL;
}

/* ---- carrying it out on rows ---- */

typedef struct
{
  const ColletTxnRowsClass *class_;
  gpointer rows;
  const ColletTxn *txn;
  gint64 next; /* revision of what is changed */
  ColletTxnReply *reply;
} Evaluation;

static gboolean
compare_all (Evaluation *self, gboolean *holds, GError **error)
{
  *holds = TRUE;
  for (guint i = 0; i < self->txn->compares->len && *holds; i++)
    {
      const ColletCompare *compare = self->txn->compares->pdata[i];
      g_autoptr (ColletKeyValue) row = NULL;

      if (!self->class_->get (self->rows, compare->key, &row, error))
        return FALSE;
      if (compare->mod_rev >= 0)
        *holds = (row != NULL ? row->mod_rev : 0) == compare->mod_rev;
      else
        *holds = row != NULL && g_str_equal (row->value, compare->value);
    }
  return TRUE;
}

static gboolean
put (Evaluation *self, const ColletOp *op, GError **error)
{
  g_autoptr (ColletKeyValue) old = NULL;
  ColletKeyValue *row;

  if (!self->class_->get (self->rows, op->key, &old, error))
    return FALSE;
  row = collet_key_value_new (op->key, op->value, old != NULL ? old->create_rev : self->next, self->next,
                              op->is_leased ? self->txn->session : NULL);
  g_ptr_array_add (self->reply->changes, row);
  return self->class_->put (self->rows, row, error);
}

static gboolean
remove_all (Evaluation *self, GPtrArray *found, GError **error)
{
  for (guint i = 0; i < found->len; i++)
    {
      const ColletKeyValue *row = found->pdata[i];

      if (!self->class_->remove (self->rows, row->key, error))
        return FALSE;
      g_ptr_array_add (self->reply->changes, collet_key_value_new (row->key, NULL, 0, self->next, NULL));
    }
  return TRUE;
}

static gboolean
read_into (Evaluation *self, const ColletOp *op, GPtrArray *found, GError **error)
{
  ColletKeyValue *row = NULL;

  switch (op->kind)
    {
    case COLLET_OP_GET:
    case COLLET_OP_DELETE:
      if (!self->class_->get (self->rows, op->key, &row, error))
        return FALSE;
      if (row != NULL)
        g_ptr_array_add (found, row);
      return TRUE;
    case COLLET_OP_RANGE:
    case COLLET_OP_COUNT:
    case COLLET_OP_DELETE_PREFIX:
      return self->class_->range (self->rows, op->key, "", found, error);
    case COLLET_OP_END_SESSION:
      return self->class_->range (self->rows, "", *op->key != '\0' ? op->key : NULL, found, error);
    case COLLET_OP_PUT:
    default:
      g_assert_not_reached ();
    }
}

static void
give (ColletTxnReply *reply, const ColletOp *op, GPtrArray *found)
{
  for (guint i = 0; i < found->len; i++)
    {
      const ColletKeyValue *row = found->pdata[i];

      if (row->mod_rev >= op->since)
        g_ptr_array_add (reply->rows, g_steal_pointer (&found->pdata[i]));
    }
}

static gboolean
run_op (Evaluation *self, const ColletOp *op, GError **error)
{
  g_autoptr (GPtrArray) found = NULL;

  if (op->kind == COLLET_OP_PUT)
    return put (self, op, error);
  found = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_key_value_free);
  if (!read_into (self, op, found, error))
    return FALSE;
  if (op->kind == COLLET_OP_GET || op->kind == COLLET_OP_RANGE)
    give (self->reply, op, found);
  else if (op->kind == COLLET_OP_COUNT)
    self->reply->count = found->len;
  else
    return remove_all (self, found, error);
  return TRUE;
}

gboolean
collet_txn_evaluate (const ColletTxn *txn, const ColletTxnRowsClass *class_, gpointer rows, gint64 revision,
                     ColletTxnReply *reply, GError **error)
{
  Evaluation self = { .class_ = class_, .rows = rows, .txn = txn, .next = revision + 1, .reply = reply };
  GPtrArray *ops;

  if (!collet_txn_check (txn, error) || !compare_all (&self, &reply->succeeded, error))
    return FALSE;
  ops = reply->succeeded ? txn->then_ops : txn->else_ops;
  for (guint i = 0; i < ops->len; i++)
    {
      if (!run_op (&self, ops->pdata[i], error))
        return FALSE;
    }
  reply->revision = reply->changes->len > 0 ? self.next : revision;
  return TRUE;
}
