/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-peer-listener.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gnutls/gnutls.h>
#include <microhttpd.h>

#include <gio/gio.h>

#include "collet-error.h"
#include "collet-failpoint.h"

#define MAX_CONNECTIONS 256
#define MAX_CONNECTIONS_PER_ADDRESS 32
#define TIMEOUT_S 30
#define LINGER_MS 500u /* for who waited to take the refusal */
#define CONNECTION_MEMORY (32u * 1024u)
#define PRIORITIES "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"
#define ARTIFACTS "/v1/artifacts/"
#define SIGNATURE ".minisig"
#define JOIN "/v1/join"

struct _ColletPeerListener
{
  struct MHD_Daemon *daemon;
  GSocket *socket;
  ColletPeerIdentity *identity;
  char *artifacts;
  GMainContext *context;
  ColletPeerJoinFunc join;
  gpointer user_data;
  pthread_mutex_t lock; /* of what follows */
  GHashTable *members;
  GPtrArray *waiting; /* ColletPeerJoin: suspended, not answered */
  guint n_joins;      /* that a connection has not ended with */
  gboolean is_stopping;
};

/* ---- answers ---- */

static enum MHD_Result
answer (struct MHD_Connection *connection, guint status, const char *json)
{
  struct MHD_Response *response =
      MHD_create_response_from_buffer (strlen (json), (void *)json, MHD_RESPMEM_MUST_COPY);

  MHD_add_response_header (response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
  enum MHD_Result result = MHD_queue_response (connection, status, response);
  MHD_destroy_response (response);
  return result;
}

static guint
status_of (const GError *error)
{
  if (g_error_matches (error, COLLET_ERROR, COLLET_ERROR_NOT_AUTHORIZED))
    return MHD_HTTP_FORBIDDEN;
  if (g_error_matches (error, COLLET_ERROR, COLLET_ERROR_ARTIFACT_NOT_FOUND) ||
      g_error_matches (error, COLLET_ERROR, COLLET_ERROR_NOT_FOUND))
    return MHD_HTTP_NOT_FOUND;
  if (g_error_matches (error, COLLET_ERROR, COLLET_ERROR_ALREADY_REGISTERED) ||
      g_error_matches (error, COLLET_ERROR, COLLET_ERROR_NAME_IN_USE))
    return MHD_HTTP_CONFLICT;
  if (g_error_matches (error, COLLET_ERROR, COLLET_ERROR_SHUTTING_DOWN) ||
      g_error_matches (error, COLLET_ERROR, COLLET_ERROR_OVERLOADED))
    return MHD_HTTP_SERVICE_UNAVAILABLE;
  return MHD_HTTP_BAD_REQUEST;
}

/* Takes `error`. */
static enum MHD_Result
answer_error (struct MHD_Connection *connection, GError *error)
{
  g_autofree char *json = collet_peer_error_to_json (error);
  guint status = status_of (error);

  g_error_free (error);
  return answer (connection, status, json);
}

/* ---- who asks ---- */

/* TLS has proven that it has the key of this certificate. */
static gboolean
is_member (ColletPeerListener *self, struct MHD_Connection *connection)
{
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info (connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
  unsigned int n = 0;
  const gnutls_datum_t *chain = info != NULL ? gnutls_certificate_get_peers (info->tls_session, &n) : NULL;
  char fingerprint[COLLET_FINGERPRINT_SIZE];

  if (chain == NULL || n == 0)
    return FALSE;
  collet_certificate_fingerprint_of (chain[0].data, chain[0].size, fingerprint);
  pthread_mutex_lock (&self->lock);
  gboolean is = self->members != NULL && g_hash_table_contains (self->members, fingerprint);
  pthread_mutex_unlock (&self->lock);
  return is;
}

/* ---- artifacts ---- */

/* "bytes=N-" and nothing else; another range is answered with the whole. */
static guint64
get_offset (struct MHD_Connection *connection)
{
  const char *range = MHD_lookup_connection_value (connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_RANGE);
  char *end;

  if (range == NULL || !g_str_has_prefix (range, "bytes=") || !g_ascii_isdigit (range[6]))
    return 0;
  guint64 offset = g_ascii_strtoull (range + 6, &end, 10);
  return g_str_equal (end, "-") ? offset : 0;
}

/* One that is as short as they are goes along; a longer one can be asked for. */
static void
add_signature (struct MHD_Response *response, const char *path)
{
  g_autofree char *name = g_strconcat (path, SIGNATURE, NULL);
  char text[COLLET_PEER_SIGNATURE_MAX];
  int fd = open (name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  struct stat info;
  gssize size = 0;

  if (fd < 0)
    return;
  if (fstat (fd, &info) == 0 && S_ISREG (info.st_mode) && info.st_size <= COLLET_PEER_SIGNATURE_MAX)
    size = read (fd, text, sizeof text);
  close (fd);
  if (size <= 0)
    return;
  g_autofree char *encoded = g_base64_encode ((const guchar *)text, (gsize)size);
  MHD_add_response_header (response, COLLET_PEER_SIGNATURE, encoded);
}

static enum MHD_Result
send_file (struct MHD_Connection *connection, const char *path, int fd, guint64 size)
{
  guint64 offset = get_offset (connection);
  struct MHD_Response *response;
  guint status = offset > 0 ? MHD_HTTP_PARTIAL_CONTENT : MHD_HTTP_OK;
  g_autofree char *part = NULL;

  if (offset >= size && offset > 0)
    {
      close (fd);
      return answer (connection, MHD_HTTP_RANGE_NOT_SATISFIABLE, "{}");
    }
  response = MHD_create_response_from_fd_at_offset64 (size - offset, fd, offset);
  part = g_strdup_printf ("bytes %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT, offset,
                          size - 1, size);
  if (offset > 0)
    MHD_add_response_header (response, MHD_HTTP_HEADER_CONTENT_RANGE, part);
  MHD_add_response_header (response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/octet-stream");
  MHD_add_response_header (response, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
  add_signature (response, path);
  enum MHD_Result result = MHD_queue_response (connection, status, response);
  MHD_destroy_response (response);
  return result;
}

/* name: a SHA-256, or one and ".minisig" for the signature that came with it. */
static enum MHD_Result
serve_artifact (ColletPeerListener *self, struct MHD_Connection *connection, const char *name)
{
  gboolean is_signature = g_str_has_suffix (name, SIGNATURE);
  g_autofree char *sha256 = g_strndup (name, strlen (name) - (is_signature ? strlen (SIGNATURE) : 0));
  struct stat info;

  if (strlen (sha256) != 64 || strspn (sha256, "0123456789abcdef") != 64)
    return answer_error (connection, g_error_new_literal (COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                                                          "An artifact is named by its SHA-256."));
  collet_failpoint ("peer-serving-artifact");
  g_autofree char *path =
      g_strdup_printf ("%s/%s.so%s", self->artifacts, sha256, is_signature ? SIGNATURE : "");
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0 || fstat (fd, &info) != 0 || !S_ISREG (info.st_mode))
    {
      if (fd >= 0)
        close (fd);
      return answer_error (connection,
                           g_error_new (COLLET_ERROR, COLLET_ERROR_ARTIFACT_NOT_FOUND,
                                        is_signature ? "No signature of version %.12s is kept on this node."
                                                     : "Version %.12s is not kept on this node.",
                                        sha256));
    }
  return send_file (connection, path, fd, (guint64)info.st_size);
}

/* ---- joining ---- */

struct _ColletPeerJoin
{
  ColletPeerListener *listener;
  struct MHD_Connection *connection;
  GByteArray *body;
  ColletJoinRequest *request;
  GSource *source; /* hands it over; until then */
  char *json;      /* the answer */
  guint status;
};

static void
join_free (ColletPeerJoin *join)
{
  g_byte_array_unref (join->body);
  g_clear_pointer (&join->request, collet_join_request_free);
  g_free (join->json);
  g_free (join);
}

const ColletJoinRequest *
collet_peer_join_get_request (ColletPeerJoin *join)
{
  return join->request;
}

static guint
count_join (ColletPeerListener *self, int change)
{
  pthread_mutex_lock (&self->lock);
  self->n_joins += (guint)change;
  guint n = self->n_joins;
  pthread_mutex_unlock (&self->lock);
  return n;
}

static void
finish_join (ColletPeerJoin *join, guint status, char *json)
{
  ColletPeerListener *self = join->listener;

  if (join->source != NULL)
    {
      g_source_destroy (join->source);
      g_clear_pointer (&join->source, g_source_unref);
    }
  pthread_mutex_lock (&self->lock);
  g_ptr_array_remove (self->waiting, join);
  join->status = status;
  join->json = json;
  MHD_resume_connection (join->connection); /* its thread frees it from here on */
  pthread_mutex_unlock (&self->lock);
}

void
collet_peer_join_accept (ColletPeerJoin *join, const ColletJoinReply *reply)
{
  finish_join (join, MHD_HTTP_OK, collet_join_reply_to_json (reply));
}

void
collet_peer_join_refuse (ColletPeerJoin *join, GError *error)
{
  finish_join (join, status_of (error), collet_peer_error_to_json (error));
  g_error_free (error);
}

static gboolean
on_join (gpointer data)
{
  ColletPeerJoin *join = data;

  g_clear_pointer (&join->source, g_source_unref);
  join->listener->join (join, join->listener->user_data);
  return G_SOURCE_REMOVE;
}

/* FALSE: nobody is there to answer any more. */
static gboolean
hand_over (ColletPeerListener *self, ColletPeerJoin *join)
{
  pthread_mutex_lock (&self->lock);
  gboolean ok = !self->is_stopping;
  if (ok)
    {
      g_ptr_array_add (self->waiting, join);
      MHD_suspend_connection (join->connection);
      join->source = g_idle_source_new ();
      g_source_set_priority (join->source, G_PRIORITY_DEFAULT);
      g_source_set_callback (join->source, on_join, join, NULL);
      g_source_attach (join->source, self->context);
    }
  pthread_mutex_unlock (&self->lock);
  return ok;
}

static GError *
stopping_error (void)
{
  return g_error_new_literal (COLLET_ERROR, COLLET_ERROR_SHUTTING_DOWN,
                              "The daemon is stopping; ask again when it is back.");
}

/* Called for each part of the body, then for the answer. */
static enum MHD_Result
serve_join (ColletPeerListener *self, ColletPeerJoin *join, const char *part, size_t *size)
{
  GError *error = NULL;

  if (*size > 0)
    {
      if (join->body->len + *size > COLLET_PEER_MAX_BODY)
        return MHD_NO;
      g_byte_array_append (join->body, (const guint8 *)part, (guint)*size);
      *size = 0;
      return MHD_YES;
    }
  if (join->json != NULL)
    return answer (join->connection, join->status, join->json);

  g_autoptr (GBytes) body = g_bytes_new (join->body->data, join->body->len);
  join->request = collet_join_request_parse (body, &error);
  if (join->request == NULL)
    return answer_error (join->connection, error);
  return hand_over (self, join) ? MHD_YES : answer_error (join->connection, stopping_error ());
}

/* ---- libmicrohttpd ---- */

static enum MHD_Result
on_access (void *cls, struct MHD_Connection *connection, const char *url, const char *method,
           const char *version, const char *part, size_t *size, void **state)
{
  ColletPeerListener *self = cls;

  if (g_str_equal (url, JOIN) && g_str_equal (method, "POST"))
    {
      if (*state != NULL)
        return serve_join (self, *state, part, size);
      ColletPeerJoin *join = g_new0 (ColletPeerJoin, 1);
      join->listener = self;
      join->connection = connection;
      join->body = g_byte_array_new ();
      *state = join;
      count_join (self, 1);
      return MHD_YES;
    }
  if (!is_member (self, connection))
    return answer_error (connection, g_error_new_literal (COLLET_ERROR, COLLET_ERROR_NOT_AUTHORIZED,
                                                          "The certificate is not one of this cluster's "
                                                          "roster, or none was shown."));
  if (g_str_has_prefix (url, ARTIFACTS) && (g_str_equal (method, "GET") || g_str_equal (method, "HEAD")))
    return serve_artifact (self, connection, url + strlen (ARTIFACTS));
  return answer_error (connection, g_error_new_literal (COLLET_ERROR, COLLET_ERROR_NOT_FOUND,
                                                        "There is no such thing here."));
}

static void
on_completed (void *cls, struct MHD_Connection *connection, void **state,
              enum MHD_RequestTerminationCode code)
{
  if (*state == NULL)
    return;
  join_free (*state);
  *state = NULL;
  count_join (cls, -1);
}

G_GNUC_PRINTF (2, 0)
static void
on_log (void *cls, const char *format, va_list arguments)
{
  g_autofree char *text = g_strdup_vprintf (format, arguments);

  g_debug ("libmicrohttpd (peers): %s", g_strchomp (text));
}

/* ---- start and stop ---- */

static GSocket *
bind_to (const char *address, GError **error)
{
  g_autoptr (GSocketConnectable) connectable = g_network_address_parse (address, 0, error);
  if (connectable == NULL)
    return NULL;
  g_autoptr (GSocketAddressEnumerator) enumerator = g_socket_connectable_enumerate (connectable);
  g_autoptr (GSocketAddress) first = g_socket_address_enumerator_next (enumerator, NULL, error);
  if (first == NULL)
    return NULL;
  g_autoptr (GSocket) made =
      g_socket_new (g_socket_address_get_family (first), G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, error);
  if (made == NULL || !g_socket_bind (made, first, TRUE, error) || !g_socket_listen (made, error))
    return NULL;
  g_socket_set_blocking (made, FALSE);
  return g_steal_pointer (&made);
}

static gboolean
start (ColletPeerListener *self)
{
  int fd = dup (g_socket_get_fd (self->socket)); /* libmicrohttpd closes it */
  struct MHD_OptionItem options[] = {
    { MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)on_log, NULL },
    { MHD_OPTION_LISTEN_SOCKET, fd, NULL },
    { MHD_OPTION_CONNECTION_LIMIT, MAX_CONNECTIONS, NULL },
    { MHD_OPTION_PER_IP_CONNECTION_LIMIT, MAX_CONNECTIONS_PER_ADDRESS, NULL },
    { MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, NULL },
    { MHD_OPTION_CONNECTION_TIMEOUT, TIMEOUT_S, NULL },
    { MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL },
    { MHD_OPTION_HTTPS_MEM_KEY, 0, self->identity->key },
    { MHD_OPTION_HTTPS_MEM_CERT, 0, self->identity->certificate },
    { MHD_OPTION_HTTPS_MEM_TRUST, 0, self->identity->authority }, /* asks for a certificate */
    { MHD_OPTION_HTTPS_PRIORITIES, 0, (char *)PRIORITIES },
    { MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, self },
    { MHD_OPTION_END, 0, NULL },
  };

  self->daemon = MHD_start_daemon (MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TLS |
                                       MHD_USE_ERROR_LOG | MHD_USE_ITC,
                                   0, NULL, NULL, on_access, self, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
  if (self->daemon == NULL)
    close (fd);
  return self->daemon != NULL;
}

static void
listener_free (ColletPeerListener *self)
{
  g_clear_object (&self->socket);
  g_ptr_array_unref (self->waiting);
  g_clear_pointer (&self->members, g_hash_table_unref);
  pthread_mutex_destroy (&self->lock);
  collet_peer_identity_unref (self->identity);
  g_main_context_unref (self->context);
  g_free (self->artifacts);
  g_free (self);
}

ColletPeerListener *
collet_peer_listener_new (const char *address, const ColletPeerIdentity *identity, const char *artifacts,
                          ColletPeerJoinFunc join, gpointer user_data, GError **error)
{
  ColletPeerListener *self = g_new0 (ColletPeerListener, 1);
  g_autoptr (GError) reason = NULL;

  self->identity = collet_peer_identity_ref ((ColletPeerIdentity *)identity);
  self->artifacts = g_strdup (artifacts);
  self->context = g_main_context_ref_thread_default ();
  self->join = join;
  self->user_data = user_data;
  self->waiting = g_ptr_array_new ();
  pthread_mutex_init (&self->lock, NULL);
  self->socket = bind_to (address, &reason);
  if (self->socket != NULL && start (self))
    return self;

  ColletError code = g_error_matches (reason, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE)
                         ? COLLET_ERROR_ADDRESS_IN_USE
                     : self->socket == NULL ? COLLET_ERROR_INVALID_ARGUMENT
                                            : COLLET_ERROR_FAILED;
  g_set_error (error, COLLET_ERROR, (int)code, "Peers cannot be served on %s: %s.", address,
               reason != NULL ? reason->message : "the certificate or the limits do not let it start");
  listener_free (self);
  return NULL;
}

guint16
collet_peer_listener_get_port (ColletPeerListener *self)
{
  g_autoptr (GSocketAddress) address = g_socket_get_local_address (self->socket, NULL);

  return address != NULL ? g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address)) : 0;
}

void
collet_peer_listener_set_members (ColletPeerListener *self, GHashTable *fingerprints)
{
  pthread_mutex_lock (&self->lock);
  g_autoptr (GHashTable) former = self->members;
  self->members = fingerprints;
  pthread_mutex_unlock (&self->lock);
}

void
collet_peer_listener_stop (ColletPeerListener *self)
{
  pthread_mutex_lock (&self->lock);
  self->is_stopping = TRUE;
  g_autoptr (GPtrArray) left = g_ptr_array_copy (self->waiting, NULL, NULL);
  pthread_mutex_unlock (&self->lock);
  for (guint i = 0; i < left->len; i++)
    collet_peer_join_refuse (left->pdata[i], stopping_error ());
  for (guint waited = 0; left->len > 0 && count_join (self, 0) > 0 && waited < LINGER_MS; waited++)
    g_usleep (1000);
  MHD_stop_daemon (self->daemon);
  listener_free (self);
}
