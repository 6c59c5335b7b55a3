/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One artifact from whoever has it. The file grows in the order of its bytes, so
 * that any source can go on where another one stopped.
 */
#include "collet-peer-client-private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "collet-error.h"
#include "collet-failpoint.h"

#define BLOCK (256u * 1024u)
#define MAX_ROUNDS 4
#define MAX_SIZE (64u * 1024u * 1024u) /* what the loader takes */

typedef struct
{
  GPtrArray *sources;
  ColletPeerIdentity *identity;
  GTlsCertificate *certificate; /* ours */
  char *sha256;
  int fd;
  guint64 size;        /* that is there */
  guint64 size_before; /* when this round began */
  guint rounds;        /* begun anew */
  gnutls_hash_hd_t hash;
  guint next; /* source to ask */
  guint missing;
  SoupMessage *message;
  GInputStream *stream;
  gboolean is_other;
  char *signature;  /* of the last answer, or NULL */
  GString *reasons; /* a line a source */
} Fetch;

static void ask_next (GTask *task);
static void read_more (GTask *task);

static void
forget_bytes (Fetch *fetch)
{
  guint8 unused[32];

  gnutls_hash_output (fetch->hash, unused); /* begins anew */
  fetch->size = 0;
  if (lseek (fetch->fd, 0, SEEK_SET) != 0 || ftruncate (fetch->fd, 0) != 0)
    g_warning ("A partial artifact could not be cut: %s", g_strerror (errno));
}

static void
fetch_free (Fetch *fetch)
{
  if (fetch->fd >= 0)
    close (fetch->fd);
  if (fetch->hash != NULL)
    gnutls_hash_deinit (fetch->hash, NULL);
  g_ptr_array_unref (fetch->sources);
  collet_peer_identity_unref (fetch->identity);
  g_clear_object (&fetch->certificate);
  g_clear_object (&fetch->message);
  g_clear_object (&fetch->stream);
  g_string_free (fetch->reasons, TRUE);
  g_free (fetch->sha256);
  g_free (fetch->signature);
  g_free (fetch);
}

/* ---- the end ---- */

/* This source is through; takes `error`. */
static void
fail_source (GTask *task, GError *error)
{
  Fetch *fetch = g_task_get_task_data (task);
  const ColletPeerSource *source = fetch->sources->pdata[fetch->next - 1];
  g_autoptr (GError) taken = error;

  g_clear_object (&fetch->stream);
  g_clear_object (&fetch->message);
  if (g_error_matches (taken, COLLET_ERROR, COLLET_ERROR_CANCELLED) ||
      g_error_matches (taken, COLLET_ERROR, COLLET_ERROR_DISK_FULL) ||
      g_error_matches (taken, COLLET_ERROR, COLLET_ERROR_STORE_READ_ONLY) ||
      g_error_matches (taken, COLLET_ERROR, COLLET_ERROR_STORE_FAILED))
    {
      g_task_return_error (task, g_steal_pointer (&taken));
      g_object_unref (task);
      return;
    }
  fetch->missing += g_error_matches (taken, COLLET_ERROR, COLLET_ERROR_ARTIFACT_NOT_FOUND);
  g_string_append_printf (fetch->reasons, "\n  %s: %s", source->node, taken->message);
  ask_next (task);
}

static void
give_up (GTask *task)
{
  Fetch *fetch = g_task_get_task_data (task);
  gboolean nobody_has_it = fetch->missing == fetch->sources->len;

  g_task_return_new_error (task, COLLET_ERROR,
                           nobody_has_it ? COLLET_ERROR_ARTIFACT_NOT_FOUND : COLLET_ERROR_NODE_FAILED,
                           "Version %.12s could not be fetched from any of %u nodes:%s", fetch->sha256,
                           fetch->sources->len, fetch->reasons->str);
  g_object_unref (task);
}

static void
complete (GTask *task)
{
  Fetch *fetch = g_task_get_task_data (task);
  g_autoptr (GString) sha256 = g_string_sized_new (64);
  guint8 digest[32];

  gnutls_hash_output (fetch->hash, digest);
  for (guint i = 0; i < sizeof digest; i++)
    g_string_append_printf (sha256, "%02x", digest[i]);
  if (!g_str_equal (sha256->str, fetch->sha256))
    {
      forget_bytes (fetch);
      fail_source (task, g_error_new (COLLET_ERROR, COLLET_ERROR_INTEGRITY_FAILED,
                                      "What it sent has the hash %.12s.", sha256->str));
      return;
    }
  if (lseek (fetch->fd, 0, SEEK_SET) != 0)
    {
      fail_source (task, g_error_new (COLLET_ERROR, COLLET_ERROR_STORE_FAILED, "%s", g_strerror (errno)));
      return;
    }
  g_task_return_int (task, fetch->fd);
  fetch->fd = -1;
  g_object_unref (task);
}

/* ---- bytes ---- */

static gboolean
write_all (int fd, const guint8 *bytes, gsize size, GError **error)
{
  while (size > 0)
    {
      gssize n = write (fd, bytes, size);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        {
          g_set_error (error, COLLET_ERROR, (int)collet_error_of_errno (errno),
                       "An artifact could not be written: %s.", g_strerror (errno));
          return FALSE;
        }
      bytes += n;
      size -= (gsize)n;
    }
  return TRUE;
}

static gboolean
take_block (Fetch *fetch, GBytes *block, GError **error)
{
  gsize size;
  const guint8 *bytes = g_bytes_get_data (block, &size);

  if (fetch->size + size > MAX_SIZE)
    {
      g_set_error (error, COLLET_ERROR, COLLET_ERROR_ARTIFACT_TOO_LARGE,
                   "It sent more than the %u MiB that an artifact may have.", MAX_SIZE >> 20);
      return FALSE;
    }
  if (!write_all (fetch->fd, bytes, size, error))
    return FALSE;
  gnutls_hash (fetch->hash, bytes, size);
  fetch->size += size;
  return TRUE;
}

static void
on_block (GObject *object, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Fetch *fetch = g_task_get_task_data (task);
  const ColletPeerSource *source = fetch->sources->pdata[fetch->next - 1];
  GError *error = NULL;
  g_autoptr (GBytes) block = g_input_stream_read_bytes_finish (G_INPUT_STREAM (object), result, &error);

  collet_failpoint ("peer-fetching");
  if (block == NULL)
    fail_source (task, collet_peer_convert_error (error, FALSE, source->url));
  else if (g_bytes_get_size (block) == 0)
    complete (task);
  else if (!take_block (fetch, block, &error))
    {
      if (error->code == COLLET_ERROR_ARTIFACT_TOO_LARGE)
        forget_bytes (fetch);
      fail_source (task, error);
    }
  else
    read_more (task);
}

static void
read_more (GTask *task)
{
  Fetch *fetch = g_task_get_task_data (task);

  g_input_stream_read_bytes_async (fetch->stream, BLOCK, G_PRIORITY_DEFAULT, g_task_get_cancellable (task),
                                   on_block, task);
}

/* ---- asking ---- */

static void
on_refusal_read (GObject *object, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Fetch *fetch = g_task_get_task_data (task);
  g_autoptr (GBytes) body = g_input_stream_read_bytes_finish (G_INPUT_STREAM (object), result, NULL);
  g_autoptr (GBytes) empty = g_bytes_new (NULL, 0);

  fail_source (task, collet_peer_error_parse (body != NULL ? body : empty,
                                              soup_message_get_status (fetch->message)));
}

static void
take_signature (Fetch *fetch)
{
  const char *encoded = soup_message_headers_get_one (soup_message_get_response_headers (fetch->message),
                                                      COLLET_PEER_SIGNATURE);
  gsize size = 0;
  g_autofree guchar *text = encoded != NULL ? g_base64_decode (encoded, &size) : NULL;

  g_clear_pointer (&fetch->signature, g_free);
  if (size > 0 && size <= COLLET_PEER_SIGNATURE_MAX &&
      g_utf8_validate ((const char *)text, (gssize)size, NULL))
    fetch->signature = g_strndup ((const char *)text, size);
}

static void
on_answer (GObject *object, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  Fetch *fetch = g_task_get_task_data (task);
  const ColletPeerSource *source = fetch->sources->pdata[fetch->next - 1];
  GError *error = NULL;

  fetch->stream = soup_session_send_finish (SOUP_SESSION (object), result, &error);
  if (fetch->stream == NULL)
    {
      fail_source (task, collet_peer_convert_error (error, fetch->is_other, source->url));
      return;
    }
  guint status = soup_message_get_status (fetch->message);
  if (status != SOUP_STATUS_OK && status != SOUP_STATUS_PARTIAL_CONTENT)
    {
      g_input_stream_read_bytes_async (fetch->stream, COLLET_PEER_MAX_BODY, G_PRIORITY_DEFAULT,
                                       g_task_get_cancellable (task), on_refusal_read, task);
      return;
    }
  take_signature (fetch);
  if (status == SOUP_STATUS_OK && fetch->size > 0)
    forget_bytes (fetch); /* it begins at the beginning */
  read_more (task);
}

/* A connection that had given something broke, maybe the only one there is: once more
 * round, from there. */
static void
begin_again (Fetch *fetch)
{
  if (fetch->size <= fetch->size_before || fetch->rounds == MAX_ROUNDS)
    return;
  fetch->rounds++;
  fetch->size_before = fetch->size;
  fetch->next = 0;
  fetch->missing = 0;
  g_string_truncate (fetch->reasons, 0);
}

static void
ask_next (GTask *task)
{
  Fetch *fetch = g_task_get_task_data (task);
  ColletPeerClient *self = g_task_get_source_object (task);
  g_autofree char *path = g_strconcat ("/v1/artifacts/", fetch->sha256, NULL);
  GError *error = NULL;

  if (fetch->next == fetch->sources->len)
    begin_again (fetch);
  if (fetch->next == fetch->sources->len)
    {
      give_up (task);
      return;
    }
  const ColletPeerSource *source = fetch->sources->pdata[fetch->next++];
  fetch->message = collet_peer_source_ask (source, path, fetch->certificate, &fetch->is_other, &error);
  if (fetch->message == NULL)
    {
      fail_source (task, error);
      return;
    }
  if (fetch->size > 0)
    soup_message_headers_set_range (soup_message_get_request_headers (fetch->message), (goffset)fetch->size,
                                    -1);
  soup_session_send_async (self->session, fetch->message, G_PRIORITY_DEFAULT, g_task_get_cancellable (task),
                           on_answer, task);
}

static gboolean
prepare (Fetch *fetch, const char *folder, GError **error)
{
  fetch->certificate = collet_peer_identity_to_certificate (fetch->identity, error);
  if (fetch->certificate == NULL)
    return FALSE;
  fetch->fd = open (folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fetch->fd < 0 || gnutls_hash_init (&fetch->hash, GNUTLS_DIG_SHA256) != 0)
    {
      g_set_error (error, COLLET_ERROR, (int)collet_error_of_errno (errno), "No file can be made in %s: %s.",
                   folder, g_strerror (errno));
      return FALSE;
    }
  return TRUE;
}

void
collet_peer_client_fetch_async (ColletPeerClient *self, const ColletPeerIdentity *identity,
                                GPtrArray *sources, const char *sha256, const char *folder,
                                GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (sources->len > 0);

  GTask *task = g_task_new (self, cancellable, callback, user_data);
  Fetch *fetch = g_new0 (Fetch, 1);
  GError *error = NULL;

  fetch->fd = -1;
  fetch->sources = g_ptr_array_ref (sources);
  fetch->identity = collet_peer_identity_ref ((ColletPeerIdentity *)identity);
  fetch->sha256 = g_strdup (sha256);
  fetch->reasons = g_string_new (NULL);
  g_task_set_task_data (task, fetch, (GDestroyNotify)fetch_free);
  g_task_set_check_cancellable (task, FALSE);
  if (prepare (fetch, folder, &error))
    {
      ask_next (task);
      return;
    }
  g_task_return_error (task, error);
  g_object_unref (task);
}

int
collet_peer_client_fetch_finish (ColletPeerClient *self, GAsyncResult *result, char **signature,
                                 GError **error)
{
  Fetch *fetch = g_task_get_task_data (G_TASK (result));
  g_autoptr (GError) reason = NULL;
  gssize fd = g_task_propagate_int (G_TASK (result), &reason);

  if (signature != NULL)
    *signature = reason == NULL ? g_steal_pointer (&fetch->signature) : NULL;
  if (reason == NULL)
    return (int)fd;
  g_propagate_error (error, g_steal_pointer (&reason));
  return -1;
}
