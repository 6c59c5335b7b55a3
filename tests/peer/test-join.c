/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "collet-error.h"
#include "peer-fixture.h"

static char *
new_token (PeerFixture *f)
{
  PeerNode *founder = f->nodes->pdata[0];
  char *token = collet_join_token_make (founder->identity->authority_fingerprint);
  gint64 now = g_get_real_time ();

  g_assert_true (collet_join_tokens_add (f->tokens, token, now + 60 * G_USEC_PER_SEC, now, NULL));
  return token;
}

static ColletJoinReply *
join (PeerFixture *f, PeerNode *by, const char *token, const char *node, const char *key, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  collet_peer_client_join_async (f->client, by->url, token, node, "https://127.0.0.1:1", key, NULL,
                                 peer_fixture_on_ready, &result);
  return collet_peer_client_join_finish (f->client, peer_fixture_wait (&result), error);
}

static void
test_gives_a_certificate_of_the_cluster (PeerFixture *f, gconstpointer data)
{
  PeerNode *founder = peer_fixture_add_node (f, "n1");
  g_autoptr (GError) error = NULL;
  g_autofree char *token = new_token (f);
  g_autofree char *key = collet_certificate_make_key (NULL);
  g_autoptr (ColletJoinReply) reply = join (f, founder, token, "n2", key, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (reply->cluster, ==, "test");
  g_assert_cmpstr (reply->endpoints[0], ==, "https://127.0.0.1:2379");
  g_autoptr (ColletPeerIdentity) identity =
      collet_peer_identity_new (key, reply->certificate, reply->authority, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (identity->authority_fingerprint, ==, founder->identity->authority_fingerprint);

  /* Once. */
  g_assert_null (join (f, founder, token, "n3", key, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_NOT_AUTHORIZED);
}

/* Somebody else at that address never sees the secret. */
static void
test_tells_the_secret_to_nobody_else (PeerFixture *f, gconstpointer data)
{
  PeerNode *founder = peer_fixture_add_node (f, "n1");
  g_autoptr (GError) error = NULL;
  g_autofree char *key = collet_certificate_make_key (NULL);
  g_autofree char *token = new_token (f);
  g_autoptr (ColletPeerIdentity) impostor = collet_peer_identity_found ("test", "n1", "127.0.0.1", &error);
  ColletPeerListener *listener =
      collet_peer_listener_new ("127.0.0.1:0", impostor, f->base, f->join, f, &error);
  PeerNode fake = { .url =
                        g_strdup_printf ("https://127.0.0.1:%u", collet_peer_listener_get_port (listener)) };

  g_assert_null (join (f, &fake, token, "n2", key, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_NOT_TRUSTED);
  g_clear_error (&error);
  collet_peer_listener_stop (listener);
  g_free (fake.url);
  /* So it is still good. */
  g_autoptr (ColletJoinReply) reply = join (f, founder, token, "n2", key, &error);
  g_assert_no_error (error);
}

static void
test_refusals_have_their_names (PeerFixture *f, gconstpointer data)
{
  PeerNode *founder = peer_fixture_add_node (f, "n1");
  PeerNode nobody = { .url = (char *)"https://127.0.0.1:1" };
  PeerNode wrong = { .url = (char *)"http://127.0.0.1:1/x" };
  g_autofree char *token = new_token (f);
  g_autofree char *unknown = collet_join_token_make (founder->identity->authority_fingerprint);
  g_autofree char *key = collet_certificate_make_key (NULL);
  const struct
  {
    PeerNode *by;
    const char *token;
    const char *node;
    ColletError code;
  } table[] = {
    { founder, unknown, "n2", COLLET_ERROR_NOT_AUTHORIZED },
    { founder, "nonsense", "n2", COLLET_ERROR_INVALID_ARGUMENT },
    { founder, token, "../n2", COLLET_ERROR_INVALID_ARGUMENT },
    { founder, token, "", COLLET_ERROR_INVALID_ARGUMENT },
    { &nobody, token, "n2", COLLET_ERROR_NODE_FAILED },
    { &wrong, token, "n2", COLLET_ERROR_INVALID_ARGUMENT },
  };

  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (join (f, table[i].by, table[i].token, table[i].node, key, &error));
      g_assert_error (error, COLLET_ERROR, (int)table[i].code);
    }
}

static void
on_join_wait (ColletPeerJoin *waiting, gpointer data)
{
  *(ColletPeerJoin **)data = waiting;
}

/* Who waits when the daemon stops is told so. */
static void
test_stop_answers_who_waits (PeerFixture *f, gconstpointer data)
{
  PeerNode *founder = peer_fixture_add_node (f, "n1");
  g_autofree char *token = new_token (f);
  g_autofree char *key = collet_certificate_make_key (NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  ColletPeerJoin *waiting = NULL;

  f->join = on_join_wait;
  f->user_data = &waiting;
  collet_peer_client_join_async (f->client, founder->url, token, "n2", "https://127.0.0.1:1", key, NULL,
                                 peer_fixture_on_ready, &result);
  while (waiting == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (collet_peer_join_get_request (waiting)->host, ==, "127.0.0.1");
  collet_peer_listener_stop (founder->listener);
  founder->listener = NULL;
  g_assert_null (collet_peer_client_join_finish (f->client, peer_fixture_wait (&result), &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_SHUTTING_DOWN);
}

static void
test_hostile_requests (PeerFixture *f, gconstpointer data)
{
  PeerNode *founder = peer_fixture_add_node (f, "n1");
  g_autofree char *huge = g_strnfill (100 * 1024, 'x');
  g_autofree char *long_body = g_strdup_printf (
      "POST /v1/join HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
      strlen (huge), huge);
  const char *requests[] = {
    "POST /v1/join HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
    "POST /v1/join HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    "POST /v1/join HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 11\r\n\r\n{\"secret\":1",
    "GET /v1/join HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "DELETE /v1/artifacts/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "nonsense\r\n\r\n",
    long_body,
  };

  for (guint i = 0; i < G_N_ELEMENTS (requests); i++)
    {
      g_autofree char *got = peer_fixture_send_raw (founder, requests[i]);
      g_assert_null (strstr (got, " 200 "));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(name, func)                                                                                     \
  g_test_add ("/peer/join/" name, PeerFixture, NULL, peer_fixture_set_up, func, peer_fixture_tear_down)
  TEST ("gives-a-certificate-of-the-cluster", test_gives_a_certificate_of_the_cluster);
  TEST ("tells-the-secret-to-nobody-else", test_tells_the_secret_to_nobody_else);
  TEST ("refusals-have-their-names", test_refusals_have_their_names);
  TEST ("stop-answers-who-waits", test_stop_answers_who_waits);
  TEST ("hostile-requests-get-nothing", test_hostile_requests);
  return g_test_run ();
}
