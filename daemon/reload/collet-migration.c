/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * State from one version to another: old exports; if the formats differ, the
 * newer of the two translates (it alone knows both); next imports.
 */
#include "collet-reloader-private.h"

#include "collet-error.h"
#include "collet-module.h"

typedef struct
{
  ColletGeneration *next;
  GBytes *state;
} Carry;

static void
carry_free (Carry *carry)
{
  g_object_unref (carry->next);
  g_clear_pointer (&carry->state, g_bytes_unref);
  g_free (carry);
}

static void
on_imported (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Carry *carry = g_task_get_task_data (task);
  GError *error = NULL;

  if (!collet_generation_import_state_finish (COLLET_GENERATION (object), result, &error))
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, g_bytes_ref (carry->state), (GDestroyNotify)g_bytes_unref);
}

static void
import (GTask *task, GBytes *state)
{
  Carry *carry = g_task_get_task_data (task);

  carry->state = state;
  collet_generation_import_state_async (carry->next, state, g_task_get_cancellable (task), on_imported, task);
}

static void
on_translated (GObject *object, GAsyncResult *result, gpointer data)
{
  GTask *task = data;
  GError *error = NULL;
  GBytes *state = collet_generation_code_change_finish (COLLET_GENERATION (object), result, &error);

  if (state != NULL)
    {
      import (task, state);
      return;
    }
  g_task_return_error (task, error);
  g_object_unref (task);
}

void
collet_migration_carry_async (ColletGeneration *old, ColletGeneration *next, GBytes *state,
                              GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (next, cancellable, callback, user_data);
  Carry *carry = g_new0 (Carry, 1);
  guint32 from = collet_generation_get_spec (old)->manifest->state_format;
  guint32 to = collet_generation_get_spec (next)->manifest->state_format;

  carry->next = g_object_ref (next);
  g_task_set_task_data (task, carry, (GDestroyNotify)carry_free);

  if (from == to)
    import (task, g_bytes_ref (state));
  else if (from < to)
    collet_generation_code_change_async (next, COLLET_UP, from, state, cancellable, on_translated, task);
  else
    collet_generation_code_change_async (old, COLLET_DOWN, to, state, cancellable, on_translated, task);
}

GBytes *
collet_migration_carry_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
