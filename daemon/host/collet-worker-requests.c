/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-module.h"
#include "collet-wire.h"

#include "collet-worker-requests.h"

#include "collet-error.h"
#include "collet-source.h"

typedef struct
{
  ColletWorkerRequests *owner;
  guint64 id;
  GTask *task; /* NULL: cancelled, but the worker is still at it */
  struct collet_frame_header header;
  GBytes *payload;
  gboolean sent;
  GSource *timeout;
  GSource *cancelled;
} Request;

struct _ColletWorkerRequests
{
  char *title;
  guint timeout_ms;
  void (*late) (gpointer user_data, const char *reason);
  gpointer user_data;
  ColletLink *link;
  guint64 last_id;
  GQueue requests; /* Request, in order */
};

static void
request_free (Request *request)
{
  collet_source_drop (&request->timeout);
  collet_source_drop (&request->cancelled);
  g_clear_pointer (&request->payload, g_bytes_unref);
  g_assert (request->task == NULL);
  g_free (request);
}

static void
request_remove (Request *request)
{
  g_queue_remove (&request->owner->requests, request);
  request_free (request);
}

static void
request_return_error (Request *request, GError *error)
{
  g_autoptr (GTask) task = g_steal_pointer (&request->task);

  if (task != NULL)
    g_task_return_error (task, error);
  else
    g_error_free (error);
}

static const char *
step_name (guint16 frame_type)
{
  switch (frame_type)
    {
    case COLLET_FRAME_EXPORT_STATE:
      return "export_state";
    case COLLET_FRAME_IMPORT_STATE:
      return "import_state";
    case COLLET_FRAME_CODE_CHANGE:
      return "code_change";
    case COLLET_FRAME_SELF_TEST:
      return "self_test";
    default:
      return "a request";
    }
}

static gboolean
on_timeout (gpointer user_data)
{
  Request *request = user_data;
  ColletWorkerRequests *owner = request->owner;
  gboolean sent = request->sent;
  g_autofree char *reason = g_strdup_printf ("it did not come back from %s within %u ms",
                                             step_name (request->header.type), owner->timeout_ms);

  request_return_error (request,
                        g_error_new (COLLET_ERROR, COLLET_ERROR_TIMEOUT,
                                     "%s of %s did not end within %u ms%s.", step_name (request->header.type),
                                     owner->title, owner->timeout_ms, sent ? "; its worker was ended" : ""));
  request_remove (request);
  if (sent)
    owner->late (owner->user_data, reason);
  return G_SOURCE_REMOVE;
}

static gboolean
on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  Request *request = user_data;

  collet_source_drop (&request->cancelled);
  request_return_error (request, g_error_new (COLLET_ERROR, COLLET_ERROR_CANCELLED, "%s of %s was cancelled.",
                                              step_name (request->header.type), request->owner->title));
  /* A worker that has begun cannot be told to stop; its answer is ignored. */
  if (!request->sent)
    request_remove (request);
  return G_SOURCE_REMOVE;
}

static void
request_send (Request *request, ColletLink *link)
{
  request->sent = TRUE;
  collet_link_send_control (link, request->header.type, request->id, request->header.status,
                            request->header.detail, request->payload);
  g_clear_pointer (&request->payload, g_bytes_unref);
}

static Request *
request_new (ColletWorkerRequests *owner, guint16 frame_type, GBytes *payload, GTask *task)
{
  GCancellable *cancellable = g_task_get_cancellable (task);
  Request *request = g_new0 (Request, 1);

  g_task_set_check_cancellable (task, FALSE);
  request->owner = owner;
  request->id = ++owner->last_id;
  request->task = task;
  request->header.type = frame_type;
  request->payload = payload != NULL ? g_bytes_ref (payload) : NULL;
  request->timeout = g_timeout_source_new (owner->timeout_ms);
  g_source_set_callback (request->timeout, on_timeout, request, NULL);
  g_source_attach (request->timeout, g_task_get_context (task));
  if (cancellable != NULL)
    {
      request->cancelled = g_cancellable_source_new (cancellable);
      g_source_set_callback (request->cancelled, G_SOURCE_FUNC (on_cancelled), request, NULL);
      g_source_attach (request->cancelled, g_task_get_context (task));
    }
  return request;
}

ColletWorkerRequests *
collet_worker_requests_new (const char *title, guint timeout_ms,
                            void (*late) (gpointer user_data, const char *reason), gpointer user_data)
{
  ColletWorkerRequests *requests = g_new0 (ColletWorkerRequests, 1);

  requests->title = g_strdup (title);
  requests->timeout_ms = timeout_ms;
  requests->late = late;
  requests->user_data = user_data;
  g_queue_init (&requests->requests);
  return requests;
}

void
collet_worker_requests_free (ColletWorkerRequests *requests)
{
  g_autoptr (GError) error =
      g_error_new (COLLET_ERROR, COLLET_ERROR_SHUTTING_DOWN, "%s is going away.", requests->title);

  collet_worker_requests_fail (requests, TRUE, error);
  g_clear_pointer (&requests->link, collet_link_unref);
  g_free (requests->title);
  g_free (requests);
}

void
collet_worker_requests_add (ColletWorkerRequests *requests, guint16 frame_type, int status, guint32 detail,
                            GBytes *payload, GTask *task)
{
  Request *request = request_new (requests, frame_type, payload, task);

  request->header.status = status;
  request->header.detail = detail;
  g_queue_push_tail (&requests->requests, request);
  if (requests->link != NULL)
    request_send (request, requests->link);
}

void
collet_worker_requests_add_first (ColletWorkerRequests *requests, ColletLink *link, guint16 frame_type,
                                  GBytes *payload, GTask *task)
{
  Request *request = request_new (requests, frame_type, payload, task);

  g_queue_push_head (&requests->requests, request);
  request_send (request, link);
}

void
collet_worker_requests_set_link (ColletWorkerRequests *requests, ColletLink *link)
{
  g_clear_pointer (&requests->link, collet_link_unref);
  if (link == NULL)
    return;
  requests->link = collet_link_ref (link);
  for (GList *l = requests->requests.head; l != NULL; l = l->next)
    {
      Request *request = l->data;

      if (!request->sent)
        request_send (request, link);
    }
}

static Request *
find_sent (ColletWorkerRequests *requests, guint64 id)
{
  for (GList *l = requests->requests.head; l != NULL; l = l->next)
    {
      Request *request = l->data;

      if (request->id == id && request->sent)
        return request;
    }
  return NULL;
}

gboolean
collet_worker_requests_take_answer (ColletWorkerRequests *requests, guint64 id, int status, GBytes *payload)
{
  Request *request = find_sent (requests, id);
  g_autoptr (GTask) task = NULL;
  g_autofree char *reason = NULL;

  if (request == NULL)
    return FALSE;
  task = g_steal_pointer (&request->task);
  request_remove (request);
  if (task == NULL)
    return TRUE;
  if (status == COLLET_OK)
    {
      g_task_return_pointer (task, g_bytes_ref (payload), (GDestroyNotify)g_bytes_unref);
      return TRUE;
    }
  if (g_bytes_get_size (payload) > 0)
    reason = g_utf8_make_valid (g_bytes_get_data (payload, NULL), (gssize)g_bytes_get_size (payload));
  g_task_return_new_error (task, COLLET_ERROR, COLLET_ERROR_FAILED, "%s",
                           reason != NULL ? reason : "it gave no reason");
  return TRUE;
}

void
collet_worker_requests_fail (ColletWorkerRequests *requests, gboolean all, const GError *error)
{
  g_autoptr (GPtrArray) failed = g_ptr_array_new ();

  for (GList *l = requests->requests.head; l != NULL; l = l->next)
    if (all || ((Request *)l->data)->sent)
      g_ptr_array_add (failed, l->data);
  /* Out of the queue first: the callbacks may make new ones. */
  for (guint i = 0; i < failed->len; i++)
    g_queue_remove (&requests->requests, g_ptr_array_index (failed, i));
  for (guint i = 0; i < failed->len; i++)
    {
      Request *request = g_ptr_array_index (failed, i);

      request_return_error (request, g_error_copy (error));
      request_free (request);
    }
}

gboolean
collet_worker_requests_is_abandoned (ColletWorkerRequests *requests)
{
  for (GList *link = requests->requests.head; link != NULL; link = link->next)
    {
      const Request *request = link->data;

      if (request->sent && request->task == NULL)
        return TRUE;
    }
  return FALSE;
}
