/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-etcd-session.h"

#include "collet-error.h"
#include "collet-etcd-json.h"

#define RETRY_MS 500

struct _ColletEtcdSession
{
  ColletEtcdClient *client;
  guint ttl_s;
  ColletSessionEvent event;
  gpointer user_data;
  char *lease;     /* NULL: none */
  gint64 alive_to; /* monotonic: until then it surely stands */
  gint64 asked_at;
  gboolean is_open; /* as the owner was told */
  ColletEtcdCall *call;
  guint timer;
};

static void schedule (ColletEtcdSession *self, guint ms);

/* Last: the owner may free the session. */
static void
tell (ColletEtcdSession *self, const char *problem)
{
  if (problem == NULL)
    {
      if (!self->is_open)
        {
          self->is_open = TRUE;
          self->event (NULL, self->user_data);
        }
      return;
    }
  if (!self->is_open && self->lease == NULL)
    g_debug ("no session with the cluster store: %s", problem);
  if (self->is_open)
    {
      g_autoptr (GError) error = g_error_new (COLLET_ERROR, COLLET_ERROR_QUORUM_NOT_REACHED,
                                              "The session with the cluster store has ended: %s", problem);

      self->is_open = FALSE;
      self->event (error, self->user_data);
    }
}

static void
on_answer (const ColletJson *json, const GError *error, gpointer user_data)
{
  ColletEtcdSession *self = user_data;
  g_autoptr (GError) reason = error != NULL ? g_error_copy (error) : NULL;
  gboolean was_grant = self->lease == NULL;
  g_autofree char *lease = NULL;
  gint64 ttl_s = 0;

  self->call = NULL;
  if (json != NULL && collet_etcd_json_read_lease (json, &lease, &ttl_s, &reason) && ttl_s > 0)
    {
      g_free (self->lease);
      self->lease = g_steal_pointer (&lease);
      self->alive_to = self->asked_at + ttl_s * G_USEC_PER_SEC;
      schedule (self, (guint)CLAMP (ttl_s * 1000 / 3, 200, 60000));
      tell (self, NULL);
      return;
    }
  /* An answer without a time: the lease has ended. */
  if (json != NULL && reason == NULL && !was_grant)
    {
      collet_etcd_session_note_lost (self);
      return;
    }
  schedule (self, RETRY_MS);
  if (was_grant || g_get_monotonic_time () > self->alive_to)
    tell (self, reason != NULL ? reason->message : "etcd gave no time for it");
}

static gboolean
on_due (gpointer data)
{
  ColletEtcdSession *self = data;
  const char *path = self->lease != NULL ? "/v3/lease/keepalive" : "/v3/lease/grant";
  char *body =
      self->lease != NULL ? collet_etcd_json_lease (self->lease) : collet_etcd_json_grant (self->ttl_s);

  self->timer = 0;
  if (self->call != NULL)
    collet_etcd_call_cancel (self->call);
  self->asked_at = g_get_monotonic_time ();
  self->call = collet_etcd_client_post (self->client, path, body, on_answer, self);
  return G_SOURCE_REMOVE;
}

static void
schedule (ColletEtcdSession *self, guint ms)
{
  g_clear_handle_id (&self->timer, g_source_remove);
  self->timer = g_timeout_add (ms, on_due, self);
}

void
collet_etcd_session_note_lost (ColletEtcdSession *self)
{
  if (self->lease == NULL)
    return;
  g_clear_pointer (&self->lease, g_free);
  schedule (self, 0);
  tell (self, "etcd does not know it any more");
}

ColletEtcdSession *
collet_etcd_session_new (ColletEtcdClient *client, guint ttl_s, ColletSessionEvent event, gpointer user_data)
{
  ColletEtcdSession *self = g_new0 (ColletEtcdSession, 1);

  self->client = client;
  self->ttl_s = ttl_s;
  self->event = event;
  self->user_data = user_data;
  schedule (self, 0);
  return self;
}

void
collet_etcd_session_free (ColletEtcdSession *self)
{
  g_clear_handle_id (&self->timer, g_source_remove);
  if (self->call != NULL)
    collet_etcd_call_cancel (self->call);
  if (self->lease != NULL)
    collet_etcd_client_post_and_forget (self->client, "/v3/lease/revoke",
                                        collet_etcd_json_lease (self->lease));
  g_free (self->lease);
  g_free (self);
}

const char *
collet_etcd_session_get_lease (ColletEtcdSession *self)
{
  return self->lease;
}
