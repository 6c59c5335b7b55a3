/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-peer-identity.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "collet-error.h"
#include "collet-failpoint.h"

#define NODE_KEY "node.key"
#define NODE_CERTIFICATE "node.crt"
#define AUTHORITY "authority.crt"
#define AUTHORITY_KEY "authority.key"

static const char *const files[] = { NODE_KEY, NODE_CERTIFICATE, AUTHORITY, AUTHORITY_KEY };

/* A secret does not stay behind in freed memory. */
static void
free_secret (char *text)
{
  if (text != NULL)
    explicit_bzero (text, strlen (text));
  g_free (text);
}

ColletPeerIdentity *
collet_peer_identity_ref (ColletPeerIdentity *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
collet_peer_identity_unref (ColletPeerIdentity *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  free_secret (self->key);
  free_secret (self->authority_key);
  g_free (self->certificate);
  g_free (self->authority);
  g_free (self);
}

ColletPeerIdentity *
collet_peer_identity_new (const char *key, const char *certificate, const char *authority,
                          const char *authority_key, GError **error)
{
  ColletPeerIdentity *self = g_new0 (ColletPeerIdentity, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->key = g_strdup (key);
  self->certificate = g_strdup (certificate);
  self->authority = g_strdup (authority);
  self->authority_key = g_strdup (authority_key);
  if (collet_certificate_get_fingerprint (certificate, self->fingerprint, error) &&
      collet_certificate_get_fingerprint (authority, self->authority_fingerprint, error))
    {
      gboolean has_key = collet_certificate_has_key (certificate, key);

      if (has_key && (authority_key == NULL || collet_certificate_has_key (authority, authority_key)))
        return self;
      g_set_error_literal (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                           has_key ? "The authority's key (" AUTHORITY_KEY ") is another cluster's. Take it "
                                     "away, or put the right one there."
                                   : "A private key is not that of its certificate.");
    }
  collet_peer_identity_unref (self);
  return NULL;
}

ColletPeerIdentity *
collet_peer_identity_found (const char *cluster, const char *node, const char *host, GError **error)
{
  char *authority_key = collet_certificate_make_key (error);
  char *key = authority_key != NULL ? collet_certificate_make_key (error) : NULL;
  g_autofree char *authority =
      key != NULL ? collet_certificate_make_authority (authority_key, cluster, error) : NULL;
  g_autofree char *request = authority != NULL ? collet_certificate_make_request (key, node, error) : NULL;
  g_autofree char *signed_text =
      request != NULL ? collet_certificate_sign_request (request, authority, authority_key, node, host, error)
                      : NULL;
  ColletPeerIdentity *self = NULL;

  if (signed_text != NULL)
    {
      g_autofree char *chain = g_strconcat (signed_text, authority, NULL);
      self = collet_peer_identity_new (key, chain, authority, authority_key, error);
    }
  free_secret (authority_key);
  free_secret (key);
  return self;
}

/* ---- the folder ---- */

static gboolean
is_secret (const char *file)
{
  return g_str_has_suffix (file, ".key");
}

/* NULL without an error: there is no such file. */
static char *
read_part (const char *folder, const char *file, GError **error)
{
  g_autofree char *path = g_build_filename (folder, file, NULL);
  g_autoptr (GError) reason = NULL;
  char *text = NULL;
  struct stat info;

  if (stat (path, &info) == 0 && is_secret (file) && (info.st_mode & 077) != 0)
    {
      g_set_error (
          error, COLLET_ERROR, COLLET_ERROR_NOT_TRUSTED,
          "%s can be read by others (mode %04o). If nobody did, make it 0600; else it is no secret any "
          "more: leave the cluster, and join it anew.",
          path, (guint)info.st_mode & 07777);
      return NULL;
    }
  if (!g_file_get_contents (path, &text, NULL, &reason) &&
      !g_error_matches (reason, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    g_propagate_error (error, collet_error_convert (g_steal_pointer (&reason)));
  return text;
}

ColletPeerIdentity *
collet_peer_identity_load (const char *folder, GError **error)
{
  g_autoptr (GError) reason = NULL;
  char *parts[G_N_ELEMENTS (files)] = { NULL };
  ColletPeerIdentity *self = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (files) && reason == NULL; i++)
    parts[i] = read_part (folder, files[i], &reason);
  if (reason != NULL)
    g_propagate_error (error, g_steal_pointer (&reason));
  else if (parts[0] == NULL || parts[1] == NULL || parts[2] == NULL)
    g_set_error (error, COLLET_ERROR, COLLET_ERROR_NOT_FOUND, "%s has no certificate of a cluster.", folder);
  else
    self = collet_peer_identity_new (parts[0], parts[1], parts[2], parts[3], error);
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    free_secret (parts[i]);
  return self;
}

static gboolean
write_part (const char *folder, const char *file, const char *text, GError **error)
{
  g_autofree char *path = g_build_filename (folder, file, NULL);
  g_autoptr (GError) reason = NULL;

  g_unlink (path); /* newer GLib gives the new file the old one's mode */
  if (text == NULL)
    return TRUE;
  if (g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE,
                                is_secret (file) ? 0600 : 0644, &reason))
    return TRUE;
  g_propagate_error (error, collet_error_convert (g_steal_pointer (&reason)));
  return FALSE;
}

gboolean
collet_peer_identity_save (const ColletPeerIdentity *self, const char *folder, GError **error)
{
  if (g_mkdir_with_parents (folder, 0700) != 0)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_STORE_READ_ONLY, "%s cannot be made: %s.", folder,
                   g_strerror (errno));
      return FALSE;
    }
  /* Without node.crt, which comes last, there is no identity. */
  g_autofree char *certificate = g_build_filename (folder, NODE_CERTIFICATE, NULL);
  g_unlink (certificate);
  if (!write_part (folder, AUTHORITY, self->authority, error) ||
      !write_part (folder, AUTHORITY_KEY, self->authority_key, error) ||
      !write_part (folder, NODE_KEY, self->key, error))
    return FALSE;
  collet_failpoint ("peer-before-certificate");
  return write_part (folder, NODE_CERTIFICATE, self->certificate, error);
}

void
collet_peer_identity_forget (const char *folder)
{
  /* In the opposite order: what is left after half of it is no identity. */
  static const char *const order[] = { NODE_CERTIFICATE, NODE_KEY, AUTHORITY_KEY, AUTHORITY };

  for (guint i = 0; i < G_N_ELEMENTS (order); i++)
    {
      g_autofree char *path = g_build_filename (folder, order[i], NULL);
      g_unlink (path);
    }
  g_rmdir (folder);
}
