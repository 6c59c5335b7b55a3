/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-subscriber.h"

#include "collet-error.h"
#include "collet-reloader-private.h"

typedef struct
{
  char *subscriber;
  char *tool;
  guint64 sequence;
  gboolean existed;
} Subscriber;

static void
subscriber_free (Subscriber *self)
{
  g_free (self->subscriber);
  g_free (self->tool);
  g_free (self);
}

static GTask *
new_task (ColletReloader *reloader, const char *subscriber, const char *tool, GAsyncReadyCallback callback,
          gpointer user_data)
{
  GTask *task = g_task_new (reloader, NULL, callback, user_data);
  Subscriber *self = g_new0 (Subscriber, 1);

  self->subscriber = g_strdup (subscriber);
  self->tool = g_strdup (tool);
  g_task_set_task_data (task, self, (GDestroyNotify)subscriber_free);
  return task;
}

/* Takes `error`, or `value` with what frees it. */
static void
answer (GTask *task, gpointer value, GDestroyNotify free_value, GError *error)
{
  if (error != NULL)
    g_task_return_error (task, collet_error_convert (error));
  else
    g_task_return_pointer (task, value, free_value);
  g_object_unref (task);
}

/* ---- subscribe ---- */

static void
on_subscribed (GObject *object, GAsyncResult *result, gpointer data)
{
  ColletReloader *reloader = g_task_get_source_object (data);
  Subscriber *self = g_task_get_task_data (data);
  GError *error = NULL;

  if (collet_store_subscribe_finish (COLLET_STORE (object), result, &self->sequence, &error))
    collet_subscriptions_add (collet_registry_get_subscriptions (reloader->registry), self->subscriber,
                              self->tool);
  answer (data, self, NULL, error);
}

void
collet_reloader_subscribe_async (ColletReloader *reloader, const char *subscriber, gint64 uid,
                                 const char *tool, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = new_task (reloader, subscriber, tool, callback, user_data);

  if (g_str_equal (tool, "*") || collet_registry_find_tool (reloader->registry, tool) != NULL)
    collet_store_subscribe_async (reloader->store, subscriber, uid, tool, on_subscribed, task);
  else
    answer (task, NULL, NULL,
            g_error_new (COLLET_ERROR, COLLET_ERROR_NOT_FOUND,
                         "There is no tool \"%s\". List the tools to see those there are, or subscribe to "
                         "\"*\" for all that come.",
                         tool));
}

gboolean
collet_reloader_subscribe_finish (ColletReloader *reloader, GAsyncResult *result, guint64 *sequence,
                                  GError **error)
{
  const Subscriber *self = g_task_propagate_pointer (G_TASK (result), error);

  if (self != NULL)
    *sequence = self->sequence;
  return self != NULL;
}

/* ---- unsubscribe ---- */

static void
on_unsubscribed (GObject *object, GAsyncResult *result, gpointer data)
{
  ColletReloader *reloader = g_task_get_source_object (data);
  Subscriber *self = g_task_get_task_data (data);
  GError *error = NULL;

  if (collet_store_unsubscribe_finish (COLLET_STORE (object), result, &self->existed, &error))
    collet_subscriptions_remove (collet_registry_get_subscriptions (reloader->registry), self->subscriber,
                                 self->tool);
  answer (data, self, NULL, error);
}

void
collet_reloader_unsubscribe_async (ColletReloader *reloader, const char *subscriber, gint64 uid,
                                   const char *tool, GAsyncReadyCallback callback, gpointer user_data)
{
  collet_store_unsubscribe_async (reloader->store, subscriber, uid, tool, on_unsubscribed,
                                  new_task (reloader, subscriber, tool, callback, user_data));
}

gboolean
collet_reloader_unsubscribe_finish (ColletReloader *reloader, GAsyncResult *result, gboolean *existed,
                                    GError **error)
{
  const Subscriber *self = g_task_propagate_pointer (G_TASK (result), error);

  if (self != NULL)
    *existed = self->existed;
  return self != NULL;
}

/* ---- looking ---- */

static void
on_checked (GObject *object, GAsyncResult *result, gpointer data)
{
  GError *error = NULL;
  ColletToolCheck *check = collet_store_check_tool_finish (COLLET_STORE (object), result, &error);

  answer (data, check, (GDestroyNotify)collet_tool_check_free, error);
}

void
collet_reloader_check_tool_async (ColletReloader *reloader, const char *subscriber, gint64 uid,
                                  const char *tool, GAsyncReadyCallback callback, gpointer user_data)
{
  collet_store_check_tool_async (reloader->store, subscriber, uid, tool, on_checked,
                                 g_task_new (reloader, NULL, callback, user_data));
}

ColletToolCheck *
collet_reloader_check_tool_finish (ColletReloader *reloader, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
on_updates (GObject *object, GAsyncResult *result, gpointer data)
{
  GError *error = NULL;
  ColletUpdateList *list = collet_store_updates_finish (COLLET_STORE (object), result, &error);

  answer (data, list, (GDestroyNotify)collet_update_list_free, error);
}

void
collet_reloader_updates_async (ColletReloader *reloader, const char *subscriber, gint64 uid, guint64 sequence,
                               guint limit, GAsyncReadyCallback callback, gpointer user_data)
{
  collet_store_updates_async (reloader->store, subscriber, uid, sequence, limit, on_updates,
                              g_task_new (reloader, NULL, callback, user_data));
}

ColletUpdateList *
collet_reloader_updates_finish (ColletReloader *reloader, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
on_listed (GObject *object, GAsyncResult *result, gpointer data)
{
  GError *error = NULL;
  GPtrArray *rows = collet_store_subscriptions_finish (COLLET_STORE (object), result, &error);

  answer (data, rows, (GDestroyNotify)g_ptr_array_unref, error);
}

void
collet_reloader_subscriptions_async (ColletReloader *reloader, const char *subscriber,
                                     GAsyncReadyCallback callback, gpointer user_data)
{
  collet_store_subscriptions_async (reloader->store, subscriber, on_listed,
                                    g_task_new (reloader, NULL, callback, user_data));
}

GPtrArray *
collet_reloader_subscriptions_finish (ColletReloader *reloader, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
