/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Who is in the cluster: nodes are put on the roster, and taken off it.
 */
#include "collet-cluster-agent-private.h"

#include "collet-error.h"
#include "collet-failpoint.h"

#include <string.h>

#define MAX_TRIES 3
#define MAX_DELETES 100 /* a transaction */

typedef struct
{
  ColletClusterAgent *agent;
  char *node;
  ColletNodeRecord record; /* fingerprint NULL: the node goes */
  GPtrArray *leftovers;    /* keys that it wrote */
  ColletTxn *last;         /* what comes after they are gone */
  guint tries;
  ColletApplierDone done;
  gpointer user_data;
} Change;

static void
change_end (Change *self, const GError *error)
{
  self->done (error, self->user_data);
  g_clear_pointer (&self->leftovers, g_ptr_array_unref);
  g_clear_pointer (&self->last, collet_txn_free);
  g_free (self->node);
  g_free (self->record.url);
  g_free (self->record.fingerprint);
  g_free (self);
}

static void
refuse (Change *self, ColletError code, char *message)
{
  g_autofree char *taken = message;
  g_autoptr (GError) error = g_error_new_literal (COLLET_ERROR, (gint)code, taken);

  change_end (self, error);
}

/* ---- what a node has written ---- */

typedef struct
{
  Change *change;
  ColletKeyKind kind;
} Collector;

static void
collect (const char *a, const char *b, gconstpointer record, gpointer user_data)
{
  const Collector *collector = user_data;
  Change *self = collector->change;

  if (g_str_equal (b, self->node))
    g_ptr_array_add (self->leftovers, collet_cluster_key (self->agent->cluster, collector->kind, a, b));
}

static void
collect_leftovers (Change *self, const ColletClusterView *view)
{
  static const ColletKeyKind kinds[] = { COLLET_KEY_APPLIED, COLLET_KEY_OVERRIDE, COLLET_KEY_BLOB };

  g_clear_pointer (&self->leftovers, g_ptr_array_unref);
  self->leftovers = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      Collector collector = { self, kinds[i] };

      collet_cluster_view_foreach (view, kinds[i], NULL, collect, &collector);
    }
}

static void look (Change *self);

static void
on_last (const GError *error, gpointer user_data)
{
  Change *self = user_data;

  /* Somebody changed the same: what is there now? */
  if (g_error_matches (error, COLLET_ERROR, COLLET_ERROR_RELOAD_IN_PROGRESS) && ++self->tries < MAX_TRIES)
    look (self);
  else
    change_end (self, error);
}

static void clear_next (Change *self);

static void
on_cleared (const GError *error, gpointer user_data)
{
  Change *self = user_data;

  if (error != NULL)
    change_end (self, error);
  else
    clear_next (self);
}

/* A node that comes back under the same name must not find what it said before. */
static void
clear_next (Change *self)
{
  g_autoptr (ColletTxn) txn = collet_txn_new ();

  if (self->leftovers->len == 0 && self->last == NULL)
    {
      change_end (self, NULL);
      return;
    }
  if (self->leftovers->len == 0)
    {
      collet_agent_write (self->agent, self->last, on_last, self);
      return;
    }
  for (guint i = 0; i < MAX_DELETES && self->leftovers->len > 0; i++)
    {
      g_autofree char *key = g_ptr_array_steal_index_fast (self->leftovers, self->leftovers->len - 1);

      collet_txn_delete (txn, key);
    }
  collet_agent_write (self->agent, txn, on_cleared, self);
}

/* ---- in ---- */

static void
plan_admission (Change *self, const ColletClusterView *view)
{
  const ColletNodeRecord *known = collet_cluster_view_get (view, COLLET_KEY_NODE, self->node, NULL);
  g_autoptr (GPtrArray) roster = collet_cluster_view_list (view, COLLET_KEY_NODE);
  g_autofree char *key = collet_cluster_key (self->agent->cluster, COLLET_KEY_NODE, self->node, NULL);
  g_autofree char *text = collet_node_record_write (&self->record);

  if (known != NULL && g_strcmp0 (known->fingerprint, self->record.fingerprint) == 0)
    {
      change_end (self, NULL);
      return;
    }
  if (known != NULL)
    {
      refuse (self, COLLET_ERROR_NAME_IN_USE,
              g_strdup_printf ("There is a node \"%s\" in cluster \"%s\" already, at %s. Give the new one "
                               "another name, or first take that one out with \"colletctl cluster remove "
                               "%s\".",
                               self->node, self->agent->cluster, known->url != NULL ? known->url : "no URL",
                               self->node));
      return;
    }
  if (collet_cluster_view_get (view, COLLET_KEY_NODE, self->agent->node, NULL) == NULL ||
      roster->len >= COLLET_CLUSTER_MAX_NODES)
    {
      refuse (self, COLLET_ERROR_NODE_FAILED,
              roster->len >= COLLET_CLUSTER_MAX_NODES
                  ? g_strdup_printf ("Cluster \"%s\" has %u nodes; it can have no more. Remove those that "
                                     "are not needed.",
                                     self->agent->cluster, roster->len)
                  : g_strdup_printf ("Node \"%s\" is not on the roster of cluster \"%s\" itself. Ask a node "
                                     "that is.",
                                     self->agent->node, self->agent->cluster));
      return;
    }
  self->last = collet_txn_new ();
  collet_txn_if_absent (self->last, key);
  collet_txn_put (self->last, key, text);
  collect_leftovers (self, view);
  clear_next (self);
}

/* ---- out ---- */

static void
on_removed (const GError *error, gpointer user_data)
{
  Change *self = user_data;

  collet_failpoint ("cluster-node-removed");
  if (error != NULL)
    change_end (self, error);
  else
    clear_next (self);
}

static void
plan_removal (Change *self, const ColletClusterView *view)
{
  g_autoptr (ColletTxn) txn = collet_txn_new ();
  g_autofree char *key = collet_cluster_key (self->agent->cluster, COLLET_KEY_NODE, self->node, NULL);
  g_autofree char *live = collet_cluster_key (self->agent->cluster, COLLET_KEY_LIVE, self->node, NULL);

  if (collet_cluster_view_get (view, COLLET_KEY_NODE, self->node, NULL) == NULL)
    {
      refuse (self, COLLET_ERROR_NOT_FOUND,
              g_strdup_printf ("There is no node \"%s\" in cluster \"%s\". See \"colletctl cluster nodes\".",
                               self->node, self->agent->cluster));
      return;
    }
  collect_leftovers (self, view);
  collet_txn_delete (txn, key);
  collet_txn_delete (txn, live);
  collet_agent_write (self->agent, txn, on_removed, self);
}

static void
on_view (const ColletClusterView *view, const GError *error, gpointer user_data)
{
  Change *self = user_data;

  g_clear_pointer (&self->last, collet_txn_free);
  if (view == NULL)
    change_end (self, error);
  else if (self->record.fingerprint != NULL)
    plan_admission (self, view);
  else
    plan_removal (self, view);
}

static void
look (Change *self)
{
  collet_cluster_agent_read (self->agent, on_view, self);
}

static Change *
change_new (ColletClusterAgent *agent, const char *node, ColletApplierDone done, gpointer user_data)
{
  Change *self = g_new0 (Change, 1);

  self->agent = agent;
  self->node = g_strdup (node);
  self->done = done;
  self->user_data = user_data;
  return self;
}

void
collet_cluster_agent_admit (ColletClusterAgent *self, const char *node, const char *url,
                            const char *fingerprint, ColletApplierDone done, gpointer user_data)
{
  Change *change = change_new (self, node, done, user_data);

  change->record.url = g_strdup (url);
  change->record.fingerprint = g_strdup (fingerprint);
  look (change);
}

void
collet_cluster_agent_remove (ColletClusterAgent *self, const char *node, ColletApplierDone done,
                             gpointer user_data)
{
  look (change_new (self, node, done, user_data));
}

/* ---- this node ---- */

gboolean
collet_cluster_agent_is_member (ColletClusterAgent *self)
{
  return collet_cluster_view_get (self->view, COLLET_KEY_NODE, self->node, NULL) != NULL;
}

static gboolean
is_roster_empty (ColletClusterAgent *self)
{
  g_autoptr (GPtrArray) roster = collet_cluster_view_list (self->view, COLLET_KEY_NODE);

  return roster->len == 0;
}

gboolean
collet_agent_is_removed (ColletClusterAgent *self)
{
  return self->is_synced && !self->is_alone && !collet_cluster_agent_is_member (self) &&
         !(self->is_founder && is_roster_empty (self));
}

gboolean
collet_agent_is_sole (ColletClusterAgent *self)
{
  g_autoptr (GPtrArray) roster = collet_cluster_view_list (self->view, COLLET_KEY_NODE);

  return self->is_alone || (roster->len == 1 && collet_cluster_agent_is_member (self));
}

static void
put_presence (ColletClusterAgent *self, ColletKeyKind kind, const ColletNodeRecord *record)
{
  gboolean is_live = kind == COLLET_KEY_LIVE;
  g_autofree char *key = collet_cluster_key (self->cluster, kind, self->node, NULL);
  g_autofree char *text = collet_node_record_write (record);
  ColletTxn *txn = collet_txn_new ();

  if (is_live)
    collet_txn_put_leased (txn, key, text);
  else
    {
      collet_txn_if_absent (txn, key);
      collet_txn_put (txn, key, text);
    }
  collet_agent_send (self, is_live ? "live" : "node", txn);
}

void
collet_agent_step_presence (ColletClusterAgent *self)
{
  const ColletNodeRecord live = { .version = self->record.version };
  const ColletNodeRecord node = { .url = self->record.url, .fingerprint = self->record.fingerprint };

  if (collet_agent_is_removed (self))
    return;
  if (self->has_session && (!self->is_announced || !collet_cluster_view_is_live (self->view, self->node)) &&
      collet_agent_may_send (self, "live"))
    put_presence (self, COLLET_KEY_LIVE, &live);
  if (!collet_cluster_agent_is_member (self) && collet_agent_may_send (self, "node"))
    put_presence (self, COLLET_KEY_NODE, &node);
}
