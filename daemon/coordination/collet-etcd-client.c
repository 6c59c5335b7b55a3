/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-etcd-client.h"

#include "collet-error.h"
#include "collet-etcd-json.h"

#include <string.h>

#define DEFAULT_TRY_MS 1000
#define DEFAULT_GIVE_UP_MS 6000
#define PAUSE_MS 100 /* after all members were asked */
#define MAX_ANSWER (32 * 1024 * 1024)
#define CHUNK (64 * 1024)

struct _ColletEtcdClient
{
  SoupSession *session;
  GTlsCertificate *certificate; /* or NULL, as the files' names: */
  char *ca_file;
  char *certificate_file;
  GStrv endpoints;
  guint n_endpoints;
  guint try_ms;
  guint give_up_ms;
  guint member;     /* that answered last */
  GPtrArray *calls; /* ColletEtcdCall, owned */
  gint64 failing_since;
  char *failure;
};

struct _ColletEtcdCall
{
  ColletEtcdClient *client; /* NULL: cancelled; the try that is under way frees it */
  char *path;
  char *body;
  ColletEtcdAnswer answer;
  gpointer user_data;
  gint64 give_up_at; /* monotonic */
  guint member;      /* being asked */
  guint tries;
  GCancellable *cancellable; /* of the try */
  guint timer;               /* of the try, or of the pause */
  gboolean is_trying;
  gboolean is_sent; /* by one of the tries, as far as is known */
  SoupMessage *message;
  GInputStream *stream;
  GByteArray *text;
};

static void start_try (ColletEtcdCall *call);

/* ---- calls ---- */

static void
clear_try (ColletEtcdCall *call)
{
  if (call->timer != 0)
    g_source_remove (call->timer);
  call->timer = 0;
  if (call->message != NULL)
    g_signal_handlers_disconnect_by_data (call->message, call);
  g_clear_object (&call->cancellable);
  g_clear_object (&call->message);
  g_clear_object (&call->stream);
  g_clear_pointer (&call->text, g_byte_array_unref);
  call->is_trying = FALSE;
}

static void
call_free (ColletEtcdCall *call)
{
  clear_try (call);
  g_free (call->path);
  g_free (call->body);
  g_free (call);
}

void
collet_etcd_call_cancel (ColletEtcdCall *call)
{
  ColletEtcdClient *client = call->client;

  call->client = NULL;
  g_ptr_array_remove_fast (client->calls, call);
  if (call->is_trying)
    g_cancellable_cancel (call->cancellable);
  else
    call_free (call);
}

/* Frees the call before it answers: the answer may free the client. */
static void
finish (ColletEtcdCall *call, const ColletJson *json, const GError *error)
{
  ColletEtcdAnswer answer = call->answer;
  gpointer user_data = call->user_data;

  g_ptr_array_remove_fast (call->client->calls, call);
  call_free (call);
  answer (json, error, user_data);
}

static void
note_answer (ColletEtcdClient *self, guint member)
{
  self->member = member;
  self->failing_since = 0;
  g_clear_pointer (&self->failure, g_free);
}

static gboolean
on_pause_over (gpointer data)
{
  ColletEtcdCall *call = data;

  call->timer = 0;
  start_try (call);
  return G_SOURCE_REMOVE;
}

/* This member gave no answer: the next, or no more. */
static void
try_elsewhere (ColletEtcdCall *call, const char *reason)
{
  ColletEtcdClient *client = call->client;
  gboolean is_round_over = ++call->tries % client->n_endpoints == 0;
  gboolean gives_up = g_get_monotonic_time () >= call->give_up_at;

  clear_try (call);
  g_free (client->failure);
  client->failure = g_strdup_printf ("%s: %s", client->endpoints[call->member], reason);
  if ((is_round_over || gives_up) && client->failing_since == 0)
    client->failing_since = g_get_real_time ();
  if (gives_up)
    {
      g_autoptr (GError) error = g_error_new (
          COLLET_ERROR, COLLET_ERROR_QUORUM_NOT_REACHED,
          "No member of etcd gave an answer; the last was asked at %s. %s See that a majority of "
          "its members run and reach each other.",
          client->failure,
          call->is_sent ? "Whether the change was made is not known."
                        : "Nothing could be sent, so nothing was changed.");

      finish (call, NULL, error);
      return;
    }
  call->member = (call->member + 1) % client->n_endpoints;
  if (is_round_over)
    call->timer = g_timeout_add (PAUSE_MS, on_pause_over, call);
  else
    start_try (call);
}

static void
end_try (ColletEtcdCall *call)
{
  guint status = soup_message_get_status (call->message);
  g_autoptr (GError) error = NULL;
  g_autoptr (ColletJson) json =
      collet_json_parse ((const char *)call->text->data, (gssize)call->text->len, &error);

  if (status == SOUP_STATUS_OK && json != NULL)
    {
      note_answer (call->client, call->member);
      finish (call, json, NULL);
      return;
    }
  if (status == SOUP_STATUS_OK)
    {
      try_elsewhere (call, error->message);
      return;
    }
  g_clear_error (&error);
  if (collet_etcd_json_read_error (json, status, &error) == COLLET_ETCD_ELSEWHERE)
    {
      if (call->client->certificate != NULL && g_str_has_prefix (error->message, "etcd: connection "))
        g_prefix_error (&error,
                        "its gateway cannot reach it; is its own certificate good for clientAuth too? ");
      try_elsewhere (call, error->message);
      return;
    }
  note_answer (call->client, call->member);
  finish (call, NULL, error);
}

/* With TLS 1.3 a client whose certificate is refused learns of it after its own
 * handshake, by whatever way the connection ends then. */
static char *
describe (const ColletEtcdClient *self, const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return g_strdup ("no answer in time");
  if (self->certificate == NULL)
    return g_strdup (error->message);
  if (g_error_matches (error, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE))
    return g_strdup_printf ("its certificate is not one for that address by the CA in %s (%s)", self->ca_file,
                            error->message);
  if (error->domain == G_TLS_ERROR || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE) ||
      g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED))
    return g_strdup_printf ("it ended the connection. Is our certificate, %s, valid and by the CA that etcd "
                            "trusts (--trusted-ca-file)? (%s)",
                            self->certificate_file, error->message);
  return g_strdup (error->message);
}

/* TRUE: the call is gone or has gone on. */
static gboolean
is_over (ColletEtcdCall *call, const GError *error)
{
  if (call->client == NULL)
    {
      call_free (call);
      return TRUE;
    }
  if (error == NULL)
    return FALSE;
  g_autofree char *reason = describe (call->client, error);
  try_elsewhere (call, reason);
  return TRUE;
}

static void
on_read (GObject *object, GAsyncResult *result, gpointer data)
{
  ColletEtcdCall *call = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = g_input_stream_read_bytes_finish (G_INPUT_STREAM (object), result, &error);

  if (is_over (call, error))
    return;
  if (g_bytes_get_size (bytes) == 0)
    {
      end_try (call);
      return;
    }
  g_byte_array_append (call->text, g_bytes_get_data (bytes, NULL), (guint)g_bytes_get_size (bytes));
  if (call->text->len > MAX_ANSWER)
    {
      try_elsewhere (call, "the answer is larger than 32 MiB");
      return;
    }
  g_input_stream_read_bytes_async (call->stream, CHUNK, G_PRIORITY_DEFAULT, call->cancellable, on_read, call);
}

static void
on_sent (GObject *object, GAsyncResult *result, gpointer data)
{
  ColletEtcdCall *call = data;
  g_autoptr (GError) error = NULL;
  GInputStream *stream = soup_session_send_finish (SOUP_SESSION (object), result, &error);

  if (is_over (call, error))
    {
      g_clear_object (&stream);
      return;
    }
  call->stream = stream;
  call->text = g_byte_array_new ();
  g_input_stream_read_bytes_async (stream, CHUNK, G_PRIORITY_DEFAULT, call->cancellable, on_read, call);
}

static gboolean
on_try_timeout (gpointer data)
{
  ColletEtcdCall *call = data;

  call->timer = 0;
  g_cancellable_cancel (call->cancellable);
  return G_SOURCE_REMOVE;
}

/* From then on it may have been carried out, also if this connection ends and the
 * next one cannot be made. */
static void
on_wrote_headers (SoupMessage *message, gpointer data)
{
  ColletEtcdCall *call = data;

  call->is_sent = TRUE;
}

static void
start_try (ColletEtcdCall *call)
{
  ColletEtcdClient *client = call->client;

  call->is_trying = TRUE;
  call->cancellable = g_cancellable_new ();
  call->message = collet_etcd_client_new_message (client, call->member, call->path, call->body);
  call->timer = g_timeout_add (client->try_ms, on_try_timeout, call);
  g_signal_connect (call->message, "wrote-headers", G_CALLBACK (on_wrote_headers), call);
  soup_session_send_async (client->session, call->message, G_PRIORITY_DEFAULT, call->cancellable, on_sent,
                           call);
}

ColletEtcdCall *
collet_etcd_client_post (ColletEtcdClient *self, const char *path, char *body, ColletEtcdAnswer answer,
                         gpointer user_data)
{
  ColletEtcdCall *call = g_new0 (ColletEtcdCall, 1);

  call->client = self;
  call->path = g_strdup (path);
  call->body = body;
  call->answer = answer;
  call->user_data = user_data;
  call->member = self->member;
  call->give_up_at = g_get_monotonic_time () + self->give_up_ms * (gint64)1000;
  g_ptr_array_add (self->calls, call);
  start_try (call);
  return call;
}

void
collet_etcd_client_post_and_forget (ColletEtcdClient *self, const char *path, char *body)
{
  g_autofree char *taken = body;
  g_autoptr (SoupMessage) message = collet_etcd_client_new_message (self, self->member, path, taken);

  soup_session_send_and_read_async (self->session, message, G_PRIORITY_DEFAULT, NULL, NULL, NULL);
}

/* ---- the client ---- */

static gboolean
check_endpoint (const char *endpoint, gboolean has_tls, GError **error)
{
  g_autoptr (GUri) uri = g_uri_parse (endpoint, G_URI_FLAGS_NONE, NULL);
  const char *scheme = uri != NULL ? g_uri_get_scheme (uri) : "";
  const char *host = uri != NULL ? g_uri_get_host (uri) : NULL;
  g_autoptr (GInetAddress) address = host != NULL ? g_inet_address_new_from_string (host) : NULL;

  if (host != NULL && *host != '\0' && *g_uri_get_path (uri) == '\0' && g_uri_get_query (uri) == NULL &&
      ((g_str_equal (scheme, "https") && has_tls) ||
       (g_str_equal (scheme, "http") && address != NULL && g_inet_address_get_is_loopback (address))))
    return TRUE;
  g_set_error (
      error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
      "\"%.200s\" is no address of a cluster store. Give \"https://HOST:PORT\" with the files of CA, "
      "certificate and key; \"http://127.0.0.1:PORT\" is for this machine alone.",
      endpoint);
  return FALSE;
}

static gboolean
load_certificates (ColletEtcdClient *self, const ColletEtcdConfig *config, GError **error)
{
  g_autoptr (GTlsDatabase) database = NULL;
  g_autoptr (GError) reason = NULL;

  if (config->ca_file == NULL)
    return TRUE;
  database = g_tls_file_database_new (config->ca_file, &reason);
  if (database != NULL)
    self->certificate =
        g_tls_certificate_new_from_files (config->certificate_file, config->key_file, &reason);
  if (self->certificate == NULL)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT,
                   "The certificates for the cluster store cannot be read (%s, %s, %s): %s. Set them in "
                   "[cluster] of colletd.conf.",
                   config->ca_file, config->certificate_file, config->key_file, reason->message);
      return FALSE;
    }
  self->ca_file = g_strdup (config->ca_file);
  self->certificate_file = g_strdup (config->certificate_file);
  soup_session_set_tls_database (self->session, database);
  return TRUE;
}

ColletEtcdClient *
collet_etcd_client_new (const ColletEtcdConfig *config, GError **error)
{
  gboolean has_tls = config->ca_file != NULL && config->certificate_file != NULL && config->key_file != NULL;

  /* libsoup over HTTP/2 can leave a watch silent when its server dies. Has to be
   * there before the process' first session; main() sets it, before there are
   * threads. */
  if (g_strcmp0 (g_getenv ("SOUP_FORCE_HTTP1"), "1") != 0)
    g_setenv ("SOUP_FORCE_HTTP1", "1", TRUE);

  if (config->endpoints == NULL || config->endpoints[0] == NULL)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT, "The cluster store has no address.");
      return NULL;
    }
  for (guint i = 0; config->endpoints[i] != NULL; i++)
    {
      if (!check_endpoint (config->endpoints[i], has_tls, error))
        return NULL;
    }

  g_autoptr (ColletEtcdClient) self = g_new0 (ColletEtcdClient, 1);
  self->session = soup_session_new_with_options ("max-conns", 32, "max-conns-per-host", 16, NULL);
  self->endpoints = g_strdupv ((GStrv)config->endpoints);
  self->n_endpoints = g_strv_length (self->endpoints);
  self->try_ms = config->try_ms > 0 ? config->try_ms : DEFAULT_TRY_MS;
  self->give_up_ms = config->give_up_ms > 0 ? config->give_up_ms : DEFAULT_GIVE_UP_MS;
  self->calls = g_ptr_array_new ();
  return load_certificates (self, config, error) ? g_steal_pointer (&self) : NULL;
}

void
collet_etcd_client_free (ColletEtcdClient *self)
{
  while (self->calls->len > 0)
    collet_etcd_call_cancel (self->calls->pdata[self->calls->len - 1]);
  g_ptr_array_unref (self->calls);
  g_object_unref (self->session);
  g_clear_object (&self->certificate);
  g_free (self->ca_file);
  g_free (self->certificate_file);
  g_strfreev (self->endpoints);
  g_free (self->failure);
  g_free (self);
}

SoupMessage *
collet_etcd_client_new_message (ColletEtcdClient *self, guint member, const char *path, const char *body)
{
  g_autofree char *url = g_strconcat (self->endpoints[member % self->n_endpoints], path, NULL);
  g_autoptr (GBytes) bytes = g_bytes_new (body, strlen (body));
  SoupMessage *message = soup_message_new (SOUP_METHOD_POST, url);

  soup_message_set_request_body_from_bytes (message, "application/json", bytes);
  /* A member without a leader says so at once instead of after seconds. */
  soup_message_headers_append (soup_message_get_request_headers (message), "Grpc-Metadata-hasleader", "true");
  /* What may be sent twice may also go over a connection that is open already. */
  soup_message_add_flags (message, SOUP_MESSAGE_NO_REDIRECT | SOUP_MESSAGE_IDEMPOTENT);
  if (self->certificate != NULL)
    soup_message_set_tls_client_certificate (message, self->certificate);
  return message;
}

SoupSession *
collet_etcd_client_get_session (ColletEtcdClient *self)
{
  return self->session;
}

guint
collet_etcd_client_get_member (ColletEtcdClient *self)
{
  return self->member;
}

guint
collet_etcd_client_get_n_members (ColletEtcdClient *self)
{
  return self->n_endpoints;
}

guint
collet_etcd_client_get_try_ms (ColletEtcdClient *self)
{
  return self->try_ms;
}

gint64
collet_etcd_client_get_failure (ColletEtcdClient *self, const char **message)
{
  *message = self->failing_since != 0 ? self->failure : NULL;
  return self->failing_since;
}
