/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Nodes that found a cluster, join it and leave it, with their folders.
 */
#include <string.h>

#include <glib/gstdio.h>

#include "collet-error.h"
#include "collet-membership.h"
#include "peer-fixture.h"

typedef struct
{
  char *folder;
  char *artifacts;
  ColletMembership *membership;
  guint changes;
  /* Of the first node: the roster, and what it answers next. */
  GHashTable *roster; /* node → fingerprint */
  ColletError refusal;
} Node;

typedef struct
{
  char *base;
  Node nodes[3];
} Fixture;

static void
on_admit (const char *node, const char *url, const char *fingerprint, ColletMembershipAdmitted admitted,
          gpointer admitted_data, gpointer data)
{
  Node *self = data;
  g_autoptr (GError) error = NULL;

  g_assert_true (g_str_has_prefix (url, "https://127.0.0.1:"));
  if (self->refusal != COLLET_ERROR_FAILED)
    error = g_error_new_literal (COLLET_ERROR, (int)self->refusal, "Not now");
  else
    g_hash_table_insert (self->roster, g_strdup (node), g_strdup (fingerprint));
  admitted (error, admitted_data);
}

static void
on_changed (gpointer data)
{
  ((Node *)data)->changes++;
}

static void
start (Node *self)
{
  const ColletMembershipConfig config = { .folder = self->folder,
                                          .artifacts = self->artifacts,
                                          .listen = "127.0.0.1:0",
                                          .url = "https://127.0.0.1:7312" };
  const ColletMembershipListener listener = { on_admit, on_changed, self };
  g_autoptr (GError) error = NULL;

  self->membership = collet_membership_new (&config, &listener, &error);
  g_assert_no_error (error);
}

static void
restart (Node *self)
{
  g_clear_object (&self->membership);
  start (self);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  f->base = g_dir_make_tmp ("collet-XXXXXX", NULL);
  for (guint i = 0; i < G_N_ELEMENTS (f->nodes); i++)
    {
      Node *node = &f->nodes[i];

      node->folder = g_strdup_printf ("%s/peer-%u", f->base, i);
      node->artifacts = g_strdup_printf ("%s/artifacts-%u", f->base, i);
      node->roster = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
      node->refusal = COLLET_ERROR_FAILED;
      g_assert_cmpint (g_mkdir (node->artifacts, 0700), ==, 0);
      start (node);
    }
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  const char *arguments[] = { "rm", "-rf", f->base, NULL };

  for (guint i = 0; i < G_N_ELEMENTS (f->nodes); i++)
    {
      g_clear_object (&f->nodes[i].membership);
      g_hash_table_unref (f->nodes[i].roster);
      g_free (f->nodes[i].folder);
      g_free (f->nodes[i].artifacts);
    }
  g_assert_true (
      g_spawn_sync (NULL, (char **)arguments, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL));
  g_free (f->base);
}

static const char *const endpoints[] = { "https://127.0.0.1:2379", "https://127.0.0.1:3379", NULL };

static void
found (Node *node)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (collet_membership_found (node->membership, "test", "n1", endpoints, &error));
  g_assert_no_error (error);
}

static gboolean
join (Node *node, Node *by, const char *name, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) reason = NULL;
  gint64 expires_at;
  g_autofree char *token = collet_membership_create_token (by->membership, 60, &expires_at, &reason);
  g_autofree char *url =
      g_strdup_printf ("https://127.0.0.1:%u", collet_membership_get_port (by->membership));

  g_assert_no_error (reason);
  collet_membership_join_async (node->membership, url, token, name, NULL, peer_fixture_on_ready, &result);
  return collet_membership_join_finish (node->membership, peer_fixture_wait (&result), error);
}

static void
test_is_remembered (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  Node *one = &f->nodes[0];
  Node *two = &f->nodes[1];

  g_assert_null (collet_membership_get_facts (one->membership));
  found (one);
  g_assert_true (join (two, one, "n2", &error));
  g_assert_no_error (error);
  g_assert_cmpstr (g_hash_table_lookup (one->roster, "n2"), ==,
                   collet_membership_get_fingerprint (two->membership));
  for (guint i = 0; i < 2; i++)
    {
      Node *node = &f->nodes[i];
      g_autofree char *fingerprint = g_strdup (collet_membership_get_fingerprint (node->membership));

      g_assert_cmpuint (node->changes, ==, 1);
      restart (node);
      const ColletMembershipFacts *facts = collet_membership_get_facts (node->membership);
      g_assert_cmpstr (facts->cluster, ==, "test");
      g_assert_cmpstr (facts->node, ==, i == 0 ? "n1" : "n2");
      g_assert_cmpstr (facts->url, ==, "https://127.0.0.1:7312");
      g_assert_true (g_strv_equal ((const char *const *)facts->endpoints, endpoints));
      g_assert_cmpstr (collet_membership_get_fingerprint (node->membership), ==, fingerprint);
    }
}

static void
test_leaves_nothing_behind (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  Node *one = &f->nodes[0];
  Node *two = &f->nodes[1];

  found (one);
  g_assert_true (join (two, one, "n2", &error));
  g_assert_false (join (two, one, "n2", &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_ALREADY_REGISTERED);
  g_clear_error (&error);

  g_assert_true (collet_membership_leave (two->membership, &error));
  g_assert_false (g_file_test (two->folder, G_FILE_TEST_EXISTS));
  g_assert_false (collet_membership_leave (two->membership, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_NOT_FOUND);
  g_clear_error (&error);
  restart (two);
  g_assert_null (collet_membership_get_facts (two->membership));
  g_assert_true (join (two, one, "n2", &error)); /* and again */
}

static void
test_who_is_not_admitted_is_not_in (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  Node *one = &f->nodes[0];
  Node *two = &f->nodes[1];

  found (one);
  one->refusal = COLLET_ERROR_NAME_IN_USE;
  g_assert_false (join (two, one, "n1", &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_NAME_IN_USE);
  g_assert_null (collet_membership_get_facts (two->membership));
  restart (two);
  g_assert_null (collet_membership_get_facts (two->membership));
}

static void
test_only_the_founder_gives_tokens (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  Node *one = &f->nodes[0];
  Node *two = &f->nodes[1];
  gint64 expires_at;

  g_assert_null (collet_membership_create_token (one->membership, 60, &expires_at, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_NOT_FOUND);
  g_clear_error (&error);
  found (one);
  g_assert_true (join (two, one, "n2", &error));
  g_assert_null (collet_membership_create_token (two->membership, 60, &expires_at, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_NOT_SUPPORTED);
  g_clear_error (&error);
  g_assert_null (collet_membership_create_token (one->membership, 1000000, &expires_at, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT);
}

/* Killed between the two, it is not in. */
static void
test_half_is_not_in (Fixture *f, gconstpointer data)
{
  Node *one = &f->nodes[0];
  g_autofree char *path = g_build_filename (one->folder, "membership", NULL);

  found (one);
  g_assert_cmpint (g_unlink (path), ==, 0);
  restart (one);
  g_assert_null (collet_membership_get_facts (one->membership));
  found (one);
}

static void
test_damage_is_told (Fixture *f, gconstpointer data)
{
  Node *one = &f->nodes[0];
  g_autofree char *path = g_build_filename (one->folder, "membership", NULL);
  g_autofree char *key = g_build_filename (one->folder, "node.key", NULL);
  const ColletMembershipConfig config = { .folder = one->folder,
                                          .artifacts = one->artifacts,
                                          .listen = "127.0.0.1:0" };
  const ColletMembershipListener listener = { on_admit, on_changed, one };
  const char *texts[] = { "nonsense", "[cluster]\nname=x\n" };
  g_autoptr (GError) error = NULL;

  found (one);
  g_clear_object (&one->membership);
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_assert_true (g_file_set_contents (path, texts[i], -1, NULL));
      g_assert_null (collet_membership_new (&config, &listener, &error));
      g_assert_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT);
      g_assert_nonnull (strstr (error->message, path));
      g_clear_error (&error);
    }
  g_assert_true (g_file_set_contents (path, "[cluster]\nname=x\nnode=n\nurl=https://h:1\n", -1, NULL));
  g_assert_cmpint (g_unlink (key), ==, 0);
  g_assert_null (collet_membership_new (&config, &listener, &error));
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_NOT_FOUND);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(name, func) g_test_add ("/peer/membership/" name, Fixture, NULL, set_up, func, tear_down)
  TEST ("is-remembered", test_is_remembered);
  TEST ("leaves-nothing-behind", test_leaves_nothing_behind);
  TEST ("who-is-not-admitted-is-not-in", test_who_is_not_admitted_is_not_in);
  TEST ("only-the-founder-gives-tokens", test_only_the_founder_gives_tokens);
  TEST ("half-is-not-in", test_half_is_not_in);
  TEST ("damage-is-told", test_damage_is_told);
  return g_test_run ();
}
