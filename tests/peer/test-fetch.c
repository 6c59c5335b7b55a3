/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <unistd.h>

#include "collet-error.h"
#include "peer-fixture.h"

#define SIZE (3u * 1024u * 1024u + 17u)

typedef struct
{
  char *bytes;
  char *sha256;
} Artifact;

static void
make_artifact (Artifact *artifact)
{
  artifact->bytes = g_malloc (SIZE);
  for (guint i = 0; i < SIZE; i++)
    artifact->bytes[i] = (char)(i * 2654435761u >> 24);
  artifact->sha256 = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (guchar *)artifact->bytes, SIZE);
}

static void
artifact_clear (Artifact *artifact)
{
  g_free (artifact->bytes);
  g_free (artifact->sha256);
}

static int
fetch (PeerFixture *f, const ColletPeerIdentity *as, GPtrArray *sources, const char *sha256, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  collet_peer_client_fetch_async (f->client, as, sources, sha256, f->base, NULL, peer_fixture_on_ready,
                                  &result);
  return collet_peer_client_fetch_finish (f->client, peer_fixture_wait (&result), NULL, error);
}

static GPtrArray *
sources_of (PeerFixture *f, guint first)
{
  GPtrArray *sources = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_peer_source_free);

  for (guint i = first; i < f->nodes->len; i++)
    g_ptr_array_add (sources, peer_fixture_source (f->nodes->pdata[i]));
  return sources;
}

static void
assert_fetched (int fd, const Artifact *artifact)
{
  g_autofree char *got = g_malloc (SIZE + 1);
  gsize size = 0;
  gssize n;

  g_assert_cmpint (fd, >=, 0);
  while ((n = read (fd, got + size, SIZE + 1 - size)) > 0)
    size += (gsize)n;
  close (fd);
  g_assert_cmpmem (got, size, artifact->bytes, SIZE);
}

static void
test_brings_the_bytes (PeerFixture *f, gconstpointer data)
{
  Artifact artifact;
  g_autoptr (GError) error = NULL;
  PeerNode *one = peer_fixture_add_node (f, "n1");
  PeerNode *two = peer_fixture_add_node (f, "n2");

  make_artifact (&artifact);
  peer_fixture_introduce (f);
  peer_fixture_store (two, artifact.sha256, artifact.bytes, SIZE);
  g_autoptr (GPtrArray) sources = sources_of (f, 1);
  int fd = fetch (f, one->identity, sources, artifact.sha256, &error);
  g_assert_no_error (error);
  assert_fetched (fd, &artifact);
  artifact_clear (&artifact);
}

/* Half of it, bytes that are wrong, nothing, and nobody: then one that has it. */
static void
test_goes_on_with_another_node (PeerFixture *f, gconstpointer data)
{
  Artifact artifact;
  g_autoptr (GError) error = NULL;
  PeerNode *one = peer_fixture_add_node (f, "n1");
  PeerNode *half = peer_fixture_add_node (f, "half");
  PeerNode *wrong = peer_fixture_add_node (f, "wrong");
  PeerNode *gone = peer_fixture_add_node (f, "gone");
  peer_fixture_add_node (f, "empty");
  PeerNode *good = peer_fixture_add_node (f, "good");

  make_artifact (&artifact);
  peer_fixture_introduce (f);
  peer_fixture_store (half, artifact.sha256, artifact.bytes, SIZE / 2);
  artifact.bytes[5] ^= 1;
  peer_fixture_store (wrong, artifact.sha256, artifact.bytes, SIZE);
  artifact.bytes[5] ^= 1;
  peer_fixture_store (good, artifact.sha256, artifact.bytes, SIZE);
  collet_peer_listener_stop (gone->listener);
  gone->listener = NULL;

  g_autoptr (GPtrArray) sources = sources_of (f, 1);
  int fd = fetch (f, one->identity, sources, artifact.sha256, &error);
  g_assert_no_error (error);
  assert_fetched (fd, &artifact);

  g_ptr_array_remove_index (sources, sources->len - 1);
  g_assert_cmpint (fetch (f, one->identity, sources, artifact.sha256, &error), ==, -1);
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_NODE_FAILED);
  g_assert_nonnull (strstr (error->message, "\n  wrong: What it sent has the hash"));
  g_assert_nonnull (strstr (error->message, "\n  gone: "));
  g_assert_nonnull (strstr (error->message, "\n  empty: Version"));
  artifact_clear (&artifact);
}

/* Where the request wants to begin. */
static guint
find_offset (const char *request)
{
  const char *range = g_strstr_len (request, -1, "bytes=");

  return range != NULL ? (guint)g_ascii_strtoull (range + strlen ("bytes="), NULL, 10) : 0;
}

/* A node that dies when it has given half of the bytes, or all that were left. */
static gboolean
on_connection (GThreadedSocketService *service, GSocketConnection *plain, GObject *source, gpointer data)
{
  const Artifact *artifact = g_object_get_data (G_OBJECT (service), "artifact");
  GTlsCertificate *certificate = g_object_get_data (G_OBJECT (service), "certificate");
  g_autoptr (GIOStream) secure = g_tls_server_connection_new (G_IO_STREAM (plain), certificate, NULL);
  GOutputStream *out = g_io_stream_get_output_stream (secure);
  g_autofree char *head = NULL;
  char request[4096] = "";
  guint offset;

  g_input_stream_read (g_io_stream_get_input_stream (secure), request, sizeof request - 1, NULL, NULL);
  offset = find_offset (request);
  head = offset == 0 ? g_strdup_printf ("HTTP/1.1 200 OK\r\nContent-Length: %u\r\n\r\n", SIZE)
                     : g_strdup_printf ("HTTP/1.1 206 Partial Content\r\nContent-Length: %u\r\n"
                                        "Content-Range: bytes %u-%u/%u\r\n\r\n",
                                        SIZE - offset, offset, SIZE - 1, SIZE);
  g_output_stream_write_all (out, head, strlen (head), NULL, NULL, NULL);
  g_output_stream_write_all (out, artifact->bytes + offset, MIN (SIZE / 2, SIZE - offset), NULL, NULL, NULL);
  g_io_stream_close (secure, NULL, NULL);
  return TRUE;
}

/* with_other: another node has the bytes, of which only the second half is right. */
static void
fetch_from_dying (PeerFixture *f, gboolean with_other)
{
  Artifact artifact;
  g_autoptr (GError) error = NULL;
  PeerNode *one = peer_fixture_add_node (f, "n1");
  PeerNode *dying = peer_fixture_add_node (f, "dying");
  PeerNode *other = with_other ? peer_fixture_add_node (f, "other") : NULL;
  g_autofree char *pem = g_strconcat (dying->identity->key, dying->identity->certificate, NULL);
  g_autoptr (GTlsCertificate) certificate = g_tls_certificate_new_from_pem (pem, -1, &error);
  g_autoptr (GSocketService) service = g_threaded_socket_service_new (4);
  guint16 port = g_socket_listener_add_any_inet_port (G_SOCKET_LISTENER (service), NULL, &error);

  g_assert_no_error (error);
  make_artifact (&artifact);
  peer_fixture_introduce (f);
  g_object_set_data (G_OBJECT (service), "artifact", &artifact);
  g_object_set_data (G_OBJECT (service), "certificate", certificate);
  g_signal_connect (service, "run", G_CALLBACK (on_connection), NULL);
  g_free (dying->url);
  dying->url = g_strdup_printf ("https://127.0.0.1:%u", port);

  g_autofree char *late = g_memdup2 (artifact.bytes, SIZE);
  memset (late, 0, SIZE / 2);
  if (other != NULL)
    peer_fixture_store (other, artifact.sha256, late, SIZE);
  g_autoptr (GPtrArray) sources = sources_of (f, 1);
  int fd = fetch (f, one->identity, sources, artifact.sha256, &error);
  g_assert_no_error (error);
  assert_fetched (fd, &artifact);
  g_socket_service_stop (service);
  artifact_clear (&artifact);
}

static void
test_resumes_where_a_node_died (PeerFixture *f, gconstpointer data)
{
  fetch_from_dying (f, TRUE);
}

static void
test_asks_the_only_one_again (PeerFixture *f, gconstpointer data)
{
  fetch_from_dying (f, FALSE);
}

static void
test_nobody_has_it (PeerFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *sha256 = g_strnfill (64, 'a');
  PeerNode *one = peer_fixture_add_node (f, "n1");

  peer_fixture_add_node (f, "n2");
  peer_fixture_introduce (f);
  g_autoptr (GPtrArray) sources = sources_of (f, 0);
  g_assert_cmpint (fetch (f, one->identity, sources, sha256, &error), ==, -1);
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_ARTIFACT_NOT_FOUND);
}

/* Not of the roster: of the same authority, of another, and without any. */
static void
test_serves_only_the_roster (PeerFixture *f, gconstpointer data)
{
  Artifact artifact;
  g_autoptr (GError) error = NULL;
  PeerNode *one = peer_fixture_add_node (f, "n1");
  peer_fixture_introduce (f);
  PeerNode *removed = peer_fixture_add_node (f, "removed");
  g_autoptr (ColletPeerIdentity) foreign = collet_peer_identity_found ("other", "n1", "127.0.0.1", &error);
  const ColletPeerIdentity *callers[] = { removed->identity, foreign };

  make_artifact (&artifact);
  peer_fixture_store (one, artifact.sha256, artifact.bytes, SIZE);
  g_autoptr (GPtrArray) sources = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_peer_source_free);
  g_ptr_array_add (sources, peer_fixture_source (one));
  for (guint i = 0; i < G_N_ELEMENTS (callers); i++)
    {
      g_assert_cmpint (fetch (f, callers[i], sources, artifact.sha256, &error), ==, -1);
      g_assert_error (error, COLLET_ERROR, COLLET_ERROR_NODE_FAILED);
      g_clear_error (&error);
    }
  g_autofree char *request =
      g_strdup_printf ("GET /v1/artifacts/%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                       artifact.sha256);
  g_autofree char *got = peer_fixture_send_raw (one, request);
  g_assert_nonnull (strstr (got, " 403 "));
  g_assert_nonnull (strstr (got, "NotAuthorized"));
  artifact_clear (&artifact);
}

/* Somebody else took over its address. */
static void
test_takes_nothing_from_another_certificate (PeerFixture *f, gconstpointer data)
{
  Artifact artifact;
  g_autoptr (GError) error = NULL;
  PeerNode *one = peer_fixture_add_node (f, "n1");
  PeerNode *two = peer_fixture_add_node (f, "n2");
  g_autoptr (GPtrArray) sources = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_peer_source_free);

  make_artifact (&artifact);
  peer_fixture_introduce (f);
  peer_fixture_store (two, artifact.sha256, artifact.bytes, SIZE);
  g_ptr_array_add (sources, collet_peer_source_new ("n3", two->url, one->identity->fingerprint));
  g_assert_cmpint (fetch (f, one->identity, sources, artifact.sha256, &error), ==, -1);
  g_assert_error (error, COLLET_ERROR, COLLET_ERROR_NODE_FAILED);
  g_assert_nonnull (strstr (error->message, "does not have the certificate"));
  artifact_clear (&artifact);
}

static void
test_never_leaves_the_folder (PeerFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  PeerNode *one = peer_fixture_add_node (f, "n1");
  const char *names[] = { "../../etc/passwd", "", "x", "..%2f..%2fetc%2fpasswd" };

  peer_fixture_introduce (f);
  g_autoptr (GPtrArray) sources = sources_of (f, 0);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_assert_cmpint (fetch (f, one->identity, sources, names[i], &error), ==, -1);
      g_clear_error (&error);
    }
}

/* ---- signatures ---- */

static void
store_signature (PeerNode *node, const char *sha256, const char *text)
{
  g_autofree char *path = g_strdup_printf ("%s/%s.so.minisig", node->folder, sha256);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static char *
fetch_with_signature (PeerFixture *f, const ColletPeerIdentity *as, GPtrArray *sources, const char *sha256)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  char *signature = NULL;
  int fd;

  collet_peer_client_fetch_async (f->client, as, sources, sha256, f->base, NULL, peer_fixture_on_ready,
                                  &result);
  fd = collet_peer_client_fetch_finish (f->client, peer_fixture_wait (&result), &signature, &error);
  g_assert_no_error (error);
  close (fd);
  return signature;
}

static char *
ask_for_signature (PeerFixture *f, const ColletPeerIdentity *as, GPtrArray *sources, guint n,
                   const char *sha256)
{
  g_autoptr (GAsyncResult) result = NULL;

  collet_peer_client_fetch_signature_async (f->client, as, sources, n, sha256, NULL, peer_fixture_on_ready,
                                            &result);
  return collet_peer_client_fetch_signature_finish (f->client, peer_fixture_wait (&result));
}

static void
test_signature_comes_along (PeerFixture *f, gconstpointer data)
{
  Artifact artifact;
  PeerNode *one = peer_fixture_add_node (f, "n1");
  PeerNode *bare = peer_fixture_add_node (f, "bare");
  PeerNode *full = peer_fixture_add_node (f, "full");
  g_autofree char *large = g_strnfill (5000, 'x');
  g_autofree char *vast = g_strnfill (20000, 'x');

  make_artifact (&artifact);
  peer_fixture_introduce (f);
  peer_fixture_store (bare, artifact.sha256, artifact.bytes, SIZE);
  peer_fixture_store (full, artifact.sha256, artifact.bytes, SIZE);
  store_signature (full, artifact.sha256, "line 1\nline 2\n");
  g_autoptr (GPtrArray) sources = sources_of (f, 1);

  /* With the bytes, if the node that gives them has it; else by asking. */
  g_autofree char *none = fetch_with_signature (f, one->identity, sources, artifact.sha256);
  g_assert_null (none);
  g_autofree char *asked = ask_for_signature (f, one->identity, sources, sources->len, artifact.sha256);
  g_assert_cmpstr (asked, ==, "line 1\nline 2\n");
  g_autofree char *not_asked = ask_for_signature (f, one->identity, sources, 1, artifact.sha256);
  g_assert_null (not_asked);
  g_ptr_array_remove_index (sources, 0);
  g_autofree char *along = fetch_with_signature (f, one->identity, sources, artifact.sha256);
  g_assert_cmpstr (along, ==, "line 1\nline 2\n");

  /* One that is too long for that is asked for; one that no loader would read is none. */
  store_signature (full, artifact.sha256, large);
  g_autofree char *too_long = fetch_with_signature (f, one->identity, sources, artifact.sha256);
  g_assert_null (too_long);
  g_autofree char *by_asking = ask_for_signature (f, one->identity, sources, 1, artifact.sha256);
  g_assert_cmpstr (by_asking, ==, large);
  store_signature (full, artifact.sha256, vast);
  g_autofree char *too_large = ask_for_signature (f, one->identity, sources, 1, artifact.sha256);
  g_assert_null (too_large);

  /* For the roster alone. */
  store_signature (full, artifact.sha256, "line 1\n");
  PeerNode *stranger = peer_fixture_add_node (f, "n4");
  g_autofree char *refused = ask_for_signature (f, stranger->identity, sources, 1, artifact.sha256);
  g_assert_null (refused);
  artifact_clear (&artifact);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(name, func)                                                                                     \
  g_test_add ("/peer/fetch/" name, PeerFixture, NULL, peer_fixture_set_up, func, peer_fixture_tear_down)
  TEST ("brings-the-bytes", test_brings_the_bytes);
  TEST ("goes-on-with-another-node", test_goes_on_with_another_node);
  TEST ("resumes-where-a-node-died", test_resumes_where_a_node_died);
  TEST ("asks-the-only-one-again-for-the-rest", test_asks_the_only_one_again);
  TEST ("says-that-nobody-has-it", test_nobody_has_it);
  TEST ("serves-only-the-roster", test_serves_only_the_roster);
  TEST ("takes-nothing-from-another-certificate", test_takes_nothing_from_another_certificate);
  TEST ("never-leaves-the-folder", test_never_leaves_the_folder);
  TEST ("a-signature-comes-along", test_signature_comes_along);
  return g_test_run ();
}
