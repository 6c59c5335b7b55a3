/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-peer-artifacts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "collet-error.h"
#include "collet-signature.h"

struct _ColletPeerArtifacts
{
  ColletArtifactPeers base;
  ColletMembership *membership;
  char *folder; /* for what was fetched: emptied at the start of the loader */
  ColletClusterAgent *agent;
  GCancellable *cancellable;
  guint last; /* number of the last file */
  gboolean needs_signature;
};

typedef struct
{
  ColletPeerArtifacts *peers; /* not to be used once it is cancelled */
  GCancellable *cancellable;
  GPtrArray *sources;
  char *sha256;
  char *path; /* once it is there */
  ColletArtifactFetched done;
  gpointer user_data;
} Fetch;

static void
fetch_free (Fetch *fetch)
{
  g_object_unref (fetch->cancellable);
  g_clear_pointer (&fetch->sources, g_ptr_array_unref);
  g_free (fetch->sha256);
  g_free (fetch->path);
  g_free (fetch);
}

/* ---- who may have it ---- */

static void
add_source (ColletPeerArtifacts *self, GPtrArray *sources, const char *node)
{
  const ColletClusterView *view = collet_cluster_agent_get_view (self->agent);
  const ColletNodeRecord *record = collet_cluster_view_get (view, COLLET_KEY_NODE, node, NULL);

  if (record == NULL || record->url == NULL || record->fingerprint == NULL ||
      g_str_equal (node, collet_cluster_agent_get_node (self->agent)))
    return;
  for (guint i = 0; i < sources->len; i++)
    if (g_str_equal (((ColletPeerSource *)sources->pdata[i])->node, node))
      return;
  g_ptr_array_add (sources, collet_peer_source_new (node, record->url, record->fingerprint));
}

/* Of ten nodes that ask nine, not all ask the same one first. */
static void
shuffle (GPtrArray *sources, guint from)
{
  for (guint i = sources->len; i > from + 1; i--)
    {
      guint k = (guint)g_random_int_range ((gint32)from, (gint32)i);
      gpointer moved = sources->pdata[k];

      sources->pdata[k] = sources->pdata[i - 1];
      sources->pdata[i - 1] = moved;
    }
}

/* Those that said so; then all who live, then the rest. */
static GPtrArray *
list_sources (ColletPeerArtifacts *self, const char *const *nodes)
{
  GPtrArray *sources = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_peer_source_free);
  const ColletClusterView *view = collet_cluster_agent_get_view (self->agent);
  g_autoptr (GPtrArray) roster = collet_cluster_view_list (view, COLLET_KEY_NODE);
  guint from;

  for (; nodes != NULL && *nodes != NULL; nodes++)
    add_source (self, sources, *nodes);
  shuffle (sources, 0);
  from = sources->len;
  for (guint i = 0; i < roster->len; i++)
    if (collet_cluster_view_is_live (view, roster->pdata[i]))
      add_source (self, sources, roster->pdata[i]);
  shuffle (sources, from);
  for (guint i = 0; i < roster->len; i++)
    add_source (self, sources, roster->pdata[i]);
  return sources;
}

/* ---- fetching ---- */

/* A name for the file. Takes fd. */
static char *
give_name (ColletPeerArtifacts *self, const char *sha256, int fd, GError **error)
{
  g_autofree char *source = g_strdup_printf ("/proc/self/fd/%d", fd);
  g_autofree char *path = g_strdup_printf ("%s/peer-%u-%.12s.so", self->folder, ++self->last, sha256);
  int status = linkat (AT_FDCWD, source, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
  int saved = errno;

  close (fd);
  if (status == 0)
    return g_steal_pointer (&path);
  g_set_error (error, COLLET_ERROR, (int)collet_error_of_errno (saved),
               "%s, fetched from another node, could not be put there: %s. Check the folder.", path,
               g_strerror (saved));
  return NULL;
}

/* Where the loader looks for it. What it is worth is the loader's to say, also if it
 * is not there. */
static void
put_signature (const char *path, const char *text)
{
  g_autofree char *name = g_strconcat (path, COLLET_SIGNATURE_SUFFIX, NULL);
  int fd = open (name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

  if (fd < 0 || write (fd, text, strlen (text)) != (gssize)strlen (text))
    g_warning ("The signature of %s, fetched from another node, could not be put there: %s", path,
               g_strerror (errno));
  if (fd >= 0)
    close (fd);
}

static void
on_signature (GObject *object, GAsyncResult *result, gpointer data)
{
  Fetch *fetch = data;
  g_autofree char *signature = collet_membership_fetch_signature_finish (COLLET_MEMBERSHIP (object), result);

  if (signature != NULL)
    put_signature (fetch->path, signature);
  fetch->done (fetch->path, NULL, fetch->user_data);
  fetch_free (fetch);
}

static void
on_fetched (GObject *object, GAsyncResult *result, gpointer data)
{
  Fetch *fetch = data;
  g_autoptr (GError) error = NULL;
  g_autofree char *signature = NULL;
  int fd = collet_membership_fetch_finish (COLLET_MEMBERSHIP (object), result, &signature, &error);

  if (fd >= 0 && g_cancellable_set_error_if_cancelled (fetch->cancellable, &error))
    close (fd);
  else if (fd >= 0)
    fetch->path = give_name (fetch->peers, fetch->sha256, fd, &error);
  if (fetch->path != NULL && signature != NULL)
    put_signature (fetch->path, signature);
  else if (fetch->path != NULL && fetch->peers->needs_signature)
    {
      collet_membership_fetch_signature_async (COLLET_MEMBERSHIP (object), fetch->sources, fetch->sha256,
                                               fetch->cancellable, on_signature, fetch);
      return;
    }
  fetch->done (fetch->path, error, fetch->user_data);
  fetch_free (fetch);
}

static gboolean
on_nowhere (gpointer data)
{
  Fetch *fetch = data;
  g_autoptr (GError) error =
      g_error_new (COLLET_ERROR, COLLET_ERROR_ARTIFACT_NOT_FOUND,
                   "Version %.12s is not on this node, and there is no other node to fetch it from. Load it "
                   "from a file.",
                   fetch->sha256);

  fetch->done (NULL, error, fetch->user_data);
  fetch_free (fetch);
  return G_SOURCE_REMOVE;
}

static void
fetch_artifact (ColletArtifactPeers *base, const char *sha256, const char *const *nodes,
                ColletArtifactFetched done, gpointer user_data)
{
  ColletPeerArtifacts *self = (ColletPeerArtifacts *)base;
  g_autoptr (GPtrArray) sources = list_sources (self, nodes);
  Fetch *fetch = g_new0 (Fetch, 1);

  fetch->peers = self;
  fetch->cancellable = g_object_ref (self->cancellable);
  fetch->sources = g_ptr_array_ref (sources);
  fetch->sha256 = g_strdup (sha256);
  fetch->done = done;
  fetch->user_data = user_data;
  if (sources->len == 0 || collet_membership_get_facts (self->membership) == NULL)
    g_idle_add_full (G_PRIORITY_DEFAULT, on_nowhere, fetch, NULL);
  else
    collet_membership_fetch_async (self->membership, sources, sha256, self->cancellable, on_fetched, fetch);
}

/* ---- peers ---- */

ColletPeerArtifacts *
collet_peer_artifacts_new (ColletMembership *membership, const char *artifacts, gboolean needs_signature)
{
  static const ColletArtifactPeersClass class_ = { .fetch = fetch_artifact };
  ColletPeerArtifacts *self = g_new0 (ColletPeerArtifacts, 1);

  self->base.class_ = &class_;
  self->membership = g_object_ref (membership);
  self->needs_signature = needs_signature;
  self->folder = g_build_filename (artifacts, "tmp", NULL);
  self->cancellable = g_cancellable_new ();
  return self;
}

void
collet_peer_artifacts_free (ColletPeerArtifacts *self)
{
  g_cancellable_cancel (self->cancellable);
  g_object_unref (self->cancellable);
  g_object_unref (self->membership);
  g_free (self->folder);
  g_free (self);
}

void
collet_peer_artifacts_set_agent (ColletPeerArtifacts *self, ColletClusterAgent *agent)
{
  self->agent = agent;
}

ColletArtifactPeers *
collet_peer_artifacts_get_base (ColletPeerArtifacts *self)
{
  return &self->base;
}
