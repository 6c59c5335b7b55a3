/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Three real members of etcd, of which some die, hang or come back; and one that
 * wants certificates.
 */
#include "collet-error.h"
#include "collet-etcd.h"
#include "conformance.h"
#include "etcd-kit.h"

#include <signal.h>
#include <string.h>

typedef struct
{
  EtcdKit *kit;
  ColletCoordination *handle;
} Fixture;

static ColletCoordination *
open_handle (EtcdKit *kit, guint give_up_ms)
{
  const ColletEtcdConfig config = {
    .endpoints = (const char *const *)kit->endpoints,
    .give_up_ms = give_up_ms,
  };
  g_autoptr (GError) error = NULL;
  ColletCoordination *handle = collet_etcd_new (&config, &error);

  g_assert_no_error (error);
  return handle;
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->kit = etcd_kit_new (3, "http", NULL);
  fixture->handle = open_handle (fixture->kit, 15000);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  collet_coordination_free (fixture->handle);
  etcd_kit_free (fixture->kit);
}

/* Each is written once, whoever answers; what was asked twice shows whose it is. */
static void
write_once (Fixture *fixture, const char *prefix, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *key = g_strdup_printf ("%s%u", prefix, i);
      g_autoptr (ColletTxn) txn = collet_txn_new ();

      collet_txn_if_absent (txn, key);
      collet_txn_put (txn, key, "mine");
      collet_txn_else_get (txn, key);
      g_autoptr (ColletTxnReply) reply = conformance_run (fixture->handle, txn);
      if (!reply->succeeded)
        g_assert_cmpstr (collet_txn_reply_find (reply, key)->value, ==, "mine");
    }
}

static void
expect_written_once (Fixture *fixture, const char *prefix, guint n)
{
  g_autoptr (ColletTxn) txn = collet_txn_new ();

  collet_txn_range (txn, prefix);
  g_autoptr (ColletTxnReply) reply = conformance_run (fixture->handle, txn);
  g_assert_cmpuint (reply->rows->len, ==, n);
  for (guint i = 0; i < n; i++)
    {
      const ColletKeyValue *row = reply->rows->pdata[i];

      g_assert_cmpint (row->create_rev, ==, row->mod_rev);
    }
}

static void
test_leader_killed (Fixture *fixture, gconstpointer data)
{
  write_once (fixture, "/kill/a", 10);
  etcd_kit_kill (fixture->kit, etcd_kit_find_leader (fixture->kit));
  write_once (fixture, "/kill/b", 10);
  expect_written_once (fixture, "/kill/a", 10);
  expect_written_once (fixture, "/kill/b", 10);
}

static void
test_leader_hangs (Fixture *fixture, gconstpointer data)
{
  guint leader = etcd_kit_find_leader (fixture->kit);

  write_once (fixture, "/stop/a", 5);
  etcd_kit_signal (fixture->kit, leader, SIGSTOP);
  write_once (fixture, "/stop/b", 5);
  etcd_kit_signal (fixture->kit, leader, SIGCONT);
  write_once (fixture, "/stop/c", 5);
  expect_written_once (fixture, "/stop/", 15);
}

static void
test_minority (Fixture *fixture, gconstpointer data)
{
  ColletCoordination *hasty = open_handle (fixture->kit, 1000);
  ColletCoordinationStatus status = { 0 };
  g_autoptr (ColletTxn) txn = collet_txn_new ();
  g_autoptr (GError) error = NULL;

  conformance_put (hasty, "/minority/a", "1");
  etcd_kit_kill (fixture->kit, 1);
  etcd_kit_kill (fixture->kit, 2);
  collet_txn_put (txn, "/minority/a", "2");
  g_autoptr (ColletTxnReply) reply = conformance_try (hasty, txn, &error);
  g_assert_null (reply);
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_QUORUM_NOT_REACHED);
  collet_coordination_get_status (hasty, &status);
  g_assert_false (status.is_reachable);
  g_assert_nonnull (strstr (status.message, "no cluster quorum since "));
  collet_coordination_status_clear (&status);

  etcd_kit_restart (fixture->kit, 1);
  etcd_kit_wait_healthy (fixture->kit, 0);
  conformance_put (hasty, "/minority/a", "3");
  collet_coordination_get_status (hasty, &status);
  g_assert_true (status.is_reachable);
  g_assert_null (status.message);
  collet_coordination_status_clear (&status);
  collet_coordination_free (hasty);
}

static void
expect_all_seen (ConformanceWatch *watch, guint n)
{
  conformance_wait_seen (watch, n);
  g_assert_cmpuint (watch->seen->len, ==, n);
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *expected = g_strdup_printf ("put /watch/a %u", i);

      g_assert_cmpstr (watch->seen->pdata[i], ==, expected);
    }
}

static void
put_numbers (ColletCoordination *handle, guint from, guint to)
{
  for (guint i = from; i < to; i++)
    {
      g_autofree char *value = g_strdup_printf ("%u", i);

      conformance_put (handle, "/watch/a", value);
    }
}

static gint64
look (ColletCoordination *handle)
{
  g_autoptr (ColletTxn) txn = collet_txn_new ();
  g_autoptr (ColletTxnReply) reply = conformance_run (handle, txn);

  return reply->revision;
}

/* The watch is at member 0, the writer elsewhere. */
static ColletCoordination *
open_elsewhere (EtcdKit *kit)
{
  const char *const endpoints[] = { kit->endpoints[1], kit->endpoints[2], NULL };
  const ColletEtcdConfig config = { .endpoints = endpoints, .give_up_ms = 15000 };

  return collet_etcd_new (&config, NULL);
}

static void
test_watch_killed (Fixture *fixture, gconstpointer data)
{
  ConformanceWatch *watch = conformance_watch_new ();
  g_autoptr (ColletCoordination) writer = open_elsewhere (fixture->kit);

  collet_coordination_watch (fixture->handle, "/watch/", look (fixture->handle) + 1, conformance_on_watch,
                             watch);
  put_numbers (writer, 0, 10);
  expect_all_seen (watch, 10);
  etcd_kit_kill (fixture->kit, 0);
  put_numbers (writer, 10, 20);
  expect_all_seen (watch, 20);
  collet_coordination_free (g_steal_pointer (&fixture->handle));
  conformance_watch_free (watch);
}

/* Nothing closes the connection: only asking finds out. */
static void
test_watch_hangs (Fixture *fixture, gconstpointer data)
{
  ConformanceWatch *watch = conformance_watch_new ();
  g_autoptr (ColletCoordination) writer = open_elsewhere (fixture->kit);

  collet_etcd_set_audit_ms (fixture->handle, 500);
  collet_coordination_watch (fixture->handle, "/watch/", look (fixture->handle) + 1, conformance_on_watch,
                             watch);
  put_numbers (writer, 0, 10);
  expect_all_seen (watch, 10);
  etcd_kit_signal (fixture->kit, 0, SIGSTOP);
  put_numbers (writer, 10, 20);
  expect_all_seen (watch, 20);
  etcd_kit_signal (fixture->kit, 0, SIGCONT);
  collet_coordination_free (g_steal_pointer (&fixture->handle));
  conformance_watch_free (watch);
}

/* A lease outlives the leader that gave it. */
static void
test_session_leader_killed (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ColletTxn) txn = collet_txn_new ();

  conformance_open_session (fixture->handle, 5);
  collet_txn_put_leased (txn, "/session/a", "1");
  g_autoptr (ColletTxnReply) reply = conformance_run (fixture->handle, txn);
  etcd_kit_kill (fixture->kit, etcd_kit_find_leader (fixture->kit));
  write_once (fixture, "/session-other/", 5);
  g_autofree char *still = conformance_get (fixture->handle, "/session/a");
  g_assert_cmpstr (still, ==, "1");
}

/* ---- certificates ---- */

static void
run_openssl (const char *folder, const char *script)
{
  const char *const argv[] = { "sh", "-ec", script, NULL };
  g_autoptr (GSubprocessLauncher) launcher =
      g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  g_autoptr (GError) error = NULL;

  g_subprocess_launcher_set_cwd (launcher, folder);
  g_autoptr (GSubprocess) process = g_subprocess_launcher_spawnv (launcher, argv, &error);
  g_assert_no_error (error);
  g_subprocess_wait_check (process, NULL, &error);
  g_assert_no_error (error);
}

#define MAKE_CA                                                                                              \
  "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=$1 "          \
  "-keyout $1.key -out $1.pem; "
#define MAKE_LEAF                                                                                            \
  "openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=$1 -keyout $1.key -out "    \
  "$1.csr; printf 'subjectAltName=IP:127.0.0.1\\nextendedKeyUsage=%s\\n' $3 >$1.ext; "                       \
  "openssl x509 -req -in $1.csr -CA $2.pem -CAkey $2.key -CAcreateserial -days 2 -extfile $1.ext -out "      \
  "$1.pem; "
#define MAKE_ALL                                                                                             \
  "ca () { " MAKE_CA "}; leaf () { " MAKE_LEAF "}; ca ca; ca other; leaf server ca serverAuth,clientAuth; "  \
  "leaf narrow ca serverAuth; leaf client ca clientAuth; leaf stranger other clientAuth"

static GError *
try_tls (const char *folder, const char *server, const char *ca, const char *client)
{
  g_autofree char *server_pem = g_strdup_printf ("%s/%s.pem", folder, server);
  g_autofree char *server_key = g_strdup_printf ("%s/%s.key", folder, server);
  g_autofree char *trusted = g_strdup_printf ("%s/ca.pem", folder);
  const char *const extra[] = { "--client-cert-auth", "--trusted-ca-file", trusted,    "--cert-file",
                                server_pem,           "--key-file",        server_key, NULL };
  EtcdKit *kit = etcd_kit_new (1, "https", extra);
  g_autofree char *ca_file = g_strdup_printf ("%s/%s.pem", folder, ca);
  g_autofree char *client_pem = g_strdup_printf ("%s/%s.pem", folder, client);
  g_autofree char *client_key = g_strdup_printf ("%s/%s.key", folder, client);
  const ColletEtcdConfig config = {
    .endpoints = (const char *const *)kit->endpoints,
    .ca_file = ca_file,
    .certificate_file = client_pem,
    .key_file = client_key,
    .give_up_ms = 4000,
  };
  GError *error = NULL;
  g_autoptr (ColletCoordination) handle = collet_etcd_new (&config, &error);
  g_autoptr (ColletTxn) txn = collet_txn_new ();

  g_assert_no_error (error);
  collet_txn_put (txn, "/tls", "1");
  g_autoptr (ColletTxnReply) reply = conformance_try (handle, txn, &error);
  g_assert_true ((reply != NULL) == (error == NULL));
  etcd_kit_free (kit);
  return error;
}

static void
test_tls (void)
{
  g_autofree char *openssl = g_find_program_in_path ("openssl");
  g_autofree char *folder = g_dir_make_tmp ("collet-tls-XXXXXX", NULL);
  g_autofree char *command = g_strdup_printf ("rm -rf '%s'", folder);

  if (openssl == NULL)
    {
      g_test_skip ("there is no openssl");
      return;
    }
  run_openssl (folder, MAKE_ALL);
  g_autoptr (GError) good = try_tls (folder, "server", "ca", "client");
  g_assert_no_error (good);
  /* A server that we do not trust, a client that it does not trust. */
  g_autoptr (GError) untrusted = try_tls (folder, "server", "other", "client");
  g_assert_error (untrusted, COLLET_ERROR, COLLET_ERROR_QUORUM_NOT_REACHED);
  g_autoptr (GError) stranger = try_tls (folder, "server", "ca", "stranger");
  g_assert_error (stranger, COLLET_ERROR, COLLET_ERROR_QUORUM_NOT_REACHED);
  /* The gateway is a client of its own server, with the server's certificate. */
  g_assert_nonnull (strstr (untrusted->message, "other.pem"));
  g_assert_nonnull (strstr (stranger->message, "Is our certificate"));
  g_assert_nonnull (strstr (stranger->message, "stranger.pem"));
  g_autoptr (GError) narrow = try_tls (folder, "narrow", "ca", "client");
  g_assert_error (narrow, COLLET_ERROR, COLLET_ERROR_QUORUM_NOT_REACHED);
  g_assert_nonnull (strstr (narrow->message, "clientAuth"));
  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL));
}

int
main (int argc, char **argv)
{
  const struct
  {
    const char *path;
    void (*run) (Fixture *, gconstpointer);
  } cases[] = {
    { "/coordination/members/leader-killed-nothing-is-lost", test_leader_killed },
    { "/coordination/members/leader-hangs-another-is-asked", test_leader_hangs },
    { "/coordination/members/a-minority-says-so-and-recovers", test_minority },
    { "/coordination/members/a-watch-goes-on-elsewhere", test_watch_killed },
    { "/coordination/members/a-watch-that-hangs-is-found-out", test_watch_hangs },
    { "/coordination/members/a-session-outlives-the-leader", test_session_leader_killed },
  };

  g_test_init (&argc, &argv, NULL);
  if (!etcd_kit_is_available ())
    {
      g_print ("1..0 # SKIP there is no etcd (Debian package etcd-server)\n");
      return 0;
    }
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_test_add (cases[i].path, Fixture, NULL, set_up, cases[i].run, tear_down);
  g_test_add_func ("/coordination/members/certificates-both-ways", test_tls);
  return g_test_run ();
}
