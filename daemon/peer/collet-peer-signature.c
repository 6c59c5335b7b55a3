/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The signature that came with an artifact, from whoever has kept it. What it is
 * worth is for the loader to say, by this node's own keys.
 */
#include "collet-peer-client-private.h"

#include "collet-error.h"

#define MAX_SIZE 16384 /* what the loader reads */

typedef struct
{
  GPtrArray *sources;
  GTlsCertificate *certificate; /* ours */
  char *path;
  guint next;
  guint n; /* sources to ask */
  gboolean is_other;
  SoupMessage *message;
  GInputStream *stream;
  guint8 bytes[MAX_SIZE + 1];
} Search;

static void ask_next (GTask *task);

static void
search_free (Search *search)
{
  g_ptr_array_unref (search->sources);
  g_clear_object (&search->certificate);
  g_clear_object (&search->stream);
  g_clear_object (&search->message);
  g_free (search->path);
  g_free (search);
}

static void
on_read (GObject *object, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Search *search = g_task_get_task_data (task);
  gsize size = 0;

  if (!g_input_stream_read_all_finish (G_INPUT_STREAM (object), result, &size, NULL) || size == 0 ||
      size > MAX_SIZE || !g_utf8_validate ((const char *)search->bytes, (gssize)size, NULL))
    {
      ask_next (task);
      return;
    }
  g_task_return_pointer (task, g_strndup ((const char *)search->bytes, size), g_free);
  g_object_unref (task);
}

static void
on_answer (GObject *object, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Search *search = g_task_get_task_data (task);

  search->stream = soup_session_send_finish (SOUP_SESSION (object), result, NULL);
  if (search->stream != NULL && soup_message_get_status (search->message) == SOUP_STATUS_OK)
    g_input_stream_read_all_async (search->stream, search->bytes, sizeof search->bytes, G_PRIORITY_DEFAULT,
                                   g_task_get_cancellable (task), on_read, task);
  else
    ask_next (task);
}

static void
ask_next (GTask *task)
{
  Search *search = g_task_get_task_data (task);
  ColletPeerClient *self = g_task_get_source_object (task);

  g_clear_object (&search->stream);
  g_clear_object (&search->message);
  while (search->next < search->n && search->message == NULL &&
         !g_cancellable_is_cancelled (g_task_get_cancellable (task)))
    search->message = collet_peer_source_ask (search->sources->pdata[search->next++], search->path,
                                              search->certificate, &search->is_other, NULL);
  if (search->message == NULL)
    {
      g_task_return_pointer (task, NULL, NULL);
      g_object_unref (task);
      return;
    }
  soup_session_send_async (self->session, search->message, G_PRIORITY_DEFAULT, g_task_get_cancellable (task),
                           on_answer, task);
}

void
collet_peer_client_fetch_signature_async (ColletPeerClient *self, const ColletPeerIdentity *identity,
                                          GPtrArray *sources, guint n, const char *sha256,
                                          GCancellable *cancellable, GAsyncReadyCallback callback,
                                          gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  Search *search = g_new0 (Search, 1);

  search->sources = g_ptr_array_ref (sources);
  search->certificate = collet_peer_identity_to_certificate (identity, NULL);
  search->path = g_strdup_printf ("/v1/artifacts/%s.minisig", sha256);
  search->n = search->certificate != NULL ? MIN (n, sources->len) : 0;
  g_task_set_task_data (task, search, (GDestroyNotify)search_free);
  g_task_set_check_cancellable (task, FALSE);
  ask_next (task);
}

char *
collet_peer_client_fetch_signature_finish (ColletPeerClient *self, GAsyncResult *result)
{
  return g_task_propagate_pointer (G_TASK (result), NULL);
}
