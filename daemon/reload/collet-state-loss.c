/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a crash costs is said: on the module's object, in the log and in the
 * database.
 */
#include "collet-reloader-private.h"

#include "collet-rows.h"

static void
on_recorded (GObject *object, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  if (!collet_store_record_recovery_finish (COLLET_STORE (object), result, &error))
    g_warning ("That a module goes on with a saved state could not be recorded: %s", error->message);
}

void
collet_reloader_note_state_loss (ColletReloader *self, ColletDeployment *deployment,
                                 ColletGeneration *generation, const char *cause)
{
  const ColletGenerationSpec *spec = collet_generation_get_spec (generation);
  gint64 saved_at = collet_deployment_get_state_saved_at (deployment);
  ColletRecoveryRow *row = collet_recovery_row_new ();

  row->module = g_strdup (spec->module);
  row->sha256 = g_strdup (spec->version->sha256);
  row->generation = spec->number;
  row->cause = cause;
  row->saved_at = saved_at;
  row->at = g_get_real_time ();
  if (saved_at > 0)
    g_message ("Module %s goes on with its state of %.3f s ago; what was done since is lost.", spec->module,
               (double)(row->at - saved_at) / G_USEC_PER_SEC);
  else
    g_message ("Module %s starts empty: its state had never been saved.", spec->module);
  collet_deployment_set_state_restored (deployment, row->at, saved_at > 0 ? row->at - saved_at : -1);
  collet_store_record_recovery_async (self->store, row, on_recorded, NULL);
}

static void
on_crashed (ColletDeployment *deployment, ColletGeneration *generation, const GError *error,
            gboolean will_restart, gpointer data)
{
  if (will_restart && collet_generation_get_spec (generation)->manifest->stateful)
    collet_reloader_note_state_loss (data, deployment, generation, "worker");
}

void
collet_reloader_watch_state (ColletReloader *self, ColletDeployment *deployment)
{
  g_signal_connect_object (deployment, "crashed", G_CALLBACK (on_crashed), self, 0);
}
