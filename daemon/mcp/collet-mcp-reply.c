/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-mcp-reply.h"

#include <pthread.h>
#include <string.h>

/* No Cache-Control: answers to POST are not kept unless they say so (RFC 9110, 9.3.3). */
static const ColletHttpHeader json_header = { "Content-Type", "application/json" };

static const ColletHttpHeader stream_headers[] = {
  { "Content-Type", "text/event-stream" },
  { "Cache-Control", "no-cache, no-transform" },
  { "X-Accel-Buffering", "no" },
};

struct _ColletMcpBatch
{
  ColletExchange *exchange;
  pthread_mutex_t lock;
  guint pending;
  guint n_slots;
  GString *answers[];
};

static void
respond (ColletExchange *exchange, guint status, const ColletHttpHeader *headers, guint n_headers,
         GString *body)
{
  gsize size = body->len;

  exchange->class_->respond (exchange, status, headers, n_headers, g_string_free (body, FALSE), size);
}

static void
batch_finish (ColletMcpBatch *batch)
{
  GString *json = g_string_new ("[");

  for (guint i = 0; i < batch->n_slots; i++)
    if (batch->answers[i])
      {
        if (json->len > 1)
          g_string_append_c (json, ',');
        g_string_append_len (json, batch->answers[i]->str, (gssize)batch->answers[i]->len);
        g_string_free (batch->answers[i], TRUE);
      }
  g_string_append_c (json, ']');
  if (json->len > 2)
    {
      respond (batch->exchange, 200, &json_header, 1, json);
    }
  else
    {
      batch->exchange->class_->respond (batch->exchange, 202, NULL, 0, NULL, 0);
      g_string_free (json, TRUE);
    }
  batch->exchange->class_->unref (batch->exchange);
  pthread_mutex_destroy (&batch->lock);
  g_free (batch);
}

static void
batch_fill (ColletMcpBatch *batch, guint slot, GString *json)
{
  gboolean is_last;

  pthread_mutex_lock (&batch->lock);
  batch->answers[slot] = json;
  is_last = --batch->pending == 0;
  pthread_mutex_unlock (&batch->lock);
  if (is_last)
    batch_finish (batch);
}

ColletMcpBatch *
collet_mcp_batch_new (ColletExchange *exchange, guint n_slots)
{
  ColletMcpBatch *batch = g_malloc0 (sizeof *batch + n_slots * sizeof batch->answers[0]);

  batch->exchange = exchange->class_->ref (exchange);
  pthread_mutex_init (&batch->lock, NULL);
  batch->pending = batch->n_slots = n_slots;
  return batch;
}

/* What goes with a status; name NULL: nothing. */
static ColletHttpHeader
extra_header (guint status)
{
  static const struct
  {
    guint status;
    ColletHttpHeader header;
  } extras[] = { { 401, { "WWW-Authenticate", "Bearer" } },
                 { 403, { "WWW-Authenticate", "Bearer error=\"insufficient_scope\"" } },
                 { 405, { "Allow", "GET, POST, DELETE" } },
                 { 429, { "Retry-After", "1" } },
                 { 503, { "Retry-After", "1" } } };

  for (guint i = 0; i < G_N_ELEMENTS (extras); i++)
    if (extras[i].status == status)
      return extras[i].header;
  return (ColletHttpHeader){ 0 };
}

void
collet_mcp_reply_json (const ColletMcpReply *reply, guint status, GString *json)
{
  const ColletHttpHeader headers[] = { json_header, extra_header (status) };
  guint n_headers = headers[1].name ? 2 : 1;

  if (reply->batch)
    batch_fill (reply->batch, reply->slot, json);
  else
    respond (reply->exchange, status, headers, n_headers, json);
}

void
collet_mcp_reply_json_with_session (const ColletMcpReply *reply, GString *json, const char *session)
{
  const ColletHttpHeader headers[] = { json_header, { "Mcp-Session-Id", session } };

  respond (reply->exchange, 200, headers, G_N_ELEMENTS (headers), json);
}

void
collet_mcp_reply_nothing (const ColletMcpReply *reply, guint status)
{
  if (reply->batch)
    batch_fill (reply->batch, reply->slot, NULL);
  else
    reply->exchange->class_->respond (reply->exchange, status, NULL, 0, NULL, 0);
}

void
collet_mcp_reply_start_stream (const ColletMcpReply *reply)
{
  reply->exchange->class_->start_stream (reply->exchange, 200, stream_headers, G_N_ELEMENTS (stream_headers));
}

void
collet_mcp_append_event (GString *out, const char *json, gsize size)
{
  gsize begin;

  g_return_if_fail (out != NULL); /* some compilers think that it could be */

  g_string_append (out, "event: message\ndata: ");
  begin = out->len;
  g_string_append_len (out, json, (gssize)size);
  /* A line break ends an event's line; in JSON it can only stand between tokens. */
  for (char *p = out->str + begin; (p = strpbrk (p, "\r\n")); p++)
    *p = ' ';
  g_string_append (out, "\n\n");
}

gboolean
collet_mcp_exchange_send_event (ColletExchange *exchange, const char *json, gsize size)
{
  g_autoptr (GString) event = g_string_sized_new (size + 32);

  collet_mcp_append_event (event, json, size);
  return exchange->class_->send (exchange, event->str, event->len);
}

void
collet_mcp_exchange_respond (ColletExchange *exchange, guint status, const char *type, const char *text)
{
  const ColletHttpHeader headers[] = { { "Content-Type", type },
                                       { "Cache-Control", "no-store" },
                                       extra_header (status) };
  guint n_headers = headers[2].name ? 3 : 2;

  exchange->class_->respond (exchange, status, headers, n_headers, g_strdup (text), strlen (text));
}
