/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The session, and joining. Fetching is in collet-peer-fetch.c.
 */
#include "collet-peer-client-private.h"

#include <string.h>

#include "collet-error.h"
#include "collet-join-token.h"
#include "collet-peer-strangers.h"

#define TIMEOUT_S 10 /* without a byte */

G_DEFINE_FINAL_TYPE (ColletPeerClient, collet_peer_client, G_TYPE_OBJECT)

static void
collet_peer_client_finalize (GObject *object)
{
  g_object_unref (COLLET_PEER_CLIENT (object)->session);
  G_OBJECT_CLASS (collet_peer_client_parent_class)->finalize (object);
}

static void
collet_peer_client_class_init (ColletPeerClientClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = collet_peer_client_finalize;
}

static void
collet_peer_client_init (ColletPeerClient *self)
{
  collet_peer_trust_nobody ();
  /* Without a database no certificate is good of itself: each is ours to judge. */
  self->session = soup_session_new_with_options ("timeout", TIMEOUT_S, "tls-database", NULL, "proxy-resolver",
                                                 NULL, NULL);
}

ColletPeerClient *
collet_peer_client_new (void)
{
  return g_object_new (COLLET_TYPE_PEER_CLIENT, NULL);
}

gboolean
collet_peer_fingerprint_of (GTlsCertificate *certificate, char fingerprint[COLLET_FINGERPRINT_SIZE])
{
  g_autoptr (GByteArray) der = NULL;

  g_object_get (certificate, "certificate", &der, NULL);
  if (der == NULL)
    return FALSE;
  collet_certificate_fingerprint_of (der->data, der->len, fingerprint);
  return TRUE;
}

SoupMessage *
collet_peer_message_new (const char *method, const char *url, const char *path, GError **error)
{
  guint16 port;
  g_autofree char *host = collet_peer_dup_host (url, &port, error);
  if (host == NULL)
    return NULL;

  gboolean has_slash = g_str_has_suffix (url, "/");
  g_autofree char *whole = g_strconcat (url, has_slash ? path + 1 : path, NULL);
  SoupMessage *message = soup_message_new (method, whole);
  if (message == NULL)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_INVALID_ARGUMENT, "\"%s\" is no address.", url);
      return NULL;
    }
  /* A connection that was found good for one may not be for another. */
  soup_message_set_flags (message, SOUP_MESSAGE_NEW_CONNECTION | SOUP_MESSAGE_NO_REDIRECT);
  return message;
}

GError *
collet_peer_convert_error (GError *error, gboolean is_other, const char *url)
{
  g_autoptr (GError) taken = error;

  if (is_other)
    return g_error_new (COLLET_ERROR, COLLET_ERROR_NOT_TRUSTED,
                        "Whoever answers at %s does not have the certificate that was expected.", url);
  if (g_error_matches (taken, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return g_error_new_literal (COLLET_ERROR, COLLET_ERROR_CANCELLED, "It was cancelled.");
  if (g_error_matches (taken, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
    return g_error_new (COLLET_ERROR, COLLET_ERROR_TIMEOUT, "%s gave no answer for %d s.", url, TIMEOUT_S);
  if (taken->domain == COLLET_ERROR)
    return g_steal_pointer (&taken);
  return g_error_new (COLLET_ERROR, COLLET_ERROR_NODE_FAILED, "%s cannot be reached: %s%s", url,
                      taken->message, g_str_has_suffix (taken->message, ".") ? "" : ".");
}

/* ---- joining ---- */

typedef struct
{
  char *url;
  char authority[COLLET_FINGERPRINT_SIZE];
  SoupMessage *message;
  gboolean is_other;
} Join;

static void
join_free (Join *join)
{
  g_free (join->url);
  g_clear_object (&join->message);
  g_free (join);
}

/* The chain must end in the authority that the token names, and be good by it. */
static gboolean
on_join_certificate (SoupMessage *message, GTlsCertificate *certificate, GTlsCertificateFlags flags,
                     gpointer data)
{
  Join *join = data;
  GTlsCertificate *authority = certificate;
  char fingerprint[COLLET_FINGERPRINT_SIZE];

  for (GTlsCertificate *next = certificate; next != NULL; next = g_tls_certificate_get_issuer (next))
    authority = next;
  join->is_other = !collet_peer_fingerprint_of (authority, fingerprint) ||
                   !g_str_equal (fingerprint, join->authority) ||
                   g_tls_certificate_verify (certificate, NULL, authority) != G_TLS_CERTIFICATE_NO_FLAGS;
  return !join->is_other;
}

static void
on_joined (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Join *join = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (GBytes) body = soup_session_send_and_read_finish (SOUP_SESSION (object), result, &error);
  guint status = soup_message_get_status (join->message);
  ColletJoinReply *reply = NULL;

  if (body == NULL)
    error = collet_peer_convert_error (error, join->is_other, join->url);
  else if (status != SOUP_STATUS_OK)
    {
      error = collet_peer_error_parse (body, status);
      g_prefix_error (&error, "%s: ", join->url);
    }
  else
    reply = collet_join_reply_parse (body, &error);
  if (reply == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, reply, (GDestroyNotify)collet_join_reply_free);
}

static SoupMessage *
new_join_message (const char *url, const char *secret, const char *node, const char *own_url, const char *key,
                  GError **error)
{
  g_autofree char *request = collet_certificate_make_request (key, node, error);
  SoupMessage *message = request != NULL ? collet_peer_message_new ("POST", url, "/v1/join", error) : NULL;
  if (message == NULL)
    return NULL;

  const ColletJoinRequest join = {
    .secret = (char *)secret,
    .node = (char *)node,
    .url = (char *)own_url,
    .request = request,
  };
  char *json = collet_join_request_to_json (&join);
  g_autoptr (GBytes) body = g_bytes_new_take (json, strlen (json));
  soup_message_set_request_body_from_bytes (message, "application/json", body);
  return message;
}

void
collet_peer_client_join_async (ColletPeerClient *self, const char *url, const char *token, const char *node,
                               const char *own_url, const char *key, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  Join *join = g_new0 (Join, 1);
  GError *error = NULL;
  g_autofree char *secret = NULL;

  join->url = g_strdup (url);
  g_task_set_task_data (task, join, (GDestroyNotify)join_free);
  if (collet_peer_check_name (node, &error) &&
      collet_join_token_parse (token, &secret, join->authority, &error))
    join->message = new_join_message (url, secret, node, own_url, key, &error);
  if (join->message == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  g_signal_connect (join->message, "accept-certificate", G_CALLBACK (on_join_certificate), join);
  soup_session_send_and_read_async (self->session, join->message, G_PRIORITY_DEFAULT, cancellable, on_joined,
                                    g_steal_pointer (&task));
}

ColletJoinReply *
collet_peer_client_join_finish (ColletPeerClient *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
