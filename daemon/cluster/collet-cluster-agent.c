/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-cluster-agent-private.h"

#include "collet-error.h"
#include "collet-failpoint.h"

#define AGAIN_US (500 * 1000)       /* after an error */
#define POKE_US (20 * 1000)         /* after a change here: who asked for it is answered first */
#define SETTLE_US (2 * 1000 * 1000) /* until the watch has told of an answer */
#define REMEMBER_US (30 * 1000 * 1000)

/* ---- time ---- */

gint64
collet_agent_now (ColletClusterAgent *self)
{
  return self->clock->class_->now (self->clock);
}

void
collet_agent_want (ColletClusterAgent *self, gint64 at)
{
  if (self->stepped != NULL)
    self->stepped->wake_at = MIN (self->stepped->wake_at, at);
  self->next_wake = MIN (self->next_wake, at);
}

void
collet_agent_kick (ColletClusterAgent *self)
{
  self->is_due = TRUE;
  self->clock->class_->wake (self->clock, 0);
}

static void
remember (ColletClusterAgent *self, gint64 now)
{
  if (self->frozen != NULL || (self->remembered_revision > 0 && now < self->remembered_at + REMEMBER_US))
    return;
  if (self->store_id == NULL || self->store_revision <= self->remembered_revision)
    return;
  self->remembered_at = now;
  self->remembered_revision = self->store_revision;
  if (self->listener.remember != NULL)
    self->listener.remember (self->store_id, self->store_revision, self->listener.user_data);
}

static gboolean
is_stale (gpointer key, gpointer value, gpointer data)
{
  const Sent *sent = value;

  return !sent->is_in_flight && *(gint64 *)data > sent->not_before + 60 * G_USEC_PER_SEC;
}

static void
on_wake (gpointer data)
{
  ColletClusterAgent *self = data;
  gint64 now = collet_agent_now (self);
  gboolean is_changed = self->is_changed;

  self->next_wake = G_MAXINT64;
  self->is_due = FALSE;
  if (now >= self->converge_at)
    {
      g_hash_table_foreach_remove (self->sent, is_stale, &now);
      collet_agent_converge (self);
    }
  if (self->is_synced)
    {
      collet_agent_step (self);
      collet_agent_send_batches (self);
      remember (self, now);
    }
  collet_agent_want (self, self->converge_at);
  self->clock->class_->wake (self->clock, MAX (0, self->next_wake - collet_agent_now (self)));
  self->is_changed = FALSE;
  if (is_changed && self->watcher.changed != NULL)
    self->watcher.changed (self->watcher.user_data);
  if (is_changed && self->listener.changed != NULL)
    self->listener.changed (self->listener.user_data);
}

/* ---- what is sent ---- */

gboolean
collet_agent_may_send (ColletClusterAgent *self, const char *what)
{
  Sent *sent = g_hash_table_lookup (self->sent, what);

  if (sent == NULL)
    return TRUE;
  if (self->stepped != NULL)
    sent->local = self->stepped;
  if (sent->is_in_flight)
    return FALSE;
  if (collet_agent_now (self) >= sent->not_before)
    return TRUE;
  collet_agent_want (self, sent->not_before);
  return FALSE;
}

void
collet_agent_on_answer (const ColletTxnReply *reply, const GError *error, gpointer user_data)
{
  Sent *sent = user_data;
  ColletClusterAgent *self = sent->agent;

  if (error != NULL)
    g_debug ("%s: %s: %s", self->node, sent->what, error->message);
  else if (g_str_equal (sent->what, "live"))
    self->is_announced = reply->succeeded;
  if (g_str_has_prefix (sent->what, "vote "))
    collet_failpoint ("cluster-voted");
  else if (g_str_has_prefix (sent->what, "decide "))
    collet_failpoint ("cluster-decided");
  sent->is_in_flight = FALSE;
  if (sent->local != NULL)
    sent->local->is_due = TRUE;
  sent->not_before = collet_agent_now (self) + (error != NULL || !reply->succeeded ? AGAIN_US : SETTLE_US);
  collet_agent_kick (self);
}

/* Belongs to the table, and is never taken out of it while it is in flight. */
Sent *
collet_agent_note_sent (ColletClusterAgent *self, const char *what)
{
  Sent *sent = g_hash_table_lookup (self->sent, what);

  if (sent == NULL)
    {
      sent = g_new0 (Sent, 1);
      sent->agent = self;
      sent->what = g_strdup (what);
      g_hash_table_insert (self->sent, sent->what, sent);
    }
  g_assert (!sent->is_in_flight);
  sent->local = self->stepped;
  sent->is_in_flight = TRUE;
  return sent;
}

void
collet_agent_send (ColletClusterAgent *self, const char *what, ColletTxn *txn)
{
  g_autoptr (ColletTxn) taken = txn;

  collet_coordination_txn (self->coordination, taken, collet_agent_on_answer,
                           collet_agent_note_sent (self, what));
}

/* ---- looking ---- */

static void
set_due (ColletClusterAgent *self, const char *module)
{
  collet_agent_get_local (self, module)->is_due = TRUE;
}

static void
on_key (ColletKeyKind kind, const char *a, const char *b, gpointer user_data)
{
  ColletClusterAgent *self = user_data;

  if (kind == COLLET_KEY_NODE || kind == COLLET_KEY_LIVE)
    self->is_whole = TRUE;
  else if (kind == COLLET_KEY_DESIRED || kind == COLLET_KEY_HISTORY || kind == COLLET_KEY_LOCK)
    set_due (self, a);
  else if ((kind == COLLET_KEY_APPLIED || kind == COLLET_KEY_OVERRIDE) &&
           (g_str_equal (b, self->node) || collet_agent_get_local (self, a)->is_rolling))
    set_due (self, a);
  if (self->watcher.key != NULL)
    self->watcher.key (kind, a, b, self->watcher.user_data);
}

static void
on_session (const GError *error, gpointer user_data)
{
  ColletClusterAgent *self = user_data;

  Sent *live = g_hash_table_lookup (self->sent, "live");

  self->has_session = error == NULL;
  self->is_announced = FALSE;
  if (live != NULL)
    live->not_before = 0;
  self->is_changed = TRUE;
  collet_agent_kick (self);
}

/* ---- the agent ---- */

static void
promise_free (gpointer data)
{
  Promise *promise = data;

  g_free (promise->module);
  g_free (promise->token);
  g_free (promise->sha256);
  g_free (promise->error);
  g_free (promise->message);
  g_free (promise);
}

static void
local_free (gpointer data)
{
  Local *local = data;

  g_free (local->module);
  g_free (local->failed_error);
  g_free (local->failed_message);
  g_free (local);
}

static void
sent_free (gpointer data)
{
  Sent *sent = data;

  g_free (sent->what);
  g_free (sent);
}

ColletClusterAgent *
collet_cluster_agent_new (const ColletClusterConfig *config, ColletCoordination *coordination,
                          ColletClusterApplier *applier, ColletClusterClock *clock,
                          const ColletClusterListener *listener)
{
  ColletClusterAgent *self = g_new0 (ColletClusterAgent, 1);

  self->cluster = g_strdup (config->cluster);
  self->node = g_strdup (config->node);
  self->prefix = collet_cluster_prefix (config->cluster);
  self->record.url = g_strdup (config->url);
  self->record.fingerprint = g_strdup (config->fingerprint);
  self->record.version = g_strdup (config->daemon_version);
  self->is_alone = config->is_alone;
  self->is_founder = config->is_founder || config->is_alone;
  self->store_id = g_strdup (config->store_id);
  self->store_revision = config->store_revision;
  self->coordination = coordination;
  self->applier = applier;
  self->clock = clock;
  if (listener != NULL)
    self->listener = *listener;
  self->view = collet_cluster_view_new (config->cluster);
  collet_cluster_view_set_changed (self->view, on_key, self);
  self->promises = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, promise_free);
  self->locals = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, local_free);
  self->seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->sent = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, sent_free);
  self->waiting = g_ptr_array_new ();
  collet_agent_batches_init (self);
  self->recent = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_key_value_free);
  self->lookers = collet_agent_lookers_new ();
  self->next_lookers = collet_agent_lookers_new ();
  clock->fire = on_wake;
  clock->user_data = self;
  collet_coordination_open_session (coordination, COLLET_CLUSTER_TTL_S, on_session, self);
  collet_agent_kick (self);
  return self;
}

void
collet_cluster_agent_free (ColletClusterAgent *self)
{
  if (self->told != NULL)
    g_array_set_size (self->told, 0);
  self->clock->class_->wake (self->clock, -1);
  collet_coordination_free (self->coordination);
  collet_agent_requests_free (self);
  collet_agent_batches_clear (self);
  collet_cluster_view_free (self->view);
  g_ptr_array_unref (self->recent);
  g_array_unref (self->lookers);
  g_array_unref (self->next_lookers);
  g_hash_table_unref (self->promises);
  g_hash_table_unref (self->locals);
  g_hash_table_unref (self->seen);
  g_hash_table_unref (self->sent);
  g_free (self->cluster);
  g_free (self->node);
  g_free (self->prefix);
  g_free (self->record.url);
  g_free (self->record.fingerprint);
  g_free (self->record.version);
  g_free (self->frozen);
  g_free (self->store_id);
  g_free (self);
}

const ColletClusterView *
collet_cluster_agent_get_view (ColletClusterAgent *self)
{
  return self->view;
}

const char *
collet_cluster_agent_get_node (ColletClusterAgent *self)
{
  return self->node;
}

gboolean
collet_cluster_agent_is_synced (ColletClusterAgent *self)
{
  return self->is_synced;
}

const char *
collet_cluster_agent_get_state (ColletClusterAgent *self, char **message)
{
  ColletCoordinationStatus status = { 0 };
  gboolean is_reachable;

  collet_coordination_get_status (self->coordination, &status);
  is_reachable = status.is_reachable || (!self->is_synced && status.message == NULL); /* it was just asked */
  if (self->frozen == NULL && status.message != NULL)
    *message =
        g_strdup_printf ("%s. Serving goes on with what was agreed; reloads are refused.", status.message);
  else
    *message = g_strdup (self->frozen);
  collet_coordination_status_clear (&status);
  if (self->frozen != NULL)
    return "frozen";
  if (collet_agent_is_removed (self))
    {
      g_free (*message);
      *message = g_strdup_printf ("This node was removed from cluster \"%s\" and follows it no more. Use "
                                  "\"colletctl cluster leave\", then join again if it should come back.",
                                  self->cluster);
      return "removed";
    }
  if (self->is_alone)
    return "alone";
  return is_reachable ? "joined" : "minority";
}

void
collet_cluster_agent_set_watcher (ColletClusterAgent *self, const ColletClusterWatcher *watcher)
{
  self->watcher = watcher != NULL ? *watcher : (ColletClusterWatcher){ 0 };
}

void
collet_cluster_agent_poke (ColletClusterAgent *self, const char *module)
{
  set_due (self, module);
  self->is_changed = TRUE;
  if (!self->is_due) /* changes without end do not put it off for ever */
    self->clock->class_->wake (self->clock, CLAMP (self->next_wake - collet_agent_now (self), 0, POKE_US));
  self->is_due = TRUE;
}

gboolean
collet_cluster_agent_adopt_store (ColletClusterAgent *self)
{
  GHashTableIter iter;
  gpointer local;

  if (self->frozen == NULL)
    return FALSE;
  g_clear_pointer (&self->frozen, g_free);
  g_clear_pointer (&self->store_id, g_free);
  self->store_revision = 0;
  self->remembered_revision = 0;
  /* What was applied is in the store that is there now, or it is not. */
  g_hash_table_iter_init (&iter, self->locals);
  while (g_hash_table_iter_next (&iter, NULL, &local))
    ((Local *)local)->epoch = ((Local *)local)->failed_epoch = 0;
  collet_agent_reload (self);
  self->is_changed = TRUE;
  collet_agent_kick (self);
  return TRUE;
}
