/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-etcd-watch.h"

#include "collet-error.h"
#include "collet-etcd-json.h"

#include <string.h>

#define CHUNK (64 * 1024)
#define MAX_LINE (32 * 1024 * 1024)
#define RETRY_MS 100
#define RETRY_MAX_MS 2000
#define GRACE_MS 1000 /* what was committed is told within that */

/* One connection; outlives the watch until its last answer. */
typedef struct
{
  ColletEtcdWatch *watch; /* NULL: given up */
  GCancellable *cancellable;
  SoupMessage *message;
  GInputStream *stream;
  GByteArray *text; /* begin of a line */
} Stream;

struct _ColletEtcdWatch
{
  ColletEtcdClient *client;
  char *prefix;
  char *store_id; /* of the first line; another one is another history */
  gint64 next;    /* revision from which on it has to be told */
  ColletWatchEvent event;
  gpointer user_data;
  guint member;
  guint connects;
  guint retry_ms;
  Stream *stream; /* or NULL */
  guint timer;    /* until it is open, or until it is opened again */
  guint audit_timer;
  guint grace_timer;
  gint64 audited; /* revision that has to be seen before the grace is over */
  ColletEtcdCall *audit;
};

static void connect_stream (ColletEtcdWatch *self);

/* ---- one connection ---- */

static void
stream_free (Stream *stream)
{
  g_object_unref (stream->cancellable);
  g_object_unref (stream->message);
  g_clear_object (&stream->stream);
  g_byte_array_unref (stream->text);
  g_free (stream);
}

static void
give_up_stream (ColletEtcdWatch *self)
{
  Stream *stream = g_steal_pointer (&self->stream);

  if (stream == NULL)
    return;
  stream->watch = NULL;
  g_cancellable_cancel (stream->cancellable);
}

static gboolean
on_reconnect (gpointer data)
{
  ColletEtcdWatch *self = data;

  self->timer = 0;
  connect_stream (self);
  return G_SOURCE_REMOVE;
}

/* At the next member, a moment later. */
static void
reconnect (ColletEtcdWatch *self)
{
  give_up_stream (self);
  if (self->timer != 0)
    g_source_remove (self->timer);
  self->member++;
  self->timer = g_timeout_add (self->retry_ms, on_reconnect, self);
  self->retry_ms = MIN (self->retry_ms * 2, RETRY_MAX_MS);
}

static gboolean
on_open_timeout (gpointer data)
{
  ColletEtcdWatch *self = data;

  self->timer = 0;
  reconnect (self);
  return G_SOURCE_REMOVE;
}

/* Some changes cannot be told any more, or the store is another one. */
static void
begin_again (ColletEtcdWatch *self, gint64 from, gint64 revision)
{
  self->next = from;
  reconnect (self);
  self->event (NULL, revision, self->user_data);
}

/* ---- lines ---- */

static void
on_created (ColletEtcdWatch *self, const ColletJson *json, gint64 revision)
{
  ColletJsonNode result = collet_json_member (json, 0, "result");
  g_autofree char *store_id = collet_etcd_json_dup_store_id (json, result);
  gboolean is_other = self->store_id != NULL && g_strcmp0 (self->store_id, store_id) != 0;

  g_clear_handle_id (&self->timer, g_source_remove);
  self->retry_ms = RETRY_MS;
  g_free (self->store_id);
  self->store_id = g_steal_pointer (&store_id);
  /* From a revision that is to come etcd would wait in silence. */
  if (is_other || self->next > revision + 1)
    begin_again (self, revision + 1, revision);
}

/* FALSE: the stream is not to be read on. Nothing of the watch is touched after an
 * event, which may free it. */
static gboolean
take_line (ColletEtcdWatch *self, const char *text, gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ColletJson) json = collet_json_parse (text, (gssize)size, &error);
  g_autoptr (ColletEtcdWatchLine) line = json != NULL ? collet_etcd_json_read_watch (json, &error) : NULL;
  Stream *stream = self->stream;

  if (line == NULL)
    {
      g_debug ("etcd watch: %s", error->message);
      reconnect (self);
      return FALSE;
    }
  if (line->is_created)
    on_created (self, json, line->revision);
  if (stream->watch == NULL)
    return FALSE;
  if (line->compact_revision > 0 || line->is_canceled)
    {
      begin_again (self, MAX (line->compact_revision, 1), line->revision);
      return FALSE;
    }
  if (line->changes->len > 0)
    {
      gint64 last = ((ColletKeyValue *)line->changes->pdata[line->changes->len - 1])->mod_rev;

      self->next = MAX (self->next, last + 1);
      self->event (line->changes, last, self->user_data);
    }
  return stream->watch != NULL;
}

/* FALSE: the stream is given up. */
static gboolean
take_lines (Stream *stream)
{
  GByteArray *text = stream->text;
  const guint8 *end;

  while ((end = memchr (text->data, '\n', text->len)) != NULL)
    {
      guint size = (guint)(end - text->data);
      g_autofree char *line = g_strndup ((const char *)text->data, size);

      g_byte_array_remove_range (text, 0, size + 1);
      if (size > 0 && !take_line (stream->watch, line, size))
        return FALSE;
    }
  if (text->len <= MAX_LINE)
    return TRUE;
  reconnect (stream->watch);
  return FALSE;
}

static void
on_read (GObject *object, GAsyncResult *result, gpointer data)
{
  Stream *stream = data;
  g_autoptr (GBytes) bytes = g_input_stream_read_bytes_finish (G_INPUT_STREAM (object), result, NULL);
  gboolean is_end = bytes == NULL || g_bytes_get_size (bytes) == 0;

  if (stream->watch != NULL && is_end)
    reconnect (stream->watch);
  if (stream->watch == NULL || is_end)
    {
      stream_free (stream);
      return;
    }
  g_byte_array_append (stream->text, g_bytes_get_data (bytes, NULL), (guint)g_bytes_get_size (bytes));
  if (!take_lines (stream))
    {
      stream_free (stream);
      return;
    }
  g_input_stream_read_bytes_async (stream->stream, CHUNK, G_PRIORITY_DEFAULT, stream->cancellable, on_read,
                                   stream);
}

static void
on_sent (GObject *object, GAsyncResult *result, gpointer data)
{
  Stream *stream = data;

  stream->stream = soup_session_send_finish (SOUP_SESSION (object), result, NULL);
  if (stream->watch != NULL &&
      (stream->stream == NULL || soup_message_get_status (stream->message) != SOUP_STATUS_OK))
    reconnect (stream->watch);
  if (stream->watch == NULL)
    {
      stream_free (stream);
      return;
    }
  g_input_stream_read_bytes_async (stream->stream, CHUNK, G_PRIORITY_DEFAULT, stream->cancellable, on_read,
                                   stream);
}

static void
connect_stream (ColletEtcdWatch *self)
{
  g_autofree char *body = collet_etcd_json_watch (self->prefix, self->next);
  Stream *stream = g_new0 (Stream, 1);

  self->connects++;
  stream->watch = self;
  stream->cancellable = g_cancellable_new ();
  stream->message = collet_etcd_client_new_message (self->client, self->member, "/v3/watch", body);
  stream->text = g_byte_array_new ();
  self->stream = stream;
  self->timer = g_timeout_add (collet_etcd_client_get_try_ms (self->client), on_open_timeout, self);
  soup_session_send_async (collet_etcd_client_get_session (self->client), stream->message, G_PRIORITY_DEFAULT,
                           stream->cancellable, on_sent, stream);
}

/* ---- audit ---- */

static gboolean
on_grace_over (gpointer data)
{
  ColletEtcdWatch *self = data;

  self->grace_timer = 0;
  if (self->audited >= self->next)
    {
      g_message ("The watch on the cluster store has missed revision %" G_GINT64_FORMAT
                 "; it is opened again at another member.",
                 self->audited);
      self->retry_ms = RETRY_MS;
      reconnect (self);
    }
  return G_SOURCE_REMOVE;
}

static void
on_audit_answer (const ColletJson *json, const GError *error, gpointer user_data)
{
  ColletEtcdWatch *self = user_data;
  gint64 revision;

  self->audit = NULL;
  if (json == NULL || !collet_etcd_json_read_newest (json, &self->audited, NULL))
    return;
  revision = collet_etcd_json_read_revision (json, 0);
  if (self->audited >= self->next && self->grace_timer == 0)
    self->grace_timer = g_timeout_add (GRACE_MS, on_grace_over, self);
  else if (revision + 1 < self->next)
    begin_again (self, revision + 1, revision);
}

static gboolean
on_audit_due (gpointer data)
{
  ColletEtcdWatch *self = data;

  if (self->audit == NULL)
    self->audit = collet_etcd_client_post (self->client, "/v3/kv/range",
                                           collet_etcd_json_newest (self->prefix), on_audit_answer, self);
  return G_SOURCE_CONTINUE;
}

/* ---- the watch ---- */

ColletEtcdWatch *
collet_etcd_watch_new (ColletEtcdClient *client, const char *prefix, gint64 from_revision, guint audit_ms,
                       ColletWatchEvent event, gpointer user_data)
{
  ColletEtcdWatch *self = g_new0 (ColletEtcdWatch, 1);

  self->client = client;
  self->prefix = g_strdup (prefix);
  self->next = MAX (from_revision, 1);
  self->event = event;
  self->user_data = user_data;
  self->member = collet_etcd_client_get_member (client);
  self->retry_ms = RETRY_MS;
  self->audit_timer =
      g_timeout_add (audit_ms > 0 ? audit_ms : COLLET_ETCD_AUDIT_S * 1000, on_audit_due, self);
  connect_stream (self);
  return self;
}

void
collet_etcd_watch_free (ColletEtcdWatch *self)
{
  give_up_stream (self);
  g_clear_handle_id (&self->timer, g_source_remove);
  g_clear_handle_id (&self->audit_timer, g_source_remove);
  g_clear_handle_id (&self->grace_timer, g_source_remove);
  if (self->audit != NULL)
    collet_etcd_call_cancel (self->audit);
  g_free (self->prefix);
  g_free (self->store_id);
  g_free (self);
}

guint
collet_etcd_watch_get_connects (ColletEtcdWatch *self)
{
  return self->connects;
}
