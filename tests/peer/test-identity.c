/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <sys/stat.h>

#include <glib/gstdio.h>

#include "collet-error.h"
#include "peer-fixture.h"

static void
test_is_kept_and_loaded (PeerFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_build_filename (f->base, "kept", NULL);
  g_autofree char *key = g_build_filename (folder, "node.key", NULL);
  PeerNode *founder = peer_fixture_add_node (f, "n1");
  PeerNode *other = peer_fixture_add_node (f, "n2");
  struct stat info;

  g_assert_null (collet_peer_identity_load (folder, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_NOT_FOUND);
  g_clear_error (&error);
  for (guint i = 0; i < 2; i++)
    {
      const ColletPeerIdentity *identity = i == 0 ? founder->identity : other->identity;

      g_assert_true (collet_peer_identity_save (identity, folder, &error));
      g_assert_no_error (error);
      g_autoptr (ColletPeerIdentity) loaded = collet_peer_identity_load (folder, &error);
      g_assert_no_error (error);
      g_assert_cmpstr (loaded->fingerprint, ==, identity->fingerprint);
      /* What the founder alone has does not stay behind. */
      g_assert_true ((loaded->authority_key != NULL) == (i == 0));
    }
  g_assert_cmpint (g_stat (key, &info), ==, 0);
  g_assert_cmpint (info.st_mode & 0777, ==, 0600);

  g_assert_cmpint (g_chmod (key, 0640), ==, 0);
  g_assert_null (collet_peer_identity_load (folder, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_NOT_TRUSTED);
  collet_peer_identity_forget (folder);
  g_assert_false (g_file_test (folder, G_FILE_TEST_EXISTS));
}

static void
test_parts_must_fit (PeerFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  PeerNode *founder = peer_fixture_add_node (f, "n1");
  g_autofree char *other_key = collet_certificate_make_key (NULL);
  const ColletPeerIdentity *good = founder->identity;

  g_assert_null (collet_peer_identity_new (other_key, good->certificate, good->authority, NULL, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  g_assert_null (collet_peer_identity_new (good->key, good->certificate, good->authority, other_key, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  g_assert_null (collet_peer_identity_new (good->key, "nonsense", good->authority, NULL, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT);
}

static void
test_signs_only_who_has_the_key (PeerFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  const ColletPeerIdentity *founder = peer_fixture_add_node (f, "n1")->identity;
  g_autofree char *key = collet_certificate_make_key (NULL);
  g_autofree char *request = collet_certificate_make_request (key, "n2", NULL);
  char *digit = strstr (request, "\n") + 40;

  *digit = *digit == 'A' ? 'B' : 'A';
  g_assert_null (collet_certificate_sign_request (request, founder->authority, founder->authority_key, "n2",
                                                  "127.0.0.1", &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT);
}

/* A node is client and server, and no authority. */
static void
test_certificate_serves_both_ends (PeerFixture *f, gconstpointer data)
{
  PeerNode *founder = peer_fixture_add_node (f, "n1");
  PeerNode *other = peer_fixture_add_node (f, "n2");
  g_autofree char *path = g_build_filename (f->base, "n2.crt", NULL);
  g_autofree char *authority = g_build_filename (f->base, "ca.crt", NULL);
  const char *purposes[] = { "sslclient", "sslserver" };
  g_autofree char *openssl = g_find_program_in_path ("openssl");

  if (openssl == NULL)
    {
      g_test_skip ("openssl is not installed");
      return;
    }
  g_assert_true (g_file_set_contents (path, other->identity->certificate, -1, NULL));
  g_assert_true (g_file_set_contents (authority, founder->identity->authority, -1, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (purposes); i++)
    {
      const char *words[] = { "openssl",   "verify",  "-x509_strict", "-purpose", purposes[i], "-verify_ip",
                              "127.0.0.1", "-CAfile", authority,      path,       NULL };
      g_autofree char *said = NULL;
      int status;

      g_assert_true (g_spawn_sync (NULL, (char **)words, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, &said,
                                   &status, NULL));
      if (status != 0)
        g_error ("openssl does not take it as %s: %s", purposes[i], said);
    }
}

static void
test_tokens_work_once_and_for_a_time (PeerFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  char fingerprint[COLLET_FINGERPRINT_SIZE];
  const ColletPeerIdentity *founder = peer_fixture_add_node (f, "n1")->identity;
  g_autofree char *token = collet_join_token_make (founder->authority_fingerprint);
  g_autofree char *late = collet_join_token_make (founder->authority_fingerprint);
  g_autofree char *secret = NULL;
  g_autofree char *late_secret = NULL;

  g_assert_cmpstr (token, !=, late);
  g_assert_true (collet_join_token_parse (token, &secret, fingerprint, &error));
  g_assert_true (collet_join_token_parse (late, &late_secret, fingerprint, &error));
  g_assert_cmpstr (fingerprint, ==, founder->authority_fingerprint);
  g_assert_true (collet_join_tokens_add (f->tokens, token, 200, 100, &error));
  g_assert_true (collet_join_tokens_add (f->tokens, late, 150, 100, &error));
  g_assert_true (collet_join_tokens_take (f->tokens, secret, 199, &error));
  g_assert_no_error (error);
  g_assert_false (collet_join_tokens_take (f->tokens, secret, 199, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_NOT_AUTHORIZED);
  g_clear_error (&error);
  g_assert_false (collet_join_tokens_take (f->tokens, late_secret, 150, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_NOT_AUTHORIZED);
  g_clear_error (&error);

  for (guint i = 0; i < COLLET_JOIN_TOKENS_MAX; i++)
    {
      g_autofree char *more = collet_join_token_make (fingerprint);
      g_assert_true (collet_join_tokens_add (f->tokens, more, 1000, 200, &error));
    }
  g_assert_false (collet_join_tokens_add (f->tokens, token, 1000, 200, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_OVERLOADED);
  g_clear_error (&error);
  g_assert_true (collet_join_tokens_add (f->tokens, token, 2000, 1000, &error));

  token[3] = 'x';
  g_assert_false (collet_join_token_parse (token, &secret, fingerprint, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(name, func)                                                                                     \
  g_test_add ("/peer/identity/" name, PeerFixture, NULL, peer_fixture_set_up, func, peer_fixture_tear_down)
  TEST ("is-kept-and-loaded", test_is_kept_and_loaded);
  TEST ("parts-must-fit", test_parts_must_fit);
  TEST ("signs-only-who-has-the-key", test_signs_only_who_has_the_key);
  TEST ("certificate-serves-both-ends", test_certificate_serves_both_ends);
  TEST ("tokens-work-once-and-for-a-time", test_tokens_work_once_and_for_a_time);
  return g_test_run ();
}
