/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "collet-trial.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "collet-error.h"

#define MORE_MS 50          /* that each further candidate may take */
#define MOST_MS (30 * 1000) /* for one child, however many they are */

ColletTrial *
collet_trial_new (const char *path)
{
  ColletTrial *self = g_new0 (ColletTrial, 1);

  self->path = g_strdup (path);
  return self;
}

void
collet_trial_free (ColletTrial *self)
{
  g_free (self->path);
  g_clear_pointer (&self->read, g_bytes_unref);
  g_clear_pointer (&self->run, g_bytes_unref);
  g_clear_pointer (&self->refusals, g_ptr_array_unref);
  g_free (self);
}

char *
collet_trial_dup_death (const ColletTrial *self)
{
  if (WIFSIGNALED (self->wait_status))
    return g_strdup_printf ("was killed by signal %d (%s)", WTERMSIG (self->wait_status),
                            strsignal (WTERMSIG (self->wait_status)));
  return g_strdup_printf ("ended its process with exit status %d", WEXITSTATUS (self->wait_status));
}

typedef struct
{
  ColletSpawn *spawn;
  GPtrArray *trials;   /* all of them */
  GPtrArray *pending;  /* ColletTrial, borrowed: what the present child has, or the next will */
  GPtrArray *suspects; /* likewise: failed beside others, to be tried alone at the end */
  struct collet_limits limits;
  gboolean is_brief;
  gint64 child_deadline; /* monotonic */
  gint64 batch_deadline;
} Run;

static void
run_free (Run *run)
{
  g_object_unref (run->spawn);
  g_ptr_array_unref (run->suspects);
  g_ptr_array_unref (run->pending);
  g_ptr_array_unref (run->trials);
  g_free (run);
}

static void start_child (GTask *task);

/* A word that only a failed check brings. To be wrong costs no more than a trial. */
static gboolean
looks_failed (GBytes *report)
{
  static const char word[] = "\"failed\"";
  gsize size = 0;
  const char *text = report != NULL ? g_bytes_get_data (report, &size) : NULL;

  return text != NULL && memmem (text, size, word, sizeof word - 1) != NULL;
}

static void
take_reports (Run *run, GPtrArray *reports)
{
  for (guint i = 0; i < reports->len && i < run->pending->len; i++)
    {
      ColletTrial *trial = g_ptr_array_index (run->pending, i);
      const ColletProbed *probed = g_ptr_array_index (reports, i);

      g_clear_pointer (&trial->read, g_bytes_unref);
      g_clear_pointer (&trial->run, g_bytes_unref);
      trial->read = probed->read != NULL ? g_bytes_ref (probed->read) : NULL;
      trial->run = probed->run != NULL ? g_bytes_ref (probed->run) : NULL;
      g_clear_pointer (&trial->refusals, g_ptr_array_unref);
      trial->refusals = probed->refusals != NULL ? g_ptr_array_ref (probed->refusals) : NULL;
      trial->tried = TRUE;
      /* It may have been short of what a neighbour did not give back. */
      if (i > 0 && looks_failed (trial->run))
        g_ptr_array_add (run->suspects, trial);
    }
}

static gboolean
was_deadline (const Run *run, int wait_status)
{
  if (!WIFSIGNALED (wait_status))
    return FALSE;
  if (WTERMSIG (wait_status) == SIGXCPU)
    return TRUE;
  return WTERMSIG (wait_status) == SIGKILL && g_get_monotonic_time () >= run->child_deadline;
}

/* What is left for the next child. While files are read nothing of them runs, so
 * who it was is certain. Later it is only for the first; anybody else goes to the
 * head of the next child. */
static void
blame (Run *run, guint died_at, int wait_status)
{
  ColletTrial *suspect = g_ptr_array_index (run->pending, died_at);
  gboolean is_certain = died_at == 0 || suspect->read == NULL;
  g_autoptr (GPtrArray) former = g_steal_pointer (&run->pending);

  run->pending = g_ptr_array_new ();
  if (is_certain)
    {
      suspect->died = TRUE;
      suspect->wait_status = wait_status;
      suspect->timed_out = was_deadline (run, wait_status);
    }
  else
    g_ptr_array_add (run->pending, suspect);
  for (guint i = 0; i < former->len; i++)
    {
      ColletTrial *trial = g_ptr_array_index (former, i);
      if (trial != suspect && trial->run == NULL)
        g_ptr_array_add (run->pending, trial);
    }
}

static void
on_probed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Run *run = g_task_get_task_data (task);
  GError *error = NULL;
  int died_at = -1;
  int wait_status = 0;
  g_autoptr (GPtrArray) reports =
      collet_spawn_probe_finish (COLLET_SPAWN (source), result, &died_at, &wait_status, &error);

  if (reports == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  take_reports (run, reports);
  if (died_at < 0 || (guint)died_at >= run->pending->len)
    g_ptr_array_set_size (run->pending, 0);
  else
    blame (run, (guint)died_at, wait_status);
  if (run->pending->len == 0 && run->suspects->len > 0)
    g_ptr_array_add (run->pending, g_ptr_array_steal_index (run->suspects, 0));
  start_child (g_steal_pointer (&task));
}

static void
give_up_rest (Run *run)
{
  for (guint i = 0; i < run->pending->len; i++)
    {
      ColletTrial *trial = g_ptr_array_index (run->pending, i);
      trial->timed_out = TRUE;
      trial->tried = FALSE;
    }
  g_ptr_array_set_size (run->pending, 0);
}

/* Takes the task. */
static void
start_child (GTask *task)
{
  Run *run = g_task_get_task_data (task);
  gint64 now = g_get_monotonic_time ();
  struct collet_limits limits = run->limits;

  if (g_task_return_error_if_cancelled (task))
    {
      g_object_unref (task);
      return;
    }
  if (now >= run->batch_deadline)
    give_up_rest (run);
  guint n = run->pending->len;
  if (n == 0)
    {
      g_task_return_boolean (task, TRUE);
      g_object_unref (task);
      return;
    }

  g_autofree const char **paths = g_new0 (const char *, n + 1);
  for (guint i = 0; i < n; i++)
    paths[i] = ((ColletTrial *)g_ptr_array_index (run->pending, i))->path;
  limits.deadline_ms = MIN (limits.deadline_ms + (n - 1) * MORE_MS, MAX (limits.deadline_ms, MOST_MS));
  run->child_deadline = now + (gint64)limits.deadline_ms * 1000;
  collet_spawn_probe_async (run->spawn, paths, &limits, run->is_brief, g_task_get_cancellable (task),
                            on_probed, task);
}

void
collet_trial_run_async (ColletSpawn *spawn, GPtrArray *trials, const struct collet_limits *limits,
                        gboolean brief, GCancellable *cancellable, GAsyncReadyCallback callback,
                        gpointer user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);
  Run *run = g_new0 (Run, 1);

  g_task_set_source_tag (task, collet_trial_run_async);
  run->spawn = g_object_ref (spawn);
  run->trials = g_ptr_array_ref (trials);
  run->pending = g_ptr_array_new ();
  run->suspects = g_ptr_array_new ();
  for (guint i = 0; i < trials->len; i++)
    g_ptr_array_add (run->pending, g_ptr_array_index (trials, i));
  run->limits = *limits;
  run->is_brief = brief;
  run->batch_deadline = g_get_monotonic_time () + COLLET_TRIAL_BATCH_TIMEOUT_US;
  g_task_set_task_data (task, run, (GDestroyNotify)run_free);
  start_child (task);
}

gboolean
collet_trial_run_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
