/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-etcd.h"

#include "collet-error.h"
#include "collet-etcd-json.h"
#include "collet-etcd-session.h"
#include "collet-etcd-watch.h"

typedef struct
{
  ColletCoordination base;
  ColletEtcdClient *client;
  ColletEtcdSession *session; /* or NULL */
  GHashTable *watches;        /* id to ColletEtcdWatch */
  GPtrArray *requests;        /* Request, owned */
  guint last_watch;
  guint audit_ms;
  char *store_id;
  gint64 revision; /* newest seen */
} Etcd;

typedef struct
{
  Etcd *etcd;
  ColletTxn *txn;
  GError *refusal; /* it was not sent */
  guint source;
  ColletTxnDone done;
  gpointer user_data;
} Request;

/* ---- transactions ---- */

static void
request_free (gpointer data)
{
  Request *request = data;

  if (request->source != 0)
    g_source_remove (request->source);
  g_clear_error (&request->refusal);
  collet_txn_free (request->txn);
  g_free (request);
}

/* Last: done may free the handle. */
static void
finish (Request *request, const ColletTxnReply *reply, const GError *error)
{
  ColletTxnDone done = request->done;
  gpointer user_data = request->user_data;
  g_autoptr (GError) kept = error != NULL ? g_error_copy (error) : NULL;

  g_ptr_array_remove_fast (request->etcd->requests, request);
  done (reply, kept, user_data);
}

static void
note_reply (Etcd *self, const ColletTxnReply *reply)
{
  self->revision = g_strcmp0 (self->store_id, reply->store_id) == 0 ? MAX (self->revision, reply->revision)
                                                                    : reply->revision;
  g_free (self->store_id);
  self->store_id = g_strdup (reply->store_id);
}

static void
on_answer (const ColletJson *json, const GError *error, gpointer user_data)
{
  Request *request = user_data;
  Etcd *self = request->etcd;
  g_autoptr (GError) reason = NULL;
  g_autoptr (ColletTxnReply) reply = NULL;

  if (json != NULL)
    reply = collet_etcd_json_read_txn (json, request->txn, &reason);
  if (reply != NULL)
    note_reply (self, reply);
  /* Only a lease can be missing there. */
  if (g_error_matches (error, COLLET_ERROR, COLLET_ERROR_NOT_FOUND) && self->session != NULL)
    {
      g_set_error (&reason, COLLET_ERROR, COLLET_ERROR_STORE_FAILED,
                   "Nothing was written: the session with the cluster store has ended. It is opened again; "
                   "try again then.");
      const char *lease = collet_etcd_session_get_lease (self->session);
      if (g_strcmp0 (lease, request->txn->session) == 0)
        collet_etcd_session_note_lost (self->session);
    }
  finish (request, reply, reply != NULL ? NULL : reason != NULL ? reason : error);
}

static gboolean
on_refused (gpointer data)
{
  Request *request = data;

  request->source = 0;
  finish (request, NULL, request->refusal);
  return G_SOURCE_REMOVE;
}

static gboolean
check (const ColletTxn *txn, GError **error)
{
  for (guint i = 0; i < txn->then_ops->len; i++)
    {
      if (((ColletOp *)txn->then_ops->pdata[i])->kind == COLLET_OP_END_SESSION)
        {
          g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                       "A session of etcd ends by itself, not in a transaction.");
          return FALSE;
        }
    }
  return collet_txn_check (txn, error);
}

static void
etcd_txn (ColletCoordination *base, const ColletTxn *txn, ColletTxnDone done, gpointer user_data)
{
  Etcd *self = (Etcd *)base;
  const char *lease = self->session != NULL ? collet_etcd_session_get_lease (self->session) : NULL;
  Request *request = g_new0 (Request, 1);

  request->etcd = self;
  request->txn = collet_txn_copy (txn);
  g_free (request->txn->session);
  request->txn->session = g_strdup (lease);
  request->done = done;
  request->user_data = user_data;
  g_ptr_array_add (self->requests, request);
  if (check (request->txn, &request->refusal))
    collet_etcd_client_post (self->client, "/v3/kv/txn", collet_etcd_json_txn (request->txn), on_answer,
                             request);
  else
    request->source = g_idle_add_full (G_PRIORITY_DEFAULT, on_refused, request, NULL);
}

/* ---- watches, session, status ---- */

static guint
etcd_watch (ColletCoordination *base, const char *prefix, gint64 from_revision, ColletWatchEvent event,
            gpointer user_data)
{
  Etcd *self = (Etcd *)base;
  ColletEtcdWatch *watch =
      collet_etcd_watch_new (self->client, prefix, from_revision, self->audit_ms, event, user_data);

  g_hash_table_insert (self->watches, GUINT_TO_POINTER (++self->last_watch), watch);
  return self->last_watch;
}

static void
etcd_unwatch (ColletCoordination *base, guint id)
{
  g_hash_table_remove (((Etcd *)base)->watches, GUINT_TO_POINTER (id));
}

static void
etcd_open_session (ColletCoordination *base, guint ttl_s, ColletSessionEvent event, gpointer user_data)
{
  Etcd *self = (Etcd *)base;

  g_return_if_fail (self->session == NULL);
  self->session = collet_etcd_session_new (self->client, ttl_s, event, user_data);
}

static void
etcd_get_status (ColletCoordination *base, ColletCoordinationStatus *status)
{
  Etcd *self = (Etcd *)base;
  const char *failure = NULL;
  gint64 since = collet_etcd_client_get_failure (self->client, &failure);

  status->backend = "etcd";
  status->store_id = g_strdup (self->store_id);
  status->revision = self->revision;
  status->is_reachable = self->store_id != NULL && since == 0;
  if (since != 0)
    {
      g_autoptr (GDateTime) utc = g_date_time_new_from_unix_local (since / G_USEC_PER_SEC);
      g_autofree char *at = g_date_time_format (utc, "%H:%M:%S");

      status->message = g_strdup_printf ("no cluster quorum since %s (%s)", at, failure);
    }
}

static void
etcd_free (ColletCoordination *base)
{
  Etcd *self = (Etcd *)base;

  g_clear_pointer (&self->session, collet_etcd_session_free);
  g_hash_table_unref (self->watches);
  collet_etcd_client_free (self->client);
  g_ptr_array_unref (self->requests);
  g_free (self->store_id);
  g_free (self);
}

ColletCoordination *
collet_etcd_new (const ColletEtcdConfig *config, GError **error)
{
  static const ColletCoordinationClass class_ = {
    .txn = etcd_txn,
    .watch = etcd_watch,
    .unwatch = etcd_unwatch,
    .open_session = etcd_open_session,
    .get_status = etcd_get_status,
    .free = etcd_free,
  };
  ColletEtcdClient *client = collet_etcd_client_new (config, error);
  Etcd *self;

  if (client == NULL)
    return NULL;
  self = g_new0 (Etcd, 1);
  self->base.class_ = &class_;
  self->client = client;
  self->watches = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify)collet_etcd_watch_free);
  self->requests = g_ptr_array_new_with_free_func (request_free);
  return &self->base;
}

void
collet_etcd_set_audit_ms (ColletCoordination *self, guint audit_ms)
{
  ((Etcd *)self)->audit_ms = audit_ms;
}
