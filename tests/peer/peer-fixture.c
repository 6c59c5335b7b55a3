/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "peer-fixture.h"

#include "collet-error.h"

#include <string.h>

#include <glib/gstdio.h>

GAsyncResult *
peer_fixture_wait (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return *result;
}

void
peer_fixture_on_ready (GObject *object, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **)data = g_object_ref (result);
}

/* As a daemon does: the token, then a certificate. */
static void
on_join (ColletPeerJoin *join, gpointer data)
{
  PeerFixture *f = data;
  const ColletJoinRequest *request = collet_peer_join_get_request (join);
  const PeerNode *founder = f->nodes->pdata[0];
  GError *error = NULL;
  g_autofree char *certificate = NULL;

  if (f->join != NULL)
    {
      f->join (join, f->user_data);
      return;
    }
  if (collet_join_tokens_take (f->tokens, request->secret, g_get_real_time (), &error))
    certificate = collet_certificate_sign_request (request->request, founder->identity->authority,
                                                   founder->identity->authority_key, request->node,
                                                   request->host, &error);
  if (certificate == NULL)
    {
      collet_peer_join_refuse (join, error);
      return;
    }

  char *endpoints[] = { (char *)"https://127.0.0.1:2379", NULL };
  g_autofree char *chain = g_strconcat (certificate, founder->identity->authority, NULL);
  const ColletJoinReply reply = {
    .cluster = (char *)"test",
    .certificate = chain,
    .authority = founder->identity->authority,
    .endpoints = endpoints,
  };
  collet_peer_join_accept (join, &reply);
}

static void
node_free (PeerNode *node)
{
  if (node->listener != NULL)
    collet_peer_listener_stop (node->listener);
  collet_peer_identity_unref (node->identity);
  g_free (node->name);
  g_free (node->folder);
  g_free (node->url);
  g_free (node);
}

void
peer_fixture_set_up (PeerFixture *f, gconstpointer data)
{
  f->base = g_dir_make_tmp ("collet-XXXXXX", NULL);
  f->nodes = g_ptr_array_new_with_free_func ((GDestroyNotify)node_free);
  f->tokens = collet_join_tokens_new ();
  f->client = collet_peer_client_new ();
}

void
peer_fixture_tear_down (PeerFixture *f, gconstpointer data)
{
  const char *arguments[] = { "rm", "-rf", f->base, NULL };

  g_ptr_array_unref (f->nodes);
  g_object_unref (f->client);
  collet_join_tokens_free (f->tokens);
  g_assert_true (
      g_spawn_sync (NULL, (char **)arguments, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL));
  g_free (f->base);
}

static ColletPeerIdentity *
new_identity (PeerFixture *f, const char *name)
{
  g_autoptr (GError) error = NULL;
  ColletPeerIdentity *identity;

  if (f->nodes->len == 0)
    identity = collet_peer_identity_found ("test", name, "127.0.0.1", &error);
  else
    {
      const ColletPeerIdentity *founder = ((PeerNode *)f->nodes->pdata[0])->identity;
      g_autofree char *key = collet_certificate_make_key (&error);
      g_autofree char *request = collet_certificate_make_request (key, name, &error);
      g_autofree char *certificate =
          collet_certificate_sign_request (request, founder->authority, founder->authority_key, name,
                                           "127.0.0.1", &error);
      g_autofree char *chain = g_strconcat (certificate, founder->authority, NULL);
      identity = collet_peer_identity_new (key, chain, founder->authority, NULL, &error);
    }
  g_assert_no_error (error);
  return identity;
}

PeerNode *
peer_fixture_add_node (PeerFixture *f, const char *name)
{
  PeerNode *node = g_new0 (PeerNode, 1);
  g_autoptr (GError) error = NULL;

  node->name = g_strdup (name);
  node->folder = g_build_filename (f->base, name, NULL);
  g_assert_cmpint (g_mkdir (node->folder, 0700), ==, 0);
  node->identity = new_identity (f, name);
  node->listener = collet_peer_listener_new ("127.0.0.1:0", node->identity, node->folder, on_join, f, &error);
  g_assert_no_error (error);
  node->url = g_strdup_printf ("https://127.0.0.1:%u", collet_peer_listener_get_port (node->listener));
  g_ptr_array_add (f->nodes, node);
  return node;
}

void
peer_fixture_introduce (PeerFixture *f)
{
  for (guint i = 0; i < f->nodes->len; i++)
    {
      GHashTable *members = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

      for (guint j = 0; j < f->nodes->len; j++)
        g_hash_table_add (members, g_strdup (((PeerNode *)f->nodes->pdata[j])->identity->fingerprint));
      collet_peer_listener_set_members (((PeerNode *)f->nodes->pdata[i])->listener, members);
    }
}

void
peer_fixture_store (PeerNode *node, const char *sha256, const void *bytes, gsize size)
{
  g_autofree char *path = g_strdup_printf ("%s/%s.so", node->folder, sha256);

  g_assert_true (g_file_set_contents (path, bytes, (gssize)size, NULL));
}

ColletPeerSource *
peer_fixture_source (PeerNode *node)
{
  return collet_peer_source_new (node->name, node->url, node->identity->fingerprint);
}

static gboolean
accept_any (GTlsConnection *connection, GTlsCertificate *certificate, GTlsCertificateFlags flags,
            gpointer data)
{
  return TRUE;
}

char *
peer_fixture_send_raw (PeerNode *node, const char *request)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketConnection) plain =
      g_socket_client_connect_to_host (client, node->url + strlen ("https://"), 0, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (GIOStream) secure = g_tls_client_connection_new (G_IO_STREAM (plain), NULL, &error);
  g_assert_no_error (error);
  GString *got = g_string_new (NULL);
  char block[4096];
  gssize n;

  g_signal_connect (secure, "accept-certificate", G_CALLBACK (accept_any), NULL);
  g_output_stream_write_all (g_io_stream_get_output_stream (secure), request, strlen (request), NULL, NULL,
                             NULL);
  while ((n = g_input_stream_read (g_io_stream_get_input_stream (secure), block, sizeof block, NULL, NULL)) >
         0)
    g_string_append_len (got, block, n);
  return g_string_free (got, FALSE);
}
