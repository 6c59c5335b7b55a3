/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-membership.h"

#include <errno.h>
#include <string.h>

#include <glib/gstdio.h>

#include "collet-error.h"
#include "collet-failpoint.h"
#include "collet-join-token.h"
#include "collet-peer-listener.h"

#define FILE_NAME "membership"
#define GROUP "cluster"
#define MAX_EXPIRY_S (24 * 3600)

struct _ColletMembership
{
  GObject parent_instance;
  char *folder;
  char *artifacts;
  char *listen;
  char *url;
  ColletMembershipListener listener;
  ColletMembershipFacts *facts;
  ColletPeerIdentity *identity;
  ColletPeerListener *server;
  ColletPeerClient *client;
  ColletJoinTokens *tokens;
};

G_DEFINE_FINAL_TYPE (ColletMembership, collet_membership, G_TYPE_OBJECT)

static void
facts_free (ColletMembershipFacts *facts)
{
  g_free (facts->cluster);
  g_free (facts->node);
  g_free (facts->url);
  g_strfreev (facts->endpoints);
  g_free (facts);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColletMembershipFacts, facts_free)

static ColletMembershipFacts *
facts_new (const char *cluster, const char *node, const char *url, const char *const *endpoints)
{
  ColletMembershipFacts *facts = g_new0 (ColletMembershipFacts, 1);

  facts->cluster = g_strdup (cluster);
  facts->node = g_strdup (node);
  facts->url = g_strdup (url);
  facts->endpoints = endpoints != NULL ? g_strdupv ((GStrv)endpoints) : g_new0 (char *, 1);
  return facts;
}

static void
collet_membership_finalize (GObject *object)
{
  ColletMembership *self = COLLET_MEMBERSHIP (object);

  collet_membership_stop (self);
  g_clear_pointer (&self->facts, facts_free);
  g_clear_pointer (&self->identity, collet_peer_identity_unref);
  g_object_unref (self->client);
  collet_join_tokens_free (self->tokens);
  g_free (self->folder);
  g_free (self->artifacts);
  g_free (self->listen);
  g_free (self->url);
  G_OBJECT_CLASS (collet_membership_parent_class)->finalize (object);
}

static void
collet_membership_class_init (ColletMembershipClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = collet_membership_finalize;
}

static void
collet_membership_init (ColletMembership *self)
{
  self->client = collet_peer_client_new ();
  self->tokens = collet_join_tokens_new ();
}

/* ---- what is kept ---- */

static char *
dup_path (ColletMembership *self)
{
  return g_build_filename (self->folder, FILE_NAME, NULL);
}

static gboolean
save_facts (ColletMembership *self, const ColletMembershipFacts *facts, GError **error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *path = dup_path (self);
  g_autoptr (GError) reason = NULL;

  g_key_file_set_string (file, GROUP, "name", facts->cluster);
  g_key_file_set_string (file, GROUP, "node", facts->node);
  g_key_file_set_string (file, GROUP, "url", facts->url);
  g_key_file_set_string_list (file, GROUP, "endpoints", (const char *const *)facts->endpoints,
                              g_strv_length (facts->endpoints));
  g_autofree char *text = g_key_file_to_data (file, NULL, NULL);
  if (g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE,
                                0600, &reason))
    return TRUE;
  g_propagate_error (error, collet_error_convert (g_steal_pointer (&reason)));
  return FALSE;
}

/* NULL without an error: it is in no cluster. */
static ColletMembershipFacts *
load_facts (ColletMembership *self, GError **error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *path = dup_path (self);
  g_autoptr (GError) reason = NULL;

  if (!g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, &reason))
    {
      if (!g_error_matches (reason, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        g_set_error (
            error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
            "%s does not say which cluster this node is in: %s. Restore it, or remove it to go on alone.",
            path, reason->message);
      return NULL;
    }
  g_autofree char *cluster = g_key_file_get_string (file, GROUP, "name", NULL);
  g_autofree char *node = g_key_file_get_string (file, GROUP, "node", NULL);
  g_autofree char *url = g_key_file_get_string (file, GROUP, "url", NULL);
  g_auto (GStrv) endpoints = g_key_file_get_string_list (file, GROUP, "endpoints", NULL, NULL);
  if (cluster != NULL && node != NULL && url != NULL)
    return facts_new (cluster, node, url, (const char *const *)endpoints);
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
               "%s lacks the cluster's name, the node's or its URL. Restore it, or remove it to go on alone.",
               path);
  return NULL;
}

/* ---- serving peers ---- */

typedef struct
{
  ColletMembership *self;
  ColletPeerJoin *join;
  char *certificate;
} Admission;

static void
on_admitted (const GError *error, gpointer data)
{
  Admission *admission = data;
  ColletMembership *self = admission->self;

  if (error != NULL)
    collet_peer_join_refuse (admission->join, g_error_copy (error));
  else
    {
      g_autofree char *chain = g_strconcat (admission->certificate, self->identity->authority, NULL);
      const ColletJoinReply reply = {
        .cluster = self->facts->cluster,
        .certificate = chain,
        .authority = self->identity->authority,
        .endpoints = self->facts->endpoints,
      };
      collet_peer_join_accept (admission->join, &reply);
    }
  g_free (admission->certificate);
  g_object_unref (self);
  g_free (admission);
}

static void
on_join (ColletPeerJoin *join, gpointer data)
{
  ColletMembership *self = data;
  const ColletJoinRequest *request = collet_peer_join_get_request (join);
  char fingerprint[COLLET_FINGERPRINT_SIZE];
  g_autofree char *certificate = NULL;
  GError *error = NULL;

  if (collet_join_tokens_take (self->tokens, request->secret, g_get_real_time (), &error))
    certificate =
        collet_certificate_sign_request (request->request, self->identity->authority,
                                         self->identity->authority_key, request->node, request->host, &error);
  if (certificate == NULL || !collet_certificate_get_fingerprint (certificate, fingerprint, &error))
    {
      collet_peer_join_refuse (join, error);
      return;
    }

  Admission *admission = g_new0 (Admission, 1);
  admission->self = g_object_ref (self);
  admission->join = join;
  admission->certificate = g_steal_pointer (&certificate);
  collet_failpoint ("membership-before-admit");
  self->listener.admit (request->node, request->url, fingerprint, on_admitted, admission,
                        self->listener.user_data);
}

static gboolean
start (ColletMembership *self, const ColletPeerIdentity *identity, GError **error)
{
  g_assert (self->server == NULL);
  self->server = collet_peer_listener_new (self->listen, identity, self->artifacts, on_join, self, error);
  return self->server != NULL;
}

guint16
collet_membership_get_port (ColletMembership *self)
{
  return self->server != NULL ? collet_peer_listener_get_port (self->server) : 0;
}

void
collet_membership_stop (ColletMembership *self)
{
  g_clear_pointer (&self->server, collet_peer_listener_stop);
}

void
collet_membership_set_roster (ColletMembership *self, GHashTable *fingerprints)
{
  if (self->server != NULL)
    collet_peer_listener_set_members (self->server, fingerprints);
  else
    g_hash_table_unref (fingerprints);
}

/* ---- in, and out ---- */

ColletMembership *
collet_membership_new (const ColletMembershipConfig *config, const ColletMembershipListener *listener,
                       GError **error)
{
  g_autoptr (ColletMembership) self = g_object_new (COLLET_TYPE_MEMBERSHIP, NULL);
  g_autoptr (GError) reason = NULL;

  self->folder = g_strdup (config->folder);
  self->artifacts = g_strdup (config->artifacts);
  self->listen = g_strdup (config->listen);
  self->url = g_strdup (config->url);
  self->listener = *listener;
  self->facts = load_facts (self, &reason);
  if (self->facts != NULL)
    self->identity = collet_peer_identity_load (self->folder, &reason);
  if (reason == NULL && self->identity != NULL)
    start (self, self->identity, &reason);
  if (reason == NULL)
    return g_steal_pointer (&self);
  g_propagate_error (error, g_steal_pointer (&reason));
  return NULL;
}

const ColletMembershipFacts *
collet_membership_get_facts (ColletMembership *self)
{
  return self->facts;
}

const char *
collet_membership_get_fingerprint (ColletMembership *self)
{
  return self->identity != NULL ? self->identity->fingerprint : NULL;
}

gboolean
collet_membership_is_founder (ColletMembership *self)
{
  return self->identity != NULL && self->identity->authority_key != NULL;
}

gboolean
collet_membership_check_alone (ColletMembership *self, GError **error)
{
  if (self->facts == NULL)
    return TRUE;
  g_set_error (error, COLLET_ERROR, COLLET_ERROR_ALREADY_REGISTERED,
               "This node is \"%s\" in cluster \"%s\" already. Leave it first.", self->facts->node,
               self->facts->cluster);
  return FALSE;
}

/* What peers are told: as configured, else where it listens, with the real port. */
static char *
dup_own_url (ColletMembership *self)
{
  if (self->url != NULL)
    return g_strdup (self->url);

  const char *colon = strrchr (self->listen, ':');
  guint port = self->server != NULL ? collet_peer_listener_get_port (self->server)
                                    : (guint)g_ascii_strtoull (colon != NULL ? colon + 1 : "", NULL, 10);
  return g_strdup_printf ("https://%.*s:%u", (int)(colon != NULL ? colon - self->listen : 0), self->listen,
                          port);
}

/* From here on it is in the cluster. Takes both. */
static gboolean
enter (ColletMembership *self, ColletPeerIdentity *identity, ColletMembershipFacts *facts, GError **error)
{
  g_autoptr (ColletPeerIdentity) taken = identity;
  g_autoptr (ColletMembershipFacts) taken_facts = facts;

  if (!collet_peer_identity_save (identity, self->folder, error))
    return FALSE;
  collet_failpoint ("membership-before-facts");
  if (!save_facts (self, facts, error) || (self->server == NULL && !start (self, identity, error)))
    {
      g_autofree char *path = dup_path (self);

      g_unlink (path);
      collet_peer_identity_forget (self->folder);
      return FALSE;
    }
  self->identity = g_steal_pointer (&taken);
  self->facts = g_steal_pointer (&taken_facts);
  self->listener.changed (self->listener.user_data);
  return TRUE;
}

gboolean
collet_membership_found (ColletMembership *self, const char *cluster, const char *node,
                         const char *const *endpoints, GError **error)
{
  guint16 port;

  if (!collet_membership_check_alone (self, error) || !collet_peer_check_name (cluster, error) ||
      !collet_peer_check_name (node, error))
    return FALSE;
  g_autofree char *url = dup_own_url (self);
  g_autofree char *host = collet_peer_dup_host (url, &port, error);
  ColletPeerIdentity *identity =
      host != NULL ? collet_peer_identity_found (cluster, node, host, error) : NULL;

  return identity != NULL && enter (self, identity, facts_new (cluster, node, url, endpoints), error);
}

char *
collet_membership_create_token (ColletMembership *self, guint expiry_s, gint64 *expires_at, GError **error)
{
  gint64 now = g_get_real_time ();

  if (self->identity == NULL || self->identity->authority_key == NULL)
    {
      g_set_error_literal (
          error, COLLET_ERROR, self->identity == NULL ? COLLET_ERROR_NOT_FOUND : COLLET_ERROR_NOT_SUPPORTED,
          self->identity == NULL
              ? "This node is in no cluster. Found one first, with \"colletctl cluster init\"."
              : "This node cannot let others in: the authority's key is on the node that "
                "founded the cluster. Ask there; or put a copy of that node's cluster/authority.key here, "
                "with mode 0600, and start the daemon anew.");
      return NULL;
    }
  if (expiry_s == 0 || expiry_s > MAX_EXPIRY_S)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                   "A token works for 1 to %d seconds, not for %u.", MAX_EXPIRY_S, expiry_s);
      return NULL;
    }
  g_autofree char *token = collet_join_token_make (self->identity->authority_fingerprint);
  *expires_at = now + (gint64)expiry_s * G_USEC_PER_SEC;
  return collet_join_tokens_add (self->tokens, token, *expires_at, now, error) ? g_steal_pointer (&token)
                                                                               : NULL;
}

typedef struct
{
  char *node;
  char *url;
  char *key; /* secret */
} Joining;

static void
joining_free (Joining *joining)
{
  if (joining->key != NULL)
    explicit_bzero (joining->key, strlen (joining->key));
  g_free (joining->key);
  g_free (joining->node);
  g_free (joining->url);
  g_free (joining);
}

static void
on_joined (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  ColletMembership *self = g_task_get_source_object (task);
  const Joining *joining = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (ColletJoinReply) reply =
      collet_peer_client_join_finish (COLLET_PEER_CLIENT (object), result, &error);
  ColletPeerIdentity *identity = NULL;

  if (reply != NULL && collet_membership_check_alone (self, &error))
    identity = collet_peer_identity_new (joining->key, reply->certificate, reply->authority, NULL, &error);
  if (identity != NULL &&
      enter (self, identity,
             facts_new (reply->cluster, joining->node, joining->url, (const char *const *)reply->endpoints),
             &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

void
collet_membership_join_async (ColletMembership *self, const char *url, const char *token, const char *node,
                              GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  Joining *joining = g_new0 (Joining, 1);
  GError *error = NULL;

  g_task_set_task_data (task, joining, (GDestroyNotify)joining_free);
  joining->node = g_strdup (node);
  joining->url = dup_own_url (self);
  joining->key = collet_membership_check_alone (self, &error) ? collet_certificate_make_key (&error) : NULL;
  if (joining->key == NULL)
    g_task_return_error (task, error);
  else
    collet_peer_client_join_async (self->client, url, token, node, joining->url, joining->key, cancellable,
                                   on_joined, g_steal_pointer (&task));
}

gboolean
collet_membership_join_finish (ColletMembership *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

gboolean
collet_membership_leave (ColletMembership *self, GError **error)
{
  g_autofree char *path = dup_path (self);

  if (self->facts == NULL)
    {
      g_set_error_literal (error, COLLET_ERROR, COLLET_ERROR_NOT_FOUND, "This node is in no cluster.");
      return FALSE;
    }
  if (g_unlink (path) != 0 && errno != ENOENT)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_STORE_READ_ONLY, "%s cannot be removed: %s.", path,
                   g_strerror (errno));
      return FALSE;
    }
  collet_failpoint ("membership-left");
  collet_membership_stop (self);
  collet_peer_identity_forget (self->folder);
  g_clear_pointer (&self->identity, collet_peer_identity_unref);
  g_clear_pointer (&self->facts, facts_free);
  self->listener.changed (self->listener.user_data);
  return TRUE;
}

/* ---- bytes ---- */

static void
on_fetched (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;
  char *signature = NULL;
  int fd = collet_peer_client_fetch_finish (COLLET_PEER_CLIENT (object), result, &signature, &error);

  g_task_set_task_data (task, signature, g_free);
  if (fd < 0)
    g_task_return_error (task, error);
  else
    g_task_return_int (task, fd);
}

void
collet_membership_fetch_async (ColletMembership *self, GPtrArray *sources, const char *sha256,
                               GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);

  g_task_set_check_cancellable (task, FALSE); /* a file that is there is given */
  collet_peer_client_fetch_async (self->client, self->identity, sources, sha256, self->artifacts, cancellable,
                                  on_fetched, task);
}

int
collet_membership_fetch_finish (ColletMembership *self, GAsyncResult *result, char **signature,
                                GError **error)
{
  g_autoptr (GError) reason = NULL;
  gssize fd = g_task_propagate_int (G_TASK (result), &reason);

  *signature = g_strdup (g_task_get_task_data (G_TASK (result)));
  if (reason == NULL)
    return (int)fd;
  g_propagate_error (error, g_steal_pointer (&reason));
  return -1;
}

static void
on_signature (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;

  g_task_return_pointer (task,
                         collet_peer_client_fetch_signature_finish (COLLET_PEER_CLIENT (object), result),
                         g_free);
}

void
collet_membership_fetch_signature_async (ColletMembership *self, GPtrArray *sources, const char *sha256,
                                         GCancellable *cancellable, GAsyncReadyCallback callback,
                                         gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);

  g_task_set_check_cancellable (task, FALSE);
  collet_peer_client_fetch_signature_async (self->client, self->identity, sources, sources->len, sha256,
                                            cancellable, on_signature, task);
}

char *
collet_membership_fetch_signature_finish (ColletMembership *self, GAsyncResult *result)
{
  return g_task_propagate_pointer (G_TASK (result), NULL);
}
