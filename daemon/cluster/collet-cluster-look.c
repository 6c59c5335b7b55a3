/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How a node knows the store: all keys once, then what a watch tells. A watch is a
 * hint; so every 30 s, and for each question, it is asked what was put since, and
 * how many keys there are, which is as good as to read all of them again and costs
 * what has changed. All are read again where that does not come out even.
 */
#include "collet-cluster-agent-private.h"

#include "collet-error.h"

#define AGAIN_US (500 * 1000) /* after an error */
#define MAX_AUDITS 3          /* the watch may be a moment behind with what was removed */

typedef struct
{
  ColletAgentLooked done;
  gpointer user_data;
} Looker;

/* ---- a store that went back ---- */

static void
freeze (ColletClusterAgent *self, char *message)
{
  gboolean is_new = self->frozen == NULL;

  g_free (self->frozen);
  self->frozen = message;
  if (!is_new)
    return;
  g_warning ("%s", message);
  /* The next process of this daemon has to see it as well. */
  if (self->listener.remember != NULL)
    self->listener.remember (self->store_id, MAX (self->asked_revision, self->store_revision),
                             self->listener.user_data);
}

/* A store that went back would have nodes undo what they have done since. */
static void
check_store (ColletClusterAgent *self, const ColletTxnReply *reply)
{
  if (self->store_id == NULL)
    {
      self->store_id = g_strdup (reply->store_id);
      self->store_revision = reply->revision;
      return;
    }
  if (g_strcmp0 (self->store_id, reply->store_id) != 0)
    freeze (self,
            g_strdup_printf ("The cluster store is another one than before (%s instead of %s). Nothing is "
                             "applied until \"colletctl cluster adopt-store\".",
                             reply->store_id, self->store_id));
  else if (reply->revision < self->asked_revision)
    freeze (self, g_strdup_printf ("The cluster store went back from revision %" G_GINT64_FORMAT
                                   " to %" G_GINT64_FORMAT ", as after a restored backup. Nothing is applied "
                                   "until \"colletctl cluster adopt-store\".",
                                   self->asked_revision, reply->revision));
  else
    self->store_revision = MAX (self->store_revision, reply->revision);
}

/* ---- a look ---- */

static void ask (ColletClusterAgent *self);

static void
begin_look (ColletClusterAgent *self)
{
  g_array_unref (self->lookers);
  self->lookers = g_steal_pointer (&self->next_lookers);
  self->next_lookers = collet_agent_lookers_new ();
  self->is_looking = TRUE;
  self->n_audits = 0;
  self->asked_revision = self->store_revision;
  ask (self);
}

/* Last: who is told may free the agent, or ask anew. */
static void
end_look (ColletClusterAgent *self, const GError *error)
{
  g_autoptr (GArray) lookers = g_steal_pointer (&self->lookers);

  self->lookers = collet_agent_lookers_new ();
  if (error != NULL)
    self->converge_at = collet_agent_now (self) + AGAIN_US;
  self->is_looking = FALSE;
  self->is_changed = TRUE;
  if (self->next_lookers->len > 0)
    begin_look (self);
  collet_agent_kick (self);
  if (lookers->len == 0)
    return;
  self->told = lookers;
  for (guint i = 0; i < lookers->len; i++)
    {
      const Looker *looker = &g_array_index (lookers, Looker, i);

      looker->done (error, looker->user_data);
    }
  if (lookers->len > 0)
    self->told = NULL;
}

static void
on_watch (GPtrArray *changes, gint64 revision, gpointer user_data)
{
  ColletClusterAgent *self = user_data;

  if (changes == NULL)
    collet_agent_reload (self);
  for (guint i = 0; changes != NULL && i < changes->len; i++)
    {
      collet_cluster_view_apply (self->view, changes->pdata[i]);
      if (self->is_looking)
        g_ptr_array_add (self->recent, collet_key_value_copy (changes->pdata[i]));
    }
  if (self->frozen == NULL && changes != NULL)
    self->store_revision = MAX (self->store_revision, revision);
  self->is_changed = TRUE;
  collet_agent_kick (self);
}

static void
on_ranged (const ColletTxnReply *reply, const GError *error, gpointer user_data)
{
  ColletClusterAgent *self = user_data;
  gboolean is_known = self->store_id != NULL;

  if (reply == NULL)
    {
      end_look (self, error);
      return;
    }
  check_store (self, reply);
  if (!is_known || self->frozen != NULL)
    collet_cluster_view_clear (self->view);
  collet_cluster_view_load (self->view, reply->rows, reply->revision);
  for (guint i = 0; i < self->recent->len; i++) /* told while the answer was on its way */
    collet_cluster_view_apply (self->view, self->recent->pdata[i]);
  self->audited = reply->revision;
  self->is_synced = TRUE;
  self->is_whole = TRUE;
  if (self->watch == 0)
    self->watch =
        collet_coordination_watch (self->coordination, self->prefix, reply->revision + 1, on_watch, self);
  end_look (self, NULL);
}

static void
on_audited (const ColletTxnReply *reply, const GError *error, gpointer user_data)
{
  ColletClusterAgent *self = user_data;

  if (reply == NULL)
    {
      end_look (self, error);
      return;
    }
  /* Since it was sent something may have come up for which all has to be read. */
  if (self->audited == 0 || self->store_id == NULL)
    {
      ask (self);
      return;
    }
  check_store (self, reply);
  if (self->frozen != NULL ||
      !collet_cluster_view_end_audit (self->view, reply->rows, reply->count, reply->revision))
    {
      ask (self);
      return;
    }
  self->audited = reply->revision;
  end_look (self, NULL);
}

static void
ask (ColletClusterAgent *self)
{
  g_autoptr (ColletTxn) txn = collet_txn_new ();
  gboolean is_audit = self->audited > 0 && self->frozen == NULL && self->n_audits < MAX_AUDITS;

  g_ptr_array_set_size (self->recent, 0);
  if (is_audit)
    {
      self->n_audits++;
      collet_cluster_view_begin_audit (self->view);
      collet_txn_range_since (txn, self->prefix, self->audited + 1);
      collet_txn_count (txn, self->prefix);
    }
  else
    {
      g_debug ("%s: all keys are read", self->node);
      collet_txn_range (txn, self->prefix);
    }
  collet_coordination_txn (self->coordination, txn, is_audit ? on_audited : on_ranged, self);
}

/* ---- for others ---- */

GArray *
collet_agent_lookers_new (void)
{
  return g_array_new (FALSE, FALSE, sizeof (Looker));
}

void
collet_agent_look (ColletClusterAgent *self, ColletAgentLooked done, gpointer user_data)
{
  const Looker looker = { done, user_data };

  g_array_append_val (self->next_lookers, looker);
  if (!self->is_looking)
    begin_look (self);
}

void
collet_agent_converge (ColletClusterAgent *self)
{
  self->converge_at = collet_agent_now (self) + COLLET_CLUSTER_CONVERGE_S * G_USEC_PER_SEC;
  self->is_whole = TRUE;
  if (!self->is_looking)
    begin_look (self);
}

void
collet_agent_reload (ColletClusterAgent *self)
{
  self->audited = 0;
  collet_agent_converge (self);
}
