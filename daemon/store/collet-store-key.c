/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-store-key.h"

#include "collet-store-private.h"

/* ---- store thread ---- */

/* Since when a key is seen as revoked stays. */
static gboolean
remove_others (ColletDatabase *db, GStrv ids, GError **error)
{
  g_autofree char *list = g_strjoinv (" ", ids);
  ColletStatement *statement =
      collet_statement_begin (db, "DELETE FROM revoked_key WHERE instr (?1, id) = 0");

  collet_statement_add_text (statement, list);
  return collet_statement_run (statement, error);
}

static gboolean
perform_set (ColletDatabase *db, ColletRequest *request, GError **error)
{
  GStrv ids = request->input;

  if (!remove_others (db, ids, error))
    return FALSE;
  for (guint i = 0; ids[i] != NULL; i++)
    {
      ColletStatement *statement =
          collet_statement_begin (db, "INSERT OR IGNORE INTO revoked_key (id, seen_at) VALUES (?, ?)");

      collet_statement_add_text (statement, ids[i]);
      collet_statement_add_int (statement, g_get_real_time ());
      if (!collet_statement_run (statement, error))
        return FALSE;
    }
  return TRUE;
}

static const ColletRequestClass set_class = {
  .perform = perform_set,
  .is_write = TRUE,
  .is_relaxed = TRUE, /* each start looks at the folder */
  .free_input = (GDestroyNotify)g_strfreev,
};

/* ---- main thread ---- */

void
collet_store_set_revoked_keys_async (ColletStore *self, GHashTable *ids, GAsyncReadyCallback callback,
                                     gpointer user_data)
{
  g_autofree gpointer *keys = g_hash_table_get_keys_as_array (ids, NULL);

  collet_store_submit (self, &set_class, g_strdupv ((char **)keys), collet_store_set_revoked_keys_async,
                       callback, user_data);
}

gboolean
collet_store_set_revoked_keys_finish (ColletStore *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, collet_store_set_revoked_keys_async), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}
