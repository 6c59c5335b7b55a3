/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-examination.h"

#include <glib/gstdio.h>

#include "collet-candidate.h"
#include "collet-error.h"
#include "collet-parallel.h"
#include "collet-verdict.h"

/* A child does one thing at a time; a large batch is worth one for each processor. */
#define MAX_LANES 4
#define WORTH_A_LANE 24 /* artifacts */

typedef struct
{
  ColletArtifactStore *store;
  ColletSpawn *spawn;
  ColletTrustPolicy trust;
  struct collet_limits limits;
  ColletArtifactIntake *intakes;
  guint n;
  gboolean is_trial;
  ColletTrial **trial_of; /* one an intake; NULL: it could not be copied */
  GPtrArray *trials;      /* ColletTrial, one for each distinct artifact */
  GPtrArray *candidates;  /* ColletCandidate, one an intake; written by threads */
  GError *sync_error;     /* written by the thread that syncs */
  GError *error;          /* of the whole batch, else */
  int n_threads;          /* atomic: of sync and judge, how many are at work */
  guint n_pending;        /* likewise, as the main thread knows */
  guint n_lanes;          /* children that are at work */
} Examination;

static void
examination_free (Examination *self)
{
  for (guint i = 0; i < self->n; i++)
    {
      g_free ((char *)self->intakes[i].source.path);
      g_free ((char *)self->intakes[i].source.name);
      if (self->intakes[i].source.fd >= 0)
        g_close (self->intakes[i].source.fd, NULL);
      collet_artifact_intake_clear (&self->intakes[i]);
    }
  g_free (self->intakes);
  g_free (self->trial_of);
  g_ptr_array_unref (self->trials);
  g_clear_pointer (&self->candidates, g_ptr_array_unref);
  g_clear_error (&self->sync_error);
  g_clear_error (&self->error);
  collet_trust_policy_clear (&self->trust);
  g_object_unref (self->spawn);
  collet_artifact_store_unref (self->store);
  g_free (self);
}

static void
free_candidate (gpointer candidate)
{
  if (candidate != NULL)
    collet_candidate_free (candidate);
}

static Examination *
examination_new (const ColletExaminer *examiner, const ColletArtifactSource *sources, guint n,
                 gboolean is_trial)
{
  Examination *self = g_new0 (Examination, 1);

  self->store = collet_artifact_store_ref (examiner->store);
  self->spawn = g_object_ref (examiner->spawn);
  collet_trust_policy_copy (&examiner->trust, &self->trust);
  self->limits = examiner->limits;
  self->is_trial = is_trial;
  self->n = n;
  self->intakes = g_new0 (ColletArtifactIntake, n);
  self->trial_of = g_new0 (ColletTrial *, n);
  self->trials = g_ptr_array_new_with_free_func ((GDestroyNotify)collet_trial_free);
  self->candidates = g_ptr_array_new_with_free_func (free_candidate);
  g_ptr_array_set_size (self->candidates, (int)n);
  for (guint i = 0; i < n; i++)
    {
      self->intakes[i].source.path = g_strdup (sources[i].path);
      self->intakes[i].source.name = g_strdup (sources[i].name);
      self->intakes[i].source.fd = sources[i].path != NULL ? -1 : sources[i].fd;
    }
  return self;
}

/* ---- judging, and letting go ---- */

/* By the last of the threads that use what was taken. */
static void
release_all (Examination *self)
{
  gboolean failed = self->error != NULL || self->sync_error != NULL;

  for (guint i = 0; i < self->n; i++)
    {
      ColletCandidate *candidate = g_ptr_array_index (self->candidates, i);
      gboolean keep = !failed && candidate != NULL && candidate->error == NULL;

      if (keep && !self->is_trial)
        candidate->path = g_strdup (self->intakes[i].path);
      collet_artifact_store_release (self->store, &self->intakes[i], keep);
    }
}

static void
judge_share (ColletParallel *parallel, gpointer user_data)
{
  Examination *self = user_data;
  guint i;

  while (collet_parallel_next (parallel, &i))
    self->candidates->pdata[i] = collet_verdict_new (&self->intakes[i], self->trial_of[i], &self->trust);
}

static void
judge_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Examination *self = task_data;

  if (self->error == NULL)
    collet_parallel_run (self->n, judge_share, self);
  if (g_atomic_int_dec_and_test (&self->n_threads))
    release_all (self);
  g_task_return_boolean (task, TRUE);
}

static void
sync_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Examination *self = task_data;
  g_autoptr (GError) error = NULL;

  if (!collet_artifact_store_sync (self->store, self->intakes, self->n, &error))
    self->sync_error = g_steal_pointer (&error);
  if (g_atomic_int_dec_and_test (&self->n_threads))
    release_all (self);
  g_task_return_boolean (task, TRUE);
}

static void
conclude (GTask *task)
{
  Examination *self = g_task_get_task_data (task);

  if (self->error != NULL)
    g_task_return_error (task, g_steal_pointer (&self->error));
  else if (self->sync_error != NULL)
    g_task_return_error (task, g_steal_pointer (&self->sync_error));
  else
    g_task_return_pointer (task, g_steal_pointer (&self->candidates), (GDestroyNotify)g_ptr_array_unref);
}

static void
on_thread_ended (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Examination *self = g_task_get_task_data (task);

  if (--self->n_pending == 0)
    conclude (task);
}

/* The examination outlives its steps: the outer task owns it, and each step
 * holds the outer task. */
static void
run_step (GTask *task, GTaskThreadFunc func, GAsyncReadyCallback callback)
{
  g_autoptr (GTask) step = g_task_new (NULL, NULL, callback, g_object_ref (task));

  g_task_set_task_data (step, g_task_get_task_data (task), NULL);
  g_task_run_in_thread (step, func);
}

static void
judge (GTask *task)
{
  run_step (task, judge_in_thread, on_thread_ended);
}

/* ---- trying ---- */

static void
on_tried (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Examination *self = g_task_get_task_data (task);

  GError *error = NULL;

  if (!collet_trial_run_finish (result, &error))
    {
      if (self->error == NULL)
        self->error = collet_error_convert (error);
      else
        g_error_free (error);
    }
  if (--self->n_lanes == 0)
    judge (task);
}

static void
start_trials (GTask *task)
{
  Examination *self = g_task_get_task_data (task);
  guint n = self->trials->len;
  guint n_lanes = CLAMP (n / WORTH_A_LANE, 1, MIN (g_get_num_processors (), MAX_LANES));

  self->n_lanes = n_lanes;
  for (guint lane = 0; lane < n_lanes; lane++)
    {
      g_autoptr (GPtrArray) share = g_ptr_array_new ();
      for (guint i = n * lane / n_lanes; i < n * (lane + 1) / n_lanes; i++)
        g_ptr_array_add (share, g_ptr_array_index (self->trials, i));
      collet_trial_run_async (self->spawn, share, &self->limits, !self->is_trial,
                              g_task_get_cancellable (task), on_tried, g_object_ref (task));
    }
}

static const GError *
find_store_error (Examination *self)
{
  for (guint i = 0; i < self->n; i++)
    {
      if (self->intakes[i].error != NULL && collet_artifact_error_is_store (self->intakes[i].error))
        return self->intakes[i].error;
    }
  return NULL;
}

/* The same bytes given twice are one file in the store, and tried once. */
static void
plan_trials (Examination *self)
{
  g_autoptr (GHashTable) by_path = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < self->n; i++)
    {
      const ColletArtifactIntake *intake = &self->intakes[i];
      if (intake->error != NULL || intake->trust.error != NULL)
        continue; /* nothing of what is not trusted runs, wherever */
      ColletTrial *trial = g_hash_table_lookup (by_path, intake->path);
      if (trial == NULL)
        {
          trial = collet_trial_new (intake->path);
          g_ptr_array_add (self->trials, trial);
          g_hash_table_insert (by_path, trial->path, trial);
        }
      self->trial_of[i] = trial;
    }
}

static void
on_taken (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Examination *self = g_task_get_task_data (task);
  const GError *store_error = find_store_error (self);

  if (store_error != NULL)
    self->error = g_error_copy (store_error);
  else if (g_cancellable_set_error_if_cancelled (g_task_get_cancellable (task), &self->error))
    self->error = collet_error_convert (self->error);
  else
    plan_trials (self);

  gboolean syncs = self->trials->len > 0 && !self->is_trial;
  self->n_pending = syncs ? 2 : 1;
  g_atomic_int_set (&self->n_threads, (int)self->n_pending);
  if (self->trials->len == 0)
    {
      judge (task);
      return;
    }
  if (syncs)
    run_step (task, sync_in_thread, on_thread_ended);
  start_trials (task);
}

static void
keep_signature (ColletArtifactStore *store, const ColletArtifactIntake *intake)
{
  const ColletArtifactTrust *trust = &intake->trust;
  gboolean is_verified = trust->signature != NULL;

  if (intake->error == NULL && trust->error == NULL && (is_verified || trust->unknown_signature != NULL))
    collet_artifact_store_keep_signature (store, intake,
                                          is_verified ? trust->signature : trust->unknown_signature,
                                          is_verified);
}

static void
take_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Examination *self = task_data;

  collet_artifact_store_take (self->store, self->intakes, self->n, self->is_trial);
  collet_trust_judge (&self->trust, self->intakes, self->n);
  for (guint i = 0; i < self->n; i++)
    keep_signature (self->store, &self->intakes[i]);
  g_task_return_boolean (task, TRUE);
}

void
collet_examination_run_async (const ColletExaminer *examiner, const ColletArtifactSource *sources,
                              guint n_sources, gboolean is_trial, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);

  g_task_set_source_tag (task, collet_examination_run_async);
  /* A result that is there is given, cancelled or not. */
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, examination_new (examiner, sources, n_sources, is_trial),
                        (GDestroyNotify)examination_free);
  run_step (task, take_in_thread, on_taken);
}

GPtrArray *
collet_examination_run_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
