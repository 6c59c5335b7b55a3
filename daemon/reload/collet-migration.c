/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * State from one version to another: old exports; if the formats differ, the
 * newer of the two translates (it alone knows both); next imports. And, before
 * anybody depends on it, whether the newer one can translate it back.
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

/* ---- the way back ---- */

typedef struct
{
  GBytes *original;
  guint32 format;
} Proof;

static void
proof_free (Proof *proof)
{
  g_bytes_unref (proof->original);
  g_free (proof);
}

static gsize
find_difference (GBytes *one, GBytes *other)
{
  gsize one_size, other_size, at = 0;
  const char *a = g_bytes_get_data (one, &one_size);
  const char *b = g_bytes_get_data (other, &other_size);

  while (at < MIN (one_size, other_size) && a[at] == b[at])
    at++;
  return at;
}

static void
on_translated_back (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  const Proof *proof = g_task_get_task_data (task);
  ColletGeneration *next = COLLET_GENERATION (object);
  const ColletGenerationSpec *spec = collet_generation_get_spec (next);
  GError *error = NULL;
  g_autoptr (GBytes) back = collet_generation_code_change_finish (next, result, &error);

  if (back != NULL && g_bytes_equal (back, proof->original))
    g_task_return_pointer (task, (gpointer)COLLET_WAY_BACK_MIGRATE, NULL);
  else if (back != NULL)
    g_task_return_new_error (task, COLLET_ERROR, COLLET_ERROR_STATE_MIGRATION_FAILED,
                             "%s %s converts the state from format %u and back to other bytes: they differ "
                             "at byte %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT
                             ". So a rollback would not give the state back.",
                             spec->module, spec->version->semver, proof->format,
                             find_difference (back, proof->original), g_bytes_get_size (proof->original));
  else if (collet_generation_get_state (next) != COLLET_GENERATION_READY ||
           !g_error_matches (error, COLLET_ERROR, COLLET_ERROR_STATE_MIGRATION_FAILED))
    g_task_return_error (task, g_steal_pointer (&error)); /* it crashed, or was cancelled */
  else
    g_task_return_pointer (task, (gpointer)COLLET_WAY_BACK_SNAPSHOT, NULL);
  g_clear_error (&error);
}

void
collet_migration_prove_async (ColletGeneration *old, ColletGeneration *next, GBytes *original,
                              GBytes *carried, GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer user_data)
{
  GTask *task = g_task_new (next, cancellable, callback, user_data);
  Proof *proof = g_new0 (Proof, 1);
  guint32 from = collet_generation_get_spec (old)->manifest->state_format;
  guint32 to = collet_generation_get_spec (next)->manifest->state_format;

  proof->original = g_bytes_ref (original);
  proof->format = from;
  g_task_set_task_data (task, proof, (GDestroyNotify)proof_free);
  if (from < to)
    {
      collet_generation_code_change_async (next, COLLET_DOWN, from, carried, cancellable, on_translated_back,
                                           task);
      return;
    }
  g_task_return_pointer (task, (gpointer)COLLET_WAY_BACK_MIGRATE, NULL); /* no translation, or its reverse */
  g_object_unref (task);
}

const char *
collet_migration_prove_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
