/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "conformance.h"

#define PATIENCE_MS 20000

static gboolean
on_patience_over (gpointer data)
{
  g_error ("no answer within %d ms", PATIENCE_MS);
  return G_SOURCE_REMOVE;
}

void
conformance_wait (gboolean *flag)
{
  guint source = g_timeout_add (PATIENCE_MS, on_patience_over, NULL);

  while (!*flag)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (source);
}

typedef struct
{
  gboolean is_done;
  ColletTxnReply *reply;
  GError *error;
} Answer;

static void
copy_rows (GPtrArray *from, GPtrArray *to)
{
  for (guint i = 0; i < from->len; i++)
    g_ptr_array_add (to, collet_key_value_copy (from->pdata[i]));
}

static void
on_done (const ColletTxnReply *reply, const GError *error, gpointer user_data)
{
  Answer *answer = user_data;

  g_assert_true ((reply == NULL) == (error != NULL));
  answer->is_done = TRUE;
  if (error != NULL)
    {
      answer->error = g_error_copy (error);
      return;
    }
  answer->reply = collet_txn_reply_new ();
  answer->reply->succeeded = reply->succeeded;
  answer->reply->revision = reply->revision;
  answer->reply->count = reply->count;
  answer->reply->store_id = g_strdup (reply->store_id);
  copy_rows (reply->rows, answer->reply->rows);
}

ColletTxnReply *
conformance_try (ColletCoordination *handle, const ColletTxn *txn, GError **error)
{
  Answer answer = { 0 };

  collet_coordination_txn (handle, txn, on_done, &answer);
  g_assert_false (answer.is_done);
  conformance_wait (&answer.is_done);
  if (answer.error != NULL)
    g_propagate_error (error, answer.error);
  return answer.reply;
}

ColletTxnReply *
conformance_run (ColletCoordination *handle, const ColletTxn *txn)
{
  g_autoptr (GError) error = NULL;
  ColletTxnReply *reply = conformance_try (handle, txn, &error);

  g_assert_no_error (error);
  g_assert_nonnull (reply);
  return reply;
}

gint64
conformance_put (ColletCoordination *handle, const char *key, const char *value)
{
  g_autoptr (ColletTxn) txn = collet_txn_new ();

  collet_txn_put (txn, key, value);
  g_autoptr (ColletTxnReply) reply = conformance_run (handle, txn);
  g_assert_true (reply->succeeded);
  return reply->revision;
}

char *
conformance_get (ColletCoordination *handle, const char *key)
{
  g_autoptr (ColletTxn) txn = collet_txn_new ();

  collet_txn_get (txn, key);
  g_autoptr (ColletTxnReply) reply = conformance_run (handle, txn);
  const ColletKeyValue *row = collet_txn_reply_find (reply, key);
  return row != NULL ? g_strdup (row->value) : NULL;
}

static void
on_session (const GError *error, gpointer user_data)
{
  g_assert_no_error (error);
  *(gboolean *)user_data = TRUE;
}

void
conformance_open_session (ColletCoordination *handle, guint ttl_s)
{
  /* Static: it may be told of again when this frame is gone. */
  static gboolean is_open;

  is_open = FALSE;
  collet_coordination_open_session (handle, ttl_s, on_session, &is_open);
  conformance_wait (&is_open);
}

ConformanceWatch *
conformance_watch_new (void)
{
  ConformanceWatch *self = g_new0 (ConformanceWatch, 1);

  self->seen = g_ptr_array_new_with_free_func (g_free);
  return self;
}

void
conformance_watch_free (ConformanceWatch *self)
{
  g_ptr_array_unref (self->seen);
  g_free (self);
}

void
conformance_on_watch (GPtrArray *changes, gint64 revision, gpointer user_data)
{
  ConformanceWatch *self = user_data;

  /* Backwards only where it says so. */
  g_assert_true (changes == NULL || revision >= self->revision);
  self->revision = revision;
  if (changes == NULL)
    {
      g_ptr_array_add (self->seen, g_strdup ("again"));
      return;
    }
  for (guint i = 0; i < changes->len; i++)
    {
      const ColletKeyValue *row = changes->pdata[i];

      g_assert_cmpint (row->mod_rev, <=, revision);
      g_ptr_array_add (self->seen, row->value != NULL ? g_strdup_printf ("put %s %s", row->key, row->value)
                                                      : g_strdup_printf ("delete %s", row->key));
    }
}

static gboolean
on_patience_over_seen (gpointer data)
{
  ConformanceWatch *watch = data;

  for (guint i = 0; i < watch->seen->len; i++)
    g_printerr ("seen: %s\n", (char *)watch->seen->pdata[i]);
  g_error ("the watch did not see enough within %d ms", PATIENCE_MS);
  return G_SOURCE_REMOVE;
}

void
conformance_wait_seen (ConformanceWatch *watch, guint n)
{
  guint source = g_timeout_add (PATIENCE_MS, on_patience_over_seen, watch);

  while (watch->seen->len < n)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (source);
}
