/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-store-smoke.h"

#include "collet-smoke-table.h"
#include "collet-store-private.h"

typedef struct
{
  char *module;
  char *tests; /* or NULL */
  gint64 uid;
  char *reason; /* or NULL */
} Input;

static void
input_free (Input *input)
{
  g_free (input->module);
  g_free (input->tests);
  g_free (input->reason);
  g_free (input);
}

static gboolean
perform_set (ColletDatabase *db, ColletRequest *request, GError **error)
{
  const Input *input = request->input;

  return collet_smoke_table_set (db, input->module, input->tests, input->uid, input->reason, error);
}

static const ColletRequestClass set_class = {
  .perform = perform_set,
  .is_write = TRUE,
  .free_input = (GDestroyNotify)input_free,
};

void
collet_store_set_smoke_tests_async (ColletStore *self, const char *module, const char *tests, gint64 uid,
                                    const char *reason, GAsyncReadyCallback callback, gpointer user_data)
{
  Input *input = g_new0 (Input, 1);

  input->module = g_strdup (module);
  input->tests = g_strdup (tests);
  input->uid = uid;
  input->reason = g_strdup (reason);
  collet_store_submit (self, &set_class, input, collet_store_set_smoke_tests_async, callback, user_data);
}

gboolean
collet_store_set_smoke_tests_finish (ColletStore *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
