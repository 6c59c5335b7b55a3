/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-store-version.h"

#include "collet-store-private.h"
#include "collet-version-table.h"

typedef struct
{
  char *module;
  char *sha256;
  gboolean is_pinned;
  gint64 uid;
  char *reason;
  GPtrArray *versions;
  gint64 before;
} Input;

static void
input_free (Input *input)
{
  g_free (input->module);
  g_free (input->sha256);
  g_free (input->reason);
  g_clear_pointer (&input->versions, g_ptr_array_unref);
  g_free (input);
}

/* ---- store thread ---- */

static gboolean
perform_versions (ColletDatabase *db, ColletRequest *request, GError **error)
{
  const Input *input = request->input;

  request->output = collet_version_table_read (db, input->module, error);
  return request->output != NULL;
}

static gboolean
perform_pin (ColletDatabase *db, ColletRequest *request, GError **error)
{
  const Input *input = request->input;

  return collet_version_table_pin (db, input->sha256, input->is_pinned, input->uid, input->reason, error);
}

static gboolean
perform_remove (ColletDatabase *db, ColletRequest *request, GError **error)
{
  const Input *input = request->input;

  request->output = collet_version_table_remove (db, input->versions, input->before, error);
  return request->output != NULL;
}

static const ColletRequestClass versions_class = {
  .perform = perform_versions,
  .has_answer = TRUE,
  .free_input = (GDestroyNotify)input_free,
  .free_output = (GDestroyNotify)g_ptr_array_unref,
};

static const ColletRequestClass pin_class = {
  .perform = perform_pin,
  .is_write = TRUE,
  .free_input = (GDestroyNotify)input_free,
};

static const ColletRequestClass remove_class = {
  .perform = perform_remove,
  .is_write = TRUE,
  .has_answer = TRUE,
  .free_input = (GDestroyNotify)input_free,
  .free_output = (GDestroyNotify)g_ptr_array_unref,
};

/* ---- main thread ---- */

void
collet_store_versions_async (ColletStore *self, const char *module, GAsyncReadyCallback callback,
                             gpointer user_data)
{
  Input *input = g_new0 (Input, 1);

  input->module = g_strdup (module);
  collet_store_submit (self, &versions_class, input, collet_store_versions_async, callback, user_data);
}

GPtrArray *
collet_store_versions_finish (ColletStore *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, collet_store_versions_async), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
collet_store_pin_version_async (ColletStore *self, const char *sha256, gboolean is_pinned, gint64 uid,
                                const char *reason, GAsyncReadyCallback callback, gpointer user_data)
{
  Input *input = g_new0 (Input, 1);

  input->sha256 = g_strdup (sha256);
  input->is_pinned = is_pinned;
  input->uid = uid;
  input->reason = g_strdup (reason);
  collet_store_submit (self, &pin_class, input, collet_store_pin_version_async, callback, user_data);
}

gboolean
collet_store_pin_version_finish (ColletStore *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, collet_store_pin_version_async), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
collet_store_remove_versions_async (ColletStore *self, GPtrArray *versions, gint64 before,
                                    GAsyncReadyCallback callback, gpointer user_data)
{
  Input *input = g_new0 (Input, 1);

  input->versions = versions;
  input->before = before;
  collet_store_submit (self, &remove_class, input, collet_store_remove_versions_async, callback, user_data);
}

GPtrArray *
collet_store_remove_versions_finish (ColletStore *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, collet_store_remove_versions_async), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}
