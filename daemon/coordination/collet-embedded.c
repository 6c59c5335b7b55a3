/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-embedded.h"

struct _ColletEmbeddedHub
{
  int ref_count;
  ColletRowStore *rows;
  GPtrArray *watches; /* Watch, of all handles */
  GQueue log;         /* ColletKeyValue, the newest last */
  gint64 log_from;    /* every change of this revision and later is in it; 0: not known yet */
  gint64 revision;
  char *store_id;
  char *failure; /* of the last transaction, or NULL */
};

typedef struct
{
  ColletCoordination base;
  ColletEmbeddedHub *hub;
  GPtrArray *requests; /* Request, borrowed: those that are on their way */
  char *session;
  ColletSessionEvent session_event;
  gpointer session_data;
  guint session_source;
} Handle;

typedef struct
{
  ColletEmbeddedHub *hub;
  Handle *handle; /* NULL: it is gone */
  ColletTxnDone done;
  gpointer user_data;
} Request;

typedef struct
{
  guint id;
  Handle *handle;
  char *prefix;
  gint64 next; /* revision from which on it has to be told */
  ColletWatchEvent event;
  gpointer user_data;
  guint source;
} Watch;

/* ---- the hub ---- */

static ColletEmbeddedHub *
hub_ref (ColletEmbeddedHub *self)
{
  self->ref_count++;
  return self;
}

void
collet_embedded_hub_unref (ColletEmbeddedHub *self)
{
  if (--self->ref_count > 0)
    return;
  g_ptr_array_unref (self->watches);
  g_queue_clear_full (&self->log, (GDestroyNotify)collet_key_value_free);
  g_free (self->store_id);
  g_free (self->failure);
  g_free (self);
}

static GPtrArray *
changes_for (const ColletEmbeddedHub *hub, const Watch *watch)
{
  GPtrArray *changes = g_ptr_array_new ();

  for (const GList *link = hub->log.head; link != NULL; link = link->next)
    {
      ColletKeyValue *row = link->data;

      if (row->mod_rev >= watch->next && g_str_has_prefix (row->key, watch->prefix))
        g_ptr_array_add (changes, row);
    }
  return changes;
}

/* Nothing of the watch is touched after its event, which may end it. */
static gboolean
on_watch_due (gpointer data)
{
  Watch *watch = data;
  ColletEmbeddedHub *hub = watch->handle->hub;
  gboolean is_complete = watch->next >= hub->log_from;
  g_autoptr (GPtrArray) changes = NULL;

  watch->source = 0;
  if (hub->revision == 0 || watch->next > hub->revision)
    return G_SOURCE_REMOVE;
  if (is_complete)
    changes = changes_for (hub, watch);
  watch->next = hub->revision + 1;
  if (!is_complete || changes->len > 0)
    watch->event (changes, hub->revision, watch->user_data);
  return G_SOURCE_REMOVE;
}

static void
schedule_watches (ColletEmbeddedHub *self)
{
  for (guint i = 0; i < self->watches->len; i++)
    {
      Watch *watch = self->watches->pdata[i];

      if (watch->source == 0)
        watch->source = g_idle_add_full (G_PRIORITY_DEFAULT, on_watch_due, watch, NULL);
    }
}

static void
note_reply (ColletEmbeddedHub *self, const ColletTxnReply *reply)
{
  g_clear_pointer (&self->failure, g_free);
  if (self->log_from == 0)
    self->log_from = reply->changes->len > 0 ? reply->revision : reply->revision + 1;
  for (guint i = 0; i < reply->changes->len; i++)
    g_queue_push_tail (&self->log, collet_key_value_copy (reply->changes->pdata[i]));
  while (self->log.length > COLLET_EMBEDDED_LOG)
    {
      g_autoptr (ColletKeyValue) oldest = g_queue_pop_head (&self->log);

      self->log_from = oldest->mod_rev + 1;
    }
  self->revision = MAX (self->revision, reply->revision);
  if (self->store_id == NULL)
    self->store_id = g_strdup (reply->store_id);
  schedule_watches (self);
}

static void
on_run (const ColletTxnReply *reply, const GError *error, gpointer user_data)
{
  g_autofree Request *request = user_data;
  g_autoptr (ColletEmbeddedHub) hub = request->hub;

  if (reply != NULL)
    {
      note_reply (hub, reply);
    }
  else
    {
      g_free (hub->failure);
      hub->failure = g_strdup (error->message);
    }
  if (request->handle != NULL)
    {
      g_ptr_array_remove_fast (request->handle->requests, request);
      if (request->done != NULL)
        request->done (reply, error, request->user_data);
    }
}

/* handle NULL: nobody waits for the answer. */
static void
run (ColletEmbeddedHub *hub, Handle *handle, const ColletTxn *txn, ColletTxnDone done, gpointer user_data)
{
  Request *request = g_new0 (Request, 1);

  request->hub = hub_ref (hub);
  request->handle = handle;
  request->done = done;
  request->user_data = user_data;
  if (handle != NULL)
    g_ptr_array_add (handle->requests, request);
  hub->rows->class_->run (hub->rows, txn, on_run, request);
}

ColletEmbeddedHub *
collet_embedded_hub_new (ColletRowStore *rows)
{
  ColletEmbeddedHub *self = g_new0 (ColletEmbeddedHub, 1);
  g_autoptr (ColletTxn) txn = collet_txn_new ();

  self->ref_count = 1;
  self->rows = rows;
  self->watches = g_ptr_array_new ();
  collet_txn_end_session (txn, NULL);
  run (self, NULL, txn, NULL, NULL);
  return self;
}

/* ---- a handle ---- */

static void
handle_txn (ColletCoordination *base, const ColletTxn *txn, ColletTxnDone done, gpointer user_data)
{
  Handle *self = (Handle *)base;
  g_autoptr (ColletTxn) copy = collet_txn_copy (txn);

  g_free (copy->session);
  copy->session = g_strdup (self->session);
  run (self->hub, self, copy, done, user_data);
}

static guint
handle_watch (ColletCoordination *base, const char *prefix, gint64 from_revision, ColletWatchEvent event,
              gpointer user_data)
{
  static guint last_id;
  Handle *self = (Handle *)base;
  Watch *watch = g_new0 (Watch, 1);

  watch->id = ++last_id;
  watch->handle = self;
  watch->prefix = g_strdup (prefix);
  watch->next = from_revision;
  watch->event = event;
  watch->user_data = user_data;
  watch->source = g_idle_add_full (G_PRIORITY_DEFAULT, on_watch_due, watch, NULL);
  g_ptr_array_add (self->hub->watches, watch);
  return watch->id;
}

static void
remove_watch (ColletEmbeddedHub *hub, guint index)
{
  Watch *watch = g_ptr_array_remove_index (hub->watches, index);

  if (watch->source != 0)
    g_source_remove (watch->source);
  g_free (watch->prefix);
  g_free (watch);
}

static void
handle_unwatch (ColletCoordination *base, guint id)
{
  ColletEmbeddedHub *hub = ((Handle *)base)->hub;

  for (guint i = 0; i < hub->watches->len; i++)
    {
      if (((Watch *)hub->watches->pdata[i])->id == id)
        {
          remove_watch (hub, i);
          return;
        }
    }
}

static gboolean
on_session_open (gpointer data)
{
  Handle *self = data;

  self->session_source = 0;
  self->session_event (NULL, self->session_data);
  return G_SOURCE_REMOVE;
}

static void
handle_open_session (ColletCoordination *base, guint ttl_s, ColletSessionEvent event, gpointer user_data)
{
  Handle *self = (Handle *)base;

  g_return_if_fail (self->session == NULL);
  self->session = g_strdup_printf ("%08x%08x", g_random_int (), g_random_int ());
  self->session_event = event;
  self->session_data = user_data;
  self->session_source = g_idle_add_full (G_PRIORITY_DEFAULT, on_session_open, self, NULL);
}

static void
handle_get_status (ColletCoordination *base, ColletCoordinationStatus *status)
{
  const ColletEmbeddedHub *hub = ((Handle *)base)->hub;

  status->backend = "embedded";
  status->store_id = g_strdup (hub->store_id);
  status->revision = hub->revision;
  status->is_reachable = hub->revision > 0 && hub->failure == NULL;
  status->message = g_strdup (hub->failure);
}

static void
handle_free (ColletCoordination *base)
{
  Handle *self = (Handle *)base;

  for (guint i = self->hub->watches->len; i > 0; i--)
    {
      if (((Watch *)self->hub->watches->pdata[i - 1])->handle == self)
        remove_watch (self->hub, i - 1);
    }
  for (guint i = 0; i < self->requests->len; i++)
    ((Request *)self->requests->pdata[i])->handle = NULL;
  g_ptr_array_unref (self->requests);
  if (self->session_source != 0)
    g_source_remove (self->session_source);
  if (self->session != NULL)
    {
      g_autoptr (ColletTxn) txn = collet_txn_new ();

      collet_txn_end_session (txn, self->session);
      run (self->hub, NULL, txn, NULL, NULL);
    }
  g_free (self->session);
  collet_embedded_hub_unref (self->hub);
  g_free (self);
}

ColletCoordination *
collet_embedded_new (ColletEmbeddedHub *hub)
{
  static const ColletCoordinationClass class_ = {
    .txn = handle_txn,
    .watch = handle_watch,
    .unwatch = handle_unwatch,
    .open_session = handle_open_session,
    .get_status = handle_get_status,
    .free = handle_free,
  };
  Handle *self = g_new0 (Handle, 1);

  self->base.class_ = &class_;
  self->hub = hub_ref (hub);
  self->requests = g_ptr_array_new ();
  return &self->base;
}
