/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-versions.h"

#include "collet-error.h"
#include "collet-reloader-private.h"
#include "collet-store-version.h"

static void
on_versions (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;
  GPtrArray *rows = collet_store_versions_finish (COLLET_STORE (object), result, &error);

  if (rows == NULL)
    g_task_return_error (task, collet_error_convert (error));
  else
    g_task_return_pointer (task, rows, (GDestroyNotify)g_ptr_array_unref);
}

void
collet_reloader_versions_async (ColletReloader *self, const char *module, GAsyncReadyCallback callback,
                                gpointer user_data)
{
  collet_store_versions_async (self->store, module, on_versions,
                               g_task_new (self, NULL, callback, user_data));
}

GPtrArray *
collet_reloader_versions_finish (ColletReloader *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
on_retained (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  ColletReloader *self = g_task_get_source_object (task);
  GError *error = NULL;

  if (!collet_store_pin_version_finish (COLLET_STORE (object), result, &error))
    {
      g_task_return_error (task, collet_error_convert (error));
      return;
    }
  collet_housekeeper_look_soon (self->housekeeper);
  g_task_return_boolean (task, TRUE);
}

void
collet_reloader_retain_async (ColletReloader *self, const char *module, const char *selector, gboolean retain,
                              gint64 uid, const char *reason, GAsyncReadyCallback callback,
                              gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  GError *error = NULL;
  const ColletVersion *version = collet_reloader_find_version (self, module, selector, &error);

  if (version == NULL)
    {
      g_task_return_error (task, error);
      g_object_unref (task);
      return;
    }
  collet_store_pin_version_async (self->store, version->sha256, retain, uid, reason, on_retained, task);
}

gboolean
collet_reloader_retain_finish (ColletReloader *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
