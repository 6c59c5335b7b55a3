/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-cluster-member.h"

#include <string.h>

#include <glib/gstdio.h>

#include "collet-error.h"
#include "collet-etcd.h"
#include "collet-failpoint.h"
#include "collet-membership.h"
#include "collet-peer-artifacts.h"
#include "collet-seen-store.h"

#define SETTLE_MS 15000 /* until a node that was let in has seen itself on the roster */

struct _ColletClusterMember
{
  ColletClusterGate base;
  const ColletOptions *options;
  ColletStore *store;
  ColletLoader *loader;
  ColletReloader *reloader;
  ColletMembership *membership;
  ColletPeerArtifacts *artifacts;
  ColletSeenStore *seen;
  ColletClusterNode *node;
  GPtrArray *entries; /* Entry: under way */
  void (*watcher) (gpointer user_data);
  gpointer watcher_data;
};

/* Something that was asked for through the gate. */
typedef struct
{
  ColletClusterMember *member;      /* NULL: it is gone */
  ColletCoordination *coordination; /* of a founder, until it is in */
  char *cluster;
  GStrv endpoints;
  gboolean is_forced;
  guint timer;
  gboolean settles;
  ColletClusterGateDone done;
  gpointer user_data;
} Entry;

static Entry *
entry_new (ColletClusterMember *self, ColletClusterGateDone done, gpointer user_data)
{
  Entry *entry = g_new0 (Entry, 1);

  entry->member = self;
  entry->done = done;
  entry->user_data = user_data;
  g_ptr_array_add (self->entries, entry);
  return entry;
}

/* error is taken. */
static void
entry_end (Entry *entry, GError *error)
{
  g_autoptr (GError) taken = error;

  if (entry->member != NULL)
    g_ptr_array_remove_fast (entry->member->entries, entry);
  g_clear_handle_id (&entry->timer, g_source_remove);
  g_clear_pointer (&entry->coordination, collet_coordination_free);
  entry->done (error, entry->user_data);
  g_free (entry->cluster);
  g_strfreev (entry->endpoints);
  g_free (entry);
}

static void
entry_copy_end (const GError *error, gpointer data)
{
  entry_end (data, error != NULL ? g_error_copy (error) : NULL);
}

/* ---- who is on the roster ---- */

static void
add_fingerprint (const char *node, const char *unused, gconstpointer record, gpointer user_data)
{
  const ColletNodeRecord *found = record;

  if (found->fingerprint != NULL)
    g_hash_table_add (user_data, g_strdup (found->fingerprint));
}

static void
on_agent_changed (gpointer data)
{
  ColletClusterMember *self = data;
  ColletClusterAgent *agent = collet_cluster_node_get_agent (self->node);

  if (!collet_cluster_agent_is_synced (agent))
    return;

  GHashTable *fingerprints = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  collet_cluster_view_foreach (collet_cluster_agent_get_view (agent), COLLET_KEY_NODE, NULL, add_fingerprint,
                               fingerprints);
  collet_membership_set_roster (self->membership, fingerprints);
  for (guint i = self->entries->len; i > 0 && collet_cluster_agent_is_member (agent); i--)
    {
      Entry *entry = self->entries->pdata[i - 1];

      if (entry->settles)
        entry_end (entry, NULL);
    }
}

static void
on_remember (const char *store_id, gint64 revision, gpointer data)
{
  collet_seen_store_write (((ColletClusterMember *)data)->seen, store_id, revision);
}

/* ---- the node ---- */

static ColletCoordination *
connect_store (ColletClusterMember *self, const char *const *endpoints, GError **error)
{
  const ColletConfig *config = self->options->config;
  const ColletEtcdConfig etcd = {
    .endpoints = endpoints,
    .ca_file = config->etcd_ca,
    .certificate_file = config->etcd_certificate,
    .key_file = config->etcd_key,
  };

  return collet_etcd_new (&etcd, error);
}

static ColletClusterNode *
make_node (ColletClusterMember *self, GError **error)
{
  const ColletMembershipFacts *facts = collet_membership_get_facts (self->membership);
  ColletCoordination *coordination;
  gint64 revision = 0;

  if (facts == NULL)
    return collet_cluster_node_new_alone (self->store, self->loader, self->reloader,
                                          self->options->node_name);
  coordination = connect_store (self, (const char *const *)facts->endpoints, error);
  if (coordination == NULL)
    {
      g_prefix_error (error, "This node is in cluster \"%s\", but cannot reach its store: ", facts->cluster);
      return NULL;
    }
  g_autofree char *store_id = collet_seen_store_read (self->seen, &revision);
  const ColletClusterConfig config = {
    .cluster = facts->cluster,
    .node = facts->node,
    .daemon_version = COLLET_VERSION,
    .url = facts->url,
    .fingerprint = collet_membership_get_fingerprint (self->membership),
    .is_founder = collet_membership_is_founder (self->membership),
    .store_id = store_id,
    .store_revision = revision,
  };
  const ColletClusterListener listener = {
    .changed = on_agent_changed,
    .remember = on_remember,
    .user_data = self,
  };
  return collet_cluster_node_new_joined (&config, coordination,
                                         collet_peer_artifacts_get_base (self->artifacts), self->loader,
                                         self->reloader, &listener);
}

static void
drop_node (ColletClusterNode *node, const char *why)
{
  g_autoptr (GError) error = g_error_new (COLLET_ERROR, COLLET_ERROR_CANCELLED, "%s", why);

  collet_cluster_agent_cancel (collet_cluster_node_get_agent (node), error);
  collet_cluster_node_free (node);
}

/* What facts say now. The new one is there before the old one goes. */
static gboolean
switch_node (ColletClusterMember *self, GError **error)
{
  ColletClusterNode *old = self->node;
  ColletClusterNode *node = make_node (self, error);

  if (node == NULL)
    return FALSE;
  self->node = node;
  collet_peer_artifacts_set_agent (self->artifacts, collet_cluster_node_get_agent (node));
  if (self->watcher != NULL)
    self->watcher (self->watcher_data);
  drop_node (old, "This node has changed its cluster meanwhile. See what \"colletctl status\" says, and "
                  "ask again.");
  return TRUE;
}

/* It is in: until it has seen that, nothing else should be asked of it. */
static gboolean
on_unsettled (gpointer data)
{
  Entry *entry = data;

  entry->timer = 0;
  entry_end (entry,
             g_error_new (COLLET_ERROR, COLLET_ERROR_QUORUM_NOT_REACHED,
                          "This node is in the cluster now, but has not heard from its store for %d s. "
                          "See that etcd runs and that this machine reaches it; the rest follows by "
                          "itself.",
                          SETTLE_MS / 1000));
  return G_SOURCE_REMOVE;
}

static void
settle (Entry *entry)
{
  g_autoptr (GError) error = NULL;

  collet_seen_store_forget (entry->member->seen);
  if (!switch_node (entry->member, &error))
    {
      /* As it was. Who let it in has it on the roster. */
      g_autoptr (GError) reason = NULL;

      if (!collet_membership_leave (entry->member->membership, &reason))
        g_warning ("%s", reason->message);
      entry_end (entry, g_steal_pointer (&error));
      return;
    }
  entry->settles = TRUE;
  entry->timer = g_timeout_add (SETTLE_MS, on_unsettled, entry);
}

/* ---- founding ---- */

/* What is set in [cluster] has to suffice before anybody is told. */
static gboolean
check_listen (ColletClusterMember *self, GError **error)
{
  if (self->options->config->cluster_listen != NULL)
    return TRUE;
  g_set_error_literal (
      error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
      "There is no address at which other nodes could reach this one. Set \"listen\" in "
      "[cluster] of colletd.conf, such as listen=192.0.2.7:7312, and start the daemon anew.");
  return FALSE;
}

static void
on_store_seen (const ColletTxnReply *reply, const GError *error, gpointer data)
{
  Entry *entry = data;
  ColletClusterMember *self = entry->member;
  GError *reason = error != NULL ? g_error_copy (error) : NULL;

  if (reply != NULL && reply->rows->len > 0)
    g_set_error (&reason, COLLET_ERROR, COLLET_ERROR_NAME_IN_USE,
                 "This store has a cluster \"%s\" already. Join it, or choose another name.", entry->cluster);
  if (reason == NULL)
    (void)!collet_membership_found (self->membership, entry->cluster, self->options->node_name,
                                    (const char *const *)entry->endpoints, &reason);
  if (reason != NULL)
    entry_end (entry, reason);
  else
    settle (entry);
}

static void
found (ColletClusterGate *base, const char *cluster, const char *const *endpoints, ColletClusterGateDone done,
       gpointer user_data)
{
  ColletClusterMember *self = (ColletClusterMember *)base;
  Entry *entry = entry_new (self, done, user_data);
  GError *error = NULL;

  entry->cluster = g_strdup (cluster);
  entry->endpoints = g_strdupv ((GStrv)endpoints);
  if (!collet_membership_check_alone (self->membership, &error) || !check_listen (self, &error))
    {
      entry_end (entry, error);
      return;
    }
  if (endpoints[0] == NULL)
    g_set_error_literal (&error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                         "A cluster needs etcd. Give the addresses of its members, such as "
                         "https://192.0.2.1:2379; docs/cluster.md says how to set it up.");
  else
    entry->coordination = connect_store (self, endpoints, &error);
  if (entry->coordination == NULL)
    {
      entry_end (entry, error);
      return;
    }
  g_autofree char *prefix = collet_cluster_prefix (cluster);
  collet_coordination_range (entry->coordination, prefix, on_store_seen, entry);
}

/* ---- letting in ---- */

static char *
create_token (ColletClusterGate *base, guint expiry_s, gint64 *expires_at, GError **error)
{
  return collet_membership_create_token (((ColletClusterMember *)base)->membership, expiry_s, expires_at,
                                         error);
}

static void
on_admit (const char *node, const char *url, const char *fingerprint, ColletMembershipAdmitted admitted,
          gpointer admitted_data, gpointer user_data)
{
  ColletClusterMember *self = user_data;

  collet_cluster_agent_admit (collet_cluster_node_get_agent (self->node), node, url, fingerprint, admitted,
                              admitted_data);
}

/* ---- joining ---- */

static void
on_joined (GObject *object, GAsyncResult *result, gpointer data)
{
  Entry *entry = data;
  GError *error = NULL;

  if (!collet_membership_join_finish (COLLET_MEMBERSHIP (object), result, &error) || entry->member == NULL)
    entry_end (entry, error);
  else
    settle (entry);
}

static void
join (ColletClusterGate *base, const char *url, const char *token, const char *node,
      ColletClusterGateDone done, gpointer user_data)
{
  ColletClusterMember *self = (ColletClusterMember *)base;
  Entry *entry = entry_new (self, done, user_data);
  GError *error = NULL;

  if (!check_listen (self, &error))
    entry_end (entry, error);
  else
    collet_membership_join_async (self->membership, url, token,
                                  node != NULL ? node : self->options->node_name, NULL, on_joined, entry);
}

/* ---- leaving ---- */

static void
on_taken_off (const GError *error, gpointer data)
{
  Entry *entry = data;
  ColletClusterMember *self = entry->member;
  GError *reason = NULL;

  if (g_error_matches (error, COLLET_ERROR, COLLET_ERROR_CANCELLED))
    {
      entry_end (entry, g_error_copy (error));
      return;
    }
  collet_failpoint ("cluster-before-leave");
  /* Somebody else may have taken it off. */
  if (error != NULL && !entry->is_forced && !g_error_matches (error, COLLET_ERROR, COLLET_ERROR_NOT_FOUND))
    {
      entry_end (entry, g_error_copy (error));
      return;
    }
  if (collet_membership_leave (self->membership, &reason))
    {
      collet_seen_store_forget (self->seen);
      (void)!switch_node (self, &reason);
    }
  entry_end (entry, reason);
}

/* With its keys, which go when it leaves, it could let others in. */
static gboolean
is_last_hope (ColletClusterMember *self)
{
  const ColletClusterView *view = collet_cluster_agent_get_view (collet_cluster_node_get_agent (self->node));
  g_autoptr (GPtrArray) roster = collet_cluster_view_list (view, COLLET_KEY_NODE);

  return collet_membership_is_founder (self->membership) && roster->len > 1;
}

static void
leave (ColletClusterGate *base, gboolean force, ColletClusterGateDone done, gpointer user_data)
{
  ColletClusterMember *self = (ColletClusterMember *)base;
  const ColletMembershipFacts *facts = collet_membership_get_facts (self->membership);
  Entry *entry = entry_new (self, done, user_data);

  entry->is_forced = force;
  if (facts != NULL && !force && is_last_hope (self))
    entry_end (entry,
               g_error_new (COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                            "This node has the key of the authority of cluster \"%s\"; without it nobody can "
                            "join any more. First copy cluster/authority.key of its data folder to the same "
                            "place on another node, with mode 0600, and start that daemon anew; then leave "
                            "with --force.",
                            facts->cluster));
  else if (facts == NULL)
    entry_end (entry, g_error_new (COLLET_ERROR, COLLET_ERROR_NOT_FOUND,
                                   "This node is in no cluster. There is nothing to leave."));
  else
    collet_cluster_agent_remove (collet_cluster_node_get_agent (self->node), facts->node, on_taken_off,
                                 entry);
}

static void
remove_node (ColletClusterGate *base, const char *node, ColletClusterGateDone done, gpointer user_data)
{
  ColletClusterMember *self = (ColletClusterMember *)base;
  const ColletMembershipFacts *facts = collet_membership_get_facts (self->membership);
  Entry *entry = entry_new (self, done, user_data);

  if (facts == NULL)
    entry_end (entry, g_error_new (COLLET_ERROR, COLLET_ERROR_NOT_FOUND,
                                   "This node is in no cluster. There is no other node to remove."));
  else if (g_str_equal (facts->node, node))
    entry_end (entry,
               g_error_new (COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                            "\"%s\" is this node. Use \"colletctl cluster leave\" to take it out.", node));
  else
    collet_cluster_agent_remove (collet_cluster_node_get_agent (self->node), node, entry_copy_end, entry);
}

/* ---- the member ---- */

static void
on_membership_changed (gpointer data)
{
  /* Each of those who change it goes on from there. */
}

/* Where peers are told to go, if it is every address that is listened at. */
static char *
dup_url (const ColletConfig *config)
{
  const char *colon = config->cluster_listen != NULL ? strrchr (config->cluster_listen, ':') : NULL;

  if (config->cluster_url != NULL || colon == NULL)
    return g_strdup (config->cluster_url);
  if (!g_str_has_prefix (config->cluster_listen, "0.0.0.0:") &&
      !g_str_has_prefix (config->cluster_listen, "[::]:"))
    return NULL;
  return g_strdup_printf ("https://%s%s", g_get_host_name (), colon);
}

static gboolean
open_membership (ColletClusterMember *self, const char *folder, GError **error)
{
  const ColletConfig *config = self->options->config;
  g_autofree char *url = dup_url (config);
  const ColletMembershipConfig membership = {
    .folder = folder,
    .artifacts = collet_loader_get_folder (self->loader),
    .listen = config->cluster_listen != NULL ? config->cluster_listen : "",
    .url = url,
  };
  const ColletMembershipListener listener = {
    .admit = on_admit,
    .changed = on_membership_changed,
    .user_data = self,
  };

  self->membership = collet_membership_new (&membership, &listener, error);
  return self->membership != NULL;
}

ColletClusterMember *
collet_cluster_member_new (const ColletOptions *options, ColletStore *store, ColletLoader *loader,
                           ColletReloader *reloader, GError **error)
{
  static const ColletClusterGateClass class_ = {
    .found = found,
    .create_token = create_token,
    .join = join,
    .leave = leave,
    .remove = remove_node,
  };
  ColletClusterMember *self = g_new0 (ColletClusterMember, 1);
  g_autofree char *folder = g_build_filename (options->data_folder, "cluster", NULL);

  self->base.class_ = &class_;
  self->options = options;
  self->store = g_object_ref (store);
  self->loader = g_object_ref (loader);
  self->reloader = g_object_ref (reloader);
  self->entries = g_ptr_array_new ();
  self->seen = collet_seen_store_new (folder);
  if (g_mkdir_with_parents (folder, 0700) != 0)
    g_set_error (error, COLLET_ERROR, COLLET_ERROR_STORE_READ_ONLY, "%s cannot be made. Check its owner.",
                 folder);
  else if (open_membership (self, folder, error))
    {
      self->artifacts = collet_peer_artifacts_new (self->membership, collet_loader_get_folder (loader),
                                                   g_strcmp0 (options->trust, "signed") == 0);
      self->node = make_node (self, error);
    }
  if (self->node == NULL)
    {
      collet_cluster_member_free (self);
      return NULL;
    }
  collet_peer_artifacts_set_agent (self->artifacts, collet_cluster_node_get_agent (self->node));
  return self;
}

void
collet_cluster_member_free (ColletClusterMember *self)
{
  self->watcher = NULL;
  if (self->node != NULL)
    drop_node (self->node, "The daemon is ending. Ask again when it is back.");
  while (self->entries->len > 0)
    {
      Entry *entry = self->entries->pdata[0];

      /* One that joins still hears from the membership. */
      g_ptr_array_remove_index_fast (self->entries, 0);
      entry->member = NULL;
      if (entry->settles || entry->coordination != NULL)
        entry_end (entry, g_error_new (COLLET_ERROR, COLLET_ERROR_SHUTTING_DOWN,
                                       "The daemon is ending. Ask again when it is back."));
    }
  if (self->membership != NULL)
    collet_membership_stop (self->membership);
  g_clear_pointer (&self->artifacts, collet_peer_artifacts_free);
  g_clear_object (&self->membership);
  collet_seen_store_free (self->seen);
  g_ptr_array_unref (self->entries);
  g_object_unref (self->store);
  g_object_unref (self->loader);
  g_object_unref (self->reloader);
  g_free (self);
}

void
collet_cluster_member_set_watcher (ColletClusterMember *self, void (*changed) (gpointer user_data),
                                   gpointer user_data)
{
  self->watcher = changed;
  self->watcher_data = user_data;
}

ColletClusterAgent *
collet_cluster_member_get_agent (ColletClusterMember *self)
{
  return collet_cluster_node_get_agent (self->node);
}

const char *
collet_cluster_member_get_cluster (ColletClusterMember *self)
{
  const ColletMembershipFacts *facts = collet_membership_get_facts (self->membership);

  return facts != NULL ? facts->cluster : "";
}

ColletClusterGate *
collet_cluster_member_get_gate (ColletClusterMember *self)
{
  return &self->base;
}
