/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "etcd-kit.h"

#include <libsoup/soup.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

gboolean
etcd_kit_is_available (void)
{
  g_autofree char *program = g_find_program_in_path ("etcd");

  return program != NULL;
}

static guint16
free_port (void)
{
  g_autoptr (GSocket) probe =
      g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL);
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new (loopback, 0);

  g_assert_true (g_socket_bind (probe, any, FALSE, NULL));
  g_autoptr (GSocketAddress) bound = g_socket_get_local_address (probe, NULL);
  return g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound));
}

/* None is left behind, whatever becomes of the test. */
static void
die_with_parent (gpointer data)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

static void
start (EtcdKit *self, guint member)
{
  g_autoptr (GSubprocessLauncher) launcher =
      g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  g_autoptr (GError) error = NULL;

  if (g_getenv ("COLLET_TEST_ETCD_LOG") != NULL)
    g_subprocess_launcher_set_flags (launcher, G_SUBPROCESS_FLAGS_NONE);
  g_subprocess_launcher_set_child_setup (launcher, die_with_parent, NULL, NULL);
  self->members[member] =
      g_subprocess_launcher_spawnv (launcher, (const char *const *)self->arguments[member], &error);
  g_assert_no_error (error);
}

static GStrv
make_arguments (EtcdKit *self, guint member, const char *initial, guint16 peer, const char *const *extra)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  const char *client = self->endpoints[member];
  g_autofree char *name = g_strdup_printf ("m%u", member);
  g_autofree char *data = g_build_filename (self->folder, name, NULL);
  g_autofree char *peer_url = g_strdup_printf ("http://127.0.0.1:%u", peer);
  const char *const fixed[] = {
    "etcd",   "--name",
    name,     "--data-dir",
    data,     "--listen-client-urls",
    client,   "--advertise-client-urls",
    client,   "--listen-peer-urls",
    peer_url, "--initial-advertise-peer-urls",
    peer_url, "--initial-cluster",
    initial,  "--logger",
    "zap",    "--log-level",
    "error",  "--heartbeat-interval",
    "100",    "--election-timeout",
    "1000",   NULL,
  };

  g_strv_builder_addv (builder, (const char **)fixed);
  if (extra != NULL)
    g_strv_builder_addv (builder, (const char **)extra);
  return g_strv_builder_end (builder);
}

EtcdKit *
etcd_kit_new (guint n, const char *scheme, const char *const *extra)
{
  EtcdKit *self = g_new0 (EtcdKit, 1);
  g_autoptr (GString) initial = g_string_new (NULL);
  guint16 peers[ETCD_KIT_MAX];
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (n, <=, ETCD_KIT_MAX);
  /* As main() of the daemon: libsoup looks at it once, at the process' first session,
   * which here is this kit's own. Over HTTP/2 libsoup 3.6 warns of a connection that
   * the server has closed before its first request. */
  g_setenv ("SOUP_FORCE_HTTP1", "1", TRUE);
  self->n = n;
  self->folder = g_dir_make_tmp ("collet-etcd-XXXXXX", &error);
  g_assert_no_error (error);
  for (guint i = 0; i < n; i++)
    {
      peers[i] = free_port ();
      self->endpoints[i] = g_strdup_printf ("%s://127.0.0.1:%u", scheme, free_port ());
      g_string_append_printf (initial, "%sm%u=http://127.0.0.1:%u", i > 0 ? "," : "", i, peers[i]);
    }
  for (guint i = 0; i < n; i++)
    {
      self->arguments[i] = make_arguments (self, i, initial->str, peers[i], extra);
      start (self, i);
    }
  for (guint i = 0; i < n && g_str_equal (scheme, "http"); i++)
    etcd_kit_wait_healthy (self, i);
  return self;
}

void
etcd_kit_signal (EtcdKit *self, guint member, int signal)
{
  g_subprocess_send_signal (self->members[member], signal);
}

void
etcd_kit_kill (EtcdKit *self, guint member)
{
  if (self->members[member] == NULL)
    return;
  g_subprocess_force_exit (self->members[member]);
  g_subprocess_wait (self->members[member], NULL, NULL);
  g_clear_object (&self->members[member]);
}

void
etcd_kit_restart (EtcdKit *self, guint member)
{
  etcd_kit_kill (self, member);
  start (self, member);
}

static void
remove_tree (const char *path)
{
  const char *const argv[] = { "rm", "-rf", "--", path, NULL };
  g_autoptr (GSubprocess) process = g_subprocess_newv (argv, G_SUBPROCESS_FLAGS_NONE, NULL);

  g_subprocess_wait (process, NULL, NULL);
}

void
etcd_kit_free (EtcdKit *self)
{
  for (guint i = 0; i < self->n; i++)
    {
      etcd_kit_kill (self, i);
      g_strfreev (self->arguments[i]);
      g_free (self->endpoints[i]);
    }
  remove_tree (self->folder);
  g_free (self->folder);
  g_free (self);
}

/* ---- requests by hand ---- */

typedef struct
{
  gboolean is_done;
  GBytes *bytes;
} Posted;

static void
on_posted (GObject *object, GAsyncResult *result, gpointer data)
{
  Posted *posted = data;

  posted->bytes = soup_session_send_and_read_finish (SOUP_SESSION (object), result, NULL);
  posted->is_done = TRUE;
}

char *
etcd_kit_post (EtcdKit *self, guint member, const char *path, const char *body, guint *status)
{
  g_autoptr (SoupSession) session = soup_session_new_with_options ("timeout", 15, NULL);
  g_autofree char *url = g_strconcat (self->endpoints[member], path, NULL);
  g_autoptr (SoupMessage) message = soup_message_new ("POST", url);
  g_autoptr (GBytes) bytes = g_bytes_new (body, strlen (body));
  Posted posted = { 0 };

  soup_message_set_request_body_from_bytes (message, "application/json", bytes);
  soup_session_send_and_read_async (session, message, G_PRIORITY_DEFAULT, NULL, on_posted, &posted);
  while (!posted.is_done)
    g_main_context_iteration (NULL, TRUE);
  *status = posted.bytes != NULL ? soup_message_get_status (message) : 0;
  if (posted.bytes == NULL)
    return g_strdup ("");
  char *text = g_strndup (g_bytes_get_data (posted.bytes, NULL), g_bytes_get_size (posted.bytes));
  g_bytes_unref (posted.bytes);
  return text;
}

char *
etcd_kit_base64 (const char *text)
{
  return g_base64_encode ((const guchar *)text, strlen (text));
}

void
etcd_kit_wait_healthy (EtcdKit *self, guint member)
{
  gint64 end = g_get_monotonic_time () + 30 * G_USEC_PER_SEC;
  guint status = 0;

  while (status != 200)
    {
      /* A linearizable read: there is a leader. */
      g_autofree char *answer = etcd_kit_post (self, member, "/v3/kv/range", "{\"key\":\"YQ==\"}", &status);

      if (g_get_monotonic_time () > end)
        g_error ("etcd member %u does not serve: %u %s", member, status, answer);
      if (status != 200)
        g_usleep (50 * 1000);
    }
}

static char *
dup_field (const char *text, const char *name)
{
  g_autofree char *pattern = g_strdup_printf ("\"%s\":\"([0-9]+)\"", name);
  g_autoptr (GRegex) regex = g_regex_new (pattern, 0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;

  return g_regex_match (regex, text, 0, &match) ? g_match_info_fetch (match, 1) : NULL;
}

guint
etcd_kit_find_leader (EtcdKit *self)
{
  for (guint i = 0; i < self->n; i++)
    {
      guint status;
      g_autofree char *text = etcd_kit_post (self, i, "/v3/maintenance/status", "{}", &status);
      g_autofree char *leader = dup_field (text, "leader");
      g_autofree char *me = dup_field (text, "member_id");

      if (leader != NULL && g_strcmp0 (leader, me) == 0)
        return i;
    }
  g_error ("no member leads");
}
